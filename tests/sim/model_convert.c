/* What becomes of the invites of a contact that is a member's: each asks that member, who alone
 * knows of it, and nothing else changes for its inviter. */
#include "base/assert.h"
#include "sim/model.h"

bool
convert_applies(const struct model *model, int inviter, int member)
{
    return member != NOBODY && member != inviter && model->members[member].state != CLOSED;
}

/* Would a request of the inviter's be refused, or not be heard? Then his invite asks nothing. */
static bool
is_absorbed(const struct model *model, int inviter, int member)
{
    const struct model_pair *pair = model_pair(model, inviter, member);
    const struct model_side *side = model_side(model, inviter, member);
    const char *accept = model->members[member].policy.accept;
    if (model_blocked(model, inviter, member) || pair->connected ||
        model_is_live(model, &pair->request) ||
        model_is_live(model, model_masked(model, inviter, member)))
        return true;
    if (side->cooldown_ms > model->now_ms || side->hidden_ms > model->now_ms ||
        side->absorb_ms > model->now_ms)
        return true;
    if (strcmp(accept, "nobody") == 0 ||
        (strcmp(accept, "mutual") == 0 && !model_mutuals(model, NOBODY, inviter, member)))
        return true;
    return model_incoming(model, member) >= model->settings.inbound_max;
}

void
convert(struct model *model, struct model_invite *invite, int member, struct answer *out)
{
    int inviter = invite->inviter;
    mail_drop(model, invite);
    invite->state = INVITE_CONVERTED;
    struct model_event *event = expect_feeds(out, "invite.converted", 0);
    says_str(event, "invite", invite->id);
    says_str(event, "member", member_name(inviter));
    says_str(event, "other", member_name(member));
    if (is_absorbed(model, inviter, member))
        return;

    struct model_request *masked = model_masked(model, inviter, member);
    *masked = (struct model_request){
        .there = true,
        .from = inviter,
        .to = member,
        .disp = OPEN,
        .filtered = quota_is_flooded(model, member),
        .created_ms = model->now_ms,
        .expires_ms = invite->expires_ms,
        .order = ++model->order,
        .invite = (unsigned)(invite - model->invites),
    };
    quota_receive(model, member);
    event = expect_feeds(out, "connection.requested", only(member));
    says_str(event, "from", member_name(inviter));
    says_str(event, "to", member_name(member));
    event->word = masked->id;
    event->word_path = "request";
}

/* The oldest first. Nobody is asked by himself, and what those left behind who are gone is put
 * aside, which is noted. */
unsigned
convert_all(struct model *model, int contact, int member, struct answer *out)
{
    unsigned count = 0;
    for (unsigned i = 0; i < model->invite_count; i++) {
        struct model_invite *invite = &model->invites[i];
        if (invite->contact != contact || invite->state != INVITE_OPEN || invite->aside ||
            invite->expires_ms <= model->now_ms || !convert_applies(model, invite->inviter, member))
            continue;
        if (model->members[invite->inviter].state == CLOSED) {
            mail_drop(model, invite);
            invite->aside = true;
            expect_feeds(out, "command.noted", 0);
            continue;
        }
        convert(model, invite, member, out);
        count++;
    }
    return count;
}

/* It was never the inviter's, who is not kept from asking by its end. A decline lasts on. */
void
convert_end_request(struct model *model, struct model_request *masked, msec_t at_ms)
{
    struct model_side *side = model_side(model, masked->from, masked->to);
    side->absorb_ms = at_ms + model->settings.cooldown_invited;
    if (masked->step_ms == FOREVER)
        side->absorb_ms = FOREVER;
    else if (masked->step_ms > 0 && at_ms + masked->step_ms > side->absorb_ms)
        side->absorb_ms = at_ms + masked->step_ms;
    *masked = (struct model_request){0};
}

void
convert_end(struct model *model, const struct model_invite *invite, const char *type,
            struct answer *out)
{
    unsigned number = (unsigned)(invite - model->invites);
    for (unsigned i = 0; i < 2 * model_pair_count(model); i++) {
        struct model_request *masked = &model->pairs[i / 2].masked[i % 2];
        if (!masked->there || masked->invite != number)
            continue;
        struct model_event *event =
            expect_feeds(out, type, model_visible(masked) ? only(masked->to) : 0);
        says_str(event, "from", member_name(masked->from));
        says_str(event, "to", member_name(masked->to));
        convert_end_request(model, masked, model->now_ms);
    }
}
