#include "app/batch_inner.h"
#include "base/assert.h"

struct slice
batch_entry_body(const struct entry *entry)
{
    return entry->parked ? parked_query_body(entry->parked) : entry->request.body;
}

/* The turn's time, or what the log has moved it to since. */
static msec_t
now_of(const struct batch *batch)
{
    msec_t last_at_ms = log_last_at(store_log(batch->daemon->store));
    return last_at_ms > batch->now_ms ? last_at_ms : batch->now_ms;
}

void
batch_execute(struct batch *batch, struct entry *entry, const struct message *message,
              enum kith_err refuse)
{
    struct daemon *daemon = batch->daemon;
    struct slice body = batch_entry_body(entry);
    struct core_context context = {
        .now_ms = now_of(batch),
        .refuse = refuse,
        .last_try = batch->drain,
    };
    if (entry->parked) {
        context.has_scanned = entry->parked->has_scanned;
        context.scanned = entry->parked->scanned;
        context.last_try |= entry->parked->end_ms <= batch->reading.mono_ms;
    }
    struct work *work = batch->open;
    entry->offset = work->replies.size;
    entry->waits = false;
    if (entry->late) {
        assert(!message);
        core_refuse(daemon->core, body, KITH_BUSY, context.now_ms, &work->replies);
        entry->size = work->replies.size - entry->offset;
        return;
    }
    enum core_answer answer =
        message ? core_run(daemon->core, message, &context, &work->replies, &entry->wait)
                : core_execute(daemon->core, body, &context, &work->replies, &entry->wait);
    work->is_clean = work->is_clean && core_was_query(daemon->core);
    if (answer == CORE_WAITS) {
        size_t size = body.size + parked_size(&entry->request.route, entry->wait.key_count);
        entry->waits =
            parked_has_room(daemon->parked, work->waiting_count + 1, work->waiting_size + size);
        work->waiting_count += entry->waits;
        work->waiting_size += entry->waits ? size : 0;
    }
    if (answer == CORE_WAITS && !entry->waits)
        core_refuse(daemon->core, body, KITH_BUSY, context.now_ms, &work->replies);
    entry->size = work->replies.size - entry->offset;
}

void
batch_begin(struct batch *batch, enum kith_err refuse)
{
    struct daemon *daemon = batch->daemon;
    buf_clear(&batch->open->replies);
    batch->open->waiting_count = 0;
    batch->open->waiting_size = 0;
    batch->open->early_count = batch->open->told_end = 0;
    store_begin(daemon->store);
    core_begin(daemon->core);
    if (parked_count(daemon->parked) == 0)
        core_be_quiet(daemon->core);
    batch->swept_all = true;
    batch->open->is_clean = true;
    if (refuse != KITH_OK)
        return;
    /* Where time is moved by hand, everything that is due happens before the next message. */
    bool all = daemon->clock.manual;
    do
        batch->swept_all = core_sweep(daemon->core, now_of(batch)) < CORE_SWEEP_MAX;
    while (all && !batch->swept_all && core_batch_events(daemon->core) < CORE_BATCH_EVENTS_MAX);
    batch->open->is_clean = core_batch_events(daemon->core) == 0;
}

void
batch_execute_again(struct batch *batch, enum kith_err refuse)
{
    batch_begin(batch, refuse);
    for (unsigned i = 0; i < batch->open->count; i++) {
        struct entry *entry = &batch->open->entries[i];
        if (!entry_is_executed(entry) || entry->state == ENTRY_TOLD)
            continue;
        entry->state = ENTRY_RUN;
        batch_execute(batch, entry, NULL, refuse);
    }
}

void
batch_refuse_all(struct batch *batch, enum kith_err err)
{
    struct work *work = batch->open;
    buf_clear(&work->replies);
    for (unsigned i = 0; i < work->count; i++) {
        struct entry *entry = &work->entries[i];
        if (entry->state == ENTRY_TOLD)
            continue;
        entry->waits = false;
        entry->offset = work->replies.size;
        core_refuse(batch->daemon->core, batch_entry_body(entry), err, batch->now_ms,
                    &work->replies);
        entry->size = work->replies.size - entry->offset;
    }
}
