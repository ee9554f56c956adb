/* Each command: load the facts, decide. There is no third thing. */
#include "base/assert.h"
#include "base/endian.h"
#include "codec/reader.h"
#include "core/internal.h"
#include "core/rows/lists.h"
#include "core/text.h"

/* --- members ------------------------------------------------------------------------------- */

static struct profile
profile_of(const struct args *args)
{
    struct profile profile = {
        .name = args_text(args, KITH_ARG_NAME),
        .tier = args_text(args, KITH_ARG_TIER),
    };
    if (args_has(args, KITH_ARG_INTERESTS))
        profile.interests = args->value[KITH_ARG_INTERESTS].raw;
    if (!args_has(args, KITH_ARG_POLICY))
        return profile;
    const union arg_value *policy = &args->value[KITH_ARG_POLICY];
    profile.accept = words_find(&accept_words, policy->policy.accept);
    if (policy->policy.has_auto_count)
        profile.auto_accept = AUTO_MUTUALS + policy->policy.auto_count;
    else if (policy->policy.auto_word.data)
        profile.auto_accept = slice_is(policy->policy.auto_word, "all") ? AUTO_ALL : AUTO_NONE;
    return profile;
}

enum kith_err
hash_contact(struct call *call, const struct contact_arg *contact, const char *field,
             uint8_t hash[CONTACT_HASH_SIZE])
{
    struct buf normal = {0};
    enum kith_err err = text_contact(contact->kind, contact->value, &normal);
    if (err == KITH_OK)
        contact_hash(store_secrets(call->core->store)->contact_key, contact->kind,
                     buf_slice(&normal), hash);
    else
        refuse_field(call->out, err, field);
    buf_fini(&normal);
    return err;
}

void
load_contact(struct core *core, struct slice hash, struct contact_facts *out)
{
    struct slice row = views_get(core->views, VIEW_CONTACT, hash);
    out->hash = hash;
    out->owned = row.size == 4;
    if (!out->owned)
        return;
    out->owner = get_be32(row.data);
    out->owner_id = member_id(core->views, out->owner);
}

struct slice
keep_hash(struct core *core, unsigned index)
{
    return slice_of(core->facts.contacts[index], CONTACT_HASH_SIZE);
}

/* The contacts of a new member are verified with his registration, and whoever invited one of them
 * asks him now. Each step sees what the one before did. */
static enum kith_err
register_contacts(struct call *call, struct slice id)
{
    struct core *core = call->core;
    struct reader reader;
    unsigned room = CONVERT_COUNT_MAX, converted = 0;
    reader_init(&reader, call->args->value[KITH_ARG_CONTACTS].raw);
    uint32_t count = reader_array(&reader);

    for (uint32_t i = 0; i < count; i++) {
        struct contact_arg contact = args_next_contact(&reader);
        enum kith_err err = hash_contact(call, &contact, "contacts", core->facts.contacts[i]);
        if (err != KITH_OK)
            return err;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct contact_facts facts = {.hash = keep_hash(core, i)};
        decision_settle(core);
        member_load(core->views, id, &facts.member);
        load_contact(core, facts.hash, &facts);
        decide_verify_contact(&facts, call->out);
        room -= convert_contact(call, facts.hash, &facts.member, room, &converted);
    }
    return KITH_OK;
}

static enum kith_err
member_register(struct call *call)
{
    struct register_facts facts = {.profile = profile_of(call->args)};
    member_load(call->core->views, args_text(call->args, KITH_ARG_MEMBER), &facts.member);
    enum kith_err err = decide_register(&facts, &call->core->rules, call->out);
    if (err == KITH_OK && !facts.member.known && args_has(call->args, KITH_ARG_CONTACTS))
        err = register_contacts(call, facts.member.id);
    return err;
}

