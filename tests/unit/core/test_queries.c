/* Questions: pages that stay in place while the list changes, items of a batch that is nearly full,
 * and what each query says of what it cannot answer. */
#include "world.h"

/* --- pages ----------------------------------------------------------------------------------- */

/* The members of one page, and its `next` ("" at the end). */
struct page_text {
    char members[2048], next[64];
};

static void
read_page(const char *op, const char *args, struct page_text *out)
{
    struct buf text = {0};
    struct reader reader;
    tell(op, args);
    struct slice result = map_find(buf_slice(&world.reply), "result");
    struct slice next = map_find(result, "next");
    assert_non_null(result.data);
    reader_init(&reader, map_find(result, "items"));
    for (uint32_t left = reader_array(&reader); left > 0; left--) {
        struct reader member;
        reader_init(&member, map_find(reader_skip(&reader), "member"));
        show(&text, text.size > 0 ? " " : "");
        show_text(&text, reader_str(&member));
    }
    snprintf(out->members, sizeof(out->members), "%s", shown(&text));
    out->next[0] = 0;
    if (next.data) {
        reader_init(&reader, next);
        struct slice place = reader_str(&reader);
        snprintf(out->next, sizeof(out->next), "%.*s", (int)place.size, place.data);
    }
    buf_fini(&text);
}

static void
read_after(const char *op, const char *member, unsigned limit, const char *after,
           struct page_text *out)
{
    char args[256], quoted[80] = "";
    if (after[0])
        snprintf(quoted, sizeof(quoted), "'%s'", after);
    snprintf(args, sizeof(args), "{%s%s%slimit: %u%s%s}", member ? "member: " : "",
             member ? member : "", member ? ", " : "", limit, after[0] ? ", after: " : "", quoted);
    read_page(op, args, out);
}

static void
test_a_page_goes_on_where_it_ended(void **state)
{
    (void)state;
    struct page_text page;
    register_many(7);
    connect_hub("m0", 1, 6);
    read_after("connection.list", "m0", 2, "", &page);
    expect_text("first", "page", "m6 m5", page.members);
    read_after("connection.list", "m0", 2, page.next, &page);
    expect_text("second", "page", "m4 m3", page.members);
    read_after("connection.list", "m0", 2, page.next, &page);
    expect_text("third", "page", "m2 m1", page.members);
    assert_string_equal(page.next, ""); /* exactly at its end */
    read_after("connection.list", "m0", 6, "", &page);
    assert_string_equal(page.next, "");
    read_after("connection.list", "m0", 5, "", &page);
    assert_string_not_equal(page.next, "");
    expect_rows();
}

/* Rows that come or go between two pages neither repeat nor hide others. */
static void
test_a_page_stays_in_place_while_the_list_changes(void **state)
{
    (void)state;
    struct page_text page;
    register_many(10);
    connect_hub("m0", 1, 6);
    read_after("connection.list", "m0", 2, "", &page);
    expect_text("first", "page", "m6 m5", page.members);
    connect_two("m0", "m7"); /* newer than all */
    done("connection.remove", "{member: m0, other: m6}");
    done("connection.remove", "{member: m5, other: m0}"); /* where the page ended */
    done("connection.remove", "{member: m0, other: m4}"); /* what would be next */
    read_after("connection.list", "m0", 2, page.next, &page);
    expect_text("second", "page", "m3 m2", page.members);
    done("connection.remove", "{member: m0, other: m1}");
    read_after("connection.list", "m0", 2, page.next, &page);
    expect_text("third", "page", "", page.members);
    assert_string_equal(page.next, "");
    expect_rows();
}

static void
test_who_is_suspended_is_left_out(void **state)
{
    (void)state;
    struct page_text page;
    register_many(5);
    connect_hub("m0", 1, 4);
    done("member.suspend", "{member: m3}");
    read_after("connection.list", "m0", 2, "", &page);
    expect_text("first", "page", "m4 m2", page.members);
    read_after("connection.list", "m0", 2, page.next, &page);
    expect_text("second", "page", "m1", page.members);
    expect("connection.counts", "{member: m0}", "ok {connections: 4, incoming: 0, outgoing: 0}");
    done("member.restore", "{member: m3}");
    read_after("connection.list", "m0", 4, "", &page);
    expect_text("restored", "page", "m4 m3 m2 m1", page.members);
    expect_rows();
}

