/* store/verify_tree.h: the pages that the tables of an environment use, by LMDB's layout.
 *
 * LMDB follows the numbers that lead from page to page, and never compares them with the number
 * that a page has in its own head until it writes there: then it takes the page for the one that
 * its head tells of. So what reads well may be ruined by the next commit.
 *
 * Layer: store (internal). Thread: any. Blocking: reads from the disk.
 */
#ifndef KITH_STORE_VERIFY_TREE_H
#define KITH_STORE_VERIFY_TREE_H

#include "store/page.h"

#define PAGE_TREE_NONE UINT64_MAX /* the root of a table without rows */

struct page_tree {
    int fd; /* of the file; borrowed */
    uint32_t page_size;
    /* Called for each page in use before what it leads to, with the number that stands in its head;
     * with @count above 1 for a value of several pages. False ends the walk. */
    bool (*page)(void *context, uint64_t page, uint64_t count, uint64_t says);
    void *context;
};

/* Walk from the page @root over all that it leads to, the tables that it names included. False
 * where ->page ended it, a page cannot be read or is none, or memory is short. */
bool page_tree_walk(const struct page_tree *tree, uint64_t root);

#endif
