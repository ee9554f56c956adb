/* Inviting: made, linked, sent again, revoked, due; what becomes of an invite whose contact is a
 * member's. ada (1) invites; bob (2) is whose contact it is, where it is somebody's. */
#include "facts.h"

#include "base/endian.h"
#include "core/rows/mailing.h"

static const struct token_facts token = {.key = facts_key, .number = 1};
static const struct slice hash = {(const uint8_t *)"the hash of a contact, 32 bytes.", 32};

/* Every row is about ada's invite; decide gets the row. */
struct row {
    WHO_FIELDS;
    struct invite invite; /* known unless no_invite; an e-mail of ada's, made a day ago */
    bool no_invite, replaced;
    uint64_t mutuals;
    struct mail_facts mail;
    struct link_facts link;
    bool explicit;
    bool late;
    uint64_t mails_day;
    const char *events, *answer;
};

typedef enum kith_err decide_fn(const struct row *, const struct pair_facts *,
                                const struct invite *);

static struct invite
facts_invite(const struct row *row)
{
    struct invite invite = row->invite;
    invite.id = INVITE;
    invite.known = !row->no_invite;
    invite.kind = invite.kind ? invite.kind : CONTACT_EMAIL;
    invite.contact = invite.kind == CONTACT_LINK ? (struct slice){0} : hash;
    invite.inviter = slice_str("ada");
    invite.inviter_number = invite.inviter_number ? invite.inviter_number : 1;
    if (invite.created_ms == 0)
        invite.created_ms = (uint64_t)(NOW - DAY_MS);
    if (invite.sent_ms == 0)
        invite.sent_ms = (uint64_t)(NOW - 3 * DAY_MS);
    if (invite.expires_ms == 0)
        invite.expires_ms = (uint64_t)(NOW + DAY_MS);
    return invite;
}

static void
run(decide_fn *decide, const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct pair_facts who = facts_who(&rows[i].who, rows[i].no_actor, rows[i].no_other);
        struct invite invite = facts_invite(&rows[i]);
        facts_begin();
        settings.invite_explicit = rows[i].explicit;
        settings.mails_day = rows[i].mails_day ? (int64_t)rows[i].mails_day : 1;
        enum kith_err err = decide(&rows[i], &who, &invite);
        expect_decision(rows[i].name, err, rows[i].events, rows[i].answer);
    }
    expect_rows();
}

#define RUN(decide, rows) run(decide, rows, ARRAY_COUNT(rows))
#define SUSPENDED         .who.actor.state = MEMBER_SUSPENDED
#define RESTRICTED                           \
    .who.actor = {.level = 1,                \
                  .reason = REASON_REPORTS,  \
                  .level_ms = NOW - HOUR_MS, \
                  .until_ms = NOW + HOUR_MS}

/* --- slots and mails ------------------------------------------------------------------------- */

static struct slice
slots(unsigned count, msec_t first_ms)
{
    struct buf *out = facts_buf();
    for (unsigned i = 0; i < count; i++) {
        put_be64(buf_reserve(out, 8), (uint64_t)(first_ms + (msec_t)i));
        out->size += 8;
    }
    return buf_slice(out);
}

static struct slice
mailed(msec_t at_ms)
{
    struct buf *out = facts_buf();
    uint8_t *row = buf_reserve(out, 20);
    put_be64(row, (uint64_t)at_ms);
    put_be64(row + 8, 1);
    put_be32(row + 16, 3);
    out->size = 20;
    return buf_slice(out);
}

/* A new one: with its mail, and where that comes later or never. */
#define CREATED                                                                                   \
    "invite.created member:ada invite:NEW expires_ms:+30d kind:email contact:'the hash of a co' " \
    "token:(16) token_key:1 audience:member"
#define MAILED \
    CREATED " deliver_ms:now due_ms:now\ninvite.delivery_due member:ada invite:NEW notify"
