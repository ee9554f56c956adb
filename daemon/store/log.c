#include "store/log.h"

#include <sodium.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/endian.h"
#include "store/parts.h"
#include "store/row.h"
#include "store/store.h"

/* A record on disk: checksum, time, body. */
#define CHECKSUM_SIZE    8
#define RECORD_HEAD_SIZE (CHECKSUM_SIZE + 8)
#define RECORD_SIZE_MAX  ((size_t)64 * 1024 * 1024) /* far above any event; below LMDB's limit */

/* Rows of table "meta", each with a trailer as rows of views have. */
#define META_TABLE    0 /* seed of their hashes */
#define META_FORMAT   "format"
#define META_EPOCH    "epoch"
#define META_BASE     "base" /* sequence and checksum in front of the first record */
#define META_SIZE_MAX 32

/* Memory for pending records that is kept between batches, and the address space for them: a
 * batch is bounded by what a turn of the loop drains. */
#define PENDING_KEEP_SIZE ((size_t)16 * 1024 * 1024)
#define PENDING_SIZE_MAX  ((size_t)4 * 1024 * 1024 * 1024)

struct tip {
    seq_t seq;
    uint64_t checksum; /* of what is on disk only */
    msec_t at_ms;
};

/* A record that waits for the end of the batch, as it will be on disk but for its checksum. */
struct pending {
    uint32_t place;
    uint32_t size;
};

/* Records that wait to be written, all of one batch. */
struct gather {
    struct arena arena; /* the records, which therefore stay where they are */
    struct buf pending; /* struct pending, for each in the order of their sequences */
};

struct log {
    struct env *env;
    MDB_dbi meta, events;
    MDB_cursor *cursor; /* of the reader */
    uint64_t renewals;  /* of the reader when the cursor was last renewed */

    uint64_t epoch;
    struct tip base;    /* what the first record stands on: sequence 0 and the epoch */
    struct tip durable; /* the last record on disk */
    struct tip sealed;  /* the last of the sealed batch, which is being written; else durable */
    struct tip last;    /* the last record, pending ones included */

    struct gather gathers[2];
    unsigned open;    /* the gather of the open batch; the other one is the sealed batch's */
    uint64_t written; /* the checksum that log_write() has come to: at first that of `durable` */
    bool failed;      /* memory ran out within the open batch */
    seq_t damage;
};

seq_t
log_first(const struct log *log)
{
    return log->base.seq + 1;
}

seq_t
log_last(const struct log *log)
{
    return log->last.seq;
}

seq_t
log_durable(const struct log *log)
{
    return log->durable.seq;
}

msec_t
log_last_at(const struct log *log)
{
    return log->last.at_ms;
}

msec_t
log_durable_at(const struct log *log)
{
    return log->durable.at_ms;
}

uint64_t
log_epoch(const struct log *log)
{
    return log->epoch;
}

seq_t
log_damage(const struct log *log)
{
    return log->damage;
}

/* ---- Reading ---- */

static uint64_t
record_hash(struct slice record, uint64_t seed)
{
    assert(record.size >= RECORD_HEAD_SIZE);
    return XXH3_64bits_withSeed(record.data + CHECKSUM_SIZE, record.size - CHECKSUM_SIZE, seed);
}

static enum kith_err
damaged(struct log *log, seq_t seq)
{
    if (log->damage == 0)
        log->damage = seq;
    return KITH_INTERNAL;
}

static MDB_cursor *
reader_cursor(struct log *log)
{
    MDB_txn *txn = env_reader(log->env);
    if (!txn)
        return NULL;
    if (log->cursor && log->renewals == log->env->renewals)
        return log->cursor;
    int rc = log->cursor ? mdb_cursor_renew(txn, log->cursor)
                         : mdb_cursor_open(txn, log->events, &log->cursor);
    log->renewals = log->env->renewals;
    return rc == 0 ? log->cursor : NULL;
}

