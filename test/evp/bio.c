/*
 * Through BIO_f_cipher: writing works in any pieces, reading in pieces of at most 256 bytes.
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define LEN  100000
#define PAGE 4096

static struct fixture f;
static unsigned char *plain, *sealed;
static size_t sealed_len;

/* The filter on top of `next`, which it then owns. */
static BIO *filter(int seal, BIO *next)
{
    const unsigned char key[32] = "a";
    BIO *bio = BIO_new(BIO_f_cipher());

    assert_non_null(bio);
    assert_non_null(next);
    assert_int_equal(BIO_set_cipher(bio, f.cipher, key, NULL, seal), 1);
    return BIO_push(bio, next);
}

/* Writes all in pieces; 1 when that and the flush worked. */
static int write_all(BIO *bio, const unsigned char *in, size_t len, size_t piece)
{
    size_t done, n;

    for (done = 0; done < len; done += n) {
        n = len - done < piece ? len - done : piece;
        if (BIO_write(bio, in + done, (int)n) != (int)n)
            return 0;
    }
    return BIO_flush(bio) > 0 && BIO_get_cipher_status(bio) > 0;
}

static void written_through(void **state)
{
    static const size_t pieces[] = {1,    7,    100,  255,  256,   257,   1000,  4095,
                                    4096, 4097, 8192, 8193, 65535, 65536, 65537, LEN};
    static const size_t lens[] = {0, 1, 4096, 5000, LEN};
    size_t i, k;
    unsigned char *text;
    char *back;
    BIO *seal, *open;

    (void)state;
    for (i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        for (k = 0; k < sizeof lens / sizeof *lens; k++) {
            seal = filter(1, BIO_new(BIO_s_mem()));
            open = filter(0, BIO_new(BIO_s_mem()));
            assert_int_equal(write_all(seal, plain, lens[k], pieces[i]), 1);
            assert_int_equal(BIO_get_mem_data(BIO_next(seal), (char **)&text),
                             320 + lens[k] + 16 * (lens[k] / PAGE + 1));
            assert_int_equal(
                write_all(open, text, 320 + lens[k] + 16 * (lens[k] / PAGE + 1), pieces[i]), 1);
            assert_int_equal(BIO_get_mem_data(BIO_next(open), &back), lens[k]);
            if (lens[k] > 0)
                assert_memory_equal(back, plain, lens[k]);
            BIO_free_all(seal);
            BIO_free_all(open);
        }
    }
}

/* What is wrong with a message shows when it is written or flushed; before that comes a genuine
 * part. */
static void written_damaged(void **state)
{
    unsigned char *copy = malloc(sealed_len);
    char *back;
    size_t i;
    long n;
    BIO *bio;

    (void)state;
    assert_non_null(copy);
    for (i = 0; i < 2; i++) {
        memcpy(copy, sealed, sealed_len);
        copy[60000] ^= 1;
        bio = filter(0, BIO_new(BIO_s_mem()));
        assert_int_equal(write_all(bio, copy, i == 0 ? sealed_len : 59000, 3000), 0);
        assert_int_equal(BIO_get_cipher_status(bio), 0);
        assert_int_equal(fixture_reason(), BYOK_R_BAD_PAGE);
        n = BIO_get_mem_data(BIO_next(bio), &back);
        assert_in_range(n, 1, 60000);
        assert_memory_equal(back, plain, (size_t)n);
        BIO_free_all(bio);
    }
    free(copy);
}

/* Another message on the same BIO. */
static void reset(void **state)
{
    BIO *bio = filter(1, BIO_new(BIO_s_mem()));
    unsigned char *text;
    size_t released;
    long n;
    int i;

    (void)state;
    for (i = 0; i < 3; i++) {
        assert_int_equal(write_all(bio, plain, 5000, 1000), 1);
        n = BIO_get_mem_data(BIO_next(bio), (char **)&text);
        assert_int_equal(fixture_try(&f, "a", text, (size_t)n, 0, plain, 5000, &released), 0);
        assert_true(BIO_reset(bio) > 0);
    }
    BIO_free_all(bio);
}

/* Reads to the end, or to an error, in pieces into buffers of their size; the bytes read, all of
 * them, into `out`. */
static size_t read_all(BIO *bio, int piece, unsigned char *out)
{
    unsigned char *room = malloc((size_t)piece);
    size_t have = 0;
    int n;

    assert_non_null(room);
    while ((n = BIO_read(bio, room, piece)) > 0) {
        memcpy(out + have, room, (size_t)n);
        have += (size_t)n;
    }
    free(room);
    return have;
}

static void read_through(void **state)
{
    unsigned char *out = malloc(2 * LEN), *back = malloc(2 * LEN);
    size_t len, n, released;
    int piece;
    BIO *bio;

    (void)state;
    assert_non_null(out);
    assert_non_null(back);
    for (piece = 1; piece <= 256; piece++) {
        len = piece % 16 == 0 ? 20000 : (size_t)piece * 19;
        bio = filter(1, BIO_new_mem_buf(plain, (int)len));
        n = read_all(bio, piece, out);
        assert_int_equal(BIO_get_cipher_status(bio), 1);
        BIO_free_all(bio);
        assert_int_equal(fixture_try(&f, "a", out, n, 0, plain, len, &released), 0);
        bio = filter(0, BIO_new_mem_buf(out, (int)n));
        assert_int_equal(read_all(bio, piece, back), len);
        assert_int_equal(BIO_get_cipher_status(bio), 1);
        assert_int_equal(ERR_peek_error(), 0);
        assert_memory_equal(back, plain, len);
        BIO_free_all(bio);
    }
    free(back);
    free(out);
}

