/* Stamps: one for each counted request, for as long as something can see it. */
#include "facts.h"

static void
test_a_stamp_is_an_instant_and_flags(void **state)
{
    (void)state;
    struct buf out = {0};
    static const uint8_t bytes[] = {0x01, 0x94, 0x4f, 0xb9, 0x73, 0x00, 0x00, 0x06};
    stamps_add(&out, (struct slice){0}, 2 | STAMP_IMPERSONAL, INT64_C(0x01944fb9730000));
    assert_int_equal(out.size, sizeof(bytes));
    assert_memory_equal(out.data, bytes, sizeof(bytes));
    assert_int_equal(stamps_count(buf_slice(&out)), 1);
    assert_int_equal(stamps_at(buf_slice(&out), 0), INT64_C(0x01944fb9730000));
    assert_int_equal(stamps_flags(buf_slice(&out), 0), 2 | STAMP_IMPERSONAL);
    buf_fini(&out);
}

static void
test_a_stamp_has_room_for_every_cost(void **state)
{
    (void)state;
    for (uint64_t cost = 0; cost <= STAMP_COST_MAX; cost++) {
        const unsigned others = STAMP_IMPERSONAL | STAMP_REFUNDED_DAY | STAMP_REFUNDED_WEEK;
        unsigned flags = stamp_of_cost(cost);
        assert_int_equal(flags & (others | STAMP_ACCEPTED), 0);
        assert_int_equal(stamp_cost(flags | others | STAMP_ACCEPTED), cost);
    }
    assert_int_equal(stamp_of_cost(3), 3); /* as they always were */
}

static void
test_the_first_within_is_younger_than_the_length(void **state)
{
    (void)state;
    struct slice none = {0}, stamps = sent(5, 4, 1, 1); /* 4, 3, 2, 1 and 0 old */
    assert_int_equal(stamps_first_within(none, 10, NOW), 0);
    assert_int_equal(stamps_first_within(stamps, 5, NOW), 0);
    assert_int_equal(stamps_first_within(stamps, 4, NOW), 1);
    assert_int_equal(stamps_first_within(stamps, 1, NOW), 4);
    assert_int_equal(stamps_first_within(stamps, 0, NOW), 5);
}

static size_t
count_after_add(struct slice stamps)
{
    struct buf out = {0};
    stamps_add(&out, stamps, 1, NOW);
    size_t count = stamps_count(buf_slice(&out));
    assert_int_equal(stamps_at(buf_slice(&out), count - 1), NOW);
    if (count > 1) /* what is kept is the youngest of what was there */
        assert_int_equal(stamps_at(buf_slice(&out), count - 2),
                         stamps_at(stamps, stamps_count(stamps) - 1));
    buf_fini(&out);
    return count;
}

static void
test_what_nothing_sees_any_more_is_forgotten(void **state)
{
    (void)state;
    assert_int_equal(count_after_add((struct slice){0}), 1);
    assert_int_equal(count_after_add(sent(80, RATE_AGE_MS - 1, 1, 1)), 81);
    assert_int_equal(count_after_add(sent(50, 100 * DAY_MS, 1, 1)), 51);
    assert_int_equal(count_after_add(sent(51, 100 * DAY_MS, 1, 1)), 51);
    assert_int_equal(count_after_add(joined(sent(80, 100 * DAY_MS, 1, 1), sent(7, 99, 1, 1))), 58);
    assert_int_equal(count_after_add(sent(STAMP_COUNT_MAX - 1, DAY_MS, 1, 1)), STAMP_COUNT_MAX);
    assert_int_equal(count_after_add(sent(STAMP_COUNT_MAX, DAY_MS, 1, 1)), STAMP_COUNT_MAX);
}

static size_t
count_after_receive(struct slice stamps)
{
    struct buf out = {0};
    stamps_receive(&out, stamps, NOW);
    size_t count = stamps_count(buf_slice(&out));
    assert_int_equal(stamps_at(buf_slice(&out), count - 1), NOW);
    assert_int_equal(stamps_flags(buf_slice(&out), count - 1), 0);
    buf_fini(&out);
    return count;
}

static void
test_what_is_received_is_remembered_for_a_day(void **state)
{
    (void)state;
    assert_int_equal(count_after_receive((struct slice){0}), 1);
    assert_int_equal(count_after_receive(sent(5, INBOUND_MS - 1, 1, 0)), 6);
    assert_int_equal(count_after_receive(sent(5, INBOUND_MS + 1, 1, 0)), 4);
    assert_int_equal(count_after_receive(sent(INBOUND_COUNT_MAX - 1, HOUR_MS, 1, 0)), 1000);
    assert_int_equal(count_after_receive(sent(INBOUND_COUNT_MAX, HOUR_MS, 1, 0)), 1000);
}

static void
expect_marked(struct slice stamps, msec_t at_ms, uint64_t cost, int index)
{
    struct buf out = {0};
    stamps_mark(&out, stamps, at_ms, cost, STAMP_ACCEPTED | STAMP_REFUNDED_DAY);
    assert_int_equal(out.size, stamps.size);
    for (size_t i = 0; i < stamps_count(stamps); i++) {
        unsigned added = (int)i == index ? STAMP_ACCEPTED | STAMP_REFUNDED_DAY : 0;
        assert_int_equal(stamps_at(buf_slice(&out), i), stamps_at(stamps, i));
        assert_int_equal(stamps_flags(buf_slice(&out), i), stamps_flags(stamps, i) | added);
    }
    buf_fini(&out);
}

