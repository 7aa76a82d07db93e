/*
 * kms/kek: names, URIs, what is handed to the layer above, and what a KMS may reply.
 */
#include "kms/kek.h"

#include "test/support/kms.h"
#include "test/unit/check.h"

#include <sys/stat.h>

static struct byok_crypto *crypto;
static char dir[32] = "/tmp/byok-kek-XXXXXX"; /* its bytes also serve as a key */

/* A KEK with these options; NULL ones aren't set. */
static struct byok_kek *make(const char *name, const char *uri, const char *context,
                             const struct byok_kek_hooks *hooks)
{
    struct byok_options options = {{NULL}, {0}};
    struct byok_kek *kek;
    size_t i;

    if (uri != NULL)
        assert_true(byok_options_set(&options, BYOK_PLACE_KEK, "uri", uri, "test", &status));
    if (context != NULL)
        assert_true(
            byok_options_set(&options, BYOK_PLACE_KEK, "context", context, "test", &status));
    kek = byok_kek_new(crypto, hooks, name, &options, &status);
    for (i = 0; i < BYOK_OPTION_COUNT; i++)
        assert_null(options.text[i]); /* taken, also on failure */
    return kek;
}

static void is_name(const char *name, size_t len, int good)
{
    char *copy = exact(name, len);

    if (byok_kek_name_ok(copy, len) != good)
        fail_msg("\"%.*s\" is %s name", (int)len, name, good ? "no" : "a");
    free(copy);
}

static void names(void **state)
{
    static const char *const good[] = {"a",       "Z",      "0",   "tenant-a",
                                       "a.b_c-d", "9lives", "A..", "a--"};
    static const char *const bad[] = {"",         ".a",        "-a",  "_a",  "a b",
                                      " a",       "a ",        "a/b", "a,b", "a\n",
                                      "\xc3\xa9", "a\xc3\xa9", "a=b", "a:b", "a@b"};
    char longest[65];
    unsigned int byte;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof good / sizeof *good; i++)
        is_name(good[i], strlen(good[i]), 1);
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        is_name(bad[i], strlen(bad[i]), 0);
    memset(longest, 'a', sizeof longest);
    is_name(longest, 64, 1);
    is_name(longest, 65, 0);
    is_name("a\0", 2, 0);
    is_name("\0a", 2, 0);
    for (byte = 0; byte < 256; byte++) {
        int letter = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z')
                     || (byte >= 'a' && byte <= 'z');

        longest[0] = (char)byte;
        is_name(longest, 1, letter);
        longest[0] = 'a';
        longest[1] = (char)byte;
        is_name(longest, 2, letter || byte == '.' || byte == '_' || byte == '-');
    }
}

static void a_bad_name_makes_no_kek(void **state)
{
    struct byok_kek *kek;
    char name[66];

    (void)state;
    FAILS(BYOK_R_BAD_VALUE, make(".a", "local:///k", NULL, NULL));
    SAYS(".a");
    FAILS(BYOK_R_BAD_VALUE, make("", "local:///k", NULL, NULL));
    memset(name, 'n', sizeof name - 1);
    name[65] = '\0';
    FAILS(BYOK_R_BAD_VALUE, make(name, "local:///k", NULL, NULL));
    name[64] = '\0';
    WORKS((kek = make(name, "local:///k", NULL, NULL)) != NULL);
    assert_string_equal(kek->name, name);
    byok_kek_free(kek);
}

static void uris(void **state)
{
    static const char *const good[] = {"local:///a",     "local:///etc/byok/a.key",
                                       "local:///a%20b", "local:////a",
                                       "test:///a",      "local:///a:b",
                                       "local:///%2e",   "local:///%c3%a9"};
    static const char *const bad[] = {"local",
                                      "local:",
                                      "local:/a",
                                      "local://",
                                      "local:///",
                                      "local://host/a",
                                      "local:a",
                                      "local:a///b",
                                      "local:///a?b",
                                      "local:///a#b",
                                      "local:///a%",
                                      "local:///a%2",
                                      "local:///a%zz",
                                      "local:///a%00",
                                      "local:///a%00b",
                                      "local:///%00",
                                      ":///a",
                                      ":",
                                      "/a",
                                      "a",
                                      "loca:///a",
                                      "localx:///a",
                                      " local:///a",
                                      "nonesuch:///a",
                                      "aws-kms://arn"};
    struct byok_kek *kek;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof good / sizeof *good; i++) {
        WORKS((kek = make("name", good[i], NULL, NULL)) != NULL);
        assert_string_equal(kek->name, "name");
        assert_string_equal(byok_options_text(&kek->options, BYOK_OPTION_URI), good[i]);
        byok_kek_free(kek);
    }
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS(BYOK_R_BAD_VALUE, make("name", bad[i], NULL, NULL));
        SAYS("\"name\"");
    }
    FAILS(BYOK_R_BAD_VALUE, make("name", "nonesuch:///a", NULL, NULL));
    SAYS("local:");
    SAYS("test:");
    FAILS(BYOK_R_CONFIG, make("name", NULL, NULL, NULL));
    SAYS("uri");
    FAILS(BYOK_R_CONFIG, make("name", "", NULL, NULL));
}

