/* The rows in memory, and their indexes, against sorted arrays. */
#include "scratch.h"

#include <sys/mman.h>
#include <unistd.h>

#include "store/overlay.h"

#define ARENA_SIZE ((size_t)64 * 1024 * 1024)
#define KEY_COUNT  20000

struct key {
    uint8_t bytes[VIEW_LIST_KEY_SIZE_MAX];
    uint8_t size;
};

static struct slice
key_slice(const struct key *key)
{
    return slice_of(key->bytes, key->size);
}

static int
compare_keys(const void *a, const void *b)
{
    return key_compare(key_slice(a), key_slice(b));
}

/* Short keys over few letters collide in every way: prefixes, zeros at the end, equal words. */
static struct key
key_random(uint64_t *seed)
{
    struct key key = {.size = (uint8_t)(1 + random_below(seed, VIEW_LIST_KEY_SIZE_MAX))};
    for (size_t i = 0; i < key.size; i++)
        key.bytes[i] = (uint8_t)(random_below(seed, 3) * 0x7f);
    return key;
}

static void
tree_put(struct tree *tree, struct arena *arena, const struct key *key)
{
    struct tree_key wanted = tree_key_of(key_slice(key));
    check(arena_ensure(arena, tree_room(tree) + row_size(key_slice(key), 0)));
    uint32_t *slot = tree_slot(tree, arena, &wanted);
    if (*slot == 0)
        *slot = row_make(arena, 0, key_slice(key), 0);
}

/* Everything a walk from the start finds is what the sorted keys say. */
static void
check_order(const struct tree *tree, const struct arena *arena, const struct key *keys,
            size_t count)
{
    struct tree_cursor cursor = tree_seek(tree, arena, NULL);
    for (size_t i = 0; i < count; i++) {
        uint32_t place = tree_next(&cursor, arena);
        assert_int_not_equal(place, 0);
        const struct row *row = arena_at(arena, place);
        check(slice_equal(row_key(row), key_slice(&keys[i])));
    }
    assert_int_equal(tree_next(&cursor, arena), 0);
}

static size_t
sort_unique(struct key *keys, size_t count)
{
    size_t kept = 0;
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare_keys(&keys[kept - 1], &keys[i]) != 0)
            keys[kept++] = keys[i];
    }
    return kept;
}

static void
test_tree_keeps_random_keys_in_order(void **state)
{
    (void)state;
    struct arena arena;
    struct tree tree = {0};
    struct key *keys = calloc(KEY_COUNT, sizeof(*keys));
    uint64_t seed = 7;
    check(keys && arena_init(&arena, ARENA_SIZE));
    for (size_t i = 0; i < KEY_COUNT; i++) {
        keys[i] = key_random(&seed);
        tree_put(&tree, &arena, &keys[i]);
    }
    size_t count = sort_unique(keys, KEY_COUNT);
    assert_int_equal(tree.count, count);
    check_order(&tree, &arena, keys, count);

    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct key key = key_random(&seed);
        struct tree_key wanted = tree_key_of(key_slice(&key));
        const struct key *known = bsearch(&key, keys, count, sizeof(key), compare_keys);
        assert_int_equal(tree_find(&tree, &arena, &wanted) != 0, known != NULL);

        size_t first = 0;
        while (first < count && compare_keys(&keys[first], &key) < 0)
            first++;
        struct tree_cursor cursor = tree_seek(&tree, &arena, &wanted);
        uint32_t place = tree_next(&cursor, &arena);
        assert_int_equal(place != 0, first < count);
        if (place != 0)
            check(slice_equal(row_key(arena_at(&arena, place)), key_slice(&keys[first])));
        if (i == 500)
            break; /* the linear search above is slow, and 500 places tell enough */
    }
    arena_fini(&arena);
    free(keys);
}

static void
test_tree_fills_its_nodes_when_keys_grow(void **state)
{
    (void)state;
    struct arena arena;
    struct tree tree = {0};
    struct key *keys = calloc(KEY_COUNT, sizeof(*keys));
    check(keys && arena_init(&arena, ARENA_SIZE));
    for (size_t i = 0; i < KEY_COUNT; i++) {
        keys[i].size = 16;
        put_be64(keys[i].bytes, 1);
        put_be64(keys[i].bytes + 8, i);
        tree_put(&tree, &arena, &keys[i]);
    }
    check_order(&tree, &arena, keys, KEY_COUNT);
    /* 40 bytes a row, and a node of 1 KiB for every 35: no half-empty nodes. */
    assert_in_range(arena.used, 0, KEY_COUNT * 40 + KEY_COUNT / 35 * 1024 * 11 / 10);
    arena_fini(&arena);
    free(keys);
}

