/*
 * base/secret: slots apart, zeroed, wiped, reused; the arena's growth, its guard pages and what the
 * kernel is told of it.
 */
#include "base/secret.h"

#include "test/unit/check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#define MANY 2500 /* more than two slabs hold */

static struct byok_arena *arena;

static int is_all(const struct byok_secret *secret, unsigned char byte)
{
    const volatile unsigned char *p = secret->bytes;
    size_t i;

    for (i = 0; i < BYOK_SECRET_SIZE; i++)
        if (p[i] != byte)
            return 0;
    return 1;
}

static struct byok_secret *take(void)
{
    struct byok_secret *secret;

    WORKS((secret = byok_secret_new(arena, &status)) != NULL);
    return secret;
}

/* The mapping of this process that holds `address`, and whether the kernel has this flag on it
 * (proc(5), VmFlags). */
struct mapping {
    char *start, *end;
    char flags[256];
};

static int mapping_find(const void *address, struct mapping *mapping)
{
    char line[4096];
    unsigned long start, end;
    int found = 0;
    FILE *smaps = fopen("/proc/self/smaps", "r");

    assert_non_null(smaps);
    while (fgets(line, sizeof line, smaps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
            found = (unsigned long)address >= start && (unsigned long)address < end;
            mapping->start = (char *)start;
            mapping->end = (char *)end;
        } else if (found && sscanf(line, "VmFlags:%255[^\n]", mapping->flags) == 1) {
            strcat(strcpy(line, mapping->flags), " ");
            strcpy(mapping->flags, line);
            break;
        }
    }
    fclose(smaps);
    return found;
}

static int has_flag(const struct mapping *mapping, const char *flag)
{
    char padded[8];

    snprintf(padded, sizeof padded, " %s ", flag);
    return strstr(mapping->flags, padded) != NULL;
}

/* How many mappings of this process are wiped on fork: slabs, and the marks of base/fork, of which
 * there are none here. */
static int slabs_mapped(void)
{
    char line[4096];
    int count = 0;
    FILE *smaps = fopen("/proc/self/smaps", "r");

    assert_non_null(smaps);
    while (fgets(line, sizeof line, smaps) != NULL)
        count += strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " wf") != NULL;
    fclose(smaps);
    return count;
}

static int by_address(const void *a, const void *b)
{
    const struct byok_secret *x = *(struct byok_secret *const *)a,
                             *y = *(struct byok_secret *const *)b;

    return (x > y) - (x < y);
}

static void take_many(struct byok_secret **all)
{
    size_t i;

    for (i = 0; i < MANY; i++) {
        all[i] = take();
        assert_true(is_all(all[i], 0));
        memset(all[i], 0xa5, sizeof *all[i]);
    }
    qsort(all, MANY, sizeof *all, by_address);
}

static void slots_are_distinct_zeroed_and_reused(void **state)
{
    static struct byok_secret *all[MANY], *again[MANY];
    int slabs = slabs_mapped(), grown;
    size_t i;

    (void)state;
    assert_int_equal(slabs, 1);
    take_many(all);
    grown = slabs_mapped();
    assert_in_range(grown, 2, 8);
    for (i = 1; i < MANY; i++)
        assert_true((char *)all[i] - (char *)all[i - 1] >= BYOK_SECRET_SIZE);
    for (i = 0; i < MANY; i++)
        byok_secret_free(arena, all[i]);
    for (i = 0; i < MANY; i++)
        assert_true(is_all(all[i], 0)); /* the slab stays mapped */
    take_many(again);
    assert_int_equal(slabs_mapped(), grown);
    for (i = 0; i < MANY; i++)
        byok_secret_free(arena, again[i]);
}

