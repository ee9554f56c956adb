/* connection.request: every check in its order, what is secret, and what the reply says. */
#include "facts.h"

struct row {
    WHO_FIELDS;
    struct note_facts note;
    struct hints hints;
    uint64_t mutuals;
    bool shares_interests, proof_given, proof_matches, preview;
    msec_t pending_ms; /* when the first of ada's requests expires */
    const char *events, *answer;
};

static void
run(const struct row *row)
{
    struct request_facts facts = {
        .who = facts_who(&row->who, row->no_actor, row->no_other),
        .note = row->note,
        .hints = row->hints,
        .mutuals = row->mutuals,
        .shares_interests = row->shares_interests,
        .proof_given = row->proof_given,
        .proof_matches = row->proof_matches,
        .preview = row->preview,
    };
    if (!facts.note.text.data)
        facts.note = (struct note_facts){.generic = true};
    else if (facts.note.length == 0)
        facts.note.length = facts.note.text.size;
    quota_load(&rules, &facts.who.actor, NOW, &facts.quota);
    quota_load(&rules, &facts.who.other, NOW, &facts.asker);
    facts.quota.pending_ms = row->pending_ms;
    facts_begin();
    enum kith_err err = decide_request(&facts, &rules, &decision);
    expect_decision(row->name, err, row->events, row->answer);
}

#define RUN(rows)                                    \
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) \
        run(&(rows)[i]);                             \
    expect_rows()

#define REQUESTED(rest) "connection.requested from:ada to:bob request:NEW expires_ms:+180d " rest

#define PLAIN    REQUESTED("cost:1 audience:from+to notify impersonal burst_ms:+6s")
#define SHADOW   REQUESTED("cost:1 shadow audience:from impersonal burst_ms:+6s")
#define FILTERED REQUESTED("cost:1 audience:from+to notify impersonal burst_ms:+6s filtered")
#define ACCEPTED(id, rest) \
    "connection.accepted from:ada to:bob request:" id " since_ms:now via:" rest
/* Where nothing was sent before, the burst is the tightest. */
#define PENDING_REPLY(advice) \
    "ok {state: pending, request: NEW, expires_at: +180d, quota: {left: 4}, advice: [" advice "]}"
#define CONNECTED_REPLY(left) "ok {state: connected, quota: {left: " left "}, advice: [no_reason]}"

/* A note that is personal, of any length. */
#define NOTE(...)                                                                   \
    {                                                                               \
        .text = slice_str("hello bob"), .says_name = true, .print = 77, __VA_ARGS__ \
    }

/* --- who and what ---------------------------------------------------------------------------- */

static void
test_who_may_ask_whom(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"strangers (C1)", .events = PLAIN, .answer = PENDING_REPLY("no_reason")},
        {"a preview tells no id", .preview = true, .events = PLAIN,
         .answer = "ok {state: pending, expires_at: +180d, quota: {left: 4}, advice: [no_reason]}"},
        {"nobody asks", .no_actor = true, .answer = "no_such_member {field: from}"},
        {"a closed one asks", .who.actor.state = MEMBER_CLOSED, .answer = "member_closed"},
        {"a suspended one asks", .who.actor.state = MEMBER_SUSPENDED, .answer = "suspended"},
        {"nobody is asked (C3)", .no_other = true, .answer = "no_such_member {field: to}"},
        {"a closed one is asked", .who.other.state = MEMBER_CLOSED,
         .answer = "no_such_member {field: to}"},
        {"a suspended one is asked", .who.other.state = MEMBER_SUSPENDED,
         .answer = "no_such_member {field: to}"},
        {"connected (C25)", CONNECTED, .answer = "already_connected"},
        {"pending (C11)", ASKED(DISP_OPEN), .answer = "already_pending {request: OLD}"},
        {"pending, declined", ASKED(DISP_DECLINED), .answer = "already_pending {request: OLD}"},
        {"pending, a shadow", ASKED(DISP_SHADOW), .answer = "already_pending {request: OLD}"},
        {"pending until the next millisecond", ASKED(DISP_OPEN), .who.pair.expires_ms = NOW + 1,
         .answer = "already_pending {request: OLD}"},
        {"blocked by the sender (C4)", MINE.blocked_seq = 5, .answer = "blocked_by_you"},
        {"blocked by both", MINE.blocked_seq = 5, THEIRS.blocked_seq = 6,
         .answer = "blocked_by_you"},
        {"pending before blocked", ASKED(DISP_OPEN), MINE.blocked_seq = 5,
         .answer = "already_pending {request: OLD}"},
        {"blocked before crossing", ASKING(DISP_SHADOW), MINE.blocked_seq = 5,
         .answer = "blocked_by_you"},
    };
    RUN(rows);
}

