/* Every event once and in order.
 *
 * The log is the truth and the event socket a hint that may lose anything: frames are dropped where
 * a subscriber is slow, and before its connection stands. So the position in the log is all the
 * state there is, and each of three ways of going on starts from it:
 *
 *     catch_up   page through the log until its end as last told
 *     listen     take frames whose seq is the next; any gap, or a beat that is ahead, ends this
 *     long_poll  while the event socket is not heard: let the daemon hold one page back until
 *                there is something to say
 *
 * The event socket is open all the time, and what it holds is the buffer. Frames up to the position
 * are passed over; the next one is told; a later one is thrown away and means another page. Nothing
 * is lost by that: a page asked for after a frame was read covers that frame, because events are
 * published after they are in the log.
 *
 * Frames are believed only while the socket was heard, that is, since a beat with the epoch of the
 * log came on the very connection that is open now, and not long ago: a daemon that was replaced,
 * or another one altogether, numbers its events alike. The daemon that answers is asked for its
 * epoch again whenever the command connection was made anew. */
#include "base/assert.h"
#include "clock.h"
#include "frame.h"
#include "handle.h"
#include "proto/limits.h"
#include "reply.h"
#include "value.h"

/* Beats come each second: after three are missing the socket counts as not heard. */
#define SILENCE_MS 3500

/* How long the event socket is waited for before its connection is looked at. */
#define LISTEN_MS 250

/* How long one page may be held back: while the event socket may be heard any moment, and where
 * there is none. */
#define HOLD_MS_HOPING 1000
#define HOLD_MS_ALONE  10000

/* The pause before asking again, where the daemon does not hold pages back or is busy. */
#define ASK_AGAIN_MS 200

/* A cursor is committed after so many events or so long, whichever is first; a crash of ours means
 * that as much is told again. */
#define COMMIT_COUNT 1000
#define COMMIT_MS    500

/* The last commit, when the caller has stopped, is not waited for longer than this. */
#define COMMIT_LAST_MS 2000

/* Frames taken between two looks at anything else. */
#define DRAIN_COUNT_MAX 4096

struct subscription {
    struct kith *kith;
    const struct kith_subscribe_options *options;
    kith_on_news *on_news;
    void *context;

    enum kith_status status; /* sticky; not OK: over */
    bool is_finished;        /* over, with status OK */

    uint64_t position;   /* what is in the log up to here was told or is not wanted */
    bool is_positioned;  /* `since` and `from_end` become a position with the first page */
    bool is_at_end;      /* of the log, as far as is known */
    bool owes_caught_up; /* the caller was told to wait for it */
    bool never_hold;     /* the daemon does not hold pages back */

    bool must_ask_cursor; /* where to begin, by the cursor that the daemon keeps */
    uint64_t dealt;       /* up to here everything was dealt with by the caller */
    uint64_t committed;   /* and up to here the daemon knows it */
    msec_t committed_ms;

    struct epoch epoch;        /* of the log that the position is in */
    bool must_greet;           /* the epoch has to be asked for */
    uint64_t greet_connection; /* the connection that it was told on */

    struct socket events;
    bool has_events;
    bool is_heard; /* a beat of ours came on events_connection, at heard_ms */
    uint64_t events_connection;
    msec_t heard_ms;
    bool is_behind; /* a frame or beat was seen that is ahead of the position */

    struct kith_args *args;
    struct value_tree tree; /* of one frame */
};

static bool
is_over(const struct subscription *sub)
{
    return sub->status != KITH_STATUS_OK || sub->is_finished;
}

static void
tell(struct subscription *sub, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    if (is_over(sub))
        return;
    if (!sub->on_news(sub->context, news, seq, event))
        sub->status = KITH_STATUS_STOPPED;
    else if (news == KITH_NEWS_EVENT)
        sub->dealt = seq;
}

/* Wait for the event socket, or where there is none just wait. */
static void
pause_for(const struct subscription *sub, int timeout_ms)
{
    static const struct socket none = {-1, -1, -1};
    socket_wait(sub->has_events ? &sub->events : &none, false, -1, timeout_ms);
}

/* ---- Asking ----------------------------------------------------------------------------------*/

