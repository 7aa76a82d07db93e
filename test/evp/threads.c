/*
 * Many threads on the same KEKs: each context is one thread's at a time, all else is shared.
 */
#include "test/support/cmocka.h"
#include "test/support/fixture.h"
#include "test/support/kms.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 16
#define LEN     9000
#define BLOCK   65536

static struct fixture f;
static unsigned char *plain;
static atomic_int failures, stop;
static pthread_barrier_t barrier;

/* What a thread is to do. */
struct job {
    pthread_t thread;
    int number, messages;
    const char *keks[2]; /* in turns */
};

static void went_wrong(const char *where, int step)
{
    failures++;
    fprintf(stderr, "%s: step %d\n", where, step);
    ERR_print_errors_fp(stderr);
}

static void *work(void *arg)
{
    const struct job *job = arg;
    EVP_CIPHER_CTX *sealing, *opening;
    int i, result;

    pthread_barrier_wait(&barrier);
    sealing = fixture_bare_ctx(&f);
    opening = fixture_bare_ctx(&f);
    for (i = 0; job->messages > 0 ? i < job->messages : !stop; i++) {
        result = fixture_message(sealing, opening, job->keks[i % 2], plain, (size_t)(i * 97 % LEN));
        if (result != 0)
            went_wrong(job->keks[i % 2], result);
    }
    EVP_CIPHER_CTX_free(opening);
    EVP_CIPHER_CTX_free(sealing);
    return NULL;
}

static void start(struct job *jobs, void *(*run)(void *), int messages, const char *one,
                  const char *other)
{
    int i;

    failures = stop = 0;
    for (i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.number = i, .messages = messages, .keks = {one, other}};
        assert_int_equal(pthread_create(&jobs[i].thread, NULL, run, &jobs[i]), 0);
    }
}

static void finish(struct job *jobs)
{
    int i;

    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(jobs[i].thread, NULL), 0);
    assert_int_equal(failures, 0);
}

static void one_kek(void **state)
{
    struct job jobs[THREADS];

    (void)state;
    start(jobs, work, 150, "a", "a");
    finish(jobs);
}

static void two_keks(void **state)
{
    struct job jobs[THREADS];

    (void)state;
    start(jobs, work, 150, "a", "b");
    finish(jobs);
}

/* A new data key every few messages, and a KMS that takes its time. */
static void new_data_keys(void **state)
{
    struct job jobs[THREADS];
    char text[256];
    unsigned int wraps;

    (void)state;
    snprintf(text, sizeof text, "dek-max-messages = 5\n[a]\nuri = test://%s/a.key\n", f.dir);
    fixture_restart(&f, text);
    wraps = test_kms.wraps;
    test_kms.delay_ms = 2;
    start(jobs, work, 40, "a", "a");
    finish(jobs);
    test_kms.delay_ms = 0;
    assert_true(test_kms.wraps - wraps >= THREADS * 40 / 5);
    fixture_restart(&f, NULL);
}

static void first_use_is_raced(void **state)
{
    struct job jobs[THREADS];
    char text[256];
    unsigned int wraps;
    int turn;

    (void)state;
    snprintf(text, sizeof text, "[a]\nuri = test://%s/a.key\n[b]\nuri = test://%s/b.key\n", f.dir,
             f.dir);
    for (turn = 0; turn < 8; turn++) {
        fixture_restart(&f, text);
        wraps = test_kms.wraps;
        start(jobs, work, 2, "a", turn % 2 ? "b" : "a");
        finish(jobs);
        assert_in_range(test_kms.wraps - wraps, 1, 2 * THREADS);
    }
}

/* Puts a KEK file in force, in one step. */
static void replace_kek_file(const char *text)
{
    char from[128];

    fixture_write(&f, "keks.new", text, strlen(text), 0600);
    snprintf(from, sizeof from, "%s/keks.new", f.dir);
    assert_int_equal(rename(from, f.keks), 0);
}

/* b's section changes each time, so that b is another object with nothing cached; c comes and goes.
 */
