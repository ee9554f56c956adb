/* The ladder: what a level means, how it decays, and which evidence is a step. */
#include "facts.h"

/* --- levels ---------------------------------------------------------------------------------- */

static void
test_each_level_is_longer(void **state)
{
    (void)state;
    assert_int_equal(level_length_ms(1), 24 * HOUR_MS);
    assert_int_equal(level_length_ms(2), 72 * HOUR_MS);
    assert_int_equal(level_length_ms(3), 7 * DAY_MS);
    assert_int_equal(level_length_ms(4), 30 * DAY_MS);
    assert_int_equal(level_length_ms(5), 0);
}

static void
test_a_level_decays_in_thirty_clean_days(void **state)
{
    (void)state;
    static const struct {
        uint64_t level;
        msec_t age_ms;
        uint64_t now;
    } rows[] = {
        {0, 0, 0},
        {1, 30 * DAY_MS - 1, 1},
        {1, 30 * DAY_MS, 0},
        {3, 30 * DAY_MS, 2},
        {3, 60 * DAY_MS, 1},
        {3, 90 * DAY_MS, 0},
        {3, 900 * DAY_MS, 0},
        {4, 119 * DAY_MS, 1},
        {5, 900 * DAY_MS, 5}, /* the last stays until it is lifted */
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct member member = {.level = rows[i].level,
                                .level_ms = (uint64_t)(NOW - rows[i].age_ms)};
        assert_int_equal(level_at(&member, NOW), rows[i].now);
    }
}

static void
test_restricted_until_the_instant(void **state)
{
    (void)state;
    struct member member = {.level = 0, .until_ms = (uint64_t)(NOW + 1)};
    assert_false(is_restricted(&member, NOW));
    member.level = 1;
    assert_true(is_restricted(&member, NOW));
    assert_false(is_restricted(&member, NOW + 1));
    member.until_ms = 0;
    assert_true(is_restricted(&member, NOW + 1000 * DAY_MS));
}

/* --- what a request adds --------------------------------------------------------------------- */

/* Prints: @count, the first so old, each a millisecond younger, to 10, 11, … */
static struct slice
prints(unsigned count, msec_t age_ms, uint64_t print, bool duplicate)
{
    struct buf *out = facts_buf();
    for (unsigned i = 0; i < count; i++) {
        struct buf more = {0};
        prints_add(&more, buf_slice(out), print, 10 + i, duplicate, NOW - age_ms + i);
        buf_clear(out);
        buf_append(out, more.data, more.size);
        buf_fini(&more);
    }
    return buf_slice(out);
}

struct row {
    const char *name;
    struct member member;
    struct evidence evidence;
    const char *step; /* NULL: none */
};

static void
run(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct member member = rows[i].member;
        struct buf text = {0};
        facts_member(&member, "ada", 1, false);
        facts_begin();
        decision_event(&decision, EVENT_COMMAND_NOTED); /* stands for the request */
        restrict_sender(&member, &rows[i].evidence, &decision);
        if (decision.event_count > 1)
            show_event(&text, &decision.events[1]);
        expect_text(rows[i].name, "step", rows[i].step ? rows[i].step : "", shown(&text));
        buf_fini(&text);
    }
    expect_rows();
}

#define STEP(level, reason, until, evidence)                                        \
    "quota.restricted member:ada level:" level " reason:" reason " until_ms:" until \
    " audience:member notify evidence_ms:" evidence
#define IMPERSONAL                          \
    {                                       \
        .impersonal = true, .counted = true \
    }
#define DUPLICATE                          \
    {                                      \
        .duplicate = true, .counted = true \
    }
#define PERSONAL        \
    {                   \
        .counted = true \
    }

