/* Contacts in their normal form, and how long a text is. */
#include "words.h"

#include "core/text.h"
#include "proto/limits.h"

struct row {
    const char *kind, *value, *normal; /* NULL: bad_contact */
};

static void
run(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct buf out = {0};
        enum kith_err err = text_contact(slice_str(rows[i].kind), slice_str(rows[i].value), &out);
        assert_true(err == KITH_OK || err == KITH_BAD_CONTACT);
        if (err != KITH_OK)
            buf_clear(&out);
        expect_text(rows[i].value, rows[i].kind, rows[i].normal ? rows[i].normal : "(bad)",
                    err == KITH_OK ? shown(&out) : "(bad)");
        buf_fini(&out);
    }
    expect_rows();
}

#define RUN(rows) run(rows, ARRAY_COUNT(rows))

#define LOCAL_64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LABEL_63 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"

static void
test_mail_addresses(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"email", "ann@ex.com", "ann@ex.com"},
        {"email", "Ann@Ex.com ", "ann@ex.com"},
        {"email", "\t\r\n ANN@EX.COM\n", "ann@ex.com"},
        {"email", "ann+x@ex.com", "ann+x@ex.com"}, /* two people may differ in these */
        {"email", "a.n.n@ex.com", "a.n.n@ex.com"},
        {"email", "ann@ex.com.", "ann@ex.com."},
        {"email", "ann@\xc2\xad", NULL}, /* nothing is left of a soft hyphen */
        {"email",
         "ann@b\xc3\xbc"
         "cher.example",
         "ann@xn--bcher-kva.example"},
        {"email",
         "ann@B\xc3\x9c"
         "CHER.example",
         "ann@xn--bcher-kva.example"},
        {"email", "\xc3\x84nn@ex.com", "\xc3\xa4nn@ex.com"},
        {"email", "\xef\xbd\x81nn@ex.com", "ann@ex.com"}, /* a full-width letter */
        {"email",
         "ann@stra\xc3\x9f"
         "e.example",
         "ann@xn--strae-oqa.example"}, /* not strasse */
        {"email",
         "stra\xc3\x9f"
         "e@ex.com",
         "stra\xc3\x9f"
         "e@ex.com"},
        {"email", "\xe2\x84\x8b@ex.com", "h@ex.com"}, /* a capital only once it is taken apart */
        {"email", LOCAL_64 "@ex.com", LOCAL_64 "@ex.com"},
        {"email", "x" LOCAL_64 "@ex.com", NULL},
        {"email", "ann@" LABEL_63 ".com", "ann@" LABEL_63 ".com"},
        {"email", "ann@y" LABEL_63 ".com", NULL},
        {"email", "ann", NULL},
        {"email", "", NULL},
        {"email", "   ", NULL},
        {"email", "@ex.com", NULL},
        {"email", "ann@", NULL},
        {"email", "ann@@ex.com", NULL},
        {"email", "a@b@ex.com", NULL},
        {"email", "an n@ex.com", NULL},
        {"email", "an\x7fn@ex.com", NULL},
        {"email", "ann@ex com", NULL},
        {"email", "ann@ex_am.ple", NULL}, /* no name of a host */
        {"email",
         "ann@ex\xe2\x89\xa0"
         "am.ple",
         "ann@xn--exam-6n9a.ple"}, /* none is left out */
        {"email", "ann@ex/am.ple", NULL},
        {"email", "ann@.com", NULL},
        {"email", "ann@ex..com", NULL},
        {"email", "ann@" LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63, NULL},
    };
    RUN(rows);
}

static void
test_phone_numbers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"phone", "+4930123456", "+4930123456"},
        {"phone", " +49 (30) 123-45.6/7 ", "+49301234567"},
        {"phone", "+1234567", "+1234567"},
        {"phone", "+123456", NULL},
        {"phone", "+123456789012345", "+123456789012345"},
        {"phone", "+1234567890123456", NULL},
        {"phone", "+0301234567", NULL}, /* no country begins with it */
        {"phone", "030123456", NULL},   /* without its country it is not one address */
        {"phone", "4930123456", NULL},
        {"phone", "+49301234x6", NULL},
        {"phone", "+49+30123456", NULL},
        {"phone", "+493012345:", NULL},
        {"phone", "+", NULL},
        {"phone", "", NULL},
        {"phone", "  ", NULL},
    };
    RUN(rows);
    struct buf out = {0};
    assert_int_equal(text_contact(slice_str("phone"),
                                  slice_of("+4930\0"
                                           "123456",
                                           12),
                                  &out),
                     KITH_BAD_CONTACT);
    buf_fini(&out);
}

static void
test_opaque_contacts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"opaque", "@ann", "@ann"},
        {"opaque", "  Ann 7 ", "Ann 7"}, /* its case is its own */
        {"opaque", "\xef\xbc\xa1nn", "Ann"},
        {"opaque", "", NULL},
        {"opaque", " \t\r\n", NULL},
        {"opaque", "a\xef\xbf\xbf", NULL}, /* no character */
        {"opaque", "a\xcd\xb8", NULL}, /* not assigned yet: it may come to mean something else */
    };
    RUN(rows);
}

