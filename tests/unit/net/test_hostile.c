/* Peers that mean harm, or are broken: each costs itself its connection, and nobody else anything.
 */
#include "raw.h"

#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>
#include <sys/resource.h>

static int client; /* nanomsg's own REQ, which has to be served before and after each attack */

static void
round_trip(void)
{
    char *answer;
    int fd;
    size_t size = sizeof(fd);

    assert_int_equal(nn_getsockopt(client, NN_SOL_SOCKET, NN_RCVFD, &fd, &size), 0);
    assert_int_equal(nn_send(client, "ping", 4, 0), 4);
    daemon_serve(&here, fd);
    assert_int_equal(nn_recv(client, &answer, NN_MSG, NN_DONTWAIT), 4);
    assert_memory_equal(answer, "ping", 4);
    nn_freemsg(answer);
}

/* Connections are accepted in order: once a new one is served on each endpoint, all earlier ones
 * were accepted; then wait until all but the client's are closed. */
static void
settle(void)
{
    for (int i = 0; i < URL_COUNT; i++) {
        struct raw raw = raw_connect(here.command[i]);
        raw_greet(raw, SP_REQ);
        daemon_expect_echo(&here, raw, 1);
        close(raw.fd);
    }
    daemon_wait_connections(&here, 1);
}

static void
open_for_client(void)
{
    daemon_open(&here);
    client = nn_socket(AF_SP, NN_REQ);
    assert_true(nn_connect(client, here.command[URL_IPC]) >= 0);
    round_trip();
}

static int
setup(void **state)
{
    here_prepare(state);
    open_for_client();
    return 0;
}

static int
teardown(void **state)
{
    round_trip();
    nn_close(client);
    return here_close(state);
}

static void
subscriber_that_talks(void **state)
{
    (void)state;
    for (int i = 0; i < URL_COUNT; i++) {
        struct raw quiet = raw_connect(here.event[i]);
        struct raw loud = raw_connect(here.event[i]);
        uint8_t header[9];

        raw_greet(quiet, SP_SUB);
        raw_greet(loud, SP_SUB);
        raw_write(loud, header, raw_header(loud, header, 0));
        raw_expect_end(loud);
        assert_int_equal(daemon_stats(&here).connections_cut, i + 1);

        uint8_t frame[16];
        daemon_publish_until(&here, quiet, "topic", "body");
        assert_int_equal(raw_frame(quiet, frame, sizeof(frame)), 10);
        assert_memory_equal(frame, "topic\0body", 10);
        close(quiet.fd);
    }
}

static void
talks_in_the_same_breath(void **state)
{
    const uint8_t all[] = {0, 'S', 'P', 0, 0, SP_SUB, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};

    (void)state;
    for (int i = 0; i < URL_COUNT; i++) {
        struct raw raw = raw_connect(here.event[i]);
        raw_write(raw, all, sizeof(all));
        raw_expect_end(raw);
    }
    assert_int_equal(daemon_stats(&here).connections_cut, URL_COUNT);
}

static void
bad_ipc_type(void **state)
{
    uint8_t frame[13] = {0, 0, 0, 0, 0, 0, 0, 0, 4, 0x80, 0, 0, 1};

    (void)state;
    for (unsigned type = 0; type < 256; type += type == 2 ? 252 : 1) {
        if (type == 1)
            continue;
        struct raw raw = raw_connect(here.command[URL_IPC]);
        raw_greet(raw, SP_REQ);
        frame[0] = (uint8_t)type;
        raw_write(raw, frame, sizeof(frame));
        raw_expect_end(raw);
    }
    assert_int_equal(daemon_stats(&here).connections_cut, 4);
}

static void
giant_lengths(void **state)
{
    const uint64_t sizes[] = {
        1024 * 1024 + 37,        UINT64_C(1) << 32, UINT64_C(1) << 36, UINT64_C(1) << 40,
        (UINT64_C(1) << 63) - 1, UINT64_C(1) << 63, UINT64_MAX - 7,    UINT64_MAX};
    uint64_t cut = 0;

    (void)state;
    for (int i = 0; i < URL_COUNT; i++)
        for (size_t j = 0; j < ARRAY_COUNT(sizes); j++) {
            struct raw raw = raw_connect(here.command[i]);
            uint8_t header[9];

            raw_greet(raw, SP_REQ);
            raw_write(raw, header, raw_header(raw, header, sizes[j]));
            raw_expect_end(raw);
            assert_int_equal(daemon_stats(&here).connections_cut, ++cut);
        }
}

