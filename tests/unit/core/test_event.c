/* Events as they are written down and as they are told. The bytes of the records are golden: what
 * an older release wrote is read by every later one. */
#include "facts.h"

#include "codec/check.h"

/* A value for each field, by its kind; words stay within their lists. */
static struct event
full_event(enum event_type type)
{
    struct event event = {.seq = 7, .at_ms = NOW};
#define FILL_UINT(field)             event.field = 1
#define FILL_BOOL(field)             event.field = true
#define FILL_TEXT(field)             event.field = slice_str(#field)
#define FILL_BYTES(field)            event.field = slice_str("\x80")
#define FILL_ID(field)               event.field = OLD
#define X(number, field, kind, wire) FILL_##kind(field);
    EVENT_FIELD_LIST(X)
#undef X
    event.type = type;
    event.audience = 0;
    return event;
}

static bool
type_exists(unsigned type)
{
    switch (type) {
#define X(number, id, name, fields) case number:
        EVENT_TYPE_LIST(X)
#undef X
        return true;
    default:
        return false;
    }
}

static void
expect_same(const struct event *a, const struct event *b)
{
#define SAME_UINT(field)             assert_int_equal(a->field, b->field)
#define SAME_BOOL(field)             assert_int_equal(a->field, b->field)
#define SAME_TEXT(field)             assert_true(slice_equal(a->field, b->field))
#define SAME_BYTES(field)            assert_true(slice_equal(a->field, b->field))
#define SAME_ID(field)               assert_true(public_id_equal(&a->field, &b->field))
#define X(number, field, kind, wire) SAME_##kind(field);
    EVENT_FIELD_LIST(X)
#undef X
}

static void
test_every_field_of_every_type_goes_there_and_back(void **state)
{
    (void)state;
    for (unsigned type = 1; type < EVENT_TYPE_COUNT; type++) {
        if (!type_exists(type))
            continue;
        struct buf out = {0};
        struct event event = full_event((enum event_type)type), back;
        event_encode(&out, &event);
        assert_true(event_decode(buf_slice(&out), &back));
        expect_same(&event, &back);
        buf_fini(&out);
    }
}

/* Each field alone, with the number that it has for ever. */
static void
test_each_field_keeps_its_number(void **state)
{
    (void)state;
    struct event full = full_event(EVENT_COMMAND_NOTED);
    struct buf out = {0};
#define X(number, name, kind, wire)                                                           \
    if (number != 0) {                                                                        \
        struct event one = {.type = EVENT_COMMAND_NOTED};                                     \
        one.name = full.name;                                                                 \
        buf_clear(&out);                                                                      \
        event_encode(&out, &one);                                                             \
        if (!field_is_zero(&(struct field)FIELD_ROW(struct event, name, kind, wire), &one)) { \
            assert_int_equal(out.data[0], 0x82);                                              \
            assert_int_equal(out.data[3], number);                                            \
        }                                                                                     \
    }
    EVENT_FIELD_LIST(X)
#undef X
    buf_fini(&out);
}

struct golden {
    const char *name;
    struct event event;
    const char *hex;
};

static void
expect_golden(const struct golden *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct buf out = {0}, text = {0};
        struct event back;
        event_encode(&out, &rows[i].event);
        show_hex(&text, buf_slice(&out));
        expect_text(rows[i].name, "record", rows[i].hex, shown(&text));
        assert_true(event_decode(buf_slice(&out), &back));
        expect_same(&rows[i].event, &back);
        buf_fini(&out);
        buf_fini(&text);
    }
    expect_rows();
}

static void
test_records_of_members_are_golden(void **state)
{
    (void)state;
    const struct golden rows[] = {
        {"a command that changed nothing",
         {.type = EVENT_COMMAND_NOTED,
          .head_id = slice_str("k1"),
          .head_op = slice_str("member.close"),
          .head_hash = slice_str("0123456789abcdef"),
          .head_result = slice_str("\x80"),
          .head_count = 1},
         "86000d30c4026b3131ac6d656d6265722e636c6f736532c41030313233343536373839616263646566"
         "33c401803401"},
        {"a registration",
         {.type = EVENT_MEMBER_REGISTERED,
          .member = slice_str("ada"),
          .tier = slice_str("premium"),
          .name = slice_str("sealed"),
          .accept = ACCEPT_PROOF,
          .auto_accept = AUTO_ALL,
          .interests = slice_str("\x91\xa1x"),
          .audience = AUDIENCE_MEMBER,
          .head_back = 1},
         "8900010"
         "1a3616461"
         "0ba77072656d69756d"
         "20c4067365616c6564"
         "2904"
         "2b02"
         "2c02"
         "2dc40391a178"
         "3501"},
        {"a restriction",
         {.type = EVENT_QUOTA_RESTRICTED,
          .member = slice_str("ada"),
          .level = 3,
          .reason = REASON_MANUAL,
          .until_ms = 9,
          .evidence_ms = 8},
         "86001d"
         "01a3616461"
         "1303"
         "1405"
         "1509"
         "3d08"},
    };
    expect_golden(rows, ARRAY_COUNT(rows));
}

