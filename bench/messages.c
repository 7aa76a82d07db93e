/*
 * Time of short messages under a data key that is there already, against raw AES-256-GCM with a new
 * key and IV for each. README.md.
 */
#include "bench/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES       ((size_t)64) /* different ones, in turns */
#define SIZE_MAX_BYTES ((size_t)16384)
#define OVERHEAD       ((size_t)1024) /* a sealed message's, at most */
#define TARGET_SIZE    ((size_t)1024)
#define TARGET         2.5
#define KEY_BYTES      32
#define IV_BYTES       12

static const size_t sizes[] = {64, 1024, 16384};

enum usage { REUSED, NAMED, FRESH, USAGES };

static const char *const usages[USAGES] = {"reused", "reused, cipher named", "new"};

struct way {
    int is_raw, sealing;
    const EVP_CIPHER *cipher;
    enum usage usage;
    EVP_CIPHER_CTX *ctx; /* reused */
    uint64_t count;      /* raw: the next key and IV */
    size_t next, repeat;
    size_t plain_len;
    unsigned char *plain;  /* MESSAGES of plain_len bytes */
    unsigned char *sealed; /* MESSAGES of sealed_room bytes */
    size_t sealed_len, sealed_room;
    unsigned char *out;
};

/* The context for one message, with key (and IV) set. */
static EVP_CIPHER_CTX *begin(struct way *way, uint64_t number)
{
    EVP_CIPHER_CTX *ctx = way->usage == FRESH ? EVP_CIPHER_CTX_new() : way->ctx;
    const EVP_CIPHER *cipher = way->usage == REUSED ? NULL : way->cipher;
    unsigned char key[KEY_BYTES] = {0}, iv[IV_BYTES] = {0}; /* for byok: the default KEK */

    BENCH_CHECK(ctx != NULL);
    if (way->is_raw) {
        memcpy(key, &number, sizeof number);
        memcpy(iv, &number, sizeof number);
    }
    BENCH_CHECK(EVP_CipherInit_ex2(ctx, cipher, key, way->is_raw ? iv : NULL, way->sealing, NULL));
    return ctx;
}

static void end(struct way *way, EVP_CIPHER_CTX *ctx)
{
    if (way->usage == FRESH)
        EVP_CIPHER_CTX_free(ctx);
}

static size_t seal(struct way *way, uint64_t number, unsigned char *out, const unsigned char *in)
{
    EVP_CIPHER_CTX *ctx = begin(way, number);
    int n, last;

    BENCH_CHECK(EVP_EncryptUpdate(ctx, out, &n, in, (int)way->plain_len));
    BENCH_CHECK(EVP_EncryptFinal_ex(ctx, out + n, &last));
    n += last;
    if (way->is_raw) {
        BENCH_CHECK(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, BENCH_TAG_BYTES, out + n));
        n += BENCH_TAG_BYTES;
    }
    end(way, ctx);
    return (size_t)n;
}

static size_t open_(struct way *way, uint64_t number, unsigned char *out, unsigned char *in)
{
    EVP_CIPHER_CTX *ctx = begin(way, number);
    size_t len = way->sealed_len - (way->is_raw ? BENCH_TAG_BYTES : 0);
    int n, last;

    BENCH_CHECK(EVP_DecryptUpdate(ctx, out, &n, in, (int)len));
    if (way->is_raw)
        BENCH_CHECK(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, BENCH_TAG_BYTES, in + len));
    BENCH_CHECK(EVP_DecryptFinal_ex(ctx, out + n, &last));
    end(way, ctx);
    return (size_t)(n + last);
}

/* Seals or opens `repeat` messages. What is sealed goes nowhere. */
static void work(void *arg)
{
    struct way *way = arg;
    size_t i;

    for (i = 0; i < way->repeat; i++, way->next = (way->next + 1) % MESSAGES)
        if (way->sealing)
            (void)seal(way, way->count++, way->out, way->plain + way->next * way->plain_len);
        else
            (void)open_(way, way->next, way->out, way->sealed + way->next * way->sealed_room);
}

/* Makes the messages to open, and opens each. */
static void prepare(struct way *way)
{
    size_t i;

    way->sealing = 1;
    BENCH_CHECK(EVP_CipherInit_ex2(way->ctx, way->cipher, NULL, NULL, 1, NULL));
    for (i = 0; i < MESSAGES; i++)
        way->sealed_len =
            seal(way, i, way->sealed + i * way->sealed_room, way->plain + i * way->plain_len);
    way->sealing = 0;
    BENCH_CHECK(EVP_CipherInit_ex2(way->ctx, way->cipher, NULL, NULL, 0, NULL));
    for (i = 0; i < MESSAGES; i++)
        BENCH_CHECK(open_(way, i, way->out, way->sealed + i * way->sealed_room) == way->plain_len
                    && memcmp(way->out, way->plain + i * way->plain_len, way->plain_len) == 0);
}

