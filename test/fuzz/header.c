/*
 * A header: peeked at in every length, parsed, and written again, which must give the same bytes.
 */
#include "envelope/header.h"

#include "test/fuzz/fuzz.h"

static int peek(const uint8_t *data, size_t len, size_t *header_len, struct byok_status *status)
{
    uint8_t *copy = exact(data, len);
    int ok = byok_header_peek(copy, len, header_len, status);

    free(copy);
    return ok;
}

/* Returns the header's length, or 0 when there is none. */
static size_t peek_in_steps(const uint8_t *data, size_t size)
{
    size_t len, header_len, told = 0;
    int reason = 0;

    for (len = 0; len <= size && len <= 2 * BYOK_HEADER_PREFIX; len++) {
        struct byok_status status = BYOK_STATUS_INIT;
        int ok = peek(data, len, &header_len, &status);

        REQUIRE(ok == (status.reason == 0));
        REQUIRE(reason == 0 || status.reason == reason); /* a prefix has told already */
        REQUIRE(told == 0 || header_len == told);
        reason = status.reason;
        if (!ok)
            continue;
        REQUIRE(len >= BYOK_HEADER_PREFIX || header_len == 0);
        REQUIRE(len < BYOK_HEADER_PREFIX
                || (header_len >= 128 && header_len <= BYOK_HEADER_MAX && header_len % 64 == 0));
        told = header_len;
    }
    return reason == 0 ? told : 0;
}

static void write_again(const struct byok_header *header, const uint8_t *data, size_t len)
{
    struct byok_status status = BYOK_STATUS_INIT;
    uint8_t *again = malloc(len);
    size_t needed;

    REQUIRE(again != NULL);
    REQUIRE(byok_header_size(header->stanzas, header->stanza_count, &needed, &status));
    REQUIRE(len >= needed || (needed == 320 && len >= 128));
    byok_header_write(again, len, header->salt, header->commitment, header->stanzas,
                      header->stanza_count);
    REQUIRE(memcmp(again, data, len) == 0); /* there is one spelling of everything */
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct byok_status status = BYOK_STATUS_INIT;
    struct byok_header header;
    size_t len = peek_in_steps(data, size);
    uint8_t *copy;

    if (len == 0 || len > size)
        return 0;
    copy = exact(data, len);
    if (byok_header_parse(&header, copy, len, &status)) {
        REQUIRE(header.stanza_count >= 1 && header.stanza_count <= BYOK_STANZAS_MAX);
        write_again(&header, copy, len);
    } else {
        REQUIRE(status.reason == BYOK_R_BAD_HEADER && status.text[0] != '\0'
                && is_printable(status.text));
    }
    free(copy);
    return 0;
}
