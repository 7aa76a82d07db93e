/*
 * fork: who began to seal can't go on in the child, who opens can; the child starts clean, and
 * never hangs. Children assert nothing: they say by their exit status which step failed.
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"
#include "test/support/kms.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LEN     20000
#define BEGUN   5000
#define BLOCK   65536
#define MESSAGE 20400 /* LEN sealed */

static struct fixture f;
static unsigned char *plain;
static unsigned char (*shared)[MESSAGE]; /* with children */

static int new_message(EVP_CIPHER_CTX *sealing, EVP_CIPHER_CTX *opening, const char *kek)
{
    return fixture_message(sealing, opening, kek, plain, LEN);
}

/* Updates with the rest and the final, into `out`; 1 when that worked. */
static int go_on(EVP_CIPHER_CTX *ctx, const unsigned char *in, size_t n, unsigned char *out,
                 size_t *have)
{
    int len;

    if (!EVP_CipherUpdate(ctx, out + *have, &len, in, (int)n))
        return 0;
    *have += (size_t)len;
    if (!EVP_CipherFinal_ex(ctx, out + *have, &len))
        return 0;
    *have += (size_t)len;
    return 1;
}

static int refused_update(void *ctx)
{
    unsigned char out[LEN + BLOCK];
    int len = -1;

    if (EVP_CipherUpdate(ctx, out, &len, plain, 100) || len != 0)
        return 10;
    if (fixture_reason() != BYOK_R_FORKED)
        return 11;
    if (EVP_CipherUpdate(ctx, out, &len, plain, 100) || fixture_reason() != BYOK_R_NOT_STARTED)
        return 12;
    EVP_CIPHER_CTX_free(ctx);
    return 0;
}

static int refused_final(void *ctx)
{
    EVP_CIPHER_CTX *other = fixture_bare_ctx(&f);
    unsigned char out[BLOCK];
    int len, result;

    if (EVP_CipherFinal_ex(ctx, out, &len) || fixture_reason() != BYOK_R_FORKED)
        return 20;
    if (EVP_CipherFinal_ex(ctx, out, &len) || fixture_reason() != BYOK_R_NOT_STARTED)
        return 21;
    result = new_message(ctx, other, "a"); /* the refused context is as good as new */
    EVP_CIPHER_CTX_free(other);
    EVP_CIPHER_CTX_free(ctx);
    return result;
}

/* A grandchild of who began is refused too, whatever the child did. */
static int refused_in_grandchild(void *ctx)
{
    return fixture_in_child(0, refused_final, ctx);
}

static int copied(void *ctx)
{
    EVP_CIPHER_CTX *copy = EVP_CIPHER_CTX_new();

    if (copy == NULL || EVP_CIPHER_CTX_copy(copy, ctx))
        return 30;
    EVP_CIPHER_CTX_free(copy);
    return refused_update(ctx);
}

static void sealing_in_mid_message(void **state)
{
    static int (*const children[])(void *) = {refused_update, refused_final, refused_in_grandchild,
                                              copied};
    unsigned char *sealed = malloc(LEN + BLOCK);
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    size_t i, have, released;
    int len;

    (void)state;
    assert_non_null(sealed);
    for (i = 0; i < 2 * sizeof children / sizeof *children; i++) {
        assert_int_equal(fixture_init(ctx, 1, NULL), 1);
        assert_int_equal(EVP_CipherUpdate(ctx, sealed, &len, plain, BEGUN), 1);
        have = (size_t)len;
        assert_int_equal(fixture_in_child(i % 2, children[i / 2], ctx), 0);
        assert_int_equal(go_on(ctx, plain + BEGUN, LEN - BEGUN, sealed, &have), 1);
        assert_int_equal(fixture_try(&f, "a", sealed, have, 0, plain, LEN, &released), 0);
    }
    free(sealed);
    EVP_CIPHER_CTX_free(ctx);
}

static size_t stage, stage_have; /* of the sealed message, where the fork is */
static unsigned char *message, opened[LEN + BLOCK];

