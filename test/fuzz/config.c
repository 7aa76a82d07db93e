/*
 * A KEK file. The first byte selects options of the provider's section. What is accepted is sorted,
 * and is the same KEKs when it is read again. Text that could name files or variables outside is
 * left out.
 */
#include "envelope/cache.h"
#include "kms/config.h"

#include "test/fuzz/fuzz.h"

#include <openssl/bio.h>
#include <openssl/err.h>

static struct byok_crypto *crypto;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct byok_status status = BYOK_STATUS_INIT;

    (void)argc, (void)argv;
    crypto = byok_crypto_new("default", &status);
    REQUIRE(crypto != NULL);
    ERR_clear_error();
    return 0;
}

/* Whether the text names something outside. A backslash joins lines and quotes characters, so words
 * are looked for without them. */
static int leads_outside(const uint8_t *data, size_t size)
{
    char *plain = string("", size), *p = plain;
    size_t i;
    int found;

    for (i = 0; i < size; i++)
        if (data[i] != '\0' && strchr("\\\r\n", data[i]) == NULL)
            *p++ = (char)data[i];
    *p = '\0';
    found = strstr(plain, ".include") != NULL || strstr(plain, ".pragma") != NULL
            || strchr(plain, '$') != NULL;
    free(plain);
    return found;
}

static struct byok_config *parse(const struct byok_config_maker *maker, const uint8_t *data,
                                 size_t size, struct byok_status *status)
{
    BIO *bio = BIO_new_mem_buf(size == 0 ? (const void *)"" : data, (int)size);
    struct byok_config *config;

    REQUIRE(bio != NULL);
    config = byok_config_parse(maker, bio, "PATH", status);
    BIO_free(bio);
    REQUIRE(ERR_peek_error() == 0);
    return config;
}

static void check(const struct byok_config *config)
{
    int has_default = config->default_kek == NULL;
    size_t i;

    for (i = 0; i < config->count; i++) {
        const char *name = config->keks[i]->name;

        REQUIRE(byok_kek_name_ok(name, strlen(name)));
        REQUIRE(i == 0 || strcmp(config->keks[i - 1]->name, name) < 0);
        REQUIRE(byok_config_find(config, name, strlen(name)) == config->keks[i]);
        has_default |= config->default_kek == config->keks[i];
    }
    REQUIRE(has_default);
}

static void read_again(struct byok_config_maker *maker, const struct byok_config *config,
                       const uint8_t *data, size_t size)
{
    struct byok_status status = BYOK_STATUS_INIT;
    struct byok_config *again;

    maker->previous = config;
    again = parse(maker, data, size, &status);
    REQUIRE(again != NULL && again->count == config->count
            && again->default_kek == config->default_kek);
    REQUIRE(config->count == 0
            || memcmp(again->keks, config->keks, config->count * sizeof *config->keks) == 0);
    byok_config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct byok_options provider;
    struct byok_config_maker maker = {crypto, &byok_cache_hooks, &provider, NULL};
    struct byok_status status = BYOK_STATUS_INIT;
    struct byok_config *config;

    if (size == 0 || leads_outside(data + 1, size - 1))
        return 0;
    memset(&provider, 0, sizeof provider);
    if (data[0] & 1)
        REQUIRE(
            byok_options_set(&provider, BYOK_PLACE_PROVIDER, "default-kek", "a", "fuzz", &status));
    if (data[0] & 2)
        REQUIRE(
            byok_options_set(&provider, BYOK_PLACE_PROVIDER, "context", "x=y", "fuzz", &status));
    config = parse(&maker, data + 1, size - 1, &status);
    if (config != NULL) {
        REQUIRE(status.reason == 0);
        check(config);
        read_again(&maker, config, data + 1, size - 1);
        byok_config_free(config);
    } else {
        REQUIRE(status.reason == BYOK_R_CONFIG || status.reason == BYOK_R_UNKNOWN_OPTION
                || status.reason == BYOK_R_BAD_VALUE);
        REQUIRE(status.text[0] != '\0' && is_printable(status.text));
    }
    byok_options_clear(&provider);
    return 0;
}
