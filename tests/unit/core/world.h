/* unit/core/world.h: a core with a store in a fresh directory, and a turn for each message.
 *
 *     expect("connection.request", "{from: ada, to: bob}", "ok {state: pending, …}");
 *
 * Time stands at NOW and moves with world.now_ms. A command gets an id of its own.
 */
#ifndef KITH_TEST_WORLD_H
#define KITH_TEST_WORLD_H

#include "../store/scratch.h"
#include "words.h"

#include "core/internal.h"
#include "core/queries.h"
#include "tests/map.h"

static struct world {
    struct scratch *scratch;
    struct store *store;
    struct core *core;
    struct settings settings;
    struct stats stats;
    struct core_context context; /* of the next message; now_ms is set from the clock */
    struct core_wait wait;       /* of the last one that waits */
    enum core_answer answer;
    enum kith_err err; /* what its batch failed with */
    bool clock_is_systems;
    bool is_quiet; /* turns begin with nobody waiting */
    bool together; /* between together() and apart() */
    msec_t now_ms;
    unsigned commands; /* sent so far */
    struct buf message, reply, text;
} world;

/* --- opening --------------------------------------------------------------------------------- */

static inline struct core *
world_core(void)
{
    const struct core_options options = {
        .store = world.store,
        .settings = &world.settings,
        .stats = &world.stats,
        .clock_manual = !world.clock_is_systems,
        .seed = "a seed need not be a secret here",
    };
    return core_create(&options);
}

/* Open the store and the core, without replaying anything. */
static inline void
world_open(void)
{
    struct fault fault = {0};
    const struct store_options options = {
        .dir = world.scratch->data,
        .map_size = SCRATCH_MAP_SIZE,
        .overlay_size = 64 * 1024 * 1024,
        .checked_rows = 1, /* damage is to be met where it is read */
    };
    if (store_open(&world.store, &options, &fault) != KITH_OK)
        fail_msg("%s", fault.text);
    world.core = world_core();
    assert_non_null(world.core);
}

static inline void
world_replay(void)
{
    struct fault fault = {0};
    bool done = false;
    while (!done)
        if (core_replay(world.core, 100, &done, &fault) != KITH_OK)
            fail_msg("%s", fault.text);
}

static inline void
world_close(void)
{
    core_destroy(world.core);
    store_close(world.store);
    world.core = NULL;
    world.store = NULL;
}

static inline int
world_setup(void **state)
{
    scratch_setup(state);
    world.scratch = *state;
    settings_init(&world.settings);
    world.now_ms = NOW;
    world.commands = 0;
    memset(&world.context, 0, sizeof(world.context));
    memset(&world.stats, 0, sizeof(world.stats));
    world_open();
    return 0;
}

static inline int
world_teardown(void **state)
{
    world_close();
    buf_fini(&world.message);
    buf_fini(&world.reply);
    buf_fini(&world.text);
    return scratch_teardown(state);
}

#define world_test(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

/* --- a turn ---------------------------------------------------------------------------------- */

static inline void
turn_begin(void)
{
    store_begin(world.store);
    core_begin(world.core);
    if (world.is_quiet)
        core_be_quiet(world.core);
}

static inline void
turn_end(void)
{
    struct fault fault = {0};
    world.err = core_error(world.core);
    if (world.err != KITH_OK)
        store_abort(world.store);
    else if (store_end(world.store, &fault) != KITH_OK)
        fail_msg("%s", fault.text);
    core_end(world.core, world.err == KITH_OK);
}

/* Execute what world.message holds. */
static inline void
execute(void)
{
    seq_t before = log_last(store_log(world.store));
    buf_clear(&world.reply);
    world.context.now_ms = world.now_ms;
    world.answer = core_execute(world.core, buf_slice(&world.message), &world.context, &world.reply,
                                &world.wait);
    if (core_is_query(buf_slice(&world.message)))
        assert_int_equal(log_last(store_log(world.store)), before);
}

/* All that is sent from here to apart() goes into one batch: for what many commands set up, since
 * each batch waits for the disk. */
static inline void
together(void)
{
    turn_begin();
    world.together = true;
}

static inline void
apart(void)
{
    world.together = false;
    turn_end();
    assert_int_equal(world.err, KITH_OK);
}

static inline void
turn(void)
{
    if (world.together) {
        execute();
        return;
    }
    turn_begin();
    while (core_sweep(world.core, world.now_ms) == CORE_SWEEP_MAX)
        ;
    execute();
    turn_end();
}

/* The code and the details, without what every error has. */
static inline void
show_error(struct buf *out, struct slice error)
{
    struct reader reader;
    const char *before = " {";
    buf_append(out, map_find(error, "code").data + 1, map_find(error, "code").size - 1);
    reader_init(&reader, error);
    for (uint32_t left = reader_map(&reader); left > 0; left--) {
        struct slice key = reader_str(&reader), value = reader_skip(&reader);
        if (slice_is(key, "code") || slice_is(key, "class") || slice_is(key, "retry") ||
            slice_is(key, "text"))
            continue;
        show(out, before);
        show_text(out, key);
        show(out, ": ");
        show_value(out, value);
        before = ", ";
    }
    show(out, before[0] == ',' ? "}" : "");
}

