/* What happens next: all that is random. Few members and short times, so that everything meets. */
#include "base/assert.h"
#include "codec/writer.h"
#include "sim/sim.h"

#define SECOND_MS 1000LL
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

static uint64_t
below(struct sim *sim, uint64_t count)
{
    return random_below(&sim->random, count);
}

static bool
chance(struct sim *sim, unsigned permille)
{
    return random_chance(&sim->random, permille);
}

#define PICK(sim, array) ((array)[below(sim, ARRAY_COUNT(array))])

/* --- settings -------------------------------------------------------------------------------- */

/* A setting of the daemon that the model knows too. */
static int64_t *
find_setting(struct settings *settings, const char *key)
{
#define X(field, name, unit, value, min, max, help) \
    if (strcmp(key, name) == 0)                     \
        return &settings->field;
    SETTING_LIST(X)
#undef X
    return NULL;
}

static uint64_t *
find_limit(struct tier *tier, const char *key, uint64_t *most)
{
#define X(field, name, free_default, premium_default, max, help) \
    if (strcmp(key, name) == 0) {                                \
        *most = max;                                             \
        return &tier->field;                                     \
    }
    TIER_LIMIT_LIST(X)
#undef X
    return NULL;
}

/* Give the daemon's setting a random value, half the time, and let the model know it. What this
 * version does not have is 0 in the model: off. */
static int64_t
pick_setting(struct sim *sim, const char *key, bool is_time)
{
    static const int64_t times[] = {MINUTE_MS,   10 * MINUTE_MS, HOUR_MS,
                                    6 * HOUR_MS, DAY_MS,         3 * DAY_MS};
    static const int64_t counts[] = {1, 2, 3, 5};
    int64_t *setting = find_setting(&sim->world.settings, key);
    uint64_t chosen = below(sim, is_time ? ARRAY_COUNT(times) : ARRAY_COUNT(counts));
    if (!setting)
        return 0;
    if (chance(sim, is_time ? 500 : 200))
        *setting = is_time ? times[chosen] : counts[chosen];
    return *setting;
}

static int64_t
pick_limit(struct sim *sim, struct tier *tier, const char *key, bool fixed)
{
    static const uint64_t small[] = {1, 2, 3, 4, 6, 9, 15}, large[] = {20, 40, 100, 300};
    uint64_t most = 0, *limit = find_limit(tier, key, &most);
    if (!limit)
        return 0;
    if (sim->busy != NOBODY && chance(sim, 700) && !fixed)
        *limit = PICK(sim, large);
    else if (chance(sim, 300) && !fixed)
        *limit = PICK(sim, small);
    if (*limit > most)
        *limit = most;
    return (int64_t)*limit;
}

void
pick_settings(struct sim *sim)
{
    struct settings *settings = &sim->world.settings;
    struct model_settings *model = &sim->model.settings;

    static const unsigned paces[] = {0, 1, 1, 5, 60}; /* hours go by in the first, then weeks */
    sim->pace = PICK(sim, paces);
    sim->busy = chance(sim, 500) ? (int)below(sim, sim->member_count) : NOBODY;
    sim->busy_note = chance(sim, 500) ? NULL : &notes[below(sim, 4)];
    sim->unwelcome = sim->busy != NOBODY && chance(sim, 500);
    for (enum sim_op op = 0; op < SIM_OP_COUNT; op++)
        sim->usable[op] = sim_op_exists(op);
    settings_init(settings);
    sim->by_invite = chance(sim, 500);
    settings_add_tier(settings, slice_str("tight"));
#define X(field, key, is_time) model->field = pick_setting(sim, key, is_time);
    MODEL_SETTING_LIST(X)
#undef X
    int64_t *refund = find_setting(settings, "connect.refund_on_accept");
    if (refund)
        *refund = !chance(sim, 250);
    model->refund = refund && *refund;
    model->refund_withdrawn = chance(sim, 300);
    settings->refund_withdrawn = model->refund_withdrawn;
    if (chance(sim, 100)) /* to free one kind of request, or to make it dearer than its limit */
        settings->cost_personal = model->cost_personal = chance(sim, 500) ? 0 : REQUEST_COST_MAX;

    model->strict = chance(sim, 150);
    model->explicit_members = chance(sim, 100);
    settings->invite_strict = model->strict;
    settings->invite_explicit = model->explicit_members;
    model->tier_count = settings->tier_count;
    for (unsigned i = 0; i < settings->tier_count; i++) {
        struct tier *tier = &settings->tiers[i];
        bool fixed = strcmp(tier->name, "unlimited") == 0;
        model->tiers[i].name = tier->name;
#define X(field, key) model->tiers[i].field = pick_limit(sim, tier, key, fixed);
        MODEL_LIMIT_LIST(X)
#undef X
    }
}

