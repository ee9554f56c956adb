/* app/refresh.h: the counters and gauges that the core cannot know.
 *
 * Layer: app. Thread: loop thread only. Blocking: no.
 */
#ifndef KITH_APP_REFRESH_H
#define KITH_APP_REFRESH_H

#include "core/stats.h"

/* For core_options.refresh. @context: the struct daemon. */
void refresh_stats(void *context, struct stats *stats);

#endif
