/*
 * What EVP says about the cipher (doc/evp.md), and every parameter that can be read or set.
 */
#include "byok/names.h"
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

static struct fixture f;

static void constants(void **state)
{
    (void)state;
    assert_int_equal(EVP_CIPHER_get_mode(f.cipher), EVP_CIPH_STREAM_CIPHER);
    assert_int_equal(EVP_CIPHER_get_flags(f.cipher) & EVP_CIPH_FLAG_AEAD_CIPHER, 0);
    assert_int_equal(EVP_CIPHER_get_key_length(f.cipher), 32);
    assert_int_equal(EVP_CIPHER_get_iv_length(f.cipher), 0);
    assert_int_equal(EVP_CIPHER_get_block_size(f.cipher), 65536);
    assert_int_equal(EVP_CIPHER_get_nid(f.cipher), NID_undef);
    assert_string_equal(EVP_CIPHER_get0_name(f.cipher), BYOK_CIPHER_SEALED);
    assert_true(EVP_CIPHER_is_a(f.cipher, "byok-aes-256-gcm"));
    assert_false(EVP_CIPHER_is_a(f.cipher, "AES-256-GCM"));
    assert_ptr_equal(EVP_CIPHER_get0_provider(f.cipher), f.byok);
}

static void of_a_context(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    unsigned char out[65536 + 8192], *text = fixture_plain(5000, 1);
    int turn, len;

    (void)state;
    for (turn = 0; turn < 3; turn++) { /* at the beginning, in mid-message, after the final */
        assert_int_equal(EVP_CIPHER_CTX_get_key_length(ctx), 32);
        assert_int_equal(EVP_CIPHER_CTX_get_iv_length(ctx), 0);
        assert_int_equal(EVP_CIPHER_CTX_get_block_size(ctx), 65536);
        assert_int_equal(EVP_CIPHER_CTX_get_mode(ctx), EVP_CIPH_STREAM_CIPHER);
        assert_int_equal(EVP_CIPHER_CTX_is_encrypting(ctx), 1);
        if (turn == 0)
            assert_int_equal(EVP_CipherUpdate(ctx, out, &len, text, 5000), 1);
        else if (turn == 1)
            assert_int_equal(EVP_CipherFinal_ex(ctx, out, &len), 1);
    }
    free(text);
    EVP_CIPHER_CTX_free(ctx);
}

/* A request for the value of the parameter `p`, into `room`. */
static OSSL_PARAM request(const OSSL_PARAM *p, char *room, size_t size)
{
    OSSL_PARAM one = *p;

    one.data = room;
    one.data_size = p->data_type == OSSL_PARAM_UTF8_STRING ? size
                    : p->data_size > 0                     ? p->data_size
                                                           : sizeof(size_t);
    one.return_size = OSSL_PARAM_UNMODIFIED;
    return one;
}

static void every_gettable(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 0, "a");
    const OSSL_PARAM *p;
    OSSL_PARAM one[2] = {OSSL_PARAM_END, OSSL_PARAM_END};
    char room[1024];
    int n = 0;

    (void)state;
    for (p = EVP_CIPHER_gettable_params(f.cipher); p != NULL && p->key != NULL; p++, n++) {
        one[0] = request(p, room, sizeof room);
        assert_int_equal(EVP_CIPHER_get_params(f.cipher, one), 1);
        assert_true(OSSL_PARAM_modified(one));
    }
    assert_true(n >= 4);
    for (p = EVP_CIPHER_CTX_gettable_params(ctx); p != NULL && p->key != NULL; p++) {
        one[0] = request(p, room, sizeof room);
        assert_int_equal(EVP_CIPHER_CTX_get_params(ctx, one), 1);
        assert_true(OSSL_PARAM_modified(one));
    }
    p = EVP_CIPHER_CTX_gettable_params(ctx);
    assert_non_null(OSSL_PARAM_locate_const(p, OSSL_CIPHER_PARAM_KEYLEN));
    assert_non_null(OSSL_PARAM_locate_const(p, OSSL_CIPHER_PARAM_IVLEN));
    assert_non_null(OSSL_PARAM_locate_const(p, BYOK_CIPHER_PARAM_CONTEXT));
    EVP_CIPHER_CTX_free(ctx);
}

