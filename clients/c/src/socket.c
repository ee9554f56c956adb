#include "socket.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>
#include <nanomsg/tcp.h>
#include <poll.h>

#include "base/assert.h"
#include "base/endian.h"
#include "proto/limits.h"

/* A larger frame ends its connection, so this leaves room for the topic before an event. */
#define RECEIVE_SIZE_MAX (KITH_MESSAGE_SIZE_MAX + 256)

/* A daemon that restarts is found again within a fraction of a second; one that is gone for long
 * is asked every two. */
#define RECONNECT_MS     50
#define RECONNECT_MS_MAX 2000

/* Without a connection, or unable to send on one, for so long: the endpoint is made anew. */
#define AMISS_MS_MAX 2000

/* The same for an event socket on which nothing is heard; the daemon's beat comes once a second. */
#define SILENT_MS_MAX 5000

/* The socket's own buffer is all that holds events while a callback takes its time. */
#define EVENT_BUFFER_SIZE (4 * 1024 * 1024)

/* nanomsg writes a control header of 32 bytes; a smaller buffer would be left as it was. */
#define CONTROL_SIZE 64

struct option {
    int level, name, value;
};

static const struct option common_options[] = {
    {NN_SOL_SOCKET, NN_RCVMAXSIZE, RECEIVE_SIZE_MAX},
    {NN_SOL_SOCKET, NN_RECONNECT_IVL, RECONNECT_MS},
    {NN_SOL_SOCKET, NN_RECONNECT_IVL_MAX, RECONNECT_MS_MAX},
    {NN_TCP, NN_TCP_NODELAY, 1},
};

static const struct option request_options[] = {
    {NN_SOL_SOCKET, NN_SNDBUF, 1024 * 1024},
    {NN_SOL_SOCKET, NN_RCVBUF, 1024 * 1024},
};

static const struct option event_options[] = {
    {NN_SOL_SOCKET, NN_RCVBUF, EVENT_BUFFER_SIZE},
};

static void
set_options(int handle, const struct option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct option *o = &options[i];
        int rc = nn_setsockopt(handle, o->level, o->name, &o->value, sizeof(o->value));
        assert(rc == 0);
    }
}

static int
get_fd(int handle, int option)
{
    int fd = -1;
    size_t size = sizeof(fd);
    int rc = nn_getsockopt(handle, NN_SOL_SOCKET, option, &fd, &size);
    assert(rc == 0 && fd >= 0);
    return fd;
}

static enum kith_status
connect_status(int error)
{
    bool is_shortage = error == ENOMEM || error == EMFILE || error == ENFILE || error == ENOBUFS;
    return is_shortage ? KITH_STATUS_NO_MEMORY : KITH_STATUS_BAD_URL;
}

/* Only where the address is IPv6 by its look: a socket that may use both kinds is bound to the one
 * and connected to the other, and nanomsg 1.1.5 aborts. A host by name so means its IPv4 address.
 */
static void
allow_ipv6(int handle, const char *url)
{
    static const struct option option[] = {{NN_SOL_SOCKET, NN_IPV4ONLY, 0}};
    if (strchr(url, '['))
        set_options(handle, option, ARRAY_COUNT(option));
}

static enum kith_status
open_on(struct socket *out, int handle, int send_fd, const char *url)
{
    assert(strlen(url) <= URL_SIZE_MAX);
    allow_ipv6(handle, url);
    *out = (struct socket){handle, get_fd(handle, NN_RCVFD), send_fd};
    memcpy(out->url, url, strlen(url) + 1);
    out->renew_pause_ms = RECONNECT_MS;
    out->endpoint = nn_connect(handle, url);
    if (out->endpoint >= 0)
        return KITH_STATUS_OK;
    enum kith_status status = connect_status(nn_errno());
    socket_close(out);
    return status;
}

enum kith_status
socket_open_request(struct socket *socket, const char *url)
{
    int handle = nn_socket(AF_SP_RAW, NN_REQ);
    if (handle < 0)
        return KITH_STATUS_NO_MEMORY;
    set_options(handle, common_options, ARRAY_COUNT(common_options));
    set_options(handle, request_options, ARRAY_COUNT(request_options));
    return open_on(socket, handle, get_fd(handle, NN_SNDFD), url);
}

enum kith_status
socket_open_events(struct socket *socket, const char *url)
{
    int handle = nn_socket(AF_SP, NN_SUB);
    if (handle < 0)
        return KITH_STATUS_NO_MEMORY;
    set_options(handle, common_options, ARRAY_COUNT(common_options));
    set_options(handle, event_options, ARRAY_COUNT(event_options));
    int rc = nn_setsockopt(handle, NN_SUB, NN_SUB_SUBSCRIBE, "", 0);
    assert(rc == 0);
    return open_on(socket, handle, -1, url);
}

void
socket_close(struct socket *socket)
{
    int rc;
    do
        rc = nn_close(socket->handle);
    while (rc != 0 && nn_errno() == EINTR);
    socket->handle = socket->receive_fd = socket->send_fd = -1;
}

/* Since when something has not been as it should be; 0: it is. */
static void
note_since(msec_t *since_ms, bool amiss, msec_t now_ms)
{
    if (!amiss)
        *since_ms = 0;
    else if (*since_ms == 0)
        *since_ms = now_ms;
}

