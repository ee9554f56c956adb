/* The filter that says which keys LMDB does not have. */
#include "scratch.h"

#include "store/filter.h"
#include "store/row.h"

#define KEY_COUNT 100000

static uint64_t
hash_of(uint64_t number)
{
    uint8_t key[8];
    put_be64(key, number);
    return key_hash(1, slice_of(key, sizeof(key)));
}

static unsigned
count_maybe(const struct filter *filter, uint64_t from, uint64_t to)
{
    unsigned count = 0;
    for (uint64_t i = from; i < to; i++)
        count += filter_may_have(filter, hash_of(i));
    return count;
}

static void
test_what_was_added_is_found(void **state)
{
    (void)state;
    struct filter *filter = filter_create(KEY_COUNT);
    check(filter != NULL);
    assert_int_equal(count_maybe(filter, 0, KEY_COUNT), 0);
    for (uint64_t i = 0; i < KEY_COUNT; i++)
        filter_add(filter, hash_of(i));
    assert_int_equal(count_maybe(filter, 0, KEY_COUNT), KEY_COUNT);
    /* Hashes are seeded by the table and nothing else: this count is always the same. */
    check(count_maybe(filter, KEY_COUNT, (uint64_t)2 * KEY_COUNT) < KEY_COUNT / 25);
    filter_destroy(filter);
}

static void
test_fills_up_and_goes_on(void **state)
{
    (void)state;
    struct filter *filter = filter_create(1);
    uint64_t count = 0;
    check(filter != NULL);
    while (!filter_is_full(filter))
        filter_add(filter, hash_of(count++));
    check(count >= 1024);
    filter_add(filter, hash_of(count++));
    assert_int_equal(count_maybe(filter, 0, count), count);
    check(filter_is_full(filter));
    filter_destroy(filter);
    filter_destroy(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_found),
        cmocka_unit_test(test_fills_up_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
