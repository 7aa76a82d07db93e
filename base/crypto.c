#include "base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define PROVIDER_NAME_BYTES 64

/* Loads the next name in *names and moves on behind it; 1 with *provider NULL at the end. */
static int provider_load_next(OSSL_LIB_CTX *libctx, const char **names, OSSL_PROVIDER **provider,
                              struct byok_status *status)
{
    char name[PROVIDER_NAME_BYTES];
    size_t len;

    *provider = NULL;
    *names += strspn(*names, " \t");
    len = strcspn(*names, " \t");
    if (len == 0)
        return 1;
    if (len >= sizeof name)
        return byok_fail(status, BYOK_R_BAD_VALUE,
                         "libctx-providers: a provider's name is too long");
    memcpy(name, *names, len);
    name[len] = '\0';
    *names += len;
    if (strcasecmp(name, "byok") == 0)
        return byok_fail(
            status, BYOK_R_BAD_VALUE,
            "libctx-providers: byok cannot stand on itself; name others, as in \"default\"");
    *provider = OSSL_PROVIDER_load(libctx, name);
    if (*provider == NULL)
        return byok_fail(status, BYOK_R_BAD_VALUE,
                         "libctx-providers: provider \"%s\" cannot be loaded (%s)", name,
                         byok_crypto_reason());
    return 1;
}

static int providers_load(struct byok_crypto *crypto, const char *names, struct byok_status *status)
{
    size_t n;

    for (n = 0; n < BYOK_CRYPTO_PROVIDERS; n++) {
        if (!provider_load_next(crypto->libctx, &names, &crypto->providers[n], status))
            return 0;
        if (crypto->providers[n] == NULL)
            break;
    }
    if (n == 0)
        return byok_fail(status, BYOK_R_BAD_VALUE,
                         "libctx-providers is empty; the default is \"default\"");
    if (n < BYOK_CRYPTO_PROVIDERS || names[strspn(names, " \t")] == '\0')
        return 1;
    return byok_fail(status, BYOK_R_BAD_VALUE, "libctx-providers: more than %d providers",
                     BYOK_CRYPTO_PROVIDERS);
}

/* Whether the HMAC starts anew when it is initialised without a key. Some say so and don't:
 * OpenSSL's before 3.0.3, and FIPS modules of that time. */
static int hmac_restarts(EVP_MAC_CTX *mac)
{
    static const unsigned char message[] = "twice";
    unsigned char once[BYOK_SHA512_BYTES], twice[BYOK_SHA512_BYTES];
    size_t len;

    return EVP_MAC_update(mac, message, sizeof message)
           && EVP_MAC_final(mac, once, &len, sizeof once) && EVP_MAC_init(mac, NULL, 0, NULL)
           && EVP_MAC_update(mac, message, sizeof message)
           && EVP_MAC_final(mac, twice, &len, sizeof twice)
           && CRYPTO_memcmp(once, twice, sizeof once) == 0;
}

/* Uses everything once: libcrypto remembers for ever that an algorithm could not be fetched, even
 * when that was for want of memory, so a context that doesn't work is thrown away. */
static int self_test(struct byok_crypto *crypto, struct byok_status *status)
{
    struct byok_secret *key = byok_secret_new(crypto->arena, status);
    unsigned char iv[BYOK_GCM_IV_BYTES], digest[BYOK_SHA256_BYTES];
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    EVP_MAC_CTX *mac = NULL;
    int ok = gcm != NULL && key != NULL && byok_random(crypto, iv, sizeof iv, status)
             && byok_random_key(crypto, key, status)
             && EVP_CipherInit_ex2(gcm, crypto->aes_256_gcm, key->bytes, iv, 1, NULL)
             && byok_sha256(crypto, NULL, 0, digest, status)
             && (mac = byok_hmac_new(crypto, key, status)) != NULL;

    crypto->hmac_restarts = ok && hmac_restarts(mac);
    EVP_MAC_CTX_free(mac);
    EVP_CIPHER_CTX_free(gcm);
    byok_secret_free(crypto->arena, key);
    return ok || byok_fail_crypto(status, "the first use of AES-256-GCM, HMAC and SHA-256");
}

struct byok_crypto *byok_crypto_new(const char *providers, struct byok_status *status)
{
    struct byok_crypto *crypto = OPENSSL_zalloc(sizeof *crypto);

