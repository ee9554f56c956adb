#include "app/verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/clock.h"
#include "app/diagnostics.h"
#include "app/verify_deep.h"
#include "base/assert.h"
#include "core/core.h"
#include "core/event.h"
#include "store/store.h"
#include "store/verify.h"

#define PROGRESS_MS 3000

/* What goes on between us and the children. */
struct run {
    const struct verify_request *request;
    struct verify_state *state; /* shared memory: it outlives a child that is killed */
    msec_t told_ms;
};

/* ---- Telling ---- */

static void
print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        if ((unsigned char)*text >= ' ')
            putchar(*text);
    }
    putchar('"');
}

static void
tell_finding(void *context, const struct verify_finding *finding)
{
    const struct run *run = context;
    if (run->request->json) {
        printf("{\"finding\":");
        print_json_text(finding->text);
        if (finding->first)
            printf(",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64, finding->first,
                   finding->last);
        puts("}");
    } else if (finding->first == 0) {
        printf("DAMAGED  %s\n", finding->text);
    } else if (finding->first == finding->last) {
        printf("DAMAGED  event %" PRIu64 ": %s\n", finding->first, finding->text);
    } else {
        printf("DAMAGED  events %" PRIu64 "-%" PRIu64 ": %s\n", finding->first, finding->last,
               finding->text);
    }
    fflush(stdout); /* The next page may be the end of this process. */
}

static void
tell_progress(void *context)
{
    struct run *run = context;
    const struct verify_state *state = run->state;
    msec_t now_ms = clock_read().mono_ms;
    if (now_ms - run->told_ms < PROGRESS_MS)
        return;
    run->told_ms = now_ms;
    diag(DIAG_INFO, "verifying: %" PRIu64 " events, %" PRIu64 " rows of views so far",
         state->events, state->rows);
}

static void
tell_end(const struct run *run)
{
    const struct verify_state *state = run->state;
    bool good = state->findings == 0;
    if (run->request->json) {
        printf("{\"ok\":%s,\"findings\":%u,\"epoch\":\"%016" PRIx64 "\",\"first_seq\":%" PRIu64
               ",\"last_seq\":%" PRIu64 ",\"events\":%" PRIu64 ",\"keys\":%" PRIu64
               ",\"views\":%s,\"applied\":%" PRIu64 ",\"rows\":%" PRIu64 "}\n",
               good ? "true" : "false", state->findings, state->epoch, state->first_seq,
               state->last_seq, state->events, state->keys, state->has_views ? "true" : "false",
               state->applied, state->rows);
        return;
    }
    printf("%s  %" PRIu64 " events, %" PRIu64 "-%" PRIu64 ", epoch %016" PRIx64 "; %" PRIu64
           " keys; ",
           good ? "sound" : "DAMAGED", state->events, state->first_seq, state->last_seq,
           state->epoch, state->keys);
    if (state->has_views)
        printf("views up to %" PRIu64 ", %" PRIu64 " rows", state->applied, state->rows);
    else
        printf("no views (the next start makes them)");
    printf(good ? "\n" : "; %u findings\n", state->findings);
}

/* ---- Looking ---- */

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
        .state = run->state,
        .found = tell_finding,
        .progress = tell_progress,
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
    tell_finding(run, &(struct verify_finding){.text = fault.text});
}

/* A sanitizer or a service manager may have its own ideas of these; here they only end the child.
 */
static void
plain_signals(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        signal(numbers[i], SIG_DFL);
}

/* Run @look in a child. False if it did not come to its end. */
static bool
in_child(struct run *run, const char *what, void (*look)(struct run *run))
{
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        plain_signals();
        look(run);
        fflush(stdout);
        _exit(EXIT_SUCCESS);
    }
    bool good = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
                WEXITSTATUS(status) == EXIT_SUCCESS;
    if (!good) {
        char text[FAULT_SIZE_MAX];
        const char *cause = pid > 0 && WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "?";
        snprintf(text, sizeof(text), "%s: a page is damaged: reading it ends in a crash (%s)", what,
                 cause);
        seq_t at = strcmp(what, "log") == 0 ? run->state->at : 0;
        run->state->findings++;
        tell_finding(run, &(struct verify_finding){at ? at + 1 : 0, at ? at + 1 : 0, text});
    }
    return good;
}

static void
look_at_all(struct run *run)
{
    in_child(run, "log", look_at_log);
    bool log_is_sound = run->state->findings == 0;
    in_child(run, "views", look_at_views);
    if (!run->request->deep)
        return;
    if (!log_is_sound || !run->state->has_views)
        diag(DIAG_WARNING, "nothing to compare: %s",
             log_is_sound ? "there are no views" : "the log is damaged");
    else if (run->state->findings == 0)
        in_child(run, "views made anew", look_deep);
}

static bool
is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

enum verify_exit
verify_run(const struct verify_request *request)
{
    const char *dir = request->config->data;
    struct fault fault = {""};
    struct run run = {.request = request, .told_ms = clock_read().mono_ms};
    int lock = -1;
    if (!is_directory(dir)) {
        diag(DIAG_ERROR, "%s: there is no such data directory", dir);
        return VERIFY_IMPOSSIBLE;
    }
    if (store_lock(dir, &lock, &fault) != KITH_OK) {
        diag(DIAG_ERROR, "%s", fault.text);
        if (lock >= 0)
            close(lock);
        return VERIFY_IMPOSSIBLE;
    }
    run.state =
        mmap(NULL, sizeof(*run.state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool shared = run.state != MAP_FAILED;
    enum verify_exit status = VERIFY_IMPOSSIBLE;
    if (shared) {
        look_at_all(&run);
        tell_end(&run);
        status = run.state->findings == 0 ? VERIFY_SOUND : VERIFY_DAMAGED;
        munmap(run.state, sizeof(*run.state));
    }
    close(lock);
    return status;
}
