/* core/rows/pair.h: all that stands between two members, in one row.
 *
 * The row belongs to both: what differs by side is kept for the one with the lower number and the
 * one with the higher, and code always speaks of "the side of" a member.
 *
 * Layer: core. Thread: loop thread only. Blocking: a load may read the disk.
 */
#ifndef KITH_CORE_ROWS_PAIR_H
#define KITH_CORE_ROWS_PAIR_H

#include "base/buf.h"
#include "core/event.h"
#include "core/rows/member.h"
#include "store/views.h"

enum pair_state { PAIR_NONE, PAIR_PENDING, PAIR_CONNECTED };

/* How the recipient sees the request that is pending. To its sender all are alike. */
enum disp {
    DISP_OPEN,    /* listed and counted */
    DISP_IGNORED, /* out of sight, as are the next two; all three can still be accepted */
    DISP_DECLINED,
    DISP_REPORTED,
    DISP_SHADOW /* never shown and never to be: blocked, cooling down, or no room */
};

/* A request that one side's invite became, since the contact is the other's: only the other knows
 * of it. There is none where seq is 0. */
struct masked {
    struct public_id request, invite;
    uint64_t seq, created_ms, expires_ms;
    uint64_t disp; /* enum disp */
    bool filtered;
    uint64_t step_ms;
};

struct pair_side {
    uint64_t cooldown_ms;         /* may not ask before: he withdrew, or his request expired */
    uint64_t hidden_ms;           /* is not heard before, and does not know it */
    uint64_t declines;            /* how often he was declined since they were last connected */
    uint64_t reported_ms;         /* when he last reported the other */
    uint64_t blocked_seq;         /* he blocks the other: the event that did it; 0: he does not */
    uint64_t approved_seq;        /* he pre-approved the other: the event that did it; 0: not */
    uint64_t approved_ms;         /* until when */
    uint64_t weight;              /* of what he did with the other's things */
    bool dismissed;               /* does not want the other suggested */
    bool no_updates, no_messages; /* does not receive them from the connection */
    uint64_t absorb_ms;           /* his invites ask the other nothing before */
    struct masked masked;         /* what he asks without knowing */
};

struct pair {
    uint64_t lo, hi;    /* the numbers, which are the key */
    uint64_t state;     /* enum pair_state */
    uint64_t from_side; /* of the request that is pending */
    bool masked;        /* in this copy: it is that side's masked one; see pair_unmask() */
    uint64_t disp;      /* enum disp */
    bool filtered;      /* the request is in the recipient's filtered queue */
    uint64_t step_ms;   /* declined: how long the sender is not heard after the request's end */
    uint64_t cost;      /* of the request, against its sender's windows */
    bool costless;      /* it cost nothing, and is among its sender's stamps all the same */
    struct public_id request;
    uint64_t request_seq;
    uint64_t created_ms, expires_ms; /* of the request */
    uint64_t since_ms, since_seq;    /* of the connection */
    uint64_t via;                    /* enum via */
    struct slice note;               /* sealed; the last one that reached the other */
    uint64_t note_side;              /* who wrote it */
    struct public_id link;           /* that one redeemed of the other's: what comes of it counts */
    struct pair_side side[2];
};

/* Never again, or for ever: an instant that does not come, and that fits the wire. */
#define FOREVER_MS UINT64_C(0x1fffffffffffff)

/* The side of @member in his pair with @other: 0 for the lower number. */
static inline unsigned
pair_side_of(const struct member *member, const struct member *other)
{
    return member->number < other->number ? 0 : 1;
}

/* @a and @b are known and not the same. Slices point into the views. */
void pair_load(struct views *views, const struct member *a, const struct member *b,
               struct pair *out);
void pair_load_numbers(struct views *views, uint64_t a, uint64_t b, struct pair *out);

/* A pair with nothing in it is deleted. */
void pair_store(struct views *views, struct buf *scratch, const struct pair *pair);

/* Show the masked request of @side, if there is one and nothing else stands between the two, as the
 * request that is pending: as its recipient sees it. pair_store() puts it back in its place, as it
 * is by then. A pair has a masked request only while it is neither pending nor connected. */
void pair_unmask(struct pair *pair, unsigned side);

static inline bool
masked_is_live(const struct masked *masked, msec_t now_ms)
{
    return masked->seq > 0 && (msec_t)masked->expires_ms > now_ms;
}

/* The same for what the other of the viewer on @side asks, unless it is due. */
static inline void
pair_show(struct pair *pair, unsigned side, msec_t now_ms)
{
    if (masked_is_live(&pair->side[!side].masked, now_ms))
        pair_unmask(pair, !side);
}

/* The other removed him not long ago, which he knows; that he was declined he must not learn. A
 * removal leaves no declines behind, and while it lasts nothing of his is heard that could be
 * declined. */
static inline bool
pair_side_is_removed(const struct pair_side *side, msec_t now_ms)
{
    return side->declines == 0 && (msec_t)side->hidden_ms > now_ms;
}

/* A request that is due is gone, swept or not. */
static inline bool
pair_is_pending(const struct pair *pair, msec_t now_ms)
{
    return pair->state == PAIR_PENDING && (msec_t)pair->expires_ms > now_ms;
}

static inline bool
pair_is_pending_from(const struct pair *pair, unsigned side, msec_t now_ms)
{
    return pair_is_pending(pair, now_ms) && pair->from_side == side;
}

/* Pending, and the recipient sees it. */
static inline bool
pair_is_open(const struct pair *pair, msec_t now_ms)
{
    return pair_is_pending(pair, now_ms) && pair->disp == DISP_OPEN;
}

/* Pending, and the recipient may answer it. */
static inline bool
pair_is_answerable(const struct pair *pair, msec_t now_ms)
{
    return pair_is_pending(pair, now_ms) && pair->disp != DISP_SHADOW;
}

/* Is the request among its sender's stamps? */
static inline bool
pair_is_counted(const struct pair *pair)
{
    return pair->cost > 0 || pair->costless;
}

static inline bool
pair_side_approves(const struct pair_side *side, msec_t now_ms)
{
    return side->approved_seq > 0 && (msec_t)side->approved_ms > now_ms;
}

static inline bool
pair_is_due(const struct pair *pair, msec_t now_ms)
{
    return pair->state == PAIR_PENDING && (msec_t)pair->expires_ms <= now_ms;
}

/* What a due request leaves behind, in this copy of the row only: as its expiry will. */
void pair_expire(struct pair *pair, msec_t now_ms, msec_t cooldown_ms);

#endif
