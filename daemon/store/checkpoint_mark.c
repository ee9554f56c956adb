#include "base/assert.h"
#include "base/endian.h"
#include "store/checkpoint.h"
#include "store/store.h"

#define MARK_NAME   "state"
#define MARK_TABLE  0 /* seed of the row's hash */
#define MARK_COUNT  (5 + 2 * VIEW_TABLE_COUNT)
#define FORMAT_PART ((uint64_t)1 << 32 | STORE_FORMAT) /* who does not know it drops the views */

/* The row is a list of 8-byte numbers; another number of tables makes another length, so that
 * views of another shape are never taken for ours. */
void
checkpoint_mark_put(struct env_txn *txn, MDB_dbi meta, const struct checkpoint_mark *mark)
{
    uint8_t row[MARK_COUNT * 8 + ROW_TRAILER_SIZE], *at = row;
    const uint64_t head[] = {mark->is_part ? FORMAT_PART : STORE_FORMAT, mark->rows_version,
                             mark->epoch, mark->applied, mark->chain};
    for (size_t i = 0; i < ARRAY_COUNT(head); i++, at += 8)
        put_be64(at, head[i]);
    for (size_t i = 0; i < VIEW_TABLE_COUNT; i++, at += 16) {
        put_be64(at, mark->rows[i]);
        put_be64(at + 8, mark->sums[i]);
    }
    assert(at == row + MARK_COUNT * 8);
    struct slice name = slice_str(MARK_NAME);
    put_be32(at, (uint32_t)row_hash(MARK_TABLE, name, slice_of(row, MARK_COUNT * 8)));
    env_put(txn, meta, name, slice_of(row, sizeof(row)));
}

/* The row without its trailer; absent where there is none, or a damaged one. */
static struct slice
mark_row(struct env_txn *txn, MDB_dbi meta)
{
    struct slice name = slice_str(MARK_NAME), row = env_get(txn, meta, name);
    bool is_sound = row.data && row_check(MARK_TABLE, name, &row, NULL) && row.size >= 8;
    return is_sound ? row : (struct slice){0};
}

static bool
is_ours(struct slice row)
{
    return row.size == MARK_COUNT * 8 &&
           (get_be64(row.data) == STORE_FORMAT || get_be64(row.data) == FORMAT_PART);
}

bool
checkpoint_mark_is_foreign(struct env_txn *txn, MDB_dbi meta)
{
    struct slice row = mark_row(txn, meta);
    return row.data && !is_ours(row);
}

bool
checkpoint_mark_get(struct env_txn *txn, MDB_dbi meta, struct checkpoint_mark *mark)
{
    struct slice row = mark_row(txn, meta);
    if (!row.data || !is_ours(row))
        return false;
    *mark = (struct checkpoint_mark){
        .is_part = get_be64(row.data) == FORMAT_PART,
        .rows_version = (uint32_t)get_be64(row.data + 8),
        .epoch = get_be64(row.data + 16),
        .applied = get_be64(row.data + 24),
        .chain = get_be64(row.data + 32),
    };
    const uint8_t *at = row.data + 40;
    for (size_t i = 0; i < VIEW_TABLE_COUNT; i++, at += 16) {
        mark->rows[i] = get_be64(at);
        mark->sums[i] = get_be64(at + 8);
    }
    return true;
}
