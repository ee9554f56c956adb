/* Looking at the log: it is walked by number, for its numbers are dense. */

#include "base/assert.h"
#include "base/endian.h"
#include "store/parts.h"
#include "store/row.h"
#include "store/verify_pages.h"

#define SEED_KEYS       0    /* of the hashes of their rows */
#define RENEW_COUNT     1000 /* events looked at in one snapshot: about a millisecond */
#define RECORD_SIZE_MIN 24   /* key, checksum and time: so many fit a page at most */

/* A walk over the events, from the first to the last that there was when it began. */
struct events {
    struct place *place;
    MDB_dbi table;
    MDB_cursor *cursor;
    bool is_on_cursor; /* the next record should be the next one of the cursor */
    seq_t last;
    uint64_t checksum; /* what the next record stands on */
    msec_t at_ms;
    unsigned renew_in;
    const char *bad; /* a run of bad records not yet told, and what is wrong with them; or NULL */
    seq_t bad_first, bad_last;
};

static const char is_missing[] = "log: events are missing, or are not where they are looked for";
static const char is_astray[] = "log: the record is found, but not in the order of the others";
static const char is_damaged[] =
    "log: the record is damaged: its checksum or its place in the chain is wrong";
static const char is_unknown[] = "log: the record is no event that this version knows";

static void
bad_tell(struct events *events)
{
    if (events->bad)
        verify_found(events->place->verify, events->bad_first, events->bad_last, "%s", events->bad);
    events->bad = NULL;
}

/* Records next to each other with the same thing wrong are one finding. */
static void
bad_add(struct events *events, seq_t seq, const char *what)
{
    if (events->bad != what || events->bad_last + 1 != seq) {
        bad_tell(events);
        events->bad = what;
        events->bad_first = seq;
    }
    events->bad_last = seq;
}

/* ---- Finding a record ---- */

static bool
events_open(struct events *events)
{
    struct place *place = events->place;
    int rc = 0;
    if (!place_table(place, "events", &events->table))
        verify_found(place->verify, 0, 0, "log: the table events is missing");
    else if ((rc = mdb_cursor_open(place->txn, events->table, &events->cursor)) != 0)
        verify_found(place->verify, 0, 0, "log: table events: %s", mdb_strerror(rc));
    else
        return true;
    events->cursor = NULL;
    return false;
}

/* Take a snapshot of now, with a cursor that is nowhere; with none where that fails. */
static void
events_renew(struct events *events)
{
    mdb_cursor_close(events->cursor);
    events->cursor = NULL;
    events->is_on_cursor = false;
    events->renew_in = RENEW_COUNT;
    if (place_renew(events->place))
        events_open(events);
}

/* True if @rc is 0. Any damage that LMDB finds makes the snapshot useless for all that follows, so
 * that there has to be another. */
static bool
is_well(struct events *events, int rc)
{
    if (rc != 0 && rc != MDB_NOTFOUND)
        events_renew(events);
    return rc == 0;
}

/* Put the cursor on record @seq, where it is. */
static void
cursor_set(struct events *events, seq_t seq)
{
    uint8_t name[8];
    put_be64(name, seq);
    MDB_val key = {sizeof(name), name}, value;
    events->is_on_cursor =
        events->cursor && is_well(events, mdb_cursor_get(events->cursor, &key, &value, MDB_SET));
}

/* Is record @seq the next one in the order of the records? */
static bool
cursor_next(struct events *events, seq_t seq, MDB_val *value)
{
    MDB_val key = {0};
    return is_well(events, mdb_cursor_get(events->cursor, &key, value, MDB_NEXT)) &&
           key.mv_size == 8 && get_be64(key.mv_data) == seq;
}

static bool
event_get(struct events *events, seq_t seq, MDB_val *value)
{
    uint8_t name[8];
    put_be64(name, seq);
    MDB_val key = {sizeof(name), name};
    return events->cursor &&
           is_well(events, mdb_get(events->place->txn, events->table, &key, value));
}

/* Find record @seq by its key, and by the order of the records: both must lead to it. Absent if its
 * key leads nowhere. The key comes first: a search tells of a page that is none, where a step to it
 * would end the process. */
static struct slice
event_find(struct events *events, seq_t seq)
{
    MDB_val next = {0}, value;
    bool was_on_cursor = events->is_on_cursor;
    events->is_on_cursor = false;
    if (!event_get(events, seq, &value))
        return (struct slice){0};
    if (!was_on_cursor)
        return env_slice(value);
    if (cursor_next(events, seq, &next) && next.mv_data == value.mv_data &&
        next.mv_size == value.mv_size) {
        events->is_on_cursor = true;
        return env_slice(value);
    }
    bad_add(events, seq, is_astray);
    /* It may be another snapshot by now. */
    return event_get(events, seq, &value) ? env_slice(value) : (struct slice){0};
}

static void
event_check(struct events *events, seq_t seq, struct slice stored)
{
    const struct verify *verify = events->place->verify;
    const struct verify_state *state = verify->state;
    struct log_record record;
    if (!log_record_check(stored, seq, events->checksum, &record) || record.at_ms < events->at_ms) {
        bad_add(events, seq, is_damaged);
    } else {
        events->at_ms = record.at_ms;
        if (!verify->decodes(verify->context, &record))
            bad_add(events, seq, is_unknown);
        else if (state->has_mark && seq == state->applied &&
                 state->views_chain != get_be64(stored.data))
            verify_found(verify, seq, seq, "views: they have seen another event in its place");
    }
    /* Its own checksum goes on, so that one damaged record is one finding. */
    events->checksum = stored.size >= 8 ? get_be64(stored.data) : 0;
}

