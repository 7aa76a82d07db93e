/*
 * A KEK of a URI and a context, parted by the first line feed. No KMS is asked.
 */
#include "kms/kek.h"

#include "test/fuzz/fuzz.h"

static struct byok_crypto *crypto;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct byok_status status = BYOK_STATUS_INIT;

    (void)argc, (void)argv;
    crypto = byok_crypto_new("default", &status);
    REQUIRE(crypto != NULL);
    return 0;
}

static struct byok_kek *make(const char *uri, const char *context, struct byok_status *status)
{
    struct byok_options options;
    struct byok_kek *kek;
    size_t i;

    memset(&options, 0, sizeof options);
    REQUIRE(byok_options_set(&options, BYOK_PLACE_KEK, "uri", uri, "fuzz", status));
    REQUIRE(byok_options_set(&options, BYOK_PLACE_KEK, "context", context, "fuzz", status));
    kek = byok_kek_new(crypto, NULL, "fuzz", &options, status);
    for (i = 0; i < BYOK_OPTION_COUNT; i++)
        REQUIRE(options.text[i] == NULL);
    return kek;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *feed = size == 0 ? NULL : memchr(data, '\n', size);
    size_t uri_len = feed == NULL ? size : (size_t)(feed - data);
    char *uri = string(data, uri_len),
         *context = feed == NULL ? string("", 0) : string(feed + 1, size - uri_len - 1);
    struct byok_status status = BYOK_STATUS_INIT;
    struct byok_kek *kek = make(uri, context, &status);

    if (kek != NULL) {
        REQUIRE(status.reason == 0);
        REQUIRE(strncmp(uri, "local:///", 9) == 0 && uri[9] != '\0');
        REQUIRE(byok_pairs_encoded(&kek->context).len >= 2);
        byok_kek_free(kek);
    } else {
        REQUIRE(status.reason == (*uri == '\0' ? BYOK_R_CONFIG : BYOK_R_BAD_VALUE)
                || status.reason == BYOK_R_BAD_VALUE);
        REQUIRE(status.text[0] != '\0' && is_printable(status.text));
    }
    free(uri);
    free(context);
    return 0;
}
