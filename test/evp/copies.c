/*
 * Copies of contexts: sealing until the first data, opening at any time; both go on without the
 * other.
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define LEN   20000
#define BLOCK 65536

static struct fixture f;
static unsigned char *plain;
static unsigned char room[LEN + 2 * BLOCK];

static EVP_CIPHER_CTX *copy(const EVP_CIPHER_CTX *from)
{
    EVP_CIPHER_CTX *to = EVP_CIPHER_CTX_new();

    assert_non_null(to);
    if (EVP_CIPHER_CTX_copy(to, from))
        return to;
    EVP_CIPHER_CTX_free(to);
    return NULL;
}

/* Seals on the context, which is ready, and returns the message, which opens for that place. */
static unsigned char *seal(EVP_CIPHER_CTX *ctx, const char *pairs, const char *aad, size_t *len)
{
    EVP_CIPHER_CTX *opening = fixture_ctx(&f, 0, "a");
    unsigned char *sealed, *opened;
    size_t opened_len;

    assert_int_equal(fixture_drive(ctx, plain, LEN, 1000, &sealed, len), 1);
    assert_int_equal(fixture_set_pairs(opening, pairs), 1);
    assert_int_equal(fixture_add_aad(opening, aad, strlen(aad), 0), 1);
    assert_int_equal(fixture_drive(opening, sealed, *len, 0, &opened, &opened_len), 1);
    assert_int_equal(opened_len, LEN);
    assert_memory_equal(opened, plain, LEN);
    free(opened);
    EVP_CIPHER_CTX_free(opening);
    return sealed;
}

static void sealing_before_data(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a"), *other, *third;
    unsigned char *one, *two, *three;
    size_t len;

    (void)state;
    assert_int_equal(fixture_set_pairs(ctx, "a=1"), 1);
    assert_int_equal(fixture_add_aad(ctx, "begin", 5, 0), 1);
    other = copy(ctx);
    assert_non_null(other);
    /* from here on they differ */
    assert_int_equal(fixture_set_pairs(other, "b=2"), 1);
    assert_int_equal(fixture_add_aad(other, "-other", 6, 0), 1);
    third = copy(other);
    assert_non_null(third);
    one = seal(ctx, "a=1", "begin", &len);
    EVP_CIPHER_CTX_free(ctx);
    two = seal(other, "b=2", "begin-other", &len);
    EVP_CIPHER_CTX_free(other);
    three = seal(third, "b=2", "begin-other", &len);
    assert_memory_not_equal(one + 8, two + 8, 32); /* salts */
    assert_memory_not_equal(two + 8, three + 8, 32);
    assert_int_equal(fixture_init(third, 1, NULL), 1); /* the pairs stay, the AAD doesn't */
    free(three);
    three = seal(third, "b=2", "", &len);
    EVP_CIPHER_CTX_free(third);
    free(one);
    free(two);
    free(three);
}

static void sealing_after_data(void **state)
{
    static const size_t begun[] = {1, 100, 4096, 5000};
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    unsigned char *sealed = malloc(LEN + BLOCK), *opened;
    size_t i, have, opened_len;
    int len;

    (void)state;
    assert_non_null(sealed);
    for (i = 0; i < sizeof begun / sizeof *begun; i++) {
        assert_int_equal(EVP_CipherUpdate(ctx, sealed, &len, plain, (int)begun[i]), 1);
        have = (size_t)len;
        assert_null(copy(ctx));
        assert_true(fixture_raised(BYOK_R_NO_COPY));
        /* the original isn't harmed */
        assert_int_equal(
            EVP_CipherUpdate(ctx, sealed + have, &len, plain + begun[i], (int)(LEN - begun[i])), 1);
        have += (size_t)len;
        assert_null(copy(ctx));
        assert_true(fixture_raised(BYOK_R_NO_COPY));
        assert_int_equal(EVP_CipherFinal_ex(ctx, sealed + have, &len), 1);
        have += (size_t)len;
        opened = fixture_run(&f, 0, "a", sealed, have, 0, &opened_len);
        assert_non_null(opened);
        assert_int_equal(opened_len, LEN);
        assert_memory_equal(opened, plain, LEN);
        free(opened);
        assert_int_equal(fixture_init(ctx, 1, NULL), 1);
    }
    free(sealed);
    EVP_CIPHER_CTX_free(ctx);
}

/* A context without a key, and one whose message was given up by another init, can be copied. */
static void sealing_without_a_message(void **state)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new(), *other;
    size_t n;
    int len;

    (void)state;
    assert_non_null(ctx);
    assert_int_equal(EVP_CipherInit_ex2(ctx, f.cipher, NULL, NULL, 1, NULL), 1);
    other = copy(ctx);
    assert_non_null(other);
    assert_int_equal(EVP_CipherUpdate(other, room, &len, plain, 1), 0);
    assert_int_equal(fixture_reason(), BYOK_R_NO_KEY);
    EVP_CIPHER_CTX_free(other);

    assert_int_equal(fixture_init(ctx, 1, "a"), 1);
    assert_int_equal(EVP_CipherUpdate(ctx, room, &len, plain, 10), 1);
    assert_int_equal(fixture_init(ctx, 1, NULL), 1);
    other = copy(ctx);
    assert_non_null(other);
    free(seal(other, "", "", &n));
    free(seal(ctx, "", "", &n));
    EVP_CIPHER_CTX_free(other);
    EVP_CIPHER_CTX_free(ctx);
}