#define NEW_ANSWER "ok {invite: NEW, expires_at: +30d, existing: false}"

/* --- invite.create --------------------------------------------------------------------------- */

static enum kith_err
create_it(const struct row *row, const struct pair_facts *who, const struct invite *invite)
{
    static struct invite_facts facts; /* events point into it */
    facts = (struct invite_facts){.member = who->actor,
                                  .kind = CONTACT_EMAIL,
                                  .who = *who,
                                  .mutuals = row->mutuals,
                                  .mail = row->mail,
                                  .token = token};
    memcpy(facts.contact, hash.data, hash.size);
    facts.earlier = *invite;
    return decide_invite(&facts, &rules, &decision);
}

static void
test_create(void **state)
{
    (void)state;
#define NEW_INVITE .no_invite = true
#define NOBODYS    .no_other = true
    const struct row rows[] = {
        {"new", NEW_INVITE, NOBODYS, .events = MAILED, .answer = NEW_ANSWER},
        {"nobody", .no_actor = true, NEW_INVITE, NOBODYS,
         .answer = "no_such_member {field: member}"},
        {"while suspended", SUSPENDED, NEW_INVITE, NOBODYS, .answer = "suspended"},
        {"while restricted", RESTRICTED, NEW_INVITE, NOBODYS,
         .answer = "restricted {level: 1, reason: reports, until: +1h}"},
        {"again", NOBODYS, .answer = "ok {invite: INVITE, expires_at: +1d, existing: true}"},
        {"again, of one that waits", NOBODYS, .invite.deliver_ms = NOW + HOUR_MS,
         .answer = "ok {invite: INVITE, expires_at: +1d, existing: true, deliver_after: +1h}"},
        {"again, of one that was converted", .invite = {.state = INVITE_CONVERTED, .converted = 2},
         .answer = "ok {invite: INVITE, expires_at: +1d, existing: true}"},
        {"again, of one that was declined", NOBODYS, .invite.state = INVITE_DECLINED,
         .answer = "ok {invite: INVITE, expires_at: +1d, existing: true}"},
        {"again, after it expired", NOBODYS, .invite.expires_ms = NOW, .events = MAILED,
         .answer = NEW_ANSWER},
        {"again, after it was revoked", NOBODYS, .invite.state = INVITE_REVOKED, .events = MAILED,
         .answer = NEW_ANSWER},
        {"one below the pace", NEW_INVITE, NOBODYS, .mail.slots = slots(99, NOW - HOUR_MS),
         .events = MAILED, .answer = NEW_ANSWER},
        {"at the pace", NEW_INVITE, NOBODYS, .mail.slots = slots(100, NOW - HOUR_MS),
         .events = CREATED " deliver_ms:+23h due_ms:+23h",
         .answer = "ok {invite: NEW, expires_at: +30d, existing: false, deliver_after: +23h}"},
        {"no pace", NEW_INVITE, NOBODYS, .who.actor.tier = slice_str("unlimited"),
         .mail.slots = slots(100, NOW - HOUR_MS),
         .events = CREATED " due_ms:now\ninvite.delivery_due member:ada invite:NEW notify",
         .answer = NEW_ANSWER},
        {"the contact had its mail", NEW_INVITE, NOBODYS, .mail.mails = mailed(NOW - HOUR_MS),
         .events = CREATED " deliver_ms:now due_ms:+23h", .answer = NEW_ANSWER},
        {"a contact that wants none", NEW_INVITE, NOBODYS, .mail.suppressed = true,
         .events = CREATED " deliver_ms:now", .answer = NEW_ANSWER},
        {"a member's contact", NEW_INVITE,
         .events = CREATED
         " deliver_ms:now\ninvite.converted member:ada other:bob invite:NEW\nconnection.requested "
         "from:ada to:bob request:NEW2 invite:NEW expires_ms:+30d audience:to notify masked",
         .answer = NEW_ANSWER},
        {"a member's contact, said openly", NEW_INVITE, .explicit = true,
         .answer = "already_member"},
        {"nobody's contact, said openly", NEW_INVITE, NOBODYS, .explicit = true, .events = MAILED,
         .answer = NEW_ANSWER},
        {"of a member who has closed", NEW_INVITE, .who.other.state = MEMBER_CLOSED,
         .events = MAILED, .answer = NEW_ANSWER},
    };
    RUN(create_it, rows);
}

