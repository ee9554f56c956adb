/* kith_work(): every event dealt with, acknowledged or given back, by one worker or several. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/reader.h"
#include "codec/writer.h"
#include "fake_daemon.h"

#define EVENT_COUNT_MAX 300
#define OUTCOMES_MAX    1000

/* A subscription as the fake daemon keeps it, and what it is to do wrong. */
struct shared {
    unsigned event_count;
    struct event {
        bool is_out;
        unsigned tries, acked;
    } events[EVENT_COUNT_MAX + 1]; /* from 1 on */
    unsigned lost_acks;            /* so many are not answered, though done */
    unsigned busy_fetches;         /* so many are refused */
    int64_t delay_ms, wait_ms;     /* as last given */
    struct outcome {
        char id[80];
        struct buf result;
    } outcomes[OUTCOMES_MAX];
    unsigned outcome_count;
};

/* What comes once more, after silence, has had its effect and gets the same answer, as the daemon
 * does it: a slow machine is silent often. */
static bool
answer_again(struct fake *fake, const struct fake_request *request, const struct shared *shared)
{
    for (unsigned i = 0; i < shared->outcome_count; i++)
        if (strcmp(shared->outcomes[i].id, request->id) == 0) {
            fake_answer_encoded(fake, request, buf_slice(&shared->outcomes[i].result));
            return true;
        }
    return false;
}

/* Remember the @result (owned) of the request, whether or not it is told. */
static void
keep(struct shared *shared, const struct fake_request *request, struct buf result)
{
    assert_in_range(shared->outcome_count, 0, OUTCOMES_MAX - 1);
    struct outcome *outcome = &shared->outcomes[shared->outcome_count++];
    memcpy(outcome->id, request->id, sizeof(outcome->id));
    outcome->result = result;
}

static bool
is_free(const struct event *event)
{
    return event->acked == 0 && !event->is_out;
}

static void
run_fetch(const struct fake_request *request, struct shared *shared)
{
    int64_t limit = fake_arg_int(request, "limit", 0);
    struct buf result = {0};
    uint32_t count = 0, taken = 0;
    shared->wait_ms = fake_arg_int(request, "wait_ms", 0);
    for (unsigned seq = 1; seq <= shared->event_count; seq++)
        count += is_free(&shared->events[seq]);
    count = count < limit ? count : (uint32_t)limit;
    write_map(&result, 3);
    write_cstr(&result, "items");
    write_array(&result, count);
    for (unsigned seq = 1; taken < count; seq++) {
        struct event *event = &shared->events[seq];
        if (!is_free(event))
            continue;
        taken++;
        event->tries++;
        event->is_out = true;
        write_map(&result, 3);
        write_cstr(&result, "seq");
        write_uint(&result, seq);
        write_cstr(&result, "tries");
        write_uint(&result, event->tries);
        write_cstr(&result, "event");
        write_map(&result, 1);
        write_cstr(&result, "seq");
        write_uint(&result, seq);
    }
    write_cstr(&result, "next");
    write_uint(&result, shared->event_count);
    write_cstr(&result, "last_seq");
    write_uint(&result, shared->event_count);
    keep(shared, request, result);
}

/* The events that the request names were dealt with, or given back. */
static void
take_seqs(const struct fake_request *request, struct shared *shared, bool is_ack)
{
    struct reader reader;
    reader_init(&reader, request->args);
    for (uint32_t left = reader_map(&reader); left > 0; left--) {
        if (!slice_is(reader_str(&reader), "seqs")) {
            reader_skip(&reader);
            continue;
        }
        for (uint32_t count = reader_array(&reader); count > 0; count--) {
            uint64_t seq = reader_uint(&reader);
            assert_in_range(seq, 1, shared->event_count);
            shared->events[seq].is_out = false;
            shared->events[seq].acked += is_ack;
        }
    }
    assert_false(reader.bad);
}

