/* The client against a daemon that is none: whatever comes first over a connection, the client
 * survives it, and is served over the next.
 *
 * Not here: over ipc, a frame whose first byte is no one, and passed descriptors. nanomsg aborts on
 * the one and leaks the other, and a library cannot stand between it and the kernel as kithd does.
 * Who may bind the socket's path, or its port, is trusted that far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/types.h"
#include "kith.h"

#define REP_HELLO "\0SP\0\0\x31\0\0"
#define WAIT_MS   10 /* for one, before the next is looked after */
#define BYTES(b)  b, sizeof(b) - 1

/* What a connection says, as over tcp; over ipc a one goes before each frame. */
static const struct attack {
    const char *name;
    const char *hello;
    size_t hello_size;
    const char *frame; /* size and payload */
    size_t frame_size;
    bool is_answer; /* after a request came, with its number as payload before @frame */
    bool stays;     /* open until the client closes it; else it is closed at once */
} attacks[] = {
    {"closes at once"},
    {"says nothing", .stays = true},
    {"half a handshake", BYTES("\0SP")},
    {"another protocol", BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), .stays = true},
    {"another version", BYTES("\0SP\1\0\x31\0\0"), .stays = true},
    {"a publisher", BYTES("\0SP\0\0\x20\0\0"), .stays = true},
    {"zeros", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), .stays = true},
    {"one byte too long for any reply", BYTES(REP_HELLO), BYTES("\0\0\0\0\0\x10\1\1"),
     .stays = true},
    {"4 GiB", BYTES(REP_HELLO), BYTES("\0\0\0\1\0\0\0\0"), .stays = true},
    {"1 TiB", BYTES(REP_HELLO), BYTES("\0\0\1\0\0\0\0\0"), .stays = true},
    {"2^63", BYTES(REP_HELLO), BYTES("\x80\0\0\0\0\0\0\0"), .stays = true},
    {"2^64 - 8", BYTES(REP_HELLO), BYTES("\xff\xff\xff\xff\xff\xff\xff\xf8"), .stays = true},
    {"2^64 - 1", BYTES(REP_HELLO), BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), .stays = true},
    {"half a length", BYTES(REP_HELLO), BYTES("\0\0\0\0")},
    {"half a frame", BYTES(REP_HELLO), BYTES("\0\0\0\0\0\0\0\x20\x80\0\0\1half")},
    {"an empty frame", BYTES(REP_HELLO), BYTES("\0\0\0\0\0\0\0\0")},
    {"no number", BYTES(REP_HELLO), BYTES("\0\0\0\0\0\0\0\5\0\0\0\1x")},
    {"nobody's number", BYTES(REP_HELLO), BYTES("\0\0\0\0\0\0\0\5\xff\xff\xff\xffx")},
};

/* As the answer to the right number: no connection is ended for it, the call says what came. */
static const struct {
    const char *body;
    size_t size;
} answers[] = {
    {BYTES("")},
    {BYTES("\xc1")},
    {BYTES("\xc0")},
    {BYTES("\x80")},
    {BYTES("\xdd\xff\xff\xff\xff")},
    {BYTES("\xdf\xff\xff\xff\xff")},
    {BYTES("\xc6\xff\xff\xff\xff")},
    {BYTES("\x81\xa1v\x01")},
    {BYTES("\x82\xa1v\x01\xa2ok\xc2")},
    {BYTES("\x83\xa1v\x01\xa2ok\xc3\xa6result\xdc\xff\xff")},
    {BYTES("\x83\xa1v\x02\xa2ok\xc3\xa6result\x80")},
    {BYTES("\x83\xa1v\x01\xa2ok\xc3\xa6result\x80\x80")},
    {BYTES(
        "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
        "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0")},
};

static const uint8_t good_answer[] = "\x83\xa1v\x01\xa2ok\xc3\xa6result\xa1x";

struct server {
    bool ipc;
    char dir[32], url[96];
    int listener;
    const struct attack *attack; /* of the first connection; then NULL */
    struct slice body;           /* of all answers */
    pthread_t thread;
};

