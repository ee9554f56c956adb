#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/monotonic.h"
#include "net/guard_inner.h"

void
guard_half_forget(struct row *row)
{
    atomic_fetch_sub(&row->guard->half_size, atomic_exchange(&row->half_size, 0));
    atomic_store_explicit(&row->half_since_ms, 0, memory_order_relaxed);
}

/* Is it the peer that we wait for, and not he for us? Then since when; else INT64_MAX. */
static msec_t
half_since(const struct row *row, int fd)
{
    msec_t since_ms = atomic_load_explicit(&row->half_since_ms, memory_order_relaxed);
    int queued = 0;

    if (since_ms == 0 || ioctl(fd, FIONREAD, &queued) != 0 || queued > 0)
        return INT64_MAX;
    return since_ms;
}

/* End the connection, if its frame began no later than @until_ms. Its descriptor cannot become
 * another's meanwhile: row_close() waits for the lock, and the close comes after that. */
static void
cut_half(const struct guard *guard, int fd, msec_t until_ms)
{
    struct row *row = &guard_rows[fd];

    pthread_mutex_lock(&guard_gather_lock);
    if (connection_of(fd) && row->guard == guard && half_since(row, fd) <= until_ms) {
        guard_half_forget(row);
        atomic_fetch_add_explicit(&row->guard->cut, 1, memory_order_relaxed);
        shutdown(fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&guard_gather_lock);
}

void
guard_cut_half(struct guard *guard, msec_t half_ms_max)
{
    msec_t until_ms = monotonic_ms() - half_ms_max;
    for (int fd = 0; fd <= atomic_load(&guard_fd_last); fd++) {
        const struct row *row = connection_of(fd);
        msec_t since_ms = row ? atomic_load_explicit(&row->half_since_ms, memory_order_relaxed) : 0;
        if (since_ms != 0 && since_ms <= until_ms)
            cut_half(guard, fd, until_ms);
    }
}

/* Too much memory is held by frames that are not whole: the eldest of them goes. The kernel is
 * asked of few connections, for most are younger than one that was found. */
static void
cut_eldest_half(const struct guard *guard)
{
    msec_t eldest_ms = INT64_MAX;
    uint64_t eldest_serial = UINT64_MAX;
    int eldest = -1;

    for (int fd = 0; fd <= atomic_load(&guard_fd_last); fd++) {
        const struct row *row = connection_of(fd);
        if (!row || row->guard != guard)
            continue;
        msec_t since_ms = atomic_load_explicit(&row->half_since_ms, memory_order_relaxed);
        uint64_t serial = atomic_load(&row->serial);
        bool is_elder = since_ms < eldest_ms || (since_ms == eldest_ms && serial < eldest_serial);
        if (since_ms != 0 && is_elder && half_since(row, fd) == since_ms) {
            eldest_ms = since_ms;
            eldest_serial = serial;
            eldest = fd;
        }
    }
    if (eldest >= 0)
        cut_half(guard, eldest, eldest_ms);
}

void
guard_half_note(struct row *row, msec_t now_ms)
{
    struct guard *guard = row->guard;
    uint64_t size = frames_half(&row->frames);

    if (size == 0) {
        guard_half_forget(row);
        return;
    }
    bool fresh = atomic_load_explicit(&row->half_since_ms, memory_order_relaxed) == 0 ||
                 row->half_count != row->frames.count;
    if (fresh)
        atomic_store_explicit(&row->half_since_ms, now_ms, memory_order_relaxed);
    row->half_count = row->frames.count;
    uint64_t before = atomic_exchange(&row->half_size, size);
    uint64_t all = atomic_fetch_add(&guard->half_size, size - before) + size - before;
    if (size > before && all > guard->half_size_max)
        cut_eldest_half(guard);
}
