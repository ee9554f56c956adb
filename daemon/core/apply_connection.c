#include "base/assert.h"
#include "core/apply.h"
#include "core/quota.h"
#include "core/restriction.h"
#include "core/stamps.h"

bool
both_load(struct apply *apply, struct slice from, struct slice to, struct both *out)
{
    recent_load(&apply->recent, apply->views, from, to, &out->from, &out->to, &out->pair);
    if (views_error(apply->views) != KITH_OK)
        return false;
    /* decide() saw both in the same batch; their absence is a bug. */
    assert(out->from.known && out->to.known);
    out->from_side = pair_side_of(&out->from, &out->to);
    return true;
}

/* View "closing": a closed member leaves it with the last that stood between him and others. */
static void
leave_closing(struct apply *apply, const struct member *member)
{
    if (member->state == MEMBER_CLOSED && !closing_has_rows(member))
        list_del(apply, VIEW_CLOSING, list_of(member->number));
}

void
both_store(struct apply *apply, const struct both *both)
{
    leave_closing(apply, &both->from);
    leave_closing(apply, &both->to);
    lists_expect(apply);
    member_store(apply->views, &apply->scratch, &both->from);
    member_store(apply->views, &apply->scratch, &both->to);
    pair_store(apply->views, &apply->scratch, &both->pair);
}

/* --- the request that is pending ------------------------------------------------------------ */

/* A request is in exactly one list of its recipient's. */
static enum view_table
recipient_list(const struct pair *pair)
{
    if (pair->disp != DISP_OPEN)
        return VIEW_HIDDEN;
    return pair->filtered ? VIEW_FILTERED : VIEW_INCOMING;
}

static struct member *
sender_of(struct both *both)
{
    return both->pair.from_side == both->from_side ? &both->from : &both->to;
}

static struct member *
recipient_of(struct both *both)
{
    return both->pair.from_side == both->from_side ? &both->to : &both->from;
}

static void
recipient_put(struct apply *apply, struct both *both)
{
    struct member *recipient = recipient_of(both);
    recipient->received++;
    recipient->incoming += both->pair.disp == DISP_OPEN;
    list_put(apply, recipient_list(&both->pair),
             list_by_time(recipient->number, both->pair.request_seq), sender_of(both)->number);
}

static void
recipient_del(struct apply *apply, struct both *both)
{
    struct member *recipient = recipient_of(both);
    assert(recipient->received > 0);
    recipient->received--;
    if (both->pair.disp == DISP_OPEN) {
        assert(recipient->incoming > 0);
        recipient->incoming--;
    }
    list_del(apply, recipient_list(&both->pair),
             list_by_time(recipient->number, both->pair.request_seq));
}

void
request_dispose(struct apply *apply, struct both *both, enum disp disp)
{
    assert(both->pair.state == PAIR_PENDING);
    recipient_del(apply, both);
    both->pair.disp = disp;
    recipient_put(apply, both);
}

/* Take it out of everything that lists or counts it. */
static void
request_end(struct apply *apply, struct both *both)
{
    struct pair *pair = &both->pair;
    struct member *sender = sender_of(both);
    uint64_t *count = pair->masked ? &sender->masked : &sender->outgoing;

    assert(pair->state == PAIR_PENDING);
    assert(*count > 0);
    --*count;
    list_del(apply, pair->masked ? VIEW_MASKED : VIEW_OUTGOING,
             list_by_time(sender->number, pair->request_seq));
    recipient_del(apply, both);
    if (pair->masked) { /* it ends with its invite, which has a row of its own */
        pair->side[pair->from_side].masked = (struct masked){.seq = 0};
    } else {
        due_del(apply->views, pair->expires_ms, pair->request_seq);
        pair->link = (struct public_id){{0}};
    }
    pair->masked = false;

    pair->state = PAIR_NONE;
    pair->request = (struct public_id){{0}};
    pair->request_seq = pair->created_ms = pair->expires_ms = 0;
    pair->from_side = pair->disp = pair->step_ms = pair->cost = 0;
    pair->filtered = pair->costless = false;
}