static void read_damaged(void **state)
{
    unsigned char *copy = malloc(sealed_len), *out = malloc(2 * LEN);
    size_t n;
    BIO *bio;

    (void)state;
    assert_non_null(copy);
    assert_non_null(out);
    memcpy(copy, sealed, sealed_len);
    copy[60000] ^= 1;
    bio = filter(0, BIO_new_mem_buf(copy, (int)sealed_len));
    n = read_all(bio, 200, out);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_PAGE);
    assert_int_equal(BIO_get_cipher_status(bio), 0);
    assert_in_range(n, 1, 60000);
    assert_memory_equal(out, plain, n);
    BIO_free_all(bio);
    bio = filter(0, BIO_new_mem_buf(sealed, 320 + 2 * (PAGE + 16)));
    n = read_all(bio, 200, out);
    assert_int_equal(fixture_reason(), BYOK_R_TRUNCATED);
    assert_int_equal(BIO_get_cipher_status(bio), 0);
    assert_in_range(n, 0, 2 * PAGE);
    assert_memory_equal(out, plain, n);
    BIO_free_all(bio);
    free(out);
    free(copy);
}

/* It passes a negative length on. */
static void read_in_pieces_that_fail(void **state)
{
    unsigned char out[1] = {0xc5};
    int seal, piece;
    BIO *bio;

    (void)state;
    for (seal = 0; seal <= 1; seal++) {
        for (piece = 257; piece <= 65535; piece += piece == 257 || piece >= 65500 ? 1 : 59) {
            bio = filter(seal, BIO_new_mem_buf(seal ? plain : sealed, 10000));
            assert_int_equal(read_all(bio, piece, out), 0);
            assert_true(fixture_refused_length());
            assert_int_equal(read_all(bio, piece, out), 0); /* and again */
            BIO_free_all(bio);
            ERR_clear_error();
        }
    }
}

/* Small pieces first, then one that fails: what came before is right. */
static void read_in_mixed_pieces(void **state)
{
    static const int then[] = {600, 1000, 4096, 65535}; /* more than BIO_f_cipher has left by 257 */
    unsigned char room[65536];
    size_t i;
    int n;
    BIO *bio;

    (void)state;
    for (i = 0; i < sizeof then / sizeof *then; i++) {
        bio = filter(0, BIO_new_mem_buf(sealed, (int)sealed_len));
        n = BIO_read(bio, room, 100);
        assert_int_equal(n, 100);
        assert_memory_equal(room, plain, 100);
        n = BIO_read(bio, room, then[i]);
        assert_true(n <= 0);
        assert_true(fixture_refused_length());
        BIO_free_all(bio);
    }
}

/* Pieces from the block size on may work or not; what they give is right, and an end without an
 * error is the end. */
static void read_in_large_pieces(void **state)
{
    static const int pieces[] = {65536, 65537, 65792, 65793, 69632, 70000, 100000, 131072, 200000};
    static const size_t lens[] = {0, 1, 300, 4095, 4096, 5000, 20000, LEN};
    unsigned char *out = malloc(4 * LEN), *message;
    size_t i, k, n, message_len;
    BIO *bio;

    (void)state;
    assert_non_null(out);
    for (k = 0; k < sizeof lens / sizeof *lens; k++) {
        message = fixture_run(&f, 1, "a", plain, lens[k], 0, &message_len);
        assert_non_null(message);
        for (i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            bio = filter(0, BIO_new_mem_buf(message, (int)message_len));
            n = read_all(bio, pieces[i], out);
            assert_true(n <= lens[k]);
            assert_memory_equal(out, plain, n);
            if (ERR_peek_error() == 0)
                assert_int_equal(n, lens[k]);
            else
                assert_true(fixture_refused_length());
            if (lens[k] + 65536 + PAGE <= (size_t)pieces[i])
                assert_int_equal(n, lens[k]);
            BIO_free_all(bio);
        }
        free(message);
    }
    free(out);
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
    plain = fixture_plain(LEN, 1);
    sealed = fixture_run(&f, 1, "a", plain, LEN, 0, &sealed_len);
    assert_non_null(sealed);
    return 0;
}

static int down(void **state)
{
    (void)state;
    free(sealed);
    free(plain);
    fixture_down(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_through),
        cmocka_unit_test(written_damaged),
        cmocka_unit_test(reset),
        cmocka_unit_test(read_through),
        cmocka_unit_test(read_damaged),
        cmocka_unit_test(read_in_pieces_that_fail),
        cmocka_unit_test(read_in_mixed_pieces),
        cmocka_unit_test(read_in_large_pieces),
    };

    return cmocka_run_group_tests(tests, up, down);
}
