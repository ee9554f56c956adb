#include "core/decide.h"

#include "base/assert.h"

/* The names of the tiers there are, for somebody who mistyped one, are in the configuration. */
static enum kith_err
refuse_tier(struct decision *out)
{
    static const char text[] = "no tier has that name: see [tier.*] in the daemon's configuration";
    memcpy(out->text, text, sizeof(text));
    return refuse_field(out, KITH_BAD_ARGUMENT, "tier");
}

enum kith_err
decide_register(const struct register_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    if (facts->tier.data && !settings_tier(rules->settings, facts->tier))
        return refuse_tier(out);
    if (facts->member.known && facts->member.state == MEMBER_CLOSED)
        return KITH_MEMBER_CLOSED; /* an id is never used for somebody else */

    entries_bool(&out->result, "existing", facts->member.known);
    if (facts->member.known)
        return KITH_OK;

    struct event *event = decision_event(out, EVENT_MEMBER_REGISTERED);
    event->member = facts->member.id;
    event->tier = facts->tier;
    event->name = facts->name;
    return KITH_OK;
}

enum kith_err
decide_update(const struct update_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    const struct member *member = &facts->member;
    if (!member->known)
        return refuse_field(out, KITH_NO_SUCH_MEMBER, "member");
    if (member->state == MEMBER_CLOSED)
        return KITH_MEMBER_CLOSED;
    if (facts->tier.data && !settings_tier(rules->settings, facts->tier))
        return refuse_tier(out);

    bool new_tier = facts->tier.data && !slice_equal(facts->tier, member->tier);
    bool new_name = facts->name.data && !facts->name_is_same;
    if (!new_tier && !new_name)
        return KITH_OK;

    struct event *event = decision_event(out, EVENT_MEMBER_UPDATED);
    event->member = member->id;
    event->tier = new_tier ? facts->tier : (struct slice){0};
    event->name = new_name ? facts->name : (struct slice){0};
    event->audience = AUDIENCE_MEMBER;
    return KITH_OK;
}
