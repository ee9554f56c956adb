#include "net/guard.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/monotonic.h"
#include "net/guard_inner.h"

/* The hooks have to be found by libnanomsg, although everything else here is hidden. */
#define HOOK __attribute__((visibility("default")))

/* A TCP peer that vanished without a word is found after two minutes of silence, and after one if
 * something was being sent to it. */
#define TCP_IDLE_S          60
#define TCP_INTERVAL_S      15
#define TCP_PROBES          4
#define TCP_USER_TIMEOUT_MS 60000

/* nanomsg reads with its socket locked: a request of 1 MiB in one go took half a millisecond, in
 * which nobody was answered. What is left is read when it has gone round by all others. */
#define READ_SIZE_MAX (64 * 1024)

/* Who has not said what he is by the time so many others came after him has to go: nanomsg waits a
 * second for each, and takes longer for every one the more of them there are. */
#define STRANGERS_MAX 256
static struct guard_conn
    strangers[STRANGERS_MAX]; /* the last who came; with guard_gather_lock held */
static uint64_t stranger_count;

/* In .bss, so that the hooks work from the first instruction and unused rows cost no memory. */
struct row guard_rows[GUARD_FD_MAX];
static atomic_uint_fast64_t serial_last;
atomic_int guard_fd_last;

static _Thread_local struct {
    struct guard *guard; /* not NULL between guard_bind_begin() and guard_bind_end() */
    enum guard_role role;
    int fd;
} binding;

/* The first connection this thread sent to since guard_offer_begin(), and the first it read from
 * since guard_take_begin(). */
static _Thread_local struct guard_conn offered, read_from;

pthread_mutex_t guard_gather_lock = PTHREAD_MUTEX_INITIALIZER;

/* Memory for the next ones, kept with guard_gather_lock held: a turn may need one for each
 * subscriber, and pages given back are the most that they would cost. 64 of them are 4 MiB. */
#define SPARE_MAX 64
static struct gather *spare[SPARE_MAX];
static unsigned spare_count;

static _Thread_local bool gathering;

/* Odd while the loop is in a call that takes the lock of a socket, or waits for it; each call has
 * its own number. Who waits is awake within some 50 us of the lock's release. */
static atomic_uint call;
#define LET_IN_NS_MAX 500000

/* Connections for which this process has gathered something, each once unless it was closed since.
 * Of the gathering thread, which is one. */
static int gathered[GUARD_FD_MAX];
static unsigned gathered_count;

static void
fd_last_raise(int fd)
{
    int last = atomic_load(&guard_fd_last);
    while (last < fd && !atomic_compare_exchange_weak(&guard_fd_last, &last, fd))
        ;
}

static void
row_open(int fd, struct guard *guard, enum row_kind kind, enum guard_role role)
{
    assert(fd >= 0 && fd < GUARD_FD_MAX);
    struct row *row = &guard_rows[fd];
    assert(atomic_load_explicit(&row->serial, memory_order_relaxed) == 0);

    row->guard = guard;
    row->kind = (uint8_t)kind;
    row->role = (uint8_t)role;
    row->hooks = GUARD_HOOK_ACCEPT;
    row->cut = row->accepted = false;
    waits_init(&row->waits);
    atomic_store_explicit(&row->since_ms, INT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&row->half_since_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&row->greeted, false, memory_order_relaxed);
    assert(atomic_load_explicit(&row->half_size, memory_order_relaxed) == 0);
    assert(!atomic_load_explicit(&row->gather, memory_order_relaxed));
    atomic_store_explicit(&row->busy, false, memory_order_relaxed);
    fd_last_raise(fd);
    atomic_store_explicit(&row->serial, atomic_fetch_add(&serial_last, 1) + 1,
                          memory_order_release);
}

/* Let go of what was gathered; with guard_gather_lock held. */
static void
gather_drop(struct row *row)
{
    struct gather *gather = atomic_load_explicit(&row->gather, memory_order_relaxed);
    atomic_store_explicit(&row->gather, NULL, memory_order_relaxed);
    if (!gather || spare_count == SPARE_MAX) {
        gather_destroy(gather);
        return;
    }
    gather_clear(gather);
    spare[spare_count++] = gather;
}

