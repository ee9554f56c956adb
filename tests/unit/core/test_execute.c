/* One message through the core: refused, repeated, done; batches; turns; and starting again. */
#include "world.h"

/* --- a command ------------------------------------------------------------------------------- */

static void
test_a_command_is_done_once(void **state)
{
    (void)state;
    expect_text("first", "reply", "ok {existing: false}",
                tell_as("k", "member.register", "{member: ada}"));
    seq_t seq = last_seq();
    world.now_ms += HOUR_MS;
    expect_text("again", "reply", "dup {existing: false}",
                tell_as("k", "member.register", "{member: ada}"));
    assert_int_equal(last_seq(), seq);
    expect_text("with other arguments", "reply", "idempotency_mismatch",
                tell_as("k", "member.register", "{member: bob}"));
    expect_text("another operation", "reply", "idempotency_mismatch",
                tell_as("k", "member.suspend", "{member: ada}"));
    expect_text("with another id", "reply", "ok {existing: true}",
                tell_as("l", "member.register", "{member: ada}"));
    assert_int_equal(last_seq(), seq + 1); /* command.noted */
    assert_int_equal(world.stats.commands, 2);
    assert_int_equal(world.stats.commands_repeated, 1);
    assert_int_equal(world.stats.refused_conflict, 2);
    expect_rows();
}

static void
test_a_repeated_answer_tells_when_it_was_first(void **state)
{
    (void)state;
    const char *message = "{v: 1, op: member.register, id: k, args: {member: ada}}";
    struct buf text = {0};
    send_text(message);
    world.now_ms += DAY_MS;
    done("member.register", "{member: bob}");
    send_text(message);
    show_value(&text, buf_slice(&world.reply));
    expect_text("again", "reply",
                "{v: 1, id: k, ok: true, pos: 1, at: now, dup: true, result: {existing: false}}",
                shown(&text));
    buf_fini(&text);
    expect_rows();
}

static void
test_a_refusal_is_no_outcome(void **state)
{
    (void)state;
    expect_text("refused", "reply", "no_such_member {field: member}",
                tell_as("k", "member.suspend", "{member: ada}"));
    assert_int_equal(last_seq(), 0);
    done("member.register", "{member: ada}");
    expect_text("the same id may succeed later", "reply", "ok {}",
                tell_as("k", "member.suspend", "{member: ada}"));
    expect_rows();
}

static void
test_shapes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"{v: 1, op: member.close, args: {member: ada}}", "id_required"},
        {"{v: 1, op: member.close, id: k, min_pos: 1, args: {member: ada}}",
         "bad_argument {field: min_pos}"},
        {"{v: 1, op: member.close, id: k}", "bad_argument {field: member}"},
        {"{v: 1, op: member.close, id: k, args: []}", "bad_argument {field: args}"},
        {"{v: 1, op: member.block, id: k, args: {member: ada, other: ada}}", "self"},
        {"{v: 1, op: connection.request, id: k, args: {from: ada, to: ada}}", "self"},
        {"{v: 1, op: member.block, id: k, args: {member: ada, other: Ada}}",
         "no_such_member {field: member}"},
        {"{v: 2, op: member.block}", "unsupported_version"},
        {"[]", "malformed"},
        {"{v: 1, batch: {}}", "bad_argument {field: batch}"},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++)
        expect_text(rows[i].text, "reply", rows[i].expected, send_text(rows[i].text));
    assert_int_equal(last_seq(), 0);
    expect_rows();
}

static void
test_commands_can_be_refused_all(void **state)
{
    (void)state;
    world.context.refuse = KITH_UNAVAILABLE;
    expect("member.register", "{member: ada}", "unavailable");
    expect("member.register", "{}", "bad_argument {field: member}");
    expect("member.get", "{member: ada}", "no_such_member {field: member}");
    assert_int_equal(world.stats.refused_unavailable, 1);
    assert_int_equal(last_seq(), 0);
    expect_rows();
}

