/* An edge list that is imported: any bytes, compressed or not. Each line is a pair, skipped or
 * told; names are members' ids, and no pair is there twice. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "clients/cli/src/edges.h"
#include "codec/check.h"
#include "fuzz/fuzz.h"
#include "proto/limits.h"

static void
check_name(const struct edges *edges, uint32_t number)
{
    assert(number < names_count(edges->names));
    struct slice name = slice_str(names_at(edges->names, number));
    assert(name.size > 0 && name.size <= KITH_MEMBER_SIZE_MAX && check_utf8(name));
}

static void
check_pairs(struct edges *edges)
{
    size_t before = edges->count;
    bool enough = edges_unique(edges);
    assert(enough && edges->count + edges->duplicate_count == before);
    for (size_t i = 0; i < edges->count; i++) {
        uint32_t from = edge_from(edges->pairs[i]), to = edge_to(edges->pairs[i]);
        assert(from != to);
        check_name(edges, from);
        check_name(edges, to);
        /* Without their direction they only rise. */
        assert(i == 0 || edges->pairs[i - 1] >> 1 < edges->pairs[i] >> 1);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct edges edges;
    struct fault fault = {""};
    char path[64];
    if (size == 0)
        return 0;
    int fd = memfd_create("edges", 0);
    ssize_t written = write(fd, data + 1, size - 1);
    assert(fd >= 0 && written == (ssize_t)size - 1);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (edges_load(&edges, path, data[0] & 1, &fault)) {
        assert(edges.count + edges.self_count + edges.bad_count <= edges.line_count);
        for (uint64_t i = 0; i < edges.bad_count && i < EDGES_EXAMPLES_MAX; i++)
            assert(edges.examples[i].why && edges.examples[i].line <= edges.line_count);
        check_pairs(&edges);
    } else {
        assert(fault.text[0]);
    }
    edges_fini(&edges);
    close(fd);
    return 0;
}
