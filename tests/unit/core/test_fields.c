/* Structs to bytes and back by a table of their fields: every kind, and everything that is wrong.
 */
#include "words.h"

#include "core/fields.h"

struct thing {
    uint64_t number;
    bool truth;
    struct slice text, bytes;
    struct public_id id;
    uint64_t last;
};

static const struct field fields[] = {
    [0] = FIELD_ROW(struct thing, number, UINT, "number"),
    [1] = FIELD_ROW(struct thing, truth, BOOL, "truth"),
    [2] = FIELD_ROW(struct thing, text, TEXT, "text"),
    [3] = FIELD_ROW(struct thing, bytes, BYTES, NULL),
    [4] = FIELD_ROW(struct thing, id, ID, "id"),
    /* 5 is not in use */
    [6] = FIELD_ROW(struct thing, last, UINT, "last"),
};

#define COUNT ARRAY_COUNT(fields)

static const struct thing whole = {
    .number = 300,
    .truth = true,
    .text = {(const uint8_t *)"text", 4},
    .bytes = {(const uint8_t *)"\x00\xff", 2},
    .id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
    .last = 1,
};

static const uint8_t whole_bytes[] = "\x86\x00\xcd\x01\x2c\x01\xc3\x02\xa4text\x03\xc4\x02\x00\xff"
                                     "\x04\xc4\x0a\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x06\x01";

static void
test_each_kind_goes_there_and_back(void **state)
{
    (void)state;
    struct buf out = {0};
    struct thing back = {0};
    fields_encode(&out, fields, COUNT, &whole);
    assert_int_equal(out.size, sizeof(whole_bytes) - 1);
    assert_memory_equal(out.data, whole_bytes, out.size);
    assert_true(fields_decode(buf_slice(&out), fields, COUNT, &back));
    assert_int_equal(back.number, 300);
    assert_true(back.truth);
    assert_true(slice_equal(back.text, whole.text) && slice_equal(back.bytes, whole.bytes));
    assert_true(public_id_equal(&back.id, &whole.id));
    assert_int_equal(back.last, 1);
    buf_fini(&out);
}

static void
test_what_is_zero_is_not_written(void **state)
{
    (void)state;
    struct buf out = {0};
    struct thing nothing = {.text = {(const uint8_t *)"", 0}}, back = {0};
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(field_is_zero(&fields[i], &nothing));
        assert_int_equal(field_is_zero(&fields[i], &whole), i == 5);
    }
    fields_encode(&out, fields, COUNT, &nothing);
    assert_int_equal(out.size, 1);
    assert_int_equal(out.data[0], 0x80);
    assert_true(fields_decode(buf_slice(&out), fields, COUNT, &back));
    assert_memory_equal(&back, &(struct thing){0}, sizeof(back));
    buf_fini(&out);
}

/* Cut short anywhere, it is not taken. */
static void
test_every_part_is_missed(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(whole_bytes) - 1; size++) {
        struct thing back = {0};
        assert_false(fields_decode(slice_of(whole_bytes, size), fields, COUNT, &back));
    }
}

static void
test_what_does_not_fit_the_table_is_refused(void **state)
{
    (void)state;
#define BAD(bytes)                                      \
    {                                                   \
#bytes,                                         \
        {                                               \
            (const uint8_t *)(bytes), sizeof(bytes) - 1 \
        }                                               \
    }
    static const struct {
        const char *name;
        struct slice bytes;
    } rows[] = {
        BAD("\x90"),          /* no map */
        BAD("\x81\x05\x01"),  /* a number not in use */
        BAD("\x81\x07\x01"),  /* one beyond the table */
        BAD("\x81\xa1x\x01"), /* a name */
        BAD("\x81\x00\xff"),  /* less than nothing */
        BAD("\x81\x00\xa1x"), /* other kinds: */
        BAD("\x81\x01\x01"),
        BAD("\x81\x02\x01"),
        BAD("\x81\x03\x01"),
        BAD("\x81\x04\x01"),
        BAD("\x81\x04\xc4\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09"), /* an id too short */
        BAD("\x81\x00\x01\x00"),                                     /* something behind it */
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct thing back = {0};
        if (fields_decode(rows[i].bytes, fields, COUNT, &back)) {
            print_error("%s was taken\n", rows[i].name);
            rows_failed++;
        }
    }
    expect_rows();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_goes_there_and_back),
        cmocka_unit_test(test_what_is_zero_is_not_written),
        cmocka_unit_test(test_every_part_is_missed),
        cmocka_unit_test(test_what_does_not_fit_the_table_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
