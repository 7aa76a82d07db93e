/*
 * The one way in which functions below the EVP face say what went wrong: they return 1 or 0 and,
 * with 0, fill a status. It becomes an OpenSSL error once, in provider/core.c.
 */
#ifndef BYOK_BASE_STATUS_H
#define BYOK_BASE_STATUS_H

#include "byok/reasons.h"

#define BYOK_STATUS_TEXT 512 /* bytes, with the terminator; longer texts are cut */

struct byok_status {
    int reason; /* BYOK_R_..., 0 while nothing failed */
    const char *file, *function;
    int line;
    char text[BYOK_STATUS_TEXT]; /* what happened: names and numbers, never a key, a token or
                                    plaintext */
};

#define BYOK_STATUS_INIT                                                                           \
    {                                                                                              \
        0, "", "", 0, ""                                                                           \
    }

/* The same for a status that exists, without zeroing its text: what each EVP call begins with. */
static inline void byok_status_clear(struct byok_status *status)
{
    status->reason = status->line = 0;
    status->file = status->function = "";
    status->text[0] = '\0';
}

/* A row of include/byok/reasons.h. */
struct byok_reason_row {
    int reason, retryable;
    const char *name, *text, *remedy;
};

/* The row of `reason`; the row of BYOK_R_INTERNAL for a number that has none. */
const struct byok_reason_row *byok_reason_find(int reason);

/* All rows, ended by one with reason 0. */
const struct byok_reason_row *byok_reason_table(void);

/*
 * Fills `status` and returns 0, for `return byok_fail(...)`. The first failure stands: a status
 * that is filled stays as it is. Characters that don't belong into a message (control characters,
 * bytes above 0x7e) become '?'.
 */
#define byok_fail(status, reason, ...)                                                             \
    byok_fail_at(status, reason, __FILE__, __LINE__, __func__, __VA_ARGS__)
int byok_fail_at(struct byok_status *status, int reason, const char *file, int line,
                 const char *function, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* A word that a user wrote where a name belongs, for a message: itself if it has at most 24
 * letters, digits, dots, hyphens and underscores, else "(not shown)", for it may be a key. */
const char *byok_shown(const char *word);

#define byok_fail_memory(status) byok_fail(status, BYOK_R_OUT_OF_MEMORY, "an allocation failed")

/* What libcrypto gave as the reason of its newest error. Static text. */
const char *byok_crypto_reason(void);

/* A libcrypto call that has no reason to fail, did. The reason's name in libcrypto is taken from
 * its error queue, whose entries since the caller's ERR_set_mark() are the caller's to pop. */
#define byok_fail_crypto(status, what)                                                             \
    byok_fail_crypto_at(status, __FILE__, __LINE__, __func__, what)
int byok_fail_crypto_at(struct byok_status *status, const char *file, int line,
                        const char *function, const char *what);

#endif
