/* The order in which a checkpoint writes, against comparing whole keys. */
#include "scratch.h"

#include "store/sort.h"

#define OVERLAY_SIZE ((size_t)64 * 1024 * 1024)
#define COUNT_MAX    3000

/* How the keys of a test come about. */
enum scheme {
    SCHEME_RANDOM,    /* any bytes, any size */
    SCHEME_SHARED,    /* long prefixes in common, digits behind them */
    SCHEME_NUMBERS,   /* two numbers, 8 bytes in all */
    SCHEME_ZEROS,     /* few letters, zero among them: prefixes of each other, equal words */
    SCHEME_ONLY_ZERO, /* nothing but the size tells them apart */
    SCHEME_COUNT
};

static struct slice
key_make(enum scheme scheme, uint64_t *seed, uint8_t bytes[VIEW_KEY_SIZE_MAX])
{
    size_t size = 1 + random_below(seed, VIEW_KEY_SIZE_MAX);
    memset(bytes, 0, VIEW_KEY_SIZE_MAX);
    switch (scheme) {
    case SCHEME_RANDOM:
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)random_next(seed);
        break;
    case SCHEME_SHARED:
        memset(bytes, 'a', 30);
        bytes[12] = (uint8_t)('a' + random_below(seed, 2));
        put_be32(bytes + 26, (uint32_t)random_below(seed, COUNT_MAX));
        size = 30;
        break;
    case SCHEME_NUMBERS:
        put_be32(bytes, (uint32_t)random_below(seed, 300));
        put_be32(bytes + 4, (uint32_t)random_below(seed, 300));
        size = 8;
        break;
    case SCHEME_ZEROS:
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(random_below(seed, 16) == 0);
        break;
    case SCHEME_ONLY_ZERO:
    case SCHEME_COUNT:
        break;
    }
    return slice_of(bytes, size);
}

static void
overlay_fill(struct overlay *overlay, enum view_table table, enum scheme scheme, size_t count,
             uint64_t *seed)
{
    uint8_t bytes[VIEW_KEY_SIZE_MAX];
    for (size_t i = 0; i < count; i++) {
        struct overlay_key key = overlay_key_of(table, key_make(scheme, seed, bytes));
        check(overlay_put(overlay, &key, ROW_VALUE, slice_str("value")));
    }
}

/* Each table has its rows, each once and in order. */
static void
check_points(struct sort *sort, const struct overlay *overlay)
{
    size_t all = 0, count;
    check(sort_rows(sort, &overlay->points, &overlay->arena));
    for (unsigned table = 0; table < VIEW_TABLE_COUNT; table++, all += count) {
        const struct row *before = NULL;
        check(sort_rows_of(sort, &overlay->arena, table, &count));
        for (size_t at = 0; at < count; at++) {
            const struct row *row = arena_at(&overlay->arena, sort->entries[at].place);
            assert_int_equal(row->table, table);
            check(!before || key_compare(row_key(before), row_key(row)) < 0);
            before = row;
        }
    }
    /* No row is there twice, so all of them are. */
    assert_int_equal(all, overlay->points.count);
}

static void
check_one(struct sort *sort, enum scheme scheme, size_t count)
{
    struct overlay overlay;
    uint64_t seed = 1 + count;
    check(overlay_init(&overlay, OVERLAY_SIZE));
    overlay_begin(&overlay);
    overlay_fill(&overlay, VIEW_PAIR, scheme, count, &seed);
    check_points(sort, &overlay);
    sort_clear(sort);
    overlay_fini(&overlay);
}

static void
test_points_of_every_scheme(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 31, 32, 33, 64, 65, 500, COUNT_MAX};
    struct sort sort = {0};
    for (enum scheme scheme = 0; scheme < SCHEME_COUNT; scheme++) {
        for (size_t i = 0; i < ARRAY_COUNT(counts); i++)
            check_one(&sort, scheme, counts[i]);
    }
    sort_fini(&sort);
}

