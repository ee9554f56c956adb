/* clock.h: the time that time-outs run on.
 *
 * Thread: any. Blocking: no.
 */
#ifndef KITH_CLIENT_CLOCK_H
#define KITH_CLIENT_CLOCK_H

#include <time.h>

#include "base/types.h"

#define CLOCK_NEVER INT64_MAX /* a deadline that does not come */

/* Milliseconds that never go back. The coarse clock is up to 10 ms late, costs a quarter of the
 * fine one, and is read for each message. */
static inline msec_t
clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (msec_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The instant @timeout_ms from now; below 0 is never. */
static inline msec_t
clock_deadline(msec_t now_ms, int timeout_ms)
{
    return timeout_ms < 0 ? CLOCK_NEVER : now_ms + timeout_ms;
}

#endif
