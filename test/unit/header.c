/*
 * envelope/header: peeking at every length, parsing, writing, order and bounds. What is parsed lies
 * in a heap block of just its size.
 */
#include "envelope/header.h"

#include "test/unit/check.h"

enum { AT_COUNT = 72, AT_STANZAS = 73, STANZA_FIXED = 19 };

static unsigned char bytes[65536];

/* Peeks at the first `len` of the bytes. */
static int peek(const void *data, size_t len, size_t *header_len)
{
    unsigned char *copy = exact(data, len);
    int ok;

    *header_len = 77777;
    ok = byok_header_peek(copy, len, header_len, &status);
    free(copy);
    return ok;
}

static void peek_needs_eight_bytes(void **state)
{
    static const unsigned char good[] = {'B', 'Y', 'O', 'K', 1, 1, 1, 0x40, 9, 9};
    size_t len, header_len;

    (void)state;
    for (len = 0; len <= sizeof good; len++) {
        WORKS(peek(good, len, &header_len));
        assert_int_equal(header_len, len < 8 ? 0 : 320);
    }
}

/* The first `tell` bytes tell; fewer do not. */
static void peek_fails(const void *data, size_t len, size_t tell, int reason)
{
    size_t n, header_len;

    for (n = 0; n < tell; n++) {
        WORKS(peek(data, n, &header_len));
        assert_int_equal(header_len, 0);
    }
    for (; n <= len; n++)
        FAILS(reason, peek(data, n, &header_len));
}

static void peek_fails_as_early_as_it_can(void **state)
{
    (void)state;
    peek_fails("XYOK\1\1\1\100", 8, 1, BYOK_R_NOT_SEALED);
    peek_fails("BXOK\1\1\1\100", 8, 2, BYOK_R_NOT_SEALED);
    peek_fails("BYXK\1\1\1\100", 8, 3, BYOK_R_NOT_SEALED);
    peek_fails("BYOk\1\1\1\100", 8, 4, BYOK_R_NOT_SEALED);
    peek_fails("\0\0\0\0\0\0\0\0", 8, 1, BYOK_R_NOT_SEALED);
    peek_fails("Salted__", 8, 1, BYOK_R_NOT_SEALED);
    peek_fails("BYOK\0\1\1\100", 8, 5, BYOK_R_UNSUPPORTED_VERSION);
    peek_fails("BYOK\2\7\7\7", 8, 5, BYOK_R_UNSUPPORTED_VERSION);
    peek_fails("BYOK\377\1\1\100", 8, 5, BYOK_R_UNSUPPORTED_VERSION);
    peek_fails("BYOK\1\0\1\100", 8, 6, BYOK_R_UNSUPPORTED_SUITE);
    peek_fails("BYOK\1\2\7\7", 8, 6, BYOK_R_UNSUPPORTED_SUITE);
    peek_fails("BYOK\1\1\1\101", 8, 8, BYOK_R_BAD_HEADER);
    peek_fails("byok:v1:QllPSwEB", 16, 8, BYOK_R_TEXT_FORM);
    peek_fails("QllPSwEBAUB", 11, 6, BYOK_R_TEXT_FORM);
    peek_fails("byok:v2:", 8, 7, BYOK_R_NOT_SEALED);
    peek_fails("byoK", 4, 4, BYOK_R_NOT_SEALED);
    peek_fails("Byok", 4, 2, BYOK_R_NOT_SEALED);
    peek_fails("QllPSx", 6, 6, BYOK_R_NOT_SEALED);
    peek_fails("qllPSw", 6, 1, BYOK_R_NOT_SEALED);
}

/* What a message is that ends within its header. */
static void ended(const char *text, size_t len, int reason)
{
    unsigned char *copy = exact(text, len);

    FAILS(reason, byok_header_ended(copy, len, &status));
    free(copy);
}

