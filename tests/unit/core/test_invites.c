/* Commands and queries on invites, through the store: what they load, and what only shows when
 * something has not been swept, was moved, or comes in numbers. */
#include "world.h"

#include "core/rows/invite.h"
#include "store/secrets.h"

#define EMAIL(name) "contact: {kind: email, value: '" name "'}"

static char first[64], second[64];

/* The text under @name in the last result, kept. */
static void
keep(const char *name, char out[64])
{
    struct reader reader;
    reader_init(&reader, map_find(map_find(buf_slice(&world.reply), "result"), name));
    struct slice text = reader_str(&reader);
    assert_true(text.size > 0 && text.size < 64);
    memcpy(out, text.data, text.size);
    out[text.size] = 0;
}

static const char *
args(const char *format, ...)
{
    static char text[8][512];
    static unsigned turn_of;
    va_list values;
    char *out = text[turn_of++ % 8];
    va_start(values, format);
    vsnprintf(out, sizeof(text[0]), format, values);
    va_end(values);
    return out;
}

#define EXPECT(op, arguments, expected) expect_text(op, "reply", expected, tell(op, arguments))

/* Does the last answer say @text? */
static void
says(const char *row, const char *text, bool wanted)
{
    if ((strstr(outcome(), text) != NULL) != wanted)
        expect_text(row, "reply", text, outcome());
}

/* --- what is named ---------------------------------------------------------------------------- */

static void
test_what_is_no_invite(void **state)
{
    (void)state;
    members("ada bob");
    expect("invite.revoke", "{member: ada, invite: nonsense}", "not_found {field: invite}");
    expect("invite.get", "{member: ada, invite: nonsense}", "not_found {field: invite}");
    expect("invite.feedback", "{invite: nonsense, delivery: sent}", "not_found {field: invite}");
    expect("invite.claim", "{token: nonsense}", "invite_invalid");
    expect("invite.decline", "{token: nonsense}", "invite_invalid");
    expect("invite.peek", "{token: nonsense, source: s}", "invite_invalid");
    expect("invite.redeem", "{member: cyd, token: a, claim: b}", "bad_argument {field: token}");
    expect("invite.redeem", "{member: cyd}", "bad_argument {field: token}");
    expect("invite.redeem", "{member: cyd, token: a, contact: {kind: email, value: x}}",
           "bad_contact {field: contact}");
    expect("invite.create", "{member: ada, contact: {kind: email, value: x}}",
           "bad_contact {field: contact}");
    expect("contact.suppress", "{contact: {kind: email, value: x}}",
           "bad_contact {field: contact}");
    expect("contact.unsuppress", "{member: ada, contact: {kind: email, value: x}}",
           "bad_contact {field: contact}");
    expect("contact.suppress", "{member: cyd, " EMAIL("a@ex.com") "}",
           "no_such_member {field: member}");
    expect("contact.unsuppress", "{member: cyd, " EMAIL("a@ex.com") "}",
           "no_such_member {field: member}");
    expect_rows();
}

static void
test_a_source_that_is_right(void **state)
{
    (void)state;
    members("ada");
    done("invite.create", "{member: ada, " EMAIL("zoe@ex.com") "}");
    keep("token", first);
    for (unsigned i = 0; i < 12; i++)
        done("invite.peek", "{token: '%s', source: s}", first);
    expect_rows();
}

static void
test_links_and_mails_are_told_apart(void **state)
{
    (void)state;
    members("ada");
    done("invite.link", "{member: ada}");
    keep("invite", first);
    EXPECT("invite.resend", args("{member: ada, invite: '%s'}", first),
           "bad_argument {field: invite}");
    EXPECT("invite.feedback", args("{invite: '%s', delivery: sent}", first),
           "bad_argument {field: invite}");
    EXPECT("invite.revoke", args("{member: ada, invite: '%s'}", first), "ok {}");
    expect_rows();
}

static void
test_a_claim_ends(void **state)
{
    (void)state;
    members("ada");
    done("invite.create", "{member: ada, " EMAIL("zoe@ex.com") "}");
    keep("token", first);
    done("invite.claim", "{token: '%s'}", first);
    world.now_ms += 59 * MINUTE_MS;
    done("invite.claim", "{token: '%s'}", first);
    keep("claim", second);
    world.now_ms += 59 * MINUTE_MS; /* the first is over and forgotten, the second holds */
    done("invite.claim", "{token: '%s'}", first);
    world.now_ms += MINUTE_MS;
    EXPECT("invite.redeem", args("{claim: '%s', member: zoe}", second), "invite_invalid");
    expect_rows();
}

