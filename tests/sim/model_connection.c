/* Requests and what becomes of them. S is who asks, R who is asked. */
#include "base/assert.h"
#include "sim/model.h"

/* --- what happens to a pair ------------------------------------------------------------------ */

/* Whoever asks hears the other again. Where an invite of his asked already, the other keeps that
 * one request, in the place where he put it. */
struct model_request *
model_open(struct model *model, int from, int to, bool shadow, struct answer *out)
{
    struct model_request *request = &model_pair(model, from, to)->request;
    struct model_request *masked = model_masked(model, from, to);
    assert(!request->there);
    struct model_request before = *masked;
    *masked = (struct model_request){0};
    *request = (struct model_request){
        .there = true,
        .from = from,
        .to = to,
        .disp = shadow         ? SHADOW
                : before.there ? before.disp
                               : OPEN,
        .step_ms = before.step_ms,
        .created_ms = model->now_ms,
        .expires_ms = model->now_ms + model->settings.request_ttl,
        .order = ++model->order,
    };
    memcpy(request->id, before.id, sizeof(request->id));
    if (!shadow && !before.there)
        quota_receive(model, to);
    model_side(model, to, from)->hidden_ms = 0;
    out->request = request;
    struct model_event *event = expect_feeds(out, "connection.requested",
                                             only(from) | (model_visible(request) ? only(to) : 0));
    says_str(event, "from", member_name(from));
    if (before.there) {
        memcpy(out->kept_id, before.id, sizeof(out->kept_id));
        says_str(event, "request", out->kept_id);
    } else {
        event->word = request->id;
        event->word_path = "request";
    }
    return request;
}

/* However it ends, the hidden cooldown of a decline begins then. */
void
model_end(struct model *model, struct model_pair *pair, msec_t at_ms, msec_t cooldown_ms,
          struct answer *out)
{
    struct model_request *request = &pair->request;
    int from = request->from;
    struct model_side *sender = model_side(model, request->from, request->to);
    if (request->step_ms == FOREVER)
        sender->hidden_ms = FOREVER;
    else if (request->step_ms > 0 && at_ms + request->step_ms > sender->hidden_ms)
        sender->hidden_ms = at_ms + request->step_ms;
    sender->cooldown_ms = cooldown_ms;
    *request = (struct model_request){0};
    conduct_end(model, from, out);
}

/* R hears of the end only of what he still saw. */
uint32_t
model_end_feeds(const struct model_request *request)
{
    return only(request->from) | (model_visible(request) ? only(request->to) : 0);
}

/* Cooldowns, attempts and pre-approvals are forgotten; blocks are not, nor who is not suggested. */
void
model_connect(struct model *model, int a, int b, const char *via, bool refund, struct answer *out)
{
    struct model_pair *pair = model_pair(model, a, b);
    assert(!pair->connected);
    if (pair->request.there)
        quota_accepted(model, &pair->request, refund);
    pair->note = pair->request.note;
    pair->request = pair->masked[0] = pair->masked[1] = (struct model_request){0};
    pair->connected = true;
    pair->since_ms = model->now_ms;
    pair->order = ++model->order;
    pair->via = via;
    for (unsigned i = 0; i < 2; i++) {
        const struct model_side *old = &pair->side[i];
        pair->side[i] = (struct model_side){
            .blocks = old->blocks, .block_order = old->block_order, .dismissed = old->dismissed};
    }
    expect_feeds(out, "connection.accepted", only(a) | only(b));
}

void
model_join(struct model *model, int a, int b, const char *via, bool refund, struct answer *out)
{
    const struct model_request *request = &model_pair(model, a, b)->request;
    int from = request->there ? request->from : NOBODY;
    model_connect(model, a, b, via, refund, out);
    if (from != NOBODY)
        conduct_end(model, from, out);
}

