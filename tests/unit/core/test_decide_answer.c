/* What a recipient does with a request: accept, ignore, decline, report. Ada answers. */
#include "facts.h"

struct row {
    WHO_FIELDS;
    bool names_request, names_another;
    bool block; /* report: and block */
    const char *events, *answer;
};

static struct answer_facts
facts_of(const struct row *row)
{
    struct answer_facts facts = {
        .who = facts_who(&row->who, row->no_actor, row->no_other),
        .names_request = row->names_request || row->names_another,
        .request = row->names_another ? (struct public_id){{9}} : OLD,
    };
    return facts;
}

static enum kith_err
decide_any(char what, const struct row *row)
{
    struct answer_facts facts = facts_of(row);
    quota_load(&rules, &facts.who.other, NOW, &facts.asker);
    switch (what) {
    case 'a':
        return decide_accept(&facts, &rules, &decision);
    case 'i':
        return decide_ignore(&facts, &decision);
    case 'd':
        return decide_decline(&facts, &rules, &decision);
    case 's':
        return decide_report(&facts, REPORT_SPAM, row->block, &rules, &decision);
    default:
        return decide_report(&facts, REPORT_UNKNOWN, row->block, &rules, &decision);
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

/* What all four have in common. */
static void
test_there_must_be_a_request_to_answer(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"nobody answers", .no_actor = true, .answer = "no_such_member {field: member}"},
        {"a closed one", ASKING(DISP_OPEN), .who.actor.state = MEMBER_CLOSED,
         .answer = "member_closed"},
        {"a suspended one", ASKING(DISP_OPEN), .who.actor.state = MEMBER_SUSPENDED,
         .answer = "suspended"},
        {"nobody is answered", .no_other = true, .answer = "no_such_member {field: other}"},
        {"none (C15)", .answer = "no_request"},
        {"connected", CONNECTED, .answer = "already_connected"},
        {"her own (C16)", ASKED(DISP_OPEN), .answer = "not_recipient"},
        {"her own, declined", ASKED(DISP_DECLINED), .answer = "not_recipient"},
        {"a shadow (C15)", ASKING(DISP_SHADOW), .answer = "no_request"},
        {"a shadow, named", ASKING(DISP_SHADOW), .names_request = true, .answer = "no_request"},
        {"expired this millisecond", ASKING(DISP_OPEN), .who.pair.expires_ms = NOW,
         .answer = "no_request"},
        {"her own, expired", ASKED(DISP_OPEN), .who.pair.expires_ms = NOW, .answer = "no_request"},
        {"replaced since (C17)", ASKING(DISP_OPEN), .names_another = true,
         .answer = "stale {current: OLD}"},
        {"replaced by her own", ASKED(DISP_OPEN), .names_another = true, .answer = "not_recipient"},
        {"replaced by a shadow", ASKING(DISP_SHADOW), .names_another = true,
         .answer = "no_request"},
    };
    run('a', rows, ARRAY_COUNT(rows));
    run('i', rows, ARRAY_COUNT(rows));
    run('d', rows, ARRAY_COUNT(rows));
    run('s', rows, ARRAY_COUNT(rows));
}

/* --- accept ---------------------------------------------------------------------------------- */

#define ACCEPTED                                                                                 \
    "connection.accepted from:bob to:ada request:OLD since_ms:now via:request audience:from+to " \
    "notify"

