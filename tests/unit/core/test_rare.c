/* Branches that only rare circumstances take: what is due and not swept, words that are lost, a
 * circle of friends that is large, outcomes that are forgotten. */
#include "world.h"

#include "core/graph.h"

static void
test_access_one_by_one(void **state)
{
    (void)state;
    members("ada bob");
    connect_two("ada", "bob");
    done("connection.set_access", "{member: ada, other: bob, messages: false}");
    done("connection.set_access", "{member: ada, other: bob, updates: false}");
    done("connection.set_access", "{member: ada, other: bob, updates: true}");
    expect("connection.access", "{viewer: ada, other: bob}", "ok {updates: true, messages: false}");
    done("connection.set_access", "{member: ada, other: bob, messages: true}");
    expect("connection.access", "{viewer: ada, other: bob}", "ok {updates: true, messages: true}");
    expect_rows();
}

/* The preview of a request where the last one is due, in either direction. */
static void
test_preview_of_what_is_due(void **state)
{
    (void)state;
    members("ada bob");
    done("connection.request", "{from: ada, to: bob}");
    together();
    world.now_ms += 180 * DAY_MS;
    expect("connection.preview", "{from: ada, to: bob}", "cooldown {until: +187d}");
    done("connection.preview", "{from: bob, to: ada}");
    apart();
    expect_rows();
}

/* What is due restricts who asked: the preview knows it as the request will. */
static void
test_preview_of_what_is_due_and_one_too_many(void **state)
{
    (void)state;
    struct tier *tier = &world.settings.tiers[0];
    char args[64];
    tier->connect_rate = tier->connect_hour = 0;
    tier->connect_day_new = tier->connect_week_new = 1000;
    world.settings.cooldown_expire = 0;
    members("bob");
    together();
    done("member.register", "{member: ada}");
    for (unsigned i = 0; i < 30; i++) {
        snprintf(args, sizeof(args), "{member: m%u}", i);
        done("member.register", args);
        snprintf(args, sizeof(args), "{from: ada, to: m%u}", i);
        done("connection.request", args);
        world.now_ms += 10 * MINUTE_MS;
    }
    done("connection.request", "{from: ada, to: bob}");
    world.now_ms = NOW + 181 * DAY_MS;
    done("connection.preview", "{from: bob, to: ada}");
    expect("connection.preview", "{from: ada, to: bob}",
           "restricted {level: 1, reason: low_acceptance, until: +182d}");
    expect("connection.request", "{from: ada, to: bob}",
           "restricted {level: 1, reason: low_acceptance, until: +182d}");
    apart();
    expect_rows();
}

static void
test_words_that_are_gone(void **state)
{
    (void)state;
    members("ada bob cyd");
    done("connection.request", "{from: ada, to: bob, note: 'we met'}");
    done("connection.request", "{from: cyd, to: bob, note: 'we met'}");
    done("connection.accept", "{member: bob, other: ada}");
    turn_begin();
    keys_del(store_keys(world.store), slice_str("ada"));
    keys_del(store_keys(world.store), slice_str("cyd"));
    turn_end();
    expect("connection.status", "{viewer: bob, other: ada}", "internal"); /* a key was lost */
    expect_rows();
}

/* Erased, and what was between him and others is not swept yet: his words are gone before. */
static void
test_words_that_are_erased(void **state)
{
    (void)state;
    members("ada bob");
    done("connection.request", "{from: ada, to: bob, note: 'we met'}");
    done("connection.outgoing", "{member: ada}");
    assert_non_null(strstr(outcome(), "note: 'we met'"));
    together();
    done("member.erase", "{member: ada}");
    done("connection.outgoing", "{member: ada}");
    assert_non_null(strstr(outcome(), "member: bob"));
    assert_null(strstr(outcome(), "note: "));
    apart();
    expect_rows();
}

/* Whose contact proves nothing: another's. */
static void
test_anothers_contact_is_no_proof(void **state)
{
    (void)state;
    members("ada bob cyd");
    done("member.update", "{member: bob, policy: {accept: proof}}");
    done("member.verify_contact", "{member: cyd, contact: {kind: opaque, value: c}}");
    done("connection.request", "{from: ada, to: bob, proof: {kind: opaque, value: c}}");
    done("connection.incoming", "{member: bob, queue: filtered}");
    assert_non_null(strstr(outcome(), "member: ada"));
    done("member.preapprove", "{member: bob, other: cyd}");
    done("connection.request", "{from: cyd, to: bob, proof: {kind: opaque, value: x}}");
    assert_non_null(strstr(outcome(), "connected"));
}

/* The first to expire need not be the first that was sent. */
static void
test_when_a_place_is_free(void **state)
{
    (void)state;
    static const msec_t ttls_ms[] = {20 * DAY_MS, 5 * DAY_MS, 10 * DAY_MS};
    char name[] = "b0";
    settings_add_tier(&world.settings, slice_str("small"))->pending_max_new = 3;
    members("b0 b1 b2");
    done("member.register", "{member: ada, tier: small}");
    for (unsigned i = 0; i < ARRAY_COUNT(ttls_ms); i++) {
        world.settings.request_ttl = ttls_ms[i];
        name[1] = (char)('0' + i);
        done("connection.request", "{from: ada, to: %s}", name);
    }
    done("quota.get", "{member: ada}");
    assert_non_null(strstr(outcome(), "next_free_at: +5d"));
}