static void
test_tree_says_when_memory_is_short(void **state)
{
    (void)state;
    struct arena arena;
    struct tree tree = {0};
    check(arena_init(&arena, 1)); /* a step of 4 MiB */
    struct key key = {.size = 8};
    uint64_t count = 0;
    while (arena_ensure(&arena, tree_room(&tree) + row_size(key_slice(&key), 0))) {
        put_be64(key.bytes, ++count);
        tree_put(&tree, &arena, &key);
    }
    check(count > 10000 && tree.count == count);
    struct tree_cursor cursor = tree_seek(&tree, &arena, NULL);
    for (uint64_t i = 1; i <= count; i++)
        assert_int_equal(
            get_be64(((const struct row *)arena_at(&arena, tree_next(&cursor, &arena)))->key), i);
    arena_fini(&arena);
}

#define LIST_COUNT 12

/* Lists of one row, of two, of four: from arrays at their least to trees. */
static struct key
list_key_random(uint64_t *seed)
{
    struct key key = key_random(seed);
    uint64_t list = random_below(seed, UINT64_C(1) << LIST_COUNT), owner = 0;
    while (list >> owner > 1)
        owner++;
    key.size = key.size < 4 ? 4 : key.size;
    put_be32(key.bytes, (uint32_t)owner);
    return key;
}

static void
runs_put(struct runs *runs, struct arena *arena, const struct key *key)
{
    struct overlay_key wanted = overlay_key_of(VIEW_ADJACENT, key_slice(key));
    check(runs_ensure(runs, arena, row_size(key_slice(key), 0)));
    uint32_t *slot = runs_slot(runs, arena, &wanted);
    if (*slot == 0)
        *slot = row_make(arena, VIEW_ADJACENT, key_slice(key), 0);
}

/* From @key on the list has what the sorted keys say. */
static void
check_run(const struct runs *runs, const struct arena *arena, const struct key *keys, size_t count,
          const struct key *key)
{
    struct overlay_key wanted = overlay_key_of(VIEW_ADJACENT, key_slice(key));
    const struct key *known = bsearch(key, keys, count, sizeof(*key), compare_keys);
    assert_int_equal(runs_find(runs, arena, &wanted) != 0, known != NULL);

    size_t at = 0;
    while (at < count && compare_keys(&keys[at], key) < 0)
        at++;
    struct run_cursor cursor = runs_seek(runs, arena, &wanted);
    for (; at < count && memcmp(keys[at].bytes, key->bytes, 4) == 0; at++) {
        uint32_t place = run_next(&cursor, arena);
        assert_int_not_equal(place, 0);
        check(slice_equal(row_key(arena_at(arena, place)), key_slice(&keys[at])));
    }
    assert_int_equal(run_next(&cursor, arena), 0);
    assert_int_equal(run_next(&cursor, arena), 0);
}

static void
test_runs_keep_each_list_in_order(void **state)
{
    (void)state;
    struct arena arena;
    struct runs runs = {0};
    struct key *keys = calloc(KEY_COUNT, sizeof(*keys));
    uint64_t seed = 9;
    check(keys && arena_init(&arena, ARENA_SIZE));
    for (size_t i = 0, count = 0; i < KEY_COUNT; i++) {
        keys[count] = list_key_random(&seed);
        runs_put(&runs, &arena, &keys[count++]);
        if (i % 1000 > 0 && i > 200)
            continue;
        count = sort_unique(keys, count);
        for (unsigned owner = 0; owner < LIST_COUNT + 1; owner++) {
            struct key start = {.size = 4};
            put_be32(start.bytes, owner);
            check_run(&runs, &arena, keys, count, &start);
        }
        for (unsigned any = 0; any < 20; any++) {
            struct key key = list_key_random(&seed);
            check_run(&runs, &arena, keys, count, &key);
        }
    }
    assert_int_equal(runs.heads.count, LIST_COUNT);
    runs_clear(&runs);
    arena_clear(&arena, 0);
    struct key key = list_key_random(&seed);
    check_run(&runs, &arena, keys, 0, &key);
    runs_fini(&runs);
    arena_fini(&arena);
    free(keys);
}

