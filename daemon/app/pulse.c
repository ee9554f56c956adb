/* What the daemon keeps an eye on, and tells once when it changes. */
#include <inttypes.h>

#include "app/daemon.h"
#include "app/diagnostics.h"
#include "app/notify.h"
#include "base/assert.h"

static void
tell_clock(struct daemon *daemon, enum clock_news news)
{
    msec_t step_ms = daemon->clock.step_ms;
    switch (news) {
    case CLOCK_SAME:
        return;
    case CLOCK_STEP_REFUSED:
        daemon->stats.clock_steps++;
        diag(DIAG_ERROR,
             "the system clock jumped %" PRId64 " s ahead; it is not followed: set it right, or "
             "confirm it with HUP",
             step_ms / 1000);
        return;
    case CLOCK_STEP_GONE:
        diag(DIAG_NOTICE, "the system clock is followed again");
        return;
    case CLOCK_STANDS:
        diag(DIAG_WARNING,
             "the system clock is %" PRId64 " ms behind the last event: time stands until it has "
             "caught up",
             step_ms);
        return;
    case CLOCK_GOES:
        diag(DIAG_NOTICE, "the system clock has caught up");
        return;
    }
}

msec_t
daemon_now(struct daemon *daemon, struct clock_reading reading)
{
    enum clock_news news;
    /* Of what is durable: a clock that was moved goes back if the move is undone. */
    msec_t last_at_ms = log_durable_at(store_log(daemon->store));
    msec_t now_ms = clock_now(&daemon->clock, reading, last_at_ms, &news);
    assert(now_ms >= last_at_ms);
    tell_clock(daemon, news);
    return now_ms;
}

void
daemon_look_at_disk(struct daemon *daemon)
{
    struct store_stats stats;
    char room[UNITS_TEXT_SIZE], reserve[UNITS_TEXT_SIZE];
    store_stats(daemon->store, &stats);
    enum gate_news news =
        gate_look(&daemon->gate, stats.disk_free, (uint64_t)daemon->config.reserve);
    daemon->stats.read_only = daemon->gate.read_only;
    if (news == GATE_SAME)
        return;
    units_print(UNIT_SIZE, (int64_t)(stats.disk_free / KIB) * KIB, room);
    units_print(UNIT_SIZE, daemon->config.reserve, reserve);
    if (news == GATE_CLOSED) {
        diag(DIAG_ERROR,
             "the disk of %s has %s left, less than storage.reserve (%s): commands are refused "
             "with `unavailable`, queries go on; free some room",
             daemon->config.data, room, reserve);
        notify_status("read-only: the disk has %s left", room);
    } else {
        diag(DIAG_NOTICE, "the disk of %s has %s left: commands are taken again",
             daemon->config.data, room);
        notify_status("serving");
    }
}

void
daemon_beat(struct daemon *daemon)
{
    struct buf body = {0};
    core_beat(daemon->core, daemon->clock.now_ms, &body);
    if (!body.failed)
        net_publish(daemon->net, "~beat", buf_slice(&body));
    buf_fini(&body);
}

static void
look_at_damage(struct daemon *daemon)
{
    seq_t damage = log_damage(store_log(daemon->store));
    if (damage == daemon->damage)
        return;
    daemon->damage = damage;
    diag(DIAG_ERROR,
         "event %" PRIu64 " in the log is damaged: it is answered with `internal`, and publishing "
         "stops; restore a backup",
         damage);
    notify_status("the log is damaged at event %" PRIu64, damage);
}

/* Told once, and once more when one is done. */
static void
look_at_checkpoints(struct daemon *daemon)
{
    const struct views *views = store_views(daemon->store);
    struct views_stats now;
    views_stats(views, &now);
    bool has_failed = now.checkpoint_failures != daemon->checkpoint_failures;
    if (has_failed && !daemon->is_behind)
        diag(DIAG_ERROR,
             "a checkpoint failed: %s; it is tried again, and nothing is lost, for the log has all "
             "of it",
             views_fault(views)->text);
    if ((has_failed || daemon->is_behind) && !now.has_failed)
        diag(DIAG_NOTICE, "checkpoints are written again");
    daemon->is_behind = now.has_failed;
    daemon->checkpoint_failures = now.checkpoint_failures;
}

static void
look_at_readers(struct daemon *daemon)
{
    unsigned dead = store_reap_readers(daemon->store);
    if (dead > 0)
        diag(DIAG_NOTICE, "%u readers of the data have died: what they kept is free again", dead);
}

void
daemon_look_at_memory(struct daemon *daemon, msec_t mono_ms)
{
    memory_note(&daemon->memory, parked_held(daemon->parked) + net_held(daemon->net));
    if (!memory_is_due(&daemon->memory, mono_ms))
        return;
    parked_shrink(daemon->parked);
    memory_give_back(&daemon->memory, mono_ms);
}

void
daemon_pulse(struct daemon *daemon)
{
    look_at_readers(daemon);
    daemon_look_at_disk(daemon);
    look_at_damage(daemon);
    look_at_checkpoints(daemon);
    if (daemon->damage == 0)
        daemon_beat(daemon);
}
