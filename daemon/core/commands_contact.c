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

/* What is due between a member and those who invited his contact expires first, as events of the
 * daemon's own: no request of theirs may stand in the way that is over. */
void
settle_invited(struct core *core, struct slice hash, struct slice member, msec_t now_ms)
{
    struct invite invite;
    struct pair_facts who;
    seq_t after = 0;
    for (unsigned i = 0; i < CONVERT_COUNT_MAX && core_error(core) == KITH_OK &&
                         invite_load_next(core->views, hash, after, now_ms, &invite);
         i++) {
        after = invite.seq;
        if (!slice_equal(invite.inviter, member))
            load_pair(core, now_ms, member, invite.inviter, &who);
    }
}

/* Some invites of a contact that is @member's. */
struct round {
    const struct member *member;
    struct slice contact;
    bool late;      /* not those of the command that verified it */
    bool says_who;  /* tell who invited it first */
    bool more;      /* there are others */
    unsigned count; /* how many were dealt with */
    unsigned converted;
    unsigned asked; /* of those how many ask him now: he holds so many more */
    struct slice first_touch;
};

/* Convert one; if its inviter is gone it is put aside. */
static void
convert_one(struct core *core, struct round *round, const struct invite *invite)
{
    const struct member *member = round->member;
    struct convert_facts facts = {.invite = invite, .late = round->late};
    load_whose(core, invite, member->number, &facts.who);
    round->count++;
    if (facts.who.actor.state == MEMBER_CLOSED) {
        decision_event(&core->decision, EVENT_COMMAND_NOTED)->invite = invite->id;
        return;
    }
    if (round->says_who && round->converted == 0)
        round->first_touch = invite->inviter;
    facts.first_touch = round->first_touch;
    facts.who.other = *member;
    if (member->accept == ACCEPT_MUTUAL)
        facts.mutuals = graph_mutuals(core, &facts.who.actor, member, 1, UINT64_MAX);
    facts.asked = round->asked;
    round->asked += decide_convert(&facts, &core->rules, &core->decision);
    round->converted++;
}

/* Deal with at most @count_max. */
static void
convert_some(struct core *core, struct round *round, unsigned count_max)
{
    struct invite invite;
    seq_t after = 0;
    while (core_error(core) == KITH_OK &&
           invite_load_next(core->views, round->contact, after, core->decision.now_ms, &invite)) {
        round->more = round->count == count_max;
        if (round->more)
            break;
        after = invite.seq;
        if (invite.inviter_number != round->member->number) /* nobody asks himself */
            convert_one(core, round, &invite);
    }
}

unsigned
convert_contact(struct call *call, struct slice hash, const struct member *member,
                unsigned count_max, unsigned *converted)
{
    struct decision *decision = call->out;
    if (core_error(call->core) != KITH_OK)
        return 0;
    assert(decision->event_count > 0 && member->known);
    unsigned last = decision->event_count;
    bool verified = last > decision->applied_count; /* by the event before; else with a token */
    assert(!verified || decision->events[last - 1].type == EVENT_MEMBER_CONTACT_VERIFIED);
    /* Who redeems says himself by whom he was invited. */
    struct round round = {.member = member, .contact = hash, .says_who = verified};
    convert_some(call->core, &round, count_max);
    *converted += round.converted;
    if (!round.more)
        return round.count;
    /* The event that verified the contact, or if it has been applied another one that says the
     * same, says that more will come. */
    struct event *event = &decision->events[last - 1];
    if (!verified) {
        event = decision_event(decision, EVENT_MEMBER_CONTACT_VERIFIED);
        event->member = member->id;
        event->contact = hash;
        event->audience = AUDIENCE_MEMBER;
    }
    event->more = true;
    return round.count;
}

/* One slice of the first contact that has invites left; its last event says that they are done.
 * Returns with how many it dealt, the end counted as one; 0: no contact is left. */
static unsigned
convert_slice(struct core *core, msec_t now_ms, unsigned count_max)
{
    uint8_t *contact = core->facts.contacts[0];
    struct contact_facts whose = {.owned = false};
    struct member member = {.known = false};
    struct round round = {.member = &member, .contact = keep_hash(core, 0), .late = true};
    uint64_t number;
    if (!converting_first(core->views, contact, &number))
        return 0;
    decision_clear(&core->decision, log_last(core->log) + 1, now_ms);
    settle_invited(core, round.contact, member_id(core->views, number), now_ms);
    load_contact(core, round.contact, &whose);
    if (whose.owned && whose.owner == number)
        member_load(core->views, whose.owner_id, &member);
    if (member.known && member.state != MEMBER_CLOSED)
        convert_some(core, &round, count_max);
    if (!round.more)
        decision_event(&core->decision, EVENT_COMMAND_NOTED)->contact = round.contact;
    append_own(core);
    return round.count + !round.more;
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
