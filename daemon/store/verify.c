#include "store/verify.h"

#include "base/assert.h"
#include "store/checkpoint.h"
#include "store/parts.h"
#include "store/rollback.h"
#include "store/verify_pages.h"

struct table_sum {
    enum view_table table;
    uint64_t rows, sum;
};

static void
view_row_check(struct walk *walk, struct slice key, struct slice value)
{
    struct table_sum *sum = walk->context;
    const struct verify *verify = walk->place->verify;
    uint64_t hash = 0;
    if (!row_check((uint8_t)sum->table, key, &value, &hash))
        verify_found(verify, 0, 0, "views: table %s: row %llu is damaged", walk->name,
                     (unsigned long long)walk->count + 1);
    sum->rows++;
    sum->sum += hash;
    verify->state->rows++;
}

static bool
mark_read(struct place *place, struct checkpoint_mark *mark)
{
    MDB_dbi table;
    if (!place_table(place, "meta", &table))
        return false;
    struct env_txn txn = {.txn = place->txn};
    return checkpoint_mark_get(&txn, table, mark);
}

static bool
is_foreign(struct place *place)
{
    MDB_dbi table;
    struct env_txn txn = {.txn = place->txn};
    bool is = place_table(place, "meta", &table) && checkpoint_mark_is_foreign(&txn, table);
    place->verify->state->is_foreign = is;
    return is;
}

/* The mark of the snapshot that is open: what the rows in it are to be like. */
static bool
mark_note(struct place *place, struct checkpoint_mark *mark)
{
    struct verify_state *state = place->verify->state;
    if (!mark_read(place, mark)) {
        if (!is_foreign(place))
            verify_found(place->verify, 0, 0, "views: their mark is missing or damaged");
        return false;
    }
    state->is_foreign = state->is_foreign || mark->rows_version != place->verify->rows_version;
    state->has_mark = true;
    state->is_part = mark->is_part;
    state->applied = mark->applied;
    state->views_epoch = mark->epoch;
    state->views_chain = mark->chain;
    state->row_count = 0;
    for (unsigned i = 0; i < VIEW_TABLE_COUNT; i++)
        state->row_count += mark->rows[i];
    return true;
}

static void
view_check(struct place *place, const struct checkpoint_mark *mark, enum view_table table)
{
    struct table_sum sum = {.table = table};
    struct walk walk = {
        .place = place, .name = view_tables[table].name, .row = view_row_check, .context = &sum};
    if (!place_table(place, walk.name, &walk.table)) {
        verify_found(place->verify, 0, 0, "views: the table %s is missing", walk.name);
        return;
    }
    walk_run(&walk);
    if (sum.rows != mark->rows[table])
        verify_found(place->verify, 0, 0, "views: table %s has %llu rows and should have %llu",
                     walk.name, (unsigned long long)sum.rows,
                     (unsigned long long)mark->rows[table]);
    else if (sum.sum != mark->sums[table])
        verify_found(place->verify, 0, 0,
                     "views: the rows of table %s are not those it should have", walk.name);
}

/* A mark tells of each table by itself, so that each may be looked at in a snapshot of its own. */
static void
views_check(struct place *place)
{
    struct checkpoint_mark mark;
    bool good = mark_note(place, &mark);
    for (unsigned i = 0; good && i < VIEW_TABLE_COUNT; i++) {
        view_check(place, &mark, (enum view_table)i);
        good = place_renew(place) && mark_note(place, &mark);
    }
}

void
verify_views(const struct verify *verify)
{
    struct place place;
    verify->state->has_views = place_exists(&place, verify, verify->dir, "views");
    if (!verify->state->has_views)
        return;
    /* Behind a power cut parts may be anything; beside a daemon they are what it sees. */
    if (!verify->is_online && rollback_exists(place.dir)) {
        verify->state->is_part = true;
        return;
    }
    place_check_heads(&place);
    if (place_open(&place)) {
        views_check(&place);
        if (place.txn)
            pages_check_use(&place);
    }
    place_close(&place);
}

enum kith_err
verify_compare(const struct verify *verify, const char *other_dir, struct fault *fault)
{
    const char *const dirs[] = {verify->dir, other_dir};
    struct checkpoint_mark marks[ARRAY_COUNT(dirs)];
    for (size_t i = 0; i < ARRAY_COUNT(dirs); i++) {
        struct place place;
        bool good = place_exists(&place, verify, dirs[i], "views") && place_open(&place) &&
                    mark_read(&place, &marks[i]);
        place_close(&place);
        if (!good) {
            fault_set(fault, "%s cannot be read", place.path);
            return KITH_UNAVAILABLE;
        }
    }
    assert(marks[0].applied == marks[1].applied);
    for (unsigned i = 0; i < VIEW_TABLE_COUNT; i++) {
        if (marks[0].rows[i] == marks[1].rows[i] && marks[0].sums[i] == marks[1].sums[i])
            continue;
        fault_set(fault, "table %s: %llu rows, and %llu when made anew", view_tables[i].name,
                  (unsigned long long)marks[0].rows[i], (unsigned long long)marks[1].rows[i]);
        return KITH_INTERNAL;
    }
    return KITH_OK;
}
