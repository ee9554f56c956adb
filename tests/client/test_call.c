/* kith_call() and kith_batch_call() against a daemon that behaves, and one that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "codec/reader.h"
#include "codec/writer.h"
#include "fake_daemon.h"
#include "proto/limits.h"

/* A fake with one script, and a handle on it. */
struct scene {
    struct fake *fake;
    struct kith *kith;
    char first_id[80];
    unsigned drop_count, same_id_count;
    struct fake_request held;
    struct slice garbage;
};

static void
begin_with(struct scene *scene, fake_script *script, const struct kith_options *options)
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

static struct kith_reply *
call_ok(struct scene *scene, const char *op)
{
    struct kith_reply *reply;
    assert_int_equal(kith_call(scene->kith, op, NULL, NULL, &reply), KITH_STATUS_OK);
    assert_true(kith_reply_ok(reply));
    return reply;
}

/* --- */

static void
test_ok(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct kith_reply *reply;
    begin_with(&scene, fake_answer_n, NULL);

    struct kith_args *args = kith_args_create();
    kith_put_int(args, "n", 12);
    assert_int_equal(kith_call(scene.kith, "an.op", args, "mine", &reply), KITH_STATUS_OK);
    assert_true(kith_reply_ok(reply));
    assert_int_equal(kith_get_int(kith_reply_result(reply), "n"), 12);
    assert_string_equal(kith_reply_id(reply), "mine");
    assert_int_equal(kith_reply_pos(reply), 42);
    assert_int_equal(kith_reply_at(reply), 1700000000000);
    assert_false(kith_reply_dup(reply));
    assert_null(kith_reply_error(reply));
    assert_null(kith_reply_code(reply));
    kith_reply_destroy(reply);

    reply = call_ok(&scene, "an.op");
    assert_int_equal(kith_get_int(kith_reply_result(reply), "n"), -1);
    assert_int_equal(strlen(kith_reply_id(reply)), KITH_ID_SIZE - 1);
    kith_reply_destroy(reply);
    kith_reply_destroy(NULL);
    kith_args_destroy(args);
    end(&scene);
    kith_close(NULL);
}

/* A reply lives on when its handle is gone. */
static void
test_reply_outlives_handle(void **state)
{
    (void)state;
    struct scene scene = {0};
    begin_with(&scene, fake_answer_n, NULL);
    struct kith_reply *reply = call_ok(&scene, "an.op");
    end(&scene);
    assert_int_equal(kith_get_int(kith_reply_result(reply), "n"), -1);
    kith_reply_destroy(reply);
}

static void
refuse(struct fake *fake, const struct fake_request *request, void *context)
{
    (void)context;
    fake_refuse(fake, request, "no_such_member", "never");
}

static void
test_refused(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct kith_reply *reply;
    begin_with(&scene, refuse, NULL);
    assert_int_equal(kith_call(scene.kith, "x", NULL, NULL, &reply), KITH_STATUS_REFUSED);
    assert_false(kith_reply_ok(reply));
    assert_null(kith_reply_result(reply));
    assert_string_equal(kith_reply_code(reply), "no_such_member");
    assert_string_equal(kith_get_str(kith_reply_error(reply), "retry"), "never");
    assert_int_equal(kith_reply_pos(reply), 7);
    kith_reply_destroy(reply);
    end(&scene);
}

static void
test_timeout(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct kith_reply *reply = (void *)&scene;
    begin_with(&scene, fake_ignore, &(struct kith_options){.timeout_ms = 50});
    assert_int_equal(kith_call(scene.kith, "x", NULL, NULL, &reply), KITH_STATUS_TIMEOUT);
    assert_null(reply);
    end(&scene);
}

static void
test_nobody_there(void **state)
{
    (void)state;
    struct kith *kith;
    struct kith_reply *reply;
    const struct kith_options options = {.url = "ipc:///tmp/kith-nobody-there", .timeout_ms = 50};
    assert_int_equal(kith_open(&kith, &options), KITH_STATUS_OK);
    assert_int_equal(kith_call(kith, "x", NULL, NULL, &reply), KITH_STATUS_TIMEOUT);
    assert_null(reply);
    kith_close(kith);
}

