#include "codec/reader.h"
#include "codec/writer.h"
#include "core/queries.h"

/* A poll of so many members, times types, is woken by whatever type is theirs: 40 kB of keys are
 * more than a look in vain is worth. */
#define AUDIENCE_KEYS_MAX 1000

/* --- event.read ----------------------------------------------------------------------------- */

static bool
type_is_wanted(const struct call *call, uint64_t event_type)
{
    struct reader reader;
    const char *type = event_type_name(event_type);
    reader_init(&reader, call->args->value[KITH_ARG_TYPES].raw);
    uint32_t count = reader_array(&reader);
    for (uint32_t i = 0; i < count; i++) {
        struct slice prefix = reader_str(&reader);
        if (strncmp(type, (const char *)prefix.data, prefix.size) == 0)
            return true;
    }
    return false;
}

bool
query_type_is_wanted(const struct call *call, const struct event *event)
{
    return !args_has(call->args, KITH_ARG_TYPES) || type_is_wanted(call, event->type);
}

uint64_t
query_types(const struct call *call)
{
    uint64_t types = 0;
    if (!args_has(call->args, KITH_ARG_TYPES))
        return WAKE_TYPES_ALL;
    for (unsigned type = EVENT_NONE + 1; type < EVENT_TYPE_COUNT; type++)
        types |= (uint64_t)type_is_wanted(call, type) << type;
    return types;
}

static bool
audience_is_wanted(const struct call *call, const struct event *event)
{
    struct reader reader;
    if (!args_has(call->args, KITH_ARG_AUDIENCE))
        return true;
    reader_init(&reader, call->args->value[KITH_ARG_AUDIENCE].raw);
    for (uint32_t left = event->audience ? reader_array(&reader) : 0; left > 0; left--)
        if (event_has_audience(event, reader_str(&reader)))
            return true;
    return false;
}

static enum kith_err
check_start(const struct call *call)
{
    static const char text[] = "give only one of `after`, `since` and `end`";
    static const char either[] = "give `member` or `audience`, not both";
    const struct args *args = call->args;
    bool end = args_has(args, KITH_ARG_END) && args->value[KITH_ARG_END].truth;
    if (args_has(args, KITH_ARG_MEMBER) && args_has(args, KITH_ARG_AUDIENCE)) {
        memcpy(call->out->text, either, sizeof(either));
        return refuse_field(call->out, KITH_BAD_ARGUMENT, "audience");
    }
    if (args_has(args, KITH_ARG_AFTER_SEQ) + args_has(args, KITH_ARG_SINCE) + end <= 1)
        return KITH_OK;
    memcpy(call->out->text, text, sizeof(text));
    return refuse_field(call->out, KITH_BAD_ARGUMENT, "after");
}

/* Where to begin; without a word, at the first event. */
static enum kith_err
find_start(struct call *call, seq_t *after)
{
    struct log *log = call->core->log;
    const struct args *args = call->args;
    bool end = args_has(args, KITH_ARG_END) && args->value[KITH_ARG_END].truth;
    seq_t first;

    *after = args_uint(args, KITH_ARG_AFTER_SEQ, log_first(log) - 1);
    if (end) /* as it was when the query came */
        *after = call->has_scanned ? call->scanned : log_last(log);
    if (args_has(args, KITH_ARG_SINCE)) {
        enum kith_err err = log_find_time(log, (msec_t)args->value[KITH_ARG_SINCE].number, &first);
        if (err != KITH_OK)
            return err;
        *after = first - 1;
    }
    if (*after + 1 < log_first(log)) {
        entries_uint(&call->out->detail, "first_seq", log_first(log));
        return KITH_TRIMMED;
    }
    if (call->scanned > *after)
        *after = call->scanned; /* the last try looked so far already */
    return KITH_OK;
}

