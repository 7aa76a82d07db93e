/*
 * Sizes around every page and buffer edge, in updates of every awkward length.
 */
#include "test/support/cmocka.h"
#include "test/support/fixture.h"
#include "test/support/kms.h"

#include <stdlib.h>
#include <string.h>

static struct fixture f;

static void round_trip(size_t len, size_t step)
{
    unsigned char *plain = malloc(len + 1), *sealed, *opened;
    size_t i, sealed_len, opened_len;

    assert_non_null(plain);
    for (i = 0; i < len; i++)
        plain[i] = (unsigned char)(i * 7 + i / 251);
    sealed = fixture_run(&f, 1, "a", plain, len, step, &sealed_len);
    assert_non_null(sealed);
    assert_int_equal(sealed_len, 320 + len + 16 * (len / 4096 + 1));
    opened = fixture_run(&f, 0, "a", sealed, sealed_len, step, &opened_len);
    assert_non_null(opened);
    assert_int_equal(opened_len, len);
    assert_memory_equal(opened, plain, len);
    free(plain);
    free(sealed);
    free(opened);
}

static void sizes_and_steps(void **state)
{
    static const size_t steps[] = {0, 1, 7, 15, 16, 17, 257, 4095, 4096, 4097, 8192, 8193, 65536};
    static const size_t sizes[] = {0,    1,    15,   16,    17,    4095,  4096,  4097,
                                   8191, 8192, 8193, 12288, 65535, 65536, 65537, 200000};
    size_t s, n;

    (void)state;
    for (s = 0; s < sizeof steps / sizeof *steps; s++)
        for (n = 0; n < sizeof sizes / sizeof *sizes; n++)
            round_trip(sizes[n], steps[s]);
    assert_int_equal(test_kms.wraps, 1);
}

FIXTURE_GROUP(f)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_and_steps)};

    return cmocka_run_group_tests(tests, up, down);
}
