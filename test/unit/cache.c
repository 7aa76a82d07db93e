/*
 * envelope/cache: who keeps a data key, and for how long. Who holds references is counted: one is
 * the caller's, one the cache's.
 */
#include "envelope/cache.h"
#include "test/support/kms.h"
#include "test/unit/check.h"

#include <sys/stat.h>

static struct byok_crypto *crypto;
static char dir[] = "/tmp/byok-cache-XXXXXX";

static struct byok_kek *make(const char *option, const char *value)
{
    struct byok_options options = {{NULL}, {0}};
    struct byok_kek *kek;
    char uri[96];

    test_kms_reset();
    snprintf(uri, sizeof uri, "test://%s/key", dir);
    WORKS(byok_options_set(&options, BYOK_PLACE_KEK, "uri", uri, "test", &status));
    if (option != NULL)
        WORKS(byok_options_set(&options, BYOK_PLACE_KEK, option, value, "test", &status));
    WORKS((kek = byok_kek_new(crypto, &byok_cache_hooks, "kek", &options, &status)) != NULL);
    return kek;
}

static unsigned int references(const struct byok_data_key *key)
{
    return atomic_load(&key->references);
}

static struct byok_data_key *sealing(struct byok_kek *kek)
{
    struct byok_data_key *key;

    WORKS((key = byok_cache_get_sealing(kek, &status)) != NULL);
    return key;
}

/* Opens what `sealed` seals, as a message's header would have it. */
static struct byok_data_key *opening(struct byok_kek *kek, const struct byok_data_key *sealed)
{
    struct byok_header header = {NULL, NULL, 1, {sealed->stanza}};
    struct byok_data_key *key;

    WORKS((key = byok_cache_get_opening(kek, &header, &status)) != NULL);
    assert_memory_equal(key->dek->bytes, sealed->dek->bytes, BYOK_KEY_BYTES);
    return key;
}

static void one_key_for_many(void **state)
{
    struct byok_kek *kek = make(NULL, NULL);
    struct byok_data_key *first = sealing(kek), *second = sealing(kek);
    struct byok_data_key *opened = opening(kek, first), *again = opening(kek, first);

    (void)state;
    assert_ptr_equal(first, second);
    assert_ptr_equal(opened, again);
    assert_int_equal(references(first), 3);
    assert_int_equal(references(opened), 3);
    assert_int_equal(test_kms.wraps, 1);
    assert_int_equal(test_kms.unwraps, 1);
    byok_data_key_free(first);
    byok_data_key_free(second);
    byok_data_key_free(opened);
    byok_data_key_free(again);
    byok_kek_free(kek);
}

/* What may serve no other message is kept by nobody. */
static void nothing_is_kept_for_nothing(void **state)
{
    static const char *const rows[][2] = {{"dek-cache-seconds", "0"}, {"dek-max-messages", "1"}};
    struct byok_data_key *key, *opened;
    struct byok_kek *kek;
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        kek = make(rows[i][0], rows[i][1]);
        key = sealing(kek);
        assert_int_equal(references(key), 1);
        opened = opening(kek, key);
        assert_int_equal(references(opened), i == 0 ? 1 : 2);
        byok_data_key_free(key);
        byok_data_key_free(opened);
        byok_kek_free(kek);
    }
}

/* A key whose time has passed goes with the next miss, also one that nobody asks for. */
static void passed_keys_go(void **state)
{
    struct byok_kek *kek = make("dek-cache-seconds", "1");
    struct byok_data_key *old = sealing(kek), *old_opened = opening(kek, old), *key, *opened;

    (void)state;
    assert_int_equal(references(old), 2);
    assert_int_equal(references(old_opened), 2);
    sleep(2);
    key = sealing(kek);
    assert_ptr_not_equal(key, old);
    assert_int_equal(references(old), 1);
    opened = opening(kek, key);
    assert_int_equal(references(old_opened), 1);
    byok_data_key_free(old);
    byok_data_key_free(old_opened);
    byok_data_key_free(key);
    byok_data_key_free(opened);
    byok_kek_free(kek);
}

/* More keys than there are places: the oldest goes, the others stay. */
static void the_oldest_makes_room(void **state)
{
    enum { PLACES = 16 };
    struct byok_kek *kek = make("dek-max-messages", "1");
    struct byok_data_key *keys[PLACES + 1], *opened[PLACES + 1];
    int i;

    (void)state;
    for (i = 0; i <= PLACES; i++) {
        keys[i] = sealing(kek);
        opened[i] = opening(kek, keys[i]);
    }
    for (i = 0; i <= PLACES; i++) {
        assert_int_equal(references(opened[i]), i == 0 ? 1 : 2);
        byok_data_key_free(keys[i]);
        byok_data_key_free(opened[i]);
    }
    byok_kek_free(kek);
}

static void a_retired_kek_keeps_nothing(void **state)
{
    struct byok_kek *kek = make(NULL, NULL);
    struct byok_data_key *before = sealing(kek), *opened = opening(kek, before), *after;

    (void)state;
    byok_kek_retire(kek);
    assert_int_equal(references(before), 1);
    assert_int_equal(references(opened), 1);
    after = sealing(kek); /* who had begun may go on */
    assert_ptr_not_equal(after, before);
    assert_int_equal(references(after), 1);
    byok_data_key_free(before);
    byok_data_key_free(opened);
    byok_data_key_free(after);
    byok_kek_free(kek);
}

static int up(void **state)
{
    char path[64];
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/key", dir);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(fwrite("0123456789abcdef0123456789abcdef", 1, 32, file), 32);
    assert_int_equal(fclose(file), 0);
    WORKS((crypto = byok_crypto_new("default", &status)) != NULL);
    return 0;
}

static int down(void **state)
{
    char path[64];

    (void)state;
    byok_crypto_free(crypto);
    snprintf(path, sizeof path, "%s/key", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_key_for_many), cmocka_unit_test(nothing_is_kept_for_nothing),
        cmocka_unit_test(passed_keys_go), cmocka_unit_test(the_oldest_makes_room),
        cmocka_unit_test(a_retired_kek_keeps_nothing)};

    return cmocka_run_group_tests(tests, up, down);
}
