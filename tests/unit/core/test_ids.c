/* Public ids, tokens, hashes of contacts: the same bytes for ever, since they stand in logs and in
 * mails that were sent. */
#include "words.h"

#include "core/ids.h"

static const uint8_t key[SECRET_KEY_SIZE] = "thirty-two bytes, and no secret";

static void
expect_id_text(const struct public_id *id, const char *expected)
{
    char text[PUBLIC_ID_TEXT_SIZE + 1] = {0};
    public_id_text(id, text);
    assert_string_equal(text, expected);
}

static void
test_ids_are_golden(void **state)
{
    (void)state;
    struct public_id first = public_id_make(key, 1), last = public_id_make(key, UINT64_MAX);
    expect_id_text(&first, "df0m8egjdf9ph6gv");
    expect_id_text(&last, "p4142ceb3y79zmp3");
    assert_false(public_id_is_none(&first));
    assert_true(public_id_is_none(&(struct public_id){{0}}));
    assert_true(public_id_equal(&first, &first));
    assert_false(public_id_equal(&first, &last));
}

static void
test_base32_is_crockfords(void **state)
{
    (void)state;
    static const struct {
        struct public_id id;
        const char *text;
    } rows[] = {
        {{{0}}, "0000000000000000"},
        {{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, "zzzzzzzzzzzzzzzz"},
        {{{0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf}}, "0123456789abcdef"},
        {{{0x84, 0x65, 0x3a, 0x56, 0xd7, 0xc6, 0x75, 0xbe, 0x77, 0xdf}}, "ghjkmnpqrstvwxyz"},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct public_id back = {{1}};
        expect_id_text(&rows[i].id, rows[i].text);
        assert_true(public_id_parse(slice_str(rows[i].text), &back));
        assert_true(public_id_equal(&back, &rows[i].id));
    }
}

static void
test_what_is_no_id_is_not_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
    } rows[] = {
        {"", 0},
        {"012345678abcdef", 15},
        {"0123456789abcdefg", 17},
        {"0123456789abcdei", 16}, /* i, l, o and u are no digits */
        {"0123456789abcdel", 16},
        {"0123456789abcdeo", 16},
        {"0123456789abcdeu", 16},
        {"0123456789ABCDEF", 16},
        {"0123456789abcd\0f", 16},
        {"0123456789abcd f", 16},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct public_id id = {{7}};
        assert_false(public_id_parse(slice_of(rows[i].text, rows[i].size), &id));
        assert_int_equal(id.bytes[0], 7); /* untouched */
    }
}

static void
test_tokens_are_golden(void **state)
{
    (void)state;
    char text[TOKEN_TEXT_SIZE + 1] = {0}, again[TOKEN_TEXT_SIZE + 1] = {0};
    uint8_t hash[TOKEN_HASH_SIZE], other[TOKEN_HASH_SIZE];
    struct public_id invite = public_id_make(key, 1);
    token_make(key, &invite, text);
    assert_string_equal(text, "j5qhjtxp23s26x67h623yvs1mw");
    token_make(key, &invite, again);
    assert_string_equal(again, text);
    token_hash(slice_str(text), hash);
    text[0] = text[0] == 'a' ? 'b' : 'a';
    token_hash(slice_str(text), other);
    assert_memory_not_equal(hash, other, sizeof(hash));
}

static void
test_hashes_of_contacts_are_golden(void **state)
{
    (void)state;
    uint8_t hash[CONTACT_HASH_SIZE], other[CONTACT_HASH_SIZE];
    struct buf text = {0};
    contact_hash(key, slice_str("email"), slice_str("ann@ex.com"), hash);
    show_hex(&text, slice_of(hash, sizeof(hash)));
    assert_string_equal(shown(&text), "67b0b27efdb4cf311561ef46be6bdb57");
    contact_hash(key, slice_str("opaque"), slice_str("ann@ex.com"), other);
    assert_memory_not_equal(hash, other, sizeof(hash));
    /* The colon keeps kind and value apart. */
    contact_hash(key, slice_str("email:"), slice_str("ann@ex.com"), other);
    assert_memory_not_equal(hash, other, sizeof(hash));
    contact_hash((const uint8_t *)"another key, of thirty-two bytes", slice_str("email"),
                 slice_str("ann@ex.com"), other);
    assert_memory_not_equal(hash, other, sizeof(hash));
    buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_golden),
        cmocka_unit_test(test_base32_is_crockfords),
        cmocka_unit_test(test_what_is_no_id_is_not_parsed),
        cmocka_unit_test(test_tokens_are_golden),
        cmocka_unit_test(test_hashes_of_contacts_are_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