/* --- the clock ------------------------------------------------------------------------------- */

/* Some instant at which something changes, or 0. */
static msec_t
pick_edge(struct sim *sim)
{
    static const msec_t lengths[] = {MINUTE_MS, HOUR_MS, DAY_MS, 7 * DAY_MS, 14 * DAY_MS};
    const struct model *model = &sim->model;
    const struct model_pair *pair = &model->pairs[below(sim, model_pair_count(&sim->model))];
    const struct model_member *member = &model->members[below(sim, model->member_count)];
    const struct model_invite *invite =
        &model->invites[model->invite_count ? below(sim, model->invite_count) : 0];
    switch (below(sim, 12)) {
    case 0:
        return pair->request.expires_ms;
    case 1:
        return pair->side[below(sim, 2)].cooldown_ms;
    case 2:
        return pair->side[below(sim, 2)].hidden_ms;
    case 3:
        if (member->stamp_count == 0)
            return 0;
        return member->stamps[below(sim, member->stamp_count)].at_ms + PICK(sim, lengths);
    case 4:
        return invite->expires_ms;
    case 5:
        return pair->side[below(sim, 2)].approves_ms;
    case 6:
        return member->until_ms;
    case 7:
        return invite->due_ms;
    case 8:
        return invite->sent_ms + model->settings.resend_after;
    case 9:
        return pair->side[below(sim, 2)].absorb_ms;
    case 10:
        if (model->claim_count == 0)
            return 0;
        return model->claims[(model->claim_count - 1) % CLAIMS_MAX].expires_ms;
    }
    if (sim->kept_count == sim->kept_first)
        return 0;
    return sim->kept[below(sim, sim->kept_count < KEPT_MAX ? sim->kept_count : KEPT_MAX)].at_ms +
           KEPT_MS;
}

msec_t
pick_time(struct sim *sim)
{
    msec_t now_ms = sim->model.now_ms;
    if (chance(sim, 300))
        return now_ms;
    if (sim->pace == 0 && chance(sim, 900))
        return now_ms + (msec_t)below(sim, MINUTE_MS);
    for (unsigned tries = 0; tries < 40 && chance(sim, 900); tries++) {
        msec_t edge_ms = pick_edge(sim);
        edge_ms += edge_ms == FOREVER ? 0 : (msec_t)below(sim, 3) - 1;
        bool far = edge_ms > now_ms + 2 * DAY_MS;
        if (edge_ms > now_ms && edge_ms < now_ms + 200 * DAY_MS &&
            (!far || chance(sim, sim->unwelcome ? 30 : 3)))
            return edge_ms;
    }
    if (chance(sim, 2))
        return now_ms + (msec_t)below(sim, 100 * (uint64_t)DAY_MS);
    if (chance(sim, 100))
        return now_ms + (msec_t)below(sim, 6 * (uint64_t)HOUR_MS);
    return now_ms + (msec_t)below(sim, chance(sim, 500) ? 10 : (1 + 5 * sim->pace) * MINUTE_MS);
}

/* --- commands -------------------------------------------------------------------------------- */

static int
pick_member(struct sim *sim)
{
    return chance(sim, 5) ? NOBODY : (int)below(sim, sim->model.member_count);
}

