/* kith_subscribe(): every event once and in order, whatever is lost on the way.
 *
 * The callback drives the fake daemon: it appends the next events when it has seen those before,
 * and stops when it has seen what the test is about. Where something is broken a test does not fail
 * by a number but never ends, and the runner ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/writer.h"
#include "fake_daemon.h"

/* What a test saw, and what it wants to see. */
struct watch {
    struct fake *fake, *other;
    struct kith *kith;
    uint64_t last;  /* sequence last told */
    uint64_t first; /* ... and first */
    unsigned event_count, caught_up_count, behind_count, epoch_count;
    uint64_t stop_at; /* the sequence to stop at */
    int step;
};

static void
begin(struct watch *watch, const struct fake_options *options)
{
    static const struct fake_options defaults;
    watch->fake = fake_create(options ? options : &defaults);
    watch->kith = fake_open_client(watch->fake, &(struct kith_options){.timeout_ms = 500});
}

static void
end(struct watch *watch)
{
    kith_close(watch->kith);
    fake_destroy(watch->fake);
}

static void
append_many(struct fake *fake, unsigned count, bool is_published)
{
    for (unsigned i = 0; i < count; i++)
        fake_append(fake, "connection.accepted", is_published);
}

/* Keep the books. Without a filter the next event is the one behind the last. */
static void
note(struct watch *watch, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    switch (news) {
    case KITH_NEWS_EVENT:
        assert_int_equal(kith_get_int(event, "seq"), seq);
        if (watch->event_count++ == 0)
            watch->first = seq;
        else
            assert_int_equal(seq, watch->last + 1);
        watch->last = seq;
        break;
    case KITH_NEWS_CAUGHT_UP:
        watch->caught_up_count++;
        break;
    case KITH_NEWS_FELL_BEHIND:
        watch->behind_count++;
        break;
    case KITH_NEWS_EPOCH:
        watch->epoch_count++;
        watch->event_count = 0;
        break;
    }
}

/* --- reading the log --- */

static bool
only_note(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    note(watch, news, seq, event);
    return !(watch->stop_at && news == KITH_NEWS_EVENT && seq >= watch->stop_at);
}