static int open_rest(void *ctx)
{
    size_t have = stage_have;

    if (!go_on(ctx, message + stage, MESSAGE - stage, opened, &have))
        return 40;
    return have != LEN || memcmp(opened, plain, LEN) != 0 ? 41 : 0;
}

static int open_rest_in_grandchild(void *ctx)
{
    int result = fixture_in_child(0, open_rest, ctx);

    return result != 0 ? result : open_rest(ctx);
}

static void opening_in_mid_message(void **state)
{
    static const size_t stages[] = {0, 1, 100, 319, 320, 4000, 4432, 9000, MESSAGE};
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 0, "a");
    size_t i, len;
    int n;

    (void)state;
    message = fixture_run(&f, 1, "a", plain, LEN, 0, &len);
    assert_non_null(message);
    assert_int_equal(len, MESSAGE);
    for (i = 0; i < 2 * sizeof stages / sizeof *stages; i++) {
        stage = stages[i / 2];
        assert_int_equal(fixture_init(ctx, 0, NULL), 1);
        assert_int_equal(EVP_CipherUpdate(ctx, opened, &n, message, (int)stage), 1);
        stage_have = (size_t)n;
        assert_int_equal(fixture_in_child(i % 2, open_rest_in_grandchild, ctx), 0);
        assert_int_equal(open_rest(ctx), 0);
    }
    free(message);
    EVP_CIPHER_CTX_free(ctx);
}

static int seal_to_shared(void *ctx)
{
    unsigned char *out;
    size_t len;
    int ok = fixture_drive(ctx, plain, LEN, 0, &out, &len) && len == MESSAGE;

    if (ok)
        memcpy(shared[1], out, MESSAGE);
    free(out);
    return ok ? 0 : 50;
}

static int seal_in_grandchild(void *ctx)
{
    if (fixture_in_child(0, seal_to_shared, ctx) != 0)
        return 51;
    memcpy(shared[0], shared[1], MESSAGE);
    return seal_to_shared(ctx);
}

/* One context that has not begun, used in parent, child and grandchild: three messages of their own
 * keys. */
static void not_begun(void **state)
{
    struct fixture_place place = {.pairs = "a=1", .aad = "more", .aad_len = 4};
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a"), *opening;
    unsigned char *out, *back;
    size_t len, back_len, i;

    (void)state;
    assert_int_equal(fixture_set_pairs(ctx, place.pairs), 1);
    assert_int_equal(fixture_add_aad(ctx, place.aad, place.aad_len, 0), 1);
    assert_int_equal(fixture_in_child(0, seal_in_grandchild, ctx), 0);
    assert_int_equal(fixture_drive(ctx, plain, LEN, 0, &out, &len), 1);
    assert_int_equal(len, MESSAGE);
    memcpy(shared[2], out, MESSAGE);
    for (i = 0; i < 3; i++) {
        assert_memory_not_equal(shared[i] + 8, shared[(i + 1) % 3] + 8, 32); /* salt */
        assert_memory_not_equal(shared[i] + 92 + 24, shared[(i + 1) % 3] + 92 + 24,
                                32); /* wrapped DEK */
        opening = fixture_ctx(&f, 0, "a");
        assert_int_equal(fixture_set_pairs(opening, place.pairs), 1);
        assert_int_equal(fixture_add_aad(opening, place.aad, place.aad_len, 0), 1);
        assert_int_equal(fixture_drive(opening, shared[i], MESSAGE, 0, &back, &back_len), 1);
        assert_int_equal(back_len, LEN);
        assert_memory_equal(back, plain, LEN);
        free(back);
        EVP_CIPHER_CTX_free(opening);
    }
    free(out);
    EVP_CIPHER_CTX_free(ctx);
}

enum { SALTS = 50, PROCESSES = 5 };
static unsigned char (*salts)[32]; /* shared with children */

/* Seals SALTS messages on the context; their salts go behind those of the processes before. */
static int gather_salts(void *ctx, int process)
{
    unsigned char out[BLOCK];
    int i, len;

    for (i = 0; i < SALTS; i++) {
        if (!fixture_init(ctx, 1, "a") || !EVP_CipherFinal_ex(ctx, out, &len))
            return 55;
        memcpy(salts[process * SALTS + i], out + 8, 32);
    }
    return 0;
}

