/* core/stamps.h: what a member's own requests were: when, what they cost, what became of them; and
 * when he received others'.
 *
 * A stamp is eight bytes in the member's row: milliseconds << 8 | flags, big-endian, in order of
 * time. One is made for each counted request; it stays while a window or the acceptance rate can
 * see it. Those of received requests are kept apart, and say only when.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_STAMPS_H
#define KITH_CORE_STAMPS_H

#include "base/buf.h"
#include "core/conduct.h"

#define STAMP_SIZE 8

enum {
    STAMP_COST_LOW = 3,     /* two bits of the cost, and two more at the other end */
    STAMP_IMPERSONAL = 4,   /* its note was absent or generic */
    STAMP_REFUNDED_DAY = 8, /* accepted or withdrawn: no longer counts in this window */
    STAMP_REFUNDED_WEEK = 16,
    STAMP_ACCEPTED = 32,
    STAMP_COST_HIGH = 192
};

#define STAMP_COST_MAX 15
_Static_assert(REQUEST_COST_MAX <= STAMP_COST_MAX, "a stamp has room for every cost");

static inline unsigned
stamp_of_cost(uint64_t cost)
{
    return (unsigned)((cost & 3) | (cost >> 2 & 3) << 6);
}

static inline unsigned
stamp_cost(unsigned flags)
{
    return (flags & STAMP_COST_LOW) | (flags & STAMP_COST_HIGH) >> 4;
}

/* No limit is larger than 1000 a week, which high acceptance makes 1500; two weeks and the last
 * fifty before that stay. */
#define STAMP_COUNT_MAX 3072

/* Of received requests: no limit is larger than 1000 in 24 hours. */
#define INBOUND_MS        DAY_MS
#define INBOUND_COUNT_MAX 1000

static inline size_t
stamps_count(struct slice stamps)
{
    return stamps.size / STAMP_SIZE;
}

msec_t stamps_at(struct slice stamps, size_t index);
unsigned stamps_flags(struct slice stamps, size_t index);

/* The index of the first stamp younger than @length_ms. O(log n). */
size_t stamps_first_within(struct slice stamps, msec_t length_ms, msec_t now_ms);

/* Append to @out the stamps that still matter at @now_ms, and a new one with @flags. */
void stamps_add(struct buf *out, struct slice stamps, unsigned flags, msec_t now_ms);

/* The same for those of received requests: as many as any limit can see. */
void stamps_receive(struct buf *out, struct slice stamps, msec_t now_ms);

/* Append to @out all stamps, with @flags added to the one of a request of @cost at @at_ms: of
 * several that are alike, the first not marked yet. Nothing changes if it is long gone. */
void stamps_mark(struct buf *out, struct slice stamps, msec_t at_ms, uint64_t cost, unsigned flags);

/* How many of the requests that the rate looks at were accepted, of those sent after @after_ms. */
struct rate {
    unsigned count, accepted;
    size_t first;     /* the index of the eldest of them, if there are any */
    msec_t newest_ms; /* when the youngest of them was sent */
};
void stamps_rate(struct slice stamps, msec_t after_ms, msec_t now_ms, struct rate *out);

/* Add the acceptance of a request of @cost at @at_ms to the rate of @stamps, which stamps_mark()
 * has not told them yet. */
void rate_accept(struct rate *rate, struct slice stamps, msec_t at_ms, uint64_t cost);

/* In hundredths; -1 while there are too few. */
int rate_percent(const struct rate *rate);

#endif
