/*
 * What can be asked of and set on the sealed cipher and its contexts: doc/evp.md.
 */
#include "byok/names.h"
#include "provider/cipher/sealed.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

const OSSL_PARAM *byok_sealed_gettable_params(void *provider)
{
    static const OSSL_PARAM table[] = {
        OSSL_PARAM_uint(OSSL_CIPHER_PARAM_MODE, NULL),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, NULL),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, NULL),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_BLOCK_SIZE, NULL),
        OSSL_PARAM_int(OSSL_CIPHER_PARAM_AEAD, NULL),
        OSSL_PARAM_int(OSSL_CIPHER_PARAM_CUSTOM_IV, NULL),
        OSSL_PARAM_END,
    };

    (void)provider;
    return table;
}

/* No AEAD flag: `openssl enc` refuses ciphers that have it, and this one carries its tags in its
 * output. */
int byok_sealed_get_params(OSSL_PARAM params[])
{
    OSSL_PARAM *p;

    if ((p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_MODE)) != NULL
        && !OSSL_PARAM_set_uint(p, EVP_CIPH_STREAM_CIPHER))
        return 0;
    if ((p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_KEYLEN)) != NULL
        && !OSSL_PARAM_set_size_t(p, BYOK_SEALED_KEY_BYTES))
        return 0;
    if ((p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_IVLEN)) != NULL
        && !OSSL_PARAM_set_size_t(p, 0))
        return 0;
    if ((p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_BLOCK_SIZE)) != NULL
        && !OSSL_PARAM_set_size_t(p, BYOK_UPDATE_ROOM))
        return 0;
    if ((p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_AEAD)) != NULL
        && !OSSL_PARAM_set_int(p, 0))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_CUSTOM_IV);
    return p == NULL || OSSL_PARAM_set_int(p, 0);
}

const OSSL_PARAM *byok_sealed_gettable_ctx_params(void *ctx, void *provider)
{
    static const OSSL_PARAM table[] = {
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, NULL),
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, NULL),
        OSSL_PARAM_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)ctx, (void)provider;
    return table;
}

/* EVP asks for the key length with every init. */
int byok_sealed_get_ctx_params(void *vctx, OSSL_PARAM params[])
{
    struct byok_sealed *ctx = vctx;
    OSSL_PARAM *p;
    int ok = 1;

    for (p = params; ok && p != NULL && p->key != NULL; p++) {
        if (strcmp(p->key, OSSL_CIPHER_PARAM_KEYLEN) == 0)
            ok = OSSL_PARAM_set_size_t(p, ctx->key_len);
        else if (strcmp(p->key, OSSL_CIPHER_PARAM_IVLEN) == 0)
            ok = OSSL_PARAM_set_size_t(p, 0);
        else if (strcmp(p->key, BYOK_CIPHER_PARAM_CONTEXT) == 0)
            ok = OSSL_PARAM_set_utf8_string(p, ctx->context_text != NULL ? ctx->context_text : "");
    }
    return ok;
}

const OSSL_PARAM *byok_sealed_settable_ctx_params(void *ctx, void *provider)
{
    static const OSSL_PARAM table[] = {
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, NULL),
        OSSL_PARAM_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)ctx, (void)provider;
    return table;
}

static int set_key_length(struct byok_sealed *ctx, const OSSL_PARAM *param,
                          struct byok_status *status)
{
    size_t len;

    if (!OSSL_PARAM_get_size_t(param, &len) || len < 1 || len > BYOK_KEK_NAME_MAX)
        return byok_fail(status, BYOK_R_BAD_KEY_LENGTH, "the length set is none from 1 to %d",
                         BYOK_KEK_NAME_MAX);
    ctx->key_len = len;
    return 1;
}

/* The parameter's text, which ends at its first zero byte or its size; NULL with a status. The
 * caller frees it. */
static char *context_text(const OSSL_PARAM *param, struct byok_status *status)
{
    const char *data;
    size_t i, len;
    char *text;

    if (!OSSL_PARAM_get_utf8_string_ptr(param, &data) || data == NULL) {
        byok_fail(status, BYOK_R_BAD_CONTEXT, "%s is a UTF-8 string", BYOK_CIPHER_PARAM_CONTEXT);
        return NULL;
    }
    len = OPENSSL_strnlen(data, param->data_size);
    for (i = len; i < param->data_size; i++)
        if (data[i] != '\0') {
            byok_fail(status, BYOK_R_BAD_CONTEXT, "it has a zero byte");
            return NULL;
        }
    text = OPENSSL_strndup(data, len);
    if (text == NULL)
        byok_fail_memory(status);
    return text;
}

static int set_context(struct byok_sealed *ctx, const OSSL_PARAM *param, struct byok_status *status)
{
    char *text;

    if (ctx->phase == BYOK_SEALED_BEGUN)
        return byok_fail(status, BYOK_R_BAD_CONTEXT, "it cannot change within a message");
    text = context_text(param, status);
    if (text == NULL)
        return 0;
    if (!byok_pairs_parse(&ctx->context.pairs, text, strlen(text), status)) {
        OPENSSL_free(text);
        return 0;
    }
    OPENSSL_free(ctx->context_text);
    ctx->context_text = text;
    return 1;
}

int byok_sealed_set(struct byok_sealed *ctx, const OSSL_PARAM params[], struct byok_status *status)
{
    const OSSL_PARAM *p;

    if (params == NULL)
        return 1;
    if ((p = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_KEYLEN)) != NULL
        && !set_key_length(ctx, p, status))
        return 0;
    p = OSSL_PARAM_locate_const(params, BYOK_CIPHER_PARAM_CONTEXT);
    return p == NULL || set_context(ctx, p, status);
}

int byok_sealed_set_ctx_params(void *ctx, const OSSL_PARAM params[])
{
    struct byok_status status;

    byok_status_clear(&status);
    return byok_sealed_set(ctx, params, &status) || byok_sealed_raise(ctx, &status);
}