/* What a refusal means for somebody who only reads. */
static void
weigh_refusal(struct subscription *sub, const struct kith_reply *reply, bool was_held)
{
    const char *retry = kith_get_str(kith_reply_error(reply), "retry");
    const char *code = kith_reply_code(reply);
    if (was_held && code && strcmp(code, "bad_argument") == 0)
        sub->never_hold = true;
    else if (retry && strcmp(retry, "same_id") == 0)
        pause_for(sub, ASK_AGAIN_MS);
    else
        sub->status = KITH_STATUS_REFUSED;
}

/* What cannot be read for want of memory is not taken for an answer that says nothing. */
static enum kith_status
weigh_memory(enum kith_status status, struct kith_reply **reply)
{
    if (!*reply || reply_decode(*reply))
        return status;
    kith_reply_destroy(*reply);
    *reply = NULL;
    return KITH_STATUS_NO_MEMORY;
}

/* Ask, waiting for an absent daemon. NULL: no answer this time, or over. */
static struct kith_reply *
ask(struct subscription *sub, const char *op, const struct kith_args *args, int hold_ms)
{
    char id[KITH_ID_SIZE];
    kith_make_id(id);
    const struct kith *kith = sub->kith;
    const struct request request = {op, args, id, kith->auth, false};
    const struct patience patience = {
        kith->timeout_ms < 0 ? -1 : kith->timeout_ms + hold_ms,
        kith->resend_ms + hold_ms,
    };
    struct kith_reply *reply;
    enum kith_status status = handle_call(sub->kith, &request, &patience, &reply);
    status = weigh_memory(status, &reply);
    if (status == KITH_STATUS_OK)
        return reply;
    if (status == KITH_STATUS_REFUSED)
        weigh_refusal(sub, reply, hold_ms > 0);
    else if (status != KITH_STATUS_TIMEOUT)
        sub->status = status;
    kith_reply_destroy(reply);
    return NULL;
}

/* ---- Which log it is -------------------------------------------------------------------------*/

static void
rewind_to_start(struct subscription *sub)
{
    sub->is_positioned = !sub->options->from_end && sub->options->since == 0;
    sub->position = sub->is_positioned ? sub->options->after : 0;
    sub->must_ask_cursor = sub->options->cursor != NULL;
    sub->dealt = sub->committed = sub->position;
    sub->is_at_end = false;
    sub->is_heard = false;
    sub->owes_caught_up = true;
}

static bool
epoch_of(const struct kith_value *value, struct epoch *out)
{
    if (kith_value_kind(value) != KITH_KIND_INT)
        return epoch_of_text(slice_of(kith_value_str(value), kith_value_size(value)), out);
    *out = epoch_of_number(kith_value_uint(value));
    return true;
}

/* A position behind the log's end is of another log: nothing of this one has been told. */
static void
take_epoch(struct subscription *sub, const struct epoch *epoch, uint64_t last_seq)
{
    bool is_other = sub->epoch.text[0] && !epoch_equal(&sub->epoch, epoch);
    sub->epoch = *epoch;
    if (is_other)
        rewind_to_start(sub);
    bool is_beyond = sub->is_positioned && sub->position > last_seq;
    if (is_beyond) {
        rewind_to_start(sub);
        sub->position = 0;
        sub->is_positioned = true;
    }
    if (is_other || is_beyond)
        tell(sub, KITH_NEWS_EPOCH, sub->position, NULL);
}

/* Make sure that the daemon which answers now has the log that the position is in. */
static bool
greet(struct subscription *sub)
{
    uint64_t connection = handle_connections(sub->kith);
    if (!sub->must_greet && connection == sub->greet_connection)
        return true;

    struct kith_reply *reply = ask(sub, "server.hello", NULL, 0);
    if (!reply)
        return false;
    const struct kith_value *hello = kith_reply_result(reply);
    struct epoch epoch;
    if (!epoch_of(kith_get(hello, "epoch"), &epoch)) {
        sub->status = KITH_STATUS_BAD_REPLY;
    } else {
        sub->greet_connection = connection;
        sub->must_greet = false;
        take_epoch(sub, &epoch, kith_value_uint(kith_get(hello, "last_seq")));
    }
    kith_reply_destroy(reply);
    return !is_over(sub) && handle_connections(sub->kith) == connection;
}

