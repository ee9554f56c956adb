/* A worker of a shared subscription: fetch, hand to the caller one by one, acknowledge.
 *
 * What was dealt with is acknowledged when the page ends, or after a while; until the daemon has
 * said so it is kept here and sent again, and nothing new is fetched. An acknowledgement counts
 * however late it comes, so at most what was under way at a crash is done twice. */
#include <poll.h>
#include <stdlib.h>

#include "base/assert.h"
#include "clock.h"
#include "handle.h"
#include "proto/limits.h"
#include "value.h"

#define LIMIT_DEFAULT   16
#define ACK_MS_DEFAULT  30000
#define IDLE_MS_DEFAULT 10000

/* The pause before asking again a daemon that is busy. */
#define ASK_AGAIN_MS 200

/* Acknowledge at the latest after so long, though the page is not at its end. */
#define ACK_EVERY_MS 1000

/* --- the steps ------------------------------------------------------------------------------ */

static enum kith_status
call(struct kith *kith, const char *op, const struct kith_args *args, int hold_ms,
     struct kith_reply **reply)
{
    char id[KITH_ID_SIZE];
    kith_make_id(id);
    const struct request request = {op, args, id, kith->auth, false};
    const struct patience patience = {
        kith->timeout_ms < 0 ? -1 : kith->timeout_ms + hold_ms,
        kith->resend_ms + hold_ms,
    };
    return handle_call(kith, &request, &patience, reply);
}

enum kith_status
kith_work_fetch(struct kith *kith, const struct kith_work_options *options, int wait_ms,
                struct kith_reply **reply)
{
    assert(kith && options && options->name && options->worker && reply);
    *reply = NULL;
    struct kith_args *args = kith_args_create();
    if (!args)
        return KITH_STATUS_NO_MEMORY;
    kith_put_str(args, "name", options->name);
    kith_put_str(args, "worker", options->worker);
    kith_put_int(args, "limit", options->limit > 0 ? options->limit : LIMIT_DEFAULT);
    kith_put_int(args, "ack_ms", options->ack_ms > 0 ? options->ack_ms : ACK_MS_DEFAULT);
    if (options->after > 0)
        kith_put_int(args, "after", (int64_t)options->after);
    if (options->type_count > 0)
        kith_put_strs(args, "types", options->types, options->type_count);
    if (wait_ms > 0)
        kith_put_int(args, "wait_ms", wait_ms);
    enum kith_status status = call(kith, "subscription.fetch", args, wait_ms, reply);
    kith_args_destroy(args);
    return status;
}

/* A call about some events of a subscription. */
static enum kith_status
call_on(struct kith *kith, const char *op, const char *name, const uint64_t *seqs, size_t count,
        int64_t delay_ms, struct kith_reply **reply)
{
    assert(kith && name && reply);
    *reply = NULL;
    struct kith_args *args = kith_args_create();
    if (!args)
        return KITH_STATUS_NO_MEMORY;
    kith_put_str(args, "name", name);
    kith_put_uints(args, "seqs", seqs, count);
    if (delay_ms > 0)
        kith_put_int(args, "delay_ms", delay_ms);
    enum kith_status status = call(kith, op, args, 0, reply);
    kith_args_destroy(args);
    return status;
}

enum kith_status
kith_work_ack(struct kith *kith, const char *name, const uint64_t *seqs, size_t count,
              struct kith_reply **reply)
{
    return call_on(kith, "subscription.ack", name, seqs, count, 0, reply);
}

enum kith_status
kith_work_nack(struct kith *kith, const char *name, const uint64_t *seqs, size_t count,
               int64_t delay_ms, struct kith_reply **reply)
{
    return call_on(kith, "subscription.nack", name, seqs, count, delay_ms, reply);
}

enum kith_status
kith_work_replay(struct kith *kith, const char *name, const uint64_t *seqs, size_t count,
                 struct kith_reply **reply)
{
    return call_on(kith, "subscription.replay", name, seqs, count, 0, reply);
}

enum kith_status
kith_work_parked(struct kith *kith, const char *name, uint64_t after, struct kith_reply **reply)
{
    assert(kith && name && reply);
    *reply = NULL;
    struct kith_args *args = kith_args_create();
    if (!args)
        return KITH_STATUS_NO_MEMORY;
    kith_put_str(args, "name", name);
    kith_put_int(args, "after", (int64_t)after);
    enum kith_status status = call(kith, "subscription.parked", args, 0, reply);
    kith_args_destroy(args);
    return status;
}

/* --- the worker ----------------------------------------------------------------------------- */

struct seqs {
    size_t count;
    uint64_t at[KITH_OPEN_COUNT_MAX];
};

struct worker {
    struct kith *kith;
    const struct kith_work_options *options;
    kith_on_work *on_work;
    void *context;

    enum kith_status status; /* sticky; not OK: over, but for what is to be told */
    bool is_finished;        /* over, with status OK */
    struct seqs done, back;  /* to be acknowledged, and to be given back */
    msec_t done_ms;          /* when the first of done[] came in */
};

