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
    size_t size, size_max; /* bytes of bodies, routes and keys */
    struct wakes wakes;
    seq_t told_seq; /* whom the log has something for up to here is due */
    uint32_t round; /* counts the calls of parked_wake() */
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

size_t
parked_size(const struct net_route *route, unsigned key_count)
{
    return route->size + key_count * sizeof(struct wakes_node);
}

static size_t
size_of(const struct parked_query *query)
{
    return query->size + query->route_size + query->key_count * sizeof(struct wakes_node);
}

/* --- keys ----------------------------------------------------------------------------------- */

static bool
add_keys(struct parked *parked, struct parked_query *query, const uint64_t *keys, unsigned count)
{
    assert(count <= PARKED_KEY_COUNT_MAX && !query->nodes);
    if (count == 0)
        return true;
    if (!wakes_reserve(&parked->wakes, count))
        return false;
    query->nodes = malloc(count * sizeof(*query->nodes));
    if (!query->nodes)
        return false;
    for (unsigned i = 0; i < count; i++) {
        query->nodes[i] = (struct wakes_node){.key = keys[i], .query = query};
        wakes_add(&parked->wakes, &query->nodes[i]);
    }
    query->key_count = (uint16_t)count;
    return true;
}

/* It waits under its keys no longer: there was nothing for it up to @seq. */
static void
drop_keys(struct parked *parked, struct parked_query *query, seq_t seq)
{
    if (!query->nodes)
        return;
    if (query->is_in_log && query->scanned < seq)
        query->scanned = seq;
    for (unsigned i = 0; i < query->key_count; i++)
        wakes_del(&parked->wakes, &query->nodes[i]);
    parked->size -= query->key_count * sizeof(*query->nodes);
    free(query->nodes);
    query->nodes = NULL;
    query->key_count = 0;
}

static void
wake(struct parked *parked, struct parked_query *query, seq_t last_seq)
{
    assert(query->nodes && query->nodes[0].query == query);
    drop_keys(parked, query, parked->told_seq);
    if (query->wake_seq <= last_seq)
        return;
    query->wake_seq = last_seq;
    sift_up(parked, BY_SEQ, query->places[BY_SEQ], query);
}

/* Those who share something are the ones under their first key. That one of them was woken is
 * noted with the first of those who stay, which is the same one for the rest of the round. */
static bool
others_are_told(const struct parked *parked, uint64_t shared_key)
{
    const struct wakes_node *first = wakes_find(&parked->wakes, shared_key);
    return first && first->query->told == parked->round;
}

static void
wake_shared(struct parked *parked, struct parked_query *query, seq_t last_seq)
{
    uint64_t shared_key = query->nodes[0].key;
    if (others_are_told(parked, shared_key))
        return;
    wake(parked, query, last_seq);
    struct wakes_node *first = wakes_find(&parked->wakes, shared_key);
    if (first)
        first->query->told = parked->round;
}

static void
wake_under(struct parked *parked, uint64_t key, seq_t last_seq)
{
    struct wakes_node *next;
    for (struct wakes_node *node = wakes_find(&parked->wakes, key); node; node = next) {
        struct parked_query *query = node->query;
        next = node->next;
        while (next && next->query == query) /* leaves with it */
            next = next->next;
        if (query->is_shared)
            wake_shared(parked, query, last_seq);
        else
            wake(parked, query, last_seq);
    }
}

void
parked_wake(struct parked *parked, const uint64_t *keys, unsigned key_count, seq_t last_seq)
{
    assert(last_seq >= parked->told_seq);
    parked->round++;
    for (unsigned i = 0; i < key_count; i++)
        wake_under(parked, keys[i], last_seq);
    parked->told_seq = last_seq;
}

void
parked_wake_all(struct parked *parked, seq_t last_seq)
{
    for (unsigned i = 0; i < parked->count; i++) /* the order of time does not change */
        if (parked->heaps[BY_TIME][i]->nodes)
            wake(parked, parked->heaps[BY_TIME][i], last_seq);
    parked->told_seq = last_seq;
}

