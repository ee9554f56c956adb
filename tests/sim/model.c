/* Members, the questions that all rules ask, and the table of what is done. */
#include "sim/model.h"

#include "base/assert.h"

/* --- saying what is expected ----------------------------------------------------------------- */

void
refuse(struct answer *out, const char *code)
{
    assert(out->event_count == 0);
    out->code = code;
}

static struct model_field *
add_field(struct answer *out, const char *path, enum field_type type)
{
    assert(out->field_count < FIELDS_MAX);
    struct model_field *field = &out->fields[out->field_count++];
    *field = (struct model_field){.path = path, .type = type};
    return field;
}

void
expect_str(struct answer *out, const char *path, const char *str)
{
    add_field(out, path, FIELD_STR)->str = str;
}

void
expect_num(struct answer *out, const char *path, int64_t num)
{
    add_field(out, path, FIELD_NUM)->num = num;
}

void
expect_truth(struct answer *out, const char *path, bool truth)
{
    add_field(out, path, FIELD_TRUTH)->num = truth;
}

void
expect_absent(struct answer *out, const char *path)
{
    add_field(out, path, FIELD_NONE);
}

struct model_event *
expect_event(struct answer *out, const char *type, uint32_t must, uint32_t may)
{
    assert(out->event_count < EVENTS_MAX);
    assert((must & ~may) == 0);
    struct model_event *event = &out->events[out->event_count++];
    event->type = type;
    event->must = must;
    event->may = may;
    event->say_count = 0;
    event->word = NULL;
    return event;
}

struct model_event *
expect_feeds(struct answer *out, const char *type, uint32_t feeds)
{
    return expect_event(out, type, feeds, feeds);
}

void
says_str(struct model_event *event, const char *path, const char *str)
{
    assert(event->say_count < SAYS_MAX);
    event->says[event->say_count++] = (struct model_field){path, FIELD_STR, str, 0};
}

void
says_truth(struct model_event *event, const char *path, bool truth)
{
    assert(event->say_count < SAYS_MAX);
    event->says[event->say_count++] = (struct model_field){path, FIELD_TRUTH, NULL, truth};
}

/* It is answered ok and changes nothing. */
void
expect_noted(struct answer *out)
{
    expect_event(out, "command.noted", 0, EVERYBODY);
}

/* --- facts in words -------------------------------------------------------------------------- */

struct model_pair *
model_pair(const struct model *model, int a, int b)
{
    int hi = a > b ? a : b, lo = a > b ? b : a;
    assert(lo >= 0 && lo < hi && hi < MEMBERS_MAX);
    return (struct model_pair *)(uintptr_t)&model->pairs[hi * (hi - 1) / 2 + lo];
}

unsigned
model_pair_count(const struct model *model)
{
    return model->member_count * (model->member_count - 1) / 2;
}

struct model_side *
model_side(const struct model *model, int actor, int other)
{
    return &model_pair(model, actor, other)->side[actor > other];
}

bool
model_known(const struct model *model, int member)
{
    return member != NOBODY && model->members[member].state != UNKNOWN;
}

bool
model_active(const struct model *model, int member)
{
    return member != NOBODY && model->members[member].state == ACTIVE;
}

bool
model_connected(const struct model *model, int a, int b)
{
    return a != b && model_pair(model, a, b)->connected;
}

bool
model_is_live(const struct model *model, const struct model_request *request)
{
    return request->there && request->expires_ms > model->now_ms;
}

bool
model_pending(const struct model *model, const struct model_pair *pair)
{
    return model_is_live(model, &pair->request);
}

struct model_request *
model_masked(const struct model *model, int inviter, int member)
{
    return &model_pair(model, inviter, member)->masked[inviter > member];
}

struct model_request *
model_known_to(const struct model *model, int actor, int other)
{
    struct model_pair *pair = model_pair(model, actor, other);
    struct model_request *masked = model_masked(model, other, actor);
    if (model_pending(model, pair))
        return &pair->request;
    return !pair->connected && model_is_live(model, masked) ? masked : NULL;
}

bool
model_pending_from(const struct model *model, const struct model_pair *pair, int from)
{
    return model_pending(model, pair) && pair->request.from == from;
}

bool
model_visible(const struct model_request *request)
{
    return request->there && request->disp == OPEN;
}

bool
model_blocked(const struct model *model, int a, int b)
{
    return model_side(model, a, b)->blocks || model_side(model, b, a)->blocks;
}

unsigned
model_connections(const struct model *model, int member)
{
    unsigned count = 0;
    for (int other = 0; other < (int)model->member_count; other++)
        count += model_connected(model, member, other);
    return count;
}

