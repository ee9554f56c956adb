/* codec/pack.h: values written where the caller has made room for them.
 *
 * codec/writer.h asks for room with each value; who writes many at once asks once. The forms are
 * the shortest there are, as msgpack-c makes them.
 *
 * Layer: codec. Thread: any. Blocking: no.
 */
#ifndef KITH_CODEC_PACK_H
#define KITH_CODEC_PACK_H

#include "base/assert.h"
#include "base/endian.h"
#include "base/types.h"

/* What a number, or the head of anything else, takes at most. */
#define PACK_HEAD_SIZE_MAX 9

/* All return the place behind what they have written. */

static inline uint8_t *
pack_number(uint8_t *to, uint8_t format, uint64_t value, unsigned width)
{
    uint8_t bytes[8];
    put_be64(bytes, value);
    *to = format;
    memcpy(to + 1, bytes + sizeof(bytes) - width, width);
    return to + 1 + width;
}

static inline uint8_t *
pack_uint(uint8_t *to, uint64_t value)
{
    if (value < 0x80) {
        *to = (uint8_t)value;
        return to + 1;
    }
    if (value <= UINT8_MAX)
        return pack_number(to, 0xcc, value, 1);
    if (value <= UINT16_MAX)
        return pack_number(to, 0xcd, value, 2);
    if (value <= UINT32_MAX)
        return pack_number(to, 0xce, value, 4);
    return pack_number(to, 0xcf, value, 8);
}

static inline uint8_t *
pack_bool(uint8_t *to, bool value)
{
    *to = value ? 0xc3 : 0xc2;
    return to + 1;
}

static inline uint8_t *
pack_body(uint8_t *to, struct slice body)
{
    if (body.size > 0)
        memcpy(to, body.data, body.size);
    return to + body.size;
}

/* The size of a body, in the narrowest of three forms that follow each other. */
static inline uint8_t *
pack_size(uint8_t *to, uint8_t format, size_t size)
{
    assert(size <= UINT32_MAX);
    if (size <= UINT8_MAX)
        return pack_number(to, format, size, 1);
    if (size <= UINT16_MAX)
        return pack_number(to, format + 1, size, 2);
    return pack_number(to, format + 2, size, 4);
}

static inline uint8_t *
pack_str(uint8_t *to, struct slice text)
{
    if (text.size < 32)
        *to++ = (uint8_t)(0xa0 | text.size);
    else
        to = pack_size(to, 0xd9, text.size);
    return pack_body(to, text);
}

static inline uint8_t *
pack_bin(uint8_t *to, struct slice bytes)
{
    return pack_body(pack_size(to, 0xc4, bytes.size), bytes);
}

static inline uint8_t *
pack_count(uint8_t *to, uint8_t format, uint32_t count)
{
    const uint8_t few = format == 0xdc ? 0x90 : 0x80; /* of an array, of a map */
    if (count < 16) {
        *to = few | (uint8_t)count;
        return to + 1;
    }
    if (count <= UINT16_MAX)
        return pack_number(to, format, count, 2);
    return pack_number(to, format + 1, count, 4);
}

static inline uint8_t *
pack_array(uint8_t *to, uint32_t count)
{
    return pack_count(to, 0xdc, count);
}

static inline uint8_t *
pack_map(uint8_t *to, uint32_t count)
{
    return pack_count(to, 0xde, count);
}

#endif