static enum kith_err
member_update(struct call *call)
{
    struct core *core = call->core;
    struct buf name = {0};
    struct update_facts facts = {.profile = profile_of(call->args)};
    member_load(core->views, args_text(call->args, KITH_ARG_MEMBER), &facts.member);
    text_unseal(core, facts.member.id, facts.member.name, &name);
    facts.name_is_same = name.size > 0 && slice_equal(facts.profile.name, buf_slice(&name));
    buf_fini(&name);
    return decide_update(&facts, &core->rules, call->out);
}

static enum kith_err
load_one_contact(struct call *call, struct contact_facts *out)
{
    struct core *core = call->core;
    member_load(core->views, args_text(call->args, KITH_ARG_MEMBER), &out->member);
    enum kith_err err = hash_contact(call, &call->args->value[KITH_ARG_CONTACT].contact, "contact",
                                     core->facts.contacts[0]);
    if (err == KITH_OK)
        load_contact(core, keep_hash(core, 0), out);
    return err;
}

static enum kith_err
member_verify_contact(struct call *call)
{
    struct contact_facts facts = {0};
    enum kith_err err = load_one_contact(call, &facts);
    if (err == KITH_OK && facts.member.known) {
        settle_invited(call->core, facts.hash, facts.member.id, call->now_ms);
        err = load_one_contact(call, &facts);
    }
    if (err == KITH_OK)
        err = decide_verify_contact(&facts, call->out);
    if (err != KITH_OK)
        return err;
    unsigned converted = 0;
    if (call->out->event_count > 0)
        convert_contact(call, facts.hash, &facts.member, CONVERT_COUNT_MAX, &converted);
    entries_uint(&call->out->result, "converted", converted);
    return KITH_OK;
}

static enum kith_err
member_drop_contact(struct call *call)
{
    struct contact_facts facts = {0};
    enum kith_err err = load_one_contact(call, &facts);
    if (err == KITH_OK)
        err = decide_drop_contact(&facts, call->out);
    if (err == KITH_OK)
        entries_uint(&call->out->result, "converted", 0);
    return err;
}

static enum kith_err
with_member(struct call *call, enum kith_err decide(const struct member *, struct decision *))
{
    struct member member;
    member_load(call->core->views, args_text(call->args, KITH_ARG_MEMBER), &member);
    return decide(&member, call->out);
}

static enum kith_err
member_suspend(struct call *call)
{
    return with_member(call, decide_suspend);
}

static enum kith_err
member_restore(struct call *call)
{
    return with_member(call, decide_restore);
}

static enum kith_err
member_close(struct call *call)
{
    return with_member(call, decide_close);
}

/* The key goes with the batch that says so: both are durable, or neither. */
static enum kith_err
member_erase(struct call *call)
{
    enum kith_err err = with_member(call, decide_erase);
    if (err == KITH_OK)
        keys_del(call->core->keys, args_text(call->args, KITH_ARG_MEMBER));
    return err;
}

static enum kith_err
restriction_set(struct call *call)
{
    struct member member;
    struct slice reason = args_text(call->args, KITH_ARG_REASON);
    member_load(call->core->views, args_text(call->args, KITH_ARG_MEMBER), &member);
    return decide_restrict(&member, args_uint(call->args, KITH_ARG_LEVEL, 0),
                           reason.data ? words_find(&reason_words, reason) : REASON_MANUAL,
                           (msec_t)args_uint(call->args, KITH_ARG_UNTIL, 0), call->out);
}

static enum kith_err
restriction_lift(struct call *call)
{
    return with_member(call, decide_lift);
}

/* --- two members --------------------------------------------------------------------------- */

static void
load_two(struct call *call, enum kith_arg actor, enum kith_arg other, struct pair_facts *out)
{
    load_pair(call->core, call->now_ms, args_text(call->args, actor), args_text(call->args, other),
              out);
}

static enum kith_err
with_pair(struct call *call,
          enum kith_err decide(const struct pair_facts *, const struct rules *, struct decision *))
{
    struct pair_facts who;
    load_two(call, KITH_ARG_MEMBER, KITH_ARG_OTHER, &who);
    return decide(&who, &call->core->rules, call->out);
}

