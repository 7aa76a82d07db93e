/*
 * The key is the name of a KEK (doc/evp.md, The key).
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"
#include "test/support/kms.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_NAME "Name-of-64-bytes_abcdefghijklmnopqrstuvwxyz.0123456789-ABCDEFGHI"

static struct fixture f;

/* A context with this key length and no key yet. */
static EVP_CIPHER_CTX *ctx_of_length(size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    assert_non_null(ctx);
    assert_int_equal(EVP_CipherInit_ex2(ctx, f.cipher, NULL, NULL, 1, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_set_key_length(ctx, (int)len), 1);
    assert_int_equal(EVP_CIPHER_CTX_get_key_length(ctx), len);
    return ctx;
}

/* The result of an init with `key`, padded to `len` bytes. What is sealed then must open under the
 * KEK `kek`. */
static int init(const char *key, size_t key_len, size_t len, const char *kek)
{
    /* on the heap, so that a sanitizer sees a byte too many */
    unsigned char *padded = calloc(1, len), *sealed, *opened;
    EVP_CIPHER_CTX *ctx = ctx_of_length(len);
    size_t sealed_len, opened_len;
    int ok;

    assert_non_null(padded);
    memcpy(padded, key, key_len);
    ok = EVP_CipherInit_ex2(ctx, NULL, padded, NULL, 1, NULL);
    free(padded);
    if (ok && kek != NULL) {
        assert_int_equal(
            fixture_drive(ctx, (const unsigned char *)"text", 4, 0, &sealed, &sealed_len), 1);
        opened = fixture_run(&f, 0, kek, sealed, sealed_len, 0, &opened_len);
        assert_non_null(opened);
        assert_int_equal(opened_len, 4);
        free(opened);
        free(sealed);
    }
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static void every_key_length(void **state)
{
    size_t len;

    (void)state;
    for (len = 1; len <= 64; len++) {
        assert_int_equal(init("b", 1, len, "b"), 1);
        assert_int_equal(init("", 0, len, "a"), 1); /* the default KEK */
        if (len >= 7)
            assert_int_equal(init("context", 7, len, "context"), 1);
    }
    assert_int_equal(init(LONG_NAME, 64, 64, "long"), 1);
    assert_int_equal(init(LONG_NAME, 63, 64, NULL), 0);
    assert_int_equal(fixture_reason(), BYOK_R_UNKNOWN_KEK);
}

static void set_length_fails(EVP_CIPHER_CTX *ctx, int len)
{
    assert_true(EVP_CIPHER_CTX_set_key_length(ctx, len) <= 0);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_KEY_LENGTH);
}

static void key_lengths_out_of_range(void **state)
{
    EVP_CIPHER_CTX *ctx = ctx_of_length(17);
    size_t len = 65;
    OSSL_PARAM params[] = {OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, &len), OSSL_PARAM_END};
    unsigned char key[32] = "a";

    (void)state;
    set_length_fails(ctx, 0);
    set_length_fails(ctx, 65);
    set_length_fails(ctx, 1 << 20);
    assert_int_equal(EVP_CIPHER_CTX_set_params(ctx, params), 0);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_KEY_LENGTH);
    len = SIZE_MAX;
    assert_int_equal(EVP_CIPHER_CTX_set_params(ctx, params), 0);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_KEY_LENGTH);
    assert_true(EVP_CIPHER_CTX_set_key_length(ctx, -1) <= 0);
    ERR_clear_error();
    assert_int_equal(EVP_CIPHER_CTX_get_key_length(ctx), 17);
    assert_int_equal(EVP_CipherInit_ex2(ctx, NULL, key, NULL, 1, NULL), 1);
    EVP_CIPHER_CTX_free(ctx);
}

/* All that the stack says, emptied. */
static int gather(const char *text, size_t len, void *arg)
{
    return BIO_write(arg, text, (int)len) == (int)len;
}

/* No four bytes of the key in a row stand in the errors' text, neither themselves nor in hex. */
static void assert_not_shown(const unsigned char *key, size_t len)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text, hex[9];
    long text_len;
    size_t i, j;
    int k;

    assert_non_null(bio);
    ERR_print_errors_cb(gather, bio);
    text_len = BIO_get_mem_data(bio, &text);
    assert_true(text_len > 20);
    for (i = 0; i + 4 <= len; i++) {
        snprintf(hex, sizeof hex, "%02x%02x%02x%02x", key[i], key[i + 1], key[i + 2], key[i + 3]);
        for (j = 0; j + 4 <= (size_t)text_len; j++) {
            assert_memory_not_equal(text + j, key + i, 4);
            for (k = 0; k < 8 && j + 8 <= (size_t)text_len; k++)
                if ((text[j + (size_t)k] | 0x20) != (hex[k] | 0x20))
                    break;
            assert_int_not_equal(k, 8);
        }
    }
    BIO_free(bio);
}