static void
test_both_queues_are_one_list_by_time(void **state)
{
    (void)state;
    struct page_text page;
    register_many(5);
    members("ada");
    done("member.update", "{member: ada, policy: {accept: proof}}");
    done("member.verify_contact", "{member: ada, contact: {kind: opaque, value: right}}");
    for (unsigned i = 0; i < 5; i++)
        done("connection.request", "{from: m%u, to: ada, proof: {kind: opaque, value: %s}}", i,
             i % 2 ? "right" : "wrong");
    read_page("connection.incoming", "{member: ada, queue: main}", &page);
    expect_text("main", "page", "m3 m1", page.members);
    read_page("connection.incoming", "{member: ada, queue: filtered}", &page);
    expect_text("filtered", "page", "m4 m2 m0", page.members);
    read_page("connection.incoming", "{member: ada}", &page);
    expect_text("both", "page", "m4 m3 m2 m1 m0", page.members);
    read_after("connection.incoming", "ada", 2, "", &page);
    expect_text("both, first page", "page", "m4 m3", page.members);
    done("connection.decline", "{member: ada, other: m2}");
    read_after("connection.incoming", "ada", 2, page.next, &page);
    expect_text("both, second page", "page", "m1 m0", page.members);
    assert_string_equal(page.next, "");
    expect_rows();
}

static void
test_what_is_due_is_not_listed(void **state)
{
    (void)state;
    members("ada bob");
    done("connection.request", "{from: ada, to: bob}");
    world.now_ms += 180 * DAY_MS;
    write_message("connection.outgoing", "q", "{member: ada}");
    turn_begin(); /* and no sweep */
    execute();
    turn_end();
    expect_text("not swept yet", "reply", "ok {items: []}", outcome());
    expect_rows();
}

static void
test_a_place_is_of_its_list(void **state)
{
    (void)state;
    static const struct {
        const char *op, *after;
    } rows[] = {
        {"connection.list", "x"},
        {"connection.list", "ffffffffffffff"},     /* seven bytes */
        {"connection.list", "ffffffffffffffffff"}, /* nine */
        {"connection.list", "fffffffffffffffg"},
        {"connection.list", "FFFFFFFFFFFFFFFF"},
        {"connection.list", "f/ffffffffffffff"},
        {"connection.outgoing", "x"},
        {"connection.incoming", "x"},
        {"invite.list", "x"},
        {"member.blocks", "x"},
        {"member.preapprovals", "x"},
    };
    members("ada");
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        char args[128];
        snprintf(args, sizeof(args), "{member: ada, after: '%s'}", rows[i].after);
        expect_text(rows[i].after, rows[i].op, "bad_argument {field: after}",
                    tell(rows[i].op, args));
    }
    expect("member.list", "{after: x}", "bad_argument {field: after}");
    expect("connection.list", "{member: ada, after: ffffffffffffffff}", "ok {items: []}");
    expect("connection.list", "{member: ada, limit: 100000}", "ok {items: []}");
    expect_rows();
}

/* A page that leaves most rows out looks at so many, and may be short. */
static void
test_a_page_that_filters_has_an_end(void **state)
{
    (void)state;
    struct page_text page;
    members("ada");
    register_many(PAGE_SCAN_MAX + 2);
    connect_hub("ada", 0, 999);
    connect_hub("ada", 1000, 1999);
    connect_hub("ada", 2000, PAGE_SCAN_MAX + 1);
    together();
    for (unsigned i = 2; i < PAGE_SCAN_MAX + 2; i++)
        done("member.suspend", "{member: m%u}", i);
    apart();
    read_after("connection.list", "ada", 5, "", &page);
    expect_text("all left out", "page", "", page.members);
    assert_string_not_equal(page.next, "");
    read_after("connection.list", "ada", 5, page.next, &page);
    expect_text("the rest", "page", "m1 m0", page.members);
    expect_rows();
}

/* A list of long items ends its page where the message is full. */
static void
test_a_page_ends_where_the_message_is_full(void **state)
{
    (void)state;
    struct page_text page;
    unsigned seen = 0;
    members("ada");
    register_many(400);
    struct buf note = {0};
    for (unsigned i = 0; i < 1000; i++)
        show(&note, "wxyz");
    world.settings.note_max = 4000;
    together();
    for (unsigned i = 0; i < 400; i++)
        done("connection.request", "{from: m%u, to: ada, note: %.*s}", i, (int)note.size,
             note.data);
    apart();
    page.next[0] = 0;
    unsigned pages = 0;
    do {
        read_after("connection.incoming", "ada", 500, page.next, &page);
        assert_true(world.reply.size <= KITH_MESSAGE_SIZE_MAX);
        for (const char *at = page.members; (at = strchr(at, 'm')) != NULL; at++)
            seen++;
        pages++;
    } while (page.next[0]);
    assert_int_equal(seen, 400);
    assert_int_equal(pages, 2);
    buf_fini(&note);
}

