/* Contacts: whom not to mail, and what becomes of the invites of one that is somebody's now. */
#include "base/assert.h"
#include "core/graph.h"
#include "core/internal.h"
#include "core/rows/mailing.h"

/* --- suppression ---------------------------------------------------------------------------------
 */

static enum kith_err
load_argument(struct call *call, struct slice *hash)
{
    *hash = keep_hash(call->core, 0);
    return hash_contact(call, &call->args->value[KITH_ARG_CONTACT].contact, "contact",
                        call->core->facts.contacts[0]);
}

enum kith_err
contact_suppress(struct call *call)
{
    struct slice hash;
    struct member member = {.number = 0};
    bool one = args_has(call->args, KITH_ARG_MEMBER);
    enum kith_err err = load_argument(call, &hash);
    if (err != KITH_OK)
        return err;
    if (one)
        member_load(call->core->views, args_text(call->args, KITH_ARG_MEMBER), &member);
    if (one && !member.known)
        return refuse_field(call->out, KITH_NO_SUCH_MEMBER, "member");
    if (!suppressed_has(call->core->views, hash, member.number)) {
        struct event *event = decision_event(call->out, EVENT_CONTACT_SUPPRESSED);
        event->member = member.id;
        event->contact = hash;
    }
    return KITH_OK;
}

enum kith_err
contact_unsuppress(struct call *call)
{
    struct slice hash;
    struct contact_facts facts = {.owned = false};
    enum kith_err err = load_argument(call, &hash);
    if (err != KITH_OK)
        return err;
    member_load(call->core->views, args_text(call->args, KITH_ARG_MEMBER), &facts.member);
    err = check_actor(&facts.member, "member", call->out);
    if (err != KITH_OK)
        return err;
    load_contact(call->core, hash, &facts);
    if (!facts.owned || facts.owner != facts.member.number)
        return refuse_field(call->out, KITH_FORBIDDEN, "contact");
    if (suppressed_any(call->core->views, hash)) {
        struct event *event = decision_event(call->out, EVENT_CONTACT_UNSUPPRESSED);
        event->member = facts.member.id;
        event->contact = hash;
        event->audience = AUDIENCE_MEMBER;
    }
    return KITH_OK;
}

/* --- conversion ----------------------------------------------------------------------------------
 */

/* Convert one invite for @member; if its inviter is gone it is put aside. Returns whether it was
 * converted. */
static bool
convert_one(struct core *core, const struct invite *invite, const struct member *member, bool late)
{
    struct convert_facts facts = {.invite = invite, .late = late};
    load_whose(core, invite, member->number, &facts.who);
    if (facts.who.actor.state == MEMBER_CLOSED) {
        decision_event(&core->decision, EVENT_COMMAND_NOTED)->invite = invite->id;
        return false;
    }
    facts.who.other = *member;
    if (member->accept == ACCEPT_MUTUAL)
        facts.mutuals = graph_mutuals(core, &facts.who.actor, member, 1, UINT64_MAX);
    decide_convert(&facts, &core->rules, &core->decision);
    return true;
}

/* Deal with at most @count_max. Returns with how many; *more is set if there are others, and
 * *converted counts those that were. */
static unsigned
convert_some(struct core *core, struct slice hash, const struct member *member, bool late,
             unsigned count_max, unsigned *converted, bool *more)
{
    struct invite invite;
    seq_t after = 0;
    unsigned count = 0;
    *more = false;
    while (core_error(core) == KITH_OK &&
           invite_load_next(core->views, hash, after, core->decision.now_ms, &invite)) {
        *more = count == count_max;
        if (*more)
            break;
        after = invite.seq;
        if (invite.inviter_number == member->number)
            continue; /* nobody asks himself */
        *converted += convert_one(core, &invite, member, late);
        count++;
    }
    return count;
}

unsigned
convert_contact(struct call *call, struct slice hash, const struct member *member,
                unsigned count_max, unsigned *converted)
{
    struct decision *decision = call->out;
    bool more;
    if (core_error(call->core) != KITH_OK)
        return 0;
    assert(decision->event_count > 0 && member->known);
    unsigned last = decision->event_count;
    unsigned count = convert_some(call->core, hash, member, false, count_max, converted, &more);
    if (!more)
        return count;
    /* The event before the first conversion verified the contact, or has been applied: then another
     * one that says the same says that more will come. */
    struct event *event = &decision->events[last - 1];
    if (last <= decision->applied_count || event->type != EVENT_MEMBER_CONTACT_VERIFIED) {
        event = decision_event(decision, EVENT_MEMBER_CONTACT_VERIFIED);
        event->member = member->id;
        event->contact = hash;
        event->audience = AUDIENCE_MEMBER;
    }
    event->more = true;
    return count;
}

/* One slice of the first contact that has invites left; its last event says that they are done.
 * Returns with how many it dealt, the end counted as one; 0: no contact is left. */
static unsigned
convert_slice(struct core *core, msec_t now_ms, unsigned count_max)
{
    uint8_t *contact = core->facts.contacts[0];
    struct contact_facts whose = {.owned = false};
    struct member member = {.known = false};
    uint64_t number;
    unsigned count = 0, converted = 0;
    bool more = false;
    if (!converting_first(core->views, contact, &number))
        return 0;
    struct slice hash = keep_hash(core, 0);
    decision_clear(&core->decision, log_last(core->log) + 1, now_ms);
    load_contact(core, hash, &whose);
    if (whose.owned && whose.owner == number)
        member_load(core->views, whose.owner_id, &member);
    if (member.known && member.state != MEMBER_CLOSED)
        count = convert_some(core, hash, &member, true, count_max, &converted, &more);
    if (!more)
        decision_event(&core->decision, EVENT_COMMAND_NOTED)->contact = hash;
    append_own(core);
    return count + !more;
}

unsigned
sweep_converting(struct core *core, msec_t now_ms, unsigned count_max)
{
    unsigned count = 0, dealt = 1;
    while (count < count_max && dealt > 0 && core_error(core) == KITH_OK) {
        unsigned room = count_max - count;
        dealt = convert_slice(core, now_ms, room < CONVERT_COUNT_MAX ? room : CONVERT_COUNT_MAX);
        count += dealt;
    }
    return count;
}
