#include "app/wakes.h"

#include <stdlib.h>

#include "base/assert.h"

#define TABLE_FIRST 64

void
wakes_fini(struct wakes *wakes)
{
    assert(wakes->key_count == 0);
    free(wakes->table);
    *wakes = (struct wakes){0};
}

static struct wakes_node **
place_of(const struct wakes *wakes, uint64_t key)
{
    return &wakes->table[key & wakes->mask];
}

/* False, and nothing changed, if memory is short. */
static bool
resize(struct wakes *wakes, uint64_t size)
{
    assert(size >= wakes->key_count && size <= UINT32_MAX);
    struct wakes_node **old = wakes->table, **table = calloc(size, sizeof(struct wakes_node *));
    if (!table)
        return false;
    uint32_t old_size = old ? wakes->mask + 1 : 0;
    wakes->table = table;
    wakes->mask = (uint32_t)size - 1;
    for (uint32_t i = 0; i < old_size; i++) {
        for (struct wakes_node *node = old[i], *next; node; node = next) {
            struct wakes_node **place = place_of(wakes, node->key);
            next = node->chained;
            node->chained = *place;
            *place = node;
        }
    }
    free(old);
    return true;
}

bool
wakes_reserve(struct wakes *wakes, uint32_t count)
{
    uint64_t wanted = (uint64_t)wakes->key_count + count;
    uint64_t size = wakes->table ? (uint64_t)wakes->mask + 1 : TABLE_FIRST;
    if (wakes->table && wanted <= size)
        return true;
    while (size < wanted)
        size *= 2;
    return resize(wakes, size);
}

void
wakes_shrink(struct wakes *wakes)
{
    uint64_t old = (uint64_t)wakes->mask + 1, size = old;
    while (size > TABLE_FIRST && wakes->key_count < size / 8)
        size /= 2;
    if (size < old)
        resize(wakes, size);
}

struct wakes_node *
wakes_find(const struct wakes *wakes, uint64_t key)
{
    struct wakes_node *node = wakes->table ? *place_of(wakes, key) : NULL;
    while (node && node->key != key)
        node = node->chained;
    return node;
}

void
wakes_add(struct wakes *wakes, struct wakes_node *node)
{
    struct wakes_node *first = wakes_find(wakes, node->key);
    node->chained = NULL;
    node->prev = first;
    node->next = first ? first->next : NULL;
    if (first) {
        first->next = node;
        if (node->next)
            node->next->prev = node;
        return;
    }
    struct wakes_node **place = place_of(wakes, node->key);
    assert(wakes->table && wakes->key_count <= wakes->mask);
    node->chained = *place;
    *place = node;
    wakes->key_count++;
}

/* The first of a key goes: the second takes its place in the table. */
static void
replace_first(struct wakes *wakes, struct wakes_node *node)
{
    struct wakes_node **place = place_of(wakes, node->key);
    while (*place != node) {
        assert(*place);
        place = &(*place)->chained;
    }
    *place = node->chained;
    if (!node->next) {
        wakes->key_count--;
        return;
    }
    node->next->prev = NULL;
    node->next->chained = node->chained;
    *place = node->next;
}

void
wakes_del(struct wakes *wakes, struct wakes_node *node)
{
    if (!node->prev) {
        replace_first(wakes, node);
        return;
    }
    assert(node->prev->next == node);
    node->prev->next = node->next;
    if (node->next)
        node->next->prev = node->prev;
}
