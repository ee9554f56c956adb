#include "net/waits.h"

#include <string.h>

#include "base/assert.h"

void
waits_init(struct waits *waits)
{
    *waits = (struct waits){.interval_ms = WAITS_INTERVAL_MS, .marked_ms = -WAITS_INTERVAL_MS};
}

msec_t
waits_read(struct waits *waits, size_t size, msec_t now_ms)
{
    unsigned passed = 0;

    waits->read += size;
    while (passed < waits->count && waits->marks[passed].end < waits->read)
        passed++;
    waits->count -= passed;
    memmove(waits->marks, waits->marks + passed, waits->count * sizeof(waits->marks[0]));
    if (waits->count > 0)
        return waits->marks[0].at_ms;
    waits->interval_ms = WAITS_INTERVAL_MS;
    return now_ms;
}

bool
waits_is_mark_due(const struct waits *waits, msec_t now_ms)
{
    return now_ms - waits->marked_ms >= waits->interval_ms;
}

static void
thin_out(struct waits *waits)
{
    waits->count = 0;
    for (unsigned i = 0; i < WAITS_MARK_COUNT; i += 2)
        waits->marks[waits->count++] = waits->marks[i];
    waits->interval_ms *= 2;
}

void
waits_mark(struct waits *waits, size_t queued, msec_t now_ms)
{
    uint64_t end = waits->read + queued;
    bool further = waits->count == 0 || end > waits->marks[waits->count - 1].end;

    assert(now_ms >= waits->marked_ms);
    waits->marked_ms = now_ms;
    if (queued == 0 || !further)
        return;
    if (waits->count == WAITS_MARK_COUNT)
        thin_out(waits);
    waits->marks[waits->count++] = (struct waits_mark){end, now_ms};
    assert(waits->count <= WAITS_MARK_COUNT);
}
