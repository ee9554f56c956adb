#include "core/decide.h"

#include "base/assert.h"
#include "base/endian.h"
#include "core/restriction.h"

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

/* Was it for an address, and does the redeemer say that he has another? A mail that was passed on.
 * An opaque contact cannot be compared, and a link is for whoever has it. */
static bool
is_forwarded(const struct redeem_facts *facts)
{
    return facts->contact_given && !facts->contact_matches &&
           (facts->invite.kind == CONTACT_EMAIL || facts->invite.kind == CONTACT_PHONE);
}

static void
spend(const struct redeem_facts *facts, bool verified, struct decision *out)
{
    if (verified && facts->owner.size > 0) { /* it has moved, as with member.verify_contact */
        struct event *dropped = decision_event(out, EVENT_MEMBER_CONTACT_DROPPED);
        dropped->member = facts->owner;
        dropped->contact = facts->contact;
        dropped->audience = AUDIENCE_MEMBER;
    }
    struct event *event = decision_event(out, EVENT_INVITE_REDEEMED);
    event->invite = facts->invite.id;
    event->member = facts->who.actor.id;
    event->clicked = facts->invite.inviter;
    event->first_touch = facts->first_touch.size ? facts->first_touch : facts->invite.inviter;
    event->match = !is_forwarded(facts);
    event->joined = !facts->who.actor.known;
    event->contact = verified ? facts->contact : (struct slice){0};
    event->audience = AUDIENCE_MEMBER | AUDIENCE_CLICKED;
    event->notify = true;
}

static const char *
connect_redeemer(const struct redeem_facts *facts, const struct rules *rules, struct decision *out)
{
    struct event *event = decision_event(out, EVENT_CONNECTION_ACCEPTED);
    event->from = facts->invite.inviter;
    event->to = facts->who.actor.id;
    event->via = invite_is_link(&facts->invite) ? VIA_LINK : VIA_INVITE;
    event->since_ms = (uint64_t)out->now_ms;
    event->audience = AUDIENCE_FROM | AUDIENCE_TO;
    event->notify = true;
    if (pair_is_pending(&facts->who.pair, out->now_ms))
        judge_sender(&facts->who, true, rules, out);
    return "connected";
}

/* The inviter must agree first: the redeemer asks him, which costs no quota. An invite of the
 * redeemer's own may have asked him already, masked. */
static const char *
ask_inviter(const struct redeem_facts *facts, bool shadow, const struct rules *rules,
            struct decision *out)
{
    const struct pair_facts *who = &facts->who;
    const struct masked *masked = NULL;
    if (who->actor.known && masked_is_live(&who->pair.side[actor_side(who)].masked, out->now_ms))
        masked = &who->pair.side[actor_side(who)].masked;
    bool quiet = shadow || (masked && masked->disp != DISP_OPEN);

    struct event *event = decision_event(out, EVENT_CONNECTION_REQUESTED);
    event->from = who->actor.id;
    event->to = facts->invite.inviter;
    event->request = masked ? masked->request : public_id_make(rules->id_key, event->seq);
    event->expires_ms = (uint64_t)(out->now_ms + rules->settings->request_ttl);
    event->shadow = shadow;
    event->unmetered = !inbound_counts(rules, &who->other);
    event->audience = quiet ? AUDIENCE_FROM : AUDIENCE_FROM | AUDIENCE_TO;
    event->notify = !quiet;
    return "pending";
}

/* Did the invite become a request to the redeemer himself? */
static bool
is_his(const struct redeem_facts *facts)
{
    const struct member *actor = &facts->who.actor;
    return actor->known && facts->invite.converted == actor->number;
}

static void
end_converted(const struct redeem_facts *facts, const struct rules *rules, struct decision *out)
{
    unconvert(&facts->invite, &facts->whose, EVENT_CONNECTION_WITHDRAWN, out->now_ms, rules, out);
}

/* What becomes of the two. A forwarded mail, a link that asks, a full list or a removal not long
 * ago make it a request that the inviter must accept - unless he asked the redeemer himself, or an
 * invite of his did. */
static const char *
meet_inviter(const struct redeem_facts *facts, const struct rules *rules, struct decision *out)
{
    const struct member *actor = &facts->who.actor, *inviter = &facts->who.other;
    const struct pair *pair = &facts->who.pair;
    bool mine = false, theirs = false, removed = false, unheard = false;
    bool full = rules_is_full(rules, actor) || rules_is_full(rules, inviter);
    bool asks = is_forwarded(facts) || facts->invite.asks;

    if (actor->known) {
        unsigned side = pair_side_of(actor, inviter);
        mine = pair_is_pending_from(pair, side, out->now_ms);
        theirs = pair_is_pending(pair, out->now_ms) && !mine;
        removed = pair_side_is_removed(&pair->side[side], out->now_ms);
        unheard = (msec_t)pair->side[side].hidden_ms > out->now_ms;
    }
    bool is_this_invites =
        pair->masked &&
        public_id_equal(&pair->side[pair->from_side].masked.invite, &facts->invite.id);
    bool gone = inviter->state != MEMBER_ACTIVE;
    if (!gone && !full && (theirs || (!asks && !removed)))
        return connect_redeemer(facts, rules, out);

    /* The invite is spent, and what it became ends with it; what it was to others has ended. */
    if (is_his(facts))
        end_converted(facts, rules, out);
    if (gone)
        return "none";
    if (mine || (theirs && !is_this_invites))
        return "pending";
    return ask_inviter(facts, unheard, rules, out);
}

static bool
is_blocked(const struct pair *pair)
{
    return pair->side[0].blocked_seq > 0 || pair->side[1].blocked_seq > 0;
}

/* A claim that was made in time holds although the invite has expired since, unless it was declined
 * before. */
