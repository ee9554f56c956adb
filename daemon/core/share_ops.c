/* subscription.*: events that several workers share. State beside the log: nothing here is an
 * event, and no outcome is kept. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "core/queries.h"
#include "core/share.h"

#define ACK_MS_DEFAULT 30000

/* A fetch that waits stores how far it has looked after so many events that nobody wants. */
#define STORE_EVERY 1000

/* A clock that stands still does not make a fetch that waits run without end. */
#define AGAIN_MS_MIN 10

/* Room for what follows the items of a page. */
#define END_SIZE_MAX 128

/* Free with free(). KITH_NOT_FOUND where there is none of that name; KITH_UNAVAILABLE. */
static enum kith_err
load(struct call *call, struct share **out)
{
    struct slice row;
    enum kith_err err = state_get(call->core->state, STATE_SUBSCRIPTION,
                                  args_text(call->args, KITH_ARG_CURSOR), &row);
    if (err == KITH_NOT_FOUND)
        return refuse_field(call->out, err, "name");
    struct share *share = err == KITH_OK ? calloc(1, sizeof(*share)) : NULL;
    if (err == KITH_OK && !share)
        return KITH_UNAVAILABLE;
    if (err == KITH_OK && !share_decode(row, share))
        err = KITH_INTERNAL;
    if (err != KITH_OK) {
        free(share);
        return err;
    }
    *out = share;
    return KITH_OK;
}

static void
store(struct call *call, const struct share *share)
{
    struct buf row = {0};
    call->leaves_no_trace = true;
    if (call->core->err != KITH_OK)
        return; /* nothing of it is kept */
    share_encode(&row, share);
    if (row.failed)
        call->core->err = KITH_UNAVAILABLE;
    else
        state_put(call->core->state, STATE_SUBSCRIPTION, args_text(call->args, KITH_ARG_CURSOR),
                  buf_slice(&row));
    buf_fini(&row);
}

/* One of those who wait for something of this subscription looks again. */
static void
wake_others(struct call *call)
{
    wake_note_share(&call->core->output->wake, args_text(call->args, KITH_ARG_CURSOR));
}

/* --- fetch ---------------------------------------------------------------------------------- */

/* One that nobody has fetched from before begins where it is told, or at the first event. */
static enum kith_err
create(struct call *call, struct share **out)
{
    struct core *core = call->core;
    entries_clear(&call->out->detail);
    if (state_count(core->state, STATE_SUBSCRIPTION) >= KITH_SUBSCRIPTION_COUNT_MAX) {
        snprintf(call->out->text, sizeof(call->out->text), "there are too many subscriptions");
        return KITH_CAP_REACHED;
    }
    seq_t first = log_first(core->log) - 1;
    seq_t after = args_uint(call->args, KITH_ARG_AFTER_SEQ, first);
    if (after < first || after > log_last(core->log))
        return refuse_field(call->out, KITH_BAD_ARGUMENT, "after");
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return KITH_UNAVAILABLE;
    (*out)->taken = after;
    return KITH_OK;
}

static unsigned
ready_count(const struct share *share, msec_t now_ms)
{
    unsigned count = 0;
    for (unsigned i = 0; i < share->open.count; i++)
        count += share_is_ready(share, i, now_ms);
    return count;
}

/* Look at further events of the log until @wanted may be handed out. */
static void
take_from_log(struct call *call, struct share *share, uint64_t wanted)
{
    struct history history;
    struct event event;
    struct slice cause;
    unsigned ready = ready_count(share, call->now_ms), scanned = 0;

    history_begin(&history, call->core, share->taken);
    while (ready < wanted && scanned < KITH_EVENT_SCAN_MAX &&
           share->open.count < KITH_OPEN_COUNT_MAX &&
           history_next(&history, call->core, &event, &cause)) {
        scanned++;
        share->taken = event.seq;
        if (!query_type_is_wanted(call, &event))
            continue;
        struct share_entry entry = {
            .seq = event.seq, .pair = share_pair(&event), .worker = slice_of("", 0)};
        share_insert(&share->open, &entry);
        ready += share_is_ready(share, share->open.count - 1, call->now_ms);
    }
    history_end(&history);
}

