/*
 * BYOK-AES-256-GCM, the sealed cipher: the EVP face of envelope/stream. What EVP callers may rely
 * on: doc/evp.md.
 *
 * Nothing is asked of a KMS before a message's first data: `openssl enc` and others init twice and
 * throw the first away.
 */
#include "provider/cipher/sealed.h"

#include "envelope/cache.h"
#include "provider/algorithms.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <string.h>

int byok_sealed_raise(const struct byok_sealed *ctx, const struct byok_status *status)
{
    return byok_core_raise(&ctx->provider->core, status);
}

void *byok_sealed_newctx(void *provider)
{
    struct byok_sealed *ctx = OPENSSL_zalloc(sizeof *ctx);

    if (ctx == NULL)
        return NULL;
    ctx->provider = provider;
    ctx->key_len = BYOK_SEALED_KEY_BYTES;
    return ctx;
}

void byok_sealed_freectx(void *vctx)
{
    struct byok_sealed *ctx = vctx;

    if (ctx == NULL)
        return;
    byok_stream_free(ctx->stream);
    byok_kek_handle_clear(&ctx->kek);
    byok_context_clear(&ctx->context);
    OPENSSL_free(ctx->context_text);
    OPENSSL_free(ctx);
}

void *byok_sealed_dupctx(void *vctx)
{
    struct byok_sealed *from = vctx, *to;
    struct byok_status status = BYOK_STATUS_INIT;

    if (from->phase == BYOK_SEALED_BEGUN && from->sealing) {
        byok_fail(&status, BYOK_R_NO_COPY, "its salt is drawn");
        byok_sealed_raise(from, &status);
        return NULL;
    }
    to = OPENSSL_memdup(from, sizeof *from);
    if (to == NULL)
        return NULL;
    to->stream = NULL;
    to->context_text = NULL;
    byok_kek_handle_up_ref(&to->kek);
    memset(&to->context, 0, sizeof to->context);
    if (from->context_text != NULL
        && (to->context_text = OPENSSL_strdup(from->context_text)) == NULL)
        byok_fail_memory(&status);
    else if (byok_context_copy(&to->context, &from->context, &status)
             && (from->phase != BYOK_SEALED_BEGUN
                 || (to->stream = byok_stream_copy(from->stream, &status)) != NULL))
        return to;
    byok_sealed_raise(from, &status);
    byok_sealed_freectx(to);
    return NULL;
}

/* Takes what is left of a message off the context. */
static void drop_message(struct byok_sealed *ctx)
{
    if (ctx->stream != NULL
        && (ctx->phase == BYOK_SEALED_BEGUN || ctx->phase == BYOK_SEALED_FAILED))
        byok_stream_reset(ctx->stream);
}

static void fail_for_good(struct byok_sealed *ctx)
{
    drop_message(ctx);
    ctx->phase = BYOK_SEALED_FAILED;
}

static int prepare(struct byok_sealed *ctx, const unsigned char *key, size_t key_len,
                   const unsigned char *iv, size_t iv_len, const OSSL_PARAM params[],
                   struct byok_status *status)
{
    if (key != NULL && key_len > BYOK_KEK_NAME_MAX)
        return byok_fail(status, BYOK_R_BAD_KEY_LENGTH, "%zu bytes were given", key_len);
    if (iv != NULL && iv_len > 0)
        return byok_fail(status, BYOK_R_NO_IV, "an IV of %zu bytes was given", iv_len);
    return byok_sealed_set(ctx, params, status)
           && (key == NULL || byok_kek_handle_set(&ctx->kek, ctx->provider, key, key_len, status));
}

static int init(struct byok_sealed *ctx, int sealing, const unsigned char *key, size_t key_len,
                const unsigned char *iv, size_t iv_len, const OSSL_PARAM params[])
{
    struct byok_status status;

    byok_status_clear(&status);
    drop_message(ctx);
    byok_context_drop_aad(&ctx->context);
    ctx->phase = BYOK_SEALED_NEW;
    ctx->sealing = sealing;
    if (!prepare(ctx, key, key_len, iv, iv_len, params, &status))
        return byok_sealed_raise(ctx, &status);
    ctx->phase = ctx->kek.set ? BYOK_SEALED_READY : BYOK_SEALED_NEW;
    return 1;
}

int byok_sealed_encrypt_init(void *ctx, const unsigned char *key, size_t key_len,
                             const unsigned char *iv, size_t iv_len, const OSSL_PARAM params[])
{
    return init(ctx, 1, key, key_len, iv, iv_len, params);
}

int byok_sealed_decrypt_init(void *ctx, const unsigned char *key, size_t key_len,
                             const unsigned char *iv, size_t iv_len, const OSSL_PARAM params[])
{
    return init(ctx, 0, key, key_len, iv, iv_len, params);
}

/* A stream on this process's cryptography; a forked child leaves its parent's behind. */
static int stream_ready(struct byok_sealed *ctx, struct byok_state *state,
                        struct byok_status *status)
{
    if (ctx->stream != NULL && ctx->state == state)
        return 1;
    byok_stream_free(ctx->stream);
    ctx->stream = byok_stream_new(state->crypto, status);
    ctx->state = state;
    return ctx->stream != NULL;
}

