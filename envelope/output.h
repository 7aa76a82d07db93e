/*
 * Where a stream's bytes go: straight into the caller's buffer while it has room, and into a queue,
 * which goes first the next time, when not.
 */
#ifndef BYOK_ENVELOPE_OUTPUT_H
#define BYOK_ENVELOPE_OUTPUT_H

#include <stddef.h>

/* More than a stream ever has queued: what may be left for the final (BYOK_FINAL_MAX, stream.h),
 * and a page with its tag that did not fit the caller's buffer as a whole. */
#define BYOK_QUEUE_BYTES 8512

struct byok_output {
    unsigned char *out; /* the caller's buffer, with `room` bytes left; not touched beyond them */
    size_t room;
    size_t written;
    size_t head, queued;                   /* the queue's first byte and its length */
    size_t used;                           /* bytes of the queue that were ever written */
    unsigned char queue[BYOK_QUEUE_BYTES]; /* not zeroed when made */
};

/* Makes it empty. */
void byok_output_init(struct byok_output *output);

/* Sets the caller's buffer, and moves as much as fits there out of the queue. */
void byok_output_begin(struct byok_output *output, unsigned char *out, size_t room);

/* Fills what room is left in the buffer from the queue and takes the buffer away; returns how many
 * bytes were written there. */
size_t byok_output_end(struct byok_output *output);

/* Where the next `len` bytes go, at least 1; NULL when the queue is full. byok_output_advance() of
 * as many says that they are there. */
unsigned char *byok_output_place(struct byok_output *output, size_t len);
void byok_output_advance(struct byok_output *output, size_t len);

/* Copies `len` bytes out; 0 when the queue can't take them. */
int byok_output_put(struct byok_output *output, const unsigned char *data, size_t len);

/* Forgets what is queued; wipes all that ever was, if it is secret. */
void byok_output_clear(struct byok_output *output, int secret);

#endif
