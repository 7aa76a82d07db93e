/*
 * kms/environment: the variables of nSelf's plugin.
 */
#include "kms/environment.h"

#include "test/unit/check.h"

#define ARN "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

static const char *const variables[] = {"BYOK_PROVIDER",          "BYOK_AWS_KEY_ARN",
                                        "BYOK_GCP_KEY_NAME",      "BYOK_VAULT_ADDR",
                                        "BYOK_VAULT_TRANSIT_KEY", "BYOK_DEK_CACHE_SECONDS"};

static struct byok_options options;
static int found;

/* Only these variables are set: name, value, name, value, NULL. */
static int read_with(const char *name, ...)
{
    va_list args;
    size_t i;

    for (i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    va_start(args, name);
    for (; name != NULL; name = va_arg(args, const char *))
        setenv(name, va_arg(args, const char *), 1);
    va_end(args);
    byok_options_clear(&options);
    found = 77;
    return byok_environment_read(&options, &found, &status);
}

static void gives(const char *uri)
{
    size_t i;

    assert_int_equal(found, 1);
    assert_string_equal(byok_options_text(&options, BYOK_OPTION_URI), uri);
    for (i = 0; i < BYOK_OPTION_COUNT; i++)
        if (i != BYOK_OPTION_URI && i != BYOK_OPTION_DEK_CACHE_SECONDS)
            assert_null(options.text[i]);
}

static void nothing_is_configured(void **state)
{
    size_t i;

    (void)state;
    WORKS(read_with(NULL));
    assert_int_equal(found, 0);
    WORKS(read_with("BYOK_PROVIDER", "", NULL));
    assert_int_equal(found, 0);
    WORKS(read_with("BYOK_AWS_KEY_ARN", ARN, "BYOK_DEK_CACHE_SECONDS", "wrong",
                    NULL)); /* without BYOK_PROVIDER nobody looks */
    assert_int_equal(found, 0);
    for (i = 0; i < BYOK_OPTION_COUNT; i++)
        assert_null(options.text[i]);
}

static void every_provider_has_its_uri(void **state)
{
    (void)state;
    WORKS(read_with("BYOK_PROVIDER", "aws-kms", "BYOK_AWS_KEY_ARN", ARN, NULL));
    gives("aws-kms://" ARN);
    assert_false(byok_options_is_set(&options, BYOK_OPTION_DEK_CACHE_SECONDS));
    WORKS(read_with("BYOK_PROVIDER", "gcp-kms", "BYOK_GCP_KEY_NAME",
                    "projects/p/locations/l/keyRings/r/cryptoKeys/k", NULL));
    gives("gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k");
    WORKS(read_with("BYOK_PROVIDER", "vault-transit", "BYOK_VAULT_ADDR",
                    "https://vault.example:8200", "BYOK_VAULT_TRANSIT_KEY", "orders", NULL));
    gives("vault-transit://vault.example:8200/transit/orders");
    WORKS(read_with("BYOK_PROVIDER", "vault-transit", "BYOK_VAULT_ADDR", "vault.example:8200",
                    "BYOK_VAULT_TRANSIT_KEY", "orders", NULL));
    gives("vault-transit://vault.example:8200/transit/orders");
}

static void others_providers_variables_do_not_matter(void **state)
{
    (void)state;
    WORKS(read_with("BYOK_PROVIDER", "gcp-kms", "BYOK_GCP_KEY_NAME", "g", "BYOK_AWS_KEY_ARN", ARN,
                    "BYOK_VAULT_ADDR", "v", NULL));
    gives("gcp-kms://g");
}

static void unknown_providers_name_the_valid_ones(void **state)
{
    static const char *const values[] = {"aws",   "AWS-KMS", "aws-kms ", "vault",
                                         "local", "azure",   "none"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof values / sizeof *values; i++) {
        FAILS(BYOK_R_BAD_VALUE,
              read_with("BYOK_PROVIDER", values[i], "BYOK_AWS_KEY_ARN", ARN, NULL));
        SAYS("BYOK_PROVIDER");
        SAYS("aws-kms");
        SAYS("gcp-kms");
        SAYS("vault-transit");
    }
}

static void missing_variables_are_named(void **state)
{
    (void)state;
    FAILS(BYOK_R_CONFIG, read_with("BYOK_PROVIDER", "aws-kms", NULL));
    SAYS("BYOK_AWS_KEY_ARN");
    FAILS(BYOK_R_CONFIG, read_with("BYOK_PROVIDER", "aws-kms", "BYOK_AWS_KEY_ARN", "", NULL));
    SAYS("BYOK_AWS_KEY_ARN");
    FAILS(BYOK_R_CONFIG, read_with("BYOK_PROVIDER", "gcp-kms", "BYOK_AWS_KEY_ARN", ARN, NULL));
    SAYS("BYOK_GCP_KEY_NAME");
    FAILS(BYOK_R_CONFIG,
          read_with("BYOK_PROVIDER", "vault-transit", "BYOK_VAULT_TRANSIT_KEY", "k", NULL));
    SAYS("BYOK_VAULT_ADDR");
    FAILS(BYOK_R_CONFIG,
          read_with("BYOK_PROVIDER", "vault-transit", "BYOK_VAULT_ADDR", "https://v", NULL));
    SAYS("BYOK_VAULT_TRANSIT_KEY");
}

static void the_cache_seconds_are_an_option(void **state)
{
    static const char *const bad[] = {"x", "-1", "86401", "1.5"};
    size_t i;

    (void)state;
    WORKS(read_with("BYOK_PROVIDER", "aws-kms", "BYOK_AWS_KEY_ARN", ARN, "BYOK_DEK_CACHE_SECONDS",
                    "77", NULL));
    gives("aws-kms://" ARN);
    assert_int_equal(byok_options_number(&options, BYOK_OPTION_DEK_CACHE_SECONDS), 77);
    WORKS(read_with("BYOK_PROVIDER", "aws-kms", "BYOK_AWS_KEY_ARN", ARN, "BYOK_DEK_CACHE_SECONDS",
                    "", NULL));
    assert_false(byok_options_is_set(&options, BYOK_OPTION_DEK_CACHE_SECONDS));
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS(BYOK_R_BAD_VALUE, read_with("BYOK_PROVIDER", "aws-kms", "BYOK_AWS_KEY_ARN", ARN,
                                          "BYOK_DEK_CACHE_SECONDS", bad[i], NULL));
        SAYS("BYOK_DEK_CACHE_SECONDS");
        SAYS("86400");
    }
}

static void too_long_is_refused(void **state)
{
    char value[4096];

    (void)state;
    memset(value, 'k', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    FAILS(BYOK_R_BAD_VALUE,
          read_with("BYOK_PROVIDER", "gcp-kms", "BYOK_GCP_KEY_NAME", value, NULL));
    SAYS("BYOK_GCP_KEY_NAME");
}

static int down(void **state)
{
    (void)state;
    byok_options_clear(&options);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_configured),
        cmocka_unit_test(every_provider_has_its_uri),
        cmocka_unit_test(others_providers_variables_do_not_matter),
        cmocka_unit_test(unknown_providers_name_the_valid_ones),
        cmocka_unit_test(missing_variables_are_named),
        cmocka_unit_test(the_cache_seconds_are_an_option),
        cmocka_unit_test(too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, down);
}