static enum kith_err
create_own(const struct row *row, const struct pair_facts *who, const struct invite *invite)
{
    (void)row, (void)invite;
    return decide_invite_self(&who->actor, &decision);
}

static void
test_ones_own_contact(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"one's own", .answer = "self"},
        {"one's own while suspended", SUSPENDED, .answer = "suspended"},
        {"one's own while restricted", RESTRICTED,
         .answer = "restricted {level: 1, reason: reports, until: +1h}"},
    };
    RUN(create_own, rows);
}

/* --- invite.link ----------------------------------------------------------------------------- */

static enum kith_err
link_it(const struct row *row, const struct pair_facts *who, const struct invite *invite)
{
    (void)invite;
    static struct link_facts facts; /* events point into it */
    facts = row->link;
    facts.member = who->actor;
    facts.token = token;
    enum kith_err err = decide_link(&facts, &rules, &decision);
    if (err == KITH_BAD_ARGUMENT)
        assert_string_equal(decision.text, "a link holds for 90 days at most (ms)");
    return err;
}

static void
test_link(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"for one, who is connected at once",
         .events = "invite.created member:ada invite:NEW expires_ms:+7d kind:link token:(16) "
                   "token_key:1 audience:member max_uses:1",
         .answer = "ok {invite: NEW, expires_at: +7d}"},
        {"for many, who ask", .link.max_uses = 2,
         .events = "invite.created member:ada invite:NEW expires_ms:+7d kind:link token:(16) "
                   "token_key:1 audience:member max_uses:2 asks",
         .answer = "ok {invite: NEW, expires_at: +7d}"},
        {"for many, who do not", .link = {.max_uses = 2, .says_mode = true},
         .events = "invite.created member:ada invite:NEW expires_ms:+7d kind:link token:(16) "
                   "token_key:1 audience:member max_uses:2",
         .answer = "ok {invite: NEW, expires_at: +7d}"},
        {"for one, who asks", .link = {.says_mode = true, .asks = true},
         .events = "invite.created member:ada invite:NEW expires_ms:+7d kind:link token:(16) "
                   "token_key:1 audience:member max_uses:1 asks",
         .answer = "ok {invite: NEW, expires_at: +7d}"},
        {"with a label", .link.label = slice_str("spring"),
         .events = "invite.created member:ada invite:NEW expires_ms:+7d kind:link token:(16) "
                   "token_key:1 audience:member max_uses:1 label:spring",
         .answer = "ok {invite: NEW, expires_at: +7d}"},
        {"for 90 days", .link.ttl_ms = 90 * DAY_MS,
         .events = "invite.created member:ada invite:NEW expires_ms:+90d kind:link token:(16) "
                   "token_key:1 audience:member max_uses:1",
         .answer = "ok {invite: NEW, expires_at: +90d}"},
        {"for a millisecond more", .link.ttl_ms = 90 * DAY_MS + 1,
         .answer = "bad_argument {field: ttl_ms}"},
        {"while restricted", RESTRICTED,
         .answer = "restricted {level: 1, reason: reports, until: +1h}"},
    };
    RUN(link_it, rows);
}

/* --- invite.resend and invite.revoke -----------------------------------------------------------
 */

static struct own_facts
own(const struct row *row, const struct pair_facts *who, const struct invite *invite)
{
    return (struct own_facts){.member = who->actor,
                              .invite = *invite,
                              .replaced = row->replaced,
                              .who = *who,
                              .mutuals = row->mutuals,
                              .mail = row->mail};
}

