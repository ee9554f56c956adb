#include "store/runs.h"

#include "base/assert.h"

#define ROOM_FIRST 2  /* with its head this is a cache line */
#define ROOM_MAX   30 /* beyond, what an insertion moves costs more than a tree */

/* The entries of a run: `room` words, then as many places; or, if `room` is 0, a struct tree. A
 * word is the 8 bytes of a key behind its owner, as a big number with zeros behind the key's end.
 */
struct run {
    uint32_t count; /* of an array */
    uint32_t room;
    uint64_t words[];
};

_Static_assert(ROOM_FIRST *(sizeof(uint64_t) + sizeof(uint32_t)) >= sizeof(struct tree),
               "a run becomes a tree where it stands");

static size_t
run_size(uint32_t room)
{
    return sizeof(struct run) + room * (sizeof(uint64_t) + sizeof(uint32_t));
}

static uint32_t *
run_places(struct run *run)
{
    return (uint32_t *)(void *)(run->words + run->room);
}

static struct tree *
run_tree(struct run *run)
{
    assert(run->room == 0);
    return (struct tree *)(void *)run->words;
}

static struct tree_key
tree_key_in_run(const struct overlay_key *key)
{
    return tree_key_of(list_key_rest(key->table, key->key));
}

static uint64_t
word_of(const struct overlay_key *key)
{
    return key_word(key->key, view_tables[key->table].owner_size);
}

/* It is in the list whose keys begin with @owner: a row of it, or what leads to its run. */
static bool
row_is_of(const struct row *row, uint8_t table, struct slice owner)
{
    return row->table == table && row->key_size >= owner.size &&
           memcmp(row->key, owner.data, owner.size) == 0;
}

/* What leads to @key's list: the place of its only row, or that of the head of its run; 0 if there
 * is none. */
static uint32_t
head_of(const struct runs *runs, const struct arena *arena, const struct overlay_key *key)
{
    return hash_find_by(&runs->heads, arena, (uint32_t)key->hash, (uint8_t)key->table,
                        list_key_owner(key->table, key->key), row_is_of);
}

/* The run that the row at @head leads to; NULL if that is the only row of its list. */
static struct run *
run_at(const struct arena *arena, uint32_t head)
{
    const struct row *row = arena_at(arena, head);
    return row->state == ROW_RUN ? arena_at(arena, row->apart) : NULL;
}

/* ---- Arrays ---- */

/* The first entry that is not below @key; *found says whether it is its. */
static uint32_t
array_search(struct run *run, const struct arena *arena, const struct overlay_key *key,
             uint64_t word, bool *found)
{
    uint32_t index = 0;
    *found = false;
    for (uint32_t i = 0; i < run->count; i++)
        index += run->words[i] < word;
    for (; index < run->count && run->words[index] == word; index++) {
        const struct row *row = arena_at(arena, run_places(run)[index]);
        int order = key_compare(row_key(row), key->key);
        *found = order == 0;
        if (order >= 0)
            break;
    }
    return index;
}

static uint32_t *
array_insert(struct run *run, uint32_t index, uint64_t word)
{
    assert(run->count < run->room && index <= run->count);
    uint32_t *places = run_places(run), count = run->count++ - index;
    memmove(&run->words[index + 1], &run->words[index], count * sizeof(run->words[0]));
    memmove(&places[index + 1], &places[index], count * sizeof(places[0]));
    run->words[index] = word;
    places[index] = 0;
    return &places[index];
}

/* A run, and the row that it is the value of: what a search meets lies together. */
static struct run *
array_make(struct arena *arena, uint8_t table, struct slice owner, uint32_t room, uint32_t *head)
{
    *head = row_make_apart(arena, table, owner, run_size(room));
    assert(*head != 0); /* the caller made sure of it */
    struct row *row = arena_at(arena, *head);
    row->state = ROW_RUN;
    struct run *run = run_at(arena, *head);
    *run = (struct run){.room = room};
    return run;
}

/* A list gets its second row. */
static struct run *
array_begin(struct arena *arena, enum view_table table, uint32_t *head)
{
    uint32_t only = *head;
    struct slice key = row_key(arena_at(arena, only));
    struct run *run =
        array_make(arena, (uint8_t)table, list_key_owner(table, key), ROOM_FIRST, head);
    *array_insert(run, 0, key_word(key, view_tables[table].owner_size)) = only;
    return run;
}

/* Move a full array to where it has room for twice as many. */
static struct run *
array_grow(struct arena *arena, uint32_t *head, struct run *run)
{
    const struct row *row = arena_at(arena, *head);
    struct run *larger = array_make(arena, row->table, row_key(row), 2 * (run->room + 1), head);
    larger->count = run->count;
    memcpy(larger->words, run->words, run->count * sizeof(run->words[0]));
    memcpy(run_places(larger), run_places(run), run->count * sizeof(run_places(run)[0]));
    return larger;
}