static bool
send_all(int fd, const void *bytes, size_t size)
{
    return size == 0 || send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool
read_all(int fd, void *to, size_t size)
{
    return recv(fd, to, size, MSG_WAITALL) == (ssize_t)size;
}

static void
play(const struct server *server, int fd)
{
    const struct attack *attack = server->attack;
    uint8_t bytes[256];

    if (!send_all(fd, attack->hello, attack->hello_size))
        return;
    if (attack->frame && server->ipc && !send_all(fd, "\1", 1))
        return;
    if (!send_all(fd, attack->frame, attack->frame_size) || !attack->stays)
        return;
    while (recv(fd, bytes, sizeof(bytes), 0) > 0)
        ;
}

/* Greet, and answer every request with the body. */
static void
serve(const struct server *server, int fd)
{
    uint8_t hello[8], head[9], number[4], body[1024], reply[9 + 4];
    size_t head_size = server->ipc ? 9 : 8;

    if (!send_all(fd, REP_HELLO, 8) || !read_all(fd, hello, 8))
        return;
    while (read_all(fd, head, head_size)) {
        uint64_t size = get_be64(head + head_size - 8);
        assert_in_range(size, 4, sizeof(body));
        if (!read_all(fd, number, 4) || !read_all(fd, body, size - 4))
            return;
        reply[0] = 1;
        put_be64(reply + head_size - 8, 4 + server->body.size);
        memcpy(reply + head_size, number, 4);
        if (!send_all(fd, reply, head_size + 4) ||
            !send_all(fd, server->body.data, server->body.size))
            return;
    }
}

static void *
run(void *context)
{
    struct server *server = context;
    for (int fd; (fd = accept(server->listener, NULL, NULL)) >= 0; close(fd)) {
        if (server->attack)
            play(server, fd);
        else
            serve(server, fd);
        server->attack = NULL;
    }
    return NULL;
}

static void
server_open(struct server *server, bool ipc, const struct attack *attack, struct slice body)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(in);

    *server = (struct server){.ipc = ipc, .attack = attack, .body = body};
    memcpy(server->dir, "/tmp/kith-client-XXXXXX", sizeof("/tmp/kith-client-XXXXXX"));
    assert_non_null(mkdtemp(server->dir));
    server->listener = socket(ipc ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", server->dir);
    const struct sockaddr *address =
        ipc ? (const struct sockaddr *)&un : (const struct sockaddr *)&in;
    assert_int_equal(bind(server->listener, address, ipc ? sizeof(un) : sizeof(in)), 0);
    assert_int_equal(listen(server->listener, 10), 0);
    if (ipc) {
        snprintf(server->url, sizeof(server->url), "ipc://%s/s", server->dir);
    } else {
        assert_int_equal(getsockname(server->listener, (struct sockaddr *)&in, &size), 0);
        snprintf(server->url, sizeof(server->url), "tcp://127.0.0.1:%u", ntohs(in.sin_port));
    }
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
}

static void
server_close(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    char path[64];
    snprintf(path, sizeof(path), "%s/s", server->dir);
    if (server->ipc)
        unlink(path);
    assert_int_equal(rmdir(server->dir), 0);
}

static struct kith *
open_client(const struct server *server)
{
    const struct kith_options options = {.url = server->url, .timeout_ms = -1};
    struct kith *kith;
    assert_int_equal(kith_open(&kith, &options), KITH_STATUS_OK);
    return kith;
}

/* All at once, for most of it is waiting. */
static void
survive(bool ipc)
{
    static struct server servers[ARRAY_COUNT(attacks)];
    struct kith *kiths[ARRAY_COUNT(attacks)];

    for (size_t i = 0; i < ARRAY_COUNT(attacks); i++) {
        server_open(&servers[i], ipc, &attacks[i], slice_of(good_answer, sizeof(good_answer) - 1));
        kiths[i] = open_client(&servers[i]);
        assert_int_equal(kith_send(kiths[i], "x", NULL, NULL, i), KITH_STATUS_OK);
    }
    for (size_t i = 0, left = ARRAY_COUNT(attacks); left > 0; i = (i + 1) % ARRAY_COUNT(attacks)) {
        struct kith_reply *reply;
        uint64_t tag;
        bool expired;
        if (!kiths[i])
            continue;
        enum kith_status status = kith_next(kiths[i], WAIT_MS, &reply, &tag, &expired);
        if (status == KITH_STATUS_TIMEOUT)
            continue; /* its turn comes again */
        print_message("survived: %s\n", attacks[i].name);
        assert_int_equal(status, KITH_STATUS_OK);
        assert_string_equal(kith_value_str(kith_reply_result(reply)), "x");
        kith_reply_destroy(reply);
        kith_close(kiths[i]);
        kiths[i] = NULL;
        server_close(&servers[i]);
        left--;
    }
}

static void
test_connections_over_ipc(void **state)
{
    (void)state;
    survive(true);
}

static void
test_connections_over_tcp(void **state)
{
    (void)state;
    survive(false);
}

static void
test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        struct server server;
        struct kith_reply *reply = NULL;

        server_open(&server, i % 2, NULL,
                    slice_of((const uint8_t *)answers[i].body, answers[i].size));
        struct kith *kith = open_client(&server);
        assert_int_equal(kith_call(kith, "x", NULL, NULL, &reply), KITH_STATUS_BAD_REPLY);
        kith_reply_destroy(reply);
        kith_close(kith);
        server_close(&server);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections_over_ipc),
        cmocka_unit_test(test_connections_over_tcp),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
