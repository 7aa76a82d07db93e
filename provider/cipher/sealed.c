/*
 * BYOK-AES-256-GCM, the sealed cipher: the EVP face of envelope/stream. What EVP callers may rely
 * on: doc/evp.md.
 *
 * Nothing is asked of a KMS before a message's first data: `openssl enc` and others init twice and
 * throw the first away.
 */
#include "byok/names.h"
#include "envelope/cache.h"
#include "envelope/stream.h"
#include "provider/algorithms.h"
#include "provider/kek_handle.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#define KEY_BYTES_USUAL 32 /* EVP_CIPHER_get_key_length() */

enum phase {
    NEW,    /* no key, or no direction */
    READY,  /* for a message's first data */
    BEGUN,  /* within a message */
    ENDED,  /* after one: the next init begins another */
    FAILED, /* for good, until the next init */
};

struct sealed {
    struct byok_provider *provider;
    enum phase phase;
    int sealing;
    size_t key_len;             /* as set, or KEY_BYTES_USUAL */
    struct byok_kek_handle kek; /* that the key named */
    struct byok_context context;
    char *context_text;         /* the parameter as it was set; NULL: never */
    struct byok_state *state;   /* whose cryptography `stream` uses */
    struct byok_stream *stream; /* NULL until the first message */
    uint64_t epoch;             /* of the process that began the message */
};

static int raise_status(struct sealed *ctx, const struct byok_status *status)
{
    return byok_core_raise(&ctx->provider->core, status);
}

#define RAISE(ctx, reason, ...)                                                                    \
    do {                                                                                           \
        struct byok_status raised = BYOK_STATUS_INIT;                                              \
        byok_fail(&raised, reason, __VA_ARGS__);                                                   \
        raise_status(ctx, &raised);                                                                \
    } while (0)

static void *sealed_newctx(void *provider)
{
    struct sealed *ctx = OPENSSL_zalloc(sizeof *ctx);

    if (ctx == NULL)
        return NULL;
    ctx->provider = provider;
    ctx->key_len = KEY_BYTES_USUAL;
    return ctx;
}

static void sealed_freectx(void *vctx)
{
    struct sealed *ctx = vctx;

    if (ctx == NULL)
        return;
    byok_stream_free(ctx->stream);
    byok_kek_handle_clear(&ctx->kek);
    byok_context_clear(&ctx->context);
    OPENSSL_free(ctx->context_text);
    OPENSSL_free(ctx);
}

static void *sealed_dupctx(void *vctx)
{
    struct sealed *from = vctx, *to;
    struct byok_status status = BYOK_STATUS_INIT;

    if (from->phase == BEGUN && from->sealing) {
        RAISE(from, BYOK_R_NO_COPY, "its salt is drawn");
        return NULL;
    }
    to = OPENSSL_memdup(from, sizeof *from);
    if (to == NULL)
        return NULL;
    to->stream = NULL;
    to->context_text = NULL;
    byok_kek_handle_up_ref(&to->kek);
    memset(&to->context, 0, sizeof to->context);
    if ((from->context_text != NULL
         && (to->context_text = OPENSSL_strdup(from->context_text)) == NULL)
        || !byok_context_copy(&to->context, &from->context, &status)
        || (from->phase == BEGUN
            && (to->stream = byok_stream_copy(from->stream, &status)) == NULL)) {
        raise_status(from, &status);
        sealed_freectx(to);
        return NULL;
    }
    return to;
}

/* Takes what is left of a message off the context. */
static void drop_message(struct sealed *ctx)
{
    if (ctx->stream != NULL && (ctx->phase == BEGUN || ctx->phase == FAILED))
        byok_stream_reset(ctx->stream);
}

static void fail_for_good(struct sealed *ctx)
{
    drop_message(ctx);
    ctx->phase = FAILED;
}

static int sealed_set_ctx_params(void *vctx, const OSSL_PARAM params[]);

static int init(struct sealed *ctx, int sealing, const unsigned char *key, size_t key_len,
                const unsigned char *iv, size_t iv_len, const OSSL_PARAM params[])
{
    struct byok_status status;

    byok_status_clear(&status);
    drop_message(ctx);
    byok_context_drop_aad(&ctx->context);
    ctx->phase = NEW;
    ctx->sealing = sealing;
    if (key != NULL && key_len > BYOK_KEK_NAME_MAX) {
        RAISE(ctx, BYOK_R_BAD_KEY_LENGTH, "%zu bytes were given", key_len);
        return 0;
    }
    if (iv != NULL && iv_len > 0) {
        RAISE(ctx, BYOK_R_NO_IV, "an IV of %zu bytes was given", iv_len);
        return 0;
    }
    if (!sealed_set_ctx_params(ctx, params))
        return 0;
    if (key != NULL && !byok_kek_handle_set(&ctx->kek, ctx->provider, key, key_len, &status))
        return raise_status(ctx, &status);
    ctx->phase = ctx->kek.set ? READY : NEW;
    return 1;
}

