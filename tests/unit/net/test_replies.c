/* Replies to peers that read slowly, not at all, or never again. */
#include "raw.h"

#define BODY_SIZE 80

/* Send @count requests without reading one answer; returns when the daemon has replied to all. */
static void
ask_without_reading(struct raw raw, uint32_t count)
{
    const size_t head = raw.ipc ? 9 : 8, size = head + 4 + BODY_SIZE;
    uint8_t *bytes = calloc(count, size);
    uint64_t before = daemon_stats(&here).received;
    size_t sent = 0;

    assert_non_null(bytes);
    for (uint32_t id = 0; id < count; id++) {
        raw_header(raw, bytes + id * size, 4 + BODY_SIZE);
        put_be32(bytes + id * size + head, id | 0x80000000);
    }
    while (daemon_stats(&here).received - before < count) {
        struct pollfd fds[] = {
            {.fd = net_command_fd(here.net), .events = POLLIN},
            {.fd = raw.fd, .events = POLLOUT},
        };
        assert_true(poll(fds, sent < count * size ? 2 : 1, WAIT_MS) > 0);
        if (fds[1].revents && sent < count * size) {
            ssize_t rc =
                send(raw.fd, bytes + sent, count * size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            assert_true(rc > 0 || errno == EAGAIN);
            sent += rc > 0 ? (size_t)rc : 0;
        }
        daemon_echo(&here);
    }
    free(bytes);
}

static uint32_t
read_reply(struct raw raw)
{
    uint8_t frame[4 + BODY_SIZE];

    daemon_serve(&here, raw.fd);
    assert_int_equal(raw_frame(raw, frame, sizeof(frame)), sizeof(frame));
    return get_be32(frame) & 0x7fffffff;
}

static void
none_is_lost(void **state)
{
    enum { COUNT = 60000 };

    (void)state;
    daemon_open(&here);
    for (int url = 0; url < URL_COUNT; url++) {
        struct raw raw = raw_connect(here.command[url]);
        raw_greet(raw, SP_REQ);
        ask_without_reading(raw, COUNT);
        assert_true(daemon_stats(&here).replies_kept > COUNT / 4); /* it was a real test */
        for (uint32_t id = 0; id < COUNT; id++)
            assert_int_equal(read_reply(raw), id);
        close(raw.fd);
    }
    struct net_stats stats = daemon_stats(&here);
    assert_int_equal(stats.replies_kept, 0);
    assert_int_equal(stats.replies_dropped, 0);
    assert_int_equal(stats.replied, URL_COUNT * COUNT);
    assert_true(stats.replies_delayed > URL_COUNT * COUNT / 4);
}

/* Some go through nanomsg and some do not, and some have come through devices: each is framed as it
 * must be, and they leave in order. */
static void
all_sizes_and_ways(void **state)
{
    static const size_t sizes[] = {0,     1,     2,     80,     16360, 16366, 16367, 16368, 16384,
                                   16385, 40000, 65535, 100000, 3,     90000, 90000, 5,     16000};
    static uint8_t sent[100012], frame[100012];
    (void)state;
    daemon_open(&here);
    for (int url = 0; url < URL_COUNT; url++) {
        struct raw raw = raw_connect(here.command[url]);
        raw_greet(raw, SP_REQ);
        for (unsigned round = 0; round < 3; round++) {
            unsigned hops = round % 2;
            for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
                uint8_t head[9];
                size_t route = 4 * (1 + (size_t)hops);
                memset(sent, (int)(i + round), sizeof(sent));
                put_be32(sent, hops ? 7 + i : i | 0x80000000);
                put_be32(sent + route - 4, i | 0x80000000);
                raw_write(raw, head, raw_header(raw, head, route + sizes[i]));
                raw_write(raw, sent, route + sizes[i]);
                while (daemon_echo(&here) == 0)
                    raw_wait(net_command_fd(here.net));
            }
            for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
                size_t route = 4 * (1 + (size_t)hops);
                memset(sent, (int)(i + round), sizeof(sent));
                put_be32(sent, hops ? 7 + i : i | 0x80000000);
                put_be32(sent + route - 4, i | 0x80000000);
                daemon_serve(&here, raw.fd);
                assert_int_equal(raw_frame(raw, frame, sizeof(frame)), route + sizes[i]);
                assert_memory_equal(frame, sent, route + sizes[i]);
            }
        }
        close(raw.fd);
    }
    assert_int_equal(daemon_stats(&here).replies_dropped, 0);
}

