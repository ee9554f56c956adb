#include "store/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/endian.h"
#include "store/checkpoint.h"
#include "store/parts.h"
#include "store/state.h"
#include "store/store.h"
#include "store/verify_pages.h"

#define MAP_SIZE_DEFAULT ((uint64_t)1 << 40)
#define PROGRESS_EVERY   65536 /* rows between two looks at the clock */
#define SEED_KEYS        0     /* of the hashes of their rows */

static void __attribute__((format(printf, 4, 5)))
found(const struct verify *verify, seq_t first, seq_t last, const char *format, ...)
{
    char text[FAULT_SIZE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    verify->state->findings++;
    verify->found(verify->context, &(struct verify_finding){first, last, text});
}

/* ---- One environment, read only ---- */

struct place {
    const struct verify *verify;
    const char *name; /* "log" or "views" */
    char path[FAULT_SIZE_MAX];
    MDB_env *mdb;
    MDB_txn *txn;
};

static bool
place_exists(struct place *place, const struct verify *verify, const char *dir, const char *name)
{
    struct stat status;
    *place = (struct place){.verify = verify, .name = name};
    snprintf(place->path, sizeof(place->path), "%s/%s/data.mdb", dir, name);
    return stat(place->path, &status) == 0 && status.st_size > 0;
}

static void
heads_check(const struct place *place)
{
    if (!pages_heads_are_sound(place->path))
        found(place->verify, 0, 0, "%s: one of the two heads of the file is damaged", place->name);
}

static bool
place_open(struct place *place)
{
    uint64_t map_size = place->verify->map_size;
    int rc = mdb_env_create(&place->mdb);
    if (rc == 0)
        rc = mdb_env_set_mapsize(place->mdb, map_size ? map_size : MAP_SIZE_DEFAULT);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(place->mdb, ENV_TABLES_MAX);
    if (rc == 0)
        rc = mdb_env_open(place->mdb, place->path, MDB_RDONLY | MDB_NOLOCK | MDB_NOSUBDIR, 0600);
    if (rc == 0)
        rc = mdb_txn_begin(place->mdb, NULL, MDB_RDONLY, &place->txn);
    if (rc != 0)
        found(place->verify, 0, 0, "%s/data.mdb cannot be opened: %s", place->name,
              mdb_strerror(rc));
    return rc == 0;
}

static void
place_close(struct place *place)
{
    if (place->txn)
        mdb_txn_abort(place->txn);
    if (place->mdb)
        mdb_env_close(place->mdb);
}

/* The table, or false where there is none. */
static bool
place_table(struct place *place, const char *name, MDB_dbi *table)
{
    int rc = mdb_dbi_open(place->txn, name, 0, table);
    if (rc != 0 && rc != MDB_NOTFOUND)
        found(place->verify, 0, 0, "%s: the table %s cannot be opened: %s", place->name, name,
              mdb_strerror(rc));
    return rc == 0;
}

/* ---- One table ---- */

struct walk {
    struct place *place;
    const char *name;
    MDB_dbi table;
    uint64_t count;
    /* Called for each row in order; false ends the walk. */
    bool (*row)(struct walk *walk, struct slice key, struct slice value);
    void *context;
};

/* A damaged branch page leads a search astray where a walk along the leaves notices nothing. */
static bool
is_found(const struct walk *walk, MDB_val key, MDB_val value)
{
    MDB_val again;
    return mdb_get(walk->place->txn, walk->table, &key, &again) == 0 &&
           again.mv_data == value.mv_data && again.mv_size == value.mv_size;
}

static bool
is_behind(struct slice key, const uint8_t *before, size_t size)
{
    return size == 0 || key_compare(slice_of(before, size), key) < 0;
}

/* Walk all rows of a table in order, and see that each is found by its key. */
static void
walk_run(struct walk *walk)
{
    const struct verify *verify = walk->place->verify;
    const char *where = walk->place->name;
    uint8_t before[512]; /* more than LMDB's longest key */
    size_t before_size = 0;
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_stat stat = {0};

    int rc = mdb_cursor_open(walk->place->txn, walk->table, &cursor);
    if (rc != 0) {
        found(verify, 0, 0, "%s: table %s: %s", where, walk->name, mdb_strerror(rc));
        return;
    }
    bool go = true;
    while (go && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        struct slice name = env_slice(key);
        go = name.size > 0 && name.size < sizeof(before) && is_behind(name, before, before_size) &&
             is_found(walk, key, value);
        if (!go)
            found(verify, 0, 0, "%s: table %s: row %llu is not where its key belongs", where,
                  walk->name, (unsigned long long)walk->count + 1);
        else
            memcpy(before, name.data, before_size = name.size);
        go = go && walk->row(walk, name, env_slice(value));
        if (++walk->count % PROGRESS_EVERY == 0)
            verify->progress(verify->context);
    }
    if (go && rc != MDB_NOTFOUND)
        found(verify, 0, 0, "%s: table %s: behind row %llu: %s", where, walk->name,
              (unsigned long long)walk->count, mdb_strerror(rc));
    else if (go && mdb_stat(walk->place->txn, walk->table, &stat) == 0 &&
             stat.ms_entries != walk->count)
        found(verify, 0, 0, "%s: table %s: %llu rows of %llu are there", where, walk->name,
              (unsigned long long)walk->count, (unsigned long long)stat.ms_entries);
    mdb_cursor_close(cursor);
}

/* ---- The log ---- */

struct chain {
    uint64_t checksum; /* what the next record stands on */
    seq_t next;
    msec_t at_ms;
    seq_t bad_first, bad_last; /* a run of bad records not yet told */
};

static void
chain_tell(const struct walk *walk, struct chain *chain)
{
    if (chain->bad_first)
        found(walk->place->verify, chain->bad_first, chain->bad_last,
              "log: the record is damaged: its checksum or its place in the chain is wrong");
    chain->bad_first = chain->bad_last = 0;
}

static bool
event_check(struct walk *walk, struct slice key, struct slice value)
{
    struct chain *chain = walk->context;
    const struct verify *verify = walk->place->verify;
    if (key.size != 8) {
        found(verify, 0, 0, "log: a key of %zu bytes among the events", key.size);
        return false;
    }
    seq_t seq = get_be64(key.data);
    struct log_record record;
    if (seq != chain->next) {
        chain_tell(walk, chain);
        found(verify, chain->next, seq - 1, "log: events are missing");
    }
    verify->state->at = seq;
    verify->state->events++;
    bool sound =
        log_record_check(value, seq, chain->checksum, &record) && record.at_ms >= chain->at_ms;
    if (!sound) {
        chain->bad_first = chain->bad_first ? chain->bad_first : seq;
        chain->bad_last = seq;
    } else {
        chain_tell(walk, chain);
        chain->at_ms = record.at_ms;
        if (!verify->decodes(verify->context, &record))
            found(verify, seq, seq, "log: the record is no event that this version knows");
    }
    /* Its own checksum goes on, so that one damaged record is one finding. */
    chain->checksum = value.size >= 8 ? get_be64(value.data) : 0;
    chain->next = seq + 1;
    return true;
}

/* The tables beside the events: their rows have a trailer, as rows of views have. */
static const struct other_table {
    const char *name;
    uint8_t seed;
} others[] = {{"keys", SEED_KEYS},
#define X(id, name) {name, STATE_##id},
              STATE_TABLE_LIST(X)
#undef X
};

static bool
row_is_sound(struct walk *walk, struct slice key, struct slice value)
{
    const struct other_table *table = walk->context;
    if (!row_check(table->seed, key, &value, NULL))
        found(walk->place->verify, 0, 0, "log: table %s: row %llu is damaged", walk->name,
              (unsigned long long)walk->count + 1);
    walk->place->verify->state->keys++;
    return true;
}

static bool
log_begin(struct place *place, struct chain *chain)
{
    struct verify_state *state = place->verify->state;
    struct fault fault = {""};
    struct log_meta meta;
    MDB_dbi table;
    if (!place_table(place, "meta", &table)) {
        found(place->verify, 0, 0, "log: the table meta is missing");
        return false;
    }
    if (!log_meta_read(place->txn, table, &meta, &fault)) {
        found(place->verify, 0, 0, "log: %s", fault.text);
        return false;
    }
    state->epoch = meta.epoch;
    state->first_seq = chain->next = meta.base_seq + 1;
    state->last_seq = meta.base_seq;
    chain->checksum = meta.base_checksum;
    return true;
}

static void
events_check(struct place *place, struct chain *chain)
{
    struct walk walk = {.place = place, .name = "events", .row = event_check, .context = chain};
    if (!place_table(place, "events", &walk.table)) {
        found(place->verify, 0, 0, "log: the table events is missing");
        return;
    }
    walk_run(&walk);
    chain_tell(&walk, chain);
    place->verify->state->last_seq = chain->next - 1;
}

void
verify_log(const struct verify *verify)
{
    struct place place;
    struct chain chain = {0};
    if (!place_exists(&place, verify, verify->dir, "log")) {
        found(verify, 0, 0, "there is no log in %s", verify->dir);
        return;
    }
    heads_check(&place);
    if (place_open(&place)) {
        if (log_begin(&place, &chain))
            events_check(&place, &chain);
        for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
            struct walk walk = {.place = &place,
                                .name = others[i].name,
                                .row = row_is_sound,
                                .context = (void *)(uintptr_t)&others[i]};
            if (place_table(&place, walk.name, &walk.table))
                walk_run(&walk);
        }
        pages_check_use(place.txn, "log", verify, found);
    }
    place_close(&place);
}

