/*
 * What the core of libcrypto offers this provider, and how errors reach its stack.
 */
#ifndef BYOK_PROVIDER_CORE_H
#define BYOK_PROVIDER_CORE_H

#include "base/status.h"
#include "kms/options.h"

#include <openssl/core_dispatch.h>

struct byok_core {
    const OSSL_CORE_HANDLE *handle;
    OSSL_FUNC_core_get_params_fn *get_params;
    OSSL_FUNC_core_new_error_fn *new_error;
    OSSL_FUNC_core_set_error_debug_fn *set_error_debug;
    OSSL_FUNC_core_vset_error_fn *vset_error;
};

/* Finds the up-calls; 0 when one is missing. */
int byok_core_init(struct byok_core *core, const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in);

/* Reads the options of the provider's section (and -provparam); fails as byok_options_set() does.
 */
int byok_core_options(const struct byok_core *core, struct byok_options *options,
                      struct byok_status *status);

/* The name under which the provider was loaded. Belongs to the core. */
const char *byok_core_provider_name(const struct byok_core *core);

/* Puts the status on the OpenSSL error stack: reason, detail and remedy. Returns 0. */
int byok_core_raise(const struct byok_core *core, const struct byok_status *status);

/* The reasons' texts, for OSSL_FUNC_PROVIDER_GET_REASON_STRINGS. */
const OSSL_ITEM *byok_core_reasons(void);

#endif
