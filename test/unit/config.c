/*
 * kms/config: sections to KEKs, their defaults, mistakes, and what is taken over from the file
 * before.
 */
#include "kms/config.h"

#include "test/unit/check.h"

#include <openssl/bio.h>
#include <openssl/err.h>

static struct byok_crypto *crypto;
static struct byok_options provider;
static struct byok_config_maker maker;
static int attached, retired, detached;

static void *attach(struct byok_kek *kek, struct byok_status *s)
{
    (void)s;
    attached++;
    return kek;
}

static void detach(void *what)
{
    (void)what;
    detached++;
}

static void retire(void *what)
{
    (void)what;
    retired++;
}

static const struct byok_kek_hooks hooks = {.attach = attach, .retire = retire, .detach = detach};

static struct byok_config *parse(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    struct byok_config *config = byok_config_parse(&maker, bio, "PATH", &status);

    BIO_free(bio);
    return config;
}

static struct byok_config *parses(const char *text)
{
    struct byok_config *config;

    WORKS((config = parse(text)) != NULL);
    assert_int_equal(ERR_peek_error(), 0);
    return config;
}

static void refuses(int reason, const char *text, const char *says)
{
    struct byok_config *config;

    FAILS(reason, (config = parse(text)) != NULL);
    SAYS(says);
    assert_int_equal(ERR_peek_error(), 0); /* nothing is left on the application's queue */
}

static struct byok_kek *find(const struct byok_config *config, const char *name)
{
    return byok_config_find(config, name, strlen(name));
}

static const char *option(const struct byok_config *config, const char *name,
                          enum byok_option which)
{
    assert_non_null(find(config, name));
    return byok_options_text(&find(config, name)->options, which);
}

static void sections_are_keks(void **state)
{
    static const char *const sorted[] = {"0", "A", "a", "a.b", "aa", "b"};
    struct byok_config *config = parses(
        "[b]\nuri = local:///b\n[aa]\nuri=local:///aa\n[0]\nuri=local:///0\n"
        "[a]\nuri=local:///a\n[A]\nuri=local:///A\n[ a.b ]\n  uri  =  local:///ab  # comment\n");
    size_t i;

    (void)state;
    assert_int_equal(config->count, 6);
    assert_null(config->default_kek);
    for (i = 0; i < config->count; i++) {
        assert_string_equal(config->keks[i]->name, sorted[i]);
        assert_ptr_equal(find(config, sorted[i]), config->keks[i]);
    }
    assert_string_equal(option(config, "a.b", BYOK_OPTION_URI), "local:///ab");
    assert_string_equal(option(config, "A", BYOK_OPTION_URI), "local:///A");
    assert_null(find(config, "c"));
    assert_null(find(config, ""));
    assert_null(find(config, "aaa"));
    assert_null(find(config, "default"));
    assert_null(byok_config_find(config, "b\0", 2));
    assert_null(byok_config_find(config, "aa", 0));
    assert_non_null(byok_config_find(config, "aab", 2));
    byok_config_free(config);
    byok_config_free(NULL);
}

static void no_sections_are_no_keks(void **state)
{
    struct byok_config *config = parses("");

    (void)state;
    assert_int_equal(config->count, 0);
    assert_null(find(config, "a"));
    byok_config_free(config);
    config = parses("# nothing\n\ndek-cache-seconds = 5\n");
    assert_int_equal(config->count, 0);
    byok_config_free(config);
}

static void what_stands_further_up_is_the_default(void **state)
{
    struct byok_config *config;

    (void)state;
    WORKS(byok_options_set(&provider, BYOK_PLACE_PROVIDER, "context", "from=provider", "test",
                           &status));
    WORKS(byok_options_set(&provider, BYOK_PLACE_PROVIDER, "dek-max-messages", "11", "test",
                           &status));
    config = parses("context = from=top\n[a]\nuri=local:///a\n[b]\nuri=local:///b\ncontext = "
                    "from=kek\ndek-cache-seconds=0\n");
    assert_string_equal(option(config, "a", BYOK_OPTION_CONTEXT), "from=top");
    assert_string_equal(option(config, "b", BYOK_OPTION_CONTEXT), "from=kek");
    assert_int_equal(byok_options_number(&find(config, "a")->options, BYOK_OPTION_DEK_MAX_MESSAGES),
                     11);
    assert_int_equal(
        byok_options_number(&find(config, "a")->options, BYOK_OPTION_DEK_CACHE_SECONDS), 300);
    assert_int_equal(
        byok_options_number(&find(config, "b")->options, BYOK_OPTION_DEK_CACHE_SECONDS), 0);
    assert_int_equal(byok_pairs_encoded(&find(config, "b")->context).len, 2 + 2 + 4 + 2 + 3);
    byok_config_free(config);
    config = parses("[a]\nuri=local:///a\n");
    assert_string_equal(option(config, "a", BYOK_OPTION_CONTEXT), "from=provider");
    byok_config_free(config);
}