/* Append wanted events behind @after to the result; returns the last sequence looked at. */
static seq_t
read_events(struct call *call, seq_t after, uint32_t *count)
{
    struct core *core = call->core;
    struct buf *out = &call->out->result.buf;
    uint64_t limit = args_uint(call->args, KITH_ARG_LIMIT, KITH_EVENT_LIMIT_DEFAULT);
    size_t room = call->room < KITH_EVENT_PAGE_SIZE_MAX ? call->room : KITH_EVENT_PAGE_SIZE_MAX;
    struct history history;
    struct event event;
    struct slice cause;
    seq_t seen = after;

    if (limit > KITH_EVENT_LIMIT_MAX)
        limit = KITH_EVENT_LIMIT_MAX;
    history_begin(&history, core, after);
    while (*count < limit && seen < after + KITH_EVENT_SCAN_MAX &&
           history_next(&history, core, &event, &cause)) {
        size_t start = out->size;
        if (query_type_is_wanted(call, &event) && audience_is_wanted(call, &event)) {
            event_render(out, &event, cause);
            if (out->size > room && *count > 0) {
                out->size = start;
                break;
            }
            ++*count;
        }
        seen = event.seq;
    }
    history_end(&history);
    return seen;
}

/* Nothing to say yet: go on when there is something for it, or at once where the scan was cut. */
static void
wait_for_more(struct call *call, seq_t seen)
{
    struct wake *wake = &call->core->output->wake;
    uint64_t types = query_types(call);
    call_wait_begin(call, seen);
    call->wait.is_in_log = true;
    seq_t last = log_last(call->core->log);
    if (seen != last) { /* What lies ahead of the log is not for any event until then. */
        call->wait.wake_seq = seen < last ? last : seen + 1;
        return;
    }
    if (!args_has(call->args, KITH_ARG_AUDIENCE)) {
        wake_wait_types(wake, types);
    } else {
        struct reader reader;
        reader_init(&reader, call->args->value[KITH_ARG_AUDIENCE].raw);
        uint32_t left = reader_array(&reader);
        if (left * (unsigned)__builtin_popcountll(types) > AUDIENCE_KEYS_MAX)
            types = WAKE_TYPES_ALL;
        for (; left > 0; left--)
            wake_wait_member(wake, reader_str(&reader), types);
    }
    call_wait_end(call);
}

enum kith_err
query_events(struct call *call)
{
    struct entries *result = &call->out->result;
    uint32_t count = 0;
    seq_t after = 0;
    enum kith_err err = check_start(call);
    if (err == KITH_OK && args_has(call->args, KITH_ARG_MEMBER))
        return query_feed(call);
    if (err == KITH_OK)
        err = find_start(call, &after);
    if (err != KITH_OK)
        return err;

    size_t place = write_open_array(entries_key(result, "events"));
    seq_t seen = read_events(call, after, &count);
    if (count == 0 && call->may_wait && args_uint(call->args, KITH_ARG_WAIT_MS, 0) > 0) {
        wait_for_more(call, seen);
        return KITH_OK;
    }
    write_close_array(&result->buf, place, count);
    entries_uint(result, "next", seen);
    entries_uint(result, "last_seq", log_last(call->core->log));
    return KITH_OK;
}

/* --- command.lookup ------------------------------------------------------------------------- */

enum kith_err
query_command(struct call *call)
{
    struct core *core = call->core;
    struct entries *result = &call->out->result;
    struct slice id = args_text(call->args, KITH_ARG_ID);
    struct event first;
    seq_t seq = dedupe_find(core->views, id);

    if (seq == 0 || history_read(core, seq, &first) != KITH_OK ||
        first.at_ms + DEDUPE_KEPT_MS <= call->now_ms) {
        call->result_nil = true;
        return KITH_OK;
    }
    entries_str(result, "id", id);
    entries_str(result, "op", first.head_op);
    entries_uint(result, "pos", first.seq + first.head_count - 1);
    entries_time(result, "at", first.at_ms);
    write_raw(entries_key(result, "result"), first.head_result);
    return KITH_OK;
}
