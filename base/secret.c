#include "base/secret.h"

#include "base/pages.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#define SLAB_BYTES ((size_t)65536)
#define SLAB_SLOTS (SLAB_BYTES / sizeof(struct byok_secret))
#define WORD_BITS  64
#define SLAB_WORDS (SLAB_SLOTS / WORD_BITS)

/* A run of slots. Which of them are taken is ordinary memory: a child inherits that, and the wiped
 * slots with it. */
struct slab {
    struct slab *next; /* set before the slab is published, and never changed */
    struct byok_secret *slots;
    _Atomic uint64_t taken[SLAB_WORDS];
};

struct byok_arena {
    _Atomic(struct slab *) slabs; /* grows at its head, shrinks only when the arena goes */
};

static size_t slab_pages(void)
{
    return SLAB_BYTES / byok_page_size() + (SLAB_BYTES % byok_page_size() != 0);
}

static struct slab *slab_new(struct byok_status *status)
{
    struct slab *slab = OPENSSL_zalloc(sizeof *slab);

    if (slab == NULL) {
        byok_fail_memory(status);
        return NULL;
    }
    slab->slots = byok_pages_map(slab_pages(), MADV_WIPEONFORK, status);
    if (slab->slots == NULL) {
        OPENSSL_free(slab);
        return NULL;
    }
    /* Both are as good as the system allows: RLIMIT_MEMLOCK may be 0, and `byok doctor` looks at
     * core dumps. */
    (void)mlock(slab->slots, SLAB_BYTES);
    (void)madvise(slab->slots, SLAB_BYTES, MADV_DONTDUMP);
    return slab;
}

static void slab_free(struct slab *slab)
{
    byok_pages_unmap(slab->slots, slab_pages());
    OPENSSL_free(slab);
}

static struct byok_secret *slab_take(struct slab *slab)
{
    size_t i;
    int bit;
    uint64_t word;

    for (i = 0; i < SLAB_WORDS; i++) {
        word = atomic_load_explicit(&slab->taken[i], memory_order_relaxed);
        while (word != UINT64_MAX) {
            bit = __builtin_ctzll(~word);
            if (atomic_compare_exchange_weak_explicit(&slab->taken[i], &word,
                                                      word | (UINT64_C(1) << bit),
                                                      memory_order_acquire, memory_order_relaxed))
                return &slab->slots[i * WORD_BITS + (size_t)bit];
        }
    }
    return NULL;
}

struct byok_arena *byok_arena_new(struct byok_status *status)
{
    struct byok_arena *arena = OPENSSL_zalloc(sizeof *arena);
    struct slab *slab;

    if (arena == NULL) {
        byok_fail_memory(status);
        return NULL;
    }
    slab = slab_new(status);
    if (slab == NULL) {
        OPENSSL_free(arena);
        return NULL;
    }
    atomic_init(&arena->slabs, slab);
    return arena;
}

void byok_arena_free(struct byok_arena *arena)
{
    struct slab *slab, *next;

    if (arena == NULL)
        return;
    for (slab = atomic_load(&arena->slabs); slab != NULL; slab = next) {
        next = slab->next;
        slab_free(slab);
    }
    OPENSSL_free(arena);
}

struct byok_secret *byok_secret_new(struct byok_arena *arena, struct byok_status *status)
{
    struct slab *head = atomic_load_explicit(&arena->slabs, memory_order_acquire), *slab;
    struct byok_secret *secret;

    for (slab = head; slab != NULL; slab = slab->next)
        if ((secret = slab_take(slab)) != NULL)
            return secret;
    slab = slab_new(status);
    if (slab == NULL)
        return NULL;
    secret = slab_take(slab);
    slab->next = head;
    while (!atomic_compare_exchange_weak_explicit(&arena->slabs, &slab->next, slab,
                                                  memory_order_release, memory_order_acquire))
        ; /* another thread grew it too: ours goes before its */
    return secret;
}

void byok_secret_free(struct byok_arena *arena, struct byok_secret *secret)
{
    struct slab *slab;
    size_t i;

    if (secret == NULL)
        return;
    OPENSSL_cleanse(secret, sizeof *secret);
    for (slab = atomic_load_explicit(&arena->slabs, memory_order_acquire); slab != NULL;
         slab = slab->next)
        if (secret >= slab->slots && secret < slab->slots + SLAB_SLOTS) {
            i = (size_t)(secret - slab->slots);
            atomic_fetch_and_explicit(&slab->taken[i / WORD_BITS],
                                      ~(UINT64_C(1) << (i % WORD_BITS)), memory_order_release);
            return;
        }
}
