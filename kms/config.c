#include "kms/config.h"

#include "base/file.h"
#include "kms/environment.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOP_SECTION "default" /* CONF's name for what precedes the first section */
#define SINGLE_NAME "default" /* of the only KEK, where there is no file */

const char *byok_config_path(const struct byok_options *provider)
{
    const char *path;
    struct stat info;

    if (byok_options_is_set(provider, BYOK_OPTION_CONFIG))
        return byok_options_text(provider, BYOK_OPTION_CONFIG);
    if (byok_options_is_set(provider, BYOK_OPTION_KEK))
        return NULL;
    path = secure_getenv("BYOK_CONFIG");
    if (path != NULL && *path != '\0')
        return path;
    /* One that is there and can't be examined is an error to be met when it is read. */
    return stat(BYOK_KEK_FILE, &info) == 0 || (errno != ENOENT && errno != ENOTDIR) ? BYOK_KEK_FILE
                                                                                    : NULL;
}

static struct byok_config *config_new(size_t room, struct byok_status *status)
{
    struct byok_config *config = OPENSSL_zalloc(sizeof *config);

    if (config != NULL && room > 0
        && (config->keks = OPENSSL_zalloc(room * sizeof *config->keks)) == NULL) {
        OPENSSL_free(config);
        config = NULL;
    }
    if (config == NULL)
        byok_fail_memory(status);
    return config;
}

void byok_config_free(struct byok_config *config)
{
    size_t i;

    if (config == NULL)
        return;
    for (i = 0; i < config->count; i++)
        byok_kek_free(config->keks[i]);
    OPENSSL_free(config->keks);
    OPENSSL_free(config);
}

struct wanted {
    const char *name;
    size_t len;
};

static int compare_wanted(const void *key, const void *element)
{
    const struct wanted *wanted = key;
    const struct byok_kek *kek = *(struct byok_kek *const *)element;

    return byok_bytes_compare(wanted->name, wanted->len, kek->name, strlen(kek->name));
}

static int compare_keks(const void *a, const void *b)
{
    const struct byok_kek *kek = *(struct byok_kek *const *)a;
    struct wanted wanted = {kek->name, strlen(kek->name)};

    return compare_wanted(&wanted, b);
}

struct byok_kek *byok_config_find(const struct byok_config *config, const char *name, size_t len)
{
    struct wanted wanted = {name, len};
    struct byok_kek **found;

    if (config->count == 0)
        return NULL;
    found = bsearch(&wanted, config->keks, config->count, sizeof *config->keks, compare_wanted);
    return found != NULL ? *found : NULL;
}

void byok_config_retire(const struct byok_config *old, const struct byok_config *now)
{
    size_t i;

    for (i = 0; i < old->count; i++)
        if (byok_config_find(now, old->keks[i]->name, strlen(old->keks[i]->name)) != old->keks[i])
            byok_kek_retire(old->keks[i]);
}

/* Adds the KEK, or the previous configuration's own where nothing about it has changed. Takes the
 * content of `options`. */
static int config_add(struct byok_config *config, const struct byok_config_maker *maker,
                      const char *name, struct byok_options *options, struct byok_status *status)
{
    struct byok_kek *kek =
        maker->previous == NULL ? NULL : byok_config_find(maker->previous, name, strlen(name));

    if (kek != NULL && byok_options_equal(&kek->options, options)) {
        byok_options_clear(options);
        byok_kek_up_ref(kek);
    } else {
        kek = byok_kek_new(maker->crypto, maker->hooks, name, options, status);
    }
    if (kek == NULL)
        return 0;
    config->keks[config->count++] = kek;
    return 1;
}

/* Reads one section of the file into `options`, as it stands at `place`. */
static int section_read(CONF *conf, const char *section, enum byok_place place, const char *path,
                        struct byok_options *options, struct byok_status *status)
{
    STACK_OF(CONF_VALUE) *values = NCONF_get_section(conf, section);
    char where[BYOK_STATUS_TEXT];
    int i;

    if (place == BYOK_PLACE_KEK)
        snprintf(where, sizeof where, "%.200s, KEK \"%s\"", path, byok_shown(section));
    else
        snprintf(where, sizeof where, "%.200s, before the first section", path);
    for (i = 0; i < sk_CONF_VALUE_num(values); i++) {
        const CONF_VALUE *value = sk_CONF_VALUE_value(values, i);

        if (!byok_options_set(options, place, value->name, value->value, where, status))
            return 0;
    }
    return 1;
}

static int section_add(struct byok_config *config, const struct byok_config_maker *maker,
                       CONF *conf, const char *section, const char *path,
                       const struct byok_options *top, struct byok_status *status)
{
    struct byok_options options;

    memset(&options, 0, sizeof options);
    if (section_read(conf, section, BYOK_PLACE_KEK, path, &options, status)
        && byok_options_inherit(&options, top, status)
        && byok_options_inherit(&options, maker->provider, status))
        return config_add(config, maker, section, &options, status);
    byok_options_clear(&options);
    return 0;
}

