#include "store/verify_pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

/* The layout of LMDB 0.9 on 64-bit machines: a page's head, then what its source calls MDB_meta. */
#define HEAD_SIZE         16
#define META_MAGIC        0xBEEFC0DEu
#define META_VERSION      1
#define META_AT_VERSION   (HEAD_SIZE + 4)
#define META_AT_PAGE_SIZE (HEAD_SIZE + 24)
#define META_AT_NUMBER    (HEAD_SIZE + 128)
#define META_SIZE         (HEAD_SIZE + 136)
#define PAGE_SIZE_MIN     512
#define PAGE_SIZE_MAX     65536

#define TABLE_FREE 0 /* LMDB's own tables: which pages are free, and the names of the others */
#define TABLE_MAIN 1
#define META_COUNT 2
#define ID_SIZE    sizeof(size_t) /* of a page, in the list of free ones */

static uint32_t
load32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t
load64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

/* Commit N writes page N & 1, and a new file has zero in both. */
static bool
follow(uint64_t first, uint64_t second)
{
    if (first == 0 && second == 0)
        return true;
    bool next = first + 1 == second || second + 1 == first;
    return next && (first & 1) == 0 && (second & 1) == 1;
}

bool
pages_heads_are_sound(const char *path)
{
    uint8_t page[META_COUNT][META_SIZE];
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    bool good = fread(page[0], META_SIZE, 1, file) == 1;
    uint32_t page_size = good ? load32(page[0] + META_AT_PAGE_SIZE) : 0;
    good = good && page_size >= PAGE_SIZE_MIN && page_size <= PAGE_SIZE_MAX &&
           fseek(file, (long)page_size, SEEK_SET) == 0 && fread(page[1], META_SIZE, 1, file) == 1;
    for (size_t i = 0; good && i < META_COUNT; i++)
        good = load32(page[i] + HEAD_SIZE) == META_MAGIC &&
               load32(page[i] + META_AT_VERSION) == META_VERSION;
    if (good)
        good = follow(load64(page[0] + META_AT_NUMBER), load64(page[1] + META_AT_NUMBER));
    fclose(file);
    return good;
}

/* ---- Which pages are used ---- */

struct pages {
    uint64_t count; /* of the file */
    uint64_t used, free;
    uint8_t *is_free; /* a bit each */
    bool bad;
};

static void
count_table(struct pages *pages, MDB_txn *txn, MDB_dbi table)
{
    MDB_stat stat;
    if (mdb_stat(txn, table, &stat) != 0)
        pages->bad = true;
    else
        pages->used += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
}

static void
count_tables(struct pages *pages, MDB_txn *txn)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    count_table(pages, txn, TABLE_FREE);
    count_table(pages, txn, TABLE_MAIN);
    if (mdb_cursor_open(txn, TABLE_MAIN, &cursor) != 0) {
        pages->bad = true;
        return;
    }
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT_NODUP) == 0) {
        char name[64];
        MDB_dbi table;
        if (key.mv_size >= sizeof(name)) {
            pages->bad = true;
            continue;
        }
        memcpy(name, key.mv_data, key.mv_size);
        name[key.mv_size] = 0;
        if (mdb_dbi_open(txn, name, 0, &table) != 0)
            pages->bad = true;
        else
            count_table(pages, txn, table);
    }
    mdb_cursor_close(cursor);
}

/* A row of the list: a count, then so many pages. */
static bool
take_free(struct pages *pages, MDB_val list)
{
    const uint8_t *at = list.mv_data;
    if (list.mv_size < ID_SIZE || list.mv_size % ID_SIZE != 0)
        return false;
    uint64_t count = load64(at);
    if (count > list.mv_size / ID_SIZE - 1)
        return false;
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t page = load64(at + i * ID_SIZE);
        if (page < META_COUNT || page >= pages->count ||
            (pages->is_free[page / 8] & 1u << page % 8))
            return false;
        pages->is_free[page / 8] |= (uint8_t)(1u << page % 8);
    }
    pages->free += count;
    return true;
}

static void
count_free(struct pages *pages, MDB_txn *txn)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t before = 0;
    if (mdb_cursor_open(txn, TABLE_FREE, &cursor) != 0) {
        pages->bad = true;
        return;
    }
    while (!pages->bad && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        uint64_t number = key.mv_size == ID_SIZE ? load64(key.mv_data) : 0;
        pages->bad = number <= before || !take_free(pages, value);
        before = number;
    }
    mdb_cursor_close(cursor);
}

void
pages_check_use(const struct place *place)
{
    const struct verify *verify = place->verify;
    struct pages pages = {.used = META_COUNT, .count = place->page_count};
    _Static_assert(sizeof(size_t) == 8, "the layout is that of 64-bit machines");
    pages.is_free = calloc(pages.count / 8 + 1, 1);
    if (!pages.is_free) {
        fault_set(&verify->state->fault, "not enough memory to look at the pages of the %s",
                  place->name);
        return;
    }
    count_tables(&pages, place->txn);
    count_free(&pages, place->txn);
    free(pages.is_free);
    if (pages.bad)
        verify_found(verify, 0, 0, "%s: the list of free pages is damaged", place->name);
    else if (pages.used + pages.free > pages.count)
        verify_found(verify, 0, 0, "%s: a page in use is also in the list of free ones",
                     place->name);
}
