/* tests/fault/shim.c: preloaded into kithd: counts its calls to the system, and at one of them
 * kills the process, fails, or writes too little.
 *
 * The calls are made without the C library, so that nothing is hooked twice.
 */
#include "fault/shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT     __attribute__((visibility("default")))
#define VECTOR_MAX 64 /* as LMDB's */
#define PATH_MAX_  512

static struct shim nobody; /* while there is no test */
static struct shim *shim = &nobody;
static int trace_fd = -1;
static atomic_flag trace_lock = ATOMIC_FLAG_INIT;

static long
raw(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static long
answer(long result)
{
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv("KITH_SHIM"), *trace = getenv("KITH_SHIM_TRACE");
    long fd = path ? raw(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC, 0, 0, 0) : -1;
    if (fd >= 0) {
        long at = raw(SYS_mmap, 0, sizeof(*shim), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at > 0)
            shim = (struct shim *)at;
        raw(SYS_close, fd, 0, 0, 0, 0, 0);
    }
    if (trace)
        trace_fd = (int)raw(SYS_openat, AT_FDCWD, (long)trace,
                            O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600, 0, 0);
}

static void
kill_myself(void)
{
    raw(SYS_kill, raw(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGKILL, 0, 0, 0, 0);
    for (;;)
        raw(SYS_pause, 0, 0, 0, 0, 0, 0);
}

/* A site: what is to be done here? A plain kill does not return. */
static enum shim_action
site(enum shim_call call)
{
    if (!(shim->calls & 1u << call))
        return SHIM_COUNT;
    uint64_t number = __atomic_add_fetch(&shim->count, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&shim->per_call[call], 1, __ATOMIC_SEQ_CST);
    uint64_t at = __atomic_load_n(&shim->at, __ATOMIC_SEQ_CST);
    if (at == 0 || number < at || (number > at && !shim->sticky))
        return SHIM_COUNT;
    __atomic_add_fetch(&shim->hits, 1, __ATOMIC_SEQ_CST);
    if (shim->action == SHIM_KILL || (shim->action == SHIM_TORN && call != SHIM_WRITE))
        kill_myself();
    return (enum shim_action)shim->action;
}

/* Sites of calls that cannot be cut short. True if it fails here. */
static bool
fails(enum shim_call call)
{
    if (site(call) != SHIM_ERROR)
        return false;
    errno = shim->error;
    return true;
}

/* ---- The trace ---- */

static bool
ends_with(const char *path, const char *end)
{
    size_t size = strlen(path), end_size = strlen(end);
    return size >= end_size && strcmp(path + size - end_size, end) == 0;
}

/* One of enum shim_file, or -1: another file. */
static int
file_of(int fd)
{
    char link[32], path[PATH_MAX_];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    long size = raw(SYS_readlink, (long)link, (long)path, sizeof(path) - 1, 0, 0, 0);
    if (size < 0)
        return -1;
    path[size] = 0;
    if (ends_with(path, "/log/data.mdb"))
        return SHIM_FILE_LOG;
    if (ends_with(path, "/views/data.mdb"))
        return SHIM_FILE_VIEWS;
    return ends_with(path, "/views") ? SHIM_FILE_WAY_BACK : -1; /* with its directory */
}

static void
trace(const struct shim_record *record, const struct iovec *parts, size_t count)
{
    struct iovec all[VECTOR_MAX + 1] = {{(void *)(uintptr_t)record, sizeof(*record)}};
    for (size_t i = 0; i < count && i < VECTOR_MAX; i++)
        all[i + 1] = parts[i];
    while (atomic_flag_test_and_set(&trace_lock))
        ;
    raw(SYS_writev, trace_fd, (long)all, (long)(count < VECTOR_MAX ? count + 1 : VECTOR_MAX + 1), 0,
        0, 0);
    atomic_flag_clear(&trace_lock);
}

static size_t
size_of(const struct iovec *parts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].iov_len;
    return size;
}

static void
trace_file(enum shim_step step, int fd, uint64_t offset, const struct iovec *parts, size_t count)
{
    int file = trace_fd >= 0 ? file_of(fd) : -1;
    if (file < 0)
        return;
    bool durable = raw(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0) & O_DSYNC;
    struct shim_record record = {.step = step,
                                 .file = (uint32_t)file,
                                 .offset = offset,
                                 .size = (uint32_t)size_of(parts, count),
                                 .durable = durable};
    trace(&record, parts, count);
}

/* What the file with the way back is from here on, where it has got its name or lost it. */
static void
trace_name(const char *path)
{
    uint8_t content[PATH_MAX_];
    if (trace_fd < 0 || !ends_with(path, "/views/rollback"))
        return;
    long fd = raw(SYS_openat, AT_FDCWD, (long)path, O_RDONLY, 0, 0, 0);
    long size = fd >= 0 ? raw(SYS_read, fd, (long)content, sizeof(content), 0, 0, 0) : 0;
    if (fd >= 0)
        raw(SYS_close, fd, 0, 0, 0, 0, 0);
    struct iovec part = {content, size > 0 ? (size_t)size : 0};
    struct shim_record record = {
        .step = SHIM_STEP_WRITE, .file = SHIM_FILE_WAY_BACK, .size = (uint32_t)part.iov_len};
    trace(&record, &part, 1);
}

/* ---- Writes ---- */

/* As much of @parts as makes half of their bytes. */
static size_t
halve(struct iovec *half, const struct iovec *parts, size_t count)
{
    size_t left = size_of(parts, count) / 2, i = 0;
    for (; i < count && i < VECTOR_MAX && left > 0; i++) {
        half[i] = parts[i];
        if (half[i].iov_len > left)
            half[i].iov_len = left;
        left -= half[i].iov_len;
    }
    return i;
}

/* Descriptors that only wake a thread cannot fail, and what is told to people is no site. */
static bool
is_file(int fd)
{
    struct stat status;
    return raw(SYS_fstat, fd, (long)&status, 0, 0, 0, 0) == 0 && S_ISREG(status.st_mode);
}

/* @offset -1: where the file stands. */
static ssize_t
write_all(int fd, const struct iovec *parts, size_t count, off_t offset)
{
    struct iovec half[VECTOR_MAX];
    enum shim_action action = is_file(fd) ? site(SHIM_WRITE) : SHIM_COUNT;
    if (action == SHIM_ERROR) {
        errno = shim->error;
        return -1;
    }
    if (action == SHIM_SHORT || action == SHIM_TORN) {
        count = halve(half, parts, count);
        parts = half;
    }
    uint64_t at =
        offset >= 0 ? (uint64_t)offset : (uint64_t)raw(SYS_lseek, fd, 0, SEEK_CUR, 0, 0, 0);
    long result = offset >= 0 ? raw(SYS_pwritev, fd, (long)parts, (long)count, (long)offset, 0, 0)
                              : raw(SYS_writev, fd, (long)parts, (long)count, 0, 0, 0);
    if (action == SHIM_TORN)
        kill_myself();
    if (result > 0)
        trace_file(SHIM_STEP_WRITE, fd, at, parts, count);
    return answer(result);
}

EXPORT ssize_t
write(int fd, const void *data, size_t size)
{
    struct iovec part = {(void *)(uintptr_t)data, size};
    return write_all(fd, &part, 1, -1);
}

EXPORT ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
    struct iovec part = {(void *)(uintptr_t)data, size};
    return write_all(fd, &part, 1, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
    __attribute__((alias("pwrite")));

EXPORT ssize_t
writev(int fd, const struct iovec *parts, int count)
{
    return write_all(fd, parts, (size_t)count, -1);
}

EXPORT ssize_t
pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return write_all(fd, parts, (size_t)count, offset);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
    __attribute__((alias("pwritev")));

/* ---- Other calls to the disk ---- */

static int
sync_one(long number, int fd)
{
    if (fails(SHIM_SYNC))
        return -1;
    long result = raw(number, fd, 0, 0, 0, 0, 0);
    if (result == 0)
        trace_file(SHIM_STEP_SYNC, fd, 0, NULL, 0);
    return (int)answer(result);
}

EXPORT int
fdatasync(int fd)
{
    return sync_one(SYS_fdatasync, fd);
}

EXPORT int
fsync(int fd)
{
    return sync_one(SYS_fsync, fd);
}

static int
open_one(int dir, const char *path, int flags, mode_t mode)
{
    if (fails(SHIM_OPEN))
        return -1;
    return (int)answer(raw(SYS_openat, dir, (long)path, flags, mode, 0, 0));
}

static mode_t
mode_of(int flags, va_list args)
{
    return flags & O_CREAT ? (mode_t)va_arg(args, unsigned) : 0;
}

EXPORT int
open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_one(AT_FDCWD, path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...) __attribute__((alias("open")));

EXPORT int
openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_one(dir, path, flags, mode);
}

EXPORT int
ftruncate(int fd, off_t size)
{
    if (fails(SHIM_NAME))
        return -1;
    long result = raw(SYS_ftruncate, fd, size, 0, 0, 0, 0);
    if (result == 0)
        trace_file(SHIM_STEP_SIZE, fd, (uint64_t)size, NULL, 0);
    return (int)answer(result);
}

EXPORT int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

EXPORT int
mkdir(const char *path, mode_t mode)
{
    return fails(SHIM_NAME) ? -1 : (int)answer(raw(SYS_mkdir, (long)path, mode, 0, 0, 0, 0));
}

EXPORT int
unlink(const char *path)
{
    if (fails(SHIM_NAME))
        return -1;
    long result = raw(SYS_unlink, (long)path, 0, 0, 0, 0, 0);
    if (result == 0)
        trace_name(path);
    return (int)answer(result);
}

EXPORT int
rename(const char *from, const char *to)
{
    if (fails(SHIM_NAME))
        return -1;
    long result = raw(SYS_rename, (long)from, (long)to, 0, 0, 0, 0);
    if (result == 0)
        trace_name(to);
    return (int)answer(result);
}

EXPORT void *
mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (fd >= 0 && fails(SHIM_MAP))
        return MAP_FAILED;
    return (void *)answer(raw(SYS_mmap, (long)at, (long)size, protection, flags, fd, offset));
}