static enum kith_err
resend_it(const struct row *row, const struct pair_facts *who, const struct invite *invite)
{
    static struct own_facts facts; /* events point into it */
    facts = own(row, who, invite);
    return decide_resend(&facts, &rules, &decision);
}

static void
test_resend(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"after three days", NOBODYS,
         .events = "invite.resent member:ada invite:INVITE expires_ms:+30d audience:member "
                   "deliver_ms:now due_ms:now\ninvite.delivery_due member:ada invite:INVITE notify",
         .answer = "ok {invite: INVITE, expires_at: +30d}"},
        {"a millisecond before", NOBODYS, .invite.sent_ms = NOW - 3 * DAY_MS + 1,
         .answer = "resend_too_soon {next: +1ms}"},
        {"the second time", NOBODYS, .invite.resends = 1,
         .events = "invite.resent member:ada invite:INVITE expires_ms:+30d audience:member "
                   "deliver_ms:now due_ms:now\ninvite.delivery_due member:ada invite:INVITE notify",
         .answer = "ok {invite: INVITE, expires_at: +30d}"},
        {"a third time", NOBODYS, .invite.resends = 2, .answer = "resend_limit"},
        {"none", NOBODYS, NEW_INVITE, .answer = "not_found {field: invite}"},
        {"another's", NOBODYS, .invite.inviter_number = 3, .answer = "not_found {field: invite}"},
        {"by nobody", .no_actor = true, .answer = "no_such_member {field: member}"},
        {"while restricted", NOBODYS, RESTRICTED,
         .answer = "restricted {level: 1, reason: reports, until: +1h}"},
        {"a link", NOBODYS, .invite.kind = CONTACT_LINK, .answer = "bad_argument {field: invite}"},
        {"after it expired", NOBODYS, .invite = {.state = INVITE_EXPIRED, .expires_ms = NOW},
         .events = "invite.resent member:ada invite:INVITE expires_ms:+30d audience:member "
                   "deliver_ms:now due_ms:now\ninvite.delivery_due member:ada invite:INVITE notify",
         .answer = "ok {invite: INVITE, expires_at: +30d}"},
        {"after it expired, and he invited anew", NOBODYS,
         .invite = {.state = INVITE_EXPIRED, .expires_ms = NOW}, .replaced = true,
         .answer = "not_active"},
        {"after it was redeemed", NOBODYS, .invite.state = INVITE_REDEEMED, .answer = "not_active"},
        {"after it was revoked", NOBODYS, .invite.state = INVITE_REVOKED, .answer = "not_active"},
        {"after it was declined: mails nobody", NOBODYS, .invite.state = INVITE_DECLINED,
         .events = "invite.resent member:ada invite:INVITE expires_ms:+30d audience:member "
                   "deliver_ms:now",
         .answer = "ok {invite: INVITE, expires_at: +30d}"},
        {"after it was converted: mails nobody",
         .invite = {.state = INVITE_CONVERTED, .converted = 2},
         .events = "invite.resent member:ada invite:INVITE expires_ms:+30d audience:member "
                   "deliver_ms:now",
         .answer = "ok {invite: INVITE, expires_at: +30d}"},
        {"of a contact that became a member's after it expired",
         .invite = {.state = INVITE_EXPIRED, .expires_ms = NOW},
         .events = "invite.resent member:ada invite:INVITE expires_ms:+30d audience:member "
                   "deliver_ms:now\ninvite.converted member:ada other:bob "
                   "invite:INVITE\nconnection.requested from:ada to:bob request:NEW2 invite:INVITE "
                   "expires_ms:+30d audience:to notify masked",
         .answer = "ok {invite: INVITE, expires_at: +30d}"},
    };
    RUN(resend_it, rows);
}

