/*
 * What updates and finals may emit (doc/evp.md, Emission), with canaries behind every buffer.
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HEADER      320
#define PAGE        4096
#define TAG         16
#define BLOCK       65536 /* the cipher's block size */
#define SMALL_GRACE 32    /* what an update may emit beyond its length */
#define SMALL       8192  /* up to this length it never needs more */
#define FINAL_MAX   4384
#define CANARY      256
#define MOST        15728640 /* the longest update when sealing */

static struct fixture f;

/* A message on its way through a context. */
struct run {
    EVP_CIPHER_CTX *ctx;
    int seal;
    unsigned char *room;   /* for one call, with CANARY bytes behind */
    unsigned char *out;    /* all that was emitted */
    size_t taken, emitted; /* bytes in and out so far */
    size_t largest;        /* update so far */
};

/* Bytes of output that belong to the first n bytes of input, if the message ended there. */
static size_t whole_output(int seal, size_t n)
{
    size_t rest;

    if (seal)
        return HEADER + n + TAG * (n / PAGE + 1);
    if (n < HEADER)
        return 0;
    rest = (n - HEADER) % (PAGE + TAG);
    return (n - HEADER) / (PAGE + TAG) * PAGE + (rest > TAG ? rest - TAG : 0);
}

static void canary_set(unsigned char *at)
{
    memset(at, 0xc5, CANARY);
}

static void canary_check(const unsigned char *at)
{
    unsigned char expected[CANARY];

    canary_set(expected);
    assert_memory_equal(at, expected, CANARY);
}

static void run_update(struct run *r, const unsigned char *in, size_t n)
{
    size_t allowed = n + (n <= SMALL ? SMALL_GRACE : BLOCK);
    int len = -1;

    canary_set(r->room + allowed);
    assert_int_equal(EVP_CipherUpdate(r->ctx, r->room, &len, in, (int)n), 1);
    assert_in_range(len, 0, allowed);
    canary_check(r->room + allowed);
    memcpy(r->out + r->emitted, r->room, (size_t)len);
    r->taken += n;
    if ((size_t)len > n + SMALL_GRACE) /* only to keep the final below its limit */
        assert_true(whole_output(r->seal, r->taken) - r->emitted - (n + SMALL_GRACE) > FINAL_MAX);
    r->emitted += (size_t)len;
    r->largest = n > r->largest ? n : r->largest;
}

static void run_final(struct run *r)
{
    size_t allowed = r->seal && r->largest <= SMALL ? HEADER + TAG : FINAL_MAX;
    int len = -1;

    canary_set(r->room + allowed);
    assert_int_equal(EVP_CipherFinal_ex(r->ctx, r->room, &len), 1);
    assert_in_range(len, 0, allowed);
    canary_check(r->room + allowed);
    memcpy(r->out + r->emitted, r->room, (size_t)len);
    r->emitted += (size_t)len;
    assert_int_equal(r->emitted, whole_output(r->seal, r->taken));
}

/* step > 0: updates of that size; 0: pseudo-random sizes of at most 1 MiB, mostly small. */
static size_t next_size(size_t step, unsigned long long *random)
{
    static const size_t most[] = {40, 40, 400, 5000, 5000, 9000, 30000, 1048576};

    if (step > 0)
        return step;
    *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (size_t)(*random >> 36) % most[*random >> 61];
}

/* Returns what was emitted, on the heap. */
static unsigned char *run_all(int seal, const unsigned char *in, size_t len, size_t step,
                              size_t *out_len)
{
    struct run r = {.seal = seal};
    unsigned long long random = 20 + step;
    size_t done, n;

    r.ctx = fixture_ctx(&f, seal, "a");
    r.room = malloc(1048576 + BLOCK + CANARY);
    r.out = malloc(len + len / 64 + 1024);
    assert_non_null(r.room);
    assert_non_null(r.out);
    for (done = 0; done < len; done += n) {
        n = next_size(step, &random);
        n = n > len - done ? len - done : n;
        run_update(&r, in + done, n);
    }
    run_final(&r);
    EVP_CIPHER_CTX_free(r.ctx);
    free(r.room);
    *out_len = r.emitted;
    return r.out;
}

static void seal_and_open(size_t len, size_t step, size_t open_step)
{
    unsigned char *plain = fixture_plain(len, (unsigned int)step), *sealed, *opened;
    size_t sealed_len, opened_len;

    sealed = run_all(1, plain, len, step, &sealed_len);
    opened = run_all(0, sealed, sealed_len, open_step, &opened_len);
    assert_int_equal(opened_len, len);
    assert_memory_equal(opened, plain, len);
    free(opened);
    free(sealed);
    free(plain);
}