/* ---- The cursor ------------------------------------------------------------------------------*/

/* Begin where the daemon says that we are. False: not known yet, or over. */
static bool
ask_cursor(struct subscription *sub)
{
    if (!sub->must_ask_cursor)
        return true;
    kith_args_clear(sub->args);
    kith_put_str(sub->args, "name", sub->options->cursor);
    struct kith_reply *reply;
    enum kith_status status = kith_call(sub->kith, "cursor.get", sub->args, NULL, &reply);
    status = weigh_memory(status, &reply);
    if (status == KITH_STATUS_OK) {
        sub->position = kith_value_uint(kith_get(kith_reply_result(reply), "seq"));
        sub->dealt = sub->committed = sub->position;
        sub->is_positioned = true;
    }
    const char *code = status == KITH_STATUS_REFUSED ? kith_reply_code(reply) : NULL;
    if (status == KITH_STATUS_OK || (code && strcmp(code, "not_found") == 0))
        sub->must_ask_cursor = false;
    else if (status == KITH_STATUS_REFUSED)
        weigh_refusal(sub, reply, false);
    else if (status != KITH_STATUS_TIMEOUT)
        sub->status = status;
    kith_reply_destroy(reply);
    return !sub->must_ask_cursor && !is_over(sub);
}

static void
send_commit(struct subscription *sub)
{
    kith_args_clear(sub->args);
    kith_put_str(sub->args, "name", sub->options->cursor);
    kith_put_int(sub->args, "seq", (int64_t)sub->dealt);
    kith_put_str(sub->args, "member", sub->options->member);
    char id[KITH_ID_SIZE];
    kith_make_id(id);
    const struct request request = {"cursor.commit", sub->args, id, sub->kith->auth, false};
    const struct patience patience = {COMMIT_LAST_MS, sub->kith->resend_ms};
    struct kith_reply *reply;
    enum kith_status status = handle_call(sub->kith, &request, &patience, &reply);
    sub->committed_ms = clock_now();
    if (status == KITH_STATUS_OK)
        sub->committed = sub->dealt;
    else if (status == KITH_STATUS_REFUSED && !is_over(sub))
        weigh_refusal(sub, reply, false);
    kith_reply_destroy(reply);
}

/* Tell the daemon how far we are, now and then. What cannot be told now is told with the next. */
static void
commit(struct subscription *sub)
{
    if (!sub->options->cursor || sub->must_ask_cursor || sub->dealt <= sub->committed)
        return;
    if (is_over(sub) || sub->dealt - sub->committed >= COMMIT_COUNT ||
        clock_now() - sub->committed_ms >= COMMIT_MS)
        send_commit(sub);
}

/* Everything up to the position was dealt with, or is not wanted. */
static void
settle(struct subscription *sub)
{
    if (is_over(sub))
        return; /* the last commit follows when all is done */
    if (sub->is_positioned)
        sub->dealt = sub->position;
    commit(sub);
}

/* ---- Reading the log -------------------------------------------------------------------------*/

static const struct kith_args *
page_args(struct subscription *sub, int hold_ms)
{
    const struct kith_subscribe_options *options = sub->options;
    kith_args_clear(sub->args);
    if (sub->is_positioned)
        kith_put_int(sub->args, "after", (int64_t)sub->position);
    else if (options->from_end)
        kith_put_bool(sub->args, "end", true);
    else
        kith_put_int(sub->args, "since", options->since);
    kith_put_int(sub->args, "limit", KITH_EVENT_LIMIT_MAX);
    if (options->type_count > 0)
        kith_put_strs(sub->args, "types", options->types, options->type_count);
    if (options->member)
        kith_put_str(sub->args, "member", options->member);
    if (options->audience_count > 0)
        kith_put_strs(sub->args, "audience", options->audience, options->audience_count);
    if (hold_ms > 0)
        kith_put_int(sub->args, "wait_ms", hold_ms);
    return sub->args;
}

