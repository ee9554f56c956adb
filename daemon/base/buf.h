/* base/buf.h: a growable byte buffer with a sticky failure.
 *
 * Appending to a failed buffer does nothing, so code is straight and checks `failed` once.
 *
 * Layer: base. Thread: one at a time. Blocking: no.
 */
#ifndef KITH_BASE_BUF_H
#define KITH_BASE_BUF_H

#include "base/types.h"

/* Open, because writers live inside it: data[0 .. size) is valid while not failed. */
struct buf {
    uint8_t *data;
    size_t size, capacity;
    bool failed; /* out of memory at some point; the content is not to be used */
};

/* A zeroed struct is an empty buffer as well. */
void buf_init(struct buf *buf);
void buf_fini(struct buf *buf);

/* Forget the content and any failure, keep the memory. */
void buf_clear(struct buf *buf);

/* Room for @size more bytes at the end, to be written by the caller and counted by him in
 * buf->size; NULL if the buffer has failed. Valid until the next call. */
uint8_t *buf_reserve(struct buf *buf, size_t size);

void buf_append(struct buf *buf, const void *data, size_t size);

static inline struct slice
buf_slice(const struct buf *buf)
{
    return (struct slice){buf->data, buf->size};
}

#endif
