#include "core/decide.h"

#include "base/assert.h"

enum kith_err
decide_withdraw(const struct withdraw_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    const struct pair_facts *who = &facts->who;
    const struct settings *settings = rules->settings;
    enum kith_err err = check_ending(who, out);
    if (err != KITH_OK)
        return err;
    if (who->pair.state == PAIR_CONNECTED)
        return KITH_ALREADY_CONNECTED;
    if (!pair_is_pending_from(&who->pair, actor_side(who), out->now_ms))
        return KITH_NO_REQUEST;
    struct event *event =
        withdraw_request(who, (uint64_t)(out->now_ms + settings->cooldown_withdraw), rules, out);
    if (settings->refund_withdrawn)
        refund_request(event, &who->pair, &facts->quota, out->now_ms);
    return KITH_OK;
}

enum kith_err
decide_remove(const struct pair_facts *who, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    enum kith_err err = check_ending(who, out);
    if (err != KITH_OK)
        return err;
    if (who->pair.state != PAIR_CONNECTED)
        return KITH_NOT_CONNECTED;
    struct event *event = remove_connection(who, rules, out);
    if (rules->settings->cooldown_remover > 0)
        event->cooldown_ms = (uint64_t)(out->now_ms + rules->settings->cooldown_remover);
    return KITH_OK;
}

void
decide_part(const struct pair_facts *who, const struct rules *rules, struct decision *out)
{
    assert(who->actor.state == MEMBER_CLOSED);
    if (who->pair.state == PAIR_CONNECTED) {
        struct event *event = remove_connection(who, rules, out);
        event->removal = REMOVAL_CLOSED;
        event->audience = AUDIENCE_OTHER;
    } else if (who->pair.state == PAIR_PENDING) {
        struct event *event = withdraw_request(who, 0, rules, out);
        if (who->pair.from_side == actor_side(who))
            event->audience &= ~(uint64_t)AUDIENCE_FROM;
        else
            event->audience &= ~(uint64_t)AUDIENCE_TO;
    }
}

bool
decide_import(const struct pair_facts *who, uint64_t via, const struct rules *rules,
              struct decision *out)
{
    const struct pair_side *side = who->pair.side;
    if (!can_act(&who->actor) || !can_act(&who->other))
        return false;
    if (who->pair.state == PAIR_CONNECTED)
        return false;
    if (side[0].blocked_seq > 0 || side[1].blocked_seq > 0)
        return false;
    if (rules_is_full(rules, &who->actor) || rules_is_full(rules, &who->other))
        return false;
    connect_pair(who, via, NULL, rules, out)->notify = false; /* old news to both */
    return true;
}

enum kith_err
decide_access(const struct access_facts *facts, struct decision *out)
{
    assert(out->event_count == 0);
    const struct pair_facts *who = &facts->who;
    const struct pair_side *side = &who->pair.side[actor_side(who)];
    enum kith_err err = check_ending(who, out);
    if (err != KITH_OK)
        return err;
    if (who->pair.state != PAIR_CONNECTED)
        return KITH_NOT_CONNECTED;

    bool updates = facts->sets_updates ? facts->updates : !side->no_updates;
    bool messages = facts->sets_messages ? facts->messages : !side->no_messages;
    if (updates == !side->no_updates && messages == !side->no_messages)
        return KITH_OK;
    struct event *event = decision_event(out, EVENT_CONNECTION_ACCESS_CHANGED);
    event->member = who->actor.id;
    event->other = who->other.id;
    event->updates = updates;
    event->messages = messages;
    event->audience = AUDIENCE_MEMBER;
    return KITH_OK;
}

enum kith_err
decide_dismiss(const struct pair_facts *who, struct decision *out)
{
    assert(out->event_count == 0);
    enum kith_err err = check_ending(who, out);
    if (err != KITH_OK || who->pair.side[actor_side(who)].dismissed)
        return err;
    struct event *event = decision_event(out, EVENT_CONNECTION_DISMISSED);
    event->member = who->actor.id;
    event->other = who->other.id;
    event->audience = AUDIENCE_MEMBER;
    return KITH_OK;
}

enum kith_err
decide_interaction(const struct pair_facts *who, uint64_t interaction, struct decision *out)
{
    assert(out->event_count == 0);
    assert(interaction > INTERACTION_NONE && interaction < INTERACTION_COUNT);
    enum kith_err err = check_both(who, "from", "to", out);
    if (err != KITH_OK)
        return err;
    struct event *event = decision_event(out, EVENT_INTERACTION_RECORDED);
    event->from = who->actor.id;
    event->to = who->other.id;
    event->interaction = interaction;
    return KITH_OK;
}
