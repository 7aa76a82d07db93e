#include "test/support/fixture.h"

#include "byok/names.h"
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/kms.h"

#include <openssl/err.h>
#include <openssl/params.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

OSSL_provider_init_fn OSSL_provider_init;

void fixture_write(const struct fixture *f, const char *name, const void *data, size_t len,
                   int mode)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), (mode_t)mode), 0);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void write_key(const struct fixture *f, const char *name, unsigned char first)
{
    unsigned char key[32];
    size_t i;

    for (i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)(first + i);
    fixture_write(f, name, key, sizeof key, 0600);
}

static void load(struct fixture *f)
{
    f->libctx = OSSL_LIB_CTX_new();
    assert_non_null(f->libctx);
    assert_int_equal(OSSL_PROVIDER_add_builtin(f->libctx, BYOK_PROVIDER_NAME, OSSL_provider_init),
                     1);
    f->dflt = OSSL_PROVIDER_load(f->libctx, "default");
    f->byok = OSSL_PROVIDER_load(f->libctx, BYOK_PROVIDER_NAME);
    assert_non_null(f->dflt);
    assert_non_null(f->byok);
    f->cipher = EVP_CIPHER_fetch(f->libctx, BYOK_CIPHER_SEALED, NULL);
    assert_non_null(f->cipher);
    ERR_clear_error();
}

static void unload(struct fixture *f)
{
    EVP_CIPHER_free(f->cipher);
    OSSL_PROVIDER_unload(f->byok);
    OSSL_PROVIDER_unload(f->dflt);
    OSSL_LIB_CTX_free(f->libctx);
}

void fixture_up(struct fixture *f, const char *top)
{
    char text[4096];
    int n;

    memset(f, 0, sizeof *f);
    test_kms_reset();
    strcpy(f->dir, "/tmp/byok-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->keks, sizeof f->keks, "%s/keks.cnf", f->dir);
    write_key(f, "a.key", 1);
    write_key(f, "b.key", 101);
    n = snprintf(text, sizeof text,
                 "%s\n%s\n[a]\nuri = test://%s/a.key\n[b]\nuri = test://%s/b.key\n[context]\nuri = "
                 "test://%s/a.key\n"
                 "context = purpose=test\n",
                 top != NULL && strstr(top, "default-kek") != NULL ? "" : "default-kek = a",
                 top != NULL ? top : "", f->dir, f->dir, f->dir);
    fixture_write(f, "keks.cnf", text, (size_t)n, 0600);
    assert_int_equal(setenv("BYOK_CONFIG", f->keks, 1), 0);
    load(f);
}

void fixture_down(struct fixture *f)
{
    char command[96];

    unload(f);
    snprintf(command, sizeof command, "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
}

void fixture_restart(struct fixture *f, const char *text)
{
    unload(f);
    if (text != NULL)
        fixture_write(f, "keks.cnf", text, strlen(text), 0600);
    load(f);
}

void fixture_reconfigure(struct fixture *f, const char *text)
{
    struct timespec wait = {2, 100000000};

    fixture_write(f, "keks.cnf", text, strlen(text), 0600);
    nanosleep(&wait, NULL);
}

EVP_CIPHER_CTX *fixture_ctx(const struct fixture *f, int seal, const char *kek)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char key[32] = {0};

    assert_non_null(ctx);
    assert_true(strlen(kek) <= sizeof key);
    memcpy(key, kek, strlen(kek));
    assert_int_equal(EVP_CipherInit_ex2(ctx, f->cipher, key, NULL, seal, NULL), 1);
    return ctx;
}

unsigned char *fixture_run(const struct fixture *f, int seal, const char *kek,
                           const unsigned char *in, size_t in_len, size_t step, size_t *out_len)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(f, seal, kek);
    unsigned char *out = malloc(in_len + in_len / 64 + 2 * 65536);
    size_t done, n;
    int len, ok = 1;

    assert_non_null(out);
    *out_len = 0;
    for (done = 0; ok && done < in_len; done += n) {
        n = step == 0 || in_len - done < step ? in_len - done : step;
        ok = EVP_CipherUpdate(ctx, out + *out_len, &len, in + done, (int)n);
        *out_len += ok ? (size_t)len : 0;
    }
    ok = ok && EVP_CipherFinal_ex(ctx, out + *out_len, &len);
    *out_len += ok ? (size_t)len : 0;
    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        return out;
    free(out);
    return NULL;
}

