/*
 * Input and output may overlap in any way: input is consumed before it is written over.
 */
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK  65536
#define MARGIN 80000 /* more than any distance below */

static struct fixture f;

/*
 * Runs a message through updates of `piece` bytes, each with its output `distance` bytes from its
 * input. Returns the whole output, on the heap.
 */
static unsigned char *run(int seal, const unsigned char *in, size_t in_len, size_t piece,
                          long distance, size_t *out_len)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, seal, "a");
    unsigned char *room = malloc(MARGIN + piece + BLOCK + MARGIN), *at = room + MARGIN;
    unsigned char *out = malloc(in_len + in_len / 64 + 1024);
    size_t done, n;
    int len;

    assert_non_null(room);
    assert_non_null(out);
    *out_len = 0;
    for (done = 0; done < in_len; done += n) {
        n = in_len - done < piece ? in_len - done : piece;
        memset(room, 0xee, MARGIN + piece + BLOCK + MARGIN);
        memcpy(at, in + done, n);
        assert_int_equal(EVP_CipherUpdate(ctx, at + distance, &len, at, (int)n), 1);
        memcpy(out + *out_len, at + distance, (size_t)len);
        *out_len += (size_t)len;
    }
    assert_int_equal(EVP_CipherFinal_ex(ctx, at, &len), 1);
    memcpy(out + *out_len, at, (size_t)len);
    *out_len += (size_t)len;
    EVP_CIPHER_CTX_free(ctx);
    free(room);
    return out;
}

static void seal_and_open(const unsigned char *plain, size_t len, size_t piece, long distance)
{
    size_t sealed_len, opened_len;
    unsigned char *sealed = run(1, plain, len, piece, distance, &sealed_len), *opened;

    opened = fixture_run(&f, 0, "a", sealed, sealed_len, 0, &opened_len);
    assert_non_null(opened);
    assert_int_equal(opened_len, len);
    assert_memory_equal(opened, plain, len);
    free(opened);
    opened = run(0, sealed, sealed_len, piece, distance, &opened_len);
    assert_int_equal(opened_len, len);
    assert_memory_equal(opened, plain, len);
    free(opened);
    free(sealed);
}

static const size_t pieces[] = {1, 16, 100, 320, 1000, 4095, 4096, 4097, 4112, 8192, 10000, 70000};

static void in_place(void **state)
{
    unsigned char *plain = fixture_plain(150000, 1);
    size_t i;

    (void)state;
    for (i = 0; i < sizeof pieces / sizeof *pieces; i++)
        seal_and_open(plain, pieces[i] < 100 ? 9000 : 150000, pieces[i], 0);
    free(plain);
}

static void shifted(void **state)
{
    static const long distances[] = {1,   2,    15,   16,   17,   31,   32,   33,    319,   320,
                                     336, 1000, 4095, 4096, 4097, 4112, 8192, 10000, 65536, 69999};
    unsigned char *plain = fixture_plain(80000, 2);
    size_t i, k;

    (void)state;
    for (i = 2; i < sizeof pieces / sizeof *pieces; i++) {
        for (k = 0; k < sizeof distances / sizeof *distances; k++) {
            seal_and_open(plain, pieces[i] < 1000 ? 9000 : 80000, pieces[i], distances[k]);
            seal_and_open(plain, pieces[i] < 1000 ? 9000 : 80000, pieces[i], -distances[k]);
        }
    }
    free(plain);
}

/* The whole message in one buffer, in place, with one update and the final behind it. */
static void whole_in_place(void **state)
{
    static const size_t lens[] = {1, 15, 16, 4095, 4096, 4097, 8192, 65536, 100000, 2000000};
    unsigned char *plain, *room;
    EVP_CIPHER_CTX *ctx;
    int len, last;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof lens / sizeof *lens; i++) {
        plain = fixture_plain(lens[i], (unsigned int)i);
        room = malloc(lens[i] + 2 * BLOCK);
        assert_non_null(room);
        memcpy(room, plain, lens[i]);
        ctx = fixture_ctx(&f, 1, "a");
        assert_int_equal(EVP_CipherUpdate(ctx, room, &len, room, (int)lens[i]), 1);
        assert_int_equal(EVP_CipherFinal_ex(ctx, room + len, &last), 1);
        EVP_CIPHER_CTX_free(ctx);
        ctx = fixture_ctx(&f, 0, "a");
        assert_int_equal(EVP_CipherUpdate(ctx, room, &len, room, len + last), 1);
        assert_int_equal(EVP_CipherFinal_ex(ctx, room + len, &last), 1);
        EVP_CIPHER_CTX_free(ctx);
        assert_int_equal((size_t)len + (size_t)last, lens[i]);
        assert_memory_equal(room, plain, lens[i]);
        free(room);
        free(plain);
    }
}

/* Two sealing contexts take turns on one buffer; what they emit goes at once to two that open. */
static void interleaved(void **state)
{
    enum { LEN = 120000, PIECE = 777 };
    unsigned char *plain[2], *opened[2], *room = malloc(LEN + 2 * BLOCK);
    EVP_CIPHER_CTX *sealing[2], *opening[2];
    size_t done, have[2] = {0, 0};
    int i, n, len, end;

    (void)state;
    assert_non_null(room);
    for (i = 0; i < 2; i++) {
        plain[i] = fixture_plain(LEN, (unsigned int)i);
        opened[i] = malloc(LEN + BLOCK);
        assert_non_null(opened[i]);
        sealing[i] = fixture_ctx(&f, 1, i == 0 ? "a" : "b");
        opening[i] = fixture_ctx(&f, 0, i == 0 ? "a" : "b");
    }
    for (done = 0; done <= LEN; done += PIECE) {
        for (i = 0; i < 2; i++) {
            end = done + PIECE > LEN;
            n = end ? (int)(LEN - done) : PIECE;
            memcpy(room, plain[i] + done, (size_t)n);
            assert_int_equal(EVP_CipherUpdate(sealing[i], room, &len, room, n), 1);
            n = len;
            if (end) {
                assert_int_equal(EVP_CipherFinal_ex(sealing[i], room + n, &len), 1);
                n += len;
            }
            assert_int_equal(EVP_CipherUpdate(opening[i], opened[i] + have[i], &len, room, n), 1);
            have[i] += (size_t)len;
        }
    }
    for (i = 0; i < 2; i++) {
        assert_int_equal(EVP_CipherFinal_ex(opening[i], opened[i] + have[i], &len), 1);
        assert_int_equal(have[i] + (size_t)len, LEN);
        assert_memory_equal(opened[i], plain[i], LEN);
        EVP_CIPHER_CTX_free(sealing[i]);
        EVP_CIPHER_CTX_free(opening[i]);
        free(plain[i]);
        free(opened[i]);
    }
    free(room);
}

FIXTURE_GROUP(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_place),
        cmocka_unit_test(shifted),
        cmocka_unit_test(whole_in_place),
        cmocka_unit_test(interleaved),
    };

    return cmocka_run_group_tests(tests, up, down);
}
