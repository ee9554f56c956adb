/* The daemon's answers against the model's. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "sim/ask.h"

/* --- replies of commands --------------------------------------------------------------------- */

static void
bind(struct sim *sim, char *to, size_t size_max, struct slice text, const char *what)
{
    if (text.size == 0 || text.size >= size_max)
        sim_fail(sim, "the result has no %s", what);
    memcpy(to, text.data, text.size);
    to[text.size] = 0;
}

/* A request's id is known from its event, an invite's likewise; both must be the same here. */
static void
compare_words(struct sim *sim, const struct answer *answer, const struct reply *reply)
{
    struct slice request = reply_str(reply->body, "request");
    if (answer->request && request.data && !slice_is(request, answer->request->id))
        sim_fail(sim, "the request has another id in its event");
    if (answer->claim)
        bind(sim, answer->claim->token, TOKEN_SIZE_MAX, reply_str(reply->body, "claim"), "claim");
    if (!answer->invite)
        return;
    if (!slice_is(reply_str(reply->body, "invite"), answer->invite->id))
        sim_fail(sim, "the invite has another id in its event");
    bind(sim, answer->invite->token, TOKEN_SIZE_MAX, reply_str(reply->body, "token"), "token");
}

void
compare_reply(struct sim *sim, const struct command *command, const struct answer *answer,
              const struct reply *reply)
{
    struct slice code = reply->ok ? (struct slice){0} : reply_str(reply->body, "code");
    if (!slice_is(reply->id, command->id))
        sim_fail(sim, "%s: the reply has another id", command->id);
    if (reply->ok != (answer->code == NULL) || (answer->code && !slice_is(code, answer->code)))
        sim_fail(sim, "%s: %s: '%.*s' where the model says '%s'", command->id,
                 sim_ops[command->op].name, reply->ok ? 2 : (int)code.size,
                 reply->ok ? "ok" : (const char *)code.data, answer->code ? answer->code : "ok");
    if (reply->dup)
        sim_fail(sim, "%s: answered as a repetition", command->id);
    if (reply->ok && reply->at_ms != sim->model.now_ms)
        sim_fail(sim, "%s: at is %lld", command->id, (long long)reply->at_ms);
    for (unsigned i = 0; i < answer->field_count; i++)
        want_field(sim, command->id, &answer->fields[i], reply->body);
    if (reply->ok)
        compare_words(sim, answer, reply);
}

/* What the preview said must be what the request was answered. */
void
compare_preview(struct sim *sim, const char *id, struct slice preview, const struct reply *reply)
{
    static const char *const words[] = {"code", "state", "window", "reason"};
    static const char *const numbers[] = {"until", "expires_at", "quota.left",
                                          "limit", "used",       "next_free_at"};
    for (unsigned i = 0; i < ARRAY_COUNT(words); i++)
        if (!slice_equal(reply_str(preview, words[i]), reply_str(reply->body, words[i])))
            sim_fail(sim, "%s: the preview had another %s: '%.*s'", id, words[i],
                     (int)reply_str(preview, words[i]).size,
                     (const char *)reply_str(preview, words[i]).data);
    for (unsigned i = 0; i < ARRAY_COUNT(numbers); i++)
        if (reply_num(preview, numbers[i]) != reply_num(reply->body, numbers[i]))
            sim_fail(sim, "%s: the preview had another %s: %lld", id, numbers[i],
                     (long long)reply_num(preview, numbers[i]));
}

/* --- what one sees of another ---------------------------------------------------------------- */

struct sight {
    const char *state, *request;
    const struct note *note;
    msec_t since_ms, created_ms, expires_ms;
    bool blocked;
};

/* A closed or suspended member is as if not there. */
static struct sight
look(const struct model *model, int viewer, int other)
{
    struct sight sight = {.state = "none"};
    if (viewer == other || !model_known(model, other))
        return sight;
    const struct model_pair *pair = model_pair(model, viewer, other);
    const struct model_request *request = model_known_to(model, viewer, other);
    bool mine = request && request->from == viewer;

    sight.blocked = model_side(model, viewer, other)->blocks;
    if (!model_active(model, other))
        return sight;
    if (pair->connected) {
        sight.state = "connected";
        sight.since_ms = pair->since_ms;
        sight.note = pair->note;
    } else if (request && (mine || model_visible(request))) {
        sight.state = mine ? "outgoing" : "incoming";
        sight.request = request->id;
        sight.note = request->note;
        sight.created_ms = request->created_ms;
        sight.expires_ms = request->expires_ms;
    }
    return sight;
}

/* An erased member's own words are gone, also before what stood between him and others is. */
static void
expect_note(struct sim *sim, struct slice map, const char *who, int viewer, const struct note *note)
{
    if (!sim->model.members[viewer].erased)
        want_word(sim, map, who, "note", note ? note->text : NULL);
}

