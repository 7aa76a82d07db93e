/*
 * Where a stream's bytes go: straight into the caller's buffer while it has room, and into a queue,
 * which goes first the next time, when not.
 */
#ifndef BYOK_ENVELOPE_OUTPUT_H
#define BYOK_ENVELOPE_OUTPUT_H

#include <stddef.h>

/* more than a stream ever leaves queued: BYOK_FINAL_MAX (stream.h) and a page */
#define BYOK_QUEUE_BYTES 8192

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

/* Takes the buffer away again; returns how many bytes were written there. */
size_t byok_output_end(struct byok_output *output);

/* Where the next bytes go, and, in *len (in: how many are wanted, at least 1), how many of them fit
 * there; NULL when the queue is full. */
unsigned char *byok_output_place(struct byok_output *output, size_t *len);

/* Says that `len` bytes were written at byok_output_place(). */
void byok_output_advance(struct byok_output *output, size_t len);

/* Copies `len` bytes out; 0 when the queue can't take them. */
int byok_output_put(struct byok_output *output, const unsigned char *data, size_t len);

/* Forgets what is queued; wipes all that ever was, if it is secret. */
void byok_output_clear(struct byok_output *output, int secret);

#endif
