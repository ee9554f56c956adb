/* base/monotonic.h: how long something takes.
 *
 * CLOCK_MONOTONIC: it does not jump, and stands while the machine sleeps. What is due at some time
 * goes by app/clock.h.
 *
 * Layer: base. Thread: any.
 */
#ifndef KITH_BASE_MONOTONIC_H
#define KITH_BASE_MONOTONIC_H

#include <time.h>

#include "base/assert.h"
#include "base/types.h"

static inline int64_t
monotonic_ns(void)
{
    struct timespec now;
    int rc = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(rc == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline msec_t
monotonic_ms(void)
{
    return monotonic_ns() / 1000000;
}

#endif