void
model_remove(struct model *model, int remover, int removed)
{
    struct model_pair *pair = model_pair(model, remover, removed);
    pair->connected = false;
    pair->note = NULL;
    for (unsigned i = 0; i < 2; i++)
        pair->side[i].no_updates = pair->side[i].no_messages = false;
    model_side(model, removed, remover)->hidden_ms =
        model->now_ms + model->settings.cooldown_removed;
}

/* --- connection.request ---------------------------------------------------------------------- */

static void
cross(struct model *model, const struct command *command, struct answer *out)
{
    if (!both_have_room(model, command->a, command->b, out))
        return;
    model_join(model, command->a, command->b, "crossing", true, out);
    if (command->note)
        model_pair(model, command->a, command->b)->note = command->note;
    expect_str(out, "state", "connected");
    quota_tell(model, command->a, out);
}

static bool
is_approved(const struct model *model, const struct command *command)
{
    return model_side(model, command->b, command->a)->approves_ms > model->now_ms;
}

static bool
is_proven(const struct model *model, const struct command *command)
{
    return command->proof != ABSENT && model->contacts[command->proof].owner == command->b;
}

/* What R says openly. A wrong proof is no refusal: else it would tell whose a contact is. */
static bool
policy_allows(const struct model *model, const struct command *command, struct answer *out)
{
    const char *accept = model->members[command->b].policy.accept;
    if (is_approved(model, command))
        return true;
    if (strcmp(accept, "nobody") == 0)
        refuse(out, "not_accepting");
    else if (strcmp(accept, "mutual") == 0 && !model_mutuals(model, NOBODY, command->a, command->b))
        refuse(out, "not_accepting");
    else if (strcmp(accept, "proof") == 0 && command->proof == ABSENT)
        refuse(out, "proof_required");
    return out->code == NULL;
}

/* How it is accepted the moment it is made, or NULL. */
static const char *
immediate_via(const struct model *model, const struct command *command, bool unproven)
{
    const struct policy *policy = &model->members[command->b].policy;
    int mutuals = __builtin_popcount(model_mutuals(model, NOBODY, command->a, command->b));
    if (model_full(model, command->b))
        return NULL;
    if (is_approved(model, command))
        return "preapproval";
    if (unproven)
        return NULL;
    if (policy->auto_accept == AUTO_ALL ||
        (policy->auto_accept > 0 && mutuals >= policy->auto_accept))
        return "policy";
    return NULL;
}

/* All checks are passed. What is secret decides only how R sees it. */
static void
open_request(struct model *model, const struct command *command, int64_t cost, struct answer *out)
{
    int from = command->a, to = command->b;
    const struct model_request *masked = model_masked(model, from, to);
    bool shadow = model_side(model, to, from)->blocks ||
                  model_side(model, from, to)->hidden_ms > model->now_ms ||
                  model_incoming(model, to) - model_visible(masked) >= model->settings.inbound_max;
    bool quiet = shadow || (masked->there && masked->disp != OPEN);
    bool unproven = strcmp(model->members[to].policy.accept, "proof") == 0 &&
                    !is_proven(model, command) && !is_approved(model, command);
    bool filtered = masked->there ? masked->filtered : quota_is_flooded(model, to);
    const char *via = quiet ? NULL : immediate_via(model, command, unproven);

    struct model_request *request = model_open(model, from, to, shadow, out);
    request->filtered = unproven || filtered;
    request->note = command->note;
    quota_take(model, request, cost);
    conduct_request(model, request, out);
    if (via) {
        model_connect(model, from, to, via, true, out);
        expect_str(out, "state", "connected");
    } else {
        expect_str(out, "state", "pending");
        expect_num(out, "expires_at", request->expires_ms);
    }
    quota_tell(model, from, out);
}

