#include "codec/reader.h"
#include "codec/writer.h"
#include "core/queries.h"
#include "core/restriction.h"

/* --- connection.status ---------------------------------------------------------------------- */

/* One word for it, as far as the viewer may know: a request that he ignored, declined or reported
 * is gone for him, one that he never was to see is not there; whom he sent one sees it pending. */
static const char *
state_for(const struct pair *pair, unsigned side, msec_t now_ms)
{
    if (pair->state == PAIR_CONNECTED)
        return "connected";
    if (pair_is_pending_from(pair, side, now_ms))
        return "outgoing";
    return pair_is_open(pair, now_ms) ? "incoming" : "none";
}

static void
tell_request_times(struct entries *result, const struct pair *pair)
{
    entries_id(result, "request", &pair->request);
    entries_time(result, "created_at", (msec_t)pair->created_ms);
    entries_time(result, "expires_at", (msec_t)pair->expires_ms);
}

static void
tell_note(struct call *call, const struct member *viewer, const struct member *other,
          const struct pair *pair)
{
    bool mine = pair->note_side == pair_side_of(viewer, other);
    query_sealed(call, "note", mine ? viewer->id : other->id, pair->note);
}

static void
tell_nothing(struct entries *result, bool blocked)
{
    entries_cstr(result, "state", "none");
    entries_bool(result, "blocked", blocked);
}

/* What stands between @viewer and the other. Who is suspended or closed is as if not there. */
static void
tell_status(struct call *call, const struct member *viewer, const struct member *other)
{
    struct entries *result = &call->out->result;
    struct pair pair;

    if (!other->known || other->number == viewer->number) {
        tell_nothing(result, false);
        return;
    }
    unsigned side = pair_side_of(viewer, other);
    pair_load(call->core->views, viewer, other, &pair);
    pair_show(&pair, side, call->now_ms);
    const char *state = state_for(&pair, side, call->now_ms);
    if (!can_act(other) || strcmp(state, "none") == 0) {
        tell_nothing(result, pair.side[side].blocked_seq > 0);
        return;
    }
    entries_cstr(result, "state", state);
    entries_bool(result, "blocked", pair.side[side].blocked_seq > 0);
    if (pair.state == PAIR_CONNECTED) {
        entries_time(result, "since", (msec_t)pair.since_ms);
        entries_cstr(result, "via", words_name(&via_words, pair.via));
    } else {
        tell_request_times(result, &pair);
    }
    tell_note(call, viewer, other, &pair);
}

enum kith_err
query_status(struct call *call)
{
    struct member viewer, other;
    bool one = args_has(call->args, KITH_ARG_OTHER);
    if (one == args_has(call->args, KITH_ARG_OTHERS)) {
        static const char text[] = "give either `other` or `others`";
        memcpy(call->out->text, text, sizeof(text));
        return refuse_field(call->out, KITH_BAD_ARGUMENT, "other");
    }
    enum kith_err err = query_member(call, KITH_ARG_VIEWER, &viewer);
    if (err != KITH_OK)
        return err;
    if (one) {
        member_load(call->core->views, args_text(call->args, KITH_ARG_OTHER), &other);
        tell_status(call, &viewer, &other);
    } else {
        query_each_member(call, KITH_ARG_OTHERS, &viewer, tell_status);
    }
    return KITH_OK;
}

/* --- lists ---------------------------------------------------------------------------------- */

/* Tells the entries of one item besides `member`. */
typedef void tell_fn(struct call *call, const struct member *member, const struct member *other,
                     const struct pair *pair);

static void
tell_connection(struct call *call, const struct member *member, const struct member *other,
                const struct pair *pair)
{
    (void)member;
    (void)other;
    entries_time(&call->out->result, "since", (msec_t)pair->since_ms);
    entries_cstr(&call->out->result, "via", words_name(&via_words, pair->via));
}

static void
tell_request(struct call *call, const struct member *sender, const struct pair *pair)
{
    tell_request_times(&call->out->result, pair);
    query_sealed(call, "note", sender->id, pair->note);
}

static void
tell_outgoing(struct call *call, const struct member *member, const struct member *other,
              const struct pair *pair)
{
    (void)other;
    tell_request(call, member, pair);
}

static void
tell_incoming(struct call *call, const struct member *member, const struct member *other,
              const struct pair *pair)
{
    (void)member;
    tell_request(call, other, pair);
    entries_cstr(&call->out->result, "queue", pair->filtered ? "filtered" : "main");
}

