/* cli.h: what every verb of `kith` shares: the global flags, the exit codes, the connection.
 *
 * Blocking: only where said. Thread: main, except where a verb starts its own.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/buf.h"
#include "kith.h"

/* Scripts branch on these; they are part of the interface (kith.1, --help). */
enum cli_exit {
    CLI_OK = 0,
    CLI_REFUSED = 1,      /* a rule of the domain: denied, not_found, conflict, quota */
    CLI_INVALID = 2,      /* the command line or the message is wrong */
    CLI_UNREACHABLE = 3,  /* nobody answers, or not in time */
    CLI_BUSY = 4,         /* busy or unavailable: the same again later may succeed */
    CLI_INTERNAL = 5,     /* a defect or damage, here or there */
    CLI_INTERRUPTED = 130 /* by SIGINT, as shells count it */
};

/* The global flags as given, and what follows from them. Made in main, passed down. */
struct cli {
    const char *url, *events_url; /* NULL: the library's default */
    uint64_t timeout_ms;          /* 0: not given */
    bool json;                    /* --json: also errors are JSON, on stdout */
    bool help, version;
    bool people; /* stdout is a terminal and --json was not given */
    bool colour; /* colours on stdout */
};

/* What to do where a local socket is not there, or refuses, and no --timeout was given. */
enum cli_patience {
    CLI_IMPATIENT, /* tell at once: somebody sits at a keyboard */
    CLI_PATIENT    /* say so on stderr, and go on: the library waits for it */
};

/* Open the client for @cli with room for @window unanswered messages (0: the library's default).
 * Returns CLI_OK with *@kith returned (kith_close), or the exit code; the error has been told. */
enum cli_exit cli_open(const struct cli *cli, unsigned window, enum cli_patience patience,
                       struct kith **kith);

/* The address that is used, for messages: written zero-terminated into @url. */
void cli_url(const struct cli *cli, char *url, size_t size);

/* Tell that a call ended with @status (not OK, not REFUSED), and return the exit code for it. */
enum cli_exit cli_fail_status(const struct cli *cli, enum kith_status status);

/* Tell the error that @reply carries, and return the exit code for its class. */
enum cli_exit cli_fail_reply(const struct cli *cli, const struct kith_reply *reply);

/* The exit code for an error's `class`; CLI_INTERNAL for one that is not known (or NULL). */
enum cli_exit cli_exit_for_class(const char *class);

/* Write @line (borrowed) to stdout whole, and flush it. False when stdout takes no more. */
bool cli_write(const struct buf *line);

/* The same with the end of @text (owned): CLI_OK, or CLI_INTERNAL when stdout takes no more. */
enum cli_exit cli_print(struct buf *text);

/* Milliseconds since the epoch, now. */
msec_t cli_now_ms(void);

/* Monotonic nanoseconds, for measuring. */
uint64_t cli_now_ns(void);

#endif