/* What the reply says: `ok {…}`, `dup {…}`, a code with its details, or `waits`. */
static inline const char *
outcome(void)
{
    struct slice reply = buf_slice(&world.reply);
    buf_clear(&world.text);
    if (world.answer == CORE_WAITS) {
        show(&world.text, "waits");
    } else if (map_find(reply, "batch").data) {
        show_value(&world.text, map_find(reply, "batch"));
    } else if (map_find(reply, "error").data) {
        show_error(&world.text, map_find(reply, "error"));
    } else {
        show(&world.text, map_find(reply, "dup").data ? "dup " : "ok ");
        show_value(&world.text, map_find(reply, "result"));
    }
    return shown(&world.text);
}

/* Send one message, as it stands. */
static inline const char *
send_text(const char *text)
{
    buf_clear(&world.message);
    words_write(&world.message, text);
    turn();
    return outcome();
}

static inline void
write_message(const char *op, const char *id, const char *args)
{
    buf_clear(&world.message);
    write_map(&world.message, 4);
    write_cstr(&world.message, "v");
    write_uint(&world.message, 1);
    write_cstr(&world.message, "op");
    write_cstr(&world.message, op);
    write_cstr(&world.message, "id");
    write_cstr(&world.message, id);
    write_cstr(&world.message, "args");
    words_write(&world.message, args);
}

static inline const char *
tell_as(const char *id, const char *op, const char *args)
{
    write_message(op, id, args);
    turn();
    return outcome();
}

static inline const char *
tell(const char *op, const char *args)
{
    char id[16];
    snprintf(id, sizeof(id), "k%u", ++world.commands);
    return tell_as(id, op, args);
}

#define expect(op, args, expected) expect_text(op " " args, "reply", expected, tell(op, args))

/* Answer the message in @room bytes, as in a batch that is nearly full. */
static inline const char *
tell_in(size_t room, const char *op, const char *args)
{
    static struct message message;
    struct reply_head head = {.in_batch = true};
    write_message(op, "q", args);
    message_open(buf_slice(&world.message), &message);
    assert_int_equal(message.err, KITH_OK);
    world.core->message = &message;
    turn_begin();
    buf_clear(&world.reply);
    world.context.now_ms = world.now_ms;
    bool is_command = kith_ops[message.envelope.op].kind == KITH_KIND_COMMAND;
    (is_command ? execute_command : execute_query)(world.core, &world.context, &head, room,
                                                   &world.reply, &world.wait);
    world.answer = CORE_REPLIED;
    turn_end();
    return outcome();
}

#define expect_in(room, op, args, expected) \
    expect_text(op " " args, "reply", expected, tell_in(REPLY_ITEM_SIZE_MAX + (room), op, args))

/* One of those that only matter in that they succeed. */
static inline void
done(const char *op, const char *format, ...)
{
    static char args[32768];
    va_list values;
    va_start(values, format);
    assert_true((size_t)vsnprintf(args, sizeof(args), format, values) < sizeof(args));
    va_end(values);
    const char *found = tell(op, args);
    if (strncmp(found, "ok ", 3) != 0)
        fail_msg("%s %s: %s", op, args, found);
}

/* Register members, named with spaces between, without limits. */
static inline void
members(const char *names)
{
    while (*names) {
        int size = (int)strcspn(names, " ");
        done("member.register", "{member: %.*s, tier: unlimited}", size, names);
        names += size + (names[size] == ' ');
    }
}

static inline void
connect_two(const char *a, const char *b)
{
    done("connection.import", "{pairs: [[%s, %s]]}", a, b);
}

/* Connect @hub with m@first to m@last, in one command. */
static inline void
connect_hub(const char *hub, unsigned first, unsigned last)
{
    struct buf args = {0};
    char pair[64];
    for (unsigned i = first; i <= last; i++) {
        snprintf(pair, sizeof(pair), "%s[%s, m%u]", i > first ? ", " : "{pairs: [", hub, i);
        show(&args, pair);
    }
    show(&args, "]}");
    done("connection.import", "%s", shown(&args));
    buf_fini(&args);
}

/* Register m0 and so on. */
static inline void
register_many(unsigned count)
{
    together();
    for (unsigned i = 0; i < count; i++)
        done("member.register", "{member: m%u, tier: unlimited}", i);
    apart();
}

static inline seq_t
last_seq(void)
{
    return log_last(store_log(world.store));
}

static inline void
member_row(const char *id, struct member *out)
{
    member_load(store_views(world.store), slice_str(id), out);
}

#endif
