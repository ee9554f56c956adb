#include "literal.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/assert.h"
#include "core/settings.h"

#define DEPTH_MAX 16 /* no message nests deeper */

struct scan {
    const char *at, *end;
    struct pool *pool;
    const char *wrong; /* sticky */
    unsigned depth;
};

static void
fail(struct scan *scan, const char *wrong)
{
    if (!scan->wrong)
        scan->wrong = wrong;
    scan->at = scan->end;
}

static char
peek(const struct scan *scan)
{
    return scan->at < scan->end ? *scan->at : '\0';
}

static void
skip_space(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t'))
        scan->at++;
}

static bool
is_delimiter(char c)
{
    return c == '\0' || c == ' ' || c == '\t' || c == ']' || c == '}' || c == '[' || c == '{';
}

static bool
is_name(char c)
{
    return islower((unsigned char)c) || isdigit((unsigned char)c) || c == '_';
}

static struct slice
between(const char *from, const char *to)
{
    return slice_of(from, (size_t)(to - from));
}

static struct literal *
make(struct scan *scan, enum literal_kind kind)
{
    struct literal *literal = pool_alloc(scan->pool, sizeof(*literal));
    literal->kind = kind;
    literal->times = 1;
    return literal;
}

/* --- numbers and instants ------------------------------------------------------------------ */

static const struct {
    const char *name;
    int64_t ms;
} units[] = {
    {"ms", 1}, {"s", SECOND_MS}, {"m", MINUTE_MS}, {"h", HOUR_MS}, {"d", DAY_MS},
};

static bool
take_unit(const char **at, const char *end, int64_t *factor)
{
    const char *word = *at;
    while (*at < end && islower((unsigned char)**at))
        ++*at;
    *factor = 1;
    if (*at == word)
        return true;
    for (unsigned i = 0; i < ARRAY_COUNT(units); i++)
        if (slice_is(between(word, *at), units[i].name)) {
            *factor = units[i].ms;
            return true;
        }
    return false;
}

/* A sum of numbers with units that fills all of the word; each but the first has its sign. */
static bool
take_sum(const char *at, const char *end, int64_t *sum)
{
    *sum = 0;
    if (at == end)
        return false;
    while (at < end) {
        char *after;
        int64_t factor;
        bool signed_word = *at == '-' || *at == '+';
        if (!isdigit((unsigned char)at[signed_word]) || at + signed_word == end)
            return false;
        long long number = strtoll(at, &after, 10);
        at = after;
        if (!take_unit(&at, end, &factor))
            return false;
        *sum += number * factor;
        if (at < end && *at != '-' && *at != '+')
            return false;
    }
    return true;
}

/* --- words ---------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    enum literal_kind kind;
    int64_t number;
} keywords[] = {
    {"nil", LITERAL_NIL, 0},
    {"true", LITERAL_BOOL, 1},
    {"false", LITERAL_BOOL, 0},
    {"*", LITERAL_ANY, 0},
};

static const struct {
    const char *word;
    enum literal_kind kind;
} instants[] = {
    {"now", LITERAL_NOW},
    {"next_month", LITERAL_NEXT_MONTH},
};

/* A name that something may be added to, as in now+1d or $since-1ms. */
static bool
take_sum_of(struct scan *scan, const char *name_end, const char *end, struct literal *out)
{
    if (name_end < end && *name_end != '+' && *name_end != '-')
        return false;
    if (name_end < end && !take_sum(name_end, end, &out->number))
        fail(scan, "a sum is of numbers with units, as in now+1d-1ms");
    return true;
}

static struct literal *
read_instant(struct scan *scan, const char *start, const char *end)
{
    const char *name_end = start;
    while (name_end < end && is_name(*name_end))
        name_end++;
    for (unsigned i = 0; i < ARRAY_COUNT(instants); i++)
        if (slice_is(between(start, name_end), instants[i].word)) {
            struct literal *literal = make(scan, instants[i].kind);
            return take_sum_of(scan, name_end, end, literal) ? literal : NULL;
        }
    return NULL;
}

/* $name or ?name as a whole word. A word that only has $name in it is text. */
static struct literal *
read_kept(struct scan *scan, const char *start, const char *end)
{
    const char *name_end = start + 1;
    while (name_end < end && is_name(*name_end))
        name_end++;
    if (name_end == start + 1)
        return NULL;
    struct literal *literal = make(scan, *start == '$' ? LITERAL_USE : LITERAL_KEEP);
    literal->text = between(start + 1, name_end);
    if (*start == '$')
        return take_sum_of(scan, name_end, end, literal) ? literal : NULL;
    return name_end == end ? literal : NULL;
}

