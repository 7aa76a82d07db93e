#include "envelope/cache.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

#define OPENING_MAX 16 /* unwrapped data keys kept with a KEK */

/* The lock is held for a look or a change of pointers, never over a KMS call; nothing else is
 * locked under it. */
struct partition {
    pthread_mutex_t lock;
    int retired; /* keeps nothing more */
    struct byok_data_key *sealing;
    struct byok_data_key *opening[OPENING_MAX];
    size_t oldest; /* in `opening`: the next to be replaced */
};

static void *partition_attach(struct byok_kek *kek, struct byok_status *status)
{
    struct partition *partition = OPENSSL_zalloc(sizeof *partition);

    (void)kek;
    if (partition == NULL)
        byok_fail_memory(status);
    else
        pthread_mutex_init(&partition->lock, NULL);
    return partition;
}

static void partition_retire(void *attached)
{
    struct partition *partition = attached;
    struct byok_data_key *keys[OPENING_MAX + 1];
    size_t i;

    pthread_mutex_lock(&partition->lock);
    partition->retired = 1;
    memcpy(keys, partition->opening, sizeof partition->opening);
    memset(partition->opening, 0, sizeof partition->opening);
    keys[OPENING_MAX] = partition->sealing;
    partition->sealing = NULL;
    pthread_mutex_unlock(&partition->lock);
    for (i = 0; i <= OPENING_MAX; i++)
        byok_data_key_free(keys[i]);
}

static void partition_detach(void *attached)
{
    struct partition *partition = attached;

    partition_retire(partition);
    pthread_mutex_destroy(&partition->lock);
    OPENSSL_free(partition);
}

const struct byok_kek_hooks byok_cache_hooks = {partition_attach, partition_retire,
                                                partition_detach};

/* Keeps the key in `*place`, unless the KEK has retired. Called under the lock; what stood there is
 * returned, for the caller to free outside. */
static struct byok_data_key *keep(struct partition *partition, struct byok_data_key **place,
                                  struct byok_data_key *key)
{
    struct byok_data_key *old = *place;

    if (partition->retired)
        return NULL;
    *place = byok_data_key_up_ref(key);
    return old;
}

static int may_seal(const struct byok_kek *kek, const struct byok_data_key *key)
{
    return key != NULL
           && atomic_load(&key->messages)
                  < byok_options_number(&kek->options, BYOK_OPTION_DEK_MAX_MESSAGES)
           && atomic_load(&key->bytes)
                  < byok_options_number(&kek->options, BYOK_OPTION_DEK_MAX_BYTES)
           && !byok_deadline_passed(&key->lease);
}

struct byok_data_key *byok_cache_get_sealing(struct byok_kek *kek, struct byok_status *status)
{
    struct partition *partition = kek->attached;
    struct byok_data_key *key = NULL, *old;

    pthread_mutex_lock(&partition->lock);
    if (may_seal(kek, partition->sealing)) {
        key = byok_data_key_up_ref(partition->sealing);
        atomic_fetch_add(&key->messages, 1);
    }
    pthread_mutex_unlock(&partition->lock);
    if (key != NULL || (key = byok_data_key_generate(kek, status)) == NULL)
        return key;
    atomic_fetch_add(&key->messages, 1);
    pthread_mutex_lock(&partition->lock);
    old = keep(partition, &partition->sealing, key);
    pthread_mutex_unlock(&partition->lock);
    byok_data_key_free(old);
    return key;
}

static int stanza_equal(const struct byok_stanza *a, const struct byok_stanza *b)
{
    return a->backend == b->backend && a->wrap.len == b->wrap.len
           && memcmp(a->kek_id, b->kek_id, sizeof a->kek_id) == 0
           && memcmp(a->wrap.data, b->wrap.data, a->wrap.len) == 0;
}

/* The kept data key of one of the header's stanzas, or NULL. One whose lease has passed stays until
 * it is replaced. */
static struct byok_data_key *find_opening(struct partition *partition,
                                          const struct byok_header *header)
{
    struct byok_data_key *key, *found = NULL;
    size_t i, s;

    pthread_mutex_lock(&partition->lock);
    for (i = 0; i < OPENING_MAX && found == NULL && (key = partition->opening[i]) != NULL; i++)
        for (s = 0; s < header->stanza_count; s++)
            if (stanza_equal(&key->stanza, &header->stanzas[s])
                && !byok_deadline_passed(&key->lease)) {
                found = byok_data_key_up_ref(key);
                break;
            }
    pthread_mutex_unlock(&partition->lock);
    return found;
}

static const struct byok_stanza *find_stanza(struct byok_kek *kek, const struct byok_header *header,
                                             struct byok_status *status)
{
    unsigned char id[BYOK_KEK_ID_BYTES];
    size_t s;

    if (!kek->backend->identify(kek, id, status))
        return NULL;
    for (s = 0; s < header->stanza_count; s++)
        if (header->stanzas[s].backend == kek->backend->number
            && memcmp(header->stanzas[s].kek_id, id, sizeof id) == 0)
            return &header->stanzas[s];
    byok_fail(status, BYOK_R_WRONG_KEY, "none of its %zu wraps is of KEK \"%s\"",
              header->stanza_count, kek->name);
    return NULL;
}

struct byok_data_key *byok_cache_get_opening(struct byok_kek *kek, const struct byok_header *header,
                                             struct byok_status *status)
{
    struct partition *partition = kek->attached;
    struct byok_data_key *key = find_opening(partition, header), *old;
    const struct byok_stanza *stanza;

    if (key != NULL || (stanza = find_stanza(kek, header, status)) == NULL
        || (key = byok_data_key_unwrap(kek, stanza, status)) == NULL)
        return key;
    pthread_mutex_lock(&partition->lock);
    old = keep(partition, &partition->opening[partition->oldest], key);
    partition->oldest = (partition->oldest + 1) % OPENING_MAX;
    pthread_mutex_unlock(&partition->lock);
    byok_data_key_free(old);
    return key;
}
