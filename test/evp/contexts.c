/*
 * The life of a context: inits in every place, and calls that come too early, too late or after a
 * failure.
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"
#include "test/support/kms.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 65536

static struct fixture f;
static unsigned char *plain; /* 20000 bytes */
static unsigned char room[20000 + BLOCK];

static void init_again(EVP_CIPHER_CTX *ctx, const char *kek, int seal)
{
    assert_int_equal(fixture_init(ctx, seal, kek), 1);
}

/* The context, which was just initialised to seal, makes a right message under the KEK. */
static void seals(EVP_CIPHER_CTX *ctx, const char *kek, size_t len)
{
    unsigned char *sealed, *opened;
    size_t sealed_len, opened_len;

    assert_int_equal(fixture_drive(ctx, plain, len, 999, &sealed, &sealed_len), 1);
    opened = fixture_run(&f, 0, kek, sealed, sealed_len, 0, &opened_len);
    assert_non_null(opened);
    assert_int_equal(opened_len, len);
    assert_memory_equal(opened, plain, len);
    free(opened);
    free(sealed);
}

/* The context, which was just initialised to open, opens what was sealed under the KEK. */
static void opens(EVP_CIPHER_CTX *ctx, const char *kek, size_t len)
{
    size_t sealed_len, opened_len;
    unsigned char *sealed = fixture_run(&f, 1, kek, plain, len, 0, &sealed_len), *opened;

    assert_non_null(sealed);
    assert_int_equal(fixture_drive(ctx, sealed, sealed_len, 999, &opened, &opened_len), 1);
    assert_int_equal(opened_len, len);
    assert_memory_equal(opened, plain, len);
    free(opened);
    free(sealed);
}

static void update_fails(EVP_CIPHER_CTX *ctx, int reason)
{
    int len = -1;

    assert_int_equal(EVP_CipherUpdate(ctx, room, &len, plain, 5000), 0);
    assert_int_equal(len, 0);
    assert_int_equal(fixture_reason(), reason);
}

static void final_fails(EVP_CIPHER_CTX *ctx, int reason)
{
    int len;

    assert_int_equal(EVP_CipherFinal_ex(ctx, room, &len), 0);
    assert_int_equal(fixture_reason(), reason);
}

static void update_works(EVP_CIPHER_CTX *ctx, const unsigned char *in, size_t n)
{
    int len;

    assert_int_equal(EVP_CipherUpdate(ctx, room, &len, in, (int)n), 1);
}

static void many_messages_on_one_context(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    size_t i;

    (void)state;
    for (i = 0; i < 20; i++) {
        seals(ctx, "a", i * 1000);
        init_again(ctx, NULL, 1);
        seals(ctx, "a", i * 1000);
        init_again(ctx, "b", -1);
        seals(ctx, "b", i * 1000);
        init_again(ctx, NULL, 0);
        opens(ctx, "b", i * 1000);
        init_again(ctx, "a", 0);
        opens(ctx, "a", i * 1000);
        init_again(ctx, "a", 1);
    }
    EVP_CIPHER_CTX_free(ctx);
}

static void salts_and_messages_differ(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    unsigned char *one, *two;
    size_t one_len, two_len;

    (void)state;
    assert_int_equal(fixture_drive(ctx, plain, 5000, 0, &one, &one_len), 1);
    init_again(ctx, NULL, -1);
    assert_int_equal(fixture_drive(ctx, plain, 5000, 0, &two, &two_len), 1);
    assert_int_equal(one_len, two_len);
    assert_memory_equal(one, two, 8);
    assert_memory_not_equal(one + 8, two + 8, 32);            /* salt */
    assert_memory_not_equal(one + 40, two + 40, 32);          /* commitment */
    assert_memory_not_equal(one + 320, two + 320, 4096 + 16); /* first page */
    free(one);
    free(two);
    EVP_CIPHER_CTX_free(ctx);
}

static void inits_before_data(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "b");
    unsigned int calls = test_kms.wraps + test_kms.unwraps;
    int i;

    (void)state;
    for (i = 0; i < 50; i++)
        init_again(ctx, i % 2 ? "a" : "b", i % 3 != 0);
    assert_int_equal(test_kms.wraps + test_kms.unwraps, calls);
    init_again(ctx, "b", 1);
    init_again(ctx, "a", 1);
    seals(ctx, "a", 5000);
    EVP_CIPHER_CTX_free(ctx);
}

