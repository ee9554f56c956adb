/* Notes, made alike where they say the same. */
#include "words.h"

#include "core/text.h"

struct row {
    const char *note, *name, *normal;
    bool says_name;
};

static void
test_notes_are_normalised(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"hello", "", "hello", true}, /* without a name there is none to say */
        {"hello", "Bob", "hello", false},
        {"Hello Bob, how are you?", "Bob", "hello N how are you", true},
        {"HELLO BOB", "bob", "hello N", true},
        {"hello bobby", "Bob", "hello bobby", false},
        {"dear Ada Lovelace", "Ada Lovelace", "dear N N", true},
        {"dear Lovelace", "Ada Lovelace", "dear N", true},
        {"dear B", "B Smith", "dear b", false}, /* an initial is no name */
        {"dear Al", "Al", "dear N", true},
        {"hi bob!!!", "Bob", "hi N", true},
        {"hi   \n\t bob", "Bob", "hi N", true},
        {"h\xe2\x80\x8bi b\xc2\xado\xe2\x80\x8d"
         "b",
         "Bob", "hi N", true},                                 /* zero-width */
        {"\xef\xbc\xa8\xef\xbd\x89 bob", "Bob", "hi N", true}, /* full-width */
        {"Gr\xc3\xbc\xc3\x9f"
         "e",
         "", "gr\xc3\xbcsse", true},
        {"call 0176 5432", "", "call 0000 0000", true},
        {"room 7b", "", "room 0b", true},
        {"see https://ex.com/a?b=1 now", "", "see U now", true},
        {"see HTTP://EX.COM", "", "see U", true},
        {"www.ex.com", "", "U", true},
        {"www.", "", "www", true}, /* nothing behind it */
        {"http://", "", "http", true},
        {"httpx://ex", "", "httpx ex", true},
        {"a,b;c", "", "a b c", true},
        {"it's", "", "it s", true},
        {"... --- ...", "", "", true},
        {"", "", "", true},
        {" ", "Bob", "", false},
        {"\xe0\xa4\xa8\xe0\xa4\xae\xe0\xa4\xb8\xe0\xa5\x8d\xe0\xa4\xa4\xe0\xa5\x87", "",
         "\xe0\xa4\xa8\xe0\xa4\xae\xe0\xa4\xb8\xe0\xa5\x8d\xe0\xa4\xa4\xe0\xa5\x87",
         true}, /* marks belong to their word */
        {"\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82", "", "\xe4\xbd\xa0\xe5\xa5\xbd", true},
        {"\xe2\x85\xa7 \xc2\xbd", "", "viii 0 0", true}, /* a number in letters, and a half */
        {"say \xf0\x9f\x98\x80 cheese", "", "say cheese", true},
        {"bob", "...", "bob", false}, /* a name without words */
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = {0};
        bool says_name = false;
        assert_int_equal(
            text_note(slice_str(rows[i].note), slice_str(rows[i].name), &out, &says_name), KITH_OK);
        expect_text(rows[i].note, "normal form", rows[i].normal, shown(&out));
        expect_text(rows[i].note, "says the name", rows[i].says_name ? "yes" : "no",
                    says_name ? "yes" : "no");
        buf_fini(&out);
    }
    expect_rows();
}

/* What people change from one copy to the next does not make it another note. */
static void
test_copies_are_alike(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Hi Ann, I saw your talk in room 7!", "Ann Lee", "", true},
        {"hi  BOB. I saw your talk in room 9", "Bob", "", true},
        {"Hi\xe2\x80\x8b Cy - i saw YOUR talk; in room 1...", "Cy", "", true},
        {"Hi Dee, I saw your talk in\xc2\xa0room 4", "Dee", "", true},
    };
    struct buf first = {0};
    bool says_name;
    text_note(slice_str(rows[0].note), slice_str(rows[0].name), &first, &says_name);
    for (unsigned i = 1; i < ARRAY_COUNT(rows); i++) {
        struct buf other = {0};
        text_note(slice_str(rows[i].note), slice_str(rows[i].name), &other, &says_name);
        assert_true(slice_equal(buf_slice(&first), buf_slice(&other)));
        buf_fini(&other);
    }
    buf_fini(&first);
}

static void
test_a_failed_buffer_is_told(void **state)
{
    (void)state;
    struct buf out = {.failed = true};
    bool says_name;
    assert_int_equal(text_note(slice_str("hi"), slice_str("bob"), &out, &says_name),
                     KITH_UNAVAILABLE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes_are_normalised),
        cmocka_unit_test(test_copies_are_alike),
        cmocka_unit_test(test_a_failed_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
