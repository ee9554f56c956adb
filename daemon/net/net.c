#include "net/net.h"

#include <errno.h>
#include <limits.h>
#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>
#include <nanomsg/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/endian.h"
#include "net/endpoint.h"
#include "net/guard.h"
#include "net/peers.h"
#include "net/selftest.h"

/* nanomsg puts its number of the peer before what came: 8 words of a path through devices at most
 * (NN_MAXTTL), and the request's id. */
#define ROUTE_SIZE_MIN 8
#define PEER_SIZE      4 /* of it: the number */
#define HOPS_SIZE_MAX  (4 * (8 + 1))

/* nanomsg keeps no queue, so what the kernel does not take waits here (peers.h). Room for what
 * 2048 requests in flight over 8 connections are answered; the kernel counts about 1 kB each. */
#define COMMAND_SEND_SIZE    (1024 * 1024)
#define COMMAND_RECEIVE_SIZE (256 * 1024)
/* A subscriber that falls behind by more misses events, and reads them from the log. */
#define EVENT_SEND_SIZE (4 * 1024 * 1024)

/* Files, the log, the views, nanomsg's own: what the process needs besides connections. */
#define FDS_OTHER 64

#define CLOSE_WAIT_MS 200

/* Connections that wait to be accepted, on each endpoint; the kernel may allow less. */
#define BACKLOG 1024

/* What a peer did not take is offered again every tick for so long, then every turn. */
#define BEHIND_MS_MAX 100

/* So often it is looked for requests that have come by half, and not on. */
#define HALF_LOOK_MS 1000

/* What nanomsg takes for each connection, about. */
#define CONNECTION_SIZE 4096

struct net {
    int command, event; /* nanomsg's sockets; -1: none */
    int command_fd;
    struct guard guard;
    struct peers *peers;
    char **urls; /* of all endpoints that were bound */
    unsigned url_count;
    msec_t now_ms, half_ms, half_ms_max;
    unsigned behind_count; /* connections that did not take all that was gathered for them */
    msec_t behind_ms;      /* since when there are so many */
    uint64_t received, replied, published, delayed, dropped;
};

/* SP's header as nanomsg takes it and gives it. */
struct control {
    struct nn_cmsghdr head;
    size_t size;
    uint8_t bytes[NET_ROUTE_SIZE_MAX];
};

/* --- requests ----------------------------------------------------------------------------- */

int
net_command_fd(const struct net *net)
{
    return net->command_fd;
}

/* nanomsg leaves the control buffer as it was where the header does not fit: it is taken only if
 * this very call filled it. */
static bool
route_take(const struct control *control, struct net_route *out)
{
    if (control->head.cmsg_level != PROTO_SP || control->head.cmsg_type != SP_HDR ||
        control->head.cmsg_len < NN_CMSG_LEN(sizeof(size_t) + ROUTE_SIZE_MIN) ||
        control->size < ROUTE_SIZE_MIN || control->size > sizeof(out->bytes))
        return false;
    out->size = (uint32_t)control->size;
    memcpy(out->bytes, control->bytes, control->size);
    return true;
}

bool
net_receive(struct net *net, struct net_request *out)
{
    struct control control;
    struct nn_iovec part = {&out->chunk, NN_MSG};
    struct nn_msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct guard_conn conn;

    for (;;) {
        control.head = (struct nn_cmsghdr){0};
        control.size = 0;
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        guard_take_begin();
        guard_enter();
        int size = nn_recvmsg(net->command, &message, NN_DONTWAIT);
        guard_leave();
        if (size < 0) {
            assert(nn_errno() == EAGAIN || nn_errno() == EINTR);
            return false;
        }
        net->received++;
        if (route_take(&control, &out->route)) {
            out->body = slice_of(out->chunk, (size_t)size);
            if (guard_take_end(&conn))
                peers_meet(net->peers, get_be32(out->route.bytes), conn);
            return true;
        }
        nn_freemsg(out->chunk);
    }
}

void
net_release(struct net_request *request)
{
    assert(request->chunk);
    nn_freemsg(request->chunk);
    request->chunk = NULL;
}

bool
net_is_readable(const struct net *net)
{
    struct pollfd command = {.fd = net->command_fd, .events = POLLIN};
    return poll(&command, 1, 0) == 1;
}

msec_t
net_waited(const struct net *net, const struct net_request *request)
{
    const struct peer *peer = peers_find(net->peers, get_be32(request->route.bytes));
    return peer ? guard_waited(peer->conn) : 0;
}

