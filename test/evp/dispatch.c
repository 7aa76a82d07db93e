/*
 * The provider's own functions, called as a later EVP might: with an IV, with lengths and buffers
 * that EVP never passes.
 */
#include "byok/names.h"
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <limits.h>
#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK  65536
#define CANARY 1024

static struct fixture f;

static struct {
    OSSL_FUNC_cipher_newctx_fn *newctx;
    OSSL_FUNC_cipher_freectx_fn *freectx;
    OSSL_FUNC_cipher_encrypt_init_fn *encrypt_init;
    OSSL_FUNC_cipher_decrypt_init_fn *decrypt_init;
    OSSL_FUNC_cipher_update_fn *update;
    OSSL_FUNC_cipher_final_fn *final;
} byok;

static void find_functions(void)
{
    const OSSL_ALGORITHM *a;
    const OSSL_DISPATCH *d;
    int no_cache;

    a = OSSL_PROVIDER_query_operation(f.byok, OSSL_OP_CIPHER, &no_cache);
    assert_non_null(a);
    while (strstr(a->algorithm_names, BYOK_CIPHER_SEALED) == NULL)
        assert_non_null((++a)->algorithm_names);
    for (d = a->implementation; d->function_id != 0; d++) {
        switch (d->function_id) {
        case OSSL_FUNC_CIPHER_NEWCTX:
            byok.newctx = OSSL_FUNC_cipher_newctx(d);
            break;
        case OSSL_FUNC_CIPHER_FREECTX:
            byok.freectx = OSSL_FUNC_cipher_freectx(d);
            break;
        case OSSL_FUNC_CIPHER_ENCRYPT_INIT:
            byok.encrypt_init = OSSL_FUNC_cipher_encrypt_init(d);
            break;
        case OSSL_FUNC_CIPHER_DECRYPT_INIT:
            byok.decrypt_init = OSSL_FUNC_cipher_decrypt_init(d);
            break;
        case OSSL_FUNC_CIPHER_UPDATE:
            byok.update = OSSL_FUNC_cipher_update(d);
            break;
        case OSSL_FUNC_CIPHER_FINAL:
            byok.final = OSSL_FUNC_cipher_final(d);
            break;
        default:
            break;
        }
    }
}

static void *new_ctx(int seal)
{
    void *ctx = byok.newctx(OSSL_PROVIDER_get0_provider_ctx(f.byok));
    const unsigned char key[32] = "a";

    assert_non_null(ctx);
    assert_int_equal((seal ? byok.encrypt_init : byok.decrypt_init)(ctx, key, 32, NULL, 0, NULL),
                     1);
    return ctx;
}

static void iv_refused(void **state)
{
    const unsigned char key[32] = "a", iv[16] = {0};
    void *ctx = new_ctx(1);
    size_t len;

    (void)state;
    for (len = 1; len <= 16; len += 5) {
        assert_int_equal(byok.encrypt_init(ctx, key, 32, iv, len, NULL), 0);
        assert_int_equal(fixture_reason(), BYOK_R_NO_IV);
        assert_int_equal(byok.decrypt_init(ctx, key, 32, iv, len, NULL), 0);
        assert_int_equal(fixture_reason(), BYOK_R_NO_IV);
        assert_int_equal(byok.encrypt_init(ctx, NULL, 0, iv, len, NULL), 0);
        assert_int_equal(fixture_reason(), BYOK_R_NO_IV);
    }
    assert_int_equal(byok.encrypt_init(ctx, key, 32, iv, 0, NULL), 1);
    byok.freectx(ctx);
}

static void key_length_refused(void **state)
{
    unsigned char key[66] = "a";
    void *ctx = new_ctx(1);

    (void)state;
    assert_int_equal(byok.encrypt_init(ctx, key, 65, NULL, 0, NULL), 0);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_KEY_LENGTH);
    assert_int_equal(byok.decrypt_init(ctx, key, 66, NULL, 0, NULL), 0);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_KEY_LENGTH);
    assert_int_equal(byok.encrypt_init(ctx, key, 64, NULL, 0, NULL), 1);
    byok.freectx(ctx);
}

static void lengths_beyond_int(void **state)
{
    static const size_t lens[] = {(size_t)INT_MAX + 1, UINT_MAX,       (size_t)-1,
                                  (size_t)-65535,      (size_t)-65536, (size_t)1 << 40};
    unsigned char in[1] = {'B'}, out[1] = {0xc5};
    size_t i, len = 1;
    void *ctx;
    int seal;

    (void)state;
    for (seal = 0; seal <= 1; seal++) {
        for (i = 0; i < sizeof lens / sizeof *lens; i++) {
            ctx = new_ctx(seal);
            assert_int_equal(byok.update(ctx, out, &len, lens[i] + BLOCK, in, lens[i]), 0);
            assert_int_equal(fixture_reason(), BYOK_R_BAD_LENGTH);
            assert_int_equal(out[0], 0xc5);
            assert_int_equal(len, 0);
            assert_int_equal(byok.update(ctx, out, &len, 1 + BLOCK, in, 1), 0);
            assert_int_equal(fixture_reason(), BYOK_R_NOT_STARTED);
            byok.freectx(ctx);
        }
    }
}

