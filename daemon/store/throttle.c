#include "store/throttle.h"

#include "base/assert.h"

/* Neither is ever nothing, or else the other would promise all. */
#define SYNC_SHARE_MIN 0.1
#define SYNC_SHARE_MAX 0.9

static double
within(double value, double least, double most)
{
    if (value < least)
        return least;
    return value < most ? value : most;
}

double
throttle_sync_share(double before, msec_t sync_ms, msec_t took_ms)
{
    assert(sync_ms >= 0 && took_ms >= 0);
    if (took_ms == 0)
        return before;
    double seen = within((double)sync_ms / (double)took_ms, SYNC_SHARE_MIN, SYNC_SHARE_MAX);
    return (before + seen) / 2;
}

double
throttle_done(uint64_t rows, uint64_t rows_all, double synced, double sync_share)
{
    double written = rows < rows_all ? (double)rows / (double)rows_all : 1;
    if (written < 1)
        synced = 0; /* of something before */
    return written * (1 - sync_share) + within(synced, 0, 1) * sync_share;
}

uint64_t
throttle_limit(uint64_t room, double done)
{
    uint64_t free = room / THROTTLE_FREE_SHARE;
    return free + (uint64_t)((double)(room - free) * within(done, 0, 1));
}
