#include "core/apply.h"

#include "base/assert.h"
#include "base/endian.h"
#include "core/rows/feed.h"
#include "core/rows/mailing.h"

/* The daemon's own word on a mail that is withheld, or that the last slice of a contact's invites
 * was converted; else nothing. */
static void
apply_noted(struct apply *apply, const struct event *event)
{
    if (!public_id_is_none(&event->invite))
        apply_mail_withheld(apply, event);
    if (event->contact.size > 0)
        converting_del(apply->views, event->contact);
}

/* Changes nothing that is derived. */
static void
apply_nothing(struct apply *apply, const struct event *event)
{
    (void)apply;
    (void)event;
}

static apply_fn *const projections[EVENT_TYPE_COUNT] = {
    [EVENT_MEMBER_REGISTERED] = apply_member_registered,
    [EVENT_MEMBER_UPDATED] = apply_member_updated,
    [EVENT_CONNECTION_REQUESTED] = apply_requested,
    [EVENT_CONNECTION_ACCEPTED] = apply_accepted,
    [EVENT_CONNECTION_WITHDRAWN] = apply_withdrawn,
    [EVENT_CONNECTION_EXPIRED] = apply_expired,
    [EVENT_CONNECTION_REMOVED] = apply_removed,
    [EVENT_INVITE_CREATED] = apply_invite_created,
    [EVENT_INVITE_DELIVERY_DUE] = apply_delivery_due,
    [EVENT_INVITE_REDEEMED] = apply_invite_redeemed,
    [EVENT_INVITE_EXPIRED] = apply_invite_expired,
    [EVENT_CLOCK_ADVANCED] = apply_nothing,
    [EVENT_COMMAND_NOTED] = apply_noted,
    [EVENT_MEMBER_SUSPENDED] = apply_member_suspended,
    [EVENT_MEMBER_RESTORED] = apply_member_restored,
    [EVENT_MEMBER_CLOSED] = apply_member_closed,
    [EVENT_MEMBER_ERASED] = apply_member_erased,
    [EVENT_MEMBER_BLOCKED] = apply_blocked,
    [EVENT_MEMBER_UNBLOCKED] = apply_unblocked,
    [EVENT_MEMBER_PREAPPROVED] = apply_preapproved,
    [EVENT_MEMBER_UNPREAPPROVED] = apply_unpreapproved,
    [EVENT_MEMBER_CONTACT_VERIFIED] = apply_contact_verified,
    [EVENT_MEMBER_CONTACT_DROPPED] = apply_contact_dropped,
    [EVENT_CONNECTION_IGNORED] = apply_ignored,
    [EVENT_CONNECTION_DECLINED] = apply_declined,
    [EVENT_CONNECTION_REPORTED] = apply_reported,
    [EVENT_CONNECTION_ACCESS_CHANGED] = apply_access_changed,
    [EVENT_CONNECTION_DISMISSED] = apply_dismissed,
    [EVENT_QUOTA_RESTRICTED] = apply_restricted,
    [EVENT_QUOTA_LIFTED] = apply_lifted,
    [EVENT_INTERACTION_RECORDED] = apply_interaction,
    [EVENT_INVITE_RESENT] = apply_invite_resent,
    [EVENT_INVITE_REVOKED] = apply_invite_revoked,
    [EVENT_INVITE_DECLINED] = apply_invite_declined,
    [EVENT_INVITE_FEEDBACK] = apply_invite_feedback,
    [EVENT_INVITE_CLAIMED] = apply_invite_claimed,
    [EVENT_INVITE_CONVERTED] = apply_invite_converted,
    [EVENT_CONTACT_SUPPRESSED] = apply_contact_suppressed,
    [EVENT_CONTACT_UNSUPPRESSED] = apply_contact_unsuppressed,
};

void
apply_init(struct apply *apply, struct views *views, struct log *log)
{
    *apply = (struct apply){.views = views, .log = log};
}

void
apply_fini(struct apply *apply)
{
    buf_fini(&apply->scratch);
    buf_fini(&apply->stamps);
    buf_fini(&apply->prints);
    buf_fini(&apply->inbound);
}

/* --- kept outcomes ------------------------------------------------------------------------- */

static const struct slice tail_key = {(const uint8_t *)"dedupe", 6};

seq_t
dedupe_find(struct views *views, struct slice id)
{
    struct slice row = views_get(views, VIEW_DEDUPE, id);
    return row.size == 8 ? get_be64(row.data) : 0;
}

static void
put_seq(struct views *views, enum view_table table, struct slice key, seq_t seq)
{
    uint8_t value[8];
    put_be64(value, seq);
    views_put(views, table, key, slice_of(value, sizeof(value)));
}

/* Is the record at @tail older than outcomes are kept at @event? A record of the command that is
 * being applied may not be in the log yet; it is young. */
static bool
is_old(struct apply *apply, seq_t tail, const struct event *event, struct log_record *record)
{
    if (event->seq - tail > DEDUPE_KEPT_COUNT)
        return log_read(apply->log, tail, record) == KITH_OK;
    if (apply->oldest_seq == tail && apply->oldest_ms + DEDUPE_KEPT_MS > event->at_ms)
        return false;
    if (log_read(apply->log, tail, record) != KITH_OK)
        return false;
    apply->oldest_seq = tail;
    apply->oldest_ms = record->at_ms;
    return record->at_ms + DEDUPE_KEPT_MS <= event->at_ms;
}

/* Forget outcomes at the tail: at most two an event, so that no event has to pay for many, and
 * the table shrinks while it grows. */
static void
dedupe_trim(struct apply *apply, const struct event *event)
{
    struct slice row = views_get(apply->views, VIEW_GLOBAL, tail_key);
    seq_t tail = row.size == 8 ? get_be64(row.data) : 1, first = tail;
    struct log_record record;
    struct event old;

    while (tail < first + 2 && tail < event->seq && is_old(apply, tail, event, &record)) {
        if (event_decode(record.body, &old) && old.head_id.size > 0 &&
            dedupe_find(apply->views, old.head_id) == tail)
            views_del(apply->views, VIEW_DEDUPE, old.head_id);
        tail++;
    }
    if (tail != first)
        put_seq(apply->views, VIEW_GLOBAL, tail_key, tail);
}

/* View "feed": the event stands in the feed of each member of its audience. */
static void
project_feeds(struct apply *apply, const struct event *event)
{
    for (unsigned i = 0; event->audience >> i; i++) {
        struct slice id = event_audience_member(event, i);
        if (id.size == 0)
            continue; /* not in it */
        struct feed_key key = feed_of(id);
        views_feed_append(apply->views, &key, event->seq);
    }
}

void
apply_projection(struct apply *apply, const struct event *event)
{
    assert(event->type < EVENT_TYPE_COUNT && projections[event->type]);
    projections[event->type](apply, event);
    lists_store(apply);
    project_feeds(apply, event);
}

void
apply_head(struct apply *apply, const struct event *event)
{
    if (event->head_id.size > 0)
        put_seq(apply->views, VIEW_DEDUPE, event->head_id, event->seq);
    dedupe_trim(apply, event);
}
