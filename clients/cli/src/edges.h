/* edges.h: an edge list in memory: members by number, pairs sorted, each once.
 *
 * Blocking: reads the file. Memory: 8 bytes a pair (16 while sorting) and the names.
 */
#ifndef CLI_EDGES_H
#define CLI_EDGES_H

#include "base/fault.h"
#include "edge_line.h"
#include "names.h"

#define EDGES_LINE_SIZE_MAX (64 * 1024) /* a longer line is no pair of members, and is skipped */
#define EDGES_EXAMPLES_MAX  5           /* bad lines told one by one */

struct edges {
    struct names *names;
    uint64_t *pairs; /* see edge_from() */
    size_t count, capacity;
    struct edge_format format;
    uint64_t line_count, self_count, duplicate_count, bad_count;
    struct edges_example {
        uint64_t line;
        const char *why;            /* constant text */
    } examples[EDGES_EXAMPLES_MAX]; /* the first of bad_count */
};

/* Read @path ("-": standard input; compressed with gzip or not). False with @fault set where it
 * cannot be read to its end or memory is short. @edges is to be finished either way. */
bool edges_load(struct edges *edges, const char *path, bool no_header, struct fault *fault);
void edges_fini(struct edges *edges);

/* Take one line (borrowed, changed). False: no memory. edges_load() does it for a file. */
bool edges_add_line(struct edges *edges, char *line, size_t size);

/* Sort the pairs and drop what is there twice, in whatever direction. False: no memory. */
bool edges_unique(struct edges *edges);

/* Numbers of the two members, as the file had them: who asks, and who is asked. */
uint32_t edge_from(uint64_t pair);
uint32_t edge_to(uint64_t pair);

#endif
