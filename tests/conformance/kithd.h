/* kithd.h: a daemon in a process of its own.
 *
 * It is ready when it says so on its standard error, and it ends with this process, whatever
 * happens.
 */
#ifndef KITH_CONFORMANCE_KITHD_H
#define KITH_CONFORMANCE_KITHD_H

#include <sys/types.h>

#include "backend.h"

#define KITHD_WAIT_MS 120000 /* only what hangs takes as long, even under a sanitizer */

struct kithd {
    char dir[128];
    char command_url[192], events_url[192];
    pid_t pid;     /* 0: not running */
    int errors_fd; /* what it says, while it runs */
    char said[4096];
    size_t said_size;
};

void kithd_init(struct kithd *kithd, const char *dir);
bool kithd_start(struct kithd *kithd, const struct backend_settings *settings, struct fault *fault);

/* End it with a signal, and wait. With SIGTERM it must end well. */
bool kithd_stop(struct kithd *kithd, int signal_number, struct fault *fault);

/* Say in @fault that it does not answer as it should, with the last of what it said. */
void kithd_blame(struct kithd *kithd, const char *what, struct fault *fault);

#endif
