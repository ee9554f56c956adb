#include "store/checkpoint.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

static msec_t
clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msec_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- The thread ---- */

static void
work_write(struct checkpoint *checkpoint)
{
    msec_t began_ms = clock_ms();
    checkpoint->fault.text[0] = 0;
    checkpoint->err = checkpoint_write(checkpoint);
    checkpoint->took_ms = clock_ms() - began_ms;
}

/* Do what @phase asks for, and return the phase that follows. */
static enum checkpoint_phase
work(struct checkpoint *checkpoint, enum checkpoint_phase phase)
{
    if (phase == CHECKPOINT_WRITING) {
        work_write(checkpoint);
        return CHECKPOINT_WRITTEN;
    }
    assert(phase == CHECKPOINT_CLEANING);
    overlay_clear(checkpoint->overlay);
    return CHECKPOINT_IDLE;
}

static bool
has_work(enum checkpoint_phase phase)
{
    return phase == CHECKPOINT_WRITING || phase == CHECKPOINT_CLEANING;
}

static void
tell(const struct checkpoint *checkpoint)
{
    uint64_t one = 1;
    /* It can only fail by being told already, which is as good. */
    ssize_t size = write(checkpoint->fd, &one, sizeof(one));
    assert(size == sizeof(one) || errno == EAGAIN);
}

static void *
thread_main(void *arg)
{
    struct checkpoint *checkpoint = arg;
    (void)pthread_setname_np(pthread_self(), "checkpoint"); /* for top and perf */
    pthread_mutex_lock(&checkpoint->mutex);
    while (checkpoint->phase != CHECKPOINT_STOPPING) {
        enum checkpoint_phase phase = checkpoint->phase;
        if (!has_work(phase)) {
            pthread_cond_wait(&checkpoint->changed, &checkpoint->mutex);
            continue;
        }
        pthread_mutex_unlock(&checkpoint->mutex);
        phase = work(checkpoint, phase);
        pthread_mutex_lock(&checkpoint->mutex);
        checkpoint->phase = phase;
        pthread_cond_broadcast(&checkpoint->changed);
        if (phase == CHECKPOINT_WRITTEN)
            tell(checkpoint);
    }
    pthread_mutex_unlock(&checkpoint->mutex);
    return NULL;
}

/* ---- The loop's side ---- */

/* Signals are the loop's business: the thread inherits a mask that blocks them all. */
static int
thread_start(struct checkpoint *checkpoint)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&checkpoint->thread, NULL, thread_main, checkpoint);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

enum kith_err
checkpoint_open(struct checkpoint *checkpoint, struct env *env,
                const struct checkpoint_tables *tables, struct fault *fault)
{
    *checkpoint = (struct checkpoint){.env = env, .tables = tables};
    checkpoint->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (checkpoint->fd < 0) {
        fault_set(fault, "cannot make an eventfd: %s", strerror(errno));
        return KITH_UNAVAILABLE;
    }
    pthread_mutex_init(&checkpoint->mutex, NULL);
    pthread_cond_init(&checkpoint->changed, NULL);
    int rc = thread_start(checkpoint);
    if (rc != 0) {
        fault_set(fault, "cannot start the checkpoint thread: %s", strerror(rc));
        close(checkpoint->fd);
        return KITH_UNAVAILABLE;
    }
    checkpoint->running = true;
    return KITH_OK;
}

/* Change the phase, which must be @from, and wake the thread. */
static void
phase_change(struct checkpoint *checkpoint, enum checkpoint_phase from, enum checkpoint_phase to)
{
    pthread_mutex_lock(&checkpoint->mutex);
    assert(checkpoint->phase == from);
    checkpoint->phase = to;
    pthread_cond_broadcast(&checkpoint->changed);
    pthread_mutex_unlock(&checkpoint->mutex);
}

void
checkpoint_close(struct checkpoint *checkpoint)
{
    if (!checkpoint->running)
        return;
    phase_change(checkpoint, checkpoint_wait(checkpoint), CHECKPOINT_STOPPING);
    pthread_join(checkpoint->thread, NULL);
    pthread_cond_destroy(&checkpoint->changed);
    pthread_mutex_destroy(&checkpoint->mutex);
    close(checkpoint->fd);
    *checkpoint = (struct checkpoint){0};
}

enum checkpoint_phase
checkpoint_phase(struct checkpoint *checkpoint)
{
    pthread_mutex_lock(&checkpoint->mutex);
    enum checkpoint_phase phase = checkpoint->phase;
    pthread_mutex_unlock(&checkpoint->mutex);
    return phase;
}

void
checkpoint_start(struct checkpoint *checkpoint, struct overlay *overlay,
                 const struct checkpoint_mark *mark)
{
    assert(checkpoint_phase(checkpoint) == CHECKPOINT_IDLE);
    checkpoint->overlay = overlay;
    checkpoint->mark = *mark;
    phase_change(checkpoint, CHECKPOINT_IDLE, CHECKPOINT_WRITING);
}

static void
drain(const struct checkpoint *checkpoint)
{
    uint64_t count;
    ssize_t size = read(checkpoint->fd, &count, sizeof(count));
    assert(size == sizeof(count) || errno == EAGAIN);
}

void
checkpoint_clean(struct checkpoint *checkpoint)
{
    drain(checkpoint);
    phase_change(checkpoint, CHECKPOINT_WRITTEN, CHECKPOINT_CLEANING);
}

void
checkpoint_again(struct checkpoint *checkpoint)
{
    drain(checkpoint);
    phase_change(checkpoint, CHECKPOINT_WRITTEN, CHECKPOINT_IDLE);
}

enum checkpoint_phase
checkpoint_wait(struct checkpoint *checkpoint)
{
    pthread_mutex_lock(&checkpoint->mutex);
    while (has_work(checkpoint->phase))
        pthread_cond_wait(&checkpoint->changed, &checkpoint->mutex);
    enum checkpoint_phase phase = checkpoint->phase;
    pthread_mutex_unlock(&checkpoint->mutex);
    return phase;
}
