/* app/clock.h: the time that is stamped on commands.
 *
 * It never goes back, not even across a restart: it is never below the log's last event. With the
 * system clock it follows CLOCK_REALTIME, but
 *  - stands where that steps back, until it has caught up;
 *  - does not follow a step forward of more than an hour, for events stamped in a wrong future
 *    cannot be taken back: it goes on by the monotonic clock until the step is taken back or
 *    the operator confirms it (HUP).
 * A manual clock stands still and moves with the log: clock.advance is an event.
 *
 * Layer: app. Pure but for clock_read().
 */
#ifndef KITH_APP_CLOCK_H
#define KITH_APP_CLOCK_H

#include "base/types.h"

#define CLOCK_STEP_MS_MAX     3600000 /* a step forward of more is not followed */
#define CLOCK_BACK_MS_IGNORED 1000    /* a step back of less is everyday NTP: not told */

struct clock_reading {
    msec_t real_ms; /* since the Unix epoch */
    msec_t mono_ms; /* never jumps; counts while the machine sleeps */
};

/* What the operator should hear of, once each time it begins or ends. */
enum clock_news {
    CLOCK_SAME,
    CLOCK_STEP_REFUSED, /* the system clock jumped forward by step_ms: not followed */
    CLOCK_STEP_GONE,    /* it is followed again: it came back, or the operator accepted it */
    CLOCK_STANDS,       /* it is step_ms behind the time given out: time stands */
    CLOCK_GOES          /* it has caught up */
};

struct clock {
    bool manual;
    enum clock_news state;       /* the last news, or CLOCK_SAME when all is well */
    msec_t now_ms;               /* the last time given out */
    msec_t step_ms;              /* how far off the system clock is, with the news */
    struct clock_reading anchor; /* when the system clock was last followed */
};

struct clock_reading clock_read(void);

/* @last_at_ms: the time of the log's last event, 0 if there is none. */
void clock_init(struct clock *clock, bool manual, struct clock_reading reading, msec_t last_at_ms);

/* The time to stamp on what comes now. */
msec_t clock_now(struct clock *clock, struct clock_reading reading, msec_t last_at_ms,
                 enum clock_news *news);

/* The operator says that the system clock is right: follow it, however far it jumped. */
void clock_accept(struct clock *clock, struct clock_reading reading);

#endif
