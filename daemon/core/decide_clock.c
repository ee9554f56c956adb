#include "core/decide.h"

#include "base/assert.h"
#include "proto/limits.h"
#include "proto/schema.h"

enum kith_err
decide_clock(uint64_t ms, struct decision *out)
{
    assert(out->event_count == 0);
    if (ms > (uint64_t)(KITH_INT_MAX - out->now_ms))
        return refuse_field(out, KITH_BAD_ARGUMENT, "ms");
    out->now_ms += (msec_t)ms;
    decision_event(out, EVENT_CLOCK_ADVANCED)->ms = ms;
    entries_time(&out->result, "now", out->now_ms);
    return KITH_OK;
}
