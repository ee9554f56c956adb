/* Queries that wait, pages of the log, and the commands whose facts take some looking up. */
#include "world.h"

/* --- waiting --------------------------------------------------------------------------------- */

static void
test_a_poll_waits_for_something_to_say(void **state)
{
    (void)state;
    members("ada");
    expect("event.read", "{after: 1, wait_ms: 500}", "waits");
    assert_int_equal(world.wait.wake_seq, CORE_SEQ_NEVER);
    assert_int_equal(world.wait.wait_ms, 500);
    assert_int_equal(world.wait.scanned, 1);
    expect("event.read", "{after: 7, wait_ms: 500}", "waits");
    assert_int_equal(world.wait.wake_seq, 8); /* no event before is for it */
    assert_int_equal(world.wait.key_count, 0);
    expect("event.read", "{after: 1, wait_ms: 0}", "ok {events: [], next: 1, last_seq: 1}");
    expect("event.read", "{end: true, wait_ms: 500}", "waits");
    world.context.last_try = true;
    expect("event.read", "{after: 1, wait_ms: 500}", "ok {events: [], next: 1, last_seq: 1}");
    world.context.last_try = false;
    members("bob");
    world.context.scanned = 1;
    expect("event.read", "{types: [member.closed], wait_ms: 500}", "waits");
    assert_int_equal(world.wait.scanned, 2);
    world.context.has_scanned = true;
    world.context.scanned = 1; /* the end was there when the query came */
    assert_non_null(strstr(tell("event.read", "{end: true}"), "member: bob"));
    world.context.scanned = 2;
    expect("event.read", "{}", "ok {events: [], next: 2, last_seq: 2}"); /* looked at before */
    world.context.has_scanned = false;
    expect_rows();
}

static void
test_a_filtered_scan_goes_on_in_slices(void **state)
{
    (void)state;
    register_many(KITH_EVENT_SCAN_MAX + 5);
    expect("event.read", "{types: [member.closed], wait_ms: 500}", "waits");
    assert_int_equal(world.wait.scanned, KITH_EVENT_SCAN_MAX);
    assert_int_equal(world.wait.wake_seq, KITH_EVENT_SCAN_MAX + 5); /* at once */
    assert_null(core_wait_keys(world.core, &world.wait));
    expect("event.read", "{types: [member.closed]}",
           "ok {events: [], next: 10000, last_seq: 10005}");
    expect_rows();
}

/* What a poll waits for, and what is appended: does the one meet the other? */
static const struct {
    const char *poll, *op, *args;
    bool meets;
} meetings[] = {
    {"{wait_ms: 1, end: true}", "member.register", "{member: dan}", true},
    {"{wait_ms: 1, end: true, types: [member.]}", "member.register", "{member: eva}", true},
    {"{wait_ms: 1, end: true, types: [member.registered, invite.]}", "member.register",
     "{member: fay}", true},
    {"{wait_ms: 1, end: true, types: [connection.]}", "member.register", "{member: gus}", false},
    {"{wait_ms: 1, end: true, member: ada}", "member.register", "{member: hal}", false},
    {"{wait_ms: 1, end: true, member: ada}", "member.block", "{member: ada, other: bob}", true},
    {"{wait_ms: 1, end: true, member: bob}", "member.block", "{member: cid, other: bob}", false},
    {"{wait_ms: 1, end: true, member: cid}", "connection.request", "{from: ada, to: cid}", true},
    {"{wait_ms: 1, end: true, member: dan, types: [connection.accepted]}", "connection.request",
     "{from: ada, to: dan}", false},
    {"{wait_ms: 1, end: true, member: eva, types: [connection.requested]}", "connection.request",
     "{from: ada, to: eva}", true},
    {"{wait_ms: 1, end: true, member: fay, types: [conn, memb, invite., con]}", /* any of many */
     "connection.request", "{from: ada, to: fay}", true},
    {"{wait_ms: 1, end: true, audience: [cid, gus]}", "connection.request", "{from: ada, to: gus}",
     true},
    {"{wait_ms: 1, end: true, audience: [cid]}", "connection.request", "{from: ada, to: hal}",
     false},
    {"{wait_ms: 1, end: true, audience: [cid, ida], types: [connection.]}", "connection.request",
     "{from: ada, to: ida}", true},
    {"{wait_ms: 1, end: true, audience: [ada, cid], types: [connection.accepted]}",
     "connection.request", "{from: ada, to: jon}", false},
};

