/* Memory is refused at the first, second, third … request of the library for it, until a run gets
 * all it wants: each time KITH_STATUS_NO_MEMORY, never a wrong answer, and nothing is leaked (which
 * the address sanitizer tells). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/writer.h"
#include "fake_daemon.h"

#define SEND_COUNT  40 /* more than the table of those under way begins with */
#define BATCH_COUNT 3
#define EVENT_COUNT 5
#define CURSOR_SEQ  2 /* where the daemon says that we are */
#define RUNS_MAX    1000

/* ---- The linker puts these in the place of the library's calls (--wrap) ---- */

/* Of the test's own thread: how many requests are left until one is refused; 0: none is. */
static _Thread_local unsigned left;
static _Thread_local bool was_refused;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);

static bool
is_refused(void)
{
    if (left == 0 || --left > 0)
        return false;
    was_refused = true;
    return true;
}

void *
__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *block, size_t size)
{
    return is_refused() ? NULL : __real_realloc(block, size);
}

char *
__wrap_strdup(const char *text)
{
    return is_refused() ? NULL : __real_strdup(text);
}

/* ---- The daemon: it gives back what it was told ---- */

static void
answer_batch(struct fake *fake, const struct fake_request *request)
{
    struct buf out = {0}, result = {0};
    write_map(&result, 1);
    write_cstr(&result, "n");
    write_uint(&result, 7);
    write_map(&out, 2);
    write_cstr(&out, "v");
    write_uint(&out, 1);
    write_cstr(&out, "batch");
    write_array(&out, BATCH_COUNT);
    for (unsigned i = 0; i < BATCH_COUNT; i++)
        fake_write_reply(&out, true, "item", buf_slice(&result));
    fake_send(fake, request, buf_slice(&out));
    buf_fini(&out);
    buf_fini(&result);
}

static void
script(struct fake *fake, const struct fake_request *request, void *context)
{
    (void)context;
    if (request->batch.data)
        answer_batch(fake, request);
    else if (strncmp(request->op, "cursor.", 7) == 0)
        fake_answer(fake, request, "seq", fake_arg_int(request, "seq", CURSOR_SEQ));
    else if (strcmp(request->op, "a.refused.op") == 0)
        fake_refuse(fake, request, "cooldown", "new_id");
    else if (!fake_answer_log(fake, request))
        fake_answer(fake, request, "n", fake_arg_int(request, "n", -1));
}

/* ---- The work: each step says whether it got all the memory it wanted ---- */

static bool
is_done(enum kith_status status)
{
    if (status != KITH_STATUS_OK)
        assert_int_equal(status, KITH_STATUS_NO_MEMORY);
    return status == KITH_STATUS_OK;
}

/* The result cannot be looked at without memory: then there is none. */
static bool
has_result(const struct kith_reply *reply, int64_t expected)
{
    const struct kith_value *result = kith_reply_result(reply);
    if (result)
        assert_int_equal(kith_get_int(result, "n"), expected);
    return result != NULL;
}

static bool
call(struct kith *kith, const struct kith_args *args)
{
    struct kith_reply *reply;
    bool done = is_done(kith_call(kith, "an.op", args, NULL, &reply));
    assert_true(done == (reply != NULL));
    done = done && has_result(reply, 12);
    kith_reply_destroy(reply);
    return done;
}

/* Why it was refused is told, or the memory for it was. */
static bool
call_refused(struct kith *kith)
{
    struct kith_reply *reply;
    enum kith_status status = kith_call(kith, "a.refused.op", NULL, NULL, &reply);
    if (status == KITH_STATUS_REFUSED)
        assert_string_equal(kith_reply_code(reply), "cooldown");
    else
        assert_int_equal(status, KITH_STATUS_NO_MEMORY);
    kith_reply_destroy(reply);
    return status == KITH_STATUS_REFUSED;
}

static bool
call_batch(struct kith *kith, const struct kith_args *args)
{
    struct kith_reply *replies[BATCH_COUNT] = {NULL};
    struct kith_batch *batch = kith_batch_create();
    bool done = batch != NULL;
    for (unsigned i = 0; done && i < BATCH_COUNT; i++)
        done = is_done(kith_batch_add(batch, "an.op", args, "item"));
    done = done && is_done(kith_batch_call(kith, batch, replies));
    for (unsigned i = 0; i < BATCH_COUNT; i++) {
        done = done && has_result(replies[i], 7);
        kith_reply_destroy(replies[i]);
    }
    kith_batch_destroy(batch);
    return done;
}

static bool
pipeline(struct kith *kith, const struct kith_args *args)
{
    bool done = true;
    unsigned sent = 0;
    while (done && sent < SEND_COUNT) {
        done = is_done(kith_send(kith, "an.op", args, NULL, sent));
        sent += done;
    }
    for (unsigned i = 0; i < sent; i++) {
        struct kith_reply *reply;
        uint64_t tag = UINT64_MAX;
        bool expired, taken = is_done(kith_next(kith, -1, &reply, &tag, &expired));
        assert_true(tag < sent); /* told even where the answer is lost */
        done = taken && has_result(reply, 12) && done;
        kith_reply_destroy(reply);
    }
    assert_int_equal(kith_pending(kith), 0);
    return done;
}

static bool
on_news(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    uint64_t *last = context;
    if (news == KITH_NEWS_EVENT) {
        assert_int_equal(seq, *last + 1); /* none is left out */
        assert_int_equal(kith_get_int(event, "seq"), (int64_t)seq);
        *last = seq;
    }
    return true;
}

static bool
subscribe(struct kith *kith, const char *cursor)
{
    const struct kith_subscribe_options options = {.until_caught_up = true, .cursor = cursor};
    uint64_t last = cursor ? CURSOR_SEQ : 0;
    bool done = is_done(kith_subscribe(kith, &options, on_news, &last));
    if (done)
        assert_int_equal(last, EVENT_COUNT);
    return done;
}

static bool
work(const struct kith_options *options)
{
    struct kith *kith = NULL;
    struct kith_args *args = kith_args_create();
    bool done = args && is_done(kith_open(&kith, options));
    if (args)
        kith_put_int(args, "n", 12);
    done = done && call(kith, args) && call_refused(kith) && call_batch(kith, args) &&
           pipeline(kith, args) && subscribe(kith, NULL) && subscribe(kith, "mine");
    left = 0;
    /* What was refused once does no harm to what comes later. */
    if (kith && args) {
        kith_args_clear(args);
        kith_put_int(args, "n", 12);
        assert_true(call(kith, args));
    }
    kith_close(kith);
    kith_args_destroy(args);
    return done;
}

static void
test_each_request_for_memory_is_refused_once(void **state)
{
    (void)state;
    const struct fake_options fake_options = {.script = script};
    struct fake *fake = fake_create(&fake_options);
    const struct kith_options options = {.url = fake_command_url(fake),
                                         .events_url = fake_events_url(fake),
                                         .auth = "me",
                                         .timeout_ms = -1};
    for (unsigned i = 0; i < EVENT_COUNT; i++)
        fake_append(fake, "an.event", false);

    unsigned refused = 0;
    bool done = false;
    for (unsigned number = 1; number < RUNS_MAX && !(done && !was_refused); number++) {
        left = number;
        was_refused = false;
        done = work(&options);
        refused += was_refused;
        /* It either says so, or can do without. */
        assert_true(done || was_refused);
    }
    assert_true(done && !was_refused && refused > 20);
    print_message("%u requests refused\n", refused);
    fake_destroy(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_request_for_memory_is_refused_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
