/* app/daemon.h: the parts of the daemon, opened in order and closed in the other.
 *
 * Layer: app. Thread: loop thread only. Blocking: daemon_open() replays the log.
 */
#ifndef KITH_APP_DAEMON_H
#define KITH_APP_DAEMON_H

#include "app/clock.h"
#include "app/config.h"
#include "app/gate.h"
#include "app/memory.h"
#include "app/parked.h"
#include "core/core.h"
#include "net/net.h"
#include "store/store.h"

/* Made in main() and handed down. Open, for every file of app/ uses some of its parts. */
struct daemon {
    const struct config_sources *sources; /* borrowed: what HUP reads again */
    struct config config;                 /* core reads config.settings */
    struct stats stats;
    struct store *store;
    struct core *core;
    struct net *net;
    struct parked *parked;
    struct clock clock;
    struct gate gate;
    struct memory memory;
    uint64_t checkpoint_failures; /* that were reported */
    bool is_behind;               /* none is done since one failed */
    seq_t damage;                 /* the damaged event that was reported, or 0 */
    msec_t opened_ms;             /* monotonic */
    msec_t recovery_ms;           /* how long it took to open the data */
};

/* Lock and open the data, bring the views up to date, bind the endpoints. @config is copied,
 * @sources borrowed. False, and the reason reported, if it cannot be; then nothing is open. */
bool daemon_open(struct daemon *daemon, const struct config *config,
                 const struct config_sources *sources);

/* Tell the journal and the service manager that it serves. */
void daemon_announce(const struct daemon *daemon);

/* Remove the sockets, checkpoint, let go of the data. */
void daemon_close(struct daemon *daemon);

/* Read the configuration again, take over what may change while running, and follow the system
 * clock wherever it went. Mistakes are reported, and then nothing changes. */
void daemon_reload(struct daemon *daemon);

/* The time for what comes now; reports what the clock does. */
msec_t daemon_now(struct daemon *daemon, struct clock_reading reading);

/* See whether the disk has room; reports when that changes. */
void daemon_look_at_disk(struct daemon *daemon);

/* Behind each turn: see how much is held for clients, and give back what no longer is. */
void daemon_look_at_memory(struct daemon *daemon, msec_t mono_ms);

/* What is done once a second: the disk, damage, the beat. */
void daemon_pulse(struct daemon *daemon);

/* Publish `~beat`. */
void daemon_beat(struct daemon *daemon);

#endif
