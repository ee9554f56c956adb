/* Counts are kept apart from what they count: here they are compared. */
#include <stdio.h>

#include "codec/writer.h"
#include "proto/limits.h"
#include "run.h"

#define MEMBERS_MAX 40 /* few enough to ask all of them, in most cases */

/* Ask a question with one argument, and a limit where it is a list. */
static bool
ask(struct run *run, const char *op, const char *arg, struct slice value, bool is_list,
    struct buf *reply)
{
    struct buf message = {0};
    struct fault fault = {""};
    write_map(&message, 3);
    write_cstr(&message, "v");
    write_uint(&message, KITH_PROTOCOL_VERSION);
    write_cstr(&message, "op");
    write_cstr(&message, op);
    write_cstr(&message, "args");
    write_map(&message, (uint32_t)(arg != NULL) + is_list);
    if (arg) {
        write_cstr(&message, arg);
        write_str(&message, value);
    }
    if (is_list) {
        write_cstr(&message, "limit");
        write_uint(&message, KITH_LIST_LIMIT_MAX);
    }
    buf_clear(reply);
    bool good = run->ops->exchange(run->backend, buf_slice(&message), reply, &fault);
    buf_fini(&message);
    return good ? judge_is_ok(buf_slice(reply)) : run_fail(run, run->line, "%s", fault.text);
}

static struct slice
items_of(const struct buf *reply)
{
    return map_find(map_find(buf_slice(reply), "result"), "items");
}

static uint64_t
number_of(struct slice map, const char *name)
{
    struct reader reader;
    reader_init(&reader, map_find(map, name));
    return reader_uint(&reader);
}

/* Does the list have as many as @counts says under @name? Longer ones than a page are let be. */
static bool
check_list(struct run *run, struct slice member, const char *op, struct slice counts,
           const char *name)
{
    struct buf reply = {0};
    struct reader reader;
    bool good = true;
    if (ask(run, op, "member", member, true, &reply)) {
        uint64_t counted = number_of(counts, name);
        reader_init(&reader, items_of(&reply));
        uint32_t listed = reader_array(&reader);
        if (counted <= KITH_LIST_LIMIT_MAX && counted != listed)
            good = run_fail(run, run->line, "at the end %.*s counts %llu %s and lists %u",
                            (int)member.size, (const char *)member.data,
                            (unsigned long long)counted, name, listed);
    }
    buf_fini(&reply);
    return good && !run->failed;
}

static bool
check_member(struct run *run, struct slice member)
{
    struct buf reply = {0};
    bool good = true;
    if (ask(run, "connection.counts", "member", member, false, &reply)) {
        struct slice counts = map_find(buf_slice(&reply), "result");
        good = check_list(run, member, "connection.list", counts, "connections") &&
               check_list(run, member, "connection.incoming", counts, "incoming") &&
               check_list(run, member, "connection.outgoing", counts, "outgoing");
    }
    buf_fini(&reply);
    return good && !run->failed;
}

/* Lists leave out who is suspended, counts do not. */
static bool
all_are_listed(struct slice items)
{
    struct reader reader;
    reader_init(&reader, items);
    uint32_t count = reader_array(&reader);
    for (uint32_t i = 0; i < count; i++)
        if (slice_is(message_text(reader_skip(&reader), "state"), "suspended"))
            return false;
    return count <= MEMBERS_MAX;
}

bool
census(struct run *run)
{
    struct buf reply = {0};
    struct reader reader;
    bool good = true;
    if (!run->backend)
        return true;
    if (ask(run, "member.list", NULL, (struct slice){0}, true, &reply) &&
        all_are_listed(items_of(&reply))) {
        reader_init(&reader, items_of(&reply));
        uint32_t count = reader_array(&reader);
        for (uint32_t i = 0; i < count && good; i++)
            good = check_member(run, message_text(reader_skip(&reader), "member"));
    }
    buf_fini(&reply);
    return good && !run->failed;
}
