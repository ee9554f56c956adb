/* What check_message() refuses, each rule at its limit and one over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/check.h"
#include "codec/writer.h"
#include "proto/limits.h"

#define BYTES(literal)                                \
    {                                                 \
        (const uint8_t *)literal, sizeof(literal) - 1 \
    }

/* Check a copy that ends where the message ends, so that a sanitizer sees any byte read beyond. */
static bool
check_copy(struct slice message, struct check_fault *fault)
{
    uint8_t *copy = malloc(message.size ? message.size : 1);
    assert_non_null(copy);
    if (message.size > 0)
        memcpy(copy, message.data, message.size);
    bool passed = check_message(slice_of(copy, message.size), fault);
    free(copy);
    return passed;
}

static void
assert_passes(struct slice message)
{
    struct check_fault fault = {"passed", 0};
    if (!check_copy(message, &fault))
        fail_msg("refused: %s at %zu", fault.what, fault.offset);
    assert_string_equal(fault.what, "passed"); /* untouched */
}

static void
assert_refused(struct slice message, const char *what, size_t offset)
{
    struct check_fault fault = {NULL, SIZE_MAX};
    assert_false(check_copy(message, &fault));
    assert_string_equal(fault.what, what);
    assert_int_equal(fault.offset, offset);
}

static void
whole_messages(void **state)
{
    (void)state;
    static const struct {
        struct slice message;
        const char *what; /* NULL if it passes */
        size_t offset;
    } rows[] = {
        {BYTES("\x80"), NULL, 0},
        {BYTES("\xde\0\0"), NULL, 0},
        {BYTES("\xdf\0\0\0\0"), NULL, 0},
        {BYTES("\x81\xa1k\xc0"), NULL, 0},
        {BYTES("\xde\0\1\xa1k\xc0"), NULL, 0},
        {BYTES(""), "empty", 0},
        {BYTES("\xc0"), "not a map", 0},
        {BYTES("\x90"), "not a map", 0},
        {BYTES("\xa1k"), "not a map", 0},
        {BYTES("\xc1"), "not a map", 0},
        {BYTES("{\"v\":1}"), "not a map", 0},
        {BYTES("\x80\xc0"), "bytes behind the message", 1},
        {BYTES("\x81\xa1k\xc0\x80"), "bytes behind the message", 4},
        {BYTES("\xde\0"), "truncated", 0},
        {BYTES("\xdf\0\0\0"), "truncated", 0},
        {BYTES("\x81"), "truncated", 0},
        {BYTES("\x81\xa1k"), "truncated", 3},
        {BYTES("\x82\xa1k\xc0\xa1"), "truncated", 5},
        {BYTES("\xdf\xff\xff\xff\xff\xa1k\xc0"), "truncated", 0},
        {BYTES("\x81\xc0\xc0"), "a key that is not a string", 1},
        {BYTES("\x81\x01\xc0"), "a key that is not a string", 1},
        {BYTES("\x81\xc4\x01k\xc0"), "a key that is not a string", 1},
        {BYTES("\x81\x90\xc0"), "a key that is not a string", 1},
        {BYTES("\x81\x80\xc0"), "a key that is not a string", 1},
        {BYTES("\x81\xc1\xc0"), "a key that is not a string", 1},
        {BYTES("\x81\xa1\xff\xc0"), "invalid UTF-8", 2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].what)
            assert_refused(rows[i].message, rows[i].what, rows[i].offset);
        else
            assert_passes(rows[i].message);
    }
}