/* Tell the events of a page, which ends at @next. */
static void
tell_page(struct subscription *sub, const struct kith_value *events, uint64_t next)
{
    for (size_t i = 0; i < kith_value_count(events) && !is_over(sub); i++) {
        const struct kith_value *event = kith_value_at(events, i);
        uint64_t seq = kith_value_uint(kith_get(event, "seq"));
        if (seq <= sub->position || seq > next) {
            sub->status = KITH_STATUS_BAD_REPLY;
            return;
        }
        sub->position = seq;
        tell(sub, KITH_NEWS_EVENT, seq, event);
        settle(sub);
    }
}

static void
take_page(struct subscription *sub, const struct kith_value *page)
{
    const struct kith_value *events = kith_get(page, "events");
    uint64_t next = kith_value_uint(kith_get(page, "next"));
    uint64_t last_seq = kith_value_uint(kith_get(page, "last_seq"));
    if (kith_value_kind(kith_get(page, "next")) != KITH_KIND_INT ||
        (sub->is_positioned && next < sub->position)) {
        sub->status = KITH_STATUS_BAD_REPLY;
        return;
    }
    bool is_still = sub->is_positioned && next == sub->position;
    tell_page(sub, events, next);
    if (is_over(sub))
        return;
    sub->position = next;
    sub->is_positioned = true;
    sub->is_at_end = next >= last_seq;
    if (is_still && !sub->is_at_end)
        pause_for(sub, ASK_AGAIN_MS); /* A busy daemon answers with nothing at once. */
}

/* Ask for one page, held back for up to @hold_ms. Another daemon's page is thrown away. */
static void
read_page(struct subscription *sub, int hold_ms)
{
    const struct kith_args *args = page_args(sub, hold_ms);
    struct kith_reply *reply = ask(sub, "event.read", args, hold_ms);
    if (!reply)
        return;
    if (handle_connections(sub->kith) == sub->greet_connection)
        take_page(sub, kith_reply_result(reply));
    kith_reply_destroy(reply);
}

/* ---- Hearing ---------------------------------------------------------------------------------*/

static bool
is_wanted(const struct subscription *sub, struct slice type)
{
    const struct kith_subscribe_options *options = sub->options;
    for (size_t i = 0; i < options->type_count; i++) {
        struct slice prefix = slice_str(options->types[i]);
        if (prefix.size <= type.size && slice_equal(prefix, slice_of(type.data, prefix.size)))
            return true;
    }
    return options->type_count == 0;
}

/* The same of those whom the event is for. */
static bool
is_for_them(const struct subscription *sub, const struct kith_value *event)
{
    const struct kith_subscribe_options *options = sub->options;
    const struct kith_value *audience = kith_get(event, "audience");
    for (size_t i = 0; i < kith_value_count(audience); i++) {
        const struct kith_value *member = kith_value_at(audience, i);
        struct slice id = slice_of(kith_value_str(member), kith_value_size(member));
        for (size_t other = 0; id.data && other < options->audience_count; other++)
            if (slice_is(id, options->audience[other]))
                return true;
    }
    return options->audience_count == 0;
}

static void
take_beat(struct subscription *sub, const struct frame *frame)
{
    sub->is_heard = epoch_equal(&frame->epoch, &sub->epoch);
    sub->heard_ms = clock_now();
    if (!sub->is_heard)
        sub->must_greet = true;
    else if (frame->seq > sub->position)
        sub->is_behind = true;
}

static void
take_event(struct subscription *sub, const struct frame *frame)
{
    if (!sub->is_heard || !sub->is_positioned || frame->seq <= sub->position)
        return;
    if (frame->seq > sub->position + 1) {
        sub->is_behind = true;
        return;
    }
    const struct kith_value *event = NULL;
    bool is_told = is_wanted(sub, frame->topic);
    if (is_told) {
        event = value_decode(&sub->tree, frame->body, frame->body_size);
        if (!event) {
            sub->status = KITH_STATUS_NO_MEMORY;
            return;
        }
        is_told = is_for_them(sub, event);
    }
    sub->position = frame->seq;
    if (is_told)
        tell(sub, KITH_NEWS_EVENT, frame->seq, event);
    settle(sub);
}

