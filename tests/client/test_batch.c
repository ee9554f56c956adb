/* kith_batch_call(): many operations in one message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>

#include "codec/reader.h"
#include "codec/writer.h"
#include "fake_daemon.h"
#include "proto/limits.h"

enum behaviour {
    ANSWER_ALL,
    REFUSE_ALL,
    ANSWER_FEWER,
    ANSWER_MORE,
    SPOIL_ONE,
    ANSWER_ONE_OK,
};

struct scene {
    struct fake *fake;
    struct kith *kith;
    enum behaviour behaviour;
    unsigned drop_count;
};

/* The id of the next item, which stands first in what the client writes. */
static void
read_id(struct reader *reader, char *id, size_t size)
{
    uint32_t count = reader_map(reader);
    id[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        bool is_id = slice_is(reader_str(reader), "id");
        struct slice value = reader_skip(reader);
        if (!is_id)
            continue;
        struct reader inner;
        reader_init(&inner, value);
        struct slice text = reader_str(&inner);
        snprintf(id, size, "%.*s", (int)text.size, (const char *)text.data);
    }
}

static void
write_items(struct buf *out, const struct fake_request *request, enum behaviour behaviour)
{
    char id[80];
    struct reader reader;
    reader_init(&reader, request->batch);
    uint32_t count = reader_array(&reader);
    if (behaviour == ANSWER_FEWER)
        count--;
    write_array(out, behaviour == ANSWER_MORE ? count + 1 : count);
    for (uint32_t i = 0; i < count; i++) {
        struct buf result = {0};
        read_id(&reader, id, sizeof(id));
        write_array(&result, 2);
        write_cstr(&result, id);
        write_uint(&result, i);
        if (behaviour == SPOIL_ONE && i == 2)
            write_uint(out, 5);
        else
            fake_write_reply(out, true, id, buf_slice(&result));
        buf_fini(&result);
    }
    if (behaviour == ANSWER_MORE)
        write_map(out, 0);
}

static void
answer_batch(struct fake *fake, const struct fake_request *request, void *context)
{
    const struct scene *scene = context;
    if (request->index < scene->drop_count)
        return;
    if (scene->behaviour == REFUSE_ALL) {
        fake_refuse(fake, request, "too_large", "never");
        return;
    }
    if (scene->behaviour == ANSWER_ONE_OK) {
        fake_answer(fake, request, "n", 1);
        return;
    }
    assert_non_null(request->batch.data);
    struct buf out = {0};
    write_map(&out, 2);
    write_cstr(&out, "v");
    write_uint(&out, 1);
    write_cstr(&out, "batch");
    write_items(&out, request, scene->behaviour);
    fake_send(fake, request, buf_slice(&out));
    buf_fini(&out);
}

static void
begin(struct scene *scene)
{
    const struct fake_options options = {.script = answer_batch, .context = scene};
    const struct kith_options client = {.resend_ms = 20, .timeout_ms = -1};
    scene->fake = fake_create(&options);
    scene->kith = fake_open_client(scene->fake, &client);
}

static void
end(struct scene *scene)
{
    kith_close(scene->kith);
    fake_destroy(scene->fake);
}

static struct kith_batch *
batch_of(size_t count)
{
    struct kith_batch *batch = kith_batch_create();
    char id[32];
    assert_non_null(batch);
    for (size_t i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "item-%zu", i);
        assert_int_equal(kith_batch_add(batch, "an.op", NULL, id), KITH_STATUS_OK);
    }
    assert_int_equal(kith_batch_count(batch), count);
    return batch;
}

static void
check_answers(struct kith_reply **replies, size_t count)
{
    char id[32];
    for (size_t i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "item-%zu", i);
        const struct kith_value *result = kith_reply_result(replies[i]);
        assert_true(kith_reply_ok(replies[i]));
        assert_string_equal(kith_reply_id(replies[i]), id);
        assert_string_equal(kith_value_str(kith_value_at(result, 0)), id);
        assert_int_equal(kith_value_int(kith_value_at(result, 1)), i);
        kith_reply_destroy(replies[i]);
    }
}

/* As many items as there may be; their replies have more values than one message's bound. */
static void
test_all_answered(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 3, KITH_BATCH_COUNT_MAX};
    static struct kith_reply *replies[KITH_BATCH_COUNT_MAX];
    struct scene scene = {.behaviour = ANSWER_ALL};
    begin(&scene);
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        struct kith_batch *batch = batch_of(counts[i]);
        assert_int_equal(kith_batch_call(scene.kith, batch, replies), KITH_STATUS_OK);
        check_answers(replies, counts[i]);
        kith_batch_destroy(batch);
    }
    end(&scene);
}