static void
test_accept(void **state)
{
    (void)state;
    const char *ok = "ok {state: connected}";
    const struct row rows[] = {
        {"open (C13)", ASKING(DISP_OPEN), .events = ACCEPTED " refund_week", .answer = ok},
        {"by its id", ASKING(DISP_OPEN), .names_request = true, .events = ACCEPTED " refund_week",
         .answer = ok},
        {"ignored", ASKING(DISP_IGNORED), .events = ACCEPTED " refund_week", .answer = ok},
        {"declined", ASKING(DISP_DECLINED), .events = ACCEPTED " refund_week", .answer = ok},
        {"reported", ASKING(DISP_REPORTED), .events = ACCEPTED " refund_week", .answer = ok},
        {"in its last millisecond", ASKING(DISP_OPEN), .who.pair.expires_ms = NOW + 1,
         .events = ACCEPTED " refund_week", .answer = ok},
        {"within the day it was sent", ASKING(DISP_OPEN), .who.pair.created_ms = NOW - DAY_MS + 1,
         .events = ACCEPTED " refund_day refund_week", .answer = ok},
        {"a week later", ASKING(DISP_OPEN), .who.pair.created_ms = NOW - 7 * DAY_MS,
         .events = ACCEPTED, .answer = ok},
        {"half the day's limit is refunded already", ASKING(DISP_OPEN),
         .who.pair.created_ms = NOW - HOUR_MS,
         .who.other.stamps = sent(12, 2 * HOUR_MS, 1, 1 | STAMP_REFUNDED_DAY),
         .events = ACCEPTED " refund_week", .answer = ok},
        {"one less", ASKING(DISP_OPEN), .who.pair.created_ms = NOW - HOUR_MS,
         .who.other.stamps = sent(11, 2 * HOUR_MS, 1, 1 | STAMP_REFUNDED_DAY),
         .events = ACCEPTED " refund_day refund_week", .answer = ok},
        {"she is full (C14)", ASKING(DISP_OPEN), .who.actor.connections = 30000,
         .answer = "cap_reached"},
        {"he is full", ASKING(DISP_OPEN), .who.other.connections = 30000, .answer = "peer_full"},
        {"one below on both sides", ASKING(DISP_OPEN), .who.actor.connections = 29999,
         .who.other.connections = 29999, .events = ACCEPTED " refund_week", .answer = ok},
        {"unlimited is never full", ASKING(DISP_OPEN),
         .who.actor = {.tier = slice_str("unlimited"), .connections = 40000},
         .events = ACCEPTED " refund_week", .answer = ok},
        {"from a closed one", ASKING(DISP_OPEN), .who.other.state = MEMBER_CLOSED,
         .answer = "no_such_member {field: other}"},
        {"from a suspended one", ASKING(DISP_OPEN), .who.other.state = MEMBER_SUSPENDED,
         .answer = "no_such_member {field: other}"},
        {"while restricted", ASKING(DISP_OPEN), .who.actor = {.level = 5, .reason = REASON_MANUAL},
         .events = ACCEPTED " refund_week", .answer = ok},
    };
    run('a', rows, ARRAY_COUNT(rows));
    const struct row kept[] = {
        {"no refunds", ASKING(DISP_OPEN), .events = ACCEPTED, .answer = ok},
    };
    const struct row unloved[] = {
        {"he is restricted for the others", ASKING(DISP_OPEN), .who.other.stamps = unwelcome(),
         .events = ACCEPTED " refund_week\n" UNWELCOME("bob"), .answer = ok},
        {"an invite of his asked: no event about him", ASKING(DISP_OPEN), .who.pair.masked = true,
         .who.other.stamps = unwelcome(), .events = ACCEPTED, .answer = ok},
        {"not she", ASKING(DISP_OPEN), .who.actor.stamps = unwelcome(),
         .events = ACCEPTED " refund_week", .answer = ok},
    };
    run('a', unloved, ARRAY_COUNT(unloved));
    settings.refund = 0;
    run('a', kept, ARRAY_COUNT(kept));
}

/* --- ignore and decline ---------------------------------------------------------------------- */

static void
test_ignore(void **state)
{
    (void)state;
    const char *ok = "ok {state: none}";
    const char *ignored = "connection.ignored from:bob to:ada request:OLD audience:to";
    const struct row rows[] = {
        {"open (C18)", ASKING(DISP_OPEN), .events = ignored, .answer = ok},
        {"by its id", ASKING(DISP_OPEN), .names_request = true, .events = ignored, .answer = ok},
        {"again", ASKING(DISP_IGNORED), .answer = ok},
        {"declined already", ASKING(DISP_DECLINED), .answer = ok},
        {"reported already", ASKING(DISP_REPORTED), .answer = ok},
        {"from one who was suspended", ASKING(DISP_OPEN), .who.other.state = MEMBER_SUSPENDED,
         .events = ignored, .answer = ok},
    };
    run('i', rows, ARRAY_COUNT(rows));
}

#define DECLINED(step) \
    "connection.declined from:bob to:ada request:OLD hidden_ms:" step " audience:to"

static void
test_decline(void **state)
{
    (void)state;
    const char *ok = "ok {state: none}";
    const struct row rows[] = {
        {"open (C19)", ASKING(DISP_OPEN), .events = DECLINED("30d"), .answer = ok},
        {"ignored", ASKING(DISP_IGNORED), .events = DECLINED("30d"), .answer = ok},
        {"again", ASKING(DISP_DECLINED), .answer = ok},
        {"reported already", ASKING(DISP_REPORTED), .answer = ok},
        {"the second request", ASKING(DISP_OPEN), THEIRS.declines = 1, .events = DECLINED("180d"),
         .answer = ok},
        {"the third", ASKING(DISP_OPEN), THEIRS.declines = 2, .events = DECLINED("forever"),
         .answer = ok},
        {"the fourth", ASKING(DISP_OPEN), THEIRS.declines = 3, .events = DECLINED("forever"),
         .answer = ok},
        {"her own declines do not count", ASKING(DISP_OPEN), MINE.declines = 2,
         .events = DECLINED("30d"), .answer = ok},
    };
    run('d', rows, ARRAY_COUNT(rows));
}

/* --- report ---------------------------------------------------------------------------------- */

static struct slice
reports(unsigned count, enum report kind, msec_t age_ms)
{
    struct buf *out = facts_buf();
    for (unsigned i = 0; i < count; i++) {
        struct buf more = {0};
        reports_add(&more, buf_slice(out), 100 + i, kind, NOW - age_ms);
        buf_clear(out);
        buf_append(out, more.data, more.size);
        buf_fini(&more);
    }
    return buf_slice(out);
}

