#include "base/clock.h"

#include <time.h>

static int64_t seconds(clockid_t clock)
{
    struct timespec t = {0, 0};

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec;
}

struct byok_deadline byok_deadline_after(uint64_t after)
{
    struct byok_deadline deadline;

    deadline.boot = seconds(CLOCK_BOOTTIME) + (int64_t)after;
    deadline.real = seconds(CLOCK_REALTIME) + (int64_t)after;
    return deadline;
}

int byok_deadline_passed(const struct byok_deadline *deadline)
{
    /* The coarse clock is the same one, a few milliseconds behind, at a fifth of the price. */
    return seconds(CLOCK_BOOTTIME) >= deadline->boot
           || seconds(CLOCK_REALTIME_COARSE) >= deadline->real;
}

int64_t byok_clock_seconds(void)
{
    return seconds(CLOCK_MONOTONIC_COARSE);
}

int64_t byok_clock_milliseconds(void)
{
    struct timespec t = {0, 0};

    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
