#include "store/sort.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/endian.h"

#define CAPACITY_FIRST 1024
#define CAPACITY_KEPT  ((size_t)512 * 1024) /* 16 MiB: more than a checkpoint has as a rule */

#define DIGIT_COUNT 8 /* bytes of a word */
#define DIGIT_SIZE  256

#define FEW_COUNT 32 /* so many are sooner sorted by comparing them */

/* ---- Memory ---- */

void
sort_fini(struct sort *sort)
{
    free(sort->entries);
    free(sort->spare);
    *sort = (struct sort){0};
}

void
sort_clear(struct sort *sort)
{
    if (sort->capacity > CAPACITY_KEPT)
        sort_fini(sort);
}

/* Room for @count entries, whose content is arbitrary. */
static bool
room_make(struct sort *sort, size_t count)
{
    size_t capacity = sort->capacity ? sort->capacity : CAPACITY_FIRST;
    if (count <= sort->capacity)
        return true;
    while (capacity < count)
        capacity *= 2;
    sort_fini(sort);
    sort->entries = malloc(capacity * sizeof(*sort->entries));
    sort->spare = malloc(capacity * sizeof(*sort->spare));
    if (!sort->entries || !sort->spare) {
        sort_fini(sort);
        return false;
    }
    sort->capacity = capacity;
    return true;
}

/* ---- By words ---- */

static unsigned
digit_of(const struct sort_entry *entry, unsigned digit)
{
    return (unsigned)(entry->word >> 8 * digit) & (DIGIT_SIZE - 1);
}

/* Move all entries to where this digit, of which there are so many each, says; what is the same
 * stays in order. */
static void
digit_sort(const struct sort_entry *from, struct sort_entry *to, size_t count, unsigned digit,
           const uint32_t counts[DIGIT_SIZE])
{
    uint32_t next[DIGIT_SIZE];
    uint32_t sum = 0;
    for (unsigned i = 0; i < DIGIT_SIZE; i++) {
        next[i] = sum;
        sum += counts[i];
    }
    assert(sum == count);
    for (size_t i = 0; i < count; i++)
        to[next[digit_of(&from[i], digit)]++] = from[i];
}

/* Sort by word; entries with the same one stay in order. @spare has room for as many. */
static void
words_sort(struct sort_entry *entries, struct sort_entry *spare, size_t count)
{
    uint32_t counts[DIGIT_COUNT][DIGIT_SIZE] = {{0}};
    struct sort_entry *from = entries, *to = spare;
    assert(count > 0 && count <= UINT32_MAX);
    for (size_t i = 0; i < count; i++) {
        for (unsigned digit = 0; digit < DIGIT_COUNT; digit++)
            counts[digit][digit_of(&entries[i], digit)]++;
    }
    for (unsigned digit = 0; digit < DIGIT_COUNT; digit++) {
        if (counts[digit][digit_of(from, digit)] == count)
            continue; /* all have the same */
        digit_sort(from, to, count, digit, counts[digit]);
        struct sort_entry *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != entries)
        memcpy(entries, from, count * sizeof(*entries));
}

/* How many entries from the first on have its word. */
static size_t
run_count(const struct sort_entry *entries, size_t count)
{
    size_t run = 1;
    while (run < count && entries[run].word == entries[0].word)
        run++;
    return run;
}

/* ---- Rows ---- */

static const struct row *
row_at(const struct arena *arena, const struct sort_entry *entries, size_t i, size_t count)
{
    if (i + SORT_AHEAD_COUNT < count)
        __builtin_prefetch(arena_at(arena, entries[i + SORT_AHEAD_COUNT].place));
    return arena_at(arena, entries[i].place);
}

static void
few_sort(const struct arena *arena, struct sort_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct sort_entry entry = entries[i];
        struct slice key = row_key(arena_at(arena, entry.place));
        size_t at = i;
        for (; at > 0; at--) {
            if (key_compare(row_key(arena_at(arena, entries[at - 1].place)), key) <= 0)
                break;
            entries[at] = entries[at - 1];
        }
        entries[at] = entry;
    }
}

