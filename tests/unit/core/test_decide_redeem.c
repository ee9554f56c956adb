/* What others do with an invite: redeem, claim, decline; and what its mailer says. ada (1) redeems
 * bob's (2) invite; in the last three tables bob is the inviter and nobody acts. */
#include "facts.h"

static const struct slice hash = {(const uint8_t *)"the hash of a contact, 32 bytes.", 32};
static const struct slice cyd = {(const uint8_t *)"cyd", 3};

struct row {
    WHO_FIELDS;
    struct invite invite; /* known unless no_invite; an e-mail of bob's with a day left */
    bool mine, no_invite, by_claim, used, no_contact, another_contact;
    struct slice owner, first_touch;
    bool whose_is_cyd; /* it was converted for cyd (3), whom it asks */
    bool strict, suppressed;
    uint64_t report, delivery;
    const char *events, *answer;
};

static struct invite
facts_invite(const struct row *row)
{
    struct invite invite = row->invite;
    invite.id = INVITE;
    invite.known = !row->no_invite;
    invite.kind = invite.kind ? invite.kind : CONTACT_EMAIL;
    invite.contact = invite.kind == CONTACT_LINK ? (struct slice){0} : hash;
    invite.inviter = slice_str(row->mine ? "ada" : "bob");
    invite.inviter_number = 2;
    if (invite.expires_ms == 0)
        invite.expires_ms = (uint64_t)(NOW + DAY_MS);
    return invite;
}

/* bob, and the member whom his invite asks. */
static struct pair_facts
facts_whose(const struct row *row, const struct pair_facts *who)
{
    struct pair_facts whose = {.actor = who->other};
    if (!row->whose_is_cyd)
        return whose;
    whose.other = (struct member){.known = true, .id = cyd, .number = 3};
    whose.pair = (struct pair){.lo = 2, .hi = 3};
    whose.pair.side[0].masked = (struct masked){.request = OLD,
                                                .invite = INVITE,
                                                .seq = 60,
                                                .created_ms = NOW - DAY_MS,
                                                .expires_ms = NOW + DAY_MS};
    return whose;
}

/* --- invite.redeem --------------------------------------------------------------------------- */

static enum kith_err
redeem(const struct row *row, bool *verified)
{
    static struct redeem_facts facts; /* events point into it */
    facts = (struct redeem_facts){
        .invite = facts_invite(row),
        .by_claim = row->by_claim,
        .used = row->used,
        .who = facts_who(&row->who, row->no_actor, row->no_other),
        .contact_given = !row->no_contact,
        .contact_matches = !row->no_contact && !row->another_contact,
        .contact = hash,
        .owner = row->owner,
        .first_touch = row->first_touch,
    };
    facts.whose = facts_whose(row, &facts.who);
    return decide_redeem(&facts, &rules, verified, &decision);
}

/* What redeeming it tells, and its answers. */
#define JOINED "member.registered member:ada audience:member\n"
#define SPENT_NEW                                                                              \
    "invite.redeemed member:ada invite:INVITE clicked:bob first_touch:bob match contact:'the " \
    "hash of a contact, 32 bytes.' audience:member+clicked notify joined"
#define SPENT                                                                                  \
    "invite.redeemed member:ada invite:INVITE clicked:bob first_touch:bob match contact:'the " \
    "hash of a contact, 32 bytes.' audience:member+clicked notify"
#define SPENT_BARE_NEW                                                            \
    "invite.redeemed member:ada invite:INVITE clicked:bob first_touch:bob match " \
    "audience:member+clicked notify joined"
#define SPENT_BARE                                                                \
    "invite.redeemed member:ada invite:INVITE clicked:bob first_touch:bob match " \
    "audience:member+clicked notify"
#define CONNECTED_BY_INVITE \
    "\nconnection.accepted from:bob to:ada since_ms:now via:invite audience:from+to notify"
#define CONNECTED_BY_LINK \
    "\nconnection.accepted from:bob to:ada since_ms:now via:link audience:from+to notify"
