/*
 * Throughput of long messages, against raw AES-256-GCM in pages of the same size and as one stream.
 * What the figures mean: README.md.
 */
#include "bench/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES    ((size_t)4096)
#define MESSAGE_BYTES ((size_t)4 << 20)
#define STEP_MAX      ((size_t)1 << 20)
#define TARGET_STEP   ((size_t)65536)
#define TARGET        0.95
#define IV_BYTES      12

static const size_t steps[] = {4096, 16384, 65536, 262144, 1048576};

struct way;

/* The three calls do what EVP's init, update and final do. */
struct method {
    const char *name;
    void (*init)(struct way *way);
    size_t (*update)(struct way *way, unsigned char *out, const unsigned char *in, size_t len);
    size_t (*final)(struct way *way, unsigned char *out);
};

/* A way to seal or open a message in updates. */
struct way {
    const struct method *method;
    int sealing;
    EVP_CIPHER_CTX *ctx;
    unsigned char *message; /* what it seals, or what it opens */
    size_t len;
    size_t step;
    unsigned char *out; /* room for one update's output; written over by the next */
    /* raw */
    unsigned char tag[BENCH_TAG_BYTES]; /* opening: of the page at hand as far as it came, or of the
                                           message */
    uint64_t page;
    size_t in_page;
    size_t left; /* opening: plaintext bytes that are not yet in a whole page */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* byok */

static void sealed_init(struct way *way)
{
    static const unsigned char default_kek[32];

    BENCH_CHECK(EVP_CipherInit_ex2(way->ctx, NULL, default_kek, NULL, way->sealing, NULL));
}

static size_t plain_update(struct way *way, unsigned char *out, const unsigned char *in, size_t len)
{
    int n;

    BENCH_CHECK(EVP_CipherUpdate(way->ctx, out, &n, in, (int)len));
    return (size_t)n;
}

static size_t sealed_final(struct way *way, unsigned char *out)
{
    int n;

    BENCH_CHECK(EVP_CipherFinal_ex(way->ctx, out, &n));
    return (size_t)n;
}

/* raw AES-256-GCM */

static void raw_init(struct way *way)
{
    static const unsigned char key[32] = {1}, iv[IV_BYTES];

    BENCH_CHECK(EVP_CipherInit_ex2(way->ctx, NULL, key, iv, way->sealing, NULL));
}

static size_t raw_end(struct way *way, unsigned char *tag)
{
    int n;

    if (!way->sealing)
        BENCH_CHECK(EVP_CIPHER_CTX_ctrl(way->ctx, EVP_CTRL_AEAD_SET_TAG, BENCH_TAG_BYTES, tag));
    BENCH_CHECK(EVP_CipherFinal_ex(way->ctx, way->out, &n));
    if (way->sealing)
        BENCH_CHECK(EVP_CIPHER_CTX_ctrl(way->ctx, EVP_CTRL_AEAD_GET_TAG, BENCH_TAG_BYTES, tag));
    return BENCH_TAG_BYTES;
}

/* as one stream, whose tag stands apart */

static size_t whole_final(struct way *way, unsigned char *out)
{
    (void)out;
    raw_end(way, way->tag);
    return 0;
}

/* in pages, with nothing held back: what is opened is out before its tag was looked at */

static void pages_init(struct way *way)
{
    static const unsigned char key[32] = {1};

    BENCH_CHECK(EVP_CipherInit_ex2(way->ctx, NULL, key, NULL, way->sealing, NULL));
    way->page = 0;
    way->in_page = 0;
    way->left = MESSAGE_BYTES;
}

static void page_begin(struct way *way)
{
    unsigned char iv[IV_BYTES] = {0};
    size_t i;

    for (i = 0; i < 8; i++)
        iv[sizeof iv - 1 - i] = (unsigned char)(way->page >> 8 * i);
    way->page++;
    BENCH_CHECK(EVP_CipherInit_ex2(way->ctx, NULL, NULL, iv, way->sealing, NULL));
}

static size_t pages_seal(struct way *way, unsigned char *out, const unsigned char *in, size_t len)
{
    unsigned char *start = out;
    size_t n;

    for (; len > 0; in += n, len -= n) {
        if (way->in_page == 0)
            page_begin(way);
        n = smaller(len, PAGE_BYTES - way->in_page);
        out += plain_update(way, out, in, n);
        way->in_page += n;
        if (way->in_page == PAGE_BYTES) {
            out += raw_end(way, out);
            way->in_page = 0;
        }
    }
    return (size_t)(out - start);
}

static size_t pages_seal_final(struct way *way, unsigned char *out)
{
    if (way->in_page == 0)
        page_begin(way);
    return raw_end(way, out);
}

static size_t pages_open(struct way *way, unsigned char *out, const unsigned char *in, size_t len)
{
    unsigned char *start = out;
    size_t n, plain;

    for (; len > 0; in += n, len -= n) {
        plain = smaller(PAGE_BYTES, way->left);
        if (way->in_page == 0)
            page_begin(way);
        if (way->in_page < plain) {
            n = smaller(len, plain - way->in_page);
            out += plain_update(way, out, in, n);
        } else {
            n = smaller(len, plain + BENCH_TAG_BYTES - way->in_page);
            memcpy(way->tag + way->in_page - plain, in, n);
        }
        way->in_page += n;
        if (way->in_page == plain + BENCH_TAG_BYTES) {
            raw_end(way, way->tag);
            way->in_page = 0;
            way->left -= plain;
        }
    }
    return (size_t)(out - start);
}

static size_t pages_open_final(struct way *way, unsigned char *out)
{
    (void)out;
    BENCH_CHECK(way->left == 0 && way->in_page == 0);
    return 0;
}

/* The one driver: a message in updates of `step` bytes. With `keep` the outputs go one behind the
 * other. */
static size_t drive(struct way *way, unsigned char *out, int keep)
{
    size_t done, n, made = 0;

    way->method->init(way);
    for (done = 0; done < way->len; done += n) {
        n = smaller(way->step, way->len - done);
        made += way->method->update(way, keep ? out + made : out, way->message + done, n);
    }
    return made + way->method->final(way, keep ? out + made : out);
}

static void work(void *arg)
{
    struct way *way = arg;

    (void)drive(way, way->out, 0);
}

enum { SEALED, PAGES, WHOLE, WAYS };

static const struct method methods[2][WAYS] = {
    {{"open", sealed_init, plain_update, sealed_final},
     {"pages-open", pages_init, pages_open, pages_open_final},
     {"whole-open", raw_init, plain_update, whole_final}},
    {{"seal", sealed_init, plain_update, sealed_final},
     {"pages-seal", pages_init, pages_seal, pages_seal_final},
     {"whole-seal", raw_init, plain_update, whole_final}},
};

static struct way ways[2][WAYS];

static void way_up(struct way *way, const EVP_CIPHER *cipher, int sealing, unsigned char *message,
                   size_t len, unsigned char *out)
{
    way->method = &methods[sealing][way - ways[sealing]];
    way->sealing = sealing;
    way->message = message;
    way->len = len;
    way->step = TARGET_STEP;
    way->out = out;
    way->ctx = EVP_CIPHER_CTX_new();
    BENCH_CHECK(way->ctx != NULL
                && EVP_CipherInit_ex2(way->ctx, cipher, NULL, NULL, sealing, NULL));
}

/* Seals the message, and sets `opening` up to open what came out. */
static void opening_up(struct way *opening, struct way *sealing, const EVP_CIPHER *cipher)
{
    unsigned char *sealed = malloc(MESSAGE_BYTES + MESSAGE_BYTES / 64 + 2 * BENCH_BLOCK_SIZE);
    unsigned char *opened = malloc(MESSAGE_BYTES + MESSAGE_BYTES / 64 + 2 * BENCH_BLOCK_SIZE);

    BENCH_CHECK(sealed != NULL && opened != NULL);
    way_up(opening, cipher, 0, sealed, drive(sealing, sealed, 1), sealing->out);
    memcpy(opening->tag, sealing->tag, sizeof opening->tag);
    BENCH_CHECK(drive(opening, opened, 1) == MESSAGE_BYTES
                && memcmp(opened, sealing->message, MESSAGE_BYTES) == 0);
    free(opened);
}

static void measure(int sealing, size_t step, size_t rounds)
{
    struct bench_contestant contestants[WAYS];
    struct bench_ratio r[WAYS];
    double seconds[WAYS], pages, whole;
    size_t i;

    for (i = 0; i < WAYS; i++) {
        ways[sealing][i].step = step;
        contestants[i].work = work;
        contestants[i].arg = &ways[sealing][i];
    }
    bench_race(contestants, WAYS, rounds, r, seconds);
    /* The race says how fast the others are by byok's measure; here it is the other way round. */
    pages = 1 / r[PAGES].median;
    whole = 1 / r[WHOLE].median;
    printf("%-5s %5zu KiB %8.0f   %6.3f (%.3f to %.3f)   %6.3f (%.3f to %.3f)",
           sealing ? "seal" : "open", step / 1024, (double)MESSAGE_BYTES / seconds[SEALED] / 1e6,
           pages, 1 / r[PAGES].high, 1 / r[PAGES].low, whole, 1 / r[WHOLE].high, 1 / r[WHOLE].low);
    if (step == TARGET_STEP)
        printf("   target >= %.2f of pages: %s", TARGET, pages >= TARGET ? "met" : "MISSED");
    printf("\n");
    fflush(stdout);
}

static size_t spin_step = TARGET_STEP;

static int take_option(const char *name, const char *value)
{
    if (strcmp(name, "--step") != 0)
        return 0;
    spin_step = strtoul(value, NULL, 10);
    return spin_step > 0 && spin_step <= STEP_MAX;
}

static int spin(const struct bench_options *options)
{
    struct bench_contestant contestant = {work, NULL};
    struct way *way;
    uint64_t n;

    for (way = ways[0]; way < ways[0] + 2 * WAYS; way++)
        if (strcmp(way->method->name, options->spin) == 0) {
            way->step = spin_step;
            contestant.arg = way;
            n = bench_spin(&contestant, options->seconds);
            printf("%s: %llu messages\n", way->method->name, (unsigned long long)n);
            return 0;
        }
    fprintf(stderr,
            "no contestant \"%s\": seal, open, pages-seal, pages-open, whole-seal, whole-open\n",
            options->spin);
    return 2;
}

int main(int argc, char **argv)
{
    struct bench_options options = {100, NULL, NULL, 5};
    struct bench bench;
    const EVP_CIPHER *cipher;
    unsigned char *message = malloc(MESSAGE_BYTES), *out = malloc(2 * STEP_MAX + BENCH_BLOCK_SIZE);
    int sealing, code = 0;
    size_t i;

    bench_options(&options, argc, argv, take_option, " [--step BYTES, to spin]");
    bench_up(&bench, options.modules);
    BENCH_CHECK(message != NULL && out != NULL);
    bench_fill(message, MESSAGE_BYTES);
    for (i = 0; i < WAYS; i++) {
        cipher = i == SEALED ? bench.sealed : bench.gcm;
        way_up(&ways[1][i], cipher, 1, message, MESSAGE_BYTES, out);
        opening_up(&ways[0][i], &ways[1][i], cipher);
    }
    if (options.spin != NULL) {
        code = spin(&options);
    } else {
        printf("Messages of %zu MiB, %zu rounds. Throughput as a share of raw AES-256-GCM's; "
               "median (quartiles).\n\n",
               MESSAGE_BYTES >> 20, options.rounds);
        printf("      updates         MB/s   in pages of %zu bytes         as one stream\n",
               PAGE_BYTES);
        for (sealing = 1; sealing >= 0; sealing--)
            for (i = 0; i < sizeof steps / sizeof *steps; i++)
                measure(sealing, steps[i], options.rounds);
    }
    for (i = 0; i < WAYS; i++) {
        free(ways[0][i].message);
        EVP_CIPHER_CTX_free(ways[0][i].ctx);
        EVP_CIPHER_CTX_free(ways[1][i].ctx);
    }
    free(out);
    free(message);
    bench_down(&bench);
    return code;
}
