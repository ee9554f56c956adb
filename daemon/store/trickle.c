#include "store/trickle.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/monotonic.h"

#define NS_PER_MS    UINT64_C(1000000)
#define IDLE_NS      UINT64_C(100000)  /* what takes less had nothing to write */
#define SHORT_NS     UINT64_C(1000000) /* what takes less had little: the next step is larger */
#define GROWTH_MAX   16                /* so many times, lest one finds much all at once, */
#define GROWTH_HURRY 256               /* which matters less than to be done */
#define PAUSE_NS_MAX (TRICKLE_PAUSE_MS_MAX * NS_PER_MS)

static _Thread_local struct {
    const _Atomic bool *hurry; /* NULL: this thread does not trickle */
    _Atomic unsigned *synced;
    unsigned count;
    uint64_t paused_ns, took_ns;
} mine;

void
trickle_begin(const _Atomic bool *hurry, _Atomic unsigned *synced)
{
    assert(hurry && synced && !mine.hurry);
    mine.hurry = hurry;
    mine.synced = synced;
    mine.count = 0;
    mine.paused_ns = mine.took_ns = 0;
}

unsigned
trickle_end(msec_t *took_ms)
{
    assert(mine.hurry);
    mine.hurry = NULL;
    if (took_ms)
        *took_ms = (msec_t)(mine.took_ns / NS_PER_MS);
    return mine.count;
}

/* Not a moment longer than somebody is in a hurry. */
static void
pause_for(uint64_t ns)
{
    const uint64_t slice_ns = 10 * NS_PER_MS;
    for (uint64_t left_ns = ns; left_ns > 0 && !atomic_load(mine.hurry);) {
        uint64_t now_ns = left_ns < slice_ns ? left_ns : slice_ns;
        nanosleep(&(struct timespec){.tv_nsec = (long)now_ns}, NULL);
        left_ns -= now_ns;
    }
}

static void
pause_after(uint64_t took_ns)
{
    uint64_t left_ns = PAUSE_NS_MAX - mine.paused_ns;
    uint64_t pause_ns = took_ns < left_ns ? took_ns : left_ns;
    pause_for(pause_ns);
    mine.paused_ns += pause_ns;
}

/* Write out what is dirty of the file, step by step, from its end: where it has grown there is much
 * in one place, and elsewhere a little here and there, for which steps of the same size would wait
 * for the disk thousands of times. Where the system cannot it is left to the sync. */
static void
write_steps(int fd, uint64_t size)
{
    const unsigned flags =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    uint64_t least = size / TRICKLE_STEP_COUNT_MAX + 1;
    if (least < TRICKLE_STEP_SIZE_MIN)
        least = TRICKLE_STEP_SIZE_MIN;
    for (uint64_t end = size, step = least; end > 0;) {
        int64_t began_ns = monotonic_ns();
        uint64_t at = end > step ? end - step : 0;
        if (sync_file_range(fd, (off64_t)at, (off64_t)(end - at), flags) != 0)
            return;
        uint64_t took_ns = (uint64_t)(monotonic_ns() - began_ns);
        end = at;
        atomic_store(mine.synced, (unsigned)((size - end) * TRICKLE_WHOLE / size));
        if (took_ns >= IDLE_NS)
            pause_after(took_ns);
        uint64_t most = least * (atomic_load(mine.hurry) ? GROWTH_HURRY : GROWTH_MAX);
        if (took_ns < SHORT_NS && step < most)
            step *= 2;
        else if ((took_ns > 2 * SHORT_NS || step > most) && step > least)
            step /= 2;
    }
}

/* The kernel tells of a page that could not be written once for each time that the file is open,
 * and sync_file_range() takes that as well. So it gets an opening of its own, and LMDB's sync is
 * told all the same: or else a meta page would follow that points to pages which are not there. */
static void
write_out(int fd)
{
    char path[32];
    struct stat file;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (own < 0)
        return;
    if (fstat(own, &file) == 0 && S_ISREG(file.st_mode))
        write_steps(own, (uint64_t)file.st_size);
    close(own);
}

/* libc's, or what a test has put before it. */
static int
sync_next(int fd)
{
    static _Atomic(int (*)(int)) next;
    int (*call)(int) = atomic_load_explicit(&next, memory_order_relaxed);
    if (!call) {
        void *found = dlsym(RTLD_NEXT, "fdatasync");
        if (!found)
            return (int)syscall(SYS_fdatasync, fd);
        memcpy(&call, &found, sizeof(call));
        atomic_store_explicit(&next, call, memory_order_relaxed);
    }
    return call(fd);
}

/* Weak, so that a test can put a disk of its own in its place. */
__attribute__((visibility("default"), weak)) int
fdatasync(int fd)
{
    if (!mine.hurry)
        return sync_next(fd);
    int64_t began_ns = monotonic_ns();
    atomic_store(mine.synced, 0);
    mine.count++;
    write_out(fd);
    int rc = sync_next(fd);
    mine.took_ns += (uint64_t)(monotonic_ns() - began_ns);
    return rc;
}