/* --- not swept yet ---------------------------------------------------------------------------- */

/* What is due within a turn expires before anything is decided about it. */
static void
test_an_invite_that_is_due(void **state)
{
    (void)state;
    members("ada");
    done("invite.create", "{member: ada, " EMAIL("zoe@ex.com") "}");
    keep("invite", first);
    keep("token", second);
    together();
    world.now_ms += 30 * DAY_MS;
    EXPECT("invite.claim", args("{token: '%s'}", second), "invite_invalid");
    EXPECT("invite.claim", args("{token: '%s'}", second), "invite_invalid");
    EXPECT("invite.get", args("{member: ada, invite: '%s'}", first),
           args("ok {invite: %s, kind: email, state: expired, inviter: ada, created_at: now, "
                "expires_at: +30d, resends: 0}",
                first));
    apart();
    expect_rows();
}

static void
test_a_masked_request_that_is_due(void **state)
{
    (void)state;
    members("ada bob");
    done("member.verify_contact", "{member: bob, " EMAIL("bob@ex.com") "}");
    done("invite.create", "{member: ada, " EMAIL("bob@ex.com") "}");
    together();
    world.now_ms += 30 * DAY_MS;
    expect("connection.accept", "{member: bob, other: ada}", "no_request");
    apart();
    done("invite.create", "{member: bob, " EMAIL("zoe@ex.com") "}");
    expect_rows();
}

/* A thousand that have expired and wait to be swept hide those behind them. */
static void
test_many_that_have_expired(void **state)
{
    (void)state;
    struct views *views = store_views(world.store);
    struct invite invite, found;
    struct public_id id;
    members("ada");
    done("invite.create", "{member: ada, " EMAIL("zoe@ex.com") "}");
    keep("invite", first);
    assert_true(public_id_parse(slice_str(first), &id));
    invite_load(views, &id, &invite);
    uint8_t hash[CONTACT_HASH_SIZE];
    memcpy(hash, invite.contact.data, sizeof(hash));
    invite.contact = slice_of(hash, sizeof(hash));
    turn_begin();
    assert_true(invite_load_next(views, invite.contact, 0, NOW, &found));
    assert_false(invite_load_next(views, invite.contact, 0, NOW + 30 * DAY_MS, &found));
    for (unsigned i = 0; i < INVITED_SCAN_MAX; i++) {
        invite.seq++;
        invite_invited(views, &invite, true);
    }
    assert_false(invite_load_next(views, invite.contact, 0, NOW + 30 * DAY_MS, &found));
    store_abort(world.store);
    core_end(world.core, false);
}

/* --- whose contact it is ------------------------------------------------------------------------
 */

static void
test_contacts_of_members(void **state)
{
    (void)state;
    members("ada bob cyd dan");
    done("member.update", "{member: bob, policy: {accept: mutual, auto_accept: none}}");
    done("member.verify_contact", "{member: bob, " EMAIL("bob@ex.com") "}");
    expect("member.verify_contact", "{member: bob, " EMAIL("bob@ex.com") "}", "ok {converted: 0}");
    expect("member.drop_contact", "{member: ada, " EMAIL("bob@ex.com") "}",
           "not_found {field: contact}");
    expect("contact.unsuppress", "{member: ada, " EMAIL("bob@ex.com") "}",
           "forbidden {field: contact}");
    expect("invite.create", "{member: bob, " EMAIL("bob@ex.com") "}", "self");
    /* Only who knows one of his: ada does, cyd does not. */
    connect_two("ada", "dan");
    connect_two("bob", "dan");
    done("invite.create", "{member: ada, " EMAIL("bob@ex.com") "}");
    done("invite.create", "{member: cyd, " EMAIL("bob@ex.com") "}");
    keep("invite", first);
    done("connection.incoming", "{member: bob}");
    says("asks", "member: ada", true);
    says("does not", "member: cyd", false);
    world.now_ms += 4 * DAY_MS;
    done("invite.resend", "{member: cyd, invite: '%s'}", first);
    done("member.drop_contact", "{member: bob, " EMAIL("bob@ex.com") "}");
    expect_rows();
}

