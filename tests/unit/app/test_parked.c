/* Queries that wait: who is due, in which order, within which bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/parked.h"

#define ROUTE_SIZE 4

static struct parked_query *
make(seq_t wake_seq, msec_t due_ms, const char *body)
{
    static const struct net_route route = {.size = ROUTE_SIZE, .bytes = "abc"};
    struct parked_query *query = parked_query_create(&route, slice_str(body), 0);
    assert_non_null(query);
    query->wake_seq = wake_seq;
    query->end_ms = query->due_ms = due_ms;
    return query;
}

static void
add(struct parked *parked, seq_t wake_seq, msec_t due_ms, const char *body)
{
    assert_true(parked_add(parked, make(wake_seq, due_ms, body), NULL, 0));
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
    assert_true(slice_is(parked_query_body(query), body));
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
    struct parked *parked = parked_create(2, 10 + 2 * ROUTE_SIZE);
    assert_true(parked_has_room(parked, 2, 18));
    assert_false(parked_has_room(parked, 3, 0));
    assert_false(parked_has_room(parked, 1, 19));

    add(parked, 1, 1, "12345678");
    struct parked_query *large = make(1, 1, "123");
    assert_false(parked_add(parked, large, NULL, 0)); /* 11 bytes in all */
    parked_query_destroy(large);
    add(parked, 1, 1, "12");
    struct parked_query *third = make(1, 1, "");
    assert_false(parked_add(parked, third, NULL, 0));

    expect(parked, 1, 0, "12345678");
    assert_true(parked_add(parked, third, NULL, 0)); /* there is room again */
    parked_destroy(parked);                          /* releases what is left */
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
    assert_true(parked_add(parked, query, NULL, 0));
    query = parked_take_any(parked);
    assert_true(slice_is(parked_query_body(query), "body"));
    parked_query_route(query, &route);
    assert_memory_equal(route.bytes, "xyz", 3);
    assert_int_equal(route.size, 3);
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
    assert_true(slice_is(parked_query_body(first), "a"));
    first->wake_seq = 2;
    assert_true(parked_add(parked, first, NULL, 0));
    expect(parked, 5, 0, "b");
    expect(parked, 5, 0, "a");
    parked_destroy(parked);
}

/* --- keys ----------------------------------------------------------------------------------- */

static struct parked_query *
add_keyed(struct parked *parked, const char *body, const uint64_t *keys, unsigned key_count)
{
    struct parked_query *query = make(UINT64_MAX, 1000, body);
    query->is_in_log = query->has_scanned = true;
    assert_true(parked_add(parked, query, keys, key_count));
    return query;
}

static void
wake_one(struct parked *parked, uint64_t key, seq_t last_seq)
{
    parked_wake(parked, &key, 1, last_seq);
}

static void
test_woken_by_its_keys_only(void **state)
{
    (void)state;
    struct parked *parked = parked_create(10, 10000);
    add_keyed(parked, "a", (uint64_t[]){1, 2}, 2);
    add_keyed(parked, "b", (uint64_t[]){2, 3, 2}, 3); /* the same key twice */
    add_keyed(parked, "c", (uint64_t[]){1 + 64}, 1);  /* the same place of the table */
    wake_one(parked, 9, 5);
    expect(parked, 5, 0, "");
    wake_one(parked, 3, 6);
    expect(parked, 6, 0, "b");
    expect(parked, 6, 0, "");
    wake_one(parked, 2, 7);
    wake_one(parked, 1, 8);
    expect(parked, 8, 0, "a");
    expect(parked, 8, 0, "");
    expect(parked, 8, 1000, "c");
    parked_destroy(parked);
}

/* Those that share something: one is enough, whichever key it is. */
static void
test_one_of_those_that_share(void **state)
{
    (void)state;
    struct parked *parked = parked_create(20, 10000);
    for (unsigned i = 0; i < 3; i++) {
        add_keyed(parked, "mails", (uint64_t[]){1, 8, 9}, 3)->is_shared = true;
        add_keyed(parked, "bills", (uint64_t[]){2, 9}, 2)->is_shared = true;
        add_keyed(parked, "alone", (uint64_t[]){9}, 1);
    }
    parked_wake(parked, (uint64_t[]){8, 9, 1}, 3, 5);
    unsigned awake[3] = {0};
    for (struct parked_query *query; (query = parked_take(parked, 5, 0));) {
        awake[0] += slice_is(parked_query_body(query), "mails");
        awake[1] += slice_is(parked_query_body(query), "bills");
        awake[2] += slice_is(parked_query_body(query), "alone");
        parked_query_destroy(query);
    }
    assert_int_equal(awake[0], 1);
    assert_int_equal(awake[1], 1);
    assert_int_equal(awake[2], 3);
    wake_one(parked, 9, 6);
    assert_int_equal(parked_count(parked), 4);
    wake_one(parked, 1, 7); /* the last of them; and nobody is left */
    wake_one(parked, 1, 8);
    parked_destroy(parked);
}

