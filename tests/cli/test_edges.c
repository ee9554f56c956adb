/* Lines of an edge list, and the pairs that are left of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clients/cli/src/edges.h"

#define LINE_SIZE 256

struct line_case {
    const char *first; /* decides what separates; NULL: the line is the first itself */
    const char *line;
    enum edge_line kind;
    const char *from, *to;
};

static const struct line_case cases[] = {
    {NULL, "a b", EDGE_LINE_PAIR, "a", "b"},
    {NULL, "  a \t b  ", EDGE_LINE_PAIR, "a", "b"},
    {NULL, "a b\r", EDGE_LINE_PAIR, "a", "b"},
    {NULL, "a b 0.5 2020", EDGE_LINE_PAIR, "a", "b"},
    {NULL, "a\tb c", EDGE_LINE_PAIR, "a", "b c"},
    {NULL, "a\tb", EDGE_LINE_PAIR, "a", "b"},
    {NULL, "x , y", EDGE_LINE_PAIR, "x", "y"},
    {NULL, "", EDGE_LINE_SKIP, NULL, NULL},
    {NULL, " \t\r", EDGE_LINE_SKIP, NULL, NULL},
    {NULL, "# a b", EDGE_LINE_SKIP, NULL, NULL},
    {NULL, "  % a b", EDGE_LINE_SKIP, NULL, NULL},
    {NULL, "from,to", EDGE_LINE_SKIP, NULL, NULL},
    {NULL, "A,B", EDGE_LINE_SKIP, NULL, NULL},
    {NULL, "source\ttarget", EDGE_LINE_SKIP, NULL, NULL},
    {NULL, "from to", EDGE_LINE_PAIR, "from", "to"},
    {NULL, "from,until", EDGE_LINE_PAIR, "from", "until"},
    {"id,target,source", "1,b,a", EDGE_LINE_PAIR, "a", "b"},
    {"id,target,source", "1,b", EDGE_LINE_BAD, NULL, NULL},
    {"x,y", "from,to", EDGE_LINE_PAIR, "from", "to"},
    {"x,y", "\"a,b\",\"c\"\"d\"", EDGE_LINE_PAIR, "a,b", "c\"d"},
    {"x,y", "\"a\" , \"b\" ", EDGE_LINE_PAIR, "a", "b"},
    {"x,y", "\"a,b", EDGE_LINE_BAD, NULL, NULL},
    {"x,y", "\"a\"b,c", EDGE_LINE_BAD, NULL, NULL},
    {"x,y", "a,", EDGE_LINE_BAD, NULL, NULL},
    {"x,y", ",b", EDGE_LINE_BAD, NULL, NULL},
    {"x,y", "a", EDGE_LINE_BAD, NULL, NULL},
    {"x y", "a,b c", EDGE_LINE_PAIR, "a,b", "c"},
    {"x y", "a", EDGE_LINE_BAD, NULL, NULL},
    {"x y", "a\x7f b", EDGE_LINE_BAD, NULL, NULL},
    {"x y", "\xc0\x80 b", EDGE_LINE_BAD, NULL, NULL},
    {"x y", "\xc3\xbc b", EDGE_LINE_PAIR, "\xc3\xbc", "b"},
};

static enum edge_line
parse(struct edge_format *format, const char *text, struct slice *from, struct slice *to)
{
    static char line[LINE_SIZE];
    const char *why = NULL;
    size_t size = strlen(text);
    assert_true(size < sizeof(line));
    memcpy(line, text, size);
    enum edge_line kind = edge_line_parse(format, line, size, from, to, &why);
    assert_true((kind == EDGE_LINE_BAD) == (why != NULL));
    return kind;
}

static void
lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct edge_format format;
        struct slice from, to;
        edge_format_init(&format, false);
        if (cases[i].first)
            parse(&format, cases[i].first, &from, &to);
        enum edge_line kind = parse(&format, cases[i].line, &from, &to);
        if (kind != cases[i].kind)
            fail_msg("case %zu: '%s' is %d", i, cases[i].line, (int)kind);
        if (kind == EDGE_LINE_PAIR) {
            assert_true(slice_is(from, cases[i].from));
            assert_true(slice_is(to, cases[i].to));
        }
    }
}

static void
add(struct edges *edges, const char *text)
{
    char line[LINE_SIZE];
    size_t size = strlen(text);
    memcpy(line, text, size);
    assert_true(edges_add_line(edges, line, size));
}

static void
pairs_are_unique_and_keep_their_direction(void **state)
{
    (void)state;
    struct edges edges = {.names = names_create()};
    static const char *const text[] = {"a b", "c a", "b a", "c c", "b c", "a b", "nonsense"};
    edge_format_init(&edges.format, false);
    for (size_t i = 0; i < ARRAY_COUNT(text); i++)
        add(&edges, text[i]);
    assert_int_equal(edges.count, 5);
    assert_true(edges_unique(&edges));
    assert_int_equal(edges.count, 3);
    assert_int_equal(edges.duplicate_count, 2);
    assert_int_equal(edges.self_count, 1);
    assert_int_equal(edges.bad_count, 1);
    assert_int_equal(edges.line_count, 7);
    assert_int_equal(edges.examples[0].line, 7);
    static const char *const from[] = {"a", "c", "b"}, *const to[] = {"b", "a", "c"};
    for (size_t i = 0; i < edges.count; i++) {
        assert_string_equal(names_at(edges.names, edge_from(edges.pairs[i])), from[i]);
        assert_string_equal(names_at(edges.names, edge_to(edges.pairs[i])), to[i]);
    }
    edges_fini(&edges);
}

/* Sorting by digits must be sorting, over all of them. */
static void
many_pairs_are_sorted(void **state)
{
    (void)state;
    struct edges edges = {.names = names_create()};
    uint64_t random = 1;
    edge_format_init(&edges.format, false);
    for (unsigned i = 0; i < 20000; i++) {
        char line[LINE_SIZE];
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int size = snprintf(line, sizeof(line), "m%u n%u", (unsigned)(random >> 40) % 5000,
                            (unsigned)(random >> 20) % 5000);
        assert_true(edges_add_line(&edges, line, (size_t)size));
    }
    assert_true(edges_unique(&edges));
    assert_int_equal(edges.count + edges.duplicate_count, 20000);
    for (size_t i = 1; i < edges.count; i++)
        assert_true(edges.pairs[i - 1] >> 1 < edges.pairs[i] >> 1);
    edges_fini(&edges);
}

static void
nothing_is_sorted_too(void **state)
{
    (void)state;
    struct edges edges = {.names = names_create()};
    assert_true(edges_unique(&edges));
    assert_int_equal(edges.count, 0);
    edges_fini(&edges);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(pairs_are_unique_and_keep_their_direction),
        cmocka_unit_test(many_pairs_are_sorted),
        cmocka_unit_test(nothing_is_sorted_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
