/* store/tree.h: rows in the order of their keys: a B+tree in memory.
 *
 * Keys are at most VIEW_LIST_KEY_SIZE_MAX bytes and held in the nodes as three big words. The first
 * words of a node stand together, and few cache lines decide most searches. Nodes come from the
 * arena of the rows. Nothing is removed; a tree is forgotten with its arena.
 *
 * Layer: store. Thread: one at a time. Blocking: no.
 */
#ifndef KITH_STORE_TREE_H
#define KITH_STORE_TREE_H

#include "base/assert.h"
#include "base/endian.h"
#include "store/arena.h"
#include "store/tables.h"

#define TREE_WORD_COUNT (VIEW_LIST_KEY_SIZE_MAX / 8)
/* Half-full nodes reach the 2^32 places of an arena long before this. */
#define TREE_HEIGHT_MAX 9

/* A key padded with zeros; `size` tells "a" from "a\0". */
struct tree_key {
    uint64_t word[TREE_WORD_COUNT];
    uint8_t size;
};

/* A zeroed struct is an empty tree. */
struct tree {
    uint32_t root;   /* place of the root node, 0 if empty */
    uint32_t height; /* levels of nodes */
    uint64_t count;  /* rows */
};

/* Where a walk stands. Valid until the tree changes. */
struct tree_cursor {
    uint32_t node; /* 0: at the end */
    uint32_t index;
};

static inline struct tree_key
tree_key_of(struct slice key)
{
    assert(key.size <= VIEW_LIST_KEY_SIZE_MAX);
    uint8_t padded[VIEW_LIST_KEY_SIZE_MAX] = {0};
    /* Most keys are two numbers: copies of a known size. */
    if (key.size == 12)
        memcpy(padded, key.data, 12);
    else if (key.size == 16)
        memcpy(padded, key.data, 16);
    else if (key.size)
        memcpy(padded, key.data, key.size);

    struct tree_key out = {.size = (uint8_t)key.size};
    for (unsigned i = 0; i < TREE_WORD_COUNT; i++)
        out.word[i] = get_be64(padded + i * 8);
    return out;
}

/* The place of the row with @key, or 0. */
uint32_t tree_find(const struct tree *tree, const struct arena *arena, const struct tree_key *key);

/* Bytes of the arena that adding a row may take, which the caller makes sure of. */
size_t tree_room(const struct tree *tree);

/* Where the place of the row with @key is held: 0 is there if the row is new, and the caller sets
 * it. Valid until the tree changes. */
uint32_t *tree_slot(struct tree *tree, struct arena *arena, const struct tree_key *key);

/* Stand at the first row whose key is at least @key (NULL: at the first of all). */
struct tree_cursor tree_seek(const struct tree *tree, const struct arena *arena,
                             const struct tree_key *key);

/* The place of the row here, and move on; 0 at the end. */
uint32_t tree_next(struct tree_cursor *cursor, const struct arena *arena);

#endif
