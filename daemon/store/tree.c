#include "store/tree.h"

#include "base/assert.h"

#define NODE_ENTRY_COUNT 32 /* whole blocks, and a node of less than 1 KiB */
#define NODE_BLOCK_COUNT 8  /* the words of a cache line */
#define NODE_ALIGN       64 /* a cache line */
#define WORD_NONE        UINT64_MAX

/* In a leaf an entry is a row's key and place. In an inner node it is a child, and a key above all
 * of the child to its left and not above any of its own; the first one's key is not looked at. */
struct tree_node {
    uint32_t next; /* the node to the right on the same level, or 0 */
    uint32_t count;
    uint64_t word[NODE_ENTRY_COUNT]; /* the first word of each key; behind the last, WORD_NONE */
    uint32_t place[NODE_ENTRY_COUNT];
    uint8_t size[NODE_ENTRY_COUNT];
    uint64_t rest[NODE_ENTRY_COUNT][TREE_WORD_COUNT - 1];
};

_Static_assert(NODE_ENTRY_COUNT % NODE_BLOCK_COUNT == 0, "a search looks at whole blocks");

/* The way from the root to a leaf. */
struct tree_path {
    struct tree_node *node[TREE_HEIGHT_MAX];
    uint32_t index[TREE_HEIGHT_MAX];
};

/* Compare what follows the first words, which are equal. */
static int
rest_compare(const struct tree_node *node, uint32_t index, const struct tree_key *key)
{
    for (unsigned i = 0; i < TREE_WORD_COUNT - 1; i++) {
        if (node->rest[index][i] != key->word[i + 1])
            return node->rest[index][i] < key->word[i + 1] ? -1 : 1;
    }
    return (node->size[index] > key->size) - (node->size[index] < key->size);
}

static bool
entry_equal(const struct tree_node *node, uint32_t index, const struct tree_key *key)
{
    return node->word[index] == key->word[0] && rest_compare(node, index, key) == 0;
}

static bool
entry_is_below(const struct tree_node *node, uint32_t index, const struct tree_key *key)
{
    if (node->word[index] != key->word[0])
        return node->word[index] < key->word[0];
    return rest_compare(node, index, key) < 0;
}

/* How many words are below @wanted. Keys are random and nodes seldom in the cache: so there is no
 * branch that depends on them, and no load that waits for another one but the last block's, whose
 * line is on its way by then. */
static uint32_t
words_below(const struct tree_node *node, uint64_t wanted)
{
    uint32_t block = 0, index;
    for (uint32_t i = NODE_BLOCK_COUNT - 1; i < NODE_ENTRY_COUNT - 1; i += NODE_BLOCK_COUNT)
        block += node->word[i] < wanted;
    index = block * NODE_BLOCK_COUNT;
    const uint64_t *word = &node->word[index];
    for (uint32_t i = 0; i < NODE_BLOCK_COUNT; i++)
        index += word[i] < wanted;
    return index;
}

/* The first entry from @low on that is not below @key; node->count if there is none. */
static uint32_t
node_search(const struct tree_node *node, uint32_t low, const struct tree_key *key)
{
    assert(low <= node->count && node->count <= NODE_ENTRY_COUNT);
    uint32_t index = words_below(node, key->word[0]);
    index = index < low ? low : index;
    if (index >= node->count || node->word[index] != key->word[0])
        return index < node->count ? index : node->count;
    /* Of those that begin alike, keys that fall with time come first, those that grow last. */
    if (!entry_is_below(node, index, key))
        return index;
    uint32_t high = node->count;
    if (entry_is_below(node, high - 1, key))
        return high;
    while (index < high) {
        uint32_t middle = index + (high - index) / 2;
        if (entry_is_below(node, middle, key))
            index = middle + 1;
        else
            high = middle;
    }
    return index;
}

/* The child of an inner node below which @key belongs. */
static uint32_t
node_child(const struct tree_node *node, const struct tree_key *key)
{
    uint32_t index = node_search(node, 1, key);
    return index < node->count && entry_equal(node, index, key) ? index : index - 1;
}

