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

/* Ends the providers and their library context and begins them anew, with nothing cached, on this
 * KEK file (NULL: as it is). */
void fixture_restart(struct fixture *f, const char *text);

/* Writes text to dir/name with this mode, in place. */
void fixture_write(const struct fixture *f, const char *name, const void *data, size_t len,
                   int mode);

/* Replaces the KEK file; waits until the provider has looked at it again (it does so once a
 * second). */
void fixture_reconfigure(struct fixture *f, const char *text);

/* An EVP_CIPHER_CTX, initialised with the KEK's name as the key ("" for the default KEK). Fails the
 * test when init fails. */
EVP_CIPHER_CTX *fixture_ctx(const struct fixture *f, int seal, const char *kek);

/* A context without a key or a direction that counts. Asserts nothing. */
EVP_CIPHER_CTX *fixture_bare_ctx(const struct fixture *f);

/* The result of an init of the next message on a context; kek NULL: with the key from before; seal
 * -1: in the direction from before. */
int fixture_init(EVP_CIPHER_CTX *ctx, int seal, const char *kek);

/* The result of setting the parameter byok-context. */
int fixture_set_pairs(EVP_CIPHER_CTX *ctx, const char *pairs);

/* The result of giving the AAD in updates of `step` bytes (0: one update). */
int fixture_add_aad(EVP_CIPHER_CTX *ctx, const void *aad, size_t len, size_t step);

/* What a message belongs to. */
struct fixture_place {
    const char *pairs; /* as for byok-context */
    const void *aad;
    size_t aad_len, aad_step; /* given in updates of that size; 0: one */
};

/* Seals a short text under the KEK a for this place; on the heap. */
unsigned char *fixture_seal_for(const struct fixture *f, struct fixture_place place, size_t *len);

/* The reason for which this message doesn't open for the place (then nothing is released), 0 when
 * it opens to that text. */
int fixture_open_for(const struct fixture *f, struct fixture_place place,
                     const unsigned char *sealed, size_t len);

/* Seals or opens a whole message through updates of `step` bytes (0: one update). Returns a
 * malloc'd buffer and its length in *out_len, or NULL when a call failed, with the error left on
 * OpenSSL's stack. */
unsigned char *fixture_run(const struct fixture *f, int seal, const char *kek,
                           const unsigned char *in, size_t in_len, size_t step, size_t *out_len);

/*
 * The same on a context that is ready: updates of `step` bytes (0: one update), then the final. 1,
 * or 0 when a call failed; *out is malloc'd and holds what was released, in both cases. Asserts
 * nothing, so that threads and forked children may call it.
 */
int fixture_drive(EVP_CIPHER_CTX *ctx, const unsigned char *in, size_t in_len, size_t step,
                  unsigned char **out, size_t *out_len);

/*
 * Opens a message that may be damaged, in updates of `step` bytes (0: one). The reason of the
 * failure, 0 when it opened to all of `plain`. What was released, *released bytes, is always the
 * beginning of `plain`.
 */
int fixture_try(const struct fixture *f, const char *kek, const unsigned char *in, size_t in_len,
                size_t step, const unsigned char *plain, size_t plain_len, size_t *released);

/*
 * Seals `plain`, of at most FIXTURE_MESSAGE bytes, under the KEK on the one context and opens it on
 * the other. 0 when all is right, else the number of the step that went wrong. Asserts nothing and
 * has no memory of its own on the heap: for threads and forked children.
 */
#define FIXTURE_MESSAGE 20000
int fixture_message(EVP_CIPHER_CTX *sealing, EVP_CIPHER_CTX *opening, const char *kek,
                    const unsigned char *plain, size_t len);

/*
 * Runs what(arg) in a forked child, `raw` by the system call alone, and waits for it. The result,
 * which must be below 100; or 100 and the signal that ended the child, as SIGALRM does after 30
 * seconds; or 200.
 */
int fixture_in_child(int raw, int (*what)(void *arg), void *arg);

/* len bytes on the heap, no page like another; another seed gives others. */
unsigned char *fixture_plain(size_t len, unsigned int seed);

/* The reason of the last error on the stack if byok raised it, else 0; empties the stack. */
int fixture_reason(void);

/* Whether byok raised this reason anywhere on the stack (EVP may add its own on top); empties the
 * stack. */
int fixture_raised(int reason);

/* Whether a negative length was refused: by byok (BAD_LENGTH), or by an EVP that looks itself, as
 * later ones do; empties the stack. */
int fixture_refused_length(void);

/* up() and down() for cmocka_run_group_tests(): this fixture around a group, with nothing added. */
#define FIXTURE_GROUP(fixture)                                                                     \
    static int up(void **state)                                                                    \
    {                                                                                              \
        (void)state;                                                                               \
        fixture_up(&(fixture), NULL);                                                              \
        return 0;                                                                                  \
    }                                                                                              \
                                                                                                   \
    static int down(void **state)                                                                  \
    {                                                                                              \
        (void)state;                                                                               \
        fixture_down(&(fixture));                                                                  \
        return 0;                                                                                  \
    }

#endif
