/*
 * A sealed message as a stream, in the steps in which EVP hands over data.
 *
 * What an update or a final emits is bounded for callers that know nothing of this format
 * (doc/evp.md, Emission):
 *  - an update emits at most its input's length + BYOK_UPDATE_EXTRA bytes, unless more than
 * BYOK_FINAL_MAX would then be left for the final;
 *  - a final emits at most BYOK_FINAL_MAX.
 * All input is consumed before a byte that belongs to the same call is written over it: input and
 * output may overlap in any way. When opening, a page's plaintext is emitted only after the page
 * was verified.
 */
#ifndef BYOK_ENVELOPE_STREAM_H
#define BYOK_ENVELOPE_STREAM_H

#include "envelope/context.h"
#include "envelope/data_key.h"
#include "envelope/output.h"
#include "envelope/page.h"

/* Bytes: EVP_MAX_BLOCK_LENGTH, what the manual's example leaves room for. */
#define BYOK_UPDATE_EXTRA 32
/* Bytes: what BIO_f_cipher holds, 4096 + 288. */
#define BYOK_FINAL_MAX 4384
/* Bytes by which an update's output may exceed its input, whatever the rule wants: the block size
 * that the cipher declares. */
#define BYOK_UPDATE_ROOM 65536
/* Bytes: the longest update when sealing. What it and a final emit together stays within its length
 * + BYOK_UPDATE_ROOM, which is all that PHP allocates for both. */
#define BYOK_UPDATE_MAX (15 << 20)

enum byok_stream_phase {
    BYOK_STREAM_IDLE,   /* no message */
    BYOK_STREAM_HEADER, /* opening: the header isn't complete */
    BYOK_STREAM_PAGES,
};

struct byok_stream {
    const struct byok_crypto *crypto;
    enum byok_stream_phase phase;
    int sealing;
    struct byok_data_key *key; /* a reference, while in BYOK_STREAM_PAGES */
    struct byok_secret *keys;  /* where a message's keys are derived; zeros but for that moment */
    struct byok_pager pager;
    uint64_t bytes; /* of plaintext, so far */
    size_t in_page; /* sealing: plaintext bytes in the page at hand; opening: bytes in `pending` */
    /* Opening: the header's length once it is known, and how much of it is in `pending`. */
    size_t header_len, header_have;
    struct byok_output output;
    /* Not zeroed when the stream is made; wiped as far as they were used. Opening: the header, then
     * the page, as far as it is there; and a page that was verified. */
    unsigned char pending[BYOK_PAGE_SEALED];
    unsigned char plain[BYOK_PAGE_BYTES];
};

/* Gives the data key of a parsed header: a reference that becomes the stream's, or NULL with a
 * status. */
typedef struct byok_data_key *byok_stream_key_finder(void *arg, const struct byok_header *header,
                                                     struct byok_status *status);

/* `crypto` outlives the stream. */
struct byok_stream *byok_stream_new(const struct byok_crypto *crypto, struct byok_status *status);

/* A copy of an opening stream, or of an idle one, that goes on by itself. */
struct byok_stream *byok_stream_copy(const struct byok_stream *from, struct byok_status *status);
void byok_stream_free(struct byok_stream *stream);

/* Gives up the message at hand, if any, and wipes what is left of it. */
void byok_stream_reset(struct byok_stream *stream);

/* Begins to seal a message under `key`, a reference that becomes the stream's, also on failure. */
int byok_stream_begin_sealing(struct byok_stream *stream, struct byok_data_key *key,
                              const struct byok_context *context,
                              const unsigned char salt[BYOK_SALT_BYTES],
                              struct byok_status *status);

/* Begins to open a message. */
void byok_stream_begin_opening(struct byok_stream *stream);

/* What an opening stream asks when it has the header. */
struct byok_stream_source {
    byok_stream_key_finder *find;
    void *arg;
    const struct byok_context *context;
};

/*
 * One update of in[0..in_len), at most INT_MAX bytes. Writes at most `out_size` bytes to `out`, how
 * many in *out_len; fails with BYOK_R_OUTPUT_TOO_SMALL where that isn't enough, or, when sealing
 * more than BYOK_UPDATE_MAX, with BYOK_R_UPDATE_TOO_LONG. `source` is used when opening. After a
 * failure the message is lost: reset the stream.
 */
int byok_stream_update(struct byok_stream *stream, const struct byok_stream_source *source,
                       unsigned char *out, size_t out_size, size_t *out_len,
                       const unsigned char *in, size_t in_len, struct byok_status *status);

/* Ends the message; the stream is idle after it. Fails with BYOK_R_OUTPUT_TOO_SMALL, or when
 * opening with BYOK_R_TRUNCATED or _BAD_PAGE. */
int byok_stream_final(struct byok_stream *stream, unsigned char *out, size_t out_size,
                      size_t *out_len, struct byok_status *status);

#endif
