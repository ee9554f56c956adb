/* What a due request leaves behind, and what two profiles share. */
#include "facts.h"

struct row {
    const char *name;
    msec_t expires_ms;
    uint64_t step_ms, hidden_ms; /* before */
    uint64_t hidden_after_ms;
    bool expires;
};

static void
test_a_due_request_leaves_what_its_expiry_will(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"not due", NOW + 1, 30, 0, 0, false},
        {"due now", NOW, 0, 0, 0, true},
        {"declined", NOW, 30, 0, NOW + 30, true},
        {"hidden for longer already", NOW, 30, NOW + 31, NOW + 31, true},
        {"declined for ever", NOW, FOREVER_MS, 5, FOREVER_MS, true},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct pair pair = {
            .state = PAIR_PENDING,
            .from_side = 1,
            .expires_ms = (uint64_t)rows[i].expires_ms,
            .step_ms = rows[i].step_ms,
            .side[1].hidden_ms = rows[i].hidden_ms,
        };
        pair_expire(&pair, NOW, 7);
        assert_int_equal(pair.state, rows[i].expires ? PAIR_NONE : PAIR_PENDING);
        assert_int_equal(pair.side[1].cooldown_ms, rows[i].expires ? NOW + 7 : 0);
        assert_int_equal(pair.side[1].hidden_ms, rows[i].hidden_after_ms);
    }
}

static void
test_interests_are_compared_word_by_word(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        uint64_t shared;
    } rows[] = {
        {"[]", "[]", 0},
        {"[tea]", "[]", 0},
        {"[tea, go]", "[rum, go, tea]", 2},
        {"[tea]", "[Tea]", 0},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf a = {0}, b = {0};
        words_write(&a, rows[i].a);
        words_write(&b, rows[i].b);
        assert_int_equal(interests_shared(buf_slice(&a), buf_slice(&b)), rows[i].shared);
        assert_int_equal(interests_shared(buf_slice(&a), (struct slice){0}), 0);
        assert_int_equal(interests_shared((struct slice){0}, buf_slice(&b)), 0);
        buf_fini(&a);
        buf_fini(&b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_due_request_leaves_what_its_expiry_will),
        cmocka_unit_test(test_interests_are_compared_word_by_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
