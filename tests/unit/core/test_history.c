/* The log read back: the command of each event, damage, and replay. */
#include "world.h"

#include "core/apply.h"

/* Read all events behind @after: `TYPE cause` of each, or where it stopped. */
static const char *
read_all(seq_t after)
{
    static struct buf text;
    struct history history;
    struct event event;
    struct slice cause;
    buf_clear(&text);
    history_begin(&history, world.core, after);
    while (history_next(&history, world.core, &event, &cause)) {
        show(&text, text.size > 0 ? ", " : "");
        show(&text, event_type_name(event.type));
        show(&text, " ");
        show_text(&text, cause);
    }
    history_end(&history);
    if (world.core->err != KITH_OK) {
        show(&text, " ");
        show(&text, kith_err_code(world.core->err));
        world.core->err = KITH_OK;
    }
    return shown(&text);
}

static void
make_history(void)
{
    tell_as("a", "member.register",
            "{member: ada, contacts: [{kind: opaque, value: x}, "
            "{kind: opaque, value: y}]}");
    tell_as("b", "member.register", "{member: bob}");
    tell_as("c", "connection.request", "{from: ada, to: bob}");
    world.now_ms += 180 * DAY_MS;
    tell_as("d", "member.restore", "{member: bob}"); /* after the sweep */
}

static void
test_each_event_has_its_command(void **state)
{
    (void)state;
    make_history();
    expect_text("all", "history",
                "member.registered a, member.contact_verified a, member.contact_verified a, "
                "member.registered b, connection.requested c, connection.expired '', "
                "command.noted d",
                read_all(0));
    expect_text("from the middle of a command", "history",
                "member.contact_verified a, member.contact_verified a, member.registered b, "
                "connection.requested c, connection.expired '', command.noted d",
                read_all(1));
    expect_text("from its last event", "history",
                "member.contact_verified a, member.registered b, connection.requested c, "
                "connection.expired '', command.noted d",
                read_all(2));
    expect_text("at the end", "history", "", read_all(7));
    expect_rows();
}

/* Append a record of ours, as no command would. */
static void
append_raw(const char *bytes, size_t size)
{
    turn_begin();
    assert_true(log_append(store_log(world.store), world.now_ms, slice_of(bytes, size)) > 0);
    turn_end();
}

static void
append_event(const struct event *event)
{
    struct buf record = {0};
    event_encode(&record, event);
    append_raw((const char *)record.data, record.size);
    buf_fini(&record);
}

static void
test_what_is_not_known_stops_it(void **state)
{
    (void)state;
    struct event event;
    make_history();
    append_raw("\x81\x00\x7f", 3);
    expect_text("a type of a later version", "history", "command.noted d internal", read_all(6));
    assert_int_equal(history_read(world.core, 8, &event), KITH_INTERNAL);
    assert_int_equal(world.core->err, KITH_INTERNAL);
    world.core->err = KITH_OK;
    append_event(&(struct event){.type = EVENT_COMMAND_NOTED, .head_back = 1});
    expect_text("its head is not known", "history", " internal", read_all(8));
    assert_int_equal(history_read(world.core, 99, &event), KITH_NOT_FOUND);
    assert_int_equal(world.core->err, KITH_OK);
    expect_rows();
}

static void
damage_record(seq_t seq)
{
    uint8_t key[8];
    put_be64(key, seq);
    world_close();
    damage_value(world.scratch, "data/log", "events", slice_of(key, sizeof(key)), 0);
    world_open();
}

static void
test_damage_stops_it(void **state)
{
    (void)state;
    struct event event;
    make_history();
    damage_record(2);
    expect_text("the second record", "history", "member.registered a internal", read_all(0));
    assert_int_equal(history_read(world.core, 2, &event), KITH_INTERNAL);
    world.core->err = KITH_OK;
    expect_rows();
}

/* What was told once is not told again where it cannot be read; who asks for it fails alone. */
static void
test_a_command_whose_record_is_damaged(void **state)
{
    (void)state;
    make_history();
    tell_as("e", "member.restore", "{member: bob}");
    damage_record(7);
    seq_t last = last_seq();
    expect_text("repeated", "reply", "internal", tell_as("d", "member.restore", "{member: bob}"));
    assert_int_equal(world.err, KITH_OK);
    expect("command.lookup", "{id: d}", "internal");
    expect("event.read", "{}", "internal");
    assert_int_equal(world.err, KITH_OK);
    assert_int_equal(last_seq(), last);
    expect_rows();
}

/* --- replay ---------------------------------------------------------------------------------- */

static void
drop_views(void)
{
    char path[2 * SCRATCH_PATH_MAX];
    world_close();
    snprintf(path, sizeof(path), "%s/views/data.mdb", world.scratch->data);
    assert_int_equal(unlink(path), 0);
    world_open();
}

