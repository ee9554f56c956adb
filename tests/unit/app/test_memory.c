/* When memory is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/memory.h"

static void
test_only_what_was_freed(void **state)
{
    struct memory memory = {0};
    (void)state;
    memory_note(&memory, 10 * MEMORY_LOOSE_MIN);
    assert_false(memory_is_due(&memory, 1000));
    memory_note(&memory, 9 * MEMORY_LOOSE_MIN + 1);
    assert_false(memory_is_due(&memory, 1000));
    memory_note(&memory, 9 * MEMORY_LOOSE_MIN);
    assert_true(memory_is_due(&memory, 1000));
    memory_give_back(&memory, 1000);
    assert_false(memory_is_due(&memory, 2000));
    memory_note(&memory, 8 * MEMORY_LOOSE_MIN); /* a slow end is seen as well */
    assert_true(memory_is_due(&memory, 2000));
}

static void
test_not_all_the_time(void **state)
{
    struct memory memory = {0};
    (void)state;
    memory_give_back(&memory, 1000);
    memory_note(&memory, MEMORY_LOOSE_MIN);
    memory_note(&memory, 0);
    assert_false(memory_is_due(&memory, 1000 + MEMORY_EVERY_MS - 1));
    assert_true(memory_is_due(&memory, 1000 + MEMORY_EVERY_MS));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_was_freed),
        cmocka_unit_test(test_not_all_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
