/* When a connection is made anew: one that takes nothing is, one that only takes slowly is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clients/c/src/socket.h"

#define HANDSHAKE_SIZE 8
#define MESSAGE_SIZE   65536
#define TEND_MS        100
#define LONG_MS        10000 /* several times what a connection may take nothing for */

/* A peer that reads when it is told to. */
struct peer {
    char dir[64], path[80], url[128];
    int listener, fd;
    struct socket socket;
};

static void
open_peer(struct peer *peer)
{
    static const uint8_t as_rep[HANDSHAKE_SIZE] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint8_t got[HANDSHAKE_SIZE];
    snprintf(peer->dir, sizeof(peer->dir), "/tmp/kith-client-XXXXXX");
    assert_non_null(mkdtemp(peer->dir));
    snprintf(peer->path, sizeof(peer->path), "%s/s", peer->dir);
    snprintf(peer->url, sizeof(peer->url), "ipc://%s", peer->path);
    memcpy(address.sun_path, peer->path, strlen(peer->path) + 1);
    peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(peer->listener >= 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(peer->listener, 10), 0);
    assert_int_equal(socket_open_request(&peer->socket, peer->url), KITH_STATUS_OK);
    peer->fd = accept(peer->listener, NULL, NULL);
    assert_true(peer->fd >= 0);
    assert_int_equal(write(peer->fd, as_rep, sizeof(as_rep)), sizeof(as_rep));
    assert_int_equal(recv(peer->fd, got, sizeof(got), MSG_WAITALL), sizeof(got));
    socket_wait(&peer->socket, true, -1, -1);
}

static void
close_peer(struct peer *peer)
{
    socket_close(&peer->socket);
    close(peer->fd);
    close(peer->listener);
    unlink(peer->path);
    rmdir(peer->dir);
}

static bool
send_one(struct peer *peer)
{
    static uint8_t message[MESSAGE_SIZE] = {0x80};
    return socket_send(&peer->socket, slice_of(message, sizeof(message)));
}

static void
fill(struct peer *peer)
{
    while (send_one(peer))
        ;
    assert_true(peer->socket.blocked);
}

/* The peer reads just so much that one more message can be sent. */
static void
let_one_through(struct peer *peer)
{
    static uint8_t taken[MESSAGE_SIZE];
    while (!send_one(peer)) {
        while (recv(peer->fd, taken, sizeof(taken), MSG_DONTWAIT) == sizeof(taken))
            ;
        socket_wait(&peer->socket, true, -1, 1);
    }
}

static void
test_who_takes_slowly_keeps_the_connection(void **state)
{
    (void)state;
    struct peer peer;
    open_peer(&peer);
    for (msec_t now_ms = 1; now_ms < LONG_MS; now_ms += TEND_MS) {
        let_one_through(&peer);
        fill(&peer);
        socket_tend(&peer.socket, now_ms);
        assert_int_equal(peer.socket.renew_ms, 0);
    }
    assert_int_equal(socket_connections(&peer.socket), 1);
    close_peer(&peer);
}

static void
test_who_takes_nothing_loses_the_connection(void **state)
{
    (void)state;
    struct peer peer;
    open_peer(&peer);
    msec_t now_ms = 1;
    for (fill(&peer); now_ms < LONG_MS && peer.socket.renew_ms == 0; now_ms += TEND_MS)
        socket_tend(&peer.socket, now_ms);
    assert_in_range(peer.socket.renew_ms, 1, LONG_MS);
    close_peer(&peer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_takes_slowly_keeps_the_connection),
        cmocka_unit_test(test_who_takes_nothing_loses_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