/* An item: {seq, tries, event}. False if it does not fit. */
static bool
put_item(struct call *call, const struct share_entry *entry)
{
    struct entries *result = &call->out->result;
    size_t start = result->buf.size;
    struct history history;
    struct event event;
    struct slice cause;

    history_begin(&history, call->core, entry->seq - 1);
    bool is_there = history_next(&history, call->core, &event, &cause);
    history_end(&history);
    if (!is_there)
        return false;
    struct entries_inner item = entries_open_item(result);
    entries_uint(result, "seq", entry->seq);
    entries_uint(result, "tries", entry->tries);
    entries_str(result, "worker", entry->worker);
    event_render(entries_key(result, "event"), &event, cause);
    entries_close(result, item);
    size_t room = call->room < KITH_EVENT_PAGE_SIZE_MAX ? call->room : KITH_EVENT_PAGE_SIZE_MAX;
    if (result->buf.size + END_SIZE_MAX <= room)
        return true;
    result->buf.size = start;
    return false;
}

static uint32_t
hand_out(struct call *call, struct share *share, uint64_t limit)
{
    uint64_t ack_ms = args_uint(call->args, KITH_ARG_ACK_MS, ACK_MS_DEFAULT);
    uint32_t count = 0;
    for (unsigned i = 0; i < share->open.count && count < limit; i++) {
        struct share_entry *entry = &share->open.at[i], out = *entry;
        if (!share_is_ready(share, i, call->now_ms))
            continue;
        out.tries++;
        out.is_out = true;
        out.due_ms = call->now_ms + (msec_t)ack_ms;
        out.worker = args_text(call->args, KITH_ARG_WORKER);
        if (!put_item(call, &out))
            break;
        *entry = out;
        count++;
    }
    return count;
}

/* When the next of what is handed out or held back comes, from now on; 0: there is none. */
static msec_t
next_due(const struct share *share, msec_t now_ms)
{
    msec_t next_ms = 0;
    for (unsigned i = 0; i < share->open.count; i++) {
        msec_t left_ms = share->open.at[i].due_ms - now_ms;
        if (left_ms > 0 && (next_ms == 0 || left_ms < next_ms))
            next_ms = left_ms;
    }
    return next_ms;
}

/* Nothing may be handed out: wait for an event, for what others do with theirs, or for a deadline.
 * What was looked at is stored now and then only, for each time is a commit. */
static void
wait_for_more(struct call *call, const struct share *share, bool is_new, seq_t taken)
{
    struct core *core = call->core;
    struct wake *wake = &core->output->wake;
    uint64_t types = query_types(call);
    seq_t last = log_last(core->log);
    if (is_new || share->taken - taken >= STORE_EVERY)
        store(call, share);
    call_wait_begin(call, share->taken);
    if (share->taken < last && share->open.count < KITH_OPEN_COUNT_MAX) {
        call->wait.wake_seq = last; /* the scan was cut */
        return;
    }
    wake_wait_share(wake, args_text(call->args, KITH_ARG_CURSOR)); /* the first key: is_shared */
    call->wait.is_shared = true;
    wake_wait_types(wake, core->clock_manual ? types | UINT64_C(1) << EVENT_CLOCK_ADVANCED : types);
    call_wait_end(call);
    msec_t due_ms = next_due(share, call->now_ms);
    if (due_ms > 0 && !core->clock_manual)
        call->wait.again_ms = due_ms > AGAIN_MS_MIN ? due_ms : AGAIN_MS_MIN;
}

static bool
may_wait(const struct call *call)
{
    return call->may_wait && args_uint(call->args, KITH_ARG_WAIT_MS, 0) > 0;
}

enum kith_err
share_fetch(struct call *call)
{
    struct entries *result = &call->out->result;
    struct share *share = NULL;
    uint64_t limit = args_uint(call->args, KITH_ARG_LIMIT, KITH_EVENT_LIMIT_DEFAULT);
    enum kith_err err = load(call, &share);
    bool is_new = err == KITH_NOT_FOUND;
    if (is_new)
        err = create(call, &share);
    if (err != KITH_OK)
        return err;
    seq_t taken = share->taken;
    if (limit > KITH_OPEN_COUNT_MAX)
        limit = KITH_OPEN_COUNT_MAX;

    share_expire(share, call->now_ms);
    take_from_log(call, share, limit);
    size_t place = write_open_array(entries_key(result, "items"));
    uint32_t count = hand_out(call, share, limit);
    if (count == 0 && may_wait(call)) {
        wait_for_more(call, share, is_new, taken);
        free(share);
        return call->core->err;
    }
    /* Of those that wait one was woken: it wakes the next, if it leaves something. */
    bool leaves = ready_count(share, call->now_ms) > 0 || share->taken < log_last(call->core->log);
    if (count > 0 && leaves)
        wake_others(call);
    write_close_array(&result->buf, place, count);
    entries_uint(result, "open", share->open.count);
    entries_uint(result, "parked", share->parked.count);
    entries_uint(result, "next", share->taken);
    entries_uint(result, "last_seq", log_last(call->core->log));
    store(call, share);
    free(share);
    return call->core->err;
}

