/* store/worker.h: a thread that does one kind of job, one at a time, and tells when it is done.
 *
 * The phase says whom the things that the job works on belong to: the thread while BUSY, the owner
 * otherwise. A transaction of LMDB that begins within a job ends within it, as LMDB demands.
 *
 * Layer:    store (internal).
 * Thread:   one owner calls all of these; the job runs in the thread.
 * Blocking: worker_wait() and worker_close() wait for the job.
 */
#ifndef KITH_STORE_WORKER_H
#define KITH_STORE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/fault.h"
#include "base/types.h"
#include "proto/error.h"

enum worker_phase {
    WORKER_IDLE,
    WORKER_BUSY,
    WORKER_DONE, /* until worker_take() */
    WORKER_STOPPING
};

/* Open, as a part of what owns it. */
struct worker {
    void (*job)(void *context);
    void *context;
    const char *name; /* borrowed until closed */
    int fd;           /* readable when a job is done */
    bool running;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    _Atomic int phase; /* enum worker_phase; changed under the mutex */
};

/* Start the thread, named @name (15 letters at most) in top and perf. KITH_UNAVAILABLE with @fault
 * if the system refuses. */
enum kith_err worker_open(struct worker *worker, const char *name, void (*job)(void *context),
                          void *context, struct fault *fault);
void worker_close(struct worker *worker); /* a zeroed struct is allowed */

static inline enum worker_phase
worker_phase(struct worker *worker)
{
    return (enum worker_phase)atomic_load_explicit(&worker->phase, memory_order_acquire);
}

/* IDLE to BUSY: do the job once. */
void worker_start(struct worker *worker);
/* DONE to IDLE: what the job left has been seen. */
void worker_take(struct worker *worker);
/* Wait while it is BUSY; return the phase then, IDLE or DONE. */
enum worker_phase worker_wait(struct worker *worker);

#endif
