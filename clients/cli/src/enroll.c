#include "enroll.h"

#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "flow.h"
#include "proto/limits.h"

#define PAUSE_MS 100 /* before a batch is sent again */

struct enrolling {
    struct enroll *enroll;
    struct kith *kith;
    struct progress *progress;
    struct tally *tally;
    const volatile sig_atomic_t *interrupted;
    struct kith_batch *batch;
    struct kith_args *args;
    struct kith_reply **replies; /* KITH_BATCH_COUNT_MAX */
};

static void
make_key(const struct enroll *enroll, const char *name, char id[IMPORT_KEY_SIZE])
{
    struct import_key key = import_key_begin(enroll->salt, "register");
    key = import_key_add(key, enroll->tier ? enroll->tier : "");
    import_key_put(import_key_add(key, name), id);
}

/* Fill the batch from member @at on; how many it took. */
static uint64_t
fill(struct enrolling *run, uint64_t at)
{
    const struct enroll *enroll = run->enroll;
    uint64_t count = 0;
    kith_batch_clear(run->batch);
    while (count < enroll->batch_count_max && at + count < enroll->count) {
        char id[IMPORT_KEY_SIZE];
        const char *name = enroll->name(enroll->context, at + count);
        make_key(enroll, name, id);
        kith_args_clear(run->args);
        kith_put_str(run->args, "member", name);
        if (enroll->tier)
            kith_put_str(run->args, "tier", enroll->tier);
        if (kith_batch_add(run->batch, "member.register", run->args, id) != KITH_STATUS_OK)
            break; /* it is full: the next one begins here */
        count++;
    }
    return count;
}

static void
count_reply(struct enrolling *run, uint64_t number, const struct kith_reply *reply)
{
    struct enroll *enroll = run->enroll;
    if (!kith_reply_ok(reply))
        tally_add(run->tally, reply, enroll->name(enroll->context, number));
    else if (kith_reply_dup(reply) || kith_get_bool(kith_reply_result(reply), "existing"))
        enroll->existing++;
    else
        enroll->registered++;
}

/* The same batch again where some of it may yet be taken: what was done is not done twice. */
static bool
is_passing(struct enrolling *run, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (!kith_reply_ok(run->replies[i]) && flow_is_passing(run->replies[i]))
            return true;
    return false;
}

static void
destroy_replies(struct enrolling *run, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        kith_reply_destroy(run->replies[i]);
        run->replies[i] = NULL;
    }
}

/* Send the batch until it is answered for good. With _OK the replies are there. */
static enum kith_status
send(struct enrolling *run, uint64_t at, uint64_t count)
{
    for (;;) {
        enum kith_status status = kith_batch_call(run->kith, run->batch, run->replies);
        uint64_t replies = status == KITH_STATUS_OK ? count : status == KITH_STATUS_REFUSED ? 1 : 0;
        bool again = status == KITH_STATUS_TIMEOUT || is_passing(run, replies);
        if (status == KITH_STATUS_OK && !again)
            return status;
        if (status == KITH_STATUS_REFUSED && !again)
            tally_add(run->tally, run->replies[0], "member.register");
        destroy_replies(run, replies);
        if (!again)
            return status;
        if (*run->interrupted)
            return KITH_STATUS_STOPPED;
        progress_tell(run->progress, at);
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
}

static enum kith_status
enroll_all(struct enrolling *run)
{
    for (uint64_t at = 0; at < run->enroll->count;) {
        if (*run->interrupted)
            return KITH_STATUS_STOPPED;
        uint64_t count = fill(run, at);
        if (count == 0)
            return KITH_STATUS_NO_MEMORY;
        assert(count <= KITH_BATCH_COUNT_MAX);
        enum kith_status status = send(run, at, count);
        if (status != KITH_STATUS_OK)
            return status;
        for (uint64_t i = 0; i < count; i++)
            count_reply(run, at + i, run->replies[i]);
        destroy_replies(run, count);
        at += count;
        progress_tell(run->progress, at);
    }
    return KITH_STATUS_OK;
}

enum kith_status
enroll_run(struct enroll *enroll, struct kith *kith, struct progress *progress, struct tally *tally,
           const volatile sig_atomic_t *interrupted)
{
    assert(enroll->batch_count_max >= 1 && enroll->batch_count_max <= KITH_BATCH_COUNT_MAX);
    struct enrolling run = {
        .enroll = enroll,
        .kith = kith,
        .progress = progress,
        .tally = tally,
        .interrupted = interrupted,
        .batch = kith_batch_create(),
        .args = kith_args_create(),
        .replies = calloc(KITH_BATCH_COUNT_MAX, sizeof(struct kith_reply *)),
    };
    enum kith_status status = KITH_STATUS_NO_MEMORY;
    if (run.batch && run.args && run.replies)
        status = enroll_all(&run);
    free(run.replies);
    kith_args_destroy(run.args);
    kith_batch_destroy(run.batch);
    return status;
}
