/*
 * A library context with the providers `default` and `byok` (built into the test program, so that
 * sanitizers see it), on a folder of its own with key files and a KEK file.
 */
#ifndef BYOK_TEST_SUPPORT_FIXTURE_H
#define BYOK_TEST_SUPPORT_FIXTURE_H

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stddef.h>

struct fixture {
    char dir[64];
    char keks[96]; /* path of the KEK file, which BYOK_CONFIG names */
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *dflt, *byok;
    EVP_CIPHER *cipher; /* BYOK-AES-256-GCM */
};

/*
 * The KEK file has `top`, then the KEKs a, b (on different key files a.key, b.key, with the scheme
 * `test`, so test/support/kms.h counts) and `context` (a.key, with context = purpose=test), and a
 * is the default KEK unless `top` sets another. `top` may be NULL.
 */
void fixture_up(struct fixture *f, const char *top);
void fixture_down(struct fixture *f);

/* Writes text to dir/name with this mode, in place. */
void fixture_write(const struct fixture *f, const char *name, const void *data, size_t len,
                   int mode);

/* Replaces the KEK file; waits until the provider has looked at it again (it does so once a
 * second). */
void fixture_reconfigure(struct fixture *f, const char *text);

/* An EVP_CIPHER_CTX, initialised with the KEK's name as the key ("" for the default KEK). Fails the
 * test when init fails. */
EVP_CIPHER_CTX *fixture_ctx(const struct fixture *f, int seal, const char *kek);

/* Seals or opens a whole message through updates of `step` bytes (0: one update). Returns a
 * malloc'd buffer and its length in *out_len, or NULL when a call failed, with the error left on
 * OpenSSL's stack. */
unsigned char *fixture_run(const struct fixture *f, int seal, const char *kek,
                           const unsigned char *in, size_t in_len, size_t step, size_t *out_len);

/* The reason of the last error on the stack if byok raised it, else 0; empties the stack. */
int fixture_reason(void);

#endif
