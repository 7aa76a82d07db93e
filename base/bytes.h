/*
 * Big-endian integers in byte strings, a view on bytes, and percent-decoding.
 */
#ifndef BYOK_BASE_BYTES_H
#define BYOK_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else. */
struct byok_view {
    const unsigned char *data;
    size_t len;
};

static inline uint16_t byok_get_u16(const unsigned char *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void byok_put_u16(unsigned char *p, uint16_t v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
}

static inline void byok_put_u32(unsigned char *p, uint32_t v)
{
    byok_put_u16(p, (uint16_t)(v >> 16));
    byok_put_u16(p + 2, (uint16_t)v);
}

static inline void byok_put_u64(unsigned char *p, uint64_t v)
{
    byok_put_u32(p, (uint32_t)(v >> 32));
    byok_put_u32(p + 4, (uint32_t)v);
}

/* Ascending order of unsigned bytes, a prefix first: <0, 0 or >0. */
int byok_bytes_compare(const void *a, size_t a_len, const void *b, size_t b_len);

/* Decodes %XX (RFC 3986, section 2.1) of text[0..len) into `out`, which holds `len` bytes or is
 * `text` itself; *out_len is never more. 0 when a '%' has no two hex digits behind it. */
int byok_percent_decode(const char *text, size_t len, unsigned char *out, size_t *out_len);

#endif
