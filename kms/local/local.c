/*
 * The embedded KEK: 32 raw bytes in a file, for development, tests and a platform's own key. Here
 * the process is its own KMS: exchange() reads the file anew for every operation, so the key is in
 * memory only that long, and removing the file takes it away. Wraps: doc/format.md, local.
 */
#include "base/file.h"
#include "kms/kek.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define R_BYTES 24
/* A wrap, of a data key. */
#define WRAP_BYTES (R_BYTES + BYOK_KEY_BYTES + BYOK_GCM_TAG_BYTES)

struct local {
    char *path;
};

static int local_open(struct byok_kek *kek, const char *reference, void **data,
                      struct byok_status *status)
{
    struct local *local;
    size_t len = strlen(reference);

    if (len < 4 || strncmp(reference, "///", 3) != 0 || strpbrk(reference, "?#") != NULL)
        return byok_fail(status, BYOK_R_BAD_VALUE,
                         "KEK \"%s\": a local uri is local:///absolute/path", kek->name);
    local = OPENSSL_zalloc(sizeof *local);
    if (local == NULL || (local->path = OPENSSL_zalloc(len)) == NULL) {
        OPENSSL_free(local);
        return byok_fail_memory(status);
    }
    *data = local;
    /* Two slashes belong to the URI, so the path with its terminator is shorter than `reference`.
     */
    if (!byok_percent_decode(reference + 2, len - 2, (unsigned char *)local->path, &len)
        || strlen(local->path) != len)
        return byok_fail(status, BYOK_R_BAD_VALUE,
                         "KEK \"%s\": the path in its uri is not properly percent-encoded",
                         kek->name);
    return 1;
}

static void local_close(void *data)
{
    struct local *local = data;

    if (local != NULL)
        OPENSSL_free(local->path);
    OPENSSL_free(local);
}

/* Reads until `size` bytes are there or the file ends; the count, or -1. */
static ssize_t read_all(int fd, unsigned char *out, size_t size)
{
    size_t have = 0;
    ssize_t n;

    while (have < size) {
        n = read(fd, out + have, size - have);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            have += (size_t)n;
    }
    return (ssize_t)have;
}

/* The HMAC keyed with the file's content; NULL with a status. */
static EVP_MAC_CTX *local_key(struct byok_kek *kek, struct byok_status *status)
{
    const struct local *local = kek->backend_data;
    struct byok_secret *key = byok_secret_new(kek->crypto->arena, status);
    EVP_MAC_CTX *keyed = NULL;
    struct stat info;
    ssize_t n;
    int fd = key == NULL
                 ? -1
                 : byok_file_open(local->path, BYOK_FILE_PRIVATE, "key file", &info, status);

    if (fd < 0)
        goto end;
    n = read_all(fd, key->bytes, BYOK_KEY_BYTES + 1);
    if (n < 0)
        byok_fail(status, BYOK_R_UNAVAILABLE, "key file %s cannot be read: %s", local->path,
                  strerror(errno));
    else if (n != BYOK_KEY_BYTES)
        byok_fail(status, BYOK_R_BAD_VALUE,
                  "key file %s does not hold %d bytes; make one with openssl rand -out FILE %d",
                  local->path, BYOK_KEY_BYTES, BYOK_KEY_BYTES);
    else
        keyed = byok_hmac_new(kek->crypto, key, status);
    close(fd);
end:
    byok_secret_free(kek->crypto->arena, key);
    return keyed;
}

/* HMAC-SHA-512(KEK, label || r || binding); the last two may be empty. */
static int local_hmac(const EVP_MAC_CTX *keyed, const char *label, struct byok_view r,
                      struct byok_view bound, struct byok_secret *out, struct byok_status *status)
{
    struct byok_view parts[] = {{(const unsigned char *)label, strlen(label)}, r, bound};

    return byok_hmac(keyed, parts, sizeof parts / sizeof *parts, out, status);
}

static int local_kek_id(struct byok_kek *kek, const EVP_MAC_CTX *keyed,
                        unsigned char id[BYOK_KEK_ID_BYTES], struct byok_status *status)
{
    static const struct byok_view nothing = {NULL, 0};
    struct byok_secret *mac = byok_secret_new(kek->crypto->arena, status);
    int ok = mac != NULL && local_hmac(keyed, "byok/kek-id/v1", nothing, nothing, mac, status);

    if (ok)
        memcpy(id, mac->bytes, BYOK_KEK_ID_BYTES);
    byok_secret_free(kek->crypto->arena, mac);
    return ok;
}

static int local_identify(struct byok_kek *kek, unsigned char id[BYOK_KEK_ID_BYTES],
                          struct byok_status *status)
{
    EVP_MAC_CTX *keyed = local_key(kek, status);
    int ok = keyed != NULL && local_kek_id(kek, keyed, id, status);

    EVP_MAC_CTX_free(keyed);
    return ok;
}

/* A request is the binding and the input, side by side. */
static int local_build(struct byok_kek *kek, enum byok_operation operation, struct byok_view bound,
                       struct byok_view input, struct byok_buffer *request,
                       struct byok_status *status)
{
    if (operation == BYOK_UNWRAP && input.len != WRAP_BYTES)
        return byok_fail(status, BYOK_R_BAD_CIPHERTEXT,
                         "KEK \"%s\": a local KEK's wrap has %d bytes, not %zu", kek->name,
                         WRAP_BYTES, input.len);
    return byok_buffer_append(request, bound.data, bound.len, status)
           && byok_buffer_append(request, input.data, input.len, status);
}

