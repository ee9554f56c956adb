#include "core/decide.h"

#include "base/assert.h"

static struct event *
one_sided(enum event_type type, const struct pair_facts *who, struct decision *out)
{
    struct event *event = decision_event(out, type);
    event->member = who->actor.id;
    event->other = who->other.id;
    event->audience = AUDIENCE_MEMBER;
    return event;
}

/* --- block ---------------------------------------------------------------------------------- */

enum kith_err
block_other(const struct pair_facts *who, const struct rules *rules, struct decision *out)
{
    unsigned side = actor_side(who);
    if (who->pair.side[side].blocked_seq > 0)
        return KITH_OK;
    if (who->actor.blocks >= (uint64_t)rules->settings->block_max)
        return KITH_CAP_REACHED;

    /* To the other these look like any removal or withdrawal. */
    if (who->pair.state == PAIR_CONNECTED)
        remove_connection(who, rules, out);
    else if (pair_is_pending_from(&who->pair, side, out->now_ms))
        withdraw_request(who, 0, rules, out);
    end_masked(who, EVENT_CONNECTION_WITHDRAWN, out->now_ms, rules, out);
    one_sided(EVENT_MEMBER_BLOCKED, who, out);
    return KITH_OK;
}

enum kith_err
decide_block(const struct pair_facts *who, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    enum kith_err err = check_ending(who, out);
    return err == KITH_OK ? block_other(who, rules, out) : err;
}

enum kith_err
decide_unblock(const struct pair_facts *who, struct decision *out)
{
    assert(out->event_count == 0);
    enum kith_err err = check_ending(who, out);
    if (err != KITH_OK)
        return err;
    if (who->pair.side[actor_side(who)].blocked_seq == 0)
        return KITH_NOT_BLOCKED;
    one_sided(EVENT_MEMBER_UNBLOCKED, who, out);
    return KITH_OK;
}

/* --- pre-approval --------------------------------------------------------------------------- */

/* The other asks already: it is accepted now. */
static enum kith_err
accept_now(const struct preapprove_facts *facts, const struct rules *rules, struct decision *out)
{
    if (rules_is_full(rules, &facts->who.actor))
        return KITH_CAP_REACHED;
    if (rules_is_full(rules, &facts->who.other))
        return KITH_PEER_FULL;
    connect_pair(&facts->who, VIA_PREAPPROVAL, &facts->asker, rules, out);
    entries_cstr(&out->result, "state", "connected");
    return KITH_OK;
}

enum kith_err
decide_preapprove(const struct preapprove_facts *facts, const struct rules *rules,
                  struct decision *out)
{
    assert(out->event_count == 0);
    const struct pair_facts *who = &facts->who;
    const struct pair *pair = &who->pair;
    unsigned side = actor_side(who);

    enum kith_err err = check_both(who, "member", "other", out);
    if (err != KITH_OK)
        return err;
    if (pair->side[side].blocked_seq > 0)
        return KITH_BLOCKED_BY_YOU;
    if (pair->state == PAIR_CONNECTED)
        return KITH_ALREADY_CONNECTED;
    if (pair_is_answerable(pair, out->now_ms) && pair->from_side != side)
        return accept_now(facts, rules, out);

    uint64_t now_ms = (uint64_t)out->now_ms;
    bool ends = facts->ttl_ms > 0 && facts->ttl_ms < FOREVER_MS - now_ms;
    uint64_t until_ms = ends ? now_ms + facts->ttl_ms : FOREVER_MS;
    if (pair_side_approves(&pair->side[side], out->now_ms) &&
        pair->side[side].approved_ms == until_ms)
        return KITH_OK;
    one_sided(EVENT_MEMBER_PREAPPROVED, who, out)->expires_ms = ends ? until_ms : 0;
    return KITH_OK;
}

enum kith_err
decide_unpreapprove(const struct pair_facts *who, struct decision *out)
{
    assert(out->event_count == 0);
    enum kith_err err = check_ending(who, out);
    if (err == KITH_OK && pair_side_approves(&who->pair.side[actor_side(who)], out->now_ms))
        one_sided(EVENT_MEMBER_UNPREAPPROVED, who, out);
    return err;
}
