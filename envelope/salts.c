#include "envelope/salts.h"

#include "base/clock.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

#define AT_ONCE_MAX 64
#define LIFE_MS     10

/* Nothing else is locked under the lock, which is held while a few are drawn. */
struct byok_salts {
    const struct byok_crypto *crypto;
    pthread_mutex_t lock;
    size_t left, at_once;
    int64_t drawn; /* on byok_clock_milliseconds() */
    unsigned char bytes[AT_ONCE_MAX * BYOK_SALT_BYTES];
};

struct byok_salts *byok_salts_new(const struct byok_crypto *crypto, struct byok_status *status)
{
    struct byok_salts *salts = OPENSSL_zalloc(sizeof *salts);

    if (salts == NULL) {
        byok_fail_memory(status);
        return NULL;
    }
    salts->crypto = crypto;
    pthread_mutex_init(&salts->lock, NULL);
    return salts;
}

void byok_salts_free(struct byok_salts *salts)
{
    if (salts == NULL)
        return;
    pthread_mutex_destroy(&salts->lock);
    OPENSSL_clear_free(salts, sizeof *salts);
}

/* Draws anew: twice as many when the last ones were all used in time, else one. Called under the
 * lock. */
static int draw(struct byok_salts *salts, int64_t now, struct byok_status *status)
{
    int in_time = salts->left == 0 && now - salts->drawn < LIFE_MS;
    size_t most = salts->at_once * 2 < AT_ONCE_MAX ? salts->at_once * 2 : AT_ONCE_MAX;

    OPENSSL_cleanse(salts->bytes, salts->left * BYOK_SALT_BYTES);
    salts->left = 0;
    salts->at_once = in_time && most > 0 ? most : 1;
    salts->drawn = now;
    if (!byok_random(salts->crypto, salts->bytes, salts->at_once * BYOK_SALT_BYTES, status))
        return 0;
    salts->left = salts->at_once;
    return 1;
}

int byok_salts_take(struct byok_salts *salts, unsigned char out[BYOK_SALT_BYTES],
                    struct byok_status *status)
{
    int64_t now = byok_clock_milliseconds();
    unsigned char *last;
    int ok;

    pthread_mutex_lock(&salts->lock);
    ok = (salts->left > 0 && now - salts->drawn < LIFE_MS) || draw(salts, now, status);
    if (ok) {
        last = salts->bytes + --salts->left * BYOK_SALT_BYTES;
        memcpy(out, last, BYOK_SALT_BYTES);
        OPENSSL_cleanse(last, BYOK_SALT_BYTES);
    }
    pthread_mutex_unlock(&salts->lock);
    return ok;
}
