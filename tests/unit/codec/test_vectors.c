/* The golden vectors of proto/vectors against this codec.
 *
 * A file is turned from JSON into msgpack by the writer, and then walked by the reader: each row's
 * `json` is encoded by that already, and has to be the same bytes as its `hex`. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/endian.h"
#include "codec/check.h"
#include "codec/reader.h"
#include "codec/writer.h"

#define FILE_SIZE_MAX 65536
#define TEXT_SIZE_MAX 4096

/* ---- JSON to msgpack: what the vectors use of it, without \u ----------------------------------
 */

static void
json_space(const char **at)
{
    while (isspace((unsigned char)**at))
        (*at)++;
}

static void
json_expect(const char **at, char what)
{
    json_space(at);
    if (**at != what)
        fail_msg("%c expected before: %.40s", what, *at);
    (*at)++;
}

static bool
json_take(const char **at, const char *word)
{
    json_space(at);
    size_t size = strlen(word);
    if (strncmp(*at, word, size) != 0)
        return false;
    *at += size;
    return true;
}

static void
json_string(const char **at, struct buf *out)
{
    char text[TEXT_SIZE_MAX];
    size_t size = 0;
    json_expect(at, '"');
    while (**at != '"') {
        assert_true(**at != 0 && size < sizeof(text));
        if (**at == '\\')
            (*at)++; /* of a quote or a backslash */
        text[size++] = *(*at)++;
    }
    (*at)++;
    write_str(out, slice_of(text, size));
}

static void json_value(const char **at, struct buf *out);

static void
json_container(const char **at, struct buf *out, char end, bool is_map)
{
    struct buf inner = {0};
    uint32_t count = 0;
    (*at)++;
    for (json_space(at); **at != end; json_space(at), count++) {
        if (count > 0)
            json_expect(at, ',');
        if (is_map) {
            json_string(at, &inner);
            json_expect(at, ':');
        }
        json_value(at, &inner);
    }
    (*at)++;
    if (is_map)
        write_map(out, count);
    else
        write_array(out, count);
    write_raw(out, buf_slice(&inner));
    buf_fini(&inner);
}

static void
json_value(const char **at, struct buf *out)
{
    json_space(at);
    if (**at == '{')
        json_container(at, out, '}', true);
    else if (**at == '[')
        json_container(at, out, ']', false);
    else if (**at == '"')
        json_string(at, out);
    else if (json_take(at, "null"))
        write_nil(out);
    else if (json_take(at, "true"))
        write_bool(out, true);
    else if (json_take(at, "false"))
        write_bool(out, false);
    else {
        char *end;
        assert_true(isdigit((unsigned char)**at)); /* there are no other numbers */
        write_uint(out, strtoull(*at, &end, 10));
        *at = end;
    }
}