/* Who reads is served at once while another does not. */
static void
slow_peer_costs_only_itself(void **state)
{
    (void)state;
    daemon_open(&here);
    struct raw slow = raw_connect(here.command[URL_IPC]);
    struct raw good = raw_connect(here.command[URL_IPC]);
    raw_greet(slow, SP_REQ);
    raw_greet(good, SP_REQ);
    ask_without_reading(slow, 60000);
    uint64_t kept = daemon_stats(&here).replies_kept;
    assert_true(kept > 0);
    for (uint32_t id = 0; id < 100; id++)
        daemon_expect_echo(&here, good, id);
    assert_int_equal(daemon_stats(&here).replies_kept, kept);
    close(slow.fd);
    close(good.fd);
}

static void
kept_bytes_are_bounded(void **state)
{
    enum { COUNT = 30000 };

    (void)state;
    here.options.kept_size_max = 100000;
    daemon_open(&here);
    struct raw raw = raw_connect(here.command[URL_IPC]);
    raw_greet(raw, SP_REQ);
    ask_without_reading(raw, COUNT);
    struct net_stats stats = daemon_stats(&here);
    assert_in_range(stats.replies_kept, 1, 100000 / BODY_SIZE);
    assert_true(stats.replies_dropped > 0);

    /* What is left arrives in order, up to the last one kept. */
    uint32_t last = 0;
    uint64_t count = COUNT - stats.replies_dropped;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t id = read_reply(raw);
        assert_true(i == 0 || id > last);
        last = id;
    }
    assert_int_equal(daemon_stats(&here).replies_kept, 0);
    daemon_expect_echo(&here, raw, 1);
    close(raw.fd);
}

static void
kept_time_is_bounded(void **state)
{
    (void)state;
    daemon_open(&here);
    struct raw raw = raw_connect(here.command[URL_TCP]);
    raw_greet(raw, SP_REQ);
    ask_without_reading(raw, 60000); /* ticks at 1 ms all the while */
    unsigned kept = (unsigned)daemon_stats(&here).replies_kept;
    assert_true(kept > 0);
    assert_int_equal(net_tick(here.net, 1 + here.options.kept_ms_max - 1), kept);
    assert_int_equal(net_tick(here.net, 1 + here.options.kept_ms_max), 0);
    assert_int_equal(daemon_stats(&here).replies_dropped, kept);
    close(raw.fd);
}

/* Replies to a peer that is gone are dropped, those kept for it too, and are not counted as lost:
 * nobody waits for them. */
static void
gone_peer_is_forgotten(void **state)
{
    struct net_request request;

    (void)state;
    daemon_open(&here);
    struct raw raw = raw_connect(here.command[URL_IPC]);
    raw_greet(raw, SP_REQ);
    ask_without_reading(raw, 60000);
    assert_true(daemon_stats(&here).replies_kept > 0);
    raw_request(raw, 1, "late", 4);
    while (!net_receive(here.net, &request))
        raw_wait(net_command_fd(here.net));
    close(raw.fd);
    daemon_wait_connections(&here, 0);

    net_reply(here.net, &request.route, request.body);
    assert_int_equal(net_tick(here.net, 1), 0);
    net_reply(here.net, &request.route, request.body);
    net_release(&request);
    assert_int_equal(net_tick(here.net, 1), 0);
    assert_int_equal(daemon_stats(&here).replies_dropped, 0);

    /* Its descriptor's next owner starts afresh. */
    raw = raw_connect(here.command[URL_IPC]);
    raw_greet(raw, SP_REQ);
    daemon_expect_echo(&here, raw, 1);
    close(raw.fd);
}

/* A peer that went without ever being answered, and a route that never was one. */
static void
unknown_peers(void **state)
{
    struct net_request request;

    (void)state;
    daemon_open(&here);
    struct raw raw = raw_connect(here.command[URL_TCP]);
    raw_greet(raw, SP_REQ);
    raw_request(raw, 1, "ask", 3);
    while (!net_receive(here.net, &request))
        raw_wait(net_command_fd(here.net));
    close(raw.fd);
    daemon_wait_connections(&here, 0);
    net_reply(here.net, &request.route, request.body);
    request.route.bytes[0] ^= 0x55;
    net_reply(here.net, &request.route, request.body);
    net_release(&request);
    assert_int_equal(daemon_stats(&here).replies_kept, 0);
}

/* A close with replies kept for a peer that never reads ends all the same. */
static void
close_does_not_wait_for_ever(void **state)
{
    (void)state;
    daemon_open(&here);
    struct raw raw = raw_connect(here.command[URL_TCP6]);
    raw_greet(raw, SP_REQ);
    ask_without_reading(raw, 60000);
    assert_true(daemon_stats(&here).replies_kept > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, here_prepare, here_close)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(none_is_lost),
        TEST(all_sizes_and_ways),
        TEST(slow_peer_costs_only_itself),
        TEST(kept_bytes_are_bounded),
        TEST(kept_time_is_bounded),
        TEST(gone_peer_is_forgotten),
        TEST(unknown_peers),
        TEST(close_does_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