static void
test_dropped_reply(void **state)
{
    (void)state;
    struct kith_reply *replies[3];
    struct scene scene = {.behaviour = ANSWER_ALL, .drop_count = 2};
    begin(&scene);
    struct kith_batch *batch = batch_of(3);
    assert_int_equal(kith_batch_call(scene.kith, batch, replies), KITH_STATUS_OK);
    check_answers(replies, 3);
    assert_true(fake_request_count(scene.fake) >= 3);
    kith_batch_destroy(batch);
    end(&scene);
}

static void
test_all_refused(void **state)
{
    (void)state;
    struct kith_reply *replies[3];
    struct scene scene = {.behaviour = REFUSE_ALL};
    begin(&scene);
    struct kith_batch *batch = batch_of(3);
    assert_int_equal(kith_batch_call(scene.kith, batch, replies), KITH_STATUS_REFUSED);
    assert_string_equal(kith_reply_code(replies[0]), "too_large");
    assert_null(replies[1]);
    assert_null(replies[2]);
    kith_reply_destroy(replies[0]);
    kith_batch_destroy(batch);
    end(&scene);
}

static void
test_bad_replies(void **state)
{
    (void)state;
    static const enum behaviour rows[] = {ANSWER_FEWER, ANSWER_MORE, SPOIL_ONE, ANSWER_ONE_OK};
    struct scene scene = {0};
    begin(&scene);
    struct kith_batch *batch = batch_of(3);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct kith_reply *replies[3];
        fake_lock(scene.fake);
        scene.behaviour = rows[i];
        fake_unlock(scene.fake);
        assert_int_equal(kith_batch_call(scene.kith, batch, replies), KITH_STATUS_BAD_REPLY);
        for (int j = 0; j < 3; j++)
            assert_null(replies[j]);
    }
    kith_batch_destroy(batch);
    end(&scene);
}

static void
test_empty(void **state)
{
    (void)state;
    struct scene scene = {0};
    begin(&scene);
    struct kith_batch *batch = kith_batch_create();
    assert_int_equal(kith_batch_call(scene.kith, batch, NULL), KITH_STATUS_OK);
    assert_int_equal(fake_request_count(scene.fake), 0);
    kith_batch_destroy(batch);
    kith_batch_destroy(NULL);
    end(&scene);
}

/* The bounds: items, bytes and values. What does not fit is not added, and harms nothing. */
static void
test_count_bound(void **state)
{
    (void)state;
    struct kith_batch *batch = batch_of(KITH_BATCH_COUNT_MAX);
    assert_int_equal(kith_batch_add(batch, "x", NULL, NULL), KITH_STATUS_TOO_LARGE);
    assert_int_equal(kith_batch_count(batch), KITH_BATCH_COUNT_MAX);
    kith_batch_clear(batch);
    assert_int_equal(kith_batch_count(batch), 0);
    assert_int_equal(kith_batch_add(batch, "x", NULL, NULL), KITH_STATUS_OK);
    kith_batch_destroy(batch);
}

static void
test_size_bound(void **state)
{
    (void)state;
    static struct kith_reply *replies[KITH_BATCH_COUNT_MAX];
    static char note[4096];
    memset(note, 'n', sizeof(note));
    struct scene scene = {.behaviour = ANSWER_ALL};
    struct kith_args *args = kith_args_create();
    struct kith_batch *batch = kith_batch_create();
    char id[32];
    size_t count = 0;
    begin(&scene);
    kith_put_bytes(args, "note", note, sizeof(note));
    do
        snprintf(id, sizeof(id), "item-%zu", count++);
    while (kith_batch_add(batch, "x", args, id) == KITH_STATUS_OK);
    count--;
    assert_in_range(count, 250, 256);
    assert_int_equal(kith_batch_count(batch), count);
    assert_int_equal(kith_batch_call(scene.kith, batch, replies), KITH_STATUS_OK);
    check_answers(replies, count);
    kith_batch_destroy(batch);
    kith_args_destroy(args);
    end(&scene);
}

static void
test_node_bound(void **state)
{
    (void)state;
    static const char *words[2 * KITH_PAIRS_COUNT_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        words[i] = "m";
    struct kith_args *args = kith_args_create();
    struct kith_batch *batch = kith_batch_create();
    kith_put_pairs(args, "pairs", words, KITH_PAIRS_COUNT_MAX);
    size_t count = 0;
    while (kith_batch_add(batch, "connection.import", args, NULL) == KITH_STATUS_OK)
        count++;
    assert_int_equal(count, KITH_NODE_COUNT_MAX / (3 * KITH_PAIRS_COUNT_MAX + 9));
    kith_batch_destroy(batch);
    kith_args_destroy(args);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_answered), cmocka_unit_test(test_dropped_reply),
        cmocka_unit_test(test_all_refused),  cmocka_unit_test(test_bad_replies),
        cmocka_unit_test(test_empty),        cmocka_unit_test(test_count_bound),
        cmocka_unit_test(test_size_bound),   cmocka_unit_test(test_node_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
