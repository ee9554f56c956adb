/* Numbers with units: what is read, what is refused, and that what is written is read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/units.h"

struct row {
    enum unit unit;
    const char *text;
    bool ok;
    int64_t value;
};

static const struct row rows[] = {
    {UNIT_DURATION, "250ms", true, 250},
    {UNIT_DURATION, "10s", true, 10000},
    {UNIT_DURATION, "5m", true, 300000},
    {UNIT_DURATION, "24h", true, 86400000},
    {UNIT_DURATION, "21d", true, 21 * 86400000LL},
    {UNIT_DURATION, "21 d", true, 21 * 86400000LL},
    {UNIT_DURATION, "0", true, 0},
    {UNIT_DURATION, "0s", true, 0},
    {UNIT_DURATION, "10", false, 0},
    {UNIT_DURATION, "10 ", false, 0},
    {UNIT_DURATION, "10  s", false, 0},
    {UNIT_DURATION, "-1s", false, 0},
    {UNIT_DURATION, "1.5h", false, 0},
    {UNIT_DURATION, "s", false, 0},
    {UNIT_DURATION, "", false, 0},
    {UNIT_DURATION, "10sec", false, 0},
    {UNIT_DURATION, "10MiB", false, 0},
    {UNIT_DURATION, "106751991167d", true, 106751991167 * 86400000LL},
    {UNIT_DURATION, "106751991168d", false, 0},
    {UNIT_SIZE, "1B", true, 1},
    {UNIT_SIZE, "64KiB", true, 65536},
    {UNIT_SIZE, "64MiB", true, 64LL << 20},
    {UNIT_SIZE, "64M", true, 64LL << 20},
    {UNIT_SIZE, "1TiB", true, 1LL << 40},
    {UNIT_SIZE, "64", false, 0},
    {UNIT_SIZE, "64MB", false, 0},
    {UNIT_COUNT, "30000", true, 30000},
    {UNIT_COUNT, "9223372036854775807", true, INT64_MAX},
    {UNIT_COUNT, "9223372036854775808", false, 0},
    {UNIT_COUNT, "5s", false, 0},
    {UNIT_COUNT, "0x10", false, 0},
    {UNIT_COUNT, "+1", false, 0},
};

static void
test_reading(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t value = -7;
        bool ok = units_parse(rows[i].unit, rows[i].text, &value);
        if (ok != rows[i].ok || value != (rows[i].ok ? rows[i].value : -7))
            fail_msg("row %zu, '%s': %d, %lld", i, rows[i].text, ok, (long long)value);
    }
}

static void
test_what_is_written_is_read_again(void **state)
{
    static const int64_t values[] = {0,       1,        999,       1000,     1500,
                                     3600000, 86400000, 1LL << 40, INT64_MAX};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        for (enum unit unit = UNIT_COUNT; unit <= UNIT_SIZE; unit++) {
            char text[UNITS_TEXT_SIZE];
            int64_t value;
            assert_true(units_parse(unit, units_print(unit, values[i], text), &value));
            assert_int_equal(value, values[i]);
        }
    }
}

static void
test_the_largest_unit_is_written(void **state)
{
    char text[UNITS_TEXT_SIZE];
    (void)state;
    assert_string_equal(units_print(UNIT_DURATION, 86400000, text), "1d");
    assert_string_equal(units_print(UNIT_DURATION, 90000, text), "90s");
    assert_string_equal(units_print(UNIT_SIZE, 64LL << 20, text), "64MiB");
    assert_string_equal(units_print(UNIT_COUNT, 25, text), "25");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_what_is_written_is_read_again),
        cmocka_unit_test(test_the_largest_unit_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
