/* What ends, and what needs no answer: withdraw, remove, expiry, a closed membership, imports,
 * access, dismissals, interactions, and the clock. */
#include "facts.h"

struct row {
    WHO_FIELDS;
    const char *events, *answer;
};

/* What is decided between two, with nothing else to know. */
typedef enum kith_err decide_fn(const struct pair_facts *);

static void
run(decide_fn *decide, const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct pair_facts who = facts_who(&rows[i].who, rows[i].no_actor, rows[i].no_other);
        facts_begin();
        expect_decision(rows[i].name, decide(&who), rows[i].events, rows[i].answer);
    }
    expect_rows();
}

#define RUN(decide, rows) run(decide, rows, ARRAY_COUNT(rows))

static enum kith_err
withdraw(const struct pair_facts *who)
{
    struct withdraw_facts facts = {.who = *who};
    quota_load(&rules, &who->actor, NOW, &facts.quota);
    return decide_withdraw(&facts, &rules, &decision);
}

static enum kith_err
remove_it(const struct pair_facts *who)
{
    return decide_remove(who, &rules, &decision);
}

static enum kith_err
dismiss(const struct pair_facts *who)
{
    return decide_dismiss(who, &decision);
}

/* Who ends something must be there; the other may be closed or suspended. */
static void
test_who_may_end_something(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"nobody", .no_actor = true, .answer = "no_such_member {field: member}"},
        {"closed", .who.actor.state = MEMBER_CLOSED, .answer = "member_closed"},
        {"suspended", .who.actor.state = MEMBER_SUSPENDED, .answer = "suspended"},
        {"with nobody", .no_other = true, .answer = "no_such_member {field: other}"},
    };
    RUN(withdraw, rows);
    RUN(remove_it, rows);
    RUN(dismiss, rows);
}

static void
test_withdraw(void **state)
{
    (void)state;
    const char *seen = "connection.withdrawn from:ada to:bob request:OLD cooldown_ms:+21d "
                       "audience:from+to";
    const char *unseen = "connection.withdrawn from:ada to:bob request:OLD cooldown_ms:+21d "
                         "audience:from";
    const struct row rows[] = {
        {"open (C21)", ASKED(DISP_OPEN), .events = seen, .answer = "ok"},
        {"ignored: he does not hear of it", ASKED(DISP_IGNORED), .events = unseen, .answer = "ok"},
        {"declined", ASKED(DISP_DECLINED), .events = unseen, .answer = "ok"},
        {"a shadow: the same reply", ASKED(DISP_SHADOW), .events = unseen, .answer = "ok"},
        {"to one who is suspended", ASKED(DISP_OPEN), .who.other.state = MEMBER_SUSPENDED,
         .events = seen, .answer = "ok"},
        {"none (C22)", .answer = "no_request"},
        {"his", ASKING(DISP_OPEN), .answer = "no_request"},
        {"expired this millisecond", ASKED(DISP_OPEN), .who.pair.expires_ms = NOW,
         .answer = "no_request"},
        {"connected", CONNECTED, .answer = "already_connected"},
    };
    RUN(withdraw, rows);
}

/* That there is a refund does not depend on what became of the request: a shadow's is the same. */
static void
test_withdraw_gives_back_where_that_is_wanted(void **state)
{
    (void)state;
#define GIVEN_BACK "connection.withdrawn from:ada to:bob request:OLD cooldown_ms:+21d "
    const struct row rows[] = {
        {"open", ASKED(DISP_OPEN), .who.pair.created_ms = NOW - HOUR_MS,
         .events = GIVEN_BACK "audience:from+to refund_day refund_week", .answer = "ok"},
        {"declined", ASKED(DISP_DECLINED), .who.pair.created_ms = NOW - HOUR_MS,
         .events = GIVEN_BACK "audience:from refund_day refund_week", .answer = "ok"},
        {"a shadow", ASKED(DISP_SHADOW), .who.pair.created_ms = NOW - HOUR_MS,
         .events = GIVEN_BACK "audience:from refund_day refund_week", .answer = "ok"},
        {"half a day's are given back already", ASKED(DISP_OPEN),
         .who.pair.created_ms = NOW - HOUR_MS,
         .who.actor.stamps = sent(5, HOUR_MS, 1, 1 | STAMP_REFUNDED_DAY),
         .events = GIVEN_BACK "audience:from+to refund_week", .answer = "ok"},
        {"it cost nothing", ASKED(DISP_OPEN), .who.pair.costless = true,
         .events = GIVEN_BACK "audience:from+to", .answer = "ok"},
    };
    settings.refund_withdrawn = 1;
    settings.account_new = 3650 * DAY_MS;
    RUN(withdraw, rows);
}

