/* What subscribers read and leave: cursors, shared subscriptions, a member's own feed, and the
 * lines of the log. */
#include "world.h"

/* Answer the message in @room bytes, as in a batch that is nearly full. */
static const char *
tell_in(size_t room, const char *op, const char *args)
{
    struct envelope envelope;
    struct envelope_fault fault;
    struct reply_head head = {.in_batch = true};
    write_message(op, "q", args);
    assert_int_equal(envelope_open(buf_slice(&world.message), &envelope, &fault), KITH_OK);
    turn_begin();
    buf_clear(&world.reply);
    world.context.now_ms = world.now_ms;
    if (kith_ops[envelope.op].kind == KITH_KIND_COMMAND)
        execute_command(world.core, &envelope, &world.context, &head, room, &world.reply,
                        &world.wait);
    else
        execute_query(world.core, &envelope, &world.context, &head, room, &world.reply,
                      &world.wait);
    world.answer = CORE_REPLIED;
    turn_end();
    return outcome();
}

#define EXPECT_IN(room, op, args, expected) \
    expect_text(op " " args, "reply", expected, tell_in(REPLY_ITEM_SIZE_MAX + (room), op, args))

/* --- cursors ---------------------------------------------------------------------------------- */

static void
test_cursors(void **state)
{
    (void)state;
    members("ada bob");
    expect("cursor.commit", "{name: a, seq: 3}", "bad_argument {field: seq}");
    expect("cursor.get", "{name: a}", "not_found {field: name}");
    expect("cursor.delete", "{name: a}", "not_found {field: name}");
    expect("cursor.commit", "{name: a, seq: 1}", "ok {seq: 1}");
    expect("cursor.commit", "{name: a, seq: 0}", "ok {seq: 1}");
    expect("cursor.commit", "{name: b, seq: 2}", "ok {seq: 2}");
    expect("cursor.commit", "{name: c, seq: 2}", "ok {seq: 2}");
    expect("cursor.get", "{name: a}", "ok {seq: 1, lag: 1}");
    expect("cursor.list", "{limit: 1}", "ok {items: [{name: a, seq: 1, lag: 1}], next: a}");
    expect("cursor.list", "{limit: 501, after: a}",
           "ok {items: [{name: b, seq: 2, lag: 0}, {name: c, seq: 2, lag: 0}]}");
    EXPECT_IN(340, "cursor.list", "{}", "ok {items: [{name: a, seq: 1, lag: 1}], next: a}");
    EXPECT_IN(10, "cursor.list", "{}", "too_large");
    done("server.stats", "{}");
    assert_int_equal(world.stats.cursor_lag_max, 1);
    expect("cursor.delete", "{name: a}", "ok {seq: 1}");
    expect_rows();
}

/* A row that is damaged is listed without its place, and mended by the next commit. */
static void
test_a_damaged_cursor(void **state)
{
    (void)state;
    members("ada");
    turn_begin();
    state_put(store_state(world.store), STATE_CURSOR, slice_str("a"), slice_str("x"));
    turn_end();
    done("server.stats", "{}");
    expect("cursor.list", "{}", "ok {items: [{name: a}]}");
    expect_rows();
}

static void
test_too_many_cursors(void **state)
{
    (void)state;
    char name[16];
    members("ada");
    turn_begin();
    for (unsigned i = 0; i < KITH_CURSOR_COUNT_MAX; i++) {
        snprintf(name, sizeof(name), "c%u", i);
        state_put(store_state(world.store), STATE_CURSOR, slice_str(name),
                  slice_of("\0\0\0\0\0\0\0\1", 8));
    }
    turn_end();
    expect("cursor.commit", "{name: one, seq: 1}", "cap_reached");
    expect("cursor.commit", "{name: c7, seq: 1}", "ok {seq: 1}");
    expect_rows();
}

/* --- shared subscriptions ------------------------------------------------------------------------
 */

#define FETCH(more) "{name: n, worker: w, ack_ms: 1000" more "}"

