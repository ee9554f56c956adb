/* What a message asks for: versions, ids, operations, batches. */
#include "words.h"

#include "core/envelope.h"
#include "proto/limits.h"

static struct buf message;

static enum kith_err
open_text(const char *text, struct envelope *envelope, struct envelope_fault *fault)
{
    buf_clear(&message);
    words_write(&message, text);
    return envelope_open(buf_slice(&message), envelope, fault);
}

struct row {
    const char *text, *expected; /* the code, then the field and the fault's own text */
};

static void
describe(struct buf *out, enum kith_err err, const struct envelope_fault *fault)
{
    show(out, err == KITH_OK ? "ok" : kith_err_code(err));
    if (fault->field) {
        show(out, " ");
        show(out, fault->field);
    }
    if (fault->text[0]) {
        show(out, ": ");
        show(out, fault->text);
    }
}

static void
run(const struct row *rows, unsigned count, bool in_batch)
{
    for (unsigned i = 0; i < count; i++) {
        struct envelope envelope;
        struct envelope_fault fault;
        struct buf text = {0};
        buf_clear(&message);
        words_write(&message, rows[i].text);
        enum kith_err err = envelope_decode(buf_slice(&message), in_batch, &envelope, &fault);
        describe(&text, err, &fault);
        expect_text(rows[i].text, "fault", rows[i].expected, shown(&text));
        if (err != KITH_OK || envelope.is_batch)
            assert_int_equal(envelope.op, KITH_OP_COUNT);
        buf_fini(&text);
    }
    expect_rows();
}

#define ID_64  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define BAD_ID "bad_argument id: `id` must be a string of 1 to 64 bytes"

static void
test_messages(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{v: 1, op: server.hello}", "ok"},
        {"{op: server.hello, v: 1, args: {}, id: k, auth: secret, min_pos: 0}", "ok"},
        {"{v: 1, op: server.hello, colour: {a: [1]}}", "ok"}, /* unknown keys are ignored */
        {"{op: server.hello}", "unsupported_version"},
        {"{v: 0, op: server.hello}", "unsupported_version"},
        {"{v: 2, op: server.hello}", "unsupported_version"},
        {"{v: '1', op: server.hello}", "unsupported_version"},
        {"{}", "unsupported_version"},
        {"{v: 1}", "bad_argument op: `op` must be a string, the operation's name"},
        {"{v: 1, op: 7}", "bad_argument op: `op` must be a string, the operation's name"},
        {"{v: 1, op: server.bye}", "unknown_op"},
        {"{v: 1, op: ''}", "unknown_op"},
        {"{v: 1, op: server.hello, id: " ID_64 "}", "ok"},
        {"{v: 1, op: server.hello, id: " ID_64 "x}", BAD_ID},
        {"{v: 1, op: server.hello, id: ''}", BAD_ID},
        {"{v: 1, op: server.hello, id: 7}", BAD_ID},
        {"{v: 1, op: server.hello, id: nil}", BAD_ID},
        {"{v: 1, op: server.hello, auth: 7}", "bad_argument auth: `auth` must be a string"},
        {"{v: 1, op: server.hello, min_pos: -1}",
         "bad_argument min_pos: `min_pos` must be an integer of 0 or more"},
        {"{v: 1, op: server.hello, min_pos: x}",
         "bad_argument min_pos: `min_pos` must be an integer of 0 or more"},
        {"{v: 1, batch: []}", "ok"},
        {"{v: 1, batch: {}}", "bad_argument batch: `batch` must be an array"},
        {"{v: 1, batch: [], op: server.hello}", "bad_argument batch: send either `op` or `batch`"},
        {"{v: 1, batch: [], min_pos: 1}",
         "bad_argument min_pos: `min_pos` does not go with a batch"},
        {"[]", "malformed"},
        {"7", "malformed"},
    };
    run(rows, ARRAY_COUNT(rows), false);
}

static void
test_items_of_a_batch(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{op: server.hello}", "ok"},
        {"{v: 9, op: server.hello}", "ok"}, /* the batch has the version */
        {"{op: server.hello, min_pos: 1}",
         "bad_argument min_pos: `min_pos` does not go with a batch"},
        {"{batch: []}", "bad_argument batch: a batch cannot hold another one"},
        {"{op: server.bye}", "unknown_op"},
        {"{}", "bad_argument op: `op` must be a string, the operation's name"},
        {"nil", "malformed"},
    };
    run(rows, ARRAY_COUNT(rows), true);
}

static void
test_what_was_said_is_there(void **state)
{
    (void)state;
    struct envelope envelope;
    struct envelope_fault fault;
    assert_int_equal(open_text("{v: 1, op: member.get, id: k1, args: {member: a}, min_pos: 9}",
                               &envelope, &fault),
                     KITH_OK);
    assert_int_equal(envelope.op, KITH_OP_MEMBER_GET);
    assert_true(slice_is(envelope.id, "k1"));
    assert_int_equal(envelope.args.size, 14);
    assert_true(envelope.has_min_pos && envelope.min_pos == 9 && !envelope.is_batch);
    assert_int_equal(open_text("{v: 1, op: server.hello}", &envelope, &fault), KITH_OK);
    assert_null(envelope.id.data);
    assert_null(envelope.args.data);
    assert_int_equal(open_text("{v: 1, batch: [1, 2]}", &envelope, &fault), KITH_OK);
    assert_true(envelope.is_batch && envelope.batch.size > 0);
}