/* How many bytes all keys of these rows begin with: ids made by one scheme often share a lot. */
static size_t
shared_size(const struct arena *arena, const struct sort_entry *entries, size_t count)
{
    const struct row *first = arena_at(arena, entries[0].place);
    size_t size = first->key_size;
    for (size_t i = 1; i < count && size > 0; i++) {
        const struct row *row = row_at(arena, entries, i, count);
        size_t same = 0, limit = row->key_size < size ? row->key_size : size;
        while (same < limit && row->key[same] == first->key[same])
            same++;
        size = same;
    }
    return size;
}

/* Sort rows by their keys, which are the same in their first @same bytes, if zeros are thought
 * behind the end of those that are shorter. Goes no deeper than a key has words: behind the last
 * one only such zeros tell keys apart, fewer than there are sizes. */
static void
rows_sort(const struct arena *arena, struct sort_entry *entries, struct sort_entry *spare,
          size_t count, size_t same)
{
    if (count <= FEW_COUNT || same >= VIEW_KEY_SIZE_MAX) {
        assert(count <= VIEW_KEY_SIZE_MAX);
        few_sort(arena, entries, count);
        return;
    }
    size_t at = shared_size(arena, entries, count);
    if (at < same)
        at = same;
    for (size_t i = 0; i < count; i++)
        entries[i].word = key_word(row_key(row_at(arena, entries, i, count)), at);
    words_sort(entries, spare, count);
    for (size_t i = 0, run; i < count; i += run) {
        run = run_count(entries + i, count - i);
        if (run > 1)
            rows_sort(arena, entries + i, spare, run, at + sizeof(entries->word));
    }
}

/* All rows, table by table; end[] says where each ends. */
static void
rows_gather(struct sort *sort, const struct hash *hash, const struct arena *arena)
{
    size_t count = 0, next[VIEW_TABLE_COUNT] = {0};
    for (uint32_t i = 0; hash->slots && i <= hash->mask; i++) {
        if (hash->slots[i].place != 0)
            sort->spare[count++].place = hash->slots[i].place;
    }
    assert(count == hash->count);
    for (size_t i = 0; i < count; i++) {
        uint8_t table = row_at(arena, sort->spare, i, count)->table;
        sort->spare[i].word = table;
        sort->end[table]++;
    }
    for (size_t i = 1; i < VIEW_TABLE_COUNT; i++) {
        next[i] = sort->end[i - 1];
        sort->end[i] += sort->end[i - 1];
    }
    for (size_t i = 0; i < count; i++)
        sort->entries[next[sort->spare[i].word]++] = sort->spare[i];
}

bool
sort_rows(struct sort *sort, const struct hash *hash, const struct arena *arena)
{
    memset(sort->end, 0, sizeof(sort->end));
    if (!room_make(sort, hash->count))
        return false;
    rows_gather(sort, hash, arena);
    for (size_t table = 0, at = 0; table < VIEW_TABLE_COUNT; at = sort->end[table++]) {
        if (sort->end[table] > at)
            rows_sort(arena, sort->entries + at, sort->spare, sort->end[table] - at, 0);
    }
    return true;
}

/* ---- Feeds ---- */

static uint64_t
feed_word(const struct feeds *feeds, const struct sort_entry *entry, size_t at)
{
    return get_be64(feeds->entries[entry->place].key.bytes + at);
}

/* Entries whose keys are the same in their first half: nearly always those of one feed. */
static void
halves_sort(const struct feeds *feeds, struct sort_entry *entries, struct sort_entry *spare,
            size_t count)
{
    size_t half = sizeof(entries->word);
    bool is_one = true;
    for (size_t i = 1; i < count && is_one; i++)
        is_one = feed_word(feeds, &entries[i], half) == feed_word(feeds, &entries[0], half);
    if (is_one)
        return;
    for (size_t i = 0; i < count; i++)
        entries[i].word = feed_word(feeds, &entries[i], half);
    words_sort(entries, spare, count);
}

bool
sort_feeds(struct sort *sort, const struct feeds *feeds)
{
    if (!room_make(sort, feeds->count))
        return false;
    for (uint32_t i = 0; i < feeds->count; i++) {
        sort->entries[i].place = i;
        sort->entries[i].word = feed_word(feeds, &sort->entries[i], 0);
    }
    if (feeds->count > 0)
        words_sort(sort->entries, sort->spare, feeds->count);
    for (size_t i = 0, run; i < feeds->count; i += run) {
        run = run_count(sort->entries + i, feeds->count - i);
        halves_sort(feeds, sort->entries + i, sort->spare, run);
    }
    return true;
}