static void
test_a_subscription(void **state)
{
    (void)state;
    members("ada bob cyd");
    expect("subscription.ack", "{name: n, seqs: [1]}", "not_found {field: name}");
    expect("subscription.parked", "{name: n}", "not_found {field: name}");
    expect("subscription.delete", "{name: n}", "not_found {field: name}");
    expect("subscription.fetch", FETCH(", after: 4"), "bad_argument {field: after}");
    done("subscription.fetch", FETCH(", limit: 2, types: [member.]"));
    done("subscription.fetch", FETCH(", limit: 2000"));
    expect("subscription.ack", "{name: n, seqs: [1, 9]}", "ok {acked: 1, open: 2, parked: 0}");
    expect("subscription.nack", "{name: n, seqs: [2, 9, 1], delay_ms: 10}",
           "ok {nacked: 1, open: 2, parked: 0}");
    expect("subscription.nack", "{name: n, seqs: [2]}", "ok {nacked: 0, open: 2, parked: 0}");
    expect("subscription.replay", "{name: n, seqs: [2]}", "ok {replayed: 0, open: 2, parked: 0}");
    done("subscription.fetch", FETCH(", types: [connection.]"));
    expect("subscription.delete", "{name: n}", "ok {}");
    expect_rows();
}

/* Handed out five times and never dealt with: parked, listed in pages, and replayed. */
static void
test_what_is_parked(void **state)
{
    (void)state;
    members("ada bob cyd");
    for (unsigned i = 0; i < KITH_TRIES_MAX; i++) {
        done("subscription.fetch", FETCH(""));
        world.now_ms += 1000;
    }
    done("subscription.parked", "{name: n, limit: 501}");
    done("subscription.parked", "{name: n, limit: 2}");
    if (!strstr(outcome(), "next: 2"))
        expect_text("a page", "reply", "next: 2", outcome());
    done("subscription.parked", "{name: n, after: 2}");
    if (strstr(outcome(), "seq: 1,"))
        expect_text("behind the second", "reply", "only the third", outcome());
    EXPECT_IN(600, "subscription.parked", "{name: n}", outcome());
    EXPECT_IN(10, "subscription.parked", "{name: n}", "too_large");
    expect("subscription.ack", "{name: n, seqs: [3]}", "ok {acked: 1, open: 0, parked: 2}");
    expect("subscription.replay", "{name: n, seqs: [2, 7]}",
           "ok {replayed: 1, open: 1, parked: 1}");
    expect("subscription.ack", "{name: n, seqs: [2]}", "ok {acked: 0, open: 1, parked: 1}");
    EXPECT_IN(10, "subscription.fetch", FETCH(""),
              "ok {items: [], open: 1, parked: 1, next: 3, last_seq: 3}");
    expect_rows();
}

static void
test_a_full_subscription(void **state)
{
    (void)state;
    register_many(KITH_OPEN_COUNT_MAX + 2);
    done("subscription.fetch", FETCH(", limit: 1"));
    for (unsigned i = 0; i < KITH_TRIES_MAX; i++) {
        world.now_ms += 1000;
        done("subscription.fetch", FETCH(", limit: 1"));
    }
    world.now_ms += 1000;
    done("subscription.fetch", FETCH(", limit: 1000"));
    expect("subscription.replay", "{name: n, seqs: [1]}",
           "ok {replayed: 0, open: 1000, parked: 1}");
    expect_rows();
}

static void
test_too_many_subscriptions(void **state)
{
    (void)state;
    char args[64];
    members("ada");
    together();
    for (unsigned i = 0; i < KITH_SUBSCRIPTION_COUNT_MAX; i++) {
        snprintf(args, sizeof(args), "{name: n%u, worker: w}", i);
        done("subscription.fetch", "%s", args);
    }
    apart();
    expect("subscription.fetch", "{name: one, worker: w}", "cap_reached");
    expect_rows();
}

static void
test_a_damaged_subscription(void **state)
{
    (void)state;
    members("ada");
    turn_begin();
    state_put(store_state(world.store), STATE_SUBSCRIPTION, slice_str("n"), slice_str("x"));
    turn_end();
    expect("subscription.fetch", "{name: n, worker: w}", "internal");
    expect_rows();
}

