/*
 * base/bytes: integers, order, percent-decoding.
 */
#include "base/bytes.h"

#include "test/unit/check.h"

static void integers_are_big_endian(void **state)
{
    static const unsigned char all[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    unsigned char out[8];

    (void)state;
    assert_int_equal(byok_get_u16(all), 0x0123);
    assert_int_equal(byok_get_u16(all + 6), 0xcdef);
    byok_put_u16(out, 0x0123);
    assert_memory_equal(out, all, 2);
    byok_put_u32(out, 0x01234567);
    assert_memory_equal(out, all, 4);
    byok_put_u64(out, UINT64_C(0x0123456789abcdef));
    assert_memory_equal(out, all, 8);
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void compare_is_by_unsigned_bytes_and_prefix_first(void **state)
{
    static const struct {
        const char *less, *more;
    } rows[] = {{"", "a"},   {"a", "b"},       {"a", "aa"},       {"a", "a!"},       {"Z", "a"},
                {"ab", "b"}, {"\x7f", "\x80"}, {"z", "\xc3\xa9"}, {"a\x01", "a\xff"}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t less_len = strlen(rows[i].less), more_len = strlen(rows[i].more);

        assert_int_equal(sign(byok_bytes_compare(rows[i].less, less_len, rows[i].more, more_len)),
                         -1);
        assert_int_equal(sign(byok_bytes_compare(rows[i].more, more_len, rows[i].less, less_len)),
                         1);
        assert_int_equal(byok_bytes_compare(rows[i].less, less_len, rows[i].less, less_len), 0);
    }
    assert_int_equal(sign(byok_bytes_compare("a\0b", 3, "a\0c", 3)), -1); /* no strings */
    assert_int_equal(sign(byok_bytes_compare("a", 1, "a\0", 2)), -1);
    assert_int_equal(byok_bytes_compare(NULL, 0, NULL, 0), 0);
    assert_int_equal(sign(byok_bytes_compare(NULL, 0, "a", 1)), -1);
}

/* Decodes exactly text[0..len), apart and in place. */
static void decodes(const char *text, size_t len, const char *expected, size_t expected_len)
{
    char *in = exact(text, len);
    unsigned char *out = exact(text, len);
    size_t out_len = 77;

    assert_int_equal(byok_percent_decode(in, len, out, &out_len), 1);
    assert_int_equal(out_len, expected_len);
    assert_memory_equal(out, expected, expected_len);
    out_len = 77;
    assert_int_equal(byok_percent_decode(in, len, (unsigned char *)in, &out_len), 1);
    assert_int_equal(out_len, expected_len);
    assert_memory_equal(in, expected, expected_len);
    free(in);
    free(out);
}

static void percent_decodes(void **state)
{
    unsigned int byte;
    char text[4];
    char value;

    (void)state;
    decodes("", 0, "", 0);
    decodes("abc", 3, "abc", 3);
    decodes("a%20b", 5, "a b", 3);
    decodes("%2C%2c%3D%25", 12, ",,=%", 4);
    decodes("%2541", 5, "%41", 3); /* once, not twice */
    decodes("a+b", 3, "a+b", 3);
    decodes("%00", 3, "\0", 1);
    decodes("\xc3\xa9%C3%a9", 8, "\xc3\xa9\xc3\xa9", 4);
    for (byte = 0; byte < 256; byte++) {
        snprintf(text, sizeof text, byte % 2 ? "%%%02x" : "%%%02X", byte);
        value = (char)byte;
        decodes(text, 3, &value, 1);
    }
}

static void refuses(const char *text, size_t len)
{
    char *in = exact(text, len);
    unsigned char *out = exact(text, len);
    size_t out_len;

    if (byok_percent_decode(in, len, out, &out_len))
        fail_msg("\"%.*s\" was decoded", (int)len, text);
    free(in);
    free(out);
}

static void percent_refuses_what_has_no_two_hex_digits(void **state)
{
    static const char *const rows[] = {"%",   "%4",  "a%",  "a%f", "%G0", "%0g",       "%%41",
                                       "%-1", "% 1", "%1 ", "%0x", "41%", "%\xb1\xb1", "%41%"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++)
        refuses(rows[i], strlen(rows[i]));
    refuses("%41", 2); /* what follows the text is not looked at */
    refuses("%41", 1);
    refuses("%4\0", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_big_endian),
        cmocka_unit_test(compare_is_by_unsigned_bytes_and_prefix_first),
        cmocka_unit_test(percent_decodes),
        cmocka_unit_test(percent_refuses_what_has_no_two_hex_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
