/*
 * What the fuzzers share.
 */
#ifndef BYOK_TEST_FUZZ_FUZZ_H
#define BYOK_TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define REQUIRE(what)                                                                              \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #what);               \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A copy without a byte to spare, so that a sanitizer sees a read beyond its end. */
static inline void *exact(const void *data, size_t len)
{
    void *copy = malloc(len == 0 ? 1 : len);

    REQUIRE(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

/* The same with a terminator behind it. */
static inline char *string(const void *data, size_t len)
{
    char *copy = malloc(len + 1);

    REQUIRE(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

static inline int is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return 0;
    return 1;
}

#endif
