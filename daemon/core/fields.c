#include "core/fields.h"

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"

static const void *
at(const void *object, const struct field *field)
{
    return (const uint8_t *)object + field->offset;
}

/* Where in a value the 8 bytes begin that are zero if and only if it is: of a slice, its size; an
 * id that is not none begins with a byte that is odd. */
static const uint8_t telling[] = {
    [FIELD_TEXT] = offsetof(struct slice, size),
    [FIELD_BYTES] = offsetof(struct slice, size),
    [FIELD_ID] = 0,
};
_Static_assert(sizeof(size_t) == 8 && PUBLIC_ID_SIZE >= 8, "one load decides");

/* Most fields of an event or a row are zero, and this is asked of each: one load, few branches. */
static inline bool
is_zero(const struct field *field, const void *object)
{
    const uint8_t *value = at(object, field);
    uint64_t word;
    if (field->kind == FIELD_BOOL)
        return *value == 0;
    if (field->kind == FIELD_NONE)
        return true;
    memcpy(&word, value + telling[field->kind], sizeof(word));
    return word == 0;
}

bool
field_is_zero(const struct field *field, const void *object)
{
    return is_zero(field, object);
}

static void
encode_one(struct buf *out, const struct field *field, const void *value)
{
    switch (field->kind) {
    case FIELD_NONE:
        return;
    case FIELD_UINT:
        write_uint(out, *(const uint64_t *)value);
        return;
    case FIELD_BOOL:
        write_bool(out, *(const bool *)value);
        return;
    case FIELD_TEXT:
        write_str(out, *(const struct slice *)value);
        return;
    case FIELD_BYTES:
        write_bin(out, *(const struct slice *)value);
        return;
    case FIELD_ID:
        write_bin(out, slice_of(value, PUBLIC_ID_SIZE));
        return;
    }
}

void
fields_encode(struct buf *out, const struct field *fields, unsigned count, const void *object)
{
    assert(count <= FIELD_COUNT_MAX);
    uint8_t given[FIELD_COUNT_MAX];
    unsigned given_count = 0;

    for (unsigned i = 0; i < count; i++)
        if (!is_zero(&fields[i], object))
            given[given_count++] = (uint8_t)i;
    write_map(out, given_count);
    for (unsigned i = 0; i < given_count; i++) {
        write_uint(out, given[i]);
        encode_one(out, &fields[given[i]], at(object, &fields[given[i]]));
    }
}

static bool
decode_one(struct reader *reader, const struct field *field, void *value)
{
    struct slice bytes;
    switch (field->kind) {
    case FIELD_NONE:
        return false;
    case FIELD_UINT:
        *(uint64_t *)value = reader_uint(reader);
        return !reader->bad;
    case FIELD_BOOL:
        *(bool *)value = reader_bool(reader);
        return !reader->bad;
    case FIELD_TEXT:
        *(struct slice *)value = reader_str(reader);
        return !reader->bad;
    case FIELD_BYTES:
        *(struct slice *)value = reader_bin(reader);
        return !reader->bad;
    case FIELD_ID:
        bytes = reader_bin(reader);
        if (reader->bad || bytes.size != PUBLIC_ID_SIZE)
            return false;
        memcpy(value, bytes.data, bytes.size);
        return true;
    }
    return false;
}

bool
fields_decode(struct slice bytes, const struct field *fields, unsigned count, void *object)
{
    struct reader reader;
    reader_init(&reader, bytes);

    uint32_t pairs = reader_map(&reader);
    for (uint32_t i = 0; i < pairs && !reader.bad; i++) {
        uint64_t number = reader_uint(&reader);
        if (reader.bad || number >= count)
            return false;
        const struct field *field = &fields[number];
        if (!decode_one(&reader, field, (uint8_t *)object + field->offset))
            return false;
    }
    return !reader.bad && reader.at == reader.end;
}