/* ---- The views ---- */

struct table_sum {
    enum view_table table;
    uint64_t rows, sum;
};

static bool
view_row_check(struct walk *walk, struct slice key, struct slice value)
{
    struct table_sum *sum = walk->context;
    uint64_t hash = 0;
    if (!row_check((uint8_t)sum->table, key, &value, &hash))
        found(walk->place->verify, 0, 0, "views: table %s: row %llu is damaged", walk->name,
              (unsigned long long)walk->count + 1);
    sum->rows++;
    sum->sum += hash;
    walk->place->verify->state->rows++;
    return true;
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

/* Do these views belong to this log? */
static void
mark_check(struct place *place, const struct checkpoint_mark *mark)
{
    const struct verify *verify = place->verify;
    const struct verify_state *state = verify->state;
    if (mark->epoch != state->epoch)
        found(verify, 0, 0, "views: they derive from another log");
    else if (mark->applied > state->last_seq)
        found(verify, state->last_seq + 1, mark->applied,
              "log: the views have seen events that the log has not");
    if (mark->rows_version != verify->rows_version)
        found(verify, 0, 0, "views: another version of kithd wrote them");
}

static void
view_check(struct place *place, const struct checkpoint_mark *mark, enum view_table table)
{
    struct table_sum sum = {.table = table};
    struct walk walk = {
        .place = place, .name = view_tables[table].name, .row = view_row_check, .context = &sum};
    if (!place_table(place, walk.name, &walk.table)) {
        found(place->verify, 0, 0, "views: the table %s is missing", walk.name);
        return;
    }
    walk_run(&walk);
    if (sum.rows != mark->rows[table])
        found(place->verify, 0, 0, "views: table %s has %llu rows and should have %llu", walk.name,
              (unsigned long long)sum.rows, (unsigned long long)mark->rows[table]);
    else if (sum.sum != mark->sums[table])
        found(place->verify, 0, 0, "views: the rows of table %s are not those it should have",
              walk.name);
}

void
verify_views(const struct verify *verify)
{
    struct place place;
    struct checkpoint_mark mark;
    verify->state->has_views = place_exists(&place, verify, verify->dir, "views");
    if (!verify->state->has_views)
        return;
    heads_check(&place);
    if (place_open(&place)) {
        if (!mark_read(&place, &mark)) {
            found(verify, 0, 0, "views: their mark is missing or damaged");
        } else {
            verify->state->applied = mark.applied;
            mark_check(&place, &mark);
            for (unsigned i = 0; i < VIEW_TABLE_COUNT; i++)
                view_check(&place, &mark, (enum view_table)i);
        }
        pages_check_use(place.txn, "views", verify, found);
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
