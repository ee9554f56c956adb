#include "codec/writer.h"
#include "core/graph.h"
#include "core/queries.h"

static enum kith_err
load_viewer_and_other(struct call *call, struct member *viewer, struct member *other)
{
    enum kith_err err = query_member(call, KITH_ARG_VIEWER, viewer);
    if (err == KITH_OK)
        err = query_member(call, KITH_ARG_OTHER, other);
    if (err == KITH_OK && !can_act(other))
        err = refuse_field(call->out, KITH_NO_SUCH_MEMBER, "other");
    if (err == KITH_OK && viewer->number == other->number)
        err = KITH_SELF;
    return err;
}

/* --- connection.mutuals --------------------------------------------------------------------- */

/* `after` is the number of the last one told, in hexadecimal. */
static enum kith_err
parse_after(struct call *call, uint64_t *after)
{
    struct slice text = args_text(call->args, KITH_ARG_AFTER);
    struct list_key key = {.size = 0};
    *after = 0;
    if (!text.data)
        return KITH_OK;
    if (!query_place(text, 4, &key))
        return refuse_field(call->out, KITH_BAD_ARGUMENT, "after");
    *after = get_be32(key.bytes);
    return KITH_OK;
}

static void
tell_next(struct entries *result, uint64_t number)
{
    char text[8];
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = "0123456789abcdef"[number >> (28 - 4 * i) & 15];
    entries_str(result, "next", slice_of(text, sizeof(text)));
}

/* All are counted, those behind @after told. */
enum kith_err
query_mutuals(struct call *call)
{
    struct core *core = call->core;
    struct entries *result = &call->out->result;
    struct member viewer, other;
    struct common common;
    uint64_t after, number, last = 0, count = 0, more = 0;
    uint64_t limit = args_uint(call->args, KITH_ARG_LIMIT, KITH_LIST_LIMIT_DEFAULT);
    uint32_t told = 0;

    enum kith_err err = load_viewer_and_other(call, &viewer, &other);
    if (err == KITH_OK)
        err = parse_after(call, &after);
    if (err != KITH_OK)
        return err;
    limit = limit < KITH_LIST_LIMIT_MAX ? limit : KITH_LIST_LIMIT_MAX;

    size_t place = write_open_array(entries_key(result, "items"));
    common_begin(&common, core, &viewer, &other, 0);
    while ((number = common_next(&common)) != 0) {
        if (!graph_visible(core, &viewer, number))
            continue;
        count++;
        bool full = told == limit || result->buf.size + KITH_MEMBER_SIZE_MAX + 64 > call->room;
        if (number <= after)
            continue;
        if (full) {
            more++;
            continue;
        }
        struct entries_inner item = entries_open_item(result);
        entries_str(result, "member", member_id(core->views, number));
        entries_close(result, item);
        last = number;
        told++;
    }
    common_end(&common);
    write_close_array(&result->buf, place, told);
    entries_uint(result, "count", count);
    if (more > 0 && told == 0)
        return KITH_TOO_LARGE; /* in a batch that is nearly full */
    if (more > 0)
        tell_next(result, last);
    return KITH_OK;
}

/* --- connection.path ------------------------------------------------------------------------ */

enum kith_err
query_path(struct call *call)
{
    struct core *core = call->core;
    struct entries *result = &call->out->result;
    struct member viewer, other;
    struct path path;
    enum kith_err err = load_viewer_and_other(call, &viewer, &other);
    if (err != KITH_OK)
        return err;

    graph_path(core, &viewer, &other, (unsigned)args_uint(call->args, KITH_ARG_MAX, 3), &path);
    if (path.degree > 0)
        entries_uint(result, "degree", path.degree);
    else
        entries_nil(result, "degree");
    uint32_t waypoints = path.degree > 0 ? path.degree - 1 : 0;
    write_array(entries_key(result, "via"), waypoints);
    for (uint32_t i = 0; i < waypoints; i++)
        write_str(&result->buf, member_id(core->views, path.via[i]));
    entries_bool(result, "complete", path.complete);
    return KITH_OK;
}

/* --- connection.suggest --------------------------------------------------------------------- */

#define SUGGESTION_COUNT_DEFAULT 20

enum kith_err
query_suggest(struct call *call)
{
    struct core *core = call->core;
    struct entries *result = &call->out->result;
    struct suggestion found[SUGGESTION_COUNT_MAX];
    struct member member;
    uint64_t limit = args_uint(call->args, KITH_ARG_LIMIT, SUGGESTION_COUNT_DEFAULT);
    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err != KITH_OK)
        return err;

    if (limit > SUGGESTION_COUNT_MAX)
        limit = SUGGESTION_COUNT_MAX;
    unsigned count = graph_suggest(core, &member, (unsigned)limit, found);
    write_array(entries_key(result, "items"), count);
    for (unsigned i = 0; i < count; i++) {
        struct entries_inner item = entries_open_item(result);
        entries_str(result, "member", member_id(core->views, found[i].number));
        entries_uint(result, "mutuals", found[i].mutuals);
        entries_uint(result, "score", found[i].score);
        entries_close(result, item);
    }
    return KITH_OK;
}
