/* Answers, and the entries that they are made of. */
#include "words.h"

#include "core/reply.h"
#include "proto/limits.h"

static const struct reply_head plain = {.pos = 7, .at_ms = NOW};

static void
expect_reply(const char *row, struct buf *reply, const char *expected)
{
    struct buf text = {0};
    show_value(&text, buf_slice(reply));
    expect_text(row, "reply", expected, shown(&text));
    buf_fini(&text);
    buf_fini(reply);
}

static void
test_every_answer_has_a_head(void **state)
{
    (void)state;
    struct entries none = {0};
    struct buf reply = {0};
    struct reply_head head = plain;
    reply_ok(&reply, &head, &none, NULL);
    expect_reply("no id", &reply, "{v: 1, id: nil, ok: true, pos: 7, at: now, result: {}}");
    head.id = slice_str("k1");
    head.dup = true;
    reply_ok(&reply, &head, &none, NULL);
    expect_reply("a repeated one", &reply,
                 "{v: 1, id: k1, ok: true, pos: 7, at: now, dup: true, result: {}}");
    head.in_batch = true;
    reply_nil(&reply, &head);
    expect_reply("in a batch", &reply,
                 "{id: k1, ok: true, pos: 7, at: now, dup: true, result: nil}");
    expect_rows();
}

static void
test_secrets_are_told_with_the_result(void **state)
{
    (void)state;
    struct entries result = {0}, secrets = {0};
    struct buf reply = {0};
    entries_uint(&result, "a", 1);
    entries_cstr(&secrets, "token", "t");
    reply_ok(&reply, &plain, &result, &secrets);
    expect_reply("both", &reply,
                 "{v: 1, id: nil, ok: true, pos: 7, at: now, result: {a: 1, token: t}}");
    reply_ok(&reply, &plain, &result, NULL);
    expect_reply("one", &reply, "{v: 1, id: nil, ok: true, pos: 7, at: now, result: {a: 1}}");

    secrets.buf.failed = true;
    reply_ok(&reply, &plain, &result, &secrets);
    assert_true(reply.failed);
    buf_clear(&reply);
    result.buf.failed = true;
    reply_ok(&reply, &plain, &result, NULL);
    assert_true(reply.failed);
    buf_fini(&reply);
    entries_fini(&result);
    entries_fini(&secrets);
    expect_rows();
}

#define BUSY                                                                        \
    "{v: 1, id: nil, ok: false, pos: 7, at: now, error: {code: busy, class: busy, " \
    "retry: same_id"

static void
test_a_refusal_says_why(void **state)
{
    (void)state;
    struct entries detail = {0};
    struct buf reply = {0};
    entries_cstr(&detail, "field", "x");
    detail.buf.failed = true;
    reply_error(&reply, &plain, KITH_BUSY, NULL, &detail, KITH_MESSAGE_SIZE_MAX);
    assert_true(reply.failed);
    buf_clear(&reply);
    detail.buf.failed = false;
    reply_error(&reply, &plain, KITH_BUSY, NULL, NULL, KITH_MESSAGE_SIZE_MAX);
    expect_reply("its own text", &reply,
                 BUSY ", text: 'more work is waiting than the daemon takes on; try again in a "
                      "moment'}}");
    reply_error(&reply, &plain, KITH_BUSY, "", &detail, KITH_MESSAGE_SIZE_MAX);
    expect_reply("an empty text is none", &reply,
                 BUSY ", text: 'more work is waiting than the daemon takes on; try again in a "
                      "moment', field: x}}");
    reply_error(&reply, &plain, KITH_BUSY, "wait", &detail, KITH_MESSAGE_SIZE_MAX);
    expect_reply("a better one", &reply, BUSY ", text: wait, field: x}}");
    entries_fini(&detail);
    expect_rows();
}