static void
test_views_are_made_anew(void **state)
{
    (void)state;
    struct fault fault = {0};
    bool done = false;
    make_history();
    drop_views();
    assert_int_equal(core_replay(world.core, 2, &done, &fault), KITH_OK);
    assert_false(done);
    assert_int_equal(views_applied(store_views(world.store)), 2);
    assert_int_equal(core_replay(world.core, 100, &done, &fault), KITH_OK);
    assert_true(done);
    expect_text("as before", "reply", "dup {}", tell_as("d", "member.restore", "{member: bob}"));
    expect_rows();
}

static void
expect_replay_fails(const char *text)
{
    struct fault fault = {0};
    bool done = false;
    assert_int_equal(core_replay(world.core, 100, &done, &fault), KITH_INTERNAL);
    assert_false(done);
    assert_non_null(strstr(fault.text, text));
}

static void
test_replay_stops_at_damage(void **state)
{
    (void)state;
    make_history();
    drop_views();
    damage_record(3);
    expect_replay_fails("event 3 of the log is damaged");
    assert_int_equal(views_applied(store_views(world.store)), 0);
}

static void
test_replay_stops_at_what_it_does_not_know(void **state)
{
    (void)state;
    make_history();
    append_raw("\x81\x00\x7f", 3);
    drop_views();
    expect_replay_fails("event 8 is not one this version knows");
    assert_int_equal(views_applied(store_views(world.store)), 0);
}

/* --- views that fail ------------------------------------------------------------------------- */

static void
damage_member(const char *id)
{
    world_close(); /* which writes a checkpoint */
    damage_value(world.scratch, "data/views", "member", slice_str(id), 0);
    world_open();
}

static void
test_replay_stops_where_the_views_fail(void **state)
{
    (void)state;
    struct fault fault = {0};
    bool done;
    make_history();
    drop_views();
    assert_int_equal(core_replay(world.core, 2, &done, &fault), KITH_OK);
    damage_member("ada");
    expect_replay_fails("the views failed while event 7 was applied");
    assert_int_equal(views_applied(store_views(world.store)), 2);
}

/* Each projection leaves what it cannot read as it is; the batch is undone. */
static void
test_no_projection_minds_views_that_fail(void **state)
{
    (void)state;
    struct member ada;
    make_history();
    damage_member("ada");
    turn_begin();
    member_row("ada", &ada);
    assert_false(ada.known);
    assert_int_equal(views_error(store_views(world.store)), KITH_INTERNAL);
    for (unsigned type = 1; type < EVENT_TYPE_COUNT; type++) {
        struct event event = {
            .seq = 8,
            .at_ms = world.now_ms,
            .type = type,
            .member = slice_str("ada"),
            .other = slice_str("bob"),
            .from = slice_str("ada"),
            .to = slice_str("bob"),
            .contact = slice_str("sixteen bytes of"),
            .invite = {{1}},
        };
        apply_projection(&world.core->apply, &event);
    }
    turn_end();
    assert_int_equal(world.err, KITH_INTERNAL);
    assert_int_equal(views_applied(store_views(world.store)), 7);
}

static void
test_every_answer_is_internal_where_the_views_fail(void **state)
{
    (void)state;
    make_history();
    damage_member("ada");
    expect("member.get", "{member: ada}", "internal");
    assert_int_equal(world.err, KITH_INTERNAL);
    expect("member.list", "{}", "internal");
    expect("connection.counts", "{member: bob}", "internal");
    assert_int_equal(last_seq(), 7);
    expect_rows();
}

/* What is due stays due: the views are made anew, and then it is done. */
static void
expect_sweep_fails(void)
{
    seq_t seq = last_seq();
    turn_begin();
    core_sweep(world.core, world.now_ms);
    turn_end();
    assert_int_equal(world.err, KITH_INTERNAL);
    assert_int_equal(last_seq(), seq);
    drop_views();
    world_replay();
    turn_begin();
    assert_int_equal(core_sweep(world.core, world.now_ms), 1);
    turn_end();
    assert_int_equal(world.err, KITH_OK);
    assert_int_equal(last_seq(), seq + 1);
}

static void
test_an_expiry_waits_for_views_that_fail(void **state)
{
    (void)state;
    members("ada bob");
    done("connection.request", "{from: ada, to: bob}");
    world.now_ms += 180 * DAY_MS;
    damage_member("ada");
    expect_sweep_fails();
}

static void
test_a_closing_waits_for_views_that_fail(void **state)
{
    (void)state;
    members("ada bob");
    connect_two("ada", "bob");
    done("member.close", "{member: ada}");
    damage_member("bob");
    expect_sweep_fails();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_each_event_has_its_command),
        world_test(test_what_is_not_known_stops_it),
        world_test(test_damage_stops_it),
        world_test(test_a_command_whose_record_is_damaged),
        world_test(test_views_are_made_anew),
        world_test(test_replay_stops_at_damage),
        world_test(test_replay_stops_at_what_it_does_not_know),
        world_test(test_replay_stops_where_the_views_fail),
        world_test(test_no_projection_minds_views_that_fail),
        world_test(test_every_answer_is_internal_where_the_views_fail),
        world_test(test_an_expiry_waits_for_views_that_fail),
        world_test(test_a_closing_waits_for_views_that_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
