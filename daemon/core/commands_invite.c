/* The commands on invites: each loads the facts and decides. */
#include "base/assert.h"
#include "core/graph.h"
#include "core/internal.h"
#include "core/rows/mailing.h"

/* --- facts -------------------------------------------------------------------------------------
 */

const uint8_t *
find_token_key(struct core *core, uint64_t number)
{
    const struct secrets *secrets = store_secrets(core->store);
    assert(number > 0);
    return number <= secrets->token_key_count ? secrets->token_key[number - 1] : NULL;
}

static struct token_facts
newest_key(struct core *core)
{
    uint64_t number = store_secrets(core->store)->token_key_count;
    return (struct token_facts){.key = find_token_key(core, number), .number = number};
}

void
load_whose(struct core *core, const struct invite *invite, uint64_t other, struct pair_facts *out)
{
    *out = (struct pair_facts){.pair = {.lo = 0}};
    if (!invite->known)
        return;
    member_load(core->views, invite->inviter, &out->actor);
    if (other == 0 || other == invite->inviter_number)
        return;
    member_load(core->views, member_id(core->views, other), &out->other);
    if (out->actor.known && out->other.known)
        pair_load(core->views, &out->actor, &out->other, &out->pair);
}

static void
load_mail(struct core *core, uint64_t inviter, struct slice contact, struct mail_facts *out)
{
    out->slots = pace_load(core->views, inviter);
    out->mails = mails_load(core->views, contact);
    out->suppressed =
        suppressed_has(core->views, contact, 0) || suppressed_has(core->views, contact, inviter);
}

/* An invite that is due expires first, as an event of the daemon's own. Its contact is copied:
 * events may point to it while its row changes. */
static void
settle_invite(struct core *core, msec_t now_ms, struct invite *invite)
{
    struct pair_facts whose;
    if (!invite->known)
        return;
    if (invite->state != INVITE_EXPIRED && invite_state_at(invite, now_ms) == INVITE_EXPIRED) {
        assert(core->decision.event_count == 0);
        load_whose(core, invite, invite->converted, &whose);
        decide_invite_expire(invite, &whose, &core->rules, &core->decision);
        append_own(core);
        invite_load(core->views, &invite->id, invite);
    }
    if (invite->contact.size > 0) {
        memcpy(core->facts.contacts[0], invite->contact.data, CONTACT_HASH_SIZE);
        invite->contact = keep_hash(core, 0);
    }
}

static void
load_id(struct call *call, struct invite *out)
{
    struct public_id id;
    *out = (struct invite){.known = false};
    if (public_id_parse(args_text(call->args, KITH_ARG_INVITE), &id))
        invite_load(call->core->views, &id, out);
    settle_invite(call->core, call->now_ms, out);
}

static void
load_token(struct call *call, struct invite *out)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    bool by_claim = args_has(call->args, KITH_ARG_CLAIM);
    token_hash(args_text(call->args, by_claim ? KITH_ARG_CLAIM : KITH_ARG_TOKEN), hash);
    if (by_claim)
        invite_load_claim(call->core->views, slice_of(hash, sizeof(hash)), call->now_ms, out);
    else
        invite_load_token(call->core->views, slice_of(hash, sizeof(hash)), out);
    settle_invite(call->core, call->now_ms, out);
}

/* --- the inviter -------------------------------------------------------------------------------
 */

enum kith_err
invite_create(struct call *call)
{
    struct core *core = call->core;
    const struct contact_arg *contact = &call->args->value[KITH_ARG_CONTACT].contact;
    struct invite_facts *facts = &core->facts.invite;
    struct contact_facts whose = {.owned = false};

    *facts = (struct invite_facts){.kind = words_find(&contact_kind_words, contact->kind),
                                   .token = newest_key(core)};
    enum kith_err err = hash_contact(call, contact, "contact", facts->contact);
    if (err != KITH_OK)
        return err;
    struct slice hash = slice_of(facts->contact, sizeof(facts->contact));
    member_load(core->views, args_text(call->args, KITH_ARG_MEMBER), &facts->member);
    if (!facts->member.known)
        return decide_invite(facts, &core->rules, call->out);

    load_contact(core, hash, &whose);
    if (whose.owned && whose.owner == facts->member.number)
        return decide_invite_self(&facts->member, call->out);
    if (whose.owned)
        load_pair(core, call->now_ms, facts->member.id, whose.owner_id, &facts->who);
    member_load(core->views, facts->member.id, &facts->member); /* something may have expired */
    if (core_error(core) != KITH_OK)
        return core_error(core);
    invite_load_contact(core->views, hash, &facts->member, &facts->earlier);
    facts->who.actor = facts->member;
    load_mail(core, facts->member.number, hash, &facts->mail);
    if (whose.owned && facts->who.other.accept == ACCEPT_MUTUAL)
        facts->mutuals = graph_mutuals(core, &facts->who.actor, &facts->who.other, 1, UINT64_MAX);
    return decide_invite(facts, &core->rules, call->out);
}