static bool
is_odd(const struct parked_query *query)
{
    return query->peer.serial % 2 == 1;
}

static void
test_who_is_gone_is_dropped(void **state)
{
    enum { COUNT = PARKED_LOOK_MAX + 100 };
    unsigned seed = 4711;
    (void)state;
    struct parked *parked = parked_create(COUNT + 1, 1 << 24);
    for (unsigned i = 0; i < COUNT; i++) {
        struct parked_query *query = make(UINT64_MAX, 1 + rand_r(&seed) % 1000, "q");
        query->peer.serial = i;
        assert_true(parked_add(parked, query, (uint64_t[]){i % 1000}, 1));
    }
    struct parked_query *woken = make(1, 1, "woken");
    woken->peer.serial = 1;
    woken->is_shared = true;
    assert_true(parked_add(parked, woken, NULL, 0));
    unsigned place = parked_drop_gone(parked, parked_count(parked), is_odd);
    assert_true(place > 0); /* not all in one go */
    while (place > 0)
        place = parked_drop_gone(parked, place, is_odd);
    assert_int_equal(parked_count(parked), COUNT / 2 + 1);
    for (msec_t last_ms = 0; parked_count(parked) > 0;) {
        struct parked_query *query = parked_take(parked, 0, 1000);
        assert_true(query == woken || !is_odd(query));
        assert_true(query->due_ms >= last_ms); /* the order is kept */
        last_ms = query->due_ms;
        parked_query_destroy(query);
    }
    parked_destroy(parked);
}

/* Who waits for an event that is far ahead waits under no key. */
static void
test_who_is_gone_waits_for_no_number(void **state)
{
    enum { COUNT = 3 * PARKED_DROP_MAX };
    (void)state;
    struct parked *parked = parked_create(COUNT, 1 << 24);
    for (unsigned i = 0; i < COUNT; i++) {
        struct parked_query *query = make(1 << 20, 1000, "q");
        query->peer.serial = i;
        assert_true(parked_add(parked, query, NULL, 0));
    }
    for (unsigned place = COUNT, count = COUNT; place > 0; count = parked_count(parked)) {
        place = parked_drop_gone(parked, place, is_odd);
        assert_in_range(count - parked_count(parked), 0, PARKED_DROP_MAX);
    }
    assert_int_equal(parked_count(parked), COUNT / 2);
    parked_destroy(parked);
}

/* What is left when nearly all have gone is found as before. */
static void
test_tables_shrink(void **state)
{
    enum { COUNT = 10000, LEFT = 10 };
    (void)state;
    struct parked *parked = parked_create(COUNT, 1 << 24);
    for (uint64_t i = 0; i < COUNT; i++)
        add_keyed(parked, "q", &i, 1)->peer.serial = i < LEFT ? 2 : 1;
    size_t held = parked_held(parked);
    for (unsigned place = COUNT; place > 0;)
        place = parked_drop_gone(parked, place, is_odd);
    assert_int_equal(parked_held(parked), held / COUNT * LEFT);
    parked_shrink(parked);
    parked_shrink(parked);
    for (uint64_t key = 0; key < LEFT; key++)
        wake_one(parked, key, key + 1);
    for (unsigned i = 0; i < LEFT; i++)
        expect(parked, LEFT, 0, "q");
    for (uint64_t i = 0; i < COUNT; i++) /* and there is room for as many again */
        add_keyed(parked, "q", &i, 1);
    parked_wake_all(parked, LEFT + 1);
    assert_true(parked_is_due(parked, LEFT + 1, 0));
    parked_destroy(parked);
}

