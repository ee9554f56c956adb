#include "edge_line.h"

#include <strings.h>

#include "base/assert.h"
#include "codec/check.h"
#include "proto/limits.h"

/* A line while it is cut into fields. */
struct cutting {
    char *at, *end;
    char separator;
    bool more; /* a field may follow, if only an empty one */
};

void
edge_format_init(struct edge_format *format, bool no_header)
{
    *format = (struct edge_format){.to = 1, .no_header = no_header};
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void
skip_blanks(struct cutting *cutting)
{
    while (cutting->at < cutting->end && is_blank(*cutting->at))
        cutting->at++;
}

/* Behind the opening quote: up to the closing one, two of them being one. In place. */
static bool
cut_quoted(struct cutting *cutting, struct slice *field)
{
    char *start = cutting->at, *to = start;
    while (cutting->at < cutting->end) {
        if (*cutting->at == '"') {
            cutting->at++;
            if (cutting->at == cutting->end || *cutting->at != '"') {
                *field = slice_of(start, (size_t)(to - start));
                return true;
            }
        }
        *to++ = *cutting->at++;
    }
    return false;
}

static bool
is_separator(const struct cutting *cutting)
{
    return cutting->separator == ' ' ? is_blank(*cutting->at) : *cutting->at == cutting->separator;
}

static void
cut_bare(struct cutting *cutting, struct slice *field)
{
    char *start = cutting->at;
    while (cutting->at < cutting->end && !is_separator(cutting))
        cutting->at++;
    char *stop = cutting->at;
    while (stop > start && is_blank(stop[-1]))
        stop--;
    *field = slice_of(start, (size_t)(stop - start));
}

/* The next field; false where there is none, or its quotes do not end. */
static bool
cut(struct cutting *cutting, struct slice *field)
{
    if (!cutting->more)
        return false;
    skip_blanks(cutting);
    bool quoted = cutting->separator != ' ' && cutting->at < cutting->end && *cutting->at == '"';
    if (quoted) {
        cutting->at++;
        if (!cut_quoted(cutting, field))
            return false;
        skip_blanks(cutting);
    } else {
        cut_bare(cutting, field);
    }
    if (cutting->separator == ' ')
        skip_blanks(cutting);
    cutting->more = cutting->at < cutting->end;
    if (cutting->more && cutting->separator != ' ') {
        if (!is_separator(cutting))
            return false; /* text behind the closing quote */
        cutting->at++;
    }
    return true;
}

static bool
is_word(struct slice field, const char *word)
{
    return field.size == strlen(word) &&
           strncasecmp((const char *)field.data, word, field.size) == 0;
}

/* Does this first line name its columns? The pairs of names that do. */
static bool
read_header(struct edge_format *format, const char *line, size_t size)
{
    static const char *const pairs[][2] = {{"from", "to"}, {"source", "target"},
                                           {"a", "b"},     {"member", "other"},
                                           {"src", "dst"}, {"user1", "user2"}};
    char copy[4096]; /* cutting takes quotes out; a longer line is no header */
    if (format->no_header || format->separator == ' ' || size > sizeof(copy))
        return false;
    for (size_t p = 0; p < ARRAY_COUNT(pairs); p++) {
        /* "a" and a tab and "b" is rather a pair; only CSV has the habit of headers. */
        if (format->separator == '\t' && pairs[p][0][1] == 0)
            continue;
        memcpy(copy, line, size);
        struct cutting cutting = {copy, copy + size, format->separator, true};
        struct slice field;
        bool from = false, to = false;
        unsigned from_column = 0, to_column = 0;
        for (unsigned column = 0; cut(&cutting, &field); column++) {
            if (!from && is_word(field, pairs[p][0])) {
                from = true;
                from_column = column;
            } else if (!to && is_word(field, pairs[p][1])) {
                to = true;
                to_column = column;
            }
        }
        if (from && to) {
            format->from = from_column;
            format->to = to_column;
            return true;
        }
    }
    return false;
}

static const char *
check_member(struct slice member)
{
    if (member.size == 0)
        return "a member is missing";
    if (member.size > KITH_MEMBER_SIZE_MAX)
        return "a member's id is longer than 64 bytes";
    for (size_t i = 0; i < member.size; i++)
        if (member.data[i] < 0x20 || member.data[i] == 0x7f)
            return "a control character";
    if (!check_utf8(member))
        return "not UTF-8";
    return NULL;
}

static enum edge_line
parse_fields(const struct edge_format *format, char *line, size_t size, struct slice *from,
             struct slice *to, const char **why)
{
    struct cutting cutting = {line, line + size, format->separator, true};
    unsigned last = format->from > format->to ? format->from : format->to;
    for (unsigned column = 0; column <= last; column++) {
        struct slice field;
        if (!cut(&cutting, &field)) {
            *why = cutting.more ? "quotes do not match" : "a member is missing";
            return EDGE_LINE_BAD;
        }
        if (column == format->from)
            *from = field;
        if (column == format->to)
            *to = field;
    }
    *why = check_member(*from);
    if (!*why)
        *why = check_member(*to);
    return *why ? EDGE_LINE_BAD : EDGE_LINE_PAIR;
}

enum edge_line
edge_line_parse(struct edge_format *format, char *line, size_t size, struct slice *from,
                struct slice *to, const char **why)
{
    assert(format->from != format->to);
    while (size > 0 && (is_blank(line[size - 1]) || line[size - 1] == '\r'))
        size--;
    while (size > 0 && is_blank(*line)) {
        line++;
        size--;
    }
    if (size == 0 || *line == '#' || *line == '%')
        return EDGE_LINE_SKIP;
    if (format->separator == 0) {
        format->separator = memchr(line, ',', size) ? ',' : memchr(line, '\t', size) ? '\t' : ' ';
        if (read_header(format, line, size))
            return EDGE_LINE_SKIP;
    }
    return parse_fields(format, line, size, from, to, why);
}
