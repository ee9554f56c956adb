/* app/replay.h: bring the views up to the end of the log, telling how it goes.
 *
 * Layer: app. Thread: loop thread only. Blocking: until done, minutes for a long log.
 */
#ifndef KITH_APP_REPLAY_H
#define KITH_APP_REPLAY_H

#include "core/core.h"

/* KITH_OK, or what core_replay() failed with, @fault saying where. Views that turn out damaged on
 * the way are dropped once and made anew. */
enum kith_err replay_run(struct store *store, struct core *core, struct fault *fault);

#endif