/* Zeros at the end as far as keys go: more equal words than there are keys of one size. */
static void
test_points_that_go_on_with_zeros(void **state)
{
    (void)state;
    struct overlay overlay;
    struct sort sort = {0};
    uint8_t bytes[VIEW_KEY_SIZE_MAX] = {0};
    check(overlay_init(&overlay, OVERLAY_SIZE));
    overlay_begin(&overlay);
    for (unsigned last = 0; last < 4; last++) {
        for (size_t size = 1; size <= VIEW_KEY_SIZE_MAX; size++) {
            memset(bytes, 0, sizeof(bytes));
            bytes[size - 1] = (uint8_t)last;
            struct overlay_key key = overlay_key_of(VIEW_DEDUPE, slice_of(bytes, size));
            check(overlay_put(&overlay, &key, ROW_DELETED, (struct slice){0}));
        }
    }
    assert_int_equal(overlay.points.count, 4 * VIEW_KEY_SIZE_MAX);
    check_points(&sort, &overlay);
    sort_fini(&sort);
    overlay_fini(&overlay);
}

static void
test_points_of_all_tables(void **state)
{
    (void)state;
    struct overlay overlay;
    struct sort sort = {0};
    uint64_t seed = 11;
    size_t rows = 0;
    check(overlay_init(&overlay, OVERLAY_SIZE));
    for (unsigned round = 0; round < 2; round++) { /* the memory serves again */
        overlay_begin(&overlay);
        for (unsigned table = 0; table < VIEW_TABLE_COUNT; table++) {
            if (view_tables[table].kind == VIEW_KIND_POINT && table % 5 != round)
                overlay_fill(&overlay, table, table % SCHEME_COUNT, 10 + 20 * table, &seed);
        }
        check_points(&sort, &overlay);
        check(overlay.points.count != rows);
        rows = overlay.points.count;
        sort_clear(&sort);
        overlay_clear(&overlay);
    }
    sort_fini(&sort);
    overlay_fini(&overlay);
}

static bool
feeds_are_in_order(const struct feeds *feeds, uint32_t left, uint32_t right)
{
    int order =
        memcmp(&feeds->entries[left].key, &feeds->entries[right].key, sizeof(struct feed_key));
    return order < 0 || (order == 0 && left < right);
}

/* One group behind the other, they have all entries in order. */
static void
check_feeds(struct sort *sort, const struct feeds *feeds)
{
    size_t all = 0, count;
    uint32_t last = 0;
    check(sort_feeds(sort, feeds));
    for (unsigned group = 0; group < SORT_FEED_GROUPS; group++) {
        check(sort_feeds_of(sort, feeds, group, &count));
        for (size_t i = 0; i < count; i++, all++) {
            check(all == 0 || feeds_are_in_order(feeds, last, sort->entries[i].place));
            last = sort->entries[i].place;
        }
    }
    assert_int_equal(all, feeds->count);
    sort_clear(sort);
}

static void
test_feeds_in_order(void **state)
{
    (void)state;
    struct sort sort = {0};
    for (unsigned halves = 0; halves < 4; halves++) { /* which of them tell keys apart */
        struct feeds feeds = {0};
        uint64_t seed = 3;
        check_feeds(&sort, &feeds);
        for (seq_t seq = 1; seq <= COUNT_MAX; seq++) {
            struct feed_key key = {{0}};
            put_be64(key.bytes,
                     halves & 1 ? random_below(&seed, 50) << 58 | random_below(&seed, 3) : 7);
            put_be64(key.bytes + 8, halves & 2 ? random_below(&seed, 50) << 31 : 7);
            check(feeds_append(&feeds, &key, seq));
            if (seq < 40)
                check_feeds(&sort, &feeds);
        }
        check_feeds(&sort, &feeds);
        feeds_fini(&feeds);
    }
    sort_fini(&sort);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_of_every_scheme),
        cmocka_unit_test(test_points_that_go_on_with_zeros),
        cmocka_unit_test(test_points_of_all_tables),
        cmocka_unit_test(test_feeds_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
