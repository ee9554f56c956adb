/* The histogram: exact where it is small, within a bounded error where it is large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clients/cli/src/histogram.h"

static struct histogram histogram, other; /* too large for a stack */

static void
empty_says_nothing(void **state)
{
    (void)state;
    histogram_clear(&histogram);
    assert_int_equal(histogram_at(&histogram, 0.5), 0);
    assert_int_equal(histogram_at(&histogram, 1), 0);
    assert_true(histogram_mean(&histogram) == 0);
}

static void
small_values_are_exact(void **state)
{
    (void)state;
    histogram_clear(&histogram);
    for (uint64_t value = 1; value <= 100; value++)
        histogram_add(&histogram, value);
    assert_int_equal(histogram_at(&histogram, 0), 1);
    assert_int_equal(histogram_at(&histogram, 0.01), 1);
    assert_int_equal(histogram_at(&histogram, 0.5), 50);
    assert_int_equal(histogram_at(&histogram, 0.99), 99);
    assert_int_equal(histogram_at(&histogram, 0.991), 100);
    assert_int_equal(histogram_at(&histogram, 1), 100);
    assert_true(histogram_mean(&histogram) == 50.5);
}

/* One value alone, at each edge of its power of two: what is read back is not below it, and above
 * by less than one part in 128. */
static void
the_error_is_bounded(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (int step = -1; step <= 1; step++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)step;
            histogram_clear(&histogram);
            histogram_add(&histogram, value);
            assert_true(histogram_at(&histogram, 1) == value);
            if (value < UINT64_MAX)
                histogram_add(&histogram, UINT64_MAX);
            uint64_t read = histogram_at(&histogram, 0.5);
            assert_true(read >= value);
            assert_true(read - value <= value / HISTOGRAM_SUB);
        }
}

static void
many_values_keep_their_order(void **state)
{
    (void)state;
    histogram_clear(&histogram);
    for (uint64_t value = 0; value < 1000000; value++)
        histogram_add(&histogram, value * 37);
    assert_int_equal(histogram.count, 1000000);
    uint64_t last = 0;
    for (int i = 0; i <= 1000; i++) {
        uint64_t value = histogram_at(&histogram, i / 1000.0);
        uint64_t exact = (uint64_t)i * 1000 * 37;
        assert_true(value >= last);
        assert_true(value + 37 >= exact && value <= exact + exact / HISTOGRAM_SUB + 1);
        last = value;
    }
}

static void
merging_is_adding(void **state)
{
    (void)state;
    histogram_clear(&histogram);
    histogram_clear(&other);
    for (uint64_t value = 1; value <= 50; value++)
        histogram_add(&histogram, value);
    for (uint64_t value = 51; value <= 100; value++)
        histogram_add(&other, value);
    histogram_merge(&histogram, &other);
    assert_int_equal(histogram.count, 100);
    assert_int_equal(histogram_at(&histogram, 0.5), 50);
    assert_int_equal(histogram.max, 100);
    assert_true(histogram_mean(&histogram) == 50.5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_says_nothing),   cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(the_error_is_bounded), cmocka_unit_test(many_values_keep_their_order),
        cmocka_unit_test(merging_is_adding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
