/*
 * base/crypto: known answers, and providers that can't be had.
 */
#include "base/crypto.h"

#include "test/unit/check.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <pthread.h>

static struct byok_crypto *crypto;

static void sha256_of_parts(void **state)
{
    static const unsigned char abc[BYOK_SHA256_BYTES] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    static const unsigned char nothing[BYOK_SHA256_BYTES] = {
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
        0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    const unsigned char *text = (const unsigned char *)"abc";
    struct byok_view parts[] = {{text, 1}, {NULL, 0}, {text + 1, 2}}, whole = {text, 3};
    unsigned char out[BYOK_SHA256_BYTES];

    (void)state;
    WORKS(byok_sha256(crypto, parts, 3, out, &status));
    assert_memory_equal(out, abc, sizeof abc);
    WORKS(byok_sha256(crypto, &whole, 1, out, &status));
    assert_memory_equal(out, abc, sizeof abc);
    WORKS(byok_sha256(crypto, NULL, 0, out, &status));
    assert_memory_equal(out, nothing, sizeof nothing);
}

/* RFC 4231, sections 4.2 and 4.3. HMAC pads a short key with zeros, so these keys of 20 and 4 bytes
 * are also keys of 32. */
static const struct {
    const char *key, *data, *mac;
} rfc_4231[] = {
    {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", "Hi There",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f"
     "4e4be9d914eeb61f1702e696c203a126854"},
    {"Jefe", "what do ya want for nothing?",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e"
     "6fdcaeab1a34d4a6b4b636e070a38bce737"},
};

static void hmac_gives_the_vectors_of_rfc_4231(void **state)
{
    struct byok_secret *key, *out;
    unsigned char expected[BYOK_SHA512_BYTES];
    EVP_MAC_CTX *keyed;
    size_t i, len;

    (void)state;
    WORKS((key = byok_secret_new(crypto->arena, &status)) != NULL);
    WORKS((out = byok_secret_new(crypto->arena, &status)) != NULL);
    for (i = 0; i < sizeof rfc_4231 / sizeof *rfc_4231; i++) {
        const unsigned char *data = (const unsigned char *)rfc_4231[i].data;
        struct byok_view parts[] = {{data, 3}, {data + 3, strlen(rfc_4231[i].data) - 3}};

        memset(key->bytes, 0, BYOK_KEY_BYTES);
        memset(key->bytes + BYOK_KEY_BYTES, 0xff,
               BYOK_SECRET_SIZE - BYOK_KEY_BYTES); /* no part of the key */
        memcpy(key->bytes, rfc_4231[i].key, strlen(rfc_4231[i].key));
        assert_int_equal(
            OPENSSL_hexstr2buf_ex(expected, sizeof expected, &len, rfc_4231[i].mac, '\0'), 1);
        WORKS((keyed = byok_hmac_new(crypto, key, &status)) != NULL);
        WORKS(byok_hmac(keyed, parts, 2, out, &status));
        assert_memory_equal(out->bytes, expected, sizeof expected);
        WORKS(byok_hmac(keyed, parts, 2, out, &status)); /* `keyed` is only read */
        assert_memory_equal(out->bytes, expected, sizeof expected);
        EVP_MAC_CTX_free(keyed);
    }
    byok_secret_free(crypto->arena, key);
    byok_secret_free(crypto->arena, out);
}

#define THREADS 4

static EVP_MAC_CTX *shared;
static _Atomic int wrong;

static void *hmac_often(void *arg)
{
    unsigned char data[4] = {(unsigned char)(uintptr_t)arg, 1, 2, 3}, expected[BYOK_SHA512_BYTES];
    struct byok_view part = {data, sizeof data};
    struct byok_status inner = BYOK_STATUS_INIT;
    struct byok_secret out;
    unsigned char key[BYOK_KEY_BYTES];
    size_t i;

    for (i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)(i * 5);
    EVP_Q_mac(NULL, "HMAC", NULL, "SHA512", NULL, key, sizeof key, data, sizeof data, expected,
              sizeof expected, NULL);
    for (i = 0; i < 300; i++)
        if (!byok_hmac(shared, &part, 1, &out, &inner)
            || memcmp(out.bytes, expected, sizeof expected) != 0)
            wrong = 1;
    return NULL;
}

static void hmac_is_read_by_many_threads(void **state)
{
    pthread_t threads[THREADS];
    struct byok_secret *key;
    size_t i;

    (void)state;
    WORKS((key = byok_secret_new(crypto->arena, &status)) != NULL);
    for (i = 0; i < BYOK_KEY_BYTES; i++)
        key->bytes[i] = (unsigned char)(i * 5);
    WORKS((shared = byok_hmac_new(crypto, key, &status)) != NULL);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hmac_often, (void *)(uintptr_t)i), 0);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(wrong, 0);
    EVP_MAC_CTX_free(shared);
    byok_secret_free(crypto->arena, key);
}

