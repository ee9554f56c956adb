/* The windows: what is used and left, when it frees, which one refuses, what is refunded; and the
 * calendar. */
#include "facts.h"

#include <time.h>

static struct member ada;
static struct quota_facts quota;

/* Load ada's limits as they are now; the rest of her row is as a test left it. */
static void
load(void)
{
    quota_load(&rules, &ada, NOW, &quota);
}

static int
setup(void **state)
{
    memset(&ada, 0, sizeof(ada));
    facts_member(&ada, "ada", 1, false);
    facts_setup(state);
    load();
    return 0;
}

/* --- limits ---------------------------------------------------------------------------------- */

struct limit_row {
    const char *name, *tier;
    msec_t age_ms; /* of the account */
    unsigned sent, accepted;
    uint64_t limits[WINDOW_COUNT]; /* in the order of the list */
};

static void
test_limits_depend_on_tier_age_and_rate(void **state)
{
    (void)state;
    const struct limit_row rows[] = {
        {"free", "", 30 * DAY_MS, 0, 0, {5, 20, 25, 100, 500, 5, 30000}},
        {"new", "", 30 * DAY_MS - 1, 0, 0, {5, 20, 10, 40, 100, 5, 30000}},
        {"premium", "premium", 30 * DAY_MS, 0, 0, {5, 20, 25, 100, 500, 0, 30000}},
        {"unlimited", "unlimited", 0, 0, 0, {0}},
        {"a tier that is no more", "gold", 30 * DAY_MS, 0, 0, {5, 20, 25, 100, 500, 5, 30000}},
        {"29 answers are too few", "", 40 * DAY_MS, 29, 0, {5, 20, 25, 100, 500, 5, 30000}},
        {"none of 30 accepted", "", 40 * DAY_MS, 30, 0, {5, 20, 13, 50, 500, 5, 30000}},
        {"19 of 100", "", 40 * DAY_MS, 50, 9, {5, 20, 13, 50, 500, 5, 30000}},
        {"20 of 100", "", 40 * DAY_MS, 50, 10, {5, 20, 25, 100, 500, 5, 30000}},
        {"59 of 100", "", 40 * DAY_MS, 47, 28, {5, 20, 25, 100, 500, 5, 30000}},
        {"60 of 100", "", 40 * DAY_MS, 50, 30, {5, 20, 37, 150, 500, 5, 30000}},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct limit_row *row = &rows[i];
        ada.tier = slice_str(row->tier);
        ada.since_ms = (uint64_t)(NOW - row->age_ms);
        ada.stamps = joined(sent(row->sent - row->accepted, 20 * DAY_MS, 1, 1),
                            sent(row->accepted, 19 * DAY_MS, 1, 1 | STAMP_ACCEPTED));
        load();
        for (enum window window = 0; window < WINDOW_COUNT; window++)
            if (quota.limit[window] != row->limits[window]) {
                print_error("%s: %s: %llu\n", row->name, window_name(window),
                            (unsigned long long)quota.limit[window]);
                rows_failed++;
            }
        assert_int_equal(quota_counts(&quota), strcmp(row->tier, "unlimited") != 0);
    }
    expect_rows();
}

static void
test_a_burst_without_a_rate_is_off(void **state)
{
    (void)state;
    settings.tiers[0].connect_rate = 0;
    load();
    assert_int_equal(quota.limit[WINDOW_BURST], 0);
    assert_int_equal(quota_burst_next(&quota, 1, NOW), 0);
}

static void
test_one_stays_one_when_halved(void **state)
{
    (void)state;
    settings.tiers[0].connect_day = 1;
    ada.stamps = sent(30, 20 * DAY_MS, 1, 1);
    load();
    assert_int_equal(quota.limit[WINDOW_DAY], 1);
}

/* --- one window ------------------------------------------------------------------------------ */

static void
expect_use(const char *name, enum window window, uint64_t cost, uint64_t used, uint64_t left,
           msec_t next_free_ms)
{
    struct window_use use;
    quota_look(&quota, window, cost, NOW, &use);
    if (use.window == window && use.used == used && use.left == left &&
        use.next_free_ms == next_free_ms)
        return;
    print_error("%s: used %llu, left %llu, free at %lld\n", name, (unsigned long long)use.used,
                (unsigned long long)use.left,
                (long long)(use.next_free_ms ? use.next_free_ms - NOW : 0));
    rows_failed++;
}