static void inits_in_mid_message(void **state)
{
    static const size_t begun[] = {0, 1, 100, 4096, 5000, 9000};
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    unsigned char *sealed;
    size_t i, sealed_len;

    (void)state;
    sealed = fixture_run(&f, 1, "a", plain, 20000, 0, &sealed_len);
    assert_non_null(sealed);
    for (i = 0; i < sizeof begun / sizeof *begun; i++) {
        update_works(ctx, plain, begun[i]);
        init_again(ctx, NULL, 1);
        seals(ctx, "a", 6000);
        init_again(ctx, NULL, 1);
        update_works(ctx, plain, begun[i]);
        init_again(ctx, NULL, 0);
        opens(ctx, "a", 6000);
        init_again(ctx, NULL, 0);
        update_works(ctx, sealed, begun[i]);
        init_again(ctx, "b", 0);
        opens(ctx, "b", 6000);
        init_again(ctx, "a", 0);
        update_works(ctx, sealed, begun[i]);
        init_again(ctx, "a", 1);
        seals(ctx, "a", 6000);
        init_again(ctx, "a", 1);
    }
    free(sealed);
    EVP_CIPHER_CTX_free(ctx);
}

static void without_a_key(void **state)
{
    EVP_CIPHER_CTX *ctx;
    int seal, len;

    (void)state;
    for (seal = 0; seal <= 1; seal++) {
        ctx = EVP_CIPHER_CTX_new();
        assert_non_null(ctx);
        assert_int_equal(EVP_CipherInit_ex2(ctx, f.cipher, NULL, NULL, seal, NULL), 1);
        update_fails(ctx, BYOK_R_NO_KEY);
        init_again(ctx, NULL, seal);
        final_fails(ctx, BYOK_R_NO_KEY);
        init_again(ctx, NULL, seal);
        assert_int_equal(EVP_CipherUpdate(ctx, NULL, &len, plain, 10), 0);
        assert_int_equal(fixture_reason(), BYOK_R_NO_KEY);
        init_again(ctx, "a", seal);
        if (seal)
            seals(ctx, "a", 5000);
        else
            opens(ctx, "a", 5000);
        EVP_CIPHER_CTX_free(ctx);
    }
}

static void after_the_final(void **state)
{
    EVP_CIPHER_CTX *ctx;
    int seal, len;

    (void)state;
    for (seal = 0; seal <= 1; seal++) {
        ctx = fixture_ctx(&f, seal, "a");
        if (seal)
            seals(ctx, "a", 5000);
        else
            opens(ctx, "a", 5000);
        final_fails(ctx, BYOK_R_NOT_STARTED);
        update_fails(ctx, BYOK_R_NOT_STARTED);
        assert_int_equal(EVP_CipherUpdate(ctx, NULL, &len, plain, 10), 0); /* AAD */
        assert_int_not_equal(fixture_reason(), 0);
        init_again(ctx, NULL, 1);
        seals(ctx, "a", 5000);
        update_fails(ctx, BYOK_R_NOT_STARTED);
        init_again(ctx, NULL, 0);
        opens(ctx, "a", 5000);
        EVP_CIPHER_CTX_free(ctx);
    }
}

