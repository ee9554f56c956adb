#include "base/assert.h"
#include "base/endian.h"
#include "core/apply.h"
#include "core/rows/member.h"

void
apply_member_registered(struct apply *apply, const struct event *event)
{
    struct member member;
    uint8_t key[4];

    member_load(apply->views, event->member, &member);
    assert(!member.known || views_error(apply->views) != KITH_OK);
    member.number = member_count(apply->views) + 1;
    member.since_ms = (uint64_t)event->at_ms;
    member.tier = event->tier;
    member.name = event->name;
    member_store(apply->views, &apply->scratch, &member);
    member_count_set(apply->views, member.number);

    put_be32(key, (uint32_t)member.number);
    views_put(apply->views, VIEW_NUMBER, slice_of(key, sizeof(key)), event->member);
}

void
apply_member_updated(struct apply *apply, const struct event *event)
{
    struct member member;
    member_load(apply->views, event->member, &member);
    assert(member.known || views_error(apply->views) != KITH_OK);
    if (event->tier.size > 0)
        member.tier = event->tier;
    if (event->name.size > 0)
        member.name = event->name;
    member_store(apply->views, &apply->scratch, &member);
}
