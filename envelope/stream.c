#include "envelope/stream.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <string.h>

struct byok_stream *byok_stream_new(const struct byok_crypto *crypto, struct byok_status *status)
{
    struct byok_stream *stream = OPENSSL_malloc(sizeof *stream);

    if (stream == NULL) {
        byok_fail_memory(status);
        return NULL;
    }
    memset(stream, 0, offsetof(struct byok_stream, output));
    byok_output_init(&stream->output);
    stream->crypto = crypto;
    stream->keys = byok_secret_new(crypto->arena, status);
    if (stream->keys != NULL)
        return stream;
    OPENSSL_free(stream);
    return NULL;
}

/* Wipes as much as was used: a small message shouldn't pay for a page. With explicit_bzero(), which
 * is many times as fast as OPENSSL_cleanse() on plaintext in these amounts. */
static void wipe_plaintext(struct byok_stream *stream)
{
    size_t used =
        stream->bytes < sizeof stream->plain ? (size_t)stream->bytes : sizeof stream->plain;

    if (!stream->sealing)
        explicit_bzero(stream->plain, used);
    byok_output_clear(&stream->output, !stream->sealing);
    stream->bytes = 0;
}

void byok_stream_reset(struct byok_stream *stream)
{
    byok_data_key_free(stream->key);
    stream->key = NULL;
    stream->phase = BYOK_STREAM_IDLE;
    stream->in_page = stream->header_len = stream->header_have = 0;
    wipe_plaintext(stream);
    byok_pager_clear(&stream->pager);
}

void byok_stream_free(struct byok_stream *stream)
{
    if (stream == NULL)
        return;
    byok_stream_reset(stream);
    byok_secret_free(stream->crypto->arena, stream->keys);
    OPENSSL_free(stream);
}

struct byok_stream *byok_stream_copy(const struct byok_stream *from, struct byok_status *status)
{
    struct byok_stream *to = byok_stream_new(from->crypto, status);
    struct byok_secret *keys;

    if (to == NULL)
        return NULL;
    keys = to->keys;
    memcpy(to, from, sizeof *to);
    to->keys = keys;
    memset(&to->pager, 0, sizeof to->pager);
    if (to->key != NULL)
        byok_data_key_up_ref(to->key);
    if (byok_pager_copy(&to->pager, &from->pager, status))
        return to;
    byok_stream_free(to);
    return NULL;
}

/* Ends a message that went well. The cipher's state stays for the next one, which brings its own
 * key. */
static void finish(struct byok_stream *stream)
{
    byok_data_key_free(stream->key);
    stream->key = NULL;
    stream->phase = BYOK_STREAM_IDLE;
    wipe_plaintext(stream);
}

/* Derives the message key and starts the pages with it; the commitment goes to `commitment`, or is
 * compared with `expected`. */
static int start_pages(struct byok_stream *stream, const struct byok_context *context,
                       const unsigned char *salt, unsigned char *commitment,
                       const unsigned char *expected, struct byok_status *status)
{
    const struct byok_crypto *crypto = stream->crypto;
    struct byok_secret *keys = stream->keys;
    unsigned char digest[BYOK_SHA256_BYTES];
    int ok = byok_context_digest(context, crypto, digest, status)
             && byok_data_key_derive(stream->key, BYOK_SUITE_1, salt, digest, keys, status);

    if (ok && expected != NULL
        && CRYPTO_memcmp(keys->bytes + BYOK_KEY_BYTES, expected, BYOK_COMMITMENT_BYTES) != 0)
        ok = byok_fail(status, BYOK_R_CONTEXT_MISMATCH, "the commitment differs");
    if (ok && commitment != NULL)
        memcpy(commitment, keys->bytes + BYOK_KEY_BYTES, BYOK_COMMITMENT_BYTES);
    ok = ok && byok_pager_start(&stream->pager, crypto, keys->bytes, stream->sealing, status);
    OPENSSL_cleanse(keys, sizeof *keys);
    stream->phase = BYOK_STREAM_PAGES;
    stream->in_page = 0;
    stream->bytes = 0;
    return ok;
}

int byok_stream_begin_sealing(struct byok_stream *stream, struct byok_data_key *key,
                              const struct byok_context *context,
                              const unsigned char salt[BYOK_SALT_BYTES], struct byok_status *status)
{
    unsigned char commitment[BYOK_COMMITMENT_BYTES], *header;
    size_t len;

    stream->sealing = 1;
    stream->key = key;
    if (!byok_header_size(&key->stanza, 1, &len, status)
        || !start_pages(stream, context, salt, commitment, NULL, status))
        return 0;
    header = byok_output_place(&stream->output, len);
    if (header == NULL)
        return byok_fail(status, BYOK_R_INTERNAL, "the queue is full");
    byok_header_write(header, len, salt, commitment, &key->stanza, 1);
    byok_output_advance(&stream->output, len);
    return 1;
}

