/* Invites of contacts who are not members, as far as connections come of them. */
#include "base/assert.h"
#include "sim/model.h"

/* One that is due is expired, swept or not. */
static bool
is_open(const struct model *model, const struct model_invite *invite)
{
    return invite->state == INVITE_OPEN && invite->expires_ms > model->now_ms;
}

void
model_invite_create(struct model *model, const struct command *command, struct answer *out)
{
    int inviter = command->a;
    if (!may_act(model, inviter, out))
        return;
    if (model_restricted(model, inviter)) {
        conduct_refuse(model, inviter, out);
        return;
    }
    for (unsigned i = 0; i < model->invite_count; i++) {
        struct model_invite *invite = &model->invites[i];
        if (invite->inviter != inviter || invite->contact != command->contact ||
            !is_open(model, invite))
            continue;
        expect_str(out, "invite", invite->id);
        expect_str(out, "token", invite->token);
        expect_num(out, "expires_at", invite->expires_ms);
        expect_truth(out, "existing", true);
        expect_noted(out);
        return;
    }
    assert(model->invite_count < INVITES_MAX);
    struct model_invite *invite = &model->invites[model->invite_count++];
    *invite = (struct model_invite){
        .inviter = inviter,
        .contact = command->contact,
        .redeemer = NOBODY,
        .created_ms = model->now_ms,
        .expires_ms = model->now_ms + model->settings.invite_ttl,
    };
    out->invite = invite;
    expect_num(out, "expires_at", invite->expires_ms);
    expect_truth(out, "existing", false);
    expect_event(out, "invite.created", 0, only(inviter));
    expect_event(out, "invite.delivery_due", 0, only(inviter));
}

static struct model_invite *
find(struct model *model, const char *token)
{
    for (unsigned i = 0; i < model->invite_count; i++)
        if (strcmp(model->invites[i].token, token) == 0)
            return &model->invites[i];
    return NULL;
}

static void
tell(struct answer *out, const struct model_invite *invite, bool joined, const char *connection)
{
    expect_str(out, "inviter", member_name(invite->inviter));
    expect_truth(out, "joined", joined);
    expect_str(out, "connection", connection);
}

/* What becomes of the inviter and of who redeemed. */
static const char *
meet(struct model *model, const struct model_invite *invite, bool forwarded, struct answer *out)
{
    int member = invite->redeemer, inviter = invite->inviter;
    struct model_pair *pair = model_pair(model, member, inviter);
    bool pending = model_pending(model, pair);
    bool full = model_full(model, member) || model_full(model, inviter);
    bool removed = model_side(model, member, inviter)->hidden_ms > model->now_ms;
    bool asked = pending && pair->request.from == inviter;

    if (!model_active(model, inviter))
        return "none";
    if (!full && (asked || (!forwarded && !removed))) {
        model_connect(model, inviter, member, "invite", false, out);
        return "connected";
    }
    if (!pending)
        model_open(model, member, inviter, removed, out);
    return "pending";
}

/* Null if it can be redeemed, or what to answer. */
static const char *
judge(struct model *model, const struct model_invite *invite, int member)
{
    if (!invite)
        return "invite_invalid";
    if (invite->inviter == member)
        return "self";
    enum model_state state = model->members[member].state;
    if (state == CLOSED)
        return "member_closed";
    if (state == SUSPENDED)
        return "suspended";
    if (invite->state == INVITE_USED && invite->redeemer == member)
        return NULL;
    if (!is_open(model, invite))
        return "invite_invalid";
    if (model_blocked(model, member, invite->inviter))
        return "invite_invalid";
    return NULL;
}

void
model_invite_redeem(struct model *model, const struct command *command, struct answer *out)
{
    struct model_invite *invite = find(model, command->token);
    int member = command->a;
    const char *code = judge(model, invite, member);
    if (code) {
        refuse(out, code);
        return;
    }
    if (invite->state == INVITE_USED || model_connected(model, member, invite->inviter)) {
        tell(out, invite, false, "already");
        expect_noted(out);
        return;
    }
    bool joined = model->members[member].state == UNKNOWN;
    bool forwarded = command->contact != ABSENT && command->contact != invite->contact;
    if (joined)
        model_register(model, member, command, out);
    invite->state = INVITE_USED;
    invite->redeemer = member;
    expect_event(out, "invite.redeemed", only(member), only(member) | only(invite->inviter));
    const char *connection = meet(model, invite, forwarded, out);
    tell(out, invite, joined, connection);
}

bool
model_expire_invite(struct model *model, struct slice id, uint32_t *must)
{
    for (unsigned i = 0; i < model->invite_count; i++) {
        struct model_invite *invite = &model->invites[i];
        if (!slice_is(id, invite->id))
            continue;
        bool due = invite->state == INVITE_OPEN && invite->expires_ms <= model->now_ms;
        invite->state = INVITE_OVER;
        *must = only(invite->inviter);
        return due;
    }
    return false;
}