    if (crypto == NULL) {
        byok_fail_memory(status);
        return NULL;
    }
    ERR_set_mark();
    crypto->arena = byok_arena_new(status);
    crypto->libctx = crypto->arena != NULL ? OSSL_LIB_CTX_new() : NULL;
    if (crypto->libctx == NULL || !providers_load(crypto, providers, status))
        goto fail;
    crypto->aes_256_gcm = EVP_CIPHER_fetch(crypto->libctx, "AES-256-GCM", NULL);
    crypto->hmac = EVP_MAC_fetch(crypto->libctx, "HMAC", NULL);
    crypto->sha256 = EVP_MD_fetch(crypto->libctx, "SHA2-256", NULL);
    if (crypto->aes_256_gcm == NULL || crypto->hmac == NULL || crypto->sha256 == NULL)
        goto fail;
    if (!self_test(crypto, status))
        goto fail;
    ERR_pop_to_mark();
    return crypto;

fail:
    byok_fail(status, BYOK_R_PLATFORM, "AES-256-GCM, HMAC or SHA-256 cannot be had from \"%s\"",
              providers);
    ERR_pop_to_mark();
    byok_crypto_free(crypto);
    return NULL;
}

void byok_crypto_free(struct byok_crypto *crypto)
{
    size_t n;

    if (crypto == NULL)
        return;
    EVP_MD_free(crypto->sha256);
    EVP_MAC_free(crypto->hmac);
    EVP_CIPHER_free(crypto->aes_256_gcm);
    for (n = 0; n < BYOK_CRYPTO_PROVIDERS && crypto->providers[n] != NULL; n++)
        OSSL_PROVIDER_unload(crypto->providers[n]);
    OSSL_LIB_CTX_free(crypto->libctx);
    byok_arena_free(crypto->arena);
    OPENSSL_free(crypto);
}

/*
 * Straight from the context's own generators: RAND_bytes_ex() would ask for the application's
 * RAND_METHOD first, under a lock of the whole process that a forked child may find held. The
 * kernel's bytes go in as additional input (SP 800-90A, section 8.7.2): a virtual machine that is
 * cloned or set back has the generators' state twice, but not the kernel's (VMGENID, Linux 5.18).
 */
static int generate(EVP_RAND_CTX *drbg, unsigned char *out, size_t len, struct byok_status *status)
{
    unsigned char fresh[32];
    int ok;

    if (getrandom(fresh, sizeof fresh, 0) != (ssize_t)sizeof fresh)
        return byok_fail(status, BYOK_R_PLATFORM, "the kernel gives no random bytes");
    ok = drbg != NULL && EVP_RAND_generate(drbg, out, len, 0, 0, fresh, sizeof fresh);
    OPENSSL_cleanse(fresh, sizeof fresh);
    return ok || byok_fail_crypto(status, "random generation");
}

int byok_random(const struct byok_crypto *crypto, unsigned char *out, size_t len,
                struct byok_status *status)
{
    return generate(RAND_get0_public(crypto->libctx), out, len, status);
}

int byok_random_key(const struct byok_crypto *crypto, struct byok_secret *key,
                    struct byok_status *status)
{
    return generate(RAND_get0_private(crypto->libctx), key->bytes, BYOK_KEY_BYTES, status);
}

int byok_sha256(const struct byok_crypto *crypto, const struct byok_view *parts, size_t count,
                unsigned char out[BYOK_SHA256_BYTES], struct byok_status *status)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int ok = md != NULL && EVP_DigestInit_ex2(md, crypto->sha256, NULL);

    for (; ok && count > 0; count--, parts++)
        ok = EVP_DigestUpdate(md, parts->data, parts->len);
    ok = ok && EVP_DigestFinal_ex(md, out, NULL);
    EVP_MD_CTX_free(md);
    return ok || byok_fail_crypto(status, "SHA-256");
}

EVP_MAC_CTX *byok_hmac_new(const struct byok_crypto *crypto, const struct byok_secret *key,
                           struct byok_status *status)
{
    char digest[] = "SHA2-512";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *keyed = EVP_MAC_CTX_new(crypto->hmac);

    if (keyed != NULL && EVP_MAC_init(keyed, key->bytes, BYOK_KEY_BYTES, params))
        return keyed;
    EVP_MAC_CTX_free(keyed);
    byok_fail_crypto(status, "HMAC-SHA-512");
    return NULL;
}

int byok_hmac(const EVP_MAC_CTX *keyed, const struct byok_view *parts, size_t count,
              struct byok_secret *out, struct byok_status *status)
{
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(keyed);
    size_t len;
    int ok = mac != NULL;

    for (; ok && count > 0; count--, parts++)
        ok = EVP_MAC_update(mac, parts->data, parts->len);
    ok = ok && EVP_MAC_final(mac, out->bytes, &len, sizeof out->bytes) && len == BYOK_SHA512_BYTES;
    EVP_MAC_CTX_free(mac);
    return ok || byok_fail_crypto(status, "HMAC-SHA-512");
}