static void
test_velocity(void **state)
{
    (void)state;
    unsigned flags = 1 | STAMP_IMPERSONAL;
    const struct row rows[] = {
        {"fifteen within the hour",
         {.stamps = sent(14, HOUR_MS - 1, 1, flags)},
         IMPERSONAL,
         STEP("1", "velocity", "+1d", "now")},
        {"fourteen", {.stamps = sent(13, HOUR_MS - 1, 1, flags)}, IMPERSONAL, NULL},
        {"the first an hour ago", {.stamps = sent(14, HOUR_MS, 1, flags)}, IMPERSONAL, NULL},
        {"a personal one is no evidence",
         {.stamps = sent(14, HOUR_MS - 1, 1, flags)},
         PERSONAL,
         NULL},
        {"personal ones are none", {.stamps = sent(14, HOUR_MS - 1, 1, 1)}, IMPERSONAL, NULL},
        {"not counted at all",
         {.stamps = sent(14, HOUR_MS - 1, 1, flags)},
         {.impersonal = true},
         NULL},
        {"used up already",
         {.stamps = sent(14, HOUR_MS - 1, 1, flags),
          .evidence_ms[REASON_VELOCITY] = NOW - HOUR_MS + 1},
         IMPERSONAL,
         NULL},
        {"used up before",
         {.stamps = sent(14, HOUR_MS - 1, 1, flags),
          .evidence_ms[REASON_VELOCITY] = NOW - HOUR_MS,
          .level = 1,
          .level_ms = NOW - HOUR_MS},
         IMPERSONAL,
         STEP("2", "velocity", "+3d", "now")},
        {"at the last level",
         {.stamps = sent(14, HOUR_MS - 1, 1, flags), .level = 5},
         IMPERSONAL,
         "quota.restricted member:ada level:5 reason:velocity audience:member notify "
         "evidence_ms:now"},
    };
    run(rows, ARRAY_COUNT(rows));
}

static void
test_near_duplicates(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"the tenth within a day",
         {.prints = prints(9, DAY_MS - 1, 7, true)},
         DUPLICATE,
         STEP("1", "duplicate", "+1d", "now")},
        {"the ninth", {.prints = prints(8, DAY_MS - 1, 7, true)}, DUPLICATE, NULL},
        {"the first a day ago", {.prints = prints(9, DAY_MS, 7, true)}, DUPLICATE, NULL},
        {"not a duplicate itself", {.prints = prints(9, DAY_MS - 1, 7, true)}, PERSONAL, NULL},
        {"the others were none", {.prints = prints(9, DAY_MS - 1, 7, false)}, DUPLICATE, NULL},
        {"used up",
         {.prints = prints(9, DAY_MS - 1, 7, true), .evidence_ms[REASON_DUPLICATE] = NOW - 1},
         DUPLICATE,
         NULL},
    };
    run(rows, ARRAY_COUNT(rows));
}

static void
test_low_acceptance(void **state)
{
    (void)state;
    struct slice few =
        joined(sent(46, 20 * DAY_MS, 1, 1), sent(4, 19 * DAY_MS, 1, 1 | STAMP_ACCEPTED));
    const struct row rows[] = {
        {"8 of 100",
         {.stamps = few},
         PERSONAL,
         STEP("1", "low_acceptance", "+1d", "-1641599997ms")},
        {"10 of 100",
         {.stamps =
              joined(sent(45, 20 * DAY_MS, 1, 1), sent(5, 19 * DAY_MS, 1, 1 | STAMP_ACCEPTED))},
         PERSONAL,
         NULL},
        {"29 are too few", {.stamps = sent(29, 20 * DAY_MS, 1, 1)}, PERSONAL, NULL},
        {"30 are not",
         {.stamps = sent(30, 20 * DAY_MS, 0, 1)},
         PERSONAL,
         STEP("1", "low_acceptance", "+1d", "-20d")},
        {"the same evidence is no second step",
         {.stamps = few, .evidence_ms[REASON_LOW_ACCEPTANCE] = NOW - 19 * DAY_MS + 3},
         PERSONAL,
         NULL},
    };
    run(rows, ARRAY_COUNT(rows));
}

/* --- what the end of a request adds ----------------------------------------------------------- */