static enum kith_err
with_pair_alone(struct call *call,
                enum kith_err decide(const struct pair_facts *, struct decision *))
{
    struct pair_facts who;
    load_two(call, KITH_ARG_MEMBER, KITH_ARG_OTHER, &who);
    return decide(&who, call->out);
}

static enum kith_err
member_block(struct call *call)
{
    return with_pair(call, decide_block);
}

static enum kith_err
member_unblock(struct call *call)
{
    return with_pair_alone(call, decide_unblock);
}

/* The limits of who asks already, for the refund when he is accepted. */
static void
load_asker(struct call *call, const struct pair_facts *who, struct quota_facts *out)
{
    quota_load(&call->core->rules, &who->other, call->now_ms, out);
}

static enum kith_err
member_preapprove(struct call *call)
{
    struct preapprove_facts facts = {.ttl_ms = args_uint(call->args, KITH_ARG_TTL_MS, 0)};
    load_two(call, KITH_ARG_MEMBER, KITH_ARG_OTHER, &facts.who);
    load_asker(call, &facts.who, &facts.asker);
    return decide_preapprove(&facts, &call->core->rules, call->out);
}

static enum kith_err
member_unpreapprove(struct call *call)
{
    return with_pair_alone(call, decide_unpreapprove);
}

/* --- connection.request -------------------------------------------------------------------- */

static enum kith_err
connection_request(struct call *call)
{
    struct request_facts *facts = &call->core->facts.request;
    load_two(call, KITH_ARG_FROM, KITH_ARG_TO, &facts->who);
    enum kith_err err = load_request(call, facts);
    return err == KITH_OK ? decide_request(facts, &call->core->rules, call->out) : err;
}

/* --- answers ------------------------------------------------------------------------------- */

static void
load_answer(struct call *call, struct answer_facts *out)
{
    *out = (struct answer_facts){.names_request = args_has(call->args, KITH_ARG_REQUEST)};
    /* What is no public id at all is none of ours: it compares as another request. */
    public_id_parse(args_text(call->args, KITH_ARG_REQUEST), &out->request);
    load_two(call, KITH_ARG_MEMBER, KITH_ARG_OTHER, &out->who);
    load_asker(call, &out->who, &out->asker);
}

static enum kith_err
connection_accept(struct call *call)
{
    struct answer_facts facts;
    load_answer(call, &facts);
    return decide_accept(&facts, &call->core->rules, call->out);
}

static enum kith_err
connection_ignore(struct call *call)
{
    struct answer_facts facts;
    load_answer(call, &facts);
    return decide_ignore(&facts, call->out);
}

static enum kith_err
connection_decline(struct call *call)
{
    struct answer_facts facts;
    load_answer(call, &facts);
    return decide_decline(&facts, &call->core->rules, call->out);
}

static enum kith_err
connection_report(struct call *call)
{
    struct answer_facts facts;
    load_answer(call, &facts);
    return decide_report(
        &facts, words_find(&report_words, args_text(call->args, KITH_ARG_REPORT_KIND)),
        args_has(call->args, KITH_ARG_BLOCK) && call->args->value[KITH_ARG_BLOCK].truth,
        &call->core->rules, call->out);
}

/* Decline what waits in one queue, newest first. *more is set if the command is full. */
static void
decline_queue(struct call *call, const struct member *member, enum view_table table, bool *more)
{
    struct core *core = call->core;
    struct list_key prefix = list_of(member->number);
    struct slice key, value;
    struct views_scan *scan =
        views_scan_begin(core->views, table, list_key_slice(&prefix), (struct slice){0});

    while (!*more && views_scan_next(scan, &key, &value)) {
        struct pair_facts who = {.actor = *member};
        *more = call->out->event_count == KITH_PAIRS_COUNT_MAX;
        member_load(core->views, member_id(core->views, get_be32(value.data)), &who.other);
        if (*more || !who.other.known)
            continue;
        pair_load(core->views, &who.actor, &who.other, &who.pair);
        pair_show(&who.pair, actor_side(&who), call->now_ms);
        if (pair_is_open(&who.pair, call->now_ms))
            decline_request(&who, &core->rules, call->out);
    }
    views_scan_end(scan);
}

