/* core/fields.h: structs to bytes and back, by a table of their fields.
 *
 * Events in the log and rows in the views are structs whose fields have numbers. On disk each is a
 * msgpack map from the number to the value, without those that are zero; so a field may be added
 * without touching what is written already, any msgpack tool can show a record, and one function
 * reads all.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_FIELDS_H
#define KITH_CORE_FIELDS_H

#include "base/assert.h"
#include "base/buf.h"
#include "core/ids.h"

enum field_kind {
    FIELD_NONE,  /* this number is not in use */
    FIELD_UINT,  /* uint64_t, or a msec_t that is never negative */
    FIELD_BOOL,  /* bool */
    FIELD_TEXT,  /* struct slice, written as str */
    FIELD_BYTES, /* struct slice, written as bin */
    FIELD_ID     /* struct public_id, written as bin */
};

struct field {
    enum field_kind kind;
    uint32_t offset;
    uint32_t probe; /* the field is zero if and only if the 8 bytes from here on, as one number, */
    uint64_t mask;  /* have none of these bits */
    const char *name; /* on the wire; NULL where it never leaves the daemon */
};

/* The table is indexed by number: fields[n] is the field with number n. At most 128 of them, so
 * that a number is one byte. */
#define FIELD_COUNT_MAX 128

/* The offset of a field. A struct with fields is a multiple of 8 bytes long, or this does not
 * compile: the word in which its last bool lies would go beyond it. */
#define FIELD_OFFSET(type, member) \
    (offsetof(type, member) + 0 * sizeof(char[sizeof(type) % 8 == 0 ? 1 : -1]))

/* A row of the table: FIELD_ROW(struct member, name, BYTES, NULL). */
#define FIELD_ROW(type, member, field_kind, wire)                             \
    {                                                                         \
        .kind = FIELD_##field_kind, .offset = FIELD_OFFSET(type, member),     \
        .probe = FIELD_PROBE_##field_kind(offsetof(type, member)),            \
        .mask = FIELD_MASK_##field_kind(offsetof(type, member)), .name = wire \
    }

/* What tells that a value is zero: of a slice its size, of an id its first bytes, for one that is
 * not none begins with a byte that is odd. A bool is the one byte of the word it lies in. */
#define FIELD_PROBE_UINT(offset)  (offset)
#define FIELD_PROBE_BOOL(offset)  ((offset) / 8 * 8)
#define FIELD_PROBE_TEXT(offset)  ((offset) + offsetof(struct slice, size))
#define FIELD_PROBE_BYTES(offset) FIELD_PROBE_TEXT(offset)
#define FIELD_PROBE_ID(offset)    (offset)

#define FIELD_MASK_UINT(offset)  UINT64_MAX
#define FIELD_MASK_BOOL(offset)  (UINT64_C(0xff) << 8 * FIELD_BYTE_PLACE(offset))
#define FIELD_MASK_TEXT(offset)  UINT64_MAX
#define FIELD_MASK_BYTES(offset) UINT64_MAX
#define FIELD_MASK_ID(offset)    UINT64_MAX

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FIELD_BYTE_PLACE(offset) ((offset) % 8)
#else
#define FIELD_BYTE_PLACE(offset) (7 - (offset) % 8)
#endif

/* Most fields of an event or a row are zero, and this is asked of each: one load, no branch. */
static inline bool
field_is_zero(const struct field *field, const void *object)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)object + field->probe, sizeof(word));
    return (word & field->mask) == 0;
}

/* Append the fields with these numbers to @out as one map: what fields_encode() leads to. */
void fields_write(struct buf *out, const struct field *fields, const uint8_t *numbers,
                  unsigned count, const void *object);

/* Append @object (borrowed) to @out as one map. Returns how many fields are not zero.
 *
 * It stands here so that where the table is a constant, looking for these is a line of code for
 * each field, without a loop and without a look into the table. */
static inline unsigned
fields_encode(struct buf *out, const struct field *fields, unsigned count, const void *object)
{
    uint8_t given[FIELD_COUNT_MAX + 1]; /* behind them one that was looked at last */
    unsigned given_count = 0;
    assert(count <= FIELD_COUNT_MAX);
#pragma GCC unroll 128
    for (unsigned i = 0; i < count; i++) {
        given[given_count] = (uint8_t)i;
        given_count += !field_is_zero(&fields[i], object);
    }
    fields_write(out, fields, given, given_count, object);
    return given_count;
}

/* Fill @object, which the caller has zeroed, from one map; slices point into @bytes. False if the
 * bytes are not such a map, or hold a field of another kind or of a number not in the table. */
bool fields_decode(struct slice bytes, const struct field *fields, unsigned count, void *object);

#endif