/* --- mutuals --------------------------------------------------------------------------------- */

static void
test_mutuals_come_in_pages(void **state)
{
    (void)state;
    struct page_text page;
    register_many(5);
    members("ada bob");
    connect_hub("ada", 0, 4);
    connect_hub("bob", 0, 4);
    expect("connection.mutuals", "{viewer: ada, other: bob, limit: 2}",
           "ok {items: [{member: m0}, {member: m1}], count: 5, next: 00000002}");
    done("connection.remove", "{member: ada, other: m1}");
    done("member.block", "{member: m3, other: ada}");
    read_page("connection.mutuals", "{viewer: ada, other: bob, limit: 2, after: '00000002'}",
              &page);
    expect_text("second", "page", "m2 m4", page.members);
    assert_string_equal(page.next, "");
    expect("connection.mutuals", "{viewer: ada, other: bob, after: '0000002'}",
           "bad_argument {field: after}");
    expect("connection.mutuals", "{viewer: ada, other: bob, after: '0000000g'}",
           "bad_argument {field: after}");
    expect("connection.mutuals", "{viewer: ada, other: ada}", "self");
    expect("connection.mutuals", "{viewer: ada, other: nobody}", "no_such_member {field: other}");
    done("member.suspend", "{member: bob}");
    expect("connection.mutuals", "{viewer: ada, other: bob}", "no_such_member {field: other}");
    expect("connection.path", "{viewer: ada, other: bob}", "no_such_member {field: other}");
    expect_rows();
}

/* --- what cannot be answered ----------------------------------------------------------------- */

static void
test_unknown_members_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *op, *args, *expected;
    } rows[] = {
        {"member.get", "{member: x}", "no_such_member {field: member}"},
        {"member.get", "{}", "bad_argument {field: member}"},
        {"member.get", "{member: x, members: [y]}", "bad_argument {field: member}"},
        {"member.blocks", "{member: x}", "no_such_member {field: member}"},
        {"member.preapprovals", "{member: x}", "no_such_member {field: member}"},
        {"connection.status", "{viewer: x, other: ada}", "no_such_member {field: viewer}"},
        {"connection.status", "{viewer: ada}", "bad_argument {field: other}"},
        {"connection.status", "{viewer: ada, other: ada}", "ok {state: none, blocked: false}"},
        {"connection.status", "{viewer: ada, other: x}", "ok {state: none, blocked: false}"},
        {"connection.list", "{member: x}", "no_such_member {field: member}"},
        {"connection.incoming", "{member: x}", "no_such_member {field: member}"},
        {"connection.outgoing", "{member: x}", "no_such_member {field: member}"},
        {"connection.counts", "{member: x}", "no_such_member {field: member}"},
        {"connection.mutuals", "{viewer: x, other: ada}", "no_such_member {field: viewer}"},
        {"connection.path", "{viewer: x, other: ada}", "no_such_member {field: viewer}"},
        {"connection.suggest", "{member: x}", "no_such_member {field: member}"},
        {"connection.access", "{viewer: x, other: ada}", "no_such_member {field: viewer}"},
        {"connection.access", "{viewer: ada, other: x}", "no_such_member {field: other}"},
        {"connection.access", "{viewer: ada, other: ada}", "self"},
        {"connection.access", "{viewer: ada, other: bob}", "not_connected"},
        {"connection.preview", "{from: ada, to: ada}", "self"},
        {"connection.preview", "{from: x, to: ada}", "no_such_member {field: from}"},
        {"connection.preview", "{from: ada, to: x}", "no_such_member {field: to}"},
        {"invite.get", "{member: x, invite: y}", "no_such_member {field: member}"},
        {"invite.get", "{member: ada, invite: y}", "not_found {field: invite}"},
        {"invite.get", "{member: ada, invite: zzzzzzzzzzzzzzzz}", "not_found {field: invite}"},
        {"invite.list", "{member: x}", "no_such_member {field: member}"},
        {"quota.get", "{member: x}", "no_such_member {field: member}"},
        {"quota.get", "{member: ada}", "ok {}"},
        {"connection.suggest", "{member: ada, limit: 999}", "ok {items: []}"},
    };
    members("ada bob");
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++)
        expect_text(rows[i].args, rows[i].op, rows[i].expected, tell(rows[i].op, rows[i].args));
    expect_rows();
}