static void
row_close(struct row *row)
{
    /* Before the descriptor can be another's: nothing is sent to it from here on. */
    pthread_mutex_lock(&guard_gather_lock);
    gather_drop(row);
    atomic_store_explicit(&row->serial, 0, memory_order_release);
    pthread_mutex_unlock(&guard_gather_lock);
    if (row->kind == ROW_CONNECTION) {
        guard_half_forget(row);
        atomic_fetch_or(&row->guard->hooks, row->hooks | GUARD_HOOK_CLOSE);
        atomic_fetch_sub(&row->guard->connections, 1);
        atomic_fetch_add(&row->guard->ended, 1);
    } else {
        pace_close(&row->pace);
    }
}

void
guard_init(struct guard *guard, unsigned connections_max, uint64_t frame_size_max,
           uint64_t half_size_max)
{
    assert(connections_max > 0);
    assert(frame_size_max > 0);
    *guard = (struct guard){.frame_size_max = frame_size_max, .half_size_max = half_size_max};
    atomic_init(&guard->connections_max, connections_max);
}

void
guard_bind_begin(struct guard *guard, enum guard_role role)
{
    assert(!binding.guard);
    binding.guard = guard;
    binding.role = role;
    binding.fd = -1;
}

int
guard_bind_end(void)
{
    assert(binding.guard);
    binding.guard = NULL;
    return binding.fd;
}

/* Of what is begun by clearing the serial: the first connection since then. */
static void
first_note(struct guard_conn *first, int fd)
{
    if (first->serial != 0)
        return;
    first->fd = fd;
    first->serial = atomic_load_explicit(&guard_rows[fd].serial, memory_order_relaxed);
}

static bool
first_end(const struct guard_conn *first, struct guard_conn *out)
{
    if (first->serial == 0)
        return false;
    *out = *first;
    return true;
}

void
guard_offer_begin(void)
{
    offered.serial = 0;
}

bool
guard_offer_end(struct guard_conn *out)
{
    return first_end(&offered, out);
}

void
guard_take_begin(void)
{
    read_from.serial = 0;
}

bool
guard_take_end(struct guard_conn *out)
{
    return first_end(&read_from, out);
}

enum guard_state
guard_state_of(struct guard_conn conn)
{
    assert(conn.fd >= 0 && conn.fd < GUARD_FD_MAX);
    const struct row *row = &guard_rows[conn.fd];
    if (atomic_load_explicit(&row->serial, memory_order_acquire) != conn.serial)
        return GUARD_GONE;
    if (atomic_load_explicit(&row->busy, memory_order_relaxed))
        return GUARD_BUSY;
    /* What is being gathered is in nobody's way, what was left over is. */
    bool left = !gathering && atomic_load_explicit(&row->gather, memory_order_relaxed);
    return left ? GUARD_BUSY : GUARD_FREE;
}

msec_t
guard_waited(struct guard_conn conn)
{
    if (guard_state_of(conn) == GUARD_GONE)
        return 0;
    msec_t since_ms = atomic_load_explicit(&guard_rows[conn.fd].since_ms, memory_order_relaxed);
    msec_t now_ms = monotonic_ms();
    return since_ms < now_ms ? now_ms - since_ms : 0;
}

bool
guard_has_unsent(const struct guard *guard)
{
    for (int fd = 0; fd <= atomic_load(&guard_fd_last); fd++) {
        const struct row *row = connection_of(fd);
        int unsent = 0;

        if (!row || row->guard != guard || row->role != GUARD_COMMAND)
            continue;
        if (atomic_load(&row->busy) || atomic_load(&row->gather))
            return true;
        /* What a unix socket has taken, its peer can read even after the close. */
        if (row->frames.transport == FRAMES_TCP && ioctl(fd, TIOCOUTQ, &unsent) == 0 && unsent > 0)
            return true;
    }
    return false;
}

/* --- accept4 ----------------------------------------------------------------------------- */

/* nanomsg aborts on every error but these; on ECONNABORTED it waits for the next connection. */
static int
accept_error(int error)
{
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
        return error;
    return ECONNABORTED;
}

static struct row *
listener_of(int fd)
{
    struct row *row = row_of(fd);
    if (row)
        return row->kind == ROW_LISTENER ? row : NULL;
    if (!binding.guard || fd < 0 || fd >= GUARD_FD_MAX)
        return NULL;
    row_open(fd, binding.guard, ROW_LISTENER, binding.role);
    pace_open(&guard_rows[fd].pace);
    binding.fd = fd;
    return &guard_rows[fd];
}

