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
    bool known;        /* false: nobody has this id, and all else is zero */
    struct slice id;   /* as it was asked for; borrowed from the asker */
    uint64_t number;   /* stands for him in keys; 1 is the first to register */
    uint64_t state;    /* enum member_state */
    uint64_t since_ms; /* of his registration */
    struct slice tier; /* absent: free */
    struct slice name; /* sealed */
    uint64_t connections, outgoing, incoming, invites;
    struct slice stamps; /* what his requests cost and when: see quota.h */
};

/* Slices point into the views: borrowed until the row changes. */
void member_load(struct views *views, struct slice id, struct member *out);
void member_store(struct views *views, struct buf *scratch, const struct member *member);

/* The id behind a number, borrowed until the end of the batch; absent only if the views are bad. */
struct slice member_id(struct views *views, uint64_t number);

/* How many there are, and one more. */
uint64_t member_count(struct views *views);
void member_count_set(struct views *views, uint64_t count);

#endif
