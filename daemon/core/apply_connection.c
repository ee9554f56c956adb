#include "base/assert.h"
#include "core/apply.h"
#include "core/quota.h"
#include "core/rows/lists.h"
#include "core/rows/pair.h"

/* A pair and both its members, loaded for a change and stored together. */
struct both {
    struct member from, to;
    struct pair pair;
    unsigned from_side;
};

static bool
load_both(struct apply *apply, struct slice from, struct slice to, struct both *out)
{
    member_load(apply->views, from, &out->from);
    member_load(apply->views, to, &out->to);
    /* decide() saw both in the same batch; their absence is a bug, or the views have failed. */
    if (views_error(apply->views) != KITH_OK)
        return false;
    assert(out->from.known && out->to.known);
    pair_load(apply->views, &out->from, &out->to, &out->pair);
    out->from_side = pair_side_of(&out->from, &out->to);
    return true;
}

static void
store_both(struct apply *apply, const struct both *both)
{
    member_store(apply->views, &apply->scratch, &both->from);
    member_store(apply->views, &apply->scratch, &both->to);
    pair_store(apply->views, &apply->scratch, &both->pair);
}

static void
list_put(struct views *views, enum view_table table, struct list_key key, uint64_t other)
{
    uint8_t value[4];
    put_be32(value, (uint32_t)other);
    views_put(views, table, list_key_slice(&key), slice_of(value, sizeof(value)));
}

static void
list_del(struct views *views, enum view_table table, struct list_key key)
{
    views_del(views, table, list_key_slice(&key));
}

/* Take the pending request out of everything that lists or counts it. */
static void
end_request(struct apply *apply, struct both *both)
{
    struct pair *pair = &both->pair;
    bool forth = pair->from_side == both->from_side;
    struct member *sender = forth ? &both->from : &both->to;
    struct member *recipient = forth ? &both->to : &both->from;

    assert(pair->state == PAIR_PENDING);
    assert(sender->outgoing > 0);
    sender->outgoing--;
    list_del(apply->views, VIEW_OUTGOING, list_by_time(sender->number, pair->request_seq));
    if (!pair->shadow) {
        assert(recipient->incoming > 0);
        recipient->incoming--;
        list_del(apply->views, VIEW_INCOMING, list_by_time(recipient->number, pair->request_seq));
    }
    due_del(apply->views, pair->expires_ms, pair->request_seq);

    pair->state = PAIR_NONE;
    pair->request = (struct public_id){{0}};
    pair->request_seq = pair->created_ms = pair->expires_ms = 0;
    pair->from_side = 0;
    pair->shadow = false;
}

static void
forget_note(struct pair *pair)
{
    pair->note = (struct slice){0};
    pair->note_side = 0;
}

/* View "outgoing", "incoming", "due", the pair and both counts. */
void
apply_requested(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!load_both(apply, event->from, event->to, &both))
        return;
    struct pair *pair = &both.pair;

    assert(pair->state == PAIR_NONE);
    pair->state = PAIR_PENDING;
    pair->from_side = both.from_side;
    pair->shadow = event->shadow;
    pair->request = event->request;
    pair->request_seq = event->seq;
    pair->created_ms = (uint64_t)event->at_ms;
    pair->expires_ms = event->expires_ms;
    pair->note = event->note;
    pair->note_side = event->note.size ? both.from_side : 0;

    both.from.outgoing++;
    list_put(apply->views, VIEW_OUTGOING, list_by_time(both.from.number, event->seq),
             both.to.number);
    if (!event->shadow) {
        both.to.incoming++;
        list_put(apply->views, VIEW_INCOMING, list_by_time(both.to.number, event->seq),
                 both.from.number);
    }
    due_put_request(apply->views, event->expires_ms, event->seq, both.from.number, both.to.number);
    if (event->cost > 0) {
        buf_clear(&apply->stamps);
        stamps_add(&apply->stamps, both.from.stamps, event->cost, event->at_ms);
        both.from.stamps = buf_slice(&apply->stamps);
    }
    store_both(apply, &both);
}

/* View "adjacent" and "connected" for both sides, the pair and both counts. */
void
apply_accepted(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!load_both(apply, event->from, event->to, &both))
        return;
    struct pair *pair = &both.pair;
    uint64_t from = both.from.number, to = both.to.number;

    assert(pair->state != PAIR_CONNECTED);
    if (pair->state == PAIR_PENDING)
        end_request(apply, &both);
    pair->state = PAIR_CONNECTED;
    pair->since_ms = event->since_ms;
    pair->since_seq = event->seq;
    pair->via = event->via;
    pair->side[0] = pair->side[1] = (struct pair_side){0};
    if (event->note.size) { /* who crossed a request wrote a note of his own */
        pair->note = event->note;
        pair->note_side = !both.from_side;
    }
    both.from.connections++;
    both.to.connections++;
    list_put(apply->views, VIEW_CONNECTED, list_by_time(from, event->seq), to);
    list_put(apply->views, VIEW_CONNECTED, list_by_time(to, event->seq), from);
    list_put(apply->views, VIEW_ADJACENT, list_by_number(from, to), to);
    list_put(apply->views, VIEW_ADJACENT, list_by_number(to, from), from);
    store_both(apply, &both);
}

/* A request was withdrawn or has expired. */
void
apply_request_ended(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!load_both(apply, event->from, event->to, &both))
        return;
    assert(both.pair.from_side == both.from_side);
    end_request(apply, &both);
    forget_note(&both.pair);
    both.pair.side[both.from_side].cooldown_ms = event->cooldown_ms;
    store_both(apply, &both);
}

void
apply_removed(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!load_both(apply, event->member, event->other, &both))
        return;
    struct pair *pair = &both.pair;
    uint64_t member = both.from.number, other = both.to.number;

    assert(pair->state == PAIR_CONNECTED);
    assert(both.from.connections > 0 && both.to.connections > 0);
    both.from.connections--;
    both.to.connections--;
    list_del(apply->views, VIEW_CONNECTED, list_by_time(member, pair->since_seq));
    list_del(apply->views, VIEW_CONNECTED, list_by_time(other, pair->since_seq));
    list_del(apply->views, VIEW_ADJACENT, list_by_number(member, other));
    list_del(apply->views, VIEW_ADJACENT, list_by_number(other, member));

    pair->state = PAIR_NONE;
    pair->since_ms = pair->since_seq = pair->via = 0;
    forget_note(pair);
    pair->side[!both.from_side].hidden_ms = event->hidden_ms;
    store_both(apply, &both);
}
