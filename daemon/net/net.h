/* net/net.h: the sockets: commands in, replies and events out.
 *
 * One raw REP socket and one PUB socket of nanomsg, each bound to any number of endpoints, above
 * the guard (guard.h), without which a hostile peer could abort the process and replies to a peer
 * that reads slowly would vanish.
 *
 * Layer:    net (may include base/; never core/ or store/).
 * Thread:   loop thread only. nanomsg's worker thread is inside.
 * Blocking: never, except net_close().
 */
#ifndef KITH_NET_NET_H
#define KITH_NET_NET_H

#include "base/fault.h"
#include "base/types.h"
#include "proto/error.h"

struct net;

struct net_options {
    const char *const *command_urls; /* ipc://PATH or tcp://ADDRESS:PORT, IPv6 in brackets */
    unsigned command_url_count;
    const char *const *event_urls;
    unsigned event_url_count;
    unsigned connections_max;  /* both sockets together; more are closed at once */
    uint64_t message_size_max; /* bytes of one request */
    uint64_t kept_size_max;    /* bytes of replies kept for one peer that does not read */
    msec_t kept_ms_max;        /* and how long they are kept */
};

/* Bind everything. A socket file is made with mode 0660; a stale one of a dead process is
 * replaced, that of a live one is refused. ws:// and paths longer than 107 bytes are refused.
 * Fails with KITH_UNAVAILABLE, @fault naming the endpoint and the cure; then nothing is bound. */
enum kith_err net_open(struct net **out, const struct net_options *options, struct fault *fault);

/* Unbind, remove socket files, wait a moment (at most 200 ms) for replies that the kernel has yet
 * to take, release everything. NULL is allowed. */
void net_close(struct net *net);

/* Level-triggered: readable while net_receive() may have something. Never read it. */
int net_command_fd(const struct net *net);

/* Where a reply goes: bytes that only nanomsg understands. Copy it freely. */
#define NET_ROUTE_SIZE_MAX 128
struct net_route {
    uint32_t size;
    uint8_t bytes[NET_ROUTE_SIZE_MAX];
};

struct net_request {
    struct slice body; /* borrowed until net_release() */
    void *chunk;       /* nanomsg's memory */
    struct net_route route;
};

/* Take the next request, if there is one. @out->body may have any size, 0 included. */
bool net_receive(struct net *net, struct net_request *out);
void net_release(struct net_request *request);

/* Send a reply. @body is borrowed. A reply that nanomsg did not offer to the kernel, because its
 * peer does not read, is kept within the limits of net_options and offered again by net_tick();
 * one to a peer that is gone is dropped. */
void net_reply(struct net *net, const struct net_route *route, struct slice body);

/* Offer what is kept again, and drop what is too old. @now_ms: any clock that does not jump.
 * Returns how many replies are still kept: while not 0, call again within about a millisecond. */
unsigned net_tick(struct net *net, msec_t now_ms);

/* Publish a frame: @topic, one zero byte, @body. Never blocks; slow subscribers miss it. */
void net_publish(struct net *net, const char *topic, struct slice body);

struct net_stats {
    uint64_t connections;         /* open now */
    uint64_t connections_refused; /* over the cap */
    uint64_t connections_cut;     /* for breaking the framing, or talking on the event socket */
    uint64_t received, replied, published;
    uint64_t replies_kept;    /* kept now */
    uint64_t replies_delayed; /* kept at some time */
    uint64_t
        replies_dropped; /* never delivered: the peer read nothing for too long, or too slowly */
};
void net_stats(const struct net *net, struct net_stats *out);

#endif
