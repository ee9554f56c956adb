#include "store/checkpoint.h"

#include <sched.h>

#include "base/assert.h"
#include "base/monotonic.h"
#include "store/throttle.h"

/* In the thread, as the job that follows. It works for long, and mostly nobody waits for it. So,
 * awake again behind a pause or a page, it does not push aside who is about to answer; its share of
 * the processor stays what it was. Where this is not allowed, it does. */
static void
step_back(void)
{
    const struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
}

static void
job(void *context)
{
    struct checkpoint *checkpoint = context;
    step_back();
    if (checkpoint->is_cleaning) {
        overlay_clear(checkpoint->overlay);
        return;
    }
    msec_t began_ms = monotonic_ms();
    checkpoint->fault.text[0] = 0;
    checkpoint->err = checkpoint_write(checkpoint);
    checkpoint->took_ms = monotonic_ms() - began_ms;
}

enum kith_err
checkpoint_open(struct checkpoint *checkpoint, struct env *env,
                const struct checkpoint_tables *tables, size_t part_size, struct fault *fault)
{
    *checkpoint = (struct checkpoint){.env = env, .tables = tables, .part_size = part_size};
    return worker_open(&checkpoint->worker, "checkpoint", job, checkpoint, fault);
}

void
checkpoint_close(struct checkpoint *checkpoint)
{
    checkpoint_hurry(checkpoint, true);
    worker_close(&checkpoint->worker);
    sort_fini(&checkpoint->sort);
    *checkpoint = (struct checkpoint){0};
}

/* Nobody waits for the end of cleaning: whoever comes by notes it. */
static enum checkpoint_phase
phase_of(struct checkpoint *checkpoint, enum worker_phase phase)
{
    if (phase == WORKER_BUSY)
        return checkpoint->is_cleaning ? CHECKPOINT_CLEANING : CHECKPOINT_WRITING;
    if (phase == WORKER_IDLE)
        return CHECKPOINT_IDLE;
    assert(phase == WORKER_DONE);
    if (!checkpoint->is_cleaning)
        return CHECKPOINT_WRITTEN;
    worker_take(&checkpoint->worker);
    return CHECKPOINT_IDLE;
}

enum checkpoint_phase
checkpoint_phase(struct checkpoint *checkpoint)
{
    return phase_of(checkpoint, worker_phase(&checkpoint->worker));
}

void
checkpoint_hurry(struct checkpoint *checkpoint, bool hurry)
{
    atomic_store(&checkpoint->hurry, hurry);
}

enum checkpoint_phase
checkpoint_wait(struct checkpoint *checkpoint)
{
    checkpoint_hurry(checkpoint, true);
    enum worker_phase phase = worker_wait(&checkpoint->worker);
    checkpoint_hurry(checkpoint, false);
    return phase_of(checkpoint, phase);
}

void
checkpoint_start(struct checkpoint *checkpoint, struct overlay *overlay,
                 const struct checkpoint_mark *mark, bool is_pinned)
{
    assert(checkpoint_phase(checkpoint) == CHECKPOINT_IDLE);
    checkpoint->overlay = overlay;
    checkpoint->mark = *mark;
    checkpoint->is_pinned = is_pinned;
    checkpoint->is_cleaning = false;
    atomic_store(&checkpoint->written, 0);
    atomic_store(&checkpoint->synced, 0);
    worker_start(&checkpoint->worker);
}

void
checkpoint_clean(struct checkpoint *checkpoint)
{
    assert(!checkpoint->is_cleaning);
    worker_take(&checkpoint->worker);
    checkpoint->is_cleaning = true;
    worker_start(&checkpoint->worker);
}

void
checkpoint_again(struct checkpoint *checkpoint)
{
    assert(!checkpoint->is_cleaning);
    worker_take(&checkpoint->worker);
}

double
checkpoint_done(const struct checkpoint *checkpoint, double sync_share)
{
    /* What it writes is frozen: nobody changes these, until it is cleaned. */
    assert(!checkpoint->is_cleaning);
    uint64_t all = (uint64_t)checkpoint->overlay->rows + checkpoint->overlay->feeds.count;
    uint64_t written = atomic_load_explicit(&checkpoint->written, memory_order_relaxed);
    double synced = (double)atomic_load(&checkpoint->synced) / TRICKLE_WHOLE;
    return throttle_done(written, all, synced, sync_share);
}