/* Lists whose owners have the same hash, one of another table among them. */
static void
test_runs_tell_lists_apart_that_share_a_hash(void **state)
{
    (void)state;
    struct overlay overlay;
    uint8_t bytes[8];
    check(overlay_init(&overlay, ARENA_SIZE));
    overlay_begin(&overlay);
    for (uint32_t rows = 1; rows <= 40; rows++) { /* alone, in an array, in a tree */
        for (uint32_t owner = 0; owner < 4; owner++) {
            put_be32(bytes, owner);
            put_be32(bytes + 4, rows);
            struct overlay_key key = {owner == 3 ? VIEW_BLOCKS : VIEW_ADJACENT, slice_of(bytes, 8),
                                      5};
            if (owner == 3)
                put_be32(bytes, 0);
            check(overlay_put(&overlay, &key, ROW_VALUE, slice_of(bytes, 8)));
        }
        for (uint32_t owner = 0; owner < 4; owner++) {
            put_be32(bytes, owner == 3 ? 0 : owner);
            struct overlay_key key = {owner == 3 ? VIEW_BLOCKS : VIEW_ADJACENT, slice_of(bytes, 4),
                                      5};
            struct run_cursor cursor = overlay_seek(&overlay, &key);
            for (uint32_t i = 1; i <= rows; i++) {
                const struct row *row = arena_at(&overlay.arena, run_next(&cursor, &overlay.arena));
                assert_int_equal(row->table, key.table);
                check(memcmp(row->key, bytes, 4) == 0 && get_be32(row->key + 4) == i);
            }
            assert_int_equal(run_next(&cursor, &overlay.arena), 0);
        }
    }
    assert_int_equal(overlay.runs.heads.count, 4);
    overlay_fini(&overlay);
}

/* Values of all sizes: behind the key, apart, grown, and back. */
static void
test_rows_have_values_of_all_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0, 1, 7, 8, 9, 65000, UINT16_MAX, UINT16_MAX + 1, 3, VIEW_VALUE_SIZE_MAX, 70000};
    static uint8_t value[VIEW_VALUE_SIZE_MAX];
    struct overlay overlay;
    uint64_t seed = 4;
    check(overlay_init(&overlay, ARENA_SIZE));
    for (size_t i = 0; i < sizeof(value); i++)
        value[i] = (uint8_t)random_next(&seed);
    for (size_t first = 0; first < ARRAY_COUNT(sizes); first++) {
        uint8_t bytes[5] = {(uint8_t)first, 'a', 'b', 'c', 'd'};
        struct overlay_key key = overlay_key_of(VIEW_MEMBER, slice_of(bytes, sizeof(bytes)));
        for (size_t then = 0; then < ARRAY_COUNT(sizes); then++) {
            struct slice kept = slice_of(value, sizes[first]);
            overlay_begin(&overlay);
            check(overlay_put(&overlay, &key, ROW_VALUE, kept));
            overlay_begin(&overlay);
            struct slice other = slice_of(value, sizes[then]);
            check(overlay_put(&overlay, &key, ROW_VALUE, other));
            check(slice_equal(row_value(&overlay.arena, overlay_find(&overlay, &key)), other));
            overlay_undo(&overlay);
            check(slice_equal(row_value(&overlay.arena, overlay_find(&overlay, &key)), kept));
        }
    }
    overlay_fini(&overlay);
}

static void
hash_put(struct hash *hash, struct arena *arena, uint64_t number)
{
    uint8_t bytes[8];
    put_be64(bytes, number);
    struct slice key = slice_of(bytes, sizeof(bytes));
    check(hash_ensure(hash));
    uint32_t *slot = hash_slot(hash, arena, key_hash(1, key), 1, key);
    if (*slot == 0)
        *slot = row_make(arena, 1, key, 0);
    check(*slot != 0);
}

static bool
hash_has(const struct hash *hash, const struct arena *arena, uint8_t table, uint64_t number)
{
    uint8_t bytes[8];
    put_be64(bytes, number);
    struct slice key = slice_of(bytes, sizeof(bytes));
    return hash_find(hash, arena, key_hash(table, key), table, key) != 0;
}

static void
test_hash_finds_what_was_put(void **state)
{
    (void)state;
    struct arena arena;
    struct hash hash = {0};
    check(arena_init(&arena, ARENA_SIZE));
    assert_false(hash_has(&hash, &arena, 1, 1));
    for (int twice = 0; twice < 2; twice++) {
        for (uint64_t i = 0; i < KEY_COUNT; i++)
            hash_put(&hash, &arena, i * 2);
    }
    assert_int_equal(hash.count, KEY_COUNT);
    for (uint64_t i = 0; i < KEY_COUNT; i++) {
        check(hash_has(&hash, &arena, 1, i * 2));
        assert_false(hash_has(&hash, &arena, 1, i * 2 + 1));
        assert_false(hash_has(&hash, &arena, 2, i * 2));
    }
    hash_fini(&hash);
    arena_fini(&arena);
}