#define ASKS_2 \
    "\nconnection.requested from:ada to:bob request:NEW2 expires_ms:+180d audience:from+to notify"
#define ASKS_1 \
    "\nconnection.requested from:ada to:bob request:NEW1 expires_ms:+180d audience:from+to notify"
#define NEWCOMER_CONNECTED "ok {inviter: bob, joined: true, connection: connected}"
#define NEWCOMER_PENDING   "ok {inviter: bob, joined: true, connection: pending}"
#define MEMBER_CONNECTED   "ok {inviter: bob, joined: false, connection: connected}"
#define MEMBER_PENDING     "ok {inviter: bob, joined: false, connection: pending}"

static void
run_redeem(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bool verified = false;
        facts_begin();
        settings.invite_strict = rows[i].strict;
        expect_decision(rows[i].name, redeem(&rows[i], &verified), rows[i].events, rows[i].answer);
        bool links = rows[i].invite.kind == CONTACT_LINK;
        if (verified && (links || rows[i].no_contact || rows[i].another_contact))
            expect_text(rows[i].name, "verified", "false", "true");
    }
    expect_rows();
}

#define NEW_MEMBER .no_actor = true
#define LINK       .invite.kind = CONTACT_LINK

static void
test_redeem_is_refused(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"no such invite", .no_invite = true, .answer = "invite_invalid"},
        {"one's own", .mine = true, .answer = "self"},
        {"while closed", .who.actor.state = MEMBER_CLOSED, .answer = "member_closed"},
        {"while suspended", .who.actor.state = MEMBER_SUSPENDED, .answer = "suspended"},
        {"expired", NEW_MEMBER, .invite.expires_ms = NOW, .answer = "invite_invalid"},
        {"revoked", NEW_MEMBER, .invite.state = INVITE_REVOKED, .answer = "invite_invalid"},
        {"declined", NEW_MEMBER, .invite.state = INVITE_DECLINED, .answer = "invite_invalid"},
        {"used up", NEW_MEMBER, .invite = {.kind = CONTACT_LINK, .state = INVITE_EXHAUSTED},
         .answer = "invite_invalid"},
        {"redeemed by another", .invite = {.state = INVITE_REDEEMED, .redeemer = 3},
         .answer = "invite_invalid"},
        {"redeemed, and he is new", NEW_MEMBER, .invite = {.state = INVITE_REDEEMED, .redeemer = 3},
         .answer = "invite_invalid"},
        {"a link that he used, revoked", LINK, .used = true, .invite.state = INVITE_REVOKED,
         .answer = "invite_invalid"},
        {"bound to a contact that he does not say", NEW_MEMBER, .strict = true, .no_contact = true,
         .answer = "invite_invalid"},
        {"bound to another contact", NEW_MEMBER, .strict = true, .another_contact = true,
         .invite.kind = CONTACT_PHONE, .answer = "invite_invalid"},
        {"he blocks the inviter", MINE.blocked_seq = 1, .answer = "invite_invalid"},
        {"the inviter blocks him", THEIRS.blocked_seq = 1, .answer = "invite_invalid"},
    };
    run_redeem(rows, ARRAY_COUNT(rows));
}

static void
test_redeem_again(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"the same again", .invite = {.state = INVITE_REDEEMED, .redeemer = 1},
         .answer = "ok {inviter: bob, joined: false, connection: already}"},
        {"a link again", LINK, .used = true,
         .answer = "ok {inviter: bob, joined: false, connection: already}"},
        {"connected already", CONNECTED,
         .answer = "ok {inviter: bob, joined: false, connection: already}"},
    };
    run_redeem(rows, ARRAY_COUNT(rows));
}

