#include "bench/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/types.h"

#define SETTINGS_MAX 16

void
bench_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

int64_t
bench_clock_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

_Noreturn static void
become_kithd(const struct bench_daemon *daemon, const char *path, char *const *settings, int count)
{
    char data[64];
    const char *const fixed[] = {path,       "--data",          data, "--command", daemon->url,
                                 "--events", daemon->events_url};
    char *args[ARRAY_COUNT(fixed) + 2 * SETTINGS_MAX + 1] = {NULL};
    size_t size = 0;

    snprintf(data, sizeof(data), "%s/data", daemon->dir);
    for (; size < ARRAY_COUNT(fixed); size++)
        args[size] = (char *)(uintptr_t)fixed[size];
    for (int i = 0; i < count; i++) {
        args[size++] = (char *)(uintptr_t) "--set";
        args[size++] = settings[i];
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(path, args);
    _exit(127);
}

void
bench_daemon_start(struct bench_daemon *daemon, const char *path, char *const *settings, int count)
{
    if (count > SETTINGS_MAX)
        bench_die("too many settings");
    memcpy(daemon->dir, "/tmp/kith-bench-XXXXXX", sizeof("/tmp/kith-bench-XXXXXX"));
    if (!mkdtemp(daemon->dir))
        bench_die("no temporary directory");
    snprintf(daemon->url, sizeof(daemon->url), "ipc://%s/command.ipc", daemon->dir);
    snprintf(daemon->events_url, sizeof(daemon->events_url), "ipc://%s/events.ipc", daemon->dir);
    daemon->pid = fork();
    if (daemon->pid < 0)
        bench_die("no process");
    if (daemon->pid == 0)
        become_kithd(daemon, path, settings, count);
}

void
bench_daemon_end(struct bench_daemon *daemon)
{
    char command[64];
    assert(daemon->pid > 0);
    /* It may have been waited for; then there is nobody to signal. */
    if (waitpid(daemon->pid, NULL, WNOHANG) == 0) {
        kill(daemon->pid, SIGTERM);
        waitpid(daemon->pid, NULL, 0);
    }
    daemon->pid = 0;
    snprintf(command, sizeof(command), "rm -rf '%s'", daemon->dir);
    if (system(command) != 0)
        bench_die("the directory stays");
}
