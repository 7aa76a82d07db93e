/*
 * base/pairs: from text to the encoding P of doc/format.md. The text is never terminated: it ends
 * where its heap block does.
 */
#include "base/pairs.h"

#include "test/unit/check.h"

#include <stdio.h>

#define BUFFER 65536

static char text_buffer[BUFFER];

static int parse(struct byok_pairs *pairs, const char *text, size_t len)
{
    char *copy = exact(text, len);
    int ok = byok_pairs_parse(pairs, copy, len, &status);

    free(copy);
    return ok;
}

static void gives(const char *text, size_t len, const void *expected, size_t expected_len)
{
    struct byok_pairs pairs = {NULL, 0};
    struct byok_view encoded;

    WORKS(parse(&pairs, text, len));
    encoded = byok_pairs_encoded(&pairs);
    assert_int_equal(encoded.len, expected_len);
    assert_memory_equal(encoded.data, expected, expected_len);
    byok_pairs_clear(&pairs);
}

#define GIVES(text, expected) gives(text, sizeof(text) - 1, expected, sizeof(expected) - 1)

static void refuses(const char *text, size_t len)
{
    struct byok_pairs pairs = {NULL, 0};

    FAILS(BYOK_R_BAD_CONTEXT, parse(&pairs, text, len));
    assert_null(pairs.data);
    assert_int_equal(pairs.len, 0);
}

#define REFUSES(text) refuses(text, sizeof(text) - 1)

static void encodes(void **state)
{
    (void)state;
    GIVES("a=b", "\0\1\0\1a\0\1b");
    GIVES("a=", "\0\1\0\1a\0\0");
    GIVES("a=b=c", "\0\1\0\1a\0\3b=c");
    GIVES("a==", "\0\1\0\1a\0\1=");
    GIVES("ab=cd,e=f", "\0\2\0\2ab\0\2cd\0\1e\0\1f");
    GIVES("x%2Cb=%3D%25", "\0\1\0\3x,b\0\2=%");
    GIVES("%78%3d=1", "\0\1\0\2x=\0\1\61");
    GIVES("a=+", "\0\1\0\1a\0\1+");
    GIVES("caf\xc3\xa9=\xe2\x82\xac", "\0\1\0\5caf\xc3\xa9\0\3\xe2\x82\xac");
    GIVES("caf%C3%A9=%e2%82%ac", "\0\1\0\5caf\xc3\xa9\0\3\xe2\x82\xac");
}

static void blanks_are_ignored_but_for_encoded_ones(void **state)
{
    (void)state;
    GIVES(" x = y ,\tz\t=\tw\t", "\0\2\0\1x\0\1y\0\1z\0\1w");
    GIVES("a= x  y ", "\0\1\0\1a\0\4x  y");
    GIVES("a=  ", "\0\1\0\1a\0\0");
    GIVES("%20a%20=%20x%20", "\0\1\0\3 a \0\3 x ");
    GIVES("%20=", "\0\1\0\1 \0\0");
}

static void nothing_and_blanks_are_no_pairs(void **state)
{
    struct byok_pairs pairs = {NULL, 0};

    (void)state;
    GIVES("", "\0\0");
    GIVES("  \t ", "\0\0");
    WORKS(byok_pairs_parse(&pairs, NULL, 0, &status));
    assert_int_equal(byok_pairs_encoded(&pairs).len, 2);
    assert_memory_equal(byok_pairs_encoded(&pairs).data, "\0\0", 2);
    byok_pairs_clear(&pairs);
}

static void malformed_is_refused(void **state)
{
    (void)state;
    REFUSES("a");
    REFUSES(",");
    REFUSES("a=b,");
    REFUSES(",a=b");
    REFUSES("a=b,,c=d");
    REFUSES("a=b, ,c=d");
    REFUSES("a=b,c");
    REFUSES("=");
    REFUSES("=b");
    REFUSES(" =b");
    REFUSES("a=%");
    REFUSES("a=%4");
    REFUSES("a=%4g");
    REFUSES("%=b");
    REFUSES("a=%2,b=c"); /* a comma ends a pair before anything is decoded */
    REFUSES("a%=3Db");   /* and so does the '=' a name */
    refuses("a=%41", 4); /* the text ends in the middle */
}

static void names_stand_once(void **state)
{
    (void)state;
    REFUSES("a=1,a=2");
    REFUSES("a=1,a=1");
    REFUSES("a=1,b=2,a=3");
    REFUSES("a=1,%61=2");
    REFUSES("a=1, a =2");
    GIVES("a=x,A=x", "\0\2\0\1A\0\1x\0\1a\0\1x");
}