static const struct pending *
pending_at(const struct gather *gather, size_t index)
{
    const struct pending *pending = (const struct pending *)(const void *)gather->pending.data;
    assert((index + 1) * sizeof(*pending) <= gather->pending.size);
    return &pending[index];
}

/* The record that is number @index of those that wait here. */
static struct slice
gather_at(const struct gather *gather, size_t index)
{
    const struct pending *pending = pending_at(gather, index);
    return slice_of(arena_at(&gather->arena, pending->place), pending->size);
}

static void
gather_clear(struct gather *gather)
{
    arena_clear(&gather->arena, PENDING_KEEP_SIZE);
    buf_clear(&gather->pending);
}

/* The whole record @seq, which must exist; absent where it cannot be read. */
static struct slice
record_at(struct log *log, seq_t seq)
{
    assert(seq > log->base.seq && seq <= log->last.seq);
    if (seq > log->sealed.seq)
        return gather_at(&log->gathers[log->open], seq - log->sealed.seq - 1);
    if (seq > log->durable.seq)
        return gather_at(&log->gathers[!log->open], seq - log->durable.seq - 1);
    uint8_t name[8];
    put_be64(name, seq);
    MDB_val key = {sizeof(name), name}, value;
    /* One cursor for all: the neighbour of the record last read is found without a search. */
    MDB_cursor *cursor = reader_cursor(log);
    if (!cursor || mdb_cursor_get(cursor, &key, &value, MDB_SET) != 0)
        return (struct slice){0};
    return env_slice(value);
}

enum kith_err
log_checksum(struct log *log, seq_t seq, uint64_t *out)
{
    assert(seq >= log->base.seq && seq <= log->durable.seq);
    if (seq == log->base.seq || seq == log->durable.seq) {
        *out = seq == log->durable.seq ? log->durable.checksum : log->base.checksum;
        return KITH_OK;
    }
    struct slice record = record_at(log, seq);
    if (record.size < RECORD_HEAD_SIZE)
        return damaged(log, seq);
    *out = get_be64(record.data);
    return KITH_OK;
}

static struct log_record
record_of(struct slice stored, seq_t seq)
{
    assert(stored.size >= RECORD_HEAD_SIZE);
    return (struct log_record){
        .seq = seq,
        .at_ms = (msec_t)get_be64(stored.data + CHECKSUM_SIZE),
        .body = {stored.data + RECORD_HEAD_SIZE, stored.size - RECORD_HEAD_SIZE},
    };
}

bool
log_record_check(struct slice stored, seq_t seq, uint64_t seed, struct log_record *out)
{
    if (stored.size < RECORD_HEAD_SIZE || get_be64(stored.data) != record_hash(stored, seed))
        return false;
    *out = record_of(stored, seq);
    return true;
}

/* Read record @seq and check it against *checksum, its predecessor's, which becomes its own. One
 * that is not on disk has none yet. */
static enum kith_err
record_read(struct log *log, seq_t seq, struct log_record *out, uint64_t *checksum)
{
    struct slice record = record_at(log, seq);
    if (seq > log->durable.seq) {
        *out = record_of(record, seq);
        return KITH_OK;
    }
    if (!log_record_check(record, seq, *checksum, out))
        return damaged(log, seq);
    *checksum = get_be64(record.data);
    return KITH_OK;
}

enum kith_err
log_read(struct log *log, seq_t seq, struct log_record *out)
{
    if (seq <= log->base.seq || seq > log->last.seq)
        return KITH_NOT_FOUND;
    uint64_t checksum = 0;
    enum kith_err err = seq > log->durable.seq ? KITH_OK : log_checksum(log, seq - 1, &checksum);
    return err ? err : record_read(log, seq, out, &checksum);
}

void
log_scan_begin(struct log_scan *scan, struct log *log, seq_t after)
{
    *scan = (struct log_scan){.log = log, .seq = after};
    if (after < log->base.seq)
        scan->seq = log->base.seq;
    if (scan->seq <= log->durable.seq)
        scan->err = log_checksum(log, scan->seq, &scan->checksum);
    else if (scan->seq > log->last.seq)
        scan->seq = UINT64_MAX; /* it stays at the end, whatever is appended meanwhile */
}

