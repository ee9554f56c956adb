#include "view.h"

#include <stdlib.h>

#include "base/assert.h"
#include "json_write.h"
#include "style.h"
#include "text.h"
#include "when.h"

#define COLUMNS_MAX    16           /* of a table; further keys of its items are left to --json */
#define LABEL_SIZE_MAX 256          /* a dotted name; deeper ones are cut */
#define EPOCH_MIN      100000000000 /* 1973 in ms: a smaller number under a time's name is no time */
#define GAP            2            /* spaces between columns */

struct view {
    struct buf *out;
    bool colour;
    msec_t now_ms;
};

/* The protocol names instants so: at, since, until, now, created_at, expires_at, ... */
static bool
is_instant(const char *name, const struct kith_value *value)
{
    static const char *const names[] = {"at", "since", "until", "now", "next", "deliver_after"};
    if (kith_value_kind(value) != KITH_KIND_INT || kith_value_int(value) < EPOCH_MIN)
        return false;
    size_t size = strlen(name);
    if (size > 3 && strcmp(name + size - 3, "_at") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool
is_duration(const char *name, const struct kith_value *value)
{
    size_t size = strlen(name);
    return kith_value_kind(value) == KITH_KIND_INT && kith_value_int(value) >= 0 && size > 3 &&
           strcmp(name + size - 3, "_ms") == 0;
}

static bool
is_flat_array(const struct kith_value *value)
{
    if (kith_value_kind(value) != KITH_KIND_ARRAY)
        return false;
    for (size_t i = 0; i < kith_value_count(value); i++)
        if (kith_value_kind(kith_value_at(value, i)) != KITH_KIND_STR)
            return false;
    return true;
}

static void
put_words(struct buf *out, const struct kith_value *array)
{
    for (size_t i = 0; i < kith_value_count(array); i++) {
        const struct kith_value *word = kith_value_at(array, i);
        text_put_own(out, i > 0 ? ", " : "");
        text_put(out, kith_value_str(word), kith_value_size(word));
    }
    if (kith_value_count(array) == 0)
        text_put_own(out, "-");
}

/* JSON escapes less than a terminal needs, so it goes through text_put() as well. */
static void
put_json(struct buf *out, const struct kith_value *value)
{
    struct buf json = {0};
    json_put_value(&json, value);
    text_put(out, json.data, json.failed ? 0 : json.size);
    buf_fini(&json);
}

void
view_put_cell(struct buf *out, const char *name, const struct kith_value *value, msec_t now_ms)
{
    enum kith_kind kind = kith_value_kind(value);
    if (is_instant(name, value))
        when_put(out, kith_value_int(value), now_ms);
    else if (is_duration(name, value))
        when_put_duration(out, kith_value_uint(value));
    else if (kind == KITH_KIND_STR && kith_value_size(value) > 0)
        text_put(out, kith_value_str(value), kith_value_size(value));
    else if (kind == KITH_KIND_BOOL)
        text_put_own(out, kith_value_bool(value) ? "yes" : "no");
    else if (kind == KITH_KIND_NIL || kind == KITH_KIND_ABSENT)
        text_put_own(out, "-");
    else if (is_flat_array(value))
        put_words(out, value);
    else
        put_json(out, value);
}

/* --- tables --------------------------------------------------------------------------------- */

struct column {
    const char *outer; /* borrowed from the values; NULL: the key of the row itself */
    const char *inner; /* of a map within the row; NULL: none */
    size_t width;
    bool right; /* numbers stand right */
};

struct table {
    struct column columns[COLUMNS_MAX];
    size_t count;
};

static const struct kith_value *
row_at(const struct kith_value *rows, size_t i)
{
    return kith_value_kind(rows) == KITH_KIND_MAP ? kith_value_entry_at(rows, i)
                                                  : kith_value_at(rows, i);
}

/* True for a list, or a map, that holds maps only, and at least one. */
static bool
is_table(const struct kith_value *value)
{
    enum kith_kind kind = kith_value_kind(value);
    if ((kind != KITH_KIND_ARRAY && kind != KITH_KIND_MAP) || kith_value_count(value) == 0)
        return false;
    for (size_t i = 0; i < kith_value_count(value); i++)
        if (kith_value_kind(row_at(value, i)) != KITH_KIND_MAP)
            return false;
    return true;
}

/* A map among values is shown by its own values, each in a place of its own. */
static bool
is_branch(const struct kith_value *value)
{
    return kith_value_kind(value) == KITH_KIND_MAP && kith_value_count(value) > 0 &&
           !is_table(value);
}

static const char *
title_of(const struct column *column)
{
    return column->inner ? column->inner : column->outer ? column->outer : "";
}

static void
put_table_cell(struct view *view, const struct kith_value *rows, size_t i,
               const struct column *column)
{
    if (!column->outer) {
        const char *key = kith_value_key_at(rows, i);
        text_put(view->out, key, strlen(key));
        return;
    }
    const struct kith_value *value = kith_get(row_at(rows, i), column->outer);
    if (column->inner)
        value = kith_get(value, column->inner);
    view_put_cell(view->out, title_of(column), value, view->now_ms);
}

/* Append the cell, take it off again, and return how wide it was. */
static size_t
cell_width(struct view *view, const struct kith_value *rows, size_t i, const struct column *column)
{
    size_t before = view->out->size;
    put_table_cell(view, rows, i, column);
    if (view->out->failed)
        return 0;
    size_t width = text_width(view->out->data + before, view->out->size - before);
    view->out->size = before;
    return width;
}

static bool
is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void
add_column(struct table *table, const char *outer, const char *inner,
           const struct kith_value *example)
{
    for (size_t c = 0; c < table->count; c++)
        if (is_same(table->columns[c].outer, outer) && is_same(table->columns[c].inner, inner))
            return;
    if (table->count == COLUMNS_MAX)
        return;
    struct column *column = &table->columns[table->count++];
    *column = (struct column){.outer = outer, .inner = inner};
    column->width = text_width(title_of(column), strlen(title_of(column)));
    column->right =
        kith_value_kind(example) == KITH_KIND_INT && !is_instant(title_of(column), example);
}

static void
add_columns(struct table *table, const struct kith_value *row)
{
    for (size_t k = 0; k < kith_value_count(row); k++) {
        const char *name = kith_value_key_at(row, k);
        const struct kith_value *value = kith_value_entry_at(row, k);
        if (!is_branch(value)) {
            add_column(table, name, NULL, value);
            continue;
        }
        for (size_t n = 0; n < kith_value_count(value); n++)
            add_column(table, name, kith_value_key_at(value, n), kith_value_entry_at(value, n));
    }
}

static void
measure(struct view *view, const struct kith_value *rows, struct table *table)
{
    if (kith_value_kind(rows) == KITH_KIND_MAP)
        add_column(table, NULL, NULL, NULL);
    for (size_t i = 0; i < kith_value_count(rows); i++)
        add_columns(table, row_at(rows, i));
    for (size_t c = 0; c < table->count; c++)
        for (size_t i = 0; i < kith_value_count(rows); i++) {
            size_t width = cell_width(view, rows, i, &table->columns[c]);
            if (width > table->columns[c].width)
                table->columns[c].width = width;
        }
}

static void
pad_before(struct view *view, const struct column *column, size_t width)
{
    if (column->right)
        text_pad(view->out, column->width - width);
}

static void
pad_behind(struct view *view, const struct column *column, size_t width, bool last)
{
    if (!last)
        text_pad(view->out, GAP + (column->right ? 0 : column->width - width));
}

static void
put_head(struct view *view, const struct table *table)
{
    text_put_own(view->out, style(view->colour, STYLE_HEAD));
    for (size_t c = 0; c < table->count; c++) {
        const struct column *column = &table->columns[c];
        const char *title = title_of(column);
        size_t width = text_width(title, strlen(title));
        pad_before(view, column, width);
        text_put(view->out, title, strlen(title));
        pad_behind(view, column, width, c + 1 == table->count);
    }
    text_put_own(view->out, style(view->colour, STYLE_NONE));
    text_put_own(view->out, "\n");
}

static void
put_table(struct view *view, const struct kith_value *rows)
{
    struct table table = {0};
    measure(view, rows, &table);
    assert(table.count <= COLUMNS_MAX);
    put_head(view, &table);
    for (size_t i = 0; i < kith_value_count(rows); i++) {
        for (size_t c = 0; c < table.count; c++) {
            const struct column *column = &table.columns[c];
            size_t width = cell_width(view, rows, i, column);
            pad_before(view, column, width);
            put_table_cell(view, rows, i, column);
            pad_behind(view, column, width, c + 1 == table.count);
        }
        text_put_own(view->out, "\n");
    }
}

/* --- names and values ------------------------------------------------------------------------ */

static void
join(char *to, const char *prefix, const char *name)
{
    size_t a = strlen(prefix), b = strlen(name);
    assert(a < LABEL_SIZE_MAX);
    if (b > LABEL_SIZE_MAX - 1 - a)
        b = LABEL_SIZE_MAX - 1 - a;
    memcpy(to, prefix, a);
    memcpy(to + a, name, b);
    to[a + b] = 0;
}

static size_t
names_width(const struct kith_value *map, size_t prefix_width)
{
    size_t most = 0;
    for (size_t i = 0; i < kith_value_count(map); i++) {
        const struct kith_value *value = kith_value_entry_at(map, i);
        const char *name = kith_value_key_at(map, i);
        size_t width = prefix_width + text_width(name, strlen(name));
        if (is_branch(value))
            width = names_width(value, width + 1);
        else if (is_table(value))
            width = 0;
        if (width > most)
            most = width;
    }
    return most;
}

static void
put_name(struct view *view, const char *prefix, const char *name)
{
    text_put_own(view->out, style(view->colour, STYLE_KEY));
    text_put(view->out, prefix, strlen(prefix));
    text_put(view->out, name, strlen(name));
    text_put_own(view->out, style(view->colour, STYLE_NONE));
}

static void
put_scalars(struct view *view, const struct kith_value *map, const char *prefix, size_t width)
{
    for (size_t i = 0; i < kith_value_count(map); i++) {
        const char *name = kith_value_key_at(map, i);
        const struct kith_value *value = kith_value_entry_at(map, i);
        if (is_table(value))
            continue;
        char full[LABEL_SIZE_MAX], dotted[LABEL_SIZE_MAX];
        join(full, prefix, name);
        if (is_branch(value)) {
            join(dotted, full, ".");
            put_scalars(view, value, dotted, width);
            continue;
        }
        size_t used = text_width(full, strlen(full));
        put_name(view, prefix, name);
        text_pad(view->out, GAP + (width > used ? width - used : 0));
        view_put_cell(view->out, name, value, view->now_ms);
        text_put_own(view->out, "\n");
    }
}

static void
put_tables(struct view *view, const struct kith_value *map)
{
    for (size_t i = 0; i < kith_value_count(map); i++) {
        const char *name = kith_value_key_at(map, i);
        const struct kith_value *value = kith_value_entry_at(map, i);
        if (is_branch(value))
            put_tables(view, value);
        if (!is_table(value))
            continue;
        /* The one list of a page needs no title: it is what was asked for. */
        if (strcmp(name, "items") != 0 && strcmp(name, "events") != 0) {
            put_name(view, "", name);
            text_put_own(view->out, "\n");
        }
        put_table(view, value);
    }
}

void
view_put(struct buf *out, const struct kith_value *map, bool colour, msec_t now_ms)
{
    struct view view = {.out = out, .colour = colour, .now_ms = now_ms};
    if (is_table(map) && kith_value_count(map) > 1) { /* such as quota.get: a map of windows */
        put_table(&view, map);
        return;
    }
    put_scalars(&view, map, "", names_width(map, 0));
    put_tables(&view, map);
}

void
view_put_rows(struct buf *out, const struct kith_value *rows, bool colour, msec_t now_ms)
{
    struct view view = {.out = out, .colour = colour, .now_ms = now_ms};
    put_table(&view, rows);
}
