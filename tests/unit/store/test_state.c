/* Rows of state beside the log. */
#include "scratch.h"

#include "store/store.h"

static void
put(struct store *store, const char *name, const char *value)
{
    state_put(store_state(store), STATE_CURSOR, slice_str(name), slice_str(value));
}

static void
end(struct store *store)
{
    struct fault fault;
    assert_int_equal(store_end(store, &fault), KITH_OK);
}

/* The rows, as text: "a=1 b=2 ". */
static void
check_rows(struct store *store, const char *expected)
{
    char text[256] = "";
    size_t size = 0, count = 0;
    struct state_row row = {{0}, {0}};
    while (state_next(store_state(store), STATE_CURSOR, row.name, &row)) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%.*s=%.*s ", (int)row.name.size,
                                 (const char *)row.name.data, (int)row.value.size,
                                 (const char *)row.value.data);
        count++;
    }
    assert_string_equal(text, expected);
    assert_int_equal(state_count(store_state(store), STATE_CURSOR), count);
}

static void
test_rows_are_kept_with_the_batch(void **state)
{
    struct slice value;
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    store_begin(store);
    put(store, "b", "2");
    put(store, "a", "1");
    put(store, "b", "3");
    check_rows(store, "a=1 b=3 "); /* pending ones are seen */
    end(store);
    assert_int_equal(state_get(store_state(store), STATE_SUBSCRIPTION, slice_str("a"), &value),
                     KITH_NOT_FOUND);
    store_close(store);
    store = scratch_open(*state, SCRATCH_MAP_SIZE);
    check_rows(store, "a=1 b=3 ");
    store_close(store);
}

static void
test_rows_are_undone_with_the_batch(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    store_begin(store);
    put(store, "a", "1");
    put(store, "b", "22");
    end(store);
    store_begin(store);
    put(store, "a", "a longer value");
    put(store, "c", "3");
    state_del(store_state(store), STATE_CURSOR, slice_str("b"));
    state_del(store_state(store), STATE_CURSOR, slice_str("none"));
    check_rows(store, "a=a longer value c=3 ");
    store_abort(store);
    check_rows(store, "a=1 b=22 ");
    store_close(store);
}

static void
test_a_deleted_row_is_gone(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    store_begin(store);
    put(store, "a", "1");
    put(store, "b", "2");
    end(store);
    store_begin(store);
    state_del(store_state(store), STATE_CURSOR, slice_str("a"));
    state_del(store_state(store), STATE_CURSOR, slice_str("b"));
    put(store, "b", "4");
    put(store, "c", "5");
    state_del(store_state(store), STATE_CURSOR, slice_str("c"));
    end(store);
    check_rows(store, "b=4 ");
    store_close(store);
    store = scratch_open(*state, SCRATCH_MAP_SIZE);
    check_rows(store, "b=4 ");
    store_close(store);
}

/* A batch that changes nothing else is committed all the same. */
static void
test_a_row_alone_is_a_commit(void **state)
{
    struct store_stats before, after;
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    store_stats(store, &before);
    store_begin(store);
    put(store, "a", "1");
    end(store);
    store_stats(store, &after);
    assert_int_equal(after.commits, before.commits + 1);
    store_close(store);
}

/* It is told to who asks, does not keep the store from opening, and can be mended. */
static void
test_a_damaged_row_is_found(void **state)
{
    struct slice value;
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    store_begin(store);
    put(store, "a", "1");
    put(store, "b", "2");
    end(store);
    store_close(store);
    damage_value(*state, "data/log", "cursors", slice_str("a"), 0);
    store = scratch_open(*state, SCRATCH_MAP_SIZE);
    assert_int_equal(state_get(store_state(store), STATE_CURSOR, slice_str("a"), &value),
                     KITH_INTERNAL);
    check_rows(store, "a= b=2 ");
    store_begin(store);
    put(store, "a", "3");
    end(store);
    check_rows(store, "a=3 b=2 ");
    store_close(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_rows_are_kept_with_the_batch),
        scratch_test(test_rows_are_undone_with_the_batch),
        scratch_test(test_a_deleted_row_is_gone),
        scratch_test(test_a_row_alone_is_a_commit),
        scratch_test(test_a_damaged_row_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
