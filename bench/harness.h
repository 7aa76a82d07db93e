/*
 * What the benchmarks share: the provider loaded as users load it, and the measuring of contestants
 * against each other.
 */
#ifndef BYOK_BENCH_HARNESS_H
#define BYOK_BENCH_HARNESS_H

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_CONTESTANTS_MAX 4
#define BENCH_BLOCK_SIZE      65536 /* what byok asks callers to leave beyond an update's length */
#define BENCH_TAG_BYTES       16

/* Ends the program, with OpenSSL's errors, unless `ok`. */
#define BENCH_CHECK(ok) bench_check((ok) > 0, #ok, __FILE__, __LINE__)
void bench_check(int ok, const char *what, const char *file, int line);

struct bench {
    char dir[64]; /* with a KEK file and a local KEK in it; removed by bench_down() */
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *dflt, *byok;
    EVP_CIPHER *sealed; /* BYOK-AES-256-GCM */
    EVP_CIPHER *gcm;    /* AES-256-GCM of the default provider */
};

/* byok.so is taken from the folder `modules`, else OPENSSL_MODULES, else the build that this
 * program belongs to. */
void bench_up(struct bench *bench, const char *modules);
void bench_down(struct bench *bench);

/* The command line: [--rounds N] [--spin CONTESTANT] [--seconds N] [FOLDER], and what else the
 * program knows. */
struct bench_options {
    size_t rounds;
    const char *modules; /* NULL: not given */
    const char *spin;    /* run this one alone, for a profiler; NULL: measure */
    double seconds;      /* to spin */
};

/* Called with each option that bench_options doesn't know; 0 if the program doesn't know it either.
 */
typedef int bench_option_taker(const char *name, const char *value);
void bench_options(struct bench_options *options, int argc, char **argv, bench_option_taker *take,
                   const char *usage);

double bench_seconds(void);

/* Fills with bytes that repeat only after a while. */
void bench_fill(unsigned char *data, size_t len);

/* Does its work once. Each call of one contestant does as much as each call of another. */
typedef void bench_work(void *arg);

struct bench_contestant {
    bench_work *work;
    void *arg;
};

struct bench_ratio {
    double median, low, high; /* low and high: the quartiles */
};

/*
 * Runs them in turns (A B C, B C A, ...) for so many rounds. ratios[i] is the time of contestant 0
 * over that of contestant i, per round: how many times as fast as contestant 0 contestant i is.
 * seconds[i] is the median time of contestant i.
 */
void bench_race(const struct bench_contestant *contestants, size_t count, size_t rounds,
                struct bench_ratio *ratios, double *seconds);

/* Calls it for as long as `seconds`; returns how often. */
uint64_t bench_spin(const struct bench_contestant *contestant, double seconds);

#endif
