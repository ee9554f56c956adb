/* progress.h: how far a long work is: a bar with rate and time left on a terminal, a line every few
 * seconds elsewhere. On stderr; nothing with --json, whose readers want none.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli.h"

struct progress {
    const char *what; /* "members" */
    uint64_t total, done;
    uint64_t start_ns, told_ns, moved_ns;
    uint64_t period_ns;
    bool terminal;
    bool silent;
};

void progress_begin(struct progress *progress, const struct cli *cli, const char *what,
                    uint64_t total);

/* @done of the total are done. Call as often as you like, also when nothing moves: then it is said
 * that kithd is being waited for. */
void progress_tell(struct progress *progress, uint64_t done);

void progress_end(struct progress *progress);

#endif