static void
test_redeem_connects(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"somebody new", NEW_MEMBER, .events = JOINED SPENT_NEW CONNECTED_BY_INVITE,
         .answer = NEWCOMER_CONNECTED},
        {"somebody new, without a contact", NEW_MEMBER, .no_contact = true,
         .events = JOINED SPENT_BARE_NEW CONNECTED_BY_INVITE, .answer = NEWCOMER_CONNECTED},
        {"a member", .events = SPENT CONNECTED_BY_INVITE, .answer = MEMBER_CONNECTED},
        {"with a claim made in time", NEW_MEMBER, .by_claim = true, .invite.expires_ms = NOW,
         .events = JOINED SPENT_NEW CONNECTED_BY_INVITE, .answer = NEWCOMER_CONNECTED},
        {"bound, and it is his", NEW_MEMBER, .strict = true,
         .events = JOINED SPENT_NEW CONNECTED_BY_INVITE, .answer = NEWCOMER_CONNECTED},
        {"bound, but nothing to compare", NEW_MEMBER, .strict = true, .no_contact = true,
         .invite.kind = CONTACT_OPAQUE, .events = JOINED SPENT_BARE_NEW CONNECTED_BY_INVITE,
         .answer = NEWCOMER_CONNECTED},
        {"another opaque contact", NEW_MEMBER, .another_contact = true,
         .invite.kind = CONTACT_OPAQUE, .events = JOINED SPENT_BARE_NEW CONNECTED_BY_INVITE,
         .answer = NEWCOMER_CONNECTED},
        {"a contact that was another's", .owner = cyd,
         .events = "member.contact_dropped member:cyd contact:'the hash of a contact, 32 bytes.' "
                   "audience:member\n" SPENT CONNECTED_BY_INVITE,
         .answer = MEMBER_CONNECTED},
        {"another's contact that is not verified", .owner = cyd, .another_contact = true,
         .invite.kind = CONTACT_OPAQUE, .events = SPENT_BARE CONNECTED_BY_INVITE,
         .answer = MEMBER_CONNECTED},
        {"somebody else invited him first", NEW_MEMBER, .first_touch = cyd,
         .events = JOINED
         "invite.redeemed member:ada invite:INVITE clicked:bob first_touch:cyd match contact:'the "
         "hash of a contact, 32 bytes.' audience:member+clicked notify joined" CONNECTED_BY_INVITE,
         .answer = NEWCOMER_CONNECTED},
        {"a link", NEW_MEMBER, LINK, .events = JOINED SPENT_BARE_NEW CONNECTED_BY_LINK,
         .answer = NEWCOMER_CONNECTED},
        {"a link with a label", LINK, .invite.label = slice_str("spring"),
         .events = SPENT_BARE CONNECTED_BY_LINK, .answer = MEMBER_CONNECTED},
        {"a link that asks, but the inviter asked him", ASKING(DISP_OPEN),
         .invite = {.kind = CONTACT_LINK, .asks = true}, .events = SPENT_BARE CONNECTED_BY_LINK,
         .answer = MEMBER_CONNECTED},
        {"the inviter asked many", ASKING(DISP_OPEN), .who.other.stamps = unwelcome(),
         .events = SPENT CONNECTED_BY_INVITE "\n" UNWELCOME("bob"), .answer = MEMBER_CONNECTED},
        {"he asked the inviter", ASKED(DISP_OPEN), .events = SPENT CONNECTED_BY_INVITE,
         .answer = MEMBER_CONNECTED},
        {"it asks himself", .invite = {.state = INVITE_CONVERTED, .converted = 1},
         .events = SPENT CONNECTED_BY_INVITE, .answer = MEMBER_CONNECTED},
        {"it asks another, who is not asked any more",
         .invite = {.state = INVITE_CONVERTED, .converted = 3}, .whose_is_cyd = true,
         .events =
             "connection.withdrawn from:bob to:cyd request:OLD hidden_ms:+30d audience:to\n" SPENT
                 CONNECTED_BY_INVITE,
         .answer = MEMBER_CONNECTED},
    };
    run_redeem(rows, ARRAY_COUNT(rows));
}