EXPORT void *mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));

/* ---- Memory ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

/* No memory for who calls from @caller? Then write down who that is. */
static bool
is_refused(const void *caller)
{
    Dl_info info;
    if (!fails(SHIM_ALLOC))
        return false;
    const char *name = dladdr(caller, &info) && info.dli_fname ? info.dli_fname : "?";
    const char *slash = strrchr(name, '/');
    snprintf(shim->culprit, sizeof(shim->culprit), "%s", slash ? slash + 1 : name);
    errno = ENOMEM;
    return true;
}

static void *
taken(void *block)
{
    if (block)
        __atomic_add_fetch(&shim->blocks, 1, __ATOMIC_RELAXED);
    return block;
}

EXPORT void *
malloc(size_t size)
{
    return is_refused(__builtin_return_address(0)) ? NULL : taken(__libc_malloc(size));
}

EXPORT void *
calloc(size_t count, size_t size)
{
    return is_refused(__builtin_return_address(0)) ? NULL : taken(__libc_calloc(count, size));
}

EXPORT void *
realloc(void *block, size_t size)
{
    if (is_refused(__builtin_return_address(0)))
        return NULL;
    void *moved = __libc_realloc(block, size);
    return block ? moved : taken(moved);
}

EXPORT void
free(void *block)
{
    if (block)
        __atomic_add_fetch(&shim->blocks, -1, __ATOMIC_RELAXED);
    __libc_free(block);
}

