#include "codec/reader.h"
#include "codec/writer.h"
#include "core/queries.h"

/* --- connection.status ---------------------------------------------------------------------- */

/* What stands between @viewer and the other, as far as the viewer may know. */
static void
tell_status(struct call *call, const struct member *viewer, const struct member *other)
{
    struct entries *result = &call->out->result;
    struct pair pair = {0};
    const char *state = "none";
    bool asked = false;

    if (other->known && other->number != viewer->number) {
        unsigned side = pair_side_of(viewer, other);
        pair_load(call->core->views, viewer, other, &pair);
        if (pair.state == PAIR_CONNECTED)
            state = "connected";
        else if (pair_is_pending_from(&pair, side, call->now_ms))
            state = "outgoing";
        else if (pair_is_pending(&pair, call->now_ms) && !pair.shadow)
            state = "incoming";
        asked = state[0] == 'o' || state[0] == 'i';
    }
    entries_cstr(result, "state", state);
    entries_bool(result, "blocked", false);
    if (pair.state == PAIR_CONNECTED) {
        entries_time(result, "since", (msec_t)pair.since_ms);
        entries_cstr(result, "via", via_name(pair.via));
    }
    if (asked) {
        entries_id(result, "request", &pair.request);
        entries_time(result, "created_at", (msec_t)pair.created_ms);
        entries_time(result, "expires_at", (msec_t)pair.expires_ms);
    }
    if (asked || pair.state == PAIR_CONNECTED) {
        bool mine = pair.note_side == pair_side_of(viewer, other);
        query_sealed(call, "note", mine ? viewer->id : other->id, pair.note);
    }
}

static void
status_of_many(struct call *call, const struct member *viewer)
{
    struct reader reader;
    struct entries *result = &call->out->result;
    reader_init(&reader, call->args->value[KITH_ARG_OTHERS].raw);
    uint32_t count = reader_array(&reader);

    write_array(entries_key(result, "items"), count);
    for (uint32_t i = 0; i < count; i++) {
        struct member other;
        member_load(call->core->views, reader_str(&reader), &other);
        struct entries_inner item = entries_open_item(result);
        entries_str(result, "member", other.id);
        tell_status(call, viewer, &other);
        entries_close(result, item);
    }
}

enum kith_err
query_status(struct call *call)
{
    struct member viewer, other;
    bool one = args_has(call->args, KITH_ARG_OTHER);
    if (one == args_has(call->args, KITH_ARG_OTHERS)) {
        static const char text[] = "give either `other` or `others`";
        memcpy(call->out->text, text, sizeof(text));
        return refuse_field(call->out, KITH_BAD_ARGUMENT, "other");
    }
    enum kith_err err = query_member(call, KITH_ARG_VIEWER, &viewer);
    if (err != KITH_OK)
        return err;
    if (one) {
        member_load(call->core->views, args_text(call->args, KITH_ARG_OTHER), &other);
        tell_status(call, &viewer, &other);
    } else {
        status_of_many(call, &viewer);
    }
    return KITH_OK;
}

/* --- lists ---------------------------------------------------------------------------------- */

/* Tells the entries of one item besides `member`. */
typedef void tell_fn(struct call *call, const struct member *member, const struct member *other,
                     const struct pair *pair);

static void
tell_connection(struct call *call, const struct member *member, const struct member *other,
                const struct pair *pair)
{
    (void)member;
    (void)other;
    entries_time(&call->out->result, "since", (msec_t)pair->since_ms);
    entries_cstr(&call->out->result, "via", via_name(pair->via));
}

static void
tell_request(struct call *call, const struct member *sender, const struct pair *pair)
{
    entries_id(&call->out->result, "request", &pair->request);
    entries_time(&call->out->result, "created_at", (msec_t)pair->created_ms);
    entries_time(&call->out->result, "expires_at", (msec_t)pair->expires_ms);
    query_sealed(call, "note", sender->id, pair->note);
}

static void
tell_outgoing(struct call *call, const struct member *member, const struct member *other,
              const struct pair *pair)
{
    (void)other;
    tell_request(call, member, pair);
}

static void
tell_incoming(struct call *call, const struct member *member, const struct member *other,
              const struct pair *pair)
{
    (void)member;
    tell_request(call, other, pair);
    entries_cstr(&call->out->result, "queue", "main");
}

/* A page of one member's pairs, in the order of @table. */
static enum kith_err
list_pairs(struct call *call, enum view_table table, tell_fn *tell)
{
    struct page page;
    struct member member, other;
    struct slice key, value;
    struct pair pair;
    struct views *views = call->core->views;

    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err == KITH_OK)
        err = page_begin(&page, call, table, list_of(member.number));
    if (err != KITH_OK)
        return err;
    while (page_next(&page, &key, &value)) {
        uint64_t number = get_be32(value.data);
        member_load(views, member_id(views, number), &other);
        pair_load_numbers(views, member.number, number, &pair);
        if (pair_is_due(&pair, call->now_ms)) /* expired, though not swept yet */
            continue;
        struct entries_inner item = page_item(&page);
        entries_str(&call->out->result, "member", other.id);
        tell(call, &member, &other, &pair);
        page_item_end(&page, item);
    }
    page_end(&page);
    return KITH_OK;
}

enum kith_err
query_connections(struct call *call)
{
    return list_pairs(call, VIEW_CONNECTED, tell_connection);
}

enum kith_err
query_incoming(struct call *call)
{
    return list_pairs(call, VIEW_INCOMING, tell_incoming);
}

enum kith_err
query_outgoing(struct call *call)
{
    return list_pairs(call, VIEW_OUTGOING, tell_outgoing);
}
