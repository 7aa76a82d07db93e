#include "test/support/fixture.h"

#include "byok/names.h"
#include "test/support/cmocka.h"
#include "test/support/kms.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

void fixture_down(struct fixture *f)
{
    char command[96];

    EVP_CIPHER_free(f->cipher);
    OSSL_PROVIDER_unload(f->byok);
    OSSL_PROVIDER_unload(f->dflt);
    OSSL_LIB_CTX_free(f->libctx);
    snprintf(command, sizeof command, "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
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