static void updates_of_one_size(void **state)
{
    static const size_t steps[] = {1,    7,     16,    33,    256,   1000,   4095,
                                   4096, 4097,  4111,  4112,  4113,  8191,   8192,
                                   8193, 12345, 16384, 65536, 70000, 1000000};
    static const size_t lens[] = {0, 1, 4095, 4096, 8192, 12287, 300001};
    size_t s, n;

    (void)state;
    for (s = 0; s < sizeof steps / sizeof *steps; s++)
        for (n = 0; n < sizeof lens / sizeof *lens; n++)
            seal_and_open(lens[n], steps[s], steps[s]);
    seal_and_open(3 * 1048576 + 5, 4096, 4096);
    seal_and_open(3 * 1048576 + 5, 65536, 7);
    seal_and_open(1048576, 1, 1);
}

static void updates_of_random_sizes(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < 12; i++)
        seal_and_open(i * 400000 + i * i, 0, 0);
}

/* As PHP does it: one buffer, larger than the message by the block size, for one update and the
 * final. */
static void one_update_of_15_mib(void **state)
{
    unsigned char *plain = fixture_plain(MOST, 1), *room = malloc(MOST + BLOCK + CANARY);
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    size_t released;
    int n, last;

    (void)state;
    assert_non_null(room);
    canary_set(room + MOST + BLOCK);
    assert_int_equal(EVP_CipherUpdate(ctx, room, &n, plain, MOST), 1);
    assert_in_range(n, 0, MOST + BLOCK);
    assert_int_equal(EVP_CipherFinal_ex(ctx, room + n, &last), 1);
    assert_in_range(last, 0, FINAL_MAX);
    assert_in_range(n + last, 0, MOST + BLOCK);
    assert_int_equal(n + last, whole_output(1, MOST));
    canary_check(room + MOST + BLOCK);
    EVP_CIPHER_CTX_free(ctx);
    assert_int_equal(fixture_try(&f, "a", room, (size_t)(n + last), 0, plain, MOST, &released), 0);
    assert_int_equal(fixture_try(&f, "a", room, MOST, 0, plain, MOST, &released),
                     BYOK_R_BAD_PAGE); /* its end is missing */
    free(room);
    free(plain);
}

/* One after the other; and what comes of it opens in one update, however long. */
static void updates_of_15_mib(void **state)
{
    const size_t len = 2 * MOST;
    unsigned char *plain = fixture_plain(len, 2), *room = malloc(MOST + BLOCK + CANARY), *sealed;
    struct run r = {.seal = 1, .room = room};
    size_t released;

    (void)state;
    sealed = r.out = malloc(whole_output(1, len + 1));
    assert_non_null(room);
    assert_non_null(sealed);
    r.ctx = fixture_ctx(&f, 1, "a");
    run_update(&r, plain, MOST - 1);
    run_update(&r, plain + MOST - 1, MOST);
    run_update(&r, plain + len - 1, 1);
    run_final(&r);
    EVP_CIPHER_CTX_free(r.ctx);
    assert_int_equal(fixture_try(&f, "a", sealed, r.emitted, 0, plain, len, &released), 0);
    free(sealed);
    free(room);
    free(plain);
}

/* A refused update emits nothing, and its context is of no use until the next init. */
static void refused_as_too_long(const unsigned char *in, unsigned char *out, size_t n)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    int len = -1;

    canary_set(out);
    assert_int_equal(EVP_CipherUpdate(ctx, out, &len, in, (int)n), 0);
    assert_int_equal(len, 0);
    canary_check(out);
    assert_int_equal(fixture_reason(), BYOK_R_UPDATE_TOO_LONG);
    assert_int_equal(EVP_CipherUpdate(ctx, out, &len, in, 1), 0);
    assert_int_equal(fixture_reason(), BYOK_R_NOT_STARTED);
    assert_int_equal(EVP_CipherFinal_ex(ctx, out, &len), 0);
    assert_int_equal(fixture_reason(), BYOK_R_NOT_STARTED);
    assert_int_equal(EVP_CipherInit_ex2(ctx, NULL, NULL, NULL, -1, NULL), 1);
    assert_int_equal(EVP_CipherUpdate(ctx, out, &len, in, 1), 1);

    canary_set(out);
    assert_true(EVP_Cipher(ctx, out, in, (unsigned int)n) <= 0);
    canary_check(out);
    assert_int_equal(fixture_reason(), BYOK_R_UPDATE_TOO_LONG);
    EVP_CIPHER_CTX_free(ctx);
}

