/* The shortest form of everything, and agreement with the reader and with msgpack-c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <msgpack.h>

#include "codec/check.h"
#include "codec/reader.h"
#include "codec/writer.h"

static void
assert_head(struct buf *out, const char *head, size_t head_size, size_t size)
{
    assert_false(out->failed);
    assert_int_equal(out->size, size);
    assert_memory_equal(out->data, head, head_size);
    buf_clear(out);
}

#define ASSERT_IS(out, literal) assert_head(out, literal, sizeof(literal) - 1, sizeof(literal) - 1)

static void
integers_at_the_edges(void **state)
{
    (void)state;
    struct buf out = {0};
    static const struct {
        uint64_t value;
        size_t size;
    } rows[] = {
        {0, 1},         {0x7f, 1},       {0x80, 2},
        {0xff, 2},      {0x100, 3},      {0xffff, 3},
        {0x10000, 5},   {UINT32_MAX, 5}, {UINT64_C(1) << 32, 9},
        {INT64_MAX, 9}, {UINT64_MAX, 9},
    };
    static const struct {
        int64_t value;
        size_t size;
    } signed_rows[] = {
        {0, 1},         {127, 1},       {128, 2},       {-1, 1},
        {-32, 1},       {-33, 2},       {-128, 2},      {-129, 3},
        {-32768, 3},    {-32769, 5},    {INT32_MIN, 5}, {(int64_t)INT32_MIN - 1, 9},
        {INT64_MIN, 9}, {INT64_MAX, 9},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        write_uint(&out, rows[i].value);
        assert_int_equal(out.size, rows[i].size);
        buf_clear(&out);
    }
    for (size_t i = 0; i < ARRAY_COUNT(signed_rows); i++) {
        write_int(&out, signed_rows[i].value);
        assert_int_equal(out.size, signed_rows[i].size);
        buf_clear(&out);
    }
    write_uint(&out, 0x0102);
    ASSERT_IS(&out, "\xcd\x01\x02");
    write_int(&out, -2);
    ASSERT_IS(&out, "\xfe");
    buf_fini(&out);
}

static void
words_and_floats(void **state)
{
    (void)state;
    struct buf out = {0};
    write_nil(&out);
    write_bool(&out, false);
    write_bool(&out, true);
    ASSERT_IS(&out, "\xc0\xc2\xc3");
    write_float(&out, 1);
    ASSERT_IS(&out, "\xcb\x3f\xf0\0\0\0\0\0\0");
    buf_fini(&out);
}

static void
bodies_at_the_edges(void **state)
{
    (void)state;
    struct buf out = {0};
    static uint8_t body[65536];
    static const struct {
        size_t size;
        const char *str_head;
        size_t str_head_size;
        const char *bin_head;
        size_t bin_head_size;
    } rows[] = {
        {0, "\xa0", 1, "\xc4\0", 2},
        {31, "\xbf", 1, "\xc4\x1f", 2},
        {32, "\xd9\x20", 2, "\xc4\x20", 2},
        {255, "\xd9\xff", 2, "\xc4\xff", 2},
        {256, "\xda\x01\0", 3, "\xc5\x01\0", 3},
        {65535, "\xda\xff\xff", 3, "\xc5\xff\xff", 3},
        {65536, "\xdb\0\x01\0\0", 5, "\xc6\0\x01\0\0", 5},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct slice bytes = slice_of(body, rows[i].size);
        write_str(&out, bytes);
        assert_head(&out, rows[i].str_head, rows[i].str_head_size,
                    rows[i].str_head_size + rows[i].size);
        write_bin(&out, bytes);
        assert_head(&out, rows[i].bin_head, rows[i].bin_head_size,
                    rows[i].bin_head_size + rows[i].size);
    }
    write_str(&out, slice_of(NULL, 0));
    ASSERT_IS(&out, "\xa0");
    write_cstr(&out, "hi");
    ASSERT_IS(&out, "\xa2hi");
    buf_fini(&out);
}

static void
containers_at_the_edges(void **state)
{
    (void)state;
    struct buf out = {0};
    static const struct {
        uint32_t count;
        const char *array, *map;
        size_t size;
    } rows[] = {
        {0, "\x90", "\x80", 1},
        {15, "\x9f", "\x8f", 1},
        {16, "\xdc\0\x10", "\xde\0\x10", 3},
        {65535, "\xdc\xff\xff", "\xde\xff\xff", 3},
        {65536, "\xdd\0\x01\0\0", "\xdf\0\x01\0\0", 5},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        write_array(&out, rows[i].count);
        assert_head(&out, rows[i].array, rows[i].size, rows[i].size);
        write_map(&out, rows[i].count);
        assert_head(&out, rows[i].map, rows[i].size, rows[i].size);
    }
    buf_fini(&out);
}

static void
counts_known_at_the_end(void **state)
{
    (void)state;
    struct buf out = {0};
    size_t map = write_open_map(&out);
    write_cstr(&out, "k");
    size_t array = write_open_array(&out);
    for (unsigned i = 0; i < 300; i++) /* the buffer moves meanwhile */
        write_uint(&out, i);
    write_close_array(&out, array, 300);
    write_cstr(&out, "l");
    write_close_map(&out, write_open_map(&out), 0);
    write_close_map(&out, map, 2);

    struct check_fault fault;
    assert_true(check_message(buf_slice(&out), &fault));
    struct reader reader;
    reader_init(&reader, buf_slice(&out));
    assert_int_equal(reader_map(&reader), 2);
    assert_true(slice_is(reader_str(&reader), "k"));
    assert_int_equal(reader_array(&reader), 300);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(reader_uint(&reader), i);
    assert_true(slice_is(reader_str(&reader), "l"));
    assert_int_equal(reader_map(&reader), 0);
    assert_false(reader.bad);
    assert_true(reader.at == reader.end);
    buf_fini(&out);
}

