#include "net/url.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>

#include "base/assert.h"

#define TCP_HOW "write tcp://ADDRESS:PORT, as in tcp://127.0.0.1:7700 or tcp://[::1]:7700"
#define IPC_HOW "write ipc://PATH, as in ipc:///run/kith/command"

#define PORT_DIGITS_MAX 5
#define PORT_MAX        65535

static bool
ipc_check(const char *text, const char *path, struct fault *fault)
{
    if (path[0] == 0 || path[strlen(path) - 1] == '/') {
        fault_set(fault, "%s: names no socket file; " IPC_HOW, text);
        return false;
    }
    if (strlen(path) > URL_PATH_SIZE_MAX) {
        fault_set(fault,
                  "%s: the path has %zu bytes, a socket's can have %d; use a shorter directory",
                  text, strlen(path), URL_PATH_SIZE_MAX);
        return false;
    }
    return true;
}

static bool
port_is_good(const char *port)
{
    size_t digits = strspn(port, "0123456789");
    if (digits == 0 || digits > PORT_DIGITS_MAX || port[digits] != 0)
        return false;
    long number = strtol(port, NULL, 10);
    return number >= 1 && number <= PORT_MAX;
}

/* @host is an address of the right form, `*`, or the name of a network interface. */
static bool
host_is_good(char *host, struct fault *fault, const char *text)
{
    struct in6_addr address;
    size_t size = strlen(host);

    if (host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = 0;
        if (inet_pton(AF_INET6, host + 1, &address) == 1)
            return true;
        fault_set(fault, "%s: %s is not an IPv6 address; " TCP_HOW, text, host + 1);
    } else if (strchr(host, ':')) {
        fault_set(fault, "%s: an IPv6 address stands in brackets; " TCP_HOW, text);
    } else if (inet_pton(AF_INET, host, &address) == 1 || strcmp(host, "*") == 0 ||
               if_nametoindex(host) != 0) {
        return true;
    } else {
        fault_set(
            fault,
            "%s: '%s' is neither an IP address, nor *, nor an interface of this machine; " TCP_HOW,
            text, host);
    }
    return false;
}

static bool
tcp_check(const char *text, const char *address, struct fault *fault)
{
    char host[URL_SIZE_MAX + 1];
    const char *colon = strrchr(address, ':');

    assert(strlen(address) < sizeof(host));
    if (!colon || colon == address || !port_is_good(colon + 1)) {
        fault_set(fault, "%s: there is no port from 1 to %d at its end; " TCP_HOW, text, PORT_MAX);
        return false;
    }
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = 0;
    return host_is_good(host, fault, text);
}

/* What may be asked for and is not offered, and why. */
static const struct {
    const char *scheme, *reason;
} refused[] = {
    {"ws://", "WebSockets are not offered, since any peer could end the daemon through nanomsg's"},
    {"inproc://", "reaches nobody outside of this process"},
    {"tcpmux://", "is not offered"},
};

bool
url_check(const char *text, const char **path, struct fault *fault)
{
    assert(text);
    *path = NULL;
    if (strlen(text) > URL_SIZE_MAX) {
        fault_set(fault, "%s: is longer than %d bytes", text, URL_SIZE_MAX);
        return false;
    }
    if (strncmp(text, "tcp://", 6) == 0)
        return tcp_check(text, text + 6, fault);
    if (strncmp(text, "ipc://", 6) == 0) {
        *path = text + 6;
        return ipc_check(text, *path, fault);
    }
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        if (strncmp(text, refused[i].scheme, strlen(refused[i].scheme)) == 0) {
            fault_set(fault, "%s: %s; use ipc:// or tcp://", text, refused[i].reason);
            return false;
        }
    fault_set(fault, "%s: is not an endpoint; " IPC_HOW ", or tcp://ADDRESS:PORT", text);
    return false;
}