static void
compare_sight(struct sim *sim, int viewer, int other, struct slice map)
{
    struct sight sight = look(&sim->model, viewer, other);
    char who[64];

    snprintf(who, sizeof(who), "%s of %s", member_name(other), member_name(viewer));
    want_word(sim, map, who, "state", sight.state);
    want_truth(sim, map, who, "blocked", sight.blocked);
    want_word(sim, map, who, "request", sight.request);
    expect_note(sim, map, who, viewer, sight.note);
    want_number(sim, map, who, "since", sight.since_ms);
    want_number(sim, map, who, "created_at", sight.created_ms);
    want_number(sim, map, who, "expires_at", sight.expires_ms);
}

static void
compare_status(struct sim *sim, int viewer, int other)
{
    const char *words[][2] = {{"viewer", member_name(viewer)}, {"other", member_name(other)}};
    compare_sight(sim, viewer, other, ask_query(sim, "connection.status", words, 2, 0));
}

/* All others in one question, himself and those who never registered among them. */
static void
compare_statuses(struct sim *sim, int viewer)
{
    struct buf *query = &sim->query;
    struct reader reader;
    struct slice items;
    int count = (int)sim->model.member_count;

    ask_begin(query, "connection.status", 2);
    write_cstr(query, "viewer");
    write_cstr(query, member_name(viewer));
    write_cstr(query, "others");
    write_array(query, (uint32_t)count);
    for (int other = 0; other < count; other++)
        write_cstr(query, member_name(other));
    if (!reply_find(ask_send(sim), "items", &items))
        sim_fail(sim, "connection.status of several has no items");
    reader_init(&reader, items);
    if (reader_array(&reader) != (uint32_t)count)
        sim_fail(sim, "connection.status of several has another number of items");
    for (int other = 0; other < count; other++)
        compare_sight(sim, viewer, other, reader_skip(&reader));
}

static void
compare_access(struct sim *sim, int viewer, int other)
{
    const char *words[][2] = {{"viewer", member_name(viewer)}, {"other", member_name(other)}};
    const struct model_side *side = model_side(&sim->model, viewer, other);
    if (!model_connected(&sim->model, viewer, other))
        return;
    struct slice result = ask_query(sim, "connection.access", words, 2, 0);
    want_truth(sim, result, words[0][1], "updates", !side->no_updates);
    want_truth(sim, result, words[0][1], "messages", !side->no_messages);
}

/* Until the sweep, the counts still hold what is due. */
static void
compare_counts(struct sim *sim, int member)
{
    const char *words[][2] = {{"member", member_name(member)}};
    struct slice result = ask_query(sim, "connection.counts", words, 1, 0);
    want_number(sim, result, words[0][1], "outgoing", model_outgoing(&sim->model, member));
    want_number(sim, result, words[0][1], "incoming", model_incoming(&sim->model, member));
    want_number(sim, result, words[0][1], "connections", model_connections(&sim->model, member));
}

void
compare_pair(struct sim *sim, int a, int b)
{
    const struct model *model = &sim->model;
    if (model_known(model, a))
        compare_counts(sim, a);
    if (a == b || !model_known(model, a) || !model_known(model, b))
        return;
    compare_counts(sim, b);
    compare_status(sim, a, b);
    compare_status(sim, b, a);
    compare_access(sim, a, b);
}

/* How two who may not be connected hang together. */
static void
compare_graph(struct sim *sim, int viewer, int other)
{
    const char *words[][2] = {{"viewer", member_name(viewer)}, {"other", member_name(other)}};
    uint32_t mutuals = model_mutuals(&sim->model, viewer, viewer, other), seen = 0;
    struct reader reader;
    struct slice value, result;
    if (viewer == other || !model_known(&sim->model, viewer) || !model_active(&sim->model, other))
        return;

    result = ask_query(sim, "connection.mutuals", words, 2, 0);
    want_number(sim, result, "mutuals", "count", __builtin_popcount(mutuals));
    if (reply_find(result, "items", &value)) {
        reader_init(&reader, value);
        for (uint32_t count = reader_array(&reader); count > 0; count--)
            seen |= only(member_find(reply_str(reader_skip(&reader), "member")));
    }
    if (seen != mutuals)
        sim_fail(sim, "mutuals of %s and %s are %x, the model says %x", words[0][1], words[1][1],
                 seen, mutuals);
    result = ask_query(sim, "connection.path", words, 2, 0);
    want_number(sim, result, "path", "degree", model_degree(&sim->model, viewer, other));
}

/* --- lists ----------------------------------------------------------------------------------- */

struct list_item {
    uint64_t order;
    int other;
};

static int
newest_first(const void *a, const void *b)
{
    const struct list_item *left = a, *right = b;
    return (left->order < right->order) - (left->order > right->order);
}

