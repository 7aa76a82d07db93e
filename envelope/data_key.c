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
    byok_secret_free(key->crypto->arena, key->dek);
    OPENSSL_free((unsigned char *)key->stanza.wrap.data);
    OPENSSL_free(key);
}

int byok_data_key_derive(const struct byok_data_key *key, unsigned char suite,
                         const unsigned char salt[BYOK_SALT_BYTES],
                         const unsigned char context_digest[BYOK_SHA256_BYTES],
                         struct byok_secret *out, struct byok_status *status)
{
    static const unsigned char label[] = {'b', 'y', 'o', 'k', '/', 'v', '1'},
                               counter = 1; /* RFC 5869: T(1) is all of it */
    struct byok_view parts[] = {{label, sizeof label},
                                {&suite, 1},
                                {salt, BYOK_SALT_BYTES},
                                {context_digest, BYOK_SHA256_BYTES},
                                {&counter, 1}};

    return byok_hmac(key->prf, parts, sizeof parts / sizeof *parts, out, status);
}
