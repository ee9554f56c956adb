/* The ordinary life of the sockets: opening, serving, publishing, closing. */
#include "raw.h"

#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>

static void
open_fails(const char *says)
{
    struct net *net = NULL;
    struct fault fault = {0};

    assert_int_equal(net_open(&net, &here.options, &fault), KITH_UNAVAILABLE);
    assert_null(net);
    if (!strstr(fault.text, says))
        fail_msg("says '%s', not '%s'", fault.text, says);
}

static mode_t
mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static int
nn_fd(int socket)
{
    int fd;
    size_t size = sizeof(fd);
    assert_int_equal(nn_getsockopt(socket, NN_SOL_SOCKET, NN_RCVFD, &fd, &size), 0);
    return fd;
}

/* Each endpoint, by nanomsg's own REQ, with bodies around the sizes that nanomsg treats apart. */
static void
requests_are_answered(void **state)
{
    const size_t sizes[] = {0, 1, 24, 28, 29, 32, 33, 2040, 2048, 2049, 100000};
    static uint8_t body[100000];

    (void)state;
    daemon_open(&here);
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)(i * 7);
    for (int url = 0; url < URL_COUNT; url++) {
        int client = nn_socket(AF_SP, NN_REQ);
        /* nanomsg 1.1.5 aborts on connecting to an IPv4 address without this being 1. */
        int v4only = url != URL_TCP6;
        nn_setsockopt(client, NN_SOL_SOCKET, NN_IPV4ONLY, &v4only, sizeof(v4only));
        assert_true(nn_connect(client, here.command[url]) >= 0);
        for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
            void *answer;
            assert_int_equal(nn_send(client, body, sizes[i], 0), sizes[i]);
            daemon_serve(&here, nn_fd(client));
            assert_int_equal(nn_recv(client, &answer, NN_MSG, NN_DONTWAIT), sizes[i]);
            assert_memory_equal(answer, body, sizes[i]);
            nn_freemsg(answer);
        }
        nn_close(client);
    }
    struct net_stats stats = daemon_stats(&here);
    assert_int_equal(stats.received, URL_COUNT * ARRAY_COUNT(sizes));
    assert_int_equal(stats.replied, stats.received);
    assert_int_equal(stats.connections_cut, 0);
    daemon_close(&here);
}

static void
events_are_published(void **state)
{
    (void)state;
    daemon_open(&here);
    for (int url = 0; url < URL_COUNT; url++) {
        struct raw raw = raw_connect(here.event[url]);
        uint8_t frame[64];

        raw_greet(raw, SP_SUB);
        daemon_publish_until(&here, raw, "~beat", "");
        net_publish(here.net, "connection.accepted", slice_of("\x80\0z", 3));
        size_t size;
        while ((size = raw_frame(raw, frame, sizeof(frame))) == 6)
            assert_memory_equal(frame, "~beat", 6);
        assert_int_equal(size, 20 + 3);
        assert_memory_equal(frame, "connection.accepted\0\x80\0z", 23);
        close(raw.fd);
    }
    daemon_close(&here);
}

/* nanomsg's own SUB, by prefix. */
static void
subscribers_choose_by_prefix(void **state)
{
    int client = nn_socket(AF_SP, NN_SUB);
    char frame[64];

    (void)state;
    daemon_open(&here);
    assert_int_equal(nn_setsockopt(client, NN_SUB, NN_SUB_SUBSCRIBE, "invite.", 7), 0);
    assert_true(nn_connect(client, here.event[URL_IPC]) >= 0);
    struct raw ready = {.fd = nn_fd(client)};
    daemon_publish_until(&here, ready, "invite.created", "x");
    net_publish(here.net, "connection.removed", slice_str("not for you"));
    net_publish(here.net, "invite.expired", slice_str("y"));
    do
        assert_int_equal(nn_recv(client, frame, sizeof(frame), 0), 16);
    while (memcmp(frame, "invite.created\0x", 16) == 0);
    assert_memory_equal(frame, "invite.expired\0y", 16);
    nn_close(client);
    daemon_close(&here);
}