static void
test_until_caught_up(void **state)
{
    (void)state;
    static const struct {
        struct kith_subscribe_options options;
        uint64_t first, last;
        unsigned count;
    } rows[] = {
        {{0}, 1, 30, 30},
        {{.after = 12}, 13, 30, 18},
        {{.after = 30}, 0, 0, 0},
        {{.since = 20000}, 20, 30, 11},
        {{.since = 19001}, 20, 30, 11},
        {{.since = 99000}, 0, 0, 0},
        {{.from_end = true}, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct watch watch = {0};
        struct kith_subscribe_options options = rows[i].options;
        options.until_caught_up = true;
        begin(&watch, NULL);
        append_many(watch.fake, 30, false);
        assert_int_equal(kith_subscribe(watch.kith, &options, only_note, &watch), KITH_STATUS_OK);
        assert_int_equal(watch.event_count, rows[i].count);
        assert_int_equal(watch.first, rows[i].first);
        assert_int_equal(watch.last, rows[i].last);
        assert_int_equal(watch.caught_up_count, 1);
        assert_int_equal(watch.behind_count, 0);
        end(&watch);
    }
}

static void
test_stop_at_once(void **state)
{
    (void)state;
    struct watch watch = {.stop_at = 5};
    begin(&watch, NULL);
    append_many(watch.fake, 30, false);
    assert_int_equal(kith_subscribe(watch.kith, NULL, only_note, &watch), KITH_STATUS_STOPPED);
    assert_int_equal(watch.last, 5);
    assert_int_equal(watch.event_count, 5);
    end(&watch);
}

static void
test_trimmed(void **state)
{
    (void)state;
    struct watch watch = {0};
    const struct kith_subscribe_options options = {.after = 3};
    begin(&watch, NULL);
    append_many(watch.fake, 30, false);
    fake_trim(watch.fake, 10);
    assert_int_equal(kith_subscribe(watch.kith, &options, only_note, &watch), KITH_STATUS_REFUSED);
    assert_int_equal(watch.event_count, 0);
    end(&watch);
}

/* A position behind the end of the log was of another log. */
static void
test_position_beyond_log(void **state)
{
    (void)state;
    struct watch watch = {0};
    const struct kith_subscribe_options options = {.after = 31, .until_caught_up = true};
    begin(&watch, NULL);
    append_many(watch.fake, 30, false);
    assert_int_equal(kith_subscribe(watch.kith, &options, only_note, &watch), KITH_STATUS_OK);
    assert_int_equal(watch.epoch_count, 1);
    assert_int_equal(watch.first, 1);
    assert_int_equal(watch.last, 30);
    end(&watch);
}

/* --- live --- */

/* Publish one event for each that was seen, and now and then lose one before it, until a gap was
 * seen live; then until it was healed. */
static bool
lose_one_between(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    note(watch, news, seq, event);
    if (watch->behind_count > 0)
        return watch->caught_up_count < 2;
    if (news == KITH_NEWS_CAUGHT_UP || seq == fake_last_seq(watch->fake)) {
        fake_append(watch->fake, "invite.created", ++watch->step % 3 != 0);
        fake_append(watch->fake, "invite.redeemed", true);
    }
    return true;
}

static void
test_gap_heals(void **state)
{
    (void)state;
    struct watch watch = {0};
    begin(&watch, NULL);
    append_many(watch.fake, 10, true);
    assert_int_equal(kith_subscribe(watch.kith, NULL, lose_one_between, &watch),
                     KITH_STATUS_STOPPED);
    assert_int_equal(watch.first, 1);
    assert_int_equal(watch.last, fake_last_seq(watch.fake));
    assert_int_equal(watch.event_count, watch.last);
    assert_int_equal(watch.caught_up_count, 2);
    end(&watch);
}

/* Lose every event. Only beats tell of them, or a long poll while the socket is not heard yet. */
static bool
lose_all(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    note(watch, news, seq, event);
    if (watch->behind_count >= 3)
        return false;
    if (seq == fake_last_seq(watch->fake) && news != KITH_NEWS_FELL_BEHIND)
        fake_append(watch->fake, "invite.created", false);
    return true;
}

static void
test_beat_reveals_loss(void **state)
{
    (void)state;
    struct watch watch = {0};
    begin(&watch, NULL);
    assert_int_equal(kith_subscribe(watch.kith, NULL, lose_all, &watch), KITH_STATUS_STOPPED);
    assert_int_equal(watch.event_count, watch.last);
    assert_true(watch.last + 1 >= fake_last_seq(watch.fake));
    end(&watch);
}

/* Every frame comes twice, or much too late: told once. */
static bool
repeat_frames(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    note(watch, news, seq, event);
    if (seq == fake_last_seq(watch->fake)) {
        fake_append(watch->fake, "invite.created", true);
        fake_republish(watch->fake, seq + 1);
        fake_republish(watch->fake, 1);
    }
    return watch->event_count < 300;
}

static void
test_duplicates(void **state)
{
    (void)state;
    struct watch watch = {0};
    begin(&watch, NULL);
    append_many(watch.fake, 1, true);
    assert_int_equal(kith_subscribe(watch.kith, NULL, repeat_frames, &watch), KITH_STATUS_STOPPED);
    assert_int_equal(watch.last, 300);
    end(&watch);
}

/* What is not a frame is passed over, whatever it is. */
static bool
publish_nonsense(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    note(watch, news, seq, event);
    if (seq == fake_last_seq(watch->fake)) {
        fake_publish(watch->fake, "invite.created", slice_of("\xc1", 1));
        fake_publish(watch->fake, "invite.created", slice_of("\x80", 1));
        fake_publish(watch->fake, "~beat", slice_of("\x80", 1));
        fake_publish(watch->fake, "", slice_of("", 0));
        fake_publish(watch->fake, "~beat", slice_of("\x81\xa8last_seq\xff", 11));
        fake_append(watch->fake, "invite.created", true);
    }
    return watch->event_count < 300;
}

static void
test_nonsense(void **state)
{
    (void)state;
    struct watch watch = {0};
    begin(&watch, NULL);
    append_many(watch.fake, 1, true);
    assert_int_equal(kith_subscribe(watch.kith, NULL, publish_nonsense, &watch),
                     KITH_STATUS_STOPPED);
    assert_int_equal(watch.last, 300);
    end(&watch);
}

/* --- filters --- */

static bool
filter_types(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    if (news == KITH_NEWS_EVENT) {
        assert_string_equal(kith_get_str(event, "type"), "invite.created");
        assert_int_equal(seq % 2, 0);
        assert_int_equal(seq, watch->last + 2);
        watch->last = seq;
        watch->event_count++;
    }
    if (news == KITH_NEWS_CAUGHT_UP)
        watch->caught_up_count++;
    if (news == KITH_NEWS_FELL_BEHIND)
        watch->behind_count++;
    if (watch->caught_up_count > 0 && watch->last >= fake_last_seq(watch->fake) - 1) {
        fake_append(watch->fake, "connection.accepted", true);
        fake_append(watch->fake, "invite.created", ++watch->step % 5 != 0);
    }
    return watch->behind_count < 3;
}

/* Losses show although most of what comes is not wanted; what is wanted is all told. */
static void
test_types(void **state)
{
    (void)state;
    static const char *const types[] = {"invite.c", "member."};
    const struct kith_subscribe_options options = {.types = types, .type_count = 2};
    struct watch watch = {0};
    begin(&watch, NULL);
    for (int i = 0; i < 10; i++) {
        fake_append(watch.fake, "connection.accepted", true);
        fake_append(watch.fake, "invite.created", true);
    }
    assert_int_equal(kith_subscribe(watch.kith, &options, filter_types, &watch),
                     KITH_STATUS_STOPPED);
    assert_int_equal(watch.last, 2 * watch.event_count);
    end(&watch);
}

/* --- restarts --- */

static bool
restart_at_times(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    note(watch, news, seq, event);
    if (news != KITH_NEWS_EVENT || seq != fake_last_seq(watch->fake))
        return true;
    if (seq % 40 == 0) {
        fake_stop(watch->fake);
        append_many(watch->fake, 5, false);
        fake_start(watch->fake);
    }
    append_many(watch->fake, 5, true);
    return seq < 200;
}

static void
test_restart(void **state)
{
    (void)state;
    struct watch watch = {0};
    begin(&watch, NULL);
    append_many(watch.fake, 5, true);
    assert_int_equal(kith_subscribe(watch.kith, NULL, restart_at_times, &watch),
                     KITH_STATUS_STOPPED);
    assert_int_equal(watch.event_count, watch.last);
    assert_int_equal(watch.epoch_count, 0);
    end(&watch);
}

/* The daemon comes back with another log, which is longer, shorter, or as long as the one before.
 */
static bool
change_log(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    note(watch, news, seq, event);
    if (watch->epoch_count > 0)
        return watch->event_count < (unsigned)watch->step;
    if (news == KITH_NEWS_EVENT && seq == 10) {
        fake_stop(watch->fake);
        fake_set_epoch(watch->fake, 78);
        append_many(watch->fake, (unsigned)watch->step, false);
        fake_start(watch->fake);
    }
    return true;
}

static void
test_epoch(void **state)
{
    (void)state;
    static const int lengths[] = {4, 10, 33, 4, 10, 33};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct watch watch = {.step = lengths[i]};
        begin(&watch, &(struct fake_options){.has_no_events = i >= 3});
        append_many(watch.fake, 10, true);
        assert_int_equal(kith_subscribe(watch.kith, NULL, change_log, &watch), KITH_STATUS_STOPPED);
        assert_int_equal(watch.epoch_count, 1);
        assert_int_equal(watch.first, 1);
        assert_int_equal(watch.last, lengths[i]);
        end(&watch);
    }
}