static void
test_remove(void **state)
{
    (void)state;
    const char *removed = "connection.removed member:ada other:bob hidden_ms:+30d "
                          "audience:member+other";
    const struct row rows[] = {
        {"connected (C24)", CONNECTED, .events = removed, .answer = "ok"},
        {"with one who is closed", CONNECTED, .who.other.state = MEMBER_CLOSED, .events = removed,
         .answer = "ok"},
        {"strangers", .answer = "not_connected"},
        {"pending", ASKED(DISP_OPEN), .answer = "not_connected"},
    };
    RUN(remove_it, rows);
}

static void
test_the_remover_may_have_to_wait(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"connected", CONNECTED, .answer = "ok",
         .events = "connection.removed member:ada other:bob cooldown_ms:+2d hidden_ms:+30d "
                   "audience:member+other"},
    };
    settings.cooldown_remover = 2 * DAY_MS;
    RUN(remove_it, rows);
}

/* Whatever became of it: she must not learn from it who has seen her request. */
static void
test_each_end_is_an_event_about_who_asked(void **state)
{
    (void)state;
    const char *seen = "connection.withdrawn from:ada to:bob request:OLD cooldown_ms:+21d "
                       "audience:from+to\n" UNWELCOME("ada");
    const char *unseen = "connection.withdrawn from:ada to:bob request:OLD cooldown_ms:+21d "
                         "audience:from\n" UNWELCOME("ada");
    const struct row rows[] = {
        {"open", ASKED(DISP_OPEN), .who.actor.stamps = unwelcome(), .events = seen, .answer = "ok"},
        {"ignored", ASKED(DISP_IGNORED), .who.actor.stamps = unwelcome(), .events = unseen,
         .answer = "ok"},
        {"declined", ASKED(DISP_DECLINED), .who.actor.stamps = unwelcome(), .events = unseen,
         .answer = "ok"},
        {"reported", ASKED(DISP_REPORTED), .who.actor.stamps = unwelcome(), .events = unseen,
         .answer = "ok"},
        {"a shadow", ASKED(DISP_SHADOW), .who.actor.stamps = unwelcome(), .events = unseen,
         .answer = "ok"},
    };
    RUN(withdraw, rows);
}

/* --- expiry and closing ---------------------------------------------------------------------- */

static enum kith_err
expire(const struct pair_facts *who)
{
    decide_expire(who, &rules, &decision);
    return KITH_OK;
}

static void
test_expiry_tells_its_own_instant(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"due now (C23)", ASKED(DISP_OPEN), .who.pair.expires_ms = NOW,
         .events = "connection.expired from:ada to:bob request:OLD expired_ms:now "
                   "cooldown_ms:+7d audience:from+to",
         .answer = "ok"},
        {"two days late: the cooldown began then", ASKED(DISP_OPEN),
         .who.pair.expires_ms = NOW - 2 * DAY_MS,
         .events = "connection.expired from:ada to:bob request:OLD expired_ms:-2d "
                   "cooldown_ms:+5d audience:from+to",
         .answer = "ok"},
        {"a shadow: at the same instant", ASKED(DISP_SHADOW), .who.pair.expires_ms = NOW,
         .events = "connection.expired from:ada to:bob request:OLD expired_ms:now "
                   "cooldown_ms:+7d audience:from",
         .answer = "ok"},
        {"one of many", ASKED(DISP_OPEN), .who.pair.expires_ms = NOW,
         .who.actor.stamps = unwelcome(),
         .events = "connection.expired from:ada to:bob request:OLD expired_ms:now "
                   "cooldown_ms:+7d audience:from+to\n" UNWELCOME("ada"),
         .answer = "ok"},
        {"one of many, a shadow", ASKED(DISP_SHADOW), .who.pair.expires_ms = NOW,
         .who.actor.stamps = unwelcome(),
         .events = "connection.expired from:ada to:bob request:OLD expired_ms:now "
                   "cooldown_ms:+7d audience:from\n" UNWELCOME("ada"),
         .answer = "ok"},
        {"what her invite asked", ASKED(DISP_OPEN), .who.pair.expires_ms = NOW,
         .who.pair.masked = true, .who.actor.stamps = unwelcome(),
         .events = "connection.expired from:ada to:bob request:OLD expired_ms:now "
                   "hidden_ms:+30d audience:to",
         .answer = "ok"},
    };
    RUN(expire, rows);
}

