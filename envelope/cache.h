/*
 * The data keys kept with each KEK, so that the KMS isn't asked for every message. A KEK whose
 * configuration changes is another KEK, with nothing kept.
 */
#ifndef BYOK_ENVELOPE_CACHE_H
#define BYOK_ENVELOPE_CACHE_H

#include "envelope/data_key.h"

/* Ties the cache to every KEK: for byok_registry_new(). */
extern const struct byok_kek_hooks byok_cache_hooks;

/*
 * A data key to seal one more message with: the current one within dek-cache-seconds,
 * dek-max-messages and dek-max-bytes, else a new one. The reference is the caller's.
 */
struct byok_data_key *byok_cache_get_sealing(struct byok_kek *kek, struct byok_status *status);

/* The data key of this header, as far as the KEK has a stanza there (else BYOK_R_WRONG_KEY). The
 * reference is the caller's. */
struct byok_data_key *byok_cache_get_opening(struct byok_kek *kek, const struct byok_header *header,
                                             struct byok_status *status);

#endif