static bool
is_open(const struct redeem_facts *facts, msec_t now_ms)
{
    const struct invite *invite = &facts->invite;
    return invite_is_live(invite, now_ms) || (facts->by_claim && !invite->declined &&
                                              invite_state_at(invite, now_ms) == INVITE_EXPIRED);
}

static bool
has_redeemed(const struct redeem_facts *facts)
{
    const struct invite *invite = &facts->invite;
    if (!facts->who.actor.known)
        return false;
    if (invite_is_link(invite))
        return facts->used;
    return invite->state == INVITE_REDEEMED && invite->redeemer == facts->who.actor.number;
}

/* Where the operator binds invites to their contacts. */
static bool
is_unbound(const struct redeem_facts *facts, const struct rules *rules)
{
    bool address = facts->invite.kind == CONTACT_EMAIL || facts->invite.kind == CONTACT_PHONE;
    return rules->settings->invite_strict && address && !facts->contact_matches;
}

enum kith_err
decide_redeem(const struct redeem_facts *facts, const struct rules *rules, bool *verified,
              struct decision *out)
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
    if (has_redeemed(facts) && invite->state != INVITE_REVOKED)
        return tell_redeemed(facts, false, "already", out);
    if (!is_open(facts, out->now_ms) || is_unbound(facts, rules))
        return KITH_INVITE_INVALID;
    if (actor->known && is_blocked(&facts->who.pair))
        return KITH_INVITE_INVALID;
    if (actor->known && facts->who.pair.state == PAIR_CONNECTED)
        return tell_redeemed(facts, false, "already", out);

    *verified = facts->contact_given && facts->contact_matches && !invite_is_link(invite);
    if (!actor->known)
        join(facts, out);
    if (!is_his(facts))
        end_converted(facts, rules, out);
    spend(facts, *verified, out);
    return tell_redeemed(facts, !actor->known, meet_inviter(facts, rules, out), out);
}

/* --- invite.claim, invite.decline, invite.feedback ------------------------------------------ */

enum kith_err
decide_claim(const struct holder_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    char claim[TOKEN_TEXT_SIZE];
    if (!invite_is_live(&facts->invite, out->now_ms))
        return KITH_INVITE_INVALID;

    struct event *event = decision_event(out, EVENT_INVITE_CLAIMED);
    struct public_id id = public_id_make(rules->id_key, event->seq);
    token_make(facts->token.key, &id, claim);
    token_hash(slice_of(claim, sizeof(claim)), out->token_hash);
    event->invite = facts->invite.id;
    event->member = facts->invite.inviter;
    event->token = slice_of(out->token_hash, sizeof(out->token_hash));
    event->token_key = facts->token.number;
    event->expires_ms = (uint64_t)(out->now_ms + rules->settings->claim_ttl);
    entries_time(&out->result, "expires_at", (msec_t)event->expires_ms);
    return KITH_OK;
}

/* Who is no member has no number; his contact stands for him, apart from all numbers that members
 * have, so that one voice counts once. */
static uint64_t
reporter_of(const struct invite *invite)
{
    assert(invite->contact.size >= 4);
    return get_be32(invite->contact.data) | UINT64_C(0x80000000);
}

/* To the inviter it stays active; a link is nobody's to decline for others. */
enum kith_err
decide_decline_invite(const struct holder_facts *facts, uint64_t report, const struct rules *rules,
                      struct decision *out)
{
    assert(out->event_count == 0);
    const struct invite *invite = &facts->invite;
    bool again = invite->known && invite->state == INVITE_DECLINED &&
                 invite_state_at(invite, out->now_ms) != INVITE_EXPIRED;
    if (!invite_is_live(invite, out->now_ms) && !again)
        return KITH_INVITE_INVALID;
    if (again || invite_is_link(invite))
        return KITH_OK;

    unconvert(invite, &facts->who, EVENT_CONNECTION_WITHDRAWN, out->now_ms, rules, out);
    struct event *event = decision_event(out, EVENT_INVITE_DECLINED);
    event->invite = invite->id;
    event->member = invite->inviter;
    event->report = report;
    if (report == REPORT_UNKNOWN || report == REPORT_SPAM) {
        event->reporter = reporter_of(invite);
        restrict_reported(&facts->inviter, event->reporter, report, out);
    }
    return KITH_OK;
}

/* The mailer may say a thing twice, late, or in another order: what is graver stays. */
enum kith_err
decide_feedback(const struct holder_facts *facts, uint64_t delivery, bool suppressed,
                struct decision *out)
{
    assert(out->event_count == 0);
    const struct invite *invite = &facts->invite;
    static const char text[] = "a link is not mailed";
    if (!invite->known)
        return refuse_field(out, KITH_NOT_FOUND, "invite");
    if (invite_is_link(invite)) {
        memcpy(out->text, text, sizeof(text));
        return refuse_field(out, KITH_BAD_ARGUMENT, "invite");
    }
    if (delivery <= invite->delivery)
        return KITH_OK;

    bool complained = delivery == DELIVERY_COMPLAINED;
    struct event *event = decision_event(out, EVENT_INVITE_FEEDBACK);
    event->invite = invite->id;
    event->member = invite->inviter;
    event->delivery = delivery;
    event->reporter = complained ? reporter_of(invite) : 0;
    event->audience = delivery == DELIVERY_BOUNCED ? AUDIENCE_MEMBER : 0;
    if (complained && !suppressed) {
        struct event *quiet = decision_event(out, EVENT_CONTACT_SUPPRESSED);
        quiet->contact = invite->contact;
    }
    if (complained)
        restrict_reported(&facts->inviter, event->reporter, REPORT_SPAM, out);
    return KITH_OK;
}
