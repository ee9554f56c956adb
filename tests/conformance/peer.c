#include "peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/endian.h"
#include "kithd.h"

#define HEADER_SIZE    9 /* of a frame over ipc: 01, and the size in 8 bytes */
#define NUMBER_SIZE    4 /* of the request, with the top bit set */
#define NUMBER_BIT     UINT32_C(0x80000000)
#define REPLY_SIZE_MAX (1024 * 1024)

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

/* --- a connection --------------------------------------------------------------------------- */

bool
peer_connect(struct peer *peer, const char *url)
{
    static const uint8_t mine[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0}; /* REQ */
    static const uint8_t other[8] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = url + strlen("ipc://");
    uint8_t theirs[8];

    assert(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    peer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(peer->fd >= 0);
    return connect(peer->fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
           write_all(peer->fd, mine, sizeof(mine)) && read_all(peer->fd, theirs, sizeof(theirs)) &&
           memcmp(theirs, other, sizeof(other)) == 0;
}

void
peer_close(struct peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
}

bool
peer_send(struct peer *peer, struct slice message)
{
    uint8_t head[HEADER_SIZE + NUMBER_SIZE];
    head[0] = 1;
    put_be64(head + 1, NUMBER_SIZE + message.size);
    put_be32(head + HEADER_SIZE, ++peer->number | NUMBER_BIT);
    return write_all(peer->fd, head, sizeof(head)) &&
           write_all(peer->fd, message.data, message.size);
}

bool
peer_wait(const struct peer *peer, long wait_us)
{
    struct pollfd ready = {.fd = peer->fd, .events = POLLIN};
    struct timespec wait = {wait_us / 1000000, wait_us % 1000000 * 1000};
    return ppoll(&ready, 1, &wait, NULL) == 1;
}

bool
peer_receive(struct peer *peer, uint32_t *number, struct buf *reply)
{
    uint8_t head[HEADER_SIZE + NUMBER_SIZE];
    if (!read_all(peer->fd, head, sizeof(head)))
        return false;
    uint64_t size = get_be64(head + 1) - NUMBER_SIZE;
    uint32_t word = get_be32(head + HEADER_SIZE);
    if (head[0] != 1 || !(word & NUMBER_BIT) || size > REPLY_SIZE_MAX)
        return false;
    uint8_t *room = buf_reserve(reply, size);
    assert(room != NULL);
    reply->size += size;
    *number = word & ~NUMBER_BIT;
    return read_all(peer->fd, room, size);
}
