#include "edges.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/assert.h"

#define READ_SIZE    (256 * 1024) /* of zlib's buffer and of ours */
#define CAPACITY_MIN 4096
#define DIGIT_BITS   11 /* of the radix sort: 2048 counters stay in the first cache */
#define DIGIT_COUNT  (1u << DIGIT_BITS)

/* A pair is (lower number, higher number, 1 if the file had the higher one first): sorting brings
 * both directions of a pair together. */
static uint64_t
pair_of(uint32_t from, uint32_t to)
{
    assert(from != to && from < NAMES_COUNT_MAX && to < NAMES_COUNT_MAX);
    uint64_t low = from < to ? from : to, high = from < to ? to : from;
    return low << 32 | high << 1 | (from > to);
}

uint32_t
edge_from(uint64_t pair)
{
    return pair & 1 ? (uint32_t)pair >> 1 : (uint32_t)(pair >> 32);
}

uint32_t
edge_to(uint64_t pair)
{
    return pair & 1 ? (uint32_t)(pair >> 32) : (uint32_t)pair >> 1;
}

void
edges_fini(struct edges *edges)
{
    names_destroy(edges->names);
    free(edges->pairs);
    *edges = (struct edges){0};
}

static bool
add_pair(struct edges *edges, uint64_t pair)
{
    if (edges->count == edges->capacity) {
        size_t capacity = edges->capacity ? edges->capacity * 2 : CAPACITY_MIN;
        uint64_t *pairs = realloc(edges->pairs, capacity * sizeof(*pairs));
        if (!pairs)
            return false;
        edges->pairs = pairs;
        edges->capacity = capacity;
    }
    edges->pairs[edges->count++] = pair;
    return true;
}

static void
note_bad(struct edges *edges, const char *why)
{
    if (edges->bad_count < EDGES_EXAMPLES_MAX)
        edges->examples[edges->bad_count] = (struct edges_example){edges->line_count, why};
    edges->bad_count++;
}

bool
edges_add_line(struct edges *edges, char *line, size_t size)
{
    struct slice from, to;
    const char *why = NULL;
    edges->line_count++;
    switch (edge_line_parse(&edges->format, line, size, &from, &to, &why)) {
    case EDGE_LINE_SKIP:
        return true;
    case EDGE_LINE_BAD:
        note_bad(edges, why);
        return true;
    case EDGE_LINE_PAIR:
        break;
    }
    uint32_t a = names_add(edges->names, from);
    uint32_t b = a == NAMES_NONE ? a : names_add(edges->names, to);
    if (b == NAMES_NONE)
        return false;
    if (a == b) {
        edges->self_count++;
        return true;
    }
    return add_pair(edges, pair_of(a, b));
}

/* --- lines out of a stream ------------------------------------------------------------------ */

/* A line is gathered until its end; what is beyond the limit is dropped, not kept. */
struct gathering {
    char *line; /* EDGES_LINE_SIZE_MAX bytes */
    size_t size;
    bool too_long;
};

static void
gather(struct gathering *gathering, const char *data, size_t size)
{
    if (size > EDGES_LINE_SIZE_MAX - gathering->size) {
        gathering->too_long = true;
        return;
    }
    memcpy(gathering->line + gathering->size, data, size);
    gathering->size += size;
}

static bool
end_line(struct edges *edges, struct gathering *gathering)
{
    bool good = true;
    char *line = gathering->line;
    size_t size = gathering->size;
    if (edges->line_count == 0 && size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3; /* the mark some editors put before UTF-8 */
        size -= 3;
    }
    if (gathering->too_long) {
        edges->line_count++;
        note_bad(edges, "the line is longer than 64 KiB");
    } else {
        good = edges_add_line(edges, line, size);
    }
    gathering->size = 0;
    gathering->too_long = false;
    return good;
}

static bool
take_block(struct edges *edges, struct gathering *gathering, const char *data, size_t size)
{
    const char *end = data + size;
    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        gather(gathering, data, (size_t)((newline ? newline : end) - data));
        if (!newline)
            return true;
        if (!end_line(edges, gathering))
            return false;
        data = newline + 1;
    }
    return true;
}

