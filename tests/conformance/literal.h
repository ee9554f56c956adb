/* literal.h: the values that cases are written with.
 *
 *     7  -1  21d  24h-1ms      whole numbers; with a unit (ms s m h d) milliseconds
 *     now+180d  next_month     instants: the clock's, and the first one of the next month (UTC)
 *     ada  'hi there'          text; bare where it has no spaces; \' \\ \n \$ \x1f
 *     'x'*301  'x'*$i          repeated
 *     true  false  nil
 *     [a b c]  [a b ...]       an array; `...`: there may be more
 *     {k=v k=v}  {only k=v}    a map; when compared it may hold more, unless `only`
 *     $name  $name+7d          the value kept under that name; inside text as well: m$i
 *
 * and, where something is expected:
 *
 *     ?name                    anything; keep it under that name
 *     *                        anything
 *
 * A field is NAME OPERATOR VALUE, or !NAME for one that is absent. The operators are = != < <= > >=
 * and ~ !~ for an array that has, or has not, such an element. A name may be a path: quota.left,
 * items.0.member, items.count (how many, or how long). @name is a field of the message around the
 * arguments.
 */
#ifndef KITH_CONFORMANCE_LITERAL_H
#define KITH_CONFORMANCE_LITERAL_H

#include "pool.h"

enum literal_kind {
    LITERAL_NIL,
    LITERAL_BOOL,
    LITERAL_INT,
    LITERAL_TEXT,
    LITERAL_ARRAY,
    LITERAL_MAP,
    LITERAL_NOW,
    LITERAL_NEXT_MONTH,
    LITERAL_USE,  /* $name */
    LITERAL_KEEP, /* ?name */
    LITERAL_ANY
};

enum literal_compare {
    COMPARE_EQUAL,
    COMPARE_UNEQUAL,
    COMPARE_LESS,
    COMPARE_AT_MOST,
    COMPARE_MORE,
    COMPARE_AT_LEAST,
    COMPARE_HAS,
    COMPARE_HAS_NOT,
    COMPARE_ABSENT
};

struct literal {
    enum literal_kind kind;
    int64_t number;        /* INT, BOOL; of an instant or USE: what is added */
    struct slice text;     /* TEXT, or the name of USE and KEEP */
    unsigned times;        /* TEXT: how often */
    struct slice times_of; /* or as often as the number of that name says */
    bool open;             /* ARRAY: there may be more */
    bool only;             /* MAP: there may not be more */
    unsigned count;        /* ARRAY, MAP */
    struct literal *first; /* ARRAY, MAP: the elements */
    struct literal *next;  /* within an array or a map */
    struct slice source;   /* as written */
    /* Of a field, that is an element of a map: */
    struct slice path;
    bool outside; /* @name */
    enum literal_compare compare;
};

/* What stands on a line: bare values, then or between them fields. Both are borrowed from @pool.
 * @words is an ARRAY, @fields a MAP (`only` among the words makes it one).
 * Returns NULL, or what is wrong. */
const char *literal_parse_line(struct slice line, struct pool *pool, struct literal **words,
                               struct literal **fields);

/* True if it is a bare or quoted text of exactly these words. */
bool literal_is(const struct literal *literal, const char *text);

#endif
