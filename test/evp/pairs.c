/*
 * What a message belongs to: the pairs of `byok-context`, and the AAD.
 */
#include "byok/names.h"
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK   65536
#define AAD_MAX 65536

static struct fixture f;
static const unsigned char text[] = "what is sealed";
static unsigned char room[AAD_MAX + BLOCK];

static const char *get(EVP_CIPHER_CTX *ctx)
{
    static char value[3 * 8192 + 1024];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, value, sizeof value),
        OSSL_PARAM_END};

    memset(value, 'x', sizeof value);
    assert_int_equal(EVP_CIPHER_CTX_get_params(ctx, params), 1);
    assert_true(OSSL_PARAM_modified(params));
    return value;
}

/* Runs a message through the context, which is ready; the reason of its failure, 0 when it worked.
 */
static int run(EVP_CIPHER_CTX *ctx, const unsigned char *in, size_t in_len, unsigned char **out,
               size_t *out_len)
{
    if (fixture_drive(ctx, in, in_len, 0, out, out_len))
        return 0;
    assert_int_equal(*out_len, 0);
    return fixture_reason();
}

static unsigned char *seal(const char *pairs, size_t *len)
{
    return fixture_seal_for(&f, (struct fixture_place){.pairs = pairs}, len);
}

static int open_with(const char *pairs, const unsigned char *sealed, size_t len)
{
    return fixture_open_for(&f, (struct fixture_place){.pairs = pairs}, sealed, len);
}

/* Whether what is sealed with the one opens with the other. */
static int pairs_agree(const char *one, const char *other)
{
    size_t len;
    unsigned char *sealed = seal(one, &len);
    int reason = open_with(other, sealed, len);

    assert_true(reason == 0 || reason == BYOK_R_CONTEXT_MISMATCH);
    free(sealed);
    return reason == 0;
}

static void spellings_that_agree(void **state)
{
    static const char *const same[][2] = {
        {"", ""},
        {"a=1", "a=1"},
        {"b=2,a=1", "a=1,b=2"},
        {" a = 1 , b = 2 ", "a=1,b=2"},
        {"%61=%31,b=2", "a=1,b=2"},
        {"k=x=y", "k=x%3Dy"},
        {"k=x%3dy", "k=x%3Dy"},
        {"k=a%2cb", "k=a%2Cb"},
        {"k=a b", "k=a%20b"},
        {"k=", "k= "},
        {"k=\xc3\xa4", "k=%c3%A4"},
        {"a=1,ab=2,b=3", "b=3,ab=2,a=1"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof same / sizeof *same; i++) {
        assert_true(pairs_agree(same[i][0], same[i][1]));
        assert_true(pairs_agree(same[i][1], same[i][0]));
    }
}

static void pairs_that_differ(void **state)
{
    static const char *const other[][2] = {
        {"", "a=1"},
        {"a=1", "a=2"},
        {"a=1", "a=1,b=2"},
        {"a=1", "A=1"},
        {"a=1", "b=1"},
        {"ab=c", "a=bc"},
        {"a=1,b=2", "a=1%2Cb=2"},
        {"a=1,b=2", "a=2,b=1"},
        {"a=", "a=%20"},
        {"a=x", "a=x%20"},
        {"a=\xc3\xa4", "a=a\xcc\x88"}, /* no Unicode normalisation */
        {"a=%2561", "a=%61"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof other / sizeof *other; i++) {
        assert_false(pairs_agree(other[i][0], other[i][1]));
        assert_false(pairs_agree(other[i][1], other[i][0]));
    }
}

static void set_fails(const char *pairs)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");

    assert_int_equal(fixture_set_pairs(ctx, "before=1"), 1);
    assert_int_equal(fixture_set_pairs(ctx, pairs), 0);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_CONTEXT);
    assert_string_equal(get(ctx), "before=1");
    EVP_CIPHER_CTX_free(ctx);
}