static void
test_redeem_asks(void **state)
{
    (void)state;
#define FULL                                                       \
    {                                                              \
        .connections = 30000, .since_ms = (uint64_t)(NOW - DAY_MS) \
    }
    const struct row rows[] = {
        {"a mail that was passed on", NEW_MEMBER, .another_contact = true,
         .events = JOINED "invite.redeemed member:ada invite:INVITE clicked:bob first_touch:bob "
                          "audience:member+clicked notify joined" ASKS_2,
         .answer = NEWCOMER_PENDING},
        {"a message that was passed on", NEW_MEMBER, .another_contact = true,
         .invite.kind = CONTACT_PHONE,
         .events = JOINED "invite.redeemed member:ada invite:INVITE clicked:bob first_touch:bob "
                          "audience:member+clicked notify joined" ASKS_2,
         .answer = NEWCOMER_PENDING},
        {"a link that asks", NEW_MEMBER, .invite = {.kind = CONTACT_LINK, .asks = true},
         .events = JOINED SPENT_BARE_NEW ASKS_2, .answer = NEWCOMER_PENDING},
        {"the inviter has no room", NEW_MEMBER, .who.other = FULL,
         .events = JOINED SPENT_NEW ASKS_2, .answer = NEWCOMER_PENDING},
        {"he has no room", .who.actor = FULL, .events = SPENT ASKS_1, .answer = MEMBER_PENDING},
        {"he has no room, and the inviter asked", .who.actor = FULL, ASKING(DISP_OPEN),
         .events = SPENT, .answer = MEMBER_PENDING},
        {"he has no room, and this invite asked", .who.actor = FULL, ASKING(DISP_OPEN),
         .who.pair.masked = true, .who.pair.side[1].masked = {.invite = INVITE, .seq = 50},
         .events = SPENT ASKS_1, .answer = MEMBER_PENDING},
        {"he has no room, and another invite asked", .who.actor = FULL, ASKING(DISP_OPEN),
         .who.pair.masked = true, .who.pair.side[1].masked = {.invite = OLD, .seq = 50},
         .events = SPENT, .answer = MEMBER_PENDING},
        {"a link that asks, and he asked", ASKED(DISP_OPEN),
         .invite = {.kind = CONTACT_LINK, .asks = true}, .events = SPENT_BARE,
         .answer = MEMBER_PENDING},
        {"removed by the inviter not long ago", MINE.hidden_ms = NOW + 1,
         .events = SPENT "\nconnection.requested from:ada to:bob request:NEW1 expires_ms:+180d "
                         "shadow audience:from",
         .answer = MEMBER_PENDING},
        {"declined by the inviter not long ago", MINE.hidden_ms = NOW + 1, MINE.declines = 1,
         .events = SPENT CONNECTED_BY_INVITE, .answer = MEMBER_CONNECTED},
        {"declined by him, and a link that asks", .invite = {.kind = CONTACT_LINK, .asks = true},
         MINE.hidden_ms = NOW + 1, MINE.declines = 1,
         .events = SPENT_BARE "\nconnection.requested from:ada to:bob request:NEW1 "
                              "expires_ms:+180d shadow audience:from",
         .answer = MEMBER_PENDING},
        {"removed long ago", MINE.hidden_ms = NOW, .events = SPENT CONNECTED_BY_INVITE,
         .answer = MEMBER_CONNECTED},
        {"an invite of his asks the inviter", .invite = {.kind = CONTACT_LINK, .asks = true},
         MINE.masked = {.request = OLD, .seq = 50, .expires_ms = NOW + DAY_MS},
         .events = SPENT_BARE "\nconnection.requested from:ada to:bob request:OLD expires_ms:+180d "
                              "audience:from+to notify",
         .answer = MEMBER_PENDING},
        {"an invite of his asked, and was ignored", .invite = {.kind = CONTACT_LINK, .asks = true},
         MINE.masked =
             {.request = OLD, .seq = 50, .expires_ms = NOW + DAY_MS, .disp = DISP_IGNORED},
         .events = SPENT_BARE
         "\nconnection.requested from:ada to:bob request:OLD expires_ms:+180d audience:from",
         .answer = MEMBER_PENDING},
        {"the inviter has closed", NEW_MEMBER, .who.other.state = MEMBER_CLOSED,
         .events = JOINED SPENT_NEW, .answer = "ok {inviter: bob, joined: true, connection: none}"},
        {"the inviter is suspended", .who.other.state = MEMBER_SUSPENDED, .events = SPENT,
         .answer = "ok {inviter: bob, joined: false, connection: none}"},
    };
    run_redeem(rows, ARRAY_COUNT(rows));
}

