/* The rules of a stream, whole and cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/frames.h"

#define SIZE_MAX_HERE 1000

#define REQ_HELLO  0, 'S', 'P', 0, 0, SP_REQ, 0, 0
#define SUB_HELLO  0, 'S', 'P', 0, 0, SP_SUB, 0, 0
#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static const struct {
    const char *name;
    enum frames_transport transport;
    uint16_t peer;
    bool good;
    const uint8_t *bytes;
    size_t size;
} streams[] = {
    {"handshake", FRAMES_TCP, SP_REQ, true, BYTES(REQ_HELLO)},
    {"half a handshake", FRAMES_TCP, SP_REQ, true, BYTES(0, 'S')},
    {"reserved bytes are free", FRAMES_IPC, SP_REQ, true, BYTES(0, 'S', 'P', 0, 0, SP_REQ, 7, 7)},
    {"not SP", FRAMES_TCP, SP_REQ, false, BYTES('G', 'E', 'T', ' ', '/', ' ', 'H', 'T')},
    {"another SP", FRAMES_TCP, SP_REQ, false, BYTES(0, 'S', 'P', 1, 0, SP_REQ, 0, 0)},
    {"SUB to REP", FRAMES_TCP, SP_REQ, false, BYTES(SUB_HELLO)},
    {"REQ to PUB", FRAMES_TCP, SP_SUB, false, BYTES(REQ_HELLO)},
    {"PUB to PUB", FRAMES_TCP, SP_SUB, false, BYTES(0, 'S', 'P', 0, 0, SP_PUB, 0, 0)},

    {"tcp frames", FRAMES_TCP, SP_REQ, true,
     BYTES(REQ_HELLO, 0, 0, 0, 0, 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 1, 'd')},
    {"ipc frames", FRAMES_IPC, SP_REQ, true,
     BYTES(REQ_HELLO, 1, 0, 0, 0, 0, 0, 0, 0, 3, 'a', 'b', 'c', 1, 0, 0, 0, 0, 0, 0, 0, 1, 'd')},
    {"empty frames", FRAMES_IPC, SP_REQ, true,
     BYTES(REQ_HELLO, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)},
    {"ipc type 0", FRAMES_IPC, SP_REQ, false, BYTES(REQ_HELLO, 0, 0, 0, 0, 0, 0, 0, 0, 0)},
    {"ipc type 2", FRAMES_IPC, SP_REQ, false, BYTES(REQ_HELLO, 2, 0, 0, 0, 0, 0, 0, 0, 0)},
    {"second ipc type", FRAMES_IPC, SP_REQ, false,
     BYTES(REQ_HELLO, 1, 0, 0, 0, 0, 0, 0, 0, 1, 'a', 'b', 0, 0, 0, 0, 0, 0, 0, 0)},
    {"as long as may be", FRAMES_TCP, SP_REQ, true, BYTES(REQ_HELLO, 0, 0, 0, 0, 0, 0, 3, 0xe8)},
    {"one too long", FRAMES_TCP, SP_REQ, false, BYTES(REQ_HELLO, 0, 0, 0, 0, 0, 0, 3, 0xe9)},
    {"all ones", FRAMES_IPC, SP_REQ, false,
     BYTES(REQ_HELLO, 1, 255, 255, 255, 255, 255, 255, 255, 255)},

    {"silent subscriber", FRAMES_IPC, SP_SUB, true, BYTES(SUB_HELLO)},
    {"talking subscriber", FRAMES_IPC, SP_SUB, false, BYTES(SUB_HELLO, 1)},
    {"subscriber with a frame", FRAMES_TCP, SP_SUB, false,
     BYTES(SUB_HELLO, 0, 0, 0, 0, 0, 0, 0, 1, 'a')},
};

static void
streams_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(streams); i++)
        for (size_t cut = 0; cut <= streams[i].size; cut++) {
            struct frames frames;
            frames_init(&frames, streams[i].transport, streams[i].peer, SIZE_MAX_HERE);
            bool good = frames_check(&frames, streams[i].bytes, cut) &&
                        frames_check(&frames, streams[i].bytes + cut, streams[i].size - cut);
            if (good != streams[i].good)
                fail_msg("%s, cut at %zu", streams[i].name, cut);
        }
}

/* A long body is followed to its end, and the next header is looked for exactly there. */
static void
bodies_are_skipped_exactly(void **state)
{
    const uint8_t head[] = {REQ_HELLO, 1, 0, 0, 0, 0, 0, 0, 0x03, 0xe8};
    const uint8_t bad[] = {9, 0, 0, 0, 0, 0, 0, 0, 0};
    uint8_t body[SIZE_MAX_HERE];
    struct frames frames;

    (void)state;
    memset(body, 0xff, sizeof(body));
    frames_init(&frames, FRAMES_IPC, SP_REQ, SIZE_MAX_HERE);
    assert_true(frames_check(&frames, head, sizeof(head)));
    for (size_t i = 0; i < sizeof(body); i += 8)
        assert_true(frames_check(&frames, body + i, 8));
    assert_int_equal(frames.body_left, 0);
    assert_true(frames_check(&frames, bad, 8));
    assert_false(frames_check(&frames, bad + 8, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_judged),
        cmocka_unit_test(bodies_are_skipped_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
