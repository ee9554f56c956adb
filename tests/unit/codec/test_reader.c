/* Each accessor on each encoding, and on bytes that nobody has checked. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/reader.h"
#include "codec/writer.h"

#define BYTES(literal)                                \
    {                                                 \
        (const uint8_t *)literal, sizeof(literal) - 1 \
    }

static struct reader
reader_of(struct slice bytes)
{
    struct reader reader;
    reader_init(&reader, bytes);
    return reader;
}

static void
assert_spoiled(const struct reader *reader)
{
    assert_true(reader->bad);
    assert_int_equal(reader_peek(reader), READER_NONE);
}

static void
numbers(void **state)
{
    (void)state;
    static const struct {
        struct slice bytes;
        enum reader_type type;
        bool is_uint, is_int;
        uint64_t as_uint;
        int64_t as_int;
        double as_float;
    } rows[] = {
        {BYTES("\x00"), READER_UINT, true, true, 0, 0, 0},
        {BYTES("\x7f"), READER_UINT, true, true, 127, 127, 127},
        {BYTES("\xcc\xff"), READER_UINT, true, true, 255, 255, 255},
        {BYTES("\xcd\x01\x02"), READER_UINT, true, true, 258, 258, 258},
        {BYTES("\xce\xff\xff\xff\xff"), READER_UINT, true, true, UINT32_MAX, UINT32_MAX,
         0x1p32 - 1},
        {BYTES("\xcf\0\0\0\0\0\0\0\x01"), READER_UINT, true, true, 1, 1, 1},
        {BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), READER_UINT, true, true, INT64_MAX,
         INT64_MAX, 0x1p63},
        {BYTES("\xcf\x80\0\0\0\0\0\0\0"), READER_UINT, true, false, UINT64_C(1) << 63, 0, 0x1p63},
        {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), READER_UINT, true, false, UINT64_MAX, 0,
         0x1p64},
        {BYTES("\xff"), READER_INT, false, true, 0, -1, -1},
        {BYTES("\xe0"), READER_INT, false, true, 0, -32, -32},
        {BYTES("\xd0\x80"), READER_INT, false, true, 0, -128, -128},
        {BYTES("\xd0\x7f"), READER_UINT, true, true, 127, 127, 127},
        {BYTES("\xd0\x00"), READER_UINT, true, true, 0, 0, 0},
        {BYTES("\xd1\x80\x00"), READER_INT, false, true, 0, -32768, -32768},
        {BYTES("\xd1\x00\xff"), READER_UINT, true, true, 255, 255, 255},
        {BYTES("\xd2\x80\0\0\0"), READER_INT, false, true, 0, INT32_MIN, INT32_MIN},
        {BYTES("\xd2\x00\0\0\x01"), READER_UINT, true, true, 1, 1, 1},
        {BYTES("\xd3\x80\0\0\0\0\0\0\0"), READER_INT, false, true, 0, INT64_MIN, -0x1p63},
        {BYTES("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"), READER_UINT, true, true, INT64_MAX,
         INT64_MAX, 0x1p63},
        {BYTES("\xd3\0\0\0\0\0\0\0\x02"), READER_UINT, true, true, 2, 2, 2},
        {BYTES("\xca\x3f\0\0\0"), READER_FLOAT, false, false, 0, 0, 0.5},
        {BYTES("\xcb\xbf\xe0\0\0\0\0\0\0"), READER_FLOAT, false, false, 0, 0, -0.5},
        {BYTES("\xcb\x3f\xf0\0\0\0\0\0\0"), READER_FLOAT, false, false, 0, 0, 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct reader reader = reader_of(rows[i].bytes);
        assert_int_equal(reader_peek(&reader), rows[i].type);
        assert_true(reader_uint(&reader) == rows[i].as_uint);
        assert_int_equal(reader.bad, !rows[i].is_uint);
        assert_true(reader.at == reader.end);

        reader = reader_of(rows[i].bytes);
        assert_true(reader_int(&reader) == rows[i].as_int);
        assert_int_equal(reader.bad, !rows[i].is_int);

        reader = reader_of(rows[i].bytes);
        assert_true(reader_float(&reader) == rows[i].as_float);
        assert_false(reader.bad);
        assert_true(reader.at == reader.end);
    }
}

static void
float_specials(void **state)
{
    (void)state;
    struct reader reader =
        reader_of((struct slice)BYTES("\xcb\x7f\xf8\0\0\0\0\0\0\xca\xff\x80\0\0"));
    assert_true(isnan(reader_float(&reader)));
    assert_true(isinf(reader_float(&reader)));
    assert_false(reader.bad);
}

static void
texts_and_bytes(void **state)
{
    (void)state;
    static const struct {
        struct slice bytes;
        enum reader_type type;
        struct slice body;
    } rows[] = {
        {BYTES("\xa0"), READER_STR, BYTES("")},
        {BYTES("\xa2hi"), READER_STR, BYTES("hi")},
        {BYTES("\xd9\x02hi"), READER_STR, BYTES("hi")},
        {BYTES("\xda\0\x02hi"), READER_STR, BYTES("hi")},
        {BYTES("\xdb\0\0\0\x02hi"), READER_STR, BYTES("hi")},
        {BYTES("\xc4\x00"), READER_BIN, BYTES("")},
        {BYTES("\xc4\x02hi"), READER_BIN, BYTES("hi")},
        {BYTES("\xc5\0\x02hi"), READER_BIN, BYTES("hi")},
        {BYTES("\xc6\0\0\0\x02hi"), READER_BIN, BYTES("hi")},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct reader reader = reader_of(rows[i].bytes);
        assert_int_equal(reader_peek(&reader), rows[i].type);
        struct slice text = reader_str(&reader);
        assert_int_equal(reader.bad, rows[i].type == READER_BIN);
        assert_int_equal(text.data == NULL, rows[i].type == READER_BIN);
        if (rows[i].type == READER_STR)
            assert_true(slice_equal(text, rows[i].body));

        reader = reader_of(rows[i].bytes);
        struct slice bytes = reader_bin(&reader);
        assert_false(reader.bad);
        assert_non_null(bytes.data); /* empty is not absent */
        assert_true(slice_equal(bytes, rows[i].body));
        assert_true(reader.at == reader.end);
    }
}

