#include "net/endpoint.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/url.h"

/* Make the directory that @path is in, unless it is there. */
static bool
directory_make(const char *path, struct fault *fault)
{
    char directory[URL_PATH_SIZE_MAX + 1];
    const char *slash = strrchr(path, '/');

    assert(strlen(path) < sizeof(directory));
    if (!slash || slash == path)
        return true;
    memcpy(directory, path, (size_t)(slash - path));
    directory[slash - path] = 0;

    if (mkdir(directory, 0750) == 0)
        return chmod(directory, 0750) == 0; /* Whatever the umask took away. */
    if (errno == EEXIST)
        return true;
    fault_set(fault, "ipc://%s: the directory %s cannot be made: %s", path, directory,
              errno == ENOENT ? "nor is there the one above; make it first" : strerror(errno));
    return false;
}

/* nanomsg would take any file that nobody listens on for a stale socket, and remove it. */
static bool
place_is_free(const char *path, struct fault *fault)
{
    struct stat status;

    if (lstat(path, &status) != 0 || S_ISSOCK(status.st_mode))
        return true;
    fault_set(fault, "ipc://%s: there is a file of that name which is no socket; move it away",
              path);
    return false;
}

static void
bind_fault(const char *url, const char *path, int error, struct fault *fault)
{
    if (error == EADDRINUSE && path)
        fault_set(fault, "%s: another process listens there; stop it, or use another path", url);
    else if (error == EADDRINUSE)
        fault_set(fault, "%s: another process listens there; stop it, or use another port", url);
    else if (error == EACCES || error == EPERM)
        fault_set(fault, "%s: not permitted to this user (uid %u)", url, (unsigned)geteuid());
    else if (error == ENODEV || error == EADDRNOTAVAIL)
        fault_set(fault, "%s: this machine has no such address", url);
    else
        fault_set(fault, "%s: cannot be bound: %s", url, nn_strerror(error));
}

int
endpoint_bind(int socket, const char *url, struct guard *guard, enum guard_role role,
              struct fault *fault)
{
    const char *path = NULL;

    assert(socket >= 0);
    if (!url_check(url, &path, fault))
        return -1;
    if (path && !(directory_make(path, fault) && place_is_free(path, fault)))
        return -1;

    mode_t mask = umask(0117);
    guard_bind_begin(guard, role);
    int rc = nn_bind(socket, url);
    int error = nn_errno();
    int listener = guard_bind_end();
    umask(mask);

    if (rc < 0) {
        bind_fault(url, path, error, fault);
        return -1;
    }
    if (listener < 0)
        fault_set(fault,
                  "%s: nanomsg does not call this program's accept4(), without which any "
                  "peer could end the daemon; link libnanomsg dynamically",
                  url);
    return listener;
}

bool
endpoint_unlink(const char *url)
{
    const char *path = NULL;

    if (!url_check(url, &path, NULL) || !path)
        return true;
    return unlink(path) == 0 || errno == ENOENT;
}
