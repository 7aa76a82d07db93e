/*
 * Every vector of this folder through EVP, in updates of several lengths. What a vector says:
 * README.md.
 */
#include "byok/names.h"
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <dirent.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL     20000 /* bytes of a message that also comes byte by byte */
#define KEY_BYTES 32

struct vector {
    char *expect, *kek, *kek_context, *context, *aad_hex, *sha256_hex;
    size_t plaintext_length, released;
    unsigned char *message, *aad;
    size_t message_len, aad_len;
};

static struct fixture f;
static char *all_keks; /* the KEK file */

/* Reading */

static char *line_read(FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len = getline(&line, &room, file);

    if (len < 0) {
        free(line);
        return NULL;
    }
    if (len == 0 || line[len - 1] != '\n')
        fail_msg("a line has no end");
    line[len - 1] = '\0';
    return line;
}

/* The value of the line "NAME: value" or "NAME:"; malloc'd. */
static char *field_read(FILE *file, const char *name)
{
    char *line = line_read(file), *value;
    size_t len = strlen(name);

    if (line == NULL || strncmp(line, name, len) != 0 || line[len] != ':')
        fail_msg("\"%s\" is not the field %s", line == NULL ? "" : line, name);
    value = strdup(line + len + (line[len + 1] == ' ' ? 2 : 1));
    assert_non_null(value);
    free(line);
    return value;
}

static size_t number_read(FILE *file, const char *name)
{
    char *value = field_read(file, name), *end;
    size_t number = strtoul(value, &end, 10);

    assert_true(*value != '\0' && *end == '\0');
    free(value);
    return number;
}

/* Decodes the lines of base64 that are left. */
static void message_read(struct vector *v, FILE *file)
{
    char *line = line_read(file), *text;
    size_t len = 0, padding = 0;
    int n;

    assert_string_equal(line, "");
    text = calloc(1, 1);
    for (free(line); (line = line_read(file)) != NULL; free(line)) {
        assert_in_range(strlen(line), 4, 76);
        text = realloc(text, len + strlen(line) + 1);
        assert_non_null(text);
        strcpy(text + len, line);
        len += strlen(line);
    }
    assert_int_equal(len % 4, 0);
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
        padding++;
    v->message = malloc(len / 4 * 3 + 1);
    n = EVP_DecodeBlock(v->message, (unsigned char *)text, (int)len);
    assert_int_equal(n, len / 4 * 3);
    v->message_len = (size_t)n - padding;
    free(text);
}

static void vector_read(struct vector *v, const char *path)
{
    FILE *file = fopen(path, "r");
    long aad_len = 0;

    assert_non_null(file);
    memset(v, 0, sizeof *v);
    free(field_read(file, "comment"));
    v->expect = field_read(file, "expect");
    v->kek = field_read(file, "kek");
    v->kek_context = field_read(file, "kek-context");
    v->context = field_read(file, "context");
    v->aad_hex = field_read(file, "aad");
    v->aad = OPENSSL_hexstr2buf(v->aad_hex, &aad_len);
    assert_true(v->aad != NULL || *v->aad_hex == '\0');
    v->aad_len = (size_t)aad_len;
    if (strcmp(v->expect, "OK") == 0) {
        v->plaintext_length = number_read(file, "plaintext-length");
        v->sha256_hex = field_read(file, "plaintext-sha256");
    } else {
        v->released = number_read(file, "released");
    }
    message_read(v, file);
    fclose(file);
}

static void vector_free(struct vector *v)
{
    free(v->expect);
    free(v->kek);
    free(v->kek_context);
    free(v->context);
    free(v->aad_hex);
    free(v->sha256_hex);
    free(v->message);
    OPENSSL_free(v->aad);
}

/* Running */

/* Adds the vector's KEK, of the same name, to the KEK file; returns the text's new end. */
static char *kek_add(char *text, const char *name, const struct vector *v)
{
    unsigned char key[KEY_BYTES];
    const char *c;
    size_t len;

    assert_int_equal(OPENSSL_hexstr2buf_ex(key, sizeof key, &len, v->kek, '\0'), 1);
    assert_int_equal(len, sizeof key);
    fixture_write(&f, name, key, sizeof key, 0600);
    text += sprintf(text, "[%s]\nuri = local://%s/%s\ncontext = ", name, f.dir, name);
    for (c = v->kek_context; *c != '\0'; *text++ = *c++)
        if (strchr("\\$#\"'`", *c) != NULL)
            *text++ = '\\'; /* as config(5) wants it */
    return stpcpy(text, "\n");
}

