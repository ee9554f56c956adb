/* net/net.h: the sockets: commands in, replies and events out.
 *
 * One raw REP socket and one PUB socket of nanomsg, each bound to any number of endpoints, above
 * the guard (guard.h), without which a hostile peer could abort the process and replies to a peer
 * that reads slowly would vanish.
 *
 * Layer:    net (may include base/; never core/ or store/).
 * Thread:   loop thread only. nanomsg's worker thread is inside. After net_open() do not fork
 *           without exec: the child would have no worker, and hang in net_close().
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
    uint64_t half_size_max;    /* bytes of all requests of which only a part has come */
    msec_t half_ms_max;        /* a peer that leaves one so for longer is cut off */
};

/* Bind everything, and test that the guard works. A socket file is made with mode 0660, its
 * directory, if only that is missing, with 0750; a stale file of a dead process is replaced, that
 * of a live one is refused. ws:// and paths longer than 107 bytes are refused. Raises the soft
 * limit of descriptors where connections_max needs it, and changes the umask for a moment: call
 * it before other threads make files.
 *
 * @options  borrowed, with all it points to.
 * Fails with KITH_UNAVAILABLE, @fault naming the endpoint and the cure; then nothing is bound. */
enum kith_err net_open(struct net **out, const struct net_options *options, struct fault *fault);

/* Refuse new connections, wait a moment (at most 200 ms) for replies that the kernel has yet to
 * take, remove the socket files, release everything. NULL is allowed. net_command_fd() must no
 * longer be watched. Where a socket file may not be removed, the sockets stay open until the
 * process ends: nanomsg would abort. */
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

/* Take the next request, if there is one. @out->body may have any size, 0 included. False may also
 * mean that what came was no request: as long as net_is_readable(), there may be more.
 *
 * @out  filled where true is returned; its chunk is returned, free it with net_release(). */
bool net_receive(struct net *net, struct net_request *out);
void net_release(struct net_request *request);
bool net_is_readable(const struct net *net);

/* For how long a request that net_receive() has just returned was waiting to be taken: never more
 * than it was, and 0 where its connection is not known. */
msec_t net_waited(const struct net *net, const struct net_request *request);

/* The connection that a request came through, for the process's whole life; serial 0: it is not
 * known, for nanomsg had read ahead, and this was its first. */
struct net_peer {
    uint64_t serial;
    int fd;
};
struct net_peer net_peer_of(const struct net *net, const struct net_route *route);

/* Both came through the same connection. */
bool net_is_same_peer(const struct net_route *a, const struct net_route *b);

/* Its connection has ended. False where it is not known. */
bool net_peer_is_gone(struct net_peer peer);

/* How many connections have ended so far. */
uint64_t net_ended(const struct net *net);

/* Send a reply. @body is borrowed. A reply that nanomsg did not offer to the kernel, because its
 * peer does not read, is kept within the limits of net_options and offered again by net_tick();
 * one to a peer that is gone is dropped. */
void net_reply(struct net *net, const struct net_route *route, struct slice body);

/* Between these two, what goes to one connection, replies or frames, is gathered and leaves
 * together. */
void net_gather_begin(struct net *net);
void net_gather_end(struct net *net);

/* Offer what is kept again, and drop what is too old. @now_ms: any clock that does not jump.
 * Returns how many replies are still kept: while not 0, call again within about a millisecond. */
unsigned net_tick(struct net *net, msec_t now_ms);

/* Publish a frame: @topic, one zero byte, @body. Never blocks; slow subscribers miss it. */
void net_publish(struct net *net, const char *topic, struct slice body);

/* Bytes of memory, about, that peers make it hold: connections, replies that are kept, requests
 * that have come by half. */
size_t net_held(const struct net *net);

struct net_stats {
    uint64_t connections;         /* open now */
    uint64_t connections_refused; /* over the cap */
    uint64_t connections_cut;     /* for breaking the framing, or talking on the event socket */
    uint64_t received, replied, published;
    uint64_t replies_kept;    /* kept now */
    uint64_t replies_delayed; /* kept at some time */
    uint64_t replies_dropped; /* never delivered: the peer read too slowly, or not at all */
};
void net_stats(const struct net *net, struct net_stats *out);

#endif