static struct literal *
read_word(struct scan *scan)
{
    const char *start = scan->at;
    int64_t number;
    struct literal *literal = NULL;
    while (!is_delimiter(peek(scan)))
        scan->at++;
    if (scan->at == start) {
        fail(scan, "a value is missing");
        return make(scan, LITERAL_NIL);
    }
    for (unsigned i = 0; i < ARRAY_COUNT(keywords); i++)
        if (slice_is(between(start, scan->at), keywords[i].word)) {
            literal = make(scan, keywords[i].kind);
            literal->number = keywords[i].number;
            return literal;
        }
    if (*start == '$' || *start == '?')
        literal = read_kept(scan, start, scan->at);
    else if (*start != '+' && take_sum(start, scan->at, &number)) {
        literal = make(scan, LITERAL_INT);
        literal->number = number;
    } else {
        literal = read_instant(scan, start, scan->at);
    }
    if (!literal) {
        literal = make(scan, LITERAL_TEXT);
        literal->text = between(start, scan->at);
    }
    return literal;
}

/* --- quoted text ---------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What follows a backslash. \$ stays as it is until the text is filled in. */
static void
read_escape(struct scan *scan, char *out, size_t *size)
{
    char c = peek(scan);
    scan->at++;
    if (c == 'n') {
        out[(*size)++] = '\n';
    } else if (c == '$') {
        out[(*size)++] = '\\';
        out[(*size)++] = '$';
    } else if (c == 'x' && scan->end - scan->at >= 2 && hex_digit(scan->at[0]) >= 0 &&
               hex_digit(scan->at[1]) >= 0) {
        out[(*size)++] = (char)(hex_digit(scan->at[0]) << 4 | hex_digit(scan->at[1]));
        scan->at += 2;
    } else if (c == '\'' || c == '\\') {
        out[(*size)++] = c;
    } else {
        fail(scan, "after \\ comes one of ' \\ n $ or x and two hex digits");
    }
}

/* How often: a number, or the name of one. */
static void
read_times(struct scan *scan, struct literal *literal)
{
    const char *start = ++scan->at;
    if (peek(scan) == '$') {
        start = ++scan->at;
        while (is_name(peek(scan)))
            scan->at++;
        literal->times_of = between(start, scan->at);
    } else {
        char *after;
        literal->times = (unsigned)strtoul(start, &after, 10);
        scan->at = after;
    }
    if (scan->at == start)
        fail(scan, "after 'text'* comes how often");
}

static struct literal *
read_quoted(struct scan *scan)
{
    struct literal *literal = make(scan, LITERAL_TEXT);
    char *out = pool_alloc(scan->pool, (size_t)(scan->end - scan->at) + 1);
    size_t size = 0;
    assert(peek(scan) == '\'');
    scan->at++;
    while (scan->at < scan->end && *scan->at != '\'') {
        if (*scan->at++ == '\\')
            read_escape(scan, out, &size);
        else
            out[size++] = scan->at[-1];
    }
    if (scan->at >= scan->end)
        fail(scan, "the closing ' is missing");
    else
        scan->at++;
    literal->text = slice_of(out, size);
    if (peek(scan) == '*')
        read_times(scan, literal);
    return literal;
}

/* --- values and fields ---------------------------------------------------------------------- */

static struct literal *read_value(struct scan *scan);

static void
append(struct literal *list, struct literal *element)
{
    struct literal **at = &list->first;
    while (*at)
        at = &(*at)->next;
    *at = element;
    list->count++;
}

static const struct {
    const char *text;
    enum literal_compare compare;
} compares[] = {
    {"!=", COMPARE_UNEQUAL}, {"<=", COMPARE_AT_MOST}, {">=", COMPARE_AT_LEAST},
    {"!~", COMPARE_HAS_NOT}, {"=", COMPARE_EQUAL},    {"<", COMPARE_LESS},
    {">", COMPARE_MORE},     {"~", COMPARE_HAS},
};

