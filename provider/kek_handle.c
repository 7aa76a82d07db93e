#include "provider/kek_handle.h"

#include <string.h>

static struct byok_kek *look_up(struct byok_kek_handle *handle, const struct byok_state *state,
                                const char *name, size_t name_len, struct byok_status *status)
{
    uint64_t stamp;
    struct byok_kek *kek = byok_registry_find(state->registry, name, name_len, &stamp, status);

    if (kek == NULL)
        return NULL;
    byok_kek_free(handle->kek);
    handle->kek = kek;
    handle->state = state;
    handle->stamp = stamp;
    return kek;
}

static int current(const struct byok_kek_handle *handle, const struct byok_state *state)
{
    return handle->kek != NULL && handle->state == state
           && byok_registry_current(state->registry, handle->stamp);
}

int byok_kek_handle_set(struct byok_kek_handle *handle, struct byok_provider *provider,
                        const unsigned char *key, size_t key_len, struct byok_status *status)
{
    struct byok_state *state = byok_provider_state(provider, status);

    while (key_len > 0 && key[key_len - 1] == '\0')
        key_len--;
    if (state != NULL && handle->set && handle->name_len == key_len
        && memcmp(handle->name, key, key_len) == 0 && current(handle, state))
        return 1;
    byok_kek_handle_clear(handle);
    if (state == NULL || look_up(handle, state, (const char *)key, key_len, status) == NULL)
        return 0;
    /* It names a KEK, so it is no secret. */
    memcpy(handle->name, key, key_len);
    handle->name_len = key_len;
    handle->set = 1;
    return 1;
}

struct byok_kek *byok_kek_handle_get0(struct byok_kek_handle *handle,
                                      struct byok_provider *provider, struct byok_status *status)
{
    struct byok_state *state = byok_provider_state(provider, status);

    if (state == NULL)
        return NULL;
    return current(handle, state) ? handle->kek
                                  : look_up(handle, state, handle->name, handle->name_len, status);
}

void byok_kek_handle_up_ref(struct byok_kek_handle *copy)
{
    if (copy->kek != NULL)
        byok_kek_up_ref(copy->kek);
}

void byok_kek_handle_clear(struct byok_kek_handle *handle)
{
    byok_kek_free(handle->kek);
    memset(handle, 0, sizeof *handle);
}