/* Address space of n bytes that take no memory until they are written to. */
static unsigned char *address_space(size_t n)
{
    void *at =
        mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    assert_ptr_not_equal(at, MAP_FAILED);
    return at;
}

static void updates_that_are_too_long(void **state)
{
    const size_t most = (size_t)INT_MAX + BLOCK;
    unsigned char *in = address_space(most), *out = address_space(most);

    (void)state;
    refused_as_too_long(in, out, MOST + 1);
    refused_as_too_long(in, out, 20 * 1048576);
    refused_as_too_long(in, out, 1 << 30);
    refused_as_too_long(in, out, INT_MAX);
    assert_int_equal(munmap(in, most), 0);
    assert_int_equal(munmap(out, most), 0);
}

static void negative_lengths(void **state)
{
    static const int lens[] = {-1, -2, -256, -4096, -65535, -65536, -65537, INT_MIN};
    unsigned char in[1] = {'B'}, out[CANARY];
    EVP_CIPHER_CTX *ctx;
    size_t i;
    int seal, len = 0;

    (void)state;
    for (seal = 0; seal <= 1; seal++) {
        for (i = 0; i < sizeof lens / sizeof *lens; i++) {
            ctx = fixture_ctx(&f, seal, "a");
            canary_set(out);
            assert_int_equal(EVP_CipherUpdate(ctx, out, &len, in, lens[i]), 0);
            assert_int_equal(len, 0);
            assert_true(fixture_refused_length());
            assert_int_equal(EVP_CipherInit_ex2(ctx, NULL, NULL, NULL, -1, NULL), 1);
            assert_true(EVP_Cipher(ctx, out, in, (unsigned int)lens[i]) <= 0);
            assert_int_equal(fixture_reason(), BYOK_R_BAD_LENGTH);
            canary_check(out);
            /* as AAD */
            assert_int_equal(EVP_CipherInit_ex2(ctx, NULL, NULL, NULL, -1, NULL), 1);
            assert_int_equal(EVP_CipherUpdate(ctx, NULL, &len, in, lens[i]), 0);
            assert_int_not_equal(ERR_peek_error(), 0);
            ERR_clear_error();
            EVP_CIPHER_CTX_free(ctx);
        }
    }
}

static void updates_of_nothing(void **state)
{
    unsigned char *plain = fixture_plain(5000, 1), *sealed, *opened, room[CANARY + 64];
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    size_t sealed_len, opened_len, i;
    int len;

    (void)state;
    sealed = malloc(5000 + 1000 + BLOCK);
    assert_non_null(sealed);
    for (sealed_len = 0, i = 0; i < 20; i++, sealed_len += (size_t)len) {
        canary_set(room + SMALL_GRACE);
        assert_int_equal(EVP_CipherUpdate(ctx, room, &len, plain, 0), 1);
        assert_in_range(len, 0, SMALL_GRACE);
        canary_check(room + SMALL_GRACE);
        memcpy(sealed + sealed_len, room, (size_t)len);
    }
    assert_int_equal(EVP_CipherUpdate(ctx, sealed + sealed_len, &len, plain, 5000), 1);
    sealed_len += (size_t)len;
    assert_int_equal(EVP_CipherUpdate(ctx, sealed + sealed_len, &len, NULL, 0), 1);
    sealed_len += (size_t)len;
    assert_int_equal(EVP_CipherFinal_ex(ctx, sealed + sealed_len, &len), 1);
    sealed_len += (size_t)len;
    assert_int_equal(sealed_len, whole_output(1, 5000));
    opened = fixture_run(&f, 0, "a", sealed, sealed_len, 0, &opened_len);
    assert_non_null(opened);
    assert_int_equal(opened_len, 5000);
    assert_memory_equal(opened, plain, 5000);
    EVP_CIPHER_CTX_free(ctx);
    free(opened);
    free(sealed);
    free(plain);
}

FIXTURE_GROUP(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_of_one_size),       cmocka_unit_test(updates_of_random_sizes),
        cmocka_unit_test(one_update_of_15_mib),      cmocka_unit_test(updates_of_15_mib),
        cmocka_unit_test(updates_that_are_too_long), cmocka_unit_test(negative_lengths),
        cmocka_unit_test(updates_of_nothing),
    };

    return cmocka_run_group_tests(tests, up, down);
}
