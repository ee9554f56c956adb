/* The table of names: each once, its number kept while the table grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "clients/cli/src/names.h"

#define MANY 100000

static void
a_name_keeps_its_number(void **state)
{
    (void)state;
    struct names *names = names_create();
    assert_non_null(names);
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < MANY; i++) {
            char text[16];
            snprintf(text, sizeof(text), "m%u", i);
            assert_int_equal(names_add(names, slice_str(text)), i);
        }
    assert_int_equal(names_count(names), MANY);
    assert_string_equal(names_at(names, 0), "m0");
    assert_string_equal(names_at(names, MANY - 1), "m99999");
    names_destroy(names);
    names_destroy(NULL);
}

/* The beginning of a name is another name, and so is one that was added last and is longer. */
static void
parts_are_other_names(void **state)
{
    (void)state;
    struct names *names = names_create();
    assert_non_null(names);
    assert_int_equal(names_add(names, slice_str("abc")), 0);
    assert_int_equal(names_add(names, slice_str("ab")), 1);
    assert_int_equal(names_add(names, slice_str("abcd")), 2);
    assert_int_equal(names_add(names, slice_of("abcdef", 3)), 0);
    assert_int_equal(names_add(names, slice_str("b")), 3);
    names_destroy(names);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_keeps_its_number),
        cmocka_unit_test(parts_are_other_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