static void malformed_pairs(void **state)
{
    static const char *const bad[] = {
        "a",           "=",
        "=b",          ",",
        "a=1,",        ",a=1",
        "a=1,,b=2",    "a=1,b",
        "a=1,a=1",     "a=1,b=2,a=",
        "a=1,%61=2",   "a=%",
        "a=%4",        "a=%zz",
        "a=%4g",       "%=1",
        "a=%00",       "a%00=1",
        "a=%0A",       "a=x\ny",
        "a=%1f",       "a=%7f",
        "a=\x7fz",     "a=%c0%80",
        "a=%ED%A0%80", "a=%ff",
        "a=\xff",      "a=%e2%82",
        "a=\xc3",      "a=%f4%90%80%80",
        "a\x01=1",     "a=%80",
        "\xff=1",      "a=%e2%82,b=%ac",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        set_fails(bad[i]);
}

/* `count` pairs, the first of them with `extra` bytes more in its value; on the heap. */
static char *many_pairs(size_t count, size_t value_len, size_t extra)
{
    char *pairs = malloc(count * (value_len + 8) + extra + 1), *at = pairs;
    size_t i, n;

    assert_non_null(pairs);
    for (i = 0; i < count; i++) {
        n = value_len + (i == 0 ? extra : 0);
        at += sprintf(at, "%sn%03u=", i == 0 ? "" : ",", (unsigned int)i);
        memset(at, 'v', n);
        at += n;
    }
    *at = '\0';
    return pairs;
}

static void limit(int holds, size_t count, size_t value_len, size_t extra)
{
    char *pairs = many_pairs(count, value_len, extra);

    if (holds)
        assert_true(pairs_agree(pairs, pairs));
    else
        set_fails(pairs);
    free(pairs);
}

static void limits_of_pairs(void **state)
{
    char name[400];
    size_t n;

    (void)state;
    limit(1, 64, 3, 0);
    limit(0, 65, 3, 0);
    limit(1, 1, 4096, 0);
    limit(0, 1, 4097, 0);
    /* 2 + 64 * (4 + 4 + 119) = 8130 bytes encoded; the limit is 8192 */
    limit(1, 64, 119, 62);
    limit(0, 64, 119, 63);
    for (n = 255; n <= 256; n++) {
        memset(name, 'n', n);
        strcpy(name + n, "=1");
        if (n == 255)
            assert_true(pairs_agree(name, name));
        else
            set_fails(name);
    }
}

static void pairs_stay_until_changed(void **state)
{
    static const char *const turns[] = {"a=1", NULL, NULL, "b=2", NULL, "", NULL};
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    const char *now = "";
    unsigned char *sealed;
    size_t i, len;
    int n;

    (void)state;
    for (i = 0; i < sizeof turns / sizeof *turns; i++) {
        if (turns[i] != NULL)
            assert_int_equal(fixture_set_pairs(ctx, now = turns[i]), 1);
        assert_string_equal(get(ctx), now);
        assert_int_equal(run(ctx, text, sizeof text, &sealed, &len), 0);
        assert_int_equal(open_with(now, sealed, len), 0);
        assert_int_equal(open_with("z=26", sealed, len), BYOK_R_CONTEXT_MISMATCH);
        free(sealed);
        /* a message that is given up changes nothing */
        assert_int_equal(fixture_init(ctx, i % 2, "b"), 1);
        assert_int_equal(EVP_CipherUpdate(ctx, room, &n, (const unsigned char *)"BYOK", 4), 1);
        assert_int_equal(fixture_init(ctx, 1, "a"), 1);
    }
    EVP_CIPHER_CTX_free(ctx);
}

static void pairs_given_to_init(void **state)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    char value[] = "a=1,b=2", bad[] = "a";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, value, 0),
                           OSSL_PARAM_END};
    OSSL_PARAM bad_params[] = {OSSL_PARAM_construct_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, bad, 0),
                               OSSL_PARAM_END};
    unsigned char key[32] = "a", *sealed;
    size_t len;

    (void)state;
    assert_non_null(ctx);
    assert_int_equal(EVP_CipherInit_ex2(ctx, f.cipher, key, NULL, 1, bad_params), 0);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_CONTEXT);
    assert_int_equal(EVP_CipherInit_ex2(ctx, f.cipher, key, NULL, 1, params), 1);
    assert_string_equal(get(ctx), value);
    assert_int_equal(run(ctx, text, sizeof text, &sealed, &len), 0);
    assert_int_equal(open_with(value, sealed, len), 0);
    assert_int_equal(open_with("", sealed, len), BYOK_R_CONTEXT_MISMATCH);
    free(sealed);
    EVP_CIPHER_CTX_free(ctx);
}

