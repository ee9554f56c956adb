/* The guard's hooks, called as nanomsg calls them.
 */
#include "raw.h"

#include "net/guard.h"

#define CLIENT_COUNT 3

/* nanomsg accepts for as long as it is given connections, and serves nobody meanwhile. */
static void
accepts_one_at_a_time(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(sa_family_t); /* the kernel makes up a name */
    int clients[CLIENT_COUNT], accepted[CLIENT_COUNT];
    struct guard guard;

    (void)state;
    guard_init(&guard, CLIENT_COUNT, 100, 100);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    size = sizeof(address);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(listener, CLIENT_COUNT), 0);
    for (int i = 0; i < CLIENT_COUNT; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&address, size), 0);
    }

    guard_bind_begin(&guard, GUARD_COMMAND);
    for (int i = 0; i < CLIENT_COUNT; i++) {
        accepted[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted[i] >= 0);
        assert_int_equal(accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1);
        assert_int_equal(errno, ECONNABORTED);
    }
    assert_int_equal(guard_bind_end(), listener);

    for (int i = 0; i < CLIENT_COUNT; i++) {
        close(accepted[i]);
        close(clients[i]);
    }
    close(listener);
    assert_int_equal(atomic_load(&guard.connections), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
