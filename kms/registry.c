#include "kms/registry.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/notice.h"
#include "kms/config.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

/*
 * Lock order: `reader`, then `lock`. `reader` is held by the one thread that reads the
 * configuration, and while it retires KEKs (a lock of envelope/cache.c each); `lock` for a look-up
 * or a change of pointers, with nothing locked under it, and never while a file is read.
 */
struct byok_registry {
    const struct byok_crypto *crypto;
    const struct byok_kek_hooks *hooks;
    const struct byok_options *provider;

    pthread_mutex_t reader;
    pthread_mutex_t lock;
    struct byok_config
        *config; /* in force; NULL until one could be read; replaced by the reader alone */
    struct byok_status error;  /* of the last reading */
    struct stat seen;          /* the file as last read; zeros when there was none */
    _Atomic int64_t next_look; /* on byok_clock_seconds() */
    _Atomic uint64_t stamp;    /* counts the configurations that were in force */
};

struct byok_registry *byok_registry_new(const struct byok_crypto *crypto,
                                        const struct byok_kek_hooks *hooks,
                                        const struct byok_options *provider,
                                        struct byok_status *status)
{
    struct byok_registry *registry = OPENSSL_zalloc(sizeof *registry);

    if (registry == NULL) {
        byok_fail_memory(status);
        return NULL;
    }
    registry->crypto = crypto;
    registry->hooks = hooks;
    registry->provider = provider;
    pthread_mutex_init(&registry->reader, NULL);
    pthread_mutex_init(&registry->lock, NULL);
    return registry;
}

void byok_registry_free(struct byok_registry *registry)
{
    if (registry == NULL)
        return;
    byok_config_free(registry->config);
    pthread_mutex_destroy(&registry->lock);
    pthread_mutex_destroy(&registry->reader);
    OPENSSL_free(registry);
}

/* Whether the file is another than was read, or has come or gone. Called by the reader. */
static int must_read(const struct byok_registry *registry, const char *path)
{
    static const struct stat none;
    struct stat now = none;

    if (registry->config == NULL)
        return 1;
    if (path != NULL && stat(path, &now) != 0)
        now = none;
    return !byok_file_same(&now, &registry->seen);
}

/* Puts what was read in force, or, where nothing could be read, keeps the old and says so. Called
 * by the reader. */
static void put_in_force(struct byok_registry *registry, struct byok_config *read,
                         const struct stat *info, const struct byok_status *error)
{
    static const struct stat none;
    struct byok_config *old = NULL;
    int known;

    pthread_mutex_lock(&registry->lock);
    known = strcmp(registry->error.text, error->text) == 0;
    registry->error = *error;
    if (read != NULL) {
        old = registry->config;
        registry->config = read;
        atomic_fetch_add(&registry->stamp, 1);
    }
    pthread_mutex_unlock(&registry->lock);
    if (old != NULL)
        byok_config_retire(old, read);
    /* What could not be read is tried again: the cause may have been elsewhere than in the file. */
    registry->seen = read != NULL ? *info : none;
    if (read == NULL && registry->config != NULL && !known)
        byok_notice("the earlier configuration stays in force", error);
    byok_config_free(old);
}

/* Reads the configuration if it has changed. Called by the reader. */
static void refresh(struct byok_registry *registry)
{
    struct byok_config_maker maker = {registry->crypto, registry->hooks, registry->provider,
                                      registry->config};
    const char *path = byok_config_path(registry->provider);
    struct byok_status error = BYOK_STATUS_INIT;
    struct byok_config *read;
    struct stat info;

    if (!must_read(registry, path))
        return;
    memset(&info, 0, sizeof info);
    read = path != NULL ? byok_config_read(&maker, path, &info, &error)
                        : byok_config_single(&maker, &error);
    put_in_force(registry, read, &info, &error);
}

/* Called under the lock, which it gives up meanwhile. Threads wait for the reader only while
 * nothing is in force. */
static void look(struct byok_registry *registry)
{
    int64_t now = byok_clock_seconds();
    int first = registry->config == NULL;

    if (!first && now < registry->next_look)
        return;
    registry->next_look = now + 1;
    pthread_mutex_unlock(&registry->lock);
    if (first ? pthread_mutex_lock(&registry->reader) == 0
              : pthread_mutex_trylock(&registry->reader) == 0) {
        refresh(registry);
        pthread_mutex_unlock(&registry->reader);
    }
    pthread_mutex_lock(&registry->lock);
}

static struct byok_kek *find(const struct byok_registry *registry, const char *name, size_t len,
                             struct byok_status *status)
{
    struct byok_kek *kek;

    if (registry->config == NULL) {
        *status = registry->error;
        return NULL;
    }
    if (len == 0 && registry->config->default_kek == NULL) {
        byok_fail(status, BYOK_R_NO_DEFAULT_KEK, "the key is empty");
        return NULL;
    }
    kek = len == 0 ? (struct byok_kek *)registry->config->default_kek
                   : byok_config_find(registry->config, name, len);
    if (kek == NULL)
        byok_fail(status, BYOK_R_UNKNOWN_KEK,
                  "the key's bytes are not shown; %zu KEKs are configured",
                  registry->config->count);
    return kek;
}

struct byok_kek *byok_registry_find(struct byok_registry *registry, const char *name, size_t len,
                                    uint64_t *stamp, struct byok_status *status)
{
    struct byok_kek *kek;

    pthread_mutex_lock(&registry->lock);
    look(registry);
    kek = find(registry, name, len, status);
    if (kek != NULL)
        byok_kek_up_ref(kek);
    *stamp = atomic_load(&registry->stamp);
    pthread_mutex_unlock(&registry->lock);
    return kek;
}

int byok_registry_current(const struct byok_registry *registry, uint64_t stamp)
{
    return atomic_load_explicit(&registry->stamp, memory_order_acquire) == stamp
           && byok_clock_seconds()
                  < atomic_load_explicit(&registry->next_look, memory_order_relaxed);
}

int byok_registry_check(struct byok_registry *registry, struct byok_status *status)
{
    pthread_mutex_lock(&registry->lock);
    look(registry);
    *status = registry->error;
    pthread_mutex_unlock(&registry->lock);
    return status->reason == 0;
}
