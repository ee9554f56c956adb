/* codec/writer.h: write msgpack values into a buffer, in the shortest form.
 *
 * Over struct buf, whose failure is sticky. What is written most goes by codec/pack.h, the rest by
 * msgpack-c's packer.
 * Maps and arrays are announced with their count; writing that many is the caller's duty.
 *
 * Layer: codec. Thread: one at a time. Blocking: no.
 */
#ifndef KITH_CODEC_WRITER_H
#define KITH_CODEC_WRITER_H

#include "base/buf.h"

void write_nil(struct buf *out);
void write_bool(struct buf *out, bool value);
void write_uint(struct buf *out, uint64_t value);
void write_int(struct buf *out, int64_t value);
void write_float(struct buf *out, double value);
void write_str(struct buf *out, struct slice text);
void write_bin(struct buf *out, struct slice bytes);
void write_array(struct buf *out, uint32_t count);
void write_map(struct buf *out, uint32_t count);

/* A zero-terminated string: of a constant, the compiler counts. */
static inline void
write_cstr(struct buf *out, const char *text)
{
    write_str(out, slice_str(text));
}

/* Bytes that are encoded already: one or more whole values. */
void write_raw(struct buf *out, struct slice encoded);

/* A map or array whose count is known only at its end: the header takes five bytes.
 * write_open_* returns the place to give to write_close_* with the count. */
size_t write_open_map(struct buf *out);
size_t write_open_array(struct buf *out);
void write_close_map(struct buf *out, size_t place, uint32_t count);
void write_close_array(struct buf *out, size_t place, uint32_t count);

#endif
