#include "show.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"

#define TEXT_SHOWN_MAX 200 /* of one string: enough to know it */
#define PIECE_SIZE_MAX 2048
#define INSTANT_MIN_MS 1000000000000 /* no count or size of a case is as large */

void
show_text(struct buf *out, const char *format, ...)
{
    char piece[PIECE_SIZE_MAX];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    assert(wanted >= 0);
    buf_append(out, piece, (size_t)wanted < sizeof(piece) ? (size_t)wanted : sizeof(piece) - 1);
}

/* --- masks ---------------------------------------------------------------------------------- */

/* What a daemon makes of a sequence number, or is one: services see it, members do not. */
static bool
is_opaque(struct slice key)
{
    static const char *const keys[] = {"request", "invite", "current", "token", "claim"};
    for (unsigned i = 0; i < ARRAY_COUNT(keys); i++)
        if (slice_is(key, keys[i]))
            return true;
    return false;
}

/* A position is for services alone; a library gives a query an id of its own. */
static bool
is_left_out(const struct show_mask *mask, struct slice key)
{
    if (!mask)
        return false;
    if (mask->without && slice_is(key, mask->without))
        return true;
    return mask->on && (slice_is(key, "pos") || slice_is(key, "id"));
}

static unsigned
opaque_place(struct show_mask *mask, struct slice text)
{
    struct reader reader;
    unsigned place = 1;
    reader_init(&reader, buf_slice(&mask->opaque));
    for (; reader_peek(&reader) == READER_STR; place++)
        if (slice_equal(reader_str(&reader), text))
            return place;
    write_str(&mask->opaque, text);
    return place;
}

/* --- values --------------------------------------------------------------------------------- */

static void
show_str(struct slice text, struct slice key, struct show_mask *mask, struct buf *out)
{
    if (mask && mask->on && is_opaque(key)) {
        show_text(out, "#%u", opaque_place(mask, text));
        return;
    }
    /* Where a page of a list ends is a sequence number as well. */
    if (mask && mask->on && slice_is(key, "next")) {
        show_text(out, "#next");
        return;
    }
    show_text(out, "'%.*s'", text.size < TEXT_SHOWN_MAX ? (int)text.size : TEXT_SHOWN_MAX,
              (const char *)text.data);
    if (text.size > TEXT_SHOWN_MAX)
        show_text(out, "... (%zu bytes)", text.size);
}

static void
show_int(int64_t number, struct show_mask *mask, struct buf *out)
{
    if (mask && mask->on && number >= INSTANT_MIN_MS)
        show_text(out, "start%+lld", (long long)(number - mask->zero_ms));
    else
        show_text(out, "%lld", (long long)number);
}

static void
show_uint(struct reader *reader, struct show_mask *mask, struct buf *out)
{
    uint64_t number = reader_uint(reader);
    if (number <= INT64_MAX)
        show_int((int64_t)number, mask, out);
    else
        show_text(out, "%llu", (unsigned long long)number);
}

static void
show_next(struct reader *reader, struct slice key, struct show_mask *mask, struct buf *out)
{
    uint32_t count;
    switch (reader_peek(reader)) {
    case READER_NONE:
    case READER_OTHER:
        show_text(out, "(nothing)");
        reader->bad = true;
        return;
    case READER_NIL:
        reader_nil(reader);
        show_text(out, "nil");
        return;
    case READER_BOOL:
        show_text(out, reader_bool(reader) ? "true" : "false");
        return;
    case READER_UINT:
        show_uint(reader, mask, out);
        return;
    case READER_INT:
        show_int(reader_int(reader), mask, out);
        return;
    case READER_FLOAT:
        show_text(out, "%g", reader_float(reader));
        return;
    case READER_STR:
        show_str(reader_str(reader), key, mask, out);
        return;
    case READER_BIN:
        show_text(out, "(%zu bytes)", reader_bin(reader).size);
        return;
    case READER_ARRAY:
        count = reader_array(reader);
        show_text(out, "[");
        for (uint32_t i = 0; i < count && !reader->bad; i++) {
            show_text(out, i > 0 ? " " : "");
            show_next(reader, (struct slice){0}, mask, out);
        }
        show_text(out, "]");
        return;
    case READER_MAP:
        count = reader_map(reader);
        show_text(out, "{");
        for (uint32_t i = 0; i < count && !reader->bad; i++) {
            struct slice name = reader_str(reader);
            if (is_left_out(mask, name)) {
                reader_skip(reader);
                continue;
            }
            show_text(out, "%s%.*s=", i > 0 ? " " : "", (int)name.size, (const char *)name.data);
            show_next(reader, name, mask, out);
        }
        show_text(out, "}");
        return;
    }
}

void
show_value(struct slice encoded, struct show_mask *mask, struct buf *out)
{
    struct reader reader;
    reader_init(&reader, encoded);
    do
        show_next(&reader, (struct slice){0}, mask, out);
    while (!reader.bad && reader.at < reader.end);
}
