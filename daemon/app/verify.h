/* app/verify.h: `kithd --verify`: is everything as it was written?
 *
 * Each part is looked at by a child process, for LMDB may be ended by a signal where a page is
 * damaged; that too is then a finding.
 *
 * With the lock in hand no daemon can come in between. Where one has it, or with `online`, they
 * look at snapshots, and the daemon does not notice.
 *
 * Layer:    app.
 * Thread:   the only one.
 * Blocking: reads all of the data.
 */
#ifndef KITH_APP_VERIFY_H
#define KITH_APP_VERIFY_H

#include "app/config.h"

enum verify_exit {
    VERIFY_SOUND = 0,
    VERIFY_DAMAGED = 1,
    VERIFY_IMPOSSIBLE = 2 /* no data there, or the system refuses */
};

struct verify_request {
    const struct config *config; /* borrowed */
    bool online;                 /* leave the lock alone, for a daemon that runs or may start */
    bool deep;                   /* also make the views anew elsewhere, and compare */
    bool json;                   /* a map a line instead of sentences */
    int64_t rate;                /* bytes of keys and values a second; 0: no limit */
};

/* Look at config->data, and print what is found on standard output. Returns the exit status. */
enum verify_exit verify_run(const struct verify_request *request);

#endif
