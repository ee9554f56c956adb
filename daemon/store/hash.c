#include "store/hash.h"

#include <sys/mman.h>

#include "base/assert.h"

#define SLOT_COUNT_MIN 512         /* a page */
#define SLOT_COUNT_MAX (1u << 31)  /* places are 32 bits, so there are fewer rows than this */
#define HUGE_SIZE      (2ul << 20) /* from here on large pages pay */

size_t
hash_size(const struct hash *hash)
{
    return hash->slots ? ((size_t)hash->mask + 1) * sizeof(struct hash_slot) : 0;
}

/* Straight from the system: zeroed, and given back at once when it is outgrown. */
static struct hash_slot *
slots_map(size_t count)
{
    size_t size = count * sizeof(struct hash_slot);
    void *slots = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slots == MAP_FAILED)
        return NULL;
    if (size >= HUGE_SIZE)
        (void)madvise(slots, size, MADV_HUGEPAGE);
    return slots;
}

void
hash_fini(struct hash *hash)
{
    if (hash->slots)
        munmap(hash->slots, hash_size(hash));
    *hash = (struct hash){0};
}

void
hash_clear(struct hash *hash)
{
    if (hash->count == 0)
        return;
    uint32_t slot_count = hash->mask + 1;
    struct hash_slot *fewer = NULL;
    if (slot_count > SLOT_COUNT_MIN && hash->count < slot_count / 8)
        fewer = slots_map(slot_count / 2);
    if (fewer) {
        munmap(hash->slots, hash_size(hash));
        hash->slots = fewer;
        hash->mask = slot_count / 2 - 1;
    } else {
        memset(hash->slots, 0, hash_size(hash));
    }
    hash->count = 0;
}

static void
slot_put(struct hash_slot *slots, uint32_t mask, struct hash_slot slot)
{
    uint32_t i = slot.hash & mask;
    while (slots[i].place != 0)
        i = (i + 1) & mask;
    slots[i] = slot;
}

bool
hash_grow(struct hash *hash)
{
    uint32_t count = hash->slots ? (hash->mask + 1) * 2 : SLOT_COUNT_MIN;
    assert(count <= SLOT_COUNT_MAX);
    struct hash_slot *slots = slots_map(count);
    if (!slots)
        return false;
    for (uint32_t i = 0; hash->slots && i <= hash->mask; i++) {
        if (hash->slots[i].place != 0)
            slot_put(slots, count - 1, hash->slots[i]);
    }
    if (hash->slots)
        munmap(hash->slots, hash_size(hash));
    hash->slots = slots;
    hash->mask = count - 1;
    return true;
}