static void
forget_note(struct pair *pair)
{
    pair->note = (struct slice){0};
    pair->note_side = 0;
}

/* --- connection.requested ------------------------------------------------------------------- */

/* What the sender's limits remember of it. */
static void
remember(struct apply *apply, struct both *both, const struct event *event)
{
    struct member *from = &both->from;
    uint64_t month = month_of(event->at_ms);

    if (event->counts_note) {
        from->note_count = from->note_month == month ? from->note_count + 1 : 1;
        from->note_month = month;
    }
    if (event->cost == 0 && !event->costless)
        return;
    from->burst_ms = event->burst_ms;
    buf_clear(&apply->stamps);
    stamps_add(&apply->stamps, from->stamps,
               stamp_of_cost(event->cost) | (event->impersonal ? STAMP_IMPERSONAL : 0),
               event->at_ms);
    from->stamps = views_row(apply->views, &apply->stamps);
    if (event->print == 0)
        return;
    buf_clear(&apply->prints);
    prints_add(&apply->prints, from->prints, event->print, both->to.number, event->duplicate,
               event->at_ms);
    from->prints = views_row(apply->views, &apply->prints);
}

/* What the recipient's limit remembers of it. */
static void
count_inbound(struct apply *apply, struct member *to, const struct event *event)
{
    if (event->unmetered)
        return;
    buf_clear(&apply->inbound);
    stamps_receive(&apply->inbound, to->inbound, event->at_ms);
    to->inbound = views_row(apply->views, &apply->inbound);
}

/* What an invite became: view "masked", one list of the recipient's, the pair, and both counts. */
static void
put_masked(struct apply *apply, struct both *both, const struct event *event)
{
    struct pair *pair = &both->pair;
    assert(pair->side[both->from_side].masked.seq == 0);
    pair->side[both->from_side].masked = (struct masked){
        .request = event->request,
        .invite = event->invite,
        .seq = event->seq,
        .created_ms = (uint64_t)event->at_ms,
        .expires_ms = event->expires_ms,
        .filtered = event->filtered,
    };
    pair_unmask(pair, both->from_side);
    both->from.masked++;
    list_put(apply, VIEW_MASKED, list_by_time(both->from.number, event->seq), both->to.number);
    recipient_put(apply, both);
    count_inbound(apply, &both->to, event);
    both_store(apply, both);
}

/* The sender asks himself now: his masked request ends in favour of this one, which the recipient
 * sees as he saw that. Returns the disposition to take over. */
static uint64_t
take_mask_off(struct apply *apply, struct both *both, uint64_t *step_ms)
{
    struct pair *pair = &both->pair;
    pair_unmask(pair, both->from_side);
    if (!pair->masked)
        return DISP_OPEN;
    uint64_t disp = pair->disp;
    *step_ms = pair->step_ms;
    request_end(apply, both);
    return disp;
}

/* Views "outgoing", "due", one list of the recipient's, the pair, and both counts. */
void
apply_requested(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->from, event->to, &both))
        return;
    struct pair *pair = &both.pair;
    uint64_t step_ms = 0;

    assert(pair->state == PAIR_NONE);
    if (event->masked) {
        put_masked(apply, &both, event);
        return;
    }
    bool is_new = pair->side[both.from_side].masked.seq == 0;
    uint64_t disp = take_mask_off(apply, &both, &step_ms);
    pair->state = PAIR_PENDING;
    pair->from_side = both.from_side;
    pair->disp = event->shadow ? DISP_SHADOW : disp;
    pair->step_ms = step_ms;
    pair->filtered = event->filtered;
    pair->cost = event->cost;
    pair->costless = event->costless;
    pair->request = event->request;
    pair->request_seq = event->seq;
    pair->created_ms = (uint64_t)event->at_ms;
    pair->expires_ms = event->expires_ms;
    pair->note = event->note;
    pair->note_side = event->note.size ? both.from_side : 0;
    pair->side[!both.from_side].hidden_ms = 0; /* who asks hears the other again */

    both.from.outgoing++;
    list_put(apply, VIEW_OUTGOING, list_by_time(both.from.number, event->seq), both.to.number);
    recipient_put(apply, &both);
    if (!event->shadow && is_new)
        count_inbound(apply, &both.to, event);
    due_put_request(apply->views, event->expires_ms, event->seq, both.from.number, both.to.number);
    remember(apply, &both, event);
    both_store(apply, &both);
}

