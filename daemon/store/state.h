/* store/state.h: named rows beside the log: where subscribers stand.
 *
 * They are state, not events: nobody can derive them from the log, and nobody needs their history.
 * They live in the log's environment, are changed within a batch and become durable with it. All of
 * them are in memory too, since they are few (the core bounds their number) and each batch may read
 * any of them.
 *
 * On disk a value ends with 4 bytes of XXH3 over name and value. A damaged row is no reason not to
 * start: it is told to who asks for it, and setting or deleting it mends it.
 *
 * Layer: store. Thread: loop thread only. Blocking: no.
 */
#ifndef KITH_STORE_STATE_H
#define KITH_STORE_STATE_H

#include "base/types.h"
#include "proto/error.h"

#define STATE_NAME_SIZE_MAX 64

#define STATE_TABLE_LIST(X)          /* enum, name */                       \
    X(CURSOR, "cursors")             /* name -> last sequence dealt with */ \
    X(SUBSCRIPTION, "subscriptions") /* name -> what is handed out */

enum state_table {
#define X(id, name) STATE_##id,
    STATE_TABLE_LIST(X)
#undef X
        STATE_TABLE_COUNT
};

struct state; /* part of struct store */

/* The value under @name, pending changes included; borrowed until it changes or the batch ends.
 * KITH_OK, KITH_NOT_FOUND, or KITH_INTERNAL if the row is damaged. */
enum kith_err state_get(const struct state *state, enum state_table table, struct slice name,
                        struct slice *value);

/* Set or delete a row; takes effect with store_end(), is undone with the batch. Both are borrowed
 * and copied. Deleting what is not there is no error. */
void state_put(struct state *state, enum state_table table, struct slice name, struct slice value);
void state_del(struct state *state, enum state_table table, struct slice name);

size_t state_count(const struct state *state, enum state_table table);

/* Rows in the order of their names: the first one behind @after (absent: of all). False at the end.
 * The value of a damaged row is absent. Borrowed as by state_get(). */
struct state_row {
    struct slice name, value;
};
bool state_next(const struct state *state, enum state_table table, struct slice after,
                struct state_row *out);

#endif
