/* pending.h: the requests that are under way, by number.
 *
 * Numbers count up through 31 bits, and a request stands in the table where its number modulo the
 * table's size points; a number whose place is taken is passed over. So a number comes back only
 * after two thousand million requests, which no late reply outlives.
 *
 * Thread: the handle's lock. Blocking: no.
 */
#ifndef KITH_CLIENT_PENDING_H
#define KITH_CLIENT_PENDING_H

#include "base/buf.h"
#include "link.h"
#include "socket.h"

struct waiter;

/* One request, from its encoding until its reply is taken. */
struct pending {
    struct link link;   /* in the handle's list of its state, or in the pool */
    struct buf message; /* four bytes for the number, then the request; kept for resending */
    size_t key_at;      /* where its id stands in the message */
    size_t key_size;    /* 0: it has none, being a batch */
    uint32_t number;    /* 0: not in the table */

    unsigned send_count;
    int resend_ms;
    msec_t due_ms;      /* when it is sent again */
    msec_t deadline_ms; /* when kith_next() gives it up; CLOCK_NEVER where a caller watches */

    struct waiter *waiter; /* who waits for just this; NULL: kith_next() */
    uint64_t tag;
    struct incoming answer; /* nothing, and done: it got none in time */
};

struct pending_table {
    struct pending **place; /* [0 .. capacity) */
    size_t capacity, count;
    uint32_t next_number;
    struct link pool; /* requests not in use, with their buffers */
};

bool pending_init(struct pending_table *table); /* false: no memory */
void pending_fini(struct pending_table *table); /* none may be in the table */

/* A cleared request, from the pool if there is one; NULL: no memory. Given back with free. */
struct pending *pending_create(struct pending_table *table);
void pending_destroy(struct pending_table *table, struct pending *pending);

/* Number the request and write the number into its message. False: no memory. */
bool pending_put(struct pending_table *table, struct pending *pending);
struct pending *pending_find(const struct pending_table *table, uint32_t number);
void pending_remove(struct pending_table *table, struct pending *pending);

#endif