static void way_up(struct way *way, const struct bench *bench, int is_raw, int sealing,
                   enum usage usage, size_t size, unsigned char *plain)
{
    memset(way, 0, sizeof *way);
    way->is_raw = is_raw;
    way->cipher = is_raw ? bench->gcm : bench->sealed;
    way->usage = usage;
    way->ctx = EVP_CIPHER_CTX_new();
    way->plain_len = size;
    way->plain = plain;
    way->sealed_room = size + OVERHEAD;
    way->sealed = malloc(MESSAGES * way->sealed_room);
    way->out = malloc(size + OVERHEAD + 2 * BENCH_BLOCK_SIZE);
    way->repeat = size <= 1024 ? 256 : 64;
    BENCH_CHECK(way->ctx != NULL && way->sealed != NULL && way->out != NULL);
    prepare(way);
    way->sealing = sealing;
    BENCH_CHECK(EVP_CipherInit_ex2(way->ctx, way->cipher, NULL, NULL, sealing, NULL));
}

static void way_down(struct way *way)
{
    EVP_CIPHER_CTX_free(way->ctx);
    free(way->sealed);
    free(way->out);
}

static void measure(const struct bench *bench, int sealing, enum usage usage, size_t size,
                    unsigned char *plain, size_t rounds)
{
    struct way byok, raw;
    struct bench_contestant contestants[] = {{work, &byok}, {work, &raw}};
    struct bench_ratio r[2];
    double seconds[2];

    way_up(&byok, bench, 0, sealing, usage, size, plain);
    way_up(&raw, bench, 1, sealing, usage, size, plain);
    bench_race(contestants, 2, rounds, r, seconds);
    printf("%-5s %6zu   %-20s %8.0f %8.0f   %6.2f (%.2f to %.2f)", sealing ? "seal" : "open", size,
           usages[usage], seconds[0] / (double)byok.repeat * 1e9,
           seconds[1] / (double)raw.repeat * 1e9, r[1].median, r[1].low, r[1].high);
    if (size == TARGET_SIZE && usage == REUSED)
        printf("   target <= %.1f: %s", TARGET, r[1].median <= TARGET ? "met" : "MISSED");
    printf("\n");
    fflush(stdout);
    way_down(&raw);
    way_down(&byok);
}

static size_t spin_size = TARGET_SIZE;
static enum usage spin_usage = REUSED;

static int take_option(const char *name, const char *value)
{
    if (strcmp(name, "--size") == 0)
        return (spin_size = strtoul(value, NULL, 10)) > 0 && spin_size <= SIZE_MAX_BYTES;
    if (strcmp(name, "--context") != 0)
        return 0;
    for (spin_usage = REUSED; spin_usage < USAGES; spin_usage++)
        if (strcmp(usages[spin_usage], value) == 0)
            return 1;
    return 0;
}

static int spin(const struct bench *bench, const struct bench_options *options,
                unsigned char *plain)
{
    static const char *const names[] = {"open", "seal", "raw-open", "raw-seal"};
    struct bench_contestant contestant;
    struct way way;
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names && strcmp(names[i], options->spin) != 0; i++)
        ;
    if (i == sizeof names / sizeof *names) {
        fprintf(stderr, "no contestant \"%s\": seal, open, raw-seal, raw-open\n", options->spin);
        return 2;
    }
    way_up(&way, bench, i >= 2, (int)(i % 2), spin_usage, spin_size, plain);
    contestant.work = work;
    contestant.arg = &way;
    printf("%s: %llu messages\n", options->spin,
           (unsigned long long)bench_spin(&contestant, options->seconds) * way.repeat);
    way_down(&way);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench_options options = {300, NULL, NULL, 5};
    unsigned char *plain = malloc(MESSAGES * SIZE_MAX_BYTES);
    struct bench bench;
    int sealing, code = 0;
    size_t i, usage;

    bench_options(&options, argc, argv, take_option,
                  " [--size BYTES] [--context reused|new, to spin]");
    bench_up(&bench, options.modules);
    BENCH_CHECK(plain != NULL);
    bench_fill(plain, MESSAGES * SIZE_MAX_BYTES);
    if (options.spin != NULL) {
        code = spin(&bench, &options, plain);
    } else {
        printf("Whole messages, one update each, %zu rounds. Time as a multiple of raw "
               "AES-256-GCM's; median (quartiles).\n\n",
               options.rounds);
        printf("       bytes   EVP_CIPHER_CTX        byok ns   raw ns   byok / raw\n");
        for (usage = 0; usage < USAGES; usage++)
            for (sealing = 1; sealing >= 0; sealing--)
                for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
                    measure(&bench, sealing, (enum usage)usage, sizes[i], plain, options.rounds);
    }
    free(plain);
    bench_down(&bench);
    return code;
}
