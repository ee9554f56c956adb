#include "core/decide.h"

#include "base/assert.h"
#include "core/restriction.h"
#include "core/rows/mailing.h"

/* --- mails ----------------------------------------------------------------------------------- */

static struct mail_limits
mail_limits_of(const struct rules *rules)
{
    return (struct mail_limits){(uint64_t)rules->settings->mails_day,
                                (uint64_t)rules->settings->mails_month};
}

/* When it is mailed: at the inviter's next free slot, and when the contact may be written to. A
 * slot is used whether it is mailed or not, or it would tell. */
static void
plan_mail(struct event *event, const struct member *inviter, const struct mail_facts *facts,
          bool silent, const struct rules *rules, msec_t now_ms)
{
    uint64_t limit = rules_tier(rules, inviter)->invite_pace;
    struct mail_limits limits = mail_limits_of(rules);
    msec_t slot_ms = pace_next(facts->slots, limit, now_ms);
    event->deliver_ms = limit > 0 ? (uint64_t)slot_ms : 0;
    if (!silent && !facts->suppressed)
        event->due_ms =
            (uint64_t)mails_next(facts->mails, &limits, slot_ms, (msec_t)event->expires_ms);
}

static void
mail_now(const struct event *planned, struct decision *out)
{
    if ((msec_t)planned->due_ms != out->now_ms)
        return;
    struct event *due = decision_event(out, EVENT_INVITE_DELIVERY_DUE);
    due->invite = planned->invite;
    due->member = planned->member;
    due->notify = true;
}

/* Nobody is written to in the name of who is gone; of who is suspended it waits for another day. */
static void
withhold_mail(const struct delivery_facts *facts, const struct rules *rules, struct decision *out)
{
    const struct invite *invite = &facts->invite;
    struct mail_limits limits = mail_limits_of(rules);
    struct event *event = decision_event(out, EVENT_COMMAND_NOTED);
    event->invite = invite->id;
    if (facts->inviter.state == MEMBER_SUSPENDED)
        event->due_ms = (uint64_t)mails_next(facts->mails, &limits, out->now_ms + DAY_MS,
                                             (msec_t)invite->expires_ms);
}

void
decide_delivery(const struct delivery_facts *facts, const struct rules *rules, struct decision *out)
{
    const struct invite *invite = &facts->invite;
    assert(invite->known && invite->due_ms > 0);
    if (facts->inviter.state != MEMBER_ACTIVE) {
        withhold_mail(facts, rules, out);
        return;
    }
    struct event *due = decision_event(out, EVENT_INVITE_DELIVERY_DUE);
    due->invite = invite->id;
    due->member = invite->inviter;
    due->notify = true;
}

static void
tell_deliver_after(uint64_t deliver_ms, struct decision *out)
{
    if ((msec_t)deliver_ms > out->now_ms)
        entries_time(&out->result, "deliver_after", (msec_t)deliver_ms);
}

/* --- invite.create and invite.link --------------------------------------------------------------
 */

/* The token itself is no part of the result that is kept: it is made again from the id. */
static struct event *
create(const struct member *member, const struct token_facts *facts, const struct rules *rules,
       struct decision *out)
{
    char token[TOKEN_TEXT_SIZE];
    struct event *created = decision_event(out, EVENT_INVITE_CREATED);
    created->invite = public_id_make(rules->id_key, created->seq);
    token_make(facts->key, &created->invite, token);
    token_hash(slice_of(token, sizeof(token)), out->token_hash);
    created->member = member->id;
    created->token = slice_of(out->token_hash, sizeof(out->token_hash));
    created->token_key = facts->number;
    created->audience = AUDIENCE_MEMBER;
    return created;
}

static void
tell_invite(const struct public_id *invite, uint64_t expires_ms, struct decision *out)
{
    entries_id(&out->result, "invite", invite);
    entries_time(&out->result, "expires_at", (msec_t)expires_ms);
}