static void kek_file_is_read_again(void **state)
{
    struct timespec wait = {0, 600000000};
    struct job jobs[THREADS];
    EVP_CIPHER_CTX *ctx = fixture_bare_ctx(&f);
    char text[512];
    int turn, had_c = 0, had_none = 0;

    (void)state;
    start(jobs, work, 0, "a", "b");
    for (turn = 0; turn < 8; turn++) {
        snprintf(text, sizeof text,
                 "default-kek = a\n[a]\nuri = test://%s/a.key\n[b]\nuri = test://%s/b.key\n"
                 "dek-max-messages = %d\n%s%s%s",
                 f.dir, f.dir, 100 + turn, turn / 2 % 2 ? "[c]\nuri = test://" : "",
                 turn / 2 % 2 ? f.dir : "", turn / 2 % 2 ? "/a.key\n" : "");
        replace_kek_file(text);
        nanosleep(&wait, NULL);
        if (fixture_init(ctx, 1, "c"))
            had_c++;
        else
            had_none++;
        ERR_clear_error();
    }
    stop = 1;
    finish(jobs);
    assert_true(had_c > 0);
    assert_true(had_none > 0);
    EVP_CIPHER_CTX_free(ctx);
}

#define SALTS 400 /* of each thread */
static unsigned char salts[THREADS][SALTS][32];

static void *gather_salts(void *arg)
{
    const struct job *job = arg;
    EVP_CIPHER_CTX *ctx = fixture_bare_ctx(&f);
    unsigned char out[BLOCK];
    int i, len;

    pthread_barrier_wait(&barrier);
    for (i = 0; i < SALTS; i++) {
        if (!fixture_init(ctx, 1, job->keks[i % 2]) || !EVP_CipherFinal_ex(ctx, out, &len))
            went_wrong("salt", i);
        memcpy(salts[job->number][i], out + 8, 32);
    }
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static int compare_salts(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

static void salts_are_used_once(void **state)
{
    unsigned char(*all)[32] = salts[0];
    struct job jobs[THREADS];
    size_t i;

    (void)state;
    start(jobs, gather_salts, 1, "a", "b");
    finish(jobs);
    qsort(all, (size_t)THREADS * SALTS, 32, compare_salts);
    for (i = 1; i < (size_t)THREADS * SALTS; i++)
        assert_memory_not_equal(all[i - 1], all[i], 32);
}

static EVP_CIPHER_CTX *passed[THREADS];
static unsigned char begun[THREADS][LEN + BLOCK + 1000];
static size_t begun_len[THREADS];

/* Begins a message on a context of its own; its neighbour ends it, and frees the context. */
static void *pass_on(void *arg)
{
    const struct job *job = arg;
    int turn, len, next = (job->number + 1) % THREADS;

    for (turn = 0; turn < job->messages; turn++) {
        passed[job->number] = fixture_bare_ctx(&f);
        if (!fixture_init(passed[job->number], 1, job->keks[turn % 2])
            || !EVP_CipherUpdate(passed[job->number], begun[job->number], &len, plain, 5000))
            went_wrong("begin", turn);
        begun_len[job->number] = (size_t)len;
        pthread_barrier_wait(&barrier);
        if (!EVP_CipherUpdate(passed[next], begun[next] + begun_len[next], &len, plain + 5000,
                              LEN - 5000))
            went_wrong("go on", turn);
        begun_len[next] += (size_t)len;
        if (!EVP_CipherFinal_ex(passed[next], begun[next] + begun_len[next], &len))
            went_wrong("end", turn);
        begun_len[next] += (size_t)len;
        EVP_CIPHER_CTX_free(passed[next]);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static void contexts_change_hands(void **state)
{
    struct job jobs[THREADS];
    size_t i, released;

    (void)state;
    start(jobs, pass_on, 30, "b", "a");
    finish(jobs);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(fixture_try(&f, "a", begun[i], begun_len[i], 0, plain, LEN, &released), 0);
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
    plain = fixture_plain(LEN, 1);
    return pthread_barrier_init(&barrier, NULL, THREADS);
}

static int down(void **state)
{
    (void)state;
    free(plain);
    fixture_down(&f);
    return pthread_barrier_destroy(&barrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_kek),
        cmocka_unit_test(two_keks),
        cmocka_unit_test(contexts_change_hands),
        cmocka_unit_test(salts_are_used_once),
        cmocka_unit_test(kek_file_is_read_again),
        cmocka_unit_test(first_use_is_raced), /* from here on with other KEK files */
        cmocka_unit_test(new_data_keys),
    };

    return cmocka_run_group_tests(tests, up, down);
}