static int begin_sealing(struct byok_sealed *ctx, struct byok_status *status)
{
    struct byok_kek *kek = byok_kek_handle_get0(&ctx->kek, ctx->provider, status);
    unsigned char salt[BYOK_SALT_BYTES];
    struct byok_data_key *key = NULL;

    if (kek != NULL && byok_salts_take(ctx->state->salts, salt, status))
        key = byok_cache_get_sealing(kek, status);
    return key != NULL && byok_stream_begin_sealing(ctx->stream, key, &ctx->context, salt, status);
}

/* The first data of a message: from here on the KMS may be asked. */
static int begin(struct byok_sealed *ctx, struct byok_status *status)
{
    struct byok_state *state = byok_provider_state(ctx->provider, status);

    if (state == NULL || !stream_ready(ctx, state, status))
        return 0;
    ctx->epoch = state->epoch;
    ctx->phase = BYOK_SEALED_BEGUN;
    if (ctx->sealing)
        return begin_sealing(ctx, status);
    byok_stream_begin_opening(ctx->stream);
    return 1;
}

/* When opening: the data key of the header, by the KEK that the caller named and no other. */
static struct byok_data_key *find_key(void *arg, const struct byok_header *header,
                                      struct byok_status *status)
{
    struct byok_sealed *ctx = arg;
    struct byok_kek *kek = byok_kek_handle_get0(&ctx->kek, ctx->provider, status);

    return kek == NULL ? NULL : byok_cache_get_opening(kek, header, status);
}

/* Begins the message if need be, and refuses one that was begun sealing before a fork. */
static int go_on(struct byok_sealed *ctx, struct byok_status *status)
{
    switch (ctx->phase) {
    case BYOK_SEALED_NEW:
        return byok_fail(status, ctx->kek.set ? BYOK_R_NOT_STARTED : BYOK_R_NO_KEY,
                         "data came before a key");
    case BYOK_SEALED_READY:
        return begin(ctx, status);
    case BYOK_SEALED_BEGUN:
        return !ctx->sealing || ctx->epoch == byok_fork_mark_epoch(&ctx->provider->fork_mark)
               || byok_fail(status, BYOK_R_FORKED, "another process began it");
    case BYOK_SEALED_ENDED:
        return byok_fail(status, BYOK_R_NOT_STARTED, "the message before has ended");
    case BYOK_SEALED_FAILED:
        break;
    }
    return byok_fail(status, BYOK_R_NOT_STARTED, "an earlier step of this message failed");
}

static int add_aad(struct byok_sealed *ctx, const unsigned char *in, size_t in_len,
                   struct byok_status *status)
{
    if (in_len == 0)
        return 1; /* an update of nothing is no data */
    if (ctx->phase != BYOK_SEALED_READY)
        return byok_fail(status, ctx->phase == BYOK_SEALED_NEW ? BYOK_R_NO_KEY : BYOK_R_BAD_CONTEXT,
                         "AAD comes after init and before any data");
    return byok_context_add_aad(&ctx->context, in, in_len, status);
}

static int update(struct byok_sealed *ctx, unsigned char *out, size_t *out_len, size_t out_size,
                  const unsigned char *in, size_t in_len, struct byok_status *status)
{
    struct byok_stream_source source = {find_key, ctx, &ctx->context};

    *out_len = 0;
    if (in_len > INT_MAX)
        return byok_fail(status, BYOK_R_BAD_LENGTH,
                         "an update of more than INT_MAX bytes, or of less than 0");
    if (out == NULL)
        return add_aad(ctx, in, in_len, status);
    if (in_len == 0 && ctx->phase != BYOK_SEALED_BEGUN)
        return 1;
    return go_on(ctx, status)
           && byok_stream_update(ctx->stream, &source, out, out_size, out_len, in, in_len, status);
}

int byok_sealed_update(void *vctx, unsigned char *out, size_t *out_len, size_t out_size,
                       const unsigned char *in, size_t in_len)
{
    struct byok_sealed *ctx = vctx;
    struct byok_status status;

    byok_status_clear(&status);
    if (update(ctx, out, out_len, out_size, in, in_len, &status))
        return 1;
    fail_for_good(ctx);
    return byok_sealed_raise(ctx, &status);
}

int byok_sealed_final(void *vctx, unsigned char *out, size_t *out_len, size_t out_size)
{
    struct byok_sealed *ctx = vctx;
    struct byok_status status;

    byok_status_clear(&status);
    *out_len = 0;
    if (go_on(ctx, &status)
        && byok_stream_final(ctx->stream, out, out == NULL ? 0 : out_size, out_len, &status)) {
        ctx->phase = BYOK_SEALED_ENDED;
        byok_context_drop_aad(&ctx->context);
        return 1;
    }
    fail_for_good(ctx);
    return byok_sealed_raise(ctx, &status);
}

#define ENTRY(number, name) {OSSL_FUNC_CIPHER_##number, (void (*)(void))byok_sealed_##name},
const OSSL_DISPATCH byok_sealed_cipher[] = {BYOK_SEALED_FUNCTIONS(ENTRY){0, NULL}};
