/* Invites as far as connections come of them. Mails are not paced here, and nobody is invited who
 * is a member with that contact. */
#include "base/assert.h"
#include "sim/model.h"

/* One that is due is expired, swept or not. */
static bool
is_open(const struct model *model, const struct model_invite *invite)
{
    return invite->state == INVITE_OPEN && invite->expires_ms > model->now_ms;
}

static bool
is_link(const struct model_invite *invite)
{
    return invite->contact == ABSENT;
}

static bool
may_invite(const struct model *model, int member, struct answer *out)
{
    if (may_act(model, member, out) && model_restricted(model, member))
        conduct_refuse(model, member, out);
    return out->code == NULL;
}

static struct model_invite *
make(struct model *model, int inviter, int contact, msec_t ttl_ms, struct answer *out)
{
    assert(model->invite_count < INVITES_MAX);
    struct model_invite *invite = &model->invites[model->invite_count++];
    *invite = (struct model_invite){
        .inviter = inviter,
        .contact = contact,
        .max_uses = 1,
        .created_ms = model->now_ms,
        .expires_ms = model->now_ms + ttl_ms,
        .sent_ms = model->now_ms,
    };
    out->invite = invite;
    expect_num(out, "expires_at", invite->expires_ms);
    expect_event(out, "invite.created", 0, only(inviter));
    return invite;
}

/* --- making them ----------------------------------------------------------------------------- */

void
model_invite_create(struct model *model, const struct command *command, struct answer *out)
{
    int inviter = command->a;
    if (!may_invite(model, inviter, out))
        return;
    for (unsigned i = 0; i < model->invite_count; i++) {
        const struct model_invite *invite = &model->invites[i];
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
    make(model, inviter, command->contact, model->settings.invite_ttl, out);
    expect_truth(out, "existing", false);
    expect_event(out, "invite.delivery_due", 0, only(inviter));
}

/* A link for several asks, unless its owner says otherwise. */
void
model_invite_link(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_invite(model, command->a, out))
        return;
    struct model_invite *invite = make(model, command->a, ABSENT, model->settings.link_ttl, out);
    if (command->max_uses != ABSENT)
        invite->max_uses = command->max_uses;
    invite->asks = command->mode ? strcmp(command->mode, "request") == 0 : invite->max_uses > 1;
}

/* --- what their maker does with them --------------------------------------------------------- */

/* Another member's is as if it were not. */
static struct model_invite *
find_own(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_act(model, command->a, out))
        return NULL;
    for (unsigned i = 0; i < model->invite_count; i++)
        if (strcmp(model->invites[i].id, command->invite) == 0 &&
            model->invites[i].inviter == command->a)
            return &model->invites[i];
    refuse(out, "not_found");
    return NULL;
}

/* Has he invited the same contact anew? */
static bool
is_replaced(const struct model *model, const struct model_invite *invite)
{
    for (const struct model_invite *later = invite + 1;
         later < model->invites + model->invite_count; later++)
        if (later->inviter == invite->inviter && later->contact == invite->contact)
            return true;
    return false;
}

void
model_invite_resend(struct model *model, const struct command *command, struct answer *out)
{
    struct model_invite *invite = find_own(model, command, out);
    if (!invite || !may_invite(model, command->a, out))
        return;
    msec_t next_ms = invite->sent_ms + model->settings.resend_after;
    bool waits = invite->state == INVITE_OPEN || invite->state == INVITE_OVER;
    if (is_link(invite)) {
        refuse(out, "bad_argument");
    } else if (!waits || (!is_open(model, invite) && is_replaced(model, invite))) {
        refuse(out, "not_active");
    } else if (invite->resends >= model->settings.resends) {
        refuse(out, "resend_limit");
    } else if (next_ms > model->now_ms) {
        refuse(out, "resend_too_soon");
        expect_num(out, "next", next_ms);
    } else {
        invite->resends++;
        invite->state = INVITE_OPEN;
        invite->sent_ms = model->now_ms;
        invite->expires_ms = model->now_ms + model->settings.invite_ttl;
        expect_str(out, "token", invite->token);
        expect_num(out, "expires_at", invite->expires_ms);
        expect_event(out, "invite.resent", 0, only(command->a));
        expect_event(out, "invite.delivery_due", 0, only(command->a));
    }
}

void
model_invite_revoke(struct model *model, const struct command *command, struct answer *out)
{
    struct model_invite *invite = find_own(model, command, out);
    if (!invite)
        return;
    if (invite->state == INVITE_USED) {
        refuse(out, "too_late");
    } else if (invite->state == INVITE_REVOKED) {
        expect_noted(out);
    } else {
        invite->state = INVITE_REVOKED;
        expect_event(out, "invite.revoked", 0, only(command->a));
    }
}

/* --- invite.redeem --------------------------------------------------------------------------- */

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

/* What becomes of the two: @asks, and the inviter must agree first, unless he asks himself. */
static const char *
meet(struct model *model, const struct model_invite *invite, int member, bool asks,
     struct answer *out)
{
    int inviter = invite->inviter;
    const struct model_pair *pair = model_pair(model, member, inviter);
    bool pending = model_pending(model, pair);
    bool full = model_full(model, member) || model_full(model, inviter);
    bool removed = model_side(model, member, inviter)->hidden_ms > model->now_ms;

    if (!model_active(model, inviter))
        return "none";
    if (!full && (model_pending_from(model, pair, inviter) || (!asks && !removed))) {
        model_connect(model, inviter, member, is_link(invite) ? "link" : "invite", false, out);
        return "connected";
    }
    if (!pending)
        model_open(model, member, inviter, removed, out);
    return "pending";
}

/* NULL if it can be redeemed, or was by the same member; else what to answer. */
static const char *
judge(struct model *model, const struct model_invite *invite, int member)
{
    if (!invite)
        return "invite_invalid";
    if (invite->inviter == member)
        return "self";
    if (model->members[member].state == CLOSED)
        return "member_closed";
    if (model->members[member].state == SUSPENDED)
        return "suspended";
    if (invite->redeemers & only(member) && invite->state != INVITE_REVOKED)
        return NULL;
    if (!is_open(model, invite) || model_blocked(model, member, invite->inviter))
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
    if (invite->redeemers & only(member) || model_connected(model, member, invite->inviter)) {
        tell(out, invite, false, "already");
        expect_noted(out);
        return;
    }
    bool joined = model->members[member].state == UNKNOWN;
    bool forwarded =
        !is_link(invite) && command->contact != ABSENT && command->contact != invite->contact;
    if (joined)
        model_register(model, member, command, out);
    invite->redeemers |= only(member);
    if (__builtin_popcount(invite->redeemers) >= invite->max_uses)
        invite->state = INVITE_USED;
    expect_event(out, "invite.redeemed", only(member), only(member) | only(invite->inviter));
    const char *connection = meet(model, invite, member, forwarded || invite->asks, out);
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
