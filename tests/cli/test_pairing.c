/* The pairs of a bench: each once, none with itself, the same for the same seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "clients/cli/src/pairing.h"

#define MEMBERS_MAX 70

static void
every_pair_comes_once(void **state)
{
    (void)state;
    for (uint32_t members = 2; members <= MEMBERS_MAX; members++) {
        static unsigned char seen[MEMBERS_MAX][MEMBERS_MAX];
        struct pairing pairing;
        memset(seen, 0, sizeof(seen));
        pairing_init(&pairing, members, members * 31);
        assert_int_equal(pairing.count, members * (members - 1) / 2);
        for (uint64_t k = 0; k < pairing.count; k++) {
            uint32_t from, to;
            pairing_get(&pairing, k, &from, &to);
            assert_true(from < members && to < members && from != to);
            assert_int_equal(seen[from][to], 0);
            seen[from][to] = seen[to][from] = 1;
        }
    }
}

static void
seeds_make_a_difference(void **state)
{
    (void)state;
    struct pairing one, same, other;
    unsigned differences = 0;
    pairing_init(&one, 1000, 1);
    pairing_init(&same, 1000, 1);
    pairing_init(&other, 1000, 2);
    for (uint64_t k = 0; k < 100; k++) {
        uint32_t a[2], b[2], c[2];
        pairing_get(&one, k, &a[0], &a[1]);
        pairing_get(&same, k, &b[0], &b[1]);
        pairing_get(&other, k, &c[0], &c[1]);
        assert_memory_equal(a, b, sizeof(a));
        differences += memcmp(a, c, sizeof(a)) != 0;
    }
    assert_true(differences > 90);
}

static void
the_largest_number_of_members(void **state)
{
    (void)state;
    struct pairing pairing;
    pairing_init(&pairing, PAIRING_MEMBERS_MAX, 3);
    const uint64_t places[] = {0, 1, pairing.count / 2, pairing.count - 1};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        uint32_t from, to;
        pairing_get(&pairing, places[i], &from, &to);
        assert_true(from < pairing.members && to < pairing.members && from != to);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_comes_once),
        cmocka_unit_test(seeds_make_a_difference),
        cmocka_unit_test(the_largest_number_of_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
