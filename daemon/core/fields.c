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

/* What number and value take at most. */
static size_t
room_of(const struct field *field, const void *value)
{
    switch (field->kind) {
    case FIELD_NONE:
    case FIELD_UINT:
    case FIELD_BOOL:
        break;
    case FIELD_TEXT:
    case FIELD_BYTES:
        return 1 + PACK_HEAD_SIZE_MAX + ((const struct slice *)value)->size;
    case FIELD_ID:
        return 1 + PACK_HEAD_SIZE_MAX + PUBLIC_ID_SIZE;
    }
    return 1 + PACK_HEAD_SIZE_MAX;
}

static uint8_t *
pack_value(uint8_t *to, const struct field *field, const void *value)
{
    switch (field->kind) {
    case FIELD_NONE:
        break;
    case FIELD_UINT:
        return pack_uint(to, *(const uint64_t *)value);
    case FIELD_BOOL:
        return pack_bool(to, *(const bool *)value);
    case FIELD_TEXT:
        return pack_str(to, *(const struct slice *)value);
    case FIELD_BYTES:
        return pack_bin(to, *(const struct slice *)value);
    case FIELD_ID:
        return pack_bin(to, slice_of(value, PUBLIC_ID_SIZE));
    }
    assert(!"a number that is not in use is never given");
    return to;
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

/* Numbers of fields, and most others, are small and take one byte. */
static inline uint64_t
read_uint(struct reader *reader)
{
    if (reader->at != reader->end && *reader->at < 0x80)
        return *reader->at++;
    return reader_uint(reader);
}

static void
read_value(struct reader *reader, enum field_kind kind, void *value)
{
    switch (kind) {
    case FIELD_NONE:
        reader->bad = true;
        break;
    case FIELD_UINT:
        *(uint64_t *)value = read_uint(reader);
        break;
    case FIELD_BOOL:
        *(bool *)value = reader_bool(reader);
        break;
    case FIELD_TEXT:
        *(struct slice *)value = reader_str(reader);
        break;
    case FIELD_BYTES:
        *(struct slice *)value = reader_bin(reader);
        break;
    case FIELD_ID:
        read_id(reader, value);
        break;
    }
}

bool
fields_decode(struct slice bytes, const struct field *fields, unsigned count, void *object)
{
    struct reader reader;
    reader_init(&reader, bytes);

    uint32_t pairs = reader_map(&reader);
    for (uint32_t i = 0; i < pairs; i++) {
        uint64_t number = read_uint(&reader);
        if (reader.bad || number >= count)
            return false;
        read_value(&reader, fields[number].kind, (uint8_t *)object + fields[number].offset);
    }
    return !reader.bad && reader.at == reader.end;
}
