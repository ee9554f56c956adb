/* app/parked.h: queries that wait: long polls, and those with min_pos.
 *
 * A query is parked with what it waits for: a sequence that the log reaches, or a deadline. Two
 * heaps find who is due; a query that was run and waits again keeps its memory and its place in
 * time. Whoever has waited for the lowest sequence runs first, so that no query starves.
 *
 * Layer: app (knows no sockets: a route is bytes). Thread: loop thread only. Blocking: no.
 */
#ifndef KITH_APP_PARKED_H
#define KITH_APP_PARKED_H

#include "net/net.h"

/* All bodies together; a poll has about 100 bytes, and no peer should fill the memory. */
#define PARKED_SIZE_MAX (256u << 20)

struct parked;

struct parked_query {
    struct net_route route;
    seq_t wake_seq;     /* due when the log reaches this */
    msec_t came_ms;     /* monotonic */
    msec_t due_ms;      /* or at this time */
    seq_t scanned;      /* see struct core_wait */
    uint32_t places[2]; /* in the heaps, for parked.c alone */
    uint32_t size;
    uint8_t body[];
};

/* Returns NULL if memory is short. */
struct parked *parked_create(unsigned count_max, size_t size_max);
/* Releases what is still parked. NULL is allowed. */
void parked_destroy(struct parked *parked);

unsigned parked_count(const struct parked *parked);
/* False if @size more bytes in @count more queries would be too much. */
bool parked_has_room(const struct parked *parked, unsigned count, size_t size);

/* A query of its own memory, with copies of @route and @body (borrowed); not parked yet. NULL if
 * memory is short. Give it to parked_add() or parked_release(). */
struct parked_query *parked_query_create(const struct net_route *route, struct slice body,
                                         msec_t came_ms);
void parked_query_destroy(struct parked_query *query);

/* Park @query (owned), whose wake_seq, due_ms and scanned are set. False, and @query is still the
 * caller's, if there is no room. */
bool parked_add(struct parked *parked, struct parked_query *query);

/* Take out one that is due: the log has reached @last_seq, it is @now_ms. NULL if none is.
 * Returned: the caller adds it again or destroys it. */
struct parked_query *parked_take(struct parked *parked, seq_t last_seq, msec_t now_ms);
/* Take out any. */
struct parked_query *parked_take_any(struct parked *parked);

/* When the next one is due by time; INT64_MAX if none is parked. */
msec_t parked_next_ms(const struct parked *parked);
/* True if parked_take() would return one. */
bool parked_is_due(const struct parked *parked, seq_t last_seq, msec_t now_ms);

#endif
