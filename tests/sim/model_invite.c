/* Invites as their maker sees them. What their contact does, and what becomes of them where it is a
 * member's, shows in nothing here. */
#include "base/assert.h"
#include "sim/model.h"

bool
invite_is_link(const struct model_invite *invite)
{
    return invite->contact == ABSENT;
}

/* One that is due is expired, swept or not. */
bool
invite_is_active(const struct model *model, const struct model_invite *invite)
{
    bool waits = invite->state == INVITE_OPEN || invite->state == INVITE_CONVERTED ||
                 invite->state == INVITE_DECLINED;
    return waits && invite->expires_ms > model->now_ms;
}

bool
invite_is_live(const struct model *model, const struct model_invite *invite)
{
    return invite_is_active(model, invite) && invite->state != INVITE_DECLINED;
}

static bool
may_invite(const struct model *model, int member, struct answer *out)
{
    if (may_act(model, member, out) && model_restricted(model, member))
        conduct_refuse(model, member, out);
    return out->code == NULL;
}

static struct model_invite *
make(struct model *model, const struct command *command, msec_t ttl_ms, struct answer *out)
{
    assert(model->invite_count < INVITES_MAX);
    struct model_invite *invite = &model->invites[model->invite_count++];
    *invite = (struct model_invite){
        .inviter = command->a,
        .contact = command->contact,
        .max_uses = 1,
        .redeemer = NOBODY,
        .created_ms = model->now_ms,
        .expires_ms = model->now_ms + ttl_ms,
        .sent_ms = model->now_ms,
        .label = command->label,
    };
    out->invite = invite;
    expect_num(out, "expires_at", invite->expires_ms);
    struct model_event *event = expect_feeds(out, "invite.created", only(command->a));
    event->word = invite->id;
    event->word_path = "invite";
    return invite;
}

/* --- making them ----------------------------------------------------------------------------- */

static const struct model_invite *
find_active(const struct model *model, int inviter, int contact)
{
    for (unsigned i = 0; i < model->invite_count; i++) {
        const struct model_invite *invite = &model->invites[i];
        if (invite->inviter == inviter && invite->contact == contact &&
            invite_is_active(model, invite))
            return invite;
    }
    return NULL;
}

static void
tell_earlier(const struct model *model, const struct model_invite *invite, struct answer *out)
{
    expect_str(out, "invite", invite->id);
    expect_str(out, "token", invite->token);
    expect_num(out, "expires_at", invite->expires_ms);
    expect_truth(out, "existing", true);
    if (invite->deliver_ms > model->now_ms)
        expect_num(out, "deliver_after", invite->deliver_ms);
    else
        expect_absent(out, "deliver_after");
    expect_noted(out);
}

void
model_invite_create(struct model *model, const struct command *command, struct answer *out)
{
    int inviter = command->a, owner = model->contacts[command->contact].owner;
    if (!may_invite(model, inviter, out))
        return;
    bool converts = convert_applies(model, inviter, owner);
    const struct model_invite *earlier = find_active(model, inviter, command->contact);
    if (owner == inviter) {
        refuse(out, "self");
    } else if (converts && model->settings.explicit_members) {
        refuse(out, "already_member");
    } else if (earlier) {
        tell_earlier(model, earlier, out);
    } else {
        struct model_invite *invite = make(model, command, model->settings.invite_ttl, out);
        expect_truth(out, "existing", false);
        mail_plan(model, invite, converts, out);
        if (converts)
            convert(model, invite, owner, out);
    }
}

/* A link for several asks, unless its owner says otherwise. */
void
model_invite_link(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_invite(model, command->a, out))
        return;
    struct model_invite *invite = make(model, command, model->settings.link_ttl, out);
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

static bool
may_resend(const struct model *model, const struct model_invite *invite, struct answer *out)
{
    msec_t next_ms = invite->sent_ms + model->settings.resend_after;
    bool over = invite->state != INVITE_USED && invite->state != INVITE_REVOKED &&
                !invite_is_active(model, invite);
    if (invite_is_link(invite)) {
        refuse(out, "bad_argument");
    } else if (!invite_is_active(model, invite) && (!over || is_replaced(model, invite))) {
        refuse(out, "not_active");
    } else if (invite->resends >= model->settings.resends) {
        refuse(out, "resend_limit");
    } else if (next_ms > model->now_ms) {
        refuse(out, "resend_too_soon");
        expect_num(out, "next", next_ms);
    }
    return out->code == NULL;
}

/* The masked request that it became lives on with it. One that had expired begins anew, for whom
 * the contact is now. */
void
model_invite_resend(struct model *model, const struct command *command, struct answer *out)
{
    struct model_invite *invite = find_own(model, command, out);
    if (!invite || !may_invite(model, command->a, out) || !may_resend(model, invite, out))
        return;
    int owner = model->contacts[invite->contact].owner;
    bool over = !invite_is_active(model, invite);
    bool converts = over && convert_applies(model, invite->inviter, owner);
    bool silent = converts || (!over && invite->state != INVITE_OPEN);
    if (over) {
        invite->state = INVITE_OPEN;
        invite->declined = false;
    }
    invite->resends++;
    invite->sent_ms = model->now_ms;
    invite->expires_ms = model->now_ms + model->settings.invite_ttl;
    for (unsigned i = 0; i < 2 * model_pair_count(model); i++) {
        struct model_request *masked = &model->pairs[i / 2].masked[i % 2];
        if (masked->there && &model->invites[masked->invite] == invite)
            masked->expires_ms = invite->expires_ms;
    }
    expect_str(out, "invite", invite->id);
    expect_str(out, "token", invite->token);
    expect_num(out, "expires_at", invite->expires_ms);
    says_str(expect_feeds(out, "invite.resent", only(command->a)), "invite", invite->id);
    mail_plan(model, invite, silent, out);
    if (converts)
        convert(model, invite, owner, out);
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
        convert_end(model, invite, "connection.withdrawn", out);
        mail_drop(model, invite);
        invite->state = INVITE_REVOKED;
        says_str(expect_feeds(out, "invite.revoked", only(command->a)), "invite", invite->id);
    }
}

bool
model_expire_invite(struct model *model, struct slice id, uint32_t *must)
{
    for (unsigned i = 0; i < model->invite_count; i++) {
        struct model_invite *invite = &model->invites[i];
        if (!slice_is(id, invite->id))
            continue;
        bool due = (invite->state == INVITE_OPEN || invite->state == INVITE_CONVERTED ||
                    invite->state == INVITE_DECLINED) &&
                   invite->expires_ms <= model->now_ms;
        mail_drop(model, invite);
        invite->state = INVITE_OVER;
        *must = only(invite->inviter);
        return due;
    }
    return false;
}