static void the_default_kek_must_be_there(void **state)
{
    struct byok_config *config =
        parses("default-kek = b\n[a]\nuri=local:///a\n[b]\nuri=local:///b\n");

    (void)state;
    assert_ptr_equal(config->default_kek, find(config, "b"));
    byok_config_free(config);
    refuses(BYOK_R_CONFIG, "default-kek = c\n[a]\nuri=local:///a\n", "\"c\"");
    refuses(BYOK_R_CONFIG, "default-kek = c\n", "\"c\"");
    config = parses("default-kek =\n[a]\nuri=local:///a\n");
    assert_null(config->default_kek);
    byok_config_free(config);
    WORKS(byok_options_set(&provider, BYOK_PLACE_PROVIDER, "default-kek", "a", "test", &status));
    config = parses("[a]\nuri=local:///a\n[b]\nuri=local:///b\n");
    assert_ptr_equal(config->default_kek, find(config, "a"));
    byok_config_free(config);
    config = parses(
        "default-kek = b\n[a]\nuri=local:///a\n[b]\nuri=local:///b\n"); /* the file's goes first */
    assert_ptr_equal(config->default_kek, find(config, "b"));
    byok_config_free(config);
    refuses(BYOK_R_CONFIG, "[b]\nuri=local:///b\n", "\"a\"");
}

static void of_two_the_last_stands(void **state)
{
    struct byok_config *config = parses("dek-cache-seconds=1\ndek-cache-seconds=2\n[a]\nuri=local:/"
                                        "//one\nuri=local:///two\n[b]\nuri=local:///b\n"
                                        "dek-max-bytes=7\n[a]\nuri=local:///three\n");

    (void)state;
    assert_int_equal(config->count, 2);
    assert_string_equal(option(config, "a", BYOK_OPTION_URI), "local:///three");
    assert_int_equal(
        byok_options_number(&find(config, "a")->options, BYOK_OPTION_DEK_CACHE_SECONDS), 2);
    assert_int_equal(byok_options_number(&find(config, "b")->options, BYOK_OPTION_DEK_MAX_BYTES),
                     7);
    byok_config_free(config);
}

static void mistakes_in_options_say_where(void **state)
{
    char longer[128] = "[";

    (void)state;
    refuses(BYOK_R_UNKNOWN_OPTION, "[a]\nuri=local:///a\nurl=x\n", "PATH");
    SAYS("\"a\"");
    SAYS("\"url\"");
    refuses(BYOK_R_UNKNOWN_OPTION, "nonesuch=1\n[a]\nuri=local:///a\n", "PATH");
    SAYS("before the first section");
    refuses(BYOK_R_UNKNOWN_OPTION, "uri=local:///a\n", "uri");
    refuses(BYOK_R_UNKNOWN_OPTION, "[default]\nuri=local:///a\n",
            "uri"); /* CONF's name for the top */
    refuses(BYOK_R_UNKNOWN_OPTION, "config=x\n", "config");
    refuses(BYOK_R_UNKNOWN_OPTION, "kek=local:///a\n", "kek");
    refuses(BYOK_R_UNKNOWN_OPTION, "[a]\nuri=local:///a\ndefault-kek=a\n", "default-kek");
    refuses(BYOK_R_UNKNOWN_OPTION, "[a]\nuri=local:///a\n1.uri=local:///b\n", "1.uri");
    refuses(BYOK_R_BAD_VALUE, "[a]\nuri=local:///a\ndek-cache-seconds=86401\n", "86400");
    refuses(BYOK_R_BAD_VALUE, "dek-max-messages=0\n", "4294967296");
    refuses(BYOK_R_CONFIG, "[a]\n", "\"a\"");
    refuses(BYOK_R_CONFIG, "[a]\ncontext=a=b\n", "uri");
    refuses(BYOK_R_BAD_VALUE, "[a]\nuri=nonesuch:///a\n", "\"a\"");
    refuses(BYOK_R_BAD_VALUE, "[a]\nuri=local:///a\ncontext=a\n", "context");
    refuses(BYOK_R_BAD_VALUE, "[a b]\nuri=local:///a\n", "(not shown)");
    refuses(BYOK_R_BAD_VALUE, "[.a]\nuri=local:///a\n", ".a");
    memset(longer + 1, 'a', 65);
    strcpy(longer + 66, "]\nuri=local:///a\n");
    refuses(BYOK_R_BAD_VALUE, longer, "(not shown)");
    HIDES("aaaa");
    refuses(BYOK_R_BAD_VALUE, "[a]\nuri=00112233445566778899aabbccddeeff\n", "no known scheme");
    HIDES("0011");
    refuses(BYOK_R_CONFIG, "default-kek=00112233445566778899aabbccddeeff\n", "default-kek");
    HIDES("0011");
}

static void malformed_files_say_the_line(void **state)
{
    (void)state;
    refuses(BYOK_R_CONFIG, "[a]\nuri=local:///a\n[b\nuri=local:///b\n", "PATH, line 3");
    refuses(BYOK_R_CONFIG, "word\n", "PATH, line 1");
    refuses(BYOK_R_CONFIG, "\n# comment\n\nword\n", "PATH, line 4");
    refuses(BYOK_R_CONFIG, "[a]\nuri=local:///$nowhere::x\n", "PATH, line 2");
    refuses(BYOK_R_CONFIG, "[a]\nuri=${x\n", "PATH, line 2");
    HIDES("(null)");
}