/* ---- Sockets: the daemon defines the C library's functions itself, and comes here for the rest
 * ---- */

static enum shim_call
call_of(long number)
{
    switch (number) {
    case SYS_sendmsg:
    case SYS_sendto:
        return SHIM_SEND;
    case SYS_recvmsg:
        return SHIM_RECEIVE;
    case SYS_accept4:
        return SHIM_ACCEPT;
    default:
        return SHIM_CALL_COUNT;
    }
}

EXPORT long
syscall(long number, ...)
{
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);

    enum shim_call call = call_of(number);
    if (call != SHIM_CALL_COUNT && fails(call))
        return -1;
    long result = raw(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (number == SYS_sendmsg && result > 0 && trace_fd >= 0) {
        const struct msghdr *message = (const struct msghdr *)a[1];
        struct shim_record record = {
            .step = SHIM_STEP_SEND, .file = (uint32_t)a[0], .offset = (uint64_t)result};
        record.size = (uint32_t)size_of(message->msg_iov, message->msg_iovlen);
        trace(&record, message->msg_iov, message->msg_iovlen);
    } else if (number == SYS_sendto && result > 0 && trace_fd >= 0) {
        struct iovec part = {(void *)a[1], (size_t)a[2]};
        struct shim_record record = {.step = SHIM_STEP_SEND,
                                     .file = (uint32_t)a[0],
                                     .offset = (uint64_t)result,
                                     .size = (uint32_t)a[2]};
        trace(&record, &part, 1);
    }
    return answer(result);
}
