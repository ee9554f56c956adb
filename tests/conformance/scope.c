#include "scope.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"

#define TEXT_SIZE_MAX (2 * 1024 * 1024) /* more than a message may hold: for the cases one over */

struct kept {
    struct kept *next;
    struct slice name, value;
};

void
scope_keep(struct scope *scope, struct slice name, struct slice encoded)
{
    struct kept *kept = scope->kept;
    while (kept && !slice_equal(kept->name, name))
        kept = kept->next;
    if (!kept) {
        kept = pool_alloc(scope->pool, sizeof(*kept));
        kept->name = slice_str(pool_text(scope->pool, name));
        kept->next = scope->kept;
        scope->kept = kept;
    }
    kept->value = slice_of(pool_text(scope->pool, encoded), encoded.size);
}

struct slice
scope_find(const struct scope *scope, struct slice name)
{
    for (const struct kept *kept = scope->kept; kept; kept = kept->next)
        if (slice_equal(kept->name, name))
            return kept->value;
    return (struct slice){0};
}

/* --- text ----------------------------------------------------------------------------------- */

static void
append_kept(struct scope *scope, struct slice name, struct buf *out)
{
    struct reader reader;
    struct slice value = scope_find(scope, name);
    char number[24];

    reader_init(&reader, value);
    switch (reader_peek(&reader)) {
    case READER_STR: {
        struct slice text = reader_str(&reader);
        buf_append(out, text.data, text.size);
        return;
    }
    case READER_UINT:
    case READER_INT:
        snprintf(number, sizeof(number), "%lld", (long long)reader_int(&reader));
        buf_append(out, number, strlen(number));
        return;
    case READER_NONE:
    case READER_NIL:
    case READER_BOOL:
    case READER_FLOAT:
    case READER_BIN:
    case READER_ARRAY:
    case READER_MAP:
    case READER_OTHER:
        buf_append(out, "?", 1);
    }
}

static void
append_filled(struct scope *scope, struct slice text, struct buf *out)
{
    const char *at = (const char *)text.data, *end = at + text.size;
    while (at < end) {
        if (*at == '\\' && at + 1 < end && at[1] == '$') {
            buf_append(out, "$", 1);
            at += 2;
            continue;
        }
        const char *name = at + 1, *name_end = name;
        while (*at == '$' && name_end < end &&
               (islower((unsigned char)*name_end) || isdigit((unsigned char)*name_end) ||
                *name_end == '_'))
            name_end++;
        if (name_end > name) {
            append_kept(scope, slice_of(name, (size_t)(name_end - name)), out);
            at = name_end;
        } else {
            buf_append(out, at++, 1);
        }
    }
}

struct slice
scope_text(struct scope *scope, const struct literal *literal)
{
    struct buf text = {0};
    if (literal->kind != LITERAL_TEXT)
        return (struct slice){0};
    int64_t times = literal->times;
    const struct literal count = {.kind = LITERAL_USE, .text = literal->times_of};
    if (literal->times_of.data && !scope_number(scope, &count, &times))
        times = 0;
    for (int64_t i = 0; i < times && text.size <= TEXT_SIZE_MAX; i++)
        append_filled(scope, literal->text, &text);
    assert(!text.failed);
    struct slice copy = slice_of(pool_text(scope->pool, buf_slice(&text)), text.size);
    buf_fini(&text);
    return copy;
}

/* --- numbers -------------------------------------------------------------------------------- */

static int64_t
next_month(msec_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm calendar;
    gmtime_r(&seconds, &calendar);
    struct tm first = {.tm_year = calendar.tm_year, .tm_mon = calendar.tm_mon + 1, .tm_mday = 1};
    return (int64_t)timegm(&first) * 1000;
}

bool
scope_number(const struct scope *scope, const struct literal *literal, int64_t *out)
{
    struct reader reader;
    switch (literal->kind) {
    case LITERAL_INT:
        *out = literal->number;
        return true;
    case LITERAL_NOW:
        *out = scope->now_ms + literal->number;
        return true;
    case LITERAL_NEXT_MONTH:
        *out = next_month(scope->now_ms) + literal->number;
        return true;
    case LITERAL_USE:
        reader_init(&reader, scope_find(scope, literal->text));
        *out = reader_int(&reader) + literal->number;
        return !reader.bad;
    case LITERAL_NIL:
    case LITERAL_BOOL:
    case LITERAL_TEXT:
    case LITERAL_ARRAY:
    case LITERAL_MAP:
    case LITERAL_KEEP:
    case LITERAL_ANY:
        return false;
    }
    return false;
}

/* --- encoding ------------------------------------------------------------------------------- */

static bool
encode_children(struct scope *scope, const struct literal *literal, struct buf *out)
{
    bool is_map = literal->kind == LITERAL_MAP;
    if (is_map)
        write_map(out, literal->count);
    else
        write_array(out, literal->count);
    for (const struct literal *child = literal->first; child; child = child->next) {
        if (is_map && child->compare != COMPARE_EQUAL)
            return false;
        if (is_map)
            write_str(out, child->path);
        if (!scope_encode(scope, child, out))
            return false;
    }
    return true;
}

static bool
encode_number(struct scope *scope, const struct literal *literal, struct buf *out)
{
    int64_t number;
    bool good = scope_number(scope, literal, &number);
    if (good)
        write_int(out, number);
    return good;
}

bool
scope_encode(struct scope *scope, const struct literal *literal, struct buf *out)
{
    struct slice kept;
    switch (literal->kind) {
    case LITERAL_NIL:
        write_nil(out);
        return true;
    case LITERAL_BOOL:
        write_bool(out, literal->number != 0);
        return true;
    case LITERAL_TEXT:
        write_str(out, scope_text(scope, literal));
        return true;
    case LITERAL_INT:
    case LITERAL_NOW:
    case LITERAL_NEXT_MONTH:
        return encode_number(scope, literal, out);
    case LITERAL_ARRAY:
    case LITERAL_MAP:
        return encode_children(scope, literal, out);
    case LITERAL_USE:
        if (literal->number != 0)
            return encode_number(scope, literal, out);
        kept = scope_find(scope, literal->text);
        write_raw(out, kept);
        return kept.data != NULL;
    case LITERAL_KEEP:
    case LITERAL_ANY:
        return false;
    }
    return false;
}