/* Who says nothing goes when many others have come; who has said what he is stays. */
static void
strangers(void **state)
{
    enum { COUNT = 256 };
    struct raw crowd[COUNT];
    uint64_t cut = 0;

    (void)state;
    for (int i = 0; i < URL_COUNT; i++) {
        struct raw known = raw_connect(here.command[i]);
        raw_greet(known, SP_REQ);
        daemon_expect_echo(&here, known, 1);
        int64_t began_ms = raw_clock_ms();
        struct raw stranger = raw_connect(here.command[i]);
        for (int j = 0; j < COUNT; j++) {
            crowd[j] = raw_connect(here.command[i]);
            raw_greet(crowd[j], SP_REQ);
        }
        raw_expect_end(stranger);
        /* A machine so slow that nanomsg's own second was over first says nothing. */
        if (raw_clock_ms() - began_ms < 1000)
            assert_int_equal(daemon_stats(&here).connections_cut, ++cut);
        cut = daemon_stats(&here).connections_cut;
        daemon_expect_echo(&here, known, 2);
        for (int j = 0; j < COUNT; j++)
            close(crowd[j].fd);
        close(known.fd);
        settle();
    }
}

/* Exactly as long as may be is served. */
static void
longest_request(void **state)
{
    size_t size = here.options.message_size_max;
    uint8_t *body = calloc(1, size);
    uint8_t header[9], id[4] = {0x80, 0, 0, 1};
    struct raw raw = raw_connect(here.command[URL_TCP]);
    struct net_request request;
    size_t sent = 0;

    (void)state;
    assert_non_null(body);
    raw_greet(raw, SP_REQ);
    raw_write(raw, header, raw_header(raw, header, 4 + size));
    raw_write(raw, id, 4);
    while (sent < size) {
        ssize_t rc = send(raw.fd, body + sent, size - sent, MSG_NOSIGNAL);
        assert_true(rc > 0);
        sent += (size_t)rc;
    }
    raw_wait(net_command_fd(here.net));
    assert_true(net_receive(here.net, &request));
    assert_int_equal(request.body.size, size);
    net_release(&request);
    free(body);
    close(raw.fd);
}

