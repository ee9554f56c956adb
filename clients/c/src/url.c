#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "kith.h"

#define COMMAND_FILE "command.ipc"
#define EVENTS_FILE  "events.ipc"

static bool
starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool
is_port(const char *text)
{
    size_t size = strspn(text, "0123456789");
    return size >= 1 && size <= 5 && text[size] == '\0' && strtoul(text, NULL, 10) <= 65535;
}

/* A name, an IPv4 address, or an IPv6 address in brackets. nanomsg takes a local interface before a
 * semicolon as well, and aborts when that is not to its liking. */
static bool
is_host(const char *host, size_t size)
{
    static const char name_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789.-_";
    static const char address_letters[] = "0123456789abcdefABCDEF:.";
    if (size > 2 && host[0] == '[' && host[size - 1] == ']')
        return strspn(host + 1, address_letters) == size - 2;
    return size > 0 && strspn(host, name_letters) == size;
}

bool
url_is_valid(const char *url)
{
    assert(url);
    size_t size = strlen(url), scheme_size = strlen("ipc://");
    if (size <= scheme_size || size > URL_SIZE_MAX)
        return false;
    if (starts_with(url, "ipc://"))
        return size - scheme_size <= URL_PATH_SIZE_MAX;
    if (!starts_with(url, "tcp://"))
        return false;
    const char *host = url + scheme_size, *colon = strrchr(host, ':');
    return colon && is_host(host, (size_t)(colon - host)) && is_port(colon + 1);
}

bool
url_beside(char *events, const char *command)
{
    static const char tail[] = "/" COMMAND_FILE;
    size_t size = strlen(command), tail_size = sizeof(tail) - 1;
    assert(size <= URL_SIZE_MAX);
    _Static_assert(sizeof(EVENTS_FILE) <= sizeof(COMMAND_FILE), "the result fits");

    if (!starts_with(command, "ipc://") || size < tail_size ||
        strcmp(command + size - tail_size, tail) != 0)
        return false;
    size_t dir_size = size - (sizeof(COMMAND_FILE) - 1);
    memcpy(events, command, dir_size);
    memcpy(events + dir_size, EVENTS_FILE, sizeof(EVENTS_FILE));
    return true;
}

static bool
is_socket(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* The user's own daemon, unless only the machine's is there: as kithd itself chooses, so that a
 * client may be there first. */
static void
default_url(char *url, size_t size, const char *file)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char own[URL_PATH_SIZE_MAX + 1], shared[URL_PATH_SIZE_MAX + 1];

    snprintf(shared, sizeof(shared), "/run/kith/%s", file);
    if (runtime && *runtime) {
        int needed = snprintf(own, sizeof(own), "%s/kith/%s", runtime, file);
        bool fits = needed > 0 && (size_t)needed < sizeof(own);
        if (fits && (is_socket(own) || !is_socket(shared))) {
            snprintf(url, size, "ipc://%s", own);
            return;
        }
    }
    snprintf(url, size, "ipc://%s", shared);
}

void
kith_default_url(char *url, size_t size)
{
    default_url(url, size, COMMAND_FILE);
}

void
kith_default_events_url(char *url, size_t size)
{
    default_url(url, size, EVENTS_FILE);
}