static enum kith_err
connection_decline_all(struct call *call)
{
    struct member member;
    struct slice queue = args_text(call->args, KITH_ARG_QUEUE);
    bool more = false;
    member_load(call->core->views, args_text(call->args, KITH_ARG_MEMBER), &member);
    enum kith_err err = check_actor(&member, "member", call->out);
    if (err != KITH_OK)
        return err;
    if (!queue.data || slice_is(queue, "main"))
        decline_queue(call, &member, VIEW_INCOMING, &more);
    if (!queue.data || slice_is(queue, "filtered"))
        decline_queue(call, &member, VIEW_FILTERED, &more);
    entries_uint(&call->out->result, "declined", call->out->event_count);
    entries_bool(&call->out->result, "more", more);
    return KITH_OK;
}

/* --- endings and the rest ------------------------------------------------------------------ */

static enum kith_err
connection_withdraw(struct call *call)
{
    struct withdraw_facts facts;
    load_two(call, KITH_ARG_MEMBER, KITH_ARG_OTHER, &facts.who);
    quota_load(&call->core->rules, &facts.who.actor, call->now_ms, &facts.quota);
    return decide_withdraw(&facts, &call->core->rules, call->out);
}

static enum kith_err
connection_remove(struct call *call)
{
    return with_pair(call, decide_remove);
}

static enum kith_err
connection_dismiss(struct call *call)
{
    return with_pair_alone(call, decide_dismiss);
}

static enum kith_err
connection_set_access(struct call *call)
{
    const struct args *args = call->args;
    struct access_facts facts = {
        .sets_updates = args_has(args, KITH_ARG_UPDATES),
        .updates = args_has(args, KITH_ARG_UPDATES) && args->value[KITH_ARG_UPDATES].truth,
        .sets_messages = args_has(args, KITH_ARG_MESSAGES),
        .messages = args_has(args, KITH_ARG_MESSAGES) && args->value[KITH_ARG_MESSAGES].truth,
    };
    load_two(call, KITH_ARG_MEMBER, KITH_ARG_OTHER, &facts.who);
    return decide_access(&facts, call->out);
}

static enum kith_err
interaction_record(struct call *call)
{
    struct pair_facts who;
    load_two(call, KITH_ARG_FROM, KITH_ARG_TO, &who);
    return decide_interaction(
        &who, words_find(&interaction_words, args_text(call->args, KITH_ARG_INTERACTION_KIND)),
        call->out);
}

/* --- connection.import --------------------------------------------------------------------- */

/* Call @visit for each pair of the argument that names two members. */
static unsigned
each_pair(struct call *call, void visit(struct call *, struct slice, struct slice))
{
    struct reader reader;
    reader_init(&reader, call->args->value[KITH_ARG_PAIRS].raw);
    uint32_t count = reader_array(&reader);
    for (uint32_t i = 0; i < count; i++) {
        reader_array(&reader);
        struct slice a = reader_str(&reader), b = reader_str(&reader);
        if (!slice_equal(a, b))
            visit(call, a, b);
    }
    return count;
}

/* What is due between them expires before the import decides anything. */
static void
import_expire(struct call *call, struct slice a, struct slice b)
{
    struct pair_facts who;
    load_pair(call->core, call->now_ms, a, b, &who);
}

static void
import_pair(struct call *call, struct slice a, struct slice b)
{
    struct pair_facts who;
    struct slice via = args_text(call->args, KITH_ARG_VIA);
    load_pair(call->core, call->now_ms, a, b, &who);
    if (decide_import(&who, via.data ? words_find(&via_words, via) : VIA_IMPORT, &call->core->rules,
                      call->out))
        decision_settle(call->core); /* the next pair may name the same members */
}

static enum kith_err
connection_import(struct call *call)
{
    each_pair(call, import_expire);
    unsigned pairs = each_pair(call, import_pair);
    unsigned connected = call->out->event_count;
    entries_uint(&call->out->result, "connected", connected);
    entries_uint(&call->out->result, "skipped", pairs - connected);
    return KITH_OK;
}

