/* The clock: it never goes back, follows small steps, and large ones only when told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/clock.h"

#define START 1700000000000LL
#define HOUR  3600000LL

/* A system clock that was right at START, when the monotonic one was at 0. */
static struct clock_reading
at(msec_t mono_ms, msec_t off_ms)
{
    return (struct clock_reading){START + mono_ms + off_ms, mono_ms};
}

struct step {
    msec_t mono_ms, off_ms; /* the readings */
    msec_t last_at_ms;      /* of the log, less START; below 0: none later than START */
    msec_t expected_ms;     /* less START */
    enum clock_news news;
};

static void
run(struct clock *clock, const struct step *steps, size_t count)
{
    msec_t before_ms = clock->now_ms;
    for (size_t i = 0; i < count; i++) {
        enum clock_news news;
        msec_t last_at_ms = steps[i].last_at_ms < 0 ? 0 : START + steps[i].last_at_ms;
        msec_t now_ms = clock_now(clock, at(steps[i].mono_ms, steps[i].off_ms), last_at_ms, &news);
        if (now_ms != START + steps[i].expected_ms || news != steps[i].news)
            fail_msg("step %zu: %lld, news %d", i, (long long)(now_ms - START), (int)news);
        assert_true(now_ms >= before_ms);
        before_ms = now_ms;
    }
}

static void
test_it_follows_the_system(void **state)
{
    static const struct step steps[] = {
        {0, 0, -1, 0, CLOCK_SAME},
        {1000, 0, -1, 1000, CLOCK_SAME},
        {2000, 50, -1, 2050, CLOCK_SAME},                       /* slewed a little */
        {3000, HOUR + 50, -1, HOUR + 3050, CLOCK_SAME},         /* an hour exactly is followed */
        {4000, 2 * HOUR + 50, -1, 2 * HOUR + 4050, CLOCK_SAME}, /* and the next one */
    };
    struct clock clock;
    (void)state;
    clock_init(&clock, false, at(0, 0), 0);
    run(&clock, steps, ARRAY_COUNT(steps));
}

static void
test_a_large_step_is_not_followed(void **state)
{
    static const struct step steps[] = {
        {1000, 0, -1, 1000, CLOCK_SAME},
        {2000, HOUR + 1, -1, 2000, CLOCK_STEP_REFUSED},
        {3000, HOUR + 1, -1, 3000, CLOCK_SAME}, /* told once */
        {9000, 9 * HOUR, -1, 9000, CLOCK_SAME},
        {10000, 0, -1, 10000, CLOCK_STEP_GONE},
        {11000, 0, -1, 11000, CLOCK_SAME},
        {12000, 48 * HOUR, -1, 12000, CLOCK_STEP_REFUSED}, /* again, told again */
    };
    struct clock clock;
    (void)state;
    clock_init(&clock, false, at(0, 0), 0);
    run(&clock, steps, ARRAY_COUNT(steps));
}

static void
test_hup_accepts_a_large_step(void **state)
{
    static const struct step before[] = {{1000, 5 * HOUR, -1, 1000, CLOCK_STEP_REFUSED}};
    static const struct step after[] = {
        {3000, 5 * HOUR, -1, 5 * HOUR + 3000, CLOCK_STEP_GONE},
        {4000, 5 * HOUR, -1, 5 * HOUR + 4000, CLOCK_SAME},
    };
    struct clock clock;
    (void)state;
    clock_init(&clock, false, at(0, 0), 0);
    run(&clock, before, ARRAY_COUNT(before));
    clock_accept(&clock, at(2000, 5 * HOUR));
    run(&clock, after, ARRAY_COUNT(after));
}

static void
test_a_step_back_makes_time_stand(void **state)
{
    static const struct step steps[] = {
        {5000, 0, -1, 5000, CLOCK_SAME},
        {6000, -500 - 1000, -1, 5000, CLOCK_SAME}, /* half a second: not worth a word */
        {7000, -3 * HOUR, -1, 5000, CLOCK_STANDS},
        {8000, -3 * HOUR, -1, 5000, CLOCK_SAME},
        {9000, 0, -1, 9000, CLOCK_GOES},      /* back where it was: no step of 3 h */
        {10000, -2000, -1, 9000, CLOCK_SAME}, /* exactly a second */
        {10000, -2001, -1, 9000, CLOCK_STANDS},
        {11999, -2000, -1, 9999, CLOCK_GOES},
    };
    struct clock clock;
    (void)state;
    clock_init(&clock, false, at(0, 0), 0);
    run(&clock, steps, ARRAY_COUNT(steps));
}

static void
test_it_is_never_below_the_log(void **state)
{
    static const struct step steps[] = {
        {1000, 0, 60000, 60000, CLOCK_STANDS},
        {59999, 0, 60000, 60000, CLOCK_SAME},
        {60001, 0, 60000, 60001, CLOCK_GOES},
        {60002, 0, 70000, 70000,
         CLOCK_STANDS}, /* the log moved: clock.advance of an earlier life */
    };
    struct clock clock;
    (void)state;
    clock_init(&clock, false, at(0, 0), START + 60000);
    run(&clock, steps, ARRAY_COUNT(steps));
}

static void
test_a_manual_clock_moves_with_the_log_only(void **state)
{
    static const struct step steps[] = {
        {1000, 0, -1, 0, CLOCK_SAME},
        {900000, 5 * HOUR, -1, 0, CLOCK_SAME},
        {900001, -5 * HOUR, 21 * 24 * HOUR, 21 * 24 * HOUR, CLOCK_SAME},
        {900002, 0, 21 * 24 * HOUR, 21 * 24 * HOUR, CLOCK_SAME},
    };
    struct clock clock;
    (void)state;
    clock_init(&clock, true, at(0, 0), START - 1);
    run(&clock, steps, ARRAY_COUNT(steps));
    clock_init(&clock, true, at(0, 0), START + 77);
    assert_int_equal(clock.now_ms, START + 77);
}

static void
test_reading(void **state)
{
    (void)state;
    struct clock_reading first = clock_read(), second = clock_read();
    assert_true(first.real_ms > START);
    assert_true(second.mono_ms >= first.mono_ms);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_follows_the_system),
        cmocka_unit_test(test_a_large_step_is_not_followed),
        cmocka_unit_test(test_hup_accepts_a_large_step),
        cmocka_unit_test(test_a_step_back_makes_time_stand),
        cmocka_unit_test(test_it_is_never_below_the_log),
        cmocka_unit_test(test_a_manual_clock_moves_with_the_log_only),
        cmocka_unit_test(test_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