enum kith_err
invite_link(struct call *call)
{
    const struct args *args = call->args;
    struct slice mode = args_text(args, KITH_ARG_MODE);
    struct link_facts facts = {
        .max_uses = args_uint(args, KITH_ARG_MAX_USES, 0),
        .ttl_ms = args_uint(args, KITH_ARG_TTL_MS, 0),
        .label = args_text(args, KITH_ARG_LABEL),
        .says_mode = mode.data != NULL,
        .asks = slice_is(mode, "request"),
        .token = newest_key(call->core),
    };
    member_load(call->core->views, args_text(args, KITH_ARG_MEMBER), &facts.member);
    return decide_link(&facts, &call->core->rules, call->out);
}

/* Whose the invite is, and its contact. False if it is not the caller's. */
static bool
load_mine(struct call *call, struct own_facts *out, uint64_t *other)
{
    struct core *core = call->core;
    struct contact_facts whose = {.owned = false};
    const struct invite *invite = &out->invite;

    load_id(call, &out->invite);
    member_load(core->views, args_text(call->args, KITH_ARG_MEMBER), &out->member);
    if (!invite->known || !out->member.known || invite->inviter_number != out->member.number)
        return false;
    *other = invite->converted;
    if (invite_is_link(invite))
        return true;
    load_contact(core, invite->contact, &whose);
    if (*other == 0 && whose.owned)
        *other = whose.owner;
    return true;
}

static void
load_own(struct call *call, struct own_facts *out)
{
    struct core *core = call->core;
    const struct invite *invite = &out->invite;
    struct invite latest;
    uint64_t other;

    *out = (struct own_facts){.replaced = false};
    if (!load_mine(call, out, &other))
        return;
    if (other != 0 && other != out->member.number) {
        load_pair(core, call->now_ms, out->member.id, member_id(core->views, other), &out->who);
        if (!load_mine(call, out, &other)) /* something may have expired */
            return;
    }
    if (!invite_is_link(invite)) {
        invite_load_contact(core->views, invite->contact, &out->member, &latest);
        out->replaced = !public_id_equal(&latest.id, &invite->id);
        load_mail(core, out->member.number, invite->contact, &out->mail);
        /* The mail of its own that it waits for will not be sent: the new one takes its place. */
        mails_except(out->mail.mails, invite->due_seq, &core->others);
        out->mail.mails = views_row(core->views, &core->others);
    }
    load_whose(core, invite, other, &out->who);
    if (out->who.other.known && out->who.other.accept == ACCEPT_MUTUAL)
        out->mutuals = graph_mutuals(core, &out->who.actor, &out->who.other, 1, UINT64_MAX);
}

enum kith_err
invite_resend(struct call *call)
{
    struct own_facts facts;
    load_own(call, &facts);
    return decide_resend(&facts, &call->core->rules, call->out);
}

enum kith_err
invite_revoke(struct call *call)
{
    struct own_facts facts;
    load_own(call, &facts);
    return decide_revoke(&facts, &call->core->rules, call->out);
}

/* --- who has the token ---------------------------------------------------------------------------
 */

static void
load_holder(struct call *call, struct holder_facts *out)
{
    struct core *core = call->core;
    load_whose(core, &out->invite, out->invite.converted, &out->who);
    out->inviter = out->who.actor;
    out->token = newest_key(core);
}

enum kith_err
invite_claim(struct call *call)
{
    struct holder_facts facts;
    load_token(call, &facts.invite);
    load_holder(call, &facts);
    return decide_claim(&facts, &call->core->rules, call->out);
}

