#include "core/decide.h"

#include "base/assert.h"

bool
converts(const struct pair_facts *who)
{
    return who->other.known && who->other.state != MEMBER_CLOSED &&
           who->other.number != who->actor.number;
}

/* Would a request of the inviter's be refused, for whatever reason? Then the invite asks nothing.
 */
static bool
is_absorbed(const struct convert_facts *facts, const struct rules *rules, msec_t now_ms)
{
    const struct member *other = &facts->who.other;
    const struct pair *pair = &facts->who.pair;
    const struct pair_side *mine = &pair->side[actor_side(&facts->who)];

    if (pair->side[0].blocked_seq > 0 || pair->side[1].blocked_seq > 0)
        return true;
    /* What the other's invite became is a thing apart. */
    if ((pair->state != PAIR_NONE && !pair->masked) || mine->masked.seq > 0)
        return true;
    if ((msec_t)mine->cooldown_ms > now_ms || (msec_t)mine->hidden_ms > now_ms ||
        (msec_t)mine->absorb_ms > now_ms)
        return true;
    if (other->accept == ACCEPT_NOBODY || (other->accept == ACCEPT_MUTUAL && facts->mutuals == 0))
        return true;
    return other->incoming + facts->asked >= (uint64_t)rules->settings->inbound_max;
}

bool
decide_convert(const struct convert_facts *facts, const struct rules *rules, struct decision *out)
{
    const struct invite *invite = facts->invite;
    assert(converts(&facts->who));
    assert(invite->state == INVITE_ACTIVE || invite->state == INVITE_EXPIRED);

    struct event *converted = decision_event(out, EVENT_INVITE_CONVERTED);
    converted->invite = invite->id;
    converted->member = facts->who.actor.id;
    converted->other = facts->who.other.id;
    converted->first_touch = facts->first_touch;
    if (is_absorbed(facts, rules, out->now_ms))
        return false;

    struct event *event = decision_event(out, EVENT_CONNECTION_REQUESTED);
    event->from = facts->who.actor.id;
    event->to = facts->who.other.id;
    event->request = public_id_make(rules->id_key, event->seq);
    event->invite = invite->id;
    event->expires_ms = invite->expires_ms;
    event->masked = true;
    event->filtered =
        facts->late || inbound_is_full(rules, &facts->who.other, facts->asked, out->now_ms);
    event->unmetered = !inbound_counts(rules, &facts->who.other);
    event->audience = AUDIENCE_TO;
    event->notify = true;
    return true;
}

void
unconvert(const struct invite *invite, const struct pair_facts *who, enum event_type type,
          msec_t ended_ms, const struct rules *rules, struct decision *out)
{
    if (invite->converted == 0 || !who->other.known)
        return;
    assert(invite->inviter_number == who->actor.number);
    unsigned side = actor_side(who);
    if (public_id_equal(&who->pair.side[side].masked.invite, &invite->id))
        end_masked(who, type, ended_ms, rules, out);
}