/* --- its end -------------------------------------------------------------------------------- */

/* The sender's row remembers what became of this request of his: @flags, and what is given back. */
static void
mark_stamp(struct apply *apply, struct both *both, unsigned flags, const struct event *event)
{
    struct member *sender = sender_of(both);
    flags |= (event->refund_day ? STAMP_REFUNDED_DAY : 0) |
             (event->refund_week ? STAMP_REFUNDED_WEEK : 0);
    if (flags == 0 || !pair_is_counted(&both->pair))
        return;
    buf_clear(&apply->stamps);
    stamps_mark(&apply->stamps, sender->stamps, (msec_t)both->pair.created_ms, both->pair.cost,
                flags);
    sender->stamps = views_row(apply->views, &apply->stamps);
}

static void
side_connect(struct apply *apply, struct pair *pair, unsigned side, uint64_t member)
{
    struct pair_side *it = &pair->side[side];
    approval_end(apply, pair, side, member);
    it->cooldown_ms = it->hidden_ms = it->declines = it->absorb_ms = 0;
    it->no_updates = it->no_messages = false;
}

/* Views "adjacent" and "connected" for both sides, the pair and both counts. */
void
apply_accepted(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->from, event->to, &both))
        return;
    struct pair *pair = &both.pair;
    uint64_t from = both.from.number, to = both.to.number;

    assert(pair->state != PAIR_CONNECTED);
    if (!public_id_is_none(&pair->link))
        apply_link_connected(apply, &pair->link);
    pair->link = (struct public_id){{0}};
    if (pair->state == PAIR_PENDING) {
        mark_stamp(apply, &both, STAMP_ACCEPTED, event);
        request_end(apply, &both);
    }
    for (unsigned side = 0; side < 2; side++) {
        pair_unmask(pair, side);
        if (pair->masked)
            request_end(apply, &both);
    }
    pair->state = PAIR_CONNECTED;
    pair->since_ms = event->since_ms;
    pair->since_seq = event->seq;
    pair->via = event->via;
    side_connect(apply, pair, both.from_side, from);
    side_connect(apply, pair, !both.from_side, to);
    if (event->note.size) { /* who crossed a request wrote a note of his own */
        pair->note = event->note;
        pair->note_side = !both.from_side;
    }
    both.from.connections++;
    both.to.connections++;
    list_put(apply, VIEW_CONNECTED, list_by_time(from, event->seq), to);
    list_put(apply, VIEW_CONNECTED, list_by_time(to, event->seq), from);
    list_put(apply, VIEW_ADJACENT, list_by_number(from, to), to);
    list_put(apply, VIEW_ADJACENT, list_by_number(to, from), from);
    both_store(apply, &both);
}

static uint64_t
later(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

/* Until when a sender is not heard whose request was declined with @step_ms and then ended; 0: it
 * was not declined. */
static uint64_t
quiet_until(uint64_t step_ms, uint64_t ended_ms)
{
    if (step_ms == 0)
        return 0;
    return step_ms < FOREVER_MS ? ended_ms + step_ms : FOREVER_MS;
}

/* A declined sender is not heard for a while from the moment at which his request ended. */
static void
end_without_connection(struct apply *apply, const struct event *event, msec_t ended_ms)
{
    struct both both;
    if (!both_load(apply, event->from, event->to, &both))
        return;
    struct pair_side *side = &both.pair.side[both.from_side];
    pair_unmask(&both.pair, both.from_side);
    uint64_t until_ms = quiet_until(both.pair.step_ms, (uint64_t)ended_ms);

    assert(both.pair.from_side == both.from_side);
    if (both.pair.masked) { /* nothing that he asks himself may tell that it was there */
        side->absorb_ms = later(event->hidden_ms, until_ms);
    } else {
        side->cooldown_ms = event->cooldown_ms;
        side->hidden_ms = later(side->hidden_ms, until_ms);
    }
    mark_stamp(apply, &both, 0, event);
    request_end(apply, &both);
    forget_note(&both.pair);
    both_store(apply, &both);
}

void
apply_withdrawn(struct apply *apply, const struct event *event)
{
    end_without_connection(apply, event, event->at_ms);
}

void
apply_expired(struct apply *apply, const struct event *event)
{
    end_without_connection(apply, event, (msec_t)event->expired_ms);
}

/* --- answers that the sender does not hear --------------------------------------------------- */

void
apply_ignored(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->from, event->to, &both))
        return;
    pair_unmask(&both.pair, both.from_side);
    request_dispose(apply, &both, DISP_IGNORED);
    both_store(apply, &both);
}

