/*
 * envelope/context: C of doc/format.md, byte for byte.
 */
#include "envelope/context.h"

#include "test/unit/check.h"

#include <openssl/sha.h>

static struct byok_crypto *crypto;
static struct byok_context context;

static void pairs(const char *text)
{
    WORKS(byok_pairs_parse(&context.pairs, text, strlen(text), &status));
}

static void aad(const void *data, size_t len)
{
    WORKS(byok_context_add_aad(&context, data, len, &status));
}

/* The digest is the SHA-256 of these bytes. */
static void digest_is_of(const struct byok_context *of, const void *bytes, size_t len)
{
    unsigned char expected[32], out[BYOK_SHA256_BYTES] = {0};

    assert_non_null(SHA256(bytes, len, expected));
    WORKS(byok_context_digest(of, crypto, out, &status));
    assert_memory_equal(out, expected, sizeof expected);
}

#define DIGEST_IS_OF(bytes) digest_is_of(&context, bytes, sizeof(bytes) - 1)

static void the_empty_context_is_six_zeros(void **state)
{
    (void)state;
    DIGEST_IS_OF("\0\0\0\0\0\0");
    pairs(" ");
    aad("", 0);
    aad(NULL, 0);
    DIGEST_IS_OF("\0\0\0\0\0\0");
    pairs("a=b");
    aad("x", 1);
    pairs("");
    byok_context_drop_aad(&context);
    DIGEST_IS_OF("\0\0\0\0\0\0");
}

static void pairs_and_aad_are_encoded(void **state)
{
    (void)state;
    pairs("b=2,a=1");
    DIGEST_IS_OF("\0\2\0\1a\0\1\61\0\1b\0\1\62\0\0\0\0");
    aad("xyz", 3);
    DIGEST_IS_OF("\0\2\0\1a\0\1\61\0\1b\0\1\62\0\0\0\3xyz");
    pairs("");
    DIGEST_IS_OF("\0\0\0\0\0\3xyz");
    aad("\0", 1);
    DIGEST_IS_OF("\0\0\0\0\0\4xyz\0");
    byok_context_drop_aad(&context);
    pairs("a=");
    DIGEST_IS_OF("\0\1\0\1a\0\0\0\0\0\0");
}

static void aad_comes_in_parts_up_to_its_limit(void **state)
{
    static unsigned char whole[6 + BYOK_AAD_MAX] = {0, 0, 0, 1, 0, 0};
    unsigned char *part;
    size_t i, n, done;

    (void)state;
    for (i = 0; i < BYOK_AAD_MAX; i++)
        whole[6 + i] = (unsigned char)(i * 11 + i / 256);
    for (done = 0, n = 1; done < BYOK_AAD_MAX; done += n, n = n * 3 + 1) {
        if (n > BYOK_AAD_MAX - done)
            n = BYOK_AAD_MAX - done;
        part = exact(whole + 6 + done, n);
        aad(part, n);
        free(part);
    }
    assert_int_equal(context.aad_len, BYOK_AAD_MAX);
    digest_is_of(&context, whole, sizeof whole);
    aad("", 0);
    FAILS(BYOK_R_BAD_CONTEXT, byok_context_add_aad(&context, whole, 1, &status));
    FAILS(BYOK_R_BAD_CONTEXT, byok_context_add_aad(&context, whole, SIZE_MAX, &status));
    digest_is_of(&context, whole, sizeof whole);
    byok_context_drop_aad(&context);
    FAILS(BYOK_R_BAD_CONTEXT, byok_context_add_aad(&context, whole, BYOK_AAD_MAX + 1, &status));
    aad(whole + 6, BYOK_AAD_MAX);
    digest_is_of(&context, whole, sizeof whole);
}

static void dropping_aad_keeps_the_pairs(void **state)
{
    (void)state;
    pairs("a=b");
    aad("xyz", 3);
    byok_context_drop_aad(&context);
    assert_null(context.aad);
    DIGEST_IS_OF("\0\1\0\1a\0\1b\0\0\0\0");
    byok_context_clear(&context);
    DIGEST_IS_OF("\0\0\0\0\0\0");
}

static void a_copy_goes_on_by_itself(void **state)
{
    static const char both[] = "\0\1\0\1a\0\1b\0\0\0\3xyz", more[] = "\0\1\0\1a\0\1b\0\0\0\4xyz!";
    struct byok_context copy;

    (void)state;
    memset(&copy, 0, sizeof copy);
    pairs("a=b");
    aad("xyz", 3);
    WORKS(byok_context_copy(&copy, &context, &status));
    digest_is_of(&copy, both, sizeof both - 1);
    aad("!", 1);
    DIGEST_IS_OF("\0\1\0\1a\0\1b\0\0\0\4xyz!");
    digest_is_of(&copy, both, sizeof both - 1);
    WORKS(byok_context_copy(&copy, &context, &status)); /* over an old one */
    digest_is_of(&copy, more, sizeof more - 1);
    byok_context_clear(&context);
    digest_is_of(&copy, more, sizeof more - 1);
    WORKS(byok_context_copy(&copy, &context, &status));
    digest_is_of(&copy, "\0\0\0\0\0\0", 6);
    byok_context_clear(&copy);
}

static int group_up(void **state)
{
    (void)state;
    memset(&status, 0, sizeof status);
    crypto = byok_crypto_new("default", &status);
    return crypto != NULL ? 0 : -1;
}

static int group_down(void **state)
{
    (void)state;
    byok_crypto_free(crypto);
    return 0;
}

static int down(void **state)
{
    (void)state;
    byok_context_clear(&context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_empty_context_is_six_zeros, down),
        cmocka_unit_test_teardown(pairs_and_aad_are_encoded, down),
        cmocka_unit_test_teardown(aad_comes_in_parts_up_to_its_limit, down),
        cmocka_unit_test_teardown(dropping_aad_keeps_the_pairs, down),
        cmocka_unit_test_teardown(a_copy_goes_on_by_itself, down),
    };

    return cmocka_run_group_tests(tests, group_up, group_down);
}
