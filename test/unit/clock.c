/*
 * base/clock: a deadline has passed when either clock says so.
 */
#include "base/clock.h"

#include "test/unit/check.h"

#include <time.h>

static int64_t seconds(clockid_t clock)
{
    struct timespec t;

    assert_int_equal(clock_gettime(clock, &t), 0);
    return t.tv_sec;
}

static void zero_seconds_have_passed_at_once(void **state)
{
    struct byok_deadline deadline = byok_deadline_after(0);

    (void)state;
    assert_true(byok_deadline_passed(&deadline));
}

static void later_is_not_yet(void **state)
{
    struct byok_deadline soon = byok_deadline_after(60), late = byok_deadline_after(86400);

    (void)state;
    assert_false(byok_deadline_passed(&soon));
    assert_false(byok_deadline_passed(&late));
    assert_in_range(late.boot - soon.boot, 86340, 86341);
    assert_in_range(late.real - soon.real, 86340, 86341);
}

static void it_passes(void **state)
{
    struct byok_deadline deadline = byok_deadline_after(1);
    struct timespec wait = {1, 100000000};

    (void)state;
    assert_int_equal(nanosleep(&wait, NULL), 0);
    assert_true(byok_deadline_passed(&deadline));
}

static void either_clock_is_enough(void **state)
{
    struct byok_deadline deadline = byok_deadline_after(60);

    (void)state;
    deadline.boot =
        seconds(CLOCK_BOOTTIME) - 1; /* suspended meanwhile, and the other clock was set back */
    assert_true(byok_deadline_passed(&deadline));
    deadline = byok_deadline_after(60);
    deadline.real = seconds(CLOCK_REALTIME) - 1; /* the clock was set forward */
    assert_true(byok_deadline_passed(&deadline));
    deadline = byok_deadline_after(60);
    deadline.real += 100000;
    deadline.boot += 100000;
    assert_false(byok_deadline_passed(&deadline));
}

static void clocks_are_those_that_run_in_suspension_and_of_the_day(void **state)
{
    int64_t boot = seconds(CLOCK_BOOTTIME), real = seconds(CLOCK_REALTIME);
    struct byok_deadline deadline = byok_deadline_after(1000);

    (void)state;
    assert_in_range(deadline.boot, boot + 1000, boot + 1002);
    assert_in_range(deadline.real, real + 1000, real + 1002);
}

static void cheap_clock_goes_on(void **state)
{
    struct timespec wait = {1, 200000000};
    int64_t before = byok_clock_seconds(), last = before, now;
    int i;

    (void)state;
    for (i = 0; i < 1000; i++) {
        now = byok_clock_seconds();
        assert_true(now >= last);
        last = now;
    }
    assert_int_equal(nanosleep(&wait, NULL), 0);
    assert_in_range(byok_clock_seconds() - before, 1, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_seconds_have_passed_at_once),
        cmocka_unit_test(later_is_not_yet),
        cmocka_unit_test(it_passes),
        cmocka_unit_test(either_clock_is_enough),
        cmocka_unit_test(clocks_are_those_that_run_in_suspension_and_of_the_day),
        cmocka_unit_test(cheap_clock_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