/* What the search ends with, while it goes on: where the child is, or what moves for a new entry.
 */
static void
node_expect(const struct tree_node *node)
{
    for (uint32_t i = 0; i < NODE_ENTRY_COUNT; i += NODE_ALIGN / sizeof(node->place[0]))
        __builtin_prefetch(&node->place[i]);
}

/* Go down to the leaf of @key; its index is where the key is or would be. */
static void
descend(const struct tree *tree, const struct arena *arena, const struct tree_key *key,
        struct tree_path *path)
{
    assert(tree->root != 0 && tree->height >= 1 && tree->height <= TREE_HEIGHT_MAX);
    uint32_t place = tree->root;
    for (uint32_t level = 0; level + 1 < tree->height; level++) {
        struct tree_node *node = arena_at(arena, place);
        node_expect(node);
        path->node[level] = node;
        path->index[level] = node_child(node, key);
        place = node->place[path->index[level]];
    }
    struct tree_node *leaf = arena_at(arena, place);
    node_expect(leaf);
    path->node[tree->height - 1] = leaf;
    path->index[tree->height - 1] = node_search(leaf, 0, key);
}

uint32_t
tree_find(const struct tree *tree, const struct arena *arena, const struct tree_key *key)
{
    if (tree->root == 0)
        return 0;
    struct tree_path path;
    descend(tree, arena, key, &path);
    const struct tree_node *leaf = path.node[tree->height - 1];
    uint32_t index = path.index[tree->height - 1];
    return index < leaf->count && entry_equal(leaf, index, key) ? leaf->place[index] : 0;
}

static struct tree_node *
node_make(struct arena *arena, uint32_t *place)
{
    *place = arena_alloc_aligned(arena, sizeof(struct tree_node), NODE_ALIGN);
    assert(*place != 0); /* the caller made sure of it */
    struct tree_node *node = arena_at(arena, *place);
    node->next = 0;
    node->count = 0;
    for (uint32_t i = 0; i < NODE_ENTRY_COUNT; i++)
        node->word[i] = WORD_NONE;
    return node;
}

/* Make room for an entry at @index. */
static void
node_open(struct tree_node *node, uint32_t index)
{
    assert(node->count < NODE_ENTRY_COUNT && index <= node->count);
    uint32_t count = node->count++ - index;
    memmove(&node->word[index + 1], &node->word[index], count * sizeof(node->word[0]));
    memmove(&node->place[index + 1], &node->place[index], count * sizeof(node->place[0]));
    memmove(&node->size[index + 1], &node->size[index], count * sizeof(node->size[0]));
    memmove(&node->rest[index + 1], &node->rest[index], count * sizeof(node->rest[0]));
}

static void
node_insert(struct tree_node *node, uint32_t index, const struct tree_key *key, uint32_t place)
{
    node_open(node, index);
    node->word[index] = key->word[0];
    memcpy(node->rest[index], &key->word[1], sizeof(node->rest[index]));
    node->size[index] = key->size;
    node->place[index] = place;
}

static struct tree_key
node_key(const struct tree_node *node, uint32_t index)
{
    struct tree_key key = {.word = {node->word[index]}, .size = node->size[index]};
    memcpy(&key.word[1], node->rest[index], sizeof(node->rest[index]));
    return key;
}

/* Move the entries from @keep on to the empty node @right. */
static void
node_move(struct tree_node *node, uint32_t keep, struct tree_node *right)
{
    uint32_t count = node->count - keep;
    memcpy(right->word, &node->word[keep], count * sizeof(node->word[0]));
    memcpy(right->place, &node->place[keep], count * sizeof(node->place[0]));
    memcpy(right->size, &node->size[keep], count * sizeof(node->size[0]));
    memcpy(right->rest, &node->rest[keep], count * sizeof(node->rest[0]));
    for (uint32_t i = keep; i < node->count; i++)
        node->word[i] = WORD_NONE;
    right->count = count;
    node->count = keep;
}

/* Split a full node in which an entry is wanted at *index; say in which of the two, *node and
 * *index, it is wanted now, and return the place of the right one. At the right edge of the tree
 * the left node stays full, since keys that grow with time come in order. */