enum kith_err
invite_decline(struct call *call)
{
    struct holder_facts facts;
    struct slice kind = args_text(call->args, KITH_ARG_REPORT_KIND);
    load_token(call, &facts.invite);
    load_holder(call, &facts);
    return decide_decline_invite(&facts, kind.data ? words_find(&report_words, kind) : REPORT_NONE,
                                 &call->core->rules, call->out);
}

/* The mailer, who knows an invite by its public id. */
enum kith_err
invite_feedback(struct call *call)
{
    struct holder_facts facts;
    uint64_t delivery = words_find(&delivery_words, args_text(call->args, KITH_ARG_DELIVERY));
    load_id(call, &facts.invite);
    load_holder(call, &facts);
    bool suppressed =
        facts.invite.contact.size > 0 && suppressed_has(call->core->views, facts.invite.contact, 0);
    return decide_feedback(&facts, delivery, suppressed, call->out);
}

static enum kith_err
check_one_secret(struct call *call)
{
    static const char text[] = "give either `token` or `claim`";
    if (args_has(call->args, KITH_ARG_TOKEN) != args_has(call->args, KITH_ARG_CLAIM))
        return KITH_OK;
    memcpy(call->out->text, text, sizeof(text));
    return refuse_field(call->out, KITH_BAD_ARGUMENT, "token");
}

/* Whose the contact was, if it is to be another's now. */
static struct slice
former_owner(struct core *core, struct slice contact, struct slice redeemer)
{
    struct contact_facts whose = {.owned = false};
    load_contact(core, contact, &whose);
    return whose.owned && !slice_equal(whose.owner_id, redeemer) ? whose.owner_id
                                                                 : (struct slice){0};
}

static enum kith_err
load_redeem(struct call *call, struct redeem_facts *out)
{
    struct core *core = call->core;
    struct slice member = args_text(call->args, KITH_ARG_MEMBER);
    struct invite first;

    *out = (struct redeem_facts){.name = args_text(call->args, KITH_ARG_NAME),
                                 .contact_given = args_has(call->args, KITH_ARG_CONTACT),
                                 .by_claim = args_has(call->args, KITH_ARG_CLAIM)};
    enum kith_err err = check_one_secret(call);
    if (err == KITH_OK && out->contact_given) {
        err = hash_contact(call, &call->args->value[KITH_ARG_CONTACT].contact, "contact",
                           core->facts.contacts[1]);
        out->contact = keep_hash(core, 1);
    }
    if (err != KITH_OK)
        return err;
    member_load(core->views, member, &out->who.actor);
    if (out->contact_given && out->who.actor.known)
        settle_invited(core, out->contact, member, call->now_ms);
    load_token(call, &out->invite);
    member_load(core->views, member, &out->who.actor);
    const struct invite *invite = &out->invite;
    if (!invite->known || slice_equal(member, invite->inviter))
        return KITH_OK;

    load_pair(core, call->now_ms, member, invite->inviter, &out->who);
    load_whose(core, invite, invite->converted, &out->whose);
    if (invite_is_link(invite)) {
        out->used = out->who.actor.known && redeemer_has(core->views, invite, &out->who.actor);
        return KITH_OK;
    }
    if (invite_load_next(core->views, invite->contact, 0, call->now_ms, &first))
        out->first_touch = first.inviter;
    out->contact_matches = out->contact_given && slice_equal(out->contact, invite->contact);
    if (out->contact_matches)
        out->owner = former_owner(core, out->contact, member);
    return KITH_OK;
}

/* Who is proven to have a contact is asked by all others who invited it. */
enum kith_err
invite_redeem(struct call *call)
{
    struct core *core = call->core;
    struct redeem_facts facts;
    bool verified = false;
    unsigned converted = 0;
    struct member redeemer;

    enum kith_err err = load_redeem(call, &facts);
    if (err == KITH_OK)
        err = decide_redeem(&facts, &core->rules, &verified, call->out);
    if (err != KITH_OK || !verified)
        return err;
    decision_settle(core);
    member_load(core->views, facts.who.actor.id, &redeemer);
    convert_contact(call, facts.contact, &redeemer, CONVERT_COUNT_MAX, &converted);
    return KITH_OK;
}
