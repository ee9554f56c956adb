#include "core/decide.h"

#include "base/assert.h"
#include "core/restriction.h"

/* The token itself is no part of the result that is kept: it is made again from the id. */
static void
tell_invite(const struct public_id *invite, msec_t expires_ms, bool existing, struct decision *out)
{
    entries_id(&out->result, "invite", invite);
    entries_time(&out->result, "expires_at", expires_ms);
    entries_bool(&out->result, "existing", existing);
}

enum kith_err
decide_invite(const struct invite_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    const struct member *member = &facts->member;
    const struct invite *earlier = &facts->earlier;
    enum kith_err err = check_actor(member, "member", out);
    if (err != KITH_OK)
        return err;
    if (is_restricted(member, out->now_ms))
        return refuse_restricted(member, out);
    if (earlier->known && invite_state_at(earlier, out->now_ms) == INVITE_ACTIVE) {
        tell_invite(&earlier->id, (msec_t)earlier->expires_ms, true, out);
        return KITH_OK;
    }

    char token[TOKEN_TEXT_SIZE];
    struct event *created = decision_event(out, EVENT_INVITE_CREATED);
    created->invite = public_id_make(rules->id_key, created->seq);
    token_make(facts->token_key, &created->invite, token);
    token_hash(slice_of(token, sizeof(token)), out->token_hash);
    created->member = member->id;
    created->kind = facts->kind;
    created->expires_ms = (uint64_t)(out->now_ms + rules->settings->invite_ttl);
    created->contact = slice_of(facts->contact, sizeof(facts->contact));
    created->token = slice_of(out->token_hash, sizeof(out->token_hash));
    created->token_key = facts->token_key_number;
    created->audience = AUDIENCE_MEMBER;

    struct event *due = decision_event(out, EVENT_INVITE_DELIVERY_DUE);
    due->invite = created->invite;
    due->member = member->id;
    due->notify = true;
    tell_invite(&created->invite, (msec_t)created->expires_ms, false, out);
    return KITH_OK;
}

/* --- invite.redeem ------------------------------------------------------------------------- */

static enum kith_err
tell_redeemed(const struct redeem_facts *facts, bool joined, const char *connection,
              struct decision *out)
{
    entries_str(&out->result, "inviter", facts->invite.inviter);
    entries_bool(&out->result, "joined", joined);
    entries_cstr(&out->result, "connection", connection);
    return KITH_OK;
}

static void
join(const struct redeem_facts *facts, struct decision *out)
{
    struct event *event = decision_event(out, EVENT_MEMBER_REGISTERED);
    event->member = facts->who.actor.id;
    event->name = facts->name;
    event->audience = AUDIENCE_MEMBER;
}

static void
spend(const struct redeem_facts *facts, struct decision *out)
{
    struct event *event = decision_event(out, EVENT_INVITE_REDEEMED);
    event->invite = facts->invite.id;
    event->member = facts->who.actor.id;
    event->clicked = facts->invite.inviter;
    event->first_touch = facts->first_touch.size ? facts->first_touch : facts->invite.inviter;
    event->match = !facts->contact_given || facts->contact_matches;
    event->audience = AUDIENCE_MEMBER | AUDIENCE_CLICKED;
    event->notify = true;
}

static const char *
connect_redeemer(const struct redeem_facts *facts, struct decision *out)
{
    struct event *event = decision_event(out, EVENT_CONNECTION_ACCEPTED);
    event->from = facts->invite.inviter;
    event->to = facts->who.actor.id;
    event->via = VIA_INVITE;
    event->since_ms = (uint64_t)out->now_ms;
    event->audience = AUDIENCE_FROM | AUDIENCE_TO;
    event->notify = true;
    return "connected";
}

/* The inviter must agree first: the redeemer asks him, which costs no quota. */
static const char *
ask_inviter(const struct redeem_facts *facts, bool shadow, const struct rules *rules,
            struct decision *out)
{
    struct event *event = decision_event(out, EVENT_CONNECTION_REQUESTED);
    event->from = facts->who.actor.id;
    event->to = facts->invite.inviter;
    event->request = public_id_make(rules->id_key, event->seq);
    event->expires_ms = (uint64_t)(out->now_ms + rules->settings->request_ttl);
    event->shadow = shadow;
    event->audience = shadow ? AUDIENCE_FROM : AUDIENCE_FROM | AUDIENCE_TO;
    event->notify = !shadow;
    return "pending";
}

/* What becomes of the two. A forwarded mail, a full list or a removal not long ago make it a
 * request that the inviter must accept - unless he asked the redeemer himself. */
static const char *
meet_inviter(const struct redeem_facts *facts, const struct rules *rules, struct decision *out)
{
    const struct member *actor = &facts->who.actor, *inviter = &facts->who.other;
    const struct pair *pair = &facts->who.pair;
    bool mine = false, theirs = false, removed = false;

    if (!inviter->known || inviter->state != MEMBER_ACTIVE)
        return "none";
    if (actor->known) {
        unsigned side = pair_side_of(actor, inviter);
        mine = pair_is_pending_from(pair, side, out->now_ms);
        theirs = pair_is_pending(pair, out->now_ms) && !mine;
        removed = (msec_t)pair->side[side].hidden_ms > out->now_ms;
    }
    bool forwarded = facts->contact_given && !facts->contact_matches;
    bool full = rules_is_full(rules, actor) || rules_is_full(rules, inviter);

    if (!full && (theirs || (!forwarded && !removed)))
        return connect_redeemer(facts, out);
    if (mine || theirs)
        return "pending";
    return ask_inviter(facts, removed, rules, out);
}

static bool
is_blocked(const struct pair *pair)
{
    return pair->side[0].blocked_seq > 0 || pair->side[1].blocked_seq > 0;
}

enum kith_err
decide_redeem(const struct redeem_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    const struct invite *invite = &facts->invite;
    const struct member *actor = &facts->who.actor;

    if (!invite->known)
        return KITH_INVITE_INVALID;
    if (slice_equal(invite->inviter, actor->id))
        return KITH_SELF;
    if (actor->known && actor->state != MEMBER_ACTIVE)
        return actor->state == MEMBER_CLOSED ? KITH_MEMBER_CLOSED : KITH_SUSPENDED;
    if (invite->state == INVITE_REDEEMED && actor->known && invite->redeemer == actor->number)
        return tell_redeemed(facts, false, "already", out);
    if (invite_state_at(invite, out->now_ms) != INVITE_ACTIVE)
        return KITH_INVITE_INVALID;
    if (actor->known && is_blocked(&facts->who.pair))
        return KITH_INVITE_INVALID;
    if (actor->known && facts->who.pair.state == PAIR_CONNECTED)
        return tell_redeemed(facts, false, "already", out);

    if (!actor->known)
        join(facts, out);
    spend(facts, out);
    return tell_redeemed(facts, !actor->known, meet_inviter(facts, rules, out), out);
}

void
decide_invite_expire(const struct invite *invite, struct decision *out)
{
    assert(invite->known && invite->state == INVITE_ACTIVE);
    struct event *event = decision_event(out, EVENT_INVITE_EXPIRED);
    event->invite = invite->id;
    event->member = invite->inviter;
    event->expired_ms = invite->expires_ms;
    event->audience = AUDIENCE_MEMBER;
}