static void
test_records_of_connections_are_golden(void **state)
{
    (void)state;
    const struct golden rows[] = {
        {"a request",
         {.type = EVENT_CONNECTION_REQUESTED,
          .from = slice_str("ada"),
          .to = slice_str("bob"),
          .request = OLD,
          .expires_ms = 1000,
          .cost = 2,
          .shadow = true,
          .print = 5,
          .impersonal = true,
          .duplicate = true,
          .burst_ms = 6,
          .counts_note = true,
          .filtered = true,
          .audience = AUDIENCE_FROM | AUDIENCE_TO,
          .notify = true},
         "8f0003"
         "03a3616461"
         "04a3626f62"
         "05c40a0102030405060708090a"
         "07cd03e8"
         "2202"
         "25c3"
         "2903"
         "2ac3"
         "2e05"
         "2fc3"
         "37c3"
         "3806"
         "39c3"
         "3ac3"},
        {"an acceptance",
         {.type = EVENT_CONNECTION_ACCEPTED,
          .from = slice_str("ada"),
          .to = slice_str("bob"),
          .since_ms = 1000,
          .via = VIA_CROSSING,
          .refund_day = true,
          .refund_week = true},
         "870004"
         "03a3616461"
         "04a3626f62"
         "09cd03e8"
         "0a02"
         "3bc3"
         "3cc3"},
    };
    expect_golden(rows, ARRAY_COUNT(rows));
}

static void
test_what_is_no_event_is_not_decoded(void **state)
{
    (void)state;
#define BAD(bytes)                                      \
    {                                                   \
#bytes,                                         \
        {                                               \
            (const uint8_t *)(bytes), sizeof(bytes) - 1 \
        }                                               \
    }
    static const struct {
        const char *name;
        struct slice bytes;
    } rows[] = {
        BAD(""),
        BAD("\x90"),
        BAD("\x80"),                 /* of no type */
        BAD("\x81\x00\x7f"),         /* of a type that is not known */
        BAD("\x82\x00\x0d\x7f\x01"), /* with a field that is not known */
        BAD("\x82\x00\x0d\x01\x01"), /* with a member that is a number */
        BAD("\x82\x00\x04\x0a\x7f"), /* with words that are not known: via */
        BAD("\x82\x00\x08\x0c\x7f"), /* kind */
        BAD("\x82\x00\x1d\x14\x7f"), /* reason */
        BAD("\x82\x00\x1a\x16\x7f"), /* report */
        BAD("\x82\x00\x1f\x17\x7f"), /* interaction */
        BAD("\x82\x00\x07\x18\x7f"), /* removal */
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct event back;
        if (event_decode(rows[i].bytes, &back)) {
            print_error("%s was taken\n", rows[i].name);
            rows_failed++;
        }
    }
    expect_rows();
}

/* --- on the wire ----------------------------------------------------------------------------- */

static void
expect_rendered(const char *name, const struct event *event, const char *cause,
                const char *expected)
{
    struct buf out = {0}, text = {0};
    struct check_fault fault;
    event_render(&out, event, cause ? slice_str(cause) : (struct slice){0});
    assert_true(check_message(buf_slice(&out), &fault));
    show_value(&text, buf_slice(&out));
    expect_text(name, "frame", expected, shown(&text));
    buf_fini(&out);
    buf_fini(&text);
}

/* No secret leaves: with every field set, a frame has those of its type and no other. */
static void
test_a_frame_has_the_fields_of_its_type_only(void **state)
{
    (void)state;
    for (unsigned type = 1; type < EVENT_TYPE_COUNT; type++) {
        if (!type_exists(type))
            continue;
        static const char *const never[] = {
            "name",      "note",     "contact", "token",   "cost",        "print", "shadow",
            "hidden_ms", "filtered", "accept",  "head_id", "cooldown_ms", "queue", "head_op"};
        struct buf out = {0};
        struct reader reader;
        struct event event = full_event((enum event_type)type);
        event_render(&out, &event, slice_str("k"));
        reader_init(&reader, buf_slice(&out));
        for (uint32_t left = reader_map(&reader); left > 0; left--) {
            struct slice key = reader_str(&reader);
            reader_skip(&reader);
            for (unsigned i = 0; i < ARRAY_COUNT(never); i++)
                assert_false(slice_is(key, never[i]));
        }
        assert_false(reader.bad);
        buf_fini(&out);
    }
}