static enum kith_err
tell_earlier(const struct invite *earlier, struct decision *out)
{
    tell_invite(&earlier->id, earlier->expires_ms, out);
    entries_bool(&out->result, "existing", true);
    tell_deliver_after(earlier->deliver_ms, out);
    return KITH_OK;
}

static void
convert_now(const struct invite *invite, const struct pair_facts *who, uint64_t mutuals,
            const struct rules *rules, struct decision *out)
{
    struct convert_facts facts = {.invite = invite, .who = *who, .mutuals = mutuals};
    decide_convert(&facts, rules, out);
}

static enum kith_err
check_inviter(const struct member *member, struct decision *out)
{
    enum kith_err err = check_actor(member, "member", out);
    if (err == KITH_OK && is_restricted(member, out->now_ms))
        err = refuse_restricted(member, out);
    return err;
}

enum kith_err
decide_invite_self(const struct member *member, struct decision *out)
{
    enum kith_err err = check_inviter(member, out);
    return err == KITH_OK ? KITH_SELF : err;
}

enum kith_err
decide_invite(const struct invite_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    const struct member *member = &facts->member;
    const struct invite *earlier = &facts->earlier;
    bool is_member = converts(&facts->who);
    enum kith_err err = check_inviter(member, out);
    if (err != KITH_OK)
        return err;
    if (is_member && rules->settings->invite_explicit)
        return KITH_ALREADY_MEMBER;
    if (earlier->known && invite_shown_at(earlier, out->now_ms) == INVITE_ACTIVE)
        return tell_earlier(earlier, out);

    struct event *created = create(member, &facts->token, rules, out);
    created->kind = facts->kind;
    created->expires_ms = (uint64_t)(out->now_ms + rules->settings->invite_ttl);
    created->contact = slice_of(facts->contact, sizeof(facts->contact));
    plan_mail(created, member, &facts->mail, is_member, rules, out->now_ms);
    tell_invite(&created->invite, created->expires_ms, out);
    entries_bool(&out->result, "existing", false);
    tell_deliver_after(created->deliver_ms, out);
    mail_now(created, out);
    if (is_member) {
        struct invite invite = {.id = created->invite, .expires_ms = created->expires_ms};
        convert_now(&invite, &facts->who, facts->mutuals, rules, out);
    }
    return KITH_OK;
}

enum kith_err
decide_link(const struct link_facts *facts, const struct rules *rules, struct decision *out)
{
    static const char text[] = "a link holds for 90 days at most (ms)";
    assert(out->event_count == 0);
    const struct member *member = &facts->member;
    enum kith_err err = check_inviter(member, out);
    if (err != KITH_OK)
        return err;
    if (facts->ttl_ms > (uint64_t)LINK_TTL_MAX) {
        memcpy(out->text, text, sizeof(text));
        return refuse_field(out, KITH_BAD_ARGUMENT, "ttl_ms");
    }
    uint64_t ttl_ms = facts->ttl_ms ? facts->ttl_ms : (uint64_t)rules->settings->link_ttl;

    struct event *created = create(member, &facts->token, rules, out);
    created->kind = CONTACT_LINK;
    created->expires_ms = (uint64_t)out->now_ms + ttl_ms;
    created->max_uses = facts->max_uses ? facts->max_uses : 1;
    created->label = facts->label;
    /* A link that many may use should not connect strangers unasked. */
    created->asks = facts->says_mode ? facts->asks : created->max_uses > 1;
    tell_invite(&created->invite, created->expires_ms, out);
    return KITH_OK;
}

/* --- invite.resend and invite.revoke -------------------------------------------------------------
 */

static enum kith_err
check_own(const struct own_facts *facts, struct decision *out)
{
    enum kith_err err = check_actor(&facts->member, "member", out);
    if (err != KITH_OK)
        return err;
    if (!facts->invite.known || facts->invite.inviter_number != facts->member.number)
        return refuse_field(out, KITH_NOT_FOUND, "invite");
    return KITH_OK;
}

