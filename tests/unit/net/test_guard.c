/* The guard's hooks, called as nanomsg calls them.
 */
#include "raw.h"

#include "net/guard.h"
#include "net/pace.h"

#define CLIENT_COUNT 3
#define PACED_COUNT  (4 * PACE_COUNT)

/* Make a listener, and a queue of @count connections to it. */
static int
listen_with(int *clients, int count)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(sa_family_t); /* the kernel makes up a name */

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    size = sizeof(address);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(listener, count), 0);
    for (int i = 0; i < count; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&address, size), 0);
    }
    return listener;
}

static void
close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

/* nanomsg accepts for as long as it is given connections, and serves nobody meanwhile. */
static void
accepts_one_at_a_time(void **state)
{
    int clients[CLIENT_COUNT], accepted[CLIENT_COUNT];
    struct guard guard;

    (void)state;
    guard_init(&guard, CLIENT_COUNT, 100, 100);
    int listener = listen_with(clients, CLIENT_COUNT);
    guard_bind_begin(&guard, GUARD_COMMAND);
    for (int i = 0; i < CLIENT_COUNT; i++) {
        accepted[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted[i] >= 0);
        assert_int_equal(accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1);
        assert_int_equal(errno, ECONNABORTED);
    }
    assert_int_equal(guard_bind_end(), listener);

    close_all(accepted, CLIENT_COUNT);
    close_all(clients, CLIENT_COUNT);
    close(listener);
    assert_int_equal(atomic_load(&guard.connections), 0);
}

/* Wait for the listener as nanomsg does, and accept what there is: a descriptor, or -1. */
static int
accept_next(int poll_fd, int listener)
{
    struct epoll_event event = {.data.ptr = &poll_fd}, seen = {0};

    accept4(listener, NULL, NULL, SOCK_CLOEXEC); /* Behind each one it looks for another. */
    assert_int_equal(epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event), 0);
    event.events = EPOLLIN;
    assert_int_equal(epoll_ctl(poll_fd, EPOLL_CTL_MOD, listener, &event), 0);
    assert_int_equal(epoll_wait(poll_fd, &seen, 1, WAIT_MS), 1);
    assert_ptr_equal(seen.data.ptr, &poll_fd); /* a timer looks like the listener itself */
    int conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(epoll_ctl(poll_fd, EPOLL_CTL_DEL, listener, NULL), 0);
    return conn;
}

/* However fast they come. The slower this test runs, the longer it takes: it only has a least. */
static void
lets_so_many_in_and_no_faster(void **state)
{
    int clients[PACED_COUNT], accepted[PACED_COUNT];
    struct guard guard;

    (void)state;
    guard_init(&guard, PACED_COUNT, 100, 100);
    int listener = listen_with(clients, PACED_COUNT), poll_fd = epoll_create1(EPOLL_CLOEXEC);
    guard_bind_begin(&guard, GUARD_EVENT);
    int64_t began_ms = raw_clock_ms();
    accepted[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    for (int i = 1; i < PACED_COUNT; i++) {
        accepted[i] = accept_next(poll_fd, listener);
        assert_true(accepted[i] >= 0);
    }
    assert_true(raw_clock_ms() - began_ms >= (PACED_COUNT / PACE_COUNT - 1) * PACE_MS);
    assert_int_equal(guard_bind_end(), listener);

    close_all(accepted, PACED_COUNT);
    close_all(clients, PACED_COUNT);
    close(listener);
    close(poll_fd);
}

/* Those who are too many, too: to refuse them is work as well, and they may come for ever. */
static void
refuses_so_many_and_no_faster(void **state)
{
    int clients[PACED_COUNT], accepted;
    struct epoll_event event = {.events = EPOLLIN}, seen;
    struct guard guard;

    (void)state;
    guard_init(&guard, 1, 100, 100);
    int listener = listen_with(clients, PACED_COUNT), poll_fd = epoll_create1(EPOLL_CLOEXEC);
    guard_bind_begin(&guard, GUARD_EVENT);
    int64_t began_ms = raw_clock_ms();
    accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event), 0);
    assert_int_equal(epoll_ctl(poll_fd, EPOLL_CTL_MOD, listener, &event), 0);
    while (atomic_load(&guard.refused) < PACED_COUNT - 1) {
        assert_int_equal(epoll_wait(poll_fd, &seen, 1, WAIT_MS), 1);
        assert_int_equal(accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1);
        assert_int_equal(errno, ECONNABORTED);
    }
    assert_true(raw_clock_ms() - began_ms >= (PACED_COUNT / PACE_COUNT - 1) * PACE_MS);
    guard_bind_end();

    close(listener); /* while it is quiet */
    assert_int_equal(epoll_wait(poll_fd, &seen, 1, 0), 0);
    close(accepted);
    close_all(clients, PACED_COUNT);
    close(poll_fd);
}

/* A timer that stood for a listener is gone with it, or waits for it again when it is over. */
static void
a_quiet_listener_wakes_and_ends(void **state)
{
    int clients[PACE_COUNT], accepted[PACE_COUNT], late[1];
    struct epoll_event event = {.events = EPOLLIN}, seen;
    struct guard guard;

    (void)state;
    guard_init(&guard, PACE_COUNT, 100, 100);
    int listener = listen_with(clients, PACE_COUNT), poll_fd = epoll_create1(EPOLL_CLOEXEC);
    guard_bind_begin(&guard, GUARD_EVENT);
    accepted[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    for (int i = 1; i < PACE_COUNT; i++)
        accepted[i] = accept_next(poll_fd, listener);
    guard_bind_end();

    /* Nobody waits when the timer ends: then the listener itself is waited for. */
    accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event), 0);
    assert_int_equal(epoll_ctl(poll_fd, EPOLL_CTL_MOD, listener, &event), 0);
    accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(epoll_wait(poll_fd, &seen, 1, 0), 0);
    struct sockaddr_un address;
    socklen_t size = sizeof(address);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    late[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(late[0], (struct sockaddr *)&address, size), 0);
    assert_int_equal(epoll_wait(poll_fd, &seen, 1, WAIT_MS), 1);

    close(listener);
    assert_int_equal(epoll_wait(poll_fd, &seen, 1, 0), 0);
    close_all(accepted, PACE_COUNT);
    close_all(clients, PACE_COUNT);
    close(late[0]);
    close(poll_fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_one_at_a_time),
        cmocka_unit_test(lets_so_many_in_and_no_faster),
        cmocka_unit_test(refuses_so_many_and_no_faster),
        cmocka_unit_test(a_quiet_listener_wakes_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