static void
test_the_text_is_left_out_where_room_is_short(void **state)
{
    (void)state;
    struct entries detail = {0};
    struct buf reply = {0};
    entries_cstr(&detail, "field", "x");
    buf_append(&reply, "an earlier item", 15);
    reply_error(&reply, &plain, KITH_BUSY, "wait", &detail, 1000);
    size_t size = reply.size - 15;

    reply.size = 15;
    reply_error(&reply, &plain, KITH_BUSY, "wait", &detail, size); /* exactly enough */
    assert_int_equal(reply.size - 15, size);
    reply.size = 15;
    reply_error(&reply, &plain, KITH_BUSY, "wait", &detail, size - 1);
    assert_true(reply.size - 15 < size);
    assert_memory_equal(reply.data, "an earlier item", 15);
    memmove(reply.data, reply.data + 15, reply.size -= 15);
    expect_reply("without", &reply, BUSY ", field: x}}");
    reply_error(&reply, &plain, KITH_BUSY, NULL, NULL, 0);
    expect_reply("without any detail", &reply, BUSY "}}");

    reply.failed = true; /* nothing is begun anew */
    reply_error(&reply, &plain, KITH_BUSY, NULL, NULL, 0);
    assert_true(reply.failed && reply.size == 0);
    entries_fini(&detail);
    expect_rows();
}

/* What each item of a batch is kept: no refusal without its text takes more. */
static void
test_the_least_room_is_enough_for_every_code(void **state)
{
    (void)state;
    for (enum kith_err err = KITH_OK + 1; err < KITH_ERR_COUNT; err++) {
        struct buf reply = {0};
        struct entries detail = {0};
        struct reply_head head = {.pos = UINT64_MAX, .at_ms = INT64_MAX, .in_batch = true};
        char field[65];
        memset(field, 'x', sizeof(field));
        entries_str(&detail, "field", slice_of(field, 64));
        reply_error(&reply, &head, err, NULL, &detail, 0);
        assert_true(reply.size <= REPLY_ITEM_SIZE_MAX);
        buf_fini(&reply);
        entries_fini(&detail);
    }
}

/* --- entries --------------------------------------------------------------------------------- */

static void
test_entries_of_every_kind(void **state)
{
    (void)state;
    struct entries entries = {0};
    struct buf map = {0};
    struct public_id id = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    entries_str(&entries, "str", slice_str("a b"));
    entries_cstr(&entries, "cstr", "c");
    entries_uint(&entries, "uint", 5);
    entries_time(&entries, "time", NOW + DAY_MS);
    entries_bool(&entries, "bool", true);
    entries_nil(&entries, "nil");
    entries_id(&entries, "id", &id);
    struct entries_inner outer = entries_open(&entries, "outer");
    struct entries_inner inner = entries_open(&entries, "inner");
    entries_close(&entries, inner);
    entries_uint(&entries, "n", 1);
    entries_close(&entries, outer);
    write_array(entries_key(&entries, "array"), 1);
    struct entries_inner item = entries_open_item(&entries);
    entries_uint(&entries, "m", 2);
    entries_close(&entries, item);
    entries_write(&map, &entries);
    assert_int_equal(entries.count, 9);
    expect_reply("all", &map,
                 "{str: 'a b', cstr: c, uint: 5, time: +1d, bool: true, nil: nil, "
                 "id: zzzzzzzzzzzzzzzz, outer: {inner: {}, n: 1}, array: [{m: 2}]}");
    entries_clear(&entries);
    entries_write(&map, &entries);
    expect_reply("none", &map, "{}");
    entries.buf.failed = true;
    entries_write(&map, &entries);
    assert_true(map.failed);
    buf_fini(&map);
    entries_fini(&entries);
    expect_rows();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_answer_has_a_head),
        cmocka_unit_test(test_secrets_are_told_with_the_result),
        cmocka_unit_test(test_a_refusal_says_why),
        cmocka_unit_test(test_the_text_is_left_out_where_room_is_short),
        cmocka_unit_test(test_the_least_room_is_enough_for_every_code),
        cmocka_unit_test(test_entries_of_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
