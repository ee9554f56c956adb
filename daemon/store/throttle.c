#include "store/throttle.h"

#include "base/assert.h"

/* What took a moment since there was little to write says nothing of one so many times as large. */
#define GROWTH_MAX 4

/* It may take longer than the last one, by as much: else there would be nothing left at its end. */
#define MARGIN 1.25

uint64_t
throttle_limit(const struct throttle *last, uint64_t size, uint64_t room, msec_t elapsed_ms)
{
    assert(elapsed_ms >= 0);
    if (last->size == 0 || last->took_ms <= 0 || last->size < size / GROWTH_MAX)
        return room;
    /* Half of its time went into rows, half into pages, which are about as many whatever it holds.
     */
    double growth = (1 + (double)size / (double)last->size) / 2;
    double expected_ms = MARGIN * growth * (double)last->took_ms;
    if ((double)elapsed_ms >= expected_ms)
        return room;
    uint64_t free = room / THROTTLE_FREE_SHARE;
    return free + (uint64_t)((double)(room - free) * ((double)elapsed_ms / expected_ms));
}