/* --- */

static void
drop_then_answer(struct fake *fake, const struct fake_request *request, void *context)
{
    struct scene *scene = context;
    if (request->index == 0)
        snprintf(scene->first_id, sizeof(scene->first_id), "%s", request->id);
    scene->same_id_count += strcmp(scene->first_id, request->id) == 0;
    if (request->index >= scene->drop_count)
        fake_answer(fake, request, "n", request->index);
}

/* A dropped reply is asked for again, with the same id. */
static void
test_resend(void **state)
{
    (void)state;
    struct scene scene = {.drop_count = 3};
    begin_with(&scene, drop_then_answer, &(struct kith_options){.timeout_ms = -1, .resend_ms = 20});
    struct kith_reply *reply = call_ok(&scene, "x");
    assert_true(kith_get_int(kith_reply_result(reply), "n") >= 3);
    fake_stop(scene.fake);
    assert_string_equal(kith_reply_id(reply), scene.first_id);
    kith_reply_destroy(reply);
    assert_true(scene.same_id_count >= 4);
    assert_int_equal(scene.same_id_count, fake_request_count(scene.fake));
    end(&scene);
}

/* The answer to the first sending comes after the second: it serves, and the other is discarded. */
static void
answer_first_late(struct fake *fake, const struct fake_request *request, void *context)
{
    struct scene *scene = context;
    if (request->index == 0) {
        scene->held = *request;
        return;
    }
    if (request->index == 1)
        fake_answer(fake, &scene->held, "n", 0);
    fake_answer(fake, request, "n", request->index);
}

static void
test_late_answer(void **state)
{
    (void)state;
    struct scene scene = {0};
    begin_with(&scene, answer_first_late,
               &(struct kith_options){.timeout_ms = -1, .resend_ms = 20});
    struct kith_reply *reply = call_ok(&scene, "x");
    assert_int_equal(kith_get_int(kith_reply_result(reply), "n"), 0);
    kith_reply_destroy(reply);
    for (int i = 2; i < 50; i++) {
        reply = call_ok(&scene, "x");
        assert_true(kith_get_int(kith_reply_result(reply), "n") >= 2);
        kith_reply_destroy(reply);
    }
    end(&scene);
}

static void
answer_twice(struct fake *fake, const struct fake_request *request, void *context)
{
    fake_answer_n(fake, request, context);
    fake_answer_n(fake, request, context);
}

static void
test_answered_twice(void **state)
{
    (void)state;
    struct scene scene = {0};
    begin_with(&scene, answer_twice, NULL);
    struct kith_args *args = kith_args_create();
    for (int i = 0; i < 100; i++) {
        struct kith_reply *reply;
        kith_args_clear(args);
        kith_put_int(args, "n", i);
        assert_int_equal(kith_call(scene.kith, "x", args, NULL, &reply), KITH_STATUS_OK);
        assert_int_equal(kith_get_int(kith_reply_result(reply), "n"), i);
        kith_reply_destroy(reply);
    }
    kith_args_destroy(args);
    end(&scene);
}

/* --- */

static void
send_garbage(struct fake *fake, const struct fake_request *request, void *context)
{
    struct scene *scene = context;
    if (strcmp(request->op, "healthy") == 0)
        fake_answer_n(fake, request, NULL);
    else
        fake_send(fake, request, scene->garbage);
}

#define GARBAGE(literal)                              \
    {                                                 \
        (const uint8_t *)literal, sizeof(literal) - 1 \
    }

