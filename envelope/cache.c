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

/* Keys taken out under the lock, to be freed outside. */
struct removed {
    size_t count;
    struct byok_data_key *keys[OPENING_MAX + 1];
};

static void take_out(struct removed *removed, struct byok_data_key **place)
{
    if (*place != NULL)
        removed->keys[removed->count++] = *place;
    *place = NULL;
}

static void removed_free(struct removed *removed)
{
    while (removed->count > 0)
        byok_data_key_free(removed->keys[--removed->count]);
}

static void partition_retire(void *attached)
{
    struct partition *partition = attached;
    struct removed removed = {0, {NULL}};
    size_t i;

    pthread_mutex_lock(&partition->lock);
    partition->retired = 1;
    take_out(&removed, &partition->sealing);
    for (i = 0; i < OPENING_MAX; i++)
        take_out(&removed, &partition->opening[i]);
    pthread_mutex_unlock(&partition->lock);
    removed_free(&removed);
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

static int may_seal(const struct byok_kek *kek, const struct byok_data_key *key)
{
    return atomic_load(&key->messages)
               < byok_options_number(&kek->options, BYOK_OPTION_DEK_MAX_MESSAGES)
           && atomic_load(&key->bytes)
                  < byok_options_number(&kek->options, BYOK_OPTION_DEK_MAX_BYTES)
           && !byok_deadline_passed(&key->lease);
}

/* Counts a message on the key that seals now; NULL, and the key is taken out, when it may no more.
 */
static struct byok_data_key *find_sealing(struct partition *partition, const struct byok_kek *kek,
                                          struct removed *removed)
{
    struct byok_data_key *key = NULL;

    pthread_mutex_lock(&partition->lock);
    if (partition->sealing != NULL && may_seal(kek, partition->sealing)) {
        key = byok_data_key_up_ref(partition->sealing);
        atomic_fetch_add(&key->messages, 1);
    } else {
        take_out(removed, &partition->sealing);
    }
    pthread_mutex_unlock(&partition->lock);
    return key;
}

struct byok_data_key *byok_cache_get_sealing(struct byok_kek *kek, struct byok_status *status)
{
    struct partition *partition = kek->attached;
    struct removed removed = {0, {NULL}};
    struct byok_data_key *key = find_sealing(partition, kek, &removed);

    if (key == NULL && (key = byok_data_key_generate(kek, status)) != NULL) {
        atomic_fetch_add(&key->messages, 1);
        pthread_mutex_lock(&partition->lock);
        if (!partition->retired && may_seal(kek, key)) {
            take_out(&removed, &partition->sealing);
            partition->sealing = byok_data_key_up_ref(key);
        }
        pthread_mutex_unlock(&partition->lock);
    }
    removed_free(&removed);
    return key;
}

static int stanza_equal(const struct byok_stanza *a, const struct byok_stanza *b)
{
    return a->backend == b->backend && a->wrap.len == b->wrap.len
           && memcmp(a->kek_id, b->kek_id, sizeof a->kek_id) == 0
           && memcmp(a->wrap.data, b->wrap.data, a->wrap.len) == 0;
}

/* The place of the kept data key of one of these stanzas, or NULL. Called under the lock. */
static struct byok_data_key **place_of(struct partition *partition,
                                       const struct byok_stanza *stanzas, size_t count)
{
    size_t i, s;

    for (i = 0; i < OPENING_MAX; i++)
        for (s = 0; partition->opening[i] != NULL && s < count; s++)
            if (stanza_equal(&partition->opening[i]->stanza, &stanzas[s]))
                return &partition->opening[i];
    return NULL;
}

static struct byok_data_key *find_opening(struct partition *partition,
                                          const struct byok_header *header)
{
    struct byok_data_key **place, *found = NULL;

    pthread_mutex_lock(&partition->lock);
    place = place_of(partition, header->stanzas, header->stanza_count);
    if (place != NULL && !byok_deadline_passed(&(*place)->lease))
        found = byok_data_key_up_ref(*place);
    pthread_mutex_unlock(&partition->lock);
    return found;
}

/* A place for a key, emptied: its own if another thread was faster, a free one, else the oldest.
 * Takes out whatever has had its time. Called under the lock. */
static struct byok_data_key **make_room(struct partition *partition,
                                        const struct byok_data_key *key, struct removed *removed)
{
    struct byok_data_key **place;
    size_t i;

    for (i = 0; i < OPENING_MAX; i++)
        if (partition->opening[i] != NULL && byok_deadline_passed(&partition->opening[i]->lease))
            take_out(removed, &partition->opening[i]);
    place = place_of(partition, &key->stanza, 1);
    for (i = 0; place == NULL && i < OPENING_MAX; i++)
        if (partition->opening[i] == NULL)
            place = &partition->opening[i];
    if (place == NULL) {
        place = &partition->opening[partition->oldest];
        partition->oldest = (partition->oldest + 1) % OPENING_MAX;
    }
    take_out(removed, place);
    return place;
}

static void keep_opening(struct partition *partition, struct byok_data_key *key)
{
    struct removed removed = {0, {NULL}};
    struct byok_data_key **place;

    pthread_mutex_lock(&partition->lock);
    place = make_room(partition, key, &removed);
    if (!partition->retired && !byok_deadline_passed(&key->lease))
        *place = byok_data_key_up_ref(key);
    pthread_mutex_unlock(&partition->lock);
    removed_free(&removed);
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
    struct byok_data_key *key = find_opening(partition, header);
    const struct byok_stanza *stanza;

    if (key == NULL && (stanza = find_stanza(kek, header, status)) != NULL
        && (key = byok_data_key_unwrap(kek, stanza, status)) != NULL)
        keep_opening(partition, key);
    return key;
}
