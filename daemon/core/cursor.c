/* Cursors: how far each subscriber is. A row of state beside the log, not an event. */
#include <stdio.h>

#include "base/assert.h"
#include "base/endian.h"
#include "codec/writer.h"
#include "core/internal.h"

#define CURSOR_VALUE_SIZE 8

/* Room for one more item of the list, and the end of the page. */
#define ITEM_SIZE_MAX (2 * KITH_CURSOR_SIZE_MAX + 128)

static enum kith_err
load(struct call *call, seq_t *seq)
{
    struct slice value;
    enum kith_err err =
        state_get(call->core->state, STATE_CURSOR, args_text(call->args, KITH_ARG_CURSOR), &value);
    if (err == KITH_NOT_FOUND)
        return refuse_field(call->out, err, "name");
    if (err != KITH_OK)
        return err;
    assert(value.size == CURSOR_VALUE_SIZE);
    *seq = get_be64(value.data);
    return KITH_OK;
}

static enum kith_err
check_new(struct call *call, seq_t seq)
{
    struct core *core = call->core;
    if (seq > log_last(core->log)) {
        snprintf(call->out->text, sizeof(call->out->text), "no event has that `seq` yet");
        return refuse_field(call->out, KITH_BAD_ARGUMENT, "seq");
    }
    return KITH_OK;
}

/* A cursor only moves forward: a commit that comes late, or a second time, changes nothing. */
enum kith_err
cursor_commit(struct call *call)
{
    struct core *core = call->core;
    seq_t present = 0, seq = args_uint(call->args, KITH_ARG_SEQ, 0);
    uint8_t value[CURSOR_VALUE_SIZE];
    enum kith_err err = check_new(call, seq);
    if (err != KITH_OK)
        return err;

    call->leaves_no_trace = true;
    err = load(call, &present);
    entries_clear(&call->out->detail);
    bool is_new = err != KITH_OK; /* or damaged: then this mends it */
    if (err == KITH_NOT_FOUND && state_count(core->state, STATE_CURSOR) >= KITH_CURSOR_COUNT_MAX) {
        snprintf(call->out->text, sizeof(call->out->text),
                 "there are too many cursors; delete some");
        return KITH_CAP_REACHED;
    }
    if (is_new || seq > present) {
        put_be64(value, seq);
        state_put(core->state, STATE_CURSOR, args_text(call->args, KITH_ARG_CURSOR),
                  slice_of(value, sizeof(value)));
        present = seq;
    }
    entries_uint(&call->out->result, "seq", present);
    return KITH_OK;
}

enum kith_err
cursor_delete(struct call *call)
{
    seq_t seq = 0;
    enum kith_err err = load(call, &seq);
    if (err == KITH_NOT_FOUND)
        return err;
    call->leaves_no_trace = true;
    state_del(call->core->state, STATE_CURSOR, args_text(call->args, KITH_ARG_CURSOR));
    entries_uint(&call->out->result, "seq", seq);
    return KITH_OK;
}

static void
put_place(struct entries *out, const struct core *core, seq_t seq)
{
    seq_t last = log_last(core->log);
    entries_uint(out, "seq", seq);
    entries_uint(out, "lag", last > seq ? last - seq : 0);
}

enum kith_err
query_cursor(struct call *call)
{
    seq_t seq = 0;
    enum kith_err err = load(call, &seq);
    if (err == KITH_OK)
        put_place(&call->out->result, call->core, seq);
    return err;
}

enum kith_err
query_cursors(struct call *call)
{
    struct core *core = call->core;
    struct entries *result = &call->out->result;
    struct slice after = args_text(call->args, KITH_ARG_AFTER);
    struct state_row row;
    uint64_t limit = args_uint(call->args, KITH_ARG_LIMIT, KITH_LIST_LIMIT_DEFAULT);
    uint32_t count = 0;

    if (limit > KITH_LIST_LIMIT_MAX)
        limit = KITH_LIST_LIMIT_MAX;
    size_t place = write_open_array(entries_key(result, "items"));
    bool more = state_next(core->state, STATE_CURSOR, after, &row);
    while (more && count < limit && result->buf.size + ITEM_SIZE_MAX < call->room) {
        struct entries_inner item = entries_open_item(result);
        entries_str(result, "name", row.name);
        if (row.value.size == CURSOR_VALUE_SIZE)
            put_place(result, core, get_be64(row.value.data));
        entries_close(result, item);
        count++;
        after = row.name;
        more = state_next(core->state, STATE_CURSOR, after, &row);
    }
    write_close_array(&result->buf, place, count);
    if (more && count == 0)
        return KITH_TOO_LARGE; /* of a batch that is nearly full */
    if (more)
        entries_str(result, "next", after);
    return KITH_OK;
}

uint64_t
cursor_lag_max(const struct core *core)
{
    struct state_row row = {{0}, {0}};
    seq_t last = log_last(core->log), lag = 0;
    while (state_next(core->state, STATE_CURSOR, row.name, &row)) {
        seq_t seq = row.value.size == CURSOR_VALUE_SIZE ? get_be64(row.value.data) : last;
        if (last - seq > lag)
            lag = last - seq;
    }
    return lag;
}