struct net_peer
net_peer_of(const struct net *net, const struct net_route *route)
{
    const struct peer *peer = peers_find(net->peers, get_be32(route->bytes));
    return peer ? (struct net_peer){peer->conn.serial, peer->conn.fd} : (struct net_peer){0, 0};
}

bool
net_is_same_peer(const struct net_route *a, const struct net_route *b)
{
    return get_be32(a->bytes) == get_be32(b->bytes);
}

bool
net_peer_is_gone(struct net_peer peer)
{
    struct guard_conn conn = {peer.fd, peer.serial};
    return peer.serial != 0 && guard_state_of(conn) == GUARD_GONE;
}

uint64_t
net_ended(const struct net *net)
{
    return atomic_load(&net->guard.ended);
}

/* --- replies ------------------------------------------------------------------------------ */

/* Fill @control for sending; returns its size. */
static size_t
control_fill(struct control *control, struct slice route)
{
    size_t size = NN_CMSG_SPACE(sizeof(control->size) + route.size);

    assert(route.size >= ROUTE_SIZE_MIN && route.size <= sizeof(control->bytes));
    assert(size <= sizeof(*control));
    control->head = (struct nn_cmsghdr){size, PROTO_SP, SP_HDR};
    control->size = route.size;
    memcpy(control->bytes, route.data, route.size);
    memset(control->bytes + route.size, 0, size - offsetof(struct control, bytes) - route.size);
    return size;
}

/* The body goes by nanomsg's own chunk, the control never does: on failure it would be unknown
 * which of the two is still ours. */
static bool
chunk_send(int socket, void *chunk, void *control, size_t control_size)
{
    struct nn_iovec part = {&chunk, NN_MSG};
    struct nn_msghdr message = {&part, 1, control, control_size};

    guard_enter();
    bool sent = nn_sendmsg(socket, &message, NN_DONTWAIT) >= 0;
    guard_leave();
    if (sent)
        return true;
    nn_freemsg(chunk);
    return false;
}

/* Returns whether nanomsg passed the reply on to the kernel. @context is the struct net. */
static bool
reply_offer(void *context, struct slice route, struct slice body)
{
    struct net *net = context;
    struct control control;
    struct guard_conn conn;
    void *chunk = nn_allocmsg(body.size, 0);

    if (!chunk)
        return false;
    if (body.size > 0)
        memcpy(chunk, body.data, body.size);
    guard_offer_begin();
    chunk_send(net->command, chunk, &control, control_fill(&control, route));
    if (!guard_offer_end(&conn))
        return false;
    peers_learn(net->peers, get_be32(route.data), conn);
    net->replied++;
    return true;
}

/* To a peer that nanomsg has sent to before, a reply need not go through nanomsg, which would do no
 * more than frame it: that is half of what a reply costs. */
static bool
reply_gather(struct net *net, const struct peer *peer, struct slice route, struct slice body)
{
    struct slice head = slice_of(route.data + PEER_SIZE, route.size - PEER_SIZE);
    if (!guard_gather_reply(peer->conn, head, body))
        return false;
    net->replied++;
    return true;
}

void
net_reply(struct net *net, const struct net_route *route, struct slice body)
{
    struct slice way = slice_of(route->bytes, route->size);

    assert(route->size >= ROUTE_SIZE_MIN && route->size <= sizeof(route->bytes));
    struct peer *peer = peers_find(net->peers, get_be32(route->bytes));
    bool free_way = !peer || (!peer->head && guard_state_of(peer->conn) != GUARD_BUSY);
    if (free_way && peer && peer->answered && reply_gather(net, peer, way, body))
        return;
    if (free_way && reply_offer(net, way, body))
        return;
    /* A peer that is not known was never answered, and has nothing in its way: it is gone. */
    if (!peer || guard_state_of(peer->conn) == GUARD_GONE)
        return;
    if (peers_keep(net->peers, peer, way, body))
        net->delayed++;
    else
        net->dropped++;
}

void
net_gather_begin(struct net *net)
{
    (void)net;
    guard_gather_begin();
}

static void
send_gathered(struct net *net)
{
    unsigned count = guard_gather_end();
    if (count != net->behind_count)
        net->behind_ms = net->now_ms;
    net->behind_count = count;
}

void
net_gather_end(struct net *net)
{
    send_gathered(net);
}