static void
encoded_bytes(void **state)
{
    (void)state;
    struct buf out = {0};
    write_raw(&out, slice_of(NULL, 0));
    assert_false(out.failed);
    assert_int_equal(out.size, 0);
    write_raw(&out, slice_of("\xc0\xc3", 2));
    ASSERT_IS(&out, "\xc0\xc3");
    buf_fini(&out);
}

/* A failed buffer takes nothing more, and nothing crashes on it. */
static void
failure_sticks(void **state)
{
    (void)state;
    struct buf out = {0};
    write_cstr(&out, "before");
    size_t size = out.size;
    assert_null(buf_reserve(&out, SIZE_MAX));
    assert_true(out.failed);

    write_nil(&out);
    write_bool(&out, true);
    write_uint(&out, 1);
    write_int(&out, -1);
    write_float(&out, 1);
    write_cstr(&out, "text");
    write_bin(&out, slice_of("x", 1));
    write_array(&out, 1);
    write_map(&out, 1);
    write_raw(&out, slice_of("\xc0", 1));
    write_close_map(&out, write_open_map(&out), 0);
    write_close_array(&out, write_open_array(&out), 0);
    assert_true(out.failed);
    assert_int_equal(out.size, size);

    buf_clear(&out);
    write_nil(&out);
    ASSERT_IS(&out, "\xc0");
    buf_fini(&out);
}

/* ---- Random values ---------------------------------------------------------------------------
 *
 * The same seed makes the same values, so that they are written once and compared by walking the
 * seed again beside the bytes. */

#define TEXT_SIZE_MAX 300

enum value_type { NIL, BOOL, UINT, INT, FLOAT, STR, BIN, ARRAY, MAP, VALUE_TYPE_COUNT };

struct value {
    enum value_type type;
    uint64_t number; /* or the count, or the size */
    double real;
    char text[TEXT_SIZE_MAX];
};

