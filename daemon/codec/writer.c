#include "codec/writer.h"

#include <msgpack.h>

#include "base/assert.h"
#include "base/endian.h"
#include "codec/pack.h"

#define MAP32   0xdf
#define ARRAY32 0xdd

/* Room for so much more, which there mostly is; NULL if memory is short. */
static inline uint8_t *
room(struct buf *out, size_t size)
{
    if (out->failed || size > out->capacity - out->size)
        return buf_reserve(out, size);
    return out->data + out->size;
}

static inline void
grown(struct buf *out, const uint8_t *end)
{
    out->size = (size_t)(end - out->data);
}

static int
append(void *out, const char *data, size_t size)
{
    buf_append(out, data, size);
    return 0;
}

/* For what is written seldom. The packer cannot fail: the buffer remembers. */
static msgpack_packer
packer(struct buf *out)
{
    return (msgpack_packer){.data = out, .callback = append};
}

void
write_nil(struct buf *out)
{
    msgpack_packer to = packer(out);
    msgpack_pack_nil(&to);
}

void
write_bool(struct buf *out, bool value)
{
    uint8_t *to = room(out, PACK_HEAD_SIZE_MAX);
    if (to)
        grown(out, pack_bool(to, value));
}

void
write_uint(struct buf *out, uint64_t value)
{
    uint8_t *to = room(out, PACK_HEAD_SIZE_MAX);
    if (to)
        grown(out, pack_uint(to, value));
}

void
write_int(struct buf *out, int64_t value)
{
    if (value >= 0) {
        write_uint(out, (uint64_t)value);
        return;
    }
    msgpack_packer to = packer(out);
    msgpack_pack_int64(&to, value);
}

void
write_float(struct buf *out, double value)
{
    msgpack_packer to = packer(out);
    msgpack_pack_double(&to, value);
}

void
write_str(struct buf *out, struct slice text)
{
    assert(text.data || text.size == 0);
    uint8_t *to = room(out, PACK_HEAD_SIZE_MAX + text.size);
    if (to)
        grown(out, pack_str(to, text));
}

void
write_bin(struct buf *out, struct slice bytes)
{
    assert(bytes.data || bytes.size == 0);
    uint8_t *to = room(out, PACK_HEAD_SIZE_MAX + bytes.size);
    if (to)
        grown(out, pack_bin(to, bytes));
}

void
write_array(struct buf *out, uint32_t count)
{
    uint8_t *to = room(out, PACK_HEAD_SIZE_MAX);
    if (to)
        grown(out, pack_array(to, count));
}

void
write_map(struct buf *out, uint32_t count)
{
    uint8_t *to = room(out, PACK_HEAD_SIZE_MAX);
    if (to)
        grown(out, pack_map(to, count));
}

void
write_raw(struct buf *out, struct slice encoded)
{
    uint8_t *to = encoded.size > 0 ? room(out, encoded.size) : NULL;
    if (to)
        grown(out, pack_body(to, encoded));
}

static size_t
open_header(struct buf *out, uint8_t format)
{
    size_t place = out->size;
    const uint8_t header[5] = {format};
    buf_append(out, header, sizeof(header));
    return place;
}

static void
close_header(struct buf *out, size_t place, uint8_t format, uint32_t count)
{
    if (out->failed)
        return;
    assert(place < out->size && out->size - place >= 5);
    assert(out->data[place] == format);
    put_be32(out->data + place + 1, count);
}

size_t
write_open_map(struct buf *out)
{
    return open_header(out, MAP32);
}

size_t
write_open_array(struct buf *out)
{
    return open_header(out, ARRAY32);
}

void
write_close_map(struct buf *out, size_t place, uint32_t count)
{
    close_header(out, place, MAP32, count);
}

void
write_close_array(struct buf *out, size_t place, uint32_t count)
{
    close_header(out, place, ARRAY32, count);
}
