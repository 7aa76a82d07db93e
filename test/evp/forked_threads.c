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

/* The parent's contexts: one that has sealed, one that is in the middle of opening `message`. */
static EVP_CIPHER_CTX *used, *begun;
static unsigned char *message;
static size_t message_len;

/* Goes on with the parent's contexts and a copy, frees them, and makes messages of its own. */
static int many_in_child(void *arg)
{
    static unsigned char out[LEN + 65536];
    EVP_CIPHER_CTX *copy = EVP_CIPHER_CTX_new(), *opening = fixture_bare_ctx(&f);
    int i, len, result;

    (void)arg;
    if (!EVP_CIPHER_CTX_copy(copy, begun)
        || !EVP_CipherUpdate(copy, out, &len, message + 5000, (int)message_len - 5000)
        || !EVP_CipherFinal_ex(copy, out + len, &len))
        return 60;
    EVP_CIPHER_CTX_free(begun);
    for (i = 0; i < 5; i++)
        if ((result = fixture_message(used, i % 2 ? copy : opening, i % 2 ? "a" : "b", plain, LEN))
            != 0)
            return 70 + result;
    EVP_CIPHER_CTX_free(used);
    EVP_CIPHER_CTX_free(copy);
    EVP_CIPHER_CTX_free(opening);
    return 0;
}

static void while_threads_are_busy(void **state)
{
    enum { THREADS = 8, FORKS = 40 };
    static char keks[2][2] = {"a", "b"};
    static unsigned char out[LEN + 65536];
    pthread_t threads[THREADS];
    int i, len, result = 0;

    (void)state;
    used = fixture_ctx(&f, 1, "a");
    begun = fixture_ctx(&f, 0, "a");
    assert_int_equal(fixture_message(used, begun, "a", plain, LEN), 0);
    message = fixture_run(&f, 1, "a", plain, LEN, 0, &message_len);
    assert_non_null(message);
    assert_int_equal(fixture_init(begun, 0, NULL), 1);
    assert_int_equal(EVP_CipherUpdate(begun, out, &len, message, 5000), 1);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, busy, keks[i % 2]), 0);
    for (i = 0; result == 0 && i < FORKS; i++)
        result = fixture_in_child(0, many_in_child, NULL);
    stop = 1;
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(result, 0);
    assert_int_equal(failures, 0);
    EVP_CIPHER_CTX_free(begun);
    EVP_CIPHER_CTX_free(used);
    free(message);
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
