/* kith_send() and kith_next(), and many threads on one handle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#include "fake_daemon.h"

#define WINDOW     64
#define THREADS    16
#define CALLS      2000
#define PIPE_COUNT 20000

struct scene {
    struct fake *fake;
    struct kith *kith;
    struct fake_request held[WINDOW];
    int64_t held_n[WINDOW];
    unsigned held_count;
};

static void
begin(struct scene *scene, fake_script *script, const struct kith_options *options)
{
    const struct fake_options fake_options = {.script = script, .context = scene};
    scene->fake = fake_create(&fake_options);
    scene->kith = fake_open_client(scene->fake, options);
}

static void
end(struct scene *scene)
{
    kith_close(scene->kith);
    fake_destroy(scene->fake);
}

static enum kith_status
send_n(struct scene *scene, int64_t n)
{
    struct kith_args *args = kith_args_create();
    kith_put_int(args, "n", n);
    enum kith_status status = kith_send(scene->kith, "x", args, NULL, (uint64_t)n);
    kith_args_destroy(args);
    return status;
}

/* Take one reply, and check that it answers what its tag was sent with. */
static uint64_t
next_ok(struct scene *scene)
{
    struct kith_reply *reply;
    uint64_t tag = UINT64_MAX;
    bool expired = true;
    assert_int_equal(kith_next(scene->kith, -1, &reply, &tag, &expired), KITH_STATUS_OK);
    assert_false(expired);
    assert_int_equal(kith_get_int(kith_reply_result(reply), "n"), tag);
    kith_reply_destroy(reply);
    return tag;
}

/* Collect a window full, then answer it backwards. */
static void
answer_backwards(struct fake *fake, const struct fake_request *request, void *context)
{
    struct scene *scene = context;
    scene->held[scene->held_count] = *request;
    scene->held_n[scene->held_count++] = fake_arg_int(request, "n", -1);
    if (scene->held_count < WINDOW)
        return;
    while (scene->held_count > 0) {
        scene->held_count--;
        fake_answer(fake, &scene->held[scene->held_count], "n", scene->held_n[scene->held_count]);
    }
}

/* Who waits in a loop of his own asks only when the descriptor says so. */
static void
test_a_descriptor_to_wait_on(void **state)
{
    (void)state;
    static struct scene scene;
    begin(&scene, answer_backwards,
          &(struct kith_options){.window = WINDOW, .timeout_ms = -1, .resend_ms = 1000000000});
    struct pollfd fd = {.fd = kith_fd(scene.kith), .events = POLLIN};
    /* First the connection has to be there: what it is waited for with is sent by kith_next(). */
    for (int i = 0; i < WINDOW; i++)
        assert_int_equal(send_n(&scene, i), KITH_STATUS_OK);
    for (int i = 0; i < WINDOW; i++)
        next_ok(&scene);
    for (int i = 0; i < WINDOW - 1; i++)
        assert_int_equal(send_n(&scene, i), KITH_STATUS_OK);
    assert_int_equal(poll(&fd, 1, 0), 0);
    assert_int_equal(send_n(&scene, WINDOW - 1), KITH_STATUS_OK);
    while (kith_pending(scene.kith) > 0) {
        struct kith_reply *reply;
        uint64_t tag;
        bool expired;
        assert_int_equal(poll(&fd, 1, -1), 1);
        while (kith_next(scene.kith, 0, &reply, &tag, &expired) == KITH_STATUS_OK)
            kith_reply_destroy(reply);
    }
    assert_int_equal(poll(&fd, 1, 0), 0);
    end(&scene);
}

static void
test_any_order(void **state)
{
    (void)state;
    static struct scene scene;
    bool is_seen[WINDOW] = {false};
    begin(&scene, answer_backwards,
          &(struct kith_options){.window = WINDOW, .timeout_ms = -1, .resend_ms = 1000000000});
    for (int i = 0; i < WINDOW; i++)
        assert_int_equal(send_n(&scene, i), KITH_STATUS_OK);
    assert_int_equal(kith_pending(scene.kith), WINDOW);
    for (int i = 0; i < WINDOW; i++) {
        uint64_t tag = next_ok(&scene);
        assert_true(tag < WINDOW && !is_seen[tag]);
        is_seen[tag] = true;
        if (i == 0)
            assert_int_equal(tag, WINDOW - 1);
    }
    assert_int_equal(kith_pending(scene.kith), 0);
    end(&scene);
}

static void
test_window_full(void **state)
{
    (void)state;
    struct scene scene = {0};
    begin(&scene, fake_answer_n, &(struct kith_options){.window = 3, .timeout_ms = -1});
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_n(&scene, i), KITH_STATUS_OK);
    assert_int_equal(send_n(&scene, 3), KITH_STATUS_FULL);
    next_ok(&scene);
    assert_int_equal(send_n(&scene, 3), KITH_STATUS_OK);
    assert_int_equal(send_n(&scene, 4), KITH_STATUS_FULL);
    for (int i = 0; i < 3; i++)
        next_ok(&scene);
    end(&scene);
}

/* Where nothing is under way nothing can come: no wait, however long it was to be. */
static void
test_nothing_to_wait_for(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct kith_reply *reply = (void *)&scene;
    uint64_t tag;
    bool expired = true;
    begin(&scene, fake_answer_n, NULL);
    assert_int_equal(kith_next(scene.kith, -1, &reply, &tag, &expired), KITH_STATUS_TIMEOUT);
    assert_null(reply);
    assert_false(expired);
    end(&scene);
}