unsigned
net_tick(struct net *net, msec_t now_ms)
{
    net->now_ms = now_ms;
    if (now_ms - net->half_ms >= HALF_LOOK_MS) {
        net->half_ms = now_ms;
        guard_cut_half(&net->guard, net->half_ms_max);
    }
    if (net->behind_count > 0)
        send_gathered(net);
    net->dropped += peers_flush(net->peers, now_ms, reply_offer, net);
    /* Who does not read for long is looked after by and by: every turn comes here. */
    bool hurry = net->behind_count > 0 && now_ms - net->behind_ms < BEHIND_MS_MAX;
    return peers_kept_count(net->peers) + (hurry ? net->behind_count : 0);
}

size_t
net_held(const struct net *net)
{
    return peers_kept_size(net->peers) + atomic_load(&net->guard.half_size) +
           (size_t)atomic_load(&net->guard.connections) * CONNECTION_SIZE;
}

/* --- events ------------------------------------------------------------------------------- */

void
net_publish(struct net *net, const char *topic, struct slice body)
{
    size_t topic_size = strlen(topic) + 1;

    assert(topic_size > 1);
    uint8_t *chunk = nn_allocmsg(topic_size + body.size, 0);
    if (!chunk)
        return; /* As if every subscriber were slow. */
    memcpy(chunk, topic, topic_size);
    if (body.size > 0)
        memcpy(chunk + topic_size, body.data, body.size);
    if (chunk_send(net->event, chunk, NULL, 0))
        net->published++;
}

void
net_stats(const struct net *net, struct net_stats *out)
{
    *out = (struct net_stats){
        .connections = atomic_load(&net->guard.connections),
        .connections_refused = atomic_load(&net->guard.refused),
        .connections_cut = atomic_load(&net->guard.cut),
        .received = net->received,
        .replied = net->replied,
        .published = net->published,
        .replies_kept = peers_kept_count(net->peers),
        .replies_delayed = net->delayed,
        .replies_dropped = net->dropped,
    };
}

/* --- open --------------------------------------------------------------------------------- */

/* Let the process have as many descriptors as the connections need. */
static bool
fds_ensure(unsigned connections_max, struct fault *fault)
{
    rlim_t need = (rlim_t)connections_max + FDS_OTHER;
    struct rlimit limit;

    if (need <= GUARD_FD_MAX && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        if (need <= limit.rlim_cur)
            return true;
        if (need <= limit.rlim_max) {
            limit.rlim_cur = need;
            if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
                return true;
        }
    }
    fault_set(fault,
              "%u connections need %llu file descriptors (at most %d); raise LimitNOFILE, or allow "
              "fewer connections",
              connections_max, (unsigned long long)need, GUARD_FD_MAX);
    return false;
}

static int
socket_open(int domain, int protocol, const int options[][3], size_t count, struct fault *fault)
{
    int socket = nn_socket(domain, protocol);
    if (socket < 0) {
        fault_set(fault, "nanomsg makes no socket: %s", nn_strerror(nn_errno()));
        return -1;
    }
    /* They are taken over when an endpoint is bound or a connection accepted: all go before. */
    for (size_t i = 0; i < count; i++) {
        int rc = nn_setsockopt(socket, options[i][0], options[i][1], &options[i][2], sizeof(int));
        assert(rc == 0);
    }
    return socket;
}

static bool
sockets_open(struct net *net, uint64_t message_size_max, struct fault *fault)
{
    const int command[][3] = {
        {NN_TCP, NN_TCP_NODELAY, 1},
        {NN_SOL_SOCKET, NN_IPV4ONLY, 0},
        {NN_SOL_SOCKET, NN_RCVMAXSIZE, (int)(message_size_max + HOPS_SIZE_MAX)},
        {NN_SOL_SOCKET, NN_SNDBUF, COMMAND_SEND_SIZE},
        {NN_SOL_SOCKET, NN_RCVBUF, COMMAND_RECEIVE_SIZE},
    };
    const int event[][3] = {
        {NN_TCP, NN_TCP_NODELAY, 1},
        {NN_SOL_SOCKET, NN_IPV4ONLY, 0},
        {NN_SOL_SOCKET, NN_SNDBUF, EVENT_SEND_SIZE},
    };
    size_t size = sizeof(net->command_fd);

    net->command = socket_open(AF_SP_RAW, NN_REP, command, ARRAY_COUNT(command), fault);
    if (net->command < 0)
        return false;
    net->event = socket_open(AF_SP, NN_PUB, event, ARRAY_COUNT(event), fault);
    if (net->event < 0)
        return false;
    int rc = nn_getsockopt(net->command, NN_SOL_SOCKET, NN_RCVFD, &net->command_fd, &size);
    assert(rc == 0);
    return true;
}

