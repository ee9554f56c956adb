/* core/rows/member.h: what the views know of a member, in one row.
 *
 * Layer: core. Thread: loop thread only. Blocking: a load may read the disk.
 */
#ifndef KITH_CORE_ROWS_MEMBER_H
#define KITH_CORE_ROWS_MEMBER_H

#include "base/buf.h"
#include "core/event.h"
#include "store/views.h"

enum member_state { MEMBER_ACTIVE, MEMBER_SUSPENDED, MEMBER_CLOSED };

struct member {
    bool known;             /* false: nobody has this id, and all else is zero */
    struct slice id;        /* as it was asked for; borrowed from the asker */
    uint64_t number;        /* stands for him in keys; 1 is the first to register */
    uint64_t state;         /* enum member_state */
    bool erased;            /* closed, and his words are gone */
    uint64_t since_ms;      /* of his registration */
    struct slice tier;      /* absent: free */
    struct slice name;      /* sealed */
    uint64_t accept;        /* enum accept: whose requests he takes */
    uint64_t auto_accept;   /* AUTO_*: which are accepted at once */
    struct slice interests; /* an encoded array of str; absent: none */
    uint64_t connections, outgoing, incoming, invites, blocks;
    uint64_t masked;   /* requests that his invites became, without his knowing */
    uint64_t inviter;  /* the number of who brought him here; 0: nobody */
    uint64_t received; /* requests pending to him, those he does not see included */

    /* What limits his sending: see quota.h, stamps.h, restriction.h. */
    struct slice stamps, prints, reports;
    uint64_t burst_ms;
    uint64_t note_month, note_count;
    uint64_t level, level_ms, until_ms, reason;
    uint64_t evidence_ms[REASON_COUNT];

    struct slice inbound; /* stamps of the requests that he received */
};

/* Slices point into the views: borrowed until the row changes. */
void member_load(struct views *views, struct slice id, struct member *out);
void member_store(struct views *views, struct buf *scratch, const struct member *member);

/* How many of the interests of two members are the same. */
uint64_t interests_shared(struct slice a, struct slice b);

/* The id behind a number, borrowed until the end of the batch; absent only if the views are bad. */
struct slice member_id(struct views *views, uint64_t number);

/* How many there are, and one more. */
uint64_t member_count(struct views *views);
void member_count_set(struct views *views, uint64_t count);

#endif