static void
test_hash_gives_memory_back_when_little_is_used(void **state)
{
    (void)state;
    struct arena arena;
    struct hash hash = {0};
    check(arena_init(&arena, ARENA_SIZE));
    for (uint64_t i = 0; i < KEY_COUNT; i++)
        hash_put(&hash, &arena, i);
    size_t large = hash_size(&hash);
    hash_clear(&hash);
    assert_int_equal(hash_size(&hash), large);
    assert_false(hash_has(&hash, &arena, 1, 5));
    hash_put(&hash, &arena, 5);
    hash_clear(&hash);
    assert_int_equal(hash_size(&hash), large / 2);
    hash_fini(&hash);
    arena_fini(&arena);
}

#define MIB ((size_t)1024 * 1024)

/* How much of what the arena reserved has memory. */
static size_t
resident_size(const struct arena *arena)
{
    static unsigned char pages[ARENA_SIZE / 4096];
    size_t size = (size_t)sysconf(_SC_PAGESIZE), sum = 0;
    check(size >= 4096 && arena->reserved == ARENA_SIZE);
    check(mincore(arena->base, arena->reserved, pages) == 0);
    for (size_t i = 0; i < arena->reserved / size; i++)
        sum += (pages[i] & 1) * size;
    return sum;
}

static void
overlay_use(struct overlay *overlay, size_t size)
{
    uint32_t place = arena_alloc(&overlay->arena, size);
    check(place != 0);
    memset(arena_at(&overlay->arena, place), 1, size);
}

/* As much as was used lately: what is no longer used goes step by step. */
static void
test_overlay_keeps_what_it_used_lately(void **state)
{
    (void)state;
    struct overlay overlay;
    check(overlay_init(&overlay, ARENA_SIZE));
    overlay_use(&overlay, 40 * MIB);
    overlay_clear(&overlay);
    assert_in_range(resident_size(&overlay.arena), 40 * MIB, 44 * MIB);
    overlay_use(&overlay, 1 * MIB);
    overlay_clear(&overlay);
    assert_in_range(resident_size(&overlay.arena), 28 * MIB, 36 * MIB);
    for (int i = 0; i < 10; i++) {
        overlay_use(&overlay, 1 * MIB);
        overlay_clear(&overlay);
    }
    assert_in_range(resident_size(&overlay.arena), 1 * MIB, 16 * MIB);
    overlay_fini(&overlay);
}

static void
test_feeds_give_memory_back_when_little_is_used(void **state)
{
    (void)state;
    struct feeds feeds = {0};
    struct feed_key key = {{7}};
    for (seq_t seq = 1; seq <= KEY_COUNT; seq++)
        check(feeds_append(&feeds, &key, seq));
    size_t large = feeds_size(&feeds);
    feeds_clear(&feeds);
    assert_int_equal(feeds_size(&feeds), large);
    assert_int_equal(feeds_count(&feeds, &key), 0);
    for (int i = 0; i < 20; i++) {
        for (seq_t seq = 1; seq <= 10; seq++)
            check(feeds_append(&feeds, &key, seq));
        assert_int_equal(feeds_count(&feeds, &key), 10);
        feeds_clear(&feeds);
        assert_int_equal(feeds_count(&feeds, &key), 0);
    }
    check(feeds_size(&feeds) <= large / 16);
    for (seq_t seq = 1; seq <= KEY_COUNT; seq++)
        check(feeds_append(&feeds, &key, seq));
    assert_int_equal(feeds_count(&feeds, &key), KEY_COUNT);
    feeds_fini(&feeds);
}

/* Rows of both kinds until memory is short: what was put stays, and the unit can be undone. */
static void
test_overlay_says_when_memory_is_short(void **state)
{
    (void)state;
    struct overlay overlay;
    uint8_t value[1000] = {0}, bytes[8];
    uint64_t count = 0;
    check(overlay_init(&overlay, 1)); /* a step of 4 MiB */
    overlay_begin(&overlay);
    for (;; count++) {
        put_be64(bytes, count);
        struct overlay_key key =
            overlay_key_of(count % 2 ? VIEW_PAIR : VIEW_DUE, slice_of(bytes, sizeof(bytes)));
        if (!overlay_put(&overlay, &key, ROW_VALUE, slice_of(value, sizeof(value))))
            break;
    }
    check(count > 3000);
    for (uint64_t i = 0; i <= count; i++) {
        put_be64(bytes, i);
        struct overlay_key key =
            overlay_key_of(i % 2 ? VIEW_PAIR : VIEW_DUE, slice_of(bytes, sizeof(bytes)));
        assert_int_equal(overlay_find(&overlay, &key) != NULL, i < count);
    }
    overlay_undo(&overlay);
    put_be64(bytes, 1);
    struct overlay_key key = overlay_key_of(VIEW_PAIR, slice_of(bytes, sizeof(bytes)));
    assert_null(overlay_find(&overlay, &key));
    overlay_clear(&overlay);
    overlay_begin(&overlay);
    check(overlay_put(&overlay, &key, ROW_VALUE, slice_of(value, sizeof(value))));
    overlay_fini(&overlay);
}

