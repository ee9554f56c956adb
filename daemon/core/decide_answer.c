#include "core/decide.h"

#include "base/assert.h"
#include "core/restriction.h"

/* Is there a request of the other's that the actor may answer, and is it the one meant? */
static enum kith_err
check_request(const struct answer_facts *facts, struct decision *out)
{
    const struct pair_facts *who = &facts->who;
    enum kith_err err = check_ending(who, out);
    if (err != KITH_OK)
        return err;
    if (who->pair.state == PAIR_CONNECTED)
        return KITH_ALREADY_CONNECTED;
    if (pair_is_pending_from(&who->pair, actor_side(who), out->now_ms))
        return KITH_NOT_RECIPIENT;
    if (!pair_is_answerable(&who->pair, out->now_ms))
        return KITH_NO_REQUEST;
    if (facts->names_request && !public_id_equal(&facts->request, &who->pair.request))
        return refuse_request(out, KITH_STALE, "current", &who->pair.request);
    return KITH_OK;
}

enum kith_err
decide_accept(const struct answer_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    const struct pair_facts *who = &facts->who;
    enum kith_err err = check_both(who, "member", "other", out);
    if (err == KITH_OK)
        err = check_request(facts, out);
    if (err != KITH_OK)
        return err;
    if (rules_is_full(rules, &who->actor))
        return KITH_CAP_REACHED;
    if (rules_is_full(rules, &who->other))
        return KITH_PEER_FULL;

    connect_pair(who, VIA_REQUEST, &facts->asker, rules, out);
    entries_cstr(&out->result, "state", "connected");
    return KITH_OK;
}

static struct event *
answer(enum event_type type, const struct pair_facts *who, struct decision *out)
{
    struct event *event = decision_event(out, type);
    name_request(event, who);
    event->audience = AUDIENCE_TO;
    return event;
}

enum kith_err
decide_ignore(const struct answer_facts *facts, struct decision *out)
{
    assert(out->event_count == 0);
    enum kith_err err = check_request(facts, out);
    if (err != KITH_OK)
        return err;
    if (facts->who.pair.disp == DISP_OPEN)
        answer(EVENT_CONNECTION_IGNORED, &facts->who, out);
    entries_cstr(&out->result, "state", "none");
    return KITH_OK;
}

/* How long the sender will not be heard once this request has ended: longer each time. */
static uint64_t
decline_step_ms(const struct pair_facts *who, const struct rules *rules)
{
    uint64_t declines = who->pair.side[who->pair.from_side].declines;
    if (declines == 0)
        return (uint64_t)rules->settings->decline_first;
    if (declines == 1)
        return (uint64_t)rules->settings->decline_second;
    return FOREVER_MS;
}

void
decline_request(const struct pair_facts *who, const struct rules *rules, struct decision *out)
{
    answer(EVENT_CONNECTION_DECLINED, who, out)->hidden_ms = decline_step_ms(who, rules);
}

enum kith_err
decide_decline(const struct answer_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    enum kith_err err = check_request(facts, out);
    uint64_t disp = facts->who.pair.disp;
    if (err != KITH_OK)
        return err;
    if (disp == DISP_OPEN || disp == DISP_IGNORED)
        decline_request(&facts->who, rules, out);
    entries_cstr(&out->result, "state", "none");
    return KITH_OK;
}

enum kith_err
decide_report(const struct answer_facts *facts, uint64_t report, bool block,
              const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    const struct pair_facts *who = &facts->who;
    enum kith_err err = check_request(facts, out);
    if (err != KITH_OK)
        return err;
    if (who->pair.disp != DISP_REPORTED) {
        answer(EVENT_CONNECTION_REPORTED, who, out)->report = report;
        restrict_reported(&who->other, who->actor.number, report, out);
    }
    return block ? block_other(who, rules, out) : KITH_OK;
}
