/*
 * What becomes of a KMS's failures, and of replies that are none.
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"
#include "test/support/kms.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define LEN   30000
#define BLOCK 65536
#define WRAP  72 /* bytes; a reply to a wrap has at least as many, one to an unwrap 32 */
#define DEK   32

static struct fixture f;
static unsigned char *plain;
static unsigned char *foreign; /* what another process sealed under a */
static size_t foreign_len;

/* Nothing is cached, nothing counted. */
static void begin(void)
{
    fixture_restart(&f, NULL);
    test_kms_reset();
}

static void seal_right(void)
{
    size_t len, released;
    unsigned char *sealed = fixture_run(&f, 1, "a", plain, LEN, 0, &len);

    assert_non_null(sealed);
    assert_int_equal(fixture_try(&f, "a", sealed, len, 0, plain, LEN, &released), 0);
    free(sealed);
}

static void open_right(void)
{
    size_t released;

    assert_int_equal(fixture_try(&f, "a", foreign, foreign_len, 0, plain, LEN, &released), 0);
}

/* A first update, and a final without data, fail and emit nothing; the reason of both. */
static int nothing_emitted(int seal_it)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, seal_it, "a");
    unsigned char out[1000 + BLOCK], expected[1000 + BLOCK];
    int n = -1, reason;

    memset(out, 0xc5, sizeof out);
    memset(expected, 0xc5, sizeof expected);
    assert_int_equal(EVP_CipherUpdate(ctx, out, &n, seal_it ? plain : foreign, 1000), 0);
    assert_int_equal(n, 0);
    reason = fixture_reason();
    if (seal_it) {
        assert_int_equal(fixture_init(ctx, -1, NULL), 1);
        assert_int_equal(EVP_CipherFinal_ex(ctx, out, &n), 0);
        assert_int_equal(fixture_reason(), reason);
    }
    assert_memory_equal(out, expected, sizeof out);
    EVP_CIPHER_CTX_free(ctx);
    return reason;
}

static void failures(void **state)
{
    static const int reasons[] = {BYOK_R_UNAVAILABLE, BYOK_R_DENIED,    BYOK_R_THROTTLED,
                                  BYOK_R_DISABLED,    BYOK_R_NOT_FOUND, BYOK_R_BAD_REPLY};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        begin();
        test_kms.fail_with = reasons[i];
        assert_int_equal(nothing_emitted(1), reasons[i]);
        assert_int_equal(nothing_emitted(0), reasons[i]);
        test_kms_reset(); /* it works again */
        seal_right();
        open_right();
        assert_int_equal(test_kms.wraps, 1);
        test_kms.fail_with = reasons[i]; /* what is cached, works on */
        seal_right();
        open_right();
    }
}

/* The error names the KEK, and says what to do. */
static void failure_text(void **state)
{
    EVP_CIPHER_CTX *ctx;
    unsigned char out[BLOCK + 10];
    const char *data;
    int n, flags;

    (void)state;
    begin();
    ctx = fixture_ctx(&f, 1, "b");
    test_kms.fail_with = BYOK_R_DENIED;
    assert_int_equal(EVP_CipherUpdate(ctx, out, &n, plain, 10), 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error_data(&data, &flags)), BYOK_R_DENIED);
    assert_non_null(strstr(data, "KEK \"b\""));
    assert_non_null(strstr(data, "grant the caller the use of this KEK"));
    ERR_clear_error();
    EVP_CIPHER_CTX_free(ctx);
}

/* A wrap that is cut would make a message that never opens. */
static void cut_replies_to_wraps(void **state)
{
    int cut;

    (void)state;
    begin();
    for (cut = 0; cut < WRAP; cut++) {
        test_kms.cut_reply_to = cut;
        assert_int_equal(nothing_emitted(1), BYOK_R_BAD_REPLY);
    }
    test_kms_reset();
    seal_right();
}

static void cut_replies_to_unwraps(void **state)
{
    int cut, reason;

    (void)state;
    begin();
    for (cut = 0; cut < DEK; cut++) {
        test_kms.cut_reply_to = cut;
        reason = nothing_emitted(0);
        assert_true(reason == BYOK_R_BAD_REPLY || reason == BYOK_R_BAD_CIPHERTEXT);
    }
    test_kms_reset();
    open_right();
}

static const int more[] = {1, 8, 32, 64, 1000, 2900, 3000, 4096, 65000, 65536};

static void oversized_replies_to_wraps(void **state)
{
    size_t i;

    (void)state;
    begin();
    for (i = 0; i < sizeof more / sizeof *more; i++) {
        test_kms.grow_reply_by = more[i];
        assert_int_equal(nothing_emitted(1), BYOK_R_BAD_REPLY);
    }
    test_kms_reset();
    seal_right();
}

static void oversized_replies_to_unwraps(void **state)
{
    size_t i;
    int reason;

    (void)state;
    begin();
    for (i = 0; i < sizeof more / sizeof *more; i++) {
        test_kms.grow_reply_by = more[i];
        reason = nothing_emitted(0);
        assert_true(reason == BYOK_R_BAD_REPLY || reason == BYOK_R_BAD_CIPHERTEXT);
    }
    test_kms_reset();
    open_right();
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
    plain = fixture_plain(LEN, 1);
    foreign = fixture_run(&f, 1, "a", plain, LEN, 0, &foreign_len);
    assert_non_null(foreign);
    return 0;
}

static int down(void **state)
{
    (void)state;
    free(foreign);
    free(plain);
    fixture_down(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures),
        cmocka_unit_test(failure_text),
        cmocka_unit_test(cut_replies_to_wraps),
        cmocka_unit_test(cut_replies_to_unwraps),
        cmocka_unit_test(oversized_replies_to_wraps),
        cmocka_unit_test(oversized_replies_to_unwraps),
    };

    return cmocka_run_group_tests(tests, up, down);
}