static void too_few_bytes_are_truncated_or_not_sealed(void **state)
{
    static const char good[] = "BYOK\1\1\1\100and more";
    size_t len;

    (void)state;
    for (len = 0; len < sizeof good; len++)
        ended(good, len, BYOK_R_TRUNCATED);
    for (len = 1; len <= 7; len++)
        ended("byok:v1:", len, BYOK_R_NOT_SEALED); /* the text form needs all of it to be known */
    for (len = 1; len <= 5; len++)
        ended("QllPSw", len, BYOK_R_NOT_SEALED);
}

static void lengths_are_multiples_of_64_from_128_to_3968(void **state)
{
    unsigned char data[] = {'B', 'Y', 'O', 'K', 1, 1, 0, 0};
    size_t len, header_len;

    (void)state;
    for (len = 0; len < 65536; len++) {
        byok_put_u16(data + 6, (uint16_t)len);
        memset(&status, 0, sizeof status);
        if (len >= 128 && len <= 3968 && len % 64 == 0) {
            assert_int_equal(byok_header_peek(data, sizeof data, &header_len, &status), 1);
            assert_int_equal(header_len, len);
        } else {
            assert_int_equal(byok_header_peek(data, sizeof data, &header_len, &status), 0);
            assert_int_equal(status.reason, BYOK_R_BAD_HEADER);
        }
    }
}

/* A stanza at p; returns what follows it. */
static unsigned char *put_stanza(unsigned char *p, int backend, int first_id_byte, size_t wrap_len)
{
    *p++ = (unsigned char)backend;
    memset(p, 0x40, BYOK_KEK_ID_BYTES);
    p[0] = (unsigned char)first_id_byte;
    p += BYOK_KEK_ID_BYTES;
    byok_put_u16(p, (uint16_t)wrap_len);
    memset(p + 2, 0xee, wrap_len);
    return p + 2 + wrap_len;
}

static void begin(size_t len, int count)
{
    size_t i;

    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, "BYOK\1\1", 6);
    byok_put_u16(bytes + 6, (uint16_t)len);
    for (i = 8; i < AT_COUNT; i++)
        bytes[i] = (unsigned char)i;
    bytes[AT_COUNT] = (unsigned char)count;
}

static int parse(size_t len)
{
    struct byok_header header;
    unsigned char *copy = exact(bytes, len);
    int ok = byok_header_parse(&header, copy, len, &status);

    free(copy);
    return ok;
}

static void parse_finds_the_fields(void **state)
{
    struct byok_header header;
    unsigned char *p;

    (void)state;
    begin(320, 3);
    p = put_stanza(bytes + AT_STANZAS, 1, 5, 72);
    p = put_stanza(p, 1, 6, 1);
    (void)put_stanza(p, 7, 4, 40);
    WORKS(byok_header_parse(&header, bytes, 320, &status));
    assert_ptr_equal(header.salt, bytes + 8);
    assert_ptr_equal(header.commitment, bytes + 40);
    assert_int_equal(header.stanza_count, 3);
    assert_int_equal(header.stanzas[0].backend, 1);
    assert_int_equal(header.stanzas[0].kek_id[0], 5);
    assert_int_equal(header.stanzas[0].kek_id[15], 0x40);
    assert_int_equal(header.stanzas[0].wrap.len, 72);
    assert_ptr_equal(header.stanzas[0].wrap.data, bytes + AT_STANZAS + STANZA_FIXED);
    assert_int_equal(header.stanzas[1].kek_id[0], 6);
    assert_int_equal(header.stanzas[1].wrap.len, 1);
    assert_int_equal(header.stanzas[2].backend, 7);
    assert_int_equal(header.stanzas[2].wrap.len, 40);
    assert_ptr_equal(header.stanzas[2].wrap.data, p + STANZA_FIXED);
}

