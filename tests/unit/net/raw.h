/* Raw bytes to and from a daemon: a peer that does what no SP library would.
 *
 * Every wait is for a descriptor to become ready or a condition to become true, with a time limit
 * that only a hang would reach.
 */
#ifndef KITH_TESTS_NET_RAW_H
#define KITH_TESTS_NET_RAW_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "net/frames.h"
#include "net/net.h"

#define WAIT_MS 30000

struct raw {
    int fd;
    bool ipc;
};

static inline int64_t
raw_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A connected socket for ipc://PATH, tcp://ADDRESS:PORT or tcp://[ADDRESS]:PORT. */
static inline struct raw
raw_connect(const char *url)
{
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address = {0};
    struct raw raw = {.ipc = strncmp(url, "ipc://", 6) == 0};
    const char *host = url + 6;
    const char *colon = strrchr(host, ':');
    socklen_t size;

    if (raw.ipc) {
        address.un.sun_family = AF_UNIX;
        assert_true(strlen(host) < sizeof(address.un.sun_path));
        memcpy(address.un.sun_path, host, strlen(host) + 1);
        size = sizeof(address.un);
    } else if (host[0] == '[') {
        address.in6.sin6_family = AF_INET6;
        address.in6.sin6_addr = in6addr_loopback;
        address.in6.sin6_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
        size = sizeof(address.in6);
    } else {
        address.in.sin_family = AF_INET;
        address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.in.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
        size = sizeof(address.in);
    }
    raw.fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(raw.fd >= 0);
    assert_int_equal(connect(raw.fd, &address.any, size), 0);
    return raw;
}

static inline void
raw_write(struct raw raw, const void *data, size_t size)
{
    assert_int_equal(send(raw.fd, data, size, MSG_NOSIGNAL), size);
}

static inline void
raw_wait(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
}

static inline void
raw_read(struct raw raw, void *data, size_t size)
{
    uint8_t *to = data;

    while (size > 0) {
        raw_wait(raw.fd);
        ssize_t got = recv(raw.fd, to, size, 0);
        assert_true(got > 0);
        to += got;
        size -= (size_t)got;
    }
}

/* Exchange handshakes as a peer of @protocol. */
static inline void
raw_greet(struct raw raw, uint8_t protocol)
{
    const uint8_t mine[8] = {0, 'S', 'P', 0, 0, protocol, 0, 0};
    uint8_t theirs[8];

    raw_write(raw, mine, sizeof(mine));
    raw_read(raw, theirs, sizeof(theirs));
    assert_memory_equal(theirs, "\0SP\0\0", 5);
}

/* The daemon ends the connection: end of file or reset, after whatever it still had to say. */
static inline void
raw_expect_end(struct raw raw)
{
    uint8_t byte;
    ssize_t got;

    do {
        raw_wait(raw.fd);
        got = recv(raw.fd, &byte, 1, 0);
    } while (got > 0);
    assert_true(got == 0 || errno == ECONNRESET);
    close(raw.fd);
}

/* The header of a frame of @size bytes; returns its own size. */
static inline size_t
raw_header(struct raw raw, uint8_t header[9], uint64_t size)
{
    header[0] = 1;
    put_be64(header + (raw.ipc ? 1 : 0), size);
    return raw.ipc ? 9 : 8;
}

/* A request: its id, with the top bit set, and a body. */
static inline void
raw_request(struct raw raw, uint32_t id, const void *body, size_t size)
{
    uint8_t bytes[9 + 4 + 1024];
    size_t head = raw_header(raw, bytes, 4 + size);

    assert_true(size <= 1024);
    put_be32(bytes + head, id | 0x80000000);
    memcpy(bytes + head + 4, body, size);
    raw_write(raw, bytes, head + 4 + size);
}

/* Read a frame of at most @size_max bytes; returns its size. */
static inline size_t
raw_frame(struct raw raw, void *frame, size_t size_max)
{
    uint8_t header[9];

    raw_read(raw, header, raw.ipc ? 9 : 8);
    uint64_t size = get_be64(header + (raw.ipc ? 1 : 0));
    assert_true(size <= size_max);
    raw_read(raw, frame, size);
    return size;
}

/* --- a daemon to talk to ------------------------------------------------------------------- */

enum { URL_IPC, URL_TCP, URL_TCP6, URL_COUNT };

struct daemon {
    struct net *net;
    char directory[32];
    char command[URL_COUNT][96], event[URL_COUNT][96];
    struct net_options options;
    const char *command_urls[URL_COUNT], *event_urls[URL_COUNT];
};

/* A port that was free a moment ago. */
static inline unsigned
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static inline void
daemon_choose_ports(struct daemon *daemon)
{
    for (int i = 0; i < 2; i++) {
        char(*urls)[96] = i == 0 ? daemon->command : daemon->event;
        snprintf(urls[URL_TCP], 96, "tcp://127.0.0.1:%u", free_port());
        snprintf(urls[URL_TCP6], 96, "tcp://[::1]:%u", free_port());
    }
}