static void after_a_failure(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 0, "a");
    unsigned char *sealed;
    size_t sealed_len;
    int len;

    (void)state;
    update_fails(ctx, BYOK_R_NOT_SEALED);
    update_fails(ctx, BYOK_R_NOT_STARTED);
    final_fails(ctx, BYOK_R_NOT_STARTED);
    init_again(ctx, NULL, -1);
    final_fails(ctx, BYOK_R_TRUNCATED);
    update_fails(ctx, BYOK_R_NOT_STARTED);
    init_again(ctx, NULL, -1);
    opens(ctx, "a", 5000);

    sealed = fixture_run(&f, 1, "a", plain, 20000, 0, &sealed_len);
    assert_non_null(sealed);
    init_again(ctx, NULL, -1);
    update_works(ctx, sealed, 9000);
    sealed[9000] ^= 1;
    assert_int_equal(EVP_CipherUpdate(ctx, room, &len, sealed + 9000, (int)sealed_len - 9000), 0);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_PAGE);
    sealed[9000] ^= 1;
    assert_int_equal(EVP_CipherUpdate(ctx, room, &len, sealed + 9000, (int)sealed_len - 9000), 0);
    assert_int_equal(fixture_reason(), BYOK_R_NOT_STARTED);
    final_fails(ctx, BYOK_R_NOT_STARTED);
    init_again(ctx, NULL, 0);
    opens(ctx, "a", 5000);
    init_again(ctx, NULL, 1);
    seals(ctx, "a", 5000);
    free(sealed);
    EVP_CIPHER_CTX_free(ctx);
}

/* A failing update touches the output of its own call alone, however long the one before was. */
static void failure_after_a_long_update(void **state)
{
    const size_t len = 1 << 20;
    unsigned char *big = fixture_plain(len, 3), *sealed, *out = malloc(len + BLOCK), *canary;
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 0, "a");
    size_t sealed_len, i;
    int n;

    (void)state;
    canary = malloc(len + 2 * BLOCK);
    assert_non_null(canary);
    assert_non_null(out);
    sealed = fixture_run(&f, 1, "a", big, len, 0, &sealed_len);
    assert_non_null(sealed);
    assert_int_equal(EVP_CipherUpdate(ctx, out, &n, sealed, (int)sealed_len - 5), 1);
    init_again(ctx, NULL, 0);
    memset(canary, 0xc5, len + 2 * BLOCK);
    assert_int_equal(EVP_CipherUpdate(ctx, canary, &n, big, 100), 0);
    assert_int_equal(fixture_reason(), BYOK_R_NOT_SEALED);
    for (i = 100 + BLOCK; i < len + 2 * BLOCK; i++)
        assert_int_equal(canary[i], 0xc5);
    free(canary);
    free(sealed);
    free(big);
    free(out);
    EVP_CIPHER_CTX_free(ctx);
}

/* After an init that failed the context doesn't go on with an earlier key. */
static void after_a_failed_init(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    unsigned char key[32] = "nobody";
    int reason, len;

    (void)state;
    assert_int_equal(EVP_CipherInit_ex2(ctx, NULL, key, NULL, 1, NULL), 0);
    assert_int_equal(fixture_reason(), BYOK_R_UNKNOWN_KEK);
    assert_int_equal(EVP_CipherUpdate(ctx, room, &len, plain, 10), 0);
    reason = fixture_reason();
    assert_true(reason == BYOK_R_NO_KEY || reason == BYOK_R_NOT_STARTED);
    init_again(ctx, "a", 1);
    seals(ctx, "a", 5000);
    EVP_CIPHER_CTX_free(ctx);
}

static void reset_and_use_again(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    unsigned char key[32] = "b";

    (void)state;
    update_works(ctx, plain, 5000);
    assert_int_equal(EVP_CIPHER_CTX_reset(ctx), 1);
    assert_int_equal(EVP_CipherInit_ex2(ctx, f.cipher, key, NULL, 1, NULL), 1);
    seals(ctx, "b", 5000);
    /* the cipher given once more */
    assert_int_equal(EVP_CipherInit_ex2(ctx, f.cipher, key, NULL, 0, NULL), 1);
    opens(ctx, "b", 5000);
    EVP_CIPHER_CTX_free(ctx);
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
    plain = fixture_plain(20000, 1);
    return 0;
}

static int down(void **state)
{
    (void)state;
    free(plain);
    fixture_down(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_messages_on_one_context),
        cmocka_unit_test(salts_and_messages_differ),
        cmocka_unit_test(inits_before_data),
        cmocka_unit_test(inits_in_mid_message),
        cmocka_unit_test(without_a_key),
        cmocka_unit_test(after_the_final),
        cmocka_unit_test(after_a_failure),
        cmocka_unit_test(after_a_failed_init),
        cmocka_unit_test(reset_and_use_again),
        cmocka_unit_test(failure_after_a_long_update),
    };

    return cmocka_run_group_tests(tests, up, down);
}
