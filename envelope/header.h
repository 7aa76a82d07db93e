/*
 * The header of a sealed message: doc/format.md, Header. Pure functions on bytes.
 */
#ifndef BYOK_ENVELOPE_HEADER_H
#define BYOK_ENVELOPE_HEADER_H

#include "base/crypto.h"
#include "kms/backend.h"

#define BYOK_HEADER_PREFIX    8    /* bytes that tell the header's length */
#define BYOK_HEADER_MAX       3968 /* bytes */
#define BYOK_SALT_BYTES       32
#define BYOK_COMMITMENT_BYTES 32
#define BYOK_SUITE_1          1
#define BYOK_STANZAS_MAX      8
#define BYOK_BACKENDS_MAX     7 /* the highest number in the format's table */

struct byok_stanza {
    unsigned char backend;
    unsigned char kek_id[BYOK_KEK_ID_BYTES];
    struct byok_view wrap;
};

struct byok_header {
    const unsigned char *salt,
        *commitment; /* in the bytes that were parsed, as are the stanzas' wraps */
    size_t stanza_count;
    struct byok_stanza stanzas[BYOK_STANZAS_MAX];
};

/*
 * Looks at the first `len` bytes of a message, as many as there are, and sets *header_len to the
 * header's length, or to 0 while fewer than BYOK_HEADER_PREFIX are there. Fails, as early as it
 * can, with BYOK_R_NOT_SEALED, _TEXT_FORM, _UNSUPPORTED_VERSION, _UNSUPPORTED_SUITE or _BAD_HEADER.
 */
int byok_header_peek(const unsigned char *data, size_t len, size_t *header_len,
                     struct byok_status *status);

/* Fails, when a message ends with the first `len` bytes of its header: with BYOK_R_TRUNCATED, or
 * BYOK_R_NOT_SEALED when they are not even that. */
int byok_header_ended(const unsigned char *data, size_t len, struct byok_status *status);

/* Parses a whole header, whose length byok_header_peek() told. Fails with BYOK_R_BAD_HEADER. */
int byok_header_parse(struct byok_header *header, const unsigned char *data, size_t len,
                      struct byok_status *status);

/* The length of the header that holds these stanzas. Fails with BYOK_R_TOO_LARGE when it would be
 * above BYOK_HEADER_MAX. */
int byok_header_size(const struct byok_stanza *stanzas, size_t count, size_t *len,
                     struct byok_status *status);

/* Writes the header, of the length that byok_header_size() told. The stanzas are in ascending
 * order. */
void byok_header_write(unsigned char *out, size_t len, const unsigned char salt[BYOK_SALT_BYTES],
                       const unsigned char commitment[BYOK_COMMITMENT_BYTES],
                       const struct byok_stanza *stanzas, size_t count);

#endif