static void
test_the_burst_is_five_then_one_in_six_seconds(void **state)
{
    (void)state;
    expect_use("nothing sent", WINDOW_BURST, 1, 0, 5, 0);
    ada.burst_ms = NOW;
    expect_use("long ago", WINDOW_BURST, 1, 0, 5, 0);
    ada.burst_ms = NOW + 1;
    expect_use("a part of one counts as one", WINDOW_BURST, 1, 1, 4, 0);
    ada.burst_ms = NOW + 24 * SECOND_MS;
    expect_use("one more fits", WINDOW_BURST, 1, 4, 1, 0);
    expect_use("two do not", WINDOW_BURST, 2, 4, 1, NOW + 6 * SECOND_MS);
    ada.burst_ms = NOW + 30 * SECOND_MS;
    expect_use("full", WINDOW_BURST, 1, 5, 0, NOW + 6 * SECOND_MS);
    ada.burst_ms = NOW + 60 * SECOND_MS;
    expect_use("more than full", WINDOW_BURST, 1, 10, 0, NOW + 36 * SECOND_MS);
    assert_int_equal(quota_burst_next(&quota, 2, NOW), NOW + 72 * SECOND_MS);
    ada.burst_ms = NOW - 1;
    assert_int_equal(quota_burst_next(&quota, 2, NOW), NOW + 12 * SECOND_MS);
    expect_rows();
}

static void
test_windows_slide(void **state)
{
    (void)state;
    ada.stamps = sent(3, HOUR_MS, 1, 1);
    expect_use("exactly an hour old: out", WINDOW_HOUR, 1, 2, 18, 0);
    expect_use("in the day", WINDOW_DAY, 1, 3, 22, 0);
    ada.stamps = sent(10, 10 * MINUTE_MS, MINUTE_MS, 2);
    expect_use("costs add up", WINDOW_HOUR, 1, 20, 0, NOW + 50 * MINUTE_MS);
    expect_use("three need two of them to leave", WINDOW_HOUR, 3, 20, 0, NOW + 51 * MINUTE_MS);
    ada.stamps =
        joined(sent(2, 20 * HOUR_MS, 1, 1 | STAMP_REFUNDED_DAY), sent(25, 10 * HOUR_MS, 1, 1));
    expect_use("refunds do not count", WINDOW_DAY, 1, 25, 0, NOW + 14 * HOUR_MS);
    expect_use("but in the week they do", WINDOW_WEEK, 1, 27, 73, 0);
    ada.stamps = sent(2, HOUR_MS / 2, 1, 1 | STAMP_REFUNDED_DAY | STAMP_REFUNDED_WEEK);
    expect_use("the hour knows no refund", WINDOW_HOUR, 1, 2, 18, 0);
    expect_use("the week does", WINDOW_WEEK, 1, 0, 100, 0);
    ada.stamps = sent(26, 10 * HOUR_MS, 1, 1);
    expect_use("more used than the limit now is", WINDOW_DAY, 1, 26, 0, NOW + 14 * HOUR_MS + 1);
    expect_rows();
}

static void
test_the_other_windows(void **state)
{
    (void)state;
    ada.outgoing = 499;
    quota.pending_ms = NOW + DAY_MS;
    expect_use("one may still wait", WINDOW_PENDING, 1, 499, 1, 0);
    ada.outgoing = 500;
    expect_use("none", WINDOW_PENDING, 1, 500, 0, NOW + DAY_MS);
    ada.note_month = 2025 * 12;
    ada.note_count = 4;
    expect_use("a note", WINDOW_NOTE, 1, 4, 1, 0);
    ada.note_count = 5;
    expect_use("none until February", WINDOW_NOTE, 1, 5, 0, INT64_C(1738368000000));
    ada.note_month--;
    expect_use("last month's", WINDOW_NOTE, 1, 0, 5, 0);
    ada.connections = 29999;
    expect_use("connections", WINDOW_CONNECTIONS, 1, 29999, 1, 0);
    ada.connections = 30001;
    expect_use("more than there may be", WINDOW_CONNECTIONS, 1, 30001, 0, 0);
    quota.limit[WINDOW_HOUR] = 0;
    ada.stamps = sent(3, 1, 0, 1);
    expect_use("a window that is off", WINDOW_HOUR, 1, 0, 0, 0);
    expect_rows();
}

/* --- all of them ----------------------------------------------------------------------------- */

