/* The distance of two words, and the word that was probably meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/nearest.h"
#include "base/types.h"

static void
distances(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"member", "member", 0},
        {"member", "membr", 1}, /* one left out */
        {"member", "memmber", 1},
        {"member", "mamber", 1},
        {"member", "memebr", 1}, /* neighbours swapped */
        {"ab", "ba", 1},
        {"abc", "cab", 2},
        {"ca", "abc", 3}, /* a swapped pair is not edited again: 2 without that rule */
        {"kitten", "sitting", 3},
        {"flaw", "lawn", 2},
        {"abc", "xyz", 3},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(nearest_distance(rows[i].a, rows[i].b), rows[i].distance);
        assert_int_equal(nearest_distance(rows[i].b, rows[i].a), rows[i].distance);
    }
}

static void
long_words_are_infinitely_far(void **state)
{
    (void)state;
    char longest[64 + 1];
    memset(longest, 'x', sizeof(longest));
    longest[64] = 0;
    assert_true(nearest_distance(longest, "x") == SIZE_MAX);
    assert_true(nearest_distance("x", longest) == SIZE_MAX);
    longest[63] = 0;
    assert_int_equal(nearest_distance(longest, "x"), 62);
    assert_int_equal(nearest_distance(longest, longest), 0);
}

static void
suggestions(void **state)
{
    (void)state;
    static const char *const words[] = {"member.get", "member.list", "connection.request",
                                        "connection.remove", "quota.get"};
    static const struct {
        const char *word, *suggestion;
    } rows[] = {
        {"member.get", "member.get"},
        {"membre.get", "member.get"},
        {"member.lst", "member.list"},
        {"conection.request", "connection.request"},
        {"connection.remvoe", "connection.remove"},
        {"quota", NULL},
        {"zzzzzz", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *found = nearest_of(rows[i].word, words, ARRAY_COUNT(words));
        if (!rows[i].suggestion)
            assert_null(found);
        else
            assert_string_equal(found ? found : "(none)", rows[i].suggestion);
    }
    assert_null(nearest_of("member.get", words, 0));
}

static void
the_first_of_equals_is_taken(void **state)
{
    (void)state;
    static const char *const words[] = {"bar", "car", "tar"};
    assert_string_equal(nearest_of("aar", words, ARRAY_COUNT(words)), "bar");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(long_words_are_infinitely_far),
        cmocka_unit_test(suggestions),
        cmocka_unit_test(the_first_of_equals_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
