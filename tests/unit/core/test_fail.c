/* Memory that runs out and rows that do not check, at each call of a long script: the first call of
 * a command fails, then the second, and so on until it passes. Whatever fails, the answer is a
 * typed error or the right one, nothing of the batch stays, and the same command passes after it.
 * At the end the views are what the log makes anew. */
#include "fail.h"

#include "core/guess.h"

/* --- the script ------------------------------------------------------------------------------ */

struct step {
    const char *op, *args; /* $a is a text that an earlier step kept under that letter */
    const char *keep;      /* letters and the entries of the result that are kept under them */
    const char *code;      /* NULL: ok */
    bool mends;            /* a damaged row of state is no error: it is replaced */
};

#define WAIT(days)           \
    {                        \
        "", days, NULL, NULL \
    }

static const struct step script[] = {
    {"member.register", "{member: ada, name: 'Ada L', interests: [chess, go]}"},
    {"member.register",
     "{member: bob, name: 'Bob B', contacts: [{kind: email, value: bob@ex.com}], "
     "interests: [go]}"},
    {"member.register", "{member: cyd, policy: {accept: proof}}"},
    {"member.register", "{member: dan, policy: {auto_accept: all}}"},
    {"member.register", "{member: eve, tier: unlimited}"},
    {"member.register", "{member: fay, tier: unlimited, policy: {accept: mutual}}"},
    {"member.register", "{member: gus, tier: unlimited}"},
    WAIT("40"),
    {"member.update", "{member: ada, name: 'Ada Lovelace'}"},
    {"member.update", "{member: ada, name: 'Ada Lovelace'}"},
    {"member.verify_contact", "{member: cyd, contact: {kind: phone, value: '+49 170 1234567'}}"},
    {"connection.preview", "{from: ada, to: bob, note: 'Dear Bob, we met at the club'}"},
    {"connection.request", "{from: ada, to: bob, note: 'Dear Bob, we met at the club'}",
     "r request"},
    {"connection.status", "{viewer: bob, other: ada}"},
    {"connection.incoming", "{member: bob}"},
    {"connection.outgoing", "{member: ada}"},
    {"connection.ignore", "{member: bob, other: ada}"},
    {"connection.decline", "{member: bob, other: ada}"},
    {"connection.report", "{member: bob, other: ada, kind: spam, block: false}"},
    {"connection.accept", "{member: bob, other: ada, request: $r}"},
    {"connection.request", "{from: ada, to: cyd, proof: {kind: phone, value: '+491701234567'}}"},
    {"connection.request", "{from: cyd, to: ada, note: 'Yes indeed, from the same club'}"},
    {"connection.request", "{from: ada, to: dan}"},
    {"connection.request", "{from: ada, to: eve}"},
    {"connection.withdraw", "{member: ada, other: eve}"},
    {"connection.request", "{from: gus, to: fay}", NULL, "not_accepting"},
    {"connection.import", "{pairs: [[ada, fay], [bob, gus], [gus, gus], [cyd, eve], [dan, eve]]}"},
    {"connection.set_access", "{member: ada, other: bob, updates: false}"},
    {"connection.dismiss", "{member: ada, other: gus}"},
    {"interaction.record", "{from: ada, to: gus, kind: share}"},
    {"connection.mutuals", "{viewer: ada, other: gus}"},
    {"connection.path", "{viewer: fay, other: gus}"},
    {"connection.path", "{viewer: fay, other: gus, max: 2}"},
    {"connection.suggest", "{member: bob}"},
    {"connection.list", "{member: ada}"},
    {"connection.counts", "{member: ada}"},
    {"connection.access", "{viewer: ada, other: bob}"},
    {"connection.request", "{from: gus, to: fay}", NULL, "not_accepting"},
    {"connection.request", "{from: gus, to: ada}"},
    {"connection.request", "{from: eve, to: ada}"},
    {"connection.decline_all", "{member: ada}"},
    {"member.preapprove", "{member: fay, other: eve}"},
    {"member.preapprovals", "{member: fay}"},
    {"member.unpreapprove", "{member: fay, other: eve}"},
    {"member.block", "{member: ada, other: dan}"},
    {"member.blocks", "{member: ada}"},
    {"member.unblock", "{member: ada, other: dan}"},
    {"connection.remove", "{member: ada, other: fay}"},
    {"restriction.set", "{member: gus}"},
    {"restriction.lift", "{member: gus}"},
    {"quota.get", "{member: ada}"},
    {"member.get", "{members: [ada, bob, nobody]}"},
    {"member.list", "{limit: 2}"},

    /* Invites: two of one contact, of which one is redeemed and one becomes a request. */
    {"invite.create", "{member: ada, contact: {kind: email, value: 'Zoe@bücher.example'}}",
     "i invite t token"},
    {"invite.create", "{member: gus, contact: {kind: email, value: 'zoe@bücher.example'}}",
     "g invite"},
    {"invite.create", "{member: ada, contact: {kind: opaque, value: x}}", "o invite p token"},
    {"invite.create", "{member: ada, contact: {kind: opaque, value: y}}", "y invite q token"},
    {"invite.create", "{member: ada, contact: {kind: email, value: bob@ex.com}}", "b invite"},
    {"invite.create", "{member: gus, contact: {kind: phone, value: '+491701234567'}}", "c invite"},
    {"invite.link", "{member: ada, max_uses: 2, label: spring}", "l invite u token"},
    {"invite.link", "{member: ada, mode: auto, label: autumn}", "a token"},
    {"invite.redeem", "{token: $a, member: xan}"},
    {"batch",
     "{v: 1, batch: [{op: member.get, args: {member: ada}}, {op: member.get, args: "
     "{member: bob}}, {op: member.update, id: u, args: {member: bob, name: Bob}}]}",
     .code = "["},
    {"invite.get", "{member: ada, invite: $i}"},
    {"invite.list", "{member: ada}"},
    {"invite.peek", "{token: $t}"},
    {"invite.claim", "{token: $t}", "k claim"},
    {"invite.claim", "{token: $u}"},
    {"invite.feedback", "{invite: $y, delivery: bounced}"},
    {"invite.redeem", "{claim: $k, member: zoe, name: Zoe, contact: {kind: email, value: "
                      "'zoe@bücher.example'}}"},
    {"connection.status", "{viewer: zoe, other: gus}"},
    {"connection.accept", "{member: zoe, other: gus}"},
    {"invite.redeem", "{token: $u, member: yan}"},
    {"invite.redeem", "{token: $u, member: yan}"},
    {"invite.redeem", "{token: $u, member: eve}"},
    {"invite.counts", "{member: ada}"},
    {"invite.counts", "{member: ada, label: spring}"},
    {"invite.tree", "{member: ada}"},
    WAIT("4"),
    {"invite.resend", "{member: ada, invite: $o}"},
    {"invite.resend", "{member: gus, invite: $c}"},
    {"invite.revoke", "{member: gus, invite: $c}"},
    {"invite.decline", "{token: $p, kind: spam}"},
    {"invite.feedback", "{invite: $y, delivery: complained}"},
    {"invite.create", "{member: gus, contact: {kind: opaque, value: z}}", "z invite"},
    {"invite.create", "{member: eve, contact: {kind: opaque, value: z}}"},
    {"contact.suppress", "{contact: {kind: opaque, value: z}}"},
    {"contact.suppress", "{contact: {kind: opaque, value: z}, member: gus}"},
    {"member.verify_contact", "{member: eve, contact: {kind: opaque, value: z}}"},
    {"contact.unsuppress", "{contact: {kind: opaque, value: z}, member: eve}"},
    {"member.drop_contact", "{member: eve, contact: {kind: opaque, value: z}}"},

    {"invite.create", "{member: gus, contact: {kind: opaque, value: v}}"},
    {"invite.create", "{member: eve, contact: {kind: opaque, value: v}}"}, /* mailed a day later */
    WAIT("1"),
    {"connection.counts", "{member: eve}"},
    {"invite.create", "{member: gus, contact: {kind: opaque, value: u}}"},
    {"invite.create", "{member: eve, contact: {kind: opaque, value: u}}"},
    {"member.suspend", "{member: eve}"},
    WAIT("1"),
    {"connection.counts", "{member: eve}"}, /* it is not mailed now */
    {"member.restore", "{member: eve}"},

    /* What is read of the log, and what subscribers keep. */
    {"event.read", "{limit: 3}"},
    {"event.read", "{after: 4, types: [connection.], audience: [ada]}"},
    {"event.read", "{since: 1736503200001, limit: 2}"},
    {"event.read", "{member: ada}"},
    {"event.read", "{member: ada, since: 1736503200001, limit: 2}"},
    {"command.lookup", "{id: k1}"},
    {"cursor.commit", "{name: mails, seq: 3}"},
    {"cursor.commit", "{name: mails, seq: 4}", .mends = true},
    {"cursor.get", "{name: mails}"},
    {"cursor.list", "{}"},
    {"server.stats", "{}"},
    {"cursor.delete", "{name: mails}", .mends = true},
    {"subscription.fetch", "{name: work, worker: w, limit: 3}"},
    {"subscription.ack", "{name: work, seqs: [1]}"},
    {"subscription.nack", "{name: work, seqs: [2]}"},
    {"subscription.parked", "{name: work}"},
    {"subscription.delete", "{name: work}"},

    /* What is due, and who leaves. */
    {"connection.request", "{from: bob, to: zoe, note: 'before it is forgotten by everybody'}"},
    WAIT("31"),
    {"connection.status", "{viewer: gus, other: zoe}"},
    WAIT("181"),
    {"connection.counts", "{member: bob}"},
    {"member.suspend", "{member: gus}"},
    {"member.restore", "{member: gus}"},
    {"member.close", "{member: gus}"},
    {"connection.counts", "{member: gus}"},
    {"member.erase", "{member: ada}"},
    {"member.get", "{member: ada}"},
    {"clock.advance", "{ms: 1000}"},
};

