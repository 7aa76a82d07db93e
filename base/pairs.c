#include "base/pairs.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    unsigned char *name, *value; /* in the decoded copy of the text */
    size_t name_len, value_len;
};

static const unsigned char no_pairs[2] = {0, 0};

/* The length of the UTF-8 sequence (RFC 3629) at p, 0 when it is malformed or a control character.
 */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    size_t i, n = p[0] < 0x80                   ? 1
                  : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                  : (p[0] & 0xf0) == 0xe0       ? 3
                  : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                                : 0;

    if (n == 0 || n > left || p[0] < 0x20 || p[0] == 0x7f)
        return 0;
    for (i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)
        || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0; /* overlong, a surrogate, or above U+10FFFF */
    return n;
}

static int is_text(const unsigned char *p, size_t len)
{
    size_t n;

    for (; len > 0; p += n, len -= n)
        if ((n = utf8_sequence(p, len)) == 0)
            return 0;
    return 1;
}

static void trim(unsigned char **p, size_t *len)
{
    while (*len > 0 && (**p == ' ' || **p == '\t'))
        (*p)++, (*len)--;
    while (*len > 0 && ((*p)[*len - 1] == ' ' || (*p)[*len - 1] == '\t'))
        (*len)--;
}

/* Splits and decodes, in place, the pair at p[0..len). */
static int pair_parse(struct pair *pair, unsigned char *p, size_t len, struct byok_status *status)
{
    unsigned char *equals;

    equals = len == 0 ? NULL : memchr(p, '=', len);
    if (equals == NULL)
        return byok_fail(status, BYOK_R_BAD_CONTEXT, "a pair has no '='");
    pair->name = p;
    pair->name_len = (size_t)(equals - p);
    pair->value = equals + 1;
    pair->value_len = len - pair->name_len - 1;
    trim(&pair->name, &pair->name_len);
    trim(&pair->value, &pair->value_len);
    if (!byok_percent_decode((char *)pair->name, pair->name_len, pair->name, &pair->name_len)
        || !byok_percent_decode((char *)pair->value, pair->value_len, pair->value,
                                &pair->value_len))
        return byok_fail(status, BYOK_R_BAD_CONTEXT, "a '%%' is not followed by two hex digits");
    if (pair->name_len == 0 || pair->name_len > BYOK_PAIRS_NAME_MAX
        || pair->value_len > BYOK_PAIRS_VALUE_MAX)
        return byok_fail(status, BYOK_R_BAD_CONTEXT, "a name has 1 to %d bytes, a value at most %d",
                         BYOK_PAIRS_NAME_MAX, BYOK_PAIRS_VALUE_MAX);
    if (!is_text(pair->name, pair->name_len) || !is_text(pair->value, pair->value_len))
        return byok_fail(status, BYOK_R_BAD_CONTEXT,
                         "a name or value is not UTF-8 text without control characters");
    return 1;
}

static int pair_order(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    return byok_bytes_compare(x->name, x->name_len, y->name, y->name_len);
}

/* Splits text[0..len), which is overwritten. */
static int pairs_split(struct pair *list, size_t *count, unsigned char *text, size_t len,
                       struct byok_status *status)
{
    unsigned char *comma, *end = text + len;
    size_t i;

    for (*count = 0;; (*count)++, text = comma + 1) {
        comma = memchr(text, ',', (size_t)(end - text));
        if (*count == BYOK_PAIRS_COUNT_MAX)
            return byok_fail(status, BYOK_R_BAD_CONTEXT, "there are more than %d pairs",
                             BYOK_PAIRS_COUNT_MAX);
        if (!pair_parse(&list[*count], text, (size_t)((comma != NULL ? comma : end) - text),
                        status))
            return 0;
        if (comma == NULL)
            break;
    }
    (*count)++;
    qsort(list, *count, sizeof *list, pair_order);
    for (i = 1; i < *count; i++)
        if (pair_order(&list[i - 1], &list[i]) == 0)
            return byok_fail(status, BYOK_R_BAD_CONTEXT, "a name stands twice");
    return 1;
}

static unsigned char *put_string(unsigned char *p, const unsigned char *data, size_t len)
{
    byok_put_u16(p, (uint16_t)len);
    memcpy(p + 2, data, len);
    return p + 2 + len;
}

static int pairs_encode(struct byok_pairs *out, const struct pair *list, size_t count,
                        struct byok_status *status)
{
    size_t i;
    unsigned char *p;

    out->len = 2;
    for (i = 0; i < count; i++)
        out->len += 4 + list[i].name_len + list[i].value_len;
    if (out->len > BYOK_PAIRS_BYTES_MAX)
        return byok_fail(status, BYOK_R_BAD_CONTEXT, "the pairs together have more than %d bytes",
                         BYOK_PAIRS_BYTES_MAX);
    out->data = OPENSSL_malloc(out->len);
    if (out->data == NULL)
        return byok_fail_memory(status);
    byok_put_u16(out->data, (uint16_t)count);
    for (p = out->data + 2, i = 0; i < count; i++) {
        p = put_string(p, list[i].name, list[i].name_len);
        p = put_string(p, list[i].value, list[i].value_len);
    }
    return 1;
}

static int is_blank(const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    return len == 0;
}

int byok_pairs_parse(struct byok_pairs *pairs, const char *text, size_t len,
                     struct byok_status *status)
{
    struct pair list[BYOK_PAIRS_COUNT_MAX];
    struct byok_pairs parsed = {NULL, 0};
    unsigned char *copy;
    size_t count;
    int ok = 0;

    if (is_blank(text, len)) {
        byok_pairs_clear(pairs);
        return 1;
    }
    copy = OPENSSL_memdup(text, len);
    if (copy == NULL)
        return byok_fail_memory(status);
    if (!pairs_split(list, &count, copy, len, status)
        || !pairs_encode(&parsed, list, count, status))
        goto end;
    byok_pairs_clear(pairs);
    *pairs = parsed;
    ok = 1;
end:
    OPENSSL_clear_free(copy, len);
    return ok;
}

int byok_pairs_copy(struct byok_pairs *to, const struct byok_pairs *from,
                    struct byok_status *status)
{
    unsigned char *data = NULL;

    if (from->data != NULL && (data = OPENSSL_memdup(from->data, from->len)) == NULL)
        return byok_fail_memory(status);
    byok_pairs_clear(to);
    to->data = data;
    to->len = from->len;
    return 1;
}

void byok_pairs_clear(struct byok_pairs *pairs)
{
    OPENSSL_clear_free(pairs->data, pairs->len);
    pairs->data = NULL;
    pairs->len = 0;
}

struct byok_view byok_pairs_encoded(const struct byok_pairs *pairs)
{
    struct byok_view view = {no_pairs, sizeof no_pairs};

    if (pairs->data != NULL) {
        view.data = pairs->data;
        view.len = pairs->len;
    }
    return view;
}