/* What could be read of the id is answered with, whatever else is wrong. */
static void
test_the_id_survives_an_error(void **state)
{
    (void)state;
    struct envelope envelope;
    struct envelope_fault fault;
    assert_int_equal(open_text("{v: 3, id: k1}", &envelope, &fault), KITH_UNSUPPORTED_VERSION);
    assert_true(slice_is(envelope.id, "k1"));
    assert_int_equal(open_text("{v: 1, op: what, id: k2}", &envelope, &fault), KITH_UNKNOWN_OP);
    assert_true(slice_is(envelope.id, "k2"));
}

static void
test_rubbish_says_where(void **state)
{
    (void)state;
#define BYTES(bytes)                                \
    {                                               \
        (const uint8_t *)(bytes), sizeof(bytes) - 1 \
    }
    static const struct slice rows[] = {
        BYTES(""),
        BYTES("\xc1"),
        BYTES("\x81\xa1v"),              /* cut */
        BYTES("\x82\xa1v\x01\xa1v\x01"), /* twice the same key */
        BYTES("\x81\x01\x01"),           /* a key that is a number */
        BYTES("\x81\xa1v\xa1\xff"),      /* no UTF-8 */
        BYTES("\x81\xa1v\x01\x00"),      /* something behind it */
        BYTES("\xdd\xff\xff\xff\xff"),   /* a promise */
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct envelope envelope;
        struct envelope_fault fault;
        assert_int_equal(envelope_open(rows[i], &envelope, &fault), KITH_MALFORMED);
        assert_non_null(strstr(fault.text, "at byte"));
        assert_null(fault.field);
        assert_null(envelope.id.data);
        assert_int_equal(envelope.op, KITH_OP_COUNT);
    }
}

/* Any operation is told by its name alone; what does not say one at a glance names none. */
static void
test_a_glance_finds_the_operation(void **state)
{
    (void)state;
    for (int op = 0; op < KITH_OP_COUNT; op++) {
        char text[128];
        snprintf(text, sizeof(text), "{v: 1, id: x, args: {op: ping}, op: %s}", kith_ops[op].name);
        buf_clear(&message);
        words_write(&message, text);
        assert_int_equal(envelope_glance(buf_slice(&message)), op);
    }
    static const struct slice rows[] = {
        BYTES(""),
        BYTES("\x90"),                          /* no map */
        BYTES("\x81\xa1v\x01"),                 /* without one */
        BYTES("\x81\xa2op\xc0"),                /* not a name */
        BYTES("\x81\xa2op\xa3zzz"),             /* not known */
        BYTES("\x82\xa1v\xc1\xa2op"),           /* it breaks off ahead of it */
        BYTES("\x81\x01\xa2op"),                /* a key that is a number */
        BYTES("\x82\xa1v\xdd\xff\xff\xff\xff"), /* a promise */
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(envelope_glance(rows[i]), KITH_OP_COUNT);
}

/* What is turned away is not checked first: only an id that an answer can repeat is taken. */
static void
test_a_glance_finds_the_id(void **state)
{
    (void)state;
    static const struct {
        struct slice message;
        const char *id; /* NULL: none */
    } rows[] = {
        {BYTES("\x82\xa1v\x01\xa2id\xa2k7"), "k7"},
        {BYTES("\x82\xa4"
               "args\x81\xa2id\xa2no\xa2id\xa2k7"),
         "k7"},                                        /* not that of a map within */
        {BYTES("\x82\xa2id\xa2k7\xa1v\xc1"), "k7"},    /* broken behind it */
        {BYTES("\x82\xa1v\xc1\xa2id\xa2k7"), NULL},    /* and ahead of it */
        {BYTES("\x82\xa2id\xa2k7\xa2id\xa2k8"), "k7"}, /* twice */
        {BYTES("\x81\xa2id\xa2\xc3("), NULL},          /* no UTF-8 */
        {BYTES("\x81\xa2id\xa0"), NULL},               /* empty */
        {BYTES("\x81\xa2id\xa4k7"), NULL},             /* it breaks off */
        {BYTES("\x81\xa2id\x07"), NULL},               /* a number */
        {BYTES("\x91\xa2id"), NULL},                   /* no map */
        {BYTES(""), NULL},
        {BYTES("\x81\xa2id\xd9\x41"
               "0123456789012345678901234567890123456789012345678901234567890123x"),
         NULL}, /* 65 */
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct slice id = envelope_glance_id(rows[i].message);
        if (rows[i].id)
            assert_true(slice_is(id, rows[i].id));
        else
            assert_null(id.data);
    }
}

static int
done(void **state)
{
    (void)state;
    buf_fini(&message);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_items_of_a_batch),
        cmocka_unit_test(test_what_was_said_is_there),
        cmocka_unit_test(test_the_id_survives_an_error),
        cmocka_unit_test(test_rubbish_says_where),
        cmocka_unit_test(test_a_glance_finds_the_operation),
        cmocka_unit_test(test_a_glance_finds_the_id),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