#define REPORTED(kind) "connection.reported from:bob to:ada request:OLD report:" kind " audience:to"
#define BLOCKED        "\nmember.blocked member:ada other:bob audience:member"
#define RESTRICTED(level, until)                                                   \
    "\nquota.restricted member:bob level:" level " reason:reports until_ms:" until \
    " audience:member notify evidence_ms:now"

static void
test_report(void **state)
{
    (void)state;
    const struct row spam[] = {
        {"open (C20)", ASKING(DISP_OPEN), .events = REPORTED("spam"), .answer = "ok"},
        {"ignored", ASKING(DISP_IGNORED), .events = REPORTED("spam"), .answer = "ok"},
        {"declined", ASKING(DISP_DECLINED), .events = REPORTED("spam"), .answer = "ok"},
        {"again", ASKING(DISP_REPORTED), .answer = "ok"},
        {"and block", ASKING(DISP_OPEN), .block = true, .events = REPORTED("spam") BLOCKED,
         .answer = "ok"},
        {"again, and now block", ASKING(DISP_REPORTED), .block = true,
         .events = "member.blocked member:ada other:bob audience:member", .answer = "ok"},
        {"blocked already", ASKING(DISP_OPEN), MINE.blocked_seq = 4, .block = true,
         .events = REPORTED("spam"), .answer = "ok"},
        {"the second voice", ASKING(DISP_OPEN),
         .who.other.reports = reports(1, REPORT_SPAM, DAY_MS), .events = REPORTED("spam"),
         .answer = "ok"},
        {"the third", ASKING(DISP_OPEN), .who.other.reports = reports(2, REPORT_SPAM, DAY_MS),
         .events = REPORTED("spam") RESTRICTED("1", "+1d"), .answer = "ok"},
        {"thirty days count", ASKING(DISP_OPEN),
         .who.other.reports = reports(2, REPORT_SPAM, 30 * DAY_MS - 1),
         .events = REPORTED("spam") RESTRICTED("1", "+1d"), .answer = "ok"},
        {"and no more", ASKING(DISP_OPEN),
         .who.other.reports = reports(2, REPORT_SPAM, 30 * DAY_MS), .events = REPORTED("spam"),
         .answer = "ok"},
        {"others said something else", ASKING(DISP_OPEN),
         .who.other.reports = reports(4, REPORT_UNKNOWN, DAY_MS), .events = REPORTED("spam"),
         .answer = "ok"},
        {"what was evidence already is none", ASKING(DISP_OPEN),
         .who.other = {.reports = reports(2, REPORT_SPAM, DAY_MS),
                       .evidence_ms[REASON_REPORTS] = NOW - DAY_MS},
         .events = REPORTED("spam"), .answer = "ok"},
        {"what came after it is", ASKING(DISP_OPEN),
         .who.other = {.reports = reports(2, REPORT_SPAM, DAY_MS),
                       .level = 1,
                       .level_ms = NOW - 2 * DAY_MS,
                       .reason = REASON_REPORTS,
                       .evidence_ms[REASON_REPORTS] = NOW - DAY_MS - 1},
         .events = REPORTED("spam") RESTRICTED("2", "+3d"), .answer = "ok"},
    };
    run('s', spam, ARRAY_COUNT(spam));
    const struct row unknown[] = {
        {"the fourth voice", ASKING(DISP_OPEN),
         .who.other.reports = reports(3, REPORT_UNKNOWN, 89 * DAY_MS),
         .events = REPORTED("unknown"), .answer = "ok"},
        {"the fifth", ASKING(DISP_OPEN),
         .who.other.reports = reports(4, REPORT_UNKNOWN, 89 * DAY_MS),
         .events = REPORTED("unknown") RESTRICTED("1", "+1d"), .answer = "ok"},
    };
    run('u', unknown, ARRAY_COUNT(unknown));
}

static void
test_one_voice_counts_once(void **state)
{
    (void)state;
    struct buf *hers = facts_buf();
    struct slice two = reports(2, REPORT_SPAM, DAY_MS);
    reports_add(hers, two, 1, REPORT_OTHER, NOW - 90 * DAY_MS + 1);
    const struct row rows[] = {
        {"ada reported him within ninety days", ASKING(DISP_OPEN),
         .who.other.reports = buf_slice(hers), .events = REPORTED("spam"), .answer = "ok"},
    };
    run('s', rows, ARRAY_COUNT(rows));
}

static void
test_a_block_with_a_report_has_its_limit(void **state)
{
    (void)state;
    struct row row = {"full", ASKING(DISP_REPORTED), .who.actor.blocks = 100000, .block = true,
                      .answer = "cap_reached"};
    run('s', &row, 1);
    row.who.actor.blocks = 99999;
    row.events = "member.blocked member:ada other:bob audience:member";
    row.answer = "ok";
    run('s', &row, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_there_must_be_a_request_to_answer),
        facts_test(test_accept),
        facts_test(test_ignore),
        facts_test(test_decline),
        facts_test(test_report),
        facts_test(test_one_voice_counts_once),
        facts_test(test_a_block_with_a_report_has_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
