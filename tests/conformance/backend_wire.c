/* Over the wire, in bytes of its own: an SP connection as a peer without a library would make it.
 * A restart is SIGKILL: what was answered must be there. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/endian.h"
#include "kithd.h"

#define HEADER_SIZE    9 /* of a frame over ipc: 01, and the size in 8 bytes */
#define NUMBER_SIZE    4 /* of the request, with the top bit set */
#define REPLY_SIZE_MAX (1024 * 1024)

struct backend {
    struct kithd kithd;
    int fd; /* -1: not connected */
    uint32_t number;
};

/* --- bytes ---------------------------------------------------------------------------------- */

static bool
read_all(int fd, uint8_t *to, size_t size)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (size > 0) {
        if (poll(&ready, 1, KITHD_WAIT_MS) != 1)
            return false;
        ssize_t got = recv(fd, to, size, 0);
        if (got <= 0)
            return false;
        to += got;
        size -= (size_t)got;
    }
    return true;
}

static bool
write_all(int fd, const void *data, size_t size)
{
    const uint8_t *from = data;
    while (size > 0) {
        ssize_t put = send(fd, from, size, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        from += put;
        size -= (size_t)put;
    }
    return true;
}

static bool
connect_to(struct backend *wire)
{
    static const uint8_t mine[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0}; /* REQ */
    static const uint8_t other[8] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = wire->kithd.command_url + strlen("ipc://");
    uint8_t theirs[8];

    assert(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    wire->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(wire->fd >= 0);
    return connect(wire->fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
           write_all(wire->fd, mine, sizeof(mine)) && read_all(wire->fd, theirs, sizeof(theirs)) &&
           memcmp(theirs, other, sizeof(other)) == 0;
}

static void
disconnect(struct backend *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = -1;
}

static bool
send_request(struct backend *wire, struct slice message)
{
    uint8_t head[HEADER_SIZE + NUMBER_SIZE];
    head[0] = 1;
    put_be64(head + 1, NUMBER_SIZE + message.size);
    put_be32(head + HEADER_SIZE, ++wire->number | UINT32_C(0x80000000));
    return write_all(wire->fd, head, sizeof(head)) &&
           write_all(wire->fd, message.data, message.size);
}

static bool
receive_reply(struct backend *wire, struct buf *reply)
{
    uint8_t head[HEADER_SIZE + NUMBER_SIZE];
    if (!read_all(wire->fd, head, sizeof(head)))
        return false;
    uint64_t size = get_be64(head + 1) - NUMBER_SIZE;
    bool ours = get_be32(head + HEADER_SIZE) == (wire->number | UINT32_C(0x80000000));
    if (head[0] != 1 || !ours || size > REPLY_SIZE_MAX)
        return false;
    uint8_t *room = buf_reserve(reply, size);
    assert(room != NULL);
    reply->size += size;
    return read_all(wire->fd, room, size);
}

/* --- the back end ---------------------------------------------------------------------------- */

static bool
start(struct backend *wire, const struct backend_settings *settings, struct fault *fault)
{
    if (!kithd_start(&wire->kithd, settings, fault))
        return false;
    if (connect_to(wire))
        return true;
    kithd_blame(&wire->kithd, "it does not greet", fault);
    return false;
}

static bool
wire_close(struct backend *wire, struct fault *fault)
{
    disconnect(wire);
    bool good = kithd_stop(&wire->kithd, SIGTERM, fault);
    free(wire);
    return good;
}

static struct backend *
wire_open(const char *dir, const struct backend_settings *settings, struct fault *fault)
{
    struct backend *wire = calloc(1, sizeof(*wire));
    assert(wire != NULL);
    wire->fd = -1;
    kithd_init(&wire->kithd, dir);
    if (start(wire, settings, fault))
        return wire;
    wire_close(wire, NULL);
    return NULL;
}

static bool
wire_exchange(struct backend *wire, struct slice message, struct buf *reply, struct fault *fault)
{
    if (send_request(wire, message) && receive_reply(wire, reply))
        return true;
    kithd_blame(&wire->kithd, "no answer", fault);
    return false;
}

static bool
wire_restart(struct backend *wire, const struct backend_settings *settings, struct fault *fault)
{
    disconnect(wire);
    return kithd_stop(&wire->kithd, SIGKILL, fault) && start(wire, settings, fault);
}

static bool
wire_audit(struct backend *wire, struct fault *fault)
{
    (void)wire;
    (void)fault;
    return true;
}

const struct backend_ops backend_wire = {
    .name = "wire",
    .sends_anything = true,
    .open = wire_open,
    .exchange = wire_exchange,
    .restart = wire_restart,
    .audit = wire_audit,
    .close = wire_close,
};