/* --- texts that are kept --------------------------------------------------------------------- */

static char kept[128][64];

static void
keep(const char *names)
{
    for (; names && *names; names += strcspn(names, " "), names += *names == ' ') {
        char letter = names[0], name[32] = "";
        struct reader reader;
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(names + 2, " "), names + 2);
        reader_init(&reader, map_find(map_find(buf_slice(&world.reply), "result"), name));
        struct slice text = reader_str(&reader);
        assert_true(text.data && text.size < sizeof(kept[0]));
        snprintf(kept[(unsigned)letter], sizeof(kept[0]), "%.*s", (int)text.size, text.data);
        names += 2;
    }
}

static const char *
expand(const char *args)
{
    static char out[1024];
    size_t size = 0;
    for (; *args; args++)
        if (*args == '$')
            size += (size_t)snprintf(out + size, sizeof(out) - size, "%s", kept[(unsigned)*++args]);
        else
            out[size++] = *args;
    out[size] = 0;
    return out;
}

/* --- one command, until it passes --------------------------------------------------------------
 */

#define FAILED_COUNT_MAX 4096

/* What a try answered although something failed: to be compared with what it is to answer. */
static struct {
    const char *what;
    unsigned nth;
    char *text;
} answered[FAILED_COUNT_MAX];
static unsigned answered_count, tries;