static void
test_what_frees_last_is_named(void **state)
{
    (void)state;
    struct window_use use;
    assert_false(quota_refuses(&quota, 1, true, NOW, &use));
    ada.burst_ms = NOW + 30 * SECOND_MS;
    assert_true(quota_refuses(&quota, 1, false, NOW, &use));
    assert_int_equal(use.window, WINDOW_BURST);
    ada.stamps = sent(20, MINUTE_MS, 1, 1);
    assert_true(quota_refuses(&quota, 1, false, NOW, &use));
    assert_int_equal(use.window, WINDOW_HOUR);
    ada.note_month = 2025 * 12;
    ada.note_count = 5;
    assert_true(quota_refuses(&quota, 1, false, NOW, &use));
    assert_int_equal(use.window, WINDOW_HOUR);
    assert_true(quota_refuses(&quota, 1, true, NOW, &use));
    assert_int_equal(use.window, WINDOW_NOTE);
    ada.burst_ms = NOW + HOUR_MS;
    ada.stamps = sent(20, HOUR_MS - 1, 1, 1);
    assert_true(quota_refuses(&quota, 1, false, NOW, &use));
    assert_int_equal(use.window, WINDOW_BURST);
}

/* What counts nothing is never refused, and what counts more than a limit has to itself. */
static void
test_a_cost_is_no_refusal(void **state)
{
    (void)state;
    struct window_use use;
    settings.tiers[0].connect_day_new = settings.tiers[0].connect_day = 3;
    load();
    ada.burst_ms = NOW;
    assert_false(quota_refuses(&quota, 10, false, NOW, &use));
    ada.burst_ms = NOW + 1;
    assert_true(quota_refuses(&quota, 10, false, NOW, &use));
    assert_int_equal(use.window, WINDOW_BURST);
    assert_int_equal(use.next_free_ms, NOW + 1);
    ada.burst_ms = NOW;
    ada.stamps = sent(1, HOUR_MS, 1, 1);
    assert_true(quota_refuses(&quota, 10, false, NOW, &use));
    assert_int_equal(use.window, WINDOW_DAY);
    assert_int_equal(use.next_free_ms, NOW + 23 * HOUR_MS);
    ada.burst_ms = NOW + MINUTE_MS;
    ada.stamps = sent(4, HOUR_MS, 1, 1);
    assert_true(quota_refuses(&quota, 1, false, NOW, &use));
    assert_false(quota_refuses(&quota, 0, false, NOW, &use));
}

struct after_row {
    const char *name;
    uint64_t cost;
    unsigned sent; /* within the hour */
    msec_t burst_ms;
    enum window window;
    uint64_t left;
    msec_t next_free_ms; /* from now; 0: none told */
    unsigned refunded;   /* windows, as bits */
};

static void
test_what_is_left_after_a_request(void **state)
{
    (void)state;
    const struct after_row rows[] = {
        {"as it is", 0, 0, 0, WINDOW_BURST, 5, 0},
        {"after one", 1, 0, 0, WINDOW_BURST, 4, 0},
        {"after the fifth", 1, 4, 24 * SECOND_MS, WINDOW_BURST, 0, 6 * SECOND_MS},
        {"the hour is tighter", 1, 17, 0, WINDOW_HOUR, 2, 0},
        {"the hour is used up", 1, 19, 0, WINDOW_HOUR, 0, 59 * MINUTE_MS},
        {"more than is left", 2, 19, 0, WINDOW_HOUR, 0, 59 * MINUTE_MS + 1},
        {"refunded where it is tight", 1, 17, 0, WINDOW_HOUR, 3, 0, 1 << WINDOW_HOUR},
        {"refunded where it is not", 1, 17, 0, WINDOW_HOUR, 2, 0, 1 << WINDOW_DAY},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct after_row *row = &rows[i];
        struct window_use use;
        ada.stamps = sent(row->sent, MINUTE_MS, 1, 1);
        ada.burst_ms = (uint64_t)(NOW + row->burst_ms);
        assert_true(quota_after(&quota, row->cost, row->refunded, NOW, &use));
        msec_t next_ms = use.next_free_ms ? use.next_free_ms - NOW : 0;
        if (use.window != row->window || use.left != row->left || next_ms != row->next_free_ms) {
            print_error("%s: %s, left %llu, free in %lld\n", row->name, window_name(use.window),
                        (unsigned long long)use.left, (long long)next_ms);
            rows_failed++;
        }
    }
    expect_rows();
}