static void free_wipes_one_slot_and_no_other(void **state)
{
    struct byok_secret *before = take(), *secret = take(), *after = take();

    (void)state;
    memset(before, 0x11, sizeof *before);
    memset(secret, 0x22, sizeof *secret);
    memset(after, 0x33, sizeof *after);
    byok_secret_free(arena, secret);
    assert_true(is_all(secret, 0));
    assert_true(is_all(before, 0x11));
    assert_true(is_all(after, 0x33));
    assert_ptr_equal(take(), secret);
    byok_secret_free(arena, before);
    byok_secret_free(arena, secret);
    byok_secret_free(arena, after);
    byok_secret_free(arena, NULL);
    byok_arena_free(NULL);
}

static int read_byte(void *address)
{
    signal(SIGSEGV, SIG_DFL); /* a sanitizer has its own */
    signal(SIGBUS, SIG_DFL);
    return *(volatile unsigned char *)address;
}

static void crashes(void *address)
{
    int result = child(read_byte, address);

    assert_true(WIFSIGNALED(result));
    assert_int_equal(WTERMSIG(result), SIGSEGV);
}

static void guard_pages_stand_around_every_slab(void **state)
{
    static struct byok_secret *all[MANY];
    struct mapping mapping;
    size_t i, slabs = 0;

    (void)state;
    take_many(all);
    for (i = 0; i < MANY; i++) {
        if (slabs > 0 && (char *)all[i] < mapping.end)
            continue; /* of the same slab */
        slabs++;
        assert_true(mapping_find(all[i], &mapping));
        assert_int_equal((mapping.end - mapping.start) % sysconf(_SC_PAGESIZE), 0);
        CHILD_RETURNS(0, read_byte, mapping.start); /* wiped in the child, so 0 */
        CHILD_RETURNS(0, read_byte, mapping.end - 1);
        crashes(mapping.start - 1);
        crashes(mapping.end);
    }
    assert_true(slabs >= 3);
    for (i = 0; i < MANY; i++)
        byok_secret_free(arena, all[i]);
}

/* A full slab has no byte between its first slot and the page before it, nor behind its last. */
static void slots_fill_a_slab(void **state)
{
    static struct byok_secret *all[MANY];
    struct mapping mapping;
    size_t i, full = 0, first = 0;

    (void)state;
    take_many(all);
    for (i = 1; i <= MANY; i++) {
        if (i < MANY && (char *)all[i] - (char *)all[i - 1] == BYOK_SECRET_SIZE)
            continue;
        assert_true(mapping_find(all[first], &mapping));
        full += (char *)all[first] == mapping.start && (char *)(all[i - 1] + 1) == mapping.end;
        first = i;
    }
    assert_true(full >= 2);
    for (i = 0; i < MANY; i++)
        byok_secret_free(arena, all[i]);
}

static void kernel_neither_dumps_nor_forks_it(void **state)
{
    static struct byok_secret *all[MANY];
    struct mapping mapping, probe;
    void *page =
        mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t i;
    int may_lock;

    (void)state;
    assert_true(page != MAP_FAILED);
    (void)mlock(page, 1); /* sanitizers make nothing of this; RLIMIT_MEMLOCK may be 0 */
    assert_true(mapping_find(page, &probe));
    may_lock = has_flag(&probe, "lo");
    assert_false(has_flag(&probe, "dd"));
    assert_false(has_flag(&probe, "wf"));
    munmap(page, (size_t)sysconf(_SC_PAGESIZE));
    take_many(all);
    for (i = 0; i < MANY; i += MANY - 1) { /* of the first and of the last slab */
        assert_true(mapping_find(all[i], &mapping));
        assert_true(has_flag(&mapping, "dd"));
        assert_true(has_flag(&mapping, "wf"));
        if (may_lock)
            assert_true(has_flag(&mapping, "lo"));
    }
    for (i = 0; i < MANY; i++)
        byok_secret_free(arena, all[i]);
}

static int child_sees_zeros(void *arg)
{
    struct byok_status inner = BYOK_STATUS_INIT;
    struct byok_secret *inherited = arg, *own = byok_secret_new(arena, &inner);

    if (own == NULL || own == inherited || !is_all(inherited, 0) || !is_all(own, 0))
        return 1;
    memset(own, 0x5a, sizeof *own);
    byok_secret_free(arena, own);
    byok_secret_free(arena, inherited);
    return is_all(own, 0) ? 0 : 2;
}