/* Endpoints of all three kinds in a directory of its own, and generous limits. */
static inline void
daemon_prepare(struct daemon *daemon)
{
    memset(daemon, 0, sizeof(*daemon));
    memcpy(daemon->directory, "/tmp/kith-net-XXXXXX", sizeof("/tmp/kith-net-XXXXXX"));
    assert_non_null(mkdtemp(daemon->directory));
    for (int i = 0; i < 2; i++) {
        char(*urls)[96] = i == 0 ? daemon->command : daemon->event;
        snprintf(urls[URL_IPC], 96, "ipc://%s/%s", daemon->directory, i ? "event" : "command");
    }
    daemon_choose_ports(daemon);
    for (int i = 0; i < URL_COUNT; i++) {
        daemon->command_urls[i] = daemon->command[i];
        daemon->event_urls[i] = daemon->event[i];
    }
    daemon->options = (struct net_options){
        .command_urls = daemon->command_urls,
        .command_url_count = URL_COUNT,
        .event_urls = daemon->event_urls,
        .event_url_count = URL_COUNT,
        .connections_max = 512,
        .message_size_max = 1024 * 1024,
        .kept_size_max = 64 * 1024 * 1024,
        .kept_ms_max = 1000,
        .half_size_max = 64 * 1024 * 1024,
        .half_ms_max = 3600 * 1000,
    };
}

static inline void
daemon_open(struct daemon *daemon)
{
    struct fault fault = {0};

    /* A port that was free may be somebody else's by now, as those of connections are: then others.
     */
    for (int tries = 0; net_open(&daemon->net, &daemon->options, &fault) != KITH_OK; tries++) {
        if (tries == 10 || !strstr(fault.text, "another process listens there"))
            fail_msg("net_open: %s", fault.text);
        daemon_choose_ports(daemon);
    }
}

static inline void
daemon_close(struct daemon *daemon)
{
    net_close(daemon->net);
    daemon->net = NULL;
    /* The socket files are gone, or this fails. */
    assert_int_equal(rmdir(daemon->directory), 0);
}

/* Echo every request there is. */
static inline unsigned
daemon_echo(struct daemon *daemon)
{
    struct net_request request;
    unsigned count = 0;

    /* As the daemon does: a batch is answered in one go. */
    net_gather_begin(daemon->net);
    for (; net_receive(daemon->net, &request); count++) {
        net_reply(daemon->net, &request.route, request.body);
        net_release(&request);
    }
    net_gather_end(daemon->net);
    net_tick(daemon->net, 1);
    return count;
}

/* Echo until @fd is readable. */
static inline void
daemon_serve(struct daemon *daemon, int fd)
{
    struct pollfd fds[] = {
        {.fd = fd, .events = POLLIN},
        {.fd = net_command_fd(daemon->net), .events = POLLIN},
    };
    for (int64_t end = raw_clock_ms() + WAIT_MS; raw_clock_ms() < end;) {
        /* A kept reply is offered again without a sign from outside. */
        bool kept = net_tick(daemon->net, 1) > 0;
        assert_true(poll(fds, 2, kept ? 1 : WAIT_MS) >= 0);
        if (fds[1].revents)
            daemon_echo(daemon);
        if (fds[0].revents)
            return;
    }
    fail_msg("no answer");
}

static inline struct net_stats
daemon_stats(const struct daemon *daemon)
{
    struct net_stats stats;
    net_stats(daemon->net, &stats);
    return stats;
}

/* Wait until nanomsg's thread has closed all but @count connections. */
static inline void
daemon_wait_connections(const struct daemon *daemon, uint64_t count)
{
    int64_t end = raw_clock_ms() + WAIT_MS;

    while (daemon_stats(daemon).connections != count) {
        assert_true(raw_clock_ms() < end);
        sched_yield();
    }
}

/* Ask and be answered, as a well-behaved peer. */
static inline void
daemon_expect_echo(struct daemon *daemon, struct raw raw, uint32_t id)
{
    uint8_t frame[64];

    raw_request(raw, id, "hello", 5);
    daemon_serve(daemon, raw.fd);
    assert_int_equal(raw_frame(raw, frame, sizeof(frame)), 9);
    assert_int_equal(get_be32(frame), id | 0x80000000);
    assert_memory_equal(frame + 4, "hello", 5);
}

/* Publish until a frame reaches @raw: a subscriber may be greeted before it is served. */
static inline void
daemon_publish_until(struct daemon *daemon, struct raw raw, const char *topic, const char *body)
{
    struct pollfd poll_fd = {.fd = raw.fd, .events = POLLIN};
    int64_t end = raw_clock_ms() + WAIT_MS;

    do {
        assert_true(raw_clock_ms() < end);
        net_publish(daemon->net, topic, slice_str(body));
    } while (poll(&poll_fd, 1, 10) == 0);
}

static inline unsigned
fds_open(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* --- the one that a test is about ----------------------------------------------------------- */

static struct daemon here;

/* For cmocka: it has places for its sockets, and is not open yet. */
static inline int
here_prepare(void **state)
{
    (void)state;
    daemon_prepare(&here);
    return 0;
}

/* For cmocka: it is closed, if it is open. */
static inline int
here_close(void **state)
{
    (void)state;
    if (here.net)
        daemon_close(&here);
    return 0;
}

#endif