/* Is this a pair on which the operation does something? */
static bool
is_ripe(const struct sim *sim, enum sim_op op, int a, int b)
{
    const struct model *model = &sim->model;
    if (a == NOBODY || b == NOBODY || a == b)
        return false;
    const struct model_pair *pair = model_pair(model, a, b);
    const struct model_request *request = model_known_to(model, a, b);
    if (!model_active(model, a) || !model_active(model, b))
        return false;
    switch (op) {
    case SIM_REQUEST:
        return !pair->connected && !model_pending_from(model, pair, a) &&
               !model_side(model, a, b)->blocks &&
               model_side(model, a, b)->cooldown_ms <= model->now_ms;
    case SIM_PREAPPROVE:
        return !pair->connected;
    case SIM_ACCEPT:
    case SIM_IGNORE:
    case SIM_DECLINE:
    case SIM_REPORT:
        return request && request->to == a;
    case SIM_WITHDRAW:
        return request && request->from == a;
    case SIM_REMOVE:
    case SIM_SET_ACCESS:
        return pair->connected;
    case SIM_UNBLOCK:
        return model_side(model, a, b)->blocks;
    case SIM_UNPREAPPROVE:
        return model_side(model, a, b)->approves_ms > model->now_ms;
    default:
        return true;
    }
}

/* Two members, mostly such that the command is not refused at once. */
static void
pick_two(struct sim *sim, struct command *command)
{
    unsigned count = sim->model.member_count, first = (unsigned)below(sim, count * count);
    command->a = pick_member(sim);
    command->b = pick_member(sim);
    if (command->op == SIM_REQUEST && sim->busy != NOBODY && chance(sim, 600))
        first = (unsigned)sim->busy * count + first % count;
    for (unsigned i = 0; i < count * count && !chance(sim, 3); i++) {
        unsigned at = (first + i) % (count * count);
        int a = (int)(at / count), b = (int)(at % count);
        if (!is_ripe(sim, command->op, a, b))
            continue;
        command->a = a;
        command->b = b;
        return;
    }
}

static void
pick_request_id(struct sim *sim, struct command *command)
{
    int a = command->a, b = command->b;
    if (chance(sim, 600) || a == NOBODY || b == NOBODY || a == b)
        return;
    const struct model_request *request = model_known_to(&sim->model, a, b);
    if (chance(sim, 150)) /* that of other members, or none that there ever was */
        request = &sim->model.pairs[below(sim, model_pair_count(&sim->model))].request;
    snprintf(command->request, sizeof(command->request), "%s",
             request && request->there ? request->id : "0123456789abcdef");
}

static const struct note *
pick_note(struct sim *sim)
{
    if (chance(sim, 10))
        return &notes[NOTE_LONG + 1];
    return chance(sim, 500) ? NULL : &notes[below(sim, NOTE_LONG + 1)];
}

static void
pick_policy(struct sim *sim, struct policy *policy)
{
    static const char *const accepts[] = {"everyone", "everyone", "everyone", "everyone",
                                          "proof",    "mutual",   "nobody"};
    static const int64_t autos[] = {AUTO_NONE, AUTO_NONE, AUTO_ALL, 1, 2};
    if (chance(sim, 500))
        policy->accept = PICK(sim, accepts);
    if (chance(sim, 500) && !sim->unwelcome)
        policy->auto_accept = PICK(sim, autos);
}

static const char *
pick_tier(struct sim *sim)
{
    static const char *const tiers[] = {"free", "premium", "unlimited", "tight", "tight"};
    return chance(sim, 20) ? "nosuch" : PICK(sim, tiers);
}

static void
pick_pairs(struct sim *sim, struct command *command)
{
    static const char *const vias[] = {"import", "link", "invite"};
    command->pair_count = 1 + (unsigned)below(sim, chance(sim, 100) ? PAIRS_MAX : 3);
    for (unsigned i = 0; i < command->pair_count; i++) {
        for (unsigned j = 0; j < 2; j++)
            do
                command->pairs[i][j] = pick_member(sim);
            while (sim->unwelcome && command->pairs[i][j] == sim->busy && !chance(sim, 100));
    }
    command->via = chance(sim, 500) ? NULL : PICK(sim, vias);
}