static const char before_text[] =
    "[a]\nuri=local:///a\ncontext=k=v\n[b]\nuri=local:///b\n[c]\nuri=local:///c\n";

static void unchanged_keks_are_taken_over(void **state)
{
    struct byok_config *before = parses(before_text), *after;
    struct byok_kek *kek;

    (void)state;
    assert_int_equal(attached, 3);
    maker.previous = before;
    after = parses("# moved\n[d]\nuri=local:///d\n[b]\nuri = local:///b\n[a]\ncontext = "
                   "k=v\nuri=local:///a\n");
    assert_int_equal(after->count, 3);
    assert_ptr_equal(find(after, "a"), find(before, "a"));
    assert_ptr_equal(find(after, "b"), find(before, "b"));
    assert_null(find(after, "c"));
    assert_int_equal(attached, 4);
    assert_int_equal(detached, 0);
    assert_int_equal(retired, 0);
    byok_kek_up_ref(find(before, "c"));
    kek = find(before, "c");
    byok_config_retire(before, after);
    assert_int_equal(retired, 1); /* c, of which the test still holds a reference */
    byok_config_free(before);
    assert_int_equal(detached, 0);
    byok_kek_free(kek);
    assert_int_equal(detached, 1);
    assert_string_equal(option(after, "a", BYOK_OPTION_URI), "local:///a");
    byok_config_free(after);
    assert_int_equal(detached, 4);
}

static void changed_keks_are_others(void **state)
{
    static const char *const changes[] = {
        "[a]\nuri=local:///a2\ncontext=k=v\n",
        "[a]\nuri=local:///a\ncontext=k=w\n",
        "[a]\nuri=local:///a\n",
        "[a]\nuri=local:///a\ncontext=k=v\ndek-cache-seconds=1\n",
        "dek-max-messages=5\n[a]\nuri=local:///a\ncontext=k=v\n", /* inherited */
        "[A]\nuri=local:///a\ncontext=k=v\n[a]\nuri=local:///A\ncontext=k=v\n",
    };
    struct byok_config *before = parses(before_text), *after;
    size_t i;

    (void)state;
    maker.previous = before;
    for (i = 0; i < sizeof changes / sizeof *changes; i++) {
        after = parses(changes[i]);
        assert_non_null(find(after, "a"));
        assert_ptr_not_equal(find(after, "a"), find(before, "a"));
        retired = 0;
        byok_config_retire(before, after);
        assert_int_equal(retired, 3); /* of the same name, but another */
        byok_config_free(after);
    }
    after = parses(
        "dek-cache-seconds=300\n[a]\nuri=local:///a\ncontext=k=v\n"); /* the default, said aloud */
    assert_ptr_equal(find(after, "a"), find(before, "a"));
    byok_config_free(after);
    byok_config_free(before);
    assert_int_equal(attached, detached);
}

static void a_mistake_leaves_the_previous_whole(void **state)
{
    struct byok_config *before = parses(before_text);

    (void)state;
    maker.previous = before;
    refuses(BYOK_R_UNKNOWN_OPTION,
            "[a]\nuri=local:///a\ncontext=k=v\n[b]\nuri=local:///b\n[c]\nnonesuch=1\n", "nonesuch");
    refuses(BYOK_R_CONFIG, "default-kek=z\n[a]\nuri=local:///a\ncontext=k=v\n", "\"z\"");
    assert_int_equal(detached, 0);
    assert_int_equal(before->count, 3);
    assert_string_equal(option(before, "a", BYOK_OPTION_CONTEXT), "k=v");
    byok_config_free(before);
    assert_int_equal(detached, attached);
}

static int group_up(void **state)
{
    (void)state;
    memset(&status, 0, sizeof status);
    crypto = byok_crypto_new("default", &status);
    ERR_clear_error();
    return crypto != NULL ? 0 : -1;
}

static int up(void **state)
{
    (void)state;
    byok_options_clear(&provider);
    attached = retired = detached = 0;
    maker = (struct byok_config_maker){crypto, &hooks, &provider, NULL};
    return 0;
}

static int group_down(void **state)
{
    (void)state;
    byok_options_clear(&provider);
    byok_crypto_free(crypto);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sections_are_keks, up),
        cmocka_unit_test_setup(no_sections_are_no_keks, up),
        cmocka_unit_test_setup(what_stands_further_up_is_the_default, up),
        cmocka_unit_test_setup(the_default_kek_must_be_there, up),
        cmocka_unit_test_setup(of_two_the_last_stands, up),
        cmocka_unit_test_setup(mistakes_in_options_say_where, up),
        cmocka_unit_test_setup(malformed_files_say_the_line, up),
        cmocka_unit_test_setup(unchanged_keks_are_taken_over, up),
        cmocka_unit_test_setup(changed_keks_are_others, up),
        cmocka_unit_test_setup(a_mistake_leaves_the_previous_whole, up),
    };

    return cmocka_run_group_tests(tests, group_up, group_down);
}