/* An init with the KEK, the vector's context and its AAD: 0 when one of these fails. */
static int begin(EVP_CIPHER_CTX *ctx, const char *kek, const struct vector *v, size_t step)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, v->context, 0),
        OSSL_PARAM_construct_end()};
    unsigned char key[64] = {0};
    size_t done, n;
    int none;

    assert_in_range(strlen(kek), 1, sizeof key);
    memcpy(key, kek, strlen(kek));
    if (!EVP_CipherInit_ex2(ctx, f.cipher, NULL, NULL, 0, NULL)
        || !EVP_CIPHER_CTX_set_key_length(ctx, sizeof key)
        || !EVP_CipherInit_ex2(ctx, NULL, key, NULL, 0, NULL)
        || !EVP_CIPHER_CTX_set_params(ctx, params))
        return 0;
    for (done = 0; done < v->aad_len; done += n) {
        n = step == 0 || v->aad_len - done < 64 * step ? v->aad_len - done : 64 * step;
        if (!EVP_CipherUpdate(ctx, NULL, &none, v->aad + done, (int)n))
            return 0;
    }
    return 1;
}

/* Whether out[0..len) is the pattern of all plaintexts from byte `at` on. */
static void check_released(const unsigned char *out, size_t len, size_t at)
{
    size_t i;

    for (i = 0; i < len; i++)
        if (out[i] != (at + i) % 251)
            fail_msg("released byte %zu is not genuine", at + i);
}

/* Opens the message; *released counts what came out, which is hashed too. */
static int open_message(EVP_CIPHER_CTX *ctx, const struct vector *v, size_t step, size_t *released,
                        EVP_MD_CTX *md)
{
    unsigned char *out = malloc(v->message_len + (size_t)EVP_CIPHER_CTX_get_block_size(ctx));
    size_t done, n;
    int len, ok = 1;

    assert_non_null(out);
    for (done = 0; ok && done < v->message_len; done += n) {
        n = step == 0 || v->message_len - done < step ? v->message_len - done : step;
        ok = EVP_CipherUpdate(ctx, out, &len, v->message + done, (int)n);
        if (ok) {
            check_released(out, (size_t)len, *released);
            assert_int_equal(EVP_DigestUpdate(md, out, (size_t)len), 1);
            *released += (size_t)len;
        }
    }
    ok = ok && EVP_CipherFinal_ex(ctx, out, &len);
    if (ok) {
        check_released(out, (size_t)len, *released);
        assert_int_equal(EVP_DigestUpdate(md, out, (size_t)len), 1);
        *released += (size_t)len;
    }
    free(out);
    return ok;
}