static void
test_expiry(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct kith_reply *reply = (void *)&scene;
    begin(&scene, fake_ignore, &(struct kith_options){.timeout_ms = 50});
    for (uint64_t n = 1; n <= 2; n++) {
        uint64_t tag = 0;
        bool expired = false;
        assert_int_equal(send_n(&scene, (int64_t)n), KITH_STATUS_OK);
        assert_int_equal(kith_next(scene.kith, -1, &reply, &tag, &expired), KITH_STATUS_TIMEOUT);
        assert_true(expired);
        assert_int_equal(tag, n);
        assert_null(reply);
        assert_int_equal(kith_pending(scene.kith), 0);
    }
    end(&scene);
}

/* That the caller does not wait longer is no verdict on the message. */
static void
test_no_longer_waiting(void **state)
{
    (void)state;
    static const int waits_ms[] = {0, 20};
    struct scene scene = {0};
    begin(&scene, fake_ignore, &(struct kith_options){.timeout_ms = -1});
    assert_int_equal(send_n(&scene, 1), KITH_STATUS_OK);
    for (int i = 0; i < 2; i++) {
        struct kith_reply *reply = (void *)&scene;
        uint64_t tag;
        bool expired = true;
        assert_int_equal(kith_next(scene.kith, waits_ms[i], &reply, &tag, &expired),
                         KITH_STATUS_TIMEOUT);
        assert_false(expired);
        assert_null(reply);
        assert_int_equal(kith_pending(scene.kith), 1);
    }
    end(&scene);
}

static void
send_nonsense(struct fake *fake, const struct fake_request *request, void *context)
{
    (void)context;
    fake_send(fake, request, slice_str("nonsense"));
}

static void
test_bad_reply_has_a_tag(void **state)
{
    (void)state;
    struct kith_reply *reply;
    uint64_t tag = 0;
    bool expired;
    struct scene scene = {0};
    begin(&scene, send_nonsense, &(struct kith_options){.timeout_ms = -1});
    assert_int_equal(send_n(&scene, 5), KITH_STATUS_OK);
    assert_int_equal(kith_next(scene.kith, -1, &reply, &tag, &expired), KITH_STATUS_BAD_REPLY);
    assert_int_equal(tag, 5);
    assert_null(reply);
    assert_int_equal(kith_pending(scene.kith), 0);
    end(&scene);
}

/* Everything is answered though the daemon loses every third request, and goes away at times. */
static void
lose_some(struct fake *fake, const struct fake_request *request, void *context)
{
    if (request->index % 3 != 0)
        fake_answer_n(fake, request, context);
}

static void
test_losses_and_restarts(void **state)
{
    (void)state;
    struct scene scene = {0};
    static bool is_seen[2000];
    begin(&scene, lose_some,
          &(struct kith_options){.window = WINDOW, .timeout_ms = -1, .resend_ms = 20});
    int64_t sent = 0;
    for (int taken = 0; taken < 2000; taken++) {
        while (sent < 2000 && send_n(&scene, sent) == KITH_STATUS_OK)
            sent++;
        if (taken % 700 == 699) {
            fake_stop(scene.fake);
            fake_start(scene.fake);
        }
        uint64_t tag = next_ok(&scene);
        assert_true(tag < 2000 && !is_seen[tag]);
        is_seen[tag] = true;
    }
    assert_int_equal(kith_pending(scene.kith), 0);
    end(&scene);
}

/* What was sent and never taken is freed with the handle. */
static void
test_close_with_pending(void **state)
{
    (void)state;
    struct scene scene = {0};
    begin(&scene, fake_answer_n, NULL);
    for (int i = 0; i < 100; i++)
        assert_int_equal(send_n(&scene, i), KITH_STATUS_OK);
    next_ok(&scene);
    end(&scene);
}

/* --- many threads, one handle --- */

struct caller {
    struct kith *kith;
    int64_t base;
    unsigned wrong_count;
};

static void *
call_many(void *context)
{
    struct caller *caller = context;
    struct kith_args *args = kith_args_create();
    for (int64_t i = 0; i < CALLS; i++) {
        struct kith_reply *reply;
        int64_t n = caller->base + i;
        kith_args_clear(args);
        kith_put_int(args, "n", n);
        enum kith_status status = kith_call(caller->kith, "x", args, NULL, &reply);
        if (status != KITH_STATUS_OK || kith_get_int(kith_reply_result(reply), "n") != n)
            caller->wrong_count++;
        kith_reply_destroy(reply);
    }
    kith_args_destroy(args);
    return NULL;
}

static void
send_many(struct scene *scene)
{
    int64_t sent = 0;
    for (int taken = 0; taken < PIPE_COUNT; taken++) {
        while (sent < PIPE_COUNT && send_n(scene, sent) == KITH_STATUS_OK)
            sent++;
        next_ok(scene);
    }
}

/* Sixteen threads call while one more sends and takes. */
static void
test_threads(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct caller callers[THREADS];
    pthread_t threads[THREADS];
    begin(&scene, fake_answer_n, &(struct kith_options){.timeout_ms = -1, .window = WINDOW});
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){scene.kith, (int64_t)i * 1000000, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, call_many, &callers[i]), 0);
    }
    send_many(&scene);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].wrong_count, 0);
    }
    end(&scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_descriptor_to_wait_on),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_window_full),
        cmocka_unit_test(test_nothing_to_wait_for),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_no_longer_waiting),
        cmocka_unit_test(test_bad_reply_has_a_tag),
        cmocka_unit_test(test_losses_and_restarts),
        cmocka_unit_test(test_close_with_pending),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
