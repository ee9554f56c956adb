#include "app/replay.h"

#include <inttypes.h>
#include <poll.h>

#include "app/clock.h"
#include "app/diagnostics.h"
#include "app/notify.h"
#include "base/assert.h"

#define SLICE_COUNT   10000 /* events between two looks at the clock: some tens of ms */
#define REPORT_MS     3000
#define EXTEND_MS     60000 /* more than one slice on the slowest disk */
#define CHECKPOINT_MS 1000  /* how long to wait for a checkpoint before looking again */

struct progress {
    seq_t from, end;
    msec_t began_ms, told_ms;
};

static void
tell(struct progress *progress, seq_t at)
{
    msec_t now_ms = clock_read().mono_ms;
    if (now_ms - progress->told_ms < REPORT_MS)
        return;
    progress->told_ms = now_ms;
    uint64_t done = at - progress->from, all = progress->end - progress->from;
    diag(DIAG_INFO, "recovering: %" PRIu64 " of %" PRIu64 " events applied", done, all);
    notify_status("recovering: %" PRIu64 " of %" PRIu64 " events", done, all);
}

/* Let a checkpoint begin; wait for it where there is no memory left for more changes. */
static void
make_room(struct views *views)
{
    views_tick(views, clock_read().mono_ms);
    while (views_full(views)) {
        notify_extend(EXTEND_MS);
        struct pollfd ended = {.fd = views_fd(views), .events = POLLIN};
        poll(&ended, 1, CHECKPOINT_MS);
        views_tick(views, clock_read().mono_ms);
    }
}

static enum kith_err
run(struct store *store, struct core *core, struct fault *fault)
{
    struct views *views = store_views(store);
    msec_t now_ms = clock_read().mono_ms;
    struct progress progress = {views_applied(views), log_last(store_log(store)), now_ms, now_ms};
    bool done = false;
    while (!done) {
        enum kith_err err = core_replay(core, SLICE_COUNT, &done, fault);
        if (err != KITH_OK)
            return err;
        notify_extend(EXTEND_MS);
        tell(&progress, views_applied(views));
        make_room(views);
    }
    assert(views_applied(views) == progress.end);
    return KITH_OK;
}

enum kith_err
replay_run(struct store *store, struct core *core, struct fault *fault)
{
    enum kith_err err = run(store, core, fault);
    if (err != KITH_INTERNAL || views_error(store_views(store)) != KITH_INTERNAL)
        return err;
    diag(DIAG_ERROR, "the views are damaged (%s): they are made anew from the log", fault->text);
    err = store_reset_views(store, fault);
    return err == KITH_OK ? run(store, core, fault) : err;
}