static enum frames_transport
transport_of(int fd)
{
    int domain = AF_UNIX;
    socklen_t size = sizeof(domain);

    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    return domain == AF_UNIX ? FRAMES_IPC : FRAMES_TCP;
}

static void
set_option(int fd, int level, int option, int value)
{
    /* A peer that has left already can make this fail, which does no harm. */
    (void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void
keep_alive(int fd)
{
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, TCP_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, TCP_INTERVAL_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, TCP_PROBES);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS);
}

/* Count a connection in, or refuse it. Both sockets may be here at once. */
static bool
admit(struct guard *guard, int fd)
{
    if (fd < GUARD_FD_MAX) {
        if (atomic_fetch_add(&guard->connections, 1) < atomic_load(&guard->connections_max))
            return true;
        atomic_fetch_sub(&guard->connections, 1);
    }
    atomic_fetch_add(&guard->refused, 1);
    return false;
}

static void
let_stranger_in(int fd)
{
    pthread_mutex_lock(&guard_gather_lock);
    struct guard_conn *place = &strangers[stranger_count++ % STRANGERS_MAX];
    struct guard_conn old = *place;
    *place = (struct guard_conn){fd, atomic_load(&guard_rows[fd].serial)};
    /* See cut_half(): the descriptor cannot become another's here. */
    if (old.serial != 0 && atomic_load(&guard_rows[old.fd].serial) == old.serial &&
        !atomic_load_explicit(&guard_rows[old.fd].greeted, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&guard_rows[old.fd].guard->cut, 1, memory_order_relaxed);
        shutdown(old.fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&guard_gather_lock);
}

/* Make a row for a connection that was let in. */
static void
adopt(int fd, struct guard *guard, enum guard_role role)
{
    enum frames_transport transport = transport_of(fd);
    struct row *stale = row_of(fd);

    /* Whoever closed the last one did so behind our back, as dup2() can. */
    if (stale)
        row_close(stale);
    if (transport == FRAMES_TCP)
        keep_alive(fd);
    frames_init(&guard_rows[fd].frames, transport, role == GUARD_COMMAND ? SP_REQ : SP_SUB,
                guard->frame_size_max);
    row_open(fd, guard, ROW_CONNECTION, role);
    let_stranger_in(fd);
}

/* nanomsg accepts until nobody waits any more, with its socket locked and its only thread at
 * nothing else: for ever, where connections come as fast as it takes them. So behind each it is
 * told that there is no other, and goes round by all that have something to say before it asks
 * again. */
static bool
is_pause_due(struct row *listener)
{
    bool due = listener->accepted;
    listener->accepted = false;
    return due;
}

/* libc declares the address as a union of pointers that is passed like a plain one. */
HOOK int
accept4(int fd, __SOCKADDR_ARG address, socklen_t *restrict size, int flags)
{
    struct row *listener = listener_of(fd);
    if (listener && is_pause_due(listener)) {
        errno = ECONNABORTED;
        return -1;
    }
    if (listener)
        pace_release(&listener->pace, fd);
    int conn = (int)syscall(SYS_accept4, fd, address.__sockaddr__, size, flags);

    if (!listener)
        return conn;
    if (conn < 0) {
        errno = accept_error(errno);
        return -1;
    }
    msec_t now_ms = monotonic_ms();
    pace_count(&listener->pace, now_ms);
    if (!admit(listener->guard, conn)) {
        syscall(SYS_close, conn);
        pace_hold(&listener->pace, fd, now_ms); /* nanomsg goes on to wait without a word */
        errno = ECONNABORTED;
        return -1;
    }
    adopt(conn, listener->guard, listener->role);
    listener->accepted = true;
    return conn;
}

/* --- epoll_ctl --------------------------------------------------------------------------- */

/* nanomsg adds the listener each time it begins to wait for a connection, and then says for what;
 * it removes it once it has one. */
HOOK int
epoll_ctl(int poll, int op, int fd, struct epoll_event *event)
{
    struct row *row = row_of(fd);
    if (!row || row->kind != ROW_LISTENER)
        return (int)syscall(SYS_epoll_ctl, poll, op, fd, event);

    pace_release(&row->pace, fd);
    int rc = (int)syscall(SYS_epoll_ctl, poll, op, fd, event);
    bool waits = rc == 0 && op == EPOLL_CTL_MOD && (event->events & EPOLLIN);
    pace_register(&row->pace, poll, waits ? event : NULL);
    if (waits)
        pace_hold(&row->pace, fd, monotonic_ms());
    return rc;
}

/* --- epoll_wait -------------------------------------------------------------------------- */

static void
call_step(void)
{
    unsigned number = atomic_load_explicit(&call, memory_order_relaxed);
    atomic_store_explicit(&call, number + 1, memory_order_relaxed);
}

void
guard_enter(void)
{
    call_step();
}

void
guard_leave(void)
{
    call_step();
}

/* nanomsg's thread has gone round, and holds no lock. */
HOOK int
epoll_wait(int poll, struct epoll_event *events, int count, int timeout_ms)
{
    unsigned number = atomic_load_explicit(&call, memory_order_relaxed);
    if (number % 2 == 1) {
        int64_t until_ns = monotonic_ns() + LET_IN_NS_MAX;
        while (atomic_load_explicit(&call, memory_order_relaxed) == number &&
               monotonic_ns() < until_ns)
            sched_yield();
    }
    return (int)syscall(SYS_epoll_pwait, poll, events, count, timeout_ms, NULL, 0);
}

/* --- recvmsg ----------------------------------------------------------------------------- */

/* nanomsg knows that a connection can be reset; want of memory passes, so it may wait for it. */
static int
stream_error(int error)
{
    if (error == EAGAIN || error == ENOMEM || error == ENOBUFS || error == EINTR)
        return EAGAIN;
    return ECONNRESET;
}

static bool
check_read(struct row *row, const struct msghdr *message, size_t size)
{
    for (size_t i = 0; i < message->msg_iovlen && size > 0; i++) {
        const struct iovec *part = &message->msg_iov[i];
        size_t taken = size < part->iov_len ? size : part->iov_len;

        if (!frames_check(&row->frames, part->iov_base, taken))
            return false;
        size -= taken;
    }
    assert(size == 0);
    return true;
}

static void
note_wait(struct row *row, int fd, size_t size, msec_t now_ms)
{
    int queued = 0;

    atomic_store_explicit(&row->since_ms, waits_read(&row->waits, size, now_ms),
                          memory_order_relaxed);
    if (waits_is_mark_due(&row->waits, now_ms) && ioctl(fd, FIONREAD, &queued) == 0)
        waits_mark(&row->waits, (size_t)queued, now_ms);
}

HOOK ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
    struct row *row = connection_of(fd);
    if (!row)
        return syscall(SYS_recvmsg, fd, message, flags);
    row->hooks |= GUARD_HOOK_RECEIVE;
    first_note(&read_from, fd);
    if (row->cut)
        return 0;

    /* Without room for them, the kernel closes passed descriptors itself. */
    message->msg_control = NULL;
    message->msg_controllen = 0;
    struct iovec *part = message->msg_iov;
    assert(message->msg_iovlen == 1);
    if (part->iov_len > READ_SIZE_MAX)
        part->iov_len = READ_SIZE_MAX;
    ssize_t size = syscall(SYS_recvmsg, fd, message, flags);
    if (size < 0) {
        errno = stream_error(errno);
        return -1;
    }
    if (size > 0 && !check_read(row, message, (size_t)size)) {
        row->cut = true;
        atomic_fetch_add_explicit(&row->guard->cut, 1, memory_order_relaxed);
        return 0; /* As if the peer had closed: nanomsg ends the connection. */
    }
    if (size > 0) {
        msec_t now_ms = monotonic_ms();
        note_wait(row, fd, (size_t)size, now_ms);
        guard_half_note(row, now_ms);
        atomic_store_explicit(&row->greeted, row->frames.greeted, memory_order_relaxed);
    }
    return size;
}

