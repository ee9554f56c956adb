#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "fail.h"

#define URL_SIZE_MAX   256
#define IPC_PREFIX     "ipc://"
#define TIMEOUT_MS_MAX 86400000 /* a day */

enum cli_exit
cli_exit_for_class(const char *class)
{
    static const struct {
        const char *class;
        enum cli_exit code;
    } rows[] = {
        {"invalid", CLI_INVALID},  {"denied", CLI_REFUSED},    {"not_found", CLI_REFUSED},
        {"conflict", CLI_REFUSED}, {"quota", CLI_REFUSED},     {"busy", CLI_BUSY},
        {"unavailable", CLI_BUSY}, {"internal", CLI_INTERNAL},
    };
    for (size_t i = 0; class && i < ARRAY_COUNT(rows); i++)
        if (strcmp(rows[i].class, class) == 0)
            return rows[i].code;
    return CLI_INTERNAL;
}

void
cli_url(const struct cli *cli, char *url, size_t size)
{
    const char *given = cli->url ? cli->url : getenv("KITH_URL");
    if (given && *given)
        snprintf(url, size, "%s", given);
    else
        kith_default_url(url, size);
}

/* What connecting to the socket at @path says: 0, or an errno. Anything but the plain answers is
 * left to the library. */
static int
probe(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size >= sizeof(address.sun_path))
        return 0;
    memcpy(address.sun_path, path, size);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return 0;
    int result = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
    close(fd);
    return result;
}

/* Why the local socket at @url cannot be reached, or NULL. */
static const char *
unreachable_because(const char *url)
{
    if (strncmp(url, IPC_PREFIX, strlen(IPC_PREFIX)) != 0)
        return NULL;
    switch (probe(url + strlen(IPC_PREFIX))) {
    case ENOENT:
        return "there is no such socket";
    case ECONNREFUSED:
        return "nobody listens there any more";
    case EACCES:
        return "permission denied: join the socket's group, or run as its user";
    default:
        return NULL;
    }
}

static enum cli_exit
check_socket(const struct cli *cli, const char *url, enum cli_patience patience)
{
    const char *why = unreachable_because(url);
    if (!why)
        return CLI_OK;
    if (patience == CLI_PATIENT) {
        fprintf(stderr, "kith: waiting for kithd at %s: %s\n", url, why);
        return CLI_OK;
    }
    fail(cli, "unreachable", "unavailable",
         "cannot reach kithd at %s: %s\nstart kithd, name its socket with --url, or wait for it "
         "with --timeout",
         url, why);
    return CLI_UNREACHABLE;
}

enum cli_exit
cli_open(const struct cli *cli, unsigned window, enum cli_patience patience, struct kith **kith)
{
    char url[URL_SIZE_MAX];
    cli_url(cli, url, sizeof(url));
    enum cli_exit code = cli->timeout_ms ? CLI_OK : check_socket(cli, url, patience);
    if (code != CLI_OK)
        return code;

    uint64_t timeout_ms = cli->timeout_ms < TIMEOUT_MS_MAX ? cli->timeout_ms : TIMEOUT_MS_MAX;
    struct kith_options options = {
        .url = cli->url,
        .events_url = cli->events_url,
        .timeout_ms = (int)timeout_ms,
        .window = window,
    };
    enum kith_status status = kith_open(kith, &options);
    return status == KITH_STATUS_OK ? CLI_OK : cli_fail_status(cli, status);
}

struct status_row {
    const char *code, *class;
    enum cli_exit exit;
};

static const struct status_row *
status_row(enum kith_status status)
{
    static const struct status_row rows[] = {
        [KITH_STATUS_OK] = {"ok", "internal", CLI_OK},
        [KITH_STATUS_REFUSED] = {"refused", "internal", CLI_INTERNAL},
        [KITH_STATUS_TIMEOUT] = {"timeout", "unavailable", CLI_UNREACHABLE},
        [KITH_STATUS_BAD_URL] = {"bad_url", "invalid", CLI_INVALID},
        [KITH_STATUS_BAD_REPLY] = {"bad_reply", "internal", CLI_INTERNAL},
        [KITH_STATUS_TOO_LARGE] = {"too_large", "invalid", CLI_INVALID},
        [KITH_STATUS_FULL] = {"full", "internal", CLI_INTERNAL},
        [KITH_STATUS_NO_MEMORY] = {"no_memory", "internal", CLI_INTERNAL},
        [KITH_STATUS_STOPPED] = {"stopped", "internal", CLI_INTERNAL},
    };
    static const struct status_row unknown = {"unknown", "internal", CLI_INTERNAL};
    return (size_t)status < ARRAY_COUNT(rows) ? &rows[status] : &unknown;
}

enum cli_exit
cli_fail_status(const struct cli *cli, enum kith_status status)
{
    assert(status != KITH_STATUS_OK);
    const struct status_row *row = status_row(status);
    char url[URL_SIZE_MAX];
    cli_url(cli, url, sizeof(url));
    if (status == KITH_STATUS_TIMEOUT)
        fail(cli, row->code, row->class,
             "no answer from %s within %llu ms\nis kithd running? name its socket with --url, wait "
             "longer with --timeout; the same --id again does nothing twice",
             url, (unsigned long long)(cli->timeout_ms ? cli->timeout_ms : 5000));
    else
        fail(cli, row->code, row->class, "%s: %s", url, kith_status_text(status));
    return row->exit;
}

bool
cli_write(const struct buf *line)
{
    if (line->failed)
        return false;
    size_t written = line->size ? fwrite(line->data, 1, line->size, stdout) : 0;
    return written == line->size && fflush(stdout) == 0;
}

enum cli_exit
cli_print(struct buf *text)
{
    bool written = cli_write(text);
    buf_fini(text);
    return written ? CLI_OK : CLI_INTERNAL;
}

msec_t
cli_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (msec_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t
cli_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
