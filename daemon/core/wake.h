/* core/wake.h: what a query that waits is waiting for, and what a batch had for whom.
 *
 * Both are said in keys, hashes of 64 bits: of any event, of a type, of a member, of a member and a
 * type, of a shared subscription. A query that waits names the keys under which something for it
 * would come; a batch collects the keys of what it appended. Where the two meet, the query is run
 * again; two things with one hash only cost a look in vain.
 *
 * Layer: core. Thread: loop thread only. Blocking: no.
 */
#ifndef KITH_CORE_WAKE_H
#define KITH_CORE_WAKE_H

#include "base/buf.h"
#include "core/event.h"

_Static_assert(EVENT_TYPE_COUNT <= 64, "sets of event types are 64-bit masks");

#define WAKE_TYPES_ALL UINT64_MAX

/* What one batch had, from wake_begin() on. */
struct wake {
    uint64_t seed;   /* so that nobody can make many keys of one hash */
    uint64_t types;  /* of the events */
    uint64_t moment; /* how many things were noted */
    bool is_quiet;   /* nobody waited when it began: no keys are made */
    struct buf keys; /* of members and shared subscriptions, each 8 bytes as in memory */
    struct buf wait; /* keys that queries of this batch wait for, likewise */
};

void wake_begin(struct wake *wake);
void wake_be_quiet(struct wake *wake);
void wake_fini(struct wake *wake);

/* Note what happened. */
void wake_note_event(struct wake *wake, const struct event *event);
void wake_note_share(struct wake *wake, struct slice name);

/* All keys of what was noted: borrowed until the next call here. False: there was no memory, or it
 * was quiet, and everybody must be woken. */
bool wake_list(struct wake *wake, const uint64_t **keys, unsigned *count);

/* Name what a query waits for: append keys to wake->wait. */
void wake_wait_types(struct wake *wake, uint64_t types);
void wake_wait_member(struct wake *wake, struct slice member, uint64_t types);
void wake_wait_share(struct wake *wake, struct slice name);

#endif
