/* app/loop.h: the libuv loop: descriptors, signals and timers become turns.
 *
 * Callbacks only note that a turn is due; uv_check, which libuv runs behind all of them, does it.
 * One timer is set anew after each turn, to whatever is due first.
 *
 * Layer: app. Thread: the loop's. Blocking: loop_run().
 */
#ifndef KITH_APP_LOOP_H
#define KITH_APP_LOOP_H

#include "app/daemon.h"

struct loop;

/* From here on TERM, INT and HUP are held for loop_run(). @daemon: open, borrowed until
 * loop_destroy. NULL if the system refuses; then the reason is reported. */
struct loop *loop_create(struct daemon *daemon);

/* Serve until TERM or INT, then answer what is there and close every handle. */
void loop_run(struct loop *loop);

void loop_destroy(struct loop *loop);

#endif