static void
socket_files(void **state)
{
    char directory[96], command[128], event[128];
    const char *urls[] = {command, event};
    mode_t mask = umask(077); /* as the unit has it */

    (void)state;
    snprintf(directory, sizeof(directory), "%s/made", here.directory);
    snprintf(command, sizeof(command), "ipc://%s/command", directory);
    snprintf(event, sizeof(event), "ipc://%s/event", directory);
    here.options.command_urls = urls;
    here.options.event_urls = urls + 1;
    here.options.command_url_count = here.options.event_url_count = 1;
    daemon_open(&here);
    assert_int_equal(mode_of(directory), 0750);
    assert_int_equal(mode_of(command + 6), 0660);
    assert_int_equal(mode_of(event + 6), 0660);
    assert_int_equal(umask(mask), 077);

    struct raw raw = raw_connect(command);
    raw_greet(raw, SP_REQ);
    daemon_expect_echo(&here, raw, 1);
    close(raw.fd);
    net_close(here.net);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(rmdir(here.directory), 0);
}

static void
stale_socket_is_replaced(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)state;
    const char *path = here.command[URL_IPC] + 6;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    daemon_open(&here);
    struct raw raw = raw_connect(here.command[URL_IPC]);
    raw_greet(raw, SP_REQ);
    daemon_expect_echo(&here, raw, 1);
    close(raw.fd);
    daemon_close(&here);
}

static void
live_socket_is_refused(void **state)
{
    (void)state;
    daemon_open(&here);
    open_fails("use another path");
    here.options.command_urls = here.command_urls + 1; /* now a port */
    here.options.command_url_count = 1;
    open_fails("use another address");
    struct raw raw = raw_connect(here.command[URL_IPC]);
    raw_greet(raw, SP_REQ);
    daemon_expect_echo(&here, raw, 1);
    close(raw.fd);
    daemon_close(&here);
}

/* The last endpoint fails: those bound before it are free again. */
static void
all_or_nothing(void **state)
{
    (void)state;
    here.event_urls[URL_TCP6] = "tcp://[2001:db8::1]:7700";
    open_fails("no such address");
    here.event_urls[URL_TCP6] = here.event[URL_TCP6];
    daemon_open(&here);
    daemon_close(&here);
}

static void
bad_places_are_refused(void **state)
{
    static const struct {
        const char *url, *says;
    } places[] = {
        {"ipc:///nonexistent/kith/command", "make it first"},
        {"ipc:///proc/kith/command", "cannot be made"},
        {"ws://127.0.0.1:1", "WebSockets are not offered"},
        {"tcp://198.51.100.1:7700", "no such address"},
    };

    (void)state;
    here.options.command_url_count = 1;
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        here.command_urls[0] = places[i].url;
        open_fails(places[i].says);
    }
    assert_int_equal(rmdir(here.directory), 0);
}

/* nanomsg would remove it. */
static void
ordinary_file_is_left_alone(void **state)
{
    const char *path = here.command[URL_IPC] + 6;

    (void)state;
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "precious", 8), 8);
    close(fd);
    open_fails("no socket; move it away");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 8);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(here.directory), 0);
}

static void
too_many_connections_wished(void **state)
{
    (void)state;
    here.options.connections_max = 70000; /* more than the guard has rows for */
    open_fails("file descriptors");
    assert_int_equal(rmdir(here.directory), 0);
}

