/* Comparing what was expected with what came. */
#include <stdlib.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "scope.h"
#include "show.h"

#define SHOWN_SIZE_MAX 600 /* of one value within a failure */

static const char *
explain(struct scope *scope, struct slice wanted, struct slice got)
{
    struct buf text = {0};
    show_text(&text, "expected %.*s, got ", (int)wanted.size, (const char *)wanted.data);
    if (got.data)
        show_value(got, NULL, &text);
    else
        show_text(&text, "nothing there");
    if (text.size > SHOWN_SIZE_MAX) {
        text.size = SHOWN_SIZE_MAX;
        show_text(&text, "...");
    }
    const char *copy = pool_text(scope->pool, buf_slice(&text));
    buf_fini(&text);
    return copy;
}

/* --- paths ---------------------------------------------------------------------------------- */

/* How many elements, or bytes, the value has; false if it is neither of both. */
static bool
count_of(struct slice value, struct slice *encoded, struct pool *pool)
{
    struct reader reader;
    uint64_t count;
    reader_init(&reader, value);
    if (reader_peek(&reader) == READER_ARRAY)
        count = reader_array(&reader);
    else if (reader_peek(&reader) == READER_STR)
        count = reader_str(&reader).size;
    else
        return false;
    struct buf out = {0};
    write_uint(&out, count);
    *encoded = slice_of(pool_text(pool, buf_slice(&out)), out.size);
    buf_fini(&out);
    return true;
}

static struct slice
find_entry(struct slice map, struct slice name)
{
    struct reader reader;
    reader_init(&reader, map);
    uint32_t count = reader_map(&reader);
    for (uint32_t i = 0; i < count && !reader.bad; i++) {
        struct slice key = reader_str(&reader);
        struct slice value = reader_skip(&reader);
        if (slice_equal(key, name))
            return value;
    }
    return (struct slice){0};
}

static struct slice
find_element(struct slice array, struct slice index)
{
    struct reader reader;
    reader_init(&reader, array);
    uint32_t count = reader_array(&reader);
    uint64_t wanted = strtoull((const char *)index.data, NULL, 10);
    for (uint32_t i = 0; i < count && i < wanted; i++)
        reader_skip(&reader);
    return wanted < count ? reader_skip(&reader) : (struct slice){0};
}

static struct slice
find_step(struct slice value, struct slice name, struct pool *pool)
{
    struct reader reader;
    struct slice count;
    reader_init(&reader, value);
    if (reader_peek(&reader) == READER_MAP)
        return find_entry(value, name);
    if (slice_is(name, "count") && count_of(value, &count, pool))
        return count;
    if (reader_peek(&reader) == READER_ARRAY)
        return find_element(value, name);
    return (struct slice){0};
}

static struct slice
find_path(struct slice value, struct slice path, struct pool *pool)
{
    const uint8_t *at = path.data, *end = path.data + path.size;
    while (at < end && value.data) {
        const uint8_t *dot = memchr(at, '.', (size_t)(end - at));
        const uint8_t *stop = dot ? dot : end;
        value = find_step(value, slice_of(at, (size_t)(stop - at)), pool);
        at = stop + 1;
    }
    return value;
}

/* --- values --------------------------------------------------------------------------------- */

static bool
match_number(struct scope *scope, const struct literal *literal, struct slice got)
{
    struct reader reader;
    int64_t wanted;
    reader_init(&reader, got);
    if (!scope_number(scope, literal, &wanted))
        return false;
    int64_t number = reader_int(&reader);
    if (reader.bad)
        return false;
    switch (literal->compare) {
    case COMPARE_EQUAL:
        return number == wanted;
    case COMPARE_UNEQUAL:
        return number != wanted;
    case COMPARE_LESS:
        return number < wanted;
    case COMPARE_AT_MOST:
        return number <= wanted;
    case COMPARE_MORE:
        return number > wanted;
    case COMPARE_AT_LEAST:
        return number >= wanted;
    case COMPARE_HAS:
    case COMPARE_HAS_NOT:
    case COMPARE_ABSENT:
        return false;
    }
    return false;
}

static bool
match_array(struct scope *scope, const struct literal *literal, struct slice got, const char **why)
{
    struct reader reader;
    reader_init(&reader, got);
    uint32_t count = reader_array(&reader);
    if (reader.bad || count < literal->count || (count > literal->count && !literal->open)) {
        *why = explain(scope, literal->source, got);
        return false;
    }
    for (const struct literal *child = literal->first; child; child = child->next)
        if (!scope_match(scope, child, reader_skip(&reader), NULL, why))
            return false;
    return true;
}