static enum kith_err
part(const struct pair_facts *who)
{
    decide_part(who, &rules, &decision);
    return KITH_OK;
}

static void
test_a_closed_membership_ends_everything(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"connected (C30)", CONNECTED, .who.actor.state = MEMBER_CLOSED,
         .events = "connection.removed member:ada other:bob removal:closed hidden_ms:+30d "
                   "audience:other",
         .answer = "ok"},
        {"her request", ASKED(DISP_OPEN), .who.actor.state = MEMBER_CLOSED,
         .events = "connection.withdrawn from:ada to:bob request:OLD audience:to", .answer = "ok"},
        {"her request, a shadow: nobody hears", ASKED(DISP_SHADOW),
         .who.actor.state = MEMBER_CLOSED,
         .events = "connection.withdrawn from:ada to:bob request:OLD", .answer = "ok"},
        {"his", ASKING(DISP_OPEN), .who.actor.state = MEMBER_CLOSED,
         .events = "connection.withdrawn from:bob to:ada request:OLD audience:from",
         .answer = "ok"},
        {"his, declined", ASKING(DISP_DECLINED), .who.actor.state = MEMBER_CLOSED,
         .events = "connection.withdrawn from:bob to:ada request:OLD audience:from",
         .answer = "ok"},
        {"his, one of many", ASKING(DISP_OPEN), .who.actor.state = MEMBER_CLOSED,
         .who.other.stamps = unwelcome(),
         .events =
             "connection.withdrawn from:bob to:ada request:OLD audience:from\n" UNWELCOME("bob"),
         .answer = "ok"},
        {"hers, one of many: she is gone", ASKED(DISP_OPEN), .who.actor.state = MEMBER_CLOSED,
         .who.actor.stamps = unwelcome(),
         .events = "connection.withdrawn from:ada to:bob request:OLD audience:to", .answer = "ok"},
        {"nothing", .who.actor.state = MEMBER_CLOSED, .answer = "ok"},
    };
    RUN(part, rows);
}

/* --- import ---------------------------------------------------------------------------------- */

/* A skipped pair is no refusal: whatever the reason, it is only counted. */
static enum kith_err
import(const struct pair_facts *who)
{
    bool connected = decide_import(who, VIA_LINK, &rules, &decision);
    entries_bool(&decision.result, "connected", connected);
    return KITH_OK;
}

static void
test_import(void **state)
{
    (void)state;
    const char *yes = "ok {connected: true}", *no = "ok {connected: false}";
    const char *accepted = "connection.accepted from:ada to:bob since_ms:now via:link "
                           "audience:from+to";
    const struct row rows[] = {
        {"strangers (C32)", .events = accepted, .answer = yes},
        {"pending: the request is used up", ASKING(DISP_SHADOW),
         .events = "connection.accepted from:bob to:ada request:OLD since_ms:now via:link "
                   "audience:from+to",
         .answer = yes},
        {"pending, one of many: he was not accepted", ASKING(DISP_OPEN),
         .who.other.stamps = unwelcome(),
         .events = "connection.accepted from:bob to:ada request:OLD since_ms:now via:link "
                   "audience:from+to",
         .answer = yes},
        {"cooling down", MINE = {.cooldown_ms = NOW + 1, .hidden_ms = NOW + 1}, .events = accepted,
         .answer = yes},
        {"connected", CONNECTED, .answer = no},
        {"she blocks him", MINE.blocked_seq = 3, .answer = no},
        {"he blocks her", THEIRS.blocked_seq = 3, .answer = no},
        {"she is full", .who.actor.connections = 30000, .answer = no},
        {"he is full", .who.other.connections = 30000, .answer = no},
        {"one below", .who.actor.connections = 29999, .who.other.connections = 29999,
         .events = accepted, .answer = yes},
        {"she is nobody", .no_actor = true, .answer = no},
        {"he is nobody", .no_other = true, .answer = no},
        {"she is suspended", .who.actor.state = MEMBER_SUSPENDED, .answer = no},
        {"he is closed", .who.other.state = MEMBER_CLOSED, .answer = no},
    };
    RUN(import, rows);
}

/* --- access ---------------------------------------------------------------------------------- */

struct access_row {
    WHO_FIELDS;
    const char *sets; /* u, U: updates off, on; m, M: messages */
    const char *events, *answer;
};