static bool
read_all(struct edges *edges, gzFile file, struct gathering *gathering, char *block,
         struct fault *fault)
{
    for (;;) {
        int size = gzread(file, block, READ_SIZE);
        int code = Z_OK;
        const char *text = gzerror(file, &code);
        if (size < 0 || (code != Z_OK && code != Z_STREAM_END)) {
            fault_set(fault, "%s",
                      code == Z_ERRNO       ? strerror(errno)
                      : code == Z_BUF_ERROR ? "the compressed file is cut off"
                                            : text);
            return false;
        }
        bool good = take_block(edges, gathering, block, (size_t)size);
        bool last = size == 0 && (gathering->size > 0 || gathering->too_long);
        if (good && last)
            good = end_line(edges, gathering); /* the last line needs no newline */
        if (!good)
            fault_set(fault, "out of memory at line %llu", (unsigned long long)edges->line_count);
        if (!good || size == 0)
            return good;
    }
}

static gzFile
open_file(const char *path)
{
    if (strcmp(path, "-") != 0)
        return gzopen(path, "rb");
    int fd = dup(STDIN_FILENO);
    gzFile file = fd < 0 ? NULL : gzdopen(fd, "rb");
    if (!file && fd >= 0)
        close(fd);
    return file;
}

bool
edges_load(struct edges *edges, const char *path, bool no_header, struct fault *fault)
{
    *edges = (struct edges){.names = names_create()};
    edge_format_init(&edges->format, no_header);
    struct gathering gathering = {.line = malloc(EDGES_LINE_SIZE_MAX)};
    char *block = malloc(READ_SIZE);
    gzFile file = open_file(path);
    bool good = false;
    if (!file) {
        fault_set(fault, "%s", strerror(errno));
    } else if (!edges->names || !gathering.line || !block) {
        fault_set(fault, "out of memory");
    } else {
        gzbuffer(file, READ_SIZE);
        good = read_all(edges, file, &gathering, block, fault);
    }
    if (file)
        gzclose(file);
    free(block);
    free(gathering.line);
    return good;
}

/* --- sorting -------------------------------------------------------------------------------- */

/* One pass of a stable radix sort by the digit at @shift. False where all have the same digit:
 * nothing was moved. */
static bool
sort_pass(const uint64_t *from, uint64_t *to, size_t count, unsigned shift)
{
    size_t starts[DIGIT_COUNT] = {0};
    for (size_t i = 0; i < count; i++)
        starts[from[i] >> shift & (DIGIT_COUNT - 1)]++;
    if (starts[from[0] >> shift & (DIGIT_COUNT - 1)] == count)
        return false;
    size_t sum = 0;
    for (size_t digit = 0; digit < DIGIT_COUNT; digit++) {
        size_t size = starts[digit];
        starts[digit] = sum;
        sum += size;
    }
    assert(sum == count);
    for (size_t i = 0; i < count; i++)
        to[starts[from[i] >> shift & (DIGIT_COUNT - 1)]++] = from[i];
    return true;
}

static void
drop_duplicates(struct edges *edges)
{
    size_t kept = 0;
    for (size_t i = 0; i < edges->count; i++)
        if (kept == 0 || edges->pairs[i] >> 1 != edges->pairs[kept - 1] >> 1)
            edges->pairs[kept++] = edges->pairs[i];
    edges->duplicate_count += edges->count - kept;
    edges->count = kept;
}

bool
edges_unique(struct edges *edges)
{
    if (edges->count == 0)
        return true;
    uint64_t *other = malloc(edges->count * sizeof(*other));
    if (!other)
        return false;
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS)
        if (sort_pass(edges->pairs, other, edges->count, shift)) {
            uint64_t *sorted = other;
            other = edges->pairs;
            edges->pairs = sorted;
            edges->capacity = edges->count; /* of the exact size */
        }
    free(other);
    drop_duplicates(edges);
    return true;
}
