/* codec/format.h: the msgpack format bytes, once, for checking and for reading.
 *
 * Layer: codec, private to it. Thread: any. Blocking: no.
 */
#ifndef KITH_CODEC_FORMAT_H
#define KITH_CODEC_FORMAT_H

#include "base/endian.h"
#include "base/types.h"

enum format_kind {
    FORMAT_NIL,
    FORMAT_BOOL,
    FORMAT_UINT,
    FORMAT_INT, /* two's complement: may hold a value that is not negative */
    FORMAT_FLOAT,
    FORMAT_STR,
    FORMAT_BIN,
    FORMAT_ARRAY,
    FORMAT_MAP,
    FORMAT_EXT,
    FORMAT_UNUSED /* 0xc1 */
};

/* What the first byte of a value says. */
struct format {
    uint8_t kind;  /* enum format_kind */
    uint8_t width; /* bytes behind it that hold the number, the size or the count */
    uint8_t mask;  /* where width is 0: the bits of the first byte that hold it */
    uint8_t extra; /* bytes that belong to the value beside these and its size: an ext's type */
};

/* Indexed by the first byte. */
extern const struct format format_table[256];

/* The head of one value: all of it but the body of a str, bin or ext and the elements of a map. */
struct head {
    enum format_kind kind;
    uint8_t width;
    uint64_t number;     /* the bits of a number, the size of a body, the count of elements */
    const uint8_t *next; /* the first byte behind the head */
};

/* The big-endian number of @width bytes, 1, 2, 4 or 8. */
static inline uint64_t
format_number(const uint8_t *from, unsigned width)
{
    if (width == 1)
        return *from;
    if (width == 2)
        return get_be16(from);
    return width == 4 ? get_be32(from) : get_be64(from);
}

/* Decode the head at @at, which lies before @end; false if it is cut short. The body that it
 * announces is not looked at. */
static inline bool
format_head(const uint8_t *at, const uint8_t *end, struct head *out)
{
    const struct format *format = &format_table[*at];
    out->kind = (enum format_kind)format->kind;
    out->width = format->width;
    out->next = at + 1;
    out->number = *at & format->mask;
    if (format->width > 0) {
        if ((size_t)(end - out->next) < format->width)
            return false;
        out->number = format_number(out->next, format->width);
        out->next += format->width;
    }
    out->number += format->extra;
    return true;
}

#endif