/* AES-256-GCM of a data key, with the key and nonce that begin `s`; `tag` is written, or checked.
 */
static int local_gcm(struct byok_kek *kek, int seal, const struct byok_secret *s,
                     const unsigned char *in, unsigned char *out, unsigned char *tag,
                     struct byok_status *status)
{
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    int n, ok;

    ok = gcm != NULL
         && EVP_CipherInit_ex2(gcm, kek->crypto->aes_256_gcm, s->bytes, s->bytes + BYOK_KEY_BYTES,
                               seal, NULL)
         && EVP_CipherUpdate(gcm, out, &n, in, BYOK_KEY_BYTES)
         && (seal || EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, BYOK_GCM_TAG_BYTES, tag) > 0);
    if (!ok)
        byok_fail_crypto(status, "AES-256-GCM");
    else if (!EVP_CipherFinal_ex(gcm, out + n, &n))
        ok = byok_fail(status, BYOK_R_BAD_CIPHERTEXT,
                       "KEK \"%s\" did not make this wrap for this purpose and context", kek->name);
    else if (seal && EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, BYOK_GCM_TAG_BYTES, tag) <= 0)
        ok = byok_fail_crypto(status, "AES-256-GCM");
    EVP_CIPHER_CTX_free(gcm);
    return ok;
}

/* The KMS's side. A reply to a wrap is the KEK id and the wrap, one to an unwrap the data key. */
static int serve_wrap(struct byok_kek *kek, const EVP_MAC_CTX *keyed, struct byok_view bound,
                      struct byok_view data_key, struct byok_secret *s, struct byok_buffer *reply,
                      struct byok_status *status)
{
    unsigned char id[BYOK_KEK_ID_BYTES], wrap[WRAP_BYTES], *ciphertext = wrap + R_BYTES;
    struct byok_view r = {wrap, R_BYTES};

    return local_kek_id(kek, keyed, id, status) && byok_random(kek->crypto, wrap, R_BYTES, status)
           && local_hmac(keyed, "byok/wrap/v1", r, bound, s, status)
           && local_gcm(kek, 1, s, data_key.data, ciphertext, ciphertext + BYOK_KEY_BYTES, status)
           && byok_buffer_append(reply, id, sizeof id, status)
           && byok_buffer_append(reply, wrap, sizeof wrap, status);
}

static int serve_unwrap(struct byok_kek *kek, const EVP_MAC_CTX *keyed, struct byok_view bound,
                        struct byok_view wrap, struct byok_secret *s, struct byok_buffer *reply,
                        struct byok_status *status)
{
    struct byok_view r = {wrap.data, R_BYTES};
    const unsigned char *ciphertext = wrap.data + R_BYTES;
    struct byok_secret *data_key = byok_secret_new(kek->crypto->arena, status);
    unsigned char tag[BYOK_GCM_TAG_BYTES];
    int ok;

    memcpy(tag, ciphertext + BYOK_KEY_BYTES, sizeof tag);
    ok = data_key != NULL && local_hmac(keyed, "byok/wrap/v1", r, bound, s, status)
         && local_gcm(kek, 0, s, ciphertext, data_key->bytes, tag, status)
         && byok_buffer_append(reply, data_key->bytes, BYOK_KEY_BYTES, status);
    byok_secret_free(kek->crypto->arena, data_key);
    return ok;
}

static int local_exchange(struct byok_kek *kek, enum byok_operation operation,
                          const struct byok_buffer *request, struct byok_buffer *reply,
                          struct byok_status *status)
{
    struct byok_view bound = {request->data, BYOK_SHA256_BYTES};
    struct byok_view input = {request->data + BYOK_SHA256_BYTES, request->len - BYOK_SHA256_BYTES};
    struct byok_secret *s = byok_secret_new(kek->crypto->arena, status);
    EVP_MAC_CTX *keyed = s == NULL ? NULL : local_key(kek, status);
    int ok = keyed != NULL
             && (operation == BYOK_WRAP ? serve_wrap : serve_unwrap)(kek, keyed, bound, input, s,
                                                                     reply, status);

    EVP_MAC_CTX_free(keyed);
    byok_secret_free(kek->crypto->arena, s);
    return ok;
}

static int local_parse(struct byok_kek *kek, enum byok_operation operation,
                       const struct byok_buffer *reply, struct byok_result *result,
                       struct byok_status *status)
{
    size_t id_len = operation == BYOK_WRAP ? BYOK_KEK_ID_BYTES : 0;
    size_t expected = operation == BYOK_WRAP ? BYOK_KEK_ID_BYTES + WRAP_BYTES : BYOK_KEY_BYTES;

    if (reply->len != expected)
        return byok_fail(status, BYOK_R_BAD_REPLY, "KEK \"%s\": %zu bytes came for %zu", kek->name,
                         reply->len, expected);
    memcpy(result->kek_id, reply->data, id_len);
    return byok_buffer_append(&result->output, reply->data + id_len, reply->len - id_len, status);
}

const struct byok_backend byok_backend_local = {
    .number = 1,
    .scheme = "local",
    .open = local_open,
    .close = local_close,
    .identify = local_identify,
    .build = local_build,
    .exchange = local_exchange,
    .parse = local_parse,
};