/* He invited himself before the contact was his; another inviter has closed; a third one asks. */
static void
test_who_is_not_asked_for(void **state)
{
    (void)state;
    members("ada bob cyd dan");
    done("member.update", "{member: ada, policy: {accept: mutual}}");
    connect_two("ada", "dan");
    connect_two("bob", "dan");
    done("invite.create", "{member: ada, " EMAIL("a@ex.com") "}");
    keep("invite", first);
    done("invite.create", "{member: bob, " EMAIL("a@ex.com") "}");
    done("invite.create", "{member: cyd, " EMAIL("a@ex.com") "}");
    done("member.close", "{member: cyd}");
    expect("member.verify_contact", "{member: ada, " EMAIL("a@ex.com") "}", "ok {converted: 1}");
    done("connection.incoming", "{member: ada}");
    says("asks", "member: bob", true);
    says("has closed", "member: cyd", false);
    EXPECT("invite.revoke", args("{member: ada, invite: '%s'}", first), "ok {}");
    expect_rows();
}

/* Two invites of one inviter for two contacts of one member: one request, the other is absorbed. */
static void
test_two_contacts_of_one_member(void **state)
{
    (void)state;
    members("ada bob");
    done("member.verify_contact", "{member: bob, " EMAIL("b@ex.com") "}");
    done("member.verify_contact", "{member: bob, " EMAIL("c@ex.com") "}");
    done("invite.create", "{member: ada, " EMAIL("b@ex.com") "}");
    keep("invite", first);
    done("invite.create", "{member: ada, " EMAIL("c@ex.com") "}");
    keep("invite", second);
    world.now_ms += 4 * DAY_MS;
    done("invite.resend", "{member: ada, invite: '%s'}", second);
    done("invite.resend", "{member: ada, invite: '%s'}", first);
    done("connection.incoming", "{member: bob}");
    says("the one that asks lasts as long as its invite", "expires_at: +34d", true);
    done("invite.revoke", "{member: ada, invite: '%s'}", second);
    done("connection.incoming", "{member: bob}");
    says("still asked", "member: ada", true);
    expect_rows();
}

/* What an invite became, put out of sight, declined, and ended in each way. */
static void
test_the_end_of_what_it_became(void **state)
{
    (void)state;
    members("ada bob cyd dan eve");
    done("member.verify_contact", "{member: cyd, " EMAIL("c@ex.com") "}");
    done("invite.create", "{member: ada, " EMAIL("c@ex.com") "}");
    keep("invite", first);
    done("invite.create", "{member: bob, " EMAIL("c@ex.com") "}");
    done("invite.create", "{member: dan, " EMAIL("c@ex.com") "}");
    done("invite.create", "{member: eve, " EMAIL("c@ex.com") "}");
    done("connection.ignore", "{member: cyd, other: ada}");
    done("connection.decline", "{member: cyd, other: bob}");
    done("member.block", "{member: cyd, other: dan}");
    done("member.block", "{member: eve, other: cyd}");
    done("invite.revoke", "{member: ada, invite: '%s'}", first);
    done("member.close", "{member: cyd}");
    world.now_ms += 31 * DAY_MS;
    done("connection.counts", "{member: cyd}");
    says("nothing is left", "incoming: 0", true);
    expect_rows();
}

static void
test_a_declined_one_is_absorbed_for_longer(void **state)
{
    (void)state;
    members("ada bob");
    world.settings.decline_first = 90 * DAY_MS;
    done("member.verify_contact", "{member: bob, " EMAIL("b@ex.com") "}");
    done("invite.create", "{member: ada, " EMAIL("b@ex.com") "}");
    done("connection.decline", "{member: bob, other: ada}");
    world.now_ms += 30 * DAY_MS + 89 * DAY_MS;
    done("invite.create", "{member: ada, " EMAIL("b@ex.com") "}");
    done("connection.incoming", "{member: bob}");
    says("absorbed", "member: ada", false);
    world.now_ms += 31 * DAY_MS;
    done("invite.create", "{member: ada, " EMAIL("b@ex.com") "}");
    done("connection.incoming", "{member: bob}");
    says("asks", "member: ada", true);
    expect_rows();
}

