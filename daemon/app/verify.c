#include "app/verify.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/clock.h"
#include "app/diagnostics.h"
#include "app/verify_deep.h"
#include "app/verify_tell.h"
#include "base/assert.h"
#include "core/core.h"
#include "core/event.h"
#include "store/store.h"
#include "store/verify.h"

#define NAP_MS_MAX 1000 /* so long it rests at most before it looks at the clock again */

/* What goes on between us and the children. */
struct run {
    const struct verify_request *request;
    struct verify_state *state; /* shared memory: it outlives a child that is killed */
    bool is_online;
    msec_t began_ms;
    struct teller teller;
};

static void
on_finding(void *context, const struct verify_finding *finding)
{
    struct run *run = context;
    tell_finding(&run->teller, finding);
}

/* Rest for as long as it is ahead of the rate. */
static void
keep_pace(const struct run *run)
{
    int64_t rate = run->request->rate;
    if (rate == 0)
        return;
    for (;;) {
        double due_ms = (double)run->state->bytes * 1000 / (double)rate;
        double ahead_ms = due_ms - (double)(clock_read().mono_ms - run->began_ms);
        if (ahead_ms < 1)
            return;
        poll(NULL, 0, ahead_ms < NAP_MS_MAX ? (int)ahead_ms : NAP_MS_MAX);
    }
}

static void
on_progress(void *context)
{
    struct run *run = context;
    tell_progress(&run->teller, run->state, clock_read().mono_ms);
    keep_pace(run);
}

static bool
decodes(void *context, const struct log_record *record)
{
    struct event event;
    (void)context;
    return event_decode(record->body, &event);
}

static struct verify
verify_of(struct run *run)
{
    const struct config *config = run->request->config;
    return (struct verify){
        .dir = config->data,
        .map_size = (uint64_t)config->map_size,
        .rows_version = CORE_ROWS_VERSION,
        .is_online = run->is_online,
        .state = run->state,
        .found = on_finding,
        .progress = on_progress,
        .decodes = decodes,
        .context = run,
    };
}

static void
look_at_log(struct run *run)
{
    struct verify verify = verify_of(run);
    verify_log(&verify);
}

static void
look_at_views(struct run *run)
{
    struct verify verify = verify_of(run);
    verify_views(&verify);
}

static void
look_deep(struct run *run)
{
    struct verify verify = verify_of(run);
    struct fault fault = {""};
    if (verify_deep(&verify, run->request->config, &fault) == KITH_OK)
        return;
    run->state->findings++;
    on_finding(run, &(struct verify_finding){.text = fault.text});
}

/* What a damaged page ends a process with. */
static const int damage_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

/* A sanitizer or a service manager may have its own ideas of these; here they only end the child.
 */
static void
plain_signals(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(damage_signals); i++)
        signal(damage_signals[i], SIG_DFL);
}

/* Not somebody who kills it, or the kernel for want of memory. */
static bool
is_damage(int status)
{
    bool is = WIFEXITED(status);
    for (size_t i = 0; WIFSIGNALED(status) && i < ARRAY_COUNT(damage_signals); i++)
        is = is || WTERMSIG(status) == damage_signals[i];
    return is;
}

/* A child that goes on alone would keep its snapshot, and the pages with it. */
static void
end_with_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
}

static void
tell_crash(struct run *run, const char *what, const char *cause)
{
    char text[FAULT_SIZE_MAX];
    seq_t at = strcmp(what, "log") == 0 ? run->state->at + 1 : 0;
    snprintf(text, sizeof(text), "%s: a page is damaged: reading it ends in a crash (%s)", what,
             cause);
    run->state->findings++;
    on_finding(run, &(struct verify_finding){at, at, text});
}

/* Run @look in a child. That it does not come to its end is a finding, or a fault of the system's.
 */
static void
in_child(struct run *run, const char *what, void (*look)(struct run *run))
{
    int status = 0;
    pid_t self = getpid();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        end_with_parent(self);
        plain_signals();
        look(run);
        fflush(stdout);
        _exit(EXIT_SUCCESS);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        fault_set(&run->state->fault, "%s: cannot look: %s", what, strerror(errno));
    else if (status == 0)
        return;
    else if (is_damage(status))
        tell_crash(run, what, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "?");
    else
        fault_set(&run->state->fault, "%s: who looked at it was killed (%s)", what,
                  strsignal(WTERMSIG(status)));
}

/* The views first, so that the log that is looked at has seen all that they have. */
static void
look_at_all(struct run *run)
{
    struct verify_state *state = run->state;
    in_child(run, "views", look_at_views);
    unsigned of_views = state->findings;
    in_child(run, "log", look_at_log);
    if (state->is_foreign)
        diag(DIAG_WARNING,
             "another version of kithd wrote the views: the start of this one makes them "
             "anew");
    if (!run->request->deep || state->is_foreign)
        return;
    const char *obstacle = NULL;
    if (state->findings > of_views)
        obstacle = "the log is damaged";
    else if (!state->has_views)
        obstacle = "there are no views";
    else if (state->is_part)
        obstacle = "a checkpoint of the views ended half way, which the next start takes back";
    if (obstacle)
        diag(DIAG_WARNING, "nothing to compare: %s", obstacle);
    else if (state->findings == 0)
        in_child(run, "views made anew", look_deep);
}

static enum verify_exit
look(struct run *run)
{
    run->state =
        mmap(NULL, sizeof(*run->state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->state == MAP_FAILED) {
        diag(DIAG_ERROR, "memory is short");
        return VERIFY_IMPOSSIBLE;
    }
    struct verify_state *state = run->state;
    look_at_all(run);
    enum verify_exit status = state->findings == 0 ? VERIFY_SOUND : VERIFY_DAMAGED;
    if (state->fault.text[0])
        diag(DIAG_ERROR, "%s", state->fault.text);
    if (state->fault.text[0] && status == VERIFY_SOUND)
        status = VERIFY_IMPOSSIBLE;
    else
        tell_end(&run->teller, state);
    munmap(state, sizeof(*state));
    return status;
}

static bool
is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Take the lock, or find out that a daemon has it. False where it cannot be known. */
static bool
take_lock(struct run *run, int *lock, long *owner)
{
    struct fault fault = {""};
    if (store_lock(run->request->config->data, lock, &fault) == KITH_OK)
        return true;
    if (*lock < 0) {
        diag(DIAG_ERROR, "%s", fault.text);
        return false;
    }
    run->is_online = true;
    *owner = store_lock_owner(*lock);
    close(*lock);
    *lock = -1;
    return true;
}

enum verify_exit
verify_run(const struct verify_request *request)
{
    const char *dir = request->config->data;
    struct run run = {
        .request = request, .is_online = request->online, .began_ms = clock_read().mono_ms};
    int lock = -1;
    long owner = 0;
    teller_init(&run.teller, request->json, run.began_ms);
    if (!is_directory(dir)) {
        diag(DIAG_ERROR, "%s: there is no such data directory", dir);
        return VERIFY_IMPOSSIBLE;
    }
    if (!run.is_online && !take_lock(&run, &lock, &owner))
        return VERIFY_IMPOSSIBLE;
    if (run.is_online && request->deep) {
        diag(DIAG_ERROR, "%s: --deep is for a stopped daemon; without it, a running one will do",
             dir);
        return VERIFY_IMPOSSIBLE;
    }
    if (run.is_online)
        tell_online(&run.teller, owner);
    enum verify_exit status = look(&run);
    if (lock >= 0)
        close(lock);
    return status;
}
