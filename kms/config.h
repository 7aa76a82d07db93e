/*
 * A configuration as it was read at one moment: the KEKs by name. Where it comes from:
 * doc/configuration.md.
 */
#ifndef BYOK_KMS_CONFIG_H
#define BYOK_KMS_CONFIG_H

#include "kms/kek.h"

#include <sys/stat.h>

struct byok_config {
    struct byok_kek **keks; /* sorted by name; a reference each */
    size_t count;
    const struct byok_kek *default_kek; /* one of them, or NULL */
};

struct byok_config_maker {
    const struct byok_crypto *crypto;
    const struct byok_kek_hooks *hooks;
    const struct byok_options *provider; /* the options of the provider's section */
    const struct byok_config
        *previous; /* whose unchanged KEKs are taken over, with what is cached for them; or NULL */
};

/* The KEK file to read: the option `config`, else BYOK_CONFIG, else the installed one if it is
 * there; NULL when there is none. */
const char *byok_config_path(const struct byok_options *provider);

/*
 * Reads the KEK file at `path`, which must be writable by root or this user alone, and fills *info
 * from the open file. The configuration is the caller's to free. Fails with BYOK_R_CONFIG,
 * BYOK_R_UNKNOWN_OPTION, BYOK_R_BAD_VALUE or as byok_file_open().
 */
struct byok_config *byok_config_read(const struct byok_config_maker *maker, const char *path,
                                     struct stat *info, struct byok_status *status);

/* The same from memory, which a fuzzer and tests use. */
struct byok_config *byok_config_parse(const struct byok_config_maker *maker, BIO *text,
                                      const char *path, struct byok_status *status);

/* The configuration without a KEK file: the option `kek`, else the environment (kms/environment.c),
 * else no KEK at all. */
struct byok_config *byok_config_single(const struct byok_config_maker *maker,
                                       struct byok_status *status);

/* The KEK of that name, or NULL; no reference is taken. */
struct byok_kek *byok_config_find(const struct byok_config *config, const char *name, size_t len);

/* Purges what is cached for the KEKs of `old` that `now` did not take over. */
void byok_config_retire(const struct byok_config *old, const struct byok_config *now);

void byok_config_free(struct byok_config *config);

#endif
