#include "base/assert.h"
#include "core/apply.h"
#include "core/rows/invite.h"

void
apply_invite_created(struct apply *apply, const struct event *event)
{
    struct member inviter;
    member_load(apply->views, event->member, &inviter);
    if (views_error(apply->views) != KITH_OK)
        return;
    assert(inviter.known);

    struct invite invite = {
        .known = true,
        .id = event->invite,
        .seq = event->seq,
        .state = INVITE_ACTIVE,
        .kind = event->kind,
        .inviter_number = inviter.number,
        .contact = event->contact,
        .token = event->token,
        .token_key = event->token_key,
        .created_ms = (uint64_t)event->at_ms,
        .expires_ms = event->expires_ms,
    };
    invite_store(apply->views, &apply->scratch, &invite);
    invite_index(apply->views, &invite, &inviter);
    due_put_invite(apply->views, invite.expires_ms, invite.seq, &invite.id);
    inviter.invites++;
    member_store(apply->views, &apply->scratch, &inviter);
}

static bool
end_invite(struct apply *apply, const struct public_id *id, struct invite *invite)
{
    invite_load(apply->views, id, invite);
    if (views_error(apply->views) != KITH_OK)
        return false;
    assert(invite->known && invite->state == INVITE_ACTIVE);
    due_del(apply->views, invite->expires_ms, invite->seq);
    return true;
}

void
apply_invite_redeemed(struct apply *apply, const struct event *event)
{
    struct invite invite;
    struct member redeemer;
    if (!end_invite(apply, &event->invite, &invite))
        return;
    member_load(apply->views, event->member, &redeemer);
    assert(redeemer.known);
    invite.state = INVITE_REDEEMED;
    invite.redeemed_ms = (uint64_t)event->at_ms;
    invite.redeemer = redeemer.number;
    invite_store(apply->views, &apply->scratch, &invite);
}

void
apply_invite_expired(struct apply *apply, const struct event *event)
{
    struct invite invite;
    if (!end_invite(apply, &event->invite, &invite))
        return;
    invite.state = INVITE_EXPIRED;
    invite_store(apply->views, &apply->scratch, &invite);
}
