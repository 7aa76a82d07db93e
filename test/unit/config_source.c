/*
 * kms/config: which file is read, whether it is trusted, and the configuration without a file.
 */
#include "kms/config.h"

#include "base/file.h"
#include "test/unit/check.h"

#include <sys/stat.h>

static struct byok_crypto *crypto;
static struct byok_options provider;
static struct byok_config_maker maker;
static char dir[] = "/tmp/byok-config-XXXXXX";

static int set(const char *name, const char *value)
{
    return byok_options_set(&provider, BYOK_PLACE_PROVIDER, name, value, "test", &status);
}

static void the_path_is_the_first_that_is_there(void **state)
{
    const char *path;

    (void)state;
    path = byok_config_path(&provider);
    if (access(BYOK_KEK_FILE, F_OK) == 0)
        assert_string_equal(path, BYOK_KEK_FILE);
    else
        assert_null(path);
    setenv("BYOK_CONFIG", "", 1);
    assert_ptr_equal(byok_config_path(&provider), path);
    setenv("BYOK_CONFIG", "/from/environment",
           1); /* whether it is there or not: a mistake must be heard of */
    assert_string_equal(byok_config_path(&provider), "/from/environment");
    WORKS(set("kek", "local:///a"));
    assert_null(byok_config_path(&provider));
    WORKS(set("config", "/from/option"));
    assert_string_equal(byok_config_path(&provider), "/from/option");
    byok_options_clear(&provider);
    WORKS(set("config", "/from/option"));
    assert_string_equal(byok_config_path(&provider), "/from/option");
}

static const char *write_file(const char *text, mode_t mode)
{
    static char path[64];
    FILE *file;

    snprintf(path, sizeof path, "%s/keks.cnf", dir);
    unlink(path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), mode), 0);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void a_trusted_file_is_read(void **state)
{
    const char *path = write_file("default-kek=a\n[a]\nuri=local:///a\n", 0644);
    struct byok_config *config;
    struct stat info, direct;

    (void)state;
    WORKS((config = byok_config_read(&maker, path, &info, &status)) != NULL);
    assert_int_equal(config->count, 1);
    assert_string_equal(config->default_kek->name, "a");
    assert_int_equal(stat(path, &direct), 0);
    assert_true(byok_file_same(&info, &direct));
    byok_config_free(config);
    WORKS((config = byok_config_read(&maker, write_file("", 0400), &info, &status)) != NULL);
    assert_int_equal(config->count, 0);
    byok_config_free(config);
}

static void read_fails(const char *path, int reason, const char *says)
{
    struct byok_config *config;
    struct stat info;

    FAILS(reason, (config = byok_config_read(&maker, path, &info, &status)) != NULL);
    SAYS(path);
    SAYS(says);
}

static void others_are_not(void **state)
{
    static const char text[] = "[a]\nuri=local:///a\n";

    (void)state;
    read_fails(write_file(text, 0664), BYOK_R_BAD_PERMISSIONS, "chmod go-w");
    read_fails(write_file(text, 0602), BYOK_R_BAD_PERMISSIONS, "0602");
    read_fails(dir, BYOK_R_BAD_PERMISSIONS, "KEK file");
    read_fails("/nowhere/keks.cnf", BYOK_R_CONFIG, "KEK file");
    read_fails(write_file("[a]\nuri\n", 0600), BYOK_R_CONFIG, "line 2");
    read_fails(write_file("x=1\n", 0600), BYOK_R_UNKNOWN_OPTION, "\"x\"");
}

static struct byok_config *single(void)
{
    struct byok_config *config;

    WORKS((config = byok_config_single(&maker, &status)) != NULL);
    return config;
}

static void without_a_file_one_kek_comes_from_the_option(void **state)
{
    struct byok_config *config, *again;

    (void)state;
    setenv("BYOK_PROVIDER", "nonesuch", 1); /* not looked at */
    WORKS(set("kek", "local:///the/key"));
    WORKS(set("context", "stage=live"));
    WORKS(set("dek-cache-seconds", "9"));
    config = single();
    assert_int_equal(config->count, 1);
    assert_ptr_equal(config->default_kek, config->keks[0]);
    assert_ptr_equal(config->default_kek, byok_config_find(config, "default", 7));
    assert_string_equal(byok_options_text(&config->default_kek->options, BYOK_OPTION_URI),
                        "local:///the/key");
    assert_string_equal(byok_options_text(&config->default_kek->options, BYOK_OPTION_CONTEXT),
                        "stage=live");
    assert_int_equal(
        byok_options_number(&config->default_kek->options, BYOK_OPTION_DEK_CACHE_SECONDS), 9);
    maker.previous = config;
    again = single();
    assert_ptr_equal(again->keks[0], config->keks[0]);
    byok_config_free(config);
    byok_config_free(again);
}

static void the_option_may_be_wrong(void **state)
{
    struct byok_config *config;

    (void)state;
    WORKS(set("kek", "local:relative"));
    FAILS(BYOK_R_BAD_VALUE, (config = byok_config_single(&maker, &status)) != NULL);
    WORKS(set("kek", "nonesuch:///a"));
    FAILS(BYOK_R_BAD_VALUE, (config = byok_config_single(&maker, &status)) != NULL);
    WORKS(set("kek", "local:///a"));
    WORKS(set("context", "a"));
    FAILS(BYOK_R_BAD_VALUE, (config = byok_config_single(&maker, &status)) != NULL);
}

static void else_from_the_environment_or_there_is_none(void **state)
{
    struct byok_config *config = single();

    (void)state;
    assert_int_equal(config->count, 0);
    assert_null(config->default_kek);
    assert_null(byok_config_find(config, "default", 7));
    byok_config_free(config);
    setenv("BYOK_PROVIDER", "aws-kms", 1);
    FAILS(BYOK_R_CONFIG, (config = byok_config_single(&maker, &status)) != NULL);
    SAYS("BYOK_AWS_KEY_ARN");
    setenv("BYOK_AWS_KEY_ARN", "arn:aws:kms:eu-central-1:1:key/2", 1);
    FAILS(BYOK_R_BAD_VALUE, (config = byok_config_single(&maker, &status))
                                != NULL); /* no such backend in the tests' table */
    SAYS("aws-kms");
}

static int group_up(void **state)
{
    (void)state;
    memset(&status, 0, sizeof status);
    crypto = byok_crypto_new("default", &status);
    return crypto != NULL && mkdtemp(dir) != NULL ? 0 : -1;
}

static int up(void **state)
{
    static const char *const variables[] = {"BYOK_CONFIG", "BYOK_PROVIDER", "BYOK_AWS_KEY_ARN",
                                            "BYOK_DEK_CACHE_SECONDS"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    byok_options_clear(&provider);
    maker = (struct byok_config_maker){crypto, NULL, &provider, NULL};
    return 0;
}

static int group_down(void **state)
{
    char command[64];

    (void)state;
    byok_options_clear(&provider);
    byok_crypto_free(crypto);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_path_is_the_first_that_is_there, up),
        cmocka_unit_test_setup(a_trusted_file_is_read, up),
        cmocka_unit_test_setup(others_are_not, up),
        cmocka_unit_test_setup(without_a_file_one_kek_comes_from_the_option, up),
        cmocka_unit_test_setup(the_option_may_be_wrong, up),
        cmocka_unit_test_setup(else_from_the_environment_or_there_is_none, up),
    };

    return cmocka_run_group_tests(tests, group_up, group_down);
}
