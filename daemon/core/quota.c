#include "core/quota.h"

#include "base/assert.h"
#include "base/endian.h"

static const struct {
    const char *name;
    msec_t length_ms;
    size_t limit, limit_new; /* offsets into struct tier */
} windows[WINDOW_COUNT] = {
#define X(id, name, length_ms, limit, limit_new) \
    [WINDOW_##                                   \
        id] = {name, length_ms, offsetof(struct tier, limit), offsetof(struct tier, limit_new)},
    WINDOW_LIST(X)
#undef X
};

const char *
window_name(enum window window)
{
    return windows[window].name;
}

uint64_t
window_limit(const struct tier *tier, enum window window, bool is_new)
{
    size_t offset = is_new ? windows[window].limit_new : windows[window].limit;
    return *(const uint64_t *)(const void *)((const uint8_t *)tier + offset);
}

static msec_t
stamp_at(struct slice stamps, size_t index)
{
    return (msec_t)(get_be64(stamps.data + index * STAMP_SIZE) >> 8);
}

static uint64_t
stamp_cost(struct slice stamps, size_t index)
{
    return get_be64(stamps.data + index * STAMP_SIZE) & STAMP_COST_MAX;
}

/* The first stamp younger than @length_ms. Stamps are in order of time. */
static size_t
first_within(struct slice stamps, msec_t length_ms, msec_t now_ms)
{
    size_t low = 0, high = stamps.size / STAMP_SIZE;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stamp_at(stamps, middle) + length_ms > now_ms)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Fill @out for a request of @cost: next_free_ms is when enough of the oldest have left. */
static void
look(struct slice stamps, enum window window, uint64_t limit, uint64_t cost, msec_t now_ms,
     struct window_use *out)
{
    msec_t length_ms = windows[window].length_ms;
    size_t count = stamps.size / STAMP_SIZE;
    size_t first = first_within(stamps, length_ms, now_ms);

    *out = (struct window_use){.window = window, .limit = limit};
    for (size_t i = first; i < count; i++)
        out->used += stamp_cost(stamps, i);
    out->left = limit > out->used ? limit - out->used : 0;

    uint64_t still_used = out->used;
    for (size_t i = first; i < count && still_used + cost > limit; i++) {
        still_used -= stamp_cost(stamps, i);
        out->next_free_ms = stamp_at(stamps, i) + length_ms;
    }
}

void
window_look(struct slice stamps, enum window window, uint64_t limit, msec_t now_ms,
            struct window_use *out)
{
    look(stamps, window, limit, 1, now_ms, out);
}

bool
quota_refuses(struct slice stamps, const struct tier *tier, bool is_new, uint64_t cost,
              msec_t now_ms, struct window_use *out)
{
    bool refused = false;
    for (enum window window = 0; window < WINDOW_COUNT; window++) {
        struct window_use use;
        uint64_t limit = window_limit(tier, window, is_new);
        if (limit == 0)
            continue;
        look(stamps, window, limit, cost, now_ms, &use);
        if (use.used + cost <= limit)
            continue;
        if (!refused || use.next_free_ms > out->next_free_ms)
            *out = use;
        refused = true;
    }
    return refused;
}

bool
quota_after(struct slice stamps, const struct tier *tier, bool is_new, uint64_t cost, msec_t now_ms,
            struct window_use *out)
{
    bool any = false;
    for (enum window window = 0; window < WINDOW_COUNT; window++) {
        struct window_use use;
        uint64_t limit = window_limit(tier, window, is_new);
        if (limit == 0)
            continue;
        look(stamps, window, limit, cost + 1, now_ms, &use);
        use.used += cost;
        use.left = use.left > cost ? use.left - cost : 0;
        if (use.left > 0)
            use.next_free_ms = 0;
        else if (use.next_free_ms == 0) /* the new request itself is the oldest */
            use.next_free_ms = now_ms + windows[window].length_ms;
        if (!any || use.left < out->left)
            *out = use;
        any = true;
    }
    return any;
}

void
stamps_add(struct buf *out, struct slice stamps, uint64_t cost, msec_t now_ms)
{
    assert(cost > 0 && cost <= STAMP_COST_MAX);
    assert(stamps.size % STAMP_SIZE == 0);
    uint8_t stamp[STAMP_SIZE];
    size_t first = first_within(stamps, WINDOW_LENGTH_MAX_MS, now_ms);
    size_t kept = stamps.size / STAMP_SIZE - first;

    if (kept >= STAMP_COUNT_MAX) {
        first += kept - (STAMP_COUNT_MAX - 1);
        kept = STAMP_COUNT_MAX - 1;
    }
    buf_append(out, stamps.data + first * STAMP_SIZE, kept * STAMP_SIZE);
    put_be64(stamp, (uint64_t)now_ms << 8 | cost);
    buf_append(out, stamp, sizeof(stamp));
}
