/*
 * kms/local: its wraps against bytes made here, with libcrypto alone, from doc/format.md.
 */
#include "kms/kek.h"
#include "test/unit/check.h"

#include <openssl/sha.h>
#include <sys/stat.h>

#define WRAP_BYTES 72

static struct byok_crypto *crypto;
static struct byok_secret *dek, *opened;
static char dir[] = "/tmp/byok-local-XXXXXX";
static unsigned char kek_bytes[BYOK_KEY_BYTES];

static const char *key_path(void)
{
    static char path[64];

    snprintf(path, sizeof path, "%s/key", dir);
    return path;
}

static void write_key(const void *bytes, size_t len, mode_t mode)
{
    FILE *file = fopen(key_path(), "w");

    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), mode), 0);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static struct byok_kek *make(const char *context)
{
    struct byok_options options = {{NULL}, {0}};
    struct byok_kek *kek;
    char uri[96];

    snprintf(uri, sizeof uri, "local://%s", key_path());
    WORKS(byok_options_set(&options, BYOK_PLACE_KEK, "uri", uri, "test", &status));
    WORKS(byok_options_set(&options, BYOK_PLACE_KEK, "context", context, "test", &status));
    WORKS((kek = byok_kek_new(crypto, NULL, "local-kek", &options, &status)) != NULL);
    return kek;
}

static void hmac(const char *label, const unsigned char *rest, size_t len, unsigned char out[64])
{
    unsigned char data[256];
    size_t out_len;

    memcpy(data, label, strlen(label));
    if (len > 0)
        memcpy(data + strlen(label), rest, len);
    assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA512", NULL, kek_bytes, sizeof kek_bytes, data,
                              strlen(label) + len, out, 64, &out_len));
    assert_int_equal(out_len, 64);
}

/* B = SHA-256("byok/bind/v1" || u8 length || purpose || P) */
static void binding(const char *purpose, const void *pairs, size_t pairs_len, unsigned char out[32])
{
    unsigned char data[256], *p = data;

    p = (unsigned char *)stpcpy((char *)p, "byok/bind/v1");
    *p++ = (unsigned char)strlen(purpose);
    p = (unsigned char *)stpcpy((char *)p, purpose);
    memcpy(p, pairs, pairs_len);
    assert_non_null(SHA256(data, (size_t)(p - data) + pairs_len, out));
}

/* The wrap of `len` bytes with this r and B, of len + 40 bytes. */
static void make_wrap(const unsigned char r[24], const unsigned char b[32],
                      const unsigned char *payload, size_t len, unsigned char *out)
{
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    unsigned char rb[56], s[64];
    int n;

    memcpy(rb, r, 24);
    memcpy(rb + 24, b, 32);
    hmac("byok/wrap/v1", rb, sizeof rb, s);
    memcpy(out, r, 24);
    assert_int_equal(EVP_EncryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, s, s + 32), 1);
    assert_int_equal(EVP_EncryptUpdate(gcm, out + 24, &n, payload, (int)len), 1);
    assert_int_equal(EVP_EncryptFinal_ex(gcm, out + 24 + n, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, 16, out + 24 + len), 1);
    EVP_CIPHER_CTX_free(gcm);
}

static int unwrap(struct byok_kek *kek, const char *purpose, const unsigned char *wrap, size_t len)
{
    unsigned char *copy = exact(wrap, len);
    struct byok_view view = {copy, len};
    int ok = byok_kek_unwrap(kek, purpose, view, opened, &status);

    free(copy);
    return ok;
}

static void wraps_are_as_the_format_says(void **state)
{
    static const struct {
        const char *purpose, *context, *pairs;
        size_t pairs_len;
    } rows[] = {{"dek", "", "\0\0", 2},
                {"dek", "stage=live,org=1", "\0\2\0\3org\0\1\61\0\5stage\0\4live", 23},
                {"intermediate", "", "\0\0", 2},
                {"reference", "a=", "\0\1\0\1a\0\0", 7}};
    unsigned char b[32], expected[WRAP_BYTES], mac[64];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct byok_result result = {{0}, BYOK_BUFFER_INIT};
        struct byok_kek *kek = make(rows[i].context);

        WORKS(byok_kek_wrap(kek, rows[i].purpose, dek, &result, &status));
        assert_int_equal(result.output.len, WRAP_BYTES);
        binding(rows[i].purpose, rows[i].pairs, rows[i].pairs_len, b);
        make_wrap(result.output.data, b, dek->bytes, 32, expected);
        assert_memory_equal(result.output.data, expected, WRAP_BYTES);
        hmac("byok/kek-id/v1", NULL, 0, mac);
        assert_memory_equal(result.kek_id, mac, BYOK_KEK_ID_BYTES);
        WORKS(unwrap(kek, rows[i].purpose, result.output.data, WRAP_BYTES));
        assert_memory_equal(opened->bytes, dek->bytes, BYOK_KEY_BYTES);
        byok_buffer_clear(&result.output);
        byok_kek_free(kek);
    }
}

