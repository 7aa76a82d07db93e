/*
 * What the unit tests share: calls that must work or fail with a reason, text from a heap block of
 * just its size, and children.
 */
#ifndef BYOK_TEST_UNIT_CHECK_H
#define BYOK_TEST_UNIT_CHECK_H

#include "test/support/cmocka.h"

#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the last call below had to say. */
static struct byok_status status __attribute__((unused));

#define WORKS(call)                                                                                \
    do {                                                                                           \
        memset(&status, 0, sizeof status);                                                         \
        if (!(call))                                                                               \
            fail_msg("%s: %s: %s", #call, byok_reason_find(status.reason)->name, status.text);     \
        assert_int_equal(status.reason, 0);                                                        \
    } while (0)

#define FAILS(expected, call)                                                                      \
    do {                                                                                           \
        memset(&status, 0, sizeof status);                                                         \
        if (call)                                                                                  \
            fail_msg("%s did not fail", #call);                                                    \
        if (status.reason != (expected))                                                           \
            fail_msg("%s: %s, not %s: %s", #call,                                                  \
                     status.reason == 0 ? "no reason" : byok_reason_find(status.reason)->name,     \
                     byok_reason_find(expected)->name, status.text);                               \
        assert_true(status.text[0] != '\0' && status.line > 0);                                    \
    } while (0)

/* The text of the status has this part. */
#define SAYS(part)                                                                                 \
    do {                                                                                           \
        if (strstr(status.text, part) == NULL)                                                     \
            fail_msg("\"%s\" does not say \"%s\"", status.text, part);                             \
    } while (0)

#define HIDES(part)                                                                                \
    do {                                                                                           \
        if (strstr(status.text, part) != NULL)                                                     \
            fail_msg("\"%s\" says \"%s\"", status.text, part);                                     \
    } while (0)

/* A copy without a byte to spare, so that a sanitizer sees a read beyond its end. */
static inline void *exact(const void *data, size_t len)
{
    void *copy = malloc(len == 0 ? 1 : len);

    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

/* Runs `body` in a child, which exits with what it returns; gives the wait status. No cmocka call
 * in a child. */
static inline int child(int (*body)(void *), void *arg)
{
    static const struct rlimit no_core = {0, 0};
    int result = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        _exit(body(arg));
    }
    assert_int_equal(waitpid(pid, &result, 0), pid);
    return result;
}

#define CHILD_RETURNS(value, body, arg)                                                            \
    do {                                                                                           \
        int result_ = child(body, arg);                                                            \
        assert_true(WIFEXITED(result_));                                                           \
        assert_int_equal(WEXITSTATUS(result_), value);                                             \
    } while (0)

#endif
