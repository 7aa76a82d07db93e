#include "kms/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URI_MAX 2048 /* bytes */

/* How BYOK_PROVIDER's values become URIs: the scheme, and the variables that follow it, joined by
 * `between`. */
struct provider {
    const char *name, *first, *between, *second;
};

static const struct provider providers[] = {
    {"aws-kms", "BYOK_AWS_KEY_ARN", "", NULL},
    {"gcp-kms", "BYOK_GCP_KEY_NAME", "", NULL},
    {"vault-transit", "BYOK_VAULT_ADDR", "/transit/", "BYOK_VAULT_TRANSIT_KEY"},
};

/* Variables that are options under another name. */
static const struct {
    const char *variable, *option;
} renamed[] = {
    {"BYOK_DEK_CACHE_SECONDS", "dek-cache-seconds"},
};

static const char *variable(const char *name)
{
    const char *value = secure_getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

static int uri_make(const struct provider *provider, char uri[URI_MAX], struct byok_status *status)
{
    const char *first = variable(provider->first),
               *second = provider->second == NULL ? "" : variable(provider->second);
    int n;

    if (first == NULL || second == NULL)
        return byok_fail(status, BYOK_R_CONFIG, "BYOK_PROVIDER is %s, but %s is not set",
                         provider->name, first == NULL ? provider->first : provider->second);
    if (strncmp(first, "https://", 8) == 0)
        first += 8; /* an address becomes the host of a URI */
    n = snprintf(uri, URI_MAX, "%s://%s%s%s", provider->name, first, provider->between, second);
    return (n > 0 && n < URI_MAX)
           || byok_fail(status, BYOK_R_BAD_VALUE, "%s is too long", provider->first);
}

int byok_environment_read(struct byok_options *options, int *found, struct byok_status *status)
{
    const char *name = variable("BYOK_PROVIDER"), *value;
    char uri[URI_MAX];
    size_t i;

    *found = name != NULL;
    if (name == NULL)
        return 1;
    for (i = 0; i < sizeof providers / sizeof *providers; i++)
        if (strcmp(providers[i].name, name) == 0)
            break;
    if (i == sizeof providers / sizeof *providers)
        return byok_fail(status, BYOK_R_BAD_VALUE,
                         "BYOK_PROVIDER: valid are aws-kms, gcp-kms, vault-transit");
    if (!uri_make(&providers[i], uri, status)
        || !byok_options_set(options, BYOK_PLACE_KEK, "uri", uri, "environment", status))
        return 0;
    for (i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if ((value = variable(renamed[i].variable)) != NULL
            && !byok_options_set(options, BYOK_PLACE_KEK, renamed[i].option, value,
                                 renamed[i].variable, status))
            return 0;
    return 1;
}
