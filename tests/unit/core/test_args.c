/* Arguments: each type at its bounds and beyond, and what is unknown, missing or never taken.
 *
 * A row is the arguments as text; what is expected is the fault as `field: text`, or "" where they
 * are taken. $N stands for a string of N letters. */
#include "words.h"

#include "core/args.h"
#include "proto/limits.h"

static struct buf raw;
static struct args args;

/* Write @text with each $N spelled out. */
static void
expand(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (*text != '$') {
            buf_append(out, text, 1);
            continue;
        }
        char *end;
        unsigned long count = strtoul(text + 1, &end, 10);
        while (count-- > 0)
            buf_append(out, "x", 1);
        text = end - 1;
    }
    buf_append(out, "", 1);
}

static enum kith_err
decode(enum kith_op op, const char *text, struct args_fault *fault)
{
    struct buf expanded = {0};
    expand(text, &expanded);
    buf_clear(&raw);
    words_write(&raw, (const char *)expanded.data);
    buf_fini(&expanded);
    memset(fault, 0, sizeof(*fault));
    return args_decode(buf_slice(&raw), op, &args, fault);
}

struct row {
    enum kith_op op;
    const char *args, *fault;
};

static void
run(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct args_fault fault;
        struct buf text = {0};
        enum kith_err err = decode(rows[i].op, rows[i].args, &fault);
        if (err != KITH_OK) {
            assert_int_equal(err, KITH_BAD_ARGUMENT);
            buf_append(&text, fault.field.data, fault.field.size);
            show(&text, ": ");
            show(&text, fault.text);
        }
        expect_text(rows[i].args, "fault", rows[i].fault, shown(&text));
        buf_fini(&text);
    }
    expect_rows();
}

#define RUN(rows) run(rows, ARRAY_COUNT(rows))
#define OK        ""

#define MEMBER_FAULT "member: `member` must be a string of 1 to 64 bytes without control characters"

static void
test_members(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {KITH_OP_MEMBER_CLOSE, "{member: a}", OK},
        {KITH_OP_MEMBER_CLOSE, "{member: $64}", OK},
        {KITH_OP_MEMBER_CLOSE, "{member: $65}", MEMBER_FAULT},
        {KITH_OP_MEMBER_CLOSE, "{member: ''}", MEMBER_FAULT},
        {KITH_OP_MEMBER_CLOSE, "{member: 'a b'}", OK},
        {KITH_OP_MEMBER_CLOSE, "{member: 'ünïcode'}", OK},
        {KITH_OP_MEMBER_CLOSE, "{member: 'a\x1f'}", MEMBER_FAULT},
        {KITH_OP_MEMBER_CLOSE, "{member: '\x7f'}", MEMBER_FAULT},
        {KITH_OP_MEMBER_CLOSE, "{member: 1}", MEMBER_FAULT},
        {KITH_OP_MEMBER_CLOSE, "{member: nil}", MEMBER_FAULT},
        {KITH_OP_MEMBER_CLOSE, "{member: [a]}", MEMBER_FAULT},
    };
    RUN(rows);
}

static void
test_strings(void **state)
{
    (void)state;
#define NAME(value) {KITH_OP_MEMBER_UPDATE, "{member: a, name: " value "}",
#define NAME_FAULT  "name: `name` must be a string of 1 to 256 bytes"
#define NOTE(value) {KITH_OP_CONNECTION_REQUEST, "{from: a, to: b, note: " value "}",
    static const struct row rows[] = {NAME("x") OK}, NAME("$256") OK
}
, NAME("$257") NAME_FAULT
}
, NAME("''") NAME_FAULT
}
, NAME("7") NAME_FAULT
}
, NOTE("$4096") OK
}
, NOTE("$4097") "note: `note` must be a string of 1 to 4096 bytes"
}
,
}
;
RUN(rows);
}

static void
test_numbers_and_truths(void **state)
{
    (void)state;
#define RESTRICT(value) {KITH_OP_RESTRICTION_SET, "{member: a, " value "}",
#define LEVEL_FAULT     "level: `level` must be an integer from 1 to 5"
#define ACCESS(value)   {KITH_OP_CONNECTION_SET_ACCESS, "{member: a, other: b, updates: " value "}",
#define TRUTH_FAULT     "updates: `updates` must be true or false"
    static const struct row rows[] = {RESTRICT("level: 1") OK}, RESTRICT("level: 5") OK
}
, RESTRICT("level: 0") LEVEL_FAULT
}
, RESTRICT("level: 6") LEVEL_FAULT
}
, RESTRICT("level: -1") LEVEL_FAULT
}
, RESTRICT("level: high") LEVEL_FAULT
}
, RESTRICT("until: 0") OK
}
, RESTRICT("until: 9007199254740991") OK
}
, RESTRICT("until: 9007199254740992") "until: `until` must be an integer from 0 to 9007199254740991"
}
, ACCESS("true") OK
}
, ACCESS("false") OK
}
, ACCESS("1") TRUTH_FAULT
}
, ACCESS("nil") TRUTH_FAULT
}
,
}
;
RUN(rows);
}