static uint32_t
node_split(struct arena *arena, struct tree_node **node, uint32_t *index)
{
    struct tree_node *left = *node;
    assert(left->count == NODE_ENTRY_COUNT);
    uint32_t place;
    struct tree_node *right = node_make(arena, &place);
    bool at_edge = left->next == 0 && *index == left->count;
    uint32_t keep = at_edge ? NODE_ENTRY_COUNT : NODE_ENTRY_COUNT / 2;

    node_move(left, keep, right);
    right->next = left->next;
    left->next = place;
    if (*index > keep || at_edge) {
        *node = right;
        *index -= keep;
    }
    return place;
}

static void
root_raise(struct tree *tree, struct arena *arena, const struct tree_key *key, uint32_t right)
{
    static const struct tree_key none;
    assert(tree->height < TREE_HEIGHT_MAX);
    uint32_t place;
    struct tree_node *root = node_make(arena, &place);
    node_insert(root, 0, &none, tree->root);
    node_insert(root, 1, key, right);
    tree->root = place;
    tree->height++;
}

/* Insert a new row at the leaf of @path, and split upwards where a node is full. */
static uint32_t *
path_insert(struct tree *tree, struct arena *arena, struct tree_path *path,
            const struct tree_key *key)
{
    uint32_t *slot = NULL;
    struct tree_key wanted = *key;
    uint32_t place = 0;
    for (uint32_t level = tree->height; level-- > 0;) {
        struct tree_node *node = path->node[level];
        uint32_t index = path->index[level];
        bool is_full = node->count == NODE_ENTRY_COUNT;
        uint32_t right = is_full ? node_split(arena, &node, &index) : 0;
        node_insert(node, index, &wanted, place);
        if (!slot)
            slot = &node->place[index];
        if (!is_full)
            return slot;
        wanted = node_key(arena_at(arena, right), 0);
        place = right;
        if (level > 0)
            path->index[level - 1]++;
    }
    root_raise(tree, arena, &wanted, place);
    return slot;
}

size_t
tree_room(const struct tree *tree)
{
    /* A split on each level, a new root, and what alignment costs. */
    return (tree->height + 2) * sizeof(struct tree_node);
}

uint32_t *
tree_slot(struct tree *tree, struct arena *arena, const struct tree_key *key)
{
    if (tree->root == 0) {
        node_make(arena, &tree->root);
        tree->height = 1;
    }
    struct tree_path path;
    descend(tree, arena, key, &path);
    struct tree_node *leaf = path.node[tree->height - 1];
    uint32_t index = path.index[tree->height - 1];
    if (index < leaf->count && entry_equal(leaf, index, key))
        return &leaf->place[index];
    tree->count++;
    return path_insert(tree, arena, &path, key);
}

struct tree_cursor
tree_seek(const struct tree *tree, const struct arena *arena, const struct tree_key *key)
{
    static const struct tree_key lowest;
    if (tree->root == 0)
        return (struct tree_cursor){0};
    struct tree_path path;
    descend(tree, arena, key ? key : &lowest, &path);
    const struct tree_node *leaf = path.node[tree->height - 1];
    uint32_t index = path.index[tree->height - 1];
    if (index == leaf->count)
        return (struct tree_cursor){.node = leaf->next};

    /* The leaf's own place: what its parent says, or the root. */
    uint32_t place = tree->root;
    if (tree->height > 1) {
        const struct tree_node *parent = path.node[tree->height - 2];
        place = parent->place[path.index[tree->height - 2]];
    }
    return (struct tree_cursor){place, index};
}

uint32_t
tree_next(struct tree_cursor *cursor, const struct arena *arena)
{
    if (cursor->node == 0)
        return 0;
    const struct tree_node *leaf = arena_at(arena, cursor->node);
    assert(cursor->index < leaf->count);
    uint32_t place = leaf->place[cursor->index];
    if (++cursor->index == leaf->count)
        *cursor = (struct tree_cursor){.node = leaf->next};
    return place;
}
