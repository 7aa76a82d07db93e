/*
 * The whole way of opening, through EVP. An input begins with four bytes:
 *
 * - how: bit 0, the rest is the message itself, else edits of a message that is made here; bit 1,
 *   the commitment is made right again, bit 2, the pages; bit 3, the message is opened with the
 *   context and the AAD that the bound one has;
 *
 * - which message is edited;
 *
 * - the length of updates of the second opening;
 *
 * - how far apart, in steps of 40 bytes, input and output lie in the third, which is in place.
 *
 * An edit is an operation, a position of two bytes, a count, and for some as many bytes.
 *
 * However the bytes come, the result must be the same; what is released is genuine; and the reason
 * is one of a damaged message.
 */
#include "byok/names.h"
#include "byok/reasons.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/message.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM       (MESSAGE_MAX + 2 * 65536)
#define SHIFT_STEP 40
#define SHIFT_MOST (128 * SHIFT_STEP)

enum { RAW = 1, COMMITMENT = 2, PAGES = 4, BOUND = 8 };

static const struct message_plan plans[] = {
    {0, 320, 0, 0, 32, 0},     {5, 320, 0, 0, 32, 0},    {5, 192, 0, 0, 32, 0},
    {100, 3968, 7, 0, 32, 0},  {4095, 320, 1, 1, 32, 0}, {4096, 320, 0, 0, 32, 0},
    {5000, 384, 2, 2, 32, 0},  {8192, 320, 0, 0, 32, 0}, {9000, 448, 0, 3, 32, 0},
    {20000, 320, 0, 0, 32, 0}, {10, 320, 0, 0, 31, 0},   {10, 320, 0, 0, 0, 0},
    {10, 320, 0, 0, 64, 0},    {5000, 320, 0, 0, 32, 1},
};

#define PLANS (sizeof plans / sizeof *plans)

static struct message made[PLANS];
static EVP_CIPHER *cipher;
static char dir[] = "/tmp/byok-fuzz-XXXXXX";

extern int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                              const OSSL_DISPATCH **out, void **provctx);

static void write_file(const char *name, const void *data, size_t len)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "w");
    REQUIRE(file != NULL && fchmod(fileno(file), 0600) == 0 && fwrite(data, 1, len, file) == len
            && fclose(file) == 0);
}

static void remove_files(void)
{
    char path[64];

    snprintf(path, sizeof path, "%s/keks.cnf", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/key", dir);
    unlink(path);
    rmdir(dir);
}

/* The KEK `fresh` is asked for every message, `kept` keeps data keys: the same key for both. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    char text[256], path[64];
    size_t i;

    (void)argc, (void)argv;
    REQUIRE(mkdtemp(dir) != NULL && atexit(remove_files) == 0);
    write_file("key", message_kek, sizeof message_kek);
    i = (size_t)snprintf(
        text, sizeof text,
        "[fresh]\nuri=local://%s/key\ndek-cache-seconds=0\n[kept]\nuri=local://%s/key\n", dir, dir);
    write_file("keks.cnf", text, i);
    snprintf(path, sizeof path, "%s/keks.cnf", dir);
    REQUIRE(setenv("BYOK_CONFIG", path, 1) == 0);
    REQUIRE(OSSL_PROVIDER_add_builtin(libctx, BYOK_PROVIDER_NAME, OSSL_provider_init));
    REQUIRE(OSSL_PROVIDER_load(libctx, BYOK_PROVIDER_NAME) != NULL);
    cipher = EVP_CIPHER_fetch(libctx, BYOK_CIPHER_SEALED, NULL);
    REQUIRE(cipher != NULL);
    for (i = 0; i < PLANS; i++)
        message_make(&made[i], &plans[i]);
    return 0;
}

/* Edits */

struct script {
    const uint8_t *data;
    size_t size;
};

/* Makes room for, or takes away, `count` bytes at `at`. */
static void insert(struct message *m, size_t at, size_t count)
{
    if (m->len + count > MESSAGE_MAX)
        return;
    memmove(m->bytes + at + count, m->bytes + at, m->len - at);
    memset(m->bytes + at, 0, count);
    m->len += count;
}

static void cut(struct message *m, size_t at, size_t count)
{
    if (count > m->len - at)
        count = m->len - at;
    memmove(m->bytes + at, m->bytes + at + count, m->len - at - count);
    m->len -= count;
}

/* One edit; 0 when the script has no more. */
static int edit(struct message *m, struct script *s)
{
    size_t at, count, n;
    int operation;

    if (s->size < 4)
        return 0;
    operation = s->data[0] % 8;
    at = ((size_t)s->data[1] << 8 | s->data[2]) % (m->len + 1);
    count = s->data[3];
    s->data += 4;
    s->size -= 4;
    n = count < s->size ? count : s->size;
    if (n > m->len - at)
        n = m->len - at;
    switch (operation) {
    case 0: /* one byte, xored */
        if (at < m->len)
            m->bytes[at] ^= (unsigned char)count;
        return 1;
    case 1: /* bytes from the script, written over */
        memcpy(m->bytes + at, s->data, n);
        s->data += n;
        s->size -= n;
        return 1;
    case 2:
        insert(m, at, count);
        return 1;
    case 3:
        cut(m, at, count);
        return 1;
    case 4: /* the end */
        m->len = at;
        return 1;
    case 5: /* pages that are full, taken away or inserted */
        (count & 1 ? insert : cut)(m, at, (count / 2 % 4) * 4112);
        return 1;
    case 6: /* a page over another */
        n = count % 4 * 4112;
        if (at + n + 4112 <= m->len)
            memmove(m->bytes + at, m->bytes + at + n, 4112);
        return 1;
    default: /* a single byte */
        if (at < m->len)
            m->bytes[at] = (unsigned char)count;
        return 1;
    }
}

/* Opening */

struct outcome {
    int reason; /* 0: all is well */
    size_t len;
    unsigned char plain[ROOM];
};

static int reason_of(void)
{
    unsigned long error;
    int reason = 0;

    while ((error = ERR_get_error()) != 0)
        if (ERR_GET_LIB(error) >= ERR_LIB_USER)
            reason = ERR_GET_REASON(error);
    return reason;
}

static EVP_CIPHER_CTX *begin(const char *kek, int bound)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, (char *)message_context, 0),
        OSSL_PARAM_construct_end()};
    unsigned char key[32] = {0};
    int none;

    memcpy(key, kek, strlen(kek));
    REQUIRE(ctx != NULL && EVP_DecryptInit_ex2(ctx, cipher, key, NULL, bound ? params : NULL));
    if (bound)
        REQUIRE(EVP_DecryptUpdate(ctx, NULL, &none, (const unsigned char *)message_aad,
                                  (int)strlen(message_aad)));
    return ctx;
}

