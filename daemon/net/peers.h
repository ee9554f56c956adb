/* net/peers.h: who was answered, and the replies kept for those who read slowly.
 *
 * nanomsg names a peer by a number that stands at the head of each route, and drops a reply when
 * the last one to that peer is not yet wholly in the kernel. The guard sees which connection a
 * reply went to; from then on the number leads to that connection, and so to whether it is still
 * there, and whether nanomsg would take a reply for it. One that it would not is kept here, in
 * order, until it does.
 *
 * A peer's row is found by its connection's descriptor, so there are never more rows than
 * descriptors, and a row whose connection ended is taken over by the next one there.
 *
 * Layer:    net.
 * Thread:   loop thread only.
 * Blocking: no.
 */
#ifndef KITH_NET_PEERS_H
#define KITH_NET_PEERS_H

#include "base/types.h"
#include "net/guard.h"

/* All that is kept, for all peers together: below what would hurt the machine, above what a burst
 * of honest clients leaves. */
#define PEERS_KEPT_SIZE_MAX ((size_t)256 * 1024 * 1024)

/* A reply that waits: its route, then its body. */
struct kept {
    struct kept *next;
    msec_t since_ms; /* valid once the first tick has seen it */
    uint32_t route_size, body_size;
    uint8_t bytes[];
};

struct peer {
    uint32_t key;  /* nanomsg's number */
    bool known;    /* it is in the hash; false in a row never used */
    bool answered; /* a reply went through @conn: it is his beyond doubt */
    bool listed;   /* it is in the list of those who wait, though perhaps no longer rightly */
    struct guard_conn conn;
    struct peer *hash_next, *waiting_next;
    struct kept *head, *tail;
    struct kept *unstamped; /* the first whose since_ms is not set; NULL if all are */
    size_t kept_size;
};

struct peers;

/* @kept_size_max bounds what waits for one peer, in bytes with all overhead. NULL: no memory. */
struct peers *peers_create(unsigned connections_max, uint64_t kept_size_max, msec_t kept_ms_max);
void peers_destroy(struct peers *peers);

/* Whom @key leads to, or NULL if that is not known. Borrowed until the next learn. */
struct peer *peers_find(const struct peers *peers, uint32_t key);

/* A reply to @key went through @conn. */
void peers_learn(struct peers *peers, uint32_t key, struct guard_conn conn);

/* What @key sent came through @conn. What replies have taught is not changed by it. */
void peers_meet(struct peers *peers, uint32_t key, struct guard_conn conn);

/* Keep a copy of a reply for @peer. Returns false if it is full, or memory is. */
bool peers_keep(struct peers *peers, struct peer *peer, struct slice route, struct slice body);

/* Offer what waits by @offer, which returns whether nanomsg took it: to each peer the oldest
 * first, until one is not taken. Forget what waits for peers that are gone. Returns how many
 * replies were given up because they had waited for kept_ms_max. */
unsigned peers_flush(struct peers *peers, msec_t now_ms,
                     bool (*offer)(void *context, struct slice route, struct slice body),
                     void *context);

unsigned peers_kept_count(const struct peers *peers);
size_t peers_kept_size(const struct peers *peers); /* in bytes */

#endif