static void
test_choices(void **state)
{
    (void)state;
#define REPORT(value) {KITH_OP_CONNECTION_REPORT, "{member: a, other: b, kind: " value "}",
#define KIND_FAULT    "kind: `kind` must be one of: unknown spam other"
    static const struct row rows[] = {REPORT("unknown") OK}, REPORT("spam") OK
}
, REPORT("other") OK
}
, REPORT("othe") KIND_FAULT
}
, REPORT("others") KIND_FAULT
}
, REPORT("''") KIND_FAULT
}
, REPORT("'unknown spam'") KIND_FAULT
}
, REPORT("1") KIND_FAULT
}
,
}
;
RUN(rows);
}

/* Arrays of @count equal elements, made here since rows would be long. */
static void
expect_array(enum kith_op op, const char *before, const char *element, unsigned count,
             const char *fault)
{
    struct buf text = {0};
    show(&text, before);
    for (unsigned i = 0; i < count; i++) {
        show(&text, i > 0 ? ", " : "");
        show(&text, element);
    }
    show(&text, "]}");
    const struct row row = {op, shown(&text), fault};
    run(&row, 1);
    buf_fini(&text);
}

#define MEMBERS_FAULT                                                                        \
    "others: `others` must be an array of 1 to 500, each a string of 1 to 64 bytes without " \
    "control characters"
#define TYPES_FAULT "types: `types` must be an array of 1 to 16, each a string of 1 to 64 bytes"
#define INTERESTS_FAULT \
    "interests: `interests` must be an array of 0 to 32, each a string of 1 to 64 bytes"

static void
test_arrays_of_strings(void **state)
{
    (void)state;
    const char *others = "{viewer: a, others: [", *types = "{types: [";
    const char *interests = "{member: a, interests: [";
    expect_array(KITH_OP_CONNECTION_STATUS, others, "b", 0, MEMBERS_FAULT);
    expect_array(KITH_OP_CONNECTION_STATUS, others, "b", 1, OK);
    expect_array(KITH_OP_CONNECTION_STATUS, others, "b", 500, OK);
    expect_array(KITH_OP_CONNECTION_STATUS, others, "b", 501, MEMBERS_FAULT);
    expect_array(KITH_OP_CONNECTION_STATUS, others, "$65", 2, MEMBERS_FAULT);
    expect_array(KITH_OP_CONNECTION_STATUS, others, "7", 2, MEMBERS_FAULT);
    expect_array(KITH_OP_EVENT_READ, types, "b", 0, TYPES_FAULT);
    expect_array(KITH_OP_EVENT_READ, types, "$64", 16, OK);
    expect_array(KITH_OP_EVENT_READ, types, "b", 17, TYPES_FAULT);
    expect_array(KITH_OP_MEMBER_REGISTER, interests, "b", 0, OK);
    expect_array(KITH_OP_MEMBER_REGISTER, interests, "b", 32, OK);
    expect_array(KITH_OP_MEMBER_REGISTER, interests, "b", 33, INTERESTS_FAULT);
    expect_array(KITH_OP_MEMBER_REGISTER, interests, "''", 1, INTERESTS_FAULT);
    expect_array(KITH_OP_MEMBER_REGISTER, interests, "$65", 1, INTERESTS_FAULT);
    expect_array(KITH_OP_MEMBER_REGISTER, interests, "7", 1, INTERESTS_FAULT);
    static const struct row rows[] = {
        {KITH_OP_MEMBER_REGISTER, "{member: a, interests: b}", INTERESTS_FAULT},
        {KITH_OP_CONNECTION_STATUS, "{viewer: a, others: b}", MEMBERS_FAULT},
    };
    RUN(rows);
}

#define PAIRS_FAULT "pairs: `pairs` must be an array of 1 to 1000 pairs [member, member]"

