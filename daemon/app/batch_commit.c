#include <inttypes.h>

#include "app/batch_inner.h"
#include "app/diagnostics.h"
#include "app/replay.h"
#include "base/assert.h"

/* The store failed, as opposed to what was asked of it. */
struct outcome {
    enum kith_err err;
    bool unknown; /* nobody knows what is durable */
};

static struct outcome
commit(struct batch *batch, struct fault *fault)
{
    struct daemon *daemon = batch->daemon;
    struct outcome outcome = {core_error(daemon->core), false};
    if (outcome.err != KITH_OK) {
        fault_set(fault, "%s", kith_err_text(outcome.err));
        store_abort(daemon->store);
    } else {
        outcome.err = store_end(daemon->store, fault);
        outcome.unknown = outcome.err == KITH_INTERNAL;
    }
    core_end(daemon->core, outcome.err == KITH_OK);
    return outcome;
}

static struct outcome
run_again(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    batch_execute_again(batch, refuse);
    return commit(batch, fault);
}

/* The views do not fit the log, or cannot be read: drop them, and make them anew. */
static enum kith_err
heal(struct batch *batch, struct fault *fault)
{
    struct daemon *daemon = batch->daemon;
    diag(DIAG_ERROR, "the views are damaged: they are made anew from the log");
    enum kith_err err = store_reset_views(daemon->store, fault);
    if (err == KITH_OK)
        err = replay_run(daemon->store, daemon->core, fault);
    if (err == KITH_OK)
        diag(DIAG_NOTICE, "the views are whole again");
    return err;
}

static void
tell_trouble(struct batch *batch, const struct fault *fault)
{
    batch->trouble_count++;
    if (batch->reading.mono_ms - batch->trouble_ms < BATCH_TROUBLE_EVERY_MS)
        return;
    batch->trouble_ms = batch->reading.mono_ms;
    diag(DIAG_ERROR, "%" PRIu64 " commits failed and were undone; the last one: %s",
         batch->trouble_count, fault->text);
    batch->trouble_count = 0;
}

/* After a batch that was not committed: get every message answered all the same. False if the
 * process must exit. */
static bool
recover(struct batch *batch, struct outcome outcome, enum kith_err refuse, struct fault *fault)
{
    assert(outcome.err != KITH_OK);
    if (outcome.err == KITH_INTERNAL && !outcome.unknown) {
        enum kith_err err = heal(batch, fault);
        if (err == KITH_UNAVAILABLE) { /* The log is sound; the next turn tries again. */
            tell_trouble(batch, fault);
            batch_refuse_all(batch, err);
            return true;
        }
        outcome = err == KITH_OK ? run_again(batch, refuse, fault) : (struct outcome){err, true};
    }
    if (outcome.err == KITH_UNAVAILABLE) {
        tell_trouble(batch, fault);
        daemon_look_at_disk(batch->daemon);
        outcome = run_again(batch, KITH_UNAVAILABLE, fault);
    }
    if (outcome.unknown) {
        diag(DIAG_ERROR, "%s; the daemon stops here, its next start finds out what is durable",
             fault->text);
        return false;
    }
    if (outcome.err != KITH_OK) {
        tell_trouble(batch, fault);
        batch_refuse_all(batch, outcome.err);
    }
    return true;
}

/* ---- The flight: a batch that is committed while the next one is executed ---- */

/* How large the open work is: messages, or, where one holds many commands, what they did. */
static int64_t
open_count(const struct batch *batch)
{
    unsigned events = core_batch_events(batch->daemon->core);
    return batch->open->count > events ? batch->open->count : events;
}

/* Do its messages hold many commands each? */
static bool
is_of_batches(const struct batch *batch)
{
    return core_batch_events(batch->daemon->core) >= BATCH_FLIGHT_MANY * batch->open->count;
}

bool
batch_flight_is_due(const struct batch *batch)
{
    int64_t full = is_of_batches(batch) ? BATCH_FLIGHT_FULL_OF_BATCHES : BATCH_FLIGHT_FULL;
    return !batch->flight && open_count(batch) >= full * batch->daemon->config.commit_aside;
}

bool
batch_take_off(struct batch *batch)
{
    struct daemon *daemon = batch->daemon;
    struct fault fault;
    int64_t least = daemon->config.commit_aside;
    assert(!batch->flight);
    if (least == 0 || open_count(batch) < least || batch->drain ||
        core_error(daemon->core) != KITH_OK || !store_may_seal(daemon->store) ||
        views_is_due(store_views(daemon->store), batch->reading.mono_ms))
        return false;
    /* With no error in the batch there is none here. */
    enum kith_err err = store_seal(daemon->store, &fault);
    assert(err == KITH_OK);
    core_seal(daemon->core);
    batch->flight = batch->open;
    batch->open = &batch->works[batch->flight == &batch->works[0]];
    return true;
}

/* The flight failed, and took with it what was executed since: run both again. False if the
 * process must exit. */
static bool
fly_again(struct batch *batch, struct work *work, struct outcome outcome, enum kith_err refuse,
          struct fault *fault)
{
    struct work *open = batch->open;
    core_end(batch->daemon->core, false);
    batch->open = work;
    bool goes_on = recover(batch, outcome, refuse, fault);
    batch->open = open;
    if (!goes_on)
        return false;
    batch_tell(batch, work);
    batch_execute_again(batch, gate_refusal(&batch->daemon->gate));
    return true;
}

/* Wait for the flight, and tell what it did. False if the process must exit. */
static bool
land(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    struct work *work = batch->flight;
    struct outcome outcome = {store_settle(batch->daemon->store, fault), false};
    outcome.unknown = outcome.err == KITH_INTERNAL;
    core_settle(batch->daemon->core, outcome.err == KITH_OK);
    batch->flight = NULL;
    if (outcome.err != KITH_OK)
        return fly_again(batch, work, outcome, refuse, fault);
    batch_tell(batch, work);
    batch_answer_early(batch);
    return true;
}

bool
batch_land_if_written(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    bool landed = batch->flight && store_is_written(batch->daemon->store);
    return !landed || land(batch, refuse, fault);
}

bool
batch_finish(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    if (batch->flight && !land(batch, refuse, fault))
        return false;
    if (batch_take_off(batch))
        return true;
    struct outcome outcome = commit(batch, fault);
    if (outcome.err != KITH_OK && !recover(batch, outcome, refuse, fault))
        return false;
    batch_tell(batch, batch->open);
    return true;
}