/* Nothing of a batch that failed may stay: neither in memory nor on disk. */
static void
undo(struct views *views, seq_t last)
{
    store_abort(world.store);
    core_end(world.core, false);
    views->err = KITH_OK; /* it was only said to be damaged */
    assert_int_equal(last_seq(), last);
    assert_int_equal(core_frame_count(world.core), 0);
}

static bool
is_typed(const char *text)
{
    return strncmp(text, "unavailable", 11) == 0 || strncmp(text, "internal", 8) == 0;
}

/* Let the @nth call of a turn fail. True if nothing failed: then the turn is kept. */
static bool
try(unsigned nth)
{
    struct views *views = store_views(world.store);
    seq_t last = last_seq();
    turn_begin();
    fail_at(nth);
    while (core_sweep(world.core, world.now_ms) == CORE_SWEEP_MAX)
        ;
    if (core_error(world.core) == KITH_OK)
        execute();
    fail.left = 0;
    tries++;
    if (!fail.what) {
        turn_end();
        assert_int_equal(world.err, KITH_OK);
        return true;
    }
    bool is_bad = core_error(world.core) != KITH_OK || world.reply.failed;
    const char *text = is_bad ? "" : outcome();
    if (!is_bad && !is_typed(text)) {
        assert_true(answered_count < FAILED_COUNT_MAX);
        answered[answered_count].what = fail.what;
        answered[answered_count].nth = nth;
        answered[answered_count++].text = strdup(text);
    }
    undo(views, last);
    return false;
}

static void
until_it_passes(const struct step *step)
{
    char id[16], row[512];
    snprintf(id, sizeof(id), "k%u", ++world.commands);
    if (strcmp(step->op, "batch") == 0) {
        buf_clear(&world.message);
        words_write(&world.message, step->args);
    } else {
        write_message(step->op, id, expand(step->args));
    }
    for (unsigned nth = 1; !try(nth); nth++)
        assert_true(nth < FAILED_COUNT_MAX);

    const char *text = outcome();
    snprintf(row, sizeof(row), "%s %s", step->op, step->args);
    if (strncmp(text, step->code ? step->code : "ok", strlen(step->code ? step->code : "ok")) != 0)
        expect_text(row, "reply", step->code ? step->code : "ok …", text);
    for (unsigned i = 0; i < answered_count; i++) {
        char what[64];
        snprintf(what, sizeof(what), "call %u, %s", answered[i].nth, answered[i].what);
        if (!step->mends || strcmp(answered[i].what, "state_get") != 0)
            expect_text(row, what, text, answered[i].text);
        free(answered[i].text);
    }
    answered_count = 0;
    if (rows_failed == 0)
        keep(step->keep);
    expect_rows();
}

/* --- the views are what the log makes of it ----------------------------------------------------
 */

static void
views_sums(struct views_stats *out)
{
    assert_int_equal(views_checkpoint(store_views(world.store)), KITH_OK);
    views_stats(store_views(world.store), out);
}

