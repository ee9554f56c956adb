/* event.read with `member`: one member's feed, by its own numbers. Nothing in it, gaps included,
 * may tell of what is not in it. */
#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "core/queries.h"
#include "core/rows/feed.h"

/* Whose command an event is of, where an event can be of a member's own command: by the operation,
 * the field that names who did it. A member is told the `cause` of what he did himself, and of
 * nothing else; what is not here is not told to anybody. */
static const struct {
    enum kith_op op;
    enum event_type type;
    uint64_t actor; /* AUDIENCE_* */
} actors[] = {
    {KITH_OP_MEMBER_REGISTER, EVENT_MEMBER_REGISTERED, AUDIENCE_MEMBER},
    {KITH_OP_MEMBER_UPDATE, EVENT_MEMBER_UPDATED, AUDIENCE_MEMBER},
    {KITH_OP_MEMBER_VERIFY_CONTACT, EVENT_MEMBER_CONTACT_VERIFIED, AUDIENCE_MEMBER},
    {KITH_OP_MEMBER_DROP_CONTACT, EVENT_MEMBER_CONTACT_DROPPED, AUDIENCE_MEMBER},
    {KITH_OP_MEMBER_BLOCK, EVENT_MEMBER_BLOCKED, AUDIENCE_MEMBER},
    {KITH_OP_MEMBER_BLOCK, EVENT_CONNECTION_REMOVED, AUDIENCE_MEMBER},
    {KITH_OP_MEMBER_BLOCK, EVENT_CONNECTION_WITHDRAWN, AUDIENCE_FROM},
    {KITH_OP_MEMBER_UNBLOCK, EVENT_MEMBER_UNBLOCKED, AUDIENCE_MEMBER},
    {KITH_OP_MEMBER_PREAPPROVE, EVENT_MEMBER_PREAPPROVED, AUDIENCE_MEMBER},
    {KITH_OP_MEMBER_PREAPPROVE, EVENT_CONNECTION_ACCEPTED, AUDIENCE_TO},
    {KITH_OP_MEMBER_UNPREAPPROVE, EVENT_MEMBER_UNPREAPPROVED, AUDIENCE_MEMBER},
    {KITH_OP_CONNECTION_REQUEST, EVENT_CONNECTION_REQUESTED, AUDIENCE_FROM},
    {KITH_OP_CONNECTION_REQUEST, EVENT_CONNECTION_ACCEPTED, AUDIENCE_FROM},
    {KITH_OP_CONNECTION_ACCEPT, EVENT_CONNECTION_ACCEPTED, AUDIENCE_TO},
    {KITH_OP_CONNECTION_IGNORE, EVENT_CONNECTION_IGNORED, AUDIENCE_TO},
    {KITH_OP_CONNECTION_DECLINE, EVENT_CONNECTION_DECLINED, AUDIENCE_TO},
    {KITH_OP_CONNECTION_DECLINE_ALL, EVENT_CONNECTION_DECLINED, AUDIENCE_TO},
    {KITH_OP_CONNECTION_REPORT, EVENT_CONNECTION_REPORTED, AUDIENCE_TO},
    {KITH_OP_CONNECTION_REPORT, EVENT_MEMBER_BLOCKED, AUDIENCE_MEMBER},
    {KITH_OP_CONNECTION_WITHDRAW, EVENT_CONNECTION_WITHDRAWN, AUDIENCE_FROM},
    {KITH_OP_CONNECTION_REMOVE, EVENT_CONNECTION_REMOVED, AUDIENCE_MEMBER},
    {KITH_OP_CONNECTION_SET_ACCESS, EVENT_CONNECTION_ACCESS_CHANGED, AUDIENCE_MEMBER},
    {KITH_OP_CONNECTION_DISMISS, EVENT_CONNECTION_DISMISSED, AUDIENCE_MEMBER},
    {KITH_OP_INVITE_CREATE, EVENT_INVITE_CREATED, AUDIENCE_MEMBER},
    {KITH_OP_INVITE_REDEEM, EVENT_MEMBER_REGISTERED, AUDIENCE_MEMBER},
    {KITH_OP_INVITE_REDEEM, EVENT_INVITE_REDEEMED, AUDIENCE_MEMBER},
};

static bool
is_by(const struct event *event, enum kith_op op, struct slice member)
{
    /* Who asks back is `to` of the connection that comes of it. */
    bool is_crossing = event->type == EVENT_CONNECTION_ACCEPTED && event->via == VIA_CROSSING;
    for (unsigned i = 0; i < ARRAY_COUNT(actors); i++) {
        if (actors[i].op != op || actors[i].type != event->type)
            continue;
        uint64_t actor = is_crossing ? AUDIENCE_TO : actors[i].actor;
        for (unsigned bit = 0; bit < AUDIENCE_COUNT; bit++)
            if (actor >> bit & 1 && slice_equal(event_audience_member(event, bit), member))
                return true;
    }
    return false;
}

/* The id of the command, if this member gave it. */
static enum kith_err
own_cause(struct core *core, const struct event *event, struct slice member, struct slice *cause)
{
    struct event head = *event;
    *cause = (struct slice){0};
    if (event->head_back > 0) {
        enum kith_err err = history_read(core, event->seq - event->head_back, &head);
        if (err != KITH_OK)
            return err;
    }
    enum kith_op op = kith_op_find((const char *)head.head_op.data, head.head_op.size);
    if (is_by(event, op, member)) /* an event of the daemon's own has no operation */
        *cause = head.head_id;
    return KITH_OK;
}

/* --- the page ------------------------------------------------------------------------------- */

struct feed {
    struct core *core;
    struct slice member;
    struct feed_key key;
    uint64_t length;
};

