/* What happens because its time has come: expiries, closed memberships, outcomes forgotten. */
#include "world.h"

#include "core/apply.h"

static unsigned
sweep(void)
{
    turn_begin();
    unsigned count = core_sweep(world.core, world.now_ms);
    turn_end();
    assert_int_equal(world.err, KITH_OK);
    return count;
}

/* --- expiry ---------------------------------------------------------------------------------- */

static void
test_what_is_due_goes_at_its_instant(void **state)
{
    (void)state;
    members("ada bob cy");
    done("connection.request", "{from: ada, to: bob}");
    world.now_ms += HOUR_MS;
    done("connection.request", "{from: cy, to: bob}");
    world.now_ms += 180 * DAY_MS - HOUR_MS - 1;
    assert_int_equal(sweep(), 0);
    world.now_ms += 1;
    assert_int_equal(sweep(), 1);
    expect("connection.counts", "{member: bob}", "ok {connections: 0, incoming: 1, outgoing: 0}");
    expect("connection.counts", "{member: ada}", "ok {connections: 0, incoming: 0, outgoing: 0}");
    world.now_ms += DAY_MS;
    assert_int_equal(sweep(), 1);
    assert_int_equal(sweep(), 0);
    expect("connection.request", "{from: cy, to: bob}", "cooldown {until: +4489h}");
    expect_rows();
}

/* Who asked may stand on either side of the row. */
static void
test_either_side_expires(void **state)
{
    (void)state;
    members("ada bob");
    done("connection.request", "{from: bob, to: ada}");
    world.now_ms += 180 * DAY_MS;
    assert_int_equal(sweep(), 1);
    expect("connection.status", "{viewer: ada, other: bob}", "ok {state: none, blocked: false}");
    expect("connection.request", "{from: bob, to: ada}", "cooldown {until: +187d}");
    expect_rows();
}

static void
test_invites_expire(void **state)
{
    (void)state;
    members("ada");
    done("invite.create", "{member: ada, contact: {kind: opaque, value: x}}");
    world.now_ms += 30 * DAY_MS - 1;
    sweep();
    assert_non_null(strstr(tell("invite.list", "{member: ada}"), "state: active"));
    world.now_ms += 1;
    assert_int_equal(sweep(), 1);
    assert_non_null(strstr(tell("invite.list", "{member: ada}"), "state: expired"));
}

static void
test_a_sweep_has_a_size(void **state)
{
    (void)state;
    register_many(CORE_SWEEP_MAX + 2);
    together();
    for (unsigned i = 1; i < CORE_SWEEP_MAX + 2; i++)
        done("connection.request", "{from: m0, to: m%u}", i);
    apart();
    world.now_ms += 180 * DAY_MS;
    assert_int_equal(sweep(), CORE_SWEEP_MAX);
    assert_int_equal(sweep(), 1);
    assert_int_equal(sweep(), 0);
}

/* --- closed members -------------------------------------------------------------------------- */

static void
test_a_closed_membership_ends_in_slices(void **state)
{
    (void)state;
    unsigned edges = CORE_SWEEP_MAX - 1;
    register_many(CORE_SWEEP_MAX + 3);
    connect_hub("m0", 1, edges);
    done("connection.request", "{from: m0, to: m%u}", CORE_SWEEP_MAX);
    done("connection.request", "{from: m%u, to: m0}", CORE_SWEEP_MAX + 1);
    done("member.block", "{member: m0, other: m%u}", CORE_SWEEP_MAX + 1);
    done("member.close", "{member: m0}");
    assert_int_equal(sweep(), CORE_SWEEP_MAX);
    assert_int_equal(sweep(), edges + 2 - CORE_SWEEP_MAX);
    assert_int_equal(sweep(), 0);
    struct member closed;
    member_row("m0", &closed);
    assert_int_equal(closed.connections + closed.outgoing + closed.received, 0);
    assert_int_equal(closing_first(store_views(world.store)), 0);
    expect("connection.counts", "{member: m1}", "ok {connections: 0, incoming: 0, outgoing: 0}");
    expect_rows();
}

static void
test_who_has_nothing_is_closed_at_once(void **state)
{
    (void)state;
    members("ada");
    done("member.close", "{member: ada}");
    assert_int_equal(closing_first(store_views(world.store)), 0);
    assert_int_equal(sweep(), 0);
}

/* --- invites of a contact that is somebody's now ------------------------------------------------
 */

/* m0 and so on invite the contact. */
static void
invite_many(unsigned count, const char *contact)
{
    together();
    for (unsigned i = 0; i < count; i++)
        done("invite.create", "{member: m%u, contact: {kind: opaque, value: %s}}", i, contact);
    apart();
}

static uint64_t
asked(const char *member)
{
    struct member row;
    member_row(member, &row);
    return row.received;
}

