/* What subscribers read and leave: cursors, shared subscriptions, a member's own feed, and the
 * lines of the log. */
#include "world.h"

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
    expect_in(340, "cursor.list", "{}", "ok {items: [{name: a, seq: 1, lag: 1}], next: a}");
    expect_in(10, "cursor.list", "{}", "too_large");
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
    char large[8 + KITH_MEMBER_SIZE_MAX + 2] = "";
    memset(large, 'x', sizeof(large) - 1);
    turn_begin();
    state_put(store_state(world.store), STATE_CURSOR, slice_str("a"), slice_str("x"));
    state_put(store_state(world.store), STATE_CURSOR, slice_str("b"), slice_str(large));
    turn_end();
    done("server.stats", "{}");
    expect("cursor.list", "{}", "ok {items: [{name: a}, {name: b}]}");
    expect_rows();
}

/* Numbers of a feed are not those of the log. */
static void
test_a_cursor_of_a_feed(void **state)
{
    (void)state;
    members("ada bob");
    done("member.update", "{member: ada, tier: free}");
    done("member.update", "{member: ada, tier: premium}");
    expect("cursor.commit", "{name: a, member: nobody, seq: 1}", "no_such_member {field: member}");
    expect("cursor.commit", "{name: a, member: ada, seq: 4}", "bad_argument {field: seq}");
    expect("cursor.commit", "{name: a, member: ada, seq: 2}", "ok {seq: 2}");
    expect("cursor.commit", "{name: a, member: ada, seq: 1}", "ok {seq: 2}");
    expect("cursor.commit", "{name: a, member: bob, seq: 1}", "bad_argument {field: member}");
    expect("cursor.commit", "{name: a, seq: 3}", "bad_argument {field: member}");
    expect("cursor.get", "{name: a}", "ok {member: ada, seq: 2, lag: 1}");
    /* One without a member becomes one of a member, even where that sets it back. */
    expect("cursor.commit", "{name: b, seq: 4}", "ok {seq: 4}");
    expect("cursor.commit", "{name: b, member: ada, seq: 3}", "ok {seq: 3}");
    expect("cursor.list", "{}",
           "ok {items: [{name: a, member: ada, seq: 2, lag: 1}, {name: b, member: ada, seq: 3, "
           "lag: 0}]}");
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
    expect_in(600, "subscription.parked", "{name: n}", outcome());
    expect_in(10, "subscription.parked", "{name: n}", "too_large");
    expect("subscription.ack", "{name: n, seqs: [3]}", "ok {acked: 1, open: 0, parked: 2}");
    expect("subscription.replay", "{name: n, seqs: [2, 7]}",
           "ok {replayed: 1, open: 1, parked: 1}");
    expect("subscription.ack", "{name: n, seqs: [2]}", "ok {acked: 0, open: 1, parked: 1}");
    expect_in(10, "subscription.fetch", FETCH(""),
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

/* --- a fetch that waits ------------------------------------------------------------------------
 */

/* Is there one among what the batch had that the wait has a key of? */
static bool
wakes(const struct core_wait *wait)
{
    uint64_t own[64];
    const uint64_t *keys;
    unsigned count;
    assert_in_range(wait->key_count, 1, ARRAY_COUNT(own));
    memcpy(own, core_wait_keys(world.core, wait), wait->key_count * sizeof(own[0]));
    assert_true(core_woken(world.core, &keys, &count));
    for (unsigned i = 0; i < count * wait->key_count; i++)
        if (keys[i / wait->key_count] == own[i % wait->key_count])
            return true;
    return false;
}

/* How a wait of @args goes on after what happens in the same batch. */
static bool
is_woken_by(const char *args, const char *op, const char *format, ...)
{
    char later[128];
    va_list values;
    va_start(values, format);
    vsnprintf(later, sizeof(later), format, values);
    va_end(values);
    together();
    assert_string_equal(tell("subscription.fetch", args), "waits");
    struct core_wait wait = world.wait;
    done(op, "%s", later);
    apart();
    assert_true(core_wait_is_over(world.core, &wait)); /* whatever it was */
    return wakes(&wait);
}

#define WAIT(more) FETCH(", wait_ms: 500" more)

static void
test_a_fetch_waits(void **state)
{
    (void)state;
    members("ada bob");
    done("subscription.fetch", FETCH(", wait_ms: 500")); /* there is something */
    expect("subscription.fetch", FETCH(", wait_ms: 0"),
           "ok {items: [], open: 2, parked: 0, next: 2, last_seq: 2}");
    world.context.last_try = true;
    expect("subscription.fetch", WAIT(""),
           "ok {items: [], open: 2, parked: 0, next: 2, last_seq: 2}");
    world.context.last_try = false;
    assert_true(is_woken_by(WAIT(""), "member.update", "{member: ada, tier: free}"));
    done("subscription.ack", "{name: n, seqs: [1, 2]}");
    done("subscription.fetch", FETCH(""));
    assert_true(is_woken_by(WAIT(""), "subscription.nack", "{name: n, seqs: [3]}"));
    done("subscription.fetch", FETCH(""));
    assert_true(is_woken_by(WAIT(", types: [member.]"), "clock.advance", "{ms: 0}"));
    assert_false(
        is_woken_by(WAIT(", types: [invite.]"), "member.block", "{member: ada, other: bob}"));
    expect_rows();
}

/* With the system's clock it also waits for the moment at which something may be handed out. */
static void
test_a_fetch_waits_for_a_deadline(void **state)
{
    (void)state;
    world_close();
    world.clock_is_systems = true;
    world_open();
    world_replay();
    expect("subscription.fetch", WAIT(""), "waits"); /* there is no such subscription yet */
    assert_int_equal(world.wait.again_ms, 0);
    members("ada bob cyd");
    done("subscription.fetch", FETCH(", limit: 2"));
    done("subscription.fetch", "{name: n, worker: w, ack_ms: 5000}");
    done("member.update", "{member: ada, tier: free}"); /* held back behind her first event */
    world.now_ms += 300;
    expect("subscription.fetch", WAIT(""), "waits");
    assert_int_equal(world.wait.again_ms, 700);
    world.now_ms += 695;
    expect("subscription.fetch", WAIT(""), "waits");
    assert_int_equal(world.wait.again_ms, 10); /* not without end */
    done("subscription.nack", "{name: n, seqs: [3], delay_ms: 2}");
    done("subscription.nack", "{name: n, seqs: [2], delay_ms: 8000}");
    done("subscription.ack", "{name: n, seqs: [1]}");
    world.now_ms += 2;
    done("subscription.fetch", WAIT(", limit: 2"));
    expect("subscription.fetch", WAIT(""), "waits");
    assert_int_equal(world.wait.again_ms, 1000);
    world.clock_is_systems = false;
    expect_rows();
}

/* It looks at further events only while there is room for them, and stores now and then how far it
 * has come. */
static void
test_a_fetch_that_finds_nothing(void **state)
{
    (void)state;
    register_many(KITH_OPEN_COUNT_MAX + 2);
    done("subscription.fetch", FETCH(", limit: 1000"));
    expect("subscription.fetch", WAIT(""), "waits"); /* all are out */
    assert_int_equal(world.wait.wake_seq, CORE_SEQ_NEVER);
    assert_int_equal(world.wait.scanned, KITH_OPEN_COUNT_MAX);
    done("subscription.delete", "{name: n}");
    expect("subscription.fetch", WAIT(", types: [invite.]"), "waits");
    assert_int_equal(world.wait.scanned, KITH_OPEN_COUNT_MAX + 2);
    together();
    for (unsigned i = 0; i < KITH_EVENT_SCAN_MAX + 1; i++)
        done("clock.advance", "{ms: 0}");
    apart();
    expect("subscription.fetch", WAIT(", types: [invite.]"), "waits");
    assert_int_equal(world.wait.wake_seq, last_seq()); /* at once: the scan was cut */
    expect("subscription.fetch", FETCH(", types: [invite.]"),
           "ok {items: [], open: 0, parked: 0, next: 11003, last_seq: 11003}");
    expect_rows();
}

/* More may be handed out than are asked for. */
static void
test_a_fetch_of_some(void **state)
{
    (void)state;
    members("ada bob cyd");
    done("subscription.fetch", FETCH(""));
    world.now_ms += 1000;
    done("subscription.fetch", FETCH(", limit: 2"));
    if (!strstr(outcome(), "seq: 2,") || strstr(outcome(), "seq: 3,"))
        expect_text("two of three", "reply", "the first two", outcome());
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
    world.context.scanned = 1; /* the end was there when the query came */
    world.context.has_scanned = true;
    done("event.read", "{member: ada, end: true}");
    if (!strstr(outcome(), "seq: 2,"))
        expect_text("what came since", "reply", "seq: 2", outcome());
    world.context.has_scanned = false;
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
        world_test(test_a_cursor_of_a_feed),
        world_test(test_too_many_cursors),
        world_test(test_a_subscription),
        world_test(test_what_is_parked),
        world_test(test_a_full_subscription),
        world_test(test_too_many_subscriptions),
        world_test(test_a_damaged_subscription),
        world_test(test_a_fetch_waits),
        world_test(test_a_fetch_waits_for_a_deadline),
        world_test(test_a_fetch_that_finds_nothing),
        world_test(test_a_fetch_of_some),
        world_test(test_a_subscription_that_filters),
        world_test(test_pages_of_the_log),
        world_test(test_a_feed),
        world_test(test_a_feed_that_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