/* Take what the event socket holds. */
static void
drain(struct subscription *sub)
{
    struct incoming incoming;
    struct frame frame;
    if (sub->has_events)
        socket_tend(&sub->events, clock_now());
    for (unsigned i = 0; i < DRAIN_COUNT_MAX && sub->has_events && !is_over(sub); i++) {
        if (!socket_receive(&sub->events, &incoming))
            return;
        /* Counted after the frame was taken, which so is of this connection or an older one. */
        uint64_t connection = socket_connections(&sub->events);
        if (connection != sub->events_connection)
            sub->is_heard = false;
        sub->events_connection = connection;

        bool is_frame = frame_decode(incoming.data, incoming.size, &frame);
        if (is_frame && frame.is_beat)
            take_beat(sub, &frame);
        else if (is_frame)
            take_event(sub, &frame);
        incoming_release(&incoming);
    }
}

static bool
is_listening(const struct subscription *sub)
{
    return sub->has_events && sub->is_heard && !sub->must_greet &&
           clock_now() - sub->heard_ms < SILENCE_MS &&
           socket_connections(&sub->events) == sub->events_connection &&
           handle_connections(sub->kith) == sub->greet_connection;
}

/* ---- The three ways --------------------------------------------------------------------------*/

static void
reach_end(struct subscription *sub)
{
    if (sub->owes_caught_up) {
        sub->owes_caught_up = false;
        tell(sub, KITH_NEWS_CAUGHT_UP, sub->position, NULL);
    }
    if (sub->options->until_caught_up && !is_over(sub))
        sub->is_finished = true;
}

static void
catch_up(struct subscription *sub)
{
    sub->is_behind = false;
    read_page(sub, 0);
    drain(sub);
    if (sub->is_behind)
        sub->is_at_end = false;
    if (sub->is_at_end && !is_over(sub))
        reach_end(sub);
}

static void
listen_on(struct subscription *sub)
{
    sub->is_behind = false;
    while (!is_over(sub) && !sub->is_behind && is_listening(sub)) {
        pause_for(sub, LISTEN_MS);
        drain(sub);
        settle(sub);
    }
    if (sub->is_behind) {
        sub->is_at_end = false;
        sub->owes_caught_up = true;
        tell(sub, KITH_NEWS_FELL_BEHIND, sub->position, NULL);
    }
}

static void
long_poll(struct subscription *sub)
{
    sub->is_behind = false;
    if (sub->never_hold) {
        pause_for(sub, ASK_AGAIN_MS);
        sub->is_at_end = false;
    } else {
        read_page(sub, sub->has_events ? HOLD_MS_HOPING : HOLD_MS_ALONE);
    }
    drain(sub);
    if (sub->is_behind)
        sub->is_at_end = false;
}

static void
run(struct subscription *sub)
{
    while (!is_over(sub)) {
        if (!greet(sub) || !ask_cursor(sub))
            continue;
        if (!sub->is_at_end)
            catch_up(sub);
        else if (is_listening(sub))
            listen_on(sub);
        else
            long_poll(sub);
        settle(sub);
    }
    commit(sub);
}

enum kith_status
kith_subscribe(struct kith *kith, const struct kith_subscribe_options *options,
               kith_on_news *on_news, void *context)
{
    static const struct kith_subscribe_options defaults;
    assert(kith && on_news);
    struct subscription sub = {
        .kith = kith,
        .options = options ? options : &defaults,
        .on_news = on_news,
        .context = context,
        .must_greet = true,
    };
    rewind_to_start(&sub);
    sub.args = kith_args_create();
    if (!sub.args)
        return KITH_STATUS_NO_MEMORY;
    sub.has_events = kith->events_url[0] && !sub.options->member;
    if (sub.has_events)
        sub.status = socket_open_events(&sub.events, kith->events_url);
    sub.has_events = sub.has_events && sub.status == KITH_STATUS_OK;

    run(&sub);
    if (sub.has_events)
        socket_close(&sub.events);
    value_tree_fini(&sub.tree);
    kith_args_destroy(sub.args);
    return sub.status;
}