/* Number @number of rows that fall on so many lists. */
static struct overlay_key
list_row_key(uint64_t number, unsigned lists, uint8_t bytes[8])
{
    put_be32(bytes, (uint32_t)(number % lists));
    put_be32(bytes + 4, (uint32_t)(number * 7919));
    return overlay_key_of(VIEW_ADJACENT, slice_of(bytes, 8));
}

/* Whatever the row that no longer fits would have to make: a run, a larger one, a tree, a node. */
static void
fill_lists(uint64_t *seed, unsigned lists)
{
    struct overlay overlay;
    uint8_t value[64] = {0}, bytes[8];
    uint64_t count = 0, found = 0;
    check(overlay_init(&overlay, 1)); /* a step of 4 MiB, of which little is left */
    uint32_t left = (uint32_t)(16 + random_below(seed, 120)) * 1024;
    check(arena_alloc(&overlay.arena, overlay.arena.reserved - overlay.arena.used - left) != 0);
    overlay_begin(&overlay);
    for (;; count++) {
        struct overlay_key key = list_row_key(count, lists, bytes);
        struct slice some = slice_of(value, random_below(seed, sizeof(value)));
        if (!overlay_put(&overlay, &key, ROW_VALUE, some))
            break;
    }
    for (uint64_t i = 0; i <= count; i++) {
        struct overlay_key key = list_row_key(i, lists, bytes);
        assert_int_equal(overlay_find(&overlay, &key) != NULL, i < count);
    }
    for (unsigned list = 0; list < lists; list++) {
        uint8_t before[8] = {0};
        put_be32(bytes, list);
        struct overlay_key key = overlay_key_of(VIEW_ADJACENT, slice_of(bytes, 4));
        struct run_cursor cursor = overlay_seek(&overlay, &key);
        for (uint32_t place; (place = run_next(&cursor, &overlay.arena)) != 0; found++) {
            const struct row *row = arena_at(&overlay.arena, place);
            check(get_be32(row->key) == list && memcmp(before, row->key, 8) <= 0);
            memcpy(before, row->key, 8);
        }
    }
    assert_int_equal(found, count);
    overlay_fini(&overlay);
}

static void
test_lists_when_memory_is_short(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (unsigned round = 0; round < 60; round++) {
        fill_lists(&seed, 1);
        fill_lists(&seed, 1 + (unsigned)random_below(&seed, 50));
        fill_lists(&seed, 1 + (unsigned)random_below(&seed, 4000));
    }
}

/* What commands wait for when it is used up is all that is used. */
static void
test_overlay_counts_what_finds_its_rows(void **state)
{
    (void)state;
    struct overlay overlay;
    uint8_t bytes[8];
    check(overlay_init(&overlay, ARENA_SIZE));
    overlay_begin(&overlay);
    for (uint64_t i = 0; i < KEY_COUNT; i++) {
        struct overlay_key key = list_row_key(i, KEY_COUNT, bytes);
        check(overlay_put(&overlay, &key, ROW_DELETED, (struct slice){0}));
    }
    size_t rows = overlay.arena.used + overlay.units[0].undo.used + overlay.units[1].undo.used;
    check(overlay_size(&overlay) >= rows + KEY_COUNT * sizeof(struct hash_slot));
    overlay_fini(&overlay);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_keeps_random_keys_in_order),
        cmocka_unit_test(test_tree_fills_its_nodes_when_keys_grow),
        cmocka_unit_test(test_tree_says_when_memory_is_short),
        cmocka_unit_test(test_runs_keep_each_list_in_order),
        cmocka_unit_test(test_runs_tell_lists_apart_that_share_a_hash),
        cmocka_unit_test(test_rows_have_values_of_all_sizes),
        cmocka_unit_test(test_hash_finds_what_was_put),
        cmocka_unit_test(test_hash_gives_memory_back_when_little_is_used),
        cmocka_unit_test(test_overlay_keeps_what_it_used_lately),
        cmocka_unit_test(test_feeds_give_memory_back_when_little_is_used),
        cmocka_unit_test(test_overlay_says_when_memory_is_short),
        cmocka_unit_test(test_lists_when_memory_is_short),
        cmocka_unit_test(test_overlay_counts_what_finds_its_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