/* --- what becomes of them ------------------------------------------------------------------- */

/* Call @one for each of `seqs`; store what comes of it, and tell how many were meant. */
static enum kith_err
each_seq(struct call *call, bool one(struct call *, struct share *, seq_t), const char *name)
{
    struct share *share = NULL;
    struct reader reader;
    uint64_t done = 0;
    enum kith_err err = load(call, &share);
    if (err != KITH_OK)
        return err;
    share_expire(share, call->now_ms);
    reader_init(&reader, call->args->value[KITH_ARG_SEQS].raw);
    for (uint32_t left = reader_array(&reader); left > 0; left--)
        done += one(call, share, reader_uint(&reader));
    entries_uint(&call->out->result, name, done);
    entries_uint(&call->out->result, "open", share->open.count);
    entries_uint(&call->out->result, "parked", share->parked.count);
    store(call, share);
    wake_others(call);
    free(share);
    return KITH_OK;
}

/* It counts even where it comes too late: who has dealt with it has dealt with it. */
static bool
ack_one(struct call *call, struct share *share, seq_t seq)
{
    (void)call;
    struct share_list *const lists[] = {&share->open, &share->parked};
    for (unsigned i = 0; i < ARRAY_COUNT(lists); i++) {
        unsigned place = share_find(lists[i], seq);
        if (place == lists[i]->count || lists[i]->at[place].tries == 0)
            continue;
        share_remove(lists[i], place);
        return true;
    }
    return false;
}

static bool
nack_one(struct call *call, struct share *share, seq_t seq)
{
    unsigned place = share_find(&share->open, seq);
    if (place == share->open.count || !share->open.at[place].is_out)
        return false;
    uint64_t delay_ms = args_uint(call->args, KITH_ARG_DELAY_MS, 0);
    share_give_back(share, place, call->now_ms + (msec_t)delay_ms);
    return true;
}

static bool
replay_one(struct call *call, struct share *share, seq_t seq)
{
    unsigned place = share_find(&share->parked, seq);
    if (place == share->parked.count)
        return false;
    struct share_entry entry = share->parked.at[place];
    entry.tries = 0;
    entry.due_ms = call->now_ms;
    if (!share_insert(&share->open, &entry))
        return false; /* there are too many open ones: later */
    share_remove(&share->parked, place);
    return true;
}

enum kith_err
share_ack(struct call *call)
{
    return each_seq(call, ack_one, "acked");
}

enum kith_err
share_nack(struct call *call)
{
    return each_seq(call, nack_one, "nacked");
}

enum kith_err
share_replay(struct call *call)
{
    return each_seq(call, replay_one, "replayed");
}

enum kith_err
share_delete(struct call *call)
{
    struct slice row;
    enum kith_err err = state_get(call->core->state, STATE_SUBSCRIPTION,
                                  args_text(call->args, KITH_ARG_CURSOR), &row);
    if (err == KITH_NOT_FOUND)
        return refuse_field(call->out, err, "name");
    state_del(call->core->state, STATE_SUBSCRIPTION, args_text(call->args, KITH_ARG_CURSOR));
    wake_others(call);
    call->leaves_no_trace = true;
    return KITH_OK;
}

enum kith_err
query_parked(struct call *call)
{
    struct entries *result = &call->out->result;
    struct share *share = NULL;
    seq_t after = args_uint(call->args, KITH_ARG_AFTER_SEQ, 0), next = after;
    uint64_t limit = args_uint(call->args, KITH_ARG_LIMIT, KITH_LIST_LIMIT_DEFAULT);
    uint32_t count = 0;
    enum kith_err err = load(call, &share);
    if (err != KITH_OK)
        return err;
    share_expire(share, call->now_ms);
    if (limit > KITH_LIST_LIMIT_MAX)
        limit = KITH_LIST_LIMIT_MAX;
    size_t place = write_open_array(entries_key(result, "items"));
    bool more = false;
    for (unsigned i = 0; i < share->parked.count && !more; i++) {
        const struct share_entry *entry = &share->parked.at[i];
        if (entry->seq <= after)
            continue;
        more = count == limit || !put_item(call, entry);
        count += !more;
        next = more ? next : entry->seq;
    }
    write_close_array(&result->buf, place, count);
    free(share);
    if (more && count == 0)
        return KITH_TOO_LARGE; /* of a batch that is nearly full */
    if (more)
        entries_uint(result, "next", next);
    return KITH_OK;
}
