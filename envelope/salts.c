#include "envelope/salts.h"

#include "base/clock.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

#define AT_ONCE 64

/* Nothing else is locked under the lock. */
struct byok_salts {
    const struct byok_crypto *crypto;
    pthread_mutex_t lock;
    size_t left;
    int64_t drawn; /* on byok_clock_seconds() */
    unsigned char bytes[AT_ONCE * BYOK_SALT_BYTES];
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

/* Called under the lock. */
static int draw(struct byok_salts *salts, struct byok_status *status)
{
    salts->left = 0;
    salts->drawn = byok_clock_seconds();
    if (!byok_random(salts->crypto, salts->bytes, sizeof salts->bytes, status))
        return 0;
    salts->left = AT_ONCE;
    return 1;
}

int byok_salts_take(struct byok_salts *salts, unsigned char out[BYOK_SALT_BYTES],
                    struct byok_status *status)
{
    unsigned char *last;
    int ok;

    pthread_mutex_lock(&salts->lock);
    ok = (salts->left > 0 && salts->drawn == byok_clock_seconds()) || draw(salts, status);
    if (ok) {
        last = salts->bytes + --salts->left * BYOK_SALT_BYTES;
        memcpy(out, last, BYOK_SALT_BYTES);
        OPENSSL_cleanse(last, BYOK_SALT_BYTES);
    }
    pthread_mutex_unlock(&salts->lock);
    return ok;
}
