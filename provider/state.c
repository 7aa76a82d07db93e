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
    return provider;
}

static void state_free(struct byok_state *state)
{
    if (state == NULL)
        return;
    byok_salts_free(state->salts);
    byok_registry_free(state->registry);
    byok_crypto_free(state->crypto);
    byok_options_clear(&state->options);
    OPENSSL_free(state);
}

/* Here, not when the provider is loaded, is where options are read: -provparam sets them later, and
 * a provider whose init fails is dropped in silence. */
static int state_fill(struct byok_state *state, const struct byok_core *core,
                      struct byok_status *status)
{
    const char *providers;

    if (!byok_core_options(core, &state->options, status)
        || !byok_section_check(byok_core_provider_name(core), status))
        return 0;
    if (byok_options_is_set(&state->options, BYOK_OPTION_CONFIG)
        && byok_options_is_set(&state->options, BYOK_OPTION_KEK))
        return byok_fail(status, BYOK_R_CONFIG, "both `config` and `kek` are set");
    providers = byok_options_text(&state->options, BYOK_OPTION_LIBCTX_PROVIDERS);
    state->crypto = byok_crypto_new(providers, status);
    if (state->crypto == NULL)
        return 0;
    state->registry = byok_registry_new(state->crypto, &byok_cache_hooks, &state->options, status);
    state->salts = byok_salts_new(state->crypto, status);
    return state->registry != NULL && state->salts != NULL;
}

static struct byok_state *state_new(struct byok_provider *provider, uint64_t epoch,
                                    struct byok_status *status)
{
    struct byok_state *state = OPENSSL_zalloc(sizeof *state);

    if (state == NULL) {
        byok_fail_memory(status);
        return NULL;
    }
    state->epoch = epoch;
    if (state_fill(state, &provider->core, status))
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
    byok_fork_mark_cleanup(&provider->fork_mark);
    OPENSSL_free(provider);
}
