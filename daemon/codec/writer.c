#include "codec/writer.h"

#include <msgpack.h>

#include "base/assert.h"
#include "base/endian.h"

#define MAP32   0xdf
#define ARRAY32 0xdd

/* Where there is room, and mostly there is, a head of known size becomes one or two stores. */
static inline void
append(struct buf *out, const void *data, size_t size)
{
    if (out->failed || size > out->capacity - out->size) {
        buf_append(out, data, size);
    } else if (size > 0) {
        memcpy(out->data + out->size, data, size);
        out->size += size;
    }
}

static inline int
pack(void *out, const char *data, size_t size)
{
    append(out, data, size);
    return 0;
}

/* The packer cannot fail: the buffer remembers. */
static inline msgpack_packer
packer(struct buf *out)
{
    return (msgpack_packer){.data = out, .callback = pack};
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
    msgpack_packer to = packer(out);
    if (value)
        msgpack_pack_true(&to);
    else
        msgpack_pack_false(&to);
}

void
write_uint(struct buf *out, uint64_t value)
{
    msgpack_packer to = packer(out);
    msgpack_pack_uint64(&to, value);
}

void
write_int(struct buf *out, int64_t value)
{
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
    assert(text.size <= UINT32_MAX);
    msgpack_packer to = packer(out);
    msgpack_pack_str(&to, text.size);
    write_raw(out, text);
}

void
write_cstr(struct buf *out, const char *text)
{
    write_str(out, slice_str(text));
}

void
write_bin(struct buf *out, struct slice bytes)
{
    assert(bytes.data || bytes.size == 0);
    assert(bytes.size <= UINT32_MAX);
    msgpack_packer to = packer(out);
    msgpack_pack_bin(&to, bytes.size);
    write_raw(out, bytes);
}

void
write_array(struct buf *out, uint32_t count)
{
    msgpack_packer to = packer(out);
    msgpack_pack_array(&to, count);
}

void
write_map(struct buf *out, uint32_t count)
{
    msgpack_packer to = packer(out);
    msgpack_pack_map(&to, count);
}

void
write_raw(struct buf *out, struct slice encoded)
{
    append(out, encoded.data, encoded.size);
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
