/* Feeds: what was added comes back in order, whatever of it is in memory and whatever on disk. */
#include "scratch.h"

#include "store/store.h"

#define KEY_COUNT 5
#define ROUNDS    40

static struct feed_key
key_of(unsigned number)
{
    struct feed_key key = {{0}};
    key.bytes[0] = (uint8_t)(number & 1); /* some share a chain */
    key.bytes[FEED_KEY_SIZE - 1] = (uint8_t)number;
    return key;
}

/* What the store should hold. */
struct model {
    uint64_t count[KEY_COUNT];
    seq_t seqs[KEY_COUNT][4096];
};

static void
check_feeds(struct store *store, const struct model *model)
{
    struct views *views = store_views(store);
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        struct feed_key key = key_of(i);
        seq_t seqs[4096];
        assert_int_equal(views_feed_length(views, &key), model->count[i]);
        for (uint64_t skip = 0; skip <= model->count[i]; skip += 7) {
            unsigned count = views_feed_read(views, &key, skip, seqs, 50);
            uint64_t left = model->count[i] - skip;
            assert_int_equal(count, left < 50 ? left : 50);
            assert_memory_equal(seqs, &model->seqs[i][skip], count * sizeof(seq_t));
        }
    }
}

/* A batch of events, each in some feeds. */
static void
append(struct store *store, struct model *model, uint64_t *random, unsigned count, bool keep)
{
    struct model before = *model;
    struct fault fault;
    store_begin(store);
    for (unsigned i = 0; i < count; i++) {
        seq_t seq = log_append(store_log(store), 1, slice_str("event"));
        for (unsigned k = 0; k < KEY_COUNT; k++) {
            struct feed_key key = key_of(k);
            if (random_below(random, k + 2) != 0)
                continue;
            views_feed_append(store_views(store), &key, seq);
            model->seqs[k][model->count[k]++] = seq;
        }
    }
    check_feeds(store, model); /* pending ones are seen */
    if (keep) {
        assert_int_equal(store_end(store, &fault), KITH_OK);
    } else {
        store_abort(store);
        *model = before;
    }
}

static void
test_feeds_over_checkpoints(void **state)
{
    static struct model model;
    uint64_t random = 7;
    memset(&model, 0, sizeof(model));
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    for (unsigned i = 0; i < ROUNDS; i++) {
        append(store, &model, &random, (unsigned)random_below(&random, 100), i % 3 != 0);
        check_feeds(store, &model);
        if (i % 5 == 0) /* the next one starts while this is being written */
            views_tick(store_views(store), (msec_t)i * 10000);
        if (i % 7 == 0)
            assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
        check_feeds(store, &model);
        if (i % 11 == 0) {
            store_close(store);
            store = scratch_open(*state, SCRATCH_MAP_SIZE);
            check_feeds(store, &model);
        }
    }
    assert_true(model.count[0] > 10 * FEED_CHUNK_COUNT);
    store_close(store);
}

/* The rows do not depend on when they were written: a rebuild gives the same sums. */
static void
test_rows_do_not_depend_on_checkpoints(void **state)
{
    struct views_stats often, once;
    struct fault fault;
    static struct model model;
    uint64_t random = 11;
    memset(&model, 0, sizeof(model));
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    for (unsigned i = 0; i < 12; i++) {
        append(store, &model, &random, 30, true);
        assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
    }
    views_stats(store_views(store), &often);
    assert_int_equal(store_reset_views(store, &fault), KITH_OK);
    views_begin(store_views(store));
    for (unsigned k = 0; k < KEY_COUNT; k++)
        assert_int_equal(model.count[k] > 0, true);
    for (seq_t seq = 1; seq <= log_last(store_log(store)); seq++)
        for (unsigned k = 0; k < KEY_COUNT; k++) {
            struct feed_key key = key_of(k);
            for (uint64_t i = 0; i < model.count[k]; i++)
                if (model.seqs[k][i] == seq)
                    views_feed_append(store_views(store), &key, seq);
        }
    views_keep(store_views(store), log_last(store_log(store)));
    assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
    views_stats(store_views(store), &once);
    assert_int_equal(often.rows[VIEW_FEED], once.rows[VIEW_FEED]);
    assert_int_equal(often.sums[VIEW_FEED], once.sums[VIEW_FEED]);
    check_feeds(store, &model);
    store_close(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_feeds_over_checkpoints),
        scratch_test(test_rows_do_not_depend_on_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
