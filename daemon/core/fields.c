#include "core/fields.h"

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"

static const void *
at(const void *object, const struct field *field)
{
    return (const uint8_t *)object + field->offset;
}

_Static_assert(sizeof(size_t) == 8 && PUBLIC_ID_SIZE >= 8, "one load decides");

/* Most fields of an event or a row are zero, and this is asked of each: one load, no branch. */
static inline bool
is_zero(const struct field *field, const void *object)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)object + field->probe, sizeof(word));
    return (word & field->mask) == 0;
}

bool
field_is_zero(const struct field *field, const void *object)
{
    return is_zero(field, object);
}

static void
encode_uint(struct buf *out, const void *value)
{
    write_uint(out, *(const uint64_t *)value);
}

static void
encode_bool(struct buf *out, const void *value)
{
    write_bool(out, *(const bool *)value);
}

static void
encode_text(struct buf *out, const void *value)
{
    write_str(out, *(const struct slice *)value);
}

static void
encode_bytes(struct buf *out, const void *value)
{
    write_bin(out, *(const struct slice *)value);
}

static void
encode_id(struct buf *out, const void *value)
{
    write_bin(out, slice_of(value, PUBLIC_ID_SIZE));
}

static void
decode_uint(struct reader *reader, void *value)
{
    *(uint64_t *)value = reader_uint(reader);
}

static void
decode_bool(struct reader *reader, void *value)
{
    *(bool *)value = reader_bool(reader);
}

static void
decode_text(struct reader *reader, void *value)
{
    *(struct slice *)value = reader_str(reader);
}

static void
decode_bytes(struct reader *reader, void *value)
{
    *(struct slice *)value = reader_bin(reader);
}

static void
decode_id(struct reader *reader, void *value)
{
    struct slice bytes = reader_bin(reader);
    if (bytes.size == PUBLIC_ID_SIZE)
        memcpy(value, bytes.data, bytes.size);
    else
        reader->bad = true;
}

/* By kind; a number that is not in use has neither. */
static const struct {
    void (*encode)(struct buf *out, const void *value);
    void (*decode)(struct reader *reader, void *value);
} kinds[] = {
    [FIELD_NONE] = {NULL, NULL},
    [FIELD_UINT] = {encode_uint, decode_uint},
    [FIELD_BOOL] = {encode_bool, decode_bool},
    [FIELD_TEXT] = {encode_text, decode_text},
    [FIELD_BYTES] = {encode_bytes, decode_bytes},
    [FIELD_ID] = {encode_id, decode_id},
};

unsigned
fields_encode(struct buf *out, const struct field *fields, unsigned count, const void *object)
{
    assert(count <= FIELD_COUNT_MAX);
    uint8_t given[FIELD_COUNT_MAX + 1]; /* behind them one that was looked at last */
    unsigned given_count = 0;

    for (unsigned i = 0; i < count; i++) {
        given[given_count] = (uint8_t)i;
        given_count += !is_zero(&fields[i], object);
    }
    write_map(out, given_count);
    for (unsigned i = 0; i < given_count; i++) {
        write_uint(out, given[i]);
        kinds[fields[given[i]].kind].encode(out, at(object, &fields[given[i]]));
    }
    return given_count;
}

bool
fields_decode(struct slice bytes, const struct field *fields, unsigned count, void *object)
{
    struct reader reader;
    reader_init(&reader, bytes);

    uint32_t pairs = reader_map(&reader);
    for (uint32_t i = 0; i < pairs; i++) {
        uint64_t number = reader_uint(&reader);
        if (reader.bad || number >= count || !kinds[fields[number].kind].decode)
            return false;
        kinds[fields[number].kind].decode(&reader, (uint8_t *)object + fields[number].offset);
    }
    return !reader.bad && reader.at == reader.end;
}
