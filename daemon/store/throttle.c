#include "store/throttle.h"

#include "base/assert.h"

/* It may take longer than the last one, by as much: else there would be nothing left at its end. */
#define MARGIN 1.25

uint64_t
throttle_limit(const struct throttle *last, uint64_t size, uint64_t room, msec_t elapsed_ms)
{
    assert(elapsed_ms >= 0);
    if (last->size == 0 || last->took_ms <= 0)
        return room;
    double expected_ms = MARGIN * (double)last->took_ms * ((double)size / (double)last->size);
    if ((double)elapsed_ms >= expected_ms)
        return room;
    uint64_t free = room / THROTTLE_FREE_SHARE;
    return free + (uint64_t)((double)(room - free) * ((double)elapsed_ms / expected_ms));
}
