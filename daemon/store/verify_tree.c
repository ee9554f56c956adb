#include "store/verify_tree.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"

/* MDB_page, of LMDB 0.9 on 64-bit machines. */
#define PAGE_AT_FLAGS 10
#define PAGE_AT_LOWER 12 /* the end of the places of its nodes */
#define PAGE_AT_COUNT 12 /* of pages, in the first one of a long value */

#define PAGE_BRANCH   0x01
#define PAGE_LEAF     0x02
#define PAGE_OVERFLOW 0x04

/* MDB_node: the size of the data, or the page below; flags; the size of the key; key; data. */
#define NODE_AT_FLAGS    4
#define NODE_AT_KEY_SIZE 6
#define NODE_HEAD        8
#define NODE_LONG        0x01 /* the data is the number of the page where the value begins */
#define NODE_TABLE       0x02 /* the data is a table: MDB_db */
#define TABLE_AT_ROOT    40
#define TABLE_SIZE       48

#define DEPTH_MAX 40 /* LMDB's is 32; and one table is named by another */

struct walker {
    const struct page_tree *tree;
    uint8_t *pages; /* one for each depth */
};

/* The first @size bytes of a page. */
static bool
read_page(const struct page_tree *tree, uint64_t number, uint8_t *out, size_t size)
{
    return number < (uint64_t)INT64_MAX / tree->page_size &&
           pread(tree->fd, out, size, (off_t)(number * tree->page_size)) == (ssize_t)size;
}

static bool
see_long_value(const struct page_tree *tree, uint64_t number)
{
    uint8_t head[PAGE_START_SIZE];
    return read_page(tree, number, head, sizeof(head)) &&
           page_load16(head + PAGE_AT_FLAGS) == PAGE_OVERFLOW &&
           tree->page(tree->context, number, page_load32(head + PAGE_AT_COUNT), page_load64(head));
}

static bool walk_page(const struct walker *walker, uint64_t number, unsigned depth);

/* What the data of a leaf's node leads to; @size: the bytes from it to the end of the page. */
static bool
walk_data(const struct walker *walker, uint16_t flags, const uint8_t *data, size_t size,
          unsigned depth)
{
    if (flags & NODE_LONG)
        return size >= sizeof(uint64_t) && see_long_value(walker->tree, page_load64(data));
    if (!(flags & NODE_TABLE))
        return true;
    if (size < TABLE_SIZE)
        return false;
    uint64_t root = page_load64(data + TABLE_AT_ROOT);
    return root == PAGE_TREE_NONE || walk_page(walker, root, depth + 1);
}

static bool
walk_node(const struct walker *walker, const uint8_t *page, size_t at, unsigned depth)
{
    size_t size = walker->tree->page_size;
    if (at < PAGE_START_SIZE || at + NODE_HEAD > size)
        return false;
    const uint8_t *node = page + at;
    uint16_t flags = page_load16(node + NODE_AT_FLAGS);
    if (page_load16(page + PAGE_AT_FLAGS) & PAGE_BRANCH)
        return walk_page(walker, page_load32(node) | (uint64_t)flags << 32, depth + 1);
    size_t data = at + NODE_HEAD + page_load16(node + NODE_AT_KEY_SIZE);
    return data <= size && walk_data(walker, flags, page + data, size - data, depth);
}

static bool
walk_page(const struct walker *walker, uint64_t number, unsigned depth)
{
    const struct page_tree *tree = walker->tree;
    if (depth == DEPTH_MAX)
        return false;
    uint8_t *page = walker->pages + (size_t)depth * tree->page_size;
    if (!read_page(tree, number, page, tree->page_size))
        return false;
    uint16_t flags = page_load16(page + PAGE_AT_FLAGS);
    size_t end = page_load16(page + PAGE_AT_LOWER);
    bool good = (flags == PAGE_BRANCH || flags == PAGE_LEAF) && end >= PAGE_START_SIZE &&
                end <= tree->page_size && tree->page(tree->context, number, 1, page_load64(page));
    for (size_t at = PAGE_START_SIZE; good && at < end; at += sizeof(uint16_t))
        good = walk_node(walker, page, page_load16(page + at), depth);
    return good;
}

bool
page_tree_walk(const struct page_tree *tree, uint64_t root)
{
    struct walker walker = {tree, malloc((size_t)DEPTH_MAX * tree->page_size)};
    assert(tree->page_size > PAGE_START_SIZE);
    bool good = walker.pages && (root == PAGE_TREE_NONE || walk_page(&walker, root, 0));
    free(walker.pages);
    return good;
}
