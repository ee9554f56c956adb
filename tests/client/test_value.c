/* Values: what msgpack becomes, and that what is absent can be asked like anything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clients/c/src/value.h"
#include "codec/writer.h"

/* A message in memory that ends where it ends, so that a sanitizer sees a byte written behind it.
 */
struct message {
    uint8_t *bytes;
    size_t size;
    struct value_tree tree;
};

static const struct kith_value *
decode(struct message *message, struct buf *encoded)
{
    *message = (struct message){malloc(encoded->size), encoded->size, {0}};
    assert_non_null(message->bytes);
    memcpy(message->bytes, encoded->data, encoded->size);
    buf_fini(encoded);
    return value_decode(&message->tree, message->bytes, message->size);
}

static void
release(struct message *message)
{
    value_tree_fini(&message->tree);
    free(message->bytes);
}

static void
test_absent(void **state)
{
    (void)state;
    const struct kith_value *none = kith_get(kith_get(NULL, "a"), "b");
    assert_null(none);
    assert_int_equal(kith_value_kind(none), KITH_KIND_ABSENT);
    assert_int_equal(kith_value_int(none), 0);
    assert_int_equal(kith_value_uint(none), 0);
    assert_true(kith_value_float(none) == 0);
    assert_false(kith_value_bool(none));
    assert_null(kith_value_str(none));
    assert_int_equal(kith_value_size(none), 0);
    assert_int_equal(kith_value_count(none), 0);
    assert_null(kith_value_at(none, 0));
    assert_null(kith_value_key_at(none, 0));
    assert_null(kith_value_entry_at(none, 0));
    assert_null(kith_get_str(none, "x"));
    assert_int_equal(kith_get_int(none, "x"), 0);
    assert_false(kith_get_bool(none, "x"));
}

static void
test_numbers(void **state)
{
    (void)state;
    struct buf out = {0};
    struct message message;
    write_array(&out, 6);
    write_int(&out, -5);
    write_uint(&out, UINT64_MAX);
    write_int(&out, INT64_MIN);
    write_float(&out, 2.5);
    write_bool(&out, true);
    write_nil(&out);
    const struct kith_value *list = decode(&message, &out);

    assert_int_equal(kith_value_count(list), 6);
    assert_int_equal(kith_value_int(kith_value_at(list, 0)), -5);
    assert_int_equal(kith_value_uint(kith_value_at(list, 0)), 0);
    assert_true(kith_value_float(kith_value_at(list, 0)) == -5);
    assert_true(kith_value_uint(kith_value_at(list, 1)) == UINT64_MAX);
    assert_true(kith_value_int(kith_value_at(list, 1)) == INT64_MAX);
    assert_true(kith_value_int(kith_value_at(list, 2)) == INT64_MIN);
    assert_true(kith_value_float(kith_value_at(list, 3)) == 2.5);
    assert_int_equal(kith_value_int(kith_value_at(list, 3)), 0);
    assert_true(kith_value_bool(kith_value_at(list, 4)));
    assert_int_equal(kith_value_int(kith_value_at(list, 4)), 0);
    assert_int_equal(kith_value_kind(kith_value_at(list, 5)), KITH_KIND_NIL);
    assert_null(kith_value_at(list, 6));
    release(&message);
}

/* Strings end with a zero wherever they stand: before another value, empty, and at the very end. */
static void
test_strings(void **state)
{
    (void)state;
    struct buf out = {0};
    struct message message;
    write_map(&out, 4);
    write_cstr(&out, "ab");
    write_cstr(&out, "");
    write_cstr(&out, "");
    write_cstr(&out, "cd");
    write_cstr(&out, "bin");
    write_bin(&out, slice_of("x\0y", 3));
    write_cstr(&out, "last");
    write_cstr(&out, "the end");
    const struct kith_value *map = decode(&message, &out);

    assert_string_equal(kith_get_str(map, "ab"), "");
    assert_string_equal(kith_get_str(map, ""), "cd");
    assert_string_equal(kith_get_str(map, "last"), "the end");
    assert_int_equal(kith_value_kind(kith_get(map, "bin")), KITH_KIND_BIN);
    assert_int_equal(kith_value_size(kith_get(map, "bin")), 3);
    assert_memory_equal(kith_value_str(kith_get(map, "bin")), "x\0y", 4);
    assert_string_equal(kith_value_key_at(map, 3), "last");
    assert_ptr_equal(kith_value_entry_at(map, 3), kith_get(map, "last"));
    assert_null(kith_value_key_at(map, 4));
    assert_null(kith_value_entry_at(map, 4));
    assert_null(kith_get(map, "las"));
    assert_null(kith_value_at(map, 0));
    release(&message);
}

static void
test_empty_string_at_end(void **state)
{
    (void)state;
    struct buf out = {0};
    struct message message;
    write_array(&out, 1);
    write_cstr(&out, "");
    assert_string_equal(kith_value_str(kith_value_at(decode(&message, &out), 0)), "");
    release(&message);
}

static void
test_nested(void **state)
{
    (void)state;
    struct buf out = {0};
    struct message message;
    write_map(&out, 2);
    write_cstr(&out, "outer");
    write_map(&out, 1);
    write_cstr(&out, "list");
    write_array(&out, 2);
    write_map(&out, 0);
    write_array(&out, 0);
    write_cstr(&out, "n");
    write_uint(&out, 9);
    const struct kith_value *map = decode(&message, &out);
    const struct kith_value *list = kith_get(kith_get(map, "outer"), "list");

    assert_int_equal(kith_value_count(list), 2);
    assert_int_equal(kith_value_kind(kith_value_at(list, 0)), KITH_KIND_MAP);
    assert_int_equal(kith_value_kind(kith_value_at(list, 1)), KITH_KIND_ARRAY);
    assert_int_equal(kith_get_int(map, "n"), 9);
    assert_int_equal(kith_get_int(list, "n"), 0);
    release(&message);
}

/* Decoding again into the same tree takes its memory, not more. */
static void
test_reuse(void **state)
{
    (void)state;
    struct value_tree tree = {0};
    uint8_t first[] = {0x93, 1, 2, 3}, second[] = {0x91, 0xa1, 'x'};
    assert_int_equal(kith_value_count(value_decode(&tree, first, sizeof(first))), 3);
    void *block = tree.block;
    const struct kith_value *again = value_decode(&tree, second, sizeof(second));
    assert_string_equal(kith_value_str(kith_value_at(again, 0)), "x");
    assert_ptr_equal(tree.block, block);
    value_tree_fini(&tree);
}

/* What is not one whole value is no tree, though the caller should have checked. */
static void
test_not_one_value(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[4];
        size_t size;
    } rows[] = {
        {{0}, 0},
        {{1, 2}, 2},
        {{0x92, 1}, 2},
        {{0xa3, 'a', 'b'}, 3},
        {{0x81, 0xa1, 'a'}, 3},
        {{0xdd, 0xff, 0xff, 0xff}, 4},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint8_t bytes[4];
        struct value_tree tree = {0};
        memcpy(bytes, rows[i].bytes, sizeof(bytes));
        assert_null(value_decode(&tree, bytes, rows[i].size));
        value_tree_fini(&tree);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent),        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_strings),       cmocka_unit_test(test_empty_string_at_end),
        cmocka_unit_test(test_nested),        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_not_one_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
