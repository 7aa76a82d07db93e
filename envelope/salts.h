/*
 * Salts, drawn a few at once: beside a small message a draw of its own is dear.
 */
#ifndef BYOK_ENVELOPE_SALTS_H
#define BYOK_ENVELOPE_SALTS_H

#include "base/crypto.h"
#include "envelope/header.h"

struct byok_salts;

/*
 * Belongs to one process: a forked child makes its own, or two messages would have the same salt. A
 * virtual machine that is cloned or set back would repeat those that were drawn and not yet used,
 * so they are used within 10 ms or not at all, and only a process that seals that fast has any;
 * what is drawn after has fresh bytes of the kernel's in it (byok_random). `crypto` outlives it.
 */
struct byok_salts *byok_salts_new(const struct byok_crypto *crypto, struct byok_status *status);
void byok_salts_free(struct byok_salts *salts);

/* A salt that nobody had and nobody gets again. */
int byok_salts_take(struct byok_salts *salts, unsigned char out[BYOK_SALT_BYTES],
                    struct byok_status *status);

#endif
