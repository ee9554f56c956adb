#include "core/fields.h"

#include "codec/pack.h"
#include "codec/reader.h"

_Static_assert(sizeof(size_t) == 8 && PUBLIC_ID_SIZE >= 8, "one load decides");
_Static_assert(FIELD_COUNT_MAX <= 128, "a number is one byte");

static const void *
at(const void *object, const struct field *field)
{
    return (const uint8_t *)object + field->offset;
}

static bool
is_slice(const struct field *field)
{
    return field->kind == FIELD_TEXT || field->kind == FIELD_BYTES;
}

/* What number and value take at most. */
static size_t
room_of(const struct field *field, const void *value)
{
    size_t body_size = is_slice(field) ? ((const struct slice *)value)->size : PUBLIC_ID_SIZE;
    return 1 + PACK_HEAD_SIZE_MAX + body_size;
}

static uint8_t *
pack_value(uint8_t *to, const struct field *field, const void *value)
{
    if (field->kind == FIELD_UINT)
        return pack_uint(to, *(const uint64_t *)value);
    if (field->kind == FIELD_BOOL)
        return pack_bool(to, *(const bool *)value);
    if (field->kind == FIELD_TEXT)
        return pack_str(to, *(const struct slice *)value);
    if (field->kind == FIELD_BYTES)
        return pack_bin(to, *(const struct slice *)value);
    assert(field->kind == FIELD_ID); /* a number that is not in use is never given */
    return pack_bin(to, slice_of(value, PUBLIC_ID_SIZE));
}

void
fields_write(struct buf *out, const struct field *fields, const uint8_t *numbers, unsigned count,
             const void *object)
{
    size_t size = PACK_HEAD_SIZE_MAX;
    for (unsigned i = 0; i < count; i++)
        size += room_of(&fields[numbers[i]], at(object, &fields[numbers[i]]));
    uint8_t *to = buf_reserve(out, size);
    if (!to)
        return;
    to = pack_map(to, count);
    for (unsigned i = 0; i < count; i++) {
        *to++ = numbers[i];
        to = pack_value(to, &fields[numbers[i]], at(object, &fields[numbers[i]]));
    }
    assert((size_t)(to - out->data) <= out->size + size);
    out->size = (size_t)(to - out->data);
}

static void
read_id(struct reader *reader, void *value)
{
    struct slice bytes = reader_bin(reader);
    if (bytes.size == PUBLIC_ID_SIZE)
        memcpy(value, bytes.data, PUBLIC_ID_SIZE);
    else
        reader->bad = true;
}

static void
read_value(struct reader *reader, enum field_kind kind, void *value)
{
    if (kind == FIELD_UINT)
        *(uint64_t *)value = reader_uint(reader);
    else if (kind == FIELD_BOOL)
        *(bool *)value = reader_bool(reader);
    else if (kind == FIELD_TEXT)
        *(struct slice *)value = reader_str(reader);
    else if (kind == FIELD_BYTES)
        *(struct slice *)value = reader_bin(reader);
    else if (kind == FIELD_ID)
        read_id(reader, value);
    else
        reader->bad = true; /* a number that is not in use */
}

bool
fields_decode(struct slice bytes, const struct field *fields, unsigned count, void *object)
{
    struct reader reader;
    reader_init(&reader, bytes);

    uint32_t pairs = reader_map(&reader);
    for (uint32_t i = 0; i < pairs; i++) {
        uint64_t number = reader_uint(&reader);
        if (reader.bad || number >= count)
            return false;
        read_value(&reader, fields[number].kind, (uint8_t *)object + fields[number].offset);
    }
    return !reader.bad && reader.at == reader.end;
}