static void the_id_is_as_the_format_says(void **state)
{
    unsigned char id[BYOK_KEK_ID_BYTES], mac[64];
    struct byok_kek *kek = make("a=b"); /* the context is no part of it */

    (void)state;
    hmac("byok/kek-id/v1", NULL, 0, mac);
    WORKS(kek->backend->identify(kek, id, &status));
    assert_memory_equal(id, mac, sizeof id);
    assert_int_equal(kek->backend->number, 1);
    assert_string_equal(kek->backend->scheme, "local");
    byok_kek_free(kek);
}

static void every_wrap_is_another(void **state)
{
    struct byok_result one = {{0}, BYOK_BUFFER_INIT}, two = {{0}, BYOK_BUFFER_INIT};
    struct byok_kek *kek = make("");

    (void)state;
    WORKS(byok_kek_wrap(kek, BYOK_PURPOSE_DEK, dek, &one, &status));
    WORKS(byok_kek_wrap(kek, BYOK_PURPOSE_DEK, dek, &two, &status));
    assert_memory_not_equal(one.output.data, two.output.data, 24);
    assert_memory_not_equal(one.output.data + 24, two.output.data + 24, 32);
    assert_memory_equal(one.kek_id, two.kek_id, sizeof one.kek_id);
    byok_buffer_clear(&one.output);
    byok_buffer_clear(&two.output);
    byok_kek_free(kek);
}

static void a_known_wrap_opens_and_no_changed_one(void **state)
{
    static const unsigned char r[24] = "twenty-four bytes of r.";
    unsigned char b[32], wrap[WRAP_BYTES];
    struct byok_kek *kek = make("");
    size_t i;

    (void)state;
    binding("dek", "\0\0", 2, b);
    make_wrap(r, b, dek->bytes, 32, wrap);
    memset(opened, 0, sizeof *opened);
    WORKS(unwrap(kek, BYOK_PURPOSE_DEK, wrap, sizeof wrap));
    assert_memory_equal(opened->bytes, dek->bytes, BYOK_KEY_BYTES);
    for (i = 0; i < sizeof wrap; i++) {
        wrap[i] ^= 1;
        FAILS(BYOK_R_BAD_CIPHERTEXT, unwrap(kek, BYOK_PURPOSE_DEK, wrap, sizeof wrap));
        wrap[i] ^= 1;
    }
    for (i = 0; i < sizeof wrap; i++)
        FAILS(BYOK_R_BAD_CIPHERTEXT, unwrap(kek, BYOK_PURPOSE_DEK, wrap, i));
    byok_kek_free(kek);
}

static void payloads_of_another_length_are_no_data_keys(void **state)
{
    static const unsigned char r[24] = "r", payload[1024];
    static const size_t lengths[] = {0, 1, 31, 33, 64, 215, 216, 217, 256, 257, 1000};
    unsigned char b[32], wrap[1100];
    struct byok_kek *kek = make("");
    size_t i;

    (void)state;
    binding("dek", "\0\0", 2, b);
    for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        make_wrap(r, b, payload, lengths[i], wrap);
        FAILS(BYOK_R_BAD_CIPHERTEXT, unwrap(kek, BYOK_PURPOSE_DEK, wrap, lengths[i] + 40));
    }
    byok_kek_free(kek);
}

