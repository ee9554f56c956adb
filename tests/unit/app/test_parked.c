/* Queries that wait: who is due, in which order, within which bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/parked.h"

static struct parked_query *
make(seq_t wake_seq, msec_t due_ms, const char *body)
{
    struct net_route route = {.size = 4, .bytes = "abc"};
    struct parked_query *query = parked_query_create(&route, slice_str(body), 0);
    assert_non_null(query);
    query->wake_seq = wake_seq;
    query->due_ms = due_ms;
    return query;
}

static void
add(struct parked *parked, seq_t wake_seq, msec_t due_ms, const char *body)
{
    assert_true(parked_add(parked, make(wake_seq, due_ms, body)));
}

/* Take one and compare its body; "" expects that none is due. */
static void
expect(struct parked *parked, seq_t last_seq, msec_t now_ms, const char *body)
{
    struct parked_query *query = parked_take(parked, last_seq, now_ms);
    if (body[0] == '\0') {
        assert_null(query);
        return;
    }
    assert_non_null(query);
    assert_int_equal(query->size, strlen(body));
    assert_memory_equal(query->body, body, query->size);
    parked_query_destroy(query);
}

static void
test_woken_by_sequence_or_by_time(void **state)
{
    (void)state;
    struct parked *parked = parked_create(10, 1000);
    add(parked, 5, 100, "five");
    add(parked, 3, 200, "three");
    add(parked, 9, 50, "nine");
    assert_int_equal(parked_next_ms(parked), 50);
    assert_false(parked_is_due(parked, 2, 49));
    expect(parked, 2, 49, "");
    expect(parked, 3, 49, "three");
    expect(parked, 3, 50, "nine");
    assert_int_equal(parked_next_ms(parked), 100);
    expect(parked, 4, 99, "");
    expect(parked, 5, 0, "five");
    assert_int_equal(parked_next_ms(parked), INT64_MAX);
    assert_int_equal(parked_count(parked), 0);
    parked_destroy(parked);
}

static void
test_who_is_late_goes_first(void **state)
{
    (void)state;
    struct parked *parked = parked_create(10, 1000);
    add(parked, 1, 1000, "awake");
    add(parked, 99, 10, "late");
    expect(parked, 1, 10, "late");
    expect(parked, 1, 10, "awake");
    parked_destroy(parked);
}

static void
test_bounds(void **state)
{
    (void)state;
    struct parked *parked = parked_create(2, 10);
    assert_true(parked_has_room(parked, 2, 10));
    assert_false(parked_has_room(parked, 3, 0));
    assert_false(parked_has_room(parked, 1, 11));

    add(parked, 1, 1, "12345678");
    struct parked_query *large = make(1, 1, "123");
    assert_false(parked_add(parked, large)); /* 11 bytes in all */
    parked_query_destroy(large);
    add(parked, 1, 1, "12");
    struct parked_query *third = make(1, 1, "");
    assert_false(parked_add(parked, third));

    expect(parked, 1, 0, "12345678");
    assert_true(parked_add(parked, third)); /* there is room again */
    parked_destroy(parked);                 /* releases what is left */
}

static void
test_it_keeps_copies(void **state)
{
    (void)state;
    struct parked *parked = parked_create(1, 100);
    char body[] = "body";
    struct net_route route = {.size = 3, .bytes = "xyz"};
    struct parked_query *query = parked_query_create(&route, slice_str(body), 7);
    query->due_ms = 8;
    query->scanned = 42;
    memset(body, 0, sizeof(body));
    memset(&route, 0, sizeof(route));
    assert_true(parked_add(parked, query));
    query = parked_take_any(parked);
    assert_memory_equal(query->body, "body", 4);
    assert_memory_equal(query->route.bytes, "xyz", 3);
    assert_int_equal(query->route.size, 3);
    assert_int_equal(query->scanned, 42);
    assert_int_equal(query->came_ms, 7);
    assert_null(parked_take_any(parked));
    parked_query_destroy(query);
    parked_destroy(parked);
}

static void
test_one_that_waits_again_does_not_starve_others(void **state)
{
    (void)state;
    struct parked *parked = parked_create(3, 100);
    add(parked, 1, 1000, "a");
    add(parked, 1, 1000, "b");
    struct parked_query *first = parked_take(parked, 1, 0);
    assert_int_equal(first->body[0], 'a');
    first->wake_seq = 2;
    assert_true(parked_add(parked, first));
    expect(parked, 5, 0, "b");
    expect(parked, 5, 0, "a");
    parked_destroy(parked);
}

/* Against a list that is searched from end to end. */
struct model {
    struct parked_query *queries[300];
    unsigned count;
};

static void
model_remove(struct model *model, const struct parked_query *query)
{
    for (unsigned i = 0; i < model->count; i++)
        if (model->queries[i] == query) {
            model->queries[i] = model->queries[--model->count];
            return;
        }
    fail_msg("an unknown query was taken");
}

static void
check_take(struct model *model, struct parked *parked, seq_t last_seq, msec_t now_ms)
{
    seq_t lowest = UINT64_MAX;
    msec_t earliest = INT64_MAX;
    for (unsigned i = 0; i < model->count; i++) {
        if (model->queries[i]->wake_seq < lowest)
            lowest = model->queries[i]->wake_seq;
        if (model->queries[i]->due_ms < earliest)
            earliest = model->queries[i]->due_ms;
    }
    assert_int_equal(parked_next_ms(parked), earliest);
    struct parked_query *query = parked_take(parked, last_seq, now_ms);
    if (!query) {
        assert_true(lowest > last_seq && earliest > now_ms);
        return;
    }
    assert_true(query->due_ms == earliest || (earliest > now_ms && query->wake_seq == lowest));
    assert_true(query->due_ms <= now_ms || query->wake_seq <= last_seq);
    model_remove(model, query);
    parked_query_destroy(query);
}

static void
test_against_a_list(void **state)
{
    static struct model model;
    unsigned seed = 12345;
    (void)state;
    struct parked *parked = parked_create(ARRAY_COUNT(model.queries), 1 << 20);
    for (unsigned step = 0; step < 20000; step++) {
        seq_t wake_seq = (seq_t)(rand_r(&seed) % 1000);
        msec_t due_ms = rand_r(&seed) % 1000;
        if (rand_r(&seed) % 2 == 0 && model.count < ARRAY_COUNT(model.queries)) {
            struct parked_query *query = make(wake_seq, due_ms, "q");
            assert_true(parked_add(parked, query));
            model.queries[model.count++] = query;
        } else {
            check_take(&model, parked, wake_seq / 4, due_ms / 4);
        }
        assert_int_equal(parked_count(parked), model.count);
    }
    parked_destroy(parked);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_woken_by_sequence_or_by_time),
        cmocka_unit_test(test_who_is_late_goes_first),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_it_keeps_copies),
        cmocka_unit_test(test_one_that_waits_again_does_not_starve_others),
        cmocka_unit_test(test_against_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