static void stanzas_are_one_to_eight(void **state)
{
    unsigned char *p;
    int count, i;

    (void)state;
    for (count = 0; count <= 255; count++) {
        begin(3968, count);
        for (p = bytes + AT_STANZAS, i = 0; i < count; i++)
            p = put_stanza(p, 1, i, 1);
        if (count >= 1 && count <= 8)
            WORKS(parse(3968));
        else
            FAILS(BYOK_R_BAD_HEADER, parse(3968));
    }
    begin(320, 1); /* as many as are said, no more */
    p = put_stanza(bytes + AT_STANZAS, 1, 1, 10);
    (void)put_stanza(p, 1, 2, 10);
    FAILS(BYOK_R_BAD_HEADER, parse(320));
}

static void backends_are_those_of_the_table(void **state)
{
    int backend;

    (void)state;
    for (backend = 0; backend < 256; backend++) {
        begin(320, 1);
        (void)put_stanza(bytes + AT_STANZAS, backend, 0, 72);
        if (backend >= 1 && backend <= 7)
            WORKS(parse(320));
        else
            FAILS(BYOK_R_BAD_HEADER, parse(320));
    }
}

static void order_is_strictly_ascending(void **state)
{
    static const struct {
        int backend[2], id[2], good;
    } rows[] = {{{1, 1}, {1, 2}, 1}, {{1, 1}, {2, 1}, 0},       {{1, 1}, {1, 1}, 0},
                {{1, 2}, {9, 1}, 1}, {{2, 1}, {1, 9}, 0},       {{1, 1}, {0x7f, 0x80}, 1},
                {{1, 2}, {3, 3}, 1}, {{1, 1}, {0x80, 0x7f}, 0}, {{1, 1}, {0, 0xff}, 1},
                {{7, 1}, {1, 1}, 0}};
    unsigned char *p;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(320, 2);
        p = put_stanza(bytes + AT_STANZAS, rows[i].backend[0], rows[i].id[0], 9);
        (void)put_stanza(p, rows[i].backend[1], rows[i].id[1], 5); /* the wraps play no part */
        if (rows[i].good)
            WORKS(parse(320));
        else
            FAILS(BYOK_R_BAD_HEADER, parse(320));
    }
    begin(320, 2); /* the last byte of the id counts */
    p = put_stanza(bytes + AT_STANZAS, 1, 1, 9);
    (void)put_stanza(p, 1, 1, 9);
    p[16]++;
    WORKS(parse(320));
    p[16] -= 2;
    FAILS(BYOK_R_BAD_HEADER, parse(320));
}

static void stanzas_end_within_the_header(void **state)
{
    size_t len, wrap;

    (void)state;
    for (len = 128; len <= 3968; len += 64) {
        begin(len, 1);
        wrap = len - AT_STANZAS - STANZA_FIXED;
        (void)put_stanza(bytes + AT_STANZAS, 1, 0, wrap); /* to the last byte */
        WORKS(parse(len));
        (void)put_stanza(bytes + AT_STANZAS, 1, 0, wrap + 1);
        FAILS(BYOK_R_BAD_HEADER, parse(len));
        (void)put_stanza(bytes + AT_STANZAS, 1, 0, 65535 - AT_STANZAS - STANZA_FIXED);
        byok_put_u16(bytes + AT_STANZAS + 17, 65535);
        FAILS(BYOK_R_BAD_HEADER, parse(len));
    }
    begin(320, 1);
    (void)put_stanza(bytes + AT_STANZAS, 1, 0, 0);
    FAILS(BYOK_R_BAD_HEADER, parse(320));
}

/* The second stanza begins so late that 0 to 20 bytes of it are left. */
static void a_stanzas_head_ends_within_the_header(void **state)
{
    unsigned char *p;
    size_t left;

    (void)state;
    for (left = 0; left <= STANZA_FIXED + 1; left++) {
        begin(320, 2);
        p = put_stanza(bytes + AT_STANZAS, 1, 0, 320 - AT_STANZAS - STANZA_FIXED - left);
        (void)put_stanza(p, 1, 1, 1);
        if (left == STANZA_FIXED + 1)
            WORKS(parse(320));
        else
            FAILS(BYOK_R_BAD_HEADER, parse(320));
    }
}