int fixture_reason(void)
{
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error) >= 100 && ERR_GET_LIB(error) >= ERR_LIB_USER
                     ? ERR_GET_REASON(error)
                     : 0;

    ERR_clear_error();
    return reason;
}

int fixture_drive(EVP_CIPHER_CTX *ctx, const unsigned char *in, size_t in_len, size_t step,
                  unsigned char **out, size_t *out_len)
{
    size_t done, n;
    int len = 0, ok = 1;

    *out = malloc(in_len + in_len / 64 + 2 * 65536);
    *out_len = 0;
    if (*out == NULL)
        abort();
    for (done = 0; ok && done < in_len; done += n) {
        n = step == 0 || in_len - done < step ? in_len - done : step;
        ok = EVP_CipherUpdate(ctx, *out + *out_len, &len, in + done, (int)n);
        *out_len += ok ? (size_t)len : 0;
    }
    ok = ok && EVP_CipherFinal_ex(ctx, *out + *out_len, &len);
    *out_len += ok ? (size_t)len : 0;
    return ok;
}

unsigned char *fixture_plain(size_t len, unsigned int seed)
{
    unsigned char *plain = malloc(len + 1);
    uint64_t x = seed + 1;
    size_t i;

    if (plain == NULL)
        abort();
    for (i = 0; i < len; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        plain[i] = (unsigned char)(x >> 56);
    }
    return plain;
}

int fixture_raised(int reason)
{
    unsigned long error;
    int found = 0;

    while ((error = ERR_get_error()) != 0)
        found = found || (ERR_GET_REASON(error) == reason && ERR_GET_LIB(error) >= ERR_LIB_USER);
    return found;
}

int fixture_refused_length(void)
{
    unsigned long error;
    int found = 0;

    while ((error = ERR_get_error()) != 0)
        found =
            found
            || (ERR_GET_REASON(error) == BYOK_R_BAD_LENGTH && ERR_GET_LIB(error) >= ERR_LIB_USER)
            || (ERR_GET_LIB(error) == ERR_LIB_EVP && ERR_GET_REASON(error) == EVP_R_INVALID_LENGTH);
    return found;
}

int fixture_init(EVP_CIPHER_CTX *ctx, int seal, const char *kek)
{
    unsigned char key[32] = {0};

    if (kek != NULL)
        memcpy(key, kek, strlen(kek));
    return EVP_CipherInit_ex2(ctx, NULL, kek == NULL ? NULL : key, NULL, seal, NULL);
}

int fixture_set_pairs(EVP_CIPHER_CTX *ctx, const char *pairs)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, (char *)(uintptr_t)pairs, 0),
        OSSL_PARAM_construct_end()};

    return EVP_CIPHER_CTX_set_params(ctx, params);
}

int fixture_add_aad(EVP_CIPHER_CTX *ctx, const void *aad, size_t len, size_t step)
{
    size_t done, n;
    int out_len;

    for (done = 0; done < len; done += n) {
        n = step == 0 || len - done < step ? len - done : step;
        if (!EVP_CipherUpdate(ctx, NULL, &out_len, (const unsigned char *)aad + done, (int)n))
            return 0;
    }
    return 1;
}

static const unsigned char place_text[] = "what is sealed";

static EVP_CIPHER_CTX *ctx_for(const struct fixture *f, int seal, struct fixture_place place)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(f, seal, "a");

    assert_int_equal(fixture_set_pairs(ctx, place.pairs), 1);
    assert_int_equal(fixture_add_aad(ctx, place.aad, place.aad_len, place.aad_step), 1);
    return ctx;
}

