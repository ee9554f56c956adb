#include "base/assert.h"
#include "core/apply.h"

void
approval_end(struct apply *apply, struct pair *pair, unsigned side, uint64_t member)
{
    if (pair->side[side].approved_seq == 0)
        return;
    list_del(apply, VIEW_APPROVALS, list_by_time(member, pair->side[side].approved_seq));
    pair->side[side].approved_seq = pair->side[side].approved_ms = 0;
}

/* View "blocks", the count, and what the other may have asked: it becomes a shadow. */
void
apply_blocked(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->member, event->other, &both))
        return;
    struct pair *pair = &both.pair;
    unsigned side = both.from_side;

    assert(pair->side[side].blocked_seq == 0 && pair->state != PAIR_CONNECTED);
    pair->side[side].blocked_seq = event->seq;
    both.from.blocks++;
    list_put(apply, VIEW_BLOCKS, list_by_time(both.from.number, event->seq), both.to.number);
    approval_end(apply, pair, side, both.from.number);
    pair_unmask(pair, !side);
    if (pair->state == PAIR_PENDING)
        request_dispose(apply, &both, DISP_SHADOW);
    both_store(apply, &both);
}

void
apply_unblocked(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->member, event->other, &both))
        return;
    struct pair_side *side = &both.pair.side[both.from_side];

    assert(side->blocked_seq > 0 && both.from.blocks > 0);
    list_del(apply, VIEW_BLOCKS, list_by_time(both.from.number, side->blocked_seq));
    side->blocked_seq = 0;
    side->cooldown_ms = 0;
    both.from.blocks--;
    both_store(apply, &both);
}

/* View "approvals" and the pair. Who approves hears the other again. */
void
apply_preapproved(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->member, event->other, &both))
        return;
    unsigned side = both.from_side;

    approval_end(apply, &both.pair, side, both.from.number);
    both.pair.side[side].approved_seq = event->seq;
    both.pair.side[side].approved_ms = event->expires_ms ? event->expires_ms : FOREVER_MS;
    both.pair.side[!side].hidden_ms = 0;
    list_put(apply, VIEW_APPROVALS, list_by_time(both.from.number, event->seq), both.to.number);
    pair_store(apply->views, &apply->scratch, &both.pair);
}

void
apply_unpreapproved(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->member, event->other, &both))
        return;
    approval_end(apply, &both.pair, both.from_side, both.from.number);
    pair_store(apply->views, &apply->scratch, &both.pair);
}