static void
test_pairs(void **state)
{
    (void)state;
    const char *before = "{pairs: [";
    expect_array(KITH_OP_CONNECTION_IMPORT, before, "[a, b]", 0, PAIRS_FAULT);
    expect_array(KITH_OP_CONNECTION_IMPORT, before, "[a, b]", 1, OK);
    expect_array(KITH_OP_CONNECTION_IMPORT, before, "[a, b]", 1000, OK);
    expect_array(KITH_OP_CONNECTION_IMPORT, before, "[a, b]", 1001, PAIRS_FAULT);
    expect_array(KITH_OP_CONNECTION_IMPORT, before, "[a]", 1, PAIRS_FAULT);
    expect_array(KITH_OP_CONNECTION_IMPORT, before, "[a, b, c]", 1, PAIRS_FAULT);
    expect_array(KITH_OP_CONNECTION_IMPORT, before, "[7, b]", 1, PAIRS_FAULT);
    expect_array(KITH_OP_CONNECTION_IMPORT, before, "[a, '']", 1, PAIRS_FAULT);
    expect_array(KITH_OP_CONNECTION_IMPORT, before, "a", 1, PAIRS_FAULT);
    static const struct row row = {KITH_OP_CONNECTION_IMPORT, "{pairs: a}", PAIRS_FAULT};
    run(&row, 1);
}

#define CONTACT_RULE   "{kind: \"email\", \"phone\" or \"opaque\", value: string of 1 to 320 bytes}"
#define CONTACT_FAULT  "contact: `contact` must be " CONTACT_RULE
#define CONTACTS_FAULT "contacts: `contacts` must be an array of at most 16 " CONTACT_RULE

static void
test_contacts(void **state)
{
    (void)state;
#define CONTACT(value) {KITH_OP_MEMBER_DROP_CONTACT, "{member: a, contact: " value "}",
    static const struct row rows[] = {CONTACT("{kind: email, value: x}") OK},
                            CONTACT("{value: x, kind: phone}") OK
}
, CONTACT("{kind: opaque, value: $320}") OK
}
, CONTACT("{kind: opaque, value: $321}") CONTACT_FAULT
}
, CONTACT("{kind: opaque, value: ''}") CONTACT_FAULT
}
, CONTACT("{kind: opaque, value: 7}") CONTACT_FAULT
}
, CONTACT("{kind: fax, value: x}") CONTACT_FAULT
}
, CONTACT("{kind: 7, value: x}") CONTACT_FAULT
}
, CONTACT("{kind: email}") CONTACT_FAULT
}
, CONTACT("{value: x}") CONTACT_FAULT
}
, CONTACT("{kind: email, value: x, verified: true}") CONTACT_FAULT
}
, CONTACT("x") CONTACT_FAULT
}
, {KITH_OP_MEMBER_REGISTER, "{member: a, contacts: x}", CONTACTS_FAULT},
}
;
RUN(rows);
const char *before = "{member: a, contacts: [", *good = "{kind: email, value: x}";
expect_array(KITH_OP_MEMBER_REGISTER, before, good, 0, OK);
expect_array(KITH_OP_MEMBER_REGISTER, before, good, 16, OK);
expect_array(KITH_OP_MEMBER_REGISTER, before, good, 17, CONTACTS_FAULT);
expect_array(KITH_OP_MEMBER_REGISTER, before, "{kind: email}", 2, CONTACTS_FAULT);
expect_array(KITH_OP_MEMBER_REGISTER, before, "7", 2, CONTACTS_FAULT);
}

static void
test_policies(void **state)
{
    (void)state;
#define POLICY(value) {KITH_OP_MEMBER_UPDATE, "{member: a, policy: " value "}",
#define POLICY_FAULT                                                                           \
    "policy: `policy` must be {accept: everyone, proof, mutual or nobody, auto_accept: none, " \
    "all or 1 to 1000}"
    static const struct row rows[] = {POLICY("{}") OK}, POLICY("{accept: everyone}") OK
}
, POLICY("{accept: proof}") OK
}
, POLICY("{accept: mutual}") OK
}
, POLICY("{accept: nobody}") OK
}
, POLICY("{accept: some}") POLICY_FAULT
}
, POLICY("{accept: 1}") POLICY_FAULT
}
, POLICY("{auto_accept: none}") OK
}
, POLICY("{auto_accept: all}") OK
}
, POLICY("{auto_accept: some}") POLICY_FAULT
}
, POLICY("{auto_accept: true}") POLICY_FAULT
}
, POLICY("{auto_accept: 0}") POLICY_FAULT
}
, POLICY("{auto_accept: 1}") OK
}
, POLICY("{auto_accept: 1000}") OK
}
, POLICY("{auto_accept: 1001}") POLICY_FAULT
}
, POLICY("{accept: nobody, auto_accept: all}") OK
}
, POLICY("{reject: all}") POLICY_FAULT
}
, POLICY("nobody") POLICY_FAULT
}
,
}
;
RUN(rows);
struct args_fault fault;
decode(KITH_OP_MEMBER_UPDATE, "{member: a, policy: {auto_accept: 7}}", &fault);
assert_true(args.value[KITH_ARG_POLICY].policy.has_auto_count);
assert_int_equal(args.value[KITH_ARG_POLICY].policy.auto_count, 7);
assert_null(args.value[KITH_ARG_POLICY].policy.accept.data);
}

