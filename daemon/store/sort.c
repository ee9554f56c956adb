#include "store/sort.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/endian.h"

#define CAPACITY_FIRST 1024
#define CAPACITY_KEPT  ((size_t)512 * 1024)  /* 16 MiB: more than a table has as a rule */
#define ROOM_KEPT      ((size_t)1024 * 1024) /* 4 MiB: likewise */

#define DIGIT_COUNT 8 /* bytes of a word */
#define DIGIT_SIZE  256

_Static_assert(SORT_FEED_GROUPS <= SORT_GROUP_COUNT, "feeds fall into as many");

#define FEW_COUNT 32 /* so many are sooner sorted by comparing them */

/* ---- Memory ---- */

void
sort_fini(struct sort *sort)
{
    free(sort->entries);
    free(sort->places);
    *sort = (struct sort){0};
}

/* Memory that is held, with room for *room items: all of it goes. */
static void *
let_go(void *held, size_t *room)
{
    free(held);
    *room = 0;
    return NULL;
}

void
sort_clear(struct sort *sort)
{
    if (sort->capacity > CAPACITY_KEPT)
        sort->entries = let_go(sort->entries, &sort->capacity);
    if (sort->room > ROOM_KEPT)
        sort->places = let_go(sort->places, &sort->room);
}

/* The same, with room for @count items of @size bytes, whose content is arbitrary; NULL if memory
 * is short. */
static void *
make_room(void *held, size_t *room, size_t count, size_t size)
{
    size_t more = *room ? *room : CAPACITY_FIRST;
    while (more < count)
        more *= 2;
    if (more == *room)
        return held;
    let_go(held, room);
    held = malloc(more * size);
    *room = held ? more : 0;
    return held;
}

static bool
places_make(struct sort *sort, size_t count)
{
    sort->places = make_room(sort->places, &sort->room, count, sizeof(*sort->places));
    return sort->places != NULL;
}

/* As many again behind them are to spare. */
static bool
entries_make(struct sort *sort, size_t count)
{
    sort->entries = make_room(sort->entries, &sort->capacity, count, 2 * sizeof(*sort->entries));
    return sort->entries != NULL;
}

static struct sort_entry *
spare_of(const struct sort *sort)
{
    return sort->entries + sort->capacity;
}

/* ---- Groups ---- */

/* From how many there are in each group to where the first of each belongs. */
static void
ends_to_starts(const struct sort *sort, size_t starts[SORT_GROUP_COUNT])
{
    size_t sum = 0;
    for (size_t i = 0; i < SORT_GROUP_COUNT; i++) {
        starts[i] = sum;
        sum += sort->end[i];
    }
}

/* Put the places of a group into entries[]; false if memory is short. */
static bool
group_open(struct sort *sort, unsigned group, size_t *count)
{
    size_t start = group > 0 ? sort->end[group - 1] : 0;
    assert(group < SORT_GROUP_COUNT);
    *count = sort->end[group] - start;
    if (!entries_make(sort, *count))
        return false;
    for (size_t i = 0; i < *count; i++)
        sort->entries[i].place = sort->places[start + i];
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

/* The place in the @i-th slot, or 0; rows of later ones are fetched. */
static uint32_t
slot_place(const struct hash *hash, const struct arena *arena, uint32_t i)
{
    if (i + SORT_AHEAD_COUNT <= hash->mask)
        __builtin_prefetch(arena_at(arena, hash->slots[i + SORT_AHEAD_COUNT].place));
    return hash->slots[i].place;
}

static uint8_t
table_of(const struct arena *arena, uint32_t place)
{
    return ((const struct row *)arena_at(arena, place))->table;
}

bool
sort_rows(struct sort *sort, const struct hash *hash, const struct arena *arena)
{
    size_t next[SORT_GROUP_COUNT];
    uint32_t place;
    memset(sort->end, 0, sizeof(sort->end));
    if (hash->count == 0)
        return true;
    if (!places_make(sort, hash->count))
        return false;
    for (uint32_t i = 0; i <= hash->mask; i++) {
        if ((place = slot_place(hash, arena, i)) != 0)
            sort->end[table_of(arena, place)]++;
    }
    ends_to_starts(sort, next);
    for (uint32_t i = 0; i <= hash->mask; i++) {
        if ((place = slot_place(hash, arena, i)) != 0)
            sort->places[next[table_of(arena, place)]++] = place;
    }
    memcpy(sort->end, next, sizeof(sort->end));
    assert(sort->end[SORT_GROUP_COUNT - 1] == hash->count);
    return true;
}

bool
sort_rows_of(struct sort *sort, const struct arena *arena, enum view_table table, size_t *count)
{
    if (!group_open(sort, table, count))
        return false;
    if (*count > 0)
        rows_sort(arena, sort->entries, spare_of(sort), *count, 0);
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

/* By the first bits of their keys. */
static unsigned
group_of(const struct feeds *feeds, uint32_t index)
{
    return feeds->entries[index].key.bytes[0] / (256 / SORT_FEED_GROUPS);
}

bool
sort_feeds(struct sort *sort, const struct feeds *feeds)
{
    size_t next[SORT_GROUP_COUNT];
    memset(sort->end, 0, sizeof(sort->end));
    if (!places_make(sort, feeds->count))
        return false;
    for (uint32_t i = 0; i < feeds->count; i++)
        sort->end[group_of(feeds, i)]++;
    ends_to_starts(sort, next);
    for (uint32_t i = 0; i < feeds->count; i++)
        sort->places[next[group_of(feeds, i)]++] = i;
    memcpy(sort->end, next, sizeof(sort->end));
    return true;
}

bool
sort_feeds_of(struct sort *sort, const struct feeds *feeds, unsigned group, size_t *count)
{
    if (!group_open(sort, group, count))
        return false;
    for (size_t i = 0; i < *count; i++)
        sort->entries[i].word = feed_word(feeds, &sort->entries[i], 0);
    if (*count > 0)
        words_sort(sort->entries, spare_of(sort), *count);
    for (size_t i = 0, run; i < *count; i += run) {
        run = run_count(sort->entries + i, *count - i);
        halves_sort(feeds, sort->entries + i, spare_of(sort), run);
    }
    return true;
}
