#include "envelope/output.h"

#include <openssl/crypto.h>
#include <string.h>

void byok_output_init(struct byok_output *output)
{
    memset(output, 0, offsetof(struct byok_output, queue));
}

void byok_output_begin(struct byok_output *output, unsigned char *out, size_t room)
{
    size_t n = output->queued < room ? output->queued : room;

    output->out = out;
    output->room = room;
    output->written = 0;
    if (n == 0)
        return;
    memcpy(out, output->queue + output->head, n);
    output->out += n;
    output->room -= n;
    output->written = n;
    output->head += n;
    output->queued -= n;
    if (output->queued == 0)
        output->head = 0;
}

size_t byok_output_end(struct byok_output *output)
{
    size_t written = output->written;

    output->out = NULL;
    output->room = output->written = 0;
    return written;
}

unsigned char *byok_output_place(struct byok_output *output, size_t *len)
{
    size_t free_bytes;

    if (output->queued == 0 && output->room > 0) {
        if (*len > output->room)
            *len = output->room;
        return output->out;
    }
    free_bytes = sizeof output->queue - output->queued;
    if (free_bytes == 0)
        return NULL;
    if (*len > free_bytes)
        *len = free_bytes;
    if (output->head + output->queued + *len > sizeof output->queue) {
        memmove(output->queue, output->queue + output->head, output->queued);
        output->head = 0;
    }
    return output->queue + output->head + output->queued;
}

void byok_output_advance(struct byok_output *output, size_t len)
{
    if (output->queued == 0 && output->room > 0) {
        output->out += len;
        output->room -= len;
        output->written += len;
    } else {
        output->queued += len;
        if (output->head + output->queued > output->used)
            output->used = output->head + output->queued;
    }
}

int byok_output_put(struct byok_output *output, const unsigned char *data, size_t len)
{
    unsigned char *place;
    size_t n;

    for (; len > 0; data += n, len -= n) {
        n = len;
        place = byok_output_place(output, &n);
        if (place == NULL)
            return 0;
        memcpy(place, data, n);
        byok_output_advance(output, n);
    }
    return 1;
}

void byok_output_clear(struct byok_output *output, int secret)
{
    if (secret)
        OPENSSL_cleanse(output->queue, output->used);
    output->head = output->queued = output->used = 0;
    (void)byok_output_end(output);
}
