#include "pool.h"

#include <stdlib.h>

#include "base/assert.h"

#define BLOCK_SIZE 65536 /* most files of cases need a few */

struct pool_block {
    struct pool_block *next;
    size_t used, size;
    _Alignas(max_align_t) uint8_t data[];
};

static struct pool_block *
add_block(struct pool *pool, size_t size)
{
    size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct pool_block *block = calloc(1, sizeof(*block) + room);
    assert(block != NULL);
    block->size = room;
    block->next = pool->blocks;
    return pool->blocks = block;
}

void *
pool_alloc(struct pool *pool, size_t size)
{
    size_t whole = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct pool_block *block = pool->blocks;
    if (!block || block->size - block->used < whole)
        block = add_block(pool, whole);
    void *memory = block->data + block->used;
    block->used += whole;
    assert(block->used <= block->size);
    return memory;
}

char *
pool_text(struct pool *pool, struct slice text)
{
    char *copy = pool_alloc(pool, text.size + 1);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    return copy;
}

void
pool_fini(struct pool *pool)
{
    while (pool->blocks) {
        struct pool_block *next = pool->blocks->next;
        free(pool->blocks);
        pool->blocks = next;
    }
}