static void
test_notes_have_a_length(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"300 code points", .note = NOTE(.length = 300),
         .events = REQUESTED("note:'hello bob' cost:1 audience:from+to notify print:77 "
                             "burst_ms:+6s counts_note"),
         .answer = PENDING_REPLY("")},
        {"301", .note = NOTE(.length = 301),
         .answer = "note_too_long {limit: 300, used: 301, field: note}"},
        {"before what is between them", CONNECTED, .note = NOTE(.length = 301),
         .answer = "note_too_long {limit: 300, used: 301, field: note}"},
        {"but after who they are", .no_other = true, .note = NOTE(.length = 301),
         .answer = "no_such_member {field: to}"},
        {"premium: not counted", .who.actor.tier = slice_str("premium"), .note = NOTE(),
         .events = REQUESTED("note:'hello bob' cost:1 audience:from+to notify print:77 "
                             "burst_ms:+6s"),
         .answer = PENDING_REPLY("")},
        {"unlimited: nothing is counted", .who.actor.tier = slice_str("unlimited"), .note = NOTE(),
         .events = REQUESTED("note:'hello bob' audience:from+to notify"),
         .answer = "ok {state: pending, request: NEW, expires_at: +180d, quota: {}, advice: []}"},
    };
    RUN(rows);
}

/* What costs nothing is remembered all the same, as evidence. */
static void
test_costs_are_settings(void **state)
{
    (void)state;
#define LEFT(left) \
    "ok {state: pending, request: NEW, expires_at: +180d, quota: {left: " left "}, advice: "
    const struct row rows[] = {
        {"nothing said",
         .events = REQUESTED("cost:2 audience:from+to notify impersonal "
                             "burst_ms:+12s"),
         .answer = LEFT("3") "[no_reason]}"},
        {"personal", .note = NOTE(),
         .events = REQUESTED("note:'hello bob' audience:from+to notify print:77 burst_ms:now "
                             "counts_note costless"),
         .answer = LEFT("5") "[]}"},
        {"to several others", .note = NOTE(.earlier = 3, .generic = true),
         .events = REQUESTED("note:'hello bob' cost:4 audience:from+to notify print:77 impersonal "
                             "duplicate burst_ms:+24s counts_note"),
         .answer = LEFT("1") "[generic, duplicate]}"},
        {"unlimited", .who.actor.tier = slice_str("unlimited"),
         .events = REQUESTED("audience:from+to notify"),
         .answer = "ok {state: pending, request: NEW, expires_at: +180d, quota: {}, "
                   "advice: [no_reason]}"},
    };
    settings.cost_plain = 2;
    settings.cost_personal = 0;
    settings.cost_duplicate = 4;
    RUN(rows);
}

