#include "store/verify_pages.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "store/heads.h"
#include "store/verify_tree.h"

#define TABLE_FREE  0 /* LMDB's own tables: which pages are free, and the names of the others */
#define TABLE_COUNT 2
#define TABLE_SIZE  48
#define ID_SIZE     sizeof(size_t) /* of a page, in the list of free ones */

/* ---- Which pages are used ---- */

/* How often a snapshot is taken anew because the daemon has written over its head. */
#define TRIES_MAX 1000

struct pages {
    uint64_t count;             /* of the file */
    uint8_t *is_free, *is_used; /* a bit each */
    bool bad_list, bad_tree, used_twice, misnumbered;
};

static bool
has(const uint8_t *bits, uint64_t page)
{
    return bits[page / 8] & 1u << page % 8;
}

static void
note(uint8_t *bits, uint64_t page)
{
    bits[page / 8] |= (uint8_t)(1u << page % 8);
}

/* For page_tree_walk(). */
static bool
use_page(void *context, uint64_t first, uint64_t count, uint64_t says)
{
    struct pages *pages = context;
    if (first < HEAD_COUNT || count == 0 || count > pages->count || first > pages->count - count)
        return false;
    for (uint64_t page = first; page < first + count; page++) {
        if (has(pages->is_used, page) || has(pages->is_free, page))
            pages->used_twice = true;
        note(pages->is_used, page);
    }
    pages->misnumbered = pages->misnumbered || says != first;
    return !pages->used_twice; /* or it might go round and round */
}

/* Read the head that the snapshot was taken from. False where it is written over. */
static bool
read_roots(const struct place *place, int fd, uint32_t page_size, uint64_t root[TABLE_COUNT])
{
    uint64_t number = mdb_txn_id(place->txn);
    uint8_t head[HEAD_SIZE];
    off_t offset = (off_t)(number % HEAD_COUNT * page_size);
    if (pread(fd, head, sizeof(head), offset) != (ssize_t)sizeof(head) ||
        page_load64(head + HEAD_AT_NUMBER) != number)
        return false;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        root[i] = page_load64(head + HEAD_AT_ROOTS + i * TABLE_SIZE);
    return true;
}

static bool
find_roots(struct place *place, int *fd, uint32_t *page_size, uint64_t root[TABLE_COUNT])
{
    MDB_stat stat;
    for (unsigned tries = TRIES_MAX; tries > 0; tries--) {
        if (mdb_env_get_fd(place->mdb, fd) != 0 || mdb_env_stat(place->mdb, &stat) != 0)
            return false;
        *page_size = stat.ms_psize;
        if (read_roots(place, *fd, *page_size, root))
            return true;
        if (!place->verify->is_online || !place_renew(place))
            return false;
    }
    return false;
}

static void
use_tables(struct pages *pages, int fd, uint32_t page_size, const uint64_t root[TABLE_COUNT])
{
    const struct page_tree tree = {fd, page_size, use_page, pages};
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (!page_tree_walk(&tree, root[i]))
            pages->bad_tree = true;
}

/* A row of the list: a count, then so many pages. */
static bool
take_free(struct pages *pages, MDB_val list)
{
    const uint8_t *at = list.mv_data;
    if (list.mv_size < ID_SIZE || list.mv_size % ID_SIZE != 0)
        return false;
    uint64_t count = page_load64(at);
    if (count > list.mv_size / ID_SIZE - 1)
        return false;
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t page = page_load64(at + i * ID_SIZE);
        if (page < HEAD_COUNT || page >= pages->count || has(pages->is_free, page))
            return false;
        note(pages->is_free, page);
    }
    return true;
}

static void
read_free(struct pages *pages, MDB_txn *txn)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t before = 0;
    if (mdb_cursor_open(txn, TABLE_FREE, &cursor) != 0) {
        pages->bad_list = true;
        return;
    }
    while (!pages->bad_list && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        uint64_t number = key.mv_size == ID_SIZE ? page_load64(key.mv_data) : 0;
        pages->bad_list = number <= before || !take_free(pages, value);
        before = number;
    }
    mdb_cursor_close(cursor);
}

static void
tell(const struct place *place, const struct pages *pages)
{
    const struct {
        bool is;
        const char *text;
    } all[] = {
        {pages->bad_list, "the list of free pages is damaged"},
        {pages->used_twice, "a page in use is used twice, or also in the list of free ones"},
        {pages->misnumbered, "a page in use has another one's number"},
        {pages->bad_tree, "a page in use is none"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        if (all[i].is) {
            verify_found(place->verify, 0, 0, "%s: %s", place->name, all[i].text);
            return;
        }
}

void
pages_check_use(struct place *place)
{
    struct fault *fault = &place->verify->state->fault;
    uint64_t root[TABLE_COUNT];
    uint32_t page_size;
    int fd;
    _Static_assert(sizeof(size_t) == 8, "the layout is that of 64-bit machines");
    if (!find_roots(place, &fd, &page_size, root)) {
        verify_found(place->verify, 0, 0, "%s: the head of the file cannot be read", place->name);
        return;
    }
    struct pages pages = {.count = place->page_count};
    size_t size = pages.count / 8 + 1;
    pages.is_free = calloc(size, 2);
    if (!pages.is_free) {
        fault_set(fault, "not enough memory to look at the pages of the %s", place->name);
        return;
    }
    pages.is_used = pages.is_free + size;
    read_free(&pages, place->txn);
    use_tables(&pages, fd, page_size, root);
    free(pages.is_free);
    tell(place, &pages);
}
