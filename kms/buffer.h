/*
 * A request or a reply on its way: bytes that may hold a data key, so they are wiped when the
 * buffer goes.
 */
#ifndef BYOK_KMS_BUFFER_H
#define BYOK_KMS_BUFFER_H

#include "base/bytes.h"
#include "base/status.h"

#define BYOK_BUFFER_MAX 65536 /* bytes: no request and no reply is longer */

struct byok_buffer {
    unsigned char *data;
    size_t len, capacity;
};

#define BYOK_BUFFER_INIT                                                                           \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Appends; fails with BYOK_R_BAD_REPLY past BYOK_BUFFER_MAX. */
int byok_buffer_append(struct byok_buffer *buffer, const void *data, size_t len,
                       struct byok_status *status);

/* Wipes and frees the content. */
void byok_buffer_clear(struct byok_buffer *buffer);

#endif
