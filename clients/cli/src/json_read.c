#include "json_read.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/check.h"
#include "codec/writer.h"
#include "proto/limits.h"

struct json {
    const char *at;
    const char *wrong; /* sticky: the first thing that is wrong, or NULL */
    struct buf *out;
    unsigned depth;
};

static void read_value(struct json *json);

static void
fault(struct json *json, const char *what)
{
    if (!json->wrong)
        json->wrong = what;
}

static void
skip_space(struct json *json)
{
    json->at += strspn(json->at, " \t\r\n");
}

static bool
take(struct json *json, char sign)
{
    skip_space(json);
    if (*json->at != sign)
        return false;
    json->at++;
    return true;
}

static uint32_t
read_hex4(struct json *json)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = *json->at;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) {
            fault(json, "\\u needs four hexadecimal digits");
            return 0;
        }
        value = value << 4 | digit;
        json->at++;
    }
    return value;
}

static void
put_code_point(struct buf *text, uint32_t code_point)
{
    uint8_t bytes[4];
    size_t size = 0;
    if (code_point < 0x80) {
        bytes[size++] = (uint8_t)code_point;
    } else if (code_point < 0x800) {
        bytes[size++] = (uint8_t)(0xc0 | code_point >> 6);
        bytes[size++] = (uint8_t)(0x80 | (code_point & 0x3f));
    } else if (code_point < 0x10000) {
        bytes[size++] = (uint8_t)(0xe0 | code_point >> 12);
        bytes[size++] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
        bytes[size++] = (uint8_t)(0x80 | (code_point & 0x3f));
    } else {
        bytes[size++] = (uint8_t)(0xf0 | code_point >> 18);
        bytes[size++] = (uint8_t)(0x80 | (code_point >> 12 & 0x3f));
        bytes[size++] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
        bytes[size++] = (uint8_t)(0x80 | (code_point & 0x3f));
    }
    assert(size <= sizeof(bytes));
    buf_append(text, bytes, size);
}

/* Behind "\u": one code point, which above U+FFFF is written as two surrogates. */
static void
read_unicode(struct json *json, struct buf *text)
{
    uint32_t code_point = read_hex4(json);
    if (code_point >= 0xd800 && code_point <= 0xdbff && json->at[0] == '\\' && json->at[1] == 'u') {
        json->at += 2;
        uint32_t low = read_hex4(json);
        if (low >= 0xdc00 && low <= 0xdfff)
            code_point = 0x10000 + ((code_point - 0xd800) << 10) + (low - 0xdc00);
        else
            fault(json, "half of a surrogate pair");
    } else if (code_point >= 0xd800 && code_point <= 0xdfff) {
        fault(json, "half of a surrogate pair");
    }
    if (!json->wrong)
        put_code_point(text, code_point);
}

static void
read_escape(struct json *json, struct buf *text)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char letter = *json->at;
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (found) {
        json->at++;
        buf_append(text, &meanings[found - letters], 1);
    } else if (letter == 'u') {
        json->at++;
        read_unicode(json, text);
    } else {
        fault(json, "unknown escape in a string");
    }
}

/* Behind the opening quote. */
static void
read_string(struct json *json)
{
    struct buf text = {0};
    while (!json->wrong && *json->at != '"') {
        uint8_t byte = (uint8_t)*json->at;
        if (byte == 0)
            fault(json, "a string does not end");
        else if (byte < 0x20)
            fault(json, "a control character in a string");
        else if (byte == '\\') {
            json->at++;
            read_escape(json, &text);
        } else {
            buf_append(&text, json->at++, 1);
        }
    }
    if (!json->wrong && !check_utf8(buf_slice(&text)))
        fault(json, "a string is not UTF-8");
    if (!json->wrong) {
        json->at++;
        write_str(json->out, slice_of(text.data ? text.data : (const uint8_t *)"", text.size));
    }
    json->out->failed |= text.failed;
    buf_fini(&text);
}

static size_t
count_digits(const char *at)
{
    return strspn(at, "0123456789");
}

/* JSON's own form: no plus, no leading zero, digits on both sides of the point. */
static bool
is_number(const char *at, size_t *size, bool *whole)
{
    const char *start = at;
    at += *at == '-';
    size_t digits = count_digits(at);
    if (digits == 0 || (digits > 1 && *at == '0'))
        return false;
    at += digits;
    *whole = *at != '.' && *at != 'e' && *at != 'E';
    if (*at == '.') {
        digits = count_digits(++at);
        if (digits == 0)
            return false;
        at += digits;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        digits = count_digits(at);
        if (digits == 0)
            return false;
        at += digits;
    }
    *size = (size_t)(at - start);
    return true;
}

static void
read_number(struct json *json)
{
    size_t size = 0;
    bool whole = false;
    if (!is_number(json->at, &size, &whole)) {
        fault(json, "not a value: strings need double quotes");
        return;
    }
    errno = 0;
    if (whole && *json->at == '-') {
        long long number = strtoll(json->at, NULL, 10);
        if (!errno)
            write_int(json->out, number);
    } else if (whole) {
        unsigned long long number = strtoull(json->at, NULL, 10);
        if (!errno)
            write_uint(json->out, number);
    }
    if (!whole || errno)
        write_float(json->out, strtod(json->at, NULL));
    json->at += size;
}

/* Behind the opening sign. */
static void
read_container(struct json *json, char end)
{
    if (++json->depth > KITH_NESTING_MAX) {
        fault(json, "nested too deeply");
        return;
    }
    bool map = end == '}';
    size_t place = map ? write_open_map(json->out) : write_open_array(json->out);
    uint32_t count = 0;
    bool more = !take(json, end);
    while (more && !json->wrong) {
        if (map) {
            if (take(json, '"'))
                read_string(json);
            else
                fault(json, "a key in double quotes is missing");
            if (!json->wrong && !take(json, ':'))
                fault(json, "a colon is missing after a key");
        }
        if (!json->wrong)
            read_value(json);
        count++;
        more = take(json, ',');
        if (!more && !json->wrong && !take(json, end))
            fault(json, map ? "a comma or } is missing" : "a comma or ] is missing");
    }
    if (map)
        write_close_map(json->out, place, count);
    else
        write_close_array(json->out, place, count);
    json->depth--;
}

static bool
take_word(struct json *json, const char *word)
{
    size_t size = strlen(word);
    if (strncmp(json->at, word, size) != 0)
        return false;
    json->at += size;
    return true;
}

static void
read_value(struct json *json)
{
    if (take(json, '{'))
        read_container(json, '}');
    else if (take(json, '['))
        read_container(json, ']');
    else if (take(json, '"'))
        read_string(json);
    else if (take_word(json, "true"))
        write_bool(json->out, true);
    else if (take_word(json, "false"))
        write_bool(json->out, false);
    else if (take_word(json, "null"))
        write_nil(json->out);
    else
        read_number(json);
}

const char *
json_read(const char *text, struct buf *out, size_t *offset)
{
    struct json json = {.at = text, .out = out};
    read_value(&json);
    skip_space(&json);
    if (!json.wrong && *json.at)
        fault(&json, "something stands behind the value");
    if (!json.wrong && out->failed)
        fault(&json, "out of memory");
    *offset = (size_t)(json.at - text);
    return json.wrong;
}
