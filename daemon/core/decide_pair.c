#include "core/decide.h"

#include "base/assert.h"
#include "core/restriction.h"

unsigned
actor_side(const struct pair_facts *who)
{
    return pair_side_of(&who->actor, &who->other);
}

bool
can_act(const struct member *member)
{
    return member->known && member->state == MEMBER_ACTIVE;
}

enum kith_err
check_actor(const struct member *actor, const char *field, struct decision *out)
{
    if (!actor->known)
        return refuse_field(out, KITH_NO_SUCH_MEMBER, field);
    if (actor->state == MEMBER_CLOSED)
        return KITH_MEMBER_CLOSED;
    return actor->state == MEMBER_SUSPENDED ? KITH_SUSPENDED : KITH_OK;
}

enum kith_err
check_both(const struct pair_facts *who, const char *actor, const char *other, struct decision *out)
{
    enum kith_err err = check_actor(&who->actor, actor, out);
    if (err == KITH_OK && !can_act(&who->other))
        err = refuse_field(out, KITH_NO_SUCH_MEMBER, other);
    return err;
}

enum kith_err
check_ending(const struct pair_facts *who, struct decision *out)
{
    enum kith_err err = check_actor(&who->actor, "member", out);
    if (err == KITH_OK && !who->other.known)
        err = refuse_field(out, KITH_NO_SUCH_MEMBER, "other");
    return err;
}

void
name_request(struct event *event, const struct pair_facts *who)
{
    bool actor_asked = actor_side(who) == who->pair.from_side;
    event->from = actor_asked ? who->actor.id : who->other.id;
    event->to = actor_asked ? who->other.id : who->actor.id;
    event->request = who->pair.request;
}

void
refund_request(struct event *event, const struct pair *pair, const struct quota_facts *asker,
               msec_t now_ms)
{
    msec_t asked_ms = (msec_t)pair->created_ms;
    if (pair->cost == 0) /* nothing was paid; what an invite asked was never his */
        return;
    event->refund_day = quota_refunds(asker, WINDOW_DAY, asked_ms, now_ms);
    event->refund_week = quota_refunds(asker, WINDOW_WEEK, asked_ms, now_ms);
}

/* What an invite asked was never his. */
void
judge_sender(const struct pair_facts *who, bool accepted, const struct rules *rules,
             struct decision *out)
{
    const struct pair *pair = &who->pair;
    bool forth = pair->from_side == actor_side(who);
    assert(pair->state == PAIR_PENDING);
    if (!pair->masked)
        restrict_unwelcome(forth ? &who->actor : &who->other, accepted ? pair : NULL, rules, out);
}

struct event *
connect_pair(const struct pair_facts *who, uint64_t via, const struct quota_facts *asker,
             const struct rules *rules, struct decision *out)
{
    struct event *event = decision_event(out, EVENT_CONNECTION_ACCEPTED);
    event->from = who->actor.id;
    event->to = who->other.id;
    event->via = via;
    event->since_ms = (uint64_t)out->now_ms;
    event->audience = AUDIENCE_FROM | AUDIENCE_TO;
    event->notify = true;
    if (pair_is_pending(&who->pair, out->now_ms)) {
        name_request(event, who);
        if (asker) {
            if (rules->settings->refund)
                refund_request(event, &who->pair, asker, out->now_ms);
            judge_sender(who, true, rules, out);
        }
    }
    return event;
}

/* The recipient hears of a request's end only if he still saw it, the sender if he knew of it. */
static uint64_t
audience_of(const struct pair *pair)
{
    uint64_t sender = pair->masked ? 0 : AUDIENCE_FROM;
    return pair->disp == DISP_OPEN ? sender | AUDIENCE_TO : sender;
}

/* What the end of a request does to its sender; a masked one was never his, and only keeps further
 * invites from asking the same. */
static void
cool_down(struct event *event, const struct pair *pair, uint64_t cooldown_ms, uint64_t ended_ms,
          const struct rules *rules)
{
    if (pair->masked)
        event->hidden_ms = ended_ms + (uint64_t)rules->settings->cooldown_invited;
    else
        event->cooldown_ms = cooldown_ms;
}

struct event *
withdraw_request(const struct pair_facts *who, uint64_t cooldown_ms, const struct rules *rules,
                 struct decision *out)
{
    struct event *event = decision_event(out, EVENT_CONNECTION_WITHDRAWN);
    name_request(event, who);
    cool_down(event, &who->pair, cooldown_ms, (uint64_t)out->now_ms, rules);
    event->audience = audience_of(&who->pair);
    judge_sender(who, false, rules, out);
    return event;
}

struct event *
end_masked(const struct pair_facts *who, enum event_type type, msec_t ended_ms,
           const struct rules *rules, struct decision *out)
{
    const struct masked *masked = &who->pair.side[actor_side(who)].masked;
    if (masked->seq == 0)
        return NULL;
    struct event *event = decision_event(out, type);
    event->from = who->actor.id;
    event->to = who->other.id;
    event->request = masked->request;
    event->hidden_ms = (uint64_t)(ended_ms + rules->settings->cooldown_invited);
    if (type == EVENT_CONNECTION_EXPIRED)
        event->expired_ms = (uint64_t)ended_ms;
    event->audience = masked->disp == DISP_OPEN ? AUDIENCE_TO : 0;
    return event;
}

struct event *
remove_connection(const struct pair_facts *who, const struct rules *rules, struct decision *out)
{
    struct event *event = decision_event(out, EVENT_CONNECTION_REMOVED);
    event->member = who->actor.id;
    event->other = who->other.id;
    event->hidden_ms = (uint64_t)(out->now_ms + rules->settings->cooldown_removed);
    event->audience = AUDIENCE_MEMBER | AUDIENCE_OTHER;
    return event;
}

void
decide_expire(const struct pair_facts *who, const struct rules *rules, struct decision *out)
{
    assert(pair_is_due(&who->pair, out->now_ms));
    assert(actor_side(who) == who->pair.from_side);

    struct event *event = decision_event(out, EVENT_CONNECTION_EXPIRED);
    name_request(event, who);
    event->expired_ms = who->pair.expires_ms;
    cool_down(event, &who->pair, who->pair.expires_ms + (uint64_t)rules->settings->cooldown_expire,
              who->pair.expires_ms, rules);
    event->audience = audience_of(&who->pair);
    judge_sender(who, false, rules, out);
}