/*
 * Runs a message with buffers of exactly `room` bytes, on the heap, so that a sanitizer sees a byte
 * too many. Either all is well, or it is OUTPUT_TOO_SMALL; and before and after such a failure no
 * buffer was written beyond its end.
 */
static int with_room(int seal, const unsigned char *in, size_t in_len, size_t step, size_t room)
{
    unsigned char *out = malloc(room + CANARY), expected[CANARY];
    void *ctx = new_ctx(seal);
    size_t done, n, len;
    int ok = 1;

    assert_non_null(out);
    memset(expected, 0xc5, CANARY);
    for (done = 0; ok && done <= in_len; done += n) {
        n = in_len - done < step ? in_len - done : step;
        memset(out + room, 0xc5, CANARY);
        if (n > 0)
            ok = byok.update(ctx, out, &len, room, in + done, n);
        else
            ok = byok.final(ctx, out, &len, room);
        if (ok)
            assert_in_range(len, 0, room);
        assert_memory_equal(out + room, expected, CANARY);
        if (n == 0)
            break;
    }
    if (!ok)
        assert_int_equal(fixture_reason(), BYOK_R_OUTPUT_TOO_SMALL);
    byok.freectx(ctx);
    free(out);
    return ok;
}

static void small_buffers(void **state)
{
    static const size_t steps[] = {1, 100, 1024, 4096, 8192, 20000};
    static const size_t rooms[] = {0, 1, 16, 100, 1000, 4095, 4096, 4128, 10000, 20000};
    unsigned char *plain = fixture_plain(40000, 1), *sealed;
    size_t sealed_len, i, k;
    int ok;

    (void)state;
    sealed = fixture_run(&f, 1, "a", plain, 40000, 0, &sealed_len);
    assert_non_null(sealed);
    for (i = 0; i < sizeof steps / sizeof *steps; i++) {
        for (k = 0; k < sizeof rooms / sizeof *rooms; k++) {
            ok = with_room(1, plain, 40000, steps[i], rooms[k]);
            assert_true(!ok || rooms[k] >= steps[i]);
            with_room(0, sealed, sealed_len, steps[i], rooms[k]);
        }
        assert_int_equal(with_room(1, plain, 40000, steps[i], steps[i] + BLOCK), 1);
        assert_int_equal(with_room(0, sealed, sealed_len, steps[i], steps[i] + BLOCK), 1);
    }
    free(sealed);
    free(plain);
}

/* A large update, then one for which there is no room: nothing is written there. */
static void room_that_shrinks(void **state)
{
    unsigned char *plain = fixture_plain(65536, 1), *big = malloc(2 * BLOCK),
                  *small = malloc(2 * BLOCK);
    size_t i, len;
    void *ctx;

    (void)state;
    assert_non_null(big);
    assert_non_null(small);
    ctx = new_ctx(1);
    assert_int_equal(byok.update(ctx, big, &len, 2 * BLOCK, plain, 65536), 1);
    memset(small, 0xc5, 2 * BLOCK);
    assert_int_equal(byok.update(ctx, small, &len, 10, plain, 20000), 0);
    for (i = 10; i < 2 * BLOCK; i++)
        assert_int_equal(small[i], 0xc5);
    assert_int_equal(fixture_reason(), BYOK_R_OUTPUT_TOO_SMALL);
    byok.freectx(ctx);
    free(small);
    free(big);
    free(plain);
}

static void null_pointers(void **state)
{
    size_t len;
    void *ctx = new_ctx(1);
    unsigned char out[1024];

    (void)state;
    assert_int_equal(byok.final(ctx, NULL, &len, 0), 0);
    assert_int_equal(fixture_reason(), BYOK_R_OUTPUT_TOO_SMALL);
    assert_int_equal(byok.encrypt_init(ctx, NULL, 0, NULL, 0, NULL), 1);
    assert_int_equal(byok.final(ctx, out, &len, sizeof out), 1);
    assert_int_equal(len, 336);
    byok.freectx(ctx);
    byok.freectx(NULL);
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
    find_functions();
    return 0;
}

static int down(void **state)
{
    (void)state;
    fixture_down(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iv_refused),         cmocka_unit_test(key_length_refused),
        cmocka_unit_test(lengths_beyond_int), cmocka_unit_test(small_buffers),
        cmocka_unit_test(null_pointers),      cmocka_unit_test(room_that_shrinks),
    };

    return cmocka_run_group_tests(tests, up, down);
}