struct end_row {
    const char *name;
    struct member member;
    bool accepted;
    struct pair pair; /* the request that is accepted */
    const char *step;
};

static void
run_ends(const struct end_row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct member member = rows[i].member;
        struct buf text = {0};
        facts_member(&member, "ada", 1, false);
        facts_begin();
        decision_event(&decision, EVENT_COMMAND_NOTED); /* stands for the end */
        restrict_unwelcome(&member, rows[i].accepted ? &rows[i].pair : NULL, &rules, &decision);
        if (decision.event_count > 1)
            show_event(&text, &decision.events[1]);
        expect_text(rows[i].name, "step", rows[i].step ? rows[i].step : "", shown(&text));
        buf_fini(&text);
    }
    expect_rows();
}

static void
test_low_acceptance_at_the_end_of_a_request(void **state)
{
    (void)state;
    struct slice two = joined(sent(28, 20 * DAY_MS, 0, 1), sent(2, 19 * DAY_MS, 0, 1 | 32));
    struct slice almost = joined(sent(27, 20 * DAY_MS, 0, 1), sent(2, 19 * DAY_MS, 0, 1 | 32));
    const char *first = STEP("1", "low_acceptance", "+1d", "-20d");
    const char *step = STEP("1", "low_acceptance", "+1d", "-19d");
    assert_int_equal(STAMP_ACCEPTED, 32);
    const struct end_row rows[] = {
        {"29 are too few", {.stamps = sent(29, 20 * DAY_MS, 0, 1)}, .step = NULL},
        {"30 are not", {.stamps = unwelcome()}, .step = first},
        {"one of them came of age this millisecond",
         {.stamps = joined(sent(29, 20 * DAY_MS, 0, 1), sent(1, RATE_AGE_MS, 0, 1))},
         .step = STEP("1", "low_acceptance", "+1d", "-14d")},
        {"and the next will", {.stamps = sent(30, RATE_AGE_MS - 1, 0, 1)}, .step = NULL},
        {"two of thirty", {.stamps = two}, .step = step},
        {"the third is being accepted",
         {.stamps = two},
         .accepted = true,
         .pair = {.created_ms = NOW - 20 * DAY_MS, .cost = 1},
         .step = NULL},
        {"the third cost nothing",
         {.stamps = joined(almost, sent(1, 18 * DAY_MS, 0, 0))},
         .accepted = true,
         .pair = {.created_ms = NOW - 18 * DAY_MS, .costless = true},
         .step = NULL},
        {"the third was never counted",
         {.stamps = two},
         .accepted = true,
         .pair = {.created_ms = NOW - 20 * DAY_MS},
         .step = step},
        {"the third is too young to count",
         {.stamps = joined(two, sent(1, DAY_MS, 0, 1))},
         .accepted = true,
         .pair = {.created_ms = NOW - DAY_MS, .cost = 1},
         .step = step},
        {"used up", {.stamps = two, .evidence_ms[REASON_LOW_ACCEPTANCE] = NOW - 19 * DAY_MS}},
        {"used up but for too few",
         {.stamps = two, .evidence_ms[REASON_LOW_ACCEPTANCE] = NOW - 20 * DAY_MS}},
        {"restricted for another reason: one level more",
         {.stamps = two, .level = 1, .level_ms = NOW - DAY_MS, .reason = REASON_VELOCITY},
         .step = STEP("2", "low_acceptance", "+3d", "-19d")},
        {"while suspended", {.stamps = two, .state = MEMBER_SUSPENDED}, .step = step},
        {"closed", {.stamps = two, .state = MEMBER_CLOSED}},
        {"unlimited by now", {.stamps = two, .tier = slice_str("unlimited")}},
    };
    run_ends(rows, ARRAY_COUNT(rows));
}

/* --- what is remembered ---------------------------------------------------------------------- */