static int default_resolve(struct byok_config *config, const struct byok_options *top,
                           const struct byok_options *provider, struct byok_status *status)
{
    const char *name =
        byok_options_text(byok_options_is_set(top, BYOK_OPTION_DEFAULT_KEK) ? top : provider,
                          BYOK_OPTION_DEFAULT_KEK);

    if (*name == '\0')
        return 1;
    config->default_kek = byok_config_find(config, name, strlen(name));
    return config->default_kek != NULL
           || byok_fail(status, BYOK_R_CONFIG,
                        "default-kek names \"%s\", which is no configured KEK", byok_shown(name));
}

static struct byok_config *config_build(const struct byok_config_maker *maker, CONF *conf,
                                        STACK_OF(OPENSSL_CSTRING) * sections, const char *path,
                                        struct byok_status *status)
{
    int i, count = sk_OPENSSL_CSTRING_num(sections);
    struct byok_config *config = config_new((size_t)count, status);
    struct byok_options top;
    int ok;

    memset(&top, 0, sizeof top);
    ok = config != NULL && section_read(conf, TOP_SECTION, BYOK_PLACE_TOP, path, &top, status);
    for (i = 0; ok && i < count; i++)
        if (strcmp(sk_OPENSSL_CSTRING_value(sections, i), TOP_SECTION) != 0)
            ok = section_add(config, maker, conf, sk_OPENSSL_CSTRING_value(sections, i), path, &top,
                             status);
    if (ok) {
        qsort(config->keks, config->count, sizeof *config->keks, compare_keks);
        ok = default_resolve(config, &top, maker->provider, status);
    }
    byok_options_clear(&top);
    if (ok)
        return config;
    byok_config_free(config);
    return NULL;
}

struct byok_config *byok_config_parse(const struct byok_config_maker *maker, BIO *text,
                                      const char *path, struct byok_status *status)
{
    CONF *conf = NCONF_new(NULL);
    STACK_OF(OPENSSL_CSTRING) *sections = NULL;
    struct byok_config *config = NULL;
    long line = 0;

    ERR_set_mark();
    if (conf == NULL) {
        byok_fail_memory(status);
    } else if (NCONF_load_bio(conf, text, &line) <= 0) {
        byok_fail(status, BYOK_R_CONFIG, "%s, line %ld: %s", path, line, byok_crypto_reason());
    } else if ((sections = NCONF_get_section_names(conf)) == NULL) {
        byok_fail_memory(status);
    } else {
        config = config_build(maker, conf, sections, path, status);
    }
    ERR_pop_to_mark();
    sk_OPENSSL_CSTRING_free(sections);
    NCONF_free(conf);
    return config;
}

struct byok_config *byok_config_read(const struct byok_config_maker *maker, const char *path,
                                     struct stat *info, struct byok_status *status)
{
    struct byok_status opening = BYOK_STATUS_INIT;
    struct byok_config *config = NULL;
    int fd = byok_file_open(path, BYOK_FILE_NOT_WRITABLE, "KEK file", info, &opening);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r"); /* a BIO on the descriptor reads byte by byte */
    BIO *text = file == NULL ? NULL : BIO_new_fp(file, BIO_CLOSE);

    if (text == NULL && file != NULL)
        fclose(file);
    else if (file == NULL && fd >= 0)
        close(fd);
    if (fd < 0)
        byok_fail(status, opening.reason == BYOK_R_NOT_FOUND ? BYOK_R_CONFIG : opening.reason, "%s",
                  opening.text);
    else if (text == NULL)
        byok_fail_memory(status);
    else
        config = byok_config_parse(maker, text, path, status);
    BIO_free(text);
    return config;
}

struct byok_config *byok_config_single(const struct byok_config_maker *maker,
                                       struct byok_status *status)
{
    const struct byok_options *provider = maker->provider;
    struct byok_config *config = config_new(1, status);
    struct byok_options options;
    int ok = 1, found = byok_options_is_set(provider, BYOK_OPTION_KEK);

    memset(&options, 0, sizeof options);
    if (config == NULL)
        return NULL;
    if (found)
        ok = byok_options_set(&options, BYOK_PLACE_KEK, "uri",
                              byok_options_text(provider, BYOK_OPTION_KEK), "kek", status);
    else
        ok = byok_environment_read(&options, &found, status);
    ok = ok && byok_options_inherit(&options, provider, status);
    if (ok && found) {
        ok = config_add(config, maker, SINGLE_NAME, &options, status);
        config->default_kek = ok ? config->keks[0] : NULL;
    }
    byok_options_clear(&options);
    if (ok)
        return config;
    byok_config_free(config);
    return NULL;
}
