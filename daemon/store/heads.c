#include "store/heads.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/assert.h"

#define MAGIC         0xBEEFC0DEu
#define VERSION       1
#define AT_VERSION    (PAGE_START_SIZE + 4)
#define AT_PAGE_SIZE  (PAGE_START_SIZE + 24)
#define PAGE_SIZE_MIN 512
#define PAGE_SIZE_MAX 65536

/* Commit N writes page N & 1, and a new file has zero in both. */
static bool
follow(uint64_t first, uint64_t second)
{
    if (first == 0 && second == 0)
        return true;
    bool next = first + 1 == second || second + 1 == first;
    return next && (first & 1) == 0 && (second & 1) == 1;
}

static bool
is_page_size(uint32_t size)
{
    return size >= PAGE_SIZE_MIN && size <= PAGE_SIZE_MAX;
}

static uint32_t
page_size_of(const struct heads *heads)
{
    return page_load32(heads->bytes[0] + AT_PAGE_SIZE);
}

static bool
head_read(int fd, struct heads *heads, unsigned i, uint32_t page_size)
{
    uint8_t *head = heads->bytes[i];
    return pread(fd, head, HEAD_SIZE, (off_t)i * page_size) == HEAD_SIZE &&
           page_load32(head + PAGE_START_SIZE) == MAGIC &&
           page_load32(head + AT_VERSION) == VERSION;
}

bool
heads_read(int fd, struct heads *heads)
{
    if (!head_read(fd, heads, 0, 0))
        return false;
    uint32_t page_size = page_size_of(heads);
    return is_page_size(page_size) && head_read(fd, heads, 1, page_size) &&
           follow(page_load64(heads->bytes[0] + HEAD_AT_NUMBER),
                  page_load64(heads->bytes[1] + HEAD_AT_NUMBER));
}

bool
heads_are_sound(const char *path)
{
    struct heads heads;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = heads_read(fd, &heads);
    close(fd);
    return good;
}

int
heads_write(int fd, const struct heads *heads)
{
    uint32_t page_size = page_size_of(heads);
    assert(is_page_size(page_size));
    for (unsigned i = 0; i < HEAD_COUNT; i++) {
        ssize_t size = pwrite(fd, heads->bytes[i], HEAD_SIZE, (off_t)i * page_size);
        if (size != HEAD_SIZE)
            return size < 0 ? errno : ENOSPC;
    }
    return fdatasync(fd) == 0 ? 0 : errno;
}