static void
words(void **state)
{
    (void)state;
    struct reader reader = reader_of((struct slice)BYTES("\xc0\xc2\xc3"));
    assert_int_equal(reader_peek(&reader), READER_NIL);
    reader_nil(&reader);
    assert_int_equal(reader_peek(&reader), READER_BOOL);
    assert_false(reader_bool(&reader));
    assert_true(reader_bool(&reader));
    assert_false(reader.bad);
    assert_int_equal(reader_peek(&reader), READER_NONE);
    reader_nil(&reader);
    assert_spoiled(&reader);
}

static void
containers(void **state)
{
    (void)state;
    static const struct {
        struct slice bytes;
        enum reader_type type;
        uint32_t count;
        bool bad;
    } rows[] = {
        {BYTES("\x90"), READER_ARRAY, 0, false},
        {BYTES("\x92\xc0\xc0"), READER_ARRAY, 2, false},
        {BYTES("\xdc\0\x02\xc0\xc0"), READER_ARRAY, 2, false},
        {BYTES("\xdd\0\0\0\x02\xc0\xc0"), READER_ARRAY, 2, false},
        {BYTES("\x80"), READER_MAP, 0, false},
        {BYTES("\x81\xa0\xc0"), READER_MAP, 1, false},
        {BYTES("\xde\0\x01\xa0\xc0"), READER_MAP, 1, false},
        {BYTES("\xdf\0\0\0\x01\xa0\xc0"), READER_MAP, 1, false},
        {BYTES("\x92\xc0"), READER_ARRAY, 0, true}, /* more than the bytes can hold */
        {BYTES("\xdd\xff\xff\xff\xff\xc0"), READER_ARRAY, 0, true},
        {BYTES("\x81\xa0"), READER_MAP, 0, true},
        {BYTES("\xdf\xff\xff\xff\xff\xa0\xc0"), READER_MAP, 0, true},
        {BYTES("\xdf\x80\0\0\0\xa0\xc0"), READER_MAP, 0, true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        bool is_map = rows[i].type == READER_MAP;
        struct reader reader = reader_of(rows[i].bytes), other = reader;
        assert_int_equal(reader_peek(&reader), rows[i].type);
        assert_int_equal(is_map ? reader_map(&reader) : reader_array(&reader), rows[i].count);
        assert_int_equal(reader.bad, rows[i].bad);
        assert_int_equal(is_map ? reader_array(&other) : reader_map(&other), 0);
        assert_spoiled(&other);
    }
}

static void
skipping(void **state)
{
    (void)state;
    static const struct {
        struct slice bytes;
        size_t size; /* 0 if it is bad */
    } rows[] = {
        {BYTES("\xc0\xc0"), 1},
        {BYTES("\x05\xc0"), 1},
        {BYTES("\xcb\0\0\0\0\0\0\0\0\xc0"), 9},
        {BYTES("\xa2hi\xc0"), 3},
        {BYTES("\xc4\x02hi\xc0"), 4},
        {BYTES("\x90\xc0"), 1},
        {BYTES("\x92\x91\xc0\x81\xa1k\xa1v\xc0"), 8},
        {BYTES("\x82\xa1k\x92\xc0\xc0\xa1l\x80\xc0"), 9},
        {BYTES("\xd4\x01\x02\xc0"), 3},
        {BYTES("\xd5\x01\x02\x02\xc0"), 4},
        {BYTES("\xd6\x01\x02\x02\x02\x02\xc0"), 6},
        {BYTES("\xd7\x01\x02\x02\x02\x02\x02\x02\x02\x02\xc0"), 10},
        {BYTES("\xd8\x01"
               "0123456789abcdef\xc0"),
         18},
        {BYTES("\xc8\0\x02\x01\x02\x03\xc0"), 6},
        {BYTES("\xc9\0\0\0\x02\x01\x02\x03\xc0"), 8},
        {BYTES("\xc7\x02\x01\x02\x03\xc0"), 5},
        {BYTES(""), 0},
        {BYTES("\xc1"), 0},
        {BYTES("\x91"), 0},
        {BYTES("\x91\xc1"), 0},
        {BYTES("\xa2h"), 0},
        {BYTES("\xd4\x01"), 0},
        {BYTES("\xc9\xff\xff\xff\xff\x01"), 0},
        {BYTES("\xdb\xff\xff\xff\xff"), 0},
        {BYTES("\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff"), 0},
        {BYTES("\xdf\xff\xff\xff\xff\xdf\xff\xff\xff\xff"), 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct reader reader = reader_of(rows[i].bytes);
        struct slice skipped = reader_skip(&reader);
        assert_int_equal(skipped.size, rows[i].size);
        assert_int_equal(reader.bad, rows[i].size == 0);
        assert_true(skipped.data == (rows[i].size ? rows[i].bytes.data : NULL));
        if (rows[i].size > 0)
            assert_int_equal(reader_peek(&reader), READER_NIL); /* what stands behind it */
    }
}

static void
foreign_types(void **state)
{
    (void)state;
    struct reader reader = reader_of((struct slice)BYTES("\xc1\xd4\x01\x02"));
    assert_int_equal(reader_peek(&reader), READER_OTHER);
    reader = reader_of((struct slice)BYTES("\xd4\x01\x02"));
    assert_int_equal(reader_peek(&reader), READER_OTHER);
    assert_int_equal(reader_uint(&reader), 0);
    assert_spoiled(&reader);
}

/* After a fault everything is zero or absent, whatever bytes would have followed. */
static void
faults_stick(void **state)
{
    (void)state;
    struct reader reader = reader_of((struct slice)BYTES("\xc0\x01\x01\xc3\xa1k\x91\xc0"));
    assert_int_equal(reader_uint(&reader), 0);
    assert_spoiled(&reader);
    assert_int_equal(reader_uint(&reader), 0);
    assert_int_equal(reader_int(&reader), 0);
    assert_true(reader_float(&reader) == 0);
    assert_false(reader_bool(&reader));
    assert_null(reader_str(&reader).data);
    assert_null(reader_bin(&reader).data);
    assert_int_equal(reader_array(&reader), 0);
    assert_int_equal(reader_map(&reader), 0);
    assert_null(reader_skip(&reader).data);
    assert_spoiled(&reader);

    reader = reader_of(slice_of(NULL, 0)); /* nothing at all */
    assert_int_equal(reader_peek(&reader), READER_NONE);
    assert_false(reader.bad);
    assert_null(reader_str(&reader).data);
    assert_spoiled(&reader);
}

/* Read one value with accessor @which; what it was does not matter, only where it looked. */
static void
read_any(struct reader *reader, unsigned which)
{
    switch (which % 11) {
    case 0:
        reader_uint(reader);
        break;
    case 1:
        reader_int(reader);
        break;
    case 2:
        reader_bool(reader);
        break;
    case 3:
        reader_float(reader);
        break;
    case 4:
        reader_str(reader);
        break;
    case 5:
        reader_bin(reader);
        break;
    case 6:
        reader_nil(reader);
        break;
    case 7:
        reader_array(reader);
        break;
    case 8:
        reader_map(reader);
        break;
    case 9:
        reader_skip(reader);
        break;
    default:
        reader_peek(reader);
        break;
    }
}

/* Every accessor on every prefix of every first byte, in memory that ends with the prefix. */
static void
cut_short(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++)
        for (size_t size = 0; size <= 10; size++)
            for (unsigned which = 0; which < 11; which++) {
                uint8_t *bytes = malloc(size ? size : 1);
                assert_non_null(bytes);
                memset(bytes, 0xff, size);
                if (size > 0)
                    bytes[0] = (uint8_t)first;
                struct reader reader = reader_of(slice_of(bytes, size));
                read_any(&reader, which);
                assert_true(reader.at >= bytes && reader.at <= reader.end);
                assert_true(!reader.bad || reader.at == reader.end);
                free(bytes);
            }
}

static void
garbage(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (unsigned round = 0; round < 20000; round++) {
        size_t size = round % 64;
        uint8_t *bytes = malloc(size ? size : 1);
        assert_non_null(bytes);
        for (size_t i = 0; i < size; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            bytes[i] = (uint8_t)(random >> 56);
        }
        struct reader reader = reader_of(slice_of(bytes, size));
        for (unsigned step = 0; step < 64 && !reader.bad; step++) {
            read_any(&reader, (unsigned)(random >> 40) + step * 7);
            assert_true(reader.at >= bytes && reader.at <= reader.end);
        }
        free(bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),         cmocka_unit_test(float_specials),
        cmocka_unit_test(texts_and_bytes), cmocka_unit_test(words),
        cmocka_unit_test(containers),      cmocka_unit_test(skipping),
        cmocka_unit_test(foreign_types),   cmocka_unit_test(faults_stick),
        cmocka_unit_test(cut_short),       cmocka_unit_test(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
