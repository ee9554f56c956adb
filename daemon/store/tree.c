#include "store/tree.h"

#include "base/assert.h"
#include "base/endian.h"

/* 31 entries of 32 bytes and a header make 1 KiB. */
#define NODE_ENTRY_COUNT 31
#define NODE_ALIGN       64 /* entries never straddle a cache line */
/* Half-full nodes reach the 2^32 places of an arena long before this. */
#define TREE_HEIGHT_MAX 9

/* In a leaf: a row's key and place. In an inner node: a child, and a key that is above all of the
 * child to its left and not above any of its own; the first entry's key is not looked at. */
struct tree_entry {
    uint64_t word[TREE_WORD_COUNT];
    uint32_t place;
    uint8_t size;
};

struct tree_node {
    uint32_t next; /* the node to the right on the same level, or 0 */
    uint32_t count;
    uint8_t unused[24];
    struct tree_entry entry[NODE_ENTRY_COUNT];
};

_Static_assert(sizeof(struct tree_entry) == 32, "two entries to a cache line");
_Static_assert(sizeof(struct tree_node) == 1024, "a node is 1 KiB");

/* The way from the root to a leaf. */
struct tree_path {
    struct tree_node *node[TREE_HEIGHT_MAX];
    uint32_t index[TREE_HEIGHT_MAX];
};

struct tree_key
tree_key_of(struct slice key)
{
    assert(key.size <= VIEW_LIST_KEY_SIZE_MAX);
    uint8_t padded[VIEW_LIST_KEY_SIZE_MAX] = {0};
    if (key.size)
        memcpy(padded, key.data, key.size);

    struct tree_key out = {.size = (uint8_t)key.size};
    for (unsigned i = 0; i < TREE_WORD_COUNT; i++)
        out.word[i] = get_be64(padded + i * 8);
    return out;
}

static bool
entry_below(const struct tree_entry *entry, const struct tree_key *key)
{
    for (unsigned i = 0; i < TREE_WORD_COUNT; i++) {
        if (entry->word[i] != key->word[i])
            return entry->word[i] < key->word[i];
    }
    return entry->size < key->size;
}

static bool
entry_equal(const struct tree_entry *entry, const struct tree_key *key)
{
    return memcmp(entry->word, key->word, sizeof(key->word)) == 0 && entry->size == key->size;
}

/* The first entry from @low on that is not below @key; node->count if there is none. */
static uint32_t
node_search(const struct tree_node *node, uint32_t low, const struct tree_key *key)
{
    uint32_t high = node->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (entry_below(&node->entry[middle], key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The child of an inner node below which @key belongs. */
static uint32_t
node_child(const struct tree_node *node, const struct tree_key *key)
{
    uint32_t index = node_search(node, 1, key);
    if (index < node->count && entry_equal(&node->entry[index], key))
        return index;
    return index - 1;
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
        path->node[level] = node;
        path->index[level] = node_child(node, key);
        place = node->entry[path->index[level]].place;
    }
    struct tree_node *leaf = arena_at(arena, place);
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
    if (index == leaf->count || !entry_equal(&leaf->entry[index], key))
        return 0;
    return leaf->entry[index].place;
}

static struct tree_node *
node_make(struct arena *arena, uint32_t *place)
{
    *place = arena_alloc(arena, sizeof(struct tree_node), NODE_ALIGN);
    assert(*place != 0); /* tree_add() made sure of it */
    struct tree_node *node = arena_at(arena, *place);
    node->next = 0;
    node->count = 0;
    return node;
}

static void
node_insert(struct tree_node *node, uint32_t index, const struct tree_entry *entry)
{
    assert(node->count < NODE_ENTRY_COUNT && index <= node->count);
    memmove(&node->entry[index + 1], &node->entry[index],
            (node->count - index) * sizeof(node->entry[0]));
    node->entry[index] = *entry;
    node->count++;
}

/* Split a full node and insert @entry; return the new right node's place. At the right edge of the
 * tree the left node stays full, since keys that grow with time come in order. */
static uint32_t
node_split(struct arena *arena, struct tree_node *node, uint32_t index,
           const struct tree_entry *entry)
{
    assert(node->count == NODE_ENTRY_COUNT);
    uint32_t place;
    struct tree_node *right = node_make(arena, &place);
    bool at_edge = node->next == 0 && index == node->count;
    uint32_t keep = at_edge ? NODE_ENTRY_COUNT : NODE_ENTRY_COUNT / 2;

    right->count = node->count - keep;
    memcpy(right->entry, &node->entry[keep], right->count * sizeof(node->entry[0]));
    node->count = keep;
    right->next = node->next;
    node->next = place;
    if (index > keep || at_edge)
        node_insert(right, index - keep, entry);
    else
        node_insert(node, index, entry);
    return place;
}

static void
root_raise(struct tree *tree, struct arena *arena, const struct tree_entry *right)
{
    assert(tree->height < TREE_HEIGHT_MAX);
    uint32_t place;
    struct tree_node *root = node_make(arena, &place);
    root->count = 1;
    root->entry[0] = (struct tree_entry){.place = tree->root};
    node_insert(root, 1, right);
    tree->root = place;
    tree->height++;
}

/* Insert at the leaf of @path and split upwards where it is full. */
static void
path_insert(struct tree *tree, struct arena *arena, struct tree_path *path, struct tree_entry entry)
{
    for (uint32_t level = tree->height; level-- > 0;) {
        struct tree_node *node = path->node[level];
        if (node->count < NODE_ENTRY_COUNT) {
            node_insert(node, path->index[level], &entry);
            return;
        }
        uint32_t place = node_split(arena, node, path->index[level], &entry);
        entry = ((struct tree_node *)arena_at(arena, place))->entry[0];
        entry.place = place;
        if (level > 0)
            path->index[level - 1]++;
    }
    root_raise(tree, arena, &entry);
}

bool
tree_add(struct tree *tree, struct arena *arena, const struct tree_key *key, uint32_t place)
{
    assert(place != 0);
    /* A split on each level, a new root, and what alignment costs. */
    if (!arena_ensure(arena, (tree->height + 2) * sizeof(struct tree_node)))
        return false;

    struct tree_entry entry = {.place = place, .size = key->size};
    memcpy(entry.word, key->word, sizeof(entry.word));
    if (tree->root == 0) {
        struct tree_node *leaf = node_make(arena, &tree->root);
        tree->height = 1;
        node_insert(leaf, 0, &entry);
    } else {
        struct tree_path path;
        descend(tree, arena, key, &path);
        path_insert(tree, arena, &path, entry);
    }
    tree->count++;
    return true;
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
        place = parent->entry[path.index[tree->height - 2]].place;
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
    uint32_t place = leaf->entry[cursor->index].place;
    if (++cursor->index == leaf->count)
        *cursor = (struct tree_cursor){.node = leaf->next};
    return place;
}
