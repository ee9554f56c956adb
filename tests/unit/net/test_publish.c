/* Frames of a turn leave together: whole, in order, and none missing for who reads. */
#include "raw.h"

#define ROUND_COUNT 300
#define FRAME_COUNT 50
#define BODY_SIZE   1000
#define TOPIC       "t"

static struct raw
subscribe(int url)
{
    struct raw raw = raw_connect(here.event[url]);
    raw_greet(raw, SP_SUB);
    daemon_publish_until(&here, raw, "~beat", "");
    return raw;
}

static void
publish_round(uint32_t *seq)
{
    uint8_t body[BODY_SIZE] = {0};
    net_gather_begin(here.net);
    for (unsigned i = 0; i < FRAME_COUNT; i++) {
        put_be32(body, ++*seq);
        net_publish(here.net, TOPIC, slice_of(body, sizeof(body)));
    }
    net_gather_end(here.net);
}

/* The number of the next frame that is no beat; 0 of the last one. */
static uint32_t
next_seq(struct raw raw)
{
    uint8_t frame[2048];
    size_t size;
    do
        size = raw_frame(raw, frame, sizeof(frame));
    while (memcmp(frame, "~beat", 6) == 0);
    if (memcmp(frame, "~end", 5) == 0)
        return 0;
    assert_int_equal(size, sizeof(TOPIC) + BODY_SIZE);
    assert_memory_equal(frame, TOPIC, sizeof(TOPIC));
    return get_be32(frame + sizeof(TOPIC));
}

/* Who does not read misses some; what he has is whole and in order, and the others have all. */
static void
slow_subscriber_costs_only_itself(void **state)
{
    (void)state;
    daemon_open(&here);
    for (int url = 0; url < URL_COUNT; url++) {
        struct raw quick = subscribe(url), slow = subscribe(url);
        uint32_t sent = 0, seen = 0, last = 0, seq;
        for (unsigned round = 0; round < ROUND_COUNT; round++) {
            publish_round(&sent);
            while (seen < sent)
                assert_int_equal(next_seq(quick), ++seen);
            net_tick(here.net, (msec_t)round);
        }
        struct pollfd readable = {.fd = slow.fd, .events = POLLIN};
        bool is_over = false;
        while (!is_over) {
            net_tick(here.net, ROUND_COUNT);
            net_publish(here.net, "~end", (struct slice){0});
            while (!is_over && poll(&readable, 1, 10) > 0) {
                seq = next_seq(slow);
                is_over = seq == 0;
                assert_true(is_over || seq > last);
                last = seq;
            }
        }
        close(quick.fd);
        close(slow.fd);
        daemon_wait_connections(&here, 0);
    }
}

/* Whoever goes in the middle of it takes nothing along. */
static void
subscriber_that_goes_is_forgotten(void **state)
{
    uint32_t sent = 0;
    (void)state;
    daemon_open(&here);
    for (unsigned i = 0; i < 20; i++) {
        struct raw stays = subscribe(URL_IPC), goes = subscribe(URL_IPC);
        uint32_t first = sent;
        publish_round(&sent);
        shutdown(goes.fd, SHUT_RDWR);
        close(goes.fd);
        publish_round(&sent);
        while (first < sent)
            assert_int_equal(next_seq(stays), ++first);
        close(stays.fd);
    }
    daemon_wait_connections(&here, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, here_prepare, here_close)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(slow_subscriber_costs_only_itself),
        TEST(subscriber_that_goes_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