void byok_stream_begin_opening(struct byok_stream *stream)
{
    stream->sealing = 0;
    stream->phase = BYOK_STREAM_HEADER;
    stream->in_page = stream->header_len = stream->header_have = 0;
}

/* How much an update may emit, when `all` bytes will have been made by its end and `held` more may
 * be made of what is held back until then. */
static int emission(size_t in_len, size_t all, size_t held, size_t out_size, size_t *room,
                    struct byok_status *status)
{
    size_t most = in_len + BYOK_UPDATE_EXTRA;

    if (all + held > most + BYOK_FINAL_MAX)
        most = all + held - BYOK_FINAL_MAX;
    *room = most < all ? most : all;
    return *room <= out_size
           || byok_fail(status, BYOK_R_OUTPUT_TOO_SMALL, "an update needs %zu bytes, not %zu",
                        *room, out_size);
}

/* Seals one run of bytes within a page. */
static int seal_run(struct byok_stream *stream, const unsigned char *in, size_t *len,
                    struct byok_status *status)
{
    unsigned char tag[BYOK_GCM_TAG_BYTES], *place;

    if (stream->in_page == 0 && !byok_page_begin(&stream->pager, status))
        return 0;
    if (*len > BYOK_PAGE_BYTES - stream->in_page)
        *len = BYOK_PAGE_BYTES - stream->in_page;
    place = byok_output_place(&stream->output, *len);
    if (place == NULL)
        return byok_fail(status, BYOK_R_INTERNAL, "the queue is full");
    if (!byok_page_encrypt(&stream->pager, place, in, *len, status))
        return 0;
    byok_output_advance(&stream->output, *len);
    stream->in_page += *len;
    if (stream->in_page < BYOK_PAGE_BYTES)
        return 1;
    stream->in_page = 0;
    return byok_page_end(&stream->pager, tag, status)
           && (byok_output_put(&stream->output, tag, sizeof tag)
               || byok_fail(status, BYOK_R_INTERNAL, "the queue is full"));
}

static int overlap(const unsigned char *a, size_t a_len, const unsigned char *b, size_t b_len)
{
    return a < b + b_len && b < a + a_len;
}

/* One update's input and output, set apart where they overlap. */
struct exchange {
    const unsigned char *in;
    size_t in_len;
    unsigned char *out;
    size_t out_size;
    unsigned char *copy; /* of what was left of the input when it was set apart; owned */
    size_t copy_len;
};

/* Says how much of the output will be used; what is left of the input is copied if it lies there.
 */
static int use_output(struct byok_stream *stream, struct exchange *x, size_t room,
                      struct byok_status *status)
{
    if (x->in_len > 0 && overlap(x->out, room, x->in, x->in_len)) {
        x->copy_len = x->in_len;
        x->copy = OPENSSL_memdup(x->in, x->in_len);
        if (x->copy == NULL)
            return byok_fail_memory(status);
        x->in = x->copy;
    }
    byok_output_begin(&stream->output, x->out, room);
    return 1;
}

static int seal_update(struct byok_stream *stream, struct exchange *x, struct byok_status *status)
{
    size_t pages = (stream->in_page + x->in_len) / BYOK_PAGE_BYTES, made, room, done, n;

    if (x->in_len > BYOK_UPDATE_MAX)
        return byok_fail(status, BYOK_R_UPDATE_TOO_LONG, "it has %zu bytes", x->in_len);
    made = stream->output.queued + x->in_len + pages * BYOK_GCM_TAG_BYTES;
    if (!emission(x->in_len, made, BYOK_GCM_TAG_BYTES, x->out_size, &room, status)
        || !use_output(stream, x, room, status))
        return 0;
    stream->bytes += x->in_len;
    for (done = 0; done < x->in_len; done += n) {
        n = x->in_len - done;
        if (!seal_run(stream, x->in + done, &n, status))
            return 0;
    }
    return 1;
}

/* Moves what is missing to `wanted` bytes in `pending`, of which *have are there, from the input.
 */
static void gather(struct byok_stream *stream, size_t *have, size_t wanted, struct exchange *x)
{
    size_t n = wanted - *have < x->in_len ? wanted - *have : x->in_len;

    if (n == 0)
        return;
    memcpy(stream->pending + *have, x->in, n);
    *have += n;
    x->in += n;
    x->in_len -= n;
}

static int header_open(struct byok_stream *stream, const struct byok_stream_source *source,
                       struct byok_status *status)
{
    struct byok_header header;

    if (!byok_header_parse(&header, stream->pending, stream->header_len, status))
        return 0;
    stream->key = source->find(source->arg, &header, status);
    return stream->key != NULL
           && start_pages(stream, source->context, header.salt, NULL, header.commitment, status);
}

