#include "net/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"

struct gather {
    size_t size, sent;
    uint8_t bytes[GATHER_SIZE_MAX];
};

void
gather_clear(struct gather *gather)
{
    gather->size = gather->sent = 0;
}

struct gather *
gather_create(void)
{
    struct gather *gather = malloc(sizeof(*gather));
    if (gather)
        gather_clear(gather);
    return gather;
}

void
gather_destroy(struct gather *gather)
{
    free(gather);
}

bool
gather_add(struct gather *gather, const struct msghdr *message, size_t size)
{
    assert(gather->sent <= gather->size && gather->size <= GATHER_SIZE_MAX);
    if (size > GATHER_SIZE_MAX - gather->size)
        return false;
    size_t end = gather->size + size;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *part = &message->msg_iov[i];
        if (part->iov_len > 0)
            memcpy(gather->bytes + gather->size, part->iov_base, part->iov_len);
        gather->size += part->iov_len;
    }
    assert(gather->size == end);
    return true;
}

bool
gather_send(struct gather *gather, int fd)
{
    while (gather->sent < gather->size) {
        /* Not by its name, which is the guard's. */
        ssize_t size = syscall(SYS_sendto, fd, gather->bytes + gather->sent,
                               gather->size - gather->sent, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
        if (size > 0)
            gather->sent += (size_t)size;
        else if (errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS)
            return false;
        else if (errno != EINTR) {
            /* What was gathered is lost: end the connection, so that its client asks again. */
            shutdown(fd, SHUT_RDWR);
            break;
        }
    }
    return true;
}
