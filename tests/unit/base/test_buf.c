/* The growing buffer: what was appended is there, and a failure sticks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

static void
grows_and_keeps_its_content(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf);
    assert_int_equal(buf.size, 0);
    for (uint32_t i = 0; i < 100000; i++)
        buf_append(&buf, &i, sizeof(i));
    assert_false(buf.failed);
    assert_int_equal(buf.size, 100000 * sizeof(uint32_t));
    assert_true(buf.capacity >= buf.size);
    for (uint32_t i = 0; i < 100000; i++)
        assert_memory_equal(buf.data + i * sizeof(i), &i, sizeof(i));
    buf_fini(&buf);
    assert_null(buf.data);
    buf_fini(&buf); /* of an empty one is allowed */
}

static void
reserves_room_of_exactly_that_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 255, 256, 257, 4096, 1 << 20};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct buf buf = {0};
        uint8_t *room = buf_reserve(&buf, sizes[i]);
        assert_non_null(room);
        assert_int_equal(buf.size, 0); /* the caller counts */
        assert_true(buf.capacity >= sizes[i]);
        memset(room, 'x', sizes[i]);
        buf.size += sizes[i];
        assert_true(buf_reserve(&buf, 1) == buf.data + sizes[i]);
        assert_int_equal(buf.data[0], 'x');
        buf_fini(&buf);
    }
}

static void
clear_keeps_the_memory(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_append(&buf, "text", 4);
    const uint8_t *data = buf.data;
    size_t capacity = buf.capacity;
    buf_clear(&buf);
    assert_int_equal(buf_slice(&buf).size, 0);
    buf_append(&buf, "next", 4);
    assert_true(buf.data == data);
    assert_int_equal(buf.capacity, capacity);
    assert_true(slice_is(buf_slice(&buf), "next"));
    buf_fini(&buf);
}

/* Sizes that no capacity can meet fail before any memory is asked for. */
static void
failure_sticks(void **state)
{
    (void)state;
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 2};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct buf buf = {0};
        buf_append(&buf, "text", 4);
        assert_null(buf_reserve(&buf, sizes[i]));
        assert_true(buf.failed);
        assert_null(buf_reserve(&buf, 1));
        buf_append(&buf, "more", 4);
        assert_int_equal(buf.size, 4);
        buf_clear(&buf);
        assert_false(buf.failed);
        buf_append(&buf, "more", 4);
        assert_true(slice_is(buf_slice(&buf), "more"));
        buf_fini(&buf);
    }
}

static void
slices(void **state)
{
    (void)state;
    assert_true(slice_equal(slice_of(NULL, 0), slice_of("", 0)));
    assert_true(slice_is(slice_of("abc", 2), "ab"));
    assert_false(slice_is(slice_of("abc", 3), "ab"));
    assert_false(slice_is(slice_of("ab\0", 3), "ab"));
    assert_false(slice_equal(slice_str("ab"), slice_str("ac")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_its_content),
        cmocka_unit_test(reserves_room_of_exactly_that_size),
        cmocka_unit_test(clear_keeps_the_memory),
        cmocka_unit_test(failure_sticks),
        cmocka_unit_test(slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