/* The path in the URI is percent-decoded once. */
static void uri_path_is_decoded(void **state)
{
    static const char key[] = "the key in the file of that name";
    unsigned char id[BYOK_KEK_ID_BYTES];
    struct byok_kek *kek;
    char path[96], uri[128];
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "%s/a b%%20,c", dir);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(fwrite(key, 1, 32, file), 32);
    assert_int_equal(fclose(file), 0);
    snprintf(uri, sizeof uri, "local://%s/%%61%%20b%%2520,%%63", dir);
    WORKS((kek = make("name", uri, NULL, NULL)) != NULL);
    WORKS(kek->backend->identify(kek, id, &status));
    byok_kek_free(kek);
    snprintf(uri, sizeof uri, "local://%s/a%%20b%%20,c", dir);
    WORKS((kek = make("name", uri, NULL, NULL)) != NULL);
    FAILS(BYOK_R_NOT_FOUND, kek->backend->identify(kek, id, &status));
    byok_kek_free(kek);
}

static void context_is_parsed(void **state)
{
    static const char *const bad[] = {"a", "a=b,", "a=1,a=2", "=b", "a=%00", "a=%f"};
    struct byok_kek *kek;
    size_t i;

    (void)state;
    WORKS((kek = make("name", "local:///a", "b=2, a=1", NULL)) != NULL);
    assert_int_equal(byok_pairs_encoded(&kek->context).len, 14);
    assert_memory_equal(byok_pairs_encoded(&kek->context).data, "\0\2\0\1a\0\1\61\0\1b\0\1\62", 14);
    byok_kek_free(kek);
    WORKS((kek = make("name", "local:///a", "", NULL)) != NULL);
    assert_int_equal(byok_pairs_encoded(&kek->context).len, 2);
    byok_kek_free(kek);
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS(BYOK_R_BAD_VALUE, make("name", "local:///a", bad[i], NULL));
        SAYS("\"name\"");
        SAYS("context");
    }
}

static int attached, retired, detached;
static char attachment;

static void *attach(struct byok_kek *kek, struct byok_status *s)
{
    (void)s;
    attached++;
    return strcmp(kek->name, "refused") == 0 ? (byok_fail_memory(s), NULL) : &attachment;
}

static void detach(void *what)
{
    assert_ptr_equal(what, &attachment);
    detached++;
}

static void retire(void *what)
{
    assert_ptr_equal(what, &attachment);
    retired++;
}

static void hooks_come_and_go_with_the_kek(void **state)
{
    static const struct byok_kek_hooks hooks = {
        .attach = attach, .retire = retire, .detach = detach};
    struct byok_kek *kek;

    (void)state;
    attached = retired = detached = 0;
    WORKS((kek = make("name", "local:///a", NULL, &hooks)) != NULL);
    assert_ptr_equal(kek->attached, &attachment);
    assert_int_equal(attached, 1);
    byok_kek_retire(kek);
    assert_int_equal(retired, 1);
    assert_int_equal(detached, 0);
    assert_ptr_equal(byok_kek_up_ref(kek), kek);
    byok_kek_free(kek);
    assert_int_equal(detached, 0);
    byok_kek_free(kek);
    assert_int_equal(detached, 1);
    FAILS(BYOK_R_OUT_OF_MEMORY, make("refused", "local:///a", NULL, &hooks));
    FAILS(BYOK_R_BAD_VALUE, make("name", "nonesuch:///a", NULL, &hooks));
    assert_int_equal(detached, 1);
    assert_int_equal(retired, 1);
    WORKS((kek = make("without", "local:///a", NULL, NULL)) != NULL);
    byok_kek_retire(kek);
    byok_kek_free(kek);
    byok_kek_free(NULL);
}

/* Wraps and clears; `len` gets the wrap's length. */
static int wrap(struct byok_kek *kek, struct byok_secret *key, size_t *len)
{
    struct byok_result result = {{0}, BYOK_BUFFER_INIT};
    int ok = byok_kek_wrap(kek, BYOK_PURPOSE_DEK, key, &result, &status);

    *len = result.output.len;
    byok_buffer_clear(&result.output);
    return ok;
}

