#include "codec/reader.h"
#include "codec/writer.h"
#include "core/queries.h"
#include "core/quota.h"

static const char *const states[] = {
    [MEMBER_ACTIVE] = "active", [MEMBER_SUSPENDED] = "suspended", [MEMBER_CLOSED] = "closed"};

static void
tell_counts(struct entries *result, const struct member *member)
{
    entries_uint(result, "connections", member->connections);
    entries_uint(result, "incoming", member->incoming);
    entries_uint(result, "outgoing", member->outgoing);
}

static void
tell_profile(struct call *call, const struct member *member)
{
    struct entries *result = &call->out->result;
    query_sealed(call, "name", member->id, member->name);
    entries_str(result, "tier", member->tier.size ? member->tier : slice_str("free"));
    entries_cstr(result, "state", states[member->state]);
    entries_time(result, "registered_at", (msec_t)member->since_ms);
    struct entries_inner inner = entries_open(result, "counts");
    tell_counts(result, member);
    entries_uint(result, "invites", member->invites);
    entries_close(result, inner);
}

/* Several: one item each in the order asked; who is not known has the state "unknown". */
static enum kith_err
get_many(struct call *call)
{
    struct reader reader;
    struct entries *result = &call->out->result;
    reader_init(&reader, call->args->value[KITH_ARG_MEMBERS].raw);
    uint32_t count = reader_array(&reader);

    write_array(entries_key(result, "items"), count);
    for (uint32_t i = 0; i < count; i++) {
        struct member member;
        member_load(call->core->views, reader_str(&reader), &member);
        struct entries_inner item = entries_open_item(result);
        entries_str(result, "member", member.id);
        if (member.known)
            tell_profile(call, &member);
        else
            entries_cstr(result, "state", "unknown");
        entries_close(result, item);
    }
    return KITH_OK;
}

enum kith_err
query_member_get(struct call *call)
{
    struct member member;
    bool one = args_has(call->args, KITH_ARG_MEMBER);
    if (one == args_has(call->args, KITH_ARG_MEMBERS)) {
        static const char text[] = "give either `member` or `members`";
        memcpy(call->out->text, text, sizeof(text));
        return refuse_field(call->out, KITH_BAD_ARGUMENT, "member");
    }
    if (!one)
        return get_many(call);
    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err != KITH_OK)
        return err;
    entries_str(&call->out->result, "member", member.id);
    tell_profile(call, &member);
    return KITH_OK;
}

enum kith_err
query_member_list(struct call *call)
{
    struct page page;
    struct slice key, id;
    enum kith_err err = page_begin(&page, call, VIEW_NUMBER, (struct list_key){.size = 0});
    if (err != KITH_OK)
        return err;
    while (page_next(&page, &key, &id)) {
        struct member member;
        member_load(call->core->views, id, &member);
        struct entries_inner item = page_item(&page);
        entries_str(&call->out->result, "member", id);
        tell_profile(call, &member);
        page_item_end(&page, item);
    }
    page_end(&page);
    return KITH_OK;
}

enum kith_err
query_counts(struct call *call)
{
    struct member member;
    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err == KITH_OK)
        tell_counts(&call->out->result, &member);
    return err;
}

/* Windows whose limit is off are left out. */
enum kith_err
query_quota(struct call *call)
{
    struct member member;
    struct entries *result = &call->out->result;
    const struct rules *rules = &call->core->rules;
    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err != KITH_OK)
        return err;

    const struct tier *tier = rules_tier(rules, &member);
    bool is_new = rules_is_new(rules, &member, call->now_ms);
    for (enum window window = 0; window < WINDOW_COUNT; window++) {
        struct window_use use;
        uint64_t limit = window_limit(tier, window, is_new);
        if (limit == 0)
            continue;
        window_look(member.stamps, window, limit, call->now_ms, &use);
        struct entries_inner inner = entries_open(result, window_name(window));
        entries_uint(result, "limit", use.limit);
        entries_uint(result, "used", use.used);
        entries_uint(result, "left", use.left);
        if (use.left == 0)
            entries_time(result, "next_free_at", use.next_free_ms);
        entries_close(result, inner);
    }
    return KITH_OK;
}
