/*
 * Sealed messages made from doc/format.md with libcrypto alone, always the same bytes for the same
 * plan. Their plaintext's byte i is i mod 251.
 */
#ifndef BYOK_TEST_FUZZ_MESSAGE_H
#define BYOK_TEST_FUZZ_MESSAGE_H

#include <stddef.h>

#define MESSAGE_MAX 32768 /* bytes */

extern const unsigned char message_kek[32];

struct message {
    unsigned char bytes[MESSAGE_MAX];
    size_t len;
};

struct message_plan {
    size_t plaintext, header; /* lengths */
    int before, after;        /* stanzas of other KEKs around the KEK's own */
    size_t dek;               /* the length of what is wrapped: 32, or a wrong one */
    int bound;                /* to message_context and message_aad */
};

extern const char message_context[], message_aad[];

void message_make(struct message *message, const struct message_plan *plan);

/* After edits, as far as there is a header of a length that fits: makes the commitment right again
 * for the salt that stands there, and seals the pages again. */
void message_repair(struct message *message, int bound, int commitment, int pages);

#endif