static void
test_garbage(void **state)
{
    (void)state;
    static const struct slice rows[] = {
        GARBAGE(""),
        GARBAGE("\xc1"),
        GARBAGE("\xdd\xff\xff\xff\xff"),
        GARBAGE("\xdf\x7f\xff\xff\xff"),
        GARBAGE("\x80"),
        GARBAGE("hello, are you kith?"),
        GARBAGE("\x82\xa1v\x01\xa2ok"),               /* cut short */
        GARBAGE("\x82\xa1v\x01\xa2ok\xc3\x00"),       /* something behind it */
        GARBAGE("\x83\xa1v\x01\xa2ok\xc3\xa2ok\xc3"), /* a key twice */
        GARBAGE("\x82\xa1v\x02\xa2ok\xc3"),           /* another version */
        GARBAGE("\x81\xa2ok\xc3"),                    /* no version */
        GARBAGE("\x82\xa1v\x01\xa2id\xc0"),           /* neither ok nor not */
        GARBAGE("\x82\xa1v\x01\xa2ok\x01"),           /* ok is no bool */
        GARBAGE("\x82\xa1v\x01\xa2ok\xc2"),           /* an error without error */
        GARBAGE("\x83\xa1v\x01\xa2ok\xc2\xa5"
                "error\xa1x"),                             /* an error that is no map */
        GARBAGE("\x83\xa1v\x01\xa2ok\xc3\xa3pos\xa1x"),    /* pos is no number */
        GARBAGE("\x83\xa1v\x01\xa2ok\xc3\xa2id\xa5other"), /* to somebody else */
        GARBAGE("\x82\xa1v\x01\xa5"
                "batch\x91\x80"), /* a batch */
    };
    struct scene scene = {0};
    begin_with(&scene, send_garbage, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct kith_reply *reply = (void *)&scene;
        fake_lock(scene.fake);
        scene.garbage = rows[i];
        fake_unlock(scene.fake);
        assert_int_equal(kith_call(scene.kith, "x", NULL, NULL, &reply), KITH_STATUS_BAD_REPLY);
        assert_null(reply);
        kith_reply_destroy(call_ok(&scene, "healthy"));
    }
    end(&scene);
}

/* An answer to what could not be read names no id, and is one. What it says more is passed over. */
static void
test_lenient(void **state)
{
    (void)state;
    static const struct slice bare = GARBAGE("\x87\xa1v\x01\xa2id\xc0\xa2ok\xc3\xa3"
                                             "dup\xc3\xa2ps\x01\xa6result\xa1r\xa3new\x91\x80");
    struct scene scene = {.garbage = bare};
    begin_with(&scene, send_garbage, NULL);
    struct kith_reply *reply = call_ok(&scene, "x");
    assert_null(kith_reply_id(reply));
    assert_true(kith_reply_dup(reply));
    assert_string_equal(kith_value_str(kith_reply_result(reply)), "r");
    assert_int_equal(kith_reply_pos(reply), 0);
    kith_reply_destroy(reply);
    end(&scene);
}

/* --- */

static void
answer_with_size(struct fake *fake, const struct fake_request *request, void *context)
{
    (void)context;
    size_t size = (size_t)fake_arg_int(request, "n", 0);
    struct buf result = {0};
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    write_bin(&result, slice_of(bytes, size));
    fake_answer_encoded(fake, request, buf_slice(&result));
    buf_fini(&result);
    free(bytes);
}

static enum kith_status
call_for_size(struct kith *kith, size_t size, struct kith_reply **reply)
{
    struct kith_args *args = kith_args_create();
    kith_put_int(args, "n", (int64_t)size);
    enum kith_status status = kith_call(kith, "x", args, NULL, reply);
    kith_args_destroy(args);
    return status;
}

/* A reply of 1 MiB arrives whole; a giant one costs the connection and is never let in. */
static void
test_large_replies(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct kith_reply *reply;
    begin_with(&scene, answer_with_size, &(struct kith_options){.timeout_ms = -1});
    struct kith *hasty = fake_open_client(scene.fake, &(struct kith_options){.timeout_ms = 300});
    assert_int_equal(call_for_size(scene.kith, 1000 * 1000, &reply), KITH_STATUS_OK);
    assert_int_equal(kith_value_size(kith_reply_result(reply)), 1000 * 1000);
    kith_reply_destroy(reply);

    assert_int_equal(call_for_size(hasty, 8 * 1024 * 1024, &reply), KITH_STATUS_TIMEOUT);
    assert_null(reply);
    kith_close(hasty);
    end(&scene);
}