bool
log_scan_next(struct log_scan *scan, struct log_record *out)
{
    if (scan->err != KITH_OK || scan->seq >= scan->log->last.seq)
        return false;
    scan->err = record_read(scan->log, scan->seq + 1, out, &scan->checksum);
    if (scan->err != KITH_OK)
        return false;
    scan->seq++;
    return true;
}

void
log_scan_end(struct log_scan *scan)
{
    scan->log = NULL;
}

enum kith_err
log_find_time(struct log *log, msec_t at_ms, seq_t *seq)
{
    seq_t low = log->base.seq + 1, high = log->last.seq + 1;
    while (low < high) {
        seq_t middle = low + (high - low) / 2;
        struct log_record record;
        enum kith_err err = log_read(log, middle, &record);
        if (err != KITH_OK)
            return err;
        if (record.at_ms < at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    *seq = low;
    return KITH_OK;
}

/* ---- Appending ---- */

/* Room for a record that will be the next, with its place noted; NULL if memory is short. */
static uint8_t *
pending_add(struct log *log, size_t size)
{
    struct gather *gather = &log->gathers[log->open];
    uint32_t place = arena_alloc(&gather->arena, size);
    struct pending pending = {place, (uint32_t)size};
    buf_append(&gather->pending, &pending, sizeof(pending));
    if (place == 0 || gather->pending.failed)
        return NULL;
    return arena_at(&gather->arena, place);
}

seq_t
log_append(struct log *log, msec_t at_ms, struct slice body)
{
    assert(at_ms >= log->last.at_ms);
    assert(body.size <= RECORD_SIZE_MAX);
    if (log->failed)
        return 0;
    uint8_t *to = pending_add(log, RECORD_HEAD_SIZE + body.size);
    if (!to) {
        log->failed = true;
        return 0;
    }
    put_be64(to + CHECKSUM_SIZE, (uint64_t)at_ms);
    if (body.size)
        memcpy(to + RECORD_HEAD_SIZE, body.data, body.size);
    log->last = (struct tip){.seq = log->last.seq + 1, .at_ms = at_ms};
    return log->last.seq;
}

bool
log_has_pending(const struct log *log)
{
    return log->last.seq > log->sealed.seq;
}

bool
log_failed(const struct log *log)
{
    return log->failed;
}

void
log_seal(struct log *log)
{
    assert(!log->failed && log->sealed.seq == log->durable.seq);
    log->sealed = log->last;
    log->written = log->durable.checksum;
    log->open = !log->open;
    assert(log->gathers[log->open].pending.size == 0);
}

/* Give record @index of those that wait its checksum: here, since the loop has more to do than the
 * thread that writes. It reads what is behind the checksum meanwhile. */
static struct slice
record_finish(struct log *log, const struct gather *gather, size_t index)
{
    struct slice record = gather_at(gather, index);
    log->written = record_hash(record, log->written);
    put_be64(arena_at(&gather->arena, pending_at(gather, index)->place), log->written);
    return record;
}

void
log_write(struct log *log, struct env_txn *txn)
{
    const struct gather *gather = &log->gathers[!log->open];
    size_t count = log->sealed.seq - log->durable.seq;
    assert(gather->pending.size == count * sizeof(struct pending));

    MDB_cursor *cursor = env_append_begin(txn, log->events);
    for (size_t i = 0; i < count && txn->rc == 0; i++) {
        uint8_t name[8];
        put_be64(name, log->durable.seq + 1 + i);
        env_append(txn, cursor, slice_of(name, sizeof(name)), record_finish(log, gather, i));
    }
    env_append_end(cursor);
}

void
log_keep(struct log *log)
{
    log->durable = log->sealed;
    log->durable.checksum = log->written;
    gather_clear(&log->gathers[!log->open]);
}

void
log_drop(struct log *log)
{
    log->last = log->sealed;
    gather_clear(&log->gathers[log->open]);
    log->failed = false;
}

void
log_drop_sealed(struct log *log)
{
    assert(!log_has_pending(log));
    log->last = log->sealed = log->durable;
    gather_clear(&log->gathers[!log->open]);
}

/* ---- Opening ---- */

/* The sequence of the last record on disk; the base's if there is none. False if that cannot be
 * read. */
static bool
disk_last(struct log *log, seq_t *seq)
{
    MDB_val key, value;
    MDB_cursor *cursor = reader_cursor(log);
    int rc = cursor ? mdb_cursor_get(cursor, &key, &value, MDB_LAST) : MDB_CORRUPTED;
    if (rc == MDB_NOTFOUND) {
        *seq = log->base.seq;
        return true;
    }
    if (rc != 0 || key.mv_size != 8)
        return false;
    *seq = get_be64(key.mv_data);
    return true;
}

bool
log_is_unchanged(struct log *log)
{
    seq_t seq;
    env_refresh(log->env);
    return disk_last(log, &seq) && seq == log->durable.seq;
}

static void
meta_put(struct log *log, struct env_txn *txn, const char *name, struct slice value)
{
    uint8_t row[META_SIZE_MAX];
    struct slice key = slice_str(name);
    assert(value.size + ROW_TRAILER_SIZE <= sizeof(row));
    memcpy(row, value.data, value.size);
    put_be32(row + value.size, (uint32_t)row_hash(META_TABLE, key, value));
    env_put(txn, log->meta, key, slice_of(row, value.size + ROW_TRAILER_SIZE));
}

/* False if the row is missing, damaged or not of this size. */
static bool
meta_get(struct env_txn *txn, MDB_dbi meta, const char *name, void *out, size_t size)
{
    struct slice key = slice_str(name), value = env_get(txn, meta, key);
    if (!value.data || !row_check(META_TABLE, key, &value, NULL) || value.size != size)
        return false;
    memcpy(out, value.data, size);
    return true;
}

static void
meta_make(struct log *log, struct env_txn *txn)
{
    uint8_t format[4], epoch[8], base[16];
    randombytes_buf(&log->epoch, sizeof(log->epoch));
    put_be32(format, STORE_FORMAT);
    put_be64(epoch, log->epoch);
    put_be64(base, 0);
    put_be64(base + 8, log->epoch);
    meta_put(log, txn, META_FORMAT, slice_of(format, sizeof(format)));
    meta_put(log, txn, META_EPOCH, slice_of(epoch, sizeof(epoch)));
    meta_put(log, txn, META_BASE, slice_of(base, sizeof(base)));
}

static enum kith_err
meta_parse(struct env_txn *txn, MDB_dbi meta, struct log_meta *out, struct fault *fault)
{
    uint8_t format[4], epoch[8], base[16];
    if (!meta_get(txn, meta, META_FORMAT, format, sizeof(format))) {
        fault_set(fault, "it is not a log of kith, or is damaged: restore it from a backup");
        return KITH_INTERNAL;
    }
    if (get_be32(format) != STORE_FORMAT) {
        fault_set(fault, "it has format %u and this program knows format %u: use the %s",
                  (unsigned)get_be32(format), STORE_FORMAT,
                  get_be32(format) > STORE_FORMAT ? "newer program" : "older one to convert it");
        return KITH_UNAVAILABLE;
    }
    if (!meta_get(txn, meta, META_EPOCH, epoch, sizeof(epoch)) ||
        !meta_get(txn, meta, META_BASE, base, sizeof(base))) {
        fault_set(fault, "it is damaged: restore it from a backup");
        return KITH_INTERNAL;
    }
    *out = (struct log_meta){get_be64(epoch), get_be64(base + 8), get_be64(base)};
    return KITH_OK;
}

bool
log_meta_read(MDB_txn *txn, MDB_dbi meta, struct log_meta *out, struct fault *fault)
{
    struct env_txn reading = {.txn = txn};
    return meta_parse(&reading, meta, out, fault) == KITH_OK;
}

/* Read the rows of table meta, or make them in a new log. */
static enum kith_err
meta_load(struct log *log, struct env_txn *txn, struct fault *fault)
{
    struct log_meta meta;
    struct fault why = {""};
    MDB_stat stat;
    if (txn->rc != 0)
        return KITH_OK; /* env_commit() will say so */
    bool is_new = log->env->commits < LOG_COMMIT;
    if (is_new && mdb_stat(txn->txn, log->meta, &stat) == 0 && stat.ms_entries == 0)
        meta_make(log, txn);
    if (txn->rc != 0)
        return KITH_OK;

    enum kith_err err = meta_parse(txn, log->meta, &meta, &why);
    if (err != KITH_OK) {
        fault_set(fault, "%s/data.mdb: %s", log->env->dir, why.text);
        return err;
    }
    log->epoch = meta.epoch;
    log->base = (struct tip){.seq = meta.base_seq, .checksum = meta.base_checksum};
    return KITH_OK;
}

static enum kith_err
tables_open(struct log *log, struct fault *fault)
{
    struct env_txn txn;
    env_begin(&txn, log->env);
    log->meta = env_table_of(&txn, "meta", LOG_COMMIT);
    enum kith_err err = meta_load(log, &txn, fault);
    if (err != KITH_OK) {
        env_abort(&txn);
        return err;
    }
    log->events = env_table_of(&txn, "events", LOG_COMMIT);
    return env_commit(&txn, fault);
}

/* Find the last record, and check that it is sound and that none is missing before it. */
static enum kith_err
tip_load(struct log *log, struct fault *fault)
{
    MDB_stat stat = {0};
    seq_t last;
    struct log_record record;
    struct tip *tip = &log->durable;

    if (!disk_last(log, &last) || mdb_stat(env_reader(log->env), log->events, &stat) != 0 ||
        last - log->base.seq != stat.ms_entries) {
        fault_set(fault, "%s/data.mdb is damaged: events are missing: restore it from a backup",
                  log->env->dir);
        return KITH_INTERNAL;
    }
    *tip = log->base;
    if (last > log->base.seq) {
        uint64_t checksum;
        tip->seq = log->sealed.seq = log->last.seq = last;
        if (log_checksum(log, last - 1, &checksum) != KITH_OK ||
            record_read(log, last, &record, &checksum) != KITH_OK) {
            fault_set(fault, "%s/data.mdb is damaged at event %llu: restore it from a backup",
                      log->env->dir, (unsigned long long)log->damage);
            return KITH_INTERNAL;
        }
        tip->checksum = checksum;
        tip->at_ms = record.at_ms;
    }
    log->sealed = log->last = *tip;
    return KITH_OK;
}

enum kith_err
log_open(struct log **out, struct env *env, struct fault *fault)
{
    struct log *log = calloc(1, sizeof(*log));
    if (!log || !arena_init(&log->gathers[0].arena, PENDING_SIZE_MAX) ||
        !arena_init(&log->gathers[1].arena, PENDING_SIZE_MAX)) {
        log_close(log);
        fault_set(fault, "%s: out of memory", env->dir);
        return KITH_UNAVAILABLE;
    }
    log->env = env;
    enum kith_err err = tables_open(log, fault);
    if (err == KITH_OK)
        err = tip_load(log, fault);
    if (err != KITH_OK) {
        log_close(log);
        return err;
    }
    *out = log;
    return KITH_OK;
}

void
log_close(struct log *log)
{
    if (!log)
        return;
    if (log->cursor)
        mdb_cursor_close(log->cursor);
    for (unsigned i = 0; i < ARRAY_COUNT(log->gathers); i++) {
        arena_fini(&log->gathers[i].arena);
        buf_fini(&log->gathers[i].pending);
    }
    free(log);
}
