/*
 * How often the KMS is asked.
 */
#include "test/support/cmocka.h"
#include "test/support/fixture.h"
#include "test/support/kms.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LEN   30000
#define BLOCK 65536

static struct fixture f;
static unsigned char *plain;

/* A provider with nothing cached, on a KEK file with these options for all KEKs. Counts from zero.
 */
static void begin(const char *options)
{
    char text[512];

    snprintf(text, sizeof text,
             "%s\n[a]\nuri = test://%s/a.key\n[b]\nuri = test://%s/b.key\n"
             "[same]\nuri = test://%s/a.key\n",
             options, f.dir, f.dir, f.dir);
    fixture_restart(&f, text);
    test_kms_reset();
}

static void assert_calls(unsigned int wraps, unsigned int unwraps)
{
    assert_int_equal(test_kms.wraps, wraps);
    assert_int_equal(test_kms.unwraps, unwraps);
}

static unsigned char *seal(const char *kek, size_t *len)
{
    unsigned char *sealed = fixture_run(&f, 1, kek, plain, LEN, 4096, len);

    assert_non_null(sealed);
    return sealed;
}

static void open_right(const char *kek, const unsigned char *sealed, size_t len)
{
    size_t released;

    assert_int_equal(fixture_try(&f, kek, sealed, len, 4096, plain, LEN, &released), 0);
}

/* Messages that other processes sealed: [0] and [1] with one data key, [2] with another, all under
 * a. */
static unsigned char *foreign[3];
static size_t foreign_len;

static void make_foreign(void)
{
    begin("");
    foreign[0] = seal("a", &foreign_len);
    foreign[1] = seal("a", &foreign_len);
    begin("");
    foreign[2] = seal("a", &foreign_len);
}

static void init_asks_nothing(void **state)
{
    EVP_CIPHER_CTX *ctx;
    int i;

    (void)state;
    begin("");
    for (i = 0; i < 10; i++) {
        ctx = fixture_ctx(&f, i % 2, i % 3 ? "a" : "b");
        assert_int_equal(fixture_init(ctx, -1, "a"), 1);
        assert_int_equal(fixture_set_pairs(ctx, "a=1"), 1);
        assert_int_equal(fixture_add_aad(ctx, "x", 1, 0), 1);
        EVP_CIPHER_CTX_free(ctx);
    }
    assert_calls(0, 0);
    assert_int_equal(test_kms.identifies, 0);
}

static void sealing(void **state)
{
    EVP_CIPHER_CTX *ctx;
    unsigned char *out;
    size_t len;
    int i;

    (void)state;
    begin("");
    for (i = 0; i < 5; i++) {
        free(seal("a", &len));
        assert_calls(1, 0);
    }
    free(seal("b", &len));
    assert_calls(2, 0);
    free(seal("a", &len));
    assert_calls(2, 0);
    ctx = fixture_ctx(&f, 1, "a"); /* an empty message */
    assert_int_equal(fixture_drive(ctx, plain, 0, 0, &out, &len), 1);
    free(out);
    EVP_CIPHER_CTX_free(ctx);
    assert_calls(2, 0);
}

static void opening(void **state)
{
    int i;

    (void)state;
    begin("");
    for (i = 0; i < 5; i++) {
        open_right("a", foreign[i % 2], foreign_len);
        assert_calls(0, 1);
    }
    open_right("a", foreign[2], foreign_len);
    assert_calls(0, 2);
    for (i = 0; i < 3; i++)
        open_right("a", foreign[i], foreign_len);
    assert_calls(0, 2);
}

/* KEKs of different names share no data keys, whatever they stand for. */
static void one_kek_of_two_names(void **state)
{
    size_t len;

    (void)state;
    begin("");
    open_right("a", foreign[0], foreign_len);
    open_right("same", foreign[0], foreign_len);
    assert_calls(0, 2);
    free(seal("a", &len));
    free(seal("same", &len));
    assert_calls(2, 2);
}

/* What was opened once does not become the data key of new messages. */
static void opened_data_keys_seal_nothing(void **state)
{
    unsigned char *sealed;
    size_t len;

    (void)state;
    begin("");
    open_right("a", foreign[0], foreign_len);
    sealed = seal("a", &len);
    assert_calls(1, 1);
    assert_memory_not_equal(sealed + 92, foreign[0] + 92, 72);
    free(sealed);
}