static void child_has_zeros_and_the_parent_keeps_its_own(void **state)
{
    struct byok_secret *secret = take();

    (void)state;
    memset(secret, 0xa5, sizeof *secret);
    CHILD_RETURNS(0, child_sees_zeros, secret);
    assert_true(is_all(secret, 0xa5));
    byok_secret_free(arena, secret);
}

#define THREADS 8
#define HELD    320 /* by each thread: together more than two slabs */

static _Atomic int damage, running;

static void *take_and_free(void *arg)
{
    struct byok_status inner = BYOK_STATUS_INIT;
    struct byok_secret *held[HELD] = {NULL};
    unsigned char mine = (unsigned char)(uintptr_t)arg;
    size_t round, i;

    for (round = 0; round < 40 * HELD; round++) {
        i = round * 7 % HELD;
        if (held[i] == NULL) {
            held[i] = byok_secret_new(arena, &inner);
            if (held[i] == NULL || !is_all(held[i], 0))
                damage = 1;
            if (held[i] != NULL)
                memset(held[i], mine, sizeof *held[i]);
        } else {
            if (!is_all(held[i], mine))
                damage = 2; /* another thread has the same slot */
            byok_secret_free(arena, held[i]);
            held[i] = NULL;
        }
    }
    for (i = 0; i < HELD; i++)
        byok_secret_free(arena, held[i]);
    running--;
    return NULL;
}

static int take_and_free_some(void *arg)
{
    struct byok_status inner = BYOK_STATUS_INIT;
    struct byok_secret *secret;
    int i;

    (void)arg;
    alarm(60); /* a lock would hang here */
    for (i = 0; i < 100; i++) {
        secret = byok_secret_new(arena, &inner);
        if (secret == NULL || !is_all(secret, 0))
            return 1;
        memset(secret, 0x77, sizeof *secret);
        byok_secret_free(arena, secret);
    }
    return 0;
}

static void threads_share_an_arena_and_fork_meanwhile(void **state)
{
    pthread_t threads[THREADS];
    size_t i;
    int children = 0;

    (void)state;
    damage = 0;
    running = THREADS;
    for (i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, take_and_free, (void *)(uintptr_t)(i + 1)), 0);
    while (running > 0 && children++ < 50)
        CHILD_RETURNS(0, take_and_free_some, NULL);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(damage, 0);
    assert_true(children > 0);
}

static void arena_goes_with_its_memory(void **state)
{
    struct byok_arena *own;
    struct byok_secret *secret;
    struct mapping mapping;

    (void)state;
    WORKS((own = byok_arena_new(&status)) != NULL);
    WORKS((secret = byok_secret_new(own, &status)) != NULL);
    assert_true(mapping_find(secret, &mapping));
    assert_true(has_flag(&mapping, "wf"));
    byok_secret_free(own, secret);
    byok_arena_free(own);
    assert_true(!mapping_find(secret, &mapping) || !has_flag(&mapping, "wf"));
}

static int up(void **state)
{
    (void)state;
    memset(&status, 0, sizeof status);
    arena = byok_arena_new(&status);
    return arena != NULL ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    byok_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slots_are_distinct_zeroed_and_reused, up, down),
        cmocka_unit_test_setup_teardown(free_wipes_one_slot_and_no_other, up, down),
        cmocka_unit_test_setup_teardown(guard_pages_stand_around_every_slab, up, down),
        cmocka_unit_test_setup_teardown(slots_fill_a_slab, up, down),
        cmocka_unit_test_setup_teardown(kernel_neither_dumps_nor_forks_it, up, down),
        cmocka_unit_test_setup_teardown(child_has_zeros_and_the_parent_keeps_its_own, up, down),
        cmocka_unit_test_setup_teardown(threads_share_an_arena_and_fork_meanwhile, up, down),
        cmocka_unit_test(arena_goes_with_its_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