/* Event @index of the feed; KITH_NOT_FOUND where its record has been trimmed. */
static enum kith_err
feed_read(struct feed *feed, uint64_t index, struct event *event)
{
    seq_t seq = 0;
    assert(index > 0 && index <= feed->length);
    if (views_feed_read(feed->core->views, &feed->key, index - 1, &seq, 1) != 1)
        return KITH_INTERNAL;
    return history_read(feed->core, seq, event);
}

/* The first event whose time is at least @at_ms, or the one behind the last. */
static enum kith_err
feed_find_time(struct feed *feed, msec_t at_ms, uint64_t *index)
{
    uint64_t low = 1, high = feed->length + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct event event;
        enum kith_err err = feed_read(feed, middle, &event);
        if (err != KITH_OK && err != KITH_NOT_FOUND)
            return err;
        if (err == KITH_NOT_FOUND || event.at_ms < at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return KITH_OK;
}

static enum kith_err
find_start(struct call *call, struct feed *feed, uint64_t *after)
{
    const struct args *args = call->args;
    bool is_after = args_has(args, KITH_ARG_AFTER_SEQ);
    bool is_end = args_has(args, KITH_ARG_END) && args->value[KITH_ARG_END].truth;
    uint64_t first = 1, since = args_uint(args, KITH_ARG_SINCE, 0);
    /* Without a word, the first event kept; where nothing was trimmed it is the first. */
    if (!is_end && (since > 0 || log_first(feed->core->log) > 1)) {
        enum kith_err err = feed_find_time(feed, is_after ? 0 : (msec_t)since, &first);
        if (err != KITH_OK)
            return err;
    }
    if (is_after)
        *after = args->value[KITH_ARG_AFTER_SEQ].number;
    else if (is_end) /* as it was when the query came */
        *after = call->has_scanned ? call->scanned : feed->length;
    else
        *after = first - 1;
    if (*after + 1 < first) {
        entries_uint(&call->out->detail, "first_seq", first);
        return KITH_TRIMMED;
    }
    if (call->scanned > *after)
        *after = call->scanned;
    return KITH_OK;
}

/* How many sequences are looked up at once. */
#define LOOK_COUNT 64

/* Append one event to the result, unless it is not wanted. */
static enum kith_err
render_one(struct call *call, struct feed *feed, seq_t seq, uint64_t index, bool *is_told)
{
    struct event event;
    struct slice cause;
    enum kith_err err = history_read(call->core, seq, &event);
    *is_told = err == KITH_OK && query_type_is_wanted(call, &event);
    if (!*is_told)
        return err;
    err = own_cause(call->core, &event, feed->member, &cause);
    event.seq = index;
    if (err == KITH_OK)
        event_render_in_feed(&call->out->result.buf, &event, cause);
    return err;
}

/* Append what is wanted behind @after; *seen is the last number looked at. */
static enum kith_err
read_feed(struct call *call, struct feed *feed, uint64_t *seen, uint32_t *count)
{
    struct buf *out = &call->out->result.buf;
    uint64_t limit = args_uint(call->args, KITH_ARG_LIMIT, KITH_EVENT_LIMIT_DEFAULT);
    size_t room = call->room < KITH_EVENT_PAGE_SIZE_MAX ? call->room : KITH_EVENT_PAGE_SIZE_MAX;
    uint64_t last =
        *seen + KITH_EVENT_SCAN_MAX < feed->length ? *seen + KITH_EVENT_SCAN_MAX : feed->length;
    if (limit > KITH_EVENT_LIMIT_MAX)
        limit = KITH_EVENT_LIMIT_MAX;
    while (*count < limit && *seen < last) {
        seq_t seqs[LOOK_COUNT];
        unsigned wanted = last - *seen < LOOK_COUNT ? (unsigned)(last - *seen) : LOOK_COUNT;
        unsigned found = views_feed_read(call->core->views, &feed->key, *seen, seqs, wanted);
        if (found == 0)
            return KITH_INTERNAL;
        for (unsigned i = 0; i < found && *count < limit; i++) {
            size_t start = out->size;
            bool is_told;
            enum kith_err err = render_one(call, feed, seqs[i], *seen + 1, &is_told);
            if (err != KITH_OK)
                return err;
            if (out->size > room && *count > 0) {
                out->size = start;
                return KITH_OK;
            }
            *count += is_told;
            ++*seen;
        }
    }
    return KITH_OK;
}

static void
wait_for_more(struct call *call, const struct feed *feed, uint64_t seen)
{
    call_wait_begin(call, seen);
    if (seen < feed->length)
        call->wait.wake_seq = log_last(call->core->log);
    else
        wake_wait_member(&call->core->output->wake, feed->member, query_types(call));
    call_wait_end(call);
}

enum kith_err
query_feed(struct call *call)
{
    struct core *core = call->core;
    struct entries *result = &call->out->result;
    struct member member;
    uint64_t seen = 0;
    uint32_t count = 0;
    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err != KITH_OK)
        return err;
    struct feed feed = {.core = core, .member = member.id, .key = feed_of(member.id)};
    feed.length = views_feed_length(core->views, &feed.key);
    err = find_start(call, &feed, &seen);
    if (err != KITH_OK)
        return err;

    size_t place = write_open_array(entries_key(result, "events"));
    err = read_feed(call, &feed, &seen, &count);
    if (err != KITH_OK)
        return err;
    if (count == 0 && call->may_wait && args_uint(call->args, KITH_ARG_WAIT_MS, 0) > 0) {
        wait_for_more(call, &feed, seen);
        return KITH_OK;
    }
    write_close_array(&result->buf, place, count);
    entries_uint(result, "next", seen);
    entries_uint(result, "last_seq", feed.length);
    return KITH_OK;
}
