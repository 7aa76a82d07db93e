/*
 * A KEK as a context holds it: by the name that its key gave, looked up when it is needed and again
 * whenever the configuration may have changed.
 */
#ifndef BYOK_PROVIDER_KEK_HANDLE_H
#define BYOK_PROVIDER_KEK_HANDLE_H

#include "provider/state.h"

struct byok_kek_handle {
    int set;
    char name[BYOK_KEK_NAME_MAX]; /* the key's other bytes are not kept */
    size_t name_len;              /* 0: the default KEK */
    struct byok_kek *kek;         /* a reference, as last looked up, in `state` with `stamp` */
    const struct byok_state *state;
    uint64_t stamp;
};

/*
 * Reads the name off a key: what precedes the zeros at its end. Fails with BYOK_R_UNKNOWN_KEK when
 * it isn't configured, or as byok_registry_find(); the handle is unset then.
 */
int byok_kek_handle_set(struct byok_kek_handle *handle, struct byok_provider *provider,
                        const unsigned char *key, size_t key_len, struct byok_status *status);

/* The KEK by the configuration in force now. The reference stays the handle's. NULL with a status.
 */
struct byok_kek *byok_kek_handle_get0(struct byok_kek_handle *handle,
                                      struct byok_provider *provider, struct byok_status *status);

/* Makes the plain copy of a handle one of its own. */
void byok_kek_handle_up_ref(struct byok_kek_handle *copy);

void byok_kek_handle_clear(struct byok_kek_handle *handle);

#endif
