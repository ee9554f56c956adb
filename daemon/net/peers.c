#include "net/peers.h"

#include <stdlib.h>

#include "base/assert.h"

struct peers {
    struct peer *rows; /* GUARD_FD_MAX of them, by descriptor; untouched ones cost no memory */
    struct peer **hash;
    uint32_t hash_mask;
    struct peer *waiting; /* those for whom something is kept, and some for whom it was */
    uint64_t kept_size_max;
    msec_t kept_ms_max;
    size_t kept_size; /* of all */
    unsigned kept_count;
};

static uint32_t
hash_size_for(unsigned connections_max)
{
    uint32_t size = 64;
    while (size < 2u * GUARD_FD_MAX && size < 2 * (uint64_t)connections_max)
        size *= 2;
    return size;
}

struct peers *
peers_create(unsigned connections_max, uint64_t kept_size_max, msec_t kept_ms_max)
{
    struct peers *peers = calloc(1, sizeof(*peers));
    if (!peers)
        return NULL;
    uint32_t size = hash_size_for(connections_max);
    peers->rows = calloc(GUARD_FD_MAX, sizeof(*peers->rows));
    peers->hash = calloc(size, sizeof(struct peer *));
    peers->hash_mask = size - 1;
    peers->kept_size_max = kept_size_max;
    peers->kept_ms_max = kept_ms_max;
    if (peers->rows && peers->hash)
        return peers;
    peers_destroy(peers);
    return NULL;
}

static size_t
cost_of(size_t route_size, size_t body_size)
{
    return sizeof(struct kept) + route_size + body_size;
}

static void
drop_first(struct peers *peers, struct peer *peer)
{
    struct kept *kept = peer->head;
    size_t cost = cost_of(kept->route_size, kept->body_size);

    assert(peer->kept_size >= cost);
    assert(peers->kept_size >= cost);
    assert(peers->kept_count > 0);
    peer->head = kept->next;
    if (!peer->head)
        peer->tail = NULL;
    if (peer->unstamped == kept)
        peer->unstamped = kept->next;
    peer->kept_size -= cost;
    peers->kept_size -= cost;
    peers->kept_count--;
    free(kept);
}

static void
drop_all(struct peers *peers, struct peer *peer)
{
    while (peer->head)
        drop_first(peers, peer);
}

void
peers_destroy(struct peers *peers)
{
    if (!peers)
        return;
    for (struct peer *peer = peers->waiting; peer; peer = peer->waiting_next)
        drop_all(peers, peer);
    assert(peers->kept_count == 0);
    assert(peers->kept_size == 0);
    free(peers->hash);
    free(peers->rows);
    free(peers);
}

/* nanomsg numbers its peers in turn, so that the low bits alone spread them evenly. */
static struct peer **
bucket_of(const struct peers *peers, uint32_t key)
{
    return &peers->hash[key & peers->hash_mask];
}

struct peer *
peers_find(const struct peers *peers, uint32_t key)
{
    struct peer *peer = *bucket_of(peers, key);
    while (peer && peer->key != key)
        peer = peer->hash_next;
    return peer;
}

static void
forget(struct peers *peers, struct peer *peer)
{
    struct peer **link = bucket_of(peers, peer->key);

    assert(peer->known);
    while (*link != peer)
        link = &(*link)->hash_next;
    *link = peer->hash_next;
    peer->known = false;
    drop_all(peers, peer);
}

static struct peer *
row_for(struct peers *peers, uint32_t key, struct guard_conn conn)
{
    assert(conn.fd >= 0 && conn.fd < GUARD_FD_MAX);
    assert(conn.serial != 0);
    struct peer *peer = &peers->rows[conn.fd];
    if (peer->known && peer->conn.serial == conn.serial) {
        assert(peer->key == key);
        return peer;
    }
    struct peer *namesake = peers_find(peers, key);
    if (namesake)
        forget(peers, namesake); /* Numbers begin again after 2^31 connections. */
    if (peer->known)
        forget(peers, peer);

    struct peer **bucket = bucket_of(peers, key);
    peer->key = key;
    peer->known = true;
    peer->answered = false;
    peer->conn = conn;
    peer->hash_next = *bucket;
    *bucket = peer;
    return peer;
}

