/*
 * name=value pairs: what is accepted keeps to the limits, is in order, and is the same when it is
 * written as text and read again.
 */
#include "base/pairs.h"

#include "test/fuzz/fuzz.h"

/* Checked apart from the code under test: the number of bytes of a UTF-8 character, by its value.
 */
static size_t character(const unsigned char *p, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t i, n = p[0] < 0x80             ? 1
                  : (p[0] & 0xe0) == 0xc0 ? 2
                  : (p[0] & 0xf0) == 0xe0 ? 3
                  : (p[0] & 0xf8) == 0xf0 ? 4
                                          : 0;
    uint32_t value = n == 0 ? 0 : n == 1 ? p[0] : p[0] & (0x7fu >> n);

    if (n == 0 || n > left)
        return 0;
    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3f);
    }
    return value < least[n] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)
                   || value < 0x20 || value == 0x7f
               ? 0
               : n;
}

static void require_text(const unsigned char *p, size_t len)
{
    size_t n;

    for (; len > 0; p += n, len -= n) {
        n = character(p, len);
        REQUIRE(n != 0);
    }
}

/* Reads one string of the encoding; moves on behind it. */
static struct byok_view string_of(const unsigned char **p, const unsigned char *end)
{
    struct byok_view view;

    REQUIRE(end - *p >= 2);
    view.len = byok_get_u16(*p);
    view.data = *p + 2;
    REQUIRE((size_t)(end - view.data) >= view.len);
    *p = view.data + view.len;
    require_text(view.data, view.len);
    return view;
}

/* Every byte percent-encoded or, where it stands for itself, as it is. */
static char *write_text(char *out, struct byok_view view)
{
    size_t i;

    for (i = 0; i < view.len; i++)
        if (view.data[i] > ' ' && strchr(",=%", view.data[i]) == NULL)
            *out++ = (char)view.data[i];
        else
            out += sprintf(out, "%%%02x", view.data[i]);
    return out;
}

/* Checks the encoding and writes it as text. */
static size_t check(struct byok_view encoded, char *text)
{
    const unsigned char *p = encoded.data + 2, *end = encoded.data + encoded.len;
    struct byok_view name, value, previous = {NULL, 0};
    char *out = text;
    size_t i, count;

    REQUIRE(encoded.len >= 2 && encoded.len <= BYOK_PAIRS_BYTES_MAX);
    count = byok_get_u16(encoded.data);
    REQUIRE(count <= BYOK_PAIRS_COUNT_MAX);
    for (i = 0; i < count; i++) {
        name = string_of(&p, end);
        value = string_of(&p, end);
        REQUIRE(name.len >= 1 && name.len <= BYOK_PAIRS_NAME_MAX
                && value.len <= BYOK_PAIRS_VALUE_MAX);
        REQUIRE(i == 0 || byok_bytes_compare(previous.data, previous.len, name.data, name.len) < 0);
        previous = name;
        if (i > 0)
            *out++ = ',';
        out = write_text(out, name);
        *out++ = '=';
        out = write_text(out, value);
    }
    REQUIRE(p == end);
    return (size_t)(out - text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[4 * BYOK_PAIRS_BYTES_MAX];
    struct byok_pairs pairs = {NULL, 0}, again = {NULL, 0};
    struct byok_status status = BYOK_STATUS_INIT;
    char *copy = exact(data, size);
    size_t len;

    if (byok_pairs_parse(&pairs, copy, size, &status)) {
        len = check(byok_pairs_encoded(&pairs), text);
        REQUIRE(byok_pairs_parse(&again, text, len, &status));
        REQUIRE(byok_pairs_encoded(&again).len == byok_pairs_encoded(&pairs).len);
        REQUIRE(memcmp(byok_pairs_encoded(&again).data, byok_pairs_encoded(&pairs).data,
                       byok_pairs_encoded(&pairs).len)
                == 0);
    } else {
        REQUIRE(status.reason == BYOK_R_BAD_CONTEXT && status.text[0] != '\0'
                && is_printable(status.text));
        REQUIRE(pairs.data == NULL);
    }
    free(copy);
    byok_pairs_clear(&pairs);
    byok_pairs_clear(&again);
    return 0;
}