unsigned
model_incoming(const struct model *model, int member)
{
    unsigned count = 0;
    for (int other = 0; other < (int)model->member_count; other++) {
        if (other == member)
            continue;
        const struct model_request *request = &model_pair(model, member, other)->request;
        count += request->to == member && model_visible(request);
        count += model_visible(model_masked(model, other, member));
    }
    return count;
}

unsigned
model_outgoing(const struct model *model, int member)
{
    unsigned count = 0;
    for (unsigned i = 0; i < model_pair_count(model); i++)
        count += model->pairs[i].request.there && model->pairs[i].request.from == member;
    return count;
}

/* Is @member somebody whom @viewer may meet on his way to others? */
static bool
shows(const struct model *model, int viewer, int member)
{
    if (member == viewer || !model_active(model, member))
        return false;
    return viewer == NOBODY || !model_blocked(model, viewer, member);
}

uint32_t
model_mutuals(const struct model *model, int viewer, int a, int b)
{
    uint32_t set = 0;
    for (int member = 0; member < (int)model->member_count; member++)
        if (model_connected(model, a, member) && model_connected(model, b, member) &&
            shows(model, viewer, member))
            set |= only(member);
    return set;
}

unsigned
model_degree(const struct model *model, int viewer, int other)
{
    if (model_connected(model, viewer, other))
        return 1;
    if (model_mutuals(model, viewer, viewer, other))
        return 2;
    for (int member = 0; member < (int)model->member_count; member++)
        if (model_connected(model, viewer, member) && shows(model, viewer, member) &&
            model_mutuals(model, viewer, member, other))
            return 3;
    return 0;
}

/* --- who may act ----------------------------------------------------------------------------- */

bool
may_act(const struct model *model, int member, struct answer *out)
{
    if (!model_known(model, member))
        refuse(out, "no_such_member");
    else if (model->members[member].state == CLOSED)
        refuse(out, "member_closed");
    else if (model->members[member].state == SUSPENDED)
        refuse(out, "suspended");
    return out->code == NULL;
}

bool
may_begin(const struct model *model, const struct command *command, struct answer *out)
{
    if (may_act(model, command->a, out) && !model_active(model, command->b))
        refuse(out, "no_such_member");
    return out->code == NULL;
}

bool
may_end(const struct model *model, const struct command *command, struct answer *out)
{
    if (may_act(model, command->a, out) && !model_known(model, command->b))
        refuse(out, "no_such_member");
    return out->code == NULL;
}

/* For what services do to a member: a suspended one will do. */
static bool
is_there(const struct model *model, int member, struct answer *out)
{
    if (!model_known(model, member))
        refuse(out, "no_such_member");
    else if (model->members[member].state == CLOSED)
        refuse(out, "member_closed");
    return out->code == NULL;
}

/* --- tiers ----------------------------------------------------------------------------------- */

const struct model_tier *
model_tier_of(const struct model *model, int member)
{
    return &model->settings.tiers[model->members[member].tier];
}

static bool
find_tier(const struct model *model, const char *name, unsigned *index)
{
    for (unsigned i = 0; i < model->settings.tier_count; i++)
        if (strcmp(model->settings.tiers[i].name, name) == 0) {
            *index = i;
            return true;
        }
    return false;
}

bool
model_full(const struct model *model, int member)
{
    int64_t max = model_tier_of(model, member)->connections;
    return max > 0 && model_connections(model, member) >= max;
}

bool
both_have_room(const struct model *model, int actor, int other, struct answer *out)
{
    if (model_full(model, actor))
        refuse(out, "cap_reached");
    else if (model_full(model, other))
        refuse(out, "peer_full");
    return out->code == NULL;
}

/* --- members --------------------------------------------------------------------------------- */

/* Take over what is given and differs; false if nothing does. */
static bool
set_policy(struct policy *policy, const struct policy *given)
{
    struct policy old = *policy;
    if (given->accept)
        policy->accept = given->accept;
    if (given->auto_accept != ABSENT)
        policy->auto_accept = given->auto_accept;
    return strcmp(old.accept, policy->accept) != 0 || old.auto_accept != policy->auto_accept;
}

void
model_register(struct model *model, int member, const struct command *command, struct answer *out)
{
    struct model_member *who = &model->members[member];
    *who = (struct model_member){
        .state = ACTIVE,
        .number = ++model->registered,
        .since_ms = model->now_ms,
        .brought_by = NOBODY,
        .policy = {"everyone", AUTO_NONE},
    };
    if (command->tier)
        find_tier(model, command->tier, &who->tier);
    set_policy(&who->policy, &command->policy);
    expect_event(out, "member.registered", 0, only(member));
}

