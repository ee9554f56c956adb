#include "base/assert.h"
#include "core/internal.h"

static bool
decode(const struct log_record *record, struct event *out)
{
    if (!event_decode(record->body, out))
        return false;
    out->seq = record->seq;
    out->at_ms = record->at_ms;
    return true;
}

void
history_begin(struct history *history, struct core *core, seq_t after)
{
    *history = (struct history){0};
    log_scan_begin(&history->scan, core->log, after);
}

/* The command that @event belongs to: its own, or that of an event before it. */
static bool
find_cause(struct history *history, struct core *core, const struct event *event)
{
    seq_t head_seq = event->seq - event->head_back;
    struct event head;

    if (event->head_id.size > 0) {
        history->head_id = event->head_id;
    } else if (event->head_back == 0) {
        history->head_id = (struct slice){0};
    } else if (history->head_seq != head_seq) { /* the page began in the middle of a command */
        if (history_read(core, head_seq, &head) != KITH_OK)
            return false;
        history->head_id = head.head_id;
    }
    history->head_seq = head_seq;
    return true;
}

bool
history_next(struct history *history, struct core *core, struct event *event, struct slice *cause)
{
    struct log_record record;
    if (!log_scan_next(&history->scan, &record)) {
        if (history->scan.err != KITH_OK)
            core->err = KITH_INTERNAL;
        return false;
    }
    if (!decode(&record, event) || !find_cause(history, core, event)) {
        core->err = KITH_INTERNAL;
        return false;
    }
    *cause = history->head_id;
    return true;
}

void
history_end(struct history *history)
{
    log_scan_end(&history->scan);
}

enum kith_err
history_read(struct core *core, seq_t seq, struct event *out)
{
    struct log_record record;
    enum kith_err err = log_read(core->log, seq, &record);
    if (err == KITH_OK && !decode(&record, out))
        err = KITH_INTERNAL;
    if (err == KITH_INTERNAL)
        core->err = err;
    return err;
}
