/* value.h: a decoded message as a tree.
 *
 * The tree is one block of memory with an array of nodes; strings stay in the message, which is
 * changed for them: where a string ends, a zero is written over the head of the value behind it,
 * which has been decoded by then.
 *
 * Thread: one at a time. Blocking: no.
 */
#ifndef KITH_CLIENT_VALUE_H
#define KITH_CLIENT_VALUE_H

#include "base/types.h"
#include "kith.h"

struct value_tree {
    void *block; /* nodes, then room for one string */
    size_t capacity;
};

/* Decode one value. @bytes, of @size, must have passed check_message() or lie in what has; they are
 * written to, and must outlive the use of the tree. A zeroed tree is an empty one; one that was
 * used is used again. Returns the root, borrowed until the next call; NULL: no memory, or not
 * exactly one value. */
const struct kith_value *value_decode(struct value_tree *tree, uint8_t *bytes, size_t size);
void value_tree_fini(struct value_tree *tree);

#endif
