/*
 * From a KEK's name to the KEK, by the configuration in force. The KEK file is looked at again once
 * a second, when a KEK is wanted.
 */
#ifndef BYOK_KMS_REGISTRY_H
#define BYOK_KMS_REGISTRY_H

#include "kms/kek.h"

struct byok_registry;

/* `crypto`, `hooks` and `provider` (the options of the provider's section) outlive the registry.
 * Reads nothing yet. */
struct byok_registry *byok_registry_new(const struct byok_crypto *crypto,
                                        const struct byok_kek_hooks *hooks,
                                        const struct byok_options *provider,
                                        struct byok_status *status);
void byok_registry_free(struct byok_registry *registry);

/*
 * The KEK of that name; with len 0 the default one. The reference is the caller's. Fails with
 * BYOK_R_UNKNOWN_KEK (which doesn't show the name: it may be a real key), BYOK_R_NO_DEFAULT_KEK, or
 * with what is wrong with the configuration, when none was ever read.
 */
struct byok_kek *byok_registry_find(struct byok_registry *registry, const char *name, size_t len,
                                    uint64_t *stamp, struct byok_status *status);

/* Whether what byok_registry_find() gave with this stamp is still what it would give, and the file
 * need not be looked at: cheap, and takes no lock. */
int byok_registry_current(const struct byok_registry *registry, uint64_t stamp);

/*
 * Looks at the configuration as byok_registry_find() does. Fails with what was wrong with it when
 * it was last read, also while an earlier one stays in force.
 */
int byok_registry_check(struct byok_registry *registry, struct byok_status *status);

#endif
