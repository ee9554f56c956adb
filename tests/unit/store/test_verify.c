/* Looking at a data directory: what is no damage, and what is. */
#include "look.h"

#include <fcntl.h>
#include <unistd.h>

#include "store/row.h"
#include "store/store.h"

#define EVENT_COUNT 3000 /* more than are looked at in one snapshot of the log */

static void
fill(const struct scratch *scratch)
{
    struct store_options options = {
        .dir = scratch->data, .map_size = SCRATCH_MAP_SIZE, .rows_version = 1};
    struct fault fault = {""};
    struct store *store;
    assert_int_equal(store_open(&store, &options, &fault), KITH_OK);
    store_begin(store);
    for (seq_t seq = 1; seq <= EVENT_COUNT; seq++) {
        uint8_t key[8];
        put_be64(key, seq);
        assert_int_equal(log_append(store_log(store), 1, slice_str("body")), seq);
        views_put(store_views(store), VIEW_DUE, slice_of(key, sizeof(key)), slice_str("row"));
    }
    assert_int_equal(store_end(store, &fault), KITH_OK);
    store_close(store);
}

static void
ignore_finding(void *context, const struct verify_finding *finding)
{
    (void)context, (void)finding;
}

static bool
takes_all(void *context, const struct log_record *record)
{
    (void)context;
    return record->body.size == 4;
}

static struct verify_state
look(const struct scratch *scratch, uint32_t rows_version, bool is_online)
{
    return look_at((struct verify){
        .dir = scratch->data,
        .rows_version = rows_version,
        .is_online = is_online,
        .found = ignore_finding,
        .decodes = takes_all,
    });
}

static void
test_sound(void **state)
{
    fill(*state);
    for (int is_online = 0; is_online <= 1; is_online++) {
        struct verify_state seen = look(*state, 1, is_online);
        assert_int_equal(seen.findings, 0);
        assert_int_equal(seen.events, EVENT_COUNT);
        assert_int_equal(seen.last_seq, EVENT_COUNT);
        assert_int_equal(seen.applied, EVENT_COUNT);
        assert_int_equal(seen.rows, EVENT_COUNT);
        assert_false(seen.is_foreign);
    }
}

/* As between an upgrade and the restart. */
static void
test_views_of_another_version_are_no_damage(void **state)
{
    fill(*state);
    struct verify_state seen = look(*state, 2, true);
    assert_int_equal(seen.findings, 0);
    assert_int_equal(seen.rows, EVENT_COUNT);
    assert_true(seen.is_foreign);
}

static void
test_views_with_other_tables_are_no_damage(void **state)
{
    fill(*state);
    uint8_t row[24] = {0};
    struct slice name = slice_str("state");
    put_be32(row + 20, (uint32_t)row_hash(0, name, slice_of(row, 20)));
    struct mdb_place place = mdb_place_open(*state, "data/views", "meta");
    MDB_val key = {name.size, (void *)(uintptr_t)name.data}, value = {sizeof(row), row};
    check(mdb_put(place.txn, place.table, &key, &value, 0) == 0);
    mdb_place_close(&place);
    struct verify_state seen = look(*state, 1, false);
    assert_int_equal(seen.findings, 0);
    assert_int_equal(seen.events, EVENT_COUNT);
    assert_true(seen.is_foreign);
}

static void
test_a_damaged_mark_is_damage(void **state)
{
    fill(*state);
    damage_value(*state, "data/views", "meta", slice_str("state"), 10);
    struct verify_state seen = look(*state, 1, false);
    assert_int_equal(seen.findings, 1);
    assert_false(seen.is_foreign);
}

static void
test_views_that_the_log_does_not_lead_to(void **state)
{
    uint8_t key[8];
    fill(*state);
    put_be64(key, EVENT_COUNT);
    damage_delete(*state, "data/log", "events", slice_of(key, sizeof(key)));
    struct verify_state seen = look(*state, 1, false);
    assert_int_equal(seen.last_seq, EVENT_COUNT - 1);
    assert_int_equal(seen.findings, 1);
}

/* Give each page of that kind the number of another in its own head. What is read stays the same.
 */
static unsigned
misnumber(const struct scratch *scratch, const char *name, uint16_t kind)
{
    enum { PAGE_SIZE = 4096, HEADS = 2, AT_FLAGS = 10 };
    char path[sizeof(scratch->data) + 32];
    uint8_t page[PAGE_SIZE];
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s/%s/data.mdb", scratch->data, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = HEADS * PAGE_SIZE; pread(fd, page, PAGE_SIZE, at) == PAGE_SIZE; at += PAGE_SIZE)
        if (memcmp(page + AT_FLAGS, &kind, sizeof(kind)) == 0) {
            page[0] ^= 1;
            assert_int_equal(pwrite(fd, page, 1, at), 1);
            count++;
        }
    close(fd);
    return count;
}

/* LMDB reads on without a look at it, and writes over another page. */
static void
test_a_page_with_the_number_of_another(void **state)
{
    static const struct {
        const char *place;
        uint16_t kind; /* of LMDB's: a branch, a leaf */
    } rows[] = {{"views", 1}, {"views", 2}, {"log", 1}, {"log", 2}};
    fill(*state);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_true(misnumber(*state, rows[i].place, rows[i].kind) > 0);
        assert_int_equal(look(*state, 1, false).findings, 1);
        assert_int_equal(look(*state, 1, true).findings, 1);
        misnumber(*state, rows[i].place, rows[i].kind);
        assert_int_equal(look(*state, 1, false).findings, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_sound),
        scratch_test(test_views_of_another_version_are_no_damage),
        scratch_test(test_views_with_other_tables_are_no_damage),
        scratch_test(test_a_damaged_mark_is_damage),
        scratch_test(test_views_that_the_log_does_not_lead_to),
        scratch_test(test_a_page_with_the_number_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
