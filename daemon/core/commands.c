/* Each command: load the facts, decide. There is no third thing. */
#include "base/assert.h"
#include "codec/reader.h"
#include "core/internal.h"
#include "core/text.h"

/* --- members ------------------------------------------------------------------------------- */

static enum kith_err
member_register(struct call *call)
{
    struct register_facts facts = {
        .name = args_text(call->args, KITH_ARG_NAME),
        .tier = args_text(call->args, KITH_ARG_TIER),
    };
    member_load(call->core->views, args_text(call->args, KITH_ARG_MEMBER), &facts.member);
    return decide_register(&facts, &call->core->rules, call->out);
}

static enum kith_err
member_update(struct call *call)
{
    struct core *core = call->core;
    struct buf name = {0};
    struct update_facts facts = {
        .name = args_text(call->args, KITH_ARG_NAME),
        .tier = args_text(call->args, KITH_ARG_TIER),
    };
    member_load(core->views, args_text(call->args, KITH_ARG_MEMBER), &facts.member);
    text_unseal(core, facts.member.id, facts.member.name, &name);
    facts.name_is_same = name.size > 0 && slice_equal(facts.name, buf_slice(&name));
    buf_fini(&name);
    return decide_update(&facts, &core->rules, call->out);
}

/* --- connections --------------------------------------------------------------------------- */

static void
load_two(struct call *call, enum kith_arg actor, enum kith_arg other, struct pair_facts *out)
{
    load_pair(call->core, call->now_ms, args_text(call->args, actor), args_text(call->args, other),
              out);
}

static enum kith_err
connection_request(struct call *call)
{
    struct request_facts facts = {.note = args_text(call->args, KITH_ARG_NOTE)};
    facts.note_length = facts.note.size ? text_length(facts.note) : 0;
    load_two(call, KITH_ARG_FROM, KITH_ARG_TO, &facts.who);
    return decide_request(&facts, &call->core->rules, call->out);
}

static enum kith_err
connection_accept(struct call *call)
{
    struct accept_facts facts = {.names_request = args_has(call->args, KITH_ARG_REQUEST)};
    /* What is no public id at all is none of ours: it compares as another request. */
    public_id_parse(args_text(call->args, KITH_ARG_REQUEST), &facts.request);
    load_two(call, KITH_ARG_MEMBER, KITH_ARG_OTHER, &facts.who);
    return decide_accept(&facts, &call->core->rules, call->out);
}

static enum kith_err
connection_withdraw(struct call *call)
{
    struct pair_facts who;
    load_two(call, KITH_ARG_MEMBER, KITH_ARG_OTHER, &who);
    return decide_withdraw(&who, &call->core->rules, call->out);
}

static enum kith_err
connection_remove(struct call *call)
{
    struct pair_facts who;
    load_two(call, KITH_ARG_MEMBER, KITH_ARG_OTHER, &who);
    return decide_remove(&who, &call->core->rules, call->out);
}

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
    if (decide_import(&who, via.data ? via_find(via) : VIA_IMPORT, &call->core->rules, call->out))
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

/* --- invites ------------------------------------------------------------------------------- */

static enum kith_err
hash_contact(struct call *call, uint8_t hash[CONTACT_HASH_SIZE])
{
    const union arg_value *arg = &call->args->value[KITH_ARG_CONTACT];
    struct buf normal = {0};
    enum kith_err err = text_contact(arg->contact.kind, arg->contact.value, &normal);
    if (err == KITH_OK)
        contact_hash(store_secrets(call->core->store)->contact_key, arg->contact.kind,
                     buf_slice(&normal), hash);
    else
        refuse_field(call->out, err, "contact");
    buf_fini(&normal);
    return err;
}

static enum kith_err
invite_create(struct call *call)
{
    struct core *core = call->core;
    struct invite_facts *facts = &core->facts.invite;

    *facts = (struct invite_facts){
        .kind = contact_kind_find(call->args->value[KITH_ARG_CONTACT].contact.kind),
        .token_key = store_secrets(core->store)->token_key,
        .token_key_number = 1,
    };
    enum kith_err err = hash_contact(call, facts->contact);
    if (err != KITH_OK)
        return err;
    member_load(core->views, args_text(call->args, KITH_ARG_MEMBER), &facts->member);
    if (facts->member.known)
        invite_load_contact(core->views, slice_of(facts->contact, sizeof(facts->contact)),
                            &facts->member, &facts->earlier);
    return decide_invite(facts, &core->rules, call->out);
}

static enum kith_err
invite_redeem(struct call *call)
{
    struct core *core = call->core;
    struct redeem_facts facts = {.name = args_text(call->args, KITH_ARG_NAME),
                                 .contact_given = args_has(call->args, KITH_ARG_CONTACT)};
    struct slice member = args_text(call->args, KITH_ARG_MEMBER);
    uint8_t hash[TOKEN_HASH_SIZE], contact[CONTACT_HASH_SIZE];
    struct invite first = {0};

    if (facts.contact_given) {
        enum kith_err err = hash_contact(call, contact);
        if (err != KITH_OK)
            return err;
    }
    token_hash(args_text(call->args, KITH_ARG_TOKEN), hash);
    invite_load_token(core->views, slice_of(hash, sizeof(hash)), &facts.invite);
    facts.who.actor.id = member;
    if (facts.invite.known) {
        load_pair(core, call->now_ms, member, facts.invite.inviter, &facts.who);
        invite_load_first(core->views, facts.invite.contact, call->now_ms, &first);
        facts.first_touch = first.inviter;
        facts.contact_matches =
            facts.contact_given &&
            slice_equal(slice_of(contact, sizeof(contact)), facts.invite.contact);
    }
    return decide_redeem(&facts, &core->rules, call->out);
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
    [KITH_OP_CONNECTION_REQUEST] = connection_request,
    [KITH_OP_CONNECTION_ACCEPT] = connection_accept,
    [KITH_OP_CONNECTION_WITHDRAW] = connection_withdraw,
    [KITH_OP_CONNECTION_REMOVE] = connection_remove,
    [KITH_OP_CONNECTION_IMPORT] = connection_import,
    [KITH_OP_INVITE_CREATE] = invite_create,
    [KITH_OP_INVITE_REDEEM] = invite_redeem,
    [KITH_OP_CLOCK_ADVANCE] = clock_advance,
};