/* The event socket is of another daemon, whose events have just the numbers that come next. */
static bool
expect_own_events(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    note(watch, news, seq, event);
    if (news == KITH_NEWS_EVENT)
        assert_string_equal(kith_get_str(event, "type"), "connection.accepted");
    if (seq == fake_last_seq(watch->fake)) {
        fake_append(watch->other, "member.erased", true);
        fake_append(watch->fake, "connection.accepted", false);
    }
    return seq < 300;
}

static void
test_events_of_another(void **state)
{
    (void)state;
    struct watch watch = {0};
    const struct fake_options quiet = {.is_silent = true};
    watch.other = fake_create(&(struct fake_options){0});
    watch.fake = fake_create(&quiet);
    fake_set_epoch(watch.other, 99);
    append_many(watch.fake, 1, false);
    append_many(watch.other, 1, false);
    const struct kith_options options = {.url = fake_command_url(watch.fake),
                                         .events_url = fake_events_url(watch.other)};
    assert_int_equal(kith_open(&watch.kith, &options), KITH_STATUS_OK);
    assert_int_equal(kith_subscribe(watch.kith, NULL, expect_own_events, &watch),
                     KITH_STATUS_STOPPED);
    assert_int_equal(watch.event_count, 300);
    assert_int_equal(watch.epoch_count, 0);
    fake_destroy(watch.other);
    end(&watch);
}

/* --- without the event socket --- */

static bool
append_one(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    note(watch, news, seq, event);
    if (seq == fake_last_seq(watch->fake))
        append_many(watch->fake, 1, true);
    return seq < 20;
}

