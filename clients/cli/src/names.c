#include "names.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/assert.h"
#include "base/buf.h"

#define SLOTS_MIN 1024 /* a power of two */

struct names {
    struct buf text;  /* all names, each with its zero */
    uint32_t *starts; /* number -> where its text begins */
    size_t count, capacity;
    uint32_t *slots;   /* open addressing: number + 1, 0 is free; never more than half full */
    size_t slot_count; /* a power of two */
};

struct names *
names_create(void)
{
    struct names *names = calloc(1, sizeof(*names));
    if (!names)
        return NULL;
    names->slot_count = SLOTS_MIN;
    names->slots = calloc(names->slot_count, sizeof(*names->slots));
    if (!names->slots) {
        free(names);
        return NULL;
    }
    return names;
}

void
names_destroy(struct names *names)
{
    if (!names)
        return;
    buf_fini(&names->text);
    free(names->starts);
    free(names->slots);
    free(names);
}

size_t
names_count(const struct names *names)
{
    return names->count;
}

const char *
names_at(const struct names *names, uint32_t number)
{
    assert(number < names->count);
    return (const char *)names->text.data + names->starts[number];
}

static uint64_t
hash(struct slice text)
{
    return XXH3_64bits(text.data, text.size);
}

static bool
is_name(const struct names *names, uint32_t number, struct slice text)
{
    const char *name = names_at(names, number);
    /* The zero is compared too: a name never holds one. */
    return memcmp(name, text.data, text.size) == 0 && name[text.size] == 0;
}

/* The slot that holds @text, or the free one where it belongs. */
static size_t
find_slot(const struct names *names, struct slice text)
{
    size_t mask = names->slot_count - 1;
    size_t slot = (size_t)hash(text) & mask;
    while (names->slots[slot] != 0) {
        uint32_t number = names->slots[slot] - 1;
        /* memcmp() must not run over the end of all text. */
        bool fits = names->starts[number] + text.size < names->text.size;
        if (fits && is_name(names, number, text))
            break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

static bool
grow_slots(struct names *names)
{
    size_t slot_count = names->slot_count * 2;
    uint32_t *slots = calloc(slot_count, sizeof(*slots));
    if (!slots)
        return false;
    for (uint32_t number = 0; number < names->count; number++) {
        size_t slot = (size_t)hash(slice_str(names_at(names, number))) & (slot_count - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (slot_count - 1);
        slots[slot] = number + 1;
    }
    free(names->slots);
    names->slots = slots;
    names->slot_count = slot_count;
    return true;
}

static bool
grow_starts(struct names *names)
{
    size_t capacity = names->capacity ? names->capacity * 2 : SLOTS_MIN;
    uint32_t *starts = realloc(names->starts, capacity * sizeof(*starts));
    if (!starts)
        return false;
    names->starts = starts;
    names->capacity = capacity;
    return true;
}

static uint32_t
append(struct names *names, struct slice text)
{
    size_t start = names->text.size;
    if (names->count >= NAMES_COUNT_MAX || start + text.size >= UINT32_MAX)
        return NAMES_NONE;
    if (names->count == names->capacity && !grow_starts(names))
        return NAMES_NONE;
    buf_append(&names->text, text.data, text.size);
    buf_append(&names->text, "", 1);
    if (names->text.failed)
        return NAMES_NONE;
    names->starts[names->count] = (uint32_t)start;
    return (uint32_t)names->count++;
}

uint32_t
names_add(struct names *names, struct slice text)
{
    assert(text.size > 0);
    assert(names->count * 2 <= names->slot_count);
    size_t slot = find_slot(names, text);
    if (names->slots[slot] != 0)
        return names->slots[slot] - 1;
    if ((names->count + 1) * 2 > names->slot_count) {
        if (!grow_slots(names))
            return NAMES_NONE;
        slot = find_slot(names, text);
    }
    uint32_t number = append(names, text);
    if (number != NAMES_NONE)
        names->slots[slot] = number + 1;
    return number;
}
