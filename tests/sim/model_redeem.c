/* What the holder of a token does with an invite, and what its mailer says. */
#include "base/assert.h"
#include "sim/model.h"

struct model_invite *
invite_of_token(struct model *model, const char *token)
{
    for (unsigned i = 0; i < model->invite_count; i++)
        if (strcmp(model->invites[i].token, token) == 0)
            return &model->invites[i];
    return NULL;
}

static struct model_invite *
invite_of_claim(struct model *model, const char *token)
{
    for (unsigned i = 0; i < model->claim_count && i < CLAIMS_MAX; i++) {
        const struct model_claim *claim = &model->claims[i];
        if (strcmp(claim->token, token) == 0 && claim->expires_ms > model->now_ms)
            return &model->invites[claim->invite];
    }
    return NULL;
}

void
model_invite_claim(struct model *model, const struct command *command, struct answer *out)
{
    struct model_invite *invite = invite_of_token(model, command->token);
    if (!invite || !invite_is_live(model, invite)) {
        refuse(out, "invite_invalid");
        return;
    }
    struct model_claim *claim = &model->claims[model->claim_count++ % CLAIMS_MAX];
    *claim = (struct model_claim){(unsigned)(invite - model->invites),
                                  model->now_ms + model->settings.claim_ttl, ""};
    out->claim = claim;
    expect_num(out, "expires_at", claim->expires_ms);
    says_str(expect_feeds(out, "invite.claimed", 0), "invite", invite->id);
}

/* --- invite.redeem --------------------------------------------------------------------------- */

static void
tell(struct answer *out, const struct model_invite *invite, bool joined, const char *connection)
{
    expect_str(out, "inviter", member_name(invite->inviter));
    expect_truth(out, "joined", joined);
    expect_str(out, "connection", connection);
}

/* NULL if it can be redeemed, or was by the same member; else what to answer. */
static const char *
judge(const struct model *model, const struct model_invite *invite, const struct command *command)
{
    int member = command->a;
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
    /* A claim made in time holds although the invite has expired since. */
    bool over = invite->state != INVITE_USED && invite->state != INVITE_REVOKED &&
                !invite->declined && command->claim[0];
    if (!invite_is_live(model, invite) && !over)
        return "invite_invalid";
    bool address = !invite_is_link(invite) && invite->contact != CONTACT_OPAQUE;
    if (model->settings.strict && address && command->contact != invite->contact)
        return "invite_invalid";
    return model_blocked(model, member, invite->inviter) ? "invite_invalid" : NULL;
}

/* Who was first to invite the contact, of invites that are open. */
static int
first_touch(const struct model *model, const struct model_invite *invite)
{
    for (unsigned i = 0; i < model->invite_count && !invite_is_link(invite); i++) {
        const struct model_invite *other = &model->invites[i];
        if (other->contact == invite->contact && other->state == INVITE_OPEN && !other->aside &&
            other->expires_ms > model->now_ms)
            return other->inviter;
    }
    return invite->inviter;
}

static void
spend(struct model *model, struct model_invite *invite, int member, bool match, struct answer *out)
{
    struct model_event *event =
        expect_feeds(out, "invite.redeemed", only(member) | only(invite->inviter));
    says_str(event, "member", member_name(member));
    says_str(event, "clicked", member_name(invite->inviter));
    says_str(event, "first_touch", member_name(first_touch(model, invite)));
    says_truth(event, "match", match);
    invite->redeemers |= only(member);
    invite->redeemer = member;
    invite->redeemed_ms = model->now_ms;
    if (__builtin_popcount(invite->redeemers) < invite->max_uses)
        return;
    mail_drop(model, invite);
    invite->state = INVITE_USED;
}

/* What becomes of the two: @asks, and the inviter must agree first, unless he asks himself. */
static const char *
meet(struct model *model, struct model_invite *invite, int member, bool asks, struct answer *out)
{
    int inviter = invite->inviter;
    const struct model_request *known = model_known_to(model, member, inviter);
    bool theirs = known && known->from == inviter;
    bool full = model_full(model, member) || model_full(model, inviter);
    const struct model_side *side = model_side(model, member, inviter);
    bool unheard = side->hidden_ms > model->now_ms;
    bool removed = unheard && side->declined == 0; /* that he was declined he must not learn */

    if (model_active(model, inviter) && !full && (theirs || (!asks && !removed))) {
        model_join(model, inviter, member, invite_is_link(invite) ? "link" : "invite", false, out);
        return "connected";
    }
    convert_end(model, invite, "connection.withdrawn", out);
    if (!model_active(model, inviter))
        return "none";
    if (!model_known_to(model, member, inviter))
        model_open(model, member, inviter, unheard, out);
    return "pending";
}

