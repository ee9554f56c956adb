/* Blocks and pre-approvals: what one side decides about the other, who is never told. */
#include "facts.h"

struct row {
    WHO_FIELDS;
    uint64_t ttl_ms; /* of a pre-approval; 0: for ever */
    const char *events, *answer;
};

static enum kith_err
decide_any(char what, const struct row *row)
{
    struct preapprove_facts facts = {
        .who = facts_who(&row->who, row->no_actor, row->no_other),
        .ttl_ms = row->ttl_ms,
    };
    quota_load(&rules, &facts.who.other, NOW, &facts.asker);
    switch (what) {
    case 'b':
        return decide_block(&facts.who, &rules, &decision);
    case 'u':
        return decide_unblock(&facts.who, &decision);
    case 'p':
        return decide_preapprove(&facts, &rules, &decision);
    default:
        return decide_unpreapprove(&facts.who, &decision);
    }
}

static void
run(char what, const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        facts_begin();
        enum kith_err err = decide_any(what, &rows[i]);
        expect_decision(rows[i].name, err, rows[i].events, rows[i].answer);
    }
    expect_rows();
}

#define BLOCKED "member.blocked member:ada other:bob audience:member"

static void
test_who_may(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"nobody", .no_actor = true, .answer = "no_such_member {field: member}"},
        {"a closed one", .who.actor.state = MEMBER_CLOSED, .answer = "member_closed"},
        {"a suspended one", .who.actor.state = MEMBER_SUSPENDED, .answer = "suspended"},
        {"about nobody", .no_other = true, .answer = "no_such_member {field: other}"},
    };
    run('b', rows, ARRAY_COUNT(rows));
    run('u', rows, ARRAY_COUNT(rows));
    run('p', rows, ARRAY_COUNT(rows));
    run('n', rows, ARRAY_COUNT(rows));
}

static void
test_block(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"a stranger (C26)", .events = BLOCKED, .answer = "ok"},
        {"a closed one", .who.other.state = MEMBER_CLOSED, .events = BLOCKED, .answer = "ok"},
        {"a connection: to him a plain removal", CONNECTED,
         .events = "connection.removed member:ada other:bob hidden_ms:+30d "
                   "audience:member+other\n" BLOCKED,
         .answer = "ok"},
        {"her request: withdrawn, no cooldown", ASKED(DISP_OPEN),
         .events = "connection.withdrawn from:ada to:bob request:OLD audience:from+to\n" BLOCKED,
         .answer = "ok"},
        {"her request, one of many", ASKED(DISP_OPEN), .who.actor.stamps = unwelcome(),
         .events = "connection.withdrawn from:ada to:bob request:OLD audience:from+to\n" UNWELCOME(
             "ada") "\n" BLOCKED,
         .answer = "ok"},
        {"her request, which he declined", ASKED(DISP_DECLINED),
         .events = "connection.withdrawn from:ada to:bob request:OLD audience:from\n" BLOCKED,
         .answer = "ok"},
        {"his request goes on for him", ASKING(DISP_OPEN), .events = BLOCKED, .answer = "ok"},
        {"again (idempotent)", MINE.blocked_seq = 4, .answer = "ok"},
        {"he did it first", THEIRS.blocked_seq = 4, .events = BLOCKED, .answer = "ok"},
        {"the last there is room for", .who.actor.blocks = 99999, .events = BLOCKED,
         .answer = "ok"},
        {"one over", .who.actor.blocks = 100000, .answer = "cap_reached"},
        {"one over, but blocked already", .who.actor.blocks = 100000, MINE.blocked_seq = 4,
         .answer = "ok"},
        {"while restricted", .who.actor = {.level = 5, .reason = REASON_MANUAL}, .events = BLOCKED,
         .answer = "ok"},
    };
    run('b', rows, ARRAY_COUNT(rows));
}

