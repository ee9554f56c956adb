#include "app/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "app/batch.h"
#include "app/diagnostics.h"
#include "app/notify.h"
#include "base/assert.h"

#define LOOP_MAGIC   0x6b697468u
#define PULSE_MS     1000
#define DRAIN_MS_MAX 1000  /* for peers that do not read their last replies */
#define STOP_MS      60000 /* the last checkpoint may take this long */

enum { SIGNAL_TERM, SIGNAL_INT, SIGNAL_HUP, SIGNAL_COUNT };
static const int signal_numbers[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};

struct loop {
    uint32_t magic;
    uv_loop_t uv;
    uv_poll_t commands, commits, checkpoints;
    uv_check_t check;
    uv_idle_t idle; /* active: do not wait, there is more to do */
    uv_timer_t wake;
    uv_signal_t signals[SIGNAL_COUNT];
    struct daemon *daemon;
    struct batch *batch;
    bool due;                               /* a turn is wanted */
    bool reload;                            /* HUP came */
    bool stopping;                          /* TERM or INT came */
    bool polling;                           /* messages are taken */
    msec_t pulse_ms, watchdog_ms, drain_ms; /* monotonic: the next one; the last moment */
    msec_t watchdog_every_ms;               /* 0: there is no watchdog */
};

static struct loop *
loop_of(void *data)
{
    struct loop *loop = data;
    assert(loop->magic == LOOP_MAGIC);
    return loop;
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
    /* A failed poll (status < 0) is a turn that finds nothing; the timer goes on. */
    (void)status;
    (void)events;
    loop_of(poll->data)->due = true;
}

static void
on_idle(uv_idle_t *idle)
{
    loop_of(idle->data)->due = true;
}

/* Timers run before the loop waits for descriptors, and the turn comes behind that: so this wait
 * must be none. */
static void
on_wake(uv_timer_t *timer)
{
    int rc = uv_idle_start(&loop_of(timer->data)->idle, on_idle);
    assert(rc == 0);
}

static void
on_signal(uv_signal_t *handle, int number)
{
    struct loop *loop = loop_of(handle->data);
    loop->due = true;
    if (number == SIGHUP)
        loop->reload = true;
    else if (!loop->stopping) {
        diag(DIAG_NOTICE, "stopping on %s", number == SIGTERM ? "TERM" : "INT");
        notify_stopping();
        notify_extend(STOP_MS);
        loop->stopping = true;
        loop->drain_ms = clock_read().mono_ms + DRAIN_MS_MAX;
    }
}

static void
set_polling(struct loop *loop, bool polling)
{
    if (loop->polling == polling)
        return;
    int rc = polling ? uv_poll_start(&loop->commands, UV_READABLE, on_readable)
                     : uv_poll_stop(&loop->commands);
    assert(rc == 0);
    loop->polling = polling;
}

static void
set_idle(struct loop *loop, bool active)
{
    int rc = active ? uv_idle_start(&loop->idle, on_idle) : uv_idle_stop(&loop->idle);
    assert(rc == 0);
}

static void
set_wake(struct loop *loop, msec_t due_ms)
{
    if (loop->pulse_ms < due_ms)
        due_ms = loop->pulse_ms;
    if (loop->watchdog_every_ms > 0 && loop->watchdog_ms < due_ms)
        due_ms = loop->watchdog_ms;
    msec_t delay_ms = due_ms - clock_read().mono_ms;
    uv_update_time(&loop->uv); /* A commit may have taken long. */
    int rc = uv_timer_start(&loop->wake, on_wake, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0);
    assert(rc == 0);
}

/* What is done now and then, behind a turn that was completed. */
static void
keep_time(struct loop *loop)
{
    msec_t now_ms = clock_read().mono_ms;
    if (loop->watchdog_every_ms > 0 && now_ms >= loop->watchdog_ms) {
        notify_watchdog();
        loop->watchdog_ms = now_ms + loop->watchdog_every_ms;
    }
    daemon_look_at_memory(loop->daemon, now_ms);
    if (now_ms >= loop->pulse_ms) {
        daemon_pulse(loop->daemon);
        loop->pulse_ms = now_ms + PULSE_MS;
    }
}

/* From here on a further TERM waits until the process has ended, for libuv gives the signals back
 * their deadly meaning when it lets go of them. */
