/* edge_line.h: two members from one line of an edge list.
 *
 *     ada bob              blanks or a tab; what stands behind the second is left alone
 *     # a comment          also %
 *     source,target,since  a first line of CSV that names its columns: from,to - source,target -
 * a,b "ada",bob            CSV, with quotes where needed
 *
 * The first line that is no comment decides for the whole file what separates.
 */
#ifndef CLI_EDGE_LINE_H
#define CLI_EDGE_LINE_H

#include "base/types.h"

struct edge_format {
    char separator;    /* 0: not seen yet; ' ' stands for blanks and tabs */
    unsigned from, to; /* columns, counted from 0 */
    bool no_header;    /* the first line is data, whatever it looks like */
};

enum edge_line {
    EDGE_LINE_SKIP, /* empty, a comment, the header */
    EDGE_LINE_PAIR,
    EDGE_LINE_BAD
};

void edge_format_init(struct edge_format *format, bool no_header);

/* Look at @line (borrowed; without its newline; quotes are taken out in place). With _PAIR, @from
 * and @to are slices of it; with _BAD, @why is a constant text. */
enum edge_line edge_line_parse(struct edge_format *format, char *line, size_t size,
                               struct slice *from, struct slice *to, const char **why);

#endif
