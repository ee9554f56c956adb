/* app/batch.h: one turn: drain, execute, commit once, answer, publish.
 *
 * A turn takes what the command socket holds, within the bounds below, and executes it, a few
 * messages at a time; queries that waited and are due run behind them. Then the log is committed,
 * and only then do replies and frames leave; but queries among the first messages are executed
 * before all else and answered as soon as what they saw is durable, mostly at once; further ones in
 * groups for as long as nothing is changed. Large batches are committed by a thread of the store,
 * while the next one is executed on top of them: the flight. While messages come without end, the
 * next flight leaves as soon as the last has landed, so that neither disk nor clients wait for the
 * turn's end.
 *
 * If a commit fails everything is undone, and the same messages run again with every command
 * refused: queries then see the state as it was. Damaged views are made anew from the log, and the
 * batch runs again.
 *
 * Layer: app. Thread: loop thread only. Blocking: a commit waits for the disk, and a batch for the
 * one before it.
 */
#ifndef KITH_APP_BATCH_H
#define KITH_APP_BATCH_H

#include "app/daemon.h"

#define BATCH_COUNT_MAX      8192        /* messages in a turn: 40 ms of work at most */
#define BATCH_EATEN_MAX      2048        /* and what came as one and was none: 2 ms */
#define BATCH_SIZE_MAX       (16u << 20) /* bytes of their bodies */
#define BATCH_REPLY_SIZE_MAX (16u << 20) /* bytes of replies: no other group is taken then */
#define BATCH_PARKED_MAX     1000        /* queries that waited, in a turn */
#define BATCH_MS_MAX         20          /* of work after which no more is taken */
#define BATCH_THROTTLE_MS    4           /* how long none is taken where changes come too fast */
#define BATCH_LATE_MS_MAX    15          /* of them, in which late messages are turned away */

/* A flight leaves with so many times storage.commit_aside. To leave sooner costs answers and
 * wake-ups, one for each message: so where a message holds BATCH_FLIGHT_MANY commands it does, and
 * their clients, who wait for it, send the next ones meanwhile. */
#define BATCH_FLIGHT_FULL            16
#define BATCH_FLIGHT_FULL_OF_BATCHES 4
#define BATCH_FLIGHT_MANY            8

struct batch;

/* Returns NULL if memory is short. @daemon: borrowed until batch_destroy. */
struct batch *batch_create(struct daemon *daemon);
void batch_destroy(struct batch *batch);

struct batch_next {
    bool again;    /* there is more to do at once, and no descriptor says so */
    bool hold;     /* take no messages until due_ms, or a checkpoint has ended */
    bool failed;   /* what is durable is unknown: the process must exit now */
    msec_t due_ms; /* monotonic: when a turn is needed at the latest */
    unsigned kept; /* replies that their peers have not taken yet */
};

/* One turn. @drain: the daemon stops, and no query waits any longer. */
struct batch_next batch_turn(struct batch *batch, bool drain);

#endif
