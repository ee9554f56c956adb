#include "store/trickle.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

#define NS_PER_MS    UINT64_C(1000000)
#define IDLE_NS      UINT64_C(100000) /* what takes less had nothing to write */
#define PAUSE_NS_MAX (TRICKLE_PAUSE_MS_MAX * NS_PER_MS)

static _Thread_local struct {
    const _Atomic bool *hurry; /* NULL: this thread does not trickle */
    unsigned count;
} mine;

void
trickle_begin(const _Atomic bool *hurry)
{
    assert(hurry && !mine.hurry);
    mine.hurry = hurry;
    mine.count = 0;
}

unsigned
trickle_end(void)
{
    assert(mine.hurry);
    mine.hurry = NULL;
    return mine.count;
}

static uint64_t
clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

static void
pause_for(uint64_t ns)
{
    struct timespec time = {(time_t)(ns / (1000 * NS_PER_MS)), (long)(ns % (1000 * NS_PER_MS))};
    nanosleep(&time, NULL);
}

/* Write out what is dirty of the file, part by part. Where the system cannot, or there is trouble
 * with the disk, it is left to the sync, which tells of it. */
static void
write_out(int fd)
{
    const unsigned flags =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    struct stat file;
    uint64_t paused_ns = 0;
    if (fstat(fd, &file) != 0)
        return;
    uint64_t size = (uint64_t)file.st_size, step = size / TRICKLE_STEP_COUNT_MAX + 1;
    if (step < TRICKLE_STEP_SIZE_MIN)
        step = TRICKLE_STEP_SIZE_MIN;
    for (uint64_t at = 0; at < size; at += step) {
        uint64_t began_ns = clock_ns();
        if (sync_file_range(fd, (off64_t)at, (off64_t)step, flags) != 0)
            return;
        uint64_t took_ns = clock_ns() - began_ns;
        if (took_ns < IDLE_NS || paused_ns >= PAUSE_NS_MAX || atomic_load(mine.hurry))
            continue;
        pause_for(took_ns);
        paused_ns += took_ns;
    }
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
    if (mine.hurry) {
        mine.count++;
        write_out(fd);
    }
    return sync_next(fd);
}