static void
test_hints(void **state)
{
    (void)state;
#define HINTS(value) {KITH_OP_CONNECTION_REQUEST, "{from: a, to: b, hints: " value "}",
#define HINTS_FAULT                                                              \
    "hints: `hints` must be {viewed_profile: bool, shared_interests: [string], " \
    "recipient_last_seen: time}"
    static const struct row rows[] = {HINTS("{}") OK}, HINTS("{viewed_profile: true}") OK
}
, HINTS("{viewed_profile: 1}") HINTS_FAULT
}
, HINTS("{shared_interests: []}") OK
}
, HINTS("{shared_interests: [chess, $64]}") OK
}
, HINTS("{shared_interests: [$65]}") HINTS_FAULT
}
, HINTS("{shared_interests: [7]}") HINTS_FAULT
}
, HINTS("{shared_interests: chess}") HINTS_FAULT
}
, HINTS("{shared_interests: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]}") OK
}
, HINTS("{shared_interests: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]}")
      HINTS_FAULT
}
, HINTS("{recipient_last_seen: 1736503200000}") OK
}
, HINTS("{recipient_last_seen: -1}") HINTS_FAULT
}
, HINTS("{mood: good}") HINTS_FAULT
}
, HINTS("[]") HINTS_FAULT
}
,
}
;
RUN(rows);
struct args_fault fault;
decode(KITH_OP_CONNECTION_REQUEST,
       "{from: a, to: b, hints: {viewed_profile: false, shared_interests: [x]}}", &fault);
assert_true(args.value[KITH_ARG_HINTS].hints.profile_not_viewed);
assert_true(args.value[KITH_ARG_HINTS].hints.shares_interests);
decode(KITH_OP_CONNECTION_REQUEST, "{from: a, to: b, hints: {shared_interests: []}}", &fault);
assert_false(args.value[KITH_ARG_HINTS].hints.profile_not_viewed);
assert_false(args.value[KITH_ARG_HINTS].hints.shares_interests);
}

/* --- unknown, missing, never taken ----------------------------------------------------------- */

static void
test_what_is_unknown_or_missing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {KITH_OP_MEMBER_CLOSE, "{}", "member: `member` is missing"},
        {KITH_OP_MEMBER_BLOCK, "{other: b}", "member: `member` is missing"},
        {KITH_OP_MEMBER_BLOCK, "{member: b}", "other: `other` is missing"},
        {KITH_OP_MEMBER_CLOSE, "{member: a, why: x}", "why: member.close takes no such argument"},
        {KITH_OP_MEMBER_CLOSE, "{member: a, other: b}",
         "other: member.close takes no such argument"},
        {KITH_OP_MEMBER_CLOSE, "[member]", "args: `args` must be a map"},
        {KITH_OP_MEMBER_CLOSE, "nil", "args: `args` must be a map"},
        {KITH_OP_SERVER_HELLO, "{}", OK},
        {KITH_OP_SERVER_HELLO, "{'': 1}", ": server.hello takes no such argument"},
    };
    RUN(rows);
}

static void
test_no_arguments_at_all(void **state)
{
    (void)state;
    struct args_fault fault;
    assert_int_equal(args_decode((struct slice){0}, KITH_OP_SERVER_HELLO, &args, &fault), KITH_OK);
    assert_int_equal(args.given, 0);
    assert_int_equal(args_decode((struct slice){0}, KITH_OP_MEMBER_CLOSE, &args, &fault),
                     KITH_BAD_ARGUMENT);
    assert_true(slice_is(fault.field, "member"));
}