static void a_data_key_for_each_message(void **state)
{
    unsigned char *sealed[4];
    size_t len;
    unsigned int i;

    (void)state;
    begin("dek-max-messages = 1");
    for (i = 0; i < 4; i++) {
        sealed[i] = seal("a", &len);
        assert_calls(i + 1, 0);
        if (i > 0)
            assert_memory_not_equal(sealed[i] + 92, sealed[i - 1] + 92, 72);
    }
    for (i = 0; i < 4; i++) {
        open_right("a", sealed[i], len);
        free(sealed[i]);
    }
}

static void data_key_for_some_messages(void **state)
{
    size_t len;
    unsigned int i;

    (void)state;
    begin("dek-max-messages = 3");
    for (i = 0; i < 10; i++) {
        free(seal("a", &len));
        assert_calls(i / 3 + 1, 0);
    }
}

/* LEN is 30000: three messages are less than 100000 bytes, four are more; reckoned with or without
 * their overhead. */
static void data_key_for_some_bytes(void **state)
{
    static const unsigned int wraps[] = {1, 1, 1, 1, 2, 2, 2, 2, 3};
    size_t len;
    unsigned int i;

    (void)state;
    begin("dek-max-bytes = 100000");
    for (i = 0; i < 9; i++) {
        free(seal("a", &len));
        assert_calls(wraps[i], 0);
    }
    begin("dek-max-bytes = 1");
    for (i = 0; i < 3; i++) {
        free(seal("a", &len));
        assert_calls(i + 1, 0);
    }
}

static void nothing_cached(void **state)
{
    size_t len;
    unsigned int i;

    (void)state;
    begin("dek-cache-seconds = 0");
    for (i = 0; i < 3; i++) {
        free(seal("a", &len));
        assert_calls(i + 1, i);
        open_right("a", foreign[0], foreign_len);
        assert_calls(i + 1, i + 1);
    }
}

static void cached_for_a_second(void **state)
{
    struct timespec wait = {1, 500000000};
    EVP_CIPHER_CTX *ctx;
    unsigned char *out, *whole = malloc(LEN + BLOCK + 1000);
    size_t len, have;
    int n;

    (void)state;
    assert_non_null(whole);
    begin("dek-cache-seconds = 1");
    free(seal("a", &len));
    open_right("a", foreign[0], foreign_len);
    assert_calls(1, 1);
    /* a message that has begun goes on when its data key's time has passed */
    ctx = fixture_ctx(&f, 1, "a");
    assert_int_equal(EVP_CipherUpdate(ctx, whole, &n, plain, 10000), 1);
    have = (size_t)n;
    nanosleep(&wait, NULL);
    assert_int_equal(EVP_CipherUpdate(ctx, whole + have, &n, plain + 10000, LEN - 10000), 1);
    have += (size_t)n;
    assert_int_equal(EVP_CipherFinal_ex(ctx, whole + have, &n), 1);
    have += (size_t)n;
    assert_in_range(test_kms.wraps, 1, 2); /* 2 when this machine was slow */
    test_kms_reset();
    assert_int_equal(fixture_init(ctx, 1, NULL), 1);
    assert_int_equal(fixture_drive(ctx, plain, 100, 0, &out, &len), 1);
    open_right("a", foreign[0], foreign_len);
    assert_calls(1, 1);
    open_right("a", whole, have);
    free(out);
    free(whole);
    EVP_CIPHER_CTX_free(ctx);
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
    plain = fixture_plain(LEN, 1);
    make_foreign();
    return 0;
}

static int down(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++)
        free(foreign[i]);
    free(plain);
    fixture_down(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_asks_nothing),
        cmocka_unit_test(sealing),
        cmocka_unit_test(opening),
        cmocka_unit_test(one_kek_of_two_names),
        cmocka_unit_test(opened_data_keys_seal_nothing),
        cmocka_unit_test(a_data_key_for_each_message),
        cmocka_unit_test(data_key_for_some_messages),
        cmocka_unit_test(data_key_for_some_bytes),
        cmocka_unit_test(nothing_cached),
        cmocka_unit_test(cached_for_a_second),
    };

    return cmocka_run_group_tests(tests, up, down);
}