/* --- gathering --------------------------------------------------------------------------- */

/* The three that follow are called with guard_gather_lock held. */

/* Send what was gathered for this connection. True if nothing is left. */
static bool
gather_flush_locked(struct row *row, int fd)
{
    struct gather *gather = atomic_load_explicit(&row->gather, memory_order_relaxed);
    bool done = !gather || gather_send(gather, fd);
    if (done)
        gather_drop(row);
    return done;
}

static struct gather *
gather_take(void)
{
    return spare_count > 0 ? spare[--spare_count] : gather_create();
}

/* Gather a message instead of sending it. False if it has to be sent. */
static bool
gather_message(struct row *row, int fd, const struct msghdr *message, size_t size)
{
    if (size > GATHER_MESSAGE_MAX || atomic_load_explicit(&row->busy, memory_order_relaxed))
        return false;
    struct gather *gather = atomic_load_explicit(&row->gather, memory_order_relaxed);
    if (gather && gather_add(gather, message, size))
        return true;
    if (!gather_flush_locked(row, fd) || gathered_count == GUARD_FD_MAX)
        return false;
    gather = gather_take();
    if (!gather)
        return false;
    bool added = gather_add(gather, message, size);
    assert(added);
    atomic_store_explicit(&row->gather, gather, memory_order_relaxed);
    gathered[gathered_count++] = fd;
    return true;
}

