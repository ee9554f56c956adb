#include "store/overlay.h"

#include "base/assert.h"

/* Memory for rows that an empty overlay holds on to: what was used lately, since to have the system
 * take it back and give it again costs more than to fill it. Three eighths of what both may take by
 * default are the most: where one is full, what the other holds on to must not count as much again.
 * What is no longer used goes a quarter at a time. */
#define OVERLAY_KEEP_MIN ((size_t)16 * 1024 * 1024)
#define OVERLAY_KEEP_MAX ((size_t)120 * 1024 * 1024)
#define UNDO_KEEP_SIZE   ((size_t)4 * 1024 * 1024)

/* What a row was before the unit. */
struct undo {
    uint32_t place; /* of the row */
    uint32_t unit;
    uint32_t size;
    uint8_t state;
    uint8_t value[];
};

bool
overlay_init(struct overlay *overlay, size_t size)
{
    *overlay = (struct overlay){0};
    return arena_init(&overlay->arena, size) && arena_init(&overlay->units[0].undo, size) &&
           arena_init(&overlay->units[1].undo, size);
}

void
overlay_fini(struct overlay *overlay)
{
    arena_fini(&overlay->arena);
    hash_fini(&overlay->points);
    runs_fini(&overlay->runs);
    feeds_fini(&overlay->feeds);
    for (unsigned i = 0; i < ARRAY_COUNT(overlay->units); i++)
        arena_fini(&overlay->units[i].undo);
}

static size_t
keep_size(size_t kept, size_t used)
{
    size_t keep = kept - kept / 4;
    if (keep < used)
        keep = used;
    if (keep < OVERLAY_KEEP_MIN)
        return OVERLAY_KEEP_MIN;
    return keep < OVERLAY_KEEP_MAX ? keep : OVERLAY_KEEP_MAX;
}

void
overlay_clear(struct overlay *overlay)
{
    overlay->keep_size = keep_size(overlay->keep_size, overlay->arena.used);
    arena_clear(&overlay->arena, overlay->keep_size);
    hash_clear(&overlay->points);
    runs_clear(&overlay->runs);
    feeds_clear(&overlay->feeds);
    for (unsigned i = 0; i < ARRAY_COUNT(overlay->units); i++) {
        arena_clear(&overlay->units[i].undo, UNDO_KEEP_SIZE);
        overlay->units[i].number = 0;
    }
    overlay->numbers = 0;
    overlay->rows = 0;
}

static uint32_t
find(const struct overlay *overlay, const struct overlay_key *key)
{
    if (view_tables[key->table].kind == VIEW_KIND_LIST)
        return runs_find(&overlay->runs, &overlay->arena, key);
    return hash_find(&overlay->points, &overlay->arena, (uint32_t)key->hash, (uint8_t)key->table,
                     key->key);
}

const struct row *
overlay_find(const struct overlay *overlay, const struct overlay_key *key)
{
    uint32_t place = find(overlay, key);
    if (place == 0)
        return NULL;
    const struct row *row = arena_at(&overlay->arena, place);
    return row->state == ROW_NONE ? NULL : row;
}

struct run_cursor
overlay_seek(const struct overlay *overlay, const struct overlay_key *key)
{
    return runs_seek(&overlay->runs, &overlay->arena, key);
}

/* The place of the row; a new one is made, still in state ROW_NONE. 0 if memory is
 * short, and then nothing has changed: all that is needed is made sure of first. */
static uint32_t
find_or_add(struct overlay *overlay, const struct overlay_key *key, size_t value_size)
{
    uint8_t table = (uint8_t)key->table;
    bool is_list = view_tables[table].kind == VIEW_KIND_LIST;
    size_t room = row_size(key->key, value_size);
    bool has_room = is_list ? runs_ensure(&overlay->runs, &overlay->arena, room)
                            : arena_ensure(&overlay->arena, room) && hash_ensure(&overlay->points);
    if (!has_room)
        return 0;

    uint32_t *slot = is_list ? runs_slot(&overlay->runs, &overlay->arena, key)
                             : hash_slot(&overlay->points, &overlay->arena, (uint32_t)key->hash,
                                         table, key->key);
    if (*slot == 0) {
        *slot = row_make(&overlay->arena, table, key->key, value_size);
        overlay->rows++;
    }
    assert(*slot != 0);
    return *slot;
}