static void what_follows_is_zero(void **state)
{
    size_t at;

    (void)state;
    begin(320, 1);
    for (at = (size_t)(put_stanza(bytes + AT_STANZAS, 1, 0, 72) - bytes); at < 320; at++) {
        bytes[at] = 1;
        FAILS(BYOK_R_BAD_HEADER, parse(320));
        bytes[at] = 0;
    }
    WORKS(parse(320));
}

static void sizes(void **state)
{
    static const struct {
        size_t count, wrap, len; /* 0: too large */
    } rows[] = {{1, 1, 320},  {1, 72, 320},   {1, 228, 320}, {1, 229, 384}, {1, 292, 384},
                {2, 72, 320}, {2, 104, 320},  {2, 105, 384}, {8, 72, 832},  {1, 3876, 3968},
                {1, 3877, 0}, {8, 467, 3968}, {8, 468, 0}};
    struct byok_stanza stanzas[8];
    size_t i, n, len;

    (void)state;
    memset(stanzas, 0, sizeof stanzas);
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (n = 0; n < rows[i].count; n++)
            stanzas[n].wrap.len = rows[i].wrap;
        if (rows[i].len == 0) {
            FAILS(BYOK_R_TOO_LARGE, byok_header_size(stanzas, rows[i].count, &len, &status));
        } else {
            WORKS(byok_header_size(stanzas, rows[i].count, &len, &status));
            assert_int_equal(len, rows[i].len);
        }
    }
}

static void what_is_written_is_as_the_format_says(void **state)
{
    struct byok_stanza stanzas[2] = {{.backend = 1}, {.backend = 1}};
    struct byok_header header;
    unsigned char wrap[72], salt[32], commitment[32], *out, *p;
    size_t len, header_len;

    (void)state;
    memset(wrap, 0xee, sizeof wrap);
    begin(320, 2);
    p = put_stanza(bytes + AT_STANZAS, 1, 5, 72);
    (void)put_stanza(p, 1, 6, 3);
    memcpy(salt, bytes + 8, 32);
    memcpy(commitment, bytes + 40, 32);
    memset(stanzas[0].kek_id, 0x40, BYOK_KEK_ID_BYTES);
    memset(stanzas[1].kek_id, 0x40, BYOK_KEK_ID_BYTES);
    stanzas[0].kek_id[0] = 5;
    stanzas[1].kek_id[0] = 6;
    stanzas[0].wrap.data = stanzas[1].wrap.data = wrap;
    stanzas[0].wrap.len = 72;
    stanzas[1].wrap.len = 3;
    WORKS(byok_header_size(stanzas, 2, &len, &status));
    assert_int_equal(len, 320);
    out = malloc(len);
    assert_non_null(out);
    memset(out, 0xaa, len);
    byok_header_write(out, len, salt, commitment, stanzas, 2);
    assert_memory_equal(out, bytes, len);
    WORKS(byok_header_peek(out, len, &header_len, &status));
    assert_int_equal(header_len, len);
    WORKS(byok_header_parse(&header, out, len, &status));
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peek_needs_eight_bytes),
        cmocka_unit_test(peek_fails_as_early_as_it_can),
        cmocka_unit_test(too_few_bytes_are_truncated_or_not_sealed),
        cmocka_unit_test(lengths_are_multiples_of_64_from_128_to_3968),
        cmocka_unit_test(parse_finds_the_fields),
        cmocka_unit_test(stanzas_are_one_to_eight),
        cmocka_unit_test(backends_are_those_of_the_table),
        cmocka_unit_test(order_is_strictly_ascending),
        cmocka_unit_test(stanzas_end_within_the_header),
        cmocka_unit_test(a_stanzas_head_ends_within_the_header),
        cmocka_unit_test(what_follows_is_zero),
        cmocka_unit_test(sizes),
        cmocka_unit_test(what_is_written_is_as_the_format_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
