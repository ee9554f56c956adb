#include "store/feeds.h"

#include <stdlib.h>

#include "base/assert.h"

#define CAPACITY_FIRST 1024

static void
chains_free(struct feeds *feeds)
{
    free(feeds->heads);
    free(feeds->earlier);
    feeds->heads = feeds->earlier = NULL;
    feeds->linked = feeds->mask = 0;
}

void
feeds_fini(struct feeds *feeds)
{
    free(feeds->entries);
    chains_free(feeds);
    *feeds = (struct feeds){0};
}

/* Where the system does not take memory back, it is of use later. */
static void
halve(struct feeds *feeds)
{
    feeds->capacity /= 2;
    void *entries = realloc(feeds->entries, feeds->capacity * sizeof(*feeds->entries));
    if (entries)
        feeds->entries = entries;
    chains_free(feeds);
}

void
feeds_clear(struct feeds *feeds)
{
    if (feeds->capacity > CAPACITY_FIRST && feeds->count < feeds->capacity / 8)
        halve(feeds);
    if (feeds->linked > 0)
        memset(feeds->heads, 0, ((size_t)feeds->mask + 1) * sizeof(*feeds->heads));
    feeds->count = feeds->linked = 0;
}

/* ---- Adding ---- */

static bool
grow(struct feeds *feeds)
{
    uint32_t capacity = feeds->capacity ? 2 * feeds->capacity : CAPACITY_FIRST;
    if (capacity > UINT32_MAX / 4)
        return false;
    struct feed_entry *entries = realloc(feeds->entries, capacity * sizeof(*entries));
    if (!entries)
        return false;
    feeds->entries = entries;
    feeds->capacity = capacity;
    return true;
}

bool
feeds_append(struct feeds *feeds, const struct feed_key *key, seq_t seq)
{
    if (feeds->count == feeds->capacity && !grow(feeds))
        return false;
    assert(feeds->count == 0 || feeds->entries[feeds->count - 1].seq <= seq);
    feeds->entries[feeds->count++] = (struct feed_entry){*key, seq};
    return true;
}

/* ---- Chains ---- */

static uint32_t *
head_of(const struct feeds *feeds, const struct feed_key *key)
{
    uint32_t hash;
    memcpy(&hash, key->bytes, sizeof(hash));
    return &feeds->heads[hash & feeds->mask];
}

/* Room for as many chains as there may be entries. All have to be linked again then. */
static bool
chains_make(struct feeds *feeds)
{
    if (feeds->heads && feeds->mask + 1 >= feeds->capacity)
        return true;
    uint32_t *heads = calloc(feeds->capacity, sizeof(*heads));
    uint32_t *earlier = calloc(feeds->capacity, sizeof(*earlier));
    if (!heads || !earlier) {
        free(heads);
        free(earlier);
        return false;
    }
    chains_free(feeds);
    feeds->heads = heads;
    feeds->earlier = earlier;
    feeds->mask = feeds->capacity - 1;
    return true;
}

/* Where memory is short some stay unlinked, and are looked through one by one. */
static void
link_all(struct feeds *feeds)
{
    if (feeds->linked == feeds->count || !chains_make(feeds))
        return;
    for (; feeds->linked < feeds->count; feeds->linked++) {
        uint32_t *head = head_of(feeds, &feeds->entries[feeds->linked].key);
        feeds->earlier[feeds->linked] = *head;
        *head = feeds->linked + 1;
    }
}

static bool
is_under(const struct feeds *feeds, const struct feed_key *key, uint32_t place)
{
    return memcmp(&feeds->entries[place - 1].key, key, sizeof(*key)) == 0;
}

/* The last entry under @key before @place, as its place; 0: none. @place may be one behind all. */
static uint32_t
find_back(const struct feeds *feeds, const struct feed_key *key, uint32_t place)
{
    uint32_t at = place;
    while (at > feeds->linked + 1)
        if (is_under(feeds, key, --at))
            return at;
    if (feeds->linked == 0)
        return 0;
    at = at == feeds->linked + 1 ? *head_of(feeds, key) : feeds->earlier[at - 1];
    while (at > 0 && !is_under(feeds, key, at))
        at = feeds->earlier[at - 1];
    return at;
}

/* ---- Asking ---- */

uint32_t
feeds_count(struct feeds *feeds, const struct feed_key *key)
{
    uint32_t count = 0, at = feeds->count + 1;
    link_all(feeds);
    while ((at = find_back(feeds, key, at)) > 0)
        count++;
    return count;
}

/* A chain goes backwards: what is wanted is found by counting from its end. */
uint32_t
feeds_read(struct feeds *feeds, const struct feed_key *key, uint64_t skip, seq_t *out,
           uint32_t count_max)
{
    uint32_t index = feeds_count(feeds, key), at = feeds->count + 1;
    if (index <= skip)
        return 0;
    uint32_t count = index - (uint32_t)skip;
    if (count > count_max)
        count = count_max;
    while ((at = find_back(feeds, key, at)) > 0 && index-- > skip)
        if (index - skip < count)
            out[index - skip] = feeds->entries[at - 1].seq;
    return count;
}

void
feeds_cut(struct feeds *feeds, uint32_t count)
{
    assert(feeds->count >= count);
    for (; feeds->linked > count; feeds->linked--)
        *head_of(feeds, &feeds->entries[feeds->linked - 1].key) = feeds->earlier[feeds->linked - 1];
    feeds->count = count;
}

size_t
feeds_size(const struct feeds *feeds)
{
    size_t chains = feeds->heads ? (size_t)feeds->mask + 1 : 0;
    return feeds->capacity * sizeof(*feeds->entries) +
           chains * (sizeof(*feeds->heads) + sizeof(*feeds->earlier));
}
