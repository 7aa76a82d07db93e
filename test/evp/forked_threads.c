/*
 * fork while other threads are busy: the child must not hang on what they held. ThreadSanitizer
 * can't run this: its own heap's locks do not survive such a fork.
 */
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define LEN 20000

static struct fixture f;
static unsigned char *plain;

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#endif

#ifdef WITH_ASAN
/*
 * AddressSanitizer's heap has locks that a child inherits held when another thread was in it.
 * glibc's has not, so libcrypto and byok use that one here; the threads and their parent's children
 * use no other.
 */
void *__libc_malloc(size_t size);
void *__libc_realloc(void *at, size_t size);
void __libc_free(void *at);

static void *allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return __libc_malloc(size);
}

static void *reallocate(void *at, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return __libc_realloc(at, size);
}

static void release(void *at, const char *file, int line)
{
    (void)file;
    (void)line;
    __libc_free(at);
}
#endif

static atomic_int stop, failures;

static void *busy(void *arg)
{
    EVP_CIPHER_CTX *sealing = fixture_bare_ctx(&f), *opening = fixture_bare_ctx(&f);

    while (!stop)
        failures += fixture_message(sealing, opening, arg, plain, LEN) != 0;
    EVP_CIPHER_CTX_free(opening);
    EVP_CIPHER_CTX_free(sealing);
    return NULL;
}

static int many_in_child(void *ctx)
{
    EVP_CIPHER_CTX *opening = fixture_bare_ctx(&f);
    int i, result;

    for (i = 0; i < 5; i++)
        if ((result = fixture_message(ctx, opening, i % 2 ? "a" : "b", plain, LEN)) != 0)
            return 70 + result;
    return 0;
}

static void while_threads_are_busy(void **state)
{
    enum { THREADS = 8, FORKS = 40 };
    static char keks[2][2] = {"a", "b"};
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");
    pthread_t threads[THREADS];
    int i, result = 0;

    (void)state;
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, busy, keks[i % 2]), 0);
    for (i = 0; result == 0 && i < FORKS; i++)
        result = fixture_in_child(0, many_in_child, ctx);
    stop = 1;
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(result, 0);
    assert_int_equal(failures, 0);
    EVP_CIPHER_CTX_free(ctx);
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, "dek-max-messages = 3"); /* so that there is more to do than sealing */
    plain = fixture_plain(LEN, 1);
    return 0;
}

static int down(void **state)
{
    (void)state;
    free(plain);
    fixture_down(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(while_threads_are_busy)};

#ifdef WITH_ASAN
    if (!CRYPTO_set_mem_functions(allocate, reallocate, release))
        return 1;
#endif
    return cmocka_run_group_tests(tests, up, down);
}