static void
test_a_contact_that_moves(void **state)
{
    (void)state;
    members("ada bob");
    done("member.verify_contact", "{member: bob, " EMAIL("b@ex.com") "}");
    done("invite.create", "{member: ada, " EMAIL("b@ex.com") "}");
    keep("token", first);
    EXPECT("invite.redeem", args("{token: '%s', member: cyd, " EMAIL("b@ex.com") "}", first),
           "ok {inviter: ada, joined: true, connection: connected}");
    expect("contact.unsuppress", "{member: bob, " EMAIL("b@ex.com") "}",
           "forbidden {field: contact}");
    expect("contact.unsuppress", "{member: cyd, " EMAIL("b@ex.com") "}", "ok {}");
    expect_rows();
}

/* Who is a member already may say which contact he has, be it nobody's or his own. */
static void
test_a_member_says_his_contact(void **state)
{
    (void)state;
    members("ada bob cyd");
    done("invite.create", "{member: ada, " EMAIL("b@ex.com") "}");
    keep("token", first);
    EXPECT("invite.redeem", args("{token: '%s', member: bob, " EMAIL("b@ex.com") "}", first),
           "ok {inviter: ada, joined: false, connection: connected}");
    done("member.verify_contact", "{member: cyd, " EMAIL("c@ex.com") "}");
    done("invite.create", "{member: ada, " EMAIL("c@ex.com") "}");
    keep("token", first);
    EXPECT("invite.redeem", args("{token: '%s', member: cyd, " EMAIL("c@ex.com") "}", first),
           "ok {inviter: ada, joined: false, connection: connected}");
    expect("contact.unsuppress", "{member: bob, " EMAIL("b@ex.com") "}", "ok {}");
    expect("contact.unsuppress", "{member: cyd, " EMAIL("c@ex.com") "}", "ok {}");
    expect_rows();
}

/* It became his own request, and he has to ask: his invite's request gives way. */
static void
test_whom_it_asked_has_no_room(void **state)
{
    (void)state;
    members("ada bob");
    done("member.register", "{member: cyd}");
    settings_add_tier(&world.settings, slice_str("small"))->connections_max = 1;
    done("member.update", "{member: cyd, tier: small}");
    connect_two("bob", "cyd");
    done("member.verify_contact", "{member: cyd, " EMAIL("c@ex.com") "}");
    done("invite.create", "{member: ada, " EMAIL("c@ex.com") "}");
    keep("token", first);
    EXPECT("invite.redeem", args("{token: '%s', member: cyd}", first),
           "ok {inviter: ada, joined: false, connection: pending}");
    expect("connection.status", "{viewer: ada, other: cyd}", outcome());
    expect_rows();
}

/* --- in numbers ------------------------------------------------------------------------------- */

/* More than one command converts: the rest in slices, until the contact is another's, or nobody's.
 */
static void
test_a_backlog(void **state)
{
    (void)state;
    static const struct {
        unsigned count;
        const char *op, *args; /* what becomes of the contact before the sweep; NULL: nothing */
    } ways[] = {
        {2 * CONVERT_COUNT_MAX + 10, NULL, NULL},
        {2 * CONVERT_COUNT_MAX + 10, "member.drop_contact",
         "{member: zoe, contact: {kind: opaque, value: z1}}"},
        {CONVERT_COUNT_MAX + 10, "member.verify_contact",
         "{member: yan, contact: {kind: opaque, value: z2}}"},
        {2 * CONVERT_COUNT_MAX + 10, "member.close", "{member: zoe}"},
    };
    register_many(2 * CONVERT_COUNT_MAX + 10);
    members("zoe yan");
    for (unsigned way = 0; way < ARRAY_COUNT(ways); way++) {
        together();
        for (unsigned i = 0; i < ways[way].count; i++)
            done("invite.create", "{member: m%u, contact: {kind: opaque, value: z%u}}", i, way);
        done("member.verify_contact", "{member: zoe, contact: {kind: opaque, value: z%u}}", way);
        says("the first hundred", "converted: 100", true);
        if (ways[way].op)
            done(ways[way].op, "%s", ways[way].args);
        apart();
        turn_begin();
        while (core_sweep(world.core, world.now_ms) > 0)
            ;
        turn_end();
        assert_int_equal(world.err, KITH_OK);
    }
    expect_rows();
}