enum list { LIST_CONNECTED, LIST_INCOMING, LIST_OUTGOING, LIST_BLOCKS, LIST_APPROVALS, LIST_COUNT };

static const char *const list_ops[LIST_COUNT] = {"connection.list", "connection.incoming",
                                                 "connection.outgoing", "member.blocks",
                                                 "member.preapprovals"};

/* Where in the list the other stands, if he does at all: larger is newer. */
static bool
is_in_list(const struct model *model, int member, int other, enum list list, uint64_t *order)
{
    const struct model_pair *pair = model_pair(model, member, other);
    const struct model_request *request = model_known_to(model, member, other);
    const struct model_side *side = model_side(model, member, other);
    bool active = model_active(model, other), pending = active && request;
    *order = request ? request->order : 0;
    switch (list) {
    case LIST_CONNECTED:
        *order = pair->order;
        return active && pair->connected;
    case LIST_INCOMING:
        return pending && request->to == member && model_visible(request);
    case LIST_OUTGOING:
        return pending && request->from == member;
    case LIST_BLOCKS:
        *order = side->block_order;
        return side->blocks;
    case LIST_APPROVALS:
        *order = side->approve_order;
        return active && side->approves_ms > model->now_ms;
    case LIST_COUNT:
        break;
    }
    return false;
}

static unsigned
list_of(const struct model *model, int member, enum list list, struct list_item items[MEMBERS_MAX])
{
    unsigned count = 0;
    for (int other = 0; other < (int)model->member_count; other++) {
        uint64_t order;
        if (other != member && is_in_list(model, member, other, list, &order))
            items[count++] = (struct list_item){order, other};
    }
    qsort(items, count, sizeof(items[0]), newest_first);
    return count;
}

static void
compare_item(struct sim *sim, int member, enum list list, const struct list_item *wanted,
             struct slice item)
{
    struct sight sight = look(&sim->model, member, wanted->other);
    char who[64];
    snprintf(who, sizeof(who), "%s of %s", list_ops[list], member_name(member));
    want_word(sim, item, who, "member", member_name(wanted->other));
    if (list == LIST_CONNECTED) {
        want_number(sim, item, who, "since", sight.since_ms);
        want_word(sim, item, who, "via", model_pair(&sim->model, member, wanted->other)->via);
        return;
    }
    if (list == LIST_BLOCKS || list == LIST_APPROVALS)
        return;
    want_word(sim, item, who, "request", sight.request);
    expect_note(sim, item, who, member, sight.note);
    want_number(sim, item, who, "created_at", sight.created_ms);
    want_number(sim, item, who, "expires_at", sight.expires_ms);
    if (list == LIST_INCOMING)
        want_word(sim, item, who, "queue",
                  model_known_to(&sim->model, member, wanted->other)->filtered ? "filtered"
                                                                               : "main");
}

/* Page through it, with pages of a random size. */
static void
compare_list(struct sim *sim, int member, enum list list)
{
    struct list_item items[MEMBERS_MAX];
    unsigned count = list_of(&sim->model, member, list, items), at = 0;
    char after[KITH_AFTER_SIZE_MAX + 1] = "";
    const char *words[][2] = {{"member", member_name(member)}, {"after", after}};
    int64_t limit = 1 + (int64_t)random_below(&sim->glance, 9);

    do {
        struct reader reader;
        struct slice value;
        struct slice result = ask_query(sim, list_ops[list], words, after[0] ? 2 : 1, limit);
        if (!reply_find(result, "items", &value))
            sim_fail(sim, "%s: no items", list_ops[list]);
        reader_init(&reader, value);
        uint32_t page = reader_array(&reader);
        if (page > limit || at + page > count)
            sim_fail(sim, "%s of %s has %u items or more, the model says %u", list_ops[list],
                     words[0][1], at + page, count);
        for (uint32_t i = 0; i < page; i++, at++)
            compare_item(sim, member, list, &items[at], reader_skip(&reader));
        struct slice next = reply_str(result, "next");
        assert(next.size < sizeof(after));
        memcpy(after, next.data ? (const char *)next.data : "", next.size);
        after[next.size] = 0;
    } while (after[0]);
    if (at != count)
        sim_fail(sim, "%s of %s has %u items, the model says %u", list_ops[list], words[0][1], at,
                 count);
}

/* --- the rest of what there is about a member ------------------------------------------------ */

static void
compare_quota(struct sim *sim, int member)
{
    const char *words[][2] = {{"member", member_name(member)}};
    struct model_window windows[WINDOWS_MAX];
    unsigned count = model_windows(&sim->model, member, 1, true, windows);
    struct slice result = ask_query(sim, "quota.get", words, 1, 0), window;

    for (unsigned i = 0; i < count; i++) {
        if (!reply_find(result, windows[i].name, &window))
            sim_fail(sim, "quota of %s: no %s", words[0][1], windows[i].name);
        want_number(sim, window, windows[i].name, "limit", windows[i].limit);
        want_number(sim, window, windows[i].name, "used", windows[i].used);
        want_number(sim, window, windows[i].name, "left", windows[i].left);
        want_number(sim, window, windows[i].name, "next_free_at",
                    windows[i].left == 0 ? windows[i].next_free_ms : 0);
    }
}