static void
test_the_first_of_its_instant_is_marked(void **state)
{
    (void)state;
    struct slice stamps = sent(5, 4, 1, 1);
    expect_marked(stamps, NOW - 4, 1, 0);
    expect_marked(stamps, NOW, 1, 4);
    expect_marked(stamps, NOW - 9, 1, -1);
    expect_marked(stamps, NOW + 1, 1, -1);
    expect_marked((struct slice){0}, NOW, 1, -1);
    struct slice twins = joined(sent(1, 7, 0, 1 | STAMP_ACCEPTED), sent(2, 7, 0, 1));
    expect_marked(twins, NOW - 7, 1, 1);
    expect_marked(sent(2, 7, 0, 1 | STAMP_ACCEPTED), NOW - 7, 1, -1);
    expect_marked(joined(sent(1, 7, 0, 1 | STAMP_ACCEPTED), sent(1, 6, 0, 1)), NOW - 7, 1, -1);
    expect_marked(joined(sent(1, 7, 0, 1), sent(1, 7, 0, 2)), NOW - 7, 2, 1); /* by its cost */
    struct slice back = joined(sent(1, 7, 0, 1 | STAMP_REFUNDED_WEEK), sent(1, 7, 0, 1));
    expect_marked(back, NOW - 7, 1, 1); /* the first was withdrawn */
    expect_marked(joined(sent(1, 7, 0, 1), sent(1, 7, 0, 0)), NOW - 7, 0, 1);
}

static void
test_a_failed_buffer_is_not_marked(void **state)
{
    (void)state;
    struct buf out = {.failed = true};
    stamps_mark(&out, sent(2, 1, 1, 1), NOW - 1, 1, STAMP_ACCEPTED);
    assert_true(out.failed && out.size == 0);
}

struct rate_row {
    const char *name;
    struct slice stamps;
    msec_t after_ms;
    unsigned count, accepted;
    int percent;
};

static void
test_the_rate_looks_at_the_last_fifty_of_age(void **state)
{
    (void)state;
    struct slice thirty =
        joined(sent(24, 20 * DAY_MS, 1, 1), sent(6, 19 * DAY_MS, 1, 1 | STAMP_ACCEPTED));
    const struct rate_row rows[] = {
        {"nothing", {0}, 0, 0, 0, -1},
        {"too young", sent(40, RATE_AGE_MS - 1, 0, 1), 0, 0, 0, -1},
        {"of age this instant", sent(40, RATE_AGE_MS, 0, 1), 0, 40, 0, 0},
        {"one too few", sent(29, 20 * DAY_MS, 1, 1), 0, 29, 0, -1},
        {"thirty", thirty, 0, 30, 6, 20},
        {"the last fifty only",
         joined(sent(20, 21 * DAY_MS, 1, 1 | STAMP_ACCEPTED), sent(50, 20 * DAY_MS, 1, 1)), 0, 50,
         0, 0},
        {"those after an instant", thirty, NOW - 19 * DAY_MS - 1, 6, 6, -1},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct rate rate;
        stamps_rate(rows[i].stamps, rows[i].after_ms, NOW, &rate);
        if (rate.count != rows[i].count || rate.accepted != rows[i].accepted ||
            rate_percent(&rate) != rows[i].percent) {
            print_error("%s: %u of %u\n", rows[i].name, rate.accepted, rate.count);
            rows_failed++;
        }
    }
    expect_rows();
    struct rate rate;
    stamps_rate(thirty, 0, NOW, &rate);
    assert_int_equal(rate.newest_ms, NOW - 19 * DAY_MS + 5);
}

/* An acceptance that is being decided: of one that the rate looks at, or not. */
static void
test_the_rate_takes_an_acceptance_that_comes(void **state)
{
    (void)state;
    struct slice fifty = joined(sent(1, 21 * DAY_MS, 0, 1), sent(50, 20 * DAY_MS, 1, 1));
    struct slice stamps = joined(fifty, sent(1, RATE_AGE_MS - 1, 0, 1));
    const struct {
        const char *name;
        msec_t at_ms;
        uint64_t cost;
        unsigned accepted;
    } rows[] = {
        {"the eldest of them", NOW - 20 * DAY_MS, 1, 1},
        {"the youngest", NOW - 20 * DAY_MS + 49, 1, 1},
        {"one before", NOW - 21 * DAY_MS, 1, 0},
        {"too young", NOW - RATE_AGE_MS + 1, 1, 0},
        {"long gone", NOW - 22 * DAY_MS, 1, 0},
        {"never counted", NOW - 20 * DAY_MS, 0, 0},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct rate rate;
        stamps_rate(stamps, 0, NOW, &rate);
        assert_int_equal(rate.count, 50);
        rate_accept(&rate, stamps, rows[i].at_ms, rows[i].cost);
        if (rate.accepted != rows[i].accepted) {
            print_error("%s: %u\n", rows[i].name, rate.accepted);
            rows_failed++;
        }
    }
    expect_rows();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_a_stamp_is_an_instant_and_flags),
        facts_test(test_a_stamp_has_room_for_every_cost),
        facts_test(test_the_first_within_is_younger_than_the_length),
        facts_test(test_what_nothing_sees_any_more_is_forgotten),
        facts_test(test_what_is_received_is_remembered_for_a_day),
        facts_test(test_the_first_of_its_instant_is_marked),
        facts_test(test_a_failed_buffer_is_not_marked),
        facts_test(test_the_rate_looks_at_the_last_fifty_of_age),
        facts_test(test_the_rate_takes_an_acceptance_that_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
