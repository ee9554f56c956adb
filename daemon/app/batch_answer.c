#include "app/batch_inner.h"
#include "app/diagnostics.h"
#include "base/assert.h"

/* Whoever waited for something that is durable now is due. */
static void
wake(struct batch *batch)
{
    struct daemon *daemon = batch->daemon;
    const uint64_t *keys;
    unsigned count;
    seq_t last_seq = log_durable(store_log(daemon->store));
    if (core_woken(daemon->core, &keys, &count))
        parked_wake(daemon->parked, keys, count, last_seq);
    else
        parked_wake_all(daemon->parked, last_seq);
}

static bool
park(struct batch *batch, struct entry *entry)
{
    struct daemon *daemon = batch->daemon;
    const struct core_wait *wait = &entry->wait;
    struct parked_query *query = entry->parked;
    if (!query)
        query =
            parked_query_create(&entry->request.route, entry->request.body, batch->reading.mono_ms);
    if (!query)
        return false;
    bool is_over = wait->wake_seq == CORE_SEQ_NEVER && core_wait_is_over(daemon->core, wait);
    query->wake_seq = is_over ? log_durable(store_log(daemon->store)) : wait->wake_seq;
    query->has_scanned = wait->has_scanned;
    query->is_in_log = wait->is_in_log;
    query->is_shared = wait->is_shared;
    query->peer = net_peer_of(daemon->net, &entry->request.route);
    query->scanned = wait->scanned;
    query->end_ms = query->came_ms + wait->wait_ms;
    query->due_ms = query->end_ms;
    if (wait->again_ms > 0 && batch->reading.mono_ms + wait->again_ms < query->end_ms)
        query->due_ms = batch->reading.mono_ms + wait->again_ms;
    unsigned key_count = is_over ? 0 : wait->key_count;
    const uint64_t *keys = is_over ? NULL : core_wait_keys(daemon->core, wait);
    if (parked_add(daemon->parked, query, keys, key_count)) {
        entry->parked = NULL;
        return true;
    }
    if (query != entry->parked)
        parked_query_destroy(query);
    return false;
}

static void
answer(struct batch *batch, const struct work *work, struct entry *entry)
{
    struct daemon *daemon = batch->daemon;
    const struct net_route *route = &entry->request.route;
    bool was_parked = entry->parked != NULL;
    struct buf busy = {0};
    struct slice reply = {0};
    if (!entry->waits) {
        reply = slice_of(work->replies.data + entry->offset, entry->size);
    } else if (!park(batch, entry)) {
        core_refuse(daemon->core, batch_entry_body(entry), KITH_BUSY, batch->now_ms, &busy);
        reply = buf_slice(&busy);
    }
    if (reply.size > 0)
        net_reply(daemon->net, route, reply);
    if (was_parked)
        parked_query_destroy(entry->parked);
    else
        net_release(&entry->request);
    buf_fini(&busy);
}

static void
answer_all(struct batch *batch, struct work *work)
{
    /* Without memory for the replies they are as good as lost on the way, and clients ask again. */
    if (work->replies.failed) {
        diag(DIAG_ERROR, "memory is short: %u messages are not answered", work->count);
        for (unsigned i = 0; i < work->count; i++)
            work->entries[i].size = 0;
    }
    net_gather_begin(batch->daemon->net);
    for (unsigned i = 0; i < work->count; i++)
        if (work->entries[i].state != ENTRY_TOLD)
            answer(batch, work, &work->entries[i]);
    net_gather_end(batch->daemon->net);
    work->count = 0;
    work->size = 0;
}

void
batch_answer_early(struct batch *batch)
{
    struct work *work = batch->open;
    if (core_error(batch->daemon->core) != KITH_OK || work->replies.failed)
        return;
    net_gather_begin(batch->daemon->net);
    bool all = true;
    for (unsigned i = work->told_end; i < work->count; i++) {
        struct entry *entry = &work->entries[i];
        all = all && entry_is_executed(entry);
        work->told_end += all;
        if (entry->state != ENTRY_EARLY || entry->waits)
            continue;
        answer(batch, work, entry);
        entry->state = ENTRY_TOLD;
    }
    net_gather_end(batch->daemon->net);
    work->early_count = 0;
}

static void
publish(struct batch *batch)
{
    struct daemon *daemon = batch->daemon;
    seq_t last_seq = log_durable(store_log(daemon->store));
    if (last_seq == batch->published_seq || daemon->damage > 0)
        return;
    unsigned count = core_frame_count(daemon->core);
    net_gather_begin(daemon->net);
    for (unsigned i = 0; i < count; i++) {
        const char *topic;
        struct slice body;
        core_frame(daemon->core, i, &topic, &body);
        net_publish(daemon->net, topic, body);
    }
    net_gather_end(daemon->net);
    if (count == 0)
        daemon_beat(daemon);
    batch->published_seq = last_seq;
}

void
batch_tell(struct batch *batch, struct work *work)
{
    wake(batch);
    answer_all(batch, work);
    publish(batch);
}
