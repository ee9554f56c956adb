#include "store/worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"

/* ---- The thread ---- */

static void
tell(const struct worker *worker)
{
    uint64_t one = 1;
    /* It can only fail by being told already, which is as good. */
    ssize_t size = write(worker->fd, &one, sizeof(one));
    assert(size == sizeof(one) || errno == EAGAIN);
}

static void
phase_set(struct worker *worker, enum worker_phase phase)
{
    atomic_store_explicit(&worker->phase, phase, memory_order_release);
    pthread_cond_broadcast(&worker->changed);
}

static void *
thread_main(void *arg)
{
    struct worker *worker = arg;
    (void)pthread_setname_np(pthread_self(), worker->name);
    pthread_mutex_lock(&worker->mutex);
    while (worker_phase(worker) != WORKER_STOPPING) {
        if (worker_phase(worker) != WORKER_BUSY) {
            pthread_cond_wait(&worker->changed, &worker->mutex);
            continue;
        }
        pthread_mutex_unlock(&worker->mutex);
        worker->job(worker->context);
        pthread_mutex_lock(&worker->mutex);
        phase_set(worker, WORKER_DONE);
        tell(worker);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

/* ---- The owner's side ---- */

/* Signals are the loop's business: the thread inherits a mask that blocks them all. */
static int
thread_start(struct worker *worker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&worker->thread, NULL, thread_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

enum kith_err
worker_open(struct worker *worker, const char *name, void (*job)(void *context), void *context,
            struct fault *fault)
{
    *worker = (struct worker){.job = job, .context = context, .name = name};
    worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->fd < 0) {
        fault_set(fault, "cannot make an eventfd: %s: raise LimitNOFILE", strerror(errno));
        return KITH_UNAVAILABLE;
    }
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->changed, NULL);
    int rc = thread_start(worker);
    if (rc != 0) {
        fault_set(fault, "cannot start the %s thread: %s: raise TasksMax, or free some memory",
                  name, strerror(rc));
        close(worker->fd);
        return KITH_UNAVAILABLE;
    }
    worker->running = true;
    return KITH_OK;
}

static void
phase_change(struct worker *worker, enum worker_phase from, enum worker_phase to)
{
    pthread_mutex_lock(&worker->mutex);
    assert(worker_phase(worker) == from);
    phase_set(worker, to);
    pthread_mutex_unlock(&worker->mutex);
}

void
worker_close(struct worker *worker)
{
    if (!worker->running)
        return;
    phase_change(worker, worker_wait(worker), WORKER_STOPPING);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    close(worker->fd);
    *worker = (struct worker){0};
}

void
worker_start(struct worker *worker)
{
    phase_change(worker, WORKER_IDLE, WORKER_BUSY);
}

void
worker_take(struct worker *worker)
{
    uint64_t count;
    phase_change(worker, WORKER_DONE, WORKER_IDLE);
    ssize_t size = read(worker->fd, &count, sizeof(count));
    assert(size == sizeof(count) || errno == EAGAIN);
}

enum worker_phase
worker_wait(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    while (worker_phase(worker) == WORKER_BUSY)
        pthread_cond_wait(&worker->changed, &worker->mutex);
    enum worker_phase phase = worker_phase(worker);
    pthread_mutex_unlock(&worker->mutex);
    return phase;
}