/* Each stands as the value of {"k": ...}, so that it begins at offset 3. */
static void
single_values(void **state)
{
    (void)state;
    static const struct {
        struct slice value;
        const char *what;
        size_t offset;
    } rows[] = {
        {BYTES("\0"), NULL, 0},
        {BYTES("\x7f"), NULL, 0},
        {BYTES("\xe0"), NULL, 0},
        {BYTES("\xc0"), NULL, 0},
        {BYTES("\xc2"), NULL, 0},
        {BYTES("\xc3"), NULL, 0},
        {BYTES("\xca\x7f\xc0\0\0"), NULL, 0}, /* NaN: by its type, not here, it is refused later */
        {BYTES("\xcb\x7f\xf8\0\0\0\0\0\0"), NULL, 0},
        {BYTES("\xcb\x7f\xf0\0\0\0\0\0\0"), NULL, 0},
        {BYTES("\xcc\x01"), NULL, 0}, /* not the shortest form, and yet that number */
        {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), NULL, 0},
        {BYTES("\xd3\x80\0\0\0\0\0\0\0"), NULL, 0},
        {BYTES("\xa0"), NULL, 0},
        {BYTES("\xa3\0\0\0"), NULL, 0}, /* a zero byte is text */
        {BYTES("\xd9\x02hi"), NULL, 0},
        {BYTES("\xda\0\x02hi"), NULL, 0},
        {BYTES("\xdb\0\0\0\x02hi"), NULL, 0},
        {BYTES("\xc4\x02\xff\xfe"), NULL, 0}, /* bytes need not be text */
        {BYTES("\xc5\0\x02\xff\xfe"), NULL, 0},
        {BYTES("\xc6\0\0\0\x02\xff\xfe"), NULL, 0},
        {BYTES("\xdc\0\x01\xc0"), NULL, 0},
        {BYTES("\xdd\0\0\0\x01\xc0"), NULL, 0},
        {BYTES("\x92\x80\x90"), NULL, 0},
        {BYTES("\xc1"), "the unused byte 0xc1", 3},
        {BYTES("\x91\xc1"), "the unused byte 0xc1", 4},
        {BYTES("\xd4\x01\0"), "an extension type", 3},
        {BYTES("\xd5\x01\0\0"), "an extension type", 3},
        {BYTES("\xd6\xff\0\0\0\0"), "an extension type", 3}, /* a timestamp is one too */
        {BYTES("\xd7\xff\0\0\0\0\0\0\0\0"), "an extension type", 3},
        {BYTES("\xd8\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "an extension type", 3},
        {BYTES("\xc7\0\x01"), "an extension type", 3},
        {BYTES("\xc8\0\0\x01"), "an extension type", 3},
        {BYTES("\xc9\0\0\0\0\x01"), "an extension type", 3},
        {BYTES("\xa2\xc3\x28"), "invalid UTF-8", 4},
        {BYTES("\xa3hi\xff"), "invalid UTF-8", 6},
        {BYTES("\xd9\xff"), "truncated", 5},
        {BYTES("\xdb\xff\xff\xff\xffhi"), "truncated", 8},
        {BYTES("\xc6\xff\xff\xff\xffhi"), "truncated", 8},
        {BYTES("\xdd\xff\xff\xff\xff\xc0"), "truncated", 3},
        {BYTES("\xdf\x80\0\0\0\xc0"), "truncated", 3},
        {BYTES("\x92\xc0"), "truncated", 3},
        {BYTES("\x81\xa0"), "truncated", 3},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf message = {0};
        buf_append(&message, "\x81\xa1k", 3);
        buf_append(&message, rows[i].value.data, rows[i].value.size);
        if (rows[i].what)
            assert_refused(buf_slice(&message), rows[i].what, rows[i].offset);
        else
            assert_passes(buf_slice(&message));
        buf_fini(&message);
    }
}

/* A message with every type, containers of each width, and text beyond ASCII. */
static void
write_sample(struct buf *out)
{
    write_map(out, 7);
    write_cstr(out, "numbers");
    write_array(out, 6);
    write_uint(out, 0);
    write_uint(out, 300);
    write_uint(out, UINT64_MAX);
    write_int(out, -1);
    write_int(out, INT64_MIN);
    write_float(out, 0.5);
    write_cstr(out, "flags");
    write_array(out, 3);
    write_bool(out, true);
    write_bool(out, false);
    write_nil(out);
    write_cstr(out, "text");
    write_cstr(out, "a longer text, with \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 in it");
    write_cstr(out, "bytes");
    write_bin(out, slice_of("\xff\xfe\xfd", 3));
    write_cstr(out, "wide");
    write_raw(out, (struct slice)BYTES("\xdd\0\0\0\1\xdf\0\0\0\1\xda\0\1k\xdb\0\0\0\2hi"));
    write_cstr(out, "empty");
    write_map(out, 0);
    write_cstr(out, "");
    write_cstr(out, "");
}

static void
every_prefix_is_refused(void **state)
{
    (void)state;
    struct buf sample = {0};
    write_sample(&sample);
    assert_passes(buf_slice(&sample));
    for (size_t size = 0; size < sample.size; size++) {
        struct check_fault fault = {NULL, SIZE_MAX};
        assert_false(check_copy(slice_of(sample.data, size), &fault));
        assert_string_equal(fault.what, size == 0 ? "empty" : "truncated");
        assert_true(fault.offset <= size);
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        sample.data[sample.size] = (uint8_t)byte; /* the buffer has room for it */
        assert_true(sample.size < sample.capacity);
        assert_refused(slice_of(sample.data, sample.size + 1), "bytes behind the message",
                       sample.size);
    }
    buf_fini(&sample);
}

/* @depth containers, the message's own map among them, of which all others are @inner. */
static void
write_nested(struct buf *out, unsigned depth, bool inner_is_map)
{
    write_map(out, 1);
    write_cstr(out, "k");
    for (unsigned i = 1; i < depth; i++) {
        bool is_last = i + 1 == depth;
        if (inner_is_map)
            write_map(out, !is_last);
        else
            write_array(out, !is_last);
        if (inner_is_map && !is_last)
            write_cstr(out, "k");
    }
}

static void
nesting(void **state)
{
    (void)state;
    for (int is_map = 0; is_map <= 1; is_map++) {
        struct buf message = {0};
        write_nested(&message, KITH_NESTING_MAX, is_map);
        assert_passes(buf_slice(&message));
        buf_clear(&message);
        write_nested(&message, KITH_NESTING_MAX + 1, is_map);
        assert_refused(buf_slice(&message), "nested too deeply", message.size - 1);
        buf_fini(&message);
    }
}

static void
node_budget(void **state)
{
    (void)state;
    const uint32_t around = 3; /* the map, its key and the array */
    for (uint32_t over = 0; over <= 1; over++) {
        struct buf message = {0};
        write_map(&message, 1);
        write_cstr(&message, "k");
        uint32_t count = KITH_NODE_COUNT_MAX - around + over;
        write_array(&message, count);
        for (uint32_t i = 0; i < count; i++)
            write_nil(&message);
        if (over)
            assert_refused(buf_slice(&message), "too many values", 3);
        else
            assert_passes(buf_slice(&message));
        buf_fini(&message);
    }
}

/* No single header is over the limit; together they are. */
static void
node_budget_is_for_the_whole_message(void **state)
{
    (void)state;
    enum { ARRAYS = 16, AROUND = 2 + 1 + ARRAYS };
    for (uint32_t over = 0; over <= 1; over++) {
        struct buf message = {0};
        size_t last = 0;
        uint32_t left = KITH_NODE_COUNT_MAX - AROUND + over;
        write_map(&message, 1);
        write_cstr(&message, "k");
        write_array(&message, ARRAYS);
        for (uint32_t i = 0; i < ARRAYS; i++) {
            uint32_t count = left / (ARRAYS - i);
            left -= count;
            last = message.size;
            write_array(&message, count);
            for (uint32_t j = 0; j < count; j++)
                write_nil(&message);
        }
        if (over)
            assert_refused(buf_slice(&message), "too many values", last);
        else
            assert_passes(buf_slice(&message));
        buf_fini(&message);
    }
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static void
write_numbered_key(struct buf *out, uint32_t number)
{
    char key[16];
    snprintf(key, sizeof(key), "k%u", number);
    write_cstr(out, key);
}

/* A map of @count pairs whose last key is that of pair @again, or new if there is none such.
 * Returns where the last key stands. */
static size_t
write_keys(struct buf *out, uint32_t count, uint32_t again)
{
    size_t last = 0;
    write_map(out, count);
    for (uint32_t i = 0; i < count; i++) {
        last = out->size;
        write_numbered_key(out, i + 1 == count && again < count ? again : i);
        write_nil(out);
    }
    return last;
}

static void
duplicate_keys_in_maps_of_every_size(void **state)
{
    (void)state;
    static const uint32_t counts[] = {2, 3, 15, 16, 31, 32, 33, 34, 100, 4096, 32767};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        uint32_t count = counts[i];
        const uint32_t again[] = {0, (count - 1) / 2, count - 2};
        struct buf message = {0};
        write_keys(&message, count, count);
        assert_passes(buf_slice(&message));
        for (size_t j = 0; j < ARRAY_COUNT(again); j++) {
            buf_clear(&message);
            size_t last = write_keys(&message, count, again[j]);
            assert_refused(buf_slice(&message), "duplicate key", last);
        }
        buf_fini(&message);
    }
}

static void
duplicate_keys_at_every_depth(void **state)
{
    (void)state;
    for (uint32_t count = 2; count <= 40; count += 38) { /* small and large */
        for (unsigned depth = 2; depth <= KITH_NESTING_MAX; depth++) {
            struct buf message = {0};
            for (unsigned i = 1; i < depth; i++) {
                write_map(&message, 1);
                write_cstr(&message, "k");
            }
            size_t last = write_keys(&message, count, 0);
            assert_refused(buf_slice(&message), "duplicate key", last);
            buf_fini(&message);
        }
    }
}

static void
keys_of_other_maps_do_not_count(void **state)
{
    (void)state;
    static const struct slice small[] = {
        BYTES("\x81\xa1k\x81\xa1k\xc0"),                  /* inside */
        BYTES("\x81\xa1k\x92\x81\xa1k\xc0\x81\xa1k\xc0"), /* side by side */
        BYTES("\x82\xa1"
              "a\x81\xa1"
              "b\xc0\xa1"
              "b\xc0"), /* inside, then behind */
        BYTES("\x82\xa1"
              "a\x82\xa1"
              "b\xc0\xa1"
              "c\xc0\xa1"
              "d\x82\xa1"
              "b\xc0\xa1"
              "c\xc0"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(small); i++)
        assert_passes(small[i]);

    /* A large map in each value of a large map; and a small one between. */
    struct buf message = {0};
    write_map(&message, 50);
    for (uint32_t i = 0; i < 50; i++) {
        write_numbered_key(&message, i);
        write_keys(&message, i, UINT32_MAX);
    }
    assert_passes(buf_slice(&message));
    buf_fini(&message);
}

/* The outer duplicate is seen though a large map lies between the two keys, and the inner one
 * though the outer is large too. */
static void
duplicate_keys_around_large_maps(void **state)
{
    (void)state;
    for (uint32_t outer = 2; outer <= 40; outer += 38) {
        struct buf message = {0};
        size_t last = 0;
        write_map(&message, outer);
        for (uint32_t i = 0; i < outer; i++) {
            last = message.size;
            write_numbered_key(&message, i + 1 == outer ? 0 : i);
            write_keys(&message, 40, UINT32_MAX);
        }
        assert_refused(buf_slice(&message), "duplicate key", last);
        buf_fini(&message);
    }
}

static void
keys_are_compared_by_what_they_say(void **state)
{
    (void)state;
    assert_refused((struct slice)BYTES("\x82\xa1k\xc0\xd9\1k\xc0"), "duplicate key", 4);
    assert_refused((struct slice)BYTES("\x82\xa1k\xc0\xdb\0\0\0\1k\xc0"), "duplicate key", 4);
    assert_refused((struct slice)BYTES("\x82\xa0\xc0\xa0\xc0"), "duplicate key", 3);
    assert_passes((struct slice)BYTES("\x83\xa0\xc0\xa1k\xc0\xa1K\xc0"));
    assert_passes((struct slice)BYTES("\x82\xa1\0\xc0\xa2\0\0\xc0"));
}

/* Keys of eight ASCII letters whose prints (see check.c) are all equal, so that the sort has to
 * compare bytes: the multiplication is undone for products whose halves cancel each other. */
static uint32_t
write_colliding_keys(struct buf *out, uint32_t count_max)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t inverse = factor; /* Newton's iteration doubles the bits that are right */
    for (int i = 0; i < 6; i++)
        inverse *= 2 - factor * inverse;
    assert_true(factor * inverse == 1);

    uint32_t count = 0;
    for (uint64_t half = 1; count < count_max; half++) {
        uint64_t word = ((half << 32 | half) * inverse) ^ 8;
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            continue;
        write_str(out, slice_of(&word, sizeof(word)));
        write_nil(out);
        count++;
    }
    return count;
}

static void
keys_with_equal_prints(void **state)
{
    (void)state;
    struct buf keys = {0}, message = {0};
    enum { PAIR_SIZE = 1 + 8 + 1 };
    uint32_t count = write_colliding_keys(&keys, 1000);
    write_map(&message, count);
    write_raw(&message, buf_slice(&keys));
    assert_passes(buf_slice(&message));

    buf_clear(&message);
    write_map(&message, count + 1);
    write_raw(&message, buf_slice(&keys));
    size_t last = message.size;
    write_raw(&message, slice_of(keys.data + 500 * PAIR_SIZE, PAIR_SIZE));
    assert_refused(buf_slice(&message), "duplicate key", last);
    buf_fini(&keys);
    buf_fini(&message);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_messages),
        cmocka_unit_test(single_values),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(nesting),
        cmocka_unit_test(node_budget),
        cmocka_unit_test(node_budget_is_for_the_whole_message),
        cmocka_unit_test(duplicate_keys_in_maps_of_every_size),
        cmocka_unit_test(duplicate_keys_at_every_depth),
        cmocka_unit_test(keys_of_other_maps_do_not_count),
        cmocka_unit_test(duplicate_keys_around_large_maps),
        cmocka_unit_test(keys_are_compared_by_what_they_say),
        cmocka_unit_test(keys_with_equal_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
