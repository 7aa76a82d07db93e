/*
 * Memory for secrets: never swapped where the process may lock memory, left out of core dumps,
 * zeros in a forked child, between guard pages, wiped when released. Slots have one size, which
 * every key here fits, so that a slot is all there is to know.
 */
#ifndef BYOK_BASE_SECRET_H
#define BYOK_BASE_SECRET_H

#include "base/status.h"

#include <stddef.h>

/* Bytes: two keys of 256 bits, or what HKDF-Expand-SHA-512 gives at once */
#define BYOK_SECRET_SIZE 64

/* A type of its own, so that the compiler refuses it where a string is wanted. */
struct byok_secret {
    unsigned char bytes[BYOK_SECRET_SIZE];
};

struct byok_arena;

/* Takes no lock, ever: allocation and release are safe from many threads, and in a child forked at
 * any moment. */
struct byok_arena *byok_arena_new(struct byok_status *status);

/* Unmaps everything; every secret must have been freed. NULL is allowed. */
void byok_arena_free(struct byok_arena *arena);

/* A slot of zeros, owned by the caller until byok_secret_free(); NULL with a status. */
struct byok_secret *byok_secret_new(struct byok_arena *arena, struct byok_status *status);

/* Wipes the slot and gives it back. NULL is allowed. */
void byok_secret_free(struct byok_arena *arena, struct byok_secret *secret);

#endif