static void
script(struct fake *fake, const struct fake_request *request, void *context)
{
    struct shared *shared = context;
    bool is_ack = strcmp(request->op, "subscription.ack") == 0;
    struct buf result = {0};
    if (answer_again(fake, request, shared))
        return;
    if (strcmp(request->op, "subscription.fetch") == 0) {
        if (shared->busy_fetches == 0) {
            run_fetch(request, shared);
            answer_again(fake, request, shared);
            return;
        }
        shared->busy_fetches--;
        fake_refuse(fake, request, "busy", "same_id");
        return;
    }
    take_seqs(request, shared, is_ack);
    if (!is_ack)
        shared->delay_ms = fake_arg_int(request, "delay_ms", 0);
    write_map(&result, 1);
    write_cstr(&result, is_ack ? "acked" : "nacked");
    write_uint(&result, 1);
    keep(shared, request, result);
    if (is_ack && shared->lost_acks > 0)
        shared->lost_acks--;
    else
        answer_again(fake, request, shared);
}

static struct shared shared;

static struct fake *
begin(struct kith **kith, unsigned event_count)
{
    memset(&shared, 0, sizeof(shared));
    shared.event_count = event_count;
    struct fake *fake = fake_create(&(struct fake_options){.script = script, .context = &shared});
    *kith = fake_open_client(fake, &(struct kith_options){.timeout_ms = -1, .resend_ms = 50});
    return fake;
}

static void
end(struct fake *fake, struct kith *kith)
{
    kith_close(kith);
    fake_destroy(fake);
    for (unsigned i = 0; i < shared.outcome_count; i++)
        buf_fini(&shared.outcomes[i].result);
}

/* --- one worker ------------------------------------------------------------------------------ */

static enum kith_verdict
all_is_well(void *context, uint64_t seq, unsigned tries, const struct kith_value *event)
{
    unsigned *count = context;
    assert_int_equal(seq, kith_get_int(event, "seq"));
    assert_int_equal(tries, 1);
    ++*count;
    return KITH_VERDICT_DONE;
}

static void
test_all_are_acknowledged_once(void **state)
{
    (void)state;
    struct kith *kith;
    struct fake *fake = begin(&kith, 100);
    const struct kith_work_options options = {.name = "s", .worker = "w", .until_idle = true};
    unsigned count = 0;
    shared.lost_acks = 1;
    shared.busy_fetches = 1;
    assert_int_equal(kith_work(kith, &options, all_is_well, &count), KITH_STATUS_OK);
    assert_int_equal(count, 100);
    for (unsigned seq = 1; seq <= 100; seq++)
        assert_int_equal(shared.events[seq].acked, 1); /* though one ack was sent again */
    end(fake, kith);
}

static enum kith_verdict
not_the_third(void *context, uint64_t seq, unsigned tries, const struct kith_value *event)
{
    (void)context;
    (void)event;
    return seq == 3 && tries < 3 ? KITH_VERDICT_RETRY : KITH_VERDICT_DONE;
}

static void
test_what_failed_comes_again(void **state)
{
    (void)state;
    struct kith *kith;
    struct fake *fake = begin(&kith, 5);
    const struct kith_work_options options = {
        .name = "s", .worker = "w", .retry_ms = 70, .until_idle = true};
    assert_int_equal(kith_work(kith, &options, not_the_third, NULL), KITH_STATUS_OK);
    for (unsigned seq = 1; seq <= 5; seq++)
        assert_int_equal(shared.events[seq].tries, seq == 3 ? 3 : 1);
    assert_int_equal(shared.delay_ms, 70);
    end(fake, kith);
}

static enum kith_verdict
stop_at_four(void *context, uint64_t seq, unsigned tries, const struct kith_value *event)
{
    (void)context;
    (void)tries;
    (void)event;
    assert_in_range(seq, 1, 4);
    return seq == 4 ? KITH_VERDICT_STOP : KITH_VERDICT_DONE;
}

