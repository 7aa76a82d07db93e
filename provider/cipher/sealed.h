/*
 * What the sealed cipher's files share: its context, and its functions by their OSSL_DISPATCH
 * types.
 */
#ifndef BYOK_PROVIDER_CIPHER_SEALED_H
#define BYOK_PROVIDER_CIPHER_SEALED_H

#include "envelope/stream.h"
#include "provider/kek_handle.h"

#include <openssl/core_dispatch.h>

/* Bytes of key by default: EVP_CIPHER_get_key_length(). */
#define BYOK_SEALED_KEY_BYTES 32

enum byok_sealed_phase {
    BYOK_SEALED_NEW,    /* no key, or no direction */
    BYOK_SEALED_READY,  /* for a message's first data */
    BYOK_SEALED_BEGUN,  /* within a message */
    BYOK_SEALED_ENDED,  /* after one: the next init begins another */
    BYOK_SEALED_FAILED, /* for good, until the next init */
};

struct byok_sealed {
    struct byok_provider *provider;
    enum byok_sealed_phase phase;
    int sealing;
    size_t key_len;             /* as set, or BYOK_SEALED_KEY_BYTES */
    struct byok_kek_handle kek; /* that the key named */
    struct byok_context context;
    char *context_text;         /* the parameter as it was set; NULL: never */
    struct byok_state *state;   /* whose cryptography `stream` uses */
    struct byok_stream *stream; /* NULL until the first message */
    uint64_t epoch;             /* of the process that began the message */
};

/* Puts the status on the error stack. Returns 0. */
int byok_sealed_raise(const struct byok_sealed *ctx, const struct byok_status *status);

/* Sets parameters, as an init and set_ctx_params do. */
int byok_sealed_set(struct byok_sealed *ctx, const OSSL_PARAM params[], struct byok_status *status);

/* Every function, once: declared here with the type that its number asks for, so that a wrong
 * signature does not compile, and put into the table by sealed.c. */
#define BYOK_SEALED_FUNCTIONS(X)                                                                   \
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

#define BYOK_SEALED_DECLARE(number, name) OSSL_FUNC_cipher_##name##_fn byok_sealed_##name;
BYOK_SEALED_FUNCTIONS(BYOK_SEALED_DECLARE)
#undef BYOK_SEALED_DECLARE

#endif