static int salts_of_grandchild(void *ctx)
{
    return gather_salts(ctx, 1);
}

static int salts_of_child(void *ctx)
{
    int result = fixture_in_child(1, salts_of_grandchild, ctx);

    return result != 0 ? result : gather_salts(ctx, 2);
}

static int salts_of_another_child(void *ctx)
{
    return gather_salts(ctx, 3);
}

static int compare_salts(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* Whatever the parent keeps in store for its salts, children use none of it. */
static void salts_are_used_once(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    size_t i;

    (void)state;
    salts = (void *)shared;
    assert_int_equal(gather_salts(ctx, 0), 0);
    assert_int_equal(fixture_in_child(0, salts_of_child, ctx), 0);
    assert_int_equal(fixture_in_child(1, salts_of_another_child, ctx), 0);
    assert_int_equal(gather_salts(ctx, 4), 0);
    qsort(salts, (size_t)SALTS * PROCESSES, 32, compare_salts);
    for (i = 1; i < (size_t)SALTS * PROCESSES; i++)
        assert_memory_not_equal(salts[i - 1], salts[i], 32);
    EVP_CIPHER_CTX_free(ctx);
}

/* The child has no data key from before; the parent's stay. */
static int counts_in_child(void *ctx)
{
    EVP_CIPHER_CTX *opening = fixture_bare_ctx(&f);
    unsigned int wraps = test_kms.wraps, unwraps;
    unsigned char *out;
    size_t len;

    if (new_message(ctx, opening, "a") != 0 || test_kms.wraps != wraps + 1)
        return 61;
    if (new_message(ctx, opening, "a") != 0 || test_kms.wraps != wraps + 1)
        return 62;
    unwraps = test_kms.unwraps;
    if (!fixture_init(opening, 0, "a") || !fixture_drive(opening, message, MESSAGE, 0, &out, &len)
        || test_kms.unwraps != unwraps + 1)
        return 63;
    return 0;
}

static void caches(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a"), *opening = fixture_ctx(&f, 0, "a");
    unsigned int calls;
    size_t len;

    (void)state;
    message = fixture_run(&f, 1, "a", plain, LEN, 0, &len);
    assert_int_equal(new_message(ctx, opening, "a"), 0);
    calls = test_kms.wraps + test_kms.unwraps;
    assert_int_equal(fixture_in_child(0, counts_in_child, ctx), 0);
    assert_int_equal(new_message(ctx, opening, "a"), 0);
    assert_int_equal(test_kms.wraps + test_kms.unwraps, calls);
    free(message);
    EVP_CIPHER_CTX_free(opening);
    EVP_CIPHER_CTX_free(ctx);
}

static int tear_down(void *ctx)
{
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(f.cipher);
    OSSL_PROVIDER_unload(f.byok);
    OSSL_PROVIDER_unload(f.dflt);
    OSSL_LIB_CTX_free(f.libctx);
    return 0;
}

static void tear_down_in_child(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a"), *opening = fixture_ctx(&f, 0, "a");
    unsigned char out[BLOCK + 100];
    int len;

    (void)state;
    assert_int_equal(EVP_CipherUpdate(ctx, out, &len, plain, 100), 1);
    assert_int_equal(fixture_in_child(0, tear_down, ctx), 0);
    assert_int_equal(new_message(ctx, opening, "b"), 0);
    EVP_CIPHER_CTX_free(opening);
    EVP_CIPHER_CTX_free(ctx);
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
    plain = fixture_plain(LEN, 1);
    shared = mmap(NULL, 3 * MESSAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    return 0;
}

static int down(void **state)
{
    (void)state;
    free(plain);
    fixture_down(&f);
    return munmap(shared, 3 * MESSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealing_in_mid_message),
        cmocka_unit_test(opening_in_mid_message),
        cmocka_unit_test(not_begun),
        cmocka_unit_test(salts_are_used_once),
        cmocka_unit_test(caches),
        cmocka_unit_test(tear_down_in_child),
    };

    return cmocka_run_group_tests(tests, up, down);
}
