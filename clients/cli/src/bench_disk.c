#include "bench_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"

#define BLOCK_SIZE 4096
#define PATH_SIZE  4096

static int
append(int fd, const char *block)
{
    ssize_t size = write(fd, block, BLOCK_SIZE);
    if (size < 0 || fdatasync(fd) != 0)
        return errno;
    return size == BLOCK_SIZE ? 0 : ENOSPC;
}

int
bench_disk_run(const char *dir, unsigned count, struct histogram *latency)
{
    static const char block[BLOCK_SIZE] = "kith";
    char path[PATH_SIZE];
    if ((size_t)snprintf(path, sizeof(path), "%s/.kith-bench-XXXXXX", dir) >= sizeof(path))
        return ENAMETOOLONG;
    int fd = mkstemp(path);
    if (fd < 0)
        return errno;
    unlink(path);
    int error = 0;
    for (unsigned i = 0; i < count && error == 0; i++) {
        uint64_t start_ns = cli_now_ns();
        error = append(fd, block);
        histogram_add(latency, cli_now_ns() - start_ns);
    }
    close(fd);
    return error;
}