/* Of the last invites mostly. */
static const struct model_invite *
pick_recent(struct sim *sim, uint64_t count)
{
    const struct model *model = &sim->model;
    uint64_t recent = model->invite_count < count ? model->invite_count : count;
    return recent ? &model->invites[model->invite_count - 1 - below(sim, recent)] : NULL;
}

static const struct model_invite *
pick_token(struct sim *sim, struct command *command)
{
    const struct model_invite *invite = chance(sim, 30) ? NULL : pick_recent(sim, 16);
    snprintf(command->token, sizeof(command->token), "%s", invite ? invite->token : "nosuchtoken");
    return invite;
}

/* By a claim instead of the token: one of the last. */
static const struct model_invite *
pick_claim(struct sim *sim, struct command *command)
{
    const struct model *model = &sim->model;
    unsigned recent = model->claim_count < 4 ? model->claim_count : 4;
    if (recent == 0)
        return NULL;
    const struct model_claim *claim =
        &model->claims[(model->claim_count - 1 - below(sim, recent)) % CLAIMS_MAX];
    command->token[0] = 0;
    memcpy(command->claim, claim->token, sizeof(command->claim));
    return &model->invites[claim->invite];
}

/* Mostly by the one invited, and more often by somebody new than by a member. */
static void
pick_redeem(struct sim *sim, struct command *command)
{
    const struct model *model = &sim->model;
    const struct model_invite *invite = pick_token(sim, command);
    if (chance(sim, 300))
        invite = pick_claim(sim, command);
    command->a = (int)below(sim, model->member_count);
    for (unsigned i = 0; i < 3 && model_known(model, command->a); i++)
        command->a = (int)below(sim, model->member_count);
    command->spelling = (int)below(sim, 2);
    if (chance(sim, 500))
        command->contact =
            invite && chance(sim, 700) ? invite->contact : (int)below(sim, CONTACT_COUNT);
}

/* Mostly one of the last, and by its maker. */
static void
pick_invite(struct sim *sim, struct command *command)
{
    const struct model *model = &sim->model;
    snprintf(command->invite, sizeof(command->invite), "0123456789abcdef");
    if (model->invite_count == 0 || chance(sim, 30))
        return;
    const struct model_invite *invite = pick_recent(sim, 20);
    snprintf(command->invite, sizeof(command->invite), "%s", invite->id);
    if (!chance(sim, 100))
        command->a = invite->inviter;
}

/* Whose: mostly of him who has it. */
static void
pick_owned(struct sim *sim, struct command *command)
{
    command->contact = (int)below(sim, CONTACT_COUNT);
    command->spelling = (int)below(sim, 2);
    int owner = sim->model.contacts[command->contact].owner;
    if (owner != NOBODY && chance(sim, 700))
        command->a = owner;
}

static int
pick_truth(struct sim *sim)
{
    return chance(sim, 400) ? ABSENT : (int)below(sim, 2);
}

/* Members come back soon, and restrictions do not last: else nothing would happen any more. */
static void
pick_stopped(struct sim *sim, struct command *command)
{
    const struct model *model = &sim->model;
    for (unsigned i = 0; i < model->member_count; i++) {
        bool stopped = command->op == SIM_RESTORE ? model->members[i].state == SUSPENDED
                                                  : model_restricted(model, (int)i);
        if (stopped && chance(sim, 700))
            command->a = (int)i;
    }
}

static void
pick_fields_of_invite(struct sim *sim, struct command *command)
{
    static const char *const deliveries[] = {"sent", "sent", "sent", "bounced", "complained"};
    static const char *const reports[] = {"unknown", "spam", "other", NULL};
    switch (command->op) {
    case SIM_INVITE:
        command->contact = chance(sim, 100) ? CONTACT_OPAQUE : (int)below(sim, INVITED_COUNT);
        command->spelling = (int)below(sim, 2);
        return;
    case SIM_LINK:
        command->max_uses = chance(sim, 400) ? ABSENT : 1 + (int64_t)below(sim, 4);
        command->mode = chance(sim, 500) ? NULL : chance(sim, 500) ? "auto" : "request";
        command->label = chance(sim, 500) ? NULL : chance(sim, 500) ? "flyer" : "newsletter";
        return;
    case SIM_FEEDBACK:
        command->delivery = PICK(sim, deliveries);
        pick_invite(sim, command);
        return;
    case SIM_RESEND:
    case SIM_REVOKE:
        pick_invite(sim, command);
        return;
    case SIM_CLAIM:
        pick_token(sim, command);
        return;
    case SIM_REFUSE:
        command->kind = PICK(sim, reports);
        pick_token(sim, command);
        return;
    case SIM_REDEEM:
        pick_redeem(sim, command);
        return;
    default:
        return;
    }
}