static void order_is_by_unsigned_bytes(void **state)
{
    (void)state;
    GIVES("x=1,y=2", "\0\2\0\1x\0\1\61\0\1y\0\1\62");
    GIVES("y=2,x=1", "\0\2\0\1x\0\1\61\0\1y\0\1\62");
    GIVES("xx=,x=,X=", "\0\3\0\1X\0\0\0\1x\0\0\0\2xx\0\0");
    GIVES("\xc3\xa9=,z=,~=", "\0\3\0\1z\0\0\0\1~\0\0\0\2\xc3\xa9\0\0");
    GIVES("x!=,x=", "\0\2\0\1x\0\0\0\2x!\0\0");
    /* U+FFFD stands before U+10000, which UTF-16 would turn round */
    GIVES("\xf0\x90\x80\x80=,\xef\xbf\xbd=", "\0\2\0\3\xef\xbf\xbd\0\0\0\4\xf0\x90\x80\x80\0\0");
}

/* "NAME=VALUE" with a name of `name` bytes and a value of `value`, percent-encoded if so wished. */
static size_t put_pair(char *out, size_t name, size_t value, int encoded)
{
    const char *one = encoded ? "%6e" : "n";
    char *p = out;

    for (; name > 0; name--)
        p = stpcpy(p, one);
    *p++ = '=';
    for (; value > 0; value--)
        p = stpcpy(p, one);
    return (size_t)(p - out);
}

static void lengths_of_one(size_t name, size_t value, int encoded, int good)
{
    struct byok_pairs pairs = {NULL, 0};
    size_t len = put_pair(text_buffer, name, value, encoded);
    const unsigned char *p;

    if (!good) {
        refuses(text_buffer, len);
        return;
    }
    WORKS(parse(&pairs, text_buffer, len));
    p = byok_pairs_encoded(&pairs).data;
    assert_int_equal(byok_pairs_encoded(&pairs).len, 2 + 2 + name + 2 + value);
    assert_int_equal(byok_get_u16(p), 1);
    assert_int_equal(byok_get_u16(p + 2), name);
    assert_int_equal(byok_get_u16(p + 4 + name), value);
    byok_pairs_clear(&pairs);
}

static void names_and_values_have_limits(void **state)
{
    int encoded;

    (void)state;
    for (encoded = 0; encoded < 2; encoded++) {
        lengths_of_one(1, 0, encoded, 1);
        lengths_of_one(255, 0, encoded, 1);
        lengths_of_one(256, 0, encoded, 0);
        lengths_of_one(1, 4096, encoded, 1);
        lengths_of_one(1, 4097, encoded, 0);
        lengths_of_one(255, 4096, encoded, 1);
        lengths_of_one(0, 1, encoded, 0);
    }
}

/* `count` pairs, whose values make the encoding `total` bytes long. */
static size_t put_pairs(char *out, size_t count, size_t total)
{
    size_t i, left = total - 2 - count * (4 + 3), n;
    char *p = out;

    for (i = 0; i < count; i++, left -= n) {
        n = left < 4096 ? left : 4096;
        p += sprintf(p, "%s%03zu=", i == 0 ? "" : ",", i);
        memset(p, 'v', n);
        p += n;
    }
    return (size_t)(p - out);
}

static void all_together_have_limits(void **state)
{
    struct byok_pairs pairs = {NULL, 0};

    (void)state;
    WORKS(parse(&pairs, text_buffer, put_pairs(text_buffer, 3, 8192)));
    assert_int_equal(byok_pairs_encoded(&pairs).len, 8192);
    refuses(text_buffer, put_pairs(text_buffer, 3, 8193));
    WORKS(parse(&pairs, text_buffer, put_pairs(text_buffer, 64, 8192)));
    assert_int_equal(byok_get_u16(byok_pairs_encoded(&pairs).data), 64);
    assert_int_equal(byok_pairs_encoded(&pairs).len, 8192);
    refuses(text_buffer, put_pairs(text_buffer, 64, 8193));
    refuses(text_buffer, put_pairs(text_buffer, 65, 65 * 7 + 2));
    refuses(text_buffer, put_pairs(text_buffer, 200, 8192));
    byok_pairs_clear(&pairs);
}

/* The bytes within a name and within a value, as they are and percent-encoded. */
static void utf8(const char *bytes, int good)
{
    static const char *const around[][2] = {{"x", "="}, {"", "x="}, {"x=", ""}, {"x=", "x"}};
    struct byok_pairs pairs = {NULL, 0};
    char encoded[64] = "", *p = encoded;
    const char *byte, *const *both;
    size_t i;
    int len;

    for (byte = bytes; *byte != '\0'; byte++)
        p += sprintf(p, "%%%02x", (unsigned char)*byte);
    for (i = 0; i < 2 * sizeof around / sizeof *around; i++) {
        both = around[i / 2];
        len = sprintf(text_buffer, "%s%s%s", both[0], i % 2 == 0 ? bytes : encoded, both[1]);
        if (!good) {
            refuses(text_buffer, (size_t)len);
            continue;
        }
        WORKS(parse(&pairs, text_buffer, (size_t)len));
        assert_int_equal(byok_pairs_encoded(&pairs).len,
                         2 + 4 + strlen(both[0]) + strlen(bytes) + strlen(both[1]) - 1);
    }
    byok_pairs_clear(&pairs);
}

