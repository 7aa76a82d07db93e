#include "kms/buffer.h"

#include <openssl/crypto.h>
#include <string.h>

static int grow(struct byok_buffer *buffer, size_t needed, struct byok_status *status)
{
    size_t capacity = buffer->capacity == 0 ? 512 : buffer->capacity;
    unsigned char *data;

    while (capacity < needed)
        capacity *= 2;
    data = OPENSSL_clear_realloc(buffer->data, buffer->capacity, capacity);
    if (data == NULL)
        return byok_fail_memory(status);
    buffer->data = data;
    buffer->capacity = capacity;
    return 1;
}

int byok_buffer_append(struct byok_buffer *buffer, const void *data, size_t len,
                       struct byok_status *status)
{
    if (len > BYOK_BUFFER_MAX - buffer->len)
        return byok_fail(status, BYOK_R_BAD_REPLY, "more than %d bytes", BYOK_BUFFER_MAX);
    if (len == 0)
        return 1;
    if (buffer->len + len > buffer->capacity && !grow(buffer, buffer->len + len, status))
        return 0;
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    return 1;
}

void byok_buffer_clear(struct byok_buffer *buffer)
{
    OPENSSL_clear_free(buffer->data, buffer->capacity);
    buffer->data = NULL;
    buffer->len = buffer->capacity = 0;
}