static void
test_a_wait_meets_what_it_waits_for(void **state)
{
    (void)state;
    members("ada bob cid ida jon");
    for (unsigned i = 0; i < ARRAY_COUNT(meetings); i++) {
        uint64_t waits[64];
        const uint64_t *keys;
        unsigned count;
        bool meets = false;
        assert_string_equal(tell("event.read", meetings[i].poll), "waits");
        struct core_wait wait = world.wait;
        assert_in_range(wait.key_count, 1, ARRAY_COUNT(waits));
        memcpy(waits, core_wait_keys(world.core, &wait), wait.key_count * sizeof(waits[0]));
        assert_false(core_wait_is_over(world.core, &wait));
        done(meetings[i].op, "%s", meetings[i].args);
        assert_true(core_woken(world.core, &keys, &count));
        for (unsigned key = 0; key < count; key++)
            for (unsigned own = 0; own < wait.key_count; own++)
                meets |= keys[key] == waits[own];
        if (meets != meetings[i].meets)
            fail_msg("%s and %s %s", meetings[i].poll, meetings[i].op, meetings[i].args);
    }
}

/* Where nobody waited when a batch began, whoever waits by its end is woken by anything. */
static void
test_a_quiet_batch_wakes_all(void **state)
{
    (void)state;
    const uint64_t *keys;
    unsigned count;
    members("ada bob");
    world.is_quiet = true;
    done("member.block", "{member: ada, other: bob}");
    assert_false(core_woken(world.core, &keys, &count));
    done("subscription.fetch", "{name: work, worker: w, ack_ms: 1000, limit: 1}");
    done("subscription.ack", "{name: work, seqs: [1]}");
    assert_false(core_woken(world.core, &keys, &count));
    world.is_quiet = false;
    done("member.unblock", "{member: ada, other: bob}");
    assert_true(core_woken(world.core, &keys, &count));
    assert_int_not_equal(count, 0);
    expect_rows();
}

/* One with many members has a key for each, and not for each of their types as well. */
static void
test_a_wait_for_many_has_few_keys(void **state)
{
    (void)state;
    struct buf poll = {0};
    char name[16];
    show(&poll, "{wait_ms: 1, end: true, types: [connection.], audience: [m0");
    for (unsigned i = 1; i < 200; i++) {
        snprintf(name, sizeof(name), ", m%u", i);
        show(&poll, name);
    }
    show(&poll, "]}");
    expect_text("200 members", "reply", "waits", tell("event.read", shown(&poll)));
    assert_int_equal(world.wait.key_count, 200);
    buf_fini(&poll);
    expect_rows();
}

static void
test_a_query_waits_for_a_position(void **state)
{
    (void)state;
    members("ada");
    expect_text("there", "reply", "ok {connections: 0, incoming: 0, outgoing: 0}",
                send_text("{v: 1, op: connection.counts, min_pos: 1, args: {member: ada}}"));
    expect_text("not yet", "reply", "waits",
                send_text("{v: 1, op: connection.counts, min_pos: 2, args: {member: ada}}"));
    assert_int_equal(world.wait.wake_seq, 2);
    assert_int_equal(world.wait.wait_ms, KITH_MIN_POS_MS_MAX);
    world.context.last_try = true;
    expect_text("not in time", "reply", "lagging",
                send_text("{v: 1, op: connection.counts, min_pos: 2, args: {member: ada}}"));
    expect_rows();
}

/* --- pages of the log ------------------------------------------------------------------------ */

static void
test_a_page_of_the_log_has_a_size(void **state)
{
    (void)state;
    struct reader reader;
    register_many(5000);
    tell("event.read", "{limit: 100000}");
    struct slice result = map_find(buf_slice(&world.reply), "result");
    reader_init(&reader, map_find(result, "next"));
    assert_int_equal(reader_uint(&reader), KITH_EVENT_LIMIT_MAX);
    reader_init(&reader, map_find(result, "events"));
    assert_int_equal(reader_array(&reader), KITH_EVENT_LIMIT_MAX);
}

/* The third page has what room the first two leave in the reply, and no event is lost. */
static void
test_a_page_ends_where_the_message_is_full(void **state)
{
    (void)state;
    struct reader items, reader;
    together();
    for (unsigned i = 0; i < 1000; i++)
        done("member.register", "{member: 'm%063u', tier: unlimited}", i);
    for (unsigned i = 0; i < 999; i++) /* about 420 bytes each */
        done("connection.request", "{from: 'm%063u', to: 'm%063u'}", i, i + 1);
    apart();
    send_text("{v: 1, batch: [{op: event.read, args: {limit: 1000, after: 1000}}, "
              "{op: event.read, args: {limit: 1000, after: 1000}}, "
              "{op: event.read, args: {limit: 1000, after: 1000}}]}");
    assert_true(world.reply.size <= KITH_MESSAGE_SIZE_MAX);
    reader_init(&items, map_find(buf_slice(&world.reply), "batch"));
    assert_int_equal(reader_array(&items), 3);
    for (unsigned i = 0; i < 3; i++) {
        struct slice result = map_find(reader_skip(&items), "result");
        assert_non_null(result.data);
        reader_init(&reader, map_find(result, "events"));
        uint32_t count = reader_array(&reader);
        assert_true(i < 2 ? count == 999 : count > 0 && count < 999);
        reader_init(&reader, map_find(result, "next"));
        assert_int_equal(reader_uint(&reader), 1000 + count);
    }
}