/* The operator behind a path, which is then skipped; false if what stands here is no field. */
static bool
read_path(struct scan *scan, struct slice *path, bool *outside, enum literal_compare *compare)
{
    const char *start = scan->at;
    *outside = peek(scan) == '@';
    const char *name = start + *outside, *end = name;
    while (end < scan->end && (is_name(*end) || *end == '.' || isupper((unsigned char)*end)))
        end++;
    for (unsigned i = 0; end > name && i < ARRAY_COUNT(compares); i++) {
        size_t size = strlen(compares[i].text);
        if ((size_t)(scan->end - end) >= size && memcmp(end, compares[i].text, size) == 0) {
            *path = between(name, end);
            *compare = compares[i].compare;
            scan->at = end + size;
            return true;
        }
    }
    return false;
}

/* NAME OPERATOR VALUE, or !NAME; NULL if what stands here is neither. */
static struct literal *
read_field(struct scan *scan)
{
    const char *start = scan->at;
    struct slice path;
    bool outside;
    enum literal_compare compare;
    struct literal *field;

    if (peek(scan) == '!') {
        const char *name = ++scan->at;
        while (!is_delimiter(peek(scan)))
            scan->at++;
        field = make(scan, LITERAL_ANY);
        field->path = between(name, scan->at);
        field->compare = COMPARE_ABSENT;
    } else if (read_path(scan, &path, &outside, &compare)) {
        field = read_value(scan);
        field->path = path;
        field->outside = outside;
        field->compare = compare;
    } else {
        return NULL;
    }
    field->source = between(start, scan->at);
    return field;
}

static struct literal *
read_array(struct scan *scan)
{
    struct literal *array = make(scan, LITERAL_ARRAY);
    scan->at++;
    for (skip_space(scan); peek(scan) != ']' && !scan->wrong; skip_space(scan)) {
        if (scan->at == scan->end) {
            fail(scan, "the closing ] is missing");
        } else if (scan->end - scan->at >= 3 && memcmp(scan->at, "...", 3) == 0) {
            array->open = true;
            scan->at += 3;
        } else {
            append(array, read_value(scan));
        }
    }
    scan->at += !scan->wrong;
    return array;
}

static struct literal *
read_map(struct scan *scan)
{
    struct literal *map = make(scan, LITERAL_MAP);
    scan->at++;
    for (skip_space(scan); peek(scan) != '}' && !scan->wrong; skip_space(scan)) {
        struct literal *field = scan->at < scan->end ? read_field(scan) : NULL;
        if (field)
            append(map, field);
        else if (scan->at < scan->end && literal_is(read_word(scan), "only"))
            map->only = true;
        else
            fail(scan, "a map holds fields, NAME=VALUE, and ends with }");
    }
    scan->at += !scan->wrong;
    return map;
}

static struct literal *
read_value(struct scan *scan)
{
    const char *start = scan->at;
    struct literal *value;
    if (++scan->depth > DEPTH_MAX) {
        fail(scan, "too deep");
        value = make(scan, LITERAL_NIL);
    } else if (peek(scan) == '\'') {
        value = read_quoted(scan);
    } else if (peek(scan) == '[') {
        value = read_array(scan);
    } else if (peek(scan) == '{') {
        value = read_map(scan);
    } else {
        value = read_word(scan);
    }
    scan->depth--;
    value->source = between(start, scan->at);
    return value;
}

const char *
literal_parse_line(struct slice line, struct pool *pool, struct literal **words,
                   struct literal **fields)
{
    struct scan scan = {.at = (const char *)line.data, .pool = pool};
    scan.end = scan.at + line.size;
    *words = make(&scan, LITERAL_ARRAY);
    *fields = make(&scan, LITERAL_MAP);
    for (skip_space(&scan); scan.at < scan.end; skip_space(&scan)) {
        struct literal *field = read_field(&scan);
        struct literal *word = field ? NULL : read_value(&scan);
        if (field)
            append(*fields, field);
        else if (literal_is(word, "only"))
            (*fields)->only = true;
        else
            append(*words, word);
        if (scan.at < scan.end && !is_delimiter(peek(&scan)))
            fail(&scan, "values are separated by spaces");
        if (peek(&scan) == ']' || peek(&scan) == '}')
            fail(&scan, "a bracket that was not opened");
    }
    return scan.wrong;
}

bool
literal_is(const struct literal *literal, const char *text)
{
    return literal && literal->kind == LITERAL_TEXT && slice_is(literal->text, text);
}