static void
ask(struct model *model, const struct command *command, struct answer *out)
{
    int from = command->a;
    msec_t cooldown_ms = model_side(model, from, command->b)->cooldown_ms;
    int64_t cost = conduct_cost(model, from, command->b, command->note);

    if (cooldown_ms > model->now_ms) {
        refuse(out, "cooldown");
        expect_num(out, "until", cooldown_ms);
    } else if (model_restricted(model, from)) {
        conduct_refuse(model, from, out);
    } else if (policy_allows(model, command, out) &&
               quota_allows(model, from, cost, command->note != NULL, out)) {
        if (model_full(model, from))
            refuse(out, "cap_reached");
        else
            open_request(model, command, cost, out);
    }
}

/* In the order of the rules: what is wrong with the actor, the other, the note; what he knows of
 * the two; a crossing; and only then what may stop something new. */
void
model_request_connection(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_begin(model, command, out))
        return;
    const struct model_pair *pair = model_pair(model, command->a, command->b);
    if (command->note && command->note->length > 300) {
        refuse(out, "note_too_long");
        expect_num(out, "limit", 300);
    } else if (pair->connected) {
        refuse(out, "already_connected");
    } else if (model_pending_from(model, pair, command->a)) {
        refuse(out, "already_pending");
        expect_str(out, "request", pair->request.id);
    } else if (model_side(model, command->a, command->b)->blocks) {
        refuse(out, "blocked_by_you");
    } else if (model_known_to(model, command->a, command->b)) {
        cross(model, command, out);
    } else {
        ask(model, command, out);
    }
}

/* --- answers --------------------------------------------------------------------------------- */

/* The request that the other sent to the actor and that he may answer, or NULL. */
static struct model_request *
find_answerable(struct model *model, const struct command *command, struct answer *out)
{
    struct model_request *request = model_known_to(model, command->a, command->b);
    if (model_connected(model, command->a, command->b)) {
        refuse(out, "already_connected");
    } else if (request && request->from == command->a) {
        refuse(out, "not_recipient");
    } else if (!request || request->disp == SHADOW) {
        refuse(out, "no_request");
    } else if (command->request[0] && strcmp(command->request, request->id) != 0) {
        refuse(out, "stale");
        expect_str(out, "current", request->id);
    }
    return out->code ? NULL : request;
}

void
model_accept(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_begin(model, command, out) || !find_answerable(model, command, out) ||
        !both_have_room(model, command->a, command->b, out))
        return;
    model_join(model, command->a, command->b, "request", true, out);
    expect_str(out, "state", "connected");
}

/* It leaves R's lists and counts; to answer once more so changes nothing. */
void
model_ignore(struct model *model, const struct command *command, struct answer *out)
{
    struct model_request *request =
        may_end(model, command, out) ? find_answerable(model, command, out) : NULL;
    if (!request)
        return;
    expect_str(out, "state", "none");
    if (request->disp != OPEN) {
        expect_noted(out);
        return;
    }
    request->disp = IGNORED;
    expect_feeds(out, "connection.ignored", only(command->a));
}

/* The step is fixed now, by how often R has declined S since they were last connected. */
static void
decline(struct model *model, struct model_request *request, struct answer *out)
{
    struct model_side *sender = model_side(model, request->from, request->to);
    const msec_t steps_ms[] = {model->settings.decline_first, model->settings.decline_second};
    request->disp = DECLINED;
    request->step_ms = sender->declined < 2 ? steps_ms[sender->declined] : FOREVER;
    sender->declined++;
    expect_feeds(out, "connection.declined", only(request->to));
}

void
model_decline(struct model *model, const struct command *command, struct answer *out)
{
    struct model_request *request =
        may_end(model, command, out) ? find_answerable(model, command, out) : NULL;
    if (!request)
        return;
    expect_str(out, "state", "none");
    if (request->disp == OPEN || request->disp == IGNORED)
        decline(model, request, out);
    else
        expect_noted(out);
}