static void
test_refusals_are_counted_by_class(void **state)
{
    (void)state;
    static const struct {
        enum kith_err err;
        size_t offset;
    } rows[] = {
        {KITH_BAD_ARGUMENT, offsetof(struct stats, refused_invalid)},
        {KITH_FORBIDDEN, offsetof(struct stats, refused_denied)},
        {KITH_NOT_FOUND, offsetof(struct stats, refused_not_found)},
        {KITH_STALE, offsetof(struct stats, refused_conflict)},
        {KITH_COOLDOWN, offsetof(struct stats, refused_quota)},
        {KITH_BUSY, offsetof(struct stats, refused_busy)},
        {KITH_UNAVAILABLE, offsetof(struct stats, refused_unavailable)},
        {KITH_INTERNAL, offsetof(struct stats, refused_internal)},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        count_refusal(&world.stats, rows[i].err);
        assert_int_equal(*(uint64_t *)((uint8_t *)&world.stats + rows[i].offset), 1);
    }
}

static void
test_only_a_manual_clock_is_moved(void **state)
{
    (void)state;
    expect("clock.advance", "{ms: 5}", "ok {now: +5ms}");
    world_close();
    world.clock_is_systems = true;
    world_open();
    world_replay();
    world.now_ms += 5;
    expect("clock.advance", "{ms: 5}", "forbidden");
    world.clock_is_systems = false;
    expect_rows();
}

static void
test_an_import_sees_what_it_did(void **state)
{
    (void)state;
    members("ada bob cy");
    expect("connection.import",
           "{pairs: [[ada, bob], [bob, ada], [ada, ada], [ada, cy], [ada, nobody]]}",
           "ok {connected: 2, skipped: 3}");
    struct member ada;
    member_row("ada", &ada);
    assert_int_equal(ada.connections, 2);
    expect_rows();
}

/* Requests that are due expire before what is decided, even where no sweep came by. */
static void
test_what_is_due_expires_before_a_command(void **state)
{
    (void)state;
    members("ada bob");
    done("connection.request", "{from: ada, to: bob}");
    seq_t seq = last_seq();
    world.now_ms += 180 * DAY_MS;
    write_message("connection.accept", "k", "{member: bob, other: ada}");
    turn_begin();
    execute();
    turn_end();
    expect_text("accept", "reply", "no_request", outcome());
    assert_int_equal(last_seq(), seq + 1); /* connection.expired stays */
    write_message("connection.import", "l", "{pairs: [[bob, ada]]}");
    turn_begin();
    execute();
    turn_end();
    expect_text("import", "reply", "ok {connected: 1, skipped: 0}", outcome());
    expect_rows();
}

/* --- batches --------------------------------------------------------------------------------- */

static void
test_items_run_in_order_each_on_its_own(void **state)
{
    (void)state;
    const char *found =
        send_text("{v: 1, batch: [{op: member.register, id: a, args: {member: ada}}, 7, "
                  "{op: member.register, id: a, args: {member: ada}}, "
                  "{op: member.suspend, id: b, args: {member: nobody}}, "
                  "{op: connection.counts, id: c, args: {member: ada}}, "
                  "{op: connection.counts, min_pos: 1, args: {member: ada}}, "
                  "{op: event.read, id: d, args: {wait_ms: 5}}]}");
    static const char *const parts[] = {
        "[{id: a, ok: true, pos: 1, at: now, result: {existing: false}}",
        "{id: nil, ok: false, pos: 1, at: now, error: {code: malformed",
        "{id: a, ok: true, pos: 1, at: now, dup: true, result: {existing: false}}",
        "{id: b, ok: false, pos: 1, at: now, error: {code: no_such_member",
        "{id: c, ok: true, pos: 1, at: now, result: {connections: 0, incoming: 0, outgoing: 0}}",
        "field: min_pos",
        "field: wait_ms",
    };
    for (unsigned i = 0; i < ARRAY_COUNT(parts); i++) {
        const char *place = strstr(found, parts[i]);
        assert_non_null(place);
        found = place;
    }
    expect_text("none", "reply", "[]", send_text("{v: 1, batch: []}"));
    expect_rows();
}

