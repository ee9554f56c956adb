/* Keys, times, JSON read in, and text made harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "clients/cli/src/import_key.h"
#include "clients/cli/src/json_read.h"
#include "clients/cli/src/json_write.h"
#include "clients/cli/src/text.h"
#include "clients/cli/src/when.h"

static const char *
key_of(const char *salt, const char *what, const char *a, const char *b)
{
    static char id[2][IMPORT_KEY_SIZE];
    static unsigned turn;
    struct import_key key = import_key_begin(salt, what);
    import_key_put(import_key_add(import_key_add(key, a), b), id[++turn % 2]);
    return id[turn % 2];
}

/* The first is written out: a key must stay the same over versions and machines, or an import that
 * was interrupted by an upgrade would begin anew. */
static void
keys_are_made_of_content(void **state)
{
    (void)state;
    assert_string_equal(key_of("", "connection.request", "ada", "bob"),
                        "imp-9c3f226823a972072eb009e4ae40140d");
    assert_string_equal(key_of("s", "w", "a", "b"), key_of("s", "w", "a", "b"));
    assert_string_not_equal(key_of("", "w", "a", "b"), key_of("", "w", "b", "a"));
    assert_string_not_equal(key_of("", "w", "ab", "c"), key_of("", "w", "a", "bc"));
    assert_string_not_equal(key_of("", "w", "a", "b"), key_of("s", "w", "a", "b"));
    assert_string_not_equal(key_of("", "w", "a", "b"), key_of("", "v", "a", "b"));
}

static void
durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t unit_ms;
        bool good;
        uint64_t ms;
    } cases[] = {
        {"500", 1, true, 500},       {"500ms", 1, true, 500},    {"2s", 1, true, 2000},
        {"1.5s", 1, true, 1500},     {"10", 1000, true, 10000},  {"0.25", 1000, true, 250},
        {"3 d", 1, true, 259200000}, {"1w", 1, true, 604800000}, {"0", 1, true, 0},
        {"2h", 0, true, 7200000},    {"2", 0, false, 0},         {"", 1, false, 0},
        {"-1s", 1, false, 0},        {"s", 1, false, 0},         {"5 parsecs", 1, false, 0},
        {"1e300s", 1, false, 0},     {"nan", 1, false, 0},       {"inf", 1, false, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint64_t ms = 0;
        if (when_parse_duration(cases[i].text, cases[i].unit_ms, &ms) != cases[i].good ||
            ms != cases[i].ms)
            fail_msg("'%s' is %llu", cases[i].text, (unsigned long long)ms);
    }
}

static void
instants(void **state)
{
    (void)state;
    const msec_t now = 1700000000000, hour = 3600000;
    const struct {
        const char *text;
        bool future, good;
        msec_t ms;
    } cases[] = {
        {"now", false, true, now},
        {"1714564800123", false, true, 1714564800123},
        {"0", false, true, 0},
        {"2024-05-01T12:00:00Z", false, true, 1714564800000},
        {"2024-05-01 12:00", false, true, 1714564800000},
        {"2024-05-01", false, true, 1714521600000},
        {"2024-05-01T12:00:00.5Z", false, true, 1714564800500},
        {"2024-05-01T12:00:00.123456Z", false, true, 1714564800123},
        {"2024-05-01T14:00:00+02:00", false, true, 1714564800000},
        {"2024-05-01T06:30-05:30", false, true, 1714564800000},
        {"2h", false, true, now - 2 * hour},
        {"2h", true, true, now + 2 * hour},
        {"-2h", true, true, now - 2 * hour},
        {"+2h", false, true, now + 2 * hour},
        {"2h ago", true, true, now - 2 * hour},
        {"2024-13-01", false, false, 0},
        {"2024-05-01T25:00", false, false, 0},
        {"2024-05-01T12:00:00+2", false, false, 0},
        {"2024-05-01x", false, false, 0},
        {"", false, false, 0},
        {"yesterday", false, false, 0},
        {"99999999999999999999", false, false, 0},
    };
    setenv("TZ", "UTC", 1);
    tzset();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        msec_t ms = 0;
        if (when_parse(cases[i].text, now, cases[i].future, &ms) != cases[i].good ||
            ms != cases[i].ms)
            fail_msg("'%s' is %lld", cases[i].text, (long long)ms);
    }
}

static void
json_read_to_msgpack(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes;
        size_t size;
    } cases[] = {
        {"0", "\x00", 1},
        {" -1 ", "\xff", 1},
        {"18446744073709551615", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9},
        {"-9223372036854775808", "\xd3\x80\0\0\0\0\0\0\0", 9},
        {"18446744073709551616", "\xcb\x43\xf0\0\0\0\0\0\0", 9},
        {"1.5", "\xcb\x3f\xf8\0\0\0\0\0\0", 9},
        {"-2e-1", "\xcb\xbf\xc9\x99\x99\x99\x99\x99\x9a", 9},
        {"true", "\xc3", 1},
        {"null", "\xc0", 1},
        {"\"\"", "\xa0", 1},
        {"\"\\u00fc\\ud83d\\ude00\\/\"", "\xa7\xc3\xbc\xf0\x9f\x98\x80/", 8},
        {"[1, []]", "\xdd\0\0\0\x02\x01\xdd\0\0\0\0", 11},
        {"{\"a\" : {}}",
         "\xdf\0\0\0\x01\xa1"
         "a\xdf\0\0\0\0",
         12},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};
        size_t offset = 0;
        assert_null(json_read(cases[i].text, &out, &offset));
        assert_int_equal(out.size, cases[i].size);
        assert_memory_equal(out.data, cases[i].bytes, cases[i].size);
        buf_fini(&out);
    }
}

static void
json_that_is_none(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        " ",
        "[",
        "[1",
        "[1,]",
        "{",
        "{\"a\"}",
        "{a:1}",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "tru",
        "\"a",
        "\"\n\"",
        "\"\\q\"",
        "\"\\u12\"",
        "\"\\udc00\"",
        "\"\\ud800x\"",
        "\"\xff\"",
        "1 2",
        "[1}",
        "nan",
        "'a'",
        "\"\\ud800\\u0041\"",
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};
        size_t offset = 0;
        if (!json_read(cases[i], &out, &offset))
            fail_msg("'%s' was taken", cases[i]);
        assert_true(offset <= strlen(cases[i]));
        buf_fini(&out);
    }
}

static void
terminals_are_safe(void **state)
{
    (void)state;
    struct buf out = {0};
    static const char hostile[] = "a\x1b[2J\n\xc2\x9b\xe2\x80\xae\xff\xc3\xbc";
    text_put(&out, hostile, sizeof(hostile) - 1);
    buf_append(&out, "", 1);
    assert_string_equal((const char *)out.data, "a\\x1b[2J\\n\\x9b\\u202e\\xff\xc3\xbc");
    buf_fini(&out);
}

static void
floats_read_back(void **state)
{
    (void)state;
    static const double cases[] = {0, 0.1, 1.0 / 3, 1e300, -2.5, 5e-324, 123456789.125, 1e15};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};
        json_put_float(&out, cases[i]);
        buf_append(&out, "", 1);
        assert_true(strtod((const char *)out.data, NULL) == cases[i]);
        assert_non_null(strpbrk((const char *)out.data, ".e"));
        buf_fini(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_made_of_content),
        cmocka_unit_test(durations),
        cmocka_unit_test(instants),
        cmocka_unit_test(json_read_to_msgpack),
        cmocka_unit_test(json_that_is_none),
        cmocka_unit_test(terminals_are_safe),
        cmocka_unit_test(floats_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