static void
test_a_backlog_is_converted_in_slices(void **state)
{
    (void)state;
    unsigned inviters = CORE_SWEEP_MAX;
    register_many(inviters);
    members("ada bob cy");
    invite_many(inviters, "a");
    invite_many(2 * CONVERT_COUNT_MAX, "b");
    together();
    for (unsigned i = 0; i < 2; i++)
        done("member.verify_contact", "{member: %s, contact: {kind: opaque, value: %s}}",
             i ? "bob" : "ada", i ? "b" : "a");
    apart();
    assert_int_equal(asked("ada") + asked("bob"), 2 * CONVERT_COUNT_MAX);

    /* What is left of either, and the end of each. */
    unsigned left = inviters - CONVERT_COUNT_MAX + 1 + CONVERT_COUNT_MAX + 1;
    assert_int_equal(sweep(), CORE_SWEEP_MAX);
    assert_int_equal(sweep(), left - CORE_SWEEP_MAX);
    assert_int_equal(sweep(), 0);
    assert_int_equal(asked("ada"), inviters);
    assert_int_equal(asked("bob"), 2 * CONVERT_COUNT_MAX);
    expect_rows();
}

/* Invites of who is gone are passed over, but not for ever. */
static void
test_a_backlog_of_who_is_gone_is_put_aside(void **state)
{
    (void)state;
    unsigned inviters = 3 * CONVERT_COUNT_MAX;
    register_many(inviters);
    members("ada");
    invite_many(inviters, "a");
    together();
    for (unsigned i = 1; i < inviters; i++)
        done("member.close", "{member: m%u}", i);
    apart();
    expect("member.verify_contact", "{member: ada, contact: {kind: opaque, value: a}}",
           "ok {converted: 1}");
    assert_int_equal(sweep(), inviters - CONVERT_COUNT_MAX + 1);
    assert_int_equal(sweep(), 0);
    assert_int_equal(asked("ada"), 1);
    expect_rows();
}

/* --- outcomes are forgotten ------------------------------------------------------------------ */

static const char *
again(void)
{
    return tell_as("first", "member.register", "{member: ada}");
}

static void
test_an_outcome_is_kept_for_exactly_seven_days(void **state)
{
    (void)state;
    again();
    world.now_ms += 7 * DAY_MS - 1;
    expect_text("a millisecond before", "reply", "dup {existing: false}", again());
    expect("command.lookup", "{id: first}",
           "ok {id: first, op: member.register, pos: 1, at: now, result: {existing: false}}");
    world.now_ms += 1;
    expect("command.lookup", "{id: first}", "ok nil");
    expect("command.lookup", "{id: never}", "ok nil");
    expect_text("at the instant: a new command", "reply", "ok {existing: true}", again());
    expect_text("and that is kept", "reply", "dup {existing: true}", again());
    expect_rows();
}

static void
test_what_is_kept_longer_goes_two_at_a_time(void **state)
{
    (void)state;
    struct views *views = store_views(world.store);
    register_many(6); /* k1 to k6 */
    world.now_ms += 7 * DAY_MS - 1;
    members("young"); /* k7 */
    assert_int_equal(dedupe_find(views, slice_str("k1")), 1);
    world.now_ms += 1;
    members("a");
    assert_int_equal(dedupe_find(views, slice_str("k1")), 0);
    assert_int_equal(dedupe_find(views, slice_str("k2")), 0);
    assert_int_equal(dedupe_find(views, slice_str("k3")), 3);
    members("b c");
    assert_int_equal(dedupe_find(views, slice_str("k6")), 0);
    members("d e");
    assert_int_equal(dedupe_find(views, slice_str("k7")), 7); /* young: the tail stays */
}

/* An id that was used again is not forgotten with its first use; an event without a command has
 * none to forget. */
static void
test_the_tail_passes_what_it_need_not_forget(void **state)
{
    (void)state;
    struct views *views = store_views(world.store);
    members("ada bob");
    done("connection.request", "{from: ada, to: bob}");
    again(); /* 4 */
    world.now_ms += 180 * DAY_MS;
    assert_int_equal(sweep(), 1); /* 5: the tail passes 1 and 2 */
    again();                      /* 6: and 3; then 4, whose id is taken by now */
    assert_int_equal(dedupe_find(views, slice_str("first")), 6);
    world.now_ms += 7 * DAY_MS;
    members("cy dee"); /* 5 is the daemon's own */
    assert_int_equal(dedupe_find(views, slice_str("first")), 0);
    expect_text("the same id is free", "reply", "ok {existing: true}", again());
    expect_rows();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_what_is_due_goes_at_its_instant),
        world_test(test_either_side_expires),
        world_test(test_invites_expire),
        world_test(test_a_sweep_has_a_size),
        world_test(test_a_closed_membership_ends_in_slices),
        world_test(test_who_has_nothing_is_closed_at_once),
        world_test(test_a_backlog_is_converted_in_slices),
        world_test(test_a_backlog_of_who_is_gone_is_put_aside),
        world_test(test_an_outcome_is_kept_for_exactly_seven_days),
        world_test(test_what_is_kept_longer_goes_two_at_a_time),
        world_test(test_the_tail_passes_what_it_need_not_forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