static void
test_each_call_of_a_script(void **state)
{
    (void)state;
    struct views_stats live, again;
    struct fault fault = {0};
    for (unsigned i = 0; i < ARRAY_COUNT(script); i++)
        if (script[i].op[0])
            until_it_passes(&script[i]);
        else
            world.now_ms += strtoll(script[i].args, NULL, 10) * DAY_MS;
    print_message("%u tries\n", tries);

    views_sums(&live);
    assert_int_equal(store_reset_views(world.store, &fault), KITH_OK);
    world_replay();
    views_sums(&again);
    assert_memory_equal(live.rows, again.rows, sizeof(live.rows));
    assert_memory_equal(live.sums, again.sums, sizeof(live.sums));
}

/* --- what the script is too short for ------------------------------------------------------------
 */

/* A slice of the invites of one contact, as the sweep converts them. */
static void
test_each_call_of_a_slice(void **state)
{
    (void)state;
    register_many(CONVERT_COUNT_MAX + 2);
    members("zoe");
    together();
    for (unsigned i = 0; i < CONVERT_COUNT_MAX + 2; i++)
        done("invite.create", "{member: m%u, contact: {kind: opaque, value: z}}", i);
    done("member.verify_contact", "{member: zoe, contact: {kind: opaque, value: z}}");
    apart();
    seq_t last = last_seq();
    for (unsigned nth = 1;; nth++) {
        turn_begin();
        fail_at(nth);
        unsigned count = core_sweep(world.core, world.now_ms);
        fail.left = 0;
        if (!fail.what) {
            assert_int_equal(count, 3); /* two, and that they were the last */
            turn_end();
            break;
        }
        undo(store_views(world.store), last);
    }
    done("connection.counts", "{member: zoe}");
    assert_non_null(strstr(outcome(), "incoming: 102"));
    expect_rows();
}

/* More candidates than the first table of a suggestion holds. */
static void
test_each_table_of_a_suggestion(void **state)
{
    (void)state;
    register_many(600);
    members("ada");
    connect_hub("m0", 1, 599);
    connect_two("ada", "m0");
    for (unsigned nth = 1;; nth++) {
        turn_begin();
        write_message("connection.suggest", "q", "{member: ada, limit: 1}");
        fail_at_only("calloc", nth);
        execute();
        fail.left = 0;
        store_abort(world.store);
        core_end(world.core, false);
        if (!fail.what)
            break;
        expect_text("suggest", fail.what, "unavailable", outcome());
        assert_true(nth < FAILED_COUNT_MAX);
    }
    expect_text("suggest", "reply", "ok {items: [{member: m1, mutuals: 1, score: 1}]}", outcome());
    expect_rows();
}

/* Who could not say what he waits for looks again at once. */
static void
test_a_wait_needs_memory(void **state)
{
    (void)state;
    bool is_over = false;
    members("ada");
    for (unsigned nth = 1; !is_over; nth++) {
        turn_begin();
        write_message("event.read", "q", "{end: true, wait_ms: 5}");
        fail_at_only("realloc", nth);
        execute();
        fail.left = 0;
        struct core_wait wait = world.wait;
        turn_end();
        assert_non_null(fail.what);
        is_over = world.answer == CORE_WAITS && core_wait_is_over(world.core, &wait);
    }
}

/* --- beginning and replaying -------------------------------------------------------------------
 */

static void
test_a_core_needs_memory(void **state)
{
    (void)state;
    struct core *core = NULL;
    unsigned nth = 0;
    while (!core) {
        fail_at(++nth);
        core = world_core();
        assert_true((core == NULL) == (fail.what != NULL));
    }
    fail_at(0);
    assert_true(nth > 2);
    core_destroy(core);
    core_destroy(NULL);
}

static void
test_each_call_of_a_replay(void **state)
{
    (void)state;
    struct fault fault = {0};
    bool done = false;
    members("ada bob");
    connect_two("ada", "bob");
    for (unsigned nth = 1; !done; nth++) {
        assert_int_equal(store_reset_views(world.store, &fault), KITH_OK);
        fail_at(nth);
        enum kith_err err = core_replay(world.core, 100, &done, &fault);
        fail.left = 0;
        assert_true((err == KITH_OK) == done);
        assert_true(err == KITH_OK || err == KITH_INTERNAL || err == KITH_UNAVAILABLE);
        assert_true((fail.what == NULL) == done);
    }
    expect("connection.status", "{viewer: ada, other: bob}",
           "ok {state: connected, blocked: false, since: now, via: import}");
    expect_rows();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_each_call_of_a_script),      world_test(test_each_call_of_a_slice),
        world_test(test_each_table_of_a_suggestion), world_test(test_a_wait_needs_memory),
        world_test(test_a_core_needs_memory),        world_test(test_each_call_of_a_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
