#include "net/selftest.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/frames.h"

/* A loaded machine may take a while to run nanomsg's thread. */
#define WAIT_S 5

static const struct {
    unsigned hook;
    const char *function;
} hooks[] = {
    {GUARD_HOOK_CLOSE, "close"},
    {GUARD_HOOK_SEND, "sendmsg"},
    {GUARD_HOOK_RECEIVE, "recvmsg"},
};

static int
client_open(int listener, int *family)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    const struct timeval wait = {.tv_sec = WAIT_S};

    if (getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return -1;
    *family = address.ss_family;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
        connect(fd, (struct sockaddr *)&address, size) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Announce a frame longer than nanomsg takes. It would end the connection on its own, too, so this
 * does no harm where the guard is not there. */
static bool
provoke(int fd, int family)
{
    static const uint8_t greeting[FRAMES_HANDSHAKE_SIZE] = {0, 'S', 'P', 0, 0, SP_REQ, 0, 0};
    static const uint8_t ipc_frame[] = {1, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t *frame = family == AF_UNIX ? ipc_frame : ipc_frame + 1;
    ssize_t size = family == AF_UNIX ? 9 : 8;
    uint8_t answer[FRAMES_HANDSHAKE_SIZE];

    if (send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL) != sizeof(greeting) ||
        recv(fd, answer, sizeof(answer), MSG_WAITALL) != sizeof(answer) ||
        send(fd, frame, (size_t)size, MSG_NOSIGNAL) != size)
        return false;
    /* The end of the stream, or a reset: nanomsg has closed the connection. */
    ssize_t rest = recv(fd, answer, sizeof(answer), 0);
    return rest == 0 || (rest < 0 && errno == ECONNRESET);
}

static const char *
hook_missing(struct guard *guard)
{
    unsigned seen = atomic_load(&guard->hooks);

    for (size_t i = 0; i < ARRAY_COUNT(hooks); i++)
        if (!(seen & hooks[i].hook))
            return hooks[i].function;
    return NULL;
}

bool
selftest_run(int listener, struct guard *guard, struct fault *fault)
{
    int family = AF_UNSPEC;

    assert(listener >= 0);
    assert(atomic_load(&guard->connections_max) > 0);
    int fd = client_open(listener, &family);
    bool cut = fd >= 0 && provoke(fd, family);
    if (fd >= 0)
        close(fd);

    const char *missing = hook_missing(guard);
    if (cut && !missing) {
        atomic_fetch_sub(&guard->cut, 1);
        return true;
    }
    if (cut)
        fault_set(
            fault,
            "start-up self-test: nanomsg does not call the %s() of this program, without which "
            "any peer could end it; link libnanomsg as a shared library",
            missing);
    else
        fault_set(fault, "start-up self-test: the daemon's own command endpoint does not answer");
    return false;
}
