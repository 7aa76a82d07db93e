/*
 * What a message belongs to: name=value pairs and the AAD. doc/format.md, Context.
 */
#ifndef BYOK_ENVELOPE_CONTEXT_H
#define BYOK_ENVELOPE_CONTEXT_H

#include "base/crypto.h"
#include "base/pairs.h"

#define BYOK_AAD_MAX 65536 /* bytes */

struct byok_context {
    struct byok_pairs pairs;
    unsigned char *aad; /* owned */
    size_t aad_len, aad_room;
};

/* Appends to the AAD; fails with BYOK_R_BAD_CONTEXT past BYOK_AAD_MAX. */
int byok_context_add_aad(struct byok_context *context, const unsigned char *data, size_t len,
                         struct byok_status *status);

/* Forgets the AAD, which belongs to one message; the pairs stay. */
void byok_context_drop_aad(struct byok_context *context);

/* SHA-256(C). */
int byok_context_digest(const struct byok_context *context, const struct byok_crypto *crypto,
                        unsigned char out[BYOK_SHA256_BYTES], struct byok_status *status);

int byok_context_copy(struct byok_context *to, const struct byok_context *from,
                      struct byok_status *status);
void byok_context_clear(struct byok_context *context);

#endif
