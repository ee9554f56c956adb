/* store/arena.h: memory for many small things that die together.
 *
 * Address space is reserved once and made usable as it is needed, so that nothing in it ever moves
 * and a place is 4 bytes: its distance from the start in units of ARENA_UNIT. Place 0 is none.
 *
 * Layer: store. Thread: one at a time. Blocking: no.
 */
#ifndef KITH_STORE_ARENA_H
#define KITH_STORE_ARENA_H

#include "base/types.h"

#define ARENA_UNIT     8
#define ARENA_SIZE_MAX ((size_t)UINT32_MAX * ARENA_UNIT) /* what a 4-byte place can reach */

/* Open, so that arena_at() is one addition. */
struct arena {
    uint8_t *base;
    size_t used;     /* bytes handed out, the first unit included */
    size_t ready;    /* bytes that may be touched */
    size_t held;     /* bytes that had memory after the last clearing */
    size_t reserved; /* bytes of address space */
};

/* Reserve address space for @size bytes, cut to ARENA_SIZE_MAX; false if there is none. */
bool arena_init(struct arena *arena, size_t size);
void arena_fini(struct arena *arena); /* a zeroed struct is allowed */

/* Give everything back but the memory of the first @keep bytes, which is quick to use again. */
void arena_clear(struct arena *arena, size_t keep);

/* Make @size more bytes usable that are not yet; false if memory is short. */
bool arena_make_ready(struct arena *arena, size_t size);

/* Make sure that @size more bytes can be had, alignment included; false if memory is short. */
static inline bool
arena_ensure(struct arena *arena, size_t size)
{
    return (size <= arena->reserved && arena->used + size <= arena->ready) ||
           arena_make_ready(arena, size);
}

/* Room for @size bytes at a multiple of @align (a power of two, at least ARENA_UNIT). The content
 * is arbitrary. 0 if memory is short. */
uint32_t arena_alloc_aligned(struct arena *arena, size_t size, size_t align);

/* The same at any unit. */
static inline uint32_t
arena_alloc(struct arena *arena, size_t size)
{
    size_t start = arena->used, end = (start + size + ARENA_UNIT - 1) / ARENA_UNIT * ARENA_UNIT;
    if (size > ARENA_SIZE_MAX || end > arena->ready)
        return arena_alloc_aligned(arena, size, ARENA_UNIT);
    arena->used = end;
    return (uint32_t)(start / ARENA_UNIT);
}

static inline void *
arena_at(const struct arena *arena, uint32_t place)
{
    return arena->base + (size_t)place * ARENA_UNIT;
}

#endif