/* More items than are opened together: every one is answered as itself. */
static void
test_items_of_a_long_batch(void **state)
{
    (void)state;
    enum { COUNT = 2 * MESSAGE_GROUP_MAX + 6 };
    char text[COUNT * 80];
    int size = snprintf(text, sizeof(text), "{v: 1, batch: [");
    for (unsigned i = 0; i < COUNT; i++)
        size += snprintf(text + size, sizeof(text) - (size_t)size,
                         i % 7 == 3 ? "%s{op: member.registr, id: i%u, args: {member: m%u}}"
                                    : "%s{op: member.register, id: i%u, args: {member: m%u}}",
                         i ? ", " : "", i, i - i % 5);
    snprintf(text + size, sizeof(text) - (size_t)size, "]}");
    const char *found = send_text(text);
    for (unsigned i = 0; i < COUNT; i++) {
        char wanted[120];
        bool first = i % 5 == 0 || (i % 5 == 1 && (i - 1) % 7 == 3);
        snprintf(wanted, sizeof(wanted), "id: i%u, ok: %s", i, i % 7 == 3 ? "false" : "true");
        found = strstr(found, wanted);
        assert_non_null(found);
        const char *end = strstr(found, "}}"),
                   *told = strstr(found, first ? "existing: false" : "existing: true");
        if (i % 7 != 3)
            assert_true(told && told < end);
    }
}

/* @count items, all alike but for their ids. */
static void
send_batch(unsigned count, unsigned id_size, const char *op, const char *args)
{
    buf_clear(&world.message);
    write_map(&world.message, 2);
    write_cstr(&world.message, "v");
    write_uint(&world.message, 1);
    write_cstr(&world.message, "batch");
    write_array(&world.message, count);
    for (unsigned i = 0; i < count; i++) {
        char id[KITH_ID_SIZE_MAX + 1];
        snprintf(id, sizeof(id), "%0*u", (int)id_size, i);
        write_map(&world.message, 3);
        write_cstr(&world.message, "op");
        write_cstr(&world.message, op);
        write_cstr(&world.message, "id");
        write_cstr(&world.message, id);
        write_cstr(&world.message, "args");
        words_write(&world.message, args);
    }
    assert_true(world.message.size <= KITH_MESSAGE_SIZE_MAX);
    turn();
}

static unsigned
count_items(const char *code)
{
    struct reader reader;
    unsigned count = 0;
    reader_init(&reader, map_find(buf_slice(&world.reply), "batch"));
    for (uint32_t left = reader_array(&reader); left > 0; left--) {
        struct slice item = reader_skip(&reader), error = map_find(item, "error");
        struct reader value;
        reader_init(&value, error.data ? map_find(error, "code") : map_find(item, "ok"));
        count += error.data ? slice_is(reader_str(&value), code) : strcmp(code, "ok") == 0;
    }
    return count;
}

static void
test_a_batch_has_a_number_of_items(void **state)
{
    (void)state;
    send_batch(KITH_BATCH_COUNT_MAX, 4, "member.restore", "{member: a}");
    assert_int_equal(count_items("no_such_member"), KITH_BATCH_COUNT_MAX);
    send_batch(KITH_BATCH_COUNT_MAX + 1, 4, "member.restore", "{member: a}");
    expect_text("one more", "reply", "too_large", outcome());
    expect_rows();
}

/* Room for the least reply of each is kept before anything runs. */
static void
test_room_is_kept_for_every_item(void **state)
{
    (void)state;
    unsigned fits = (KITH_MESSAGE_SIZE_MAX - 32) / (REPLY_ITEM_SIZE_MAX + 64);
    send_batch(fits, 64, "member.register", "{member: ada}");
    assert_int_equal(count_items("ok"), fits);
    assert_true(world.reply.size <= KITH_MESSAGE_SIZE_MAX);
    seq_t seq = last_seq();
    send_batch(fits + 1, 64, "member.register", "{member: ada}");
    expect_text("one more", "reply", "too_large", outcome());
    assert_int_equal(last_seq(), seq); /* and nothing changed */
    expect_rows();
}

static void
test_a_query_that_no_longer_fits_is_too_large(void **state)
{
    (void)state;
    members("ada bob cy");
    send_batch(3000, 40, "server.hello", "{}");
    unsigned large = count_items("too_large");
    assert_true(large > 0 && large < 3000);
    assert_int_equal(count_items("ok"), 3000 - large);
    assert_true(world.reply.size <= KITH_MESSAGE_SIZE_MAX);
    send_batch(3200, 64, "member.list", "{}"); /* a page needs room for an item at least */
    assert_true(count_items("too_large") > 0 && count_items("ok") > 0);
}

/* --- turned away ----------------------------------------------------------------------------- */

static const char *
refused(const char *text, enum kith_err err)
{
    buf_clear(&world.message);
    words_write(&world.message, text);
    buf_clear(&world.reply);
    world.answer = CORE_REPLIED;
    core_refuse(world.core, buf_slice(&world.message), err, world.now_ms, &world.reply);
    return outcome();
}

