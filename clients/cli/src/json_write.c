#include "json_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "text.h"

static void
put_escaped(struct buf *out, uint32_t code_point, const uint8_t *at, size_t length)
{
    static const char short_form[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (code_point == '"' || code_point == '\\')
        text_printf(out, "\\%c", (char)code_point);
    else if (code_point < 0x20 && short_form[code_point])
        text_printf(out, "\\%c", short_form[code_point]);
    else if (code_point < 0x20 || code_point == 0x7f)
        text_printf(out, "\\u%04x", code_point);
    else if (code_point == TEXT_INVALID && length == 1)
        text_put_own(out, "\xef\xbf\xbd");
    else
        buf_append(out, at, length);
}

void
json_put_str(struct buf *out, const void *text, size_t size)
{
    const uint8_t *at = text, *end = at + size;
    buf_append(out, "\"", 1);
    while (at < end) {
        uint32_t code_point;
        size_t length = text_next(at, (size_t)(end - at), &code_point);
        put_escaped(out, code_point, at, length);
        at += length;
    }
    buf_append(out, "\"", 1);
}

/* Base64 with padding (RFC 4648, section 4). */
static void
put_base64(struct buf *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buf_append(out, "\"", 1);
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? bytes[i + 2] : 0);
        char four[4] = {digits[word >> 18], digits[word >> 12 & 63],
                        left > 1 ? digits[word >> 6 & 63] : '=',
                        left > 2 ? digits[word & 63] : '='};
        buf_append(out, four, sizeof(four));
    }
    buf_append(out, "\"", 1);
}

void
json_put_int(struct buf *out, int64_t value)
{
    text_printf(out, "%lld", (long long)value);
}

void
json_put_float(struct buf *out, double value)
{
    if (!isfinite(value)) {
        text_put_own(out, "null");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    text_put_own(out, text);
    /* A float that happens to be whole is to be read back as a float. */
    if (!strpbrk(text, ".e"))
        text_put_own(out, ".0");
}

static void
put_array(struct buf *out, const struct kith_value *array)
{
    buf_append(out, "[", 1);
    for (size_t i = 0; i < kith_value_count(array); i++) {
        if (i > 0)
            buf_append(out, ",", 1);
        json_put_value(out, kith_value_at(array, i));
    }
    buf_append(out, "]", 1);
}

static void
put_map(struct buf *out, const struct kith_value *map)
{
    json_open(out);
    for (size_t i = 0; i < kith_value_count(map); i++) {
        json_key(out, kith_value_key_at(map, i));
        json_put_value(out, kith_value_entry_at(map, i));
    }
    json_close(out);
}

static void
put_integer(struct buf *out, const struct kith_value *value)
{
    int64_t number = kith_value_int(value);
    if (number < 0)
        json_put_int(out, number);
    else
        text_printf(out, "%llu", (unsigned long long)kith_value_uint(value));
}

void
json_put_value(struct buf *out, const struct kith_value *value)
{
    switch (kith_value_kind(value)) {
    case KITH_KIND_ABSENT:
    case KITH_KIND_NIL:
        text_put_own(out, "null");
        return;
    case KITH_KIND_BOOL:
        text_put_own(out, kith_value_bool(value) ? "true" : "false");
        return;
    case KITH_KIND_INT:
        put_integer(out, value);
        return;
    case KITH_KIND_FLOAT:
        json_put_float(out, kith_value_float(value));
        return;
    case KITH_KIND_STR:
        json_put_str(out, kith_value_str(value), kith_value_size(value));
        return;
    case KITH_KIND_BIN:
        put_base64(out, (const uint8_t *)kith_value_str(value), kith_value_size(value));
        return;
    case KITH_KIND_ARRAY:
        put_array(out, value);
        return;
    case KITH_KIND_MAP:
        put_map(out, value);
        return;
    }
    assert(!"a kind of value without a case");
}

void
json_open(struct buf *out)
{
    buf_append(out, "{", 1);
}

void
json_close(struct buf *out)
{
    buf_append(out, "}", 1);
}

void
json_key(struct buf *out, const char *name)
{
    if (!out->failed && out->size > 0 && out->data[out->size - 1] != '{')
        buf_append(out, ",", 1);
    json_put_str(out, name, strlen(name));
    buf_append(out, ":", 1);
}

void
json_member_str(struct buf *out, const char *name, const char *value)
{
    json_key(out, name);
    if (value)
        json_put_str(out, value, strlen(value));
    else
        text_put_own(out, "null");
}

void
json_member_int(struct buf *out, const char *name, int64_t value)
{
    json_key(out, name);
    json_put_int(out, value);
}

void
json_member_float(struct buf *out, const char *name, double value)
{
    json_key(out, name);
    json_put_float(out, value);
}
