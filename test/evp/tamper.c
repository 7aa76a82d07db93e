/*
 * Damaged headers and cut messages: each is refused for the reason that doc/format.md gives, and
 * releases nothing that it shouldn't.
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <stdlib.h>
#include <string.h>

#define HEADER 320
#define PAGE   4096
#define SEALED 4112 /* a full page with its tag */
#define LEN    (3 * PAGE + 100)

/* Offsets in a header with one stanza of a `local` KEK. */
enum {
    AT_VERSION = 4,
    AT_SUITE,
    AT_LENGTH,
    AT_SALT = 8,
    AT_COUNT = 72,
    AT_BACKEND,
    AT_KEK_ID,
    AT_WRAP_LENGTH = 90,
    AT_WRAP = 92,
    AT_PADDING = 164
};

static struct fixture f;
static unsigned char *plain, *sealed;
static size_t sealed_len;

/* H with one of its bytes changed. A shorter one that has room for the stanza leaves a right header
 * before the wrong pages. */
static int reason_of_length(unsigned int h)
{
    return h == 256 ? BYOK_R_BAD_PAGE : BYOK_R_BAD_HEADER;
}

/* The stanza's own length: a longer wrap takes in some of the padding. */
static int reason_of_wrap_length(unsigned int len)
{
    return len > 72 && AT_WRAP + len <= HEADER ? BYOK_R_BAD_CIPHERTEXT : BYOK_R_BAD_HEADER;
}

/* Why the header is refused whose byte `at` has another value than was written. */
static int reason_of(size_t at, const unsigned char *h)
{
    if (at < AT_VERSION)
        return BYOK_R_NOT_SEALED;
    if (at == AT_VERSION)
        return BYOK_R_UNSUPPORTED_VERSION;
    if (at == AT_SUITE)
        return BYOK_R_UNSUPPORTED_SUITE;
    if (at < AT_SALT)
        return reason_of_length((unsigned int)h[AT_LENGTH] << 8 | h[AT_LENGTH + 1]);
    if (at < AT_COUNT)
        return BYOK_R_CONTEXT_MISMATCH; /* salt or commitment */
    if (at == AT_COUNT)
        return BYOK_R_BAD_HEADER; /* a second stanza would have the backend 0 */
    if (at == AT_BACKEND)
        return h[at] >= 1 && h[at] <= 7 ? BYOK_R_WRONG_KEY : BYOK_R_BAD_HEADER;
    if (at < AT_WRAP_LENGTH)
        return BYOK_R_WRONG_KEY;
    if (at < AT_WRAP)
        return reason_of_wrap_length((unsigned int)h[AT_WRAP_LENGTH] << 8 | h[AT_WRAP_LENGTH + 1]);
    return at < AT_PADDING ? BYOK_R_BAD_CIPHERTEXT : BYOK_R_BAD_HEADER;
}

static void change(size_t at, unsigned char value, size_t step)
{
    unsigned char before = sealed[at];
    size_t released;

    if (value == before)
        return;
    sealed[at] = value;
    assert_int_equal(fixture_try(&f, "a", sealed, sealed_len, step, plain, LEN, &released),
                     reason_of(at, sealed));
    assert_int_equal(released, 0);
    sealed[at] = before;
}

static void every_header_byte(void **state)
{
    size_t at;
    int bit;

    (void)state;
    for (at = 0; at < HEADER; at++) {
        for (bit = 0; bit < 8; bit++)
            change(at, (unsigned char)(sealed[at] ^ 1 << bit), bit % 2 ? 0 : 777);
        change(at, (unsigned char)~sealed[at], 1);
        change(at, 0, 0);
    }
}

static void every_value_of_structure(void **state)
{
    static const size_t structure[] = {0,
                                       1,
                                       2,
                                       3,
                                       AT_VERSION,
                                       AT_SUITE,
                                       AT_LENGTH,
                                       AT_LENGTH + 1,
                                       AT_COUNT,
                                       AT_BACKEND,
                                       AT_WRAP_LENGTH,
                                       AT_WRAP_LENGTH + 1};
    size_t i;
    int value;

    (void)state;
    for (i = 0; i < sizeof structure / sizeof *structure; i++)
        for (value = 0; value < 256; value++)
            change(structure[i], (unsigned char)value, 0);
}