static void every_settable(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    const OSSL_PARAM *p;
    size_t len = 17;
    OSSL_PARAM keylen[] = {OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, &len), OSSL_PARAM_END};

    (void)state;
    for (p = EVP_CIPHER_CTX_settable_params(ctx); p != NULL && p->key != NULL; p++)
        assert_true(strcmp(p->key, OSSL_CIPHER_PARAM_KEYLEN) == 0
                    || strcmp(p->key, BYOK_CIPHER_PARAM_CONTEXT) == 0);
    p = EVP_CIPHER_settable_ctx_params(f.cipher);
    assert_non_null(OSSL_PARAM_locate_const(p, OSSL_CIPHER_PARAM_KEYLEN));
    assert_non_null(OSSL_PARAM_locate_const(p, BYOK_CIPHER_PARAM_CONTEXT));
    assert_int_equal(EVP_CIPHER_CTX_set_params(ctx, keylen), 1);
    len = 0;
    assert_int_equal(EVP_CIPHER_CTX_get_params(ctx, keylen), 1);
    assert_int_equal(len, 17);
    EVP_CIPHER_CTX_free(ctx);
}

/* What the cipher doesn't know is ignored, as OpenSSL's own ciphers do; `openssl enc` sets the
 * padding. */
static void unknown_parameters(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    unsigned int number = 7;
    OSSL_PARAM params[] = {OSSL_PARAM_uint("no-such-parameter", &number),
                           OSSL_PARAM_uint(OSSL_CIPHER_PARAM_PADDING, &number), OSSL_PARAM_END};
    unsigned char *sealed, *opened;
    size_t sealed_len, opened_len;

    (void)state;
    assert_int_equal(EVP_CIPHER_CTX_set_params(ctx, params), 1);
    assert_int_equal(EVP_CIPHER_CTX_get_params(ctx, params), 1);
    assert_int_equal(number, 7);
    assert_int_equal(EVP_CIPHER_CTX_set_padding(ctx, 0), 1);
    assert_int_equal(fixture_drive(ctx, (const unsigned char *)"x", 1, 0, &sealed, &sealed_len), 1);
    opened = fixture_run(&f, 0, "a", sealed, sealed_len, 0, &opened_len);
    assert_non_null(opened);
    assert_int_equal(opened_len, 1);
    free(opened);
    free(sealed);
    EVP_CIPHER_CTX_free(ctx);
}

static void of_the_provider(void **state)
{
    const OSSL_PARAM *known = OSSL_PROVIDER_gettable_params(f.byok);
    const char *name = "", *version = "", *build = "";
    char error[64] = "untouched";
    int status = 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, &name, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, &version, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, &build, 0),
        OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, &status),
        OSSL_PARAM_utf8_string(BYOK_PROV_PARAM_CONFIG_ERROR, error, sizeof error),
        OSSL_PARAM_END};
    size_t i;

    (void)state;
    assert_non_null(known);
    for (i = 0; params[i].key != NULL; i++)
        assert_non_null(OSSL_PARAM_locate_const(known, params[i].key));
    assert_int_equal(OSSL_PROVIDER_get_params(f.byok, params), 1);
    assert_true(strlen(name) > 0);
    assert_string_equal(version, BYOK_VERSION);
    assert_true(strlen(build) > 0);
    assert_int_equal(status, 1);
    assert_string_equal(error, "");
}

/* Every reason has a text of its own, which OpenSSL finds. */
static void reason_texts(void **state)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char key[32] = "nobody";
    const char *data, *text;
    unsigned long error;
    int flags;

    (void)state;
    assert_non_null(ctx);
    assert_int_equal(EVP_CipherInit_ex2(ctx, f.cipher, key, NULL, 1, NULL), 0);
    error = ERR_peek_last_error_data(&data, &flags);
#define CHECK_TEXT(number, name, reason, remedy, retryable)                                        \
    text = ERR_reason_error_string(ERR_PACK(ERR_GET_LIB(error), 0, number));                       \
    assert_non_null(text);                                                                         \
    assert_string_equal(text, reason);
    BYOK_REASONS(CHECK_TEXT)
    assert_true(flags & ERR_TXT_STRING);
    assert_non_null(strstr(data, "give a configured KEK's name")); /* the remedy */
    ERR_clear_error();
    EVP_CIPHER_CTX_free(ctx);
}

FIXTURE_GROUP(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants),          cmocka_unit_test(of_a_context),
        cmocka_unit_test(every_gettable),     cmocka_unit_test(every_settable),
        cmocka_unit_test(unknown_parameters), cmocka_unit_test(of_the_provider),
        cmocka_unit_test(reason_texts),
    };

    return cmocka_run_group_tests(tests, up, down);
}