static void
connections_are_capped(void **state)
{
    enum { MAX = 4 };
    struct raw in[MAX];

    (void)state;
    here.options.connections_max = MAX;
    daemon_open(&here);
    for (int i = 0; i < MAX; i++) {
        in[i] = raw_connect(i % 2 ? here.event[i % URL_COUNT] : here.command[i % URL_COUNT]);
        raw_greet(in[i], i % 2 ? SP_SUB : SP_REQ);
    }
    for (int i = 0; i < URL_COUNT; i++) {
        raw_expect_end(raw_connect(here.command[i]));
        raw_expect_end(raw_connect(here.event[i]));
    }
    struct net_stats stats = daemon_stats(&here);
    assert_int_equal(stats.connections, MAX);
    assert_int_equal(stats.connections_refused, 2 * URL_COUNT);

    for (uint32_t id = 1; id < 10; id++)
        daemon_expect_echo(&here, in[0], id);
    close(in[1].fd);
    daemon_wait_connections(&here, MAX - 1);
    in[1] = raw_connect(here.command[URL_IPC]);
    raw_greet(in[1], SP_REQ);
    daemon_expect_echo(&here, in[1], 1);
    for (int i = 0; i < MAX; i++)
        close(in[i].fd);
    daemon_wait_connections(&here, 0);
    daemon_close(&here);
}

/* A dead TCP peer is found by the kernel. The connection's far end is in this very process. */
static void
tcp_is_kept_alive(void **state)
{
    (void)state;
    daemon_open(&here);
    struct raw raw = raw_connect(here.command[URL_TCP]);
    raw_greet(raw, SP_REQ);
    struct sockaddr_in mine, peer;
    socklen_t size = sizeof(mine);
    assert_int_equal(getsockname(raw.fd, (struct sockaddr *)&mine, &size), 0);
    int found = -1;
    for (int fd = 0; fd < 256; fd++) {
        size = sizeof(peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET &&
            peer.sin_port == mine.sin_port)
            found = fd;
    }
    assert_true(found >= 0);
    int on = 0;
    size = sizeof(on);
    assert_int_equal(getsockopt(found, SOL_SOCKET, SO_KEEPALIVE, &on, &size), 0);
    assert_int_equal(on, 1);
    close(raw.fd);
    daemon_close(&here);
}

/* What was replied just before the close arrives all the same. */
static void
close_delivers_replies(void **state)
{
    (void)state;
    daemon_open(&here);
    struct raw raws[URL_COUNT];
    for (int i = 0; i < URL_COUNT; i++) {
        raws[i] = raw_connect(here.command[i]);
        raw_greet(raws[i], SP_REQ);
        for (uint32_t id = 0; id < 100; id++)
            raw_request(raws[i], id, "bye", 3);
    }
    for (unsigned count = 0; count < 100 * URL_COUNT; count += daemon_echo(&here))
        raw_wait(net_command_fd(here.net));
    daemon_close(&here);
    for (int i = 0; i < URL_COUNT; i++) {
        uint8_t frame[16];
        for (uint32_t id = 0; id < 100; id++) {
            assert_int_equal(raw_frame(raws[i], frame, sizeof(frame)), 7);
            assert_int_equal(get_be32(frame), id | 0x80000000);
        }
        raw_expect_end(raws[i]);
    }
}

/* Nothing is left behind, however often. */
static void
open_and_close_again(void **state)
{
    (void)state;
    daemon_open(&here);
    net_close(here.net);
    unsigned fds = fds_open();
    for (int i = 0; i < 20; i++) {
        daemon_open(&here);
        struct raw raw = raw_connect(here.command[i % URL_COUNT]);
        raw_greet(raw, SP_REQ);
        daemon_expect_echo(&here, raw, 1);
        net_close(here.net);
        raw_expect_end(raw);
    }
    assert_int_equal(fds_open(), fds);
    assert_int_equal(rmdir(here.directory), 0);
    net_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup(name, here_prepare)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_are_answered),
        TEST(events_are_published),
        TEST(subscribers_choose_by_prefix),
        TEST(socket_files),
        TEST(stale_socket_is_replaced),
        TEST(live_socket_is_refused),
        TEST(all_or_nothing),
        TEST(bad_places_are_refused),
        TEST(ordinary_file_is_left_alone),
        TEST(too_many_connections_wished),
        TEST(connections_are_capped),
        TEST(tcp_is_kept_alive),
        TEST(close_delivers_replies),
        TEST(open_and_close_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
