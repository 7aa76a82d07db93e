/*
 * base/fork: the epoch tells processes apart, and no threads.
 */
#include "base/fork.h"

#include "test/unit/check.h"

#include <pthread.h>
#include <sys/mman.h>

#define THREADS 8

static struct byok_fork_mark mark;

/* What processes write down for each other. */
struct record {
    uint64_t parent, child, grandchild, sibling, threads[THREADS];
};

static struct record *record;

static int ask_twice(uint64_t *out)
{
    *out = byok_fork_mark_epoch(&mark);
    return *out != 0 && *out == byok_fork_mark_epoch(&mark) ? 0 : 1;
}

static int be_grandchild(void *arg)
{
    (void)arg;
    return ask_twice(&record->grandchild);
}

static int wait_for(int (*body)(void *))
{
    int result;
    pid_t pid = fork();

    if (pid == 0)
        _exit(body(NULL));
    return pid > 0 && waitpid(pid, &result, 0) == pid && WIFEXITED(result) ? WEXITSTATUS(result)
                                                                           : 99;
}

static int be_child(void *arg)
{
    (void)arg;
    if (ask_twice(&record->child) != 0 || wait_for(be_grandchild) != 0)
        return 1;
    return byok_fork_mark_epoch(&mark) == record->child ? 0 : 2;
}

static int be_sibling(void *arg)
{
    (void)arg;
    return ask_twice(&record->sibling);
}

static void child_and_grandchild_differ_from_their_forebears(void **state)
{
    (void)state;
    assert_int_equal(ask_twice(&record->parent), 0);
    CHILD_RETURNS(0, be_child, NULL);
    CHILD_RETURNS(0, be_sibling, NULL);
    assert_int_equal(byok_fork_mark_epoch(&mark), record->parent);
    assert_int_not_equal(record->child, record->parent);
    assert_int_not_equal(record->grandchild, record->parent);
    assert_int_not_equal(record->grandchild, record->child);
    assert_int_not_equal(record->sibling, record->parent);
}

/* The child forks before it has looked: the grandchild has a mark of its own all the same. */
static int be_child_that_looks_late(void *arg)
{
    (void)arg;
    return wait_for(be_grandchild) == 0 ? ask_twice(&record->child) : 1;
}

static void grandchild_of_one_that_has_not_looked(void **state)
{
    (void)state;
    record->parent = byok_fork_mark_epoch(&mark);
    CHILD_RETURNS(0, be_child_that_looks_late, NULL);
    assert_int_not_equal(record->child, record->parent);
    assert_int_not_equal(record->grandchild, record->parent);
}

static pthread_barrier_t start;

static void *ask(void *arg)
{
    pthread_barrier_wait(&start);
    *(uint64_t *)arg = byok_fork_mark_epoch(&mark);
    return NULL;
}

/* All at once, so that in a child they race for who looks first. */
static int ask_in_threads(void *arg)
{
    pthread_t threads[THREADS];
    int i, differ = 0;

    (void)arg;
    pthread_barrier_init(&start, NULL, THREADS);
    for (i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, ask, &record->threads[i]) != 0)
            return 98;
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    for (i = 0; i < THREADS; i++)
        differ |= record->threads[i] != byok_fork_mark_epoch(&mark);
    return differ;
}

static void threads_have_one_epoch(void **state)
{
    int round;

    (void)state;
    record->parent = byok_fork_mark_epoch(&mark);
    assert_int_equal(ask_in_threads(NULL), 0);
    assert_int_equal(record->threads[0], record->parent);
    for (round = 0; round < 50; round++) {
        CHILD_RETURNS(0, ask_in_threads, NULL);
        assert_int_not_equal(record->threads[0], record->parent);
        assert_int_not_equal(record->threads[0], 0);
    }
}

static int descend(void *arg)
{
    uint64_t before = *(uint64_t *)arg, now = byok_fork_mark_epoch(&mark);
    int result;
    pid_t pid;

    if (now <= before)
        return 1;
    if (now > 20)
        return 0;
    pid = fork();
    if (pid == 0)
        _exit(descend(&now));
    return pid > 0 && waitpid(pid, &result, 0) == pid && result == 0 ? 0 : 2;
}

static void every_generation_is_another(void **state)
{
    uint64_t epoch = byok_fork_mark_epoch(&mark);

    (void)state;
    CHILD_RETURNS(0, descend, &epoch);
}

static int up(void **state)
{
    (void)state;
    memset(&status, 0, sizeof status);
    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return record != MAP_FAILED && byok_fork_mark_init(&mark, &status) ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    byok_fork_mark_cleanup(&mark);
    assert_null(mark.page);
    return munmap(record, sizeof *record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(child_and_grandchild_differ_from_their_forebears, up, down),
        cmocka_unit_test_setup_teardown(grandchild_of_one_that_has_not_looked, up, down),
        cmocka_unit_test_setup_teardown(threads_have_one_epoch, up, down),
        cmocka_unit_test_setup_teardown(every_generation_is_another, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