static void
compare_profile(struct sim *sim, int member)
{
    static const char *const states[] = {
        [UNKNOWN] = "", [ACTIVE] = "active", [SUSPENDED] = "suspended", [CLOSED] = "closed"};
    const char *words[][2] = {{"member", member_name(member)}};
    struct slice result = ask_query(sim, "member.get", words, 1, 0);
    want_word(sim, result, words[0][1], "state", states[sim->model.members[member].state]);
    want_word(sim, result, words[0][1], "tier", model_tier_of(&sim->model, member)->name);
    want_word(sim, result, words[0][1], "policy.accept", sim->model.members[member].policy.accept);
    want_number(sim, result, words[0][1], "restriction.level",
                model_restricted(&sim->model, member) ? sim->model.members[member].level : 0);
}

/* Only whom the member could really meet through others, and by how many of them. */
static void
compare_suggestions(struct sim *sim, int member)
{
    const char *words[][2] = {{"member", member_name(member)}};
    struct slice items, result = ask_query(sim, "connection.suggest", words, 1, 0);
    struct reader reader;
    if (!reply_find(result, "items", &items))
        sim_fail(sim, "connection.suggest: no items");
    reader_init(&reader, items);
    for (uint32_t count = reader_array(&reader); count > 0; count--) {
        struct slice item = reader_skip(&reader);
        int other = member_find(reply_str(item, "member"));
        uint32_t mutuals = model_mutuals(&sim->model, member, member, other);
        const struct model_request *request = model_known_to(&sim->model, member, other);
        want_number(sim, item, "suggest", "mutuals", __builtin_popcount(mutuals));
        if (model_connected(&sim->model, member, other) || mutuals == 0 ||
            !model_active(&sim->model, other) || model_blocked(&sim->model, member, other) ||
            model_side(&sim->model, member, other)->dismissed || (request && request->disp == OPEN))
            sim_fail(sim, "%s should not be suggested to %s", member_name(other), words[0][1]);
    }
}

void
compare_member(struct sim *sim, int member)
{
    if (!model_known(&sim->model, member))
        return;
    for (enum list list = 0; list < LIST_COUNT; list++)
        compare_list(sim, member, list);
    compare_counts(sim, member);
    compare_quota(sim, member);
    compare_profile(sim, member);
    compare_invites(sim, member);
    compare_tree(sim, member);
    compare_peek(sim);
    if (random_chance(&sim->glance, 30)) /* it is slow */
        compare_suggestions(sim, member);
    compare_graph(sim, member, (int)random_below(&sim->glance, sim->model.member_count));
}

void
compare_everything(struct sim *sim)
{
    for (int member = 0; member < (int)sim->model.member_count; member++) {
        if (!model_known(&sim->model, member))
            continue;
        compare_member(sim, member);
        compare_statuses(sim, member);
    }
}

/* --- kept outcomes --------------------------------------------------------------------------- */

void
compare_kept(struct sim *sim)
{
    if (sim->kept_first == sim->kept_count)
        return;
    unsigned n =
        sim->kept_first + (unsigned)random_below(&sim->glance, sim->kept_count - sim->kept_first);
    const struct outcome *outcome = sim_latest(sim, sim->kept[n % KEPT_MAX].command.id);
    const char *words[][2] = {{"id", outcome->command.id}};
    struct slice result = ask_query(sim, "command.lookup", words, 1, 0), inner;

    if (outcome->at_ms + KEPT_MS <= sim->model.now_ms) {
        if (result.size != 1 || result.data[0] != 0xc0)
            sim_fail(sim, "%s is remembered after 7 days", words[0][1]);
        return;
    }
    want_word(sim, result, words[0][1], "op", sim_ops[outcome->command.op].name);
    want_number(sim, result, words[0][1], "pos", (int64_t)outcome->pos);
    want_number(sim, result, words[0][1], "at", outcome->at_ms);
    if (!reply_find(result, "result", &inner))
        sim_fail(sim, "%s: its result is not kept", words[0][1]);
    bool has_secret = outcome->command.op == SIM_INVITE || outcome->command.op == SIM_LINK ||
                      outcome->command.op == SIM_RESEND || outcome->command.op == SIM_CLAIM;
    if (!has_secret && !slice_equal(inner, slice_of(outcome->result, outcome->result_size)))
        sim_fail(sim, "%s: its result is kept otherwise", words[0][1]);
}
