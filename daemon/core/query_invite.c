#include "core/queries.h"

static const char *const states[] = {
    [INVITE_ACTIVE] = "active", [INVITE_REDEEMED] = "redeemed", [INVITE_EXPIRED] = "expired"};

static void
tell_invite(struct call *call, const struct invite *invite)
{
    struct entries *result = &call->out->result;
    entries_id(result, "invite", &invite->id);
    entries_cstr(result, "kind", words_name(&contact_kind_words, invite->kind));
    entries_cstr(result, "state", states[invite_state_at(invite, call->now_ms)]);
    entries_str(result, "inviter", invite->inviter);
    entries_time(result, "created_at", (msec_t)invite->created_ms);
    entries_time(result, "expires_at", (msec_t)invite->expires_ms);
    if (invite->state == INVITE_REDEEMED) {
        entries_str(result, "member", member_id(call->core->views, invite->redeemer));
        entries_time(result, "redeemed_at", (msec_t)invite->redeemed_ms);
    }
}

/* Somebody else's invite is not found, like one that never was. */
enum kith_err
query_invite(struct call *call)
{
    struct member member;
    struct invite invite = {0};
    struct public_id id;
    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err != KITH_OK)
        return err;
    if (public_id_parse(args_text(call->args, KITH_ARG_INVITE), &id))
        invite_load(call->core->views, &id, &invite);
    if (!invite.known || invite.inviter_number != member.number)
        return refuse_field(call->out, KITH_NOT_FOUND, "invite");
    tell_invite(call, &invite);
    return KITH_OK;
}

enum kith_err
query_invites(struct call *call)
{
    struct page page;
    struct member member;
    struct slice key, value, state = args_text(call->args, KITH_ARG_STATE);
    struct invite invite;
    struct public_id id;

    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err == KITH_OK)
        err = page_begin(&page, call, VIEW_INVITES, list_of(member.number));
    if (err != KITH_OK)
        return err;
    while (page_next(&page, &key, &value)) {
        memcpy(id.bytes, value.data, sizeof(id.bytes));
        invite_load(call->core->views, &id, &invite);
        if (state.data && !slice_is(state, states[invite_state_at(&invite, call->now_ms)]))
            continue;
        struct entries_inner item = page_item(&page);
        tell_invite(call, &invite);
        page_item_end(&page, item);
    }
    page_end(&page);
    return KITH_OK;
}