static void purpose_context_and_key_must_be_the_same(void **state)
{
    struct byok_result result = {{0}, BYOK_BUFFER_INIT};
    struct byok_kek *kek = make("a=b"), *other = make("a=c"), *none = make("");
    unsigned char another_key[BYOK_KEY_BYTES] = {1};

    (void)state;
    WORKS(byok_kek_wrap(kek, BYOK_PURPOSE_DEK, dek, &result, &status));
    WORKS(unwrap(kek, BYOK_PURPOSE_DEK, result.output.data, result.output.len));
    FAILS(BYOK_R_BAD_CIPHERTEXT,
          unwrap(kek, "intermediate", result.output.data, result.output.len));
    FAILS(BYOK_R_BAD_CIPHERTEXT, unwrap(kek, "", result.output.data, result.output.len));
    FAILS(BYOK_R_BAD_CIPHERTEXT,
          unwrap(other, BYOK_PURPOSE_DEK, result.output.data, result.output.len));
    FAILS(BYOK_R_BAD_CIPHERTEXT,
          unwrap(none, BYOK_PURPOSE_DEK, result.output.data, result.output.len));
    write_key(another_key, sizeof another_key, 0600);
    FAILS(BYOK_R_BAD_CIPHERTEXT,
          unwrap(kek, BYOK_PURPOSE_DEK, result.output.data, result.output.len));
    HIDES("BYOK"); /* nothing of a message */
    byok_buffer_clear(&result.output);
    byok_kek_free(kek);
    byok_kek_free(other);
    byok_kek_free(none);
}

static void fails(struct byok_kek *kek, int reason)
{
    struct byok_result result = {{0}, BYOK_BUFFER_INIT};
    unsigned char id[BYOK_KEK_ID_BYTES];

    FAILS(reason, byok_kek_wrap(kek, BYOK_PURPOSE_DEK, dek, &result, &status));
    SAYS(key_path());
    FAILS(reason, kek->backend->identify(kek, id, &status));
    byok_buffer_clear(&result.output);
}

/* The file is read for every operation. */
static void the_key_file_must_be_right(void **state)
{
    struct byok_result result = {{0}, BYOK_BUFFER_INIT};
    unsigned char bytes[64] = {0};
    struct byok_kek *kek;

    (void)state;
    assert_int_equal(unlink(key_path()), 0);
    kek = make("");
    fails(kek, BYOK_R_NOT_FOUND);
    write_key(bytes, 0, 0600);
    fails(kek, BYOK_R_BAD_VALUE);
    write_key(bytes, 31, 0600);
    fails(kek, BYOK_R_BAD_VALUE);
    write_key(bytes, 33, 0600);
    fails(kek, BYOK_R_BAD_VALUE);
    write_key(bytes, 64, 0600);
    fails(kek, BYOK_R_BAD_VALUE);
    write_key(bytes, 32, 0640);
    fails(kek, BYOK_R_BAD_PERMISSIONS);
    write_key(bytes, 32, 0400);
    WORKS(byok_kek_wrap(kek, BYOK_PURPOSE_DEK, dek, &result, &status));
    byok_buffer_clear(&result.output);
    byok_kek_free(kek);
}

static int group_up(void **state)
{
    (void)state;
    memset(&status, 0, sizeof status);
    crypto = byok_crypto_new("default", &status);
    dek = byok_secret_new(crypto->arena, &status);
    opened = byok_secret_new(crypto->arena, &status);
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int up(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < BYOK_KEY_BYTES; i++) {
        kek_bytes[i] = (unsigned char)(200 - i);
        dek->bytes[i] = (unsigned char)(i * 3);
    }
    write_key(kek_bytes, sizeof kek_bytes, 0600);
    return 0;
}

static int group_down(void **state)
{
    char command[64];

    (void)state;
    byok_secret_free(crypto->arena, dek);
    byok_secret_free(crypto->arena, opened);
    byok_crypto_free(crypto);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(wraps_are_as_the_format_says, up),
        cmocka_unit_test_setup(the_id_is_as_the_format_says, up),
        cmocka_unit_test_setup(every_wrap_is_another, up),
        cmocka_unit_test_setup(a_known_wrap_opens_and_no_changed_one, up),
        cmocka_unit_test_setup(payloads_of_another_length_are_no_data_keys, up),
        cmocka_unit_test_setup(purpose_context_and_key_must_be_the_same, up),
        cmocka_unit_test_setup(the_key_file_must_be_right, up),
    };

    return cmocka_run_group_tests(tests, group_up, group_down);
}