/* ---- All of them ---- */

/* The key of the last record; @base where there is none, or none that can be read. */
static seq_t
last_key(struct events *events, seq_t base)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    if (mdb_cursor_open(events->place->txn, events->table, &cursor) != 0)
        return base;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    mdb_cursor_close(cursor);
    return rc == 0 && key.mv_size == 8 ? get_be64(key.mv_data) : base;
}

/* Which one is the last? The order and the table's count must agree. Where they do not, the walk
 * goes as far as either says, but no further than a file of this size can hold. */
static void
events_count(struct events *events)
{
    const struct place *place = events->place;
    struct verify_state *state = place->verify->state;
    seq_t base = state->first_seq - 1, last = last_key(events, base);
    MDB_stat stat = {0};
    if (mdb_stat(place->txn, events->table, &stat) != 0 || last - base != stat.ms_entries)
        verify_found(place->verify, 0, 0, "log: %llu events are there, and the last is number %llu",
                     (unsigned long long)stat.ms_entries, (unsigned long long)last);
    uint64_t count = stat.ms_entries, limit = place->page_count * (stat.ms_psize / RECORD_SIZE_MIN);
    if (last > base && last - base > count)
        count = last - base;
    state->events_count = count < limit ? count : limit;
    state->last_seq = events->last = base + state->events_count;
}

static void
events_walk(struct events *events)
{
    const struct verify *verify = events->place->verify;
    struct verify_state *state = verify->state;
    for (seq_t seq = state->first_seq; seq <= events->last && events->cursor; seq++) {
        struct slice stored = event_find(events, seq);
        state->at = seq;
        if (stored.data) {
            state->events++;
            event_check(events, seq, stored);
        } else {
            bad_add(events, seq, is_missing);
        }
        verify_read(verify, sizeof(seq) + stored.size);
        if (--events->renew_in == 0)
            events_renew(events);
        if (!events->is_on_cursor && stored.data && events->cursor)
            cursor_set(events, seq);
    }
    bad_tell(events);
}

static void
events_check(struct place *place, const struct log_meta *meta)
{
    struct events events = {
        .place = place, .checksum = meta->base_checksum, .renew_in = RENEW_COUNT};
    if (events_open(&events)) {
        events_count(&events);
        events.is_on_cursor = true; /* One that was nowhere yet goes to the first. */
        events_walk(&events);
    }
    if (events.cursor)
        mdb_cursor_close(events.cursor);
}

/* ---- What stands beside the events ---- */

/* Their rows have a trailer, as rows of views have. */
static const struct other_table {
    const char *name;
    uint8_t seed;
} others[] = {{"keys", SEED_KEYS},
#define X(id, name) {name, STATE_##id},
              STATE_TABLE_LIST(X)
#undef X
};

static void
row_is_sound(struct walk *walk, struct slice key, struct slice value)
{
    const struct other_table *table = walk->context;
    const struct verify *verify = walk->place->verify;
    if (!row_check(table->seed, key, &value, NULL))
        verify_found(verify, 0, 0, "log: table %s: row %llu is damaged", walk->name,
                     (unsigned long long)walk->count + 1);
    verify->state->keys++;
}

static bool
others_check(struct place *place)
{
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        struct walk walk = {.place = place,
                            .name = others[i].name,
                            .row = row_is_sound,
                            .context = (void *)(uintptr_t)&others[i]};
        if (!place_renew(place))
            return false;
        if (place_table(place, walk.name, &walk.table))
            walk_run(&walk);
    }
    return true;
}

static bool
meta_check(struct place *place, struct log_meta *meta)
{
    const struct verify *verify = place->verify;
    struct fault fault = {""};
    MDB_dbi table;
    if (!place_table(place, "meta", &table)) {
        verify_found(verify, 0, 0, "log: the table meta is missing");
        return false;
    }
    if (!log_meta_read(place->txn, table, meta, &fault)) {
        verify_found(verify, 0, 0, "log: %s", fault.text);
        return false;
    }
    verify->state->epoch = meta->epoch;
    verify->state->first_seq = meta->base_seq + 1;
    verify->state->last_seq = meta->base_seq;
    return true;
}

/* Do the views belong to this log? */
static void
mark_check(const struct verify *verify)
{
    const struct verify_state *state = verify->state;
    if (!state->has_mark)
        return;
    if (state->views_epoch != state->epoch)
        verify_found(verify, 0, 0, "views: they derive from another log");
    else if (state->applied > state->last_seq)
        verify_found(verify, state->last_seq + 1, state->applied,
                     "log: the views have seen events that the log has not");
}

void
verify_log(const struct verify *verify)
{
    struct place place;
    struct log_meta meta;
    if (!place_exists(&place, verify, verify->dir, "log")) {
        verify_found(verify, 0, 0, "there is no log in %s", verify->dir);
        return;
    }
    place_check_heads(&place);
    if (place_open(&place)) {
        if (meta_check(&place, &meta)) {
            events_check(&place, &meta);
            mark_check(verify);
        }
        if (place.txn && others_check(&place) && place_renew(&place))
            pages_check_use(&place);
    }
    place_close(&place);
}