/* --- invite.claim, invite.decline, invite.feedback -------------------------------------------- */

typedef enum kith_err decide_fn(const struct row *, const struct holder_facts *);

static void
run(decide_fn *decide, const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct pair_facts who = facts_who(&rows[i].who, false, false);
        struct holder_facts facts = {
            .invite = facts_invite(&rows[i]),
            .inviter = who.other,
            .who = facts_whose(&rows[i], &who),
            .token = {.key = facts_key, .number = 1},
        };
        facts_begin();
        expect_decision(rows[i].name, decide(&rows[i], &facts), rows[i].events, rows[i].answer);
    }
    expect_rows();
}

#define RUN(decide, rows) run(decide, rows, ARRAY_COUNT(rows))

static enum kith_err
claim_it(const struct row *row, const struct holder_facts *facts)
{
    (void)row;
    return decide_claim(facts, &rules, &decision);
}

static void
test_claim(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"active",
         .events = "invite.claimed member:bob invite:INVITE expires_ms:+1h token:(16) token_key:1",
         .answer = "ok {expires_at: +1h}"},
        {"a millisecond before its end", .invite.expires_ms = NOW + 1,
         .events = "invite.claimed member:bob invite:INVITE expires_ms:+1h token:(16) token_key:1",
         .answer = "ok {expires_at: +1h}"},
        {"at its end", .invite.expires_ms = NOW, .answer = "invite_invalid"},
        {"converted", .invite = {.state = INVITE_CONVERTED, .converted = 3},
         .events = "invite.claimed member:bob invite:INVITE expires_ms:+1h token:(16) token_key:1",
         .answer = "ok {expires_at: +1h}"},
        {"none", .no_invite = true, .answer = "invite_invalid"},
    };
    RUN(claim_it, rows);
    const struct row longer[] = {
        {"an operator's own",
         .events = "invite.claimed member:bob invite:INVITE expires_ms:+2d token:(16) token_key:1",
         .answer = "ok {expires_at: +2d}"},
    };
    settings.claim_ttl = 2 * DAY_MS;
    RUN(claim_it, longer);
}

static enum kith_err
decline_it(const struct row *row, const struct holder_facts *facts)
{
    return decide_decline_invite(facts, row->report, &rules, &decision);
}

/* @count members said the same of the inviter an hour ago. */
static struct slice
reported(unsigned count, uint64_t report)
{
    struct buf *out = facts_buf(), before = {0};
    for (unsigned i = 0; i < count; i++) {
        buf_clear(&before);
        buf_append(&before, out->data, out->size);
        buf_clear(out);
        reports_add(out, buf_slice(&before), 10 + i, report, NOW - HOUR_MS);
    }
    buf_fini(&before);
    return buf_slice(out);
}

