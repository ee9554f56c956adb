/* app/parked.h: queries that wait: long polls, and those with min_pos.
 *
 * A query is parked with what it waits for: a sequence that the log reaches, a deadline, or keys
 * (core/wake.h): it is woken by the commit that has something for one of them, and costs nothing
 * with all others. Two heaps find who is due; a query that was run and waits again keeps its memory
 * and its place in time. Whoever has waited for the lowest sequence runs first, so that no query
 * starves.
 *
 * A poll of one member takes about 270 bytes, in all that is here.
 *
 * Layer: app (knows no sockets: a route is bytes). Thread: loop thread only. Blocking: no.
 */
#ifndef KITH_APP_PARKED_H
#define KITH_APP_PARKED_H

#include "app/wakes.h"
#include "net/net.h"

/* All bodies, routes and keys together: no peer should fill the memory. */
#define PARKED_SIZE_MAX (256u << 20)

struct parked;

struct parked_query {
    seq_t wake_seq; /* due when the log reaches this; maybe never */
    msec_t came_ms; /* monotonic */
    msec_t end_ms;  /* this is its last try */
    msec_t due_ms;  /* or at this time, which is that or earlier */
    seq_t scanned;  /* see struct core_wait */
    bool has_scanned, is_in_log, is_shared;
    uint16_t route_size;
    uint16_t key_count; /* the rest is for parked.c alone */
    uint32_t size;      /* of the body */
    uint32_t places[2]; /* in the heaps */
    uint32_t told;
    struct net_peer peer; /* whose connection, for who looks after them */
    struct wakes_node *nodes;
    uint8_t bytes[]; /* the route, then the body */
};

/* Returns NULL if memory is short. */
struct parked *parked_create(unsigned count_max, size_t size_max);
/* Releases what is still parked. NULL is allowed. */
void parked_destroy(struct parked *parked);

unsigned parked_count(const struct parked *parked);
/* Bytes of memory that they take. */
size_t parked_held(const struct parked *parked);
/* Let go of tables that have become far too large. */
void parked_shrink(struct parked *parked);
/* False if @size more bytes in @count more queries would be too much. */
bool parked_has_room(const struct parked *parked, unsigned count, size_t size);

/* What a query takes of size_max, beside its body. */
size_t parked_size(const struct net_route *route, unsigned key_count);

/* A query of its own memory, with copies of @route and @body (borrowed); not parked yet. NULL if
 * memory is short. Give it to parked_add() or parked_query_destroy(). */
struct parked_query *parked_query_create(const struct net_route *route, struct slice body,
                                         msec_t came_ms);
void parked_query_destroy(struct parked_query *query);

struct slice parked_query_body(const struct parked_query *query); /* borrowed from the query */
void parked_query_route(const struct parked_query *query, struct net_route *out);

/* Park @query (owned), whose wake_seq, due_ms and what was scanned are set, under @key_count keys,
 * at most PARKED_KEY_COUNT_MAX. False, and @query is still the caller's, if there is no room. */
#define PARKED_KEY_COUNT_MAX UINT16_MAX
bool parked_add(struct parked *parked, struct parked_query *query, const uint64_t *keys,
                unsigned key_count);

/* The log has grown to @last_seq: whoever waits under one of these keys is due; of those that are
 * shared and have the same first key only one, which sees to the next if there is more than it
 * takes. Must be told of all that is appended, so that a query need not look for itself at what was
 * not for it. */
void parked_wake(struct parked *parked, const uint64_t *keys, unsigned key_count, seq_t last_seq);
/* The same where it is not known what was appended. */
void parked_wake_all(struct parked *parked, seq_t last_seq);

/* Take out one that is due: the log has reached @last_seq, it is @now_ms. NULL if none is.
 * Returned: the caller adds it again or destroys it. */
struct parked_query *parked_take(struct parked *parked, seq_t last_seq, msec_t now_ms);
/* Take out any. */
struct parked_query *parked_take_any(struct parked *parked);

/* Drop those whose peer is gone. Looks at PARKED_LOOK_MAX of them, the last of the first @place
 * ones, and drops PARKED_DROP_MAX at most, which takes two milliseconds; returns where to go on, 0
 * at the end. Begin with their count. */
#define PARKED_LOOK_MAX 8192
#define PARKED_DROP_MAX 2048
unsigned parked_drop_gone(struct parked *parked, unsigned place,
                          bool (*is_gone)(const struct parked_query *query));

/* When the next one is due by time; INT64_MAX if none is parked. */
msec_t parked_next_ms(const struct parked *parked);
/* True if parked_take() would return one. */
bool parked_is_due(const struct parked *parked, seq_t last_seq, msec_t now_ms);

#endif
