/*
 * A data key (DEK) in use: the key, its wrap, and how far it may still go.
 */
#ifndef BYOK_ENVELOPE_DATA_KEY_H
#define BYOK_ENVELOPE_DATA_KEY_H

#include "base/clock.h"
#include "envelope/header.h"
#include "kms/kek.h"

#include <stdatomic.h>

/* Immutable but for its counts; shared by reference count. */
struct byok_data_key {
    _Atomic unsigned int references;
    const struct byok_crypto *crypto;
    struct byok_secret *dek;
    EVP_MAC_CTX *prf;                 /* HMAC-SHA-512 keyed with it, ready to be copied */
    _Atomic(EVP_MAC_CTX *) spare;     /* a copy of it that nobody is using, or NULL */
    struct byok_stanza stanza;        /* its wrap under the KEK that made or opened it; owned */
    struct byok_deadline lease;       /* from the start of that KMS call */
    _Atomic uint64_t messages, bytes; /* sealed under it */
};

/* A new one, wrapped by the KEK: one KMS call. */
struct byok_data_key *byok_data_key_generate(struct byok_kek *kek, struct byok_status *status);

/* The one in this stanza, unwrapped by the KEK: one KMS call. */
struct byok_data_key *byok_data_key_unwrap(struct byok_kek *kek, const struct byok_stanza *stanza,
                                           struct byok_status *status);

struct byok_data_key *byok_data_key_up_ref(struct byok_data_key *key);

/* Drops a reference; the last one wipes the key. NULL is allowed. */
void byok_data_key_free(struct byok_data_key *key);

/* The keys of a message, T of doc/format.md: `out` holds the message key, then the commitment. */
int byok_data_key_derive(struct byok_data_key *key, unsigned char suite,
                         const unsigned char salt[BYOK_SALT_BYTES],
                         const unsigned char context_digest[BYOK_SHA256_BYTES],
                         struct byok_secret *out, struct byok_status *status);

#endif