static bool
holds(const struct access_row *row, const char *any)
{
    return strpbrk(row->sets, any) != NULL;
}

static void
test_access(void **state)
{
    (void)state;
#define CHANGED "connection.access_changed member:ada other:bob"
    const struct access_row rows[] = {
        {"updates off (C33)", CONNECTED, .sets = "u", .events = CHANGED " messages audience:member",
         .answer = "ok"},
        {"messages off", CONNECTED, .sets = "m", .events = CHANGED " updates audience:member",
         .answer = "ok"},
        {"both off", CONNECTED, .sets = "um", .events = CHANGED " audience:member", .answer = "ok"},
        {"on, as they are", CONNECTED, .sets = "UM", .answer = "ok"},
        {"nothing said", CONNECTED, .sets = "", .answer = "ok"},
        {"off again", CONNECTED, MINE.no_updates = true, .sets = "u", .answer = "ok"},
        {"on again", CONNECTED, MINE.no_updates = true, .sets = "U",
         .events = CHANGED " updates messages audience:member", .answer = "ok"},
        {"the rest stays", CONNECTED, MINE.no_messages = true, .sets = "u",
         .events = CHANGED " audience:member", .answer = "ok"},
        {"the other's is his own", CONNECTED, THEIRS.no_updates = true, .sets = "u",
         .events = CHANGED " messages audience:member", .answer = "ok"},
        {"not connected", .sets = "u", .answer = "not_connected"},
        {"nobody", .no_actor = true, .sets = "u", .answer = "no_such_member {field: member}"},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct access_row *row = &rows[i];
        struct access_facts facts = {
            .who = facts_who(&row->who, row->no_actor, row->no_other),
            .sets_updates = holds(row, "uU"),
            .updates = holds(row, "U"),
            .sets_messages = holds(row, "mM"),
            .messages = holds(row, "M"),
        };
        facts_begin();
        expect_decision(row->name, decide_access(&facts, &decision), row->events, row->answer);
    }
    expect_rows();
}

/* --- dismissals, interactions ---------------------------------------------------------------- */

static void
test_dismiss(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"once", .events = "connection.dismissed member:ada other:bob audience:member",
         .answer = "ok"},
        {"twice", MINE.dismissed = true, .answer = "ok"},
        {"the other did", THEIRS.dismissed = true,
         .events = "connection.dismissed member:ada other:bob audience:member", .answer = "ok"},
    };
    RUN(dismiss, rows);
}

static enum kith_err
comment(const struct pair_facts *who)
{
    return decide_interaction(who, INTERACTION_COMMENT, &decision);
}

static void
test_interaction(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"recorded, and nobody's news",
         .events = "interaction.recorded from:ada to:bob interaction:comment", .answer = "ok"},
        {"by nobody", .no_actor = true, .answer = "no_such_member {field: from}"},
        {"with nobody", .no_other = true, .answer = "no_such_member {field: to}"},
        {"with a suspended one", .who.other.state = MEMBER_SUSPENDED,
         .answer = "no_such_member {field: to}"},
    };
    RUN(comment, rows);
}

/* --- the clock ------------------------------------------------------------------------------- */

static void
test_the_clock_is_stamped_with_its_new_time(void **state)
{
    (void)state;
    facts_begin();
    expect_decision("a day", decide_clock((uint64_t)DAY_MS, &decision),
                    "clock.advanced ms:86400000", "ok {now: +1d}");
    facts_begin();
    expect_decision("not at all", decide_clock(0, &decision), "clock.advanced", "ok {now: now}");
    facts_begin();
    expect_decision("to the last instant", decide_clock((uint64_t)(FOREVER - NOW), &decision),
                    "clock.advanced ms:9005462751540991", "ok {now: forever}");
    facts_begin();
    expect_decision("one beyond", decide_clock((uint64_t)(FOREVER - NOW + 1), &decision), NULL,
                    "bad_argument {field: ms}");
    expect_rows();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_who_may_end_something),
        facts_test(test_withdraw),
        facts_test(test_each_end_is_an_event_about_who_asked),
        facts_test(test_withdraw_gives_back_where_that_is_wanted),
        facts_test(test_remove),
        facts_test(test_the_remover_may_have_to_wait),
        facts_test(test_expiry_tells_its_own_instant),
        facts_test(test_a_closed_membership_ends_everything),
        facts_test(test_import),
        facts_test(test_access),
        facts_test(test_dismiss),
        facts_test(test_interaction),
        facts_test(test_the_clock_is_stamped_with_its_new_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
