#include "provider/state.h"

#include "envelope/cache.h"
#include "provider/section.h"

#include <openssl/crypto.h>

struct byok_provider *byok_provider_new(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in)
{
    struct byok_provider *provider = OPENSSL_zalloc(sizeof *provider);
    struct byok_status status = BYOK_STATUS_INIT;

    if (provider == NULL || !byok_core_init(&provider->core, handle, in)) {
        OPENSSL_free(provider);
        return NULL;
    }
    atomic_init(&provider->state, NULL);
    if (!byok_fork_mark_init(&provider->fork_mark, &status)) {
        byok_core_raise(&provider->core, &status);
        OPENSSL_free(provider);
        return NULL;
    }
    /* A provider whose init fails is dropped in silence, so a wrong option fails what is done with
     * it instead. */
    (void)byok_core_options(&provider->core, &provider->options, &provider->options_error);
    return provider;
}

static void state_free(struct byok_state *state)
{
    if (state == NULL)
        return;
    byok_registry_free(state->registry);
    byok_crypto_free(state->crypto);
    OPENSSL_free(state);
}

static struct byok_state *state_new(struct byok_provider *provider, uint64_t epoch,
                                    struct byok_status *status)
{
    struct byok_state *state;

    if (provider->options_error.reason != 0) {
        *status = provider->options_error;
        return NULL;
    }
    if (!byok_section_check(byok_core_provider_name(&provider->core), status))
        return NULL;
    state = OPENSSL_zalloc(sizeof *state);
    if (state == NULL) {
        byok_fail_memory(status);
        return NULL;
    }
    state->epoch = epoch;
    state->crypto = byok_crypto_new(
        byok_options_text(&provider->options, BYOK_OPTION_LIBCTX_PROVIDERS), status);
    if (state->crypto != NULL)
        state->registry =
            byok_registry_new(state->crypto, &byok_cache_hooks, &provider->options, status);
    if (state->registry != NULL)
        return state;
    state_free(state);
    return NULL;
}

struct byok_state *byok_provider_state(struct byok_provider *provider, struct byok_status *status)
{
    uint64_t epoch = byok_fork_mark_epoch(&provider->fork_mark);
    struct byok_state *current = atomic_load_explicit(&provider->state, memory_order_acquire),
                      *state;

    if (current != NULL && current->epoch == epoch)
        return current;
    /* No lock here, since one could be held across a fork: threads that come first at once each
     * make a state, and one of them stays. */
    state = state_new(provider, epoch, status);
    if (state == NULL)
        return NULL;
    state->abandoned = current;
    if (atomic_compare_exchange_strong(&provider->state, &current, state))
        return state;
    state_free(state);
    return current;
}

void byok_provider_free(struct byok_provider *provider)
{
    struct byok_state *state;

    if (provider == NULL)
        return;
    state = atomic_load(&provider->state);
    if (state != NULL && state->epoch == byok_fork_mark_epoch(&provider->fork_mark))
        state_free(state); /* the abandoned one stays: another process's locks may be held in it */
    byok_options_clear(&provider->options);
    byok_fork_mark_cleanup(&provider->fork_mark);
    OPENSSL_free(provider);
}