/* Where a limit is one, the request itself is what has to leave. */
static void
test_a_limit_of_one(void **state)
{
    (void)state;
    struct window_use use;
    settings.tiers[0].connect_day = 1;
    load();
    assert_true(quota_after(&quota, 1, 0, NOW, &use));
    assert_int_equal(use.window, WINDOW_DAY);
    assert_int_equal(use.next_free_ms, NOW + DAY_MS);
}

static void
test_where_all_is_off_nothing_is_left_to_tell(void **state)
{
    (void)state;
    struct window_use use;
    ada.tier = slice_str("unlimited");
    load();
    assert_false(quota_after(&quota, 1, 0, NOW, &use));
    assert_false(quota_refuses(&quota, 1, true, NOW, &use));
    assert_int_equal(quota_burst_next(&quota, 1, NOW), 0);
}

static void
test_half_the_limit_is_refunded(void **state)
{
    (void)state;
    ada.stamps = sent(30, 10 * HOUR_MS, 1, 1);
    assert_true(quota_refunds(&quota, WINDOW_DAY, NOW - DAY_MS + 1, NOW));
    assert_false(quota_refunds(&quota, WINDOW_DAY, NOW - DAY_MS, NOW));
    assert_true(quota_refunds(&quota, WINDOW_WEEK, NOW - DAY_MS, NOW));
    ada.stamps = joined(sent(40, 2 * DAY_MS, 1, 1 | STAMP_REFUNDED_DAY | STAMP_REFUNDED_WEEK),
                        sent(11, 10 * HOUR_MS, 1, 1 | STAMP_REFUNDED_DAY));
    assert_true(quota_refunds(&quota, WINDOW_DAY, NOW, NOW)); /* those of yesterday are out */
    assert_true(quota_refunds(&quota, WINDOW_WEEK, NOW, NOW));
    ada.stamps = sent(12, 10 * HOUR_MS, 1, 1 | STAMP_REFUNDED_DAY);
    assert_false(quota_refunds(&quota, WINDOW_DAY, NOW, NOW));
    ada.stamps = sent(50, 2 * DAY_MS, 1, 1 | STAMP_REFUNDED_WEEK);
    assert_false(quota_refunds(&quota, WINDOW_WEEK, NOW, NOW));
}

/* --- months ---------------------------------------------------------------------------------- */

static void
test_months_begin_where_the_calendar_says(void **state)
{
    (void)state;
    for (int year = 1970; year <= 2401; year++)
        for (int month = 0; month < 12; month++) {
            struct tm tm = {.tm_year = year - 1900, .tm_mon = month, .tm_mday = 1};
            msec_t start_ms = (msec_t)timegm(&tm) * 1000;
            uint64_t number = (uint64_t)(year * 12 + month);
            assert_int_equal(month_start(number), start_ms);
            assert_int_equal(month_of(start_ms), number);
            if (start_ms > 0)
                assert_int_equal(month_of(start_ms - 1), number - 1);
        }
}

static void
test_leap_years(void **state)
{
    (void)state;
    static const struct {
        int year, days;
    } rows[] = {{2023, 28}, {2024, 29}, {2000, 29}, {2100, 28}, {2400, 29}};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        uint64_t february = (uint64_t)(rows[i].year * 12 + 1);
        msec_t length_ms = month_start(february + 1) - month_start(february);
        assert_int_equal(length_ms, rows[i].days * DAY_MS);
    }
}

#define quota_test(function) cmocka_unit_test_setup_teardown(function, setup, facts_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        quota_test(test_limits_depend_on_tier_age_and_rate),
        quota_test(test_a_burst_without_a_rate_is_off),
        quota_test(test_one_stays_one_when_halved),
        quota_test(test_the_burst_is_five_then_one_in_six_seconds),
        quota_test(test_windows_slide),
        quota_test(test_the_other_windows),
        quota_test(test_what_frees_last_is_named),
        quota_test(test_a_cost_is_no_refusal),
        quota_test(test_what_is_left_after_a_request),
        quota_test(test_a_limit_of_one),
        quota_test(test_where_all_is_off_nothing_is_left_to_tell),
        quota_test(test_half_the_limit_is_refunded),
        quota_test(test_months_begin_where_the_calendar_says),
        quota_test(test_leap_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
