#include "envelope/data_key.h"

#include <openssl/crypto.h>
#include <string.h>

/* Everything of a data key but the DEK, which the caller fills in, and what follows from it. */
static struct byok_data_key *key_new(const struct byok_kek *kek, struct byok_status *status)
{
    struct byok_data_key *key = OPENSSL_zalloc(sizeof *key);

    if (key == NULL) {
        byok_fail_memory(status);
        return NULL;
    }
    atomic_init(&key->references, 1);
    key->crypto = kek->crypto;
    key->lease =
        byok_deadline_after(byok_options_number(&kek->options, BYOK_OPTION_DEK_CACHE_SECONDS));
    key->dek = byok_secret_new(kek->crypto->arena, status);
    if (key->dek != NULL)
        return key;
    byok_data_key_free(key);
    return NULL;
}

static int stanza_set(struct byok_data_key *key, unsigned char backend,
                      const unsigned char kek_id[BYOK_KEK_ID_BYTES], struct byok_view wrap,
                      struct byok_status *status)
{
    key->stanza.backend = backend;
    memcpy(key->stanza.kek_id, kek_id, BYOK_KEK_ID_BYTES);
    key->stanza.wrap.data = OPENSSL_memdup(wrap.data, wrap.len);
    key->stanza.wrap.len = wrap.len;
    return key->stanza.wrap.data != NULL || byok_fail_memory(status);
}

struct byok_data_key *byok_data_key_generate(struct byok_kek *kek, struct byok_status *status)
{
    struct byok_data_key *key = key_new(kek, status);
    struct byok_result result = {{0}, BYOK_BUFFER_INIT};
    struct byok_view wrap;
    int ok = key != NULL && byok_random_key(kek->crypto, key->dek, status)
             && byok_kek_wrap(kek, BYOK_PURPOSE_DEK, key->dek, &result, status);

    wrap.data = result.output.data;
    wrap.len = result.output.len;
    ok = ok && stanza_set(key, kek->backend->number, result.kek_id, wrap, status)
         && (key->prf = byok_hmac_new(kek->crypto, key->dek, status)) != NULL;
    byok_buffer_clear(&result.output);
    if (ok)
        return key;
    byok_data_key_free(key);
    return NULL;
}

struct byok_data_key *byok_data_key_unwrap(struct byok_kek *kek, const struct byok_stanza *stanza,
                                           struct byok_status *status)
{
    struct byok_data_key *key = key_new(kek, status);

    if (key != NULL && byok_kek_unwrap(kek, BYOK_PURPOSE_DEK, stanza->wrap, key->dek, status)
        && stanza_set(key, stanza->backend, stanza->kek_id, stanza->wrap, status)
        && (key->prf = byok_hmac_new(kek->crypto, key->dek, status)) != NULL)
        return key;
    byok_data_key_free(key);
    return NULL;
}

struct byok_data_key *byok_data_key_up_ref(struct byok_data_key *key)
{
    atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    return key;
}

void byok_data_key_free(struct byok_data_key *key)
{
    if (key == NULL || atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) > 1)
        return;
    EVP_MAC_CTX_free(key->prf);
    EVP_MAC_CTX_free(atomic_load(&key->spare));
    byok_secret_free(key->crypto->arena, key->dek);
    OPENSSL_free((unsigned char *)key->stanza.wrap.data);
    OPENSSL_free(key);
}

/* A keyed HMAC of one's own. Copying one takes longer than what is then computed with it, so one is
 * kept; threads that come at once make their own. */
static EVP_MAC_CTX *prf_take(struct byok_data_key *key)
{
    EVP_MAC_CTX *mac = atomic_exchange(&key->spare, NULL);

    if (mac == NULL)
        return EVP_MAC_CTX_dup(key->prf);
    if (EVP_MAC_init(mac, NULL, 0, NULL))
        return mac;
    EVP_MAC_CTX_free(mac);
    return NULL;
}

static void prf_give_back(struct byok_data_key *key, EVP_MAC_CTX *mac)
{
    if (key->crypto->hmac_restarts)
        mac = atomic_exchange(&key->spare, mac);
    EVP_MAC_CTX_free(mac);
}

int byok_data_key_derive(struct byok_data_key *key, unsigned char suite,
                         const unsigned char salt[BYOK_SALT_BYTES],
                         const unsigned char context_digest[BYOK_SHA256_BYTES],
                         struct byok_secret *out, struct byok_status *status)
{
    static const char label[] = "byok/v1";
    unsigned char info[sizeof label - 1 + 1 + BYOK_SALT_BYTES + BYOK_SHA256_BYTES + 1], *p = info;
    EVP_MAC_CTX *mac = prf_take(key);
    size_t len;
    int ok;

    memcpy(p, label, sizeof label - 1);
    p += sizeof label - 1;
    *p++ = suite;
    memcpy(p, salt, BYOK_SALT_BYTES);
    p += BYOK_SALT_BYTES;
    memcpy(p, context_digest, BYOK_SHA256_BYTES);
    p += BYOK_SHA256_BYTES;
    *p = 1; /* RFC 5869: T(1) is all of it */
    ok = mac != NULL && EVP_MAC_update(mac, info, sizeof info)
         && EVP_MAC_final(mac, out->bytes, &len, sizeof out->bytes) && len == sizeof out->bytes;
    prf_give_back(key, mac);
    return ok || byok_fail_crypto(status, "HMAC-SHA-512");
}
