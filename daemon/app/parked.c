#include "app/parked.h"

#include <stdlib.h>

#include "base/assert.h"

/* Two binary heaps over the same queries; places[] of a query tells where it is in each, so that
 * it leaves both in O(log n). */
enum order { BY_SEQ, BY_TIME, ORDER_COUNT };

#define CAPACITY_FIRST 64

struct parked {
    struct parked_query **heaps[ORDER_COUNT];
    unsigned count, capacity, count_max;
    size_t size, size_max; /* bytes of bodies */
};

static uint64_t
rank_of(enum order order, const struct parked_query *query)
{
    return order == BY_SEQ ? query->wake_seq : (uint64_t)query->due_ms;
}

static void
put_at(struct parked *parked, enum order order, unsigned place, struct parked_query *query)
{
    parked->heaps[order][place] = query;
    query->places[order] = place;
}

static void
sift_up(struct parked *parked, enum order order, unsigned place, struct parked_query *query)
{
    struct parked_query **heap = parked->heaps[order];
    while (place > 0 && rank_of(order, query) < rank_of(order, heap[(place - 1) / 2])) {
        put_at(parked, order, place, heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(parked, order, place, query);
}

static void
sift_down(struct parked *parked, enum order order, unsigned place, struct parked_query *query)
{
    struct parked_query **heap = parked->heaps[order];
    for (;;) {
        unsigned child = 2 * place + 1;
        if (child >= parked->count)
            break;
        if (child + 1 < parked->count &&
            rank_of(order, heap[child + 1]) < rank_of(order, heap[child]))
            child++;
        if (rank_of(order, query) <= rank_of(order, heap[child]))
            break;
        put_at(parked, order, place, heap[child]);
        place = child;
    }
    put_at(parked, order, place, query);
}

/* Take @query out of both heaps. */
static void
take_out(struct parked *parked, struct parked_query *query)
{
    assert(parked->count > 0);
    parked->count--;
    parked->size -= query->size;
    for (enum order order = BY_SEQ; order < ORDER_COUNT; order++) {
        unsigned place = query->places[order];
        assert(parked->heaps[order][place] == query);
        struct parked_query *last = parked->heaps[order][parked->count];
        if (last == query)
            continue;
        /* The last one fills the gap, and goes whichever way it has to. */
        sift_down(parked, order, place, last);
        sift_up(parked, order, last->places[order], last);
    }
}

static bool
grow(struct parked *parked)
{
    if (parked->count < parked->capacity)
        return true;
    unsigned capacity = parked->capacity ? 2 * parked->capacity : CAPACITY_FIRST;
    for (enum order order = BY_SEQ; order < ORDER_COUNT; order++) {
        void *heap = realloc(parked->heaps[order], capacity * sizeof(struct parked_query *));
        if (!heap)
            return false;
        parked->heaps[order] = heap;
    }
    parked->capacity = capacity;
    return true;
}

struct parked *
parked_create(unsigned count_max, size_t size_max)
{
    assert(count_max > 0);
    struct parked *parked = calloc(1, sizeof(*parked));
    if (!parked)
        return NULL;
    parked->count_max = count_max;
    parked->size_max = size_max;
    return parked;
}

void
parked_destroy(struct parked *parked)
{
    if (!parked)
        return;
    while (parked->count > 0)
        parked_query_destroy(parked_take_any(parked));
    assert(parked->size == 0);
    free(parked->heaps[BY_SEQ]);
    free(parked->heaps[BY_TIME]);
    free(parked);
}

unsigned
parked_count(const struct parked *parked)
{
    return parked->count;
}

bool
parked_has_room(const struct parked *parked, unsigned count, size_t size)
{
    assert(parked->count <= parked->count_max);
    return count <= parked->count_max - parked->count && size <= parked->size_max - parked->size;
}

struct parked_query *
parked_query_create(const struct net_route *route, struct slice body, msec_t came_ms)
{
    assert(body.size <= UINT32_MAX);
    struct parked_query *query = malloc(sizeof(*query) + body.size);
    if (!query)
        return NULL;
    *query =
        (struct parked_query){.route = *route, .came_ms = came_ms, .size = (uint32_t)body.size};
    if (body.size > 0)
        memcpy(query->body, body.data, body.size);
    return query;
}

void
parked_query_destroy(struct parked_query *query)
{
    free(query);
}

bool
parked_add(struct parked *parked, struct parked_query *query)
{
    assert(query->due_ms >= query->came_ms);
    if (!parked_has_room(parked, 1, query->size) || !grow(parked))
        return false;
    unsigned place = parked->count++;
    parked->size += query->size;
    sift_up(parked, BY_SEQ, place, query);
    sift_up(parked, BY_TIME, place, query);
    return true;
}

bool
parked_is_due(const struct parked *parked, seq_t last_seq, msec_t now_ms)
{
    return parked->count > 0 && (parked->heaps[BY_SEQ][0]->wake_seq <= last_seq ||
                                 parked->heaps[BY_TIME][0]->due_ms <= now_ms);
}

struct parked_query *
parked_take(struct parked *parked, seq_t last_seq, msec_t now_ms)
{
    if (!parked_is_due(parked, last_seq, now_ms))
        return NULL;
    /* Who is late goes before who is awake: there is no end to being awake under load. */
    struct parked_query *query = parked->heaps[BY_TIME][0];
    if (query->due_ms > now_ms)
        query = parked->heaps[BY_SEQ][0];
    take_out(parked, query);
    return query;
}

struct parked_query *
parked_take_any(struct parked *parked)
{
    if (parked->count == 0)
        return NULL;
    struct parked_query *query = parked->heaps[BY_SEQ][parked->count - 1];
    take_out(parked, query);
    return query;
}

msec_t
parked_next_ms(const struct parked *parked)
{
    return parked->count > 0 ? parked->heaps[BY_TIME][0]->due_ms : INT64_MAX;
}