static void
verify(struct model *model, int contact, int member, struct answer *out)
{
    int *owner = &model->contacts[contact].owner;
    if (*owner != NOBODY && *owner != member)
        expect_feeds(out, "member.contact_dropped", only(*owner));
    *owner = member;
}

void
model_invite_redeem(struct model *model, const struct command *command, struct answer *out)
{
    int member = command->a;
    struct model_invite *invite = command->claim[0] ? invite_of_claim(model, command->claim)
                                                    : invite_of_token(model, command->token);
    const char *code = judge(model, invite, command);
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
    bool same = command->contact == invite->contact;
    bool verified = !invite_is_link(invite) && same;
    bool forwarded = !invite_is_link(invite) && invite->contact != CONTACT_OPAQUE &&
                     command->contact != ABSENT && !same;
    if (joined) {
        model_register(model, member, command, out);
        model->members[member].brought_by = invite->inviter;
    }
    /* What it became is somebody else's: it is not to be answered any more. */
    if (!model_masked(model, invite->inviter, member)->there ||
        &model->invites[model_masked(model, invite->inviter, member)->invite] != invite)
        convert_end(model, invite, "connection.withdrawn", out);
    spend(model, invite, member, !forwarded, out);
    if (verified)
        verify(model, invite->contact, member, out);
    const char *connection = meet(model, invite, member, forwarded || invite->asks, out);
    tell(out, invite, joined, connection);
    if (verified)
        convert_all(model, invite->contact, member, out);
}

/* --- words about it -------------------------------------------------------------------------- */

/* Who is no member is known by the contact, and one voice counts once. */
static int
voice_of(const struct model_invite *invite)
{
    return MEMBERS_MAX + invite->contact;
}

/* To its inviter it stays what it was; but he is not mailed for to that contact again. */
void
model_invite_decline(struct model *model, const struct command *command, struct answer *out)
{
    struct model_invite *invite = invite_of_token(model, command->token);
    if (!invite || !invite_is_active(model, invite)) {
        refuse(out, "invite_invalid");
        return;
    }
    if (invite_is_link(invite) || invite->state == INVITE_DECLINED) {
        expect_noted(out);
        return;
    }
    convert_end(model, invite, "connection.withdrawn", out);
    mail_drop(model, invite);
    invite->state = INVITE_DECLINED;
    invite->declined = true;
    model->contacts[invite->contact].suppressed_of |= only(invite->inviter);
    says_str(expect_feeds(out, "invite.declined", 0), "invite", invite->id);
    if (command->kind && strcmp(command->kind, "other") != 0)
        conduct_report(model, invite->inviter, voice_of(invite), command->kind, out);
}

static struct model_invite *
find(struct model *model, const char *id)
{
    for (unsigned i = 0; i < model->invite_count; i++)
        if (strcmp(model->invites[i].id, id) == 0)
            return &model->invites[i];
    return NULL;
}

/* The mailer's words come twice, late and in any order: what is graver stays. */
void
model_invite_feedback(struct model *model, const struct command *command, struct answer *out)
{
    static const char *const words[] = {"", "sent", "bounced", "complained"};
    struct model_invite *invite = find(model, command->invite);
    enum model_delivery said = DELIVERY_UNKNOWN;
    while (strcmp(words[said], command->delivery) != 0)
        said++;
    if (!invite) {
        refuse(out, "not_found");
    } else if (invite_is_link(invite)) {
        refuse(out, "bad_argument");
    } else if (said <= invite->delivery) {
        expect_noted(out);
    } else {
        invite->delivery = said;
        invite->bounced |= said == DELIVERY_BOUNCED;
        expect_feeds(out, "invite.feedback", said == DELIVERY_BOUNCED ? only(invite->inviter) : 0);
        if (said != DELIVERY_COMPLAINED)
            return;
        struct command all = {.contact = invite->contact, .a = NOBODY};
        if (!model->contacts[invite->contact].suppressed)
            model_suppress(model, &all, out);
        conduct_report(model, invite->inviter, voice_of(invite), "spam", out);
    }
}