static void
test_a_stop_gives_the_rest_back(void **state)
{
    (void)state;
    struct kith *kith;
    struct fake *fake = begin(&kith, 9);
    const struct kith_work_options options = {.name = "s", .worker = "w"};
    assert_int_equal(kith_work(kith, &options, stop_at_four, NULL), KITH_STATUS_STOPPED);
    for (unsigned seq = 1; seq <= 9; seq++) {
        assert_int_equal(shared.events[seq].acked, seq < 4);
        assert_false(shared.events[seq].is_out);
    }
    end(fake, kith);
}

static enum kith_verdict
stop_when_idle(void *context, uint64_t seq, unsigned tries, const struct kith_value *event)
{
    (void)context;
    assert_int_equal(event ? seq : tries, event ? 1 : 0);
    return event ? KITH_VERDICT_DONE : KITH_VERDICT_STOP;
}

static void
test_it_may_stop_when_nothing_comes(void **state)
{
    (void)state;
    struct kith *kith;
    struct fake *fake = begin(&kith, 1);
    const struct kith_work_options options = {.name = "s", .worker = "w", .idle_ms = 1234};
    assert_int_equal(kith_work(kith, &options, stop_when_idle, NULL), KITH_STATUS_STOPPED);
    assert_int_equal(shared.events[1].acked, 1);
    assert_int_equal(shared.wait_ms, 1234);
    end(fake, kith);
}

static void
test_the_single_steps(void **state)
{
    (void)state;
    struct kith *kith;
    struct fake *fake = begin(&kith, 0);
    const struct kith_work_options options = {.name = "s", .worker = "w", .limit = 1001};
    struct kith_reply *reply;
    assert_int_equal(kith_work_parked(kith, "s", 0, &reply), KITH_STATUS_OK);
    kith_reply_destroy(reply);
    assert_int_equal(kith_work_replay(kith, "s", NULL, 0, &reply), KITH_STATUS_OK);
    kith_reply_destroy(reply);
    assert_int_equal(kith_work_fetch(kith, &options, 0, &reply), KITH_STATUS_OK);
    assert_int_equal(kith_value_count(kith_get(kith_reply_result(reply), "items")), 0);
    kith_reply_destroy(reply);
    end(fake, kith);
}

/* --- several --------------------------------------------------------------------------------- */

static enum kith_verdict
fail_now_and_then(void *context, uint64_t seq, unsigned tries, const struct kith_value *event)
{
    (void)context;
    assert_non_null(event);
    return seq % 7 == 0 && tries == 1 ? KITH_VERDICT_RETRY : KITH_VERDICT_DONE;
}

static void *
run_worker(void *context)
{
    struct kith *kith = context;
    const struct kith_work_options options = {
        .name = "s", .worker = "w", .limit = 7, .until_idle = true};
    return kith_work(kith, &options, fail_now_and_then, NULL) == KITH_STATUS_OK ? context : NULL;
}

static void
test_threads_share_one_handle(void **state)
{
    (void)state;
    pthread_t threads[4];
    struct kith *kith;
    struct fake *fake = begin(&kith, EVENT_COUNT_MAX);
    for (unsigned i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_worker, kith), 0);
    for (unsigned i = 0; i < ARRAY_COUNT(threads); i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, kith);
    }
    assert_non_null(run_worker(kith)); /* what the last one gave back behind the others' ends */
    for (unsigned seq = 1; seq <= EVENT_COUNT_MAX; seq++) {
        assert_int_equal(shared.events[seq].tries, seq % 7 == 0 ? 2 : 1);
        assert_true(shared.events[seq].acked > 0);
    }
    end(fake, kith);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_acknowledged_once),
        cmocka_unit_test(test_what_failed_comes_again),
        cmocka_unit_test(test_a_stop_gives_the_rest_back),
        cmocka_unit_test(test_it_may_stop_when_nothing_comes),
        cmocka_unit_test(test_the_single_steps),
        cmocka_unit_test(test_threads_share_one_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