/* Takes the header, or as much of it as there is, from the input. */
static int header_update(struct byok_stream *stream, const struct byok_stream_source *source,
                         struct exchange *x, struct byok_status *status)
{
    if (stream->header_len == 0) {
        gather(stream, &stream->header_have, BYOK_HEADER_PREFIX, x);
        if (!byok_header_peek(stream->pending, stream->header_have, &stream->header_len, status))
            return 0;
    }
    if (stream->header_len == 0)
        return 1;
    gather(stream, &stream->header_have, stream->header_len, x);
    return stream->header_have < stream->header_len || header_open(stream, source, status);
}

/* Opens a page and emits its plaintext. */
static int open_page(struct byok_stream *stream, const unsigned char *page, size_t len,
                     struct byok_status *status)
{
    stream->bytes += len - BYOK_GCM_TAG_BYTES;
    return byok_page_open(&stream->pager, stream->plain, page, len, status)
           && (byok_output_put(&stream->output, stream->plain, len - BYOK_GCM_TAG_BYTES)
               || byok_fail(status, BYOK_R_INTERNAL, "the queue is full"));
}

/* Full pages are never the last, so they are opened as soon as they are there. */
static int pages_update(struct byok_stream *stream, struct exchange *x, struct byok_status *status)
{
    while (stream->in_page + x->in_len >= BYOK_PAGE_SEALED) {
        const unsigned char *page = x->in;

        if (stream->in_page > 0) {
            gather(stream, &stream->in_page, BYOK_PAGE_SEALED, x);
            stream->in_page = 0;
            page = stream->pending;
        } else {
            x->in += BYOK_PAGE_SEALED;
            x->in_len -= BYOK_PAGE_SEALED;
        }
        if (!open_page(stream, page, BYOK_PAGE_SEALED, status))
            return 0;
    }
    gather(stream, &stream->in_page, BYOK_PAGE_SEALED, x);
    return 1;
}

static int open_update(struct byok_stream *stream, const struct byok_stream_source *source,
                       struct exchange *x, struct byok_status *status)
{
    size_t whole = x->in_len, made, held, room;

    if (stream->phase == BYOK_STREAM_HEADER && !header_update(stream, source, x, status))
        return 0;
    if (stream->phase == BYOK_STREAM_HEADER)
        return 1;
    made =
        stream->output.queued + (stream->in_page + x->in_len) / BYOK_PAGE_SEALED * BYOK_PAGE_BYTES;
    held = (stream->in_page + x->in_len) % BYOK_PAGE_SEALED;
    return emission(whole, made, held, x->out_size, &room, status)
           && use_output(stream, x, room, status) && pages_update(stream, x, status);
}

int byok_stream_update(struct byok_stream *stream, const struct byok_stream_source *source,
                       unsigned char *out, size_t out_size, size_t *out_len,
                       const unsigned char *in, size_t in_len, struct byok_status *status)
{
    struct exchange x = {in, in_len, out, out_size, NULL, 0};
    int ok =
        stream->sealing ? seal_update(stream, &x, status) : open_update(stream, source, &x, status);

    *out_len = byok_output_end(&stream->output);
    if (!ok) {
        OPENSSL_cleanse(out, *out_len);
        *out_len = 0;
    }
    OPENSSL_clear_free(x.copy, x.copy_len);
    return ok;
}

int byok_stream_final(struct byok_stream *stream, unsigned char *out, size_t out_size,
                      size_t *out_len, struct byok_status *status)
{
    unsigned char tag[BYOK_GCM_TAG_BYTES];
    size_t needed = stream->output.queued;
    int ok;

    if (stream->phase == BYOK_STREAM_HEADER)
        return byok_header_ended(stream->pending, stream->header_have, status);
    if (!stream->sealing && stream->in_page < BYOK_GCM_TAG_BYTES)
        return byok_fail(status, BYOK_R_TRUNCATED, "it ends before its last page");
    needed += stream->sealing ? BYOK_GCM_TAG_BYTES : stream->in_page - BYOK_GCM_TAG_BYTES;
    if (needed > out_size)
        return byok_fail(status, BYOK_R_OUTPUT_TOO_SMALL, "the final needs %zu bytes, not %zu",
                         needed, out_size);
    byok_output_begin(&stream->output, out, needed);
    if (stream->sealing)
        ok = (stream->in_page > 0 || byok_page_begin(&stream->pager, status))
             && byok_page_end(&stream->pager, tag, status)
             && byok_output_put(&stream->output, tag, sizeof tag);
    else
        ok = open_page(stream, stream->pending, stream->in_page, status);
    *out_len = byok_output_end(&stream->output);
    if (!ok) {
        OPENSSL_cleanse(out, *out_len);
        *out_len = 0;
        return byok_fail(status, BYOK_R_INTERNAL, "the final failed");
    }
    if (stream->sealing)
        atomic_fetch_add(&stream->key->bytes, stream->bytes);
    finish(stream);
    return 1;
}
