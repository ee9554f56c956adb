#include "kithd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"

#define ARGUMENTS_MAX    (16 + 2 * BACKEND_SETTINGS_MAX)
#define SETTING_SIZE_MAX 256

static const char *kithd_path;

void
backend_use_kithd(const char *path)
{
    kithd_path = path;
}

void
kithd_init(struct kithd *kithd, const char *dir)
{
    *kithd = (struct kithd){.errors_fd = -1};
    snprintf(kithd->dir, sizeof(kithd->dir), "%s", dir);
    snprintf(kithd->command_url, sizeof(kithd->command_url), "ipc://%s/command.ipc", dir);
    snprintf(kithd->events_url, sizeof(kithd->events_url), "ipc://%s/events.ipc", dir);
}

/* --- what it says --------------------------------------------------------------------------- */

/* Take what is there to read; false at the end. Only the last is kept. */
static bool
listen_once(struct kithd *kithd)
{
    char piece[1024];
    ssize_t got = read(kithd->errors_fd, piece, sizeof(piece));
    if (got <= 0)
        return false;
    size_t size = (size_t)got;
    if (kithd->said_size + size >= sizeof(kithd->said)) {
        size_t excess = kithd->said_size + size + 1 - sizeof(kithd->said);
        memmove(kithd->said, kithd->said + excess, kithd->said_size - excess);
        kithd->said_size -= excess;
    }
    memcpy(kithd->said + kithd->said_size, piece, size);
    kithd->said_size += size;
    kithd->said[kithd->said_size] = '\0';
    return true;
}

static bool
wait_ready(struct kithd *kithd)
{
    struct pollfd fd = {.fd = kithd->errors_fd, .events = POLLIN};
    kithd->said_size = 0;
    kithd->said[0] = '\0';
    while (!strstr(kithd->said, "kithd " KITH_VERSION " serves"))
        if (poll(&fd, 1, KITHD_WAIT_MS) != 1 || !listen_once(kithd))
            return false;
    return true;
}

void
kithd_blame(struct kithd *kithd, const char *what, struct fault *fault)
{
    struct pollfd fd = {.fd = kithd->errors_fd, .events = POLLIN};
    while (kithd->errors_fd >= 0 && poll(&fd, 1, 0) == 1 && listen_once(kithd))
        ;
    fault_set(fault, "%s; kithd said: %.400s", what,
              kithd->said + (kithd->said_size > 400 ? kithd->said_size - 400 : 0));
}

/* --- its life ------------------------------------------------------------------------------- */

_Noreturn static void
become_kithd(struct kithd *kithd, const struct backend_settings *settings, int errors_fd)
{
    char data[192], texts[BACKEND_SETTINGS_MAX][SETTING_SIZE_MAX], *arguments[ARGUMENTS_MAX];
    const char *fixed[] = {"kithd",     "--clock",          "manual",   "--data",         data,
                           "--command", kithd->command_url, "--events", kithd->events_url};
    unsigned count = 0;
    snprintf(data, sizeof(data), "%s/data", kithd->dir);
    for (; count < ARRAY_COUNT(fixed); count++)
        arguments[count] = (char *)(uintptr_t)fixed[count];
    if (settings->file) {
        arguments[count++] = (char *)(uintptr_t) "--config";
        arguments[count++] = (char *)(uintptr_t)settings->file;
    }
    for (unsigned i = 0; i < settings->count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%s=%s", settings->list[i].key,
                 settings->list[i].text);
        arguments[count++] = (char *)(uintptr_t) "--set";
        arguments[count++] = texts[i];
    }
    arguments[count] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("JOURNAL_STREAM");
    unsetenv("KITH_CONFIG");
    dup2(errors_fd, STDERR_FILENO);
    execv(kithd_path, arguments);
    perror(kithd_path);
    _exit(127);
}

bool
kithd_start(struct kithd *kithd, const struct backend_settings *settings, struct fault *fault)
{
    int pipe_fds[2];
    assert(kithd->pid == 0);
    int rc = pipe2(pipe_fds, O_CLOEXEC);
    assert(rc == 0);
    kithd->pid = fork();
    assert(kithd->pid >= 0);
    if (kithd->pid == 0)
        become_kithd(kithd, settings, pipe_fds[1]);
    close(pipe_fds[1]);
    kithd->errors_fd = pipe_fds[0];
    if (wait_ready(kithd))
        return true;
    kithd_blame(kithd, "it does not start", fault);
    kithd_stop(kithd, SIGKILL, NULL);
    return false;
}

bool
kithd_stop(struct kithd *kithd, int signal_number, struct fault *fault)
{
    int status = 0;
    if (kithd->pid == 0)
        return true;
    kill(kithd->pid, signal_number);
    while (listen_once(kithd)) /* until it closes its end, so that it never waits for us */
        ;
    pid_t ended = waitpid(kithd->pid, &status, 0);
    assert(ended == kithd->pid);
    bool good = signal_number == SIGKILL || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (!good)
        kithd_blame(kithd, "it did not end well", fault);
    close(kithd->errors_fd);
    kithd->errors_fd = -1;
    kithd->pid = 0;
    return good;
}