/* Save what the row is, unless this unit did so already. False if memory is short. */
static bool
row_save(struct overlay *overlay, uint32_t place, struct row *row)
{
    struct overlay_unit *unit = &overlay->units[overlay->open];
    if (row->unit == unit->number)
        return true;
    uint32_t size = row->state == ROW_VALUE ? row->size : 0;
    uint32_t at = arena_alloc(&unit->undo, offsetof(struct undo, value) + size);
    if (at == 0)
        return false;

    struct undo *undo = arena_at(&unit->undo, at);
    undo->place = place;
    undo->unit = row->unit;
    undo->size = size;
    undo->state = row->state;
    memcpy(undo->value, row_bytes(&overlay->arena, row), size);
    row->unit = unit->number;
    return true;
}

bool
overlay_put(struct overlay *overlay, const struct overlay_key *key, enum row_state state,
            struct slice value)
{
    assert(overlay->units[overlay->open].number > 0 && state != ROW_NONE && key->key.size > 0);
    uint32_t place = find_or_add(overlay, key, state == ROW_VALUE ? value.size : 0);
    if (place == 0)
        return false;

    struct row *row = arena_at(&overlay->arena, place);
    if (!row_save(overlay, place, row))
        return false;
    if (state == ROW_VALUE && !row_set(&overlay->arena, row, value))
        return false;
    row->state = (uint8_t)state;
    return true;
}

void
overlay_begin(struct overlay *overlay)
{
    struct overlay_unit *unit = &overlay->units[overlay->open];
    unit->feeds_count = overlay->feeds.count;
    /* A unit that changed nothing leaves its number to the next. */
    if (unit->number > 0 && unit->number == overlay->numbers && unit->undo.used == ARENA_UNIT)
        return;
    assert(overlay->numbers < UINT32_MAX);
    unit->number = ++overlay->numbers;
    arena_clear(&unit->undo, UNDO_KEEP_SIZE);
}

void
overlay_seal(struct overlay *overlay)
{
    overlay->open = !overlay->open;
    arena_clear(&overlay->units[overlay->open].undo, UNDO_KEEP_SIZE);
}

/* Put a row back; return where the next undo is. */
static size_t
row_restore(struct overlay *overlay, const struct overlay_unit *unit, size_t at)
{
    const struct undo *undo = arena_at(&unit->undo, (uint32_t)(at / ARENA_UNIT));
    struct row *row = arena_at(&overlay->arena, undo->place);
    assert(row->unit == unit->number && row_room(row) >= undo->size);

    memcpy(row_bytes(&overlay->arena, row), undo->value, undo->size);
    row->size = undo->size;
    row->unit = undo->unit;
    row->state = undo->state;
    size_t end = at + offsetof(struct undo, value) + undo->size;
    return (end + ARENA_UNIT - 1) / ARENA_UNIT * ARENA_UNIT;
}

static void
unit_undo(struct overlay *overlay, struct overlay_unit *unit)
{
    for (size_t at = ARENA_UNIT; at < unit->undo.used;)
        at = row_restore(overlay, unit, at);
    feeds_cut(&overlay->feeds, unit->feeds_count);
    arena_clear(&unit->undo, UNDO_KEEP_SIZE);
}

void
overlay_undo(struct overlay *overlay)
{
    unit_undo(overlay, &overlay->units[overlay->open]);
}

void
overlay_undo_sealed(struct overlay *overlay)
{
    assert(overlay->units[overlay->open].undo.used == ARENA_UNIT);
    unit_undo(overlay, &overlay->units[!overlay->open]);
}

size_t
overlay_size(const struct overlay *overlay)
{
    return overlay->arena.used + hash_size(&overlay->points) + runs_size(&overlay->runs) +
           feeds_size(&overlay->feeds) + overlay->units[0].undo.used + overlay->units[1].undo.used;
}