static bool
lasts(msec_t since_ms, msec_t limit_ms, msec_t now_ms)
{
    return since_ms != 0 && now_ms - since_ms >= limit_ms;
}

/* Is a new endpoint due? At once where a connection broke, since nanomsg may take what it had read
 * ahead for the next handshake. And after a while where there is no connection, where there is one
 * that takes nothing, or where no beat comes: nanomsg 1.1.5 loses track of a connection whose peer
 * dies at the wrong moment, counts it as current for ever and makes no other. */
static bool
is_renewal_due(struct socket *socket, msec_t now_ms)
{
    uint64_t broken_count = nn_get_statistic(socket->handle, NN_STAT_BROKEN_CONNECTIONS);
    bool absent = nn_get_statistic(socket->handle, NN_STAT_CURRENT_CONNECTIONS) == 0;
    bool broke = absent && broken_count != socket->broken_count;

    note_since(&socket->absent_ms, absent, now_ms);
    note_since(&socket->blocked_ms, socket->blocked && !socket->sent, now_ms);
    note_since(&socket->silent_ms, socket->send_fd < 0 && !socket->heard, now_ms);
    socket->sent = socket->heard = false;
    if (now_ms < socket->renew_ms)
        return false;
    socket->broken_count = broken_count;
    return broke || lasts(socket->absent_ms, AMISS_MS_MAX, now_ms) ||
           lasts(socket->blocked_ms, AMISS_MS_MAX, now_ms) ||
           lasts(socket->silent_ms, SILENT_MS_MAX, now_ms);
}

void
socket_tend(struct socket *socket, msec_t now_ms)
{
    if (!is_renewal_due(socket, now_ms))
        return;
    nn_shutdown(socket->handle, socket->endpoint);
    int endpoint = nn_connect(socket->handle, socket->url);
    if (endpoint >= 0)
        socket->endpoint = endpoint;
    else
        socket->broken_count--; /* Out of memory or descriptors: try again. */
    socket->absent_ms = socket->blocked_ms = socket->silent_ms = 0;
    socket->renew_ms = now_ms + socket->renew_pause_ms;
    socket->renew_pause_ms *= 2;
    if (socket->renew_pause_ms > RECONNECT_MS_MAX)
        socket->renew_pause_ms = RECONNECT_MS_MAX;
}

bool
socket_send(struct socket *socket, struct slice message)
{
    assert(message.size >= sizeof(uint32_t));
    assert(get_be32(message.data) & 0x80000000u); /* the mark of a request, not of a hop */
    socket->blocked = nn_send(socket->handle, message.data, message.size, NN_DONTWAIT) < 0;
    socket->sent |= !socket->blocked;
    return !socket->blocked;
}

/* The number of a reply, which nanomsg has moved into the control header. */
static bool
control_request(const uint8_t *control, uint32_t *request)
{
    struct nn_cmsghdr header;
    size_t size;
    memcpy(&header, control, sizeof(header));
    memcpy(&size, control + sizeof(header), sizeof(size));
    if (header.cmsg_len != NN_CMSG_SPACE(sizeof(size) + sizeof(uint32_t)) ||
        header.cmsg_level != PROTO_SP || header.cmsg_type != SP_HDR || size != sizeof(uint32_t))
        return false;
    *request = get_be32(control + sizeof(header) + sizeof(size));
    return true;
}

bool
socket_receive(struct socket *socket, struct incoming *out)
{
    /* Zeroed each time: a header of an earlier message must not be taken for this one's. */
    uint8_t control[CONTROL_SIZE] = {0};
    void *data = NULL;
    struct nn_iovec part = {&data, NN_MSG};
    struct nn_msghdr header = {&part, 1, control, sizeof(control)};

    int size = nn_recvmsg(socket->handle, &header, NN_DONTWAIT);
    if (size < 0)
        return false;
    struct incoming incoming = {data, (size_t)size, 0};
    if (socket->send_fd >= 0 && !control_request(control, &incoming.request)) {
        incoming_release(&incoming);
        return false;
    }
    socket->renew_pause_ms = RECONNECT_MS;
    socket->heard = true;
    *out = incoming;
    return true;
}

void
incoming_release(struct incoming *incoming)
{
    if (incoming->data)
        nn_freemsg(incoming->data);
    *incoming = (struct incoming){0};
}

bool
socket_wait(const struct socket *socket, bool to_send, int wake_fd, int timeout_ms)
{
    assert(!to_send || socket->send_fd >= 0);
    struct pollfd fds[] = {
        {socket->receive_fd, POLLIN, 0},
        {wake_fd, POLLIN, 0}, /* poll() passes over what is below 0 */
        {to_send ? socket->send_fd : -1, POLLIN, 0},
    };
    return poll(fds, ARRAY_COUNT(fds), timeout_ms) > 0 && fds[1].revents != 0;
}

uint64_t
socket_current(const struct socket *socket)
{
    return nn_get_statistic(socket->handle, NN_STAT_CURRENT_CONNECTIONS);
}

uint64_t
socket_connections(const struct socket *socket)
{
    return nn_get_statistic(socket->handle, NN_STAT_ESTABLISHED_CONNECTIONS);
}
