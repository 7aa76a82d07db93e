/*
 * What a process has of this provider: made at the first use, made anew in a forked child.
 *
 * A child takes nothing over that another thread of its parent may have held at the moment of the
 * fork: it leaves the parent's state as it is, for ever, and makes its own. Contexts that came with
 * it keep what they hold by reference.
 */
#ifndef BYOK_PROVIDER_STATE_H
#define BYOK_PROVIDER_STATE_H

#include "base/crypto.h"
#include "base/fork.h"
#include "envelope/salts.h"
#include "kms/registry.h"
#include "provider/core.h"

struct byok_state {
    uint64_t epoch;              /* of the process that made it */
    struct byok_options options; /* of the provider's section */
    struct byok_crypto *crypto;
    struct byok_registry *registry;
    struct byok_salts *salts;
    struct byok_state *abandoned; /* the parent's, kept within a leak checker's reach */
};

struct byok_provider {
    struct byok_core core;
    struct byok_fork_mark fork_mark;
    _Atomic(struct byok_state *) state; /* NULL until the first use */
};

/* This process's state, made if need be; NULL with a status. It lasts until byok_provider_free() in
 * this process. */
struct byok_state *byok_provider_state(struct byok_provider *provider, struct byok_status *status);

/* Does nothing but allocate: no file is read, no thread started, nothing fetched. */
struct byok_provider *byok_provider_new(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in);
void byok_provider_free(struct byok_provider *provider);

#endif