void
apply_declined(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->from, event->to, &both))
        return;
    pair_unmask(&both.pair, both.from_side);
    request_dispose(apply, &both, DISP_DECLINED);
    both.pair.step_ms = event->hidden_ms;
    both.pair.side[both.from_side].declines++;
    both_store(apply, &both);
}

void
report_note(struct apply *apply, struct member *about, uint64_t reporter, uint64_t report,
            msec_t at_ms)
{
    if (reports_has(about->reports, reporter, at_ms))
        return;
    buf_clear(&apply->stamps);
    reports_add(&apply->stamps, about->reports, reporter, report, at_ms);
    about->reports = views_row(apply->views, &apply->stamps);
}

void
apply_reported(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->from, event->to, &both))
        return;
    pair_unmask(&both.pair, both.from_side);
    request_dispose(apply, &both, DISP_REPORTED);
    report_note(apply, &both.from, both.to.number, event->report, event->at_ms);
    both_store(apply, &both);
}

/* --- connections ---------------------------------------------------------------------------- */

void
apply_removed(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->member, event->other, &both))
        return;
    struct pair *pair = &both.pair;
    uint64_t member = both.from.number, other = both.to.number;

    assert(pair->state == PAIR_CONNECTED);
    assert(both.from.connections > 0 && both.to.connections > 0);
    both.from.connections--;
    both.to.connections--;
    list_del(apply, VIEW_CONNECTED, list_by_time(member, pair->since_seq));
    list_del(apply, VIEW_CONNECTED, list_by_time(other, pair->since_seq));
    list_del(apply, VIEW_ADJACENT, list_by_number(member, other));
    list_del(apply, VIEW_ADJACENT, list_by_number(other, member));

    pair->state = PAIR_NONE;
    pair->since_ms = pair->since_seq = pair->via = 0;
    for (unsigned side = 0; side < 2; side++)
        pair->side[side].no_updates = pair->side[side].no_messages = false;
    forget_note(pair);
    pair->side[both.from_side].cooldown_ms = event->cooldown_ms;
    pair->side[!both.from_side].hidden_ms = event->hidden_ms;
    both_store(apply, &both);
}

void
apply_access_changed(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->member, event->other, &both))
        return;
    both.pair.side[both.from_side].no_updates = !event->updates;
    both.pair.side[both.from_side].no_messages = !event->messages;
    pair_store(apply->views, &apply->scratch, &both.pair);
}

void
apply_dismissed(struct apply *apply, const struct event *event)
{
    struct both both;
    if (!both_load(apply, event->member, event->other, &both))
        return;
    both.pair.side[both.from_side].dismissed = true;
    pair_store(apply->views, &apply->scratch, &both.pair);
}

/* The usual order: to share something says more than to comment on it, and that more than to like
 * it. A message is as much as sharing; a mere view says nothing. */
void
apply_interaction(struct apply *apply, const struct event *event)
{
    static const uint8_t weights[INTERACTION_COUNT] = {[INTERACTION_LIKE] = 1,
                                                       [INTERACTION_COMMENT] = 2,
                                                       [INTERACTION_SHARE] = 3,
                                                       [INTERACTION_MESSAGE] = 3};
    struct both both;
    if (!both_load(apply, event->from, event->to, &both))
        return;
    both.pair.side[both.from_side].weight += weights[event->interaction];
    pair_store(apply->views, &apply->scratch, &both.pair);
}