static enum kith_err
revoke_it(const struct row *row, const struct pair_facts *who, const struct invite *invite)
{
    static struct own_facts facts; /* events point into it */
    facts = own(row, who, invite);
    return decide_revoke(&facts, &rules, &decision);
}

/* What ada's invite asks bob. */
#define ASKS_MASKED(given)                                  \
    .who.pair.side[0].masked = {.request = OLD,             \
                                .invite = given,            \
                                .seq = 60,                  \
                                .created_ms = NOW - DAY_MS, \
                                .expires_ms = NOW + DAY_MS}
#define ANOTHER        \
    (struct public_id) \
    {                  \
        .bytes = { 8 } \
    }

static void
test_revoke(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"active", NOBODYS, .events = "invite.revoked member:ada invite:INVITE audience:member",
         .answer = "ok"},
        {"expired", NOBODYS, .invite.state = INVITE_EXPIRED,
         .events = "invite.revoked member:ada invite:INVITE audience:member", .answer = "ok"},
        {"again", NOBODYS, .invite.state = INVITE_REVOKED, .answer = "ok"},
        {"redeemed", NOBODYS, .invite.state = INVITE_REDEEMED, .answer = "too_late"},
        {"a link that is used up", NOBODYS,
         .invite = {.kind = CONTACT_LINK, .state = INVITE_EXHAUSTED}, .answer = "too_late"},
        {"another's", NOBODYS, .invite.inviter_number = 3, .answer = "not_found {field: invite}"},
        {"what it became ends with it", .invite = {.state = INVITE_CONVERTED, .converted = 2},
         ASKS_MASKED(INVITE),
         .events = "connection.withdrawn from:ada to:bob request:OLD hidden_ms:+30d "
                   "audience:to\ninvite.revoked member:ada invite:INVITE audience:member",
         .answer = "ok"},
        {"what another one became does not", .invite = {.state = INVITE_CONVERTED, .converted = 2},
         ASKS_MASKED(ANOTHER), .events = "invite.revoked member:ada invite:INVITE audience:member",
         .answer = "ok"},
    };
    RUN(revoke_it, rows);
}

/* --- what is due ------------------------------------------------------------------------------ */

static enum kith_err
expire_it(const struct row *row, const struct pair_facts *who, const struct invite *invite)
{
    (void)row;
    decide_invite_expire(invite, who, &rules, &decision);
    return KITH_OK;
}

static void
test_expiry(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"of an invite", NOBODYS, .invite.expires_ms = NOW - HOUR_MS,
         .events = "invite.expired member:ada invite:INVITE expired_ms:-1h audience:member",
         .answer = "ok"},
        {"and of what it became",
         .invite = {.state = INVITE_CONVERTED, .converted = 2, .expires_ms = NOW - HOUR_MS},
         ASKS_MASKED(INVITE),
         .events =
             "connection.expired from:ada to:bob request:OLD expired_ms:-1h hidden_ms:+719h "
             "audience:to\ninvite.expired member:ada invite:INVITE expired_ms:-1h audience:member",
         .answer = "ok"},
    };
    RUN(expire_it, rows);
}

/* --- conversion ------------------------------------------------------------------------------- */

static enum kith_err
convert_it(const struct row *row, const struct pair_facts *who, const struct invite *invite)
{
    static struct convert_facts facts; /* events point into it */
    facts = (struct convert_facts){
        .invite = invite, .who = *who, .mutuals = row->mutuals, .late = row->late};
    assert_true(converts(who));
    decide_convert(&facts, &rules, &decision);
    return KITH_OK;
}

