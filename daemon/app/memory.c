#include "app/memory.h"

#include <malloc.h>

#include "base/assert.h"

/* From this size on a block is mapped by itself, and goes when it is freed. glibc begins with the
 * same, but raises it up to 32 MiB with each larger block that is freed: behind the first request
 * of 1 MiB that came by half, the next 200 lay in the heap of nanomsg's thread, which kept it all.
 * To map and fault a block in takes a tenth of what it takes to read the messages in it. */
#define MAPPED_SIZE_MIN (128 * 1024)

/* At a heap's end so much stays: it is used again at once. */
#define END_SIZE (1024 * 1024)

void
memory_init(void)
{
    mallopt(M_MMAP_THRESHOLD, MAPPED_SIZE_MIN);
    mallopt(M_TRIM_THRESHOLD, 2 * END_SIZE);
    mallopt(M_TOP_PAD, END_SIZE);
}

void
memory_note(struct memory *memory, size_t held)
{
    memory->held = held;
    if (memory->most < held)
        memory->most = held;
}

bool
memory_is_due(const struct memory *memory, msec_t now_ms)
{
    assert(memory->most >= memory->held);
    assert(now_ms >= memory->given_ms);
    return memory->most - memory->held >= MEMORY_LOOSE_MIN &&
           now_ms - memory->given_ms >= MEMORY_EVERY_MS;
}

void
memory_give_back(struct memory *memory, msec_t now_ms)
{
    malloc_trim(END_SIZE);
    memory->given_ms = now_ms;
    memory->most = memory->held;
}