unsigned char *fixture_seal_for(const struct fixture *f, struct fixture_place place, size_t *len)
{
    EVP_CIPHER_CTX *ctx = ctx_for(f, 1, place);
    unsigned char *sealed;

    assert_int_equal(fixture_drive(ctx, place_text, sizeof place_text, 0, &sealed, len), 1);
    EVP_CIPHER_CTX_free(ctx);
    return sealed;
}

int fixture_open_for(const struct fixture *f, struct fixture_place place,
                     const unsigned char *sealed, size_t len)
{
    EVP_CIPHER_CTX *ctx = ctx_for(f, 0, place);
    unsigned char *opened;
    size_t opened_len;
    int ok = fixture_drive(ctx, sealed, len, 0, &opened, &opened_len), reason = 0;

    if (ok) {
        assert_int_equal(opened_len, sizeof place_text);
        assert_memory_equal(opened, place_text, sizeof place_text);
    } else {
        assert_int_equal(opened_len, 0);
        reason = fixture_reason();
        assert_int_not_equal(reason, 0);
    }
    free(opened);
    EVP_CIPHER_CTX_free(ctx);
    return reason;
}

int fixture_try(const struct fixture *f, const char *kek, const unsigned char *in, size_t in_len,
                size_t step, const unsigned char *plain, size_t plain_len, size_t *released)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(f, 0, kek);
    unsigned char *out;
    int ok = fixture_drive(ctx, in, in_len, step, &out, released), reason;

    assert_true(*released <= plain_len);
    if (*released > 0)
        assert_memory_equal(out, plain, *released);
    reason = fixture_reason();
    if (ok) {
        assert_int_equal(*released, plain_len);
        assert_int_equal(reason, 0);
    } else {
        assert_int_not_equal(reason, 0);
    }
    free(out);
    EVP_CIPHER_CTX_free(ctx);
    return reason;
}

EVP_CIPHER_CTX *fixture_bare_ctx(const struct fixture *f)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (ctx == NULL || !EVP_CipherInit_ex2(ctx, f->cipher, NULL, NULL, 1, NULL))
        abort();
    return ctx;
}

/* Updates and the final into `out`, which has room. */
static int drive_to(EVP_CIPHER_CTX *ctx, const unsigned char *in, size_t in_len, size_t step,
                    unsigned char *out, size_t *out_len)
{
    size_t done, n;
    int len;

    *out_len = 0;
    for (done = 0; done < in_len; done += n) {
        n = in_len - done < step ? in_len - done : step;
        if (!EVP_CipherUpdate(ctx, out + *out_len, &len, in + done, (int)n))
            return 0;
        *out_len += (size_t)len;
    }
    if (!EVP_CipherFinal_ex(ctx, out + *out_len, &len))
        return 0;
    *out_len += (size_t)len;
    return 1;
}

int fixture_message(EVP_CIPHER_CTX *sealing, EVP_CIPHER_CTX *opening, const char *kek,
                    const unsigned char *plain, size_t len)
{
    unsigned char sealed[FIXTURE_MESSAGE + 2 * 65536], opened[FIXTURE_MESSAGE + 2 * 65536];
    size_t sealed_len, opened_len;

    if (len > FIXTURE_MESSAGE || !fixture_init(sealing, 1, kek) || !fixture_init(opening, 0, kek))
        return 1;
    if (!drive_to(sealing, plain, len, 3000, sealed, &sealed_len))
        return 2;
    if (!drive_to(opening, sealed, sealed_len, 3000, opened, &opened_len))
        return 3;
    return opened_len != len || memcmp(opened, plain, len) != 0 ? 4 : 0;
}

int fixture_in_child(int raw, int (*what)(void *arg), void *arg)
{
    pid_t pid = raw ? (pid_t)syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L) : fork();
    int status;

    if (pid == 0) {
        alarm(30);
        _exit(what(arg));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 200;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}