static void
test_conversion(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"asks the member",
         .events =
             "invite.converted member:ada other:bob invite:INVITE\nconnection.requested from:ada "
             "to:bob request:NEW1 invite:INVITE expires_ms:+1d audience:to notify masked",
         .answer = "ok"},
        {"the inviter blocks him", MINE.blocked_seq = 1,
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"he blocks the inviter", THEIRS.blocked_seq = 1,
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"asked already", ASKED(DISP_OPEN),
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"connected already", CONNECTED,
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"another invite of his asks", ASKS_MASKED(ANOTHER),
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"an invite of the other's asks", ASKING(DISP_OPEN), .who.pair.masked = true,
         .events =
             "invite.converted member:ada other:bob invite:INVITE\nconnection.requested from:ada "
             "to:bob request:NEW1 invite:INVITE expires_ms:+1d audience:to notify masked",
         .answer = "ok"},
        {"he withdrew", MINE.cooldown_ms = NOW + 1,
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"and may ask again", MINE.cooldown_ms = NOW,
         .events =
             "invite.converted member:ada other:bob invite:INVITE\nconnection.requested from:ada "
             "to:bob request:NEW1 invite:INVITE expires_ms:+1d audience:to notify masked",
         .answer = "ok"},
        {"he is not heard", MINE.hidden_ms = NOW + 1,
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"the last invite was answered not long ago", MINE.absorb_ms = NOW + 1,
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"nobody may ask him", .who.other.accept = ACCEPT_NOBODY,
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"only who knows one of his", .who.other.accept = ACCEPT_MUTUAL,
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"and the inviter does", .who.other.accept = ACCEPT_MUTUAL, .mutuals = 1,
         .events =
             "invite.converted member:ada other:bob invite:INVITE\nconnection.requested from:ada "
             "to:bob request:NEW1 invite:INVITE expires_ms:+1d audience:to notify masked",
         .answer = "ok"},
        {"too many ask", .who.other.incoming = 10000,
         .events = "invite.converted member:ada other:bob invite:INVITE", .answer = "ok"},
        {"one below", .who.other.incoming = 9999,
         .events =
             "invite.converted member:ada other:bob invite:INVITE\nconnection.requested from:ada "
             "to:bob request:NEW1 invite:INVITE expires_ms:+1d audience:to notify masked",
         .answer = "ok"},
    };
    RUN(convert_it, rows);
}

static void
test_where_what_converts_is_listed(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"late: where it disturbs less", .late = true,
         .events =
             "invite.converted member:ada other:bob invite:INVITE\nconnection.requested from:ada "
             "to:bob request:NEW1 invite:INVITE expires_ms:+1d audience:to notify filtered masked",
         .answer = "ok"},
        {"so it is beyond what he wants to see in a day",
         .who.other.inbound = sent(500, DAY_MS - 1, 1, 0),
         .events =
             "invite.converted member:ada other:bob invite:INVITE\nconnection.requested from:ada "
             "to:bob request:NEW1 invite:INVITE expires_ms:+1d audience:to notify filtered masked",
         .answer = "ok"},
        {"he wants to see all of them", .who.other.inbound = sent(500, DAY_MS - 1, 1, 0),
         .who.other.tier = slice_str("unlimited"),
         .events =
             "invite.converted member:ada other:bob invite:INVITE\nconnection.requested from:ada "
             "to:bob request:NEW1 invite:INVITE expires_ms:+1d audience:to notify masked "
             "unmetered",
         .answer = "ok"},
    };
    RUN(convert_it, rows);
}

static void
test_who_converts(void **state)
{
    (void)state;
    struct pair_facts none = {.pair = {.state = PAIR_NONE}}, who = facts_who(&none, false, false);
    assert_true(converts(&who));
    who.other.state = MEMBER_SUSPENDED;
    assert_true(converts(&who));
    who.other.state = MEMBER_CLOSED;
    assert_false(converts(&who));
    who.other = who.actor;
    assert_false(converts(&who));
    who.other.known = false;
    assert_false(converts(&who));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_create),
        facts_test(test_ones_own_contact),
        facts_test(test_link),
        facts_test(test_resend),
        facts_test(test_revoke),
        facts_test(test_expiry),
        facts_test(test_conversion),
        facts_test(test_where_what_converts_is_listed),
        cmocka_unit_test(test_who_converts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