/* Both come before any data; what was set before stays in force. */
static void pairs_and_aad_after_data(void **state)
{
    size_t sealed_len, len;
    unsigned char *sealed = seal("a=1", &sealed_len), *out;
    EVP_CIPHER_CTX *ctx;
    int sealing, n;

    (void)state;
    for (sealing = 0; sealing <= 1; sealing++) {
        ctx = fixture_ctx(&f, sealing, "a");
        assert_int_equal(fixture_set_pairs(ctx, "a=1"), 1);
        assert_int_equal(EVP_CipherUpdate(ctx, room, &n, sealed, 1), 1);
        assert_int_equal(fixture_set_pairs(ctx, "b=2"), 0);
        assert_int_equal(fixture_reason(), BYOK_R_BAD_CONTEXT);
        assert_string_equal(get(ctx), "a=1");
        if (!sealing) {
            assert_int_equal(run(ctx, sealed + 1, sealed_len - 1, &out, &len), 0);
            assert_int_equal(len, sizeof text);
            free(out);
        }
        assert_int_equal(fixture_init(ctx, -1, NULL), 1);
        assert_int_equal(EVP_CipherUpdate(ctx, room, &n, sealed, 1), 1);
        assert_int_equal(EVP_CipherUpdate(ctx, NULL, &n, text, 1), 0);
        assert_int_equal(fixture_reason(), BYOK_R_BAD_CONTEXT);
        assert_int_equal(EVP_CipherUpdate(ctx, room, &n, sealed + 1, 1), 0);
        assert_int_equal(fixture_reason(), BYOK_R_NOT_STARTED);
        EVP_CIPHER_CTX_free(ctx);
    }
    free(sealed);
}

static void get_and_set_other_than_text(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a"), *other = fixture_ctx(&f, 1, "a");
    const char *odd = "z=%20x%2C%25%3D ,a%3Db=%C3%A4=,empty=";
    char small[4] = "xyz";
    int number = 5;
    OSSL_PARAM as_number[] = {OSSL_PARAM_int(BYOK_CIPHER_PARAM_CONTEXT, &number), OSSL_PARAM_END};
    OSSL_PARAM too_small[] = {OSSL_PARAM_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, small, 3),
                              OSSL_PARAM_END};
    OSSL_PARAM size_only[] = {OSSL_PARAM_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, NULL, 0),
                              OSSL_PARAM_END};
    unsigned char *sealed;
    char *copy;
    size_t len;

    (void)state;
    assert_int_equal(fixture_set_pairs(ctx, "a=1,b=2"), 1);
    assert_int_equal(EVP_CIPHER_CTX_set_params(ctx, as_number), 0);
    assert_int_equal(EVP_CIPHER_CTX_get_params(ctx, as_number), 0);
    assert_int_equal(number, 5);
    assert_int_equal(EVP_CIPHER_CTX_get_params(ctx, too_small), 0);
    assert_int_equal(small[3], '\0');
    assert_int_equal(EVP_CIPHER_CTX_get_params(ctx, size_only), 1);
    assert_int_equal(size_only[0].return_size, strlen("a=1,b=2"));
    (void)fixture_reason();
    assert_string_equal(get(ctx), "a=1,b=2");

    /* what is read can be set again, and means the same */
    assert_int_equal(fixture_set_pairs(ctx, odd), 1);
    copy = strdup(get(ctx));
    assert_non_null(copy);
    assert_int_equal(fixture_set_pairs(other, copy), 1);
    assert_string_equal(get(other), copy);
    free(copy);
    assert_int_equal(run(other, text, sizeof text, &sealed, &len), 0);
    assert_int_equal(open_with(odd, sealed, len), 0);
    free(sealed);
    EVP_CIPHER_CTX_free(other);
    EVP_CIPHER_CTX_free(ctx);
}

FIXTURE_GROUP(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_that_agree),     cmocka_unit_test(pairs_that_differ),
        cmocka_unit_test(malformed_pairs),          cmocka_unit_test(limits_of_pairs),
        cmocka_unit_test(pairs_stay_until_changed), cmocka_unit_test(pairs_given_to_init),
        cmocka_unit_test(pairs_and_aad_after_data), cmocka_unit_test(get_and_set_other_than_text),
    };

    return cmocka_run_group_tests(tests, up, down);
}
