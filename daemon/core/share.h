/* core/share.h: a subscription that several workers share: who has what.
 *
 * Everything up to `taken` has been looked at. What of it is not dealt with yet is open, at most
 * KITH_OPEN_COUNT_MAX events: waiting, handed out until a deadline, or held back for a while. What
 * was tried too often is parked, until somebody replays it. All of it is one row of state.
 *
 * Events of one pair of members go out one after the other: an open event holds back the later ones
 * of its pair. A parked one does not.
 *
 * Layer: core. Thread: loop thread only. Blocking: no.
 */
#ifndef KITH_CORE_SHARE_H
#define KITH_CORE_SHARE_H

#include "base/buf.h"
#include "core/event.h"
#include "proto/limits.h"

#define SHARE_PARKED_MAX 1000 /* when so many are parked, the others are tried on and on */

struct share_entry {
    seq_t seq;
    uint64_t pair;  /* a hash of the two members; 0: of no pair */
    uint64_t tries; /* how often it was handed out */
    msec_t due_ms;  /* not to be handed out before this */
    bool is_out;    /* a worker has it until due_ms */
    struct slice worker;
};

struct share_list {
    unsigned count;
    struct share_entry at[KITH_OPEN_COUNT_MAX]; /* in the order of their sequences */
};

struct share {
    seq_t taken;
    struct share_list open, parked;
};

_Static_assert(SHARE_PARKED_MAX <= KITH_OPEN_COUNT_MAX, "both lists have one size");

/* Workers' names are borrowed from the row. False if it is none that this program wrote. */
bool share_decode(struct slice row, struct share *out);
void share_encode(struct buf *out, const struct share *share);

/* What the events of one pair of members, or of one member alone, have in common. */
uint64_t share_pair(const struct event *event);

/* The place of @seq, or list->count. */
unsigned share_find(const struct share_list *list, seq_t seq);
/* Put an entry in its place; false if the list is full. */
bool share_insert(struct share_list *list, const struct share_entry *entry);
void share_remove(struct share_list *list, unsigned place);

/* A worker has given up, or its time is over: it may be handed out again at @due_ms, or is parked
 * if it was tried too often. True if it was parked: the entries behind it have moved up. */
bool share_give_back(struct share *share, unsigned place, msec_t due_ms);

/* Give back what is overdue at @now_ms. */
void share_expire(struct share *share, msec_t now_ms);

/* May it be handed out now? */
bool share_is_ready(const struct share *share, unsigned place, msec_t now_ms);

#endif
