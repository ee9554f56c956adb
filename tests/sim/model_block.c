/* Blocks, pre-approvals, and what else one member decides about another. */
#include "sim/model.h"

/* --- blocks ---------------------------------------------------------------------------------- */

/* To the other it looks like a removal, a withdrawal, or nothing at all. */
void
model_block(struct model *model, int actor, int other, struct answer *out)
{
    struct model_pair *pair = model_pair(model, actor, other);
    struct model_side *side = model_side(model, actor, other);
    side->blocks = true;
    side->block_order = ++model->order;
    side->approves_ms = 0;
    if (pair->connected) {
        model_remove(model, actor, other);
        expect_feeds(out, "connection.removed", only(actor) | only(other));
    } else if (model_pending_from(model, pair, actor)) {
        expect_feeds(out, "connection.withdrawn", model_end_feeds(&pair->request));
        model_end(model, pair, model->now_ms, 0, out);
    } else if (model_known_to(model, actor, other)) {
        model_known_to(model, actor, other)->disp = SHADOW;
    }
    struct model_request *masked = model_masked(model, actor, other);
    if (masked->there) {
        expect_feeds(out, "connection.withdrawn", model_visible(masked) ? only(other) : 0);
        convert_end_request(model, masked, model->now_ms);
    }
    expect_feeds(out, "member.blocked", only(actor));
}

bool
may_block(const struct model *model, int actor, struct answer *out)
{
    unsigned count = 0;
    for (int other = 0; other < (int)model->member_count; other++)
        count += other != actor && model_side(model, actor, other)->blocks;
    if (count >= model->settings.block_max)
        refuse(out, "cap_reached");
    return out->code == NULL;
}

void
model_do_block(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_end(model, command, out))
        return;
    if (model_side(model, command->a, command->b)->blocks)
        expect_noted(out);
    else if (may_block(model, command->a, out))
        model_block(model, command->a, command->b, out);
}

/* Nothing is restored or delivered. */
void
model_unblock(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_end(model, command, out))
        return;
    struct model_side *side = model_side(model, command->a, command->b);
    if (!side->blocks) {
        refuse(out, "not_blocked");
        return;
    }
    side->blocks = false;
    side->cooldown_ms = 0;
    expect_feeds(out, "member.unblocked", only(command->a));
}

/* --- pre-approval ---------------------------------------------------------------------------- */

/* A request that waits already is accepted; one that is hidden stays so. Who approves hears the
 * other again. */
void
model_preapprove(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_begin(model, command, out))
        return;
    int actor = command->a, other = command->b;
    struct model_side *side = model_side(model, actor, other);
    const struct model_request *request = model_known_to(model, actor, other);

    if (side->blocks) {
        refuse(out, "blocked_by_you");
    } else if (model_connected(model, actor, other)) {
        refuse(out, "already_connected");
    } else if (request && request->from == other && request->disp != SHADOW) {
        if (both_have_room(model, actor, other, out))
            model_join(model, actor, other, "preapproval", true, out);
    } else {
        msec_t until_ms = command->ttl_ms == ABSENT ? FOREVER : model->now_ms + command->ttl_ms;
        bool live = side->approves_ms > model->now_ms;
        if (live && side->approves_ms == until_ms) {
            expect_noted(out);
            return;
        }
        side->approves_ms = until_ms;
        side->approve_order = ++model->order;
        model_side(model, other, actor)->hidden_ms = 0;
        expect_feeds(out, "member.preapproved", only(actor));
    }
}

void
model_unpreapprove(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_end(model, command, out))
        return;
    struct model_side *side = model_side(model, command->a, command->b);
    if (side->approves_ms > model->now_ms)
        expect_feeds(out, "member.unpreapproved", only(command->a));
    else
        expect_noted(out);
    side->approves_ms = 0;
}

/* --- the rest -------------------------------------------------------------------------------- */

void
model_set_access(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_end(model, command, out))
        return;
    struct model_side *side = model_side(model, command->a, command->b);
    if (!model_connected(model, command->a, command->b)) {
        refuse(out, "not_connected");
        return;
    }
    bool no_updates = command->updates == ABSENT ? side->no_updates : !command->updates;
    bool no_messages = command->messages == ABSENT ? side->no_messages : !command->messages;
    if (no_updates == side->no_updates && no_messages == side->no_messages)
        expect_noted(out);
    else
        expect_feeds(out, "connection.access_changed", only(command->a));
    side->no_updates = no_updates;
    side->no_messages = no_messages;
}

void
model_dismiss(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_end(model, command, out))
        return;
    struct model_side *side = model_side(model, command->a, command->b);
    if (side->dismissed)
        expect_noted(out);
    else
        expect_event(out, "connection.dismissed", 0, only(command->a));
    side->dismissed = true;
}

void
model_interact(struct model *model, const struct command *command, struct answer *out)
{
    if (may_begin(model, command, out))
        expect_event(out, "interaction.recorded", 0, 0);
}