/* A filter passes over more than one turn looks at. */
static void
test_a_subscription_that_filters(void **state)
{
    (void)state;
    members("ada");
    together();
    for (unsigned i = 0; i < KITH_EVENT_SCAN_MAX; i++)
        done("clock.advance", "{ms: 0}");
    apart();
    expect("subscription.fetch", "{name: n, worker: w, types: [connection.]}",
           "ok {items: [], open: 0, parked: 0, next: 10000, last_seq: 10001}");
    expect("event.read", "{types: [connection.], audience: [ada]}",
           "ok {events: [], next: 10000, last_seq: 10001}");
    expect("event.read", "{types: [clock.], audience: [ada]}",
           "ok {events: [], next: 10000, last_seq: 10001}");
    expect_rows();
}

/* --- the log and a member's feed -----------------------------------------------------------------
 */

static void
test_pages_of_the_log(void **state)
{
    (void)state;
    members("ada bob");
    expect("event.read", "{member: ada, audience: [ada]}", "bad_argument {field: audience}");
    tell_in(REPLY_ITEM_SIZE_MAX + 10, "event.read", "{}");
    if (!strstr(outcome(), "next: 1,"))
        expect_text("one fits always", "reply", "next: 1", outcome());
    tell_in(REPLY_ITEM_SIZE_MAX + 10, "event.read", "{member: ada}");
    done("member.update", "{member: ada, tier: free}");
    tell_in(REPLY_ITEM_SIZE_MAX + 10, "event.read", "{member: ada}");
    if (!strstr(outcome(), "next: 1,"))
        expect_text("and of a feed", "reply", "next: 1", outcome());
    expect_rows();
}

static void
test_a_feed(void **state)
{
    (void)state;
    members("ada");
    done("member.update", "{member: ada, tier: free}");
    expect("event.read", "{member: ada, end: true}", "ok {events: [], next: 2, last_seq: 2}");
    done("event.read", "{member: ada, end: false, limit: 2000}");
    done("event.read", "{member: ada, since: %lld}", (long long)NOW);
    done("event.read", "{member: ada, after: 1, limit: 1}");
    expect("event.read", "{member: ada, after: 2, wait_ms: 5}", "waits");
    world.context.scanned = 2;
    expect("event.read", "{member: ada}", "ok {events: [], next: 2, last_seq: 2}");
    world.context.scanned = 0;
    world.context.last_try = true;
    expect("event.read", "{member: ada, after: 2, wait_ms: 5}",
           "ok {events: [], next: 2, last_seq: 2}");
    expect("event.read", "{member: ada, after: 2}", "ok {events: [], next: 2, last_seq: 2}");
    world.context.last_try = false;
    expect_rows();
}

/* A feed that is filtered is looked at in slices; who waits goes on at once. */
static void
test_a_feed_that_filters(void **state)
{
    (void)state;
    members("ada");
    together();
    for (unsigned i = 0; i < KITH_EVENT_SCAN_MAX; i++)
        done("member.update", "{member: ada, tier: %s}", i % 2 ? "free" : "premium");
    apart();
    expect("event.read", "{member: ada, types: [connection.], wait_ms: 5}", "waits");
    assert_int_equal(world.wait.wake_seq, last_seq());
    assert_int_equal(world.wait.scanned, KITH_EVENT_SCAN_MAX);
    expect("event.read", "{member: ada, types: [connection.]}",
           "ok {events: [], next: 10000, last_seq: 10001}");
    expect_rows();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_cursors),
        world_test(test_a_damaged_cursor),
        world_test(test_too_many_cursors),
        world_test(test_a_subscription),
        world_test(test_what_is_parked),
        world_test(test_a_full_subscription),
        world_test(test_too_many_subscriptions),
        world_test(test_a_damaged_subscription),
        world_test(test_a_subscription_that_filters),
        world_test(test_pages_of_the_log),
        world_test(test_a_feed),
        world_test(test_a_feed_that_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
