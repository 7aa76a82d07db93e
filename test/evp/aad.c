/*
 * The AAD: given in updates without an output, before any data, for one message.
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <stdlib.h>

#define BLOCK   65536
#define AAD_MAX 65536

static struct fixture f;
static const unsigned char text[] = "what is sealed";
static unsigned char room[2 * BLOCK];

static unsigned char *seal(const char *pairs, const void *aad, size_t aad_len, size_t *len)
{
    return fixture_seal_for(&f, (struct fixture_place){pairs, aad, aad_len, 0}, len);
}

static int open_with(const char *pairs, const void *aad, size_t aad_len, size_t step,
                     const unsigned char *sealed, size_t len)
{
    return fixture_open_for(&f, (struct fixture_place){pairs, aad, aad_len, step}, sealed, len);
}

static void aad_in_parts(void **state)
{
    static const size_t lens[] = {1, 2, 63, 64, 65, 4096, 65535, 65536};
    static const size_t steps[] = {1, 7, 1000, 65536};
    unsigned char *aad = fixture_plain(AAD_MAX, 1), *sealed;
    size_t i, k, len;

    (void)state;
    for (i = 0; i < sizeof lens / sizeof *lens; i++) {
        sealed = seal(i % 2 ? "a=1" : "", aad, lens[i], &len);
        for (k = 0; k < sizeof steps / sizeof *steps; k++)
            assert_int_equal(open_with(i % 2 ? "a=1" : "", aad, lens[i], steps[k], sealed, len), 0);
        assert_int_equal(open_with(i % 2 ? "a=1" : "", aad, lens[i] - 1, 4096, sealed, len),
                         BYOK_R_CONTEXT_MISMATCH);
        assert_int_equal(open_with(i % 2 ? "" : "a=1", aad, lens[i], 4096, sealed, len),
                         BYOK_R_CONTEXT_MISMATCH);
        aad[lens[i] - 1] ^= 1;
        assert_int_equal(open_with(i % 2 ? "a=1" : "", aad, lens[i], 4096, sealed, len),
                         BYOK_R_CONTEXT_MISMATCH);
        aad[lens[i] - 1] ^= 1;
        free(sealed);
    }
    free(aad);
}

static void aad_that_is_too_long(void **state)
{
    static const size_t steps[] = {1000, 32768, 65536, 65537};
    unsigned char *aad = fixture_plain(AAD_MAX + 1, 1);
    EVP_CIPHER_CTX *ctx;
    size_t i;
    int n;

    (void)state;
    for (i = 0; i < sizeof steps / sizeof *steps; i++) {
        ctx = fixture_ctx(&f, i % 2 == 0, "a");
        assert_int_equal(fixture_add_aad(ctx, aad, AAD_MAX + 1, steps[i]), 0);
        assert_int_equal(fixture_reason(), BYOK_R_BAD_CONTEXT);
        assert_int_equal(EVP_CipherUpdate(ctx, room, &n, text, 1), 0);
        assert_int_equal(fixture_reason(), BYOK_R_NOT_STARTED);
        EVP_CIPHER_CTX_free(ctx);
    }
    free(aad);
}

/* It belongs to its message alone; and not to one that was given up. */
static void aad_does_not_stay(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    unsigned char *sealed;
    size_t len;

    (void)state;
    assert_int_equal(fixture_add_aad(ctx, text, 5, 5), 1);
    assert_int_equal(fixture_drive(ctx, text, sizeof text, 0, &sealed, &len), 1);
    assert_int_equal(open_with("", text, 5, 1, sealed, len), 0);
    assert_int_equal(open_with("", NULL, 0, 1, sealed, len), BYOK_R_CONTEXT_MISMATCH);
    free(sealed);
    assert_int_equal(fixture_init(ctx, 1, NULL), 1);
    assert_int_equal(fixture_drive(ctx, text, sizeof text, 0, &sealed, &len), 1);
    assert_int_equal(open_with("", NULL, 0, 1, sealed, len), 0);
    free(sealed);
    assert_int_equal(fixture_init(ctx, 1, NULL), 1);
    assert_int_equal(fixture_add_aad(ctx, text, 5, 5), 1);
    assert_int_equal(fixture_init(ctx, 1, NULL), 1);
    assert_int_equal(fixture_drive(ctx, text, sizeof text, 0, &sealed, &len), 1);
    assert_int_equal(open_with("", NULL, 0, 1, sealed, len), 0);
    free(sealed);
    EVP_CIPHER_CTX_free(ctx);
}

/* The encoding of pairs as AAD isn't the pairs, nor is the text; a part of the one is no part of
 * the other. */
static void aad_is_not_pairs(void **state)
{
    static const char encoded[] = "\0\1\0\1a\0\1b"; /* a=b */
    size_t len;
    unsigned char *sealed = seal("a=b", NULL, 0, &len);

    (void)state;
    assert_int_equal(open_with("", "a=b", 3, 1, sealed, len), BYOK_R_CONTEXT_MISMATCH);
    assert_int_equal(open_with("", encoded, 8, 1, sealed, len), BYOK_R_CONTEXT_MISMATCH);
    assert_int_equal(open_with("", encoded, 2, 1, sealed, len), BYOK_R_CONTEXT_MISMATCH);
    assert_int_equal(open_with("a=b", "\0", 1, 1, sealed, len), BYOK_R_CONTEXT_MISMATCH);
    assert_int_equal(open_with("a=b", "\0\0\0\0", 4, 1, sealed, len), BYOK_R_CONTEXT_MISMATCH);
    free(sealed);
    sealed = seal("", encoded, 8, &len);
    assert_int_equal(open_with("a=b", NULL, 0, 1, sealed, len), BYOK_R_CONTEXT_MISMATCH);
    assert_int_equal(open_with("", encoded, 8, 3, sealed, len), 0);
    free(sealed);
    sealed = seal("a=", "b", 1, &len);
    assert_int_equal(open_with("a=b", NULL, 0, 1, sealed, len), BYOK_R_CONTEXT_MISMATCH);
    assert_int_equal(open_with("", "a=b", 3, 1, sealed, len), BYOK_R_CONTEXT_MISMATCH);
    free(sealed);
}

FIXTURE_GROUP(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aad_in_parts),
        cmocka_unit_test(aad_that_is_too_long),
        cmocka_unit_test(aad_does_not_stay),
        cmocka_unit_test(aad_is_not_pairs),
    };

    return cmocka_run_group_tests(tests, up, down);
}