static void
pick_fields_of_member(struct sim *sim, struct command *command)
{
    static const char *const reasons[] = {"manual", "manual", NULL};
    command->a = pick_member(sim);
    switch (command->op) {
    case SIM_REGISTER:
        command->a = (int)below(sim, sim->model.member_count);
        command->tier = chance(sim, 500) ? NULL : pick_tier(sim);
        command->name = chance(sim, 300) ? "Zoe Zimmermann" : NULL;
        command->contact = chance(sim, 600) ? ABSENT : (int)below(sim, CONTACT_COUNT);
        pick_policy(sim, &command->policy);
        return;
    case SIM_UPDATE:
        command->tier = chance(sim, 500) ? NULL : pick_tier(sim);
        pick_policy(sim, &command->policy);
        return;
    case SIM_RESTORE:
    case SIM_LIFT:
        pick_stopped(sim, command);
        return;
    case SIM_VERIFY:
        command->contact = (int)below(sim, CONTACT_COUNT);
        command->spelling = (int)below(sim, 2);
        return;
    case SIM_DROP:
    case SIM_UNSUPPRESS:
        pick_owned(sim, command);
        return;
    case SIM_SUPPRESS:
        command->contact = (int)below(sim, INVITED_COUNT);
        command->a = chance(sim, 500) ? NOBODY : command->a;
        return;
    case SIM_RESTRICT:
        command->level = chance(sim, 500) ? ABSENT : 1 + (int64_t)below(sim, 5);
        command->reason = PICK(sim, reasons);
        if (chance(sim, 300))
            command->until_ms = sim->model.now_ms + (int64_t)below(sim, 2 * DAY_MS);
        return;
    case SIM_DECLINE_ALL:
        command->queue = chance(sim, 500) ? NULL : chance(sim, 500) ? "main" : "filtered";
        return;
    default:
        pick_fields_of_invite(sim, command);
        return;
    }
}

/* Would it accept what somebody sent whom hardly anybody wants? */
static bool
welcomes(const struct sim *sim, const struct command *command)
{
    bool accepts =
        command->op == SIM_ACCEPT || command->op == SIM_PREAPPROVE || command->op == SIM_REQUEST;
    return sim->unwelcome && accepts && command->b == sim->busy;
}

static void
pick_fields_of_pair(struct sim *sim, struct command *command)
{
    static const char *const reports[] = {"unknown", "spam", "other"};
    static const char *const interactions[] = {"view", "like", "comment", "share", "message"};
    pick_two(sim, command);
    if (welcomes(sim, command) && !chance(sim, 10))
        command->b = pick_member(sim);
    switch (command->op) {
    case SIM_REQUEST:
        command->note = pick_note(sim);
        if (command->a == sim->busy && chance(sim, 700))
            command->note = sim->busy_note;
        command->proof = chance(sim, 700) ? ABSENT : (int)below(sim, CONTACT_COUNT);
        return;
    case SIM_ACCEPT:
    case SIM_IGNORE:
    case SIM_DECLINE:
        pick_request_id(sim, command);
        return;
    case SIM_REPORT:
        command->kind = PICK(sim, reports);
        command->block = chance(sim, 700) ? ABSENT : (int)below(sim, 2);
        return;
    case SIM_INTERACT:
        command->kind = PICK(sim, interactions);
        return;
    case SIM_PREAPPROVE:
        command->ttl_ms = chance(sim, 300) ? ABSENT : 1 + (int64_t)below(sim, 3 * DAY_MS);
        return;
    case SIM_SET_ACCESS:
        command->updates = pick_truth(sim);
        command->messages = pick_truth(sim);
        return;
    default:
        return;
    }
}

