/* core/entries.h: the entries of a map that grows as it is found out.
 *
 * Results and error details are maps whose keys depend on what is known; entries gathers keys and
 * values encoded, and their number, and is written as one map in the end.
 *
 * Layer: core. Thread: one at a time. Blocking: no.
 */
#ifndef KITH_CORE_ENTRIES_H
#define KITH_CORE_ENTRIES_H

#include "base/buf.h"
#include "codec/writer.h"
#include "core/ids.h"

struct entries {
    struct buf buf;
    uint32_t count;
};

void entries_fini(struct entries *entries);
void entries_clear(struct entries *entries);

/* Only the key: the caller writes exactly one value to entries->buf. @name is a constant. These
 * stand here since the compiler then knows how long it is. */
static inline struct buf *
entries_key(struct entries *entries, const char *name)
{
    entries->count++;
    write_cstr(&entries->buf, name);
    return &entries->buf;
}

/* One entry. The value is borrowed and copied. */

static inline void
entries_str(struct entries *entries, const char *name, struct slice value)
{
    write_str(entries_key(entries, name), value);
}

static inline void
entries_cstr(struct entries *entries, const char *name, const char *value)
{
    write_cstr(entries_key(entries, name), value);
}

static inline void
entries_uint(struct entries *entries, const char *name, uint64_t value)
{
    write_uint(entries_key(entries, name), value);
}

static inline void
entries_time(struct entries *entries, const char *name, msec_t value_ms)
{
    write_int(entries_key(entries, name), value_ms);
}

static inline void
entries_bool(struct entries *entries, const char *name, bool value)
{
    write_bool(entries_key(entries, name), value);
}

static inline void
entries_nil(struct entries *entries, const char *name)
{
    write_nil(entries_key(entries, name));
}

void entries_id(struct entries *entries, const char *name, const struct public_id *id);

/* An inner map whose entries follow; close it with what open returned, before anything else. */
struct entries_inner {
    size_t place;
    uint32_t outer_count;
};
struct entries_inner entries_open(struct entries *entries, const char *name);
void entries_close(struct entries *entries, struct entries_inner inner);

/* The same without a key: an element of an array that is being written to entries->buf. */
struct entries_inner entries_open_item(struct entries *entries);

/* Append all as one map. */
void entries_write(struct buf *out, const struct entries *entries);

#endif