/* Make a full array a tree, where it stands. */
static void
array_to_tree(struct arena *arena, enum view_table table, struct run *run)
{
    struct tree tree = {0};
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t place = run_places(run)[i];
        const struct row *row = arena_at(arena, place);
        struct tree_key key = tree_key_of(list_key_rest(table, row_key(row)));
        *tree_slot(&tree, arena, &key) = place;
    }
    *run = (struct run){0};
    *run_tree(run) = tree;
}

/* ---- All ---- */

void
runs_fini(struct runs *runs)
{
    hash_fini(&runs->heads);
}

void
runs_clear(struct runs *runs)
{
    hash_clear(&runs->heads);
}

size_t
runs_size(const struct runs *runs)
{
    return hash_size(&runs->heads);
}

uint32_t
runs_find(const struct runs *runs, const struct arena *arena, const struct overlay_key *key)
{
    uint32_t head = head_of(runs, arena, key);
    bool found;
    if (head == 0)
        return 0;
    struct run *run = run_at(arena, head);
    if (!run)
        return row_is(arena_at(arena, head), (uint8_t)key->table, key->key) ? head : 0;
    if (run->room == 0) {
        struct tree_key wanted = tree_key_in_run(key);
        return tree_find(run_tree(run), arena, &wanted);
    }
    uint32_t index = array_search(run, arena, key, word_of(key), &found);
    return found ? run_places(run)[index] : 0;
}

bool
runs_ensure(struct runs *runs, struct arena *arena, size_t more)
{
    /* The largest array, and a tree at its highest: more than is ever taken at once. */
    static const struct tree highest = {.height = TREE_HEIGHT_MAX};
    size_t room =
        sizeof(struct row) + VIEW_LIST_KEY_SIZE_MAX + run_size(ROOM_MAX) + tree_room(&highest);
    return arena_ensure(arena, room + more) && hash_ensure(&runs->heads);
}

uint32_t *
runs_slot(struct runs *runs, struct arena *arena, const struct overlay_key *key)
{
    uint8_t table = (uint8_t)key->table;
    struct slice owner = list_key_owner(key->table, key->key);
    uint32_t *head =
        hash_slot_by(&runs->heads, arena, (uint32_t)key->hash, table, owner, row_is_of);
    struct run *run = *head ? run_at(arena, *head) : NULL;
    if (!run && (*head == 0 || row_is(arena_at(arena, *head), table, key->key)))
        return head;
    if (!run)
        run = array_begin(arena, key->table, head);
    if (run->room > 0) {
        uint64_t word = word_of(key);
        bool found;
        uint32_t index = array_search(run, arena, key, word, &found);
        if (found)
            return &run_places(run)[index];
        if (run->count == run->room && run->room < ROOM_MAX)
            run = array_grow(arena, head, run);
        if (run->count < run->room)
            return array_insert(run, index, word);
        array_to_tree(arena, key->table, run);
    }
    struct tree_key wanted = tree_key_in_run(key);
    return tree_slot(run_tree(run), arena, &wanted);
}

/* ---- Walks ---- */

static struct run_cursor
cursor_in(const struct arena *arena, struct run *run, uint32_t index)
{
    if (index == run->count)
        return (struct run_cursor){0};
    size_t distance = (size_t)((uint8_t *)run - arena->base);
    return (struct run_cursor){.run = (uint32_t)(distance / ARENA_UNIT), .index = index};
}

struct run_cursor
runs_seek(const struct runs *runs, const struct arena *arena, const struct overlay_key *key)
{
    uint32_t head = head_of(runs, arena, key);
    bool found;
    if (head == 0)
        return (struct run_cursor){0};
    struct run *run = run_at(arena, head);
    if (!run) {
        int order = key_compare(row_key(arena_at(arena, head)), key->key);
        return (struct run_cursor){.only = order >= 0 ? head : 0};
    }
    if (run->room > 0)
        return cursor_in(arena, run, array_search(run, arena, key, word_of(key), &found));
    struct tree_key wanted = tree_key_in_run(key);
    return (struct run_cursor){.tree = tree_seek(run_tree(run), arena, &wanted)};
}

struct run_cursor
run_first(const struct arena *arena, uint32_t head)
{
    struct run *run = run_at(arena, head);
    if (!run)
        return (struct run_cursor){.only = head};
    if (run->room > 0)
        return cursor_in(arena, run, 0);
    return (struct run_cursor){.tree = tree_seek(run_tree(run), arena, NULL)};
}

uint32_t
run_next(struct run_cursor *cursor, const struct arena *arena)
{
    uint32_t only = cursor->only;
    cursor->only = 0;
    if (only != 0)
        return only;
    if (cursor->run == 0)
        return tree_next(&cursor->tree, arena);
    struct run *run = arena_at(arena, cursor->run);
    assert(cursor->index < run->count);
    uint32_t place = run_places(run)[cursor->index];
    if (++cursor->index == run->count)
        cursor->run = 0;
    return place;
}
