/* What happens because its time has come. */
#include "base/assert.h"
#include "core/internal.h"
#include "core/rows/lists.h"
#include "core/rows/mailing.h"

static void
load_who(struct core *core, struct slice actor, struct slice other, struct pair_facts *out)
{
    recent_load(&core->apply.recent, core->views, actor, other, &out->actor, &out->other,
                &out->pair);
}

/* The request between the two is due: who asked is the actor of its expiry. */
static void
expire(struct core *core, const struct pair_facts *who)
{
    struct pair_facts facts = *who;
    if (who->pair.from_side != pair_side_of(&who->actor, &who->other)) {
        facts.actor = who->other;
        facts.other = who->actor;
    }
    decide_expire(&facts, &core->rules, &core->decision);
    append_own(core);
}

/* Is a request between the two due, masked or not? Then it is the pending one of the copy. */
static bool
has_due(struct pair *pair, msec_t now_ms)
{
    for (unsigned side = 0; side < 2 && pair->state == PAIR_NONE; side++)
        if (pair->side[side].masked.seq > 0 && !masked_is_live(&pair->side[side].masked, now_ms))
            pair_unmask(pair, side);
    return pair_is_due(pair, now_ms);
}

void
load_pair(struct core *core, msec_t now_ms, struct slice actor, struct slice other,
          struct pair_facts *out)
{
    load_who(core, actor, other, out);
    while (core_error(core) == KITH_OK && has_due(&out->pair, now_ms)) {
        assert(core->decision.event_count == 0);
        expire(core, out);
        load_who(core, actor, other, out);
    }
    if (out->actor.known && out->other.known)
        pair_show(&out->pair, actor_side(out), now_ms);
}

static void
sweep_request(struct core *core, const struct due *due)
{
    struct pair_facts who;
    load_who(core, member_id(core->views, due->from), member_id(core->views, due->to), &who);
    if (views_error(core->views) == KITH_OK)
        expire(core, &who);
}

static void
sweep_invite(struct core *core, const struct due *due)
{
    struct invite invite;
    struct pair_facts whose;
    invite_load(core->views, &due->invite, &invite);
    load_whose(core, &invite, invite.converted, &whose);
    if (views_error(core->views) != KITH_OK)
        return;
    decide_invite_expire(&invite, &whose, &core->rules, &core->decision);
    append_own(core);
}

static void
sweep_delivery(struct core *core, const struct due *due)
{
    struct delivery_facts facts;
    struct invite *invite = &facts.invite;
    invite_load(core->views, &due->invite, invite);
    if (views_error(core->views) != KITH_OK)
        return;
    if (invite_state_at(invite, core->decision.now_ms) == INVITE_EXPIRED) {
        sweep_invite(core, due); /* nobody is sent a token that opens nothing */
        return;
    }
    member_load(core->views, invite->inviter, &facts.inviter);
    mails_except(mails_load(core->views, invite->contact), invite->due_seq, &core->others);
    facts.mails = views_row(core->views, &core->others);
    if (core_error(core) != KITH_OK)
        return;
    decide_delivery(&facts, &core->rules, &core->decision);
    append_own(core);
}

static void (*const sweeps[])(struct core *, const struct due *) = {
    [DUE_REQUEST] = sweep_request, [DUE_INVITE] = sweep_invite, [DUE_DELIVERY] = sweep_delivery};

/* --- closed members ------------------------------------------------------------------------- */

/* Everything that may stand between a closed member and others is in one of these. */
static const enum view_table closing_tables[] = {VIEW_CONNECTED, VIEW_OUTGOING, VIEW_INCOMING,
                                                 VIEW_FILTERED,  VIEW_HIDDEN,   VIEW_MASKED};

/* The next other member that something stands with; 0 if there is none left. */
static uint64_t
closing_other(struct core *core, uint64_t member)
{
    struct list_key prefix = list_of(member);
    uint64_t other = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(closing_tables) && other == 0; i++) {
        struct slice key, value;
        struct views_scan *scan = views_scan_begin(core->views, closing_tables[i],
                                                   list_key_slice(&prefix), (struct slice){0});
        if (views_scan_next(scan, &key, &value))
            other = get_be32(value.data);
        views_scan_end(scan);
    }
    return other;
}

static void
part(struct core *core, uint64_t member, uint64_t other)
{
    struct pair_facts who;
    load_who(core, member_id(core->views, member), member_id(core->views, other), &who);
    if (core_error(core) != KITH_OK)
        return;
    pair_unmask(&who.pair, 0);
    pair_unmask(&who.pair, 1);
    decide_part(&who, &core->rules, &core->decision);
    append_own(core);
}

/* End what stands between closed members and others, one at a time, at most @count_max. */
static unsigned
sweep_closing(struct core *core, msec_t now_ms, unsigned count_max)
{
    unsigned count = 0;
    uint64_t member;
    while (count < count_max && core_error(core) == KITH_OK &&
           (member = closing_first(core->views)) != 0) {
        uint64_t other = closing_other(core, member);
        if (core_error(core) != KITH_OK)
            break;
        assert(other != 0); /* his row would be gone */
        decision_clear(&core->decision, log_last(core->log) + 1, now_ms);
        part(core, member, other);
        count++;
    }
    return count;
}

unsigned
core_sweep(struct core *core, msec_t now_ms)
{
    unsigned count = 0;
    struct due due;

    while (count < CORE_SWEEP_MAX && core_error(core) == KITH_OK &&
           due_first(core->views, now_ms, &due)) {
        decision_clear(&core->decision, log_last(core->log) + 1, now_ms);
        sweeps[due.kind](core, &due);
        count++;
    }
    count += sweep_closing(core, now_ms, CORE_SWEEP_MAX - count);
    if (core_error(core) == KITH_OK)
        count += sweep_converting(core, now_ms, CORE_SWEEP_MAX - count);
    core->output->tally.swept += count;
    return count;
}