static void
test_decline(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"without a word", .events = "invite.declined member:bob invite:INVITE", .answer = "ok"},
        {"as from somebody unknown", .report = REPORT_UNKNOWN,
         .events = "invite.declined member:bob invite:INVITE report:unknown reporter:4100482336",
         .answer = "ok"},
        {"as spam", .report = REPORT_SPAM,
         .events = "invite.declined member:bob invite:INVITE report:spam reporter:4100482336",
         .answer = "ok"},
        {"as something else", .report = REPORT_OTHER,
         .events = "invite.declined member:bob invite:INVITE report:other", .answer = "ok"},
        {"as spam, the third", .report = REPORT_SPAM, .who.other.reports = reported(2, REPORT_SPAM),
         .events = "invite.declined member:bob invite:INVITE report:spam "
                   "reporter:4100482336\nquota.restricted member:bob level:1 reason:reports "
                   "until_ms:+1d audience:member notify evidence_ms:now",
         .answer = "ok"},
        {"what it asks ends", .invite = {.state = INVITE_CONVERTED, .converted = 3},
         .whose_is_cyd = true,
         .events = "connection.withdrawn from:bob to:cyd request:OLD hidden_ms:+30d "
                   "audience:to\ninvite.declined member:bob invite:INVITE",
         .answer = "ok"},
        {"again", .invite.state = INVITE_DECLINED, .answer = "ok"},
        {"again, after its end", .invite = {.state = INVITE_DECLINED, .expires_ms = NOW},
         .answer = "invite_invalid"},
        {"a link is nobody's to decline", LINK, .answer = "ok"},
        {"redeemed", .invite.state = INVITE_REDEEMED, .answer = "invite_invalid"},
        {"none", .no_invite = true, .answer = "invite_invalid"},
    };
    RUN(decline_it, rows);
}

static enum kith_err
feed_back(const struct row *row, const struct holder_facts *facts)
{
    enum kith_err err = decide_feedback(facts, row->delivery, row->suppressed, &decision);
    if (err == KITH_BAD_ARGUMENT)
        assert_string_equal(decision.text, "a link is not mailed");
    return err;
}

static void
test_feedback(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"sent", .delivery = DELIVERY_SENT,
         .events = "invite.feedback member:bob invite:INVITE delivery:1", .answer = "ok"},
        {"bounced", .delivery = DELIVERY_BOUNCED,
         .events = "invite.feedback member:bob invite:INVITE audience:member delivery:2",
         .answer = "ok"},
        {"complained", .delivery = DELIVERY_COMPLAINED,
         .events =
             "invite.feedback member:bob invite:INVITE delivery:3 "
             "reporter:4100482336\ncontact.suppressed contact:'the hash of a contact, 32 bytes.'",
         .answer = "ok"},
        {"complained, and wants none already", .delivery = DELIVERY_COMPLAINED, .suppressed = true,
         .events = "invite.feedback member:bob invite:INVITE delivery:3 reporter:4100482336",
         .answer = "ok"},
        {"complained, the third", .delivery = DELIVERY_COMPLAINED,
         .who.other.reports = reported(2, REPORT_SPAM),
         .events = "invite.feedback member:bob invite:INVITE delivery:3 "
                   "reporter:4100482336\ncontact.suppressed contact:'the hash of a contact, 32 "
                   "bytes.'\nquota.restricted member:bob level:1 reason:reports until_ms:+1d "
                   "audience:member notify evidence_ms:now",
         .answer = "ok"},
        {"the same twice", .delivery = DELIVERY_SENT, .invite.delivery = DELIVERY_SENT,
         .answer = "ok"},
        {"what is less grave, late", .delivery = DELIVERY_SENT, .invite.delivery = DELIVERY_BOUNCED,
         .answer = "ok"},
        {"after it was revoked", .delivery = DELIVERY_BOUNCED, .invite.state = INVITE_REVOKED,
         .events = "invite.feedback member:bob invite:INVITE audience:member delivery:2",
         .answer = "ok"},
        {"a link", LINK, .delivery = DELIVERY_SENT, .answer = "bad_argument {field: invite}"},
        {"none", .no_invite = true, .delivery = DELIVERY_SENT,
         .answer = "not_found {field: invite}"},
    };
    RUN(feed_back, rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_redeem_is_refused),
        facts_test(test_redeem_again),
        facts_test(test_redeem_connects),
        facts_test(test_redeem_asks),
        facts_test(test_claim),
        facts_test(test_decline),
        facts_test(test_feedback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