static void
test_where_to_begin(void **state)
{
    (void)state;
    members("ada");
    world.now_ms += DAY_MS;
    members("bob");
    expect("event.read", "{after: 0, end: true}", "bad_argument {field: after}");
    expect("event.read", "{after: 0, since: 0}", "bad_argument {field: after}");
    expect("event.read", "{end: true}", "ok {events: [], next: 2, last_seq: 2}");
    expect("event.read", "{after: 7}", "ok {events: [], next: 7, last_seq: 2}");
    assert_non_null(strstr(tell("event.read", "{since: 1736503200001}"), "events: [{v: 1, seq: 2"));
    assert_non_null(strstr(tell("event.read", "{end: false, types: [member.]}"), "seq: 1"));
    expect("event.read", "{types: [connection.]}", "ok {events: [], next: 2, last_seq: 2}");
    expect_rows();
}

/* --- facts that take some looking up --------------------------------------------------------- */

static void
test_contacts_that_are_none(void **state)
{
    (void)state;
    expect("member.register", "{member: ada, contacts: [{kind: email, value: x}]}",
           "bad_contact {field: contacts}");
    expect("member.register",
           "{member: ada, contacts: [{kind: opaque, value: a}, {kind: opaque, value: b}, "
           "{kind: opaque, value: ' a'}]}",
           "ok {existing: false}");
    assert_int_equal(last_seq(), 3); /* the same one twice is verified once */
    expect("member.verify_contact", "{member: ada, contact: {kind: phone, value: x}}",
           "bad_contact {field: contact}");
    expect("member.drop_contact", "{member: ada, contact: {kind: phone, value: x}}",
           "bad_contact {field: contact}");
    expect("member.verify_contact", "{member: x, contact: {kind: opaque, value: x}}",
           "no_such_member {field: member}");
    expect("member.drop_contact", "{member: ada, contact: {kind: opaque, value: x}}",
           "not_found {field: contact}");
    expect("invite.create", "{member: ada, contact: {kind: email, value: x}}",
           "bad_contact {field: contact}");
    expect("invite.redeem", "{token: t, member: b, contact: {kind: email, value: x}}",
           "bad_contact {field: contact}");
    expect("member.erase", "{member: x}", "no_such_member {field: member}");
    expect_rows();
}

static void
test_proofs_and_hints(void **state)
{
    (void)state;
    members("ada bob");
    done("member.update", "{member: bob, policy: {accept: proof}}");
    done("connection.request", "{from: ada, to: bob, proof: {kind: phone, value: none}, hints: "
                               "{viewed_profile: false, shared_interests: [tea]}}");
    assert_non_null(strstr(tell("connection.incoming", "{member: bob}"), "queue: filtered"));
    expect("connection.preview",
           "{from: bob, to: ada, hints: {viewed_profile: false, shared_interests: [tea]}}",
           "ok {state: connected, quota: {}, advice: [no_reason, profile_not_viewed, "
           "shared_interests]}");
    expect_rows();
}

static void
test_declining_all_of_nobody(void **state)
{
    (void)state;
    members("ada bob cy");
    done("connection.request", "{from: bob, to: ada}");
    done("connection.request", "{from: cy, to: ada}");
    expect("connection.decline_all", "{member: x}", "no_such_member {field: member}");
    expect("connection.decline_all", "{member: ada, queue: filtered}",
           "ok {declined: 0, more: false}");
    expect("connection.decline_all", "{member: ada, queue: main}", "ok {declined: 2, more: false}");
    expect("connection.decline_all", "{member: ada}", "ok {declined: 0, more: false}");
    expect_rows();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_a_poll_waits_for_something_to_say),
        world_test(test_a_filtered_scan_goes_on_in_slices),
        world_test(test_a_wait_meets_what_it_waits_for),
        world_test(test_a_quiet_batch_wakes_all),
        world_test(test_a_wait_for_many_has_few_keys),
        world_test(test_a_query_waits_for_a_position),
        world_test(test_a_page_of_the_log_has_a_size),
        world_test(test_a_page_ends_where_the_message_is_full),
        world_test(test_where_to_begin),
        world_test(test_contacts_that_are_none),
        world_test(test_proofs_and_hints),
        world_test(test_declining_all_of_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
