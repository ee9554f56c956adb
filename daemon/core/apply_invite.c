#include "base/assert.h"
#include "core/apply.h"
#include "core/rows/invite.h"
#include "core/rows/mailing.h"

/* --- mails ----------------------------------------------------------------------------------- */

/* The contact's mails, and view "due" if it is for later. */
static void
put_mail(struct apply *apply, struct invite *invite, const struct event *event)
{
    if (event->due_ms == 0)
        return;
    struct mail mail = {(msec_t)event->due_ms, event->seq, invite->inviter_number};
    mails_add(apply->views, &apply->scratch, invite->contact, &mail, event->at_ms);
    if (mail.due_ms <= event->at_ms)
        return; /* invite.delivery_due follows */
    invite->due_ms = event->due_ms;
    invite->due_seq = event->seq;
    due_put_delivery(apply->views, invite->due_ms, invite->due_seq, &invite->id);
}

/* What is to be mailed now, or later; the inviter's slot is used in any case. */
static void
plan_mail(struct apply *apply, struct invite *invite, const struct event *event)
{
    invite->deliver_ms = event->deliver_ms;
    if (event->deliver_ms > 0)
        pace_add(apply->views, &apply->scratch, invite->inviter_number, (msec_t)event->deliver_ms,
                 event->at_ms);
    put_mail(apply, invite, event);
}

/* It is not to be mailed after all, and its place is free for others. */
static void
drop_mail(struct apply *apply, struct invite *invite)
{
    if (invite->due_ms == 0)
        return;
    due_del(apply->views, invite->due_ms, invite->due_seq);
    mails_del(apply->views, &apply->scratch, invite->contact, invite->due_seq);
    invite->due_ms = invite->due_seq = 0;
}

void
apply_delivery_due(struct apply *apply, const struct event *event)
{
    struct invite invite;
    invite_load(apply->views, &event->invite, &invite);
    if (!invite.known || invite.due_ms == 0)
        return; /* in the command that made it */
    due_del(apply->views, invite.due_ms, invite.due_seq);
    invite.due_ms = invite.due_seq = 0;
    invite_store(apply->views, &apply->scratch, &invite);
}

/* --- beginning ---------------------------------------------------------------------------------
 */

void
apply_invite_created(struct apply *apply, const struct event *event)
{
    struct member inviter;
    if (!member_load_known(apply, event->member, &inviter))
        return;

    struct invite invite = {
        .known = true,
        .id = event->invite,
        .seq = event->seq,
        .state = INVITE_ACTIVE,
        .kind = event->kind,
        .inviter_number = inviter.number,
        .contact = event->contact,
        .token = event->token,
        .token_key = event->token_key,
        .created_ms = (uint64_t)event->at_ms,
        .expires_ms = event->expires_ms,
        .sent_ms = (uint64_t)event->at_ms,
        .max_uses = event->max_uses,
        .label = event->label,
        .asks = event->asks,
    };
    plan_mail(apply, &invite, event);
    invite_store(apply->views, &apply->scratch, &invite);
    invite_index(apply->views, &invite, &inviter);
    due_put_invite(apply->views, invite.expires_ms, invite.seq, &invite.id);
    inviter.invites++;
    member_store(apply->views, &apply->scratch, &inviter);
}

static bool
load(struct apply *apply, const struct public_id *id, struct invite *invite)
{
    invite_load(apply->views, id, invite);
    if (views_error(apply->views) != KITH_OK)
        return false;
    assert(invite->known);
    return true;
}

/* Does its expiry still lie ahead? */
static bool
has_expiry(const struct invite *invite)
{
    return invite->state == INVITE_ACTIVE || invite->state == INVITE_CONVERTED ||
           invite->state == INVITE_DECLINED;
}

/* A converted one's masked request lives as long as it does. */
static void
prolong_masked(struct apply *apply, const struct invite *invite)
{
    struct pair pair;
    if (invite->converted == 0)
        return;
    pair_load_numbers(apply->views, invite->inviter_number, invite->converted, &pair);
    struct masked *masked = &pair.side[invite->inviter_number < invite->converted ? 0 : 1].masked;
    if (masked->seq == 0 || !public_id_equal(&masked->invite, &invite->id))
        return;
    masked->expires_ms = invite->expires_ms;
    pair_store(apply->views, &apply->scratch, &pair);
}