/* What stands in the buffer stays there. */
static void
test_the_normal_form_is_appended(void **state)
{
    (void)state;
    struct buf out = {0};
    buf_append(&out, "email:", 6);
    assert_int_equal(text_contact(slice_str("email"), slice_str("A@B.example"), &out), KITH_OK);
    assert_string_equal(shown(&out), "email:a@b.example");
    buf_clear(&out);
    buf_append(&out, "phone:", 6);
    assert_int_equal(text_contact(slice_str("phone"), slice_str("+1 234 567"), &out), KITH_OK);
    assert_string_equal(shown(&out), "phone:+1234567");
    buf_clear(&out);
    buf_append(&out, "x", 1);
    assert_int_equal(text_contact(slice_str("opaque"), slice_str(" "), &out), KITH_BAD_CONTACT);
    buf_fini(&out);
}

static void
test_a_failed_buffer_is_no_bad_contact(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"email", "ann@ex.com", NULL}, {"phone", "+4930123456", NULL}, {"opaque", "x", NULL}};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = {.failed = true};
        assert_int_equal(text_contact(slice_str(rows[i].kind), slice_str(rows[i].value), &out),
                         KITH_UNAVAILABLE);
    }
}

/* --- length ---------------------------------------------------------------------------------- */

static void
test_length_is_in_code_points_after_nfc(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } rows[] = {
        {"", 0},
        {"hello", 5},
        {"h\xc3\xa9llo", 5},
        {"he\xcc\x81llo", 5},                                /* composed: one */
        {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac", 3}, /* a woman, a joiner, a microscope */
        {"\xe2\x84\xab", 1},
        {"\xef\xac\x81", 1}, /* a ligature is not taken apart: NFC, not NFKC */
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(text_length(slice_str(rows[i].text)), rows[i].length);
}

/* The longest note of what grows most when it is taken apart. */
static void
test_the_longest_note_has_a_length(void **state)
{
    (void)state;
    static char text[KITH_NOTE_SIZE_MAX];
    for (size_t i = 0; i + 3 <= sizeof(text); i += 3)
        memcpy(text + i, "\xe1\xbe\x82", 3); /* U+1F82: four code points in NFD */
    size_t size = sizeof(text) / 3 * 3;
    assert_int_equal(text_length(slice_of(text, size)), size / 3);
    memset(text, 'x', sizeof(text));
    text[0] = '\xc3';
    text[1] = '\xa9';
    assert_int_equal(text_length(slice_of(text, sizeof(text))), sizeof(text) - 1);
}

/* --- names ------------------------------------------------------------------------------------ */

static void
test_names_for_strangers(void **state)
{
    (void)state;
#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    static const struct {
        const char *name, *shown;
    } rows[] = {
        {"", ""},
        {"Ada", "Ada"},
        {"  Ada   Lovelace ", "Ada Lovelace"},
        {"J.R. Ewing", "J.R. Ewing"},
        {"Ada spam.example", "Ada"},
        {"Ada a.b", "Ada a.b"}, /* one letter is no domain */
        {"Ada 1.2.3", "Ada 1.2.3"},
        {"Ada a.1b", "Ada a.1b"},
        {"Ada a.b1", "Ada a.b1"},
        {"Ada a.{b", "Ada a.{b"},
        {"Ada a.BC", "Ada"},
        {"Ada ...abc", "Ada ...abc"}, /* nothing stands before the last dot */
        {"Ada ..", "Ada .."},
        {"Ada .com", "Ada .com"},
        {"http://x", ""},
        {"Ada a:// ://", "Ada"},
        {"Ada ://", "Ada"},
        {"Ada ada@ex", "Ada"},
        {X32 X32, X32 X32},
        {X32 X32 "y", X32 X32},
        {X32 X32 " y", X32 X32},
        {X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xc3\xbcy",
         X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xc3\xbc"},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = {0};
        text_name(slice_str(rows[i].name), &out);
        expect_text(rows[i].name, "shown as", rows[i].shown, shown(&out));
        buf_fini(&out);
    }
    expect_rows();
}

/* One letter that normalises to many: the domain is longer than any. */
static void
test_a_domain_that_grows(void **state)
{
    (void)state;
    struct buf value = {0}, out = {0};
    buf_append(&value, "a@", 2);
    for (unsigned i = 0; i < 100; i++)
        buf_append(&value, "\xef\xb7\xba", 3);
    assert_int_equal(text_contact(slice_str("email"), buf_slice(&value), &out), KITH_BAD_CONTACT);
    buf_fini(&value);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_addresses),
        cmocka_unit_test(test_names_for_strangers),
        cmocka_unit_test(test_a_domain_that_grows),
        cmocka_unit_test(test_phone_numbers),
        cmocka_unit_test(test_opaque_contacts),
        cmocka_unit_test(test_the_normal_form_is_appended),
        cmocka_unit_test(test_a_failed_buffer_is_no_bad_contact),
        cmocka_unit_test(test_length_is_in_code_points_after_nfc),
        cmocka_unit_test(test_the_longest_note_has_a_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