/* The same voice twice within 90 days counts once. */
static void
test_reported_twice(void **state)
{
    (void)state;
    struct member ada;
    members("ada bob");
    world.settings.cooldown_withdraw = 0;
    done("connection.request", "{from: ada, to: bob}");
    done("connection.report", "{member: bob, other: ada, kind: spam}");
    done("connection.withdraw", "{member: ada, other: bob}");
    done("connection.request", "{from: ada, to: bob}");
    done("connection.report", "{member: bob, other: ada, kind: spam}");
    member_row("ada", &ada);
    assert_int_equal(ada.reports.size, 13);
}

static void
test_a_source_that_guesses(void **state)
{
    (void)state;
    char args[64];
    for (unsigned i = 0; i < GUESS_BURST; i++)
        expect("invite.claim", "{token: t, source: s}", "invite_invalid");
    if (strncmp(tell("invite.claim", "{token: t, source: s}"), "quota_exceeded", 14) != 0)
        expect_text("one more", "reply", "quota_exceeded", outcome());
    /* More sources than there are places: who has been quiet for longest is forgotten. */
    together();
    for (unsigned i = 0; i < 40000; i++) {
        world.now_ms += i % 3 == 0;
        snprintf(args, sizeof(args), "{token: t, source: s%u}", i);
        tell("invite.peek", args);
    }
    apart();
    expect_rows();
}

/* --- a large circle --------------------------------------------------------------------------- */

/* Somebody by that number, who is suspended: eve. */
static void
put_adjacent(uint64_t a, uint64_t b)
{
    uint8_t value[4], number[4];
    put_be32(number, (uint32_t)b);
    views_put(store_views(world.store), VIEW_NUMBER, slice_of(number, sizeof(number)),
              slice_str("eve"));
    struct list_key key = list_by_number(a, b);
    put_be32(value, (uint32_t)b);
    views_put(store_views(world.store), VIEW_ADJACENT, list_key_slice(&key),
              slice_of(value, sizeof(value)));
}

/* ada knows bob, who knows more than are ever counted; nearly all of them are suspended. */
static void
test_a_large_circle(void **state)
{
    (void)state;
    struct suggestion found[20];
    struct member ada;
    members("ada bob cyd eve");
    done("member.suspend", "{member: eve}");
    connect_two("ada", "bob");
    connect_two("bob", "cyd");
    turn_begin();
    for (uint64_t i = 0; i < 140000; i++)
        put_adjacent(2, 100 + i);
    member_row("ada", &ada);
    decision_clear(&world.core->decision, 0, NOW);
    assert_int_equal(graph_suggest(world.core, &ada, 20, found), 1);
    assert_int_equal(found[0].number, 3);
    store_abort(world.store);
    core_end(world.core, false);
}

static void
test_who_was_removed_is_not_suggested(void **state)
{
    (void)state;
    members("ada bob cyd dan");
    connect_two("ada", "bob");
    connect_two("bob", "cyd");
    connect_two("bob", "dan");
    connect_two("ada", "cyd");
    connect_two("dan", "cyd");
    done("connection.remove", "{member: ada, other: cyd}");
    done("connection.remove", "{member: dan, other: cyd}");
    expect("connection.suggest", "{member: cyd}", "ok {items: []}");
    expect("connection.suggest", "{member: ada}",
           "ok {items: [{member: dan, mutuals: 1, score: 1}]}");
    expect("connection.suggest", "{member: dan}",
           "ok {items: [{member: ada, mutuals: 1, score: 1}]}");
    expect_rows();
}

/* --- outcomes --------------------------------------------------------------------------------- */

/* The tail of what is kept, pushed by an event far ahead, over a record that says nothing. */
static void
test_outcomes_that_are_forgotten(void **state)
{
    (void)state;
    struct event event = {.seq = DEDUPE_KEPT_COUNT + 3, .at_ms = NOW};
    tell_as("k", "member.register", "{member: ada}");
    turn_begin();
    assert_int_equal(log_append(store_log(world.store), NOW, slice_str("?")), 2);
    assert_int_equal(dedupe_find(store_views(world.store), slice_str("k")), 1);
    apply_head(&world.core->apply, &event);
    assert_int_equal(dedupe_find(store_views(world.store), slice_str("k")), 0);
    store_abort(world.store);
    core_end(world.core, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_access_one_by_one),
        world_test(test_preview_of_what_is_due),
        world_test(test_preview_of_what_is_due_and_one_too_many),
        world_test(test_words_that_are_gone),
        world_test(test_words_that_are_erased),
        world_test(test_anothers_contact_is_no_proof),
        world_test(test_when_a_place_is_free),
        world_test(test_reported_twice),
        world_test(test_a_source_that_guesses),
        world_test(test_a_large_circle),
        world_test(test_who_was_removed_is_not_suggested),
        world_test(test_outcomes_that_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