/* --- the clock ----------------------------------------------------------------------------- */

static enum kith_err
clock_advance(struct call *call)
{
    static const char text[] = "the clock is the system's: start kithd with --clock manual";
    if (!call->core->clock_manual) {
        memcpy(call->out->text, text, sizeof(text));
        return KITH_FORBIDDEN;
    }
    return decide_clock(args_uint(call->args, KITH_ARG_MS, 0), call->out);
}

op_fn *const command_fns[KITH_OP_COUNT] = {
    [KITH_OP_MEMBER_REGISTER] = member_register,
    [KITH_OP_MEMBER_UPDATE] = member_update,
    [KITH_OP_MEMBER_VERIFY_CONTACT] = member_verify_contact,
    [KITH_OP_MEMBER_DROP_CONTACT] = member_drop_contact,
    [KITH_OP_MEMBER_SUSPEND] = member_suspend,
    [KITH_OP_MEMBER_RESTORE] = member_restore,
    [KITH_OP_MEMBER_CLOSE] = member_close,
    [KITH_OP_MEMBER_ERASE] = member_erase,
    [KITH_OP_MEMBER_BLOCK] = member_block,
    [KITH_OP_MEMBER_UNBLOCK] = member_unblock,
    [KITH_OP_MEMBER_PREAPPROVE] = member_preapprove,
    [KITH_OP_MEMBER_UNPREAPPROVE] = member_unpreapprove,
    [KITH_OP_CONNECTION_IGNORE] = connection_ignore,
    [KITH_OP_CONNECTION_DECLINE] = connection_decline,
    [KITH_OP_CONNECTION_REPORT] = connection_report,
    [KITH_OP_CONNECTION_DECLINE_ALL] = connection_decline_all,
    [KITH_OP_CONNECTION_SET_ACCESS] = connection_set_access,
    [KITH_OP_CONNECTION_DISMISS] = connection_dismiss,
    [KITH_OP_RESTRICTION_SET] = restriction_set,
    [KITH_OP_RESTRICTION_LIFT] = restriction_lift,
    [KITH_OP_INTERACTION_RECORD] = interaction_record,
    [KITH_OP_CONNECTION_REQUEST] = connection_request,
    [KITH_OP_CONNECTION_ACCEPT] = connection_accept,
    [KITH_OP_CONNECTION_WITHDRAW] = connection_withdraw,
    [KITH_OP_CONNECTION_REMOVE] = connection_remove,
    [KITH_OP_CONNECTION_IMPORT] = connection_import,
    [KITH_OP_INVITE_CREATE] = invite_create,
    [KITH_OP_INVITE_LINK] = invite_link,
    [KITH_OP_INVITE_RESEND] = invite_resend,
    [KITH_OP_INVITE_REVOKE] = invite_revoke,
    [KITH_OP_INVITE_CLAIM] = invite_claim,
    [KITH_OP_INVITE_REDEEM] = invite_redeem,
    [KITH_OP_INVITE_DECLINE] = invite_decline,
    [KITH_OP_INVITE_FEEDBACK] = invite_feedback,
    [KITH_OP_CONTACT_SUPPRESS] = contact_suppress,
    [KITH_OP_CONTACT_UNSUPPRESS] = contact_unsuppress,
    [KITH_OP_SUBSCRIPTION_FETCH] = share_fetch,
    [KITH_OP_SUBSCRIPTION_ACK] = share_ack,
    [KITH_OP_SUBSCRIPTION_NACK] = share_nack,
    [KITH_OP_SUBSCRIPTION_REPLAY] = share_replay,
    [KITH_OP_SUBSCRIPTION_DELETE] = share_delete,
    [KITH_OP_CURSOR_COMMIT] = cursor_commit,
    [KITH_OP_CURSOR_DELETE] = cursor_delete,
    [KITH_OP_CLOCK_ADVANCE] = clock_advance,
};
