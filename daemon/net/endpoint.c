#include "net/endpoint.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/url.h"

/* Connections that wait to be accepted; the kernel has a limit of its own (net.core.somaxconn). */
#define BACKLOG 4096

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

/* Whether somebody accepts connections at @path, or could. */
static bool
is_live(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    assert(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    bool refused = connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
                   (errno == ECONNREFUSED || errno == ENOENT);
    close(fd);
    return !refused;
}

/* nanomsg would take any file that nobody listens on for a stale socket, and remove it; and it
 * leaks an endpoint where somebody does listen. So both are asked before it is. */
static bool
place_is_free(const char *path, struct fault *fault)
{
    struct stat status;

    if (lstat(path, &status) != 0)
        return true;
    if (!S_ISSOCK(status.st_mode))
        fault_set(fault, "ipc://%s: there is a file of that name which is no socket; move it away",
                  path);
    else if (is_live(path))
        fault_set(fault, "ipc://%s: another process listens there; stop it, or use another path",
                  path);
    else
        return true;
    return false;
}

static void
bind_fault(const char *url, int error, struct fault *fault)
{
    if (error == EADDRINUSE)
        fault_set(fault, "%s: another process listens there; stop it, or use another address", url);
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
        bind_fault(url, error, fault);
        return -1;
    }
    if (listener < 0)
        fault_set(fault,
                  "%s: nanomsg does not call the accept4() of this program, without which any peer "
                  "could end it; link libnanomsg as a shared library",
                  url);
    else /* nanomsg queues 10 at most on ipc, too few for clients that come back after a restart. */
        listen(listener, BACKLOG);
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
