/* Invites as their inviter sees them, as whoever holds a token does, and what came of them. */
#include <stdio.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "sim/ask.h"

#define LISTED 20 /* the newest only: there may be thousands */
#define DEPTH  3

static const char *
state_of(const struct model *model, const struct model_invite *invite)
{
    if (invite->state == INVITE_REVOKED)
        return "revoked";
    if (invite->state == INVITE_USED)
        return invite_is_link(invite) ? "exhausted" : "redeemed";
    if (!invite_is_active(model, invite))
        return "expired";
    return model->members[invite->inviter].state == CLOSED ? "orphaned" : "active";
}

static const char *
kind_of(const struct model_invite *invite)
{
    if (invite_is_link(invite))
        return "link";
    return invite->contact == CONTACT_OPAQUE ? "opaque" : "email";
}

static void
compare_invite(struct sim *sim, const struct model_invite *invite, struct slice item)
{
    const struct model *model = &sim->model;
    bool link = invite_is_link(invite);
    bool redeemed = invite->state == INVITE_USED && !link;
    want_word(sim, item, "invite", "invite", invite->id);
    want_word(sim, item, invite->id, "state", state_of(model, invite));
    want_word(sim, item, invite->id, "kind", kind_of(invite));
    want_word(sim, item, invite->id, "inviter", member_name(invite->inviter));
    want_number(sim, item, invite->id, "created_at", invite->created_ms);
    want_number(sim, item, invite->id, "expires_at", invite->expires_ms);
    want_word(sim, item, invite->id, "label", invite->label);
    want_word(sim, item, invite->id, "member", redeemed ? member_name(invite->redeemer) : NULL);
    want_number(sim, item, invite->id, "redeemed_at", redeemed ? invite->redeemed_ms : 0);
    if (link) {
        want_number(sim, item, invite->id, "uses", __builtin_popcount(invite->redeemers));
        want_number(sim, item, invite->id, "max_uses", invite->max_uses);
        want_word(sim, item, invite->id, "mode", invite->asks ? "request" : "auto");
        return;
    }
    struct slice bounced;
    want_number(sim, item, invite->id, "resends", invite->resends);
    want_number(sim, item, invite->id, "deliver_after",
                invite->deliver_ms > model->now_ms ? invite->deliver_ms : 0);
    if (reply_find(item, "bounced", &bounced) != invite->bounced)
        sim_fail(sim, "%s: it should%s be said to have bounced", invite->id,
                 invite->bounced ? "" : " not");
}

void
compare_invites(struct sim *sim, int member)
{
    const char *words[][2] = {{"member", member_name(member)}};
    struct reader reader;
    struct slice value, result = ask_query(sim, "invite.list", words, 1, LISTED);
    unsigned at = sim->model.invite_count;

    if (!reply_find(result, "items", &value))
        sim_fail(sim, "invite.list: no items");
    reader_init(&reader, value);
    uint32_t count = reader_array(&reader);
    for (uint32_t i = 0; i < count; i++) {
        struct slice item = reader_skip(&reader);
        do {
            if (at == 0)
                sim_fail(sim, "invite.list of %s has an invite too many", words[0][1]);
        } while (sim->model.invites[--at].inviter != member);
        compare_invite(sim, &sim->model.invites[at], item);
    }
    while (count < LISTED && at > 0)
        if (sim->model.invites[--at].inviter == member)
            sim_fail(sim, "invite.list of %s lacks an invite", words[0][1]);
}

/* Whoever looks learns the same, be the contact a member's or not. */
void
compare_peek(struct sim *sim)
{
    const struct model *model = &sim->model;
    if (model->invite_count == 0)
        return;
    unsigned recent = model->invite_count < 30 ? model->invite_count : 30;
    const struct model_invite *invite =
        &model->invites[model->invite_count - 1 - random_below(&sim->glance, recent)];
    ask_begin(&sim->query, "invite.peek", 1);
    write_cstr(&sim->query, "token");
    write_cstr(&sim->query, invite->token);
    struct reply reply = ask_try(sim);
    if (reply.ok != invite_is_live(model, invite))
        sim_fail(sim, "%s: invite.peek should%s find it", invite->id, reply.ok ? " not" : "");
    if (!reply.ok) {
        want_word(sim, reply.body, invite->id, "code", "invite_invalid");
        return;
    }
    want_word(sim, reply.body, invite->id, "invite", invite->id);
    want_word(sim, reply.body, invite->id, "kind", kind_of(invite));
    want_word(sim, reply.body, invite->id, "state", "active");
    want_word(sim, reply.body, invite->id, "inviter", member_name(invite->inviter));
    want_number(sim, reply.body, invite->id, "expires_at", invite->expires_ms);
    want_truth(sim, reply.body, invite->id, "needs_account", true);
}

/* --- who joined through whom ----------------------------------------------------------------- */

/* How many generations @member stands below @root: 0 if he does not. */
static int
generation(const struct model *model, int root, int member)
{
    for (int depth = 1; depth <= DEPTH; depth++) {
        member = model->members[member].brought_by;
        if (member == NOBODY)
            return 0;
        if (member == root)
            return depth;
    }
    return 0;
}

void
compare_tree(struct sim *sim, int member)
{
    const struct model *model = &sim->model;
    const char *words[][2] = {{"member", member_name(member)}};
    struct reader reader;
    struct slice value, result = ask_query(sim, "invite.tree", words, 1, 0);
    int by = model->members[member].brought_by;
    uint32_t seen = 0;

    want_word(sim, result, "tree", "inviter", by == NOBODY ? NULL : member_name(by));
    if (!reply_find(result, "items", &value))
        sim_fail(sim, "invite.tree: no items");
    reader_init(&reader, value);
    for (uint32_t count = reader_array(&reader); count > 0; count--) {
        struct slice item = reader_skip(&reader);
        int other = member_find(reply_str(item, "member"));
        if (other == NOBODY || seen & only(other))
            sim_fail(sim, "invite.tree of %s has somebody twice", words[0][1]);
        seen |= only(other);
        want_number(sim, item, "tree", "depth", generation(model, member, other));
        want_word(sim, item, "tree", "inviter", member_name(model->members[other].brought_by));
    }
    for (int other = 0; other < (int)model->member_count; other++)
        if (model_known(model, other) && generation(model, member, other) && !(seen & only(other)))
            sim_fail(sim, "invite.tree of %s lacks %s", words[0][1], member_name(other));
}
