/* base/types.h: the units and the slice.
 *
 * Layer: base.
 */
#ifndef KITH_BASE_TYPES_H
#define KITH_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t seq_t; /* position in the event log: 1 is the first, 0 is none */
typedef int64_t msec_t; /* milliseconds, since the Unix epoch where it is an instant */

/* Bytes that belong to somebody else. A slice into a message dies with the message. */
struct slice {
    const uint8_t *data; /* NULL means absent, which is not the same as empty */
    size_t size;
};

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline struct slice
slice_of(const void *data, size_t size)
{
    return (struct slice){data, size};
}

/* The slice of a zero-terminated string, without its zero. */
static inline struct slice
slice_str(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool
slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_str(text));
}

#endif
