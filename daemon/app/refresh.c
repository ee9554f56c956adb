#include "app/refresh.h"

#include "app/daemon.h"
#include "base/assert.h"

static void
refresh_store(const struct daemon *daemon, struct stats *stats)
{
    struct store_stats store;
    store_stats(daemon->store, &store);
    stats->commits = store.commits;
    stats->commit_failures = store.commit_failures;
    stats->commit_last_us = store.commit_last_us;
    stats->log_size = store.log_size;
    stats->views_size = store.views_size;
    stats->disk_free = store.disk_free;
    stats->first_seq = log_first(store_log(daemon->store));
    stats->last_seq = log_last(store_log(daemon->store));
}

static void
refresh_views(const struct daemon *daemon, struct stats *stats)
{
    struct views_stats views;
    views_stats(store_views(daemon->store), &views);
    stats->overlay_size = views.overlay_size;
    stats->checkpoints = views.checkpoints;
    stats->checkpoint_failures = views.checkpoint_failures;
    stats->checkpoint_last_ms = (uint64_t)views.checkpoint_last_ms;
    stats->checkpoint_syncs = views.checkpoint_syncs;
    stats->checkpoint_seq = views_checkpointed(store_views(daemon->store));
}

static void
refresh_net(const struct daemon *daemon, struct stats *stats)
{
    struct net_stats net;
    net_stats(daemon->net, &net);
    stats->connections = net.connections;
    stats->connections_refused = net.connections_refused;
    stats->connections_cut = net.connections_cut;
    stats->received = net.received;
    stats->replied = net.replied;
    stats->published = net.published;
    stats->replies_kept = net.replies_kept;
    stats->replies_delayed = net.replies_delayed;
    stats->replies_dropped = net.replies_dropped;
}

void
refresh_stats(void *context, struct stats *stats)
{
    const struct daemon *daemon = context;
    assert(stats == &daemon->stats);
    refresh_store(daemon, stats);
    refresh_views(daemon, stats);
    refresh_net(daemon, stats);
    stats->parked = parked_count(daemon->parked);
    stats->uptime_ms = (uint64_t)(clock_read().mono_ms - daemon->opened_ms);
}
