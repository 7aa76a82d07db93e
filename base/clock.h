/*
 * Deadlines that hold through suspension and through a clock that is set: a deadline has passed
 * when either clock says so.
 */
#ifndef BYOK_BASE_CLOCK_H
#define BYOK_BASE_CLOCK_H

#include <stdint.h>

struct byok_deadline {
    int64_t boot,
        real; /* seconds on CLOCK_BOOTTIME, which runs on in suspension, and on CLOCK_REALTIME */
};

/* `seconds` from now; 0 has passed at once. */
struct byok_deadline byok_deadline_after(uint64_t seconds);
int byok_deadline_passed(const struct byok_deadline *deadline);

/* A cheap clock that never goes back, a few milliseconds coarse, to space things out by. */
int64_t byok_clock_seconds(void);
int64_t byok_clock_milliseconds(void);

#endif
