#include <stdlib.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "request.h"

struct kith_args *
kith_args_create(void)
{
    return calloc(1, sizeof(struct kith_args));
}

void
kith_args_destroy(struct kith_args *args)
{
    if (!args)
        return;
    buf_fini(&args->pairs);
    free(args);
}

void
kith_args_clear(struct kith_args *args)
{
    buf_clear(&args->pairs);
    args->pair_count = 0;
    args->node_count = 0;
    args->is_malformed = false;
}

/* Write a name; the caller writes the value, of @node_count values in all. */
static struct buf *
put_name(struct kith_args *args, const char *name, size_t node_count)
{
    assert(args && name);
    assert(node_count >= 1);
    write_cstr(&args->pairs, name);
    args->pair_count++;
    args->node_count += 1 + node_count;
    return &args->pairs;
}

void
kith_put_str(struct kith_args *args, const char *name, const char *value)
{
    if (value)
        write_cstr(put_name(args, name, 1), value);
}

void
kith_put_bytes(struct kith_args *args, const char *name, const char *value, size_t size)
{
    if (value)
        write_str(put_name(args, name, 1), slice_of(value, size));
}

void
kith_put_int(struct kith_args *args, const char *name, int64_t value)
{
    write_int(put_name(args, name, 1), value);
}

void
kith_put_bool(struct kith_args *args, const char *name, bool value)
{
    write_bool(put_name(args, name, 1), value);
}

void
kith_put_strs(struct kith_args *args, const char *name, const char *const *values, size_t count)
{
    assert(count <= UINT32_MAX);
    struct buf *out = put_name(args, name, 1 + count);
    write_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        write_cstr(out, values[i]);
}

void
kith_put_uints(struct kith_args *args, const char *name, const uint64_t *values, size_t count)
{
    assert(count <= UINT32_MAX);
    struct buf *out = put_name(args, name, 1 + count);
    write_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        write_uint(out, values[i]);
}

void
kith_put_pairs(struct kith_args *args, const char *name, const char *const *values,
               size_t pair_count)
{
    assert(pair_count <= UINT32_MAX);
    struct buf *out = put_name(args, name, 1 + 3 * pair_count);
    write_array(out, (uint32_t)pair_count);
    for (size_t i = 0; i < pair_count; i++) {
        write_array(out, 2);
        write_cstr(out, values[2 * i]);
        write_cstr(out, values[2 * i + 1]);
    }
}

void
kith_put_contact(struct kith_args *args, const char *name, const char *kind, const char *value)
{
    struct buf *out = put_name(args, name, 5);
    write_map(out, 2);
    write_cstr(out, "kind");
    write_cstr(out, kind);
    write_cstr(out, "value");
    write_cstr(out, value);
}

/* How many values the bytes hold if they are exactly one with all it contains, else 0. */
static size_t
count_nodes(struct slice encoded)
{
    struct reader reader;
    reader_init(&reader, encoded);
    reader_skip(&reader);
    if (reader.bad || reader_peek(&reader) != READER_NONE)
        return 0;

    size_t count = 0;
    reader_init(&reader, encoded);
    for (enum reader_type type; (type = reader_peek(&reader)) != READER_NONE; count++) {
        if (type == READER_ARRAY)
            reader_array(&reader);
        else if (type == READER_MAP)
            reader_map(&reader);
        else
            reader_skip(&reader);
    }
    return count;
}

void
kith_put_msgpack(struct kith_args *args, const char *name, const void *data, size_t size)
{
    struct slice encoded = slice_of(data, size);
    size_t node_count = count_nodes(encoded);
    if (node_count == 0)
        args->is_malformed = true;
    else
        write_raw(put_name(args, name, node_count), encoded);
}