static uint64_t
random_next(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void
value_random(uint64_t *seed, unsigned depth, struct value *value)
{
    value->type = (enum value_type)(random_next(seed) % (depth < 8 ? VALUE_TYPE_COUNT : ARRAY));
    value->number = random_next(seed) >> random_next(seed) % 64; /* of every width alike */
    value->real = (double)(int64_t)random_next(seed) / 1024;
    if (value->type == BOOL)
        value->number &= 1;
    if (value->type == INT)
        value->number = ~(value->number >> 1); /* negative */
    if (value->type == STR || value->type == BIN)
        value->number %= TEXT_SIZE_MAX;
    if (value->type == ARRAY || value->type == MAP)
        value->number %= value->number % 7 == 0 ? 20 : 4;
    for (size_t i = 0; i < TEXT_SIZE_MAX; i++)
        value->text[i] = (char)('a' + (value->number + i) % 26);
}

static void
key_numbered(char *key, size_t size, uint64_t number)
{
    snprintf(key, size, "key%u", (unsigned)number);
}

static void
value_write(uint64_t *seed, unsigned depth, struct buf *out)
{
    struct value value;
    value_random(seed, depth, &value);
    struct slice text = slice_of(value.text, value.number);
    switch (value.type) {
    case NIL:
        write_nil(out);
        break;
    case BOOL:
        write_bool(out, value.number);
        break;
    case UINT:
        write_uint(out, value.number);
        break;
    case INT:
        write_int(out, (int64_t)value.number);
        break;
    case FLOAT:
        write_float(out, value.real);
        break;
    case STR:
        write_str(out, text);
        break;
    case BIN:
        write_bin(out, text);
        break;
    case ARRAY:
        write_array(out, (uint32_t)value.number);
        break;
    case MAP:
        write_map(out, (uint32_t)value.number);
        break;
    case VALUE_TYPE_COUNT:
        break;
    }
    for (uint64_t i = 0; value.type >= ARRAY && i < value.number; i++) {
        char key[16];
        key_numbered(key, sizeof(key), i);
        if (value.type == MAP)
            write_cstr(out, key);
        value_write(seed, depth + 1, out);
    }
}

static void
value_read(uint64_t *seed, unsigned depth, struct reader *in)
{
    struct value value;
    value_random(seed, depth, &value);
    struct slice text = slice_of(value.text, value.number);
    switch (value.type) {
    case NIL:
        reader_nil(in);
        break;
    case BOOL:
        assert_int_equal(reader_bool(in), value.number);
        break;
    case UINT:
        assert_true(reader_uint(in) == value.number);
        break;
    case INT:
        assert_true(reader_int(in) == (int64_t)value.number);
        break;
    case FLOAT:
        assert_true(reader_float(in) == value.real);
        break;
    case STR:
        assert_true(slice_equal(reader_str(in), text));
        break;
    case BIN:
        assert_true(slice_equal(reader_bin(in), text));
        break;
    case ARRAY:
        assert_int_equal(reader_array(in), value.number);
        break;
    case MAP:
        assert_int_equal(reader_map(in), value.number);
        break;
    case VALUE_TYPE_COUNT:
        break;
    }
    for (uint64_t i = 0; value.type >= ARRAY && i < value.number; i++) {
        char key[16];
        key_numbered(key, sizeof(key), i);
        if (value.type == MAP)
            assert_true(slice_is(reader_str(in), key));
        value_read(seed, depth + 1, in);
    }
}

static void
value_compare(uint64_t *seed, unsigned depth, const msgpack_object *in)
{
    struct value value;
    value_random(seed, depth, &value);
    static const msgpack_object_type types[] = {
        [NIL] = MSGPACK_OBJECT_NIL,
        [BOOL] = MSGPACK_OBJECT_BOOLEAN,
        [UINT] = MSGPACK_OBJECT_POSITIVE_INTEGER,
        [INT] = MSGPACK_OBJECT_NEGATIVE_INTEGER,
        [FLOAT] = MSGPACK_OBJECT_FLOAT64,
        [STR] = MSGPACK_OBJECT_STR,
        [BIN] = MSGPACK_OBJECT_BIN,
        [ARRAY] = MSGPACK_OBJECT_ARRAY,
        [MAP] = MSGPACK_OBJECT_MAP,
    };
    assert_int_equal(in->type, types[value.type]);
    switch (value.type) {
    case NIL:
        break;
    case BOOL:
        assert_int_equal(in->via.boolean, value.number);
        break;
    case UINT:
        assert_true(in->via.u64 == value.number);
        break;
    case INT:
        assert_true(in->via.i64 == (int64_t)value.number);
        break;
    case FLOAT:
        assert_true(in->via.f64 == value.real);
        break;
    case STR:
        assert_int_equal(in->via.str.size, value.number);
        assert_memory_equal(in->via.str.ptr, value.text, value.number);
        break;
    case BIN:
        assert_int_equal(in->via.bin.size, value.number);
        assert_memory_equal(in->via.bin.ptr, value.text, value.number);
        break;
    case ARRAY:
        assert_int_equal(in->via.array.size, value.number);
        break;
    case MAP:
        assert_int_equal(in->via.map.size, value.number);
        break;
    case VALUE_TYPE_COUNT:
        break;
    }
    for (uint64_t i = 0; value.type >= ARRAY && i < value.number; i++)
        value_compare(seed, depth + 1,
                      value.type == MAP ? &in->via.map.ptr[i].val : &in->via.array.ptr[i]);
}

/* Small enough for the node budget, mostly; a seed whose tree is too large is passed over. */
static void
random_values(void **state)
{
    (void)state;
    unsigned compared = 0;
    for (uint64_t first = 0; first < 4000; first++) {
        struct buf out = {0};
        uint64_t seed = first;
        write_map(&out, 1);
        write_cstr(&out, "k");
        value_write(&seed, 1, &out);
        assert_false(out.failed);

        struct check_fault fault;
        if (!check_message(buf_slice(&out), &fault)) {
            assert_string_equal(fault.what, "too many values");
            buf_fini(&out);
            continue;
        }
        compared++;
        struct reader reader;
        reader_init(&reader, buf_slice(&out));
        assert_int_equal(reader_map(&reader), 1);
        assert_true(slice_is(reader_str(&reader), "k"));
        seed = first;
        value_read(&seed, 1, &reader);
        assert_false(reader.bad);
        assert_true(reader.at == reader.end);

        msgpack_unpacked unpacked;
        size_t offset = 0;
        msgpack_unpacked_init(&unpacked);
        assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)out.data, out.size, &offset),
                         MSGPACK_UNPACK_SUCCESS);
        assert_int_equal(offset, out.size);
        seed = first;
        value_compare(&seed, 1, &unpacked.data.via.map.ptr[0].val);
        msgpack_unpacked_destroy(&unpacked);
        buf_fini(&out);
    }
    assert_true(compared > 3900);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_at_the_edges),   cmocka_unit_test(words_and_floats),
        cmocka_unit_test(bodies_at_the_edges),     cmocka_unit_test(containers_at_the_edges),
        cmocka_unit_test(counts_known_at_the_end), cmocka_unit_test(encoded_bytes),
        cmocka_unit_test(failure_sticks),          cmocka_unit_test(random_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
