/* The turn: what is answered before a commit, what behind it, and that nothing is told that is not
 * durable.
 *
 * Sockets and disk are those of a real daemon, but messages come from a table, and commits fail, or
 * end, when the row says so (--wrap, in tests/unit/CMakeLists.txt). */
#include "../core/words.h"
#include "../store/scratch.h"

#include "app/batch_inner.h"
#include "app/daemon.h"
#include "store/env.h"

#define MESSAGE_COUNT_MAX 400
#define LARGE_SIZE        (1u << 20)

_Static_assert(MESSAGE_COUNT_MAX > BATCH_FIRST_COUNT_MAX + BATCH_EARLY_COUNT_MAX + 2, "some more");

static struct {
    struct daemon daemon;
    struct batch *batch;
    struct buf bodies[MESSAGE_COUNT_MAX];
    const char *coming; /* messages that are still to be taken, as in struct row */
    msec_t slow_ms;     /* what each look at the clock takes */
    msec_t late_ms;     /* of all of them */
    unsigned taken;
    struct buf story;          /* what happened, as in struct row */
    unsigned looks;            /* at the flight, until it is found to have landed */
    bool is_fast;              /* each has landed when it is looked at */
    bool refuse_commit;        /* the next one of the log fails */
    bool is_throttled;         /* changes come too fast */
    unsigned throttled_behind; /* so many messages, if not 0 */
    bool is_flooded;           /* behind the messages rubbish comes, without end */
    unsigned eaten;            /* of it */
} run;

/* --- in place of sockets and disk ------------------------------------------------------------ */

bool __wrap_net_receive(struct net *net, struct net_request *out);
bool __wrap_net_is_readable(const struct net *net);
void __wrap_net_release(struct net_request *request);
void __wrap_net_reply(struct net *net, const struct net_route *route, struct slice body);
enum kith_err __wrap_store_end(struct store *store, struct fault *fault);
enum kith_err __real_store_end(struct store *store, struct fault *fault);
bool __wrap_store_is_written(struct store *store);
bool __wrap_views_throttled(const struct views *views);
struct clock_reading __wrap_clock_read(void);
struct clock_reading __real_clock_read(void);
enum kith_err __wrap_store_settle(struct store *store, struct fault *fault);
enum kith_err __real_store_settle(struct store *store, struct fault *fault);
enum kith_err __wrap_env_commit(struct env_txn *txn, struct fault *fault);
enum kith_err __real_env_commit(struct env_txn *txn, struct fault *fault);

static seq_t
durable(void)
{
    return log_durable(store_log(run.daemon.store));
}

static void
tell(const char *what)
{
    if (run.story.size > 0)
        show(&run.story, " ");
    show(&run.story, what);
}

/* The body of a message by its kind; ids are its name, members too. */
static void
write_body(struct buf *out, char kind, char name)
{
    static const struct {
        char kind;
        const char *text;
    } bodies[] = {
        {'+', "{v: 1, op: member.register, id: %c, args: {member: %c}}"},
        {'>', "{v: 1, op: connection.request, id: %c, args: {from: a, to: b}}"},
        {'@', "{v: 1, op: clock.advance, id: %c, args: {ms: 20000000000}}"},
        {'=', "{v: 1, op: cursor.commit, id: %c, args: {name: %c, seq: 0}}"},
        {'?', "{v: 1, op: member.list, id: %c}"},
        {'[', "{v: 1, batch: [{op: member.list, id: %c}]}"},
        {'*', "{v: 1, batch: [{op: member.register, id: %c, args: {member: x}}, "
              "{op: member.register, id: %c2, args: {member: y}}]}"},
        {'w', "{v: 1, op: event.read, id: %c, args: {after: 0, wait_ms: 30000}}"},
    };
    static const uint8_t zeros[LARGE_SIZE];
    char text[128];
    for (unsigned i = 0; i < ARRAY_COUNT(bodies); i++)
        if (bodies[i].kind == kind) {
            snprintf(text, sizeof(text), bodies[i].text, name, name);
            words_write(out, text);
            return;
        }
    assert_int_equal(kind, '#');
    buf_append(out, zeros, sizeof(zeros));
}