static void
test_long_polls(void **state)
{
    (void)state;
    struct watch watch = {0};
    begin(&watch, &(struct fake_options){.has_no_events = true});
    append_many(watch.fake, 1, true);
    assert_int_equal(kith_subscribe(watch.kith, NULL, append_one, &watch), KITH_STATUS_STOPPED);
    assert_int_equal(watch.event_count, 20);
    assert_int_equal(watch.caught_up_count, 1);
    end(&watch);
}

static void
refuse_to_hold(struct fake *fake, const struct fake_request *request, void *context)
{
    (void)context;
    if (fake_arg_int(request, "wait_ms", -1) >= 0)
        fake_refuse(fake, request, "bad_argument", "never");
    else
        fake_answer_log(fake, request);
}

static void
test_polls(void **state)
{
    (void)state;
    struct watch watch = {0};
    begin(&watch, &(struct fake_options){.script = refuse_to_hold, .has_no_events = true});
    append_many(watch.fake, 18, true);
    assert_int_equal(kith_subscribe(watch.kith, NULL, append_one, &watch), KITH_STATUS_STOPPED);
    assert_int_equal(watch.event_count, 20);
    end(&watch);
}

/* Busy now and then, and in between it loses what it was asked. */
static void
be_difficult(struct fake *fake, const struct fake_request *request, void *context)
{
    (void)context;
    if (request->index % 5 == 1)
        fake_refuse(fake, request, "busy", "same_id");
    else if (request->index % 5 != 3)
        fake_answer_log(fake, request);
}

static void
test_busy_daemon(void **state)
{
    (void)state;
    struct watch watch = {0};
    begin(&watch, &(struct fake_options){.script = be_difficult});
    append_many(watch.fake, 18, true);
    assert_int_equal(kith_subscribe(watch.kith, NULL, append_one, &watch), KITH_STATUS_STOPPED);
    assert_int_equal(watch.event_count, 20);
    end(&watch);
}

/* --- hostile --- */

struct nonsense {
    struct slice hello, page;
};

static void
answer_nonsense(struct fake *fake, const struct fake_request *request, void *context)
{
    const struct nonsense *nonsense = context;
    bool is_hello = strcmp(request->op, "server.hello") == 0;
    fake_answer_encoded(fake, request, is_hello ? nonsense->hello : nonsense->page);
}

#define BYTES(literal)                                \
    {                                                 \
        (const uint8_t *)literal, sizeof(literal) - 1 \
    }
#define HELLO        \
    BYTES("\x82\xa5" \
          "epoch\x01\xa8last_seq\x09")

static void
test_bad_answers(void **state)
{
    (void)state;
    static const struct nonsense rows[] = {
        {BYTES("\x80"), BYTES("\x80")}, /* no epoch */
        {BYTES("\x81\xa5"
               "epoch\x90"),
         BYTES("\x80")},                                    /* an epoch that is a list */
        {HELLO, BYTES("\x80")},                             /* no next */
        {HELLO, BYTES("\xc0")},                             /* no map */
        {HELLO, BYTES("\x82\xa4next\x01\xa8last_seq\x09")}, /* next before the position */
        {HELLO, BYTES("\x83\xa4next\x08\xa8last_seq\x09\xa6"
                      "events\x91\x81\xa3seq\x09")}, /* behind next */
        {HELLO, BYTES("\x83\xa4next\x08\xa8last_seq\x09\xa6"
                      "events\x91\x81\xa3seq\x05")}, /* not new */
        {HELLO, BYTES("\x83\xa4next\x08\xa8last_seq\x09\xa6"
                      "events\x91\x07")}, /* no event */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct watch watch = {0};
        struct nonsense nonsense = rows[i];
        const struct kith_subscribe_options options = {.after = 5};
        begin(&watch, &(struct fake_options){.script = answer_nonsense, .context = &nonsense});
        assert_int_equal(kith_subscribe(watch.kith, &options, only_note, &watch),
                         KITH_STATUS_BAD_REPLY);
        end(&watch);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_until_caught_up), cmocka_unit_test(test_stop_at_once),
        cmocka_unit_test(test_trimmed),         cmocka_unit_test(test_position_beyond_log),
        cmocka_unit_test(test_gap_heals),       cmocka_unit_test(test_beat_reveals_loss),
        cmocka_unit_test(test_duplicates),      cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_types),           cmocka_unit_test(test_restart),
        cmocka_unit_test(test_epoch),           cmocka_unit_test(test_events_of_another),
        cmocka_unit_test(test_long_polls),      cmocka_unit_test(test_polls),
        cmocka_unit_test(test_busy_daemon),     cmocka_unit_test(test_bad_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
