#include "envelope/context.h"

#include <openssl/crypto.h>
#include <string.h>

/* SHA-256 of six zero bytes: a message without pairs and AAD, which most are. */
static const unsigned char empty_digest[BYOK_SHA256_BYTES] = {
    0xb0, 0xf6, 0x6a, 0xdc, 0x83, 0x64, 0x15, 0x86, 0x65, 0x68, 0x66, 0x81, 0x3f, 0xd9, 0xdd, 0x0b,
    0x8e, 0xbb, 0x63, 0x79, 0x60, 0x75, 0x66, 0x1b, 0xa4, 0x5d, 0x1a, 0xa8, 0x08, 0x9e, 0x1d, 0x44,
};

static int aad_reserve(struct byok_context *context, size_t needed, struct byok_status *status)
{
    size_t room = context->aad_room == 0 ? 64 : context->aad_room;
    unsigned char *aad;

    while (room < needed)
        room *= 2;
    if (room == context->aad_room)
        return 1;
    aad = OPENSSL_clear_realloc(context->aad, context->aad_room, room);
    if (aad == NULL)
        return byok_fail_memory(status);
    context->aad = aad;
    context->aad_room = room;
    return 1;
}

int byok_context_add_aad(struct byok_context *context, const unsigned char *data, size_t len,
                         struct byok_status *status)
{
    if (len > BYOK_AAD_MAX - context->aad_len)
        return byok_fail(status, BYOK_R_BAD_CONTEXT, "the AAD has more than %d bytes",
                         BYOK_AAD_MAX);
    if (len == 0)
        return 1;
    if (!aad_reserve(context, context->aad_len + len, status))
        return 0;
    memcpy(context->aad + context->aad_len, data, len);
    context->aad_len += len;
    return 1;
}

void byok_context_drop_aad(struct byok_context *context)
{
    if (context->aad == NULL)
        return;
    OPENSSL_clear_free(context->aad, context->aad_room);
    context->aad = NULL;
    context->aad_len = context->aad_room = 0;
}

int byok_context_digest(const struct byok_context *context, const struct byok_crypto *crypto,
                        unsigned char out[BYOK_SHA256_BYTES], struct byok_status *status)
{
    unsigned char aad_len[4];
    struct byok_view parts[] = {byok_pairs_encoded(&context->pairs),
                                {aad_len, sizeof aad_len},
                                {context->aad, context->aad_len}};

    if (context->pairs.data == NULL && context->aad_len == 0) {
        memcpy(out, empty_digest, sizeof empty_digest);
        return 1;
    }
    byok_put_u32(aad_len, (uint32_t)context->aad_len);
    return byok_sha256(crypto, parts, sizeof parts / sizeof *parts, out, status);
}

int byok_context_copy(struct byok_context *to, const struct byok_context *from,
                      struct byok_status *status)
{
    byok_context_drop_aad(to);
    return byok_pairs_copy(&to->pairs, &from->pairs, status)
           && byok_context_add_aad(to, from->aad, from->aad_len, status);
}

void byok_context_clear(struct byok_context *context)
{
    byok_context_drop_aad(context);
    byok_pairs_clear(&context->pairs);
}
