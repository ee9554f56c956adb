/* core/quota.h: the limits on what a member sends, and what is left of each.
 *
 *   burst         GCRA, one theoretical arrival time (ITU-T I.371; also known as a leaky bucket
 *                 as a meter): so many at once, then so many a minute
 *   hour day week exact sliding windows over the stamps (stamps.h): at the instant at which a
 *                 stamp is exactly as old as the window it no longer counts
 *   pending       requests waiting for an answer
 *   note          requests with a note, by calendar month in UTC
 *   connections   what a member may hold
 *
 * A limit of 0 is off.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_QUOTA_H
#define KITH_CORE_QUOTA_H

#include "core/rules.h"
#include "core/stamps.h"

#define WINDOW_LIST(X)    \
    X(BURST, "burst")     \
    X(HOUR, "hour")       \
    X(DAY, "day")         \
    X(WEEK, "week")       \
    X(PENDING, "pending") \
    X(NOTE, "note")       \
    X(CONNECTIONS, "connections")

#define X(id, name) WINDOW_##id,
enum window { WINDOW_LIST(X) WINDOW_COUNT };
#undef X

const char *window_name(enum window window);

/* What one window says at one instant. */
struct window_use {
    enum window window;
    uint64_t limit; /* 0: off */
    uint64_t used, left;
    msec_t next_free_ms; /* when what was asked fits; 0: now, or when somebody answers */
};

/* All that the limits depend on. */
struct quota_facts {
    const struct member *member;
    uint64_t limit[WINDOW_COUNT]; /* as they are for this member now */
    uint64_t rate;                /* of the burst, a minute */
    msec_t pending_ms;            /* when the first of his requests expires; 0: not looked up */
};

/* Fill @out for @member at @now_ms: by tier, age of the account, and acceptance rate: below 20 in a
 * hundred day and week are halved, from 60 they are half as large again. */
void quota_load(const struct rules *rules, const struct member *member, msec_t now_ms,
                struct quota_facts *out);

/* The use of one window, and when something that costs @cost fits. */
void quota_look(const struct quota_facts *facts, enum window window, uint64_t cost, msec_t now_ms,
                struct window_use *out);

/* Find the window that refuses a request of @cost now, with a note or without; of several, the one
 * that frees last. A cost above a limit counts as all of it. False if none refuses. */
bool quota_refuses(const struct quota_facts *facts, uint64_t cost, bool note, msec_t now_ms,
                   struct window_use *out);

/* What is left of the tightest of burst, hour, day and week after a request of @cost (0: as it
 * is); false if all are off. @refunded: a set of bits 1 << window, in which it no longer counts. */
bool quota_after(const struct quota_facts *facts, uint64_t cost, unsigned refunded, msec_t now_ms,
                 struct window_use *out);

/* Is anything of this member's requests counted at all? */
bool quota_counts(const struct quota_facts *facts);

/* Has @member received as many requests within 24 hours as he wants to see at once, and @further
 * ones now? O(log n). */
bool inbound_is_full(const struct rules *rules, const struct member *member, uint64_t further,
                     msec_t now_ms);

/* Does a request to @member count in his day? If not, nothing is remembered of it. */
bool inbound_counts(const struct rules *rules, const struct member *member);

/* The theoretical arrival time after a request of @cost; 0 if the burst is off. */
msec_t quota_burst_next(const struct quota_facts *facts, uint64_t cost, msec_t now_ms);

/* May a stamp made at @at_ms be refunded in this window: it is inside, and no more than half the
 * limit of stamps is refunded in it already. */
bool quota_refunds(const struct quota_facts *facts, enum window window, msec_t at_ms,
                   msec_t now_ms);

/* Calendar months since year 0, in UTC, and the instant at which a month begins. */
uint64_t month_of(msec_t at_ms);
msec_t month_start(uint64_t month);

#endif
