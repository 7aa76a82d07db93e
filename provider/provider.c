/*
 * OSSL_provider_init and what the core may ask of the provider as a whole.
 */
#include "byok/names.h"
#include "provider/algorithms.h"
#include "provider/state.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#define EXPORT __attribute__((visibility("default")))

static OSSL_FUNC_provider_teardown_fn teardown;
static OSSL_FUNC_provider_gettable_params_fn gettable_params;
static OSSL_FUNC_provider_get_params_fn get_params;
static OSSL_FUNC_provider_query_operation_fn query_operation;
static OSSL_FUNC_provider_get_reason_strings_fn get_reason_strings;

EXPORT OSSL_provider_init_fn OSSL_provider_init;

static void teardown(void *provider)
{
    byok_provider_free(provider);
}

static const OSSL_PARAM *gettable_params(void *provider)
{
    static const OSSL_PARAM table[] = {
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, NULL, 0),
        OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL),
        OSSL_PARAM_utf8_string(BYOK_PROV_PARAM_CONFIG_ERROR, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)provider;
    return table;
}

/* What is wrong with the configuration now, whether or not an older one is still in force. */
static int get_config_error(struct byok_provider *provider, OSSL_PARAM *param)
{
    struct byok_status status = BYOK_STATUS_INIT;
    struct byok_state *state = byok_provider_state(provider, &status);

    if (state != NULL)
        byok_registry_check(state->registry, &status);
    return OSSL_PARAM_set_utf8_string(param, status.text);
}

static int get_params(void *provider, OSSL_PARAM params[])
{
    OSSL_PARAM *p;

    if ((p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME)) != NULL
        && !OSSL_PARAM_set_utf8_ptr(p, "BYOK envelope encryption"))
        return 0;
    if ((p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_VERSION)) != NULL
        && !OSSL_PARAM_set_utf8_ptr(p, BYOK_VERSION))
        return 0;
    if ((p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_BUILDINFO)) != NULL
        && !OSSL_PARAM_set_utf8_ptr(p, BYOK_VERSION))
        return 0;
    if ((p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS)) != NULL
        && !OSSL_PARAM_set_int(p, 1))
        return 0;
    p = OSSL_PARAM_locate(params, BYOK_PROV_PARAM_CONFIG_ERROR);
    return p == NULL || get_config_error(provider, p);
}

static const OSSL_ALGORITHM *query_operation(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    return byok_algorithms(operation);
}

static const OSSL_ITEM *get_reason_strings(void *provider)
{
    (void)provider;
    return byok_core_reasons();
}

static const OSSL_DISPATCH dispatch[] = {
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
    {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))gettable_params},
    {OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))get_params},
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation},
    {OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, (void (*)(void))get_reason_strings},
    {0, NULL},
};

int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                       const OSSL_DISPATCH **out, void **provctx)
{
    *provctx = byok_provider_new(handle, in);
    *out = dispatch;
    return *provctx != NULL;
}