static void
test_earlier_prints_are_of_other_recipients(void **state)
{
    (void)state;
    struct slice three = prints(3, DAY_MS, 7, false); /* to 10, 11 and 12 */
    assert_int_equal(prints_earlier((struct slice){0}, 7, 1, NOW), 0);
    assert_int_equal(prints_earlier(three, 7, 1, NOW), 3);
    assert_int_equal(prints_earlier(three, 8, 1, NOW), 0);
    assert_int_equal(prints_earlier(three, 7, 11, NOW), 2);
    assert_int_equal(prints_earlier(prints(9, DAY_MS, 7, false), 7, 1, NOW), PRINT_EARLIER);
    struct slice twice = joined(prints(2, 2 * DAY_MS, 7, false), prints(1, DAY_MS, 7, false));
    assert_int_equal(prints_earlier(twice, 7, 1, NOW), 2); /* 10 got it twice */
    assert_int_equal(prints_earlier(prints(2, 30 * DAY_MS, 7, false), 7, 1, NOW), 1);
    assert_int_equal(prints_earlier(prints(2, 30 * DAY_MS - 1, 7, false), 7, 1, NOW), 2);
}

static size_t
prints_after_add(struct slice before)
{
    struct buf out = {0};
    prints_add(&out, before, 7, 5, false, NOW);
    size_t size = out.size;
    assert_int_equal(size % PRINT_SIZE, 0);
    buf_fini(&out);
    return size / PRINT_SIZE;
}

static void
test_prints_are_kept_for_thirty_days(void **state)
{
    (void)state;
    assert_int_equal(prints_after_add((struct slice){0}), 1);
    assert_int_equal(prints_after_add(prints(4, 30 * DAY_MS - 1, 7, false)), 5);
    assert_int_equal(prints_after_add(prints(4, 30 * DAY_MS, 7, false)), 4);
    assert_int_equal(prints_after_add(prints(4, 31 * DAY_MS, 7, false)), 1);
    struct slice many = prints(256, DAY_MS, 7, false);
    assert_int_equal(prints_after_add(joined(many, prints(255, DAY_MS, 7, false))), 512);
    assert_int_equal(prints_after_add(joined(many, many)), 512);
}

static size_t
reports_after_add(struct slice before)
{
    struct buf out = {0};
    reports_add(&out, before, 5, REPORT_SPAM, NOW);
    size_t size = out.size;
    assert_int_equal(size % REPORT_SIZE, 0);
    buf_fini(&out);
    return size / REPORT_SIZE;
}

static void
test_reports_are_kept_for_ninety_days(void **state)
{
    (void)state;
    struct buf one = {0}, two = {0}, *many = facts_buf();
    assert_int_equal(reports_after_add((struct slice){0}), 1);
    reports_add(&one, (struct slice){0}, 9, REPORT_SPAM, NOW - 90 * DAY_MS);
    reports_add(&two, buf_slice(&one), 8, REPORT_SPAM, NOW - 90 * DAY_MS + 1);
    assert_int_equal(reports_after_add(buf_slice(&one)), 1);
    assert_int_equal(reports_after_add(buf_slice(&two)), 2);
    assert_false(reports_has(buf_slice(&two), 9, NOW));
    assert_true(reports_has(buf_slice(&two), 8, NOW));
    assert_false(reports_has(buf_slice(&two), 7, NOW));
    for (unsigned i = 0; i < REPORT_COUNT_MAX; i++)
        buf_append(many, two.data + REPORT_SIZE, REPORT_SIZE);
    assert_int_equal(reports_after_add(buf_slice(many)), REPORT_COUNT_MAX);
    buf_fini(&one);
    buf_fini(&two);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_each_level_is_longer),
        facts_test(test_a_level_decays_in_thirty_clean_days),
        facts_test(test_restricted_until_the_instant),
        facts_test(test_velocity),
        facts_test(test_near_duplicates),
        facts_test(test_low_acceptance),
        facts_test(test_low_acceptance_at_the_end_of_a_request),
        facts_test(test_earlier_prints_are_of_other_recipients),
        facts_test(test_prints_are_kept_for_thirty_days),
        facts_test(test_reports_are_kept_for_ninety_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
