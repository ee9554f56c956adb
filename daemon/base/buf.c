#include "base/buf.h"

#include <stdlib.h>

#include "base/assert.h"

#define CAPACITY_MIN 256

void
buf_init(struct buf *buf)
{
    *buf = (struct buf){0};
}

void
buf_fini(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

void
buf_clear(struct buf *buf)
{
    buf->size = 0;
    buf->failed = false;
}

static void
grow(struct buf *buf, size_t needed)
{
    size_t capacity = buf->capacity ? buf->capacity : CAPACITY_MIN;
    while (capacity < needed && capacity <= SIZE_MAX / 2)
        capacity *= 2;

    uint8_t *data = capacity < needed ? NULL : realloc(buf->data, capacity);
    if (!data) {
        buf->failed = true;
        return;
    }
    buf->data = data;
    buf->capacity = capacity;
}

uint8_t *
buf_reserve(struct buf *buf, size_t size)
{
    assert(buf->size <= buf->capacity);
    if (buf->failed)
        return NULL;
    if (size > SIZE_MAX - buf->size)
        buf->failed = true;
    else if (!buf->data || buf->capacity - buf->size < size)
        grow(buf, buf->size + size);
    return buf->failed ? NULL : buf->data + buf->size;
}

void
buf_append(struct buf *buf, const void *data, size_t size)
{
    uint8_t *to = buf_reserve(buf, size);
    if (!to || size == 0)
        return;
    memcpy(to, data, size);
    buf->size += size;
}