static void
pick_fields(struct sim *sim, struct command *command)
{
    if (command->op == SIM_IMPORT)
        pick_pairs(sim, command);
    else if (command->op == SIM_ADVANCE)
        command->ms = pick_time(sim) - sim->model.now_ms;
    else if (command_names_two(command))
        pick_fields_of_pair(sim, command);
    else
        pick_fields_of_member(sim, command);
}

static bool
is_usable(struct sim *sim, enum sim_op op)
{
    const struct model *model = &sim->model;
    unsigned open = 0;
    if (op == SIM_INVITE || op == SIM_LINK)
        return sim->usable[op] && model->invite_count + BATCH_ITEM_MAX < INVITES_MAX;
    if (op == SIM_REGISTER && sim->by_invite && model->registered > 2)
        return chance(sim, 100);
    if (op != SIM_CLOSE && op != SIM_ERASE)
        return sim->usable[op];
    for (unsigned i = 0; i < model->member_count; i++)
        open += model->members[i].state != CLOSED;
    return sim->usable[op] && open > 4 * model->member_count / 5; /* they never come back */
}

static enum sim_op
pick_op(struct sim *sim)
{
    uint64_t total = 0;
    for (enum sim_op op = 0; op < SIM_OP_COUNT; op++)
        total += sim_ops[op].weight;
    uint64_t chosen = below(sim, total);
    enum sim_op op = 0;
    for (; chosen >= sim_ops[op].weight; op++)
        chosen -= sim_ops[op].weight;
    return op;
}

void
pick_command(struct sim *sim, struct command *command)
{
    enum sim_op op;
    do
        op = pick_op(sim);
    while (!is_usable(sim, op));
    command_init(command, op);
    pick_fields(sim, command);
}

/* --- rubbish --------------------------------------------------------------------------------- */

static void
write_head(struct buf *out, uint32_t count, unsigned version)
{
    write_map(out, count);
    write_cstr(out, "v");
    write_uint(out, version);
    write_cstr(out, "id");
    write_cstr(out, "rubbish");
}

static void
write_register(struct buf *out, uint32_t arg_count)
{
    write_cstr(out, "op");
    write_cstr(out, "member.register");
    write_cstr(out, "args");
    write_map(out, arg_count);
}

static void
write_pair(struct buf *out, const char *name, const char *value)
{
    write_cstr(out, name);
    write_cstr(out, value);
}

const char *
pick_rubbish(struct sim *sim, struct buf *message)
{
    buf_clear(message);
    switch (below(sim, 9)) {
    case 0: /* cut off */
        write_head(message, 4, 1);
        write_register(message, 1);
        write_pair(message, "member", "m0");
        message->size -= 1 + below(sim, message->size);
        return "malformed";
    case 1: /* something behind it */
        write_head(message, 4, 1);
        write_register(message, 1);
        write_pair(message, "member", "m0");
        write_nil(message);
        return "malformed";
    case 2: /* one key twice */
        write_head(message, 4, 1);
        write_register(message, 2);
        write_pair(message, "member", "m0");
        write_pair(message, "member", "m1");
        return "malformed";
    case 3:
        write_head(message, 4, 2);
        write_register(message, 1);
        write_pair(message, "member", "m0");
        return "unsupported_version";
    case 4:
        write_head(message, 3, 1);
        write_pair(message, "op", "member.regist");
        return "unknown_op";
    case 5: /* an argument that is not known */
        write_head(message, 4, 1);
        write_register(message, 2);
        write_pair(message, "member", "m0");
        write_pair(message, "membre", "m1");
        return "bad_argument";
    case 6: /* one is missing */
        write_head(message, 4, 1);
        write_register(message, 0);
        return "bad_argument";
    case 7: /* one is of another type */
        write_head(message, 4, 1);
        write_register(message, 1);
        write_cstr(message, "member");
        write_uint(message, 7);
        return "bad_argument";
    }
    write_map(message, 3);
    write_cstr(message, "v");
    write_uint(message, 1);
    write_register(message, 1);
    write_pair(message, "member", "m0");
    return "id_required";
}