static void
test_turned_away_with_the_id_only(void **state)
{
    (void)state;
    expect_text("a command", "reply", "busy",
                refused("{v: 1, op: member.close, id: k7}", KITH_BUSY));
    assert_true(slice_equal(map_find(buf_slice(&world.reply), "id"), slice_str("\xa2k7")));
    expect_text("a batch", "reply", "unavailable", refused("{v: 1, batch: []}", KITH_UNAVAILABLE));
    expect_text("rubbish", "reply", "busy", refused("[1]", KITH_BUSY));
    assert_int_equal(world.stats.refused_busy, 2);
    expect_rows();
}

/* --- turns ----------------------------------------------------------------------------------- */

static void
test_frames_are_of_the_last_batch(void **state)
{
    (void)state;
    const char *topic;
    struct slice body;
    struct buf text = {0};
    done("member.register", "{member: ada, contacts: [{kind: opaque, value: x}]}");
    assert_int_equal(core_batch_events(world.core), 2);
    assert_int_equal(core_frame_count(world.core), 2);
    core_frame(world.core, 0, &topic, &body);
    assert_string_equal(topic, "member.registered");
    show_value(&text, body);
    expect_text("first", "frame",
                "{v: 1, seq: 1, at: now, type: member.registered, cause: k1, member: ada, "
                "audience: [ada], notify: false}",
                shown(&text));
    core_frame(world.core, 1, &topic, &body);
    assert_string_equal(topic, "member.contact_verified");
    tell("member.get", "{member: ada}");
    assert_int_equal(core_frame_count(world.core), 0);
    buf_fini(&text);
    expect_rows();
}

static void
test_many_events_give_no_frame(void **state)
{
    (void)state;
    members("hub");
    register_many(CORE_FRAMES_MAX + 1);
    connect_hub("hub", 0, CORE_FRAMES_MAX);
    assert_int_equal(core_batch_events(world.core), CORE_FRAMES_MAX + 1);
    assert_int_equal(core_frame_count(world.core), 0);
    world.core->output->events = 1;
    world.core->output->frames.failed = true;
    assert_int_equal(core_frame_count(world.core), 0);
}

static void
test_the_beat_tells_the_last_event(void **state)
{
    (void)state;
    struct buf beat = {0}, text = {0};
    struct reader epoch;
    members("ada");
    core_beat(world.core, NOW + 5, &beat);
    show_value(&text, buf_slice(&beat));
    assert_non_null(strstr(shown(&text), ", last_seq: 1, at: +5ms}"));
    reader_init(&epoch, map_find(buf_slice(&beat), "epoch"));
    assert_true(reader_uint(&epoch) == log_epoch(store_log(world.store)));
    buf_fini(&beat);
    buf_fini(&text);
}

static void
test_a_batch_that_is_not_committed_counts_nothing(void **state)
{
    (void)state;
    write_message("member.register", "k", "{member: ada}");
    turn_begin();
    execute();
    store_abort(world.store);
    core_end(world.core, false);
    assert_int_equal(world.stats.commands, 0);
    assert_int_equal(core_batch_events(world.core), 0);
    assert_int_equal(last_seq(), 0);
    expect_text("again", "reply", "ok {existing: false}",
                tell_as("k", "member.register", "{member: ada}"));
    expect_rows();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_a_command_is_done_once),
        world_test(test_a_repeated_answer_tells_when_it_was_first),
        world_test(test_a_refusal_is_no_outcome),
        world_test(test_shapes_are_refused),
        world_test(test_commands_can_be_refused_all),
        world_test(test_refusals_are_counted_by_class),
        world_test(test_only_a_manual_clock_is_moved),
        world_test(test_an_import_sees_what_it_did),
        world_test(test_what_is_due_expires_before_a_command),
        world_test(test_items_run_in_order_each_on_its_own),
        world_test(test_items_of_a_long_batch),
        world_test(test_a_batch_has_a_number_of_items),
        world_test(test_room_is_kept_for_every_item),
        world_test(test_a_query_that_no_longer_fits_is_too_large),
        world_test(test_turned_away_with_the_id_only),
        world_test(test_frames_are_of_the_last_batch),
        world_test(test_many_events_give_no_frame),
        world_test(test_the_beat_tells_the_last_event),
        world_test(test_a_batch_that_is_not_committed_counts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