/* The first of several faults, in the order in which the bytes come, gives the reason. */
static void the_first_fault_counts(void **state)
{
    static const size_t order[] = {2,        AT_VERSION, AT_SUITE, AT_LENGTH + 1,
                                   AT_COUNT, AT_KEK_ID,  AT_WRAP,  AT_SALT};
    unsigned char *copy = malloc(sealed_len);
    size_t i, released;

    (void)state;
    assert_non_null(copy);
    memcpy(copy, sealed, sealed_len);
    for (i = sizeof order / sizeof *order; i > 0; i--) {
        copy[order[i - 1]] ^= 0x09;
        assert_int_equal(fixture_try(&f, "a", copy, sealed_len, 0, plain, LEN, &released),
                         reason_of(order[i - 1], copy));
        assert_int_equal(released, 0);
    }
    free(copy);
}

/* Opens the first `len` bytes. */
static void cut(size_t len, size_t step)
{
    size_t body = len < HEADER ? 0 : len - HEADER, released;
    int reason = fixture_try(&f, "a", sealed, len, step, plain, LEN, &released);

    if (len < HEADER || body % SEALED < 16)
        assert_int_equal(reason, BYOK_R_TRUNCATED);
    else
        assert_int_equal(reason, BYOK_R_BAD_PAGE);
    assert_true(released <= body / SEALED * PAGE);
}

static void every_cut(void **state)
{
    size_t len;

    (void)state;
    for (len = 0; len < sealed_len; len++)
        cut(len, 0);
    for (len = 0; len < sealed_len; len += len < 500 ? 1 : 97)
        cut(len, len % 2 ? 64 : 4096);
    assert_int_equal(fixture_try(&f, "a", sealed, sealed_len, 1, plain, LEN, &len), 0);
}

/* A cut and damaged header is refused for what is seen first. */
static void cut_and_damaged(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int reason;
    } heads[] = {
        {"", 0, BYOK_R_TRUNCATED},
        {"BYO", 3, BYOK_R_TRUNCATED},
        {"BYo", 3, BYOK_R_NOT_SEALED},
        {"b", 1, BYOK_R_NOT_SEALED},
        {"BYOK", 4, BYOK_R_TRUNCATED},
        {"BYOK\1", 5, BYOK_R_TRUNCATED},
        {"BYOK\2", 5, BYOK_R_UNSUPPORTED_VERSION},
        {"BYOK\0", 5, BYOK_R_UNSUPPORTED_VERSION},
        {"BYOK\1\1", 6, BYOK_R_TRUNCATED},
        {"BYOK\1\2", 6, BYOK_R_UNSUPPORTED_SUITE},
        {"BYOK\1\1\1", 7, BYOK_R_TRUNCATED},
        {"BYOK\1\1\1\1", 8, BYOK_R_BAD_HEADER},
        {"BYOK\1\1\1\x40", 8, BYOK_R_TRUNCATED},
        {"BYOK\1\1\xff\xc0", 8, BYOK_R_BAD_HEADER},
        {"BYOK\1\1\0\0", 8, BYOK_R_BAD_HEADER},
    };
    size_t i, step, released;

    (void)state;
    for (i = 0; i < sizeof heads / sizeof *heads; i++)
        for (step = 0; step <= 3; step++)
            assert_int_equal(fixture_try(&f, "a", (const unsigned char *)heads[i].bytes,
                                         heads[i].len, step, plain, LEN, &released),
                             heads[i].reason);
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
    plain = fixture_plain(LEN, 1);
    sealed = fixture_run(&f, 1, "a", plain, LEN, 0, &sealed_len);
    assert_non_null(sealed);
    assert_int_equal(sealed_len, HEADER + 3 * SEALED + 116);
    return 0;
}

static int down(void **state)
{
    (void)state;
    free(plain);
    free(sealed);
    fixture_down(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_header_byte),      cmocka_unit_test(every_value_of_structure),
        cmocka_unit_test(the_first_fault_counts), cmocka_unit_test(every_cut),
        cmocka_unit_test(cut_and_damaged),
    };

    return cmocka_run_group_tests(tests, up, down);
}