static void
hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (unsigned i = 0; i < SIGNAL_COUNT; i++)
        sigaddset(&set, signal_numbers[i]);
    int rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
    assert(rc == 0);
}

static void
close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void
turn(struct loop *loop)
{
    if (loop->reload)
        daemon_reload(loop->daemon);
    loop->reload = false;

    struct batch_next next = batch_turn(loop->batch, loop->stopping);
    if (next.failed)
        _exit(EXIT_FAILURE); /* Not a moment longer: another commit could hide what happened. */
    keep_time(loop);

    bool done = !next.again && (next.kept == 0 || clock_read().mono_ms >= loop->drain_ms);
    if (loop->stopping && done) {
        hold_signals();
        uv_walk(&loop->uv, close_handle, NULL);
        return;
    }
    set_polling(loop, !next.hold && !loop->stopping);
    set_idle(loop, next.again);
    set_wake(loop, next.due_ms);
}

static void
on_check(uv_check_t *check)
{
    struct loop *loop = loop_of(check->data);
    if (!loop->due)
        return;
    loop->due = false;
    turn(loop);
}

/* Each handle's result is looked at once, at the end: a failed one is not used further. */
static int
init_handles(struct loop *loop)
{
    int command_fd = net_command_fd(loop->daemon->net);
    int commit_fd = store_fd(loop->daemon->store);
    int checkpoint_fd = views_fd(store_views(loop->daemon->store));
    int rc = uv_poll_init(&loop->uv, &loop->commands, command_fd);
    if (rc == 0)
        rc = uv_poll_init(&loop->uv, &loop->commits, commit_fd);
    if (rc == 0)
        rc = uv_poll_init(&loop->uv, &loop->checkpoints, checkpoint_fd);
    if (rc == 0)
        rc = uv_check_init(&loop->uv, &loop->check);
    if (rc == 0)
        rc = uv_idle_init(&loop->uv, &loop->idle);
    if (rc == 0)
        rc = uv_timer_init(&loop->uv, &loop->wake);
    for (unsigned i = 0; i < SIGNAL_COUNT && rc == 0; i++)
        rc = uv_signal_init(&loop->uv, &loop->signals[i]);
    return rc;
}

static int
start_handles(struct loop *loop)
{
    loop->commands.data = loop->commits.data = loop->checkpoints.data = loop->check.data = loop;
    loop->idle.data = loop->wake.data = loop;
    int rc = uv_poll_start(&loop->commits, UV_READABLE, on_readable);
    if (rc == 0)
        rc = uv_poll_start(&loop->checkpoints, UV_READABLE, on_readable);
    if (rc == 0)
        rc = uv_check_start(&loop->check, on_check);
    for (unsigned i = 0; i < SIGNAL_COUNT && rc == 0; i++) {
        loop->signals[i].data = loop;
        rc = uv_signal_start(&loop->signals[i], on_signal, signal_numbers[i]);
    }
    return rc;
}

static void
close_all(struct loop *loop)
{
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0); /* No handle is left. */
}

struct loop *
loop_create(struct daemon *daemon)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop) {
        diag(DIAG_ERROR, "kithd does not start: memory is short");
        return NULL;
    }
    loop->magic = LOOP_MAGIC;
    loop->daemon = daemon;
    loop->batch = batch_create(daemon);
    int rc = loop->batch ? uv_loop_init(&loop->uv) : UV_ENOMEM;
    if (rc == 0) {
        rc = init_handles(loop);
        if (rc == 0)
            rc = start_handles(loop);
        if (rc == 0)
            return loop;
        close_all(loop);
    }
    diag(DIAG_ERROR, "kithd does not start: the event loop: %s", uv_strerror(rc));
    loop_destroy(loop);
    return NULL;
}

void
loop_run(struct loop *loop)
{
    loop->pulse_ms = loop->watchdog_ms = clock_read().mono_ms;
    loop->watchdog_every_ms = notify_watchdog_interval();
    set_polling(loop, true);
    set_wake(loop, loop->pulse_ms);
    /* Returns once turn() has closed the handles. */
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    assert(loop->stopping);
    close_all(loop);
}

void
loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    batch_destroy(loop->batch);
    loop->magic = 0;
    free(loop);
}