static void
handshake_garbage(void **state)
{
    const char *garbage[] = {"GET / HTTP/1.0\r\n\r\n", "\0SP\1\0\x30\0\0", "\0SP\0\0\x21\0\0",
                             "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
    const size_t sizes[] = {18, 8, 8, 16};

    (void)state;
    for (int i = 0; i < URL_COUNT; i++)
        for (size_t j = 0; j < ARRAY_COUNT(garbage); j++) {
            struct raw raw = raw_connect(here.command[i]);
            raw_write(raw, garbage[j], sizes[j]);
            raw_expect_end(raw);
        }
    assert_int_equal(daemon_stats(&here).connections_cut, URL_COUNT * ARRAY_COUNT(garbage));
}

/* A request with its handshake, cut after every byte by a close. */
static void
half_frames(void **state)
{
    uint8_t bytes[] = {0, 'S', 'P', 0, 0, SP_REQ, 0, 0, 1, 0,   0,   0,
                       0, 0,   0,   0, 7, 0x80,   0, 0, 1, 'a', 'b', 'c'};

    (void)state;
    for (size_t size = 0; size < sizeof(bytes); size++) {
        struct raw raw = raw_connect(here.command[URL_IPC]);
        raw_write(raw, bytes, size);
        close(raw.fd);
    }
    settle();
    assert_int_equal(daemon_echo(&here), 0);
    assert_int_equal(daemon_stats(&here).connections_cut, 0);
}

/* The beginning of a request that says it has @size bytes. */
static struct raw
begin_request(int url, uint64_t size)
{
    struct raw raw = raw_connect(here.command[url]);
    uint8_t bytes[9 + 4];

    raw_greet(raw, SP_REQ);
    size_t head = raw_header(raw, bytes, size);
    put_be32(bytes + head, 0x80000001);
    raw_write(raw, bytes, head + 4);
    return raw;
}

/* Tick by tick until @raw is ended. */
static void
tick_until_end(struct raw raw)
{
    struct pollfd poll_fd = {.fd = raw.fd, .events = POLLIN};
    msec_t now_ms = 1000;

    for (int64_t end = raw_clock_ms() + WAIT_MS; poll(&poll_fd, 1, 1) == 0; now_ms += 1000) {
        assert_true(raw_clock_ms() < end);
        net_tick(here.net, now_ms);
    }
    raw_expect_end(raw);
}

/* Who begins a request and leaves it so is cut off; who is silent is not. */
static void
half_frames_for_ever(void **state)
{
    (void)state;
    for (int i = 0; i < URL_COUNT; i++) {
        struct raw silent = raw_connect(here.command[i]);
        raw_greet(silent, SP_REQ);
        daemon_expect_echo(&here, silent, 1);
        tick_until_end(begin_request(i, 100));
        assert_int_equal(daemon_stats(&here).connections_cut, i + 1);
        daemon_expect_echo(&here, silent, 2);
        close(silent.fd);
    }
}

static int
setup_hasty(void **state)
{
    here_prepare(state);
    here.options.half_ms_max = 1;
    open_for_client();
    return 0;
}

/* Of more than may be held at once the eldest go, one for each that comes; the others may end what
 * they began. */
static void
many_half_frames(void **state)
{
    enum { COUNT = 100, HELD = 64 };
    const uint64_t size = 1024 * 1024;
    struct raw half[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++)
        half[i] = begin_request(i % URL_COUNT, size);
    for (int i = 0; i < COUNT - HELD; i++)
        raw_expect_end(half[i]);
    daemon_wait_connections(&here, HELD + 1);
    assert_int_equal(daemon_stats(&here).connections_cut, COUNT - HELD);
    for (int i = COUNT - HELD; i < COUNT; i++)
        close(half[i].fd);
    settle();
}

/* Frames without an id, or with more hops than nanomsg allows, are eaten; the next is served. */
static void
bodies_without_id(void **state)
{
    (void)state;
    for (int i = 0; i < URL_COUNT; i++) {
        struct raw raw = raw_connect(here.command[i]);
        uint8_t bytes[9 + 64];

        raw_greet(raw, SP_REQ);
        for (size_t size = 0; size <= 64; size++) {
            memset(bytes, 0, sizeof(bytes));
            size_t head = raw_header(raw, bytes, size);
            raw_write(raw, bytes, head + size);
        }
        daemon_expect_echo(&here, raw, 7);
        close(raw.fd);
    }
}

/* The longest way back that nanomsg accepts comes back word for word. */
static void
many_hops(void **state)
{
    struct raw raw = raw_connect(here.command[URL_IPC]);
    uint8_t bytes[9 + 4 * 8 + 3], frame[64];
    size_t head = raw_header(raw, bytes, 4 * 8 + 3);

    (void)state;
    for (uint32_t i = 0; i < 8; i++)
        put_be32(bytes + head + 4 * i, i == 7 ? 0x80000007 : 0x01020300 + i);
    memcpy(bytes + head + 32, "abc", 3);
    raw_greet(raw, SP_REQ);
    raw_write(raw, bytes, head + 35);
    daemon_serve(&here, raw.fd);
    assert_int_equal(raw_frame(raw, frame, sizeof(frame)), 35);
    assert_memory_equal(frame, bytes + head, 35);
    close(raw.fd);
}

/* Two peers' requests, answered in the other order: each gets its own. */
static void
replies_find_their_peer(void **state)
{
    struct raw one = raw_connect(here.command[URL_IPC]);
    struct raw two = raw_connect(here.command[URL_TCP]);
    struct net_request requests[2];
    uint8_t frame[64];

    (void)state;
    raw_greet(one, SP_REQ);
    raw_greet(two, SP_REQ);
    raw_request(one, 1, "one", 3);
    raw_request(two, 1, "two", 3); /* the same id: only the peer tells them apart */
    for (int i = 0; i < 2; i++)
        while (!net_receive(here.net, &requests[i]))
            raw_wait(net_command_fd(here.net));
    for (int i = 1; i >= 0; i--) {
        net_reply(here.net, &requests[i].route, requests[i].body);
        net_release(&requests[i]);
    }
    assert_int_equal(raw_frame(one, frame, sizeof(frame)), 7);
    assert_memory_equal(frame + 4, "one", 3);
    assert_int_equal(raw_frame(two, frame, sizeof(frame)), 7);
    assert_memory_equal(frame + 4, "two", 3);
    close(one.fd);
    close(two.fd);
}

static void
passed_descriptors(void **state)
{
    enum { FDS = 50 };
    struct raw raw = raw_connect(here.command[URL_IPC]);
    uint8_t bytes[9 + 9] = {0}, frame[64];
    size_t size = raw_header(raw, bytes, 9) + 9;
    char control[CMSG_SPACE(FDS * sizeof(int))];
    struct iovec part = {bytes, size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);

    (void)state;
    raw_greet(raw, SP_REQ);
    put_be32(bytes + 9, 0x80000001);
    *head = (struct cmsghdr){CMSG_LEN(FDS * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    for (int i = 0; i < FDS; i++) {
        int fd = STDERR_FILENO;
        memcpy(CMSG_DATA(head) + i * sizeof(int), &fd, sizeof(int));
    }
    unsigned before = fds_open();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sendmsg(raw.fd, &message, 0), size);
        daemon_serve(&here, raw.fd);
        assert_int_equal(raw_frame(raw, frame, sizeof(frame)), 9);
    }
    assert_int_equal(fds_open(), before);
    close(raw.fd);
}

/* Without a free descriptor nobody comes in, but many may wait; those who are in are served, and
 * so are all others later. */
static void
no_descriptors_left(void **state)
{
    enum { WAITING = 100 };
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = here.command[URL_IPC] + 6;
    struct raw raw = raw_connect(here.command[URL_TCP]);
    struct raw waiting[WAITING];
    struct rlimit limit, low;

    (void)state;
    memcpy(address.sun_path, path, strlen(path) + 1);
    raw_greet(raw, SP_REQ);
    for (int i = 0; i < WAITING; i++)
        waiting[i] = (struct raw){socket(AF_UNIX, SOCK_STREAM, 0), true};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)waiting[WAITING - 1].fd; /* all below are taken, they are the lowest */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(dup(raw.fd), -1);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(fcntl(waiting[i].fd, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(connect(waiting[i].fd, (struct sockaddr *)&address, sizeof(address)), 0);
    }
    for (uint32_t id = 1; id <= 100; id++)
        daemon_expect_echo(&here, raw, id);
    assert_int_equal(daemon_stats(&here).connections, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

    for (int i = 0; i < WAITING; i++) {
        raw_greet(waiting[i], SP_REQ);
        daemon_expect_echo(&here, waiting[i], 1);
        close(waiting[i].fd);
    }
    close(raw.fd);
}

/* Connect and reset at once, many times: accept() finds connections that are no more. */
static void
resets(void **state)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct raw raw = raw_connect(here.command[i % 2 ? URL_TCP : URL_TCP6]);
        setsockopt(raw.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        close(raw.fd);
    }
    settle();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(subscriber_that_talks),
        TEST(talks_in_the_same_breath),
        TEST(bad_ipc_type),
        TEST(giant_lengths),
        TEST(strangers),
        TEST(longest_request),
        TEST(handshake_garbage),
        TEST(half_frames),
        cmocka_unit_test_setup_teardown(half_frames_for_ever, setup_hasty, teardown),
        TEST(many_half_frames),
        TEST(bodies_without_id),
        TEST(many_hops),
        TEST(replies_find_their_peer),
        TEST(passed_descriptors),
        TEST(no_descriptors_left),
        TEST(resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