static int sealed_encrypt_init(void *ctx, const unsigned char *key, size_t key_len,
                               const unsigned char *iv, size_t iv_len, const OSSL_PARAM params[])
{
    return init(ctx, 1, key, key_len, iv, iv_len, params);
}

static int sealed_decrypt_init(void *ctx, const unsigned char *key, size_t key_len,
                               const unsigned char *iv, size_t iv_len, const OSSL_PARAM params[])
{
    return init(ctx, 0, key, key_len, iv, iv_len, params);
}

/* A stream on this process's cryptography; a forked child leaves its parent's behind. */
static int stream_ready(struct sealed *ctx, struct byok_state *state, struct byok_status *status)
{
    if (ctx->stream != NULL && ctx->state == state)
        return 1;
    byok_stream_free(ctx->stream);
    ctx->stream = byok_stream_new(state->crypto, status);
    ctx->state = state;
    return ctx->stream != NULL;
}

static int begin_sealing(struct sealed *ctx, struct byok_status *status)
{
    struct byok_kek *kek = byok_kek_handle_get0(&ctx->kek, ctx->provider, status);
    unsigned char salt[BYOK_SALT_BYTES];
    struct byok_data_key *key = NULL;

    if (kek != NULL && byok_salts_take(ctx->state->salts, salt, status))
        key = byok_cache_get_sealing(kek, status);
    return key != NULL && byok_stream_begin_sealing(ctx->stream, key, &ctx->context, salt, status);
}

/* The first data of a message: from here on the KMS may be asked. */
static int begin(struct sealed *ctx, struct byok_status *status)
{
    struct byok_state *state = byok_provider_state(ctx->provider, status);

    if (state == NULL || !stream_ready(ctx, state, status))
        return 0;
    ctx->epoch = state->epoch;
    ctx->phase = BEGUN;
    if (ctx->sealing)
        return begin_sealing(ctx, status);
    byok_stream_begin_opening(ctx->stream);
    return 1;
}

/* When opening: the data key of the header, by the KEK that the caller named and no other. */
static struct byok_data_key *find_key(void *arg, const struct byok_header *header,
                                      struct byok_status *status)
{
    struct sealed *ctx = arg;
    struct byok_kek *kek = byok_kek_handle_get0(&ctx->kek, ctx->provider, status);

    return kek == NULL ? NULL : byok_cache_get_opening(kek, header, status);
}

/* Begins the message if need be, and refuses one that was begun sealing before a fork. */
static int go_on(struct sealed *ctx, struct byok_status *status)
{
    switch (ctx->phase) {
    case NEW:
        return byok_fail(status, ctx->kek.set ? BYOK_R_NOT_STARTED : BYOK_R_NO_KEY,
                         "data came before a key");
    case READY:
        return begin(ctx, status);
    case BEGUN:
        return !ctx->sealing || ctx->epoch == byok_fork_mark_epoch(&ctx->provider->fork_mark)
               || byok_fail(status, BYOK_R_FORKED, "another process began it");
    case ENDED:
        return byok_fail(status, BYOK_R_NOT_STARTED, "the message before has ended");
    case FAILED:
        break;
    }
    return byok_fail(status, BYOK_R_NOT_STARTED, "an earlier step of this message failed");
}

static int add_aad(struct sealed *ctx, const unsigned char *in, size_t in_len,
                   struct byok_status *status)
{
    if (in_len == 0)
        return 1; /* an update of nothing is no data */
    if (ctx->phase != READY)
        return byok_fail(status, ctx->phase == NEW ? BYOK_R_NO_KEY : BYOK_R_BAD_CONTEXT,
                         "AAD comes after init and before any data");
    return byok_context_add_aad(&ctx->context, in, in_len, status);
}

static int update(struct sealed *ctx, unsigned char *out, size_t *out_len, size_t out_size,
                  const unsigned char *in, size_t in_len, struct byok_status *status)
{
    struct byok_stream_source source = {find_key, ctx, &ctx->context};

    *out_len = 0;
    if (in_len > INT_MAX)
        return byok_fail(status, BYOK_R_BAD_LENGTH,
                         "an update of more than INT_MAX bytes, or of less than 0");
    if (out == NULL)
        return add_aad(ctx, in, in_len, status);
    if (in_len == 0 && ctx->phase != BEGUN)
        return 1;
    return go_on(ctx, status)
           && byok_stream_update(ctx->stream, &source, out, out_size, out_len, in, in_len, status);
}

static int sealed_update(void *vctx, unsigned char *out, size_t *out_len, size_t out_size,
                         const unsigned char *in, size_t in_len)
{
    struct sealed *ctx = vctx;
    struct byok_status status;

    byok_status_clear(&status);
    if (update(ctx, out, out_len, out_size, in, in_len, &status))
        return 1;
    fail_for_good(ctx);
    return raise_status(ctx, &status);
}

static int sealed_final(void *vctx, unsigned char *out, size_t *out_len, size_t out_size)
{
    struct sealed *ctx = vctx;
    struct byok_status status;

    byok_status_clear(&status);
    *out_len = 0;
    if (go_on(ctx, &status)
        && byok_stream_final(ctx->stream, out, out == NULL ? 0 : out_size, out_len, &status)) {
        ctx->phase = ENDED;
        byok_context_drop_aad(&ctx->context);
        return 1;
    }
    fail_for_good(ctx);
    return raise_status(ctx, &status);
}