/* It belongs to one member at a time: with the second it moves. Who invited it asks him now. */
static unsigned
prove(struct model *model, int contact, int member, struct answer *out)
{
    int *owner = &model->contacts[contact].owner;
    if (*owner != NOBODY)
        expect_feeds(out, "member.contact_dropped", only(*owner));
    *owner = member;
    expect_feeds(out, "member.contact_verified", only(member));
    return convert_all(model, contact, member, out);
}

static void
do_register(struct model *model, const struct command *command, struct answer *out)
{
    unsigned tier = 0;
    enum model_state state = model->members[command->a].state;
    if (command->tier && !find_tier(model, command->tier, &tier)) {
        refuse(out, "bad_argument");
    } else if (state == CLOSED) {
        refuse(out, "member_closed");
    } else {
        expect_truth(out, "existing", state != UNKNOWN);
        if (state != UNKNOWN) {
            expect_noted(out);
            return;
        }
        model_register(model, command->a, command, out);
        if (command->contact != ABSENT)
            prove(model, command->contact, command->a, out);
    }
}

/* Names are not modelled: the simulation never changes one. */
static void
do_update(struct model *model, const struct command *command, struct answer *out)
{
    if (!is_there(model, command->a, out))
        return;
    struct model_member *who = &model->members[command->a];
    unsigned tier = who->tier;
    if (command->tier && !find_tier(model, command->tier, &tier)) {
        refuse(out, "bad_argument");
        return;
    }
    bool changed = set_policy(&who->policy, &command->policy) || tier != who->tier;
    who->tier = tier;
    if (changed)
        expect_feeds(out, "member.updated", only(command->a));
    else
        expect_noted(out);
}

static void
set_state(struct model *model, const struct command *command, enum model_state state,
          const char *type, struct answer *out)
{
    if (!is_there(model, command->a, out))
        return;
    struct model_member *who = &model->members[command->a];
    if (who->state == state)
        expect_noted(out);
    else
        expect_event(out, type, 0, only(command->a));
    who->state = state;
}

static void
do_suspend(struct model *model, const struct command *command, struct answer *out)
{
    set_state(model, command, SUSPENDED, "member.suspended", out);
}

static void
do_restore(struct model *model, const struct command *command, struct answer *out)
{
    set_state(model, command, ACTIVE, "member.restored", out);
}

/* What stood between him and others goes afterwards, bit by bit: see model_part(). */
static void
do_close(struct model *model, const struct command *command, struct answer *out)
{
    if (!model_known(model, command->a))
        refuse(out, "no_such_member");
    else if (model->members[command->a].state == CLOSED)
        expect_noted(out);
    else
        set_state(model, command, CLOSED, "member.closed", out);
}

static void
do_erase(struct model *model, const struct command *command, struct answer *out)
{
    if (!model_known(model, command->a)) {
        refuse(out, "no_such_member");
        return;
    }
    struct model_member *who = &model->members[command->a];
    if (who->state != CLOSED)
        set_state(model, command, CLOSED, "member.closed", out);
    if (!who->erased)
        expect_event(out, "member.erased", 0, only(command->a));
    else
        expect_noted(out);
    who->erased = true;
}

/* Who is closed is told nothing of it. */
static uint32_t
told(const struct model *model, uint32_t feeds)
{
    for (int member = 0; member < (int)model->member_count; member++)
        if (model->members[member].state == CLOSED)
            feeds &= ~only(member);
    return feeds;
}

bool
model_part(struct model *model, const char *type, int a, int b, uint32_t *must, struct answer *out)
{
    if (!model_known(model, a) || !model_known(model, b) || a == b ||
        (model->members[a].state != CLOSED && model->members[b].state != CLOSED))
        return false;
    struct model_pair *pair = model_pair(model, a, b);
    struct model_request *masked = model_masked(model, a, b);
    if (strcmp(type, "connection.removed") == 0 && pair->connected) {
        *must = told(model, only(a) | only(b));
        model_remove(model, a, b);
    } else if (strcmp(type, "connection.withdrawn") == 0 && pair->request.there &&
               pair->request.from == a) {
        *must = told(model, model_end_feeds(&pair->request));
        model_end(model, pair, model->now_ms, 0, out);
    } else if (strcmp(type, "connection.withdrawn") == 0 && masked->there) {
        *must = told(model, model_visible(masked) ? only(b) : 0);
        convert_end_request(model, masked, model->now_ms);
    } else {
        return false;
    }
    return true;
}

/* --- contacts -------------------------------------------------------------------------------- */

static void
do_verify(struct model *model, const struct command *command, struct answer *out)
{
    if (!is_there(model, command->a, out))
        return;
    unsigned converted = 0;
    if (model->contacts[command->contact].owner == command->a)
        expect_noted(out);
    else
        converted = prove(model, command->contact, command->a, out);
    expect_num(out, "converted", converted);
}

