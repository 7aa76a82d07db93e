/*
 * name=value pairs: the context of a message, and a KEK's own. Read from text, kept in the encoding
 * P of doc/format.md, which is what enters the keys and the wraps.
 */
#ifndef BYOK_BASE_PAIRS_H
#define BYOK_BASE_PAIRS_H

#include "base/bytes.h"
#include "base/status.h"

#include <stddef.h>

#define BYOK_PAIRS_COUNT_MAX 64
#define BYOK_PAIRS_NAME_MAX  255  /* bytes */
#define BYOK_PAIRS_VALUE_MAX 4096 /* bytes */
#define BYOK_PAIRS_BYTES_MAX 8192 /* of the encoding */

struct byok_pairs {
    unsigned char *data; /* owned; NULL stands for no pairs, as in a zeroed structure */
    size_t len;
};

/*
 * Reads "name=value,name=value": percent-encoded (RFC 3986, section 2.1) where needed, blanks
 * around names and values ignored, the first '=' ends the name; "" gives no pairs. On failure
 * (BYOK_R_BAD_CONTEXT, BYOK_R_OUT_OF_MEMORY) `pairs` stays as it was; else its old content is
 * freed.
 */
int byok_pairs_parse(struct byok_pairs *pairs, const char *text, size_t len,
                     struct byok_status *status);

int byok_pairs_copy(struct byok_pairs *to, const struct byok_pairs *from,
                    struct byok_status *status);
void byok_pairs_clear(struct byok_pairs *pairs);

/* The encoding P, also when there are no pairs. */
struct byok_view byok_pairs_encoded(const struct byok_pairs *pairs);

#endif
