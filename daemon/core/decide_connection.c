#include "core/decide.h"

#include "base/assert.h"

/* --- facts in words ------------------------------------------------------------------------ */

static unsigned
actor_side(const struct pair_facts *who)
{
    return pair_side_of(&who->actor, &who->other);
}

static bool
can_act(const struct member *member)
{
    return member->known && member->state == MEMBER_ACTIVE;
}

static enum kith_err
check_actor(const struct member *actor, const char *field, struct decision *out)
{
    if (!actor->known)
        return refuse_field(out, KITH_NO_SUCH_MEMBER, field);
    if (actor->state == MEMBER_CLOSED)
        return KITH_MEMBER_CLOSED;
    return actor->state == MEMBER_SUSPENDED ? KITH_SUSPENDED : KITH_OK;
}

/* Who acts must exist and be active. For the other, suspended is as good as absent where something
 * new is to begin. */
static enum kith_err
check_both(const struct pair_facts *who, const char *actor, const char *other, struct decision *out)
{
    enum kith_err err = check_actor(&who->actor, actor, out);
    if (err == KITH_OK && !can_act(&who->other))
        err = refuse_field(out, KITH_NO_SUCH_MEMBER, other);
    return err;
}

/* --- events -------------------------------------------------------------------------------- */

static void
name_request(struct event *event, const struct pair_facts *who, unsigned from_side)
{
    bool actor_asked = actor_side(who) == from_side;
    event->from = actor_asked ? who->actor.id : who->other.id;
    event->to = actor_asked ? who->other.id : who->actor.id;
    event->request = who->pair.request;
}

static uint64_t
audience_of(const struct pair *pair)
{
    return pair->shadow ? AUDIENCE_FROM : AUDIENCE_FROM | AUDIENCE_TO;
}

/* Connect the two: by the request between them if there is one. */
static struct event *
connect_pair(const struct pair_facts *who, uint64_t via, struct decision *out)
{
    struct event *event = decision_event(out, EVENT_CONNECTION_ACCEPTED);
    event->from = who->actor.id;
    event->to = who->other.id;
    if (pair_is_pending(&who->pair, out->now_ms))
        name_request(event, who, (unsigned)who->pair.from_side);
    event->via = via;
    event->since_ms = (uint64_t)out->now_ms;
    event->audience = AUDIENCE_FROM | AUDIENCE_TO;
    event->notify = true;
    return event;
}

static struct event *
open_request(const struct pair_facts *who, bool shadow, const struct rules *rules,
             struct decision *out)
{
    struct event *event = decision_event(out, EVENT_CONNECTION_REQUESTED);
    event->from = who->actor.id;
    event->to = who->other.id;
    event->request = public_id_make(rules->id_key, event->seq);
    event->expires_ms = (uint64_t)(out->now_ms + rules->settings->request_ttl);
    event->shadow = shadow;
    event->audience = shadow ? AUDIENCE_FROM : AUDIENCE_FROM | AUDIENCE_TO;
    event->notify = !shadow;
    return event;
}

/* --- connection.request -------------------------------------------------------------------- */

static enum kith_err
refuse_quota(const struct window_use *use, struct decision *out)
{
    entries_cstr(&out->detail, "window", window_name(use->window));
    entries_uint(&out->detail, "limit", use->limit);
    entries_uint(&out->detail, "used", use->used);
    entries_time(&out->detail, "next_free_at", use->next_free_ms);
    return KITH_QUOTA_EXCEEDED;
}

static void
tell_quota(const struct request_facts *facts, const struct rules *rules, uint64_t cost,
           struct decision *out)
{
    const struct member *actor = &facts->who.actor;
    struct window_use use;
    struct entries_inner quota = entries_open(&out->result, "quota");

    if (quota_after(actor->stamps, rules_tier(rules, actor),
                    rules_is_new(rules, actor, out->now_ms), cost, out->now_ms, &use)) {
        entries_uint(&out->result, "left", use.left);
        if (use.next_free_ms)
            entries_time(&out->result, "next_free_at", use.next_free_ms);
    }
    entries_close(&out->result, quota);
}

static enum kith_err
cross(const struct request_facts *facts, const struct rules *rules, struct decision *out)
{
    if (rules_is_full(rules, &facts->who.actor))
        return KITH_CAP_REACHED;
    if (rules_is_full(rules, &facts->who.other))
        return KITH_PEER_FULL;
    connect_pair(&facts->who, VIA_CROSSING, out)->note = facts->note;
    entries_cstr(&out->result, "state", "connected");
    tell_quota(facts, rules, 0, out);
    return KITH_OK;
}

/* Does anything that this tier sets count requests? If not, none is stamped. */
static uint64_t
cost_of(const struct tier *tier)
{
    for (enum window window = 0; window < WINDOW_COUNT; window++)
        if (window_limit(tier, window, false) || window_limit(tier, window, true))
            return 1;
    return 0;
}