static int reason_number(const char *name)
{
#define MATCH(number, row, text, remedy, retryable)                                                \
    if (strcmp(name, #row) == 0)                                                                   \
        return number;
    BYOK_REASONS(MATCH)
#undef MATCH
    fail_msg("%s is no reason", name);
    return 0;
}

/* A KEK's own context is configuration, so a bad one is a bad value. */
static void check_reason(const struct vector *v)
{
    int expected = reason_number(v->expect), reason = fixture_reason();

    if (reason
        != (expected == BYOK_R_BAD_CONTEXT && *v->kek_context != '\0' ? BYOK_R_BAD_VALUE
                                                                      : expected))
        fail_msg("the reason is %d, not %s", reason, v->expect);
}

static void run_in_steps(const char *kek, const struct vector *v, size_t step)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned int digest_len;
    size_t released = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    int ok;

    assert_int_equal(EVP_DigestInit_ex(md, EVP_sha256(), NULL), 1);
    ERR_clear_error();
    ok = begin(ctx, kek, v, step);
    if (ok && strcmp(v->expect, "BAD_CONTEXT") == 0)
        fail_msg("the context was taken");
    ok = ok && open_message(ctx, v, step, &released, md);
    if (strcmp(v->expect, "OK") == 0) {
        if (!ok)
            fail_msg("it failed with the reason %d", fixture_reason());
        assert_int_equal(released, v->plaintext_length);
        assert_int_equal(EVP_DigestFinal_ex(md, digest, &digest_len), 1);
        assert_int_equal(OPENSSL_buf2hexstr_ex(hex, sizeof hex, NULL, digest, digest_len, '\0'), 1);
        assert_int_equal(OPENSSL_strcasecmp(hex, v->sha256_hex), 0);
    } else {
        assert_false(ok);
        check_reason(v);
        if (released > v->released)
            fail_msg("%zu bytes were released, at most %zu are to be", released, v->released);
    }
    EVP_MD_CTX_free(md);
    EVP_CIPHER_CTX_free(ctx);
}

/* The vectors of this folder, in the order of their names. */
static struct named {
    char name[65]; /* of the file, without its ending; and of the KEK */
    struct vector v;
} * vectors;
static int count;

/* A bad context of the KEK's own spoils the whole KEK file. */
static int has_bad_kek_context(const struct vector *v)
{
    return strcmp(v->expect, "BAD_CONTEXT") == 0 && *v->kek_context != '\0';
}

static void run(void **state)
{
    const struct named *named = *state;
    char *text;

    if (has_bad_kek_context(&named->v)) {
        text = malloc(2 * strlen(named->v.kek_context) + 512);
        assert_non_null(text);
        (void)kek_add(text, named->name, &named->v);
        fixture_restart(&f, text);
        free(text);
    }
    run_in_steps(named->name, &named->v, 0);
    run_in_steps(named->name, &named->v, 4097);
    if (named->v.message_len < SMALL)
        run_in_steps(named->name, &named->v, 1);
    if (has_bad_kek_context(&named->v))
        fixture_restart(&f, all_keks);
}

/* One KEK file with the KEKs of all vectors; nothing is kept, so that each message is opened from
 * its bytes. */
static int group_up(void **state)
{
    size_t room = 64;
    char *p;
    int i;

    (void)state;
    fixture_up(&f, NULL);
    for (i = 0; i < count; i++)
        room += 2 * strlen(vectors[i].v.kek_context) + 512;
    all_keks = p = malloc(room);
    assert_non_null(p);
    p = stpcpy(p, "dek-cache-seconds = 0\n");
    for (i = 0; i < count; i++)
        if (!has_bad_kek_context(&vectors[i].v))
            p = kek_add(p, vectors[i].name, &vectors[i].v);
    fixture_restart(&f, all_keks);
    return 0;
}

static int group_down(void **state)
{
    (void)state;
    free(all_keks);
    fixture_down(&f);
    return 0;
}

static int is_vector(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0;
}

static void read_all(void **state)
{
    struct dirent **entries;
    char path[512];
    int i;

    (void)state;
    count = scandir(BYOK_VECTORS, &entries, is_vector, alphasort);
    assert_true(count > 0); /* without vectors nothing would be tested */
    vectors = calloc((size_t)count, sizeof *vectors);
    assert_non_null(vectors);
    for (i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", BYOK_VECTORS, entries[i]->d_name);
        assert_in_range(strlen(entries[i]->d_name) - 4, 1, sizeof vectors->name - 1);
        memcpy(vectors[i].name, entries[i]->d_name, strlen(entries[i]->d_name) - 4);
        vector_read(&vectors[i].v, path);
        free(entries[i]);
    }
    free(entries);
}

int main(void)
{
    const struct CMUnitTest reading[] = {cmocka_unit_test(read_all)};
    struct CMUnitTest *tests;
    int i, failed = cmocka_run_group_tests(reading, NULL, NULL);

    if (failed != 0)
        return failed;
    tests = calloc((size_t)count, sizeof *tests);
    if (tests == NULL)
        return 1;
    for (i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){vectors[i].name, run, NULL, NULL, &vectors[i]};
    failed = _cmocka_run_group_tests("vectors", tests, (size_t)count, group_up, group_down);
    for (i = 0; i < count; i++)
        vector_free(&vectors[i].v);
    free(vectors);
    free(tests);
    return failed;
}