static bool
gather_flush(struct row *row, int fd)
{
    if (!atomic_load_explicit(&row->gather, memory_order_relaxed))
        return true;
    pthread_mutex_lock(&guard_gather_lock);
    bool done = gather_flush_locked(row, fd);
    pthread_mutex_unlock(&guard_gather_lock);
    return done;
}

static bool
is_gathered(struct row *row, int fd, const struct msghdr *message, size_t size)
{
    if (!gathering)
        return false;
    pthread_mutex_lock(&guard_gather_lock);
    bool added = gather_message(row, fd, message, size);
    pthread_mutex_unlock(&guard_gather_lock);
    return added;
}

/* nanomsg has its own view of the connection: that it is idle, and nothing else is ever sent there.
 * That holds: what is gathered goes out whole before anything of nanomsg's does, and nothing is
 * gathered while nanomsg is within a frame (busy, which only this thread begins). */
bool
guard_gather_reply(struct guard_conn conn, struct slice head, struct slice body)
{
    assert(conn.fd >= 0 && conn.fd < GUARD_FD_MAX);
    if (!gathering)
        return false;
    struct row *row = &guard_rows[conn.fd];
    uint8_t frame[FRAMES_HEADER_SIZE_MAX];
    size_t size = head.size + body.size;
    bool added = false;
    pthread_mutex_lock(&guard_gather_lock);
    if (atomic_load_explicit(&row->serial, memory_order_acquire) == conn.serial) {
        size_t frame_size = frames_head(row->frames.transport, size, frame);
        /* The kernel does not write through what it is given. */
        struct iovec parts[] = {{frame, frame_size},
                                {(void *)(uintptr_t)head.data, head.size},
                                {(void *)(uintptr_t)body.data, body.size}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = ARRAY_COUNT(parts)};
        added = gather_message(row, conn.fd, &message, frame_size + size);
    }
    pthread_mutex_unlock(&guard_gather_lock);
    return added;
}

void
guard_gather_begin(void)
{
    assert(!gathering);
    gathering = true;
}

unsigned
guard_gather_end(void)
{
    unsigned left = 0;
    gathering = false;
    for (unsigned i = 0; i < gathered_count; i++) {
        int fd = gathered[i];
        if (!gather_flush(&guard_rows[fd], fd))
            gathered[left++] = fd;
    }
    gathered_count = left;
    return left;
}

/* --- sendmsg ----------------------------------------------------------------------------- */

HOOK ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct row *row = connection_of(fd);
    if (!row)
        return syscall(SYS_sendmsg, fd, message, flags);

    size_t wanted = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        wanted += message->msg_iov[i].iov_len;
    row->hooks |= GUARD_HOOK_SEND;
    first_note(&offered, fd);

    if (is_gathered(row, fd, message, wanted))
        return (ssize_t)wanted;
    if (!gather_flush(row, fd)) {
        atomic_store_explicit(&row->busy, true, memory_order_relaxed);
        errno = EAGAIN; /* nanomsg holds on to the message, and waits for room as we do */
        return -1;
    }
    ssize_t size = syscall(SYS_sendmsg, fd, message, flags);
    atomic_store_explicit(&row->busy, size < (ssize_t)wanted, memory_order_relaxed);
    if (size < 0) {
        errno = stream_error(errno);
        return -1;
    }
    return size;
}

/* --- close ------------------------------------------------------------------------------- */

HOOK int
close(int fd)
{
    struct row *row = row_of(fd);
    if (row)
        row_close(row);
    return (int)syscall(SYS_close, fd);
}