static bool
is_named(const struct literal *map, struct slice key, const char *const *extra)
{
    for (const struct literal *child = map->first; child; child = child->next) {
        size_t size = child->path.size;
        const uint8_t *dot = memchr(child->path.data, '.', size);
        if (dot)
            size = (size_t)(dot - child->path.data);
        if (slice_equal(slice_of(child->path.data, size), key))
            return true;
    }
    for (; extra && *extra; extra++)
        if (slice_is(key, *extra))
            return true;
    return false;
}

/* Has the array an element that fits? */
static bool
has_element(struct scope *scope, const struct literal *literal, struct slice array)
{
    struct reader reader;
    const char *why;
    reader_init(&reader, array);
    uint32_t count = reader_array(&reader);
    for (uint32_t i = 0; i < count && !reader.bad; i++)
        if (scope_match(scope, literal, reader_skip(&reader), NULL, &why))
            return true;
    return false;
}

static bool
match_field(struct scope *scope, const struct literal *field, struct slice map, const char **why)
{
    struct slice got = find_path(map, field->path, scope->pool);
    const char *inner = NULL;
    bool good;
    if (field->compare == COMPARE_ABSENT)
        good = !got.data;
    else if (field->compare == COMPARE_HAS || field->compare == COMPARE_HAS_NOT)
        good = got.data && has_element(scope, field, got) == (field->compare == COMPARE_HAS);
    else if (field->compare == COMPARE_EQUAL)
        good = got.data && scope_match(scope, field, got, NULL, &inner);
    else if (field->compare == COMPARE_UNEQUAL && field->kind != LITERAL_INT)
        good = got.data && !scope_match(scope, field, got, NULL, &inner);
    else
        good = got.data && match_number(scope, field, got);
    if (good)
        return true;
    bool nested = field->kind == LITERAL_ARRAY || field->kind == LITERAL_MAP;
    *why = nested && inner ? inner : explain(scope, field->source, got);
    return false;
}

static bool
match_map(struct scope *scope, const struct literal *literal, struct slice got,
          const char *const *extra, const char **why)
{
    struct reader reader;
    reader_init(&reader, got);
    uint32_t count = reader_map(&reader);
    if (reader.bad) {
        *why = explain(scope, literal->source, got);
        return false;
    }
    for (const struct literal *field = literal->first; field; field = field->next)
        if (!match_field(scope, field, got, why))
            return false;
    for (uint32_t i = 0; i < count && literal->only; i++) {
        struct slice key = reader_str(&reader);
        struct slice value = reader_skip(&reader);
        if (!is_named(literal, key, extra)) {
            struct buf text = {0};
            show_text(&text, "nothing but that, and no `%.*s`", (int)key.size,
                      (const char *)key.data);
            *why = explain(scope, buf_slice(&text), value);
            buf_fini(&text);
            return false;
        }
    }
    return true;
}

static bool
match_scalar(struct scope *scope, const struct literal *literal, struct slice got)
{
    struct reader reader;
    reader_init(&reader, got);
    switch (literal->kind) {
    case LITERAL_NIL:
        return reader_peek(&reader) == READER_NIL;
    case LITERAL_BOOL:
        return reader_bool(&reader) == (literal->number != 0) && !reader.bad;
    case LITERAL_TEXT:
        return reader_peek(&reader) == READER_STR &&
               slice_equal(reader_str(&reader), scope_text(scope, literal));
    case LITERAL_INT:
    case LITERAL_NOW:
    case LITERAL_NEXT_MONTH:
        return match_number(scope, literal, got);
    case LITERAL_USE: /* A number may be written in more bytes than it needs. */
        return slice_equal(scope_find(scope, literal->text), got) ||
               match_number(scope, literal, got);
    case LITERAL_KEEP:
        scope_keep(scope, literal->text, got);
        return true;
    case LITERAL_ANY:
        return true;
    case LITERAL_ARRAY:
    case LITERAL_MAP:
        break;
    }
    assert(!"arrays and maps are not scalars");
    return false;
}

bool
scope_match(struct scope *scope, const struct literal *literal, struct slice got,
            const char *const *extra, const char **why)
{
    if (literal->kind == LITERAL_ARRAY)
        return match_array(scope, literal, got, why);
    if (literal->kind == LITERAL_MAP)
        return match_map(scope, literal, got, extra, why);
    if (match_scalar(scope, literal, got))
        return true;
    *why = explain(scope, literal->source, got);
    return false;
}
