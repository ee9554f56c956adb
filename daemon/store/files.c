#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/types.h"

char *
path_join(const char *dir, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", dir, name) >= 0)
        return path;
    errno = ENOMEM;
    return NULL;
}

int
directory_sync(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int rc = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return rc;
}

int
file_replace(const char *path, const void *data, size_t size)
{
    char draft[PATH_MAX], dir[PATH_MAX];
    if (snprintf(draft, sizeof(draft), "%s.new", path) >= (int)sizeof(draft))
        return ENAMETOOLONG;
    snprintf(dir, sizeof(dir), "%s", path);
    int fd = open(draft, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno;
    ssize_t written = write(fd, data, size);
    int rc = written == (ssize_t)size ? 0 : written < 0 ? errno : ENOSPC;
    if (rc == 0 && (fchmod(fd, 0600) != 0 || fsync(fd) != 0))
        rc = errno;
    close(fd);
    if (rc == 0 && rename(draft, path) != 0)
        rc = errno;
    if (rc != 0)
        unlink(draft);
    return rc ? rc : directory_sync(dirname(dir));
}

int
file_remove(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}