static const OSSL_PARAM *sealed_gettable_params(void *provider)
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
static int sealed_get_params(OSSL_PARAM params[])
{
    OSSL_PARAM *p;

    if ((p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_MODE)) != NULL
        && !OSSL_PARAM_set_uint(p, EVP_CIPH_STREAM_CIPHER))
        return 0;
    if ((p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_KEYLEN)) != NULL
        && !OSSL_PARAM_set_size_t(p, KEY_BYTES_USUAL))
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

static const OSSL_PARAM *sealed_gettable_ctx_params(void *ctx, void *provider)
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
static int sealed_get_ctx_params(void *vctx, OSSL_PARAM params[])
{
    struct sealed *ctx = vctx;
    OSSL_PARAM *p;
    int ok = 1;

    for (p = params; ok && p->key != NULL; p++) {
        if (strcmp(p->key, OSSL_CIPHER_PARAM_KEYLEN) == 0)
            ok = OSSL_PARAM_set_size_t(p, ctx->key_len);
        else if (strcmp(p->key, OSSL_CIPHER_PARAM_IVLEN) == 0)
            ok = OSSL_PARAM_set_size_t(p, 0);
        else if (strcmp(p->key, BYOK_CIPHER_PARAM_CONTEXT) == 0)
            ok = OSSL_PARAM_set_utf8_string(p, ctx->context_text != NULL ? ctx->context_text : "");
    }
    return ok;
}

static const OSSL_PARAM *sealed_settable_ctx_params(void *ctx, void *provider)
{
    static const OSSL_PARAM table[] = {
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, NULL),
        OSSL_PARAM_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)ctx, (void)provider;
    return table;
}

static int set_key_length(struct sealed *ctx, const OSSL_PARAM *param, struct byok_status *status)
{
    size_t len;

    if (!OSSL_PARAM_get_size_t(param, &len) || len < 1 || len > BYOK_KEK_NAME_MAX)
        return byok_fail(status, BYOK_R_BAD_KEY_LENGTH, "the length set is none from 1 to %d",
                         BYOK_KEK_NAME_MAX);
    ctx->key_len = len;
    return 1;
}

static int set_context(struct sealed *ctx, const OSSL_PARAM *param, struct byok_status *status)
{
    char *text = NULL;

    if (ctx->phase == BEGUN)
        return byok_fail(status, BYOK_R_BAD_CONTEXT, "it cannot change within a message");
    if (!OSSL_PARAM_get_utf8_string(param, &text, 0))
        return byok_fail(status, BYOK_R_BAD_CONTEXT, "%s is a UTF-8 string",
                         BYOK_CIPHER_PARAM_CONTEXT);
    if (!byok_pairs_parse(&ctx->context.pairs, text, strlen(text), status)) {
        OPENSSL_free(text);
        return 0;
    }
    OPENSSL_free(ctx->context_text);
    ctx->context_text = text;
    return 1;
}

static int sealed_set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
    struct sealed *ctx = vctx;
    struct byok_status status;
    const OSSL_PARAM *p;

    byok_status_clear(&status);
    if (params == NULL)
        return 1;
    if ((p = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_KEYLEN)) != NULL
        && !set_key_length(ctx, p, &status))
        return raise_status(ctx, &status);
    if ((p = OSSL_PARAM_locate_const(params, BYOK_CIPHER_PARAM_CONTEXT)) != NULL
        && !set_context(ctx, p, &status))
        return raise_status(ctx, &status);
    return 1;
}

/* Declares each function with the type that its number asks for, so that a wrong signature does not
 * compile. */
#define FUNCTIONS(X)                                                                               \
    X(NEWCTX, newctx)                                                                              \
    X(FREECTX, freectx)                                                                            \
    X(DUPCTX, dupctx)                                                                              \
    X(ENCRYPT_INIT, encrypt_init)                                                                  \
    X(DECRYPT_INIT, decrypt_init)                                                                  \
    X(UPDATE, update)                                                                              \
    X(FINAL, final)                                                                                \
    X(GET_PARAMS, get_params)                                                                      \
    X(GETTABLE_PARAMS, gettable_params)                                                            \
    X(GET_CTX_PARAMS, get_ctx_params)                                                              \
    X(GETTABLE_CTX_PARAMS, gettable_ctx_params)                                                    \
    X(SET_CTX_PARAMS, set_ctx_params)                                                              \
    X(SETTABLE_CTX_PARAMS, settable_ctx_params)

#define DECLARE(number, name) static OSSL_FUNC_cipher_##name##_fn sealed_##name;
FUNCTIONS(DECLARE)

#define ENTRY(number, name) {OSSL_FUNC_CIPHER_##number, (void (*)(void))sealed_##name},
const OSSL_DISPATCH byok_sealed_cipher[] = {FUNCTIONS(ENTRY){0, NULL}};
