/* unit/core/words.h: msgpack as text that a person writes and reads, and back.
 *
 *     {from: ada, note: 'a few words', list: [1, true, nil]}
 *
 * Shown, an instant near NOW stands as its distance from it (+30d, -1ms, now), and a text that was
 * given a name as that name. Each test program is one file, so these are static and inline.
 */
#ifndef KITH_TEST_WORDS_H
#define KITH_TEST_WORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/reader.h"
#include "codec/writer.h"
#include "core/settings.h"

#define NOW         INT64_C(1736503200000) /* 2025-01-10T10:00:00Z: a Friday */
#define FOREVER     INT64_C(0x1fffffffffffff)
#define WORDS_NEAR  (4000 * DAY_MS)
#define WORDS_COUNT 16

/* --- text to msgpack ------------------------------------------------------------------------ */

static inline const char *
words_skip(const char *at)
{
    return at + strspn(at, " \n");
}

static inline const char *words_value(struct buf *out, const char *at);

/* A word is a number, one of the three constants, or a string. */
static inline const char *
words_word(struct buf *out, const char *at)
{
    size_t size = strcspn(at, " ,:{}[]'\n");
    struct slice word = slice_of(at, size);
    char *end;
    assert_true(size > 0);
    long long number = strtoll(at, &end, 10);
    if (end == at + size)
        write_int(out, number);
    else if (slice_is(word, "nil"))
        write_nil(out);
    else if (slice_is(word, "true") || slice_is(word, "false"))
        write_bool(out, at[0] == 't');
    else
        write_str(out, word);
    return at + size;
}

/* What stands between brackets; a map has a key and a colon before each value. */
static inline const char *
words_inside(struct buf *out, const char *at, char closing)
{
    uint32_t count = 0;
    size_t place = closing == '}' ? write_open_map(out) : write_open_array(out);
    for (at = words_skip(at + 1); *at != closing; at = words_skip(at + (*at == ','))) {
        at = words_value(out, at);
        if (closing == '}') {
            at = words_skip(at);
            assert_int_equal(*at, ':');
            at = words_value(out, at + 1);
        }
        at = words_skip(at);
        assert_true(*at == ',' || *at == closing);
        count++;
    }
    if (closing == '}')
        write_close_map(out, place, count);
    else
        write_close_array(out, place, count);
    return at + 1;
}

static inline const char *
words_value(struct buf *out, const char *at)
{
    at = words_skip(at);
    if (*at == '{' || *at == '[')
        return words_inside(out, at, *at == '{' ? '}' : ']');
    if (*at != '\'')
        return words_word(out, at);
    const char *end = strchr(at + 1, '\'');
    assert_non_null(end);
    write_str(out, slice_of(at + 1, (size_t)(end - at - 1)));
    return end + 1;
}

/* Append what @text says to @out. */
static inline void
words_write(struct buf *out, const char *text)
{
    const char *end = words_skip(words_value(out, text));
    assert_int_equal(*end, 0);
    assert_false(out->failed);
}

/* --- msgpack to text ------------------------------------------------------------------------ */

/* Texts that are shown under a name of their own. */
static struct {
    struct slice text;
    const char *name;
} words_names[WORDS_COUNT];

static inline void
show(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

static inline void
show_hex(struct buf *out, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        buf_append(out, &digits[bytes.data[i] >> 4], 1);
        buf_append(out, &digits[bytes.data[i] & 15], 1);
    }
}

static inline void
show_text(struct buf *out, struct slice text)
{
    for (unsigned i = 0; i < WORDS_COUNT && words_names[i].name; i++)
        if (slice_equal(text, words_names[i].text)) {
            show(out, words_names[i].name);
            return;
        }
    bool bare = text.size > 0;
    for (size_t i = 0; i < text.size; i++)
        bare = bare && !strchr(" ,:{}[]'\n", text.data[i]);
    if (!bare)
        show(out, "'");
    buf_append(out, text.data, text.size);
    if (!bare)
        show(out, "'");
}

static inline void
show_duration(struct buf *out, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{DAY_MS, "d"}, {HOUR_MS, "h"}, {MINUTE_MS, "m"}, {SECOND_MS, "s"}, {1, "ms"}};
    char text[32];
    unsigned unit = 0;
    while (ms % units[unit].ms != 0)
        unit++;
    snprintf(text, sizeof(text), "%lld%s", (long long)(ms / units[unit].ms), units[unit].name);
    show(out, text);
}

static inline void
show_int(struct buf *out, int64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    if (value == FOREVER) {
        show(out, "forever");
    } else if (value == NOW) {
        show(out, "now");
    } else if (value > NOW - WORDS_NEAR && value < NOW + WORDS_NEAR) {
        show(out, value > NOW ? "+" : "");
        show_duration(out, value - NOW);
    } else {
        show(out, text);
    }
}

static inline void
show_next(struct buf *out, struct reader *reader)
{
    enum reader_type type = reader_peek(reader);
    uint64_t number;
    char text[32];
    switch (type) {
    case READER_NIL:
        reader_nil(reader);
        show(out, "nil");
        break;
    case READER_BOOL:
        show(out, reader_bool(reader) ? "true" : "false");
        break;
    case READER_UINT:
        number = reader_uint(reader);
        snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
        if (number > INT64_MAX)
            show(out, text);
        else
            show_int(out, (int64_t)number);
        break;
    case READER_INT:
        show_int(out, reader_int(reader));
        break;
    case READER_STR:
        show_text(out, reader_str(reader));
        break;
    case READER_BIN:
        snprintf(text, sizeof(text), "(%zu)", reader_bin(reader).size);
        show(out, text);
        break;
    case READER_ARRAY:
    case READER_MAP:
        show(out, type == READER_MAP ? "{" : "[");
        for (uint32_t left = type == READER_MAP ? reader_map(reader) : reader_array(reader),
                      all = left;
             left > 0; left--) {
            show(out, left < all ? ", " : "");
            show_next(out, reader);
            if (type == READER_MAP) {
                show(out, ": ");
                show_next(out, reader);
            }
        }
        show(out, type == READER_MAP ? "}" : "]");
        break;
    case READER_FLOAT:
    case READER_OTHER:
    case READER_NONE:
        fail_msg("no value, or one that is never told");
    }
}

/* Append what the encoded value says. */
static inline void
show_value(struct buf *out, struct slice encoded)
{
    struct reader reader;
    reader_init(&reader, encoded);
    show_next(out, &reader);
    assert_false(reader.bad);
    assert_ptr_equal(reader.at, reader.end);
}

static inline const char *
shown(struct buf *out)
{
    buf_append(out, "", 1);
    assert_false(out->failed);
    return (const char *)out->data;
}

/* --- rows of a table ------------------------------------------------------------------------ */

static unsigned rows_failed;

/* Compare, and go on: a table shows all its rows that fail at once. */
static inline void
expect_text(const char *row, const char *what, const char *expected, const char *found)
{
    if (strcmp(expected, found) == 0)
        return;
    print_error("%s: %s:\n  expected  %s\n  found     %s\n", row, what, expected, found);
    rows_failed++;
}

static inline void
expect_rows(void)
{
    unsigned failed = rows_failed;
    rows_failed = 0;
    assert_int_equal(failed, 0);
}

#endif