static void
do_drop(struct model *model, const struct command *command, struct answer *out)
{
    if (!is_there(model, command->a, out))
        return;
    int *owner = &model->contacts[command->contact].owner;
    if (*owner != command->a) {
        refuse(out, "not_found");
        return;
    }
    *owner = NOBODY;
    expect_event(out, "member.contact_dropped", 0, only(command->a));
}

static void
do_advance(struct model *model, const struct command *command, struct answer *out)
{
    model->now_ms += command->ms;
    expect_num(out, "now", model->now_ms);
    expect_event(out, "clock.advanced", 0, 0);
}

/* --- all ------------------------------------------------------------------------------------- */

bool
model_is_swept(const struct model *model)
{
    for (int a = 1; a < (int)model->member_count; a++)
        for (int b = 0; b < a; b++) {
            const struct model_pair *pair = model_pair(model, a, b);
            bool stands = pair->connected || pair->request.there || pair->masked[0].there ||
                          pair->masked[1].there;
            bool closed = model->members[a].state == CLOSED || model->members[b].state == CLOSED;
            if (stands && closed)
                return false;
            if (pair->request.there && pair->request.expires_ms <= model->now_ms)
                return false;
        }
    for (unsigned i = 0; i < model->invite_count; i++) {
        const struct model_invite *invite = &model->invites[i];
        bool waits = invite->state == INVITE_OPEN || invite->state == INVITE_CONVERTED ||
                     invite->state == INVITE_DECLINED;
        if ((waits && invite->expires_ms <= model->now_ms) ||
            (invite->due_ms > 0 && invite->due_ms <= model->now_ms))
            return false;
    }
    return true;
}

void
model_execute(struct model *model, const struct command *command, struct answer *out)
{
    static model_fn *const functions[SIM_OP_COUNT] = {
        [SIM_REGISTER] = do_register,
        [SIM_UPDATE] = do_update,
        [SIM_SUSPEND] = do_suspend,
        [SIM_RESTORE] = do_restore,
        [SIM_CLOSE] = do_close,
        [SIM_ERASE] = do_erase,
        [SIM_VERIFY] = do_verify,
        [SIM_DROP] = do_drop,
        [SIM_BLOCK] = model_do_block,
        [SIM_UNBLOCK] = model_unblock,
        [SIM_PREAPPROVE] = model_preapprove,
        [SIM_UNPREAPPROVE] = model_unpreapprove,
        [SIM_REQUEST] = model_request_connection,
        [SIM_ACCEPT] = model_accept,
        [SIM_IGNORE] = model_ignore,
        [SIM_DECLINE] = model_decline,
        [SIM_REPORT] = model_report,
        [SIM_WITHDRAW] = model_withdraw,
        [SIM_REMOVE] = model_remove_connection,
        [SIM_DISMISS] = model_dismiss,
        [SIM_DECLINE_ALL] = model_decline_all,
        [SIM_SET_ACCESS] = model_set_access,
        [SIM_IMPORT] = model_import,
        [SIM_INTERACT] = model_interact,
        [SIM_INVITE] = model_invite_create,
        [SIM_LINK] = model_invite_link,
        [SIM_RESEND] = model_invite_resend,
        [SIM_REVOKE] = model_invite_revoke,
        [SIM_CLAIM] = model_invite_claim,
        [SIM_REDEEM] = model_invite_redeem,
        [SIM_REFUSE] = model_invite_decline,
        [SIM_FEEDBACK] = model_invite_feedback,
        [SIM_SUPPRESS] = model_suppress,
        [SIM_UNSUPPRESS] = model_unsuppress,
        [SIM_RESTRICT] = model_restrict,
        [SIM_LIFT] = model_lift,
        [SIM_ADVANCE] = do_advance,
    };
    out->code = NULL;
    out->field_count = out->event_count = 0;
    out->request = NULL;
    out->invite = NULL;
    out->claim = NULL;
    if (command_names_two(command) && command->a == command->b)
        refuse(out, "self");
    else
        functions[command->op](model, command, out);
}

void
model_init(struct model *model, unsigned member_count, msec_t now_ms)
{
    assert(member_count >= 2 && member_count <= MEMBERS_MAX);
    struct model_settings settings = model->settings;
    memset(model, 0, sizeof(*model)); /* a compound literal of it overflows the stack */
    model->now_ms = now_ms;
    model->member_count = member_count;
    model->settings = settings;
    for (unsigned i = 0; i < CONTACT_COUNT; i++)
        model->contacts[i].owner = NOBODY;
}