static void unknown(const void *key, size_t len)
{
    EVP_CIPHER_CTX *ctx = ctx_of_length(len);
    int seal;

    for (seal = 0; seal <= 1; seal++) {
        assert_int_equal(EVP_CipherInit_ex2(ctx, NULL, key, NULL, seal, NULL), 0);
        assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), BYOK_R_UNKNOWN_KEK);
        assert_not_shown(key, len);
        assert_int_equal(fixture_reason(), 0);
    }
    EVP_CIPHER_CTX_free(ctx);
}

static void keys_that_name_no_kek(void **state)
{
    unsigned char *bytes = fixture_plain(64, 7), *more = fixture_plain(64, 8);

    (void)state;
    unknown(bytes, 32);
    unknown(bytes, 64);
    unknown(more, 32);
    unknown(more, 16);
    unknown("hunter2_Tr0ub4dor&3_xkcd936_zzzz", 32);
    unknown("zyxw", 4);
    unknown("A\0\0\0", 4); /* case matters */
    unknown("aa\0\0", 4);
    unknown("a \0\0", 4);
    unknown("a\n\0\0", 4);
    unknown(" a\0\0", 4);
    unknown("\0a\0\0", 4); /* zeros pad at the end only */
    unknown("a\0a\0", 4);
    unknown("a\0b\0", 4);
    unknown("%s%n%x\0", 7);
    free(more);
    free(bytes);
}

/* EVP passes an IV's pointer with the length that the cipher says, which is none. */
static void iv_of_no_length(void **state)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char key[32] = "a", iv[16] = {1}, *out, *opened;
    size_t len, opened_len;

    (void)state;
    assert_non_null(ctx);
    assert_int_equal(EVP_CipherInit_ex2(ctx, f.cipher, key, iv, 1, NULL), 1);
    assert_int_equal(fixture_drive(ctx, iv, 1, 0, &out, &len), 1);
    opened = fixture_run(&f, 0, "a", out, len, 0, &opened_len);
    assert_non_null(opened);
    free(opened);
    free(out);
    EVP_CIPHER_CTX_free(ctx);
}

static void without_a_default(void **state)
{
    EVP_CIPHER_CTX *ctx;
    char text[256];
    unsigned int calls = test_kms.wraps + test_kms.unwraps;

    (void)state;
    snprintf(text, sizeof text, "[a]\nuri = test://%s/a.key\n", f.dir);
    fixture_restart(&f, text);
    assert_int_equal(init("", 0, 32, NULL), 0);
    assert_int_equal(fixture_reason(), BYOK_R_NO_DEFAULT_KEK);
    assert_int_equal(init("", 0, 1, NULL), 0);
    assert_int_equal(fixture_reason(), BYOK_R_NO_DEFAULT_KEK);
    assert_int_equal(init("b", 1, 32, NULL), 0);
    assert_int_equal(fixture_reason(), BYOK_R_UNKNOWN_KEK);
    assert_int_equal(test_kms.wraps + test_kms.unwraps, calls);
    ctx = fixture_ctx(&f, 1, "a");
    EVP_CIPHER_CTX_free(ctx);
}

static int up(void **state)
{
    char text[1024];

    (void)state;
    fixture_up(&f, NULL);
    snprintf(text, sizeof text,
             "default-kek = a\n[a]\nuri = test://%s/a.key\n[b]\nuri = test://%s/b.key\n"
             "[context]\nuri = test://%s/b.key\ncontext = x=y\n"
             "[long]\nuri = test://%s/b.key\n[%s]\nuri = test://%s/b.key\n",
             f.dir, f.dir, f.dir, f.dir, LONG_NAME, f.dir);
    fixture_restart(&f, text);
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
        cmocka_unit_test(every_key_length),      cmocka_unit_test(key_lengths_out_of_range),
        cmocka_unit_test(keys_that_name_no_kek), cmocka_unit_test(iv_of_no_length),
        cmocka_unit_test(without_a_default), /* last: it changes the KEK file */
    };

    return cmocka_run_group_tests(tests, up, down);
}
