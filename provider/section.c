#include "provider/section.h"

#include "kms/options.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

/* What the core itself reads there (config(5)). */
static const char *const core_options[] = {"identity", "soft_load", "module", "activate", NULL};

/* CONF lets a name stand twice, as in "1.activate": what counts is behind the last dot. */
static const char *plain_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot != NULL ? dot + 1 : name;
}

static int option_known(const char *name)
{
    const char *option;
    unsigned int i;

    for (i = 0; core_options[i] != NULL; i++)
        if (strcmp(core_options[i], name) == 0)
            return 1;
    for (i = 0; (option = byok_options_name(BYOK_PLACE_PROVIDER, i)) != NULL; i++)
        if (strcmp(option, name) == 0)
            return 1;
    return 0;
}

static int section_options_check(const CONF *conf, const char *section, struct byok_status *status)
{
    STACK_OF(CONF_VALUE) *values = NCONF_get_section(conf, section);
    struct byok_options unused;
    char where[128];
    int i;

    memset(&unused, 0, sizeof unused);
    snprintf(where, sizeof where, "section [%.60s] of OpenSSL's configuration", section);
    for (i = 0; i < sk_CONF_VALUE_num(values); i++) {
        const char *name = plain_name(sk_CONF_VALUE_value(values, i)->name);

        if (!option_known(name))
            return byok_options_set(&unused, BYOK_PLACE_PROVIDER, name, "", where,
                                    status); /* says which there are */
    }
    return 1;
}

/* Whether [section] configures the provider `name`: it is called so, or `identity` says so. */
static int is_provider(const CONF *conf, const char *key, const char *section, const char *name)
{
    const char *identity = NCONF_get_string(conf, section, "identity");

    return strcmp(identity != NULL ? identity : plain_name(key), name) == 0;
}

static int providers_check(const CONF *conf, const char *name, struct byok_status *status)
{
    const char *init = NCONF_get_string(conf, NULL, "openssl_conf");
    const char *providers = init != NULL ? NCONF_get_string(conf, init, "providers") : NULL;
    STACK_OF(CONF_VALUE) *values = providers != NULL ? NCONF_get_section(conf, providers) : NULL;
    int i;

    for (i = 0; i < sk_CONF_VALUE_num(values); i++) {
        const CONF_VALUE *value = sk_CONF_VALUE_value(values, i);

        if (is_provider(conf, value->name, value->value, name)
            && !section_options_check(conf, value->value, status))
            return 0;
    }
    return 1;
}

int byok_section_check(const char *name, struct byok_status *status)
{
    char *path = CONF_get1_default_config_file();
    CONF *conf = NCONF_new(NULL);
    int ok = 1;

    ERR_set_mark();
    if (path != NULL && conf != NULL && NCONF_load(conf, path, NULL) > 0)
        ok = providers_check(conf, name, status);
    ERR_pop_to_mark();
    NCONF_free(conf);
    OPENSSL_free(path);
    return ok;
}