/* What holds for every invite alike, so that a refusal tells nothing of this one. */
static enum kith_err
check_resend(const struct own_facts *facts, const struct rules *rules, struct decision *out)
{
    static const char text[] = "a link is not mailed";
    const struct invite *invite = &facts->invite;
    uint64_t state = invite_shown_at(invite, out->now_ms);
    msec_t next_ms = (msec_t)invite->sent_ms + rules->settings->invite_resend_gap;

    if (is_restricted(&facts->member, out->now_ms))
        return refuse_restricted(&facts->member, out);
    if (invite_is_link(invite)) {
        memcpy(out->text, text, sizeof(text));
        return refuse_field(out, KITH_BAD_ARGUMENT, "invite");
    }
    if (state != INVITE_ACTIVE && (state != INVITE_EXPIRED || facts->replaced))
        return KITH_NOT_ACTIVE;
    if (invite->resends >= (uint64_t)rules->settings->invite_resends)
        return KITH_RESEND_LIMIT;
    if (next_ms > out->now_ms) {
        entries_time(&out->detail, "next", next_ms);
        return KITH_RESEND_TOO_SOON;
    }
    return KITH_OK;
}

enum kith_err
decide_resend(const struct own_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    enum kith_err err = check_own(facts, out);
    if (err == KITH_OK)
        err = check_resend(facts, rules, out);
    if (err != KITH_OK)
        return err;

    struct invite invite = facts->invite;
    bool converts_now = invite.state == INVITE_EXPIRED && converts(&facts->who);
    bool silent =
        converts_now || invite.state == INVITE_CONVERTED || invite.state == INVITE_DECLINED;
    struct event *resent = decision_event(out, EVENT_INVITE_RESENT);
    resent->invite = invite.id;
    resent->member = facts->member.id;
    resent->expires_ms = (uint64_t)(out->now_ms + rules->settings->invite_ttl);
    resent->audience = AUDIENCE_MEMBER;
    plan_mail(resent, &facts->member, &facts->mail, silent, rules, out->now_ms);
    tell_invite(&invite.id, resent->expires_ms, out);
    tell_deliver_after(resent->deliver_ms, out);
    mail_now(resent, out);
    if (converts_now) {
        invite.expires_ms = resent->expires_ms;
        convert_now(&invite, &facts->who, facts->mutuals, rules, out);
    }
    return KITH_OK;
}

enum kith_err
decide_revoke(const struct own_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    const struct invite *invite = &facts->invite;
    enum kith_err err = check_own(facts, out);
    if (err != KITH_OK || invite->state == INVITE_REVOKED)
        return err;
    if (invite->state == INVITE_REDEEMED || invite->state == INVITE_EXHAUSTED)
        return KITH_TOO_LATE;

    unconvert(invite, &facts->who, EVENT_CONNECTION_WITHDRAWN, out->now_ms, rules, out);
    struct event *event = decision_event(out, EVENT_INVITE_REVOKED);
    event->invite = invite->id;
    event->member = facts->member.id;
    event->audience = AUDIENCE_MEMBER;
    return KITH_OK;
}

/* --- expiry --------------------------------------------------------------------------------------
 */

void
decide_invite_expire(const struct invite *invite, const struct pair_facts *who,
                     const struct rules *rules, struct decision *out)
{
    assert(invite->known && invite_state_at(invite, out->now_ms) == INVITE_EXPIRED);
    unconvert(invite, who, EVENT_CONNECTION_EXPIRED, (msec_t)invite->expires_ms, rules, out);
    struct event *event = decision_event(out, EVENT_INVITE_EXPIRED);
    event->invite = invite->id;
    event->member = invite->inviter;
    event->expired_ms = invite->expires_ms;
    event->audience = AUDIENCE_MEMBER;
}
