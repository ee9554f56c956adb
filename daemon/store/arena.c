#include "store/arena.h"

#include <sys/mman.h>

#include "base/assert.h"

/* How much is made usable at a time: a huge page or two, so that system calls are rare. */
#define ARENA_STEP ((size_t)4 * 1024 * 1024)

static size_t
round_up(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

bool
arena_init(struct arena *arena, size_t size)
{
    assert(size > 0);
    if (size > ARENA_SIZE_MAX)
        size = ARENA_SIZE_MAX;
    size = round_up(size, ARENA_STEP);

    /* PROT_NONE is free of charge under every overcommit policy. */
    void *base = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return false;
    *arena = (struct arena){.base = base, .used = ARENA_UNIT, .reserved = size};
    /* Rows are met at random: fewer, larger pages spare TLB misses. A hint; failure is no harm. */
    (void)madvise(base, size, MADV_HUGEPAGE);
    return true;
}

void
arena_fini(struct arena *arena)
{
    if (arena->base)
        munmap(arena->base, arena->reserved);
    *arena = (struct arena){0};
}

void
arena_clear(struct arena *arena, size_t keep)
{
    keep = round_up(keep, ARENA_STEP);
    if (arena->used > arena->held)
        arena->held = round_up(arena->used, ARENA_STEP);
    if (arena->held > keep) {
        assert(arena->held <= arena->ready);
        (void)madvise(arena->base + keep, arena->held - keep, MADV_DONTNEED);
        arena->held = keep;
    }
    arena->used = ARENA_UNIT;
}

bool
arena_make_ready(struct arena *arena, size_t size)
{
    assert(arena->base && arena->used >= ARENA_UNIT);
    if (size > arena->reserved - arena->used)
        return false;
    size_t ready = round_up(arena->used + size, ARENA_STEP);
    assert(ready <= arena->reserved);
    if (mprotect(arena->base + arena->ready, ready - arena->ready, PROT_READ | PROT_WRITE) != 0)
        return false;
    arena->ready = ready;
    return true;
}

uint32_t
arena_alloc_aligned(struct arena *arena, size_t size, size_t align)
{
    assert(align >= ARENA_UNIT && (align & (align - 1)) == 0);
    size_t start = round_up(arena->used, align);
    size_t end = round_up(start + size, ARENA_UNIT);
    if (size > ARENA_SIZE_MAX || !arena_ensure(arena, end - arena->used))
        return 0;
    arena->used = end;
    return (uint32_t)(start / ARENA_UNIT);
}
