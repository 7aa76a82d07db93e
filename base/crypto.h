/*
 * This provider's own cryptography: a private library context, so that nothing here ever comes back
 * to byok or follows the application's default properties, and what is fetched from it once.
 */
#ifndef BYOK_BASE_CRYPTO_H
#define BYOK_BASE_CRYPTO_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

#include <openssl/evp.h>
#include <openssl/provider.h>

#define BYOK_KEY_BYTES        32 /* every key here: AES-256, DEK, KEK of `local` */
#define BYOK_SHA256_BYTES     32
#define BYOK_SHA512_BYTES     64 /* as much as a secret holds */
#define BYOK_GCM_IV_BYTES     12
#define BYOK_GCM_TAG_BYTES    16
#define BYOK_CRYPTO_PROVIDERS 4 /* at most, in libctx-providers */

struct byok_crypto {
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *providers[BYOK_CRYPTO_PROVIDERS];
    EVP_CIPHER *aes_256_gcm;
    EVP_MAC *hmac;
    EVP_MD *sha256;
    struct byok_arena *arena;
    int hmac_restarts; /* whether EVP_MAC_init() without a key can be relied on */
};

/* `providers` are the names of the providers to load, separated by spaces ("default", "fips base").
 * Fails with BYOK_R_PLATFORM or BYOK_R_BAD_VALUE when one can't be loaded or the algorithms aren't
 * there. */
struct byok_crypto *byok_crypto_new(const char *providers, struct byok_status *status);
void byok_crypto_free(struct byok_crypto *crypto);

/* `len` bytes, at most 65536, from the context's public DRBG with fresh bytes of the kernel's;
 * those that become keys come from the private one. */
int byok_random(const struct byok_crypto *crypto, unsigned char *out, size_t len,
                struct byok_status *status);
int byok_random_key(const struct byok_crypto *crypto, struct byok_secret *key,
                    struct byok_status *status);

/* SHA-256 of the parts, one after the other. */
int byok_sha256(const struct byok_crypto *crypto, const struct byok_view *parts, size_t count,
                unsigned char out[BYOK_SHA256_BYTES], struct byok_status *status);

/* HMAC-SHA-512 keyed with the first BYOK_KEY_BYTES of `key`; the caller frees it with
 * EVP_MAC_CTX_free(), which wipes it. */
EVP_MAC_CTX *byok_hmac_new(const struct byok_crypto *crypto, const struct byok_secret *key,
                           struct byok_status *status);

/* The HMAC of the parts, one after the other. `keyed` is only read, so many threads may use it at
 * once. */
int byok_hmac(const EVP_MAC_CTX *keyed, const struct byok_view *parts, size_t count,
              struct byok_secret *out, struct byok_status *status);

#endif
