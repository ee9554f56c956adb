/* The client against a peer made by hand: SP over a unix socket, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/types.h"
#include "kith.h"

#define HANDSHAKE_SIZE   8
#define FRAME_HEAD_SIZE  9 /* a one, then the size in eight bytes */
#define NUMBER_SIZE      4
#define REQUEST_SIZE_MAX 1024

/* nanomsg reads ahead by this much. */
#define READ_AHEAD_SIZE 2048

struct peer {
    char dir[64], url[128];
    struct sockaddr_un address;
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int step; /* connections made, and ended by the peer */
};

static void
wait_for_step(struct peer *peer, int step)
{
    pthread_mutex_lock(&peer->lock);
    while (peer->step < step)
        pthread_cond_wait(&peer->changed, &peer->lock);
    pthread_mutex_unlock(&peer->lock);
}

static void
make_step(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    peer->step++;
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->lock);
}

static bool
read_all(int fd, void *to, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(fd, (uint8_t *)to + done, size - done);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static bool
write_all(int fd, const void *from, size_t size)
{
    return send(fd, from, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool
shake_hands(int fd)
{
    static const uint8_t as_rep[HANDSHAKE_SIZE] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
    static const uint8_t as_req[HANDSHAKE_SIZE] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    uint8_t got[HANDSHAKE_SIZE];
    return write_all(fd, as_rep, sizeof(as_rep)) && read_all(fd, got, sizeof(got)) &&
           memcmp(got, as_req, sizeof(got)) == 0;
}

/* The next connection, with hands shaken; -1 when the listener is closed. */
static int
accept_peer(struct peer *peer)
{
    for (int fd; (fd = accept(peer->listener, NULL, NULL)) >= 0; close(fd)) {
        make_step(peer);
        if (shake_hands(fd))
            return fd;
    }
    return -1;
}

/* Read one request and return its number; 0 at the end of the connection. */
static uint32_t
read_request(int fd)
{
    uint8_t head[FRAME_HEAD_SIZE], body[REQUEST_SIZE_MAX];
    if (!read_all(fd, head, sizeof(head)))
        return 0;
    uint64_t size = get_be64(head + 1);
    assert_int_equal(head[0], 1);
    assert_in_range(size, NUMBER_SIZE, sizeof(body));
    if (!read_all(fd, body, size))
        return 0;
    assert_true(get_be32(body) & 0x80000000u);
    return get_be32(body);
}

/* Append a frame: the number, and an answer that is padded to @size bytes. */
static size_t
put_reply(uint8_t *to, uint32_t number, size_t size)
{
    static const uint8_t start[] = "\x83\xa1v\x01\xa2ok\xc3\xa6result\xc5";
    size_t body_size = sizeof(start) - 1 + 2 + size;
    to[0] = 1;
    put_be64(to + 1, NUMBER_SIZE + body_size);
    put_be32(to + FRAME_HEAD_SIZE, number);
    uint8_t *at = to + FRAME_HEAD_SIZE + NUMBER_SIZE;
    memcpy(at, start, sizeof(start) - 1);
    put_be16(at + sizeof(start) - 1, (uint16_t)size);
    memset(at + sizeof(start) + 1, 'x', size);
    return FRAME_HEAD_SIZE + NUMBER_SIZE + body_size;
}

static void
answer_until_end(int fd)
{
    uint8_t frame[256];
    uint32_t number;
    while ((number = read_request(fd)) != 0)
        if (!write_all(fd, frame, put_reply(frame, number, 1)))
            return;
}

static void
open_peer(struct peer *peer, void *(*run)(void *))
{
    snprintf(peer->dir, sizeof(peer->dir), "/tmp/kith-client-XXXXXX");
    assert_non_null(mkdtemp(peer->dir));
    pthread_mutex_init(&peer->lock, NULL);
    pthread_cond_init(&peer->changed, NULL);
    peer->address.sun_family = AF_UNIX;
    snprintf(peer->address.sun_path, sizeof(peer->address.sun_path), "%s/s", peer->dir);
    snprintf(peer->url, sizeof(peer->url), "ipc://%s/s", peer->dir);
    peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(peer->listener >= 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&peer->address, sizeof(peer->address)),
                     0);
    assert_int_equal(listen(peer->listener, 10), 0);
    assert_int_equal(pthread_create(&peer->thread, NULL, run, peer), 0);
}

static void
close_peer(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    unlink(peer->address.sun_path);
    rmdir(peer->dir);
    pthread_cond_destroy(&peer->changed);
    pthread_mutex_destroy(&peer->lock);
}

static void
call_once(struct kith *kith)
{
    struct kith_reply *reply;
    assert_int_equal(kith_call(kith, "x", NULL, NULL, &reply), KITH_STATUS_OK);
    assert_string_equal(kith_value_str(kith_reply_result(reply)), "x");
    kith_reply_destroy(reply);
}

/* On the first connection two requests, after one more, are answered in one write, and the
 * connection closed: the second answer is read ahead by who has not taken the first. */
static void *
break_after_answers(void *context)
{
    struct peer *peer = context;
    uint8_t frames[READ_AHEAD_SIZE];
    int fd = accept_peer(peer);
    write_all(fd, frames, put_reply(frames, read_request(fd), 1));
    uint32_t first = read_request(fd), second = read_request(fd);
    size_t size = put_reply(frames, first, 1);
    size += put_reply(frames + size, second, READ_AHEAD_SIZE - 200);
    assert_in_range(size, 0, READ_AHEAD_SIZE);
    write_all(fd, frames, size);
    close(fd);
    make_step(peer);

    for (; (fd = accept_peer(peer)) >= 0; close(fd))
        answer_until_end(fd);
    return NULL;
}

/* What was read of a broken connection must not be taken for the start of the next one. */
static void
test_read_ahead_of_broken_connection(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct kith *kith;
    open_peer(&peer, break_after_answers);
    const struct kith_options options = {
        .url = peer.url, .timeout_ms = -1, .resend_ms = 1000 * 1000 * 1000};
    assert_int_equal(kith_open(&kith, &options), KITH_STATUS_OK);
    call_once(kith); /* so that the connection stands */
    assert_int_equal(kith_send(kith, "x", NULL, NULL, 1), KITH_STATUS_OK);
    assert_int_equal(kith_send(kith, "x", NULL, NULL, 2), KITH_STATUS_OK);
    wait_for_step(&peer, 2);
    assert_int_equal(kith_send(kith, "x", NULL, NULL, 3), KITH_STATUS_OK); /* and finds it broken */
    wait_for_step(&peer, 3);
    for (int i = 0; i < 3; i++) {
        struct kith_reply *reply;
        uint64_t tag;
        bool expired;
        assert_int_equal(kith_next(kith, -1, &reply, &tag, &expired), KITH_STATUS_OK);
        kith_reply_destroy(reply);
    }
    kith_close(kith);
    close_peer(&peer);
}

/* Before each answer come frames that are none: without a number, to a number that nobody has, to
 * one without the mark of a request, and twice the same. */
static void *
answer_amid_noise(void *context)
{
    static const uint8_t noise[] = {
        1, 0, 0, 0, 0, 0, 0, 0, 0,                               /* empty */
        1, 0, 0, 0, 0, 0, 0, 0, 2, 0x80, 0,                      /* half a number */
        1, 0, 0, 0, 0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff,       /* nobody's */
        1, 0, 0, 0, 0, 0, 0, 0, 5, 0x00, 0x00, 0x00, 0x01, 0x80, /* not marked */
    };
    struct peer *peer = context;
    for (int fd; (fd = accept_peer(peer)) >= 0; close(fd)) {
        uint8_t frame[256];
        for (uint32_t number; (number = read_request(fd)) != 0;) {
            size_t size = put_reply(frame, number, 1);
            write_all(fd, noise, sizeof(noise));
            write_all(fd, frame, size);
            write_all(fd, frame, size);
        }
    }
    return NULL;
}

static void
test_noise(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct kith *kith;
    open_peer(&peer, answer_amid_noise);
    const struct kith_options options = {.url = peer.url, .timeout_ms = -1};
    assert_int_equal(kith_open(&kith, &options), KITH_STATUS_OK);
    for (int i = 0; i < 200; i++)
        call_once(kith);
    kith_close(kith);
    close_peer(&peer);
    assert_int_equal(peer.step, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_ahead_of_broken_connection),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