void
apply_invite_resent(struct apply *apply, const struct event *event)
{
    struct invite invite;
    if (!load(apply, &event->invite, &invite))
        return;
    drop_mail(apply, &invite);
    if (has_expiry(&invite)) {
        due_del(apply->views, invite.expires_ms, invite.seq);
    } else {
        assert(invite.state == INVITE_EXPIRED);
        invite.state = INVITE_ACTIVE;
        invite.declined = false;
        invite_invited(apply->views, &invite, true);
    }
    invite.expires_ms = event->expires_ms;
    invite.sent_ms = (uint64_t)event->at_ms;
    invite.resends++;
    plan_mail(apply, &invite, event);
    prolong_masked(apply, &invite);
    due_put_invite(apply->views, invite.expires_ms, invite.seq, &invite.id);
    invite_store(apply->views, &apply->scratch, &invite);
}

/* --- ending ------------------------------------------------------------------------------------
 */

/* Out of sight of those who look for active ones, and not mailed any more. */
static void
put_away(struct apply *apply, struct invite *invite)
{
    drop_mail(apply, invite);
    invite_invited(apply->views, invite, false);
}

static void
end_invite(struct apply *apply, struct invite *invite, enum invite_state state)
{
    put_away(apply, invite);
    if (has_expiry(invite))
        due_del(apply->views, invite->expires_ms, invite->seq);
    invite->state = state;
    invite->converted = 0;
    invite_store(apply->views, &apply->scratch, invite);
}

void
apply_invite_expired(struct apply *apply, const struct event *event)
{
    struct invite invite;
    if (load(apply, &event->invite, &invite))
        end_invite(apply, &invite, INVITE_EXPIRED);
}

void
apply_invite_revoked(struct apply *apply, const struct event *event)
{
    struct invite invite;
    if (load(apply, &event->invite, &invite))
        end_invite(apply, &invite, INVITE_REVOKED);
}

/* Its expiry stays as it was: the inviter must not see a difference. */
void
apply_invite_converted(struct apply *apply, const struct event *event)
{
    struct invite invite;
    struct member member;
    if (!load(apply, &event->invite, &invite) || !member_load_known(apply, event->other, &member))
        return;
    assert(invite.state == INVITE_ACTIVE);
    put_away(apply, &invite);
    invite.state = INVITE_CONVERTED;
    invite.converted = member.number;
    invite_store(apply->views, &apply->scratch, &invite);
}

/* Who is no member complains of the inviter. */
static void
note_complaint(struct apply *apply, const struct event *event, uint64_t report)
{
    struct member inviter;
    if (event->reporter == 0 || !member_load_known(apply, event->member, &inviter))
        return;
    report_note(apply, &inviter, event->reporter, report, event->at_ms);
    member_store(apply->views, &apply->scratch, &inviter);
}

void
apply_invite_declined(struct apply *apply, const struct event *event)
{
    struct invite invite;
    if (!load(apply, &event->invite, &invite))
        return;
    note_complaint(apply, event, event->report);
    put_away(apply, &invite);
    invite.state = INVITE_DECLINED;
    invite.declined = true;
    suppressed_put(apply->views, invite.contact, invite.inviter_number);
    invite_store(apply->views, &apply->scratch, &invite);
}

void
apply_invite_feedback(struct apply *apply, const struct event *event)
{
    struct invite invite;
    if (!load(apply, &event->invite, &invite))
        return;
    note_complaint(apply, event, REPORT_SPAM);
    invite.delivery = event->delivery;
    invite.bounced = invite.bounced || event->delivery == DELIVERY_BOUNCED;
    invite_store(apply->views, &apply->scratch, &invite);
}

/* Its inviter is gone: it only lets people in. Or he is suspended, and it waits on. */
void
apply_mail_withheld(struct apply *apply, const struct event *event)
{
    struct invite invite;
    struct member inviter;
    if (!load(apply, &event->invite, &invite))
        return;
    member_load(apply->views, invite.inviter, &inviter);
    if (views_error(apply->views) != KITH_OK)
        return;
    if (inviter.state == MEMBER_CLOSED)
        put_away(apply, &invite);
    drop_mail(apply, &invite);
    put_mail(apply, &invite, event);
    invite_store(apply->views, &apply->scratch, &invite);
}