static bool
is_over(const struct worker *worker)
{
    return worker->status != KITH_STATUS_OK || worker->is_finished;
}

/* What came of a call: true if it was done. What trying again may mend is not the end. */
static bool
weigh(struct worker *worker, enum kith_status status, const struct kith_reply *reply)
{
    const char *retry = kith_get_str(kith_reply_error(reply), "retry");
    bool is_passing = status == KITH_STATUS_REFUSED && retry && strcmp(retry, "same_id") == 0;
    if (is_passing)
        poll(NULL, 0, ASK_AGAIN_MS);
    else if (status != KITH_STATUS_OK && status != KITH_STATUS_TIMEOUT && !is_over(worker))
        worker->status = status;
    return status == KITH_STATUS_OK;
}

/* Acknowledge and give back. What cannot be told now is told later; once it is over, this is tried
 * once, and what then remains comes again by itself. */
static void
settle(struct worker *worker)
{
    const char *name = worker->options->name;
    struct kith_reply *reply;
    enum kith_status status;
    if (worker->done.count > 0) {
        status = kith_work_ack(worker->kith, name, worker->done.at, worker->done.count, &reply);
        if (weigh(worker, status, reply))
            worker->done.count = 0;
        kith_reply_destroy(reply);
    }
    if (worker->back.count > 0) {
        status = kith_work_nack(worker->kith, name, worker->back.at, worker->back.count,
                                worker->options->retry_ms, &reply);
        if (weigh(worker, status, reply))
            worker->back.count = 0;
        kith_reply_destroy(reply);
    }
}

static void
note(struct worker *worker, struct seqs *seqs, uint64_t seq)
{
    assert(seqs->count < KITH_OPEN_COUNT_MAX);
    if (worker->done.count == 0)
        worker->done_ms = clock_now();
    seqs->at[seqs->count++] = seq;
    if (clock_now() - worker->done_ms >= ACK_EVERY_MS && worker->done.count > 0)
        settle(worker);
}

static enum kith_verdict
ask(struct worker *worker, uint64_t seq, unsigned tries, const struct kith_value *event)
{
    enum kith_verdict verdict = worker->on_work(worker->context, seq, tries, event);
    if (verdict == KITH_VERDICT_STOP)
        worker->status = KITH_STATUS_STOPPED;
    return verdict;
}

static void
work_on(struct worker *worker, const struct kith_value *items)
{
    int64_t ack_ms = worker->options->ack_ms > 0 ? worker->options->ack_ms : ACK_MS_DEFAULT;
    msec_t last_ms = clock_now() + ack_ms / 4 * 3;
    if (kith_value_count(items) > KITH_OPEN_COUNT_MAX) {
        worker->status = KITH_STATUS_BAD_REPLY;
        return;
    }
    for (size_t i = 0; i < kith_value_count(items); i++) {
        const struct kith_value *item = kith_value_at(items, i);
        uint64_t seq = kith_value_uint(kith_get(item, "seq"));
        enum kith_verdict verdict = KITH_VERDICT_RETRY;
        if (!is_over(worker) && (i == 0 || clock_now() < last_ms))
            verdict =
                ask(worker, seq, (unsigned)kith_get_int(item, "tries"), kith_get(item, "event"));
        note(worker, verdict == KITH_VERDICT_DONE ? &worker->done : &worker->back, seq);
    }
}

static void
fetch(struct worker *worker)
{
    const struct kith_work_options *options = worker->options;
    int wait_ms = options->idle_ms > 0 ? options->idle_ms : IDLE_MS_DEFAULT;
    if (wait_ms > KITH_WAIT_MS_MAX)
        wait_ms = KITH_WAIT_MS_MAX;
    struct kith_reply *reply;
    enum kith_status status =
        kith_work_fetch(worker->kith, options, options->until_idle ? 0 : wait_ms, &reply);
    if (weigh(worker, status, reply)) {
        const struct kith_value *result = kith_reply_result(reply);
        const struct kith_value *items = kith_get(result, "items");
        bool is_end = kith_value_uint(kith_get(result, "next")) >=
                      kith_value_uint(kith_get(result, "last_seq"));
        if (kith_value_kind(items) != KITH_KIND_ARRAY)
            worker->status = result ? KITH_STATUS_BAD_REPLY : KITH_STATUS_NO_MEMORY;
        else if (kith_value_count(items) > 0)
            work_on(worker, items);
        else if (options->until_idle)
            worker->is_finished = is_end;
        else
            ask(worker, 0, 0, NULL);
    }
    kith_reply_destroy(reply);
}

enum kith_status
kith_work(struct kith *kith, const struct kith_work_options *options, kith_on_work *on_work,
          void *context)
{
    assert(kith && options && on_work);
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return KITH_STATUS_NO_MEMORY;
    worker->kith = kith;
    worker->options = options;
    worker->on_work = on_work;
    worker->context = context;
    while (!is_over(worker)) {
        if (worker->done.count + worker->back.count == 0)
            fetch(worker);
        settle(worker);
    }
    enum kith_status status = worker->status;
    free(worker);
    return status;
}
