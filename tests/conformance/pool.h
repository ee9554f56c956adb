/* pool.h: memory that lives as long as a file of cases, and goes at once. */
#ifndef KITH_CONFORMANCE_POOL_H
#define KITH_CONFORMANCE_POOL_H

#include "base/types.h"

struct pool_block;

/* A zeroed struct is an empty pool. */
struct pool {
    struct pool_block *blocks;
};

/* Zeroed, aligned for anything, borrowed until pool_fini(). */
void *pool_alloc(struct pool *pool, size_t size);

/* A zero-terminated copy, likewise. */
char *pool_text(struct pool *pool, struct slice text);

void pool_fini(struct pool *pool);

#endif