static void
test_the_reply_advises(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"generic", .note = NOTE(.generic = true),
         .events = REQUESTED("note:'hello bob' cost:1 audience:from+to notify print:77 impersonal "
                             "burst_ms:+6s counts_note"),
         .answer = PENDING_REPLY("generic")},
        {"the third of its kind", .note = NOTE(.earlier = 2),
         .events = REQUESTED("note:'hello bob' cost:1 audience:from+to notify print:77 "
                             "burst_ms:+6s counts_note"),
         .answer = PENDING_REPLY("")},
        {"the fourth costs two", .note = NOTE(.earlier = 3),
         .events = REQUESTED("note:'hello bob' cost:2 audience:from+to notify print:77 duplicate "
                             "burst_ms:+12s counts_note"),
         .answer = "ok {state: pending, request: NEW, expires_at: +180d, quota: {left: 3}, "
                   "advice: [duplicate]}"},
        {"without the name", .note = {.text = slice_str("hello"), .length = 5, .print = 7},
         .events = REQUESTED("note:hello cost:1 audience:from+to notify print:7 "
                             "burst_ms:+6s counts_note"),
         .answer = PENDING_REPLY("no_name")},
        {"hints", .hints = {.profile_not_viewed = true, .shares_interests = true}, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason, profile_not_viewed, shared_interests")},
        {"interests by profile", .shares_interests = true, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason, shared_interests")},
        {"mutuals", .mutuals = 3, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason, {mutuals: 3}")},
        {"rarely accepted: 34 of 100",
         .who.actor.stamps =
             joined(sent(33, 20 * DAY_MS, 1, 1), sent(17, 19 * DAY_MS, 1, 1 | STAMP_ACCEPTED)),
         .events = PLAIN, .answer = PENDING_REPLY("no_reason, low_acceptance")},
        {"35 of 100 are enough",
         .who.actor.stamps =
             joined(sent(26, 20 * DAY_MS, 1, 1), sent(14, 19 * DAY_MS, 1, 1 | STAMP_ACCEPTED)),
         .events = PLAIN, .answer = PENDING_REPLY("no_reason")},
        {"29 say nothing", .who.actor.stamps = sent(29, 20 * DAY_MS, 1, 1), .events = PLAIN,
         .answer = PENDING_REPLY("no_reason")},
    };
    RUN(rows);
}

/* --- crossing -------------------------------------------------------------------------------- */

static void
test_a_request_the_other_way_crosses(void **state)
{
    (void)state;
    const char *crossed =
        "connection.accepted from:bob to:ada request:OLD since_ms:now via:crossing "
        "audience:from+to notify";
    const char *refunded =
        "connection.accepted from:bob to:ada request:OLD since_ms:now via:crossing "
        "audience:from+to notify refund_week";
    const struct row rows[] = {
        {"open (C12)", ASKING(DISP_OPEN), .who.pair.created_ms = NOW - 8 * DAY_MS,
         .events = crossed, .answer = CONNECTED_REPLY("5")},
        {"declined", ASKING(DISP_DECLINED), .events = refunded, .answer = CONNECTED_REPLY("5")},
        {"a shadow", ASKING(DISP_SHADOW), .events = refunded, .answer = CONNECTED_REPLY("5")},
        {"with a note of her own", ASKING(DISP_OPEN), .who.pair.expires_ms = NOW + 1,
         .note = NOTE(),
         .events = "connection.accepted from:bob to:ada request:OLD since_ms:now via:crossing "
                   "note:'hello bob' audience:from+to notify refund_week",
         .answer = "ok {state: connected, quota: {left: 5}, advice: []}"},
        {"restricted, cooling down, and against his policy", ASKING(DISP_OPEN),
         .who.actor = {.level = 5, .reason = REASON_MANUAL}, MINE.cooldown_ms = NOW + DAY_MS,
         .who.other.accept = ACCEPT_NOBODY, .events = refunded, .answer = CONNECTED_REPLY("5")},
        {"with a full day", ASKING(DISP_OPEN), .who.actor.stamps = sent(25, HOUR_MS * 5, 1, 1),
         .events = refunded,
         .answer = "ok {state: connected, quota: {left: 0, next_free_at: +19h}, "
                   "advice: [no_reason]}"},
        {"she is full", ASKING(DISP_OPEN), .who.actor.connections = 30000, .answer = "cap_reached"},
        {"he is full", ASKING(DISP_OPEN), .who.other.connections = 30000, .answer = "peer_full"},
        {"both are: her own first", ASKING(DISP_OPEN), .who.actor.connections = 30000,
         .who.other.connections = 30000, .answer = "cap_reached"},
        {"one below", ASKING(DISP_OPEN), .who.actor.connections = 29999,
         .who.other.connections = 29999, .events = refunded, .answer = CONNECTED_REPLY("5")},
        {"expired this millisecond: she asks", ASKING(DISP_OPEN), .who.pair.expires_ms = NOW,
         .events = PLAIN, .answer = PENDING_REPLY("no_reason")},
    };
    RUN(rows);
}

/* --- what is refused openly ------------------------------------------------------------------ */

static void
test_open_refusals_in_their_order(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"cooldown, one millisecond left (C6)", MINE.cooldown_ms = NOW + 1,
         .answer = "cooldown {until: +1ms}"},
        {"cooldown over", MINE.cooldown_ms = NOW, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason")},
        {"the other's cooldown is his own", THEIRS.cooldown_ms = NOW + DAY_MS, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason")},
        {"cooldown before restriction", MINE.cooldown_ms = NOW + 1,
         .who.actor = {.level = 1, .reason = REASON_REPORTS, .until_ms = NOW + DAY_MS},
         .answer = "cooldown {until: +1ms}"},
        {"restricted (C8)",
         .who.actor = {.level = 1, .reason = REASON_REPORTS, .until_ms = NOW + 1},
         .answer = "restricted {level: 1, reason: reports, until: +1ms}"},
        {"restriction over", .who.actor = {.level = 1, .reason = REASON_REPORTS, .until_ms = NOW},
         .events = PLAIN, .answer = PENDING_REPLY("no_reason")},
        {"restricted until lifted", .who.actor = {.level = 5, .reason = REASON_MANUAL},
         .answer = "restricted {level: 5, reason: manual}"},
        {"restriction before policy",
         .who.actor = {.level = 1, .reason = REASON_REPORTS, .until_ms = NOW + 1},
         .who.other.accept = ACCEPT_NOBODY,
         .answer = "restricted {level: 1, reason: reports, until: +1ms}"},
        {"policy before quota", .who.actor.outgoing = 500, .who.other.accept = ACCEPT_NOBODY,
         .answer = "not_accepting"},
        {"quota before the own cap", .who.actor = {.outgoing = 500, .connections = 30000},
         .pending_ms = NOW + HOUR_MS,
         .answer = "quota_exceeded {window: pending, limit: 500, used: 500, next_free_at: +1h}"},
        {"the own cap (C9)", .who.actor.connections = 30000, .answer = "cap_reached"},
        {"one below it", .who.actor.connections = 29999, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason")},
        {"the other's cap is not told", .who.other.connections = 30000, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason")},
    };
    RUN(rows);
}

static void
test_a_policy_is_public(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"everyone", .who.other.accept = ACCEPT_EVERYONE, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason")},
        {"nobody (C7)", .who.other.accept = ACCEPT_NOBODY, .answer = "not_accepting"},
        {"mutual, none", .who.other.accept = ACCEPT_MUTUAL, .answer = "not_accepting"},
        {"mutual, one", .who.other.accept = ACCEPT_MUTUAL, .mutuals = 1, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason, {mutuals: 1}")},
        {"proof missing", .who.other.accept = ACCEPT_PROOF, .answer = "proof_required"},
        {"proof wrong: filed away", .who.other.accept = ACCEPT_PROOF, .proof_given = true,
         .events = FILTERED, .answer = PENDING_REPLY("no_reason")},
        {"proof right", .who.other.accept = ACCEPT_PROOF, .proof_given = true,
         .proof_matches = true, .events = PLAIN, .answer = PENDING_REPLY("no_reason")},
        {"nobody, blocked too: the same", .who.other.accept = ACCEPT_NOBODY, THEIRS.blocked_seq = 5,
         .answer = "not_accepting"},
        {"proof missing, blocked too: the same", .who.other.accept = ACCEPT_PROOF,
         THEIRS.blocked_seq = 5, .answer = "proof_required"},
        {"proof wrong, blocked too: the same", .who.other.accept = ACCEPT_PROOF,
         .proof_given = true, THEIRS.blocked_seq = 5,
         .events = REQUESTED("cost:1 shadow audience:from impersonal burst_ms:+6s filtered"),
         .answer = PENDING_REPLY("no_reason")},
        {"a pre-approval satisfies it", .who.other.accept = ACCEPT_NOBODY,
         THEIRS = {.approved_seq = 7, .approved_ms = NOW + 1},
         .events = PLAIN "\n" ACCEPTED("NEW", "preapproval audience:from+to notify refund_day "
                                              "refund_week"),
         .answer = CONNECTED_REPLY("4")},
        {"but not one that is over", .who.other.accept = ACCEPT_NOBODY,
         THEIRS = {.approved_seq = 7, .approved_ms = NOW}, .answer = "not_accepting"},
        {"nor the sender's own", .who.other.accept = ACCEPT_NOBODY,
         MINE = {.approved_seq = 7, .approved_ms = NOW + 1}, .answer = "not_accepting"},
    };
    RUN(rows);
}

static void
test_limits_at_and_one_over(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"last of the burst", .who.actor.burst_ms = NOW + 24 * SECOND_MS,
         .events = REQUESTED("cost:1 audience:from+to notify impersonal burst_ms:+30s"),
         .answer = "ok {state: pending, request: NEW, expires_at: +180d, "
                   "quota: {left: 0, next_free_at: +6s}, advice: [no_reason]}"},
        {"one over the burst", .who.actor.burst_ms = NOW + 24 * SECOND_MS + 1,
         .answer = "quota_exceeded {window: burst, limit: 5, used: 5, next_free_at: +1ms}"},
        {"last of the hour", .who.actor.stamps = sent(19, HOUR_MS - 1, 1, 1), .events = PLAIN,
         .answer = "ok {state: pending, request: NEW, expires_at: +180d, "
                   "quota: {left: 0, next_free_at: +1ms}, advice: [no_reason]}"},
        {"one over the hour", .who.actor.stamps = sent(20, HOUR_MS - 1, 1, 1),
         .answer = "quota_exceeded {window: hour, limit: 20, used: 20, next_free_at: +1ms}"},
        {"the oldest is exactly an hour old", .who.actor.stamps = sent(20, HOUR_MS, 1, 1),
         .events = PLAIN,
         .answer = "ok {state: pending, request: NEW, expires_at: +180d, "
                   "quota: {left: 0, next_free_at: +1ms}, advice: [no_reason]}"},
        {"last of the day", .who.actor.stamps = sent(24, 23 * HOUR_MS, 1, 1), .events = PLAIN,
         .answer = "ok {state: pending, request: NEW, expires_at: +180d, "
                   "quota: {left: 0, next_free_at: +1h}, advice: [no_reason]}"},
        {"one over the day", .who.actor.stamps = sent(25, 23 * HOUR_MS, 1, 1),
         .answer = "quota_exceeded {window: day, limit: 25, used: 25, next_free_at: +1h}"},
        {"one over the week", .who.actor.stamps = sent(100, 6 * DAY_MS, 1, 1),
         .answer = "quota_exceeded {window: week, limit: 100, used: 100, next_free_at: +1d}"},
        {"day and week: what frees last is named",
         .who.actor.stamps = joined(sent(75, 6 * DAY_MS, 1, 1), sent(25, 23 * HOUR_MS, 1, 1)),
         .answer = "quota_exceeded {window: week, limit: 100, used: 100, next_free_at: +1d}"},
        {"day and week: here the day",
         .who.actor.stamps = joined(sent(75, 7 * DAY_MS - 1, 1, 1), sent(25, HOUR_MS * 2, 1, 1)),
         .answer = "quota_exceeded {window: day, limit: 25, used: 25, next_free_at: +22h}"},
        {"a duplicate needs two", .note = NOTE(.earlier = 3),
         .who.actor.stamps = sent(24, 23 * HOUR_MS, 1, 1),
         .answer = "quota_exceeded {window: day, limit: 25, used: 24, next_free_at: +1h}"},
        {"last that may wait", .who.actor.outgoing = 499, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason")},
        {"one over what may wait", .who.actor.outgoing = 500, .pending_ms = NOW + DAY_MS,
         .answer = "quota_exceeded {window: pending, limit: 500, used: 500, next_free_at: +1d}"},
        {"the same, and nobody has looked until when", .who.actor.outgoing = 500,
         .answer = "quota_exceeded {window: pending, limit: 500, used: 500}"},
        {"fifth note of the month", .note = NOTE(),
         .who.actor = {.note_month = 2025 * 12, .note_count = 4},
         .events = REQUESTED("note:'hello bob' cost:1 audience:from+to notify print:77 "
                             "burst_ms:+6s counts_note"),
         .answer = PENDING_REPLY("")},
        {"sixth note", .note = NOTE(), .who.actor = {.note_month = 2025 * 12, .note_count = 5},
         .answer = "quota_exceeded {window: note, limit: 5, used: 5, next_free_at: +518h}"},
        {"sixth, without a note", .who.actor = {.note_month = 2025 * 12, .note_count = 5},
         .events = PLAIN, .answer = PENDING_REPLY("no_reason")},
        {"five in December", .note = NOTE(),
         .who.actor = {.note_month = 2025 * 12 - 1, .note_count = 5},
         .events = REQUESTED("note:'hello bob' cost:1 audience:from+to notify print:77 "
                             "burst_ms:+6s counts_note"),
         .answer = PENDING_REPLY("")},
        {"a new account: last of the day",
         .who.actor = {.since_ms = NOW - 30 * DAY_MS + 1, .stamps = sent(9, 23 * HOUR_MS, 1, 1)},
         .events = PLAIN,
         .answer = "ok {state: pending, request: NEW, expires_at: +180d, "
                   "quota: {left: 0, next_free_at: +1h}, advice: [no_reason]}"},
        {"a new account: one over",
         .who.actor = {.since_ms = NOW - 30 * DAY_MS + 1, .stamps = sent(10, 23 * HOUR_MS, 1, 1)},
         .answer = "quota_exceeded {window: day, limit: 10, used: 10, next_free_at: +1h}"},
        {"thirty days old: new no more",
         .who.actor = {.since_ms = NOW - 30 * DAY_MS, .stamps = sent(10, 23 * HOUR_MS, 1, 1)},
         .events = PLAIN, .answer = PENDING_REPLY("no_reason")},
    };
    RUN(rows);
}

/* --- what is secret -------------------------------------------------------------------------- */

static void
test_a_shadow_looks_like_any_request(void **state)
{
    (void)state;
    const char *reply = PENDING_REPLY("no_reason");
    const struct row rows[] = {
        {"he blocks her (C5)", THEIRS.blocked_seq = 5, .events = SHADOW, .answer = reply},
        {"she was declined", MINE.hidden_ms = NOW + 1, .events = SHADOW, .answer = reply},
        {"long ago", MINE.hidden_ms = NOW, .events = PLAIN, .answer = reply},
        {"he was", THEIRS.hidden_ms = NOW + 1, .events = PLAIN, .answer = reply},
        {"his inbox is full", .who.other.incoming = 10000, .events = SHADOW, .answer = reply},
        {"one below", .who.other.incoming = 9999, .events = PLAIN, .answer = reply},
        {"a busy day of his", .who.other.inbound = sent(500, DAY_MS - 1, 1, 0), .events = FILTERED,
         .answer = reply},
        {"one below", .who.other.inbound = sent(499, DAY_MS - 1, 1, 0), .events = PLAIN,
         .answer = reply},
        {"the first is a day old", .who.other.inbound = sent(500, DAY_MS, 1, 0), .events = PLAIN,
         .answer = reply},
        {"he has no limit",
         .who.other = {.inbound = sent(500, 600, 1, 0), .tier = slice_str("unlimited")},
         .events = REQUESTED("cost:1 audience:from+to notify impersonal burst_ms:+6s unmetered"),
         .answer = reply},
        {"a block beats a pre-approval",
         THEIRS = {.blocked_seq = 5, .approved_seq = 6, .approved_ms = FOREVER}, .events = SHADOW,
         .answer = reply},
        {"a block beats auto-accept", THEIRS.blocked_seq = 5, .who.other.auto_accept = AUTO_ALL,
         .events = SHADOW, .answer = reply},
    };
    RUN(rows);
}

static void
test_some_are_accepted_at_once(void **state)
{
    (void)state;
    const char *by_policy =
        PLAIN "\n" ACCEPTED("NEW", "policy audience:from+to notify refund_day refund_week");
    const char *by_approval =
        PLAIN "\n" ACCEPTED("NEW", "preapproval audience:from+to notify refund_day refund_week");
    const struct row rows[] = {
        {"pre-approved (C10)", THEIRS = {.approved_seq = 7, .approved_ms = FOREVER},
         .events = by_approval, .answer = CONNECTED_REPLY("4")},
        {"by name before by policy", THEIRS = {.approved_seq = 7, .approved_ms = FOREVER},
         .who.other.auto_accept = AUTO_ALL, .events = by_approval, .answer = CONNECTED_REPLY("4")},
        {"all", .who.other.auto_accept = AUTO_ALL, .events = by_policy,
         .answer = CONNECTED_REPLY("4")},
        {"none", .who.other.auto_accept = AUTO_NONE, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason")},
        {"three mutuals wanted, two", .who.other.auto_accept = AUTO_MUTUALS + 3, .mutuals = 2,
         .events = PLAIN, .answer = PENDING_REPLY("no_reason, {mutuals: 2}")},
        {"three", .who.other.auto_accept = AUTO_MUTUALS + 3, .mutuals = 3, .events = by_policy,
         .answer = "ok {state: connected, quota: {left: 4}, "
                   "advice: [no_reason, {mutuals: 3}]}"},
        {"all, but with a proof, and it is wrong",
         .who.other = {.auto_accept = AUTO_ALL, .accept = ACCEPT_PROOF}, .proof_given = true,
         .events = FILTERED, .answer = PENDING_REPLY("no_reason")},
        {"and right", .who.other = {.auto_accept = AUTO_ALL, .accept = ACCEPT_PROOF},
         .proof_given = true, .proof_matches = true, .events = by_policy,
         .answer = CONNECTED_REPLY("4")},
        {"he is full: pending as usual",
         .who.other = {.auto_accept = AUTO_ALL, .connections = 30000}, .events = PLAIN,
         .answer = PENDING_REPLY("no_reason")},
        {"unlimited: nothing to refund",
         .who = {.actor.tier = slice_str("unlimited"), .other.auto_accept = AUTO_ALL},
         .events = REQUESTED("audience:from+to notify") "\n" ACCEPTED(
             "NEW", "policy audience:from+to notify"),
         .answer = "ok {state: connected, quota: {}, advice: [no_reason]}"},
    };
    RUN(rows);
    const struct row kept[] = {
        {"no refunds", .who.other.auto_accept = AUTO_ALL,
         .events = PLAIN "\n" ACCEPTED("NEW", "policy audience:from+to notify"),
         .answer = CONNECTED_REPLY("4")},
        {"nor where it crosses", ASKING(DISP_OPEN),
         .events = "connection.accepted from:bob to:ada request:OLD since_ms:now via:crossing "
                   "audience:from+to notify",
         .answer = CONNECTED_REPLY("5")},
    };
    settings.refund = 0;
    RUN(kept);
}

/* --- the step that follows ------------------------------------------------------------------- */

static void
test_one_too_many_restricts_the_next(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"the fifteenth without a word within the hour",
         .who.actor.stamps = sent(14, HOUR_MS - 1, 1, 1 | STAMP_IMPERSONAL),
         .events = PLAIN "\nquota.restricted member:ada level:1 reason:velocity until_ms:+1d "
                         "audience:member notify evidence_ms:now",
         .answer = PENDING_REPLY("no_reason")},
        {"the fourteenth", .who.actor.stamps = sent(13, HOUR_MS - 1, 1, 1 | STAMP_IMPERSONAL),
         .events = PLAIN, .answer = PENDING_REPLY("no_reason")},
    };
    RUN(rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_who_may_ask_whom),
        facts_test(test_notes_have_a_length),
        facts_test(test_costs_are_settings),
        facts_test(test_the_reply_advises),
        facts_test(test_a_request_the_other_way_crosses),
        facts_test(test_open_refusals_in_their_order),
        facts_test(test_a_policy_is_public),
        facts_test(test_limits_at_and_one_over),
        facts_test(test_a_shadow_looks_like_any_request),
        facts_test(test_some_are_accepted_at_once),
        facts_test(test_one_too_many_restricts_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