static int
bind_one(struct net *net, int socket, const char *url, enum guard_role role, struct fault *fault)
{
    char *copy = strdup(url);
    int listener = copy ? endpoint_bind(socket, url, &net->guard, role, fault) : -1;

    /* nanomsg lets ten wait over ipc: anybody could keep all others out. */
    if (listener >= 0)
        listen(listener, BACKLOG);
    if (listener >= 0)
        net->urls[net->url_count++] = copy;
    else
        free(copy);
    return listener;
}

/* The command endpoints first: no subscriber comes in before the guard is known to work. */
static bool
bind_all(struct net *net, const struct net_options *options, struct fault *fault)
{
    for (unsigned i = 0; i < options->command_url_count; i++) {
        int listener = bind_one(net, net->command, options->command_urls[i], GUARD_COMMAND, fault);
        if (listener < 0 || (i == 0 && !selftest_run(listener, &net->guard, fault)))
            return false;
    }
    for (unsigned i = 0; i < options->event_url_count; i++)
        if (bind_one(net, net->event, options->event_urls[i], GUARD_EVENT, fault) < 0)
            return false;
    return true;
}

enum kith_err
net_open(struct net **out, const struct net_options *options, struct fault *fault)
{
    assert(options->command_url_count > 0);
    assert(options->connections_max > 0);
    assert(options->message_size_max > 0 && options->message_size_max <= INT_MAX / 2);
    assert(options->kept_ms_max > 0);
    assert(options->half_size_max > 0 && options->half_ms_max > 0);

    struct net *net = calloc(1, sizeof(*net));
    if (!net)
        return KITH_UNAVAILABLE;
    net->command = net->event = -1;
    net->urls = calloc(options->command_url_count + options->event_url_count, sizeof(char *));
    net->peers =
        peers_create(options->connections_max, options->kept_size_max, options->kept_ms_max);
    /* Clients that wait for a restart come in at once, and must not keep the self-test out. */
    guard_init(&net->guard, GUARD_FD_MAX, options->message_size_max + HOPS_SIZE_MAX,
               options->half_size_max);
    net->half_ms_max = options->half_ms_max;
    if (!net->urls || !net->peers)
        fault_set(fault, "out of memory");
    else if (fds_ensure(options->connections_max, fault) &&
             sockets_open(net, options->message_size_max, fault) && bind_all(net, options, fault)) {
        atomic_store(&net->guard.connections_max, options->connections_max);
        *out = net;
        return KITH_OK;
    }
    net_close(net);
    return KITH_UNAVAILABLE;
}

/* --- close -------------------------------------------------------------------------------- */

/* nn_close() throws away what the kernel has yet to take, and a TCP connection closed with unread
 * input even what it has taken. */
static void
drain(struct net *net)
{
    for (int i = 0; i < CLOSE_WAIT_MS; i++) {
        send_gathered(net);
        peers_flush(net->peers, net->now_ms, reply_offer, net);
        if (peers_kept_count(net->peers) == 0 && !guard_has_unsent(&net->guard))
            return;
        poll(NULL, 0, 1);
    }
}

void
net_close(struct net *net)
{
    bool unlinked = true;

    if (!net)
        return;
    atomic_store(&net->guard.connections_max, 0);
    if (net->peers && net->command >= 0)
        drain(net);
    for (unsigned i = 0; i < net->url_count; i++) {
        unlinked = endpoint_unlink(net->urls[i]) && unlinked;
        free(net->urls[i]);
    }
    free(net->urls);
    peers_destroy(net->peers);
    /* nanomsg aborts where it may not remove its file. Then the process's end has to close. */
    if (!unlinked)
        return;
    if (net->event >= 0)
        nn_close(net->event);
    if (net->command >= 0)
        nn_close(net->command);
    if (atomic_load(&net->guard.connections) == 0)
        free(net);
    else /* The self-test has just found that the guard does not see the closes. */
        assert(!(atomic_load(&net->guard.hooks) & GUARD_HOOK_CLOSE));
}