static void random_bytes_differ_and_stay_within(void **state)
{
    static const unsigned char zeros[BYOK_SECRET_SIZE];
    unsigned char a[64], b[64];
    struct byok_secret *x, *y;

    (void)state;
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    WORKS(byok_random(crypto, a, 40, &status));
    WORKS(byok_random(crypto, b, 40, &status));
    assert_memory_not_equal(a, b, 16);
    assert_memory_not_equal(a + 24, b + 24, 16);
    assert_memory_equal(a + 40, zeros, 24);
    WORKS((x = byok_secret_new(crypto->arena, &status)) != NULL);
    WORKS((y = byok_secret_new(crypto->arena, &status)) != NULL);
    WORKS(byok_random_key(crypto, x, &status));
    WORKS(byok_random_key(crypto, y, &status));
    assert_memory_not_equal(x->bytes, y->bytes, 16);
    assert_memory_not_equal(x->bytes + 16, y->bytes + 16, 16);
    assert_memory_equal(x->bytes + BYOK_KEY_BYTES, zeros, BYOK_SECRET_SIZE - BYOK_KEY_BYTES);
    byok_secret_free(crypto->arena, x);
    byok_secret_free(crypto->arena, y);
}

static void the_context_is_private(void **state)
{
    (void)state;
    assert_non_null(crypto->libctx);
    assert_ptr_not_equal(crypto->libctx, OSSL_LIB_CTX_get0_global_default());
    assert_true(EVP_CIPHER_is_a(crypto->aes_256_gcm, "AES-256-GCM"));
    assert_true(EVP_MAC_is_a(crypto->hmac, "HMAC"));
    assert_true(EVP_MD_is_a(crypto->sha256, "SHA2-256"));
    assert_true(OSSL_PROVIDER_available(crypto->libctx, "default"));
    assert_false(OSSL_PROVIDER_available(crypto->libctx, "base"));
}

static void loads(const char *providers)
{
    struct byok_crypto *own;

    WORKS((own = byok_crypto_new(providers, &status)) != NULL);
    assert_int_equal(ERR_peek_error(), 0);
    byok_crypto_free(own);
}

static void does_not_load(const char *providers, int reason, const char *says)
{
    FAILS(reason, byok_crypto_new(providers, &status) != NULL);
    SAYS(says);
    assert_int_equal(ERR_peek_error(), 0); /* nothing is left on the application's queue */
}

static void providers_are_loaded_by_name(void **state)
{
    (void)state;
    ERR_clear_error();
    loads("default");
    loads("  default\tbase  ");
    loads("base default null legacy");
    loads("default default default default");
    byok_crypto_free(NULL);
}

static void providers_that_cannot_be_had(void **state)
{
    char name[80];

    (void)state;
    ERR_clear_error();
    does_not_load("nonesuch", BYOK_R_BAD_VALUE, "nonesuch");
    HIDES("(null)");
    does_not_load("default nonesuch", BYOK_R_BAD_VALUE, "nonesuch");
    does_not_load("byok", BYOK_R_BAD_VALUE, "byok");
    does_not_load("default BYOK", BYOK_R_BAD_VALUE, "byok");
    does_not_load("", BYOK_R_BAD_VALUE, "libctx-providers");
    does_not_load(" \t ", BYOK_R_BAD_VALUE, "libctx-providers");
    does_not_load("default base default base default", BYOK_R_BAD_VALUE, "libctx-providers");
    does_not_load("default,base", BYOK_R_BAD_VALUE, "libctx-providers");
    does_not_load("base", BYOK_R_PLATFORM, "base");
    does_not_load("null", BYOK_R_PLATFORM, "null");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    does_not_load(name, BYOK_R_BAD_VALUE, "libctx-providers");
}

/* What the application did before is still on its error queue. */
static void the_applications_errors_stay(void **state)
{
    unsigned long before;

    (void)state;
    ERR_clear_error();
    assert_null(EVP_MD_fetch(NULL, "NO-SUCH-DIGEST", NULL));
    before = ERR_peek_last_error();
    assert_int_not_equal(before, 0);
    FAILS(BYOK_R_BAD_VALUE, byok_crypto_new("nonesuch", &status) != NULL);
    assert_int_equal(ERR_peek_last_error(), before);
    ERR_clear_error();
}

static int up(void **state)
{
    (void)state;
    memset(&status, 0, sizeof status);
    crypto = byok_crypto_new("default", &status);
    return crypto != NULL ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    byok_crypto_free(crypto);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_parts),
        cmocka_unit_test(hmac_gives_the_vectors_of_rfc_4231),
        cmocka_unit_test(hmac_is_read_by_many_threads),
        cmocka_unit_test(random_bytes_differ_and_stay_within),
        cmocka_unit_test(the_context_is_private),
        cmocka_unit_test(providers_are_loaded_by_name),
        cmocka_unit_test(providers_that_cannot_be_had),
        cmocka_unit_test(the_applications_errors_stay),
    };

    return cmocka_run_group_tests(tests, up, down);
}
