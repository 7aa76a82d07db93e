#include "envelope/output.h"

#include <stddef.h>
#include <string.h>

void byok_output_init(struct byok_output *output)
{
    memset(output, 0, offsetof(struct byok_output, queue));
}

/* Moves as much as fits out of the queue. */
static void drain(struct byok_output *output)
{
    size_t n = output->queued < output->room ? output->queued : output->room;

    if (n == 0)
        return;
    memcpy(output->out, output->queue + output->head, n);
    output->out += n;
    output->room -= n;
    output->written += n;
    output->queued -= n;
    output->head = output->queued == 0 ? 0 : output->head + n;
}

void byok_output_begin(struct byok_output *output, unsigned char *out, size_t room)
{
    output->out = out;
    output->room = room;
    output->written = 0;
    drain(output);
}

size_t byok_output_end(struct byok_output *output)
{
    size_t written;

    drain(output);
    written = output->written;
    output->out = NULL;
    output->room = output->written = 0;
    return written;
}

/* What doesn't fit the caller's buffer as a whole goes through the queue: a second call of the
 * cipher is dearer than a copy. */
static int direct(const struct byok_output *output, size_t len)
{
    return output->queued == 0 && len <= output->room;
}

unsigned char *byok_output_place(struct byok_output *output, size_t len)
{
    if (direct(output, len))
        return output->out;
    if (len > sizeof output->queue - output->queued)
        return NULL;
    if (output->head + output->queued + len > sizeof output->queue) {
        memmove(output->queue, output->queue + output->head, output->queued);
        output->head = 0;
    }
    return output->queue + output->head + output->queued;
}

void byok_output_advance(struct byok_output *output, size_t len)
{
    if (direct(output, len)) {
        output->out += len;
        output->room -= len;
        output->written += len;
        return;
    }
    output->queued += len;
    if (output->head + output->queued > output->used)
        output->used = output->head + output->queued;
}

int byok_output_put(struct byok_output *output, const unsigned char *data, size_t len)
{
    unsigned char *place;

    if (len == 0)
        return 1;
    place = byok_output_place(output, len);
    if (place == NULL)
        return 0;
    memcpy(place, data, len);
    byok_output_advance(output, len);
    return 1;
}

void byok_output_clear(struct byok_output *output, int secret)
{
    if (secret)
        explicit_bzero(output->queue, output->used);
    output->head = output->queued = output->used = 0;
    (void)byok_output_end(output);
}
