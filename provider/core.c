#include "provider/core.h"

#include "byok/names.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdarg.h>

int byok_core_init(struct byok_core *core, const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in)
{
    core->handle = handle;
    for (; in->function_id != 0; in++) {
        switch (in->function_id) {
        case OSSL_FUNC_CORE_GET_PARAMS:
            core->get_params = OSSL_FUNC_core_get_params(in);
            break;
        case OSSL_FUNC_CORE_NEW_ERROR:
            core->new_error = OSSL_FUNC_core_new_error(in);
            break;
        case OSSL_FUNC_CORE_SET_ERROR_DEBUG:
            core->set_error_debug = OSSL_FUNC_core_set_error_debug(in);
            break;
        case OSSL_FUNC_CORE_VSET_ERROR:
            core->vset_error = OSSL_FUNC_core_vset_error(in);
            break;
        }
    }
    return core->get_params != NULL && core->new_error != NULL && core->set_error_debug != NULL
           && core->vset_error != NULL;
}

/* The value of one parameter of this provider, NULL when it isn't set. Belongs to the core. */
static const char *core_param(const struct byok_core *core, const char *name)
{
    const char *value = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_ptr(name, (char **)&value, 0),
                           OSSL_PARAM_construct_end()};

    return core->get_params(core->handle, params) ? value : NULL;
}

int byok_core_options(const struct byok_core *core, struct byok_options *options,
                      struct byok_status *status)
{
    const char *name, *value;
    unsigned int i;

    for (i = 0; (name = byok_options_name(BYOK_PLACE_PROVIDER, i)) != NULL; i++) {
        value = core_param(core, name);
        if (value != NULL
            && !byok_options_set(options, BYOK_PLACE_PROVIDER, name, value, "provider's section",
                                 status))
            return 0;
    }
    return 1;
}

const char *byok_core_provider_name(const struct byok_core *core)
{
    const char *name = core_param(core, OSSL_PROV_PARAM_CORE_PROV_NAME);

    return name != NULL ? name : BYOK_PROVIDER_NAME;
}

static void vset_error(const struct byok_core *core, int reason, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    core->vset_error(core->handle, (uint32_t)reason, format, args);
    va_end(args);
}

int byok_core_raise(const struct byok_core *core, const struct byok_status *status)
{
    const struct byok_reason_row *row = byok_reason_find(status->reason);

    core->new_error(core->handle);
    core->set_error_debug(core->handle, status->file, status->line, status->function);
    vset_error(core, row->reason, "%s%s%s", status->text, row->remedy[0] != '\0' ? "; " : "",
               row->remedy);
    return 0;
}

#define ITEM(number, name, text, remedy, retryable) {number, (void *)text},
static const OSSL_ITEM items[] = {BYOK_REASONS(ITEM){0, NULL}};

const OSSL_ITEM *byok_core_reasons(void)
{
    return items;
}