static void
test_frames(void **state)
{
    (void)state;
    facts_begin();
    struct event requested = full_event(EVENT_CONNECTION_REQUESTED);
    requested.audience = AUDIENCE_FROM | AUDIENCE_TO;
    requested.expires_ms = (uint64_t)(NOW + DAY_MS);
    expect_rendered("requested", &requested, "k1",
                    "{v: 1, seq: 7, at: now, type: connection.requested, cause: k1, from: from, "
                    "to: to, request: OLD, expires_at: +1d, audience: [from, to], notify: true}");
    struct event removed = {.seq = 8,
                            .at_ms = NOW,
                            .type = EVENT_CONNECTION_REMOVED,
                            .member = slice_str("ada"),
                            .other = slice_str("bob"),
                            .hidden_ms = 5,
                            .audience = AUDIENCE_OTHER};
    expect_rendered("removed, without a reason", &removed, NULL,
                    "{v: 1, seq: 8, at: now, type: connection.removed, cause: nil, member: ada, "
                    "other: bob, audience: [bob], notify: false}");
    removed.removal = REMOVAL_CLOSED;
    expect_rendered("removed, since one was closed", &removed, NULL,
                    "{v: 1, seq: 8, at: now, type: connection.removed, cause: nil, member: ada, "
                    "other: bob, reason: closed, audience: [bob], notify: false}");
    struct event changed = {.seq = 9,
                            .at_ms = NOW,
                            .type = EVENT_CONNECTION_ACCESS_CHANGED,
                            .member = slice_str("ada"),
                            .other = slice_str("bob"),
                            .updates = true,
                            .audience = AUDIENCE_MEMBER};
    expect_rendered("a truth is told where it is false", &changed, "k2",
                    "{v: 1, seq: 9, at: now, type: connection.access_changed, cause: k2, "
                    "member: ada, other: bob, updates: true, messages: false, audience: [ada], "
                    "notify: false}");
    struct event advanced = {.seq = 10, .at_ms = NOW, .type = EVENT_CLOCK_ADVANCED, .ms = 5};
    expect_rendered("a number", &advanced, "k3",
                    "{v: 1, seq: 10, at: now, type: clock.advanced, cause: k3, ms: 5, "
                    "audience: [], notify: false}");
    struct event redeemed = {.seq = 11,
                             .at_ms = NOW,
                             .type = EVENT_INVITE_REDEEMED,
                             .invite = OLD,
                             .member = slice_str("cy"),
                             .clicked = slice_str("ada"),
                             .first_touch = slice_str("bob"),
                             .audience = AUDIENCE_MEMBER | AUDIENCE_CLICKED,
                             .notify = true};
    expect_rendered("redeemed", &redeemed, "k4",
                    "{v: 1, seq: 11, at: now, type: invite.redeemed, cause: k4, member: cy, "
                    "invite: OLD, clicked: ada, first_touch: bob, match: false, "
                    "audience: [cy, ada], notify: true}");
    expect_rows();
}

/* --- words ----------------------------------------------------------------------------------- */

static void
test_words_are_found_and_named(void **state)
{
    (void)state;
    const struct words *const lists[] = {&via_words,    &contact_kind_words, &reason_words,
                                         &report_words, &interaction_words,  &removal_words,
                                         &accept_words};
    for (unsigned i = 0; i < ARRAY_COUNT(lists); i++) {
        for (uint64_t value = 1; value < lists[i]->count; value++) {
            const char *name = words_name(lists[i], value);
            assert_int_equal(words_find(lists[i], slice_str(name)), value);
        }
        assert_int_equal(words_find(lists[i], slice_str("nonsense")), 0);
        assert_int_equal(words_find(lists[i], (struct slice){0}), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_every_field_of_every_type_goes_there_and_back),
        facts_test(test_each_field_keeps_its_number),
        facts_test(test_records_of_members_are_golden),
        facts_test(test_records_of_connections_are_golden),
        facts_test(test_what_is_no_event_is_not_decoded),
        facts_test(test_a_frame_has_the_fields_of_its_type_only),
        facts_test(test_frames),
        facts_test(test_words_are_found_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
