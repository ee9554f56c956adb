/* sim/world.h: the daemon without its sockets: a store in a directory, and a core on it.
 *
 * What goes wrong here, other than a refusal, is a failed check: it is told on standard error, and
 * ends the program.
 */
#ifndef KITH_SIM_WORLD_H
#define KITH_SIM_WORLD_H

#include "core/core.h"

struct world {
    char dir[256];
    struct store_options options;
    struct settings settings; /* borrowed by the core */
    struct stats stats;
    struct store *store;
    struct core *core;
    msec_t tick_ms; /* a clock for the checkpoints, of its own */
    uint64_t seed;  /* of the core's */
    uint64_t epoch; /* of the log, once it was open; 0: never yet */
    seq_t last_seq; /* of the log when it was last closed */
    bool in_turn;
    struct wire *wire;    /* world_wire.h: a process instead of store and core */
    int64_t commit_aside; /* its setting */
};

/* Make a new directory, in memory where there is some, or on disk. @world is zeroed but for
 * options, settings and seed. */
void world_create(struct world *world, bool on_disk);
/* Close it and remove the directory, also in the middle of a turn. */
void world_destroy(struct world *world);
/* Remove the directory and no more: the process is ending. */
void world_abandon(struct world *world);

/* Open what is in @world->dir, and apply what the views have not seen. */
void world_open(struct world *world);
void world_close(struct world *world);

/* Close and open again; @rebuild: without the views. */
void world_restart(struct world *world, bool rebuild);
/* Go on with a copy of the files as they are on disk now, as after a crash. */
void world_crash(struct world *world);

/* Where the log ends now. */
seq_t world_last_seq(struct world *world);

/* The views must be what the log makes of them. False, with a word on standard error, if not. */
bool world_check_rebuild(struct world *world);

/* A turn: begin, execute…, end. Everything that is due at @now_ms happens at the beginning. */
void world_begin(struct world *world, msec_t now_ms);
void world_execute(struct world *world, struct slice message, msec_t now_ms, struct buf *reply);
void world_end(struct world *world, bool keep);

/* Is the turn as large as one may be? */
bool world_is_full(const struct world *world);

#endif
