/*
 * A KEK: a name, where it is, how it is to be used. It never holds the key.
 */
#ifndef BYOK_KMS_KEK_H
#define BYOK_KMS_KEK_H

#include "base/crypto.h"
#include "base/pairs.h"
#include "kms/backend.h"
#include "kms/options.h"

#include <stdatomic.h>

#define BYOK_KEK_NAME_MAX 64 /* bytes */

/* What the layer above keeps with every KEK (its data keys): made with the KEK, emptied when the
 * KEK leaves the configuration, gone with it. */
struct byok_kek_hooks {
    void *(*attach)(struct byok_kek *kek, struct byok_status *status);
    void (*retire)(void *attached);
    void (*detach)(void *attached);
};

/* Immutable once made, but for what the backend and the layer above keep in it; shared by reference
 * count. */
struct byok_kek {
    _Atomic unsigned int references;
    char name[BYOK_KEK_NAME_MAX + 1];
    struct byok_options options;
    struct byok_pairs context; /* the option, parsed */
    const struct byok_crypto *crypto;
    const struct byok_backend *backend;
    void *backend_data;
    const struct byok_kek_hooks *hooks;
    void *attached;
};

/* What a wrap is for: enters the binding (doc/format.md, Wraps). */
#define BYOK_PURPOSE_DEK "dek"

/* Whether name[0..len) is a KEK's name: 1 to 64 of A-Z a-z 0-9 . _ - with a letter or digit first.
 */
int byok_kek_name_ok(const char *name, size_t len);

/*
 * Makes a KEK of its options, whose content it takes (they are cleared, also on failure). Does no
 * I/O. `crypto` and `hooks` outlive it; `hooks` may be NULL. Fails with BYOK_R_BAD_VALUE or
 * BYOK_R_CONFIG.
 */
struct byok_kek *byok_kek_new(const struct byok_crypto *crypto, const struct byok_kek_hooks *hooks,
                              const char *name, struct byok_options *options,
                              struct byok_status *status);
struct byok_kek *byok_kek_up_ref(struct byok_kek *kek);
void byok_kek_free(struct byok_kek *kek);

/* The KEK has left the configuration: the layer above forgets what it keeps with it, and keeps
 * nothing more. Who still holds a reference may end what it does. */
void byok_kek_retire(struct byok_kek *kek);

/* One call of the KMS each. `result` is the caller's to clear; its output holds the wrap. */
int byok_kek_wrap(struct byok_kek *kek, const char *purpose, const struct byok_secret *data_key,
                  struct byok_result *result, struct byok_status *status);

/* Fills `data_key` with exactly BYOK_KEY_BYTES, or fails with BYOK_R_BAD_CIPHERTEXT or as the KMS
 * says. */
int byok_kek_unwrap(struct byok_kek *kek, const char *purpose, struct byok_view wrap,
                    struct byok_secret *data_key, struct byok_status *status);

#endif
