/* scope.h: what a case knows while it runs: the values it kept, and the time. */
#ifndef KITH_CONFORMANCE_SCOPE_H
#define KITH_CONFORMANCE_SCOPE_H

#include "base/buf.h"
#include "literal.h"

struct kept;

struct scope {
    struct pool *pool; /* borrowed; holds what is kept */
    struct kept *kept;
    msec_t now_ms; /* the daemon's, as of its last answer */
};

/* Keep an encoded value under @name, in place of the one before it. Both are copied. */
void scope_keep(struct scope *scope, struct slice name, struct slice encoded);

/* The encoded value, or an absent slice. */
struct slice scope_find(const struct scope *scope, struct slice name);

/* The text of a TEXT with every $name in it replaced; of another literal, absent. In the pool. */
struct slice scope_text(struct scope *scope, const struct literal *literal);

/* The value of an INT, an instant, or a USE of a number. */
bool scope_number(const struct scope *scope, const struct literal *literal, int64_t *out);

/* Append @literal as msgpack. False where it is only good for comparing, or uses what was not
 * kept. */
bool scope_encode(struct scope *scope, const struct literal *literal, struct buf *out);

/* Does the encoded value @got fit @literal? What is to be kept is kept. If not, *why is where and
 * why, in the pool. @extra: names that a map with `only` may hold besides, ended by NULL. */
bool scope_match(struct scope *scope, const struct literal *literal, struct slice got,
                 const char *const *extra, const char **why);

#endif