static void
test_unblock(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"blocked (C27)", MINE.blocked_seq = 4,
         .events = "member.unblocked member:ada other:bob audience:member", .answer = "ok"},
        {"not blocked", .answer = "not_blocked"},
        {"blocked by the other only", THEIRS.blocked_seq = 4, .answer = "not_blocked"},
    };
    run('u', rows, ARRAY_COUNT(rows));
}

#define APPROVED(until) "member.preapproved member:ada other:bob" until " audience:member"

static void
test_preapprove(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"for ever (C28)", .events = APPROVED(""), .answer = "ok"},
        {"for a millisecond", .ttl_ms = 1, .events = APPROVED(" expires_ms:+1ms"), .answer = "ok"},
        {"to the last instant but one", .ttl_ms = FOREVER_MS - NOW - 1,
         .events = APPROVED(" expires_ms:9007199254740990"), .answer = "ok"},
        {"beyond what fits", .ttl_ms = FOREVER_MS - NOW, .events = APPROVED(""), .answer = "ok"},
        {"again, as long", MINE = {.approved_seq = 5, .approved_ms = FOREVER_MS}, .answer = "ok"},
        {"again, shorter", MINE = {.approved_seq = 5, .approved_ms = FOREVER_MS}, .ttl_ms = 1,
         .events = APPROVED(" expires_ms:+1ms"), .answer = "ok"},
        {"again, after it ended", MINE = {.approved_seq = 5, .approved_ms = NOW},
         .events = APPROVED(""), .answer = "ok"},
        {"one she blocks", MINE.blocked_seq = 4, .answer = "blocked_by_you"},
        {"one who blocks her", THEIRS.blocked_seq = 4, .events = APPROVED(""), .answer = "ok"},
        {"a connection", CONNECTED, .answer = "already_connected"},
        {"a closed one", .who.other.state = MEMBER_CLOSED,
         .answer = "no_such_member {field: other}"},
        {"a suspended one", .who.other.state = MEMBER_SUSPENDED,
         .answer = "no_such_member {field: other}"},
        {"whom she asked herself", ASKED(DISP_OPEN), .events = APPROVED(""), .answer = "ok"},
        {"who asks in a way she never sees", ASKING(DISP_SHADOW), .events = APPROVED(""),
         .answer = "ok"},
        {"whose request has expired", ASKING(DISP_OPEN), .who.pair.expires_ms = NOW,
         .events = APPROVED(""), .answer = "ok"},
    };
    run('p', rows, ARRAY_COUNT(rows));
}

static void
test_preapproving_who_asks_accepts(void **state)
{
    (void)state;
    const char *accepted = "connection.accepted from:bob to:ada request:OLD since_ms:now "
                           "via:preapproval audience:from+to notify refund_week";
    const struct row rows[] = {
        {"open", ASKING(DISP_OPEN), .events = accepted, .answer = "ok {state: connected}"},
        {"declined", ASKING(DISP_DECLINED), .events = accepted, .answer = "ok {state: connected}"},
        {"she is full", ASKING(DISP_OPEN), .who.actor.connections = 30000, .answer = "cap_reached"},
        {"he is full", ASKING(DISP_OPEN), .who.other.connections = 30000, .answer = "peer_full"},
    };
    run('p', rows, ARRAY_COUNT(rows));
}

static void
test_unpreapprove(void **state)
{
    (void)state;
    const char *taken = "member.unpreapproved member:ada other:bob audience:member";
    const struct row rows[] = {
        {"approved (C29)", MINE = {.approved_seq = 5, .approved_ms = FOREVER_MS}, .events = taken,
         .answer = "ok"},
        {"ended already", MINE = {.approved_seq = 5, .approved_ms = NOW}, .answer = "ok"},
        {"never", .answer = "ok"},
        {"by the other", THEIRS = {.approved_seq = 5, .approved_ms = FOREVER_MS}, .answer = "ok"},
    };
    run('n', rows, ARRAY_COUNT(rows));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_who_may),
        facts_test(test_block),
        facts_test(test_unblock),
        facts_test(test_preapprove),
        facts_test(test_preapproving_who_asks_accepts),
        facts_test(test_unpreapprove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