/* A name that nobody knows is told, but not more than 64 bytes of it, and no half character. */
static void
test_a_long_name_is_cut(void **state)
{
    (void)state;
    struct args_fault fault;
    decode(KITH_OP_SERVER_HELLO, "{$64: 1}", &fault);
    assert_int_equal(fault.field.size, 64);
    decode(KITH_OP_SERVER_HELLO, "{$65: 1}", &fault);
    assert_int_equal(fault.field.size, 64);
    decode(KITH_OP_SERVER_HELLO, "{$63ü: 1}", &fault);
    assert_int_equal(fault.field.size, 63);
    decode(KITH_OP_SERVER_HELLO, "{$62€: 1}", &fault);
    assert_int_equal(fault.field.size, 62);
    decode(KITH_OP_SERVER_HELLO, "{$62üx: 1}", &fault);
    assert_int_equal(fault.field.size, 64);
}

static void
test_an_invite_takes_no_words(void **state)
{
    (void)state;
    static const char *const rows[] = {"note", "text", "message"};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[128];
        struct args_fault fault;
        snprintf(text, sizeof(text), "{member: a, contact: {kind: email, value: x}, %s: {a: [1]}}",
                 rows[i]);
        assert_int_equal(decode(KITH_OP_INVITE_CREATE, text, &fault), KITH_NOTE_NOT_ALLOWED);
        assert_true(slice_is(fault.field, rows[i]));
        assert_string_equal(fault.text, "");
    }
}

static void
test_what_was_given_is_there(void **state)
{
    (void)state;
    struct args_fault fault;
    assert_int_equal(decode(KITH_OP_MEMBER_LIST, "{limit: 7, after: 'x y'}", &fault), KITH_OK);
    assert_true(args_has(&args, KITH_ARG_LIMIT) && args_has(&args, KITH_ARG_AFTER));
    assert_false(args_has(&args, KITH_ARG_MEMBER));
    assert_int_equal(args_uint(&args, KITH_ARG_LIMIT, 50), 7);
    assert_true(slice_is(args_text(&args, KITH_ARG_AFTER), "x y"));
    assert_null(args_text(&args, KITH_ARG_MEMBER).data);
    assert_int_equal(args_uint(&args, KITH_ARG_SINCE, 50), 50);
}

static int
done(void **state)
{
    (void)state;
    buf_fini(&raw);
    return 0;
}

static void
test_arrays_of_numbers(void **state)
{
    (void)state;
    static const char fault[] = "seqs: `seqs` must be an array of 1 to 1000 integers";
    static const struct row rows[] = {
        {KITH_OP_SUBSCRIPTION_ACK, "{name: n, seqs: [1]}", OK},
        {KITH_OP_SUBSCRIPTION_ACK, "{name: n, seqs: [1, 9007199254740991]}", OK},
        {KITH_OP_SUBSCRIPTION_ACK, "{name: n, seqs: [1, 9007199254740992]}", fault},
        {KITH_OP_SUBSCRIPTION_ACK, "{name: n, seqs: [a, 1]}", fault},
        {KITH_OP_SUBSCRIPTION_ACK, "{name: n, seqs: []}", fault},
        {KITH_OP_SUBSCRIPTION_ACK, "{name: n, seqs: 1}", fault},
    };
    RUN(rows);
    struct args_fault found;
    struct buf message = {0};
    write_map(&message, 2);
    write_cstr(&message, "name");
    write_cstr(&message, "n");
    write_cstr(&message, "seqs");
    write_array(&message, 1001);
    for (unsigned i = 0; i < 1001; i++)
        write_uint(&message, i);
    assert_int_equal(args_decode(buf_slice(&message), KITH_OP_SUBSCRIPTION_ACK, &args, &found),
                     KITH_BAD_ARGUMENT);
    buf_fini(&message);
}

/* What is wrong is not the last. */
static void
test_faults_in_the_middle(void **state)
{
    (void)state;
    static const char hints_fault[] =
        "hints: `hints` must be {viewed_profile: bool, shared_interests: [string], "
        "recipient_last_seen: time}";
    static const char policy_fault[] =
        "policy: `policy` must be {accept: everyone, proof, mutual or nobody, auto_accept: none, "
        "all or 1 to 1000}";
    static const struct row rows[] = {
        {KITH_OP_MEMBER_UPDATE, "{member: a, policy: {x: 1, accept: proof}}", policy_fault},
        {KITH_OP_CONNECTION_REQUEST, "{from: a, to: b, hints: {x: 1, viewed_profile: true}}",
         hints_fault},
    };
    RUN(rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays_of_numbers),
        cmocka_unit_test(test_faults_in_the_middle),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_numbers_and_truths),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_arrays_of_strings),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_contacts),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_what_is_unknown_or_missing),
        cmocka_unit_test(test_no_arguments_at_all),
        cmocka_unit_test(test_a_long_name_is_cut),
        cmocka_unit_test(test_an_invite_takes_no_words),
        cmocka_unit_test(test_what_was_given_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