/* Finishes opening from `done` on, where `have` bytes were released before; in turns when there are
 * two. */
static void finish(EVP_CIPHER_CTX *ctx[2], const unsigned char *sealed, size_t sealed_len,
                   size_t done, unsigned char *opened[2], size_t have)
{
    size_t got[2] = {have, have}, n;
    int i, len;

    for (; done < sealed_len; done += n) {
        n = sealed_len - done < 1500 ? sealed_len - done : 1500;
        for (i = 0; i < 2; i++) {
            assert_int_equal(
                EVP_CipherUpdate(ctx[i], opened[i] + got[i], &len, sealed + done, (int)n), 1);
            got[i] += (size_t)len;
        }
    }
    for (i = 0; i < 2; i++) {
        assert_int_equal(EVP_CipherFinal_ex(ctx[i], opened[i] + got[i], &len), 1);
        assert_int_equal(got[i] + (size_t)len, LEN);
        assert_memory_equal(opened[i], plain, LEN);
    }
}

static void opening_at_every_stage(void **state)
{
    static const size_t stages[] = {0,    1,    7,    100,  319,  320,  321,   335,   336,
                                    2000, 4431, 4432, 4433, 5000, 9000, 15000, 20399, 20400};
    unsigned char *sealed, *opened[2] = {malloc(LEN + BLOCK), malloc(LEN + BLOCK)};
    EVP_CIPHER_CTX *ctx[2], *first = fixture_ctx(&f, 1, "a");
    size_t sealed_len, i;
    int len = 0;

    (void)state;
    assert_non_null(opened[0]);
    assert_non_null(opened[1]);
    assert_int_equal(fixture_drive(first, plain, LEN, 0, &sealed, &sealed_len), 1);
    assert_int_equal(sealed_len, 20400);
    EVP_CIPHER_CTX_free(first);
    for (i = 0; i < sizeof stages / sizeof *stages; i++) {
        ctx[0] = fixture_ctx(&f, 0, "a");
        assert_int_equal(EVP_CipherUpdate(ctx[0], opened[0], &len, sealed, (int)stages[i]), 1);
        ctx[1] = copy(ctx[0]);
        assert_non_null(ctx[1]);
        memcpy(opened[1], opened[0], (size_t)len);
        finish(ctx, sealed, sealed_len, stages[i], opened, (size_t)len);
        EVP_CIPHER_CTX_free(ctx[0]);
        EVP_CIPHER_CTX_free(ctx[1]);
    }
    free(opened[0]);
    free(opened[1]);
    free(sealed);
}

/* The copy is whole without the original, also when that fails or is freed first. */
static void opening_independent(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 0, "a"), *other;
    size_t sealed_len, half = 6000;
    unsigned char *sealed = fixture_run(&f, 1, "a", plain, LEN, 0, &sealed_len), *opened;
    int len, more, last;

    (void)state;
    assert_non_null(sealed);
    opened = malloc(LEN + BLOCK);
    assert_non_null(opened);
    assert_int_equal(EVP_CipherUpdate(ctx, opened, &len, sealed, (int)half), 1);
    other = copy(ctx);
    assert_non_null(other);
    assert_int_equal(EVP_CipherUpdate(ctx, room, &more, plain, LEN), 0);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_PAGE);
    EVP_CIPHER_CTX_free(ctx);
    assert_int_equal(
        EVP_CipherUpdate(other, opened + len, &more, sealed + half, (int)(sealed_len - half)), 1);
    assert_int_equal(EVP_CipherFinal_ex(other, opened + len + more, &last), 1);
    assert_int_equal(len + more + last, LEN);
    assert_memory_equal(opened, plain, LEN);
    EVP_CIPHER_CTX_free(other);
    free(opened);
    free(sealed);
}

/* A copy takes the place of whatever the target was doing. */
static void onto_a_used_context(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a"), *busy = fixture_ctx(&f, 1, "b");
    size_t n;
    int len;

    (void)state;
    assert_int_equal(fixture_set_pairs(ctx, "a=1"), 1);
    assert_int_equal(EVP_CipherUpdate(busy, room, &len, plain, 5000), 1);
    assert_int_equal(EVP_CIPHER_CTX_copy(busy, ctx), 1);
    EVP_CIPHER_CTX_free(ctx);
    free(seal(busy, "a=1", "", &n));
    EVP_CIPHER_CTX_free(busy);
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
    plain = fixture_plain(LEN, 1);
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
        cmocka_unit_test(sealing_before_data),       cmocka_unit_test(sealing_after_data),
        cmocka_unit_test(sealing_without_a_message), cmocka_unit_test(opening_at_every_stage),
        cmocka_unit_test(opening_independent),       cmocka_unit_test(onto_a_used_context),
    };

    return cmocka_run_group_tests(tests, up, down);
}