static struct byok_kek *make_with_key(void)
{
    char path[96], uri[128];
    struct byok_kek *kek;
    FILE *file;

    snprintf(path, sizeof path, "%s/key", dir);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(fwrite(dir, 1, 32, file), 32);
    assert_int_equal(fclose(file), 0);
    snprintf(uri, sizeof uri, "test://%s", path);
    WORKS((kek = make("name", uri, NULL, NULL)) != NULL);
    return kek;
}

static void a_wrap_of_a_wrong_size_is_a_bad_reply(void **state)
{
    static const struct {
        int cut, grow;
        size_t good; /* the wrap's length; 0: refused */
    } rows[] = {{0, 0, 0},   {15, 0, 0},       {16, 0, 0},    {17, 0, 1},
                {-1, 0, 72}, {-1, 3000, 3072}, {-1, 3001, 0}, {-1, 60000, 0}};
    struct byok_kek *kek = make_with_key();
    struct byok_secret *key;
    size_t i, len;

    (void)state;
    WORKS((key = byok_secret_new(crypto->arena, &status)) != NULL);
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_kms_reset();
        test_kms.trusting = 1;
        test_kms.cut_reply_to = rows[i].cut;
        test_kms.grow_reply_by = rows[i].grow;
        if (rows[i].good == 0) {
            FAILS(BYOK_R_BAD_REPLY, wrap(kek, key, &len));
        } else {
            WORKS(wrap(kek, key, &len));
            assert_int_equal(len, rows[i].good);
        }
        assert_int_equal(test_kms.wraps, 1);
    }
    test_kms.fail_with = BYOK_R_THROTTLED;
    FAILS(BYOK_R_THROTTLED, wrap(kek, key, &len));
    byok_secret_free(crypto->arena, key);
    byok_kek_free(kek);
}

static void only_32_bytes_are_a_data_key(void **state)
{
    struct byok_result result = {{0}, BYOK_BUFFER_INIT};
    struct byok_kek *kek = make_with_key();
    struct byok_secret *key, *again;
    struct byok_view view;
    int len;

    (void)state;
    test_kms_reset();
    WORKS((key = byok_secret_new(crypto->arena, &status)) != NULL);
    WORKS((again = byok_secret_new(crypto->arena, &status)) != NULL);
    memset(key->bytes, 0x42, BYOK_KEY_BYTES);
    WORKS(byok_kek_wrap(kek, BYOK_PURPOSE_DEK, key, &result, &status));
    view.data = result.output.data;
    view.len = result.output.len;
    WORKS(byok_kek_unwrap(kek, BYOK_PURPOSE_DEK, view, again, &status));
    assert_memory_equal(again, key, sizeof *key);
    test_kms.trusting = 1;
    for (len = 1; len < 32; len++) {
        test_kms.cut_reply_to = len;
        FAILS(BYOK_R_BAD_CIPHERTEXT, byok_kek_unwrap(kek, BYOK_PURPOSE_DEK, view, again, &status));
    }
    test_kms_reset();
    test_kms.trusting = 1;
    test_kms.grow_reply_by = 1;
    FAILS(BYOK_R_BAD_CIPHERTEXT, byok_kek_unwrap(kek, BYOK_PURPOSE_DEK, view, again, &status));
    test_kms_reset();
    test_kms.fail_with = BYOK_R_DENIED;
    FAILS(BYOK_R_DENIED, byok_kek_unwrap(kek, BYOK_PURPOSE_DEK, view, again, &status));
    assert_int_equal(test_kms.unwraps, 1);
    byok_buffer_clear(&result.output);
    byok_secret_free(crypto->arena, key);
    byok_secret_free(crypto->arena, again);
    byok_kek_free(kek);
}

static int up(void **state)
{
    (void)state;
    memset(&status, 0, sizeof status);
    crypto = byok_crypto_new("default", &status);
    return crypto != NULL && mkdtemp(dir) != NULL ? 0 : -1;
}

static int down(void **state)
{
    char command[64];

    (void)state;
    byok_crypto_free(crypto);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(a_bad_name_makes_no_kek),
        cmocka_unit_test(uris),
        cmocka_unit_test(uri_path_is_decoded),
        cmocka_unit_test(context_is_parsed),
        cmocka_unit_test(hooks_come_and_go_with_the_kek),
        cmocka_unit_test(a_wrap_of_a_wrong_size_is_a_bad_reply),
        cmocka_unit_test(only_32_bytes_are_a_data_key),
    };

    return cmocka_run_group_tests(tests, up, down);
}