bool
__wrap_net_receive(struct net *net, struct net_request *out)
{
    (void)net;
    if (run.coming[0] == '\0') {
        run.eaten += run.is_flooded;
        assert_true(run.eaten <= 2 * BATCH_EATEN_MAX); /* else the turn would never end */
        return false;
    }
    if (run.coming[0] == '-')
        return false;
    assert_true(run.taken < MESSAGE_COUNT_MAX);
    struct buf *body = &run.bodies[run.taken++];
    buf_clear(body);
    write_body(body, run.coming[1], run.coming[2]);
    *out = (struct net_request){.body = buf_slice(body)};
    out->route = (struct net_route){.size = 5, .bytes = {0, 0, 0, (uint8_t)run.coming[0]}};
    out->route.bytes[4] = (uint8_t)run.coming[2];
    run.coming = words_skip(run.coming + 3);
    return true;
}

bool
__wrap_net_is_readable(const struct net *net)
{
    (void)net;
    if (run.coming[0] == '-') {
        run.coming = words_skip(run.coming + 1);
        return false;
    }
    return run.coming[0] != '\0' || run.is_flooded;
}

bool
__wrap_views_throttled(const struct views *views)
{
    (void)views;
    return run.is_throttled || (run.throttled_behind > 0 && run.taken >= run.throttled_behind);
}

struct clock_reading
__wrap_clock_read(void)
{
    struct clock_reading reading = __real_clock_read();
    run.late_ms += run.slow_ms;
    reading.mono_ms += run.late_ms;
    return reading;
}

void
__wrap_net_release(struct net_request *request)
{
    (void)request;
}

static struct slice
field(struct slice map, const char *name)
{
    struct reader reader;
    reader_init(&reader, map);
    for (uint32_t left = reader_map(&reader); left > 0; left--) {
        struct slice key = reader_str(&reader), value = reader_skip(&reader);
        if (slice_is(key, name))
            return value;
    }
    return (struct slice){0};
}

/* Whatever is told of is durable. */
void
__wrap_net_reply(struct net *net, const struct net_route *route, struct slice body)
{
    char text[8] = {(char)route->bytes[4]};
    struct reader pos;
    (void)net;
    if (field(body, "error").data)
        text[1] = '!';
    else if (field(body, "dup").data)
        text[1] = '~';
    tell(text);
    if (!field(body, "pos").data)
        return;
    reader_init(&pos, field(body, "pos"));
    assert_true(reader_uint(&pos) <= durable());
}

static enum kith_err
tell_commit(seq_t before, enum kith_err err)
{
    if (durable() > before)
        tell("|");
    return err;
}

enum kith_err
__wrap_store_end(struct store *store, struct fault *fault)
{
    seq_t before = durable();
    return tell_commit(before, __real_store_end(store, fault));
}

bool
__wrap_store_is_written(struct store *store)
{
    (void)store; /* to settle it waits, if need be */
    return run.is_fast || (run.looks > 0 && --run.looks == 0);
}

enum kith_err
__wrap_store_settle(struct store *store, struct fault *fault)
{
    seq_t before = durable();
    return tell_commit(before, __real_store_settle(store, fault));
}

enum kith_err
__wrap_env_commit(struct env_txn *txn, struct fault *fault)
{
    size_t size = strlen(txn->env->dir);
    if (!run.refuse_commit || size < 3 || strcmp(txn->env->dir + size - 3, "log") != 0)
        return __real_env_commit(txn, fault);
    run.refuse_commit = false;
    env_abort(txn);
    fault_set(fault, "the disk is full");
    return KITH_UNAVAILABLE;
}

/* --- a daemon -------------------------------------------------------------------------------- */

static const char *
no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static void
open_daemon(const struct scratch *scratch, int64_t commit_aside)
{
    static struct config config;
    static const struct config_sources sources = {.lookup = no_environment};
    config_init(&config, no_environment);
    config.clock = CONFIG_CLOCK_MANUAL;
    config.commit_aside = commit_aside;
    config.checkpoint_ms = HOUR_MS; /* a checkpoint that is due keeps a batch from flying */
    config.reserve = 0;
    config.command.count = config.events.count = 1;
    snprintf(config.data, sizeof(config.data), "%s", scratch->data);
    snprintf(config.command.url[0], CONFIG_URL_SIZE_MAX, "ipc://%.200s/c", scratch->dir);
    snprintf(config.events.url[0], CONFIG_URL_SIZE_MAX, "ipc://%.200s/e", scratch->dir);
    run.coming = "";
    assert_true(daemon_open(&run.daemon, &config, &sources));
    run.batch = batch_create(&run.daemon);
    assert_non_null(run.batch);
}

