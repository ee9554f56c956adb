#include "core/stamps.h"

#include "base/assert.h"
#include "base/endian.h"

msec_t
stamps_at(struct slice stamps, size_t index)
{
    return (msec_t)(get_be64(stamps.data + index * STAMP_SIZE) >> 8);
}

unsigned
stamps_flags(struct slice stamps, size_t index)
{
    return stamps.data[index * STAMP_SIZE + STAMP_SIZE - 1];
}

size_t
stamps_first_within(struct slice stamps, msec_t length_ms, msec_t now_ms)
{
    size_t low = 0, high = stamps_count(stamps);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stamps_at(stamps, middle) + length_ms > now_ms)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Append those from @first on, and a new one: the youngest @count_max of them. */
static void
append(struct buf *out, struct slice stamps, size_t first, size_t count_max, uint64_t value)
{
    uint8_t stamp[STAMP_SIZE];
    size_t count = stamps_count(stamps);
    assert(stamps.size % STAMP_SIZE == 0);
    if (count - first >= count_max)
        first = count - (count_max - 1);
    if (count > first)
        buf_append(out, stamps.data + first * STAMP_SIZE, (count - first) * STAMP_SIZE);
    put_be64(stamp, value);
    buf_append(out, stamp, sizeof(stamp));
}

void
stamps_add(struct buf *out, struct slice stamps, unsigned flags, msec_t now_ms)
{
    assert(flags <= UINT8_MAX);
    size_t first = stamps_first_within(stamps, RATE_AGE_MS, now_ms);
    first = first > RATE_COUNT_MAX ? first - RATE_COUNT_MAX : 0;
    append(out, stamps, first, STAMP_COUNT_MAX, (uint64_t)now_ms << 8 | flags);
}

void
stamps_receive(struct buf *out, struct slice stamps, msec_t now_ms)
{
    size_t first = stamps_first_within(stamps, INBOUND_MS, now_ms);
    append(out, stamps, first, INBOUND_COUNT_MAX, (uint64_t)now_ms << 8);
}

/* The index of the stamp of a request that ends; their count if it is long gone. */
static size_t
find_unmarked(struct slice stamps, msec_t at_ms, uint64_t cost)
{
    const unsigned marks = STAMP_ACCEPTED | STAMP_REFUNDED_DAY | STAMP_REFUNDED_WEEK;
    const unsigned costs = STAMP_COST_LOW | STAMP_COST_HIGH;
    size_t first = stamps_first_within(stamps, 1, at_ms); /* the first not before at_ms */
    for (size_t i = first; i < stamps_count(stamps) && stamps_at(stamps, i) == at_ms; i++)
        if ((stamps_flags(stamps, i) & (marks | costs)) == stamp_of_cost(cost))
            return i;
    return stamps_count(stamps);
}

void
stamps_mark(struct buf *out, struct slice stamps, msec_t at_ms, uint64_t cost, unsigned flags)
{
    size_t start = out->size;
    buf_append(out, stamps.data, stamps.size);
    if (out->failed)
        return;
    size_t index = find_unmarked(stamps, at_ms, cost);
    if (index < stamps_count(stamps))
        out->data[start + index * STAMP_SIZE + STAMP_SIZE - 1] |= (uint8_t)flags;
}

void
stamps_rate(struct slice stamps, msec_t after_ms, msec_t now_ms, struct rate *out)
{
    size_t end = stamps_first_within(stamps, RATE_AGE_MS, now_ms);
    *out = (struct rate){0};
    for (size_t i = end; i > 0 && out->count < RATE_COUNT_MAX; i--) {
        if (stamps_at(stamps, i - 1) <= after_ms)
            break;
        if (out->count == 0)
            out->newest_ms = stamps_at(stamps, i - 1);
        out->count++;
        out->first = i - 1;
        out->accepted += (stamps_flags(stamps, i - 1) & STAMP_ACCEPTED) != 0;
    }
}

void
rate_accept(struct rate *rate, struct slice stamps, msec_t at_ms, uint64_t cost)
{
    size_t index = find_unmarked(stamps, at_ms, cost);
    rate->accepted += index >= rate->first && index < rate->first + rate->count;
}

int
rate_percent(const struct rate *rate)
{
    if (rate->count < RATE_COUNT_MIN)
        return -1;
    return (int)(rate->accepted * 100 / rate->count);
}