/* What was not for it need not be looked at again. */
static void
test_what_it_need_not_scan(void **state)
{
    (void)state;
    struct parked *parked = parked_create(10, 10000);
    add_keyed(parked, "a", (uint64_t[]){1}, 1);
    add_keyed(parked, "b", (uint64_t[]){2}, 1)->is_in_log = false;
    add_keyed(parked, "late", (uint64_t[]){3}, 1);
    wake_one(parked, 9, 20);
    parked_wake(parked, (uint64_t[]){1, 2}, 2, 30);
    wake_one(parked, 9, 40);
    struct parked_query *a = parked_take(parked, 40, 0), *b = parked_take(parked, 40, 0);
    struct parked_query *late = parked_take(parked, 40, 1000);
    assert_int_equal(a->scanned + b->scanned, 20); /* in either order */
    assert_int_equal(late->scanned, 40);
    parked_query_destroy(a);
    parked_query_destroy(b);
    parked_query_destroy(late);
    parked_destroy(parked);
}

static void
test_all_may_be_woken(void **state)
{
    (void)state;
    struct parked *parked = parked_create(100, 100000);
    for (uint64_t i = 0; i < 60; i++)
        add_keyed(parked, "q", &i, 1);
    add(parked, 50, 1000, "by sequence");
    parked_wake_all(parked, 7);
    for (unsigned i = 0; i < 60; i++)
        expect(parked, 7, 0, "q");
    expect(parked, 7, 0, "");
    expect(parked, 50, 0, "by sequence");
    parked_destroy(parked);
}

static void
test_keys_are_counted(void **state)
{
    const uint64_t keys[3] = {1, 2, 3};
    const struct net_route route = {.size = ROUTE_SIZE};
    (void)state;
    struct parked *parked = parked_create(10, 1 + parked_size(&route, 2));
    struct parked_query *query = make(UINT64_MAX, 1, "q");
    assert_false(parked_add(parked, query, keys, 3));
    assert_true(parked_add(parked, query, keys, 2));
    assert_false(parked_has_room(parked, 1, 1));
    wake_one(parked, 2, 1);
    assert_true(parked_has_room(parked, 1, sizeof(struct wakes_node)));
    expect(parked, 1, 0, "q");
    assert_true(parked_has_room(parked, 1, 1 + parked_size(&route, 2)));
    parked_destroy(parked);
}

/* Random keys against a plain look at all. */
#define KEYED_MAX 200
#define KEY_COUNT 3

struct keyed {
    struct parked_query *query;
    uint64_t keys[KEY_COUNT];
};

static unsigned
count_awake(struct keyed *keyed, unsigned *count, uint64_t key)
{
    unsigned awake = 0;
    for (unsigned i = 0; i < *count;) {
        const uint64_t *keys = keyed[i].keys;
        if (keys[0] != key && keys[1] != key && keys[2] != key) {
            i++;
            continue;
        }
        keyed[i] = keyed[--*count];
        awake++;
    }
    return awake;
}

static void
test_keys_against_a_list(void **state)
{
    static struct keyed keyed[KEYED_MAX];
    unsigned seed = 4711, count = 0;
    (void)state;
    struct parked *parked = parked_create(KEYED_MAX, 1 << 20);
    for (seq_t seq = 1; seq < 20000; seq++) {
        if (rand_r(&seed) % 4 > 0 && count < KEYED_MAX) {
            for (unsigned i = 0; i < KEY_COUNT; i++)
                keyed[count].keys[i] = (uint64_t)(rand_r(&seed) % 500) * 64;
            add_keyed(parked, "q", keyed[count++].keys, KEY_COUNT);
            continue;
        }
        uint64_t key = (uint64_t)(rand_r(&seed) % 500) * 64;
        wake_one(parked, key, seq);
        for (unsigned awake = count_awake(keyed, &count, key); awake > 0; awake--)
            expect(parked, seq, 0, "q");
        expect(parked, seq, 0, "");
        assert_int_equal(parked_count(parked), count);
    }
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
            assert_true(parked_add(parked, query, NULL, 0));
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
        cmocka_unit_test(test_woken_by_its_keys_only),
        cmocka_unit_test(test_one_of_those_that_share),
        cmocka_unit_test(test_who_is_gone_is_dropped),
        cmocka_unit_test(test_who_is_gone_waits_for_no_number),
        cmocka_unit_test(test_tables_shrink),
        cmocka_unit_test(test_what_it_need_not_scan),
        cmocka_unit_test(test_all_may_be_woken),
        cmocka_unit_test(test_keys_are_counted),
        cmocka_unit_test(test_keys_against_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