/* --- a profile ------------------------------------------------------------------------------- */

#define GET_ADA(policy, rest)                                                                     \
    "ok {member: ada, tier: free, state: active, registered_at: now, policy: {" policy "}, " rest \
    "counts: {connections: 0, incoming: 0, outgoing: 0, invites: 0}}"

static void
test_a_profile_tells_what_holds(void **state)
{
    (void)state;
    done("member.register", "{member: ada}");
    expect("member.get", "{member: ada}", GET_ADA("accept: everyone, auto_accept: none", ""));
    done("member.update", "{member: ada, policy: {auto_accept: 7}}");
    expect("member.get", "{member: ada}", GET_ADA("accept: everyone, auto_accept: 7", ""));
    done("member.update", "{member: ada, policy: {accept: mutual, auto_accept: all}}");
    expect("member.get", "{member: ada}", GET_ADA("accept: mutual, auto_accept: all", ""));
    done("restriction.set", "{member: ada, level: 5}");
    expect(
        "member.get", "{member: ada}",
        GET_ADA("accept: mutual, auto_accept: all", "restriction: {level: 5, reason: manual}, "));
    done("restriction.set", "{member: ada, level: 2}");
    expect("member.get", "{member: ada}",
           GET_ADA("accept: mutual, auto_accept: all",
                   "restriction: {level: 2, reason: manual, until: +3d}, "));
    expect("member.get", "{members: [ada, x]}",
           "ok {items: [{member: ada, tier: free, state: active, registered_at: now, policy: "
           "{accept: mutual, auto_accept: all}, restriction: {level: 2, reason: manual, until: "
           "+3d}, counts: {connections: 0, incoming: 0, outgoing: 0, invites: 0}}, "
           "{member: x, state: unknown}]}");
    expect_rows();
}

static void
test_approvals_tell_their_end(void **state)
{
    (void)state;
    members("ada bob cy");
    done("member.preapprove", "{member: ada, other: bob}");
    done("member.preapprove", "{member: ada, other: cy, ttl_ms: 86400000}");
    expect("member.preapprovals", "{member: ada}",
           "ok {items: [{member: cy, expires_at: +1d}, {member: bob}]}");
    done("member.suspend", "{member: bob}");
    world.now_ms += DAY_MS;
    expect("member.preapprovals", "{member: ada}", "ok {items: []}");
    done("member.block", "{member: cy, other: ada}");
    expect("member.blocks", "{member: cy}", "ok {items: [{member: ada}]}");
    expect_rows();
}

/* --- statistics ------------------------------------------------------------------------------ */

static void
refresh(void *context, struct stats *stats)
{
    stats->parked = *(const unsigned *)context;
}

static void
test_statistics_are_filled_in(void **state)
{
    (void)state;
    static unsigned parked = 42;
    struct reader reader;
    members("ada");
    world.core->refresh = refresh;
    world.core->refresh_context = &parked;
    tell("server.stats", "{}");
    struct slice result = map_find(buf_slice(&world.reply), "result");
    reader_init(&reader, map_find(result, "parked"));
    assert_int_equal(reader_uint(&reader), 42);
    reader_init(&reader, map_find(result, "members"));
    assert_int_equal(reader_uint(&reader), 1);
    reader_init(&reader, result);
    assert_int_equal(reader_map(&reader), stat_count);
}

static void
test_hello_says_whether_the_clock_is_ours(void **state)
{
    (void)state;
    assert_non_null(strstr(tell("server.hello", "{}"), "clock.advance"));
    world.core->clock_manual = false;
    assert_null(strstr(tell("server.hello", "{}"), "clock.advance"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_a_page_goes_on_where_it_ended),
        world_test(test_a_page_stays_in_place_while_the_list_changes),
        world_test(test_who_is_suspended_is_left_out),
        world_test(test_both_queues_are_one_list_by_time),
        world_test(test_what_is_due_is_not_listed),
        world_test(test_a_place_is_of_its_list),
        world_test(test_a_page_that_filters_has_an_end),
        world_test(test_a_page_ends_where_the_message_is_full),
        world_test(test_mutuals_come_in_pages),
        world_test(test_unknown_members_are_named),
        world_test(test_a_profile_tells_what_holds),
        world_test(test_approvals_tell_their_end),
        world_test(test_statistics_are_filled_in),
        world_test(test_hello_says_whether_the_clock_is_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