void
model_report(struct model *model, const struct command *command, struct answer *out)
{
    struct model_request *request =
        may_end(model, command, out) ? find_answerable(model, command, out) : NULL;
    bool block = command->block == 1;
    if (!request || (block && !may_block(model, command->a, out)))
        return;
    if (request->disp != REPORTED) {
        request->disp = REPORTED;
        expect_event(out, "connection.reported", only(command->a), only(command->a));
        conduct_report(model, command->b, command->a, command->kind, out);
    } else if (!block) {
        expect_noted(out);
    }
    if (block)
        model_block(model, command->a, command->b, out);
}

void
model_decline_all(struct model *model, const struct command *command, struct answer *out)
{
    unsigned declined = 0;
    if (!may_act(model, command->a, out))
        return;
    for (int other = 0; other < (int)model->member_count; other++) {
        struct model_request *request =
            other == command->a ? NULL : model_known_to(model, command->a, other);
        if (!request || request->to != command->a || !model_visible(request) ||
            (command->queue &&
             strcmp(command->queue, request->filtered ? "filtered" : "main") != 0))
            continue;
        decline(model, request, out);
        declined++;
    }
    expect_num(out, "declined", declined);
    expect_truth(out, "more", false);
    if (declined == 0)
        expect_noted(out);
}

/* --- ends ------------------------------------------------------------------------------------ */

void
model_withdraw(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_end(model, command, out))
        return;
    struct model_pair *pair = model_pair(model, command->a, command->b);
    if (pair->connected) {
        refuse(out, "already_connected");
    } else if (!model_pending_from(model, pair, command->a)) {
        refuse(out, "no_request");
    } else {
        expect_feeds(out, "connection.withdrawn", model_end_feeds(&pair->request));
        quota_withdrawn(model, &pair->request);
        model_end(model, pair, model->now_ms, model->now_ms + model->settings.cooldown_withdraw,
                  out);
    }
}

void
model_remove_connection(struct model *model, const struct command *command, struct answer *out)
{
    if (!may_end(model, command, out))
        return;
    if (!model_connected(model, command->a, command->b)) {
        refuse(out, "not_connected");
        return;
    }
    model_remove(model, command->a, command->b);
    model_side(model, command->a, command->b)->cooldown_ms =
        model->now_ms + model->settings.cooldown_remover;
    expect_feeds(out, "connection.removed", only(command->a) | only(command->b));
}

bool
model_expire(struct model *model, int from, int to, uint32_t *must, struct answer *out)
{
    if (from == to || !model_known(model, from) || !model_known(model, to))
        return false;
    struct model_pair *pair = model_pair(model, from, to);
    const struct model_request *request = &pair->request;
    struct model_request *masked = model_masked(model, from, to);
    if (request->there && request->from == from && request->expires_ms <= model->now_ms) {
        *must = model_end_feeds(request);
        msec_t at_ms = request->expires_ms;
        model_end(model, pair, at_ms, at_ms + model->settings.cooldown_expire, out);
        return true;
    }
    if (masked->there && masked->expires_ms <= model->now_ms) {
        *must = model_visible(masked) ? only(to) : 0;
        convert_end_request(model, masked, masked->expires_ms);
        return true;
    }
    return false;
}

/* --- import ---------------------------------------------------------------------------------- */

void
model_import(struct model *model, const struct command *command, struct answer *out)
{
    unsigned connected = 0;
    for (unsigned i = 0; i < command->pair_count; i++) {
        int a = command->pairs[i][0], b = command->pairs[i][1];
        if (a == b || !model_active(model, a) || !model_active(model, b) ||
            model_connected(model, a, b) || model_blocked(model, a, b) || model_full(model, a) ||
            model_full(model, b))
            continue;
        model_connect(model, a, b, command->via ? command->via : "import", false, out);
        connected++;
    }
    expect_num(out, "connected", connected);
    expect_num(out, "skipped", command->pair_count - connected);
    if (connected == 0)
        expect_noted(out);
}