/* False, and nothing changed, if memory is short; to have less there is always enough. */
static bool
resize(struct parked *parked, unsigned capacity)
{
    assert(capacity >= parked->count && capacity > 0);
    for (enum order order = BY_SEQ; order < ORDER_COUNT; order++) {
        void *heap = realloc(parked->heaps[order], capacity * sizeof(struct parked_query *));
        if (!heap)
            return capacity < parked->capacity;
        parked->heaps[order] = heap;
    }
    parked->capacity = capacity;
    return true;
}

static bool
grow(struct parked *parked)
{
    return parked->count < parked->capacity ||
           resize(parked, parked->capacity ? 2 * parked->capacity : CAPACITY_FIRST);
}

/* Take @query out of both heaps. */
static void
take_out(struct parked *parked, struct parked_query *query)
{
    assert(parked->count > 0);
    drop_keys(parked, query, parked->told_seq);
    parked->count--;
    parked->size -= size_of(query);
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

void
parked_shrink(struct parked *parked)
{
    unsigned capacity = parked->capacity;
    while (capacity > CAPACITY_FIRST && parked->count < capacity / 8)
        capacity /= 2;
    if (capacity < parked->capacity)
        resize(parked, capacity);
    wakes_shrink(&parked->wakes);
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
    wakes_fini(&parked->wakes);
    free(parked->heaps[BY_SEQ]);
    free(parked->heaps[BY_TIME]);
    free(parked);
}

unsigned
parked_count(const struct parked *parked)
{
    return parked->count;
}

size_t
parked_held(const struct parked *parked)
{
    return parked->size + parked->count * sizeof(struct parked_query);
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
    assert(body.size <= UINT32_MAX && route->size <= sizeof(route->bytes));
    struct parked_query *query = malloc(sizeof(*query) + route->size + body.size);
    if (!query)
        return NULL;
    *query = (struct parked_query){
        .came_ms = came_ms, .size = (uint32_t)body.size, .route_size = (uint16_t)route->size};
    memcpy(query->bytes, route->bytes, route->size);
    if (body.size > 0)
        memcpy(query->bytes + route->size, body.data, body.size);
    return query;
}

void
parked_query_destroy(struct parked_query *query)
{
    assert(!query || !query->nodes);
    free(query);
}

struct slice
parked_query_body(const struct parked_query *query)
{
    return slice_of(query->bytes + query->route_size, query->size);
}

void
parked_query_route(const struct parked_query *query, struct net_route *out)
{
    out->size = query->route_size;
    memcpy(out->bytes, query->bytes, query->route_size);
}

bool
parked_add(struct parked *parked, struct parked_query *query, const uint64_t *keys,
           unsigned key_count)
{
    assert(query->due_ms >= query->came_ms);
    size_t size = size_of(query) + key_count * sizeof(struct wakes_node);
    if (!parked_has_room(parked, 1, size) || !grow(parked) ||
        !add_keys(parked, query, keys, key_count))
        return false;
    unsigned place = parked->count++;
    parked->size += size;
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

unsigned
parked_drop_gone(struct parked *parked, unsigned place,
                 bool (*is_gone)(const struct parked_query *query))
{
    if (place > parked->count)
        place = parked->count;
    unsigned drops = 0;
    for (unsigned looks = 0; place > 0 && looks < PARKED_LOOK_MAX; looks++) {
        struct parked_query *query = parked->heaps[BY_TIME][place - 1];
        /* One of those that share, and that was woken, has what others wait for, and runs soon. */
        bool is_told = query->is_shared && !query->nodes;
        if (is_told || !is_gone(query)) {
            place--;
            continue;
        }
        if (drops++ == PARKED_DROP_MAX)
            break;
        take_out(parked, query);
        parked_query_destroy(query);
        if (place > parked->count) /* else another one stands here now */
            place = parked->count;
    }
    return place;
}

msec_t
parked_next_ms(const struct parked *parked)
{
    return parked->count > 0 ? parked->heaps[BY_TIME][0]->due_ms : INT64_MAX;
}