/* The same where the contact came with a token. */
static void
test_a_backlog_behind_a_token(void **state)
{
    (void)state;
    register_many(CONVERT_COUNT_MAX + 2);
    together();
    for (unsigned i = 0; i < CONVERT_COUNT_MAX + 2; i++)
        done("invite.create", "{member: m%u, " EMAIL("z@ex.com") "}", i);
    keep("token", first);
    done("invite.redeem", "{token: '%s', member: zoe, " EMAIL("z@ex.com") "}", first);
    apart();
    done("connection.counts", "{member: zoe}");
    says("all of them ask", "incoming: 101", true);
    expect_rows();
}

static void
test_a_tree_has_an_end(void **state)
{
    (void)state;
    members("ada");
    done("invite.link", "{member: ada, max_uses: 1000, mode: auto}");
    keep("token", first);
    together();
    for (unsigned i = 0; i <= KITH_TREE_COUNT_MAX; i++)
        done("invite.redeem", "{token: '%s', member: n%u}", first, i);
    apart();
    done("invite.tree", "{member: ada}");
    says("cut", "complete: false", true);
    done("invite.tree", "{member: ada, depth: 1}");
    EXPECT("invite.tree", "{member: n1}", "ok {inviter: ada, items: [], complete: true}");
    expect_rows();
}

/* --- what is told ----------------------------------------------------------------------------- */

static void
test_what_the_inviter_is_told(void **state)
{
    (void)state;
    members("ada");
    settings_add_tier(&world.settings, slice_str("slow"))->invite_pace = 1;
    done("member.register", "{member: bob, tier: slow}");
    done("invite.create", "{member: bob, " EMAIL("y@ex.com") "}");
    done("invite.create", "{member: bob, " EMAIL("z@ex.com") "}");
    keep("invite", first);
    done("invite.get", "{member: bob, invite: '%s'}", first);
    says("when it is mailed", "deliver_after: +1d", true);
    done("member.close", "{member: bob}");
    done("invite.get", "{member: bob, invite: '%s'}", first);
    says("it outlives his membership", "state: orphaned", true);
    expect_rows();
}

/* The operator has taken a token key away: what was made with it is told without its token. */
static void
test_a_token_key_that_is_gone(void **state)
{
    (void)state;
    struct secrets *secrets = (struct secrets *)(uintptr_t)store_secrets(world.store);
    unsigned count = secrets->token_key_count;
    members("ada");
    memset(secrets->token_key[count], 7, SECRET_KEY_SIZE);
    secrets->token_key_count = count + 1;
    tell_as("made", "invite.create", "{member: ada, " EMAIL("z@ex.com") "}");
    says("made", "token: ", true);
    keep("token", first);
    tell_as("claimed", "invite.claim", args("{token: '%s'}", first));
    says("claimed", "claim: ", true);
    secrets->token_key_count = count;
    tell_as("made", "invite.create", "{member: ada, " EMAIL("z@ex.com") "}");
    says("made again", "dup ", true);
    says("made again", "token: ", false);
    tell_as("claimed", "invite.claim", args("{token: '%s'}", first));
    says("claimed again", "dup ", true);
    says("claimed again", "claim: ", false);
    expect_rows();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_what_is_no_invite),
        world_test(test_a_source_that_is_right),
        world_test(test_links_and_mails_are_told_apart),
        world_test(test_a_claim_ends),
        world_test(test_an_invite_that_is_due),
        world_test(test_a_masked_request_that_is_due),
        world_test(test_many_that_have_expired),
        world_test(test_contacts_of_members),
        world_test(test_who_is_not_asked_for),
        world_test(test_two_contacts_of_one_member),
        world_test(test_the_end_of_what_it_became),
        world_test(test_a_declined_one_is_absorbed_for_longer),
        world_test(test_a_contact_that_moves),
        world_test(test_a_member_says_his_contact),
        world_test(test_whom_it_asked_has_no_room),
        world_test(test_a_backlog),
        world_test(test_a_backlog_behind_a_token),
        world_test(test_a_tree_has_an_end),
        world_test(test_what_the_inviter_is_told),
        world_test(test_a_token_key_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
