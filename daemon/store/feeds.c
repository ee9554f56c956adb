#include "store/feeds.h"

#include <stdlib.h>

#include "base/assert.h"

#define CAPACITY_FIRST 1024
#define CAPACITY_KEPT  (256 * 1024) /* entries whose memory an empty struct holds on to */

static uint32_t *
head_of(const struct feeds *feeds, const struct feed_key *key)
{
    uint32_t hash;
    memcpy(&hash, key->bytes, sizeof(hash));
    return &feeds->heads[hash & feeds->mask];
}

void
feeds_fini(struct feeds *feeds)
{
    free(feeds->entries);
    free(feeds->heads);
    *feeds = (struct feeds){0};
}

void
feeds_clear(struct feeds *feeds)
{
    if (feeds->capacity > CAPACITY_KEPT)
        feeds_fini(feeds);
    feeds->count = 0;
    if (feeds->heads)
        memset(feeds->heads, 0, ((size_t)feeds->mask + 1) * sizeof(*feeds->heads));
}

static void
link_entry(struct feeds *feeds, uint32_t index)
{
    struct feed_entry *entry = &feeds->entries[index];
    uint32_t *head = head_of(feeds, &entry->key);
    entry->earlier = *head;
    *head = index + 1;
}

/* Twice the room, with as many chains as entries. */
static bool
grow(struct feeds *feeds)
{
    uint32_t capacity = feeds->capacity ? 2 * feeds->capacity : CAPACITY_FIRST;
    if (capacity > UINT32_MAX / 4)
        return false;
    uint32_t *heads = calloc(capacity, sizeof(*heads));
    struct feed_entry *entries = realloc(feeds->entries, capacity * sizeof(*entries));
    if (entries)
        feeds->entries = entries;
    if (!heads || !entries) {
        free(heads);
        return false;
    }
    free(feeds->heads);
    feeds->heads = heads;
    feeds->capacity = capacity;
    feeds->mask = capacity - 1;
    for (uint32_t i = 0; i < feeds->count; i++)
        link_entry(feeds, i);
    return true;
}

bool
feeds_append(struct feeds *feeds, const struct feed_key *key, seq_t seq)
{
    if (feeds->count == feeds->capacity && !grow(feeds))
        return false;
    assert(feeds->count == 0 || feeds->entries[feeds->count - 1].seq <= seq);
    feeds->entries[feeds->count] = (struct feed_entry){.key = *key, .seq = seq};
    link_entry(feeds, feeds->count++);
    return true;
}

/* The last entry under @key at @place or before, as its place; 0: none. */
static uint32_t
find_back(const struct feeds *feeds, const struct feed_key *key, uint32_t place)
{
    while (place > 0 && memcmp(&feeds->entries[place - 1].key, key, sizeof(*key)) != 0)
        place = feeds->entries[place - 1].earlier;
    return place;
}

static uint32_t
find_last(const struct feeds *feeds, const struct feed_key *key)
{
    return feeds->count > 0 ? find_back(feeds, key, *head_of(feeds, key)) : 0;
}

static uint32_t
find_earlier(const struct feeds *feeds, const struct feed_key *key, uint32_t place)
{
    return find_back(feeds, key, feeds->entries[place - 1].earlier);
}

uint32_t
feeds_count(const struct feeds *feeds, const struct feed_key *key)
{
    uint32_t count = 0;
    for (uint32_t at = find_last(feeds, key); at > 0; at = find_earlier(feeds, key, at))
        count++;
    return count;
}

/* A chain goes backwards: what is wanted is found by counting from its end. */
uint32_t
feeds_read(const struct feeds *feeds, const struct feed_key *key, uint64_t skip, seq_t *out,
           uint32_t count_max)
{
    uint32_t index = feeds_count(feeds, key);
    if (index <= skip)
        return 0;
    uint32_t count = index - (uint32_t)skip;
    if (count > count_max)
        count = count_max;
    for (uint32_t at = find_last(feeds, key); at > 0 && index-- > skip;
         at = find_earlier(feeds, key, at))
        if (index - skip < count)
            out[index - skip] = feeds->entries[at - 1].seq;
    return count;
}

void
feeds_cut(struct feeds *feeds, uint32_t count)
{
    assert(feeds->count >= count);
    while (feeds->count > count) {
        const struct feed_entry *entry = &feeds->entries[--feeds->count];
        *head_of(feeds, &entry->key) = entry->earlier;
    }
}

size_t
feeds_size(const struct feeds *feeds)
{
    return (size_t)feeds->capacity * (sizeof(*feeds->entries) + sizeof(*feeds->heads));
}
