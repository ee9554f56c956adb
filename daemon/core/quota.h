/* core/quota.h: exact sliding windows over what a member's requests cost.
 *
 * A member's row keeps a stamp for every counted request: when, and what it cost. A window of
 * length W at time t counts the stamps younger than W, to the millisecond: at the instant at which
 * a stamp is exactly W old it no longer counts. (The sliding-window log; unlike fixed or weighted
 * windows it has no burst at an edge. Limits are at most STAMP_COUNT_MAX, so the log is short.)
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_QUOTA_H
#define KITH_CORE_QUOTA_H

#include "base/buf.h"
#include "core/settings.h"

#define STAMP_SIZE      8    /* bytes in a row: milliseconds << 8 | cost, big-endian */
#define STAMP_COUNT_MAX 1000 /* no limit is larger */
#define STAMP_COST_MAX  255

/* clang-format off */
#define WINDOW_LIST(X) /* enum, name, length, limit, the same for a new account */                  \
    X(DAY,  "day",      DAY_MS, connect_day,  connect_day_new)                                     \
    X(WEEK, "week", 7 * DAY_MS, connect_week, connect_week_new)
/* clang-format on */

enum window {
#define X(id, name, length_ms, limit, limit_new) WINDOW_##id,
    WINDOW_LIST(X)
#undef X
        WINDOW_COUNT
};

#define WINDOW_LENGTH_MAX_MS (7 * DAY_MS) /* older stamps are of no use */

const char *window_name(enum window window);

/* What one window says at one instant. */
struct window_use {
    enum window window;
    uint64_t limit; /* 0: off */
    uint64_t used, left;
    msec_t next_free_ms; /* when one that costs 1 fits again; 0: now */
};

/* The limit that @tier sets for @window; @is_new: the account counts as new. 0: off. */
uint64_t window_limit(const struct tier *tier, enum window window, bool is_new);

void window_look(struct slice stamps, enum window window, uint64_t limit, msec_t now_ms,
                 struct window_use *out);

/* Find the window that refuses a request of @cost now; of several, the one that frees last
 * (domain: "where two windows are full, the one with the latest next_free_at is named").
 * False if none refuses. out->next_free_ms is when the cost fits. */
bool quota_refuses(struct slice stamps, const struct tier *tier, bool is_new, uint64_t cost,
                   msec_t now_ms, struct window_use *out);

/* The window with the least left after a request of @cost now; false if all are off. */
bool quota_after(struct slice stamps, const struct tier *tier, bool is_new, uint64_t cost,
                 msec_t now_ms, struct window_use *out);

/* Append to @out the stamps that still matter at @now_ms and a new one. */
void stamps_add(struct buf *out, struct slice stamps, uint64_t cost, msec_t now_ms);

#endif
