/* bench/daemon.h: a kithd for a program that measures it, in a directory of its own. It is killed
 * where the program ends without ending it.
 */
#ifndef KITH_BENCH_DAEMON_H
#define KITH_BENCH_DAEMON_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct bench_daemon {
    pid_t pid;
    char dir[32], url[64], events_url[64];
};

/* Say on standard error what is wrong, and exit with 1. */
_Noreturn void bench_die(const char *what);

/* Milliseconds by that clock. */
int64_t bench_clock_ms(clockid_t id);

/* Start the program at @path with @count settings, each KEY=VALUE. It may not be ready yet: clients
 * connect when it is. */
void bench_daemon_start(struct bench_daemon *daemon, const char *path, char *const *settings,
                        int count);

/* End it and wait until it has ended, unless the caller has. Then remove its directory. */
void bench_daemon_end(struct bench_daemon *daemon);

#endif