/* A page of one member's pairs, in the order of @table; and of @second too, if it is another. */
static enum kith_err
list_pairs(struct call *call, enum view_table table, enum view_table second, tell_fn *tell)
{
    struct page page;
    struct member member, other;
    struct slice key, value;
    struct pair pair;
    struct views *views = call->core->views;

    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err == KITH_OK)
        err = page_begin_two(&page, call, table, second, list_of(member.number));
    if (err != KITH_OK)
        return err;
    while (page_next(&page, &key, &value)) {
        uint64_t number = get_be32(value.data);
        member_load(views, member_id(views, number), &other);
        pair_load_numbers(views, member.number, number, &pair);
        /* Expired, though not swept yet; or somebody who is as if not there. */
        pair_show(&pair, member.number < number ? 0 : 1, call->now_ms);
        if (pair.state == PAIR_NONE || pair_is_due(&pair, call->now_ms) || !can_act(&other))
            continue;
        struct entries_inner item = page_item(&page);
        entries_str(&call->out->result, "member", other.id);
        tell(call, &member, &other, &pair);
        page_item_end(&page, item);
    }
    page_end(&page);
    return KITH_OK;
}

enum kith_err
query_connections(struct call *call)
{
    return list_pairs(call, VIEW_CONNECTED, VIEW_CONNECTED, tell_connection);
}

/* Both queues are one list where none is named: merged by time. */
enum kith_err
query_incoming(struct call *call)
{
    struct slice queue = args_text(call->args, KITH_ARG_QUEUE);
    if (!queue.data)
        return list_pairs(call, VIEW_INCOMING, VIEW_FILTERED, tell_incoming);
    enum view_table table = slice_is(queue, "main") ? VIEW_INCOMING : VIEW_FILTERED;
    return list_pairs(call, table, table, tell_incoming);
}

enum kith_err
query_outgoing(struct call *call)
{
    return list_pairs(call, VIEW_OUTGOING, VIEW_OUTGOING, tell_outgoing);
}

enum kith_err
query_access(struct call *call)
{
    struct member viewer, other;
    struct pair pair;
    enum kith_err err = query_member(call, KITH_ARG_VIEWER, &viewer);
    if (err == KITH_OK)
        err = query_member(call, KITH_ARG_OTHER, &other);
    if (err != KITH_OK)
        return err;
    if (viewer.number == other.number)
        return KITH_SELF;
    pair_load(call->core->views, &viewer, &other, &pair);
    if (pair.state != PAIR_CONNECTED)
        return KITH_NOT_CONNECTED;
    const struct pair_side *side = &pair.side[pair_side_of(&viewer, &other)];
    entries_bool(&call->out->result, "updates", !side->no_updates);
    entries_bool(&call->out->result, "messages", !side->no_messages);
    return KITH_OK;
}

/* What the expiry of his request does to the actor himself. */
static void
judge_facts(struct call *call, struct pair_facts *who)
{
    struct decision *out = call->out;
    decide_expire(who, &call->core->rules, out);
    if (out->event_count > 1)
        restriction_take(&who->actor, &out->events[1]);
    decision_clear(out, out->first_seq, out->now_ms);
}

/* As the expiry that comes first will leave the two, in these facts only. */
static void
expire_facts(struct call *call, struct pair_facts *who)
{
    if (!pair_is_due(&who->pair, call->now_ms))
        return;
    bool forth = who->pair.from_side == actor_side(who);
    if (forth)
        judge_facts(call, who);
    struct member *sender = forth ? &who->actor : &who->other;
    struct member *recipient = forth ? &who->other : &who->actor;
    sender->outgoing--;
    recipient->incoming -= who->pair.disp == DISP_OPEN;
    pair_expire(&who->pair, call->now_ms, call->core->rules.settings->cooldown_expire);
}

/* --- connection.preview --------------------------------------------------------------------- */

/* The same load and the same decision as the request itself; then nothing is done with it. A
 * request that is due is as good as expired, and no id is told, since none was made. */
enum kith_err
query_preview(struct call *call)
{
    struct core *core = call->core;
    struct request_facts *facts = &core->facts.request;
    struct pair_facts *who = &facts->who;

    if (slice_equal(args_text(call->args, KITH_ARG_FROM), args_text(call->args, KITH_ARG_TO)))
        return KITH_SELF;
    member_load(core->views, args_text(call->args, KITH_ARG_FROM), &who->actor);
    member_load(core->views, args_text(call->args, KITH_ARG_TO), &who->other);
    who->pair = (struct pair){0};
    if (who->actor.known && who->other.known) {
        pair_load(core->views, &who->actor, &who->other, &who->pair);
        expire_facts(call, who);
        pair_show(&who->pair, actor_side(who), call->now_ms);
    }
    call->out->first_seq = log_last(core->log) + 1;
    enum kith_err err = load_request(call, facts);
    facts->preview = true;
    if (err == KITH_OK)
        err = decide_request(facts, &core->rules, call->out);
    return err;
}