/* The rows of a file as one msgpack array; free with buf_fini(). */
static struct buf
load(const char *name)
{
    char path[4096];
    int length = (int)(strrchr(__FILE__, '/') - __FILE__);
    snprintf(path, sizeof(path), "%.*s/../../../proto/vectors/%s", length, __FILE__, name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot read %s", path);
    static char text[FILE_SIZE_MAX + 1];
    size_t size = fread(text, 1, FILE_SIZE_MAX, file);
    assert_true(size > 0 && size < FILE_SIZE_MAX);
    text[size] = 0;
    fclose(file);

    struct buf rows = {0};
    const char *at = text;
    json_value(&at, &rows);
    json_space(&at);
    assert_int_equal(*at, 0);
    assert_false(rows.failed);
    return rows;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Of a row, or of the `json` of a frame; what is not there is absent, or 0. */
struct row {
    struct slice name, hex, topic, protocol, transport;
    struct slice json, body; /* encoded */
    uint64_t word;
    bool decode_only;
};

static void
row_read(struct reader *reader, struct row *row)
{
    *row = (struct row){0};
    for (uint32_t left = reader_map(reader); left > 0; left--) {
        struct slice key = reader_str(reader);
        if (slice_is(key, "name"))
            row->name = reader_str(reader);
        else if (slice_is(key, "hex"))
            row->hex = reader_str(reader);
        else if (slice_is(key, "topic"))
            row->topic = reader_str(reader);
        else if (slice_is(key, "protocol"))
            row->protocol = reader_str(reader);
        else if (slice_is(key, "transport"))
            row->transport = reader_str(reader);
        else if (slice_is(key, "word"))
            row->word = reader_uint(reader);
        else if (slice_is(key, "decode_only"))
            row->decode_only = reader_bool(reader);
        else if (slice_is(key, "json"))
            row->json = reader_skip(reader);
        else if (slice_is(key, "body"))
            row->body = reader_skip(reader);
        else
            fail_msg("unknown key %.*s", (int)key.size, (const char *)key.data);
    }
    assert_false(reader->bad);
}

static uint8_t
hex_digit(uint8_t digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = memchr(digits, digit, 16);
    assert_non_null(found);
    return (uint8_t)(found - digits);
}

static void
hex_decode(struct slice hex, struct buf *out)
{
    assert_true(hex.size > 0 && hex.size % 2 == 0);
    for (size_t i = 0; i < hex.size; i += 2) {
        uint8_t byte = (uint8_t)(hex_digit(hex.data[i]) << 4 | hex_digit(hex.data[i + 1]));
        buf_append(out, &byte, 1);
    }
}

static void
assert_same(const struct row *row, struct slice expected, struct slice found)
{
    if (!slice_equal(expected, found))
        fail_msg("%.*s: other bytes", (int)row->name.size, (const char *)row->name.data);
}

static void
assert_well_formed(const struct row *row, struct slice message)
{
    struct check_fault fault;
    if (!check_message(message, &fault))
        fail_msg("%.*s: %s at %zu", (int)row->name.size, (const char *)row->name.data, fault.what,
                 fault.offset);
}

/* The same value, in whatever width. */
static void
assert_same_value(struct reader *a, struct reader *b)
{
    enum reader_type type = reader_peek(a);
    uint32_t count = 0;
    assert_int_equal(type, reader_peek(b));
    if (type == READER_MAP) {
        count = 2 * reader_map(a);
        assert_int_equal(count, 2 * reader_map(b));
    } else if (type == READER_ARRAY) {
        count = reader_array(a);
        assert_int_equal(count, reader_array(b));
    } else if (type == READER_STR) {
        assert_true(slice_equal(reader_str(a), reader_str(b)));
    } else if (type == READER_UINT) {
        assert_true(reader_uint(a) == reader_uint(b));
    } else {
        assert_true(slice_equal(reader_skip(a), reader_skip(b)));
    }
    while (count-- > 0)
        assert_same_value(a, b);
    assert_false(a->bad || b->bad);
}

static void
assert_decodes_to(struct slice bytes, struct slice json)
{
    struct reader a, b;
    reader_init(&a, bytes);
    reader_init(&b, json);
    assert_same_value(&a, &b);
    assert_true(a.at == a.end && b.at == b.end);
}

static void
write_topic(struct buf *out, struct slice topic)
{
    if (topic.data)
        write_raw(out, topic);
    if (topic.data)
        buf_append(out, "", 1);
}

static void
check_body(const struct row *row)
{
    struct buf expected = {0}, given = {0};
    hex_decode(row->hex, &given);
    write_topic(&expected, row->topic);
    size_t start = expected.size;
    write_raw(&expected, row->json);

    assert_true(given.size > start);
    assert_memory_equal(given.data, expected.data, start);
    struct slice body = slice_of(given.data + start, given.size - start);
    assert_well_formed(row, body);
    assert_decodes_to(body, row->json);
    if (row->decode_only)
        assert_false(slice_equal(buf_slice(&expected), buf_slice(&given)));
    else
        assert_same(row, buf_slice(&expected), buf_slice(&given));
    buf_fini(&expected);
    buf_fini(&given);
}

static void
write_handshake(struct buf *out, struct slice protocol)
{
    static const struct {
        const char *name;
        uint8_t number;
    } protocols[] = {{"PUB", 0x20}, {"SUB", 0x21}, {"REQ", 0x30}, {"REP", 0x31}};
    uint8_t bytes[8] = {0, 'S', 'P', 0};
    for (size_t i = 0; i < ARRAY_COUNT(protocols); i++)
        if (slice_is(protocol, protocols[i].name))
            bytes[5] = protocols[i].number;
    assert_int_not_equal(bytes[5], 0);
    buf_append(out, bytes, sizeof(bytes));
}

static void
write_frame(struct buf *out, const struct row *content)
{
    uint8_t number[8];
    struct buf payload = {0};
    assert_int_not_equal(content->word != 0, content->topic.data != NULL);
    if (content->word != 0) {
        assert_true(content->word >> 31 == 1);
        put_be32(number, (uint32_t)content->word);
        buf_append(&payload, number, 4);
    }
    write_topic(&payload, content->topic);
    write_raw(&payload, content->body);

    bool is_ipc = slice_is(content->transport, "ipc");
    assert_true(is_ipc || slice_is(content->transport, "tcp"));
    if (is_ipc)
        buf_append(out, "\1", 1);
    put_be64(number, payload.size);
    buf_append(out, number, 8);
    write_raw(out, buf_slice(&payload));
    buf_fini(&payload);
}

static void
check_frame(const struct row *row)
{
    struct buf expected = {0}, given = {0};
    struct row content;
    struct reader reader;
    hex_decode(row->hex, &given);
    reader_init(&reader, row->json);
    row_read(&reader, &content);

    if (content.protocol.data) {
        write_handshake(&expected, content.protocol);
    } else {
        assert_well_formed(row, content.body);
        write_frame(&expected, &content);
    }
    assert_same(row, buf_slice(&expected), buf_slice(&given));
    buf_fini(&expected);
    buf_fini(&given);
}

static void
check_file(const char *name, void (*check_row)(const struct row *row))
{
    struct buf rows = load(name);
    struct reader reader;
    reader_init(&reader, buf_slice(&rows));
    uint32_t count = reader_array(&reader);
    assert_true(count > 0);
    while (count-- > 0) {
        struct row row;
        row_read(&reader, &row);
        assert_true(row.name.data && row.hex.data && row.json.data);
        check_row(&row);
    }
    buf_fini(&rows);
}

static void
requests(void **state)
{
    (void)state;
    check_file("requests.json", check_body);
}

static void
replies(void **state)
{
    (void)state;
    check_file("replies.json", check_body);
}

static void
events(void **state)
{
    (void)state;
    check_file("events.json", check_body);
}

static void
frames(void **state)
{
    (void)state;
    check_file("frames.json", check_frame);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(replies),
        cmocka_unit_test(events),
        cmocka_unit_test(frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
