#include "core/decide.h"

#include "base/assert.h"
#include "core/restriction.h"

/* --- profile -------------------------------------------------------------------------------- */

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
    const struct profile *profile = &facts->profile;
    if (profile->tier.data && !settings_tier(rules->settings, profile->tier))
        return refuse_tier(out);
    if (facts->member.known && facts->member.state == MEMBER_CLOSED)
        return KITH_MEMBER_CLOSED; /* an id is never used for somebody else */

    entries_bool(&out->result, "existing", facts->member.known);
    if (facts->member.known)
        return KITH_OK;

    struct event *event = decision_event(out, EVENT_MEMBER_REGISTERED);
    event->member = facts->member.id;
    event->tier = profile->tier;
    event->name = profile->name;
    event->accept = profile->accept;
    event->auto_accept = profile->auto_accept;
    event->interests = profile->interests;
    event->audience = AUDIENCE_MEMBER;
    return KITH_OK;
}

static enum kith_err
check_open(const struct member *member, struct decision *out)
{
    if (!member->known)
        return refuse_field(out, KITH_NO_SUCH_MEMBER, "member");
    return member->state == MEMBER_CLOSED ? KITH_MEMBER_CLOSED : KITH_OK;
}

/* What is given and differs from what is there, or from what holds where nothing was said. */
static struct profile
changes(const struct update_facts *facts)
{
    const struct member *member = &facts->member;
    struct profile new = facts->profile;
    struct slice tier = member->tier.size ? member->tier : slice_str("free");
    uint64_t accept = member->accept ? member->accept : ACCEPT_EVERYONE;
    uint64_t auto_accept = member->auto_accept ? member->auto_accept : AUTO_NONE;
    if (facts->name_is_same)
        new.name = (struct slice){0};
    if (slice_equal(new.tier, tier))
        new.tier = (struct slice){0};
    if (new.accept == accept)
        new.accept = ACCEPT_NONE;
    if (new.auto_accept == auto_accept)
        new.auto_accept = AUTO_UNSET;
    if (slice_equal(new.interests, member->interests))
        new.interests = (struct slice){0};
    return new;
}

enum kith_err
decide_update(const struct update_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    enum kith_err err = check_open(&facts->member, out);
    if (err != KITH_OK)
        return err;
    if (facts->profile.tier.data && !settings_tier(rules->settings, facts->profile.tier))
        return refuse_tier(out);

    struct profile new = changes(facts);
    if (!new.tier.size && !new.name.size && !new.accept && !new.auto_accept && !new.interests.size)
        return KITH_OK;
    struct event *event = decision_event(out, EVENT_MEMBER_UPDATED);
    event->member = facts->member.id;
    event->tier = new.tier;
    event->name = new.name;
    event->accept = new.accept;
    event->auto_accept = new.auto_accept;
    event->interests = new.interests;
    event->audience = AUDIENCE_MEMBER;
    return KITH_OK;
}

/* --- contacts ------------------------------------------------------------------------------- */

enum kith_err
decide_verify_contact(const struct contact_facts *facts, struct decision *out)
{
    enum kith_err err = check_open(&facts->member, out);
    if (err != KITH_OK)
        return err;
    if (facts->owned && facts->owner == facts->member.number)
        return KITH_OK;
    if (facts->owned) { /* it has moved: an address belongs to one member at a time */
        struct event *dropped = decision_event(out, EVENT_MEMBER_CONTACT_DROPPED);
        dropped->member = facts->owner_id;
        dropped->contact = facts->hash;
        dropped->audience = AUDIENCE_MEMBER;
    }
    struct event *verified = decision_event(out, EVENT_MEMBER_CONTACT_VERIFIED);
    verified->member = facts->member.id;
    verified->contact = facts->hash;
    verified->audience = AUDIENCE_MEMBER;
    return KITH_OK;
}

enum kith_err
decide_drop_contact(const struct contact_facts *facts, struct decision *out)
{
    enum kith_err err = check_open(&facts->member, out);
    if (err != KITH_OK)
        return err;
    if (!facts->owned || facts->owner != facts->member.number)
        return refuse_field(out, KITH_NOT_FOUND, "contact");
    struct event *dropped = decision_event(out, EVENT_MEMBER_CONTACT_DROPPED);
    dropped->member = facts->member.id;
    dropped->contact = facts->hash;
    dropped->audience = AUDIENCE_MEMBER;
    return KITH_OK;
}

/* --- state ---------------------------------------------------------------------------------- */

static enum kith_err
change_state(const struct member *member, enum event_type type, struct decision *out)
{
    struct event *event = decision_event(out, type);
    event->member = member->id;
    event->audience = AUDIENCE_MEMBER;
    return KITH_OK;
}

enum kith_err
decide_suspend(const struct member *member, struct decision *out)
{
    enum kith_err err = check_open(member, out);
    if (err != KITH_OK || member->state == MEMBER_SUSPENDED)
        return err;
    return change_state(member, EVENT_MEMBER_SUSPENDED, out);
}

enum kith_err
decide_restore(const struct member *member, struct decision *out)
{
    enum kith_err err = check_open(member, out);
    if (err != KITH_OK || member->state == MEMBER_ACTIVE)
        return err;
    return change_state(member, EVENT_MEMBER_RESTORED, out);
}

enum kith_err
decide_close(const struct member *member, struct decision *out)
{
    if (!member->known)
        return refuse_field(out, KITH_NO_SUCH_MEMBER, "member");
    if (member->state == MEMBER_CLOSED)
        return KITH_OK;
    return change_state(member, EVENT_MEMBER_CLOSED, out);
}

enum kith_err
decide_erase(const struct member *member, struct decision *out)
{
    enum kith_err err = decide_close(member, out);
    if (err != KITH_OK || member->erased)
        return err;
    return change_state(member, EVENT_MEMBER_ERASED, out);
}

/* --- restriction ---------------------------------------------------------------------------- */

enum kith_err
decide_restrict(const struct member *member, uint64_t level, uint64_t reason, msec_t until_ms,
                struct decision *out)
{
    static const char text[] = "`until` must be later than now";
    enum kith_err err = check_open(member, out);
    if (err != KITH_OK)
        return err;
    if (until_ms && until_ms <= out->now_ms) {
        memcpy(out->text, text, sizeof(text));
        return refuse_field(out, KITH_BAD_ARGUMENT, "until");
    }
    uint64_t now_at = level_at(member, out->now_ms);
    if (level == 0)
        level = now_at < LEVEL_MAX ? now_at + 1 : LEVEL_MAX;
    restrict_to(member, level, reason, until_ms, out->now_ms, out);
    return KITH_OK;
}

enum kith_err
decide_lift(const struct member *member, struct decision *out)
{
    enum kith_err err = check_open(member, out);
    if (err != KITH_OK || member->level == 0)
        return err;
    change_state(member, EVENT_QUOTA_LIFTED, out);
    return KITH_OK;
}
