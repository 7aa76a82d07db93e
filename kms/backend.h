/*
 * What a kind of KMS is to the rest: one constant table. Adding one is a folder with such a table
 * and a row in kms/backends.c.
 *
 * An operation is three steps: build() writes the request and parse() reads the reply, both pure
 * functions on buffers that are tested without a KMS; exchange() carries the one there and brings
 * the other back, and is the only step that does I/O.
 */
#ifndef BYOK_KMS_BACKEND_H
#define BYOK_KMS_BACKEND_H

#include "kms/buffer.h"

struct byok_kek;

#define BYOK_KEK_ID_BYTES 16
#define BYOK_WRAP_MAX     3072 /* bytes of one wrap; what fits a header, doc/format.md */

enum byok_operation { BYOK_WRAP, BYOK_UNWRAP };

/* What an operation gives. */
struct byok_result {
    unsigned char kek_id[BYOK_KEK_ID_BYTES]; /* wrap: of the KEK that did it */
    struct byok_buffer output;               /* wrap: the wrap; unwrap: the data key */
};

struct byok_backend {
    unsigned char number; /* in stanzas: doc/format.md */
    const char *scheme;   /* of its URIs, without the colon */

    /*
     * Checks what follows the scheme's colon in the KEK's URI and makes the backend's own data of
     * it; does no I/O. 0 with BYOK_R_BAD_VALUE. close() frees that data, and is also called when
     * open() failed (with NULL).
     */
    int (*open)(struct byok_kek *kek, const char *reference, void **data,
                struct byok_status *status);
    void (*close)(void *data);

    /* The KEK id, to find its stanza by. May ask the KMS where it can't be told from the URI. */
    int (*identify)(struct byok_kek *kek, unsigned char id[BYOK_KEK_ID_BYTES],
                    struct byok_status *status);

    /* `binding` is B of doc/format.md; `input` the data key to wrap, or the wrap to open. */
    int (*build)(struct byok_kek *kek, enum byok_operation operation, struct byok_view binding,
                 struct byok_view input, struct byok_buffer *request, struct byok_status *status);
    int (*exchange)(struct byok_kek *kek, enum byok_operation operation,
                    const struct byok_buffer *request, struct byok_buffer *reply,
                    struct byok_status *status);
    int (*parse)(struct byok_kek *kek, enum byok_operation operation,
                 const struct byok_buffer *reply, struct byok_result *result,
                 struct byok_status *status);
};

/* All backends of this build, ended by NULL (kms/backends.c). */
extern const struct byok_backend *const byok_backends[];

extern const struct byok_backend byok_backend_local;

#endif
