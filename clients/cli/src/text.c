#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

#include "base/assert.h"

#define PRINTF_SIZE_MAX 256

/* The first byte gives the length and the least code point that needs it. */
static size_t
sequence_size(uint8_t first, uint32_t *bits, uint32_t *least)
{
    if (first >= 0xc2 && first <= 0xdf) {
        *bits = first & 0x1f;
        *least = 0x80;
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef) {
        *bits = first & 0x0f;
        *least = 0x800;
        return 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        *bits = first & 0x07;
        *least = 0x10000;
        return 4;
    }
    return 0;
}

size_t
text_next(const uint8_t *at, size_t size, uint32_t *code_point)
{
    assert(size > 0);
    if (at[0] < 0x80) {
        *code_point = at[0];
        return 1;
    }
    uint32_t value = 0, least = 0;
    size_t length = sequence_size(at[0], &value, &least);
    *code_point = TEXT_INVALID;
    if (length == 0 || length > size)
        return 1;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (at[i] & 0x3f);
    }
    if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 1;
    *code_point = value;
    return length;
}

/* Controls (C0, DEL, C1), separators of lines, and what turns the direction of text. */
static bool
is_harmful(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
           (code_point >= 0x2028 && code_point <= 0x202e) ||
           (code_point >= 0x2066 && code_point <= 0x2069);
}

void
text_put(struct buf *out, const void *text, size_t size)
{
    const uint8_t *at = text, *end = at + size;
    while (at < end) {
        uint32_t code_point;
        size_t length = text_next(at, (size_t)(end - at), &code_point);
        if (code_point == TEXT_INVALID && length == 1)
            text_printf(out, "\\x%02x", *at);
        else if (code_point == '\n')
            text_put_own(out, "\\n");
        else if (is_harmful(code_point))
            text_printf(out, code_point < 0x100 ? "\\x%02x" : "\\u%04x", code_point);
        else
            buf_append(out, at, length);
        at += length;
    }
}

size_t
text_width(const void *text, size_t size)
{
    const uint8_t *at = text, *end = at + size;
    size_t width = 0;
    while (at < end) {
        uint32_t code_point;
        at += text_next(at, (size_t)(end - at), &code_point);
        int columns = code_point < 0x80 ? 1 : wcwidth((wchar_t)code_point);
        width += columns < 0 ? 1 : (size_t)columns;
    }
    return width;
}

void
text_put_own(struct buf *out, const char *text)
{
    size_t size = strlen(text);
    if (size > 0)
        buf_append(out, text, size);
}

void
text_printf(struct buf *out, const char *format, ...)
{
    char text[PRINTF_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < sizeof(text));
    buf_append(out, text, (size_t)size);
}

void
text_pad(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_append(out, " ", 1);
}