void
peers_learn(struct peers *peers, uint32_t key, struct guard_conn conn)
{
    row_for(peers, key, conn)->answered = true;
}

void
peers_meet(struct peers *peers, uint32_t key, struct guard_conn conn)
{
    const struct peer *there = &peers->rows[conn.fd];
    bool is_another = there->known && there->conn.serial == conn.serial;
    if (!is_another && !peers_find(peers, key))
        row_for(peers, key, conn);
}

static struct kept *
kept_create(struct slice route, struct slice body)
{
    struct kept *kept = malloc(cost_of(route.size, body.size));
    if (!kept)
        return NULL;
    kept->next = NULL;
    kept->route_size = (uint32_t)route.size;
    kept->body_size = (uint32_t)body.size;
    memcpy(kept->bytes, route.data, route.size);
    if (body.size > 0)
        memcpy(kept->bytes + route.size, body.data, body.size);
    return kept;
}

bool
peers_keep(struct peers *peers, struct peer *peer, struct slice route, struct slice body)
{
    size_t cost = cost_of(route.size, body.size);

    assert(peer->known);
    assert(body.size <= UINT32_MAX);
    if (peer->kept_size + cost > peers->kept_size_max ||
        peers->kept_size + cost > PEERS_KEPT_SIZE_MAX)
        return false;
    struct kept *kept = kept_create(route, body);
    if (!kept)
        return false;

    if (peer->tail)
        peer->tail->next = kept;
    else
        peer->head = kept;
    peer->tail = kept;
    if (!peer->unstamped)
        peer->unstamped = kept;
    peer->kept_size += cost;
    peers->kept_size += cost;
    peers->kept_count++;
    if (!peer->listed) {
        peer->listed = true;
        peer->waiting_next = peers->waiting;
        peers->waiting = peer;
    }
    return true;
}

/* Give up what has waited too long. Each reply is stamped once, so this costs nothing on average.
 */
static unsigned
expire(struct peers *peers, struct peer *peer, msec_t now_ms)
{
    unsigned dropped = 0;

    for (; peer->unstamped; peer->unstamped = peer->unstamped->next)
        peer->unstamped->since_ms = now_ms;
    while (peer->head && now_ms - peer->head->since_ms >= peers->kept_ms_max) {
        drop_first(peers, peer);
        dropped++;
    }
    return dropped;
}

static bool
offer_first(const struct peer *peer,
            bool (*offer)(void *context, struct slice route, struct slice body), void *context)
{
    const struct kept *kept = peer->head;

    return guard_state_of(peer->conn) == GUARD_FREE &&
           offer(context, slice_of(kept->bytes, kept->route_size),
                 slice_of(kept->bytes + kept->route_size, kept->body_size));
}

unsigned
peers_flush(struct peers *peers, msec_t now_ms,
            bool (*offer)(void *context, struct slice route, struct slice body), void *context)
{
    struct peer **link = &peers->waiting;
    unsigned dropped = 0;

    while (*link) {
        struct peer *peer = *link;

        while (peer->head && offer_first(peer, offer, context))
            drop_first(peers, peer);
        if (guard_state_of(peer->conn) == GUARD_GONE)
            drop_all(peers, peer);
        dropped += expire(peers, peer, now_ms);
        if (peer->head) {
            link = &peer->waiting_next;
        } else {
            *link = peer->waiting_next;
            peer->listed = false;
        }
    }
    return dropped;
}

size_t
peers_kept_size(const struct peers *peers)
{
    return peers->kept_size;
}

unsigned
peers_kept_count(const struct peers *peers)
{
    return peers->kept_count;
}
