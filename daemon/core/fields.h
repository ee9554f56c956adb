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
    size_t offset;
    const char *name; /* on the wire; NULL where it never leaves the daemon */
};

/* The table is indexed by number: fields[n] is the field with number n. At most 128 of them, so
 * that a number is one byte. */
#define FIELD_COUNT_MAX 128

#define FIELD_ROW(type, member, field_kind, wire)                                  \
    {                                                                              \
        .kind = FIELD_##field_kind, .offset = offsetof(type, member), .name = wire \
    }

/* Append @object (borrowed) to @out as one map. */
void fields_encode(struct buf *out, const struct field *fields, unsigned count, const void *object);

/* Fill @object, which the caller has zeroed, from one map; slices point into @bytes. False if the
 * bytes are not such a map, or hold a field of another kind or of a number not in the table. */
bool fields_decode(struct slice bytes, const struct field *fields, unsigned count, void *object);

/* True if the field is zero, false, absent or empty. */
bool field_is_zero(const struct field *field, const void *object);

#endif
