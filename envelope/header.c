#include "envelope/header.h"

#include <string.h>

enum {
    AT_VERSION = 4,
    AT_SUITE = 5,
    AT_LENGTH = 6,
    AT_SALT = 8,
    AT_COMMITMENT = 40,
    AT_COUNT = 72,
    AT_STANZAS = 73
};

#define VERSION_1    1
#define HEADER_MIN   128
#define HEADER_USUAL 320 /* what a writer makes at least: room for another wrap in its place */
#define HEADER_STEP  64
#define STANZA_ROUTE (1 + BYOK_KEK_ID_BYTES) /* what stanzas are ordered by */
#define STANZA_FIXED (STANZA_ROUTE + 2)

static const char magic[] = "BYOK", magic_base64[] = "QllPSw", text_form[] = "byok:v1:";

/* Whether the bytes agree with `text` as far as both go. */
static int begins(const unsigned char *data, size_t len, const char *text)
{
    size_t text_len = strlen(text);

    return memcmp(data, text, len < text_len ? len : text_len) == 0;
}

int byok_header_peek(const unsigned char *data, size_t len, size_t *header_len,
                     struct byok_status *status)
{
    *header_len = 0;
    if (len == 0)
        return 1;
    if (begins(data, len, magic_base64))
        return len < strlen(magic_base64)
               || byok_fail(status, BYOK_R_TEXT_FORM, "it is base64 of one");
    if (begins(data, len, text_form))
        return len < strlen(text_form)
               || byok_fail(status, BYOK_R_TEXT_FORM, "it begins with \"%s\"", text_form);
    if (!begins(data, len, magic))
        return byok_fail(status, BYOK_R_NOT_SEALED, "its first bytes are others");
    if (len > AT_VERSION && data[AT_VERSION] != VERSION_1)
        return byok_fail(status, BYOK_R_UNSUPPORTED_VERSION, "version %d; this byok knows 1",
                         data[AT_VERSION]);
    if (len > AT_SUITE && data[AT_SUITE] != BYOK_SUITE_1)
        return byok_fail(status, BYOK_R_UNSUPPORTED_SUITE, "suite %d; this byok knows 1",
                         data[AT_SUITE]);
    if (len < BYOK_HEADER_PREFIX)
        return 1;
    *header_len = byok_get_u16(data + AT_LENGTH);
    if (*header_len < HEADER_MIN || *header_len > BYOK_HEADER_MAX || *header_len % HEADER_STEP != 0)
        return byok_fail(status, BYOK_R_BAD_HEADER,
                         "its length %zu is no multiple of %d from %d to %d", *header_len,
                         HEADER_STEP, HEADER_MIN, BYOK_HEADER_MAX);
    return 1;
}

int byok_header_ended(const unsigned char *data, size_t len, struct byok_status *status)
{
    return begins(data, len, magic)
               ? byok_fail(status, BYOK_R_TRUNCATED, "it ends within its header, after %zu bytes",
                           len)
               : byok_fail(status, BYOK_R_NOT_SEALED, "its first bytes are others");
}

/* Reads the stanza at *p and moves on behind it. */
static int stanza_parse(struct byok_stanza *stanza, const unsigned char **p,
                        const unsigned char *end, struct byok_status *status)
{
    size_t left = (size_t)(end - *p);

    if (left < STANZA_FIXED)
        return byok_fail(status, BYOK_R_BAD_HEADER, "its stanzas do not fit into it");
    stanza->backend = (*p)[0];
    memcpy(stanza->kek_id, *p + 1, sizeof stanza->kek_id);
    stanza->wrap.len = byok_get_u16(*p + STANZA_ROUTE);
    stanza->wrap.data = *p + STANZA_FIXED;
    if (stanza->backend == 0 || stanza->backend > BYOK_BACKENDS_MAX)
        return byok_fail(status, BYOK_R_BAD_HEADER, "a stanza has the unknown backend %d",
                         stanza->backend);
    if (stanza->wrap.len == 0 || stanza->wrap.len > left - STANZA_FIXED)
        return byok_fail(status, BYOK_R_BAD_HEADER,
                         "a stanza's wrap of %zu bytes does not fit into it", stanza->wrap.len);
    *p += STANZA_FIXED + stanza->wrap.len;
    return 1;
}

static int all_zero(const unsigned char *p, const unsigned char *end)
{
    return p == end || (*p == 0 && memcmp(p, p + 1, (size_t)(end - p) - 1) == 0);
}

int byok_header_parse(struct byok_header *header, const unsigned char *data, size_t len,
                      struct byok_status *status)
{
    const unsigned char *p = data + AT_STANZAS, *end = data + len, *previous = NULL, *start;
    size_t i;

    header->salt = data + AT_SALT;
    header->commitment = data + AT_COMMITMENT;
    header->stanza_count = data[AT_COUNT];
    if (header->stanza_count < 1 || header->stanza_count > BYOK_STANZAS_MAX)
        return byok_fail(status, BYOK_R_BAD_HEADER, "it has %zu stanzas, not 1 to %d",
                         header->stanza_count, BYOK_STANZAS_MAX);
    for (i = 0; i < header->stanza_count; i++) {
        start = p;
        if (!stanza_parse(&header->stanzas[i], &p, end, status))
            return 0;
        if (previous != NULL && memcmp(previous, start, STANZA_ROUTE) >= 0)
            return byok_fail(status, BYOK_R_BAD_HEADER,
                             "its stanzas are not in strictly ascending order");
        previous = start;
    }
    return all_zero(p, end)
           || byok_fail(status, BYOK_R_BAD_HEADER, "what follows its stanzas is not zero");
}

int byok_header_size(const struct byok_stanza *stanzas, size_t count, size_t *len,
                     struct byok_status *status)
{
    size_t i, used = AT_STANZAS;

    for (i = 0; i < count; i++)
        used += STANZA_FIXED + stanzas[i].wrap.len;
    used = (used + HEADER_STEP - 1) / HEADER_STEP * HEADER_STEP;
    *len = used < HEADER_USUAL ? HEADER_USUAL : used;
    return *len <= BYOK_HEADER_MAX
           || byok_fail(status, BYOK_R_TOO_LARGE, "%zu wraps need a header of more than %d bytes",
                        count, BYOK_HEADER_MAX);
}

void byok_header_write(unsigned char *out, size_t len, const unsigned char salt[BYOK_SALT_BYTES],
                       const unsigned char commitment[BYOK_COMMITMENT_BYTES],
                       const struct byok_stanza *stanzas, size_t count)
{
    unsigned char *p = out + AT_STANZAS;
    size_t i;

    memset(out, 0, len);
    memcpy(out, magic, sizeof magic - 1);
    out[AT_VERSION] = VERSION_1;
    out[AT_SUITE] = BYOK_SUITE_1;
    byok_put_u16(out + AT_LENGTH, (uint16_t)len);
    memcpy(out + AT_SALT, salt, BYOK_SALT_BYTES);
    memcpy(out + AT_COMMITMENT, commitment, BYOK_COMMITMENT_BYTES);
    out[AT_COUNT] = (unsigned char)count;
    for (i = 0; i < count; i++) {
        p[0] = stanzas[i].backend;
        memcpy(p + 1, stanzas[i].kek_id, BYOK_KEK_ID_BYTES);
        byok_put_u16(p + STANZA_ROUTE, (uint16_t)stanzas[i].wrap.len);
        memcpy(p + STANZA_FIXED, stanzas[i].wrap.data, stanzas[i].wrap.len);
        p += STANZA_FIXED + stanzas[i].wrap.len;
    }
}