static enum kith_err
ask(const struct request_facts *facts, const struct rules *rules, struct decision *out)
{
    const struct pair_facts *who = &facts->who;
    const struct pair_side *side = &who->pair.side[actor_side(who)];
    const struct tier *tier = rules_tier(rules, &who->actor);
    uint64_t cost = cost_of(tier);
    struct window_use use;

    if ((msec_t)side->cooldown_ms > out->now_ms)
        return refuse_until(out, KITH_COOLDOWN, (msec_t)side->cooldown_ms);
    if (quota_refuses(who->actor.stamps, tier, rules_is_new(rules, &who->actor, out->now_ms), cost,
                      out->now_ms, &use))
        return refuse_quota(&use, out);
    if (rules_is_full(rules, &who->actor))
        return KITH_CAP_REACHED;

    bool shadow = (msec_t)side->hidden_ms > out->now_ms;
    struct event *event = open_request(who, shadow, rules, out);
    event->note = facts->note;
    event->cost = cost;

    entries_cstr(&out->result, "state", "pending");
    entries_id(&out->result, "request", &event->request);
    entries_time(&out->result, "expires_at", (msec_t)event->expires_ms);
    tell_quota(facts, rules, cost, out);
    return KITH_OK;
}

enum kith_err
decide_request(const struct request_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    assert(out->now_ms > 0);
    const struct pair_facts *who = &facts->who;

    enum kith_err err = check_both(who, "from", "to", out);
    if (err != KITH_OK)
        return err;
    if (facts->note_length > (size_t)rules->settings->note_max) {
        entries_uint(&out->detail, "limit", (uint64_t)rules->settings->note_max);
        entries_uint(&out->detail, "used", facts->note_length);
        return refuse_field(out, KITH_NOTE_TOO_LONG, "note");
    }
    if (who->pair.state == PAIR_CONNECTED)
        return KITH_ALREADY_CONNECTED;
    if (pair_is_pending_from(&who->pair, actor_side(who), out->now_ms))
        return refuse_request(out, KITH_ALREADY_PENDING, "request", &who->pair.request);
    if (pair_is_pending(&who->pair, out->now_ms))
        return cross(facts, rules, out);
    return ask(facts, rules, out);
}

/* --- connection.accept, withdraw, remove --------------------------------------------------- */

enum kith_err
decide_accept(const struct accept_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    const struct pair_facts *who = &facts->who;

    enum kith_err err = check_both(who, "member", "other", out);
    if (err != KITH_OK)
        return err;
    if (who->pair.state == PAIR_CONNECTED)
        return KITH_ALREADY_CONNECTED;
    if (pair_is_pending_from(&who->pair, actor_side(who), out->now_ms))
        return KITH_NOT_RECIPIENT;
    if (!pair_is_pending(&who->pair, out->now_ms) || who->pair.shadow)
        return KITH_NO_REQUEST;
    if (facts->names_request && !public_id_equal(&facts->request, &who->pair.request))
        return refuse_request(out, KITH_STALE, "current", &who->pair.request);
    if (rules_is_full(rules, &who->actor))
        return KITH_CAP_REACHED;
    if (rules_is_full(rules, &who->other))
        return KITH_PEER_FULL;

    connect_pair(who, VIA_REQUEST, out);
    entries_cstr(&out->result, "state", "connected");
    return KITH_OK;
}

/* Ending something needs no active other: it works on whoever is there. */
static enum kith_err
check_ending(const struct pair_facts *who, struct decision *out)
{
    enum kith_err err = check_actor(&who->actor, "member", out);
    if (err == KITH_OK && !who->other.known)
        err = refuse_field(out, KITH_NO_SUCH_MEMBER, "other");
    return err;
}

enum kith_err
decide_withdraw(const struct pair_facts *who, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    enum kith_err err = check_ending(who, out);
    if (err != KITH_OK)
        return err;
    if (who->pair.state == PAIR_CONNECTED)
        return KITH_ALREADY_CONNECTED;
    if (!pair_is_pending_from(&who->pair, actor_side(who), out->now_ms))
        return KITH_NO_REQUEST;

    struct event *event = decision_event(out, EVENT_CONNECTION_WITHDRAWN);
    name_request(event, who, actor_side(who));
    event->cooldown_ms = (uint64_t)(out->now_ms + rules->settings->cooldown_withdraw);
    event->audience = audience_of(&who->pair);
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

    struct event *event = decision_event(out, EVENT_CONNECTION_REMOVED);
    event->member = who->actor.id;
    event->other = who->other.id;
    event->hidden_ms = (uint64_t)(out->now_ms + rules->settings->cooldown_removed);
    event->audience = AUDIENCE_MEMBER | AUDIENCE_OTHER;
    return KITH_OK;
}

/* --- what happens without anybody asking ---------------------------------------------------- */

bool
decide_import(const struct pair_facts *who, uint64_t via, const struct rules *rules,
              struct decision *out)
{
    if (!can_act(&who->actor) || !can_act(&who->other))
        return false;
    if (who->pair.state == PAIR_CONNECTED)
        return false;
    if (rules_is_full(rules, &who->actor) || rules_is_full(rules, &who->other))
        return false;
    connect_pair(who, via, out)->notify = false; /* old news to both */
    return true;
}

void
decide_expire(const struct pair_facts *who, const struct rules *rules, struct decision *out)
{
    assert(pair_is_due(&who->pair, out->now_ms));
    assert(actor_side(who) == who->pair.from_side);

    struct event *event = decision_event(out, EVENT_CONNECTION_EXPIRED);
    name_request(event, who, actor_side(who));
    event->expired_ms = who->pair.expires_ms;
    event->cooldown_ms = who->pair.expires_ms + (uint64_t)rules->settings->cooldown_expire;
    event->audience = audience_of(&who->pair);
}