static void
test_too_large(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct kith_reply *reply = (void *)&scene;
    begin_with(&scene, fake_ignore, NULL);
    char *big = calloc(1, KITH_MESSAGE_SIZE_MAX);
    assert_non_null(big);
    struct kith_args *args = kith_args_create();
    kith_put_bytes(args, "note", big, KITH_MESSAGE_SIZE_MAX);
    assert_int_equal(kith_call(scene.kith, "x", args, NULL, &reply), KITH_STATUS_TOO_LARGE);
    assert_null(reply);
    assert_int_equal(kith_send(scene.kith, "x", args, NULL, 0), KITH_STATUS_TOO_LARGE);
    assert_int_equal(kith_pending(scene.kith), 0);
    kith_args_destroy(args);
    free(big);
    end(&scene);
}

/* --- */

/* Answers nothing until the fake was restarted, which the test does while the call waits. */
static void
hold_first(struct fake *fake, const struct fake_request *request, void *context)
{
    (void)context;
    if (request->index > 0)
        fake_answer(fake, request, "n", request->index);
}

static void *
restart_when_asked(void *context)
{
    struct fake *fake = context;
    while (fake_request_count(fake) == 0)
        sched_yield();
    fake_stop(fake);
    fake_start(fake);
    return NULL;
}

/* The request is sent again because the connection is new, long before any silence is over. */
static void
test_reconnect(void **state)
{
    (void)state;
    struct scene scene = {0};
    pthread_t thread;
    begin_with(&scene, hold_first,
               &(struct kith_options){.timeout_ms = -1, .resend_ms = 1000 * 1000 * 1000});
    assert_int_equal(pthread_create(&thread, NULL, restart_when_asked, scene.fake), 0);
    struct kith_reply *reply = call_ok(&scene, "x");
    assert_int_equal(kith_get_int(kith_reply_result(reply), "n"), 1);
    kith_reply_destroy(reply);
    pthread_join(thread, NULL);
    end(&scene);
}

/* A daemon that starts after the call is found. */
static void *
start_fake(void *fake)
{
    fake_start(fake);
    return NULL;
}

static void
test_daemon_comes_later(void **state)
{
    (void)state;
    struct scene scene = {0};
    pthread_t thread;
    begin_with(&scene, fake_answer_n, &(struct kith_options){.timeout_ms = -1});
    fake_stop(scene.fake);
    assert_int_equal(pthread_create(&thread, NULL, start_fake, scene.fake), 0);
    kith_reply_destroy(call_ok(&scene, "x"));
    pthread_join(thread, NULL);
    end(&scene);
}

/* --- over tcp, with IPv6 --- */

static void
test_tcp(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "[::1]"};
    for (size_t i = 0; i < ARRAY_COUNT(hosts); i++) {
        char url[64];
        struct scene scene = {0};
        snprintf(url, sizeof(url), "tcp://%s:%d", hosts[i], fake_free_port());
        const struct fake_options options = {.script = fake_answer_n, .command_url = url};
        scene.fake = fake_create(&options);
        scene.kith = fake_open_client(scene.fake, NULL);
        kith_reply_destroy(call_ok(&scene, "x"));
        end(&scene);
    }
}

/* --- `auth` --- */

static void
answer_with_auth(struct fake *fake, const struct fake_request *request, void *context)
{
    (void)context;
    struct reader reader;
    reader_init(&reader, request->body);
    uint32_t count = reader_map(&reader);
    struct slice auth = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (slice_is(reader_str(&reader), "auth"))
            auth = reader_skip(&reader);
        else
            reader_skip(&reader);
    }
    fake_answer_encoded(fake, request, auth);
}

static void
test_auth(void **state)
{
    (void)state;
    struct scene scene = {0};
    begin_with(&scene, answer_with_auth, &(struct kith_options){.auth = "secret"});
    struct kith_reply *reply = call_ok(&scene, "x");
    assert_string_equal(kith_value_str(kith_reply_result(reply)), "secret");
    kith_reply_destroy(reply);
    end(&scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ok),
        cmocka_unit_test(test_reply_outlives_handle),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_resend),
        cmocka_unit_test(test_late_answer),
        cmocka_unit_test(test_answered_twice),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_lenient),
        cmocka_unit_test(test_large_replies),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_reconnect),
        cmocka_unit_test(test_daemon_comes_later),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_auth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