/* --- claiming and redeeming --------------------------------------------------------------------
 */

enum count { COUNT_CLAIMED, COUNT_REDEEMED, COUNT_CONNECTED };

/* View "label": what came of a link that has one. */
static void
count_label(struct apply *apply, const struct invite *invite, enum count which)
{
    struct label label;
    if (invite->label.size == 0)
        return;
    label_load(apply->views, invite->inviter_number, invite->label, &label);
    label.claimed += which == COUNT_CLAIMED;
    label.redeemed += which == COUNT_REDEEMED;
    label.connected += which == COUNT_CONNECTED;
    label_store(apply->views, &apply->scratch, invite->inviter_number, &label);
}

void
apply_invite_claimed(struct apply *apply, const struct event *event)
{
    struct invite invite;
    if (!load(apply, &event->invite, &invite))
        return;
    claim_store(apply->views, event->token, &event->invite, event->seq, event->expires_ms,
                event->at_ms);
    count_label(apply, &invite, COUNT_CLAIMED);
}

void
apply_link_connected(struct apply *apply, const struct public_id *id)
{
    struct invite invite;
    if (load(apply, id, &invite))
        count_label(apply, &invite, COUNT_CONNECTED);
}

/* View "joined", and the redeemer's row: who brought him. */
static void
note_joined(struct apply *apply, const struct invite *invite, struct member *redeemer)
{
    redeemer->inviter = invite->inviter_number;
    member_store(apply->views, &apply->scratch, redeemer);
    list_put(apply, VIEW_JOINED, list_by_number(invite->inviter_number, redeemer->number),
             redeemer->number);
}

/* The pair remembers a link with a label until the two are connected, or what one asks the other
 * has come to nothing. */
static void
note_link(struct apply *apply, const struct invite *invite, uint64_t redeemer)
{
    struct pair pair;
    if (invite->label.size == 0)
        return;
    pair_load_numbers(apply->views, invite->inviter_number, redeemer, &pair);
    pair.link = invite->id;
    pair_store(apply->views, &apply->scratch, &pair);
}

void
apply_invite_redeemed(struct apply *apply, const struct event *event)
{
    struct invite invite;
    struct member redeemer;
    if (!load(apply, &event->invite, &invite) ||
        !member_load_known(apply, event->member, &redeemer))
        return;
    if (event->joined)
        note_joined(apply, &invite, &redeemer);
    if (event->contact.size > 0) /* the mail came to him: it is his */
        apply_contact_verified(apply, event);

    invite.redeemed_ms = (uint64_t)event->at_ms;
    invite.redeemer = redeemer.number;
    if (!invite_is_link(&invite)) {
        end_invite(apply, &invite, INVITE_REDEEMED);
        return;
    }
    invite.uses++;
    redeemer_put(apply->views, &invite, redeemer.number);
    count_label(apply, &invite, COUNT_REDEEMED);
    note_link(apply, &invite, redeemer.number);
    if (invite.uses >= invite.max_uses)
        end_invite(apply, &invite, INVITE_EXHAUSTED);
    else
        invite_store(apply->views, &apply->scratch, &invite);
}

/* --- contacts ----------------------------------------------------------------------------------
 */

/* View "suppressed"; what is planned for the contact is not to be mailed. */
void
apply_contact_suppressed(struct apply *apply, const struct event *event)
{
    struct member inviter = {.number = 0};
    struct mail mail;
    if (event->member.size > 0)
        member_load(apply->views, event->member, &inviter);
    suppressed_put(apply->views, event->contact, inviter.number);
    while (mails_planned(mails_load(apply->views, event->contact), inviter.number, event->at_ms,
                         &mail)) {
        struct due due;
        struct invite invite;
        if (!due_get(apply->views, (uint64_t)mail.due_ms, mail.seq, &due) ||
            !load(apply, &due.invite, &invite))
            return; /* the views have failed: what is planned is due some time */
        drop_mail(apply, &invite);
        invite_store(apply->views, &apply->scratch, &invite);
    }
}

void
apply_contact_unsuppressed(struct apply *apply, const struct event *event)
{
    suppressed_clear(apply->views, event->contact);
}
