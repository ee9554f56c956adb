#include "flow.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "cli.h"

#define WAIT_MS      100 /* so that the bar moves and an interrupt is seen */
#define PAUSE_MS_MIN 20
#define PAUSE_MS_MAX 1000

struct flow {
    struct kith *kith;
    const struct flow_work *work;
    struct flow_message message;
    unsigned window;
    uint64_t *again; /* tags to send once more: at most the window's many */
    size_t again_count;
    uint64_t again_at_ns; /* not before */
    uint64_t pause_ms;    /* 0: nothing was refused lately */
    bool drained;         /* work has no further one */
};

bool
flow_is_passing(const struct kith_reply *reply)
{
    const char *retry = kith_get_str(kith_reply_error(reply), "retry");
    return retry && strcmp(retry, "same_id") == 0;
}

static enum kith_status
send(struct flow *flow, uint64_t tag)
{
    kith_args_clear(flow->message.args);
    flow->work->compose(flow->work->context, tag, &flow->message);
    return kith_send(flow->kith, flow->message.op, flow->message.args, flow->message.id, tag);
}

/* Each refusal in a row makes the pause longer. */
static void
put_again(struct flow *flow, uint64_t tag)
{
    assert(flow->again_count < flow->window);
    if (flow->again_count == 0) {
        flow->pause_ms = flow->pause_ms ? flow->pause_ms * 2 : PAUSE_MS_MIN;
        if (flow->pause_ms > PAUSE_MS_MAX)
            flow->pause_ms = PAUSE_MS_MAX;
        flow->again_at_ns = cli_now_ns() + flow->pause_ms * 1000000;
    }
    flow->again[flow->again_count++] = tag;
}

/* Is there one to send now, and which? What is to go again has its room in the window already. */
static bool
pick(struct flow *flow, uint64_t *tag)
{
    unsigned pending = kith_pending(flow->kith);
    assert(pending + flow->again_count <= flow->window);
    if (flow->again_count > 0) {
        if (cli_now_ns() < flow->again_at_ns)
            return false; /* while the daemon is left alone, nothing new goes out either */
        *tag = flow->again[--flow->again_count];
        return true;
    }
    if (flow->drained || pending >= flow->window)
        return false;
    flow->drained = !flow->work->next(flow->work->context, tag);
    return !flow->drained;
}

static enum kith_status
fill(struct flow *flow)
{
    uint64_t tag;
    while (pick(flow, &tag)) {
        enum kith_status status = send(flow, tag);
        if (status != KITH_STATUS_OK)
            return status;
    }
    return KITH_STATUS_OK;
}

static enum kith_status
handle(struct flow *flow, uint64_t tag, struct kith_reply *reply)
{
    uint64_t follow = 0;
    enum flow_verdict verdict = flow->work->answer(flow->work->context, tag, reply, &follow);
    kith_reply_destroy(reply);
    if (verdict == FLOW_AGAIN) {
        put_again(flow, tag);
        return KITH_STATUS_OK;
    }
    if (flow->again_count == 0)
        flow->pause_ms = 0;
    return verdict == FLOW_FOLLOW ? send(flow, follow) : KITH_STATUS_OK;
}

/* Wait for one answer, then take all that are there. */
static enum kith_status
take(struct flow *flow)
{
    int wait_ms = flow->again_count > 0 ? PAUSE_MS_MIN : WAIT_MS;
    if (kith_pending(flow->kith) == 0) {
        /* All that is left waits for its pause to end. */
        nanosleep(&(struct timespec){.tv_nsec = wait_ms * 1000000L}, NULL);
        return KITH_STATUS_OK;
    }
    for (;;) {
        struct kith_reply *reply = NULL;
        uint64_t tag = 0;
        bool expired = false;
        enum kith_status status = kith_next(flow->kith, wait_ms, &reply, &tag, &expired);
        if (status == KITH_STATUS_TIMEOUT && expired)
            put_again(flow, tag);
        else if (status == KITH_STATUS_TIMEOUT)
            return KITH_STATUS_OK;
        else if (status != KITH_STATUS_OK && status != KITH_STATUS_REFUSED)
            return status;
        else
            status = handle(flow, tag, reply);
        if (status != KITH_STATUS_OK && status != KITH_STATUS_TIMEOUT)
            return status;
        wait_ms = 0;
    }
}

static enum kith_status
run(struct flow *flow, const volatile sig_atomic_t *interrupted)
{
    for (;;) {
        if (*interrupted)
            return KITH_STATUS_STOPPED;
        enum kith_status status = fill(flow);
        if (status != KITH_STATUS_OK)
            return status;
        if (flow->drained && flow->again_count == 0 && kith_pending(flow->kith) == 0)
            return KITH_STATUS_OK;
        status = take(flow);
        if (status != KITH_STATUS_OK)
            return status;
        flow->work->tick(flow->work->context);
    }
}

enum kith_status
flow_run(struct kith *kith, const struct flow_work *work, unsigned window,
         const volatile sig_atomic_t *interrupted)
{
    assert(window >= 1 && window <= FLOW_WINDOW_MAX);
    assert(kith_pending(kith) == 0);
    struct flow flow = {.kith = kith, .work = work, .window = window};
    flow.again = calloc(window, sizeof(*flow.again));
    flow.message.args = kith_args_create();
    enum kith_status status = KITH_STATUS_NO_MEMORY;
    if (flow.again && flow.message.args)
        status = run(&flow, interrupted);
    kith_args_destroy(flow.message.args);
    free(flow.again);
    return status;
}
