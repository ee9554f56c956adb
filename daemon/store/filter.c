#include "store/filter.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"

#define BLOCK_WORDS   8 /* of 8 bytes: a cache line */
#define BLOCK_BITS    512
#define KEY_BITS      4 /* set for each key */
#define KEYS_IN_BLOCK (BLOCK_BITS / 8)

/* 32 MiB for each table, good for 33 million keys; more are only told apart less well (of 70
 * million, a fifth of what is absent is "maybe"): memory does not grow with what there is. */
#define BLOCK_COUNT_MIN ((uint64_t)1 << 10)
#define BLOCK_COUNT_MAX ((uint64_t)1 << 19)

struct filter {
    uint64_t block_mask;
    uint64_t count, count_max; /* keys; of the thread that adds */
    _Atomic uint64_t *words;
};

struct filter *
filter_create(uint64_t count)
{
    uint64_t blocks = BLOCK_COUNT_MIN;
    while (blocks < BLOCK_COUNT_MAX && blocks * KEYS_IN_BLOCK < count)
        blocks *= 2;
    struct filter *filter = calloc(1, sizeof(*filter));
    if (!filter)
        return NULL;
    filter->block_mask = blocks - 1;
    filter->count_max = count > blocks * KEYS_IN_BLOCK ? count : blocks * KEYS_IN_BLOCK;
    filter->words = aligned_alloc(BLOCK_BITS / 8, blocks * BLOCK_BITS / 8);
    if (!filter->words) {
        free(filter);
        return NULL;
    }
    for (uint64_t i = 0; i < blocks * BLOCK_WORDS; i++)
        atomic_init(&filter->words[i], 0);
    return filter;
}

void
filter_destroy(struct filter *filter)
{
    if (!filter)
        return;
    free(filter->words);
    free(filter);
}

/* The upper bits of the hash choose the block, KEY_BITS times 9 of the lower ones its bits. */
static _Atomic uint64_t *
block_of(const struct filter *filter, uint64_t hash)
{
    assert(filter->block_mask < BLOCK_COUNT_MAX);
    return &filter->words[(hash >> 44 & filter->block_mask) * BLOCK_WORDS];
}

void
filter_add(struct filter *filter, uint64_t hash)
{
    _Atomic uint64_t *block = block_of(filter, hash);
    for (unsigned i = 0; i < KEY_BITS; i++, hash >>= 9) {
        _Atomic uint64_t *word = &block[hash >> 6 & (BLOCK_WORDS - 1)];
        /* Nobody else writes, so this need not be one step. */
        uint64_t before = atomic_load_explicit(word, memory_order_relaxed);
        atomic_store_explicit(word, before | (uint64_t)1 << (hash & 63), memory_order_relaxed);
    }
    filter->count++;
}

bool
filter_may_have(const struct filter *filter, uint64_t hash)
{
    const _Atomic uint64_t *block = block_of(filter, hash);
    for (unsigned i = 0; i < KEY_BITS; i++, hash >>= 9) {
        uint64_t word =
            atomic_load_explicit(&block[hash >> 6 & (BLOCK_WORDS - 1)], memory_order_relaxed);
        if (!(word >> (hash & 63) & 1))
            return false;
    }
    return true;
}

void
filter_expect(const struct filter *filter, uint64_t hash)
{
    __builtin_prefetch(block_of(filter, hash));
}

bool
filter_is_full(const struct filter *filter)
{
    return filter->count >= filter->count_max;
}
