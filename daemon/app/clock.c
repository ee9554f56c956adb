#include "app/clock.h"

#include <time.h>

#include "base/assert.h"

static msec_t
read_ms(clockid_t id)
{
    struct timespec time;
    int rc = clock_gettime(id, &time);
    assert(rc == 0);
    return (msec_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct clock_reading
clock_read(void)
{
    /* CLOCK_BOOTTIME, since while a machine sleeps real time does pass. */
    return (struct clock_reading){read_ms(CLOCK_REALTIME), read_ms(CLOCK_BOOTTIME)};
}

static msec_t
later(msec_t a, msec_t b)
{
    return a > b ? a : b;
}

void
clock_init(struct clock *clock, bool manual, struct clock_reading reading, msec_t last_at_ms)
{
    assert(last_at_ms >= 0);
    *clock = (struct clock){
        .manual = manual,
        .now_ms = later(reading.real_ms, last_at_ms),
        .anchor = reading,
    };
}

static enum clock_news
enter(struct clock *clock, enum clock_news state, msec_t step_ms)
{
    enum clock_news before = clock->state;
    clock->state = state;
    if (state == before)
        return CLOCK_SAME;
    clock->step_ms = step_ms;
    if (state != CLOCK_SAME)
        return state;
    return before == CLOCK_STANDS ? CLOCK_GOES : CLOCK_STEP_GONE;
}

msec_t
clock_now(struct clock *clock, struct clock_reading reading, msec_t last_at_ms,
          enum clock_news *news)
{
    assert(reading.mono_ms >= clock->anchor.mono_ms);
    clock->now_ms = later(clock->now_ms, last_at_ms);
    *news = CLOCK_SAME;
    if (clock->manual)
        return clock->now_ms;

    msec_t expected_ms = clock->anchor.real_ms + (reading.mono_ms - clock->anchor.mono_ms);
    msec_t step_ms = reading.real_ms - expected_ms;
    msec_t behind_ms = clock->now_ms - reading.real_ms;
    if (step_ms > CLOCK_STEP_MS_MAX) {
        *news = enter(clock, CLOCK_STEP_REFUSED, step_ms);
        return clock->now_ms = later(clock->now_ms, expected_ms);
    }
    if (behind_ms > 0) {
        /* The anchor stays: should the clock come back to where it was, that is no step. */
        bool tell = behind_ms > CLOCK_BACK_MS_IGNORED || clock->state == CLOCK_STANDS;
        *news = enter(clock, tell ? CLOCK_STANDS : CLOCK_SAME, behind_ms);
        return clock->now_ms;
    }
    clock->anchor = reading;
    *news = enter(clock, CLOCK_SAME, 0);
    return clock->now_ms = reading.real_ms;
}

void
clock_accept(struct clock *clock, struct clock_reading reading)
{
    assert(reading.mono_ms >= clock->anchor.mono_ms);
    clock->anchor = reading;
}
