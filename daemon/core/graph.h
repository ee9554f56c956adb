/* core/graph.h: questions about who is connected to whom.
 *
 * All walk the table "adjacent", in which a member's connections stand sorted by number: two lists
 * are compared by merging them, or, where one is much shorter, by looking its members up in the
 * other. Every walk has a budget of connections looked at.
 *
 * Layer: core. Thread: loop thread only. Blocking: reads may wait for the disk.
 */
#ifndef KITH_CORE_GRAPH_H
#define KITH_CORE_GRAPH_H

#include "core/internal.h"

/* May @viewer see the member with this number as an item or a waypoint? Not if that one is
 * suspended or closed, or if one of them blocks the other. */
bool graph_visible(struct core *core, const struct member *viewer, uint64_t number);

/* Members connected to both, by rising number, behind @after (0: from the first). Open, so that it
 * can live on the stack; end it before anything is changed. */
struct common {
    struct core *core;
    struct views_scan *a, *b; /* b is NULL where each of a is looked up */
    uint64_t b_number;
    uint64_t seen; /* connections looked at */
};
void common_begin(struct common *common, struct core *core, const struct member *a,
                  const struct member *b, uint64_t after);
/* The next one's number; 0 at the end. */
uint64_t common_next(struct common *common);
void common_end(struct common *common);

/* How many members @viewer and @other are both connected to, counted up to @max and among the first
 * @budget connections. Only who is active counts, blocked or not. */
uint64_t graph_mutuals(struct core *core, const struct member *viewer, const struct member *other,
                       uint64_t max, uint64_t budget);

/* A shortest way. degree 0: there is none within @max steps, or none was found. */
struct path {
    unsigned degree; /* 1 to 3 */
    uint64_t via[2]; /* degree - 1 waypoints, from the viewer's side */
    bool complete;   /* false: the budget ended the search */
};
void graph_path(struct core *core, const struct member *viewer, const struct member *other,
                unsigned max, struct path *out);

/* Whom a member may know: connections of his connections, best first. */
#define SUGGESTION_COUNT_MAX 100
struct suggestion {
    uint64_t number, mutuals, score;
    bool busy; /* has many requests waiting: last */
};
/* Returns how many of @out, which has room for @limit, were filled. 0 if memory is short: then
 * core->err is set. */
unsigned graph_suggest(struct core *core, const struct member *member, unsigned limit,
                       struct suggestion *out);

#endif
