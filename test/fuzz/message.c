#include "test/fuzz/message.h"

#include "test/fuzz/fuzz.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#define PAGE 4096
#define TAG  16

enum { AT_LENGTH = 6, AT_SALT = 8, AT_COMMITMENT = 40, AT_COUNT = 72, AT_STANZAS = 73 };

const unsigned char message_kek[32] = "the fuzzers' KEK, of 32 bytes ..";
const char message_context[] = "a=b", message_aad[] = "xyz";

static const unsigned char dek[64] =
    "the data key of every message is this one, or a part of it ....";
static const unsigned char bound_c[] = "\0\1\0\1a\0\1b\0\0\0\3xyz"; /* C of doc/format.md */

static void hmac(const unsigned char key[32], const void *label, size_t label_len, const void *rest,
                 size_t len, unsigned char out[64])
{
    unsigned char data[256];

    REQUIRE(label_len + len <= sizeof data);
    memcpy(data, label, label_len);
    if (len > 0)
        memcpy(data + label_len, rest, len);
    REQUIRE(
        EVP_Q_mac(NULL, "HMAC", NULL, "SHA512", NULL, key, 32, data, label_len + len, out, 64, NULL)
        != NULL);
}

/* Encrypts in[0..len) and appends the tag. */
static void gcm(const unsigned char *key, const unsigned char *nonce, const unsigned char *in,
                size_t len, unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    REQUIRE(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce)
            && EVP_EncryptUpdate(ctx, out, &n, in, (int)len)
            && EVP_EncryptFinal_ex(ctx, out + n, &n)
            && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + len));
    EVP_CIPHER_CTX_free(ctx);
}

/* T of doc/format.md: the message key, then the commitment. */
static void derive(const unsigned char *salt, int bound, unsigned char t[64])
{
    unsigned char info[66] = {1}; /* the suite, the salt, the digest of C, and HKDF's counter */

    memcpy(info + 1, salt, 32);
    SHA256(bound ? bound_c : (const unsigned char *)"\0\0\0\0\0\0", bound ? sizeof bound_c - 1 : 6,
           info + 33);
    info[65] = 1;
    hmac(dek, "byok/v1", 7, info, sizeof info, t);
}

static void put_u16(unsigned char *p, size_t v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
}

/* A stanza of the KEK's own; returns what follows it. */
static unsigned char *own_stanza(unsigned char *p, size_t dek_len)
{
    unsigned char mac[64], r_b[24 + 32], s[64];

    REQUIRE(dek_len <= sizeof dek);
    hmac(message_kek, "byok/kek-id/v1", 14, NULL, 0, mac);
    *p++ = 1;
    memcpy(p, mac, 16);
    put_u16(p + 16, dek_len + 24 + TAG);
    p += 18;
    memset(r_b, 'r', 24);
    SHA256((const unsigned char *)"byok/bind/v1\3dek\0\0", 18, r_b + 24);
    hmac(message_kek, "byok/wrap/v1", 12, r_b, sizeof r_b, s);
    memcpy(p, r_b, 24);
    gcm(s, s + 32, dek, dek_len, p + 24);
    return p + dek_len + 24 + TAG;
}

/* A stanza that sorts before (id of zeros) or behind (another backend) the KEK's own. */
static unsigned char *other_stanza(unsigned char *p, int backend, int id)
{
    *p++ = (unsigned char)backend;
    memset(p, 0, 16);
    p[15] = (unsigned char)id;
    put_u16(p + 16, 20);
    memset(p + 18, 'w', 20);
    return p + 18 + 20;
}

/* Seals `plain` bytes of the pattern after the header; returns how many bytes that takes. */
static size_t seal_pages(unsigned char *out, const unsigned char *key, size_t plain)
{
    unsigned char page[PAGE], nonce[12] = {0}, *start = out;
    size_t done = 0, i, n;
    unsigned int number;

    for (number = 0;; number++) {
        n = plain - done < PAGE ? plain - done : PAGE;
        for (i = 0; i < n; i++)
            page[i] = (unsigned char)((done + i) % 251);
        put_u16(nonce + 10, number);
        gcm(key, nonce, page, n, out);
        out += n + TAG;
        done += n;
        if (n < PAGE)
            return (size_t)(out - start);
    }
}

void message_make(struct message *message, const struct message_plan *plan)
{
    unsigned char *p = message->bytes + AT_STANZAS, t[64];
    int i;

    REQUIRE(plan->header + plan->plaintext + (plan->plaintext / PAGE + 1) * TAG <= MESSAGE_MAX);
    memset(message->bytes, 0, plan->header);
    memcpy(message->bytes, "BYOK\1\1", 6);
    put_u16(message->bytes + AT_LENGTH, plan->header);
    memset(message->bytes + AT_SALT, 's', 32);
    message->bytes[AT_COUNT] = (unsigned char)(plan->before + 1 + plan->after);
    for (i = 0; i < plan->before; i++)
        p = other_stanza(p, 1, i);
    p = own_stanza(p, plan->dek);
    for (i = 0; i < plan->after; i++)
        p = other_stanza(p, 2, i);
    REQUIRE((size_t)(p - message->bytes) <= plan->header);
    derive(message->bytes + AT_SALT, plan->bound, t);
    memcpy(message->bytes + AT_COMMITMENT, t + 32, 32);
    message->len = plan->header + seal_pages(message->bytes + plan->header, t, plan->plaintext);
}

/* The plaintext that `len` bytes of pages hold, or SIZE_MAX where they end within a tag. */
static size_t plaintext_of(size_t len)
{
    size_t last = len % (PAGE + TAG);

    return last < TAG ? SIZE_MAX : len / (PAGE + TAG) * PAGE + last - TAG;
}

void message_repair(struct message *message, int bound, int commitment, int pages)
{
    unsigned char t[64];
    size_t header, plain;

    if (message->len < AT_STANZAS)
        return;
    derive(message->bytes + AT_SALT, bound, t);
    if (commitment)
        memcpy(message->bytes + AT_COMMITMENT, t + 32, 32);
    header = (size_t)message->bytes[AT_LENGTH] << 8 | message->bytes[AT_LENGTH + 1];
    if (!pages || header < AT_STANZAS || header > message->len)
        return;
    plain = plaintext_of(message->len - header);
    if (plain != SIZE_MAX)
        (void)seal_pages(message->bytes + header, t, plain);
}