/* Opens the message in updates of `step` bytes. */
static void open_apart(const struct message *m, const char *kek, int bound, size_t step,
                       struct outcome *outcome)
{
    EVP_CIPHER_CTX *ctx = begin(kek, bound);
    size_t done, n;
    int len, ok = 1;

    outcome->len = 0;
    for (done = 0; ok && done < m->len; done += n) {
        unsigned char *in;

        n = m->len - done < step ? m->len - done : step;
        in = exact(m->bytes + done, n);
        ok = EVP_DecryptUpdate(ctx, outcome->plain + outcome->len, &len, in, (int)n);
        outcome->len += ok ? (size_t)len : 0;
        REQUIRE(!ok || (len >= 0 && outcome->len <= done + n));
        free(in);
    }
    ok = ok && EVP_DecryptFinal_ex(ctx, outcome->plain + outcome->len, &len);
    outcome->len += ok ? (size_t)len : 0;
    outcome->reason = reason_of();
    REQUIRE(ok == (outcome->reason == 0));
    EVP_CIPHER_CTX_free(ctx);
}

/* In one update, with the output `shift` bytes before the input or, if it is negative, behind. */
static void open_in_place(const struct message *m, const char *kek, int bound, int shift,
                          struct outcome *outcome)
{
    EVP_CIPHER_CTX *ctx = begin(kek, bound);
    unsigned char *buffer = malloc(ROOM + 2 * SHIFT_MOST), *in = buffer + SHIFT_MOST,
                  *out = in - shift;
    int len, ok;

    REQUIRE(buffer != NULL);
    memcpy(in, m->bytes, m->len);
    ok = EVP_DecryptUpdate(ctx, out, &len, in, (int)m->len);
    outcome->len = ok ? (size_t)len : 0;
    ok = ok && EVP_DecryptFinal_ex(ctx, out + len, &len);
    outcome->len += ok ? (size_t)len : 0;
    memcpy(outcome->plain, out, outcome->len);
    outcome->reason = reason_of();
    REQUIRE(ok == (outcome->reason == 0));
    EVP_CIPHER_CTX_free(ctx);
    free(buffer);
}

static void check(const struct outcome *outcome)
{
    size_t i;

    REQUIRE(
        outcome->reason == 0
        || (outcome->reason >= BYOK_R_NOT_SEALED && outcome->reason <= BYOK_R_CONTEXT_MISMATCH));
    for (i = 0; i < outcome->len; i++)
        REQUIRE(outcome->plain[i] == i % 251);
}

/* What opens is whole: header, pages, and nothing else. What is said to be cut short begins well.
 */
static void check_whole(const struct message *m, const struct outcome *outcome)
{
    size_t header = m->len < 8 ? 0 : (size_t)m->bytes[6] << 8 | m->bytes[7];

    check(outcome);
    REQUIRE(outcome->reason != BYOK_R_TRUNCATED
            || memcmp(m->bytes, "BYOK", m->len < 4 ? m->len : 4) == 0);
    REQUIRE(outcome->reason != 0
            || m->len == header + outcome->len + 16 * (outcome->len / 4096 + 1));
}

static void check_equal(const struct outcome *a, const struct outcome *b)
{
    REQUIRE(a->reason == b->reason);
    REQUIRE(a->reason != 0 || a->len == b->len);
    check(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1,   2,   7,    8,    15,   16,   64,   73,
                                   320, 321, 1000, 4095, 4096, 4097, 4112, 8192};
    static struct message m;
    static struct outcome whole, stepped, in_place;
    struct script script = {data + 4, size - 4};
    int how, bound;

    if (size < 4)
        return 0;
    how = data[0];
    bound = (how & BOUND) != 0;
    if (how & RAW) {
        m.len = script.size < MESSAGE_MAX ? script.size : MESSAGE_MAX;
        memcpy(m.bytes, script.data, m.len);
    } else {
        m = made[data[1] % PLANS];
        while (edit(&m, &script))
            ;
    }
    message_repair(&m, bound, how & COMMITMENT, how & PAGES);
    open_apart(&m, "fresh", bound, m.len + 1, &whole);
    check_whole(&m, &whole);
    open_apart(&m, "kept", bound, steps[data[2] % (sizeof steps / sizeof *steps)], &stepped);
    check_equal(&whole, &stepped);
    open_in_place(&m, "kept", bound, (signed char)data[3] * SHIFT_STEP, &in_place);
    check_equal(&whole, &in_place);
    return 0;
}
