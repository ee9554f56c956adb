#include "base/assert.h"
#include "base/endian.h"
#include "core/apply.h"
#include "core/restriction.h"
#include "core/rows/mailing.h"

bool
member_load_known(struct apply *apply, struct slice id, struct member *out)
{
    member_load(apply->views, id, out);
    if (views_error(apply->views) != KITH_OK)
        return false;
    assert(out->known); /* decide() saw him in the same batch */
    return true;
}

static void
take_profile(struct member *member, const struct event *event)
{
    if (event->tier.size > 0)
        member->tier = event->tier;
    if (event->name.size > 0)
        member->name = event->name;
    if (event->accept != ACCEPT_NONE)
        member->accept = event->accept;
    if (event->auto_accept != AUTO_UNSET)
        member->auto_accept = event->auto_accept;
    if (event->interests.size > 0)
        member->interests = event->interests;
}

void
apply_member_registered(struct apply *apply, const struct event *event)
{
    struct member member;
    uint8_t key[4];

    member_load(apply->views, event->member, &member);
    assert(!member.known);
    member.number = member_count(apply->views) + 1;
    member.since_ms = (uint64_t)event->at_ms;
    take_profile(&member, event);
    member_store(apply->views, &apply->scratch, &member);
    member_count_set(apply->views, member.number);

    put_be32(key, (uint32_t)member.number);
    views_put(apply->views, VIEW_NUMBER, slice_of(key, sizeof(key)), event->member);
}

void
apply_member_updated(struct apply *apply, const struct event *event)
{
    struct member member;
    if (!member_load_known(apply, event->member, &member))
        return;
    take_profile(&member, event);
    member_store(apply->views, &apply->scratch, &member);
}

static void
set_state(struct apply *apply, const struct event *event, enum member_state state)
{
    struct member member;
    if (!member_load_known(apply, event->member, &member))
        return;
    member.state = state;
    member_store(apply->views, &apply->scratch, &member);
}

void
apply_member_suspended(struct apply *apply, const struct event *event)
{
    set_state(apply, event, MEMBER_SUSPENDED);
}

void
apply_member_restored(struct apply *apply, const struct event *event)
{
    set_state(apply, event, MEMBER_ACTIVE);
}

/* View "closing": what stood between him and others ends later, in slices. */
void
apply_member_closed(struct apply *apply, const struct event *event)
{
    struct member member;
    if (!member_load_known(apply, event->member, &member))
        return;
    if (closing_has_rows(&member))
        list_put(apply, VIEW_CLOSING, list_of(member.number), member.number);
    member.state = MEMBER_CLOSED;
    member_store(apply->views, &apply->scratch, &member);
}

void
apply_member_erased(struct apply *apply, const struct event *event)
{
    struct member member;
    if (!member_load_known(apply, event->member, &member))
        return;
    assert(member.state == MEMBER_CLOSED);
    member.erased = true;
    member.name = member.interests = (struct slice){0};
    member_store(apply->views, &apply->scratch, &member);
}

uint64_t
closing_first(struct views *views)
{
    struct slice none = {0}, key, value;
    struct views_scan *scan = views_scan_begin(views, VIEW_CLOSING, none, none);
    uint64_t number = views_scan_next(scan, &key, &value) ? get_be32(value.data) : 0;
    views_scan_end(scan);
    return number;
}

bool
closing_has_rows(const struct member *member)
{
    return member->connections + member->outgoing + member->received + member->masked > 0;
}

/* --- contacts ------------------------------------------------------------------------------- */

void
apply_contact_verified(struct apply *apply, const struct event *event)
{
    struct member member;
    uint8_t value[4];
    if (!member_load_known(apply, event->member, &member))
        return;
    put_be32(value, (uint32_t)member.number);
    views_put(apply->views, VIEW_CONTACT, event->contact, slice_of(value, sizeof(value)));
    if (event->more)
        converting_put(apply->views, event->contact, member.number);
}

void
apply_contact_dropped(struct apply *apply, const struct event *event)
{
    views_del(apply->views, VIEW_CONTACT, event->contact);
}

/* --- restriction ---------------------------------------------------------------------------- */

void
apply_restricted(struct apply *apply, const struct event *event)
{
    struct member member;
    if (!member_load_known(apply, event->member, &member))
        return;
    restriction_take(&member, event);
    member_store(apply->views, &apply->scratch, &member);
}

void
apply_lifted(struct apply *apply, const struct event *event)
{
    struct member member;
    if (!member_load_known(apply, event->member, &member))
        return;
    member.level = member.level_ms = member.until_ms = member.reason = 0;
    member_store(apply->views, &apply->scratch, &member);
}
