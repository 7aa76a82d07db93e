#include "bench/harness.h"

#include "byok/names.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEY_FILE   "bench.key"
#define KEK_FILE   "keks.cnf"
#define PATH_BYTES 128

void bench_check(int ok, const char *what, const char *file, int line)
{
    if (ok)
        return;
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void path_in(const struct bench *bench, const char *name, char path[PATH_BYTES])
{
    BENCH_CHECK(snprintf(path, PATH_BYTES, "%s/%s", bench->dir, name) < PATH_BYTES);
}

static void write_file(const struct bench *bench, const char *name, const void *data, size_t len)
{
    char path[PATH_BYTES];
    int fd;

    path_in(bench, name, path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    BENCH_CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len && close(fd) == 0);
}

/* A KEK of its own, as a user would set one up. */
static void keks_make(struct bench *bench)
{
    unsigned char key[32];
    char text[2 * PATH_BYTES], path[PATH_BYTES];
    int n;

    strcpy(bench->dir, "/tmp/byok-bench-XXXXXX");
    BENCH_CHECK(mkdtemp(bench->dir) != NULL);
    BENCH_CHECK(RAND_priv_bytes(key, sizeof key));
    write_file(bench, KEY_FILE, key, sizeof key);
    n = snprintf(text, sizeof text, "default-kek = bench\n[bench]\nuri = local://%s/%s\n",
                 bench->dir, KEY_FILE);
    BENCH_CHECK(n > 0 && (size_t)n < sizeof text);
    write_file(bench, KEK_FILE, text, (size_t)n);
    path_in(bench, KEK_FILE, path);
    BENCH_CHECK(setenv("BYOK_CONFIG", path, 1) == 0);
}

void bench_up(struct bench *bench, const char *modules)
{
    memset(bench, 0, sizeof *bench);
    keks_make(bench);
    if (modules == NULL)
        modules = getenv("OPENSSL_MODULES");
    if (modules == NULL)
        modules = BENCH_MODULES;
    bench->libctx = OSSL_LIB_CTX_new();
    BENCH_CHECK(bench->libctx != NULL
                && OSSL_PROVIDER_set_default_search_path(bench->libctx, modules));
    bench->dflt = OSSL_PROVIDER_load(bench->libctx, "default");
    bench->byok = OSSL_PROVIDER_load(bench->libctx, BYOK_PROVIDER_NAME);
    BENCH_CHECK(bench->dflt != NULL && bench->byok != NULL);
    bench->sealed = EVP_CIPHER_fetch(bench->libctx, BYOK_CIPHER_SEALED, NULL);
    bench->gcm = EVP_CIPHER_fetch(bench->libctx, "AES-256-GCM", NULL);
    BENCH_CHECK(bench->sealed != NULL && bench->gcm != NULL);
    printf("%s; byok.so of %s\n", OpenSSL_version(OPENSSL_VERSION), modules);
}

void bench_down(struct bench *bench)
{
    static const char *const names[] = {KEY_FILE, KEK_FILE};
    char path[PATH_BYTES];
    size_t i;

    EVP_CIPHER_free(bench->gcm);
    EVP_CIPHER_free(bench->sealed);
    OSSL_PROVIDER_unload(bench->byok);
    OSSL_PROVIDER_unload(bench->dflt);
    OSSL_LIB_CTX_free(bench->libctx);
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        path_in(bench, names[i], path);
        unlink(path);
    }
    rmdir(bench->dir);
}

static void usage_exit(const char *program, const char *usage)
{
    fprintf(stderr,
            "usage: %s [--rounds N] [--spin CONTESTANT [--seconds N]]%s [FOLDER OF byok.so]\n",
            program, usage);
    exit(2);
}

void bench_options(struct bench_options *options, int argc, char **argv, bench_option_taker *take,
                   const char *usage)
{
    int i;

    for (i = 1; i < argc; i++) {
        const char *name = argv[i], *value;

        if (strncmp(name, "--", 2) != 0) {
            options->modules = name;
            continue;
        }
        value = i + 1 < argc ? argv[++i] : NULL;
        if (value == NULL)
            usage_exit(argv[0], usage);
        else if (strcmp(name, "--rounds") == 0)
            options->rounds = strtoul(value, NULL, 10);
        else if (strcmp(name, "--spin") == 0)
            options->spin = value;
        else if (strcmp(name, "--seconds") == 0)
            options->seconds = strtod(value, NULL);
        else if (!take(name, value))
            usage_exit(argv[0], usage);
    }
    if (options->rounds == 0 || options->seconds <= 0)
        usage_exit(argv[0], usage);
}

double bench_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void bench_fill(unsigned char *data, size_t len)
{
    uint64_t x = 88172645463325252;
    size_t i;

    for (i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = (unsigned char)x;
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts the values. */
static struct bench_ratio spread(double *values, size_t count)
{
    struct bench_ratio r;

    qsort(values, count, sizeof *values, compare);
    r.low = values[count / 4];
    r.median = values[count / 2];
    r.high = values[count - 1 - count / 4];
    return r;
}

static double timed(const struct bench_contestant *contestant)
{
    double start = bench_seconds();

    contestant->work(contestant->arg);
    return bench_seconds() - start;
}

void bench_race(const struct bench_contestant *contestants, size_t count, size_t rounds,
                struct bench_ratio *ratios, double *seconds)
{
    double *times[BENCH_CONTESTANTS_MAX] = {NULL}, *values = calloc(rounds, sizeof *values);
    size_t i, n, round;

    BENCH_CHECK(values != NULL && count <= BENCH_CONTESTANTS_MAX);
    for (i = 0; i < count; i++) {
        times[i] = calloc(rounds, sizeof *times[i]);
        BENCH_CHECK(times[i] != NULL);
        contestants[i].work(contestants[i].arg); /* warms it up */
    }
    for (round = 0; round < rounds; round++)
        for (n = 0; n < count; n++) {
            i = (round + n) % count;
            times[i][round] = timed(&contestants[i]);
        }
    for (i = 0; i < count; i++) {
        for (round = 0; round < rounds; round++)
            values[round] = times[0][round] / times[i][round];
        ratios[i] = spread(values, rounds);
        memcpy(values, times[i], rounds * sizeof *values);
        seconds[i] = spread(values, rounds).median;
    }
    for (i = 0; i < count; i++)
        free(times[i]);
    free(values);
}

uint64_t bench_spin(const struct bench_contestant *contestant, double seconds)
{
    double end = bench_seconds() + seconds;
    uint64_t n = 0;

    do {
        contestant->work(contestant->arg);
        n++;
    } while (bench_seconds() < end);
    return n;
}
