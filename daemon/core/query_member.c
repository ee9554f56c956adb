#include "codec/reader.h"
#include "codec/writer.h"
#include "core/queries.h"
#include "core/quota.h"
#include "core/restriction.h"

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
tell_policy(struct entries *result, const struct member *member)
{
    uint64_t accept = member->accept ? member->accept : ACCEPT_EVERYONE;
    struct entries_inner inner = entries_open(result, "policy");
    entries_cstr(result, "accept", words_name(&accept_words, accept));
    if (member->auto_accept > AUTO_MUTUALS)
        entries_uint(result, "auto_accept", member->auto_accept - AUTO_MUTUALS);
    else
        entries_cstr(result, "auto_accept", member->auto_accept == AUTO_ALL ? "all" : "none");
    entries_close(result, inner);
}

static void
tell_restriction(struct entries *result, const struct member *member)
{
    struct entries_inner inner = entries_open(result, "restriction");
    entries_uint(result, "level", member->level);
    entries_cstr(result, "reason", words_name(&reason_words, member->reason));
    if (member->until_ms)
        entries_time(result, "until", (msec_t)member->until_ms);
    entries_close(result, inner);
}

static void
tell_profile(struct call *call, const struct member *member)
{
    struct entries *result = &call->out->result;
    query_sealed(call, "name", member->id, member->name);
    entries_str(result, "tier", member->tier.size ? member->tier : slice_str("free"));
    entries_cstr(result, "state", states[member->state]);
    entries_time(result, "registered_at", (msec_t)member->since_ms);
    tell_policy(result, member);
    if (member->interests.size > 0)
        write_raw(entries_key(result, "interests"), member->interests);
    if (is_restricted(member, call->now_ms))
        tell_restriction(result, member);
    struct entries_inner inner = entries_open(result, "counts");
    tell_counts(result, member);
    entries_uint(result, "invites", member->invites);
    entries_close(result, inner);
}

/* One of several: who is not known has the state "unknown". */
static void
tell_one(struct call *call, const struct member *viewer, const struct member *member)
{
    (void)viewer;
    if (member->known)
        tell_profile(call, member);
    else
        entries_cstr(&call->out->result, "state", "unknown");
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
    if (!one) {
        query_each_member(call, KITH_ARG_MEMBERS, NULL, tell_one);
        return KITH_OK;
    }
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
    struct quota_facts facts;
    struct entries *result = &call->out->result;
    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err != KITH_OK)
        return err;

    load_quota(call->core, &member, call->now_ms, &facts);
    for (enum window window = 0; window < WINDOW_COUNT; window++) {
        struct window_use use;
        quota_look(&facts, window, 1, call->now_ms, &use);
        if (use.limit == 0)
            continue;
        struct entries_inner inner = entries_open(result, window_name(window));
        entries_uint(result, "limit", use.limit);
        entries_uint(result, "used", use.used);
        entries_uint(result, "left", use.left);
        if (use.left == 0 && use.next_free_ms)
            entries_time(result, "next_free_at", use.next_free_ms);
        entries_close(result, inner);
    }
    return KITH_OK;
}

/* --- whom a member blocks or has pre-approved ----------------------------------------------- */

static enum kith_err
list_one_sided(struct call *call, enum view_table table, bool only_active,
               bool tell(struct entries *, const struct pair_side *, msec_t now_ms))
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
        const struct pair_side *side = &pair.side[member.number < number ? 0 : 1];
        if ((only_active && !can_act(&other)) || !tell(NULL, side, call->now_ms))
            continue;
        struct entries_inner item = page_item(&page);
        entries_str(&call->out->result, "member", other.id);
        tell(&call->out->result, side, call->now_ms);
        page_item_end(&page, item);
    }
    page_end(&page);
    return KITH_OK;
}

static bool
tell_block(struct entries *result, const struct pair_side *side, msec_t now_ms)
{
    (void)result;
    (void)now_ms;
    return side->blocked_seq > 0;
}

static bool
tell_approval(struct entries *result, const struct pair_side *side, msec_t now_ms)
{
    if (result && side->approved_ms < FOREVER_MS)
        entries_time(result, "expires_at", (msec_t)side->approved_ms);
    return pair_side_approves(side, now_ms);
}

enum kith_err
query_blocks(struct call *call)
{
    return list_one_sided(call, VIEW_BLOCKS, false, tell_block);
}

enum kith_err
query_preapprovals(struct call *call)
{
    return list_one_sided(call, VIEW_APPROVALS, true, tell_approval);
}