static void utf8_that_is_well_formed(void **state)
{
    static const char *const rows[] = {
        "~",
        "\xc2\x80",         /* U+0080, the least of two bytes; a C1 control is allowed */
        "\xdf\xbf",         /* U+07FF */
        "\xe0\xa0\x80",     /* U+0800 */
        "\xed\x9f\xbf",     /* U+D7FF, before the surrogates */
        "\xee\x80\x80",     /* U+E000, behind them */
        "\xef\xbf\xbf",     /* U+FFFF */
        "\xf0\x90\x80\x80", /* U+10000 */
        "\xf4\x8f\xbf\xbf", /* U+10FFFF */
        "\xef\xbb\xbf",     /* a byte order mark is a character like any other */
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++)
        utf8(rows[i], 1);
}

static void utf8_that_is_not(void **state)
{
    static const char *const rows[] = {
        "\x80",
        "\xbf", /* no first byte */
        "\xc0\xaf",
        "\xc1\xbf", /* overlong, two bytes */
        "\xe0\x80\xaf",
        "\xe0\x9f\xbf", /* three */
        "\xf0\x80\x80\xaf",
        "\xf0\x8f\xbf\xbf", /* four */
        "\xed\xa0\x80",
        "\xed\xbf\xbf",             /* surrogates */
        "\xed\xa0\xbd\xed\xb8\x80", /* a pair of them */
        "\xf4\x90\x80\x80",         /* U+110000 */
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xc3",
        "\xe2\x82",
        "\xf0\x9f\x98", /* cut, by the end or by an 'x' */
        "\xc3\x28",
        "\xe2\x28\xa1",
        "\xe2\x82\x28",
        "\xf0\x28\x8c\xbc",
        "\xf0\x90\x28\xbc",
        "\xf0\x90\x8c\x28",
        "\xe2\x82\xac\xac", /* one too many */
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++)
        utf8(rows[i], 0);
}

static void control_characters_are_refused(void **state)
{
    int byte, len;

    (void)state;
    for (byte = 0; byte < 0x80; byte++) {
        struct byok_pairs pairs = {NULL, 0};

        len = sprintf(text_buffer, "x%%%02x=y%%%02x", byte, 'z');
        if (byte >= 0x20 && byte != 0x7f)
            WORKS(parse(&pairs, text_buffer, (size_t)len));
        else
            refuses(text_buffer, (size_t)len);
        byok_pairs_clear(&pairs);
        len = sprintf(text_buffer, "x=y%%%02x", byte);
        if (byte >= 0x20 && byte != 0x7f)
            WORKS(parse(&pairs, text_buffer, (size_t)len));
        else
            refuses(text_buffer, (size_t)len);
        byok_pairs_clear(&pairs);
    }
    REFUSES("a\0=b"); /* raw ones too */
    REFUSES("a=b\0");
    REFUSES("a=b\n");
    REFUSES("a=b\x7f");
    REFUSES("a=b\tc"); /* a tab is a blank only at an edge */
}

static void failure_leaves_the_old_and_success_replaces_it(void **state)
{
    struct byok_pairs pairs = {NULL, 0}, copy = {NULL, 0};

    (void)state;
    WORKS(parse(&pairs, "a=b", 3));
    FAILS(BYOK_R_BAD_CONTEXT, parse(&pairs, "c", 1));
    assert_int_equal(byok_pairs_encoded(&pairs).len, 8);
    assert_memory_equal(byok_pairs_encoded(&pairs).data, "\0\1\0\1a\0\1b", 8);
    WORKS(parse(&copy, "x=", 2));
    WORKS(byok_pairs_copy(&copy, &pairs, &status));
    assert_ptr_not_equal(copy.data, pairs.data);
    WORKS(parse(&pairs, "c=", 2));
    assert_memory_equal(byok_pairs_encoded(&pairs).data, "\0\1\0\1c\0\0", 7);
    assert_memory_equal(byok_pairs_encoded(&copy).data, "\0\1\0\1a\0\1b", 8);
    WORKS(parse(&pairs, "", 0));
    assert_int_equal(byok_pairs_encoded(&pairs).len, 2);
    WORKS(byok_pairs_copy(&copy, &pairs, &status));
    assert_int_equal(byok_pairs_encoded(&copy).len, 2);
    byok_pairs_clear(&pairs);
    byok_pairs_clear(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes),
        cmocka_unit_test(blanks_are_ignored_but_for_encoded_ones),
        cmocka_unit_test(nothing_and_blanks_are_no_pairs),
        cmocka_unit_test(malformed_is_refused),
        cmocka_unit_test(names_stand_once),
        cmocka_unit_test(order_is_by_unsigned_bytes),
        cmocka_unit_test(names_and_values_have_limits),
        cmocka_unit_test(all_together_have_limits),
        cmocka_unit_test(utf8_that_is_well_formed),
        cmocka_unit_test(utf8_that_is_not),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(failure_leaves_the_old_and_success_replaces_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