static void
turn(const char *messages, bool drain)
{
    run.coming = messages;
    run.eaten = 0;
    assert_false(batch_turn(run.batch, drain).failed);
}

static void
close_daemon(void)
{
    run.daemon.config.commit_aside = 0;
    turn("", true);
    batch_destroy(run.batch);
    daemon_close(&run.daemon);
    for (unsigned i = 0; i < MESSAGE_COUNT_MAX; i++)
        buf_fini(&run.bodies[i]);
    buf_fini(&run.story);
    memset(&run, 0, sizeof(run));
}

/* --- tables ---------------------------------------------------------------------------------- */

#define TURN_COUNT_MAX 3

/* A message is a connection, a kind and a name: `+` registers, `>` has a ask b, `=` commits a
 * cursor, `@` moves the clock on, `?` asks, `[` asks within a batch, `*` registers two in one, `w`
 * waits for events, `#` is large and makes no sense; at a `-` none is there for a moment. What
 * happened: the names of those that are answered, `!` a refusal, `~` a repetition, `|` a commit. */
struct row {
    const char *what;
    const char *turns[TURN_COUNT_MAX];
    const char *story;
    unsigned looks; /* at the flight in the last turn, until it has landed; 0: at its end */
    bool fails;     /* the first commit */
};

static void
run_row(const struct scratch *scratch, const struct row *row, int64_t commit_aside)
{
    unsigned last = 0;
    open_daemon(scratch, commit_aside);
    run.refuse_commit = row->fails;
    for (unsigned i = 0; i < TURN_COUNT_MAX && row->turns[i]; i++)
        last = i;
    for (unsigned i = 0; i <= last; i++) {
        run.looks = i == last ? row->looks : 0;
        turn(row->turns[i], false);
    }
    run.daemon.config.commit_aside = 0;
    turn("", false); /* what still flies lands */
    expect_text(row->what, "story", row->story, shown(&run.story));
    close_daemon();
    char name[SCRATCH_PATH_MAX];
    scratch_path(scratch, "data", name);
    nftw(name, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void
test_what_a_commit_is_waited_for(void **state)
{
    static const struct row rows[] = {
        {"a query behind another's command", {"1+a 2?b"}, "b | a"},
        {"behind one of its own connection", {"1+a 1?b"}, "| a b"},
        {"ahead of it", {"1?b 1+a 2?c"}, "b c | a"},
        {"a query that is in a batch", {"1+a 2[b"}, "| a b"},
        {"behind a batch of its own", {"1[a 1?b 2+c"}, "| a b c"},
        {"nothing to commit", {"1?a 2?b"}, "a b"},
        {"behind a command without an event", {"1=a 1?b 2?c"}, "c a b"},
        {"behind what became due", {"1+a 1+b 1>c", "1@d", "2?e"}, "| a b c | d | e"},
        {"one that waits is woken", {"1+a 2wb"}, "| a b"},
        {"a commit that fails: none is answered twice", {"1+a 2?b 3+c 3?d"}, "b a! c! d", 0, true},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++)
        run_row(*state, &rows[i], 0);
    expect_rows();
}

static void
test_what_a_flight_is_waited_for(void **state)
{
    static const struct row rows[] = {
        {"it lands at the end of the turn", {"1+a", "1+b 2?c"}, "| a c | b"},
        {"between two messages", {"1+a", "1+b 2?c 3+d"}, "| a c | b d", 3},
        {"before the first", {"1+a", "1+b 2?c"}, "| a c | b", 1},
        {"behind a query", {"1+a", "2?b 3?c 1+d"}, "| a b c | d", 2},
        {"behind a command of its own", {"1+a", "1+b 1?c"}, "| a | b c"},
        {"it fails at the end", {"1+a", "1+b 2?c"}, "a! | b c", 0, true},
        {"it fails between two", {"1+a", "1+b 2?c 3+d"}, "a! | b c d", 3, true},
        {"it fails behind a query", {"1+a", "2?b 3?c 1+d"}, "a! c | b d", 2, true},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++)
        run_row(*state, &rows[i], 1);
    expect_rows();
}

/* Only the first messages of a turn are looked through: a query far behind waits. */
static void
test_what_comes_late_in_a_turn(void **state)
{
    struct buf messages = {0};
    show(&messages, "1+a ");
    for (unsigned i = 1; i < 62; i++)
        show(&messages, "1?. ");
    show(&messages, "2?b 3?c"); /* the last of the first, and one behind them */
    open_daemon(*state, 0);
    turn(shown(&messages), false);
    while (run.coming[0] != '\0') /* a turn ends early where the machine is slow */
        turn(run.coming, false);
    const char *story = shown(&run.story);
    assert_int_equal(strncmp(story, "b | a . .", 9), 0);
    assert_string_equal(story + strlen(story) - 3, ". c");
    close_daemon();
    buf_fini(&messages);
}

/* As long as nothing is changed, queries are answered by the way, in groups: not all at the turn's
 * end, behind what came for long. */
static void
test_queries_are_answered_in_groups(void **state)
{
    struct buf messages = {0};
    unsigned count = BATCH_FIRST_COUNT_MAX + BATCH_EARLY_COUNT_MAX;
    for (unsigned i = 0; i < count - 1; i++)
        show(&messages, "1?. ");
    show(&messages, "1?b 2+c 2?d");
    open_daemon(*state, 0);
    turn(shown(&messages), false);
    while (run.coming[0] != '\0') /* a turn ends early where the machine is slow */
        turn(run.coming, false);
    const char *story = shown(&run.story);
    assert_int_equal(strncmp(story, ". . ", 4), 0);
    assert_string_equal(story + strlen(story) - 11, ". . b | c d");
    close_daemon();
    buf_fini(&messages);
}

/* A command without an event changes what a query sees, and is told behind its commit as well. */
static void
test_no_group_is_ahead_of_what_it_saw(void **state)
{
    struct buf messages = {0};
    show(&messages, "1=a ");
    for (unsigned i = 0; i < BATCH_FIRST_COUNT_MAX + BATCH_EARLY_COUNT_MAX; i++)
        show(&messages, "1?. ");
    open_daemon(*state, 0);
    turn(shown(&messages), false);
    assert_int_equal(strncmp(shown(&run.story), "a . . ", 6), 0);
    close_daemon();
    buf_fini(&messages);
}

/* A batch is large by what it does, too: few messages with many commands fly. */
static void
test_few_messages_with_many_commands_fly(void **state)
{
    open_daemon(*state, 2);
    turn("1+a 2+b", false);
    turn("1*c", false);
    tell("-");
    turn("", false);
    assert_string_equal(shown(&run.story), "| a b - | c");
    close_daemon();
}

/* Whoever sends much keeps a turn to its bounds, which are looked at between two messages. */
static void
test_what_is_large_goes_alone(void **state)
{
    open_daemon(*state, 0);
    turn("1#a 2?b", false);
    assert_string_equal(shown(&run.story), "a! b");
    close_daemon();
}

/* However soon its flights leave and land. */
static void
test_a_turn_ends_when_its_time_is_over(void **state)
{
    struct buf messages = {0};
    for (unsigned i = 0; i < MESSAGE_COUNT_MAX / 8; i++) {
        const char text[] = {'1', '+', (char)(i < 26 ? 'a' + i : 'A' + i - 26), ' ', '\0'};
        show(&messages, text);
        show(&messages, "1?. 1?. 1?. 1?. 1?. 1?. 1?. ");
    }
    open_daemon(*state, 1);
    run.slow_ms = BATCH_MS_MAX / 2;
    run.is_fast = true;
    turn(shown(&messages), false);
    assert_true(run.taken < MESSAGE_COUNT_MAX);
    run.slow_ms = 0;
    close_daemon();
    buf_fini(&messages);
}

/* Messages that come while others are executed may be left behind, and are more than can be done
 * if that goes on. */
static void
test_a_pause_does_not_hide_what_is_left(void **state)
{
    struct buf messages = {0};
    show(&messages, "1?a - ");
    for (unsigned i = 0; i < BATCH_SIZE_MAX / LARGE_SIZE; i++)
        show(&messages, "1#. ");
    show(&messages, "1?b");
    open_daemon(*state, 0);
    turn(shown(&messages), false);
    assert_string_equal(run.coming, "1?b");
    assert_true(run.daemon.gate.left_ms >= 0);
    close_daemon();
    buf_fini(&messages);
}

/* Where changes come too fast none are taken for a moment, and that is more than can be done. */
static void
test_what_comes_too_fast_waits(void **state)
{
    open_daemon(*state, 0);
    run.is_throttled = true;
    run.coming = "1+a 2?b";
    msec_t began_ms = clock_read().mono_ms;
    struct batch_next next = batch_turn(run.batch, false);
    assert_true(next.hold && !next.again && !next.failed);
    assert_true(next.due_ms <= clock_read().mono_ms + BATCH_THROTTLE_MS &&
                next.due_ms >= began_ms + BATCH_THROTTLE_MS);
    assert_string_equal(run.coming, "1+a 2?b");
    assert_int_equal(run.daemon.stats.throttled, 1);
    assert_true(run.daemon.gate.left_ms >= 0);
    run.coming = ""; /* nobody waits */
    assert_true(batch_turn(run.batch, false).hold);
    assert_true(run.daemon.gate.left_ms < 0);
    run.is_throttled = false;
    turn("1+a 2?b", false);
    assert_string_equal(shown(&run.story), "b | a");
    assert_int_equal(run.daemon.stats.throttled, 2);
    close_daemon();
}

/* But not for ever: commands are busy then, and queries are answered. */
static void
test_what_comes_too_fast_for_long_is_busy(void **state)
{
    open_daemon(*state, 0);
    run.is_throttled = true;
    turn("1+a", false);
    run.late_ms += GATE_HOLD_MS_MAX - 1;
    run.coming = "1+a 2?b";
    struct batch_next next = batch_turn(run.batch, false);
    assert_true(next.hold && next.due_ms <= clock_read().mono_ms + 1);
    run.late_ms += BATCH_THROTTLE_MS;
    turn("1+a 2?b", false);
    turn("1+c 2?d", false);
    run.is_throttled = false;
    turn("1+e", false);
    assert_string_equal(shown(&run.story), "b a! d c! | e");
    close_daemon();
}

static void
test_who_waits_at_the_end_is_answered(void **state)
{
    open_daemon(*state, 0);
    run.is_throttled = true;
    turn("1+a 2?b", true);
    run.is_throttled = false;
    assert_string_equal(shown(&run.story), "b | a");
    close_daemon();
}

/* Messages are taken until changes come too fast. */
static void
test_a_turn_ends_where_changes_come_too_fast(void **state)
{
    struct buf messages = {0};
    for (unsigned i = 0; i < BATCH_FIRST_COUNT_MAX + 2 * MESSAGE_GROUP_MAX; i++)
        show(&messages, "1?. ");
    open_daemon(*state, 0);
    run.throttled_behind = BATCH_FIRST_COUNT_MAX + 1;
    turn(shown(&messages), false);
    assert_int_equal(run.taken, BATCH_FIRST_COUNT_MAX + MESSAGE_GROUP_MAX);
    assert_true(run.daemon.gate.left_ms >= 0);
    run.throttled_behind = 0;
    close_daemon();
    buf_fini(&messages);
}

static void
test_rubbish_does_not_hold_up_what_was_taken(void **state)
{
    open_daemon(*state, 0);
    run.is_flooded = true;
    turn("1+a 2?b", false);
    turn("1+c", false);
    assert_string_equal(shown(&run.story), "b | a | c");
    run.is_flooded = false;
    close_daemon();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_what_a_commit_is_waited_for),
        scratch_test(test_what_a_flight_is_waited_for),
        scratch_test(test_what_comes_late_in_a_turn),
        scratch_test(test_queries_are_answered_in_groups),
        scratch_test(test_no_group_is_ahead_of_what_it_saw),
        scratch_test(test_few_messages_with_many_commands_fly),
        scratch_test(test_what_is_large_goes_alone),
        scratch_test(test_a_turn_ends_when_its_time_is_over),
        scratch_test(test_a_pause_does_not_hide_what_is_left),
        scratch_test(test_what_comes_too_fast_waits),
        scratch_test(test_what_comes_too_fast_for_long_is_busy),
        scratch_test(test_who_waits_at_the_end_is_answered),
        scratch_test(test_a_turn_ends_where_changes_come_too_fast),
        scratch_test(test_rubbish_does_not_hold_up_what_was_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
