/* core/apply.h: the projections: the only place where a view changes.
 *
 * The views are a fold of the log: the same code runs live and on rebuild, and gives the same keys
 * and values. It reads no configuration, no clock and no secret; whatever it needs stands in the
 * event.
 *
 * Layer: core. Thread: loop thread only. Blocking: reads may wait for the disk.
 */
#ifndef KITH_CORE_APPLY_H
#define KITH_CORE_APPLY_H

#include "core/event.h"
#include "core/recent.h"
#include "core/rows/lists.h"
#include "core/rows/pair.h"
#include "store/log.h"
#include "store/views.h"

/* How long a command's outcome is kept, in log time, and how many events back at most. */
#define DEDUPE_KEPT_MS    (7 * 24 * 3600 * 1000LL)
#define DEDUPE_KEPT_COUNT UINT64_C(50000000)

/* What an event changes in lists. An approval and a request end, a connection begins: for both
 * sides that is no more than so many. */
#define LIST_CHANGES_MAX 16

struct list_change {
    enum view_table table;
    bool is_put;
    struct list_key key;
    uint64_t other; /* a member's number: the value */
};

struct list_changes {
    unsigned count;
    struct list_change at[LIST_CHANGES_MAX];
};

struct apply {
    struct views *views;
    struct log *log;
    struct recent recent;
    struct buf scratch; /* a row being encoded */
    struct buf stamps, prints, inbound;
    struct list_changes lists;
    seq_t oldest_seq; /* the record at the tail of the dedupe table, and its time: a cache */
    msec_t oldest_ms;
};

void apply_init(struct apply *apply, struct views *views, struct log *log);
void apply_fini(struct apply *apply);

/* Change the views by one event. Events come in order of their sequence.
 *
 * In two parts, since a command of many steps must see the projections of its earlier steps before
 * its outcome is known: what happened, and that its command was done. The two touch different
 * tables; so it does not matter that live, all projections of a command come before its heads. */
void apply_projection(struct apply *apply, const struct event *event);
void apply_head(struct apply *apply, const struct event *event);

/* The sequence of the event that is the head of the command with this id, or 0. */
seq_t dedupe_find(struct views *views, struct slice id);

/* --- shared by the projections -------------------------------------------------------------- */

/* What stands in the table of things that are due. */
enum due_kind { DUE_REQUEST = 1, DUE_INVITE, DUE_DELIVERY };

#define DUE_VALUE_SIZE_MAX 16

void due_put_request(struct views *views, uint64_t due_ms, seq_t seq, uint64_t from, uint64_t to);
void due_put_invite(struct views *views, uint64_t due_ms, seq_t seq, const struct public_id *id);
void due_put_delivery(struct views *views, uint64_t due_ms, seq_t seq, const struct public_id *id);
void due_del(struct views *views, uint64_t due_ms, seq_t seq);

/* The first thing due at @now_ms: false if there is none. */
struct due {
    enum due_kind kind;
    uint64_t from, to;       /* of a request: the members' numbers */
    struct public_id invite; /* of an invite, or of its mail */
};
bool due_get(struct views *views, uint64_t due_ms, seq_t seq, struct due *out);
bool due_first(struct views *views, msec_t now_ms, struct due *out);

/* The member that an event is about. False if the views have failed. */
bool member_load_known(struct apply *apply, struct slice id, struct member *out);

/* A pair and both its members, loaded for a change and stored together. */
struct both {
    struct member from, to;
    struct pair pair;
    unsigned from_side;
};
/* False if the views have failed. */
bool both_load(struct apply *apply, struct slice from, struct slice to, struct both *out);
void both_store(struct apply *apply, const struct both *both);

/* Put a row into a list, or take it out, with what else the event changes: at the end of its
 * projection, so that the memory it takes is fetched meanwhile. Nothing reads it before. */
void list_put(struct apply *apply, enum view_table table, struct list_key key, uint64_t other);
void list_del(struct apply *apply, enum view_table table, struct list_key key);
void lists_expect(const struct apply *apply); /* halfway: where it is is known by now */
void lists_store(struct apply *apply);        /* the end */

/* Give the request that is pending another disposition, and move it to the list it belongs to. */
void request_dispose(struct apply *apply, struct both *both, enum disp disp);
/* Take back a pre-approval, if there is one. */
void approval_end(struct apply *apply, struct pair *pair, unsigned side, uint64_t member);

/* Remember a report about a member in his row, which the caller stores. */
void report_note(struct apply *apply, struct member *about, uint64_t reporter, uint64_t report,
                 msec_t at_ms);
/* A link with a label led to a connection. */
void apply_link_connected(struct apply *apply, const struct public_id *invite);

/* One for each type of event that changes a view. */
typedef void apply_fn(struct apply *, const struct event *);

apply_fn apply_member_registered, apply_member_updated, apply_member_suspended,
    apply_member_restored, apply_member_closed, apply_member_erased, apply_contact_verified,
    apply_contact_dropped, apply_restricted, apply_lifted;
apply_fn apply_requested, apply_accepted, apply_withdrawn, apply_expired, apply_ignored,
    apply_declined, apply_reported, apply_removed, apply_access_changed, apply_dismissed,
    apply_interaction;
apply_fn apply_blocked, apply_unblocked, apply_preapproved, apply_unpreapproved;
apply_fn apply_invite_created, apply_delivery_due, apply_mail_withheld, apply_invite_resent,
    apply_invite_expired, apply_invite_revoked, apply_invite_converted, apply_invite_declined,
    apply_invite_feedback, apply_invite_claimed, apply_invite_redeemed, apply_contact_suppressed,
    apply_contact_unsuppressed;

/* The first closed member who has rows left: his number, or 0. */
uint64_t closing_first(struct views *views);

/* Does anything stand between him and others? */
bool closing_has_rows(const struct member *member);

#endif
