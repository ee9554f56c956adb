/* Cursors: how far each subscriber is, in the log or in one member's feed. A row of state beside
 * the log, not an event. */
#include <stdio.h>

#include "base/assert.h"
#include "base/endian.h"
#include "codec/writer.h"
#include "core/queries.h"
#include "core/rows/feed.h"

#define CURSOR_SEQ_SIZE 8

/* Room for one more item of the list, and the end of the page. */
#define ITEM_SIZE_MAX (2 * KITH_CURSOR_SIZE_MAX + KITH_MEMBER_SIZE_MAX + 128)

/* As it is kept: the sequence, then the member in whose feed it is, if in one. */
struct cursor {
    seq_t seq;
    struct slice member; /* size 0: in the log; borrowed from the row */
};

static bool
decode(struct slice value, struct cursor *out)
{
    if (value.size < CURSOR_SEQ_SIZE || value.size > CURSOR_SEQ_SIZE + KITH_MEMBER_SIZE_MAX)
        return false;
    out->seq = get_be64(value.data);
    out->member = slice_of(value.data + CURSOR_SEQ_SIZE, value.size - CURSOR_SEQ_SIZE);
    return true;
}

static enum kith_err
load(struct call *call, struct cursor *out)
{
    struct slice value;
    enum kith_err err =
        state_get(call->core->state, STATE_CURSOR, args_text(call->args, KITH_ARG_CURSOR), &value);
    if (err == KITH_NOT_FOUND)
        return refuse_field(call->out, err, "name");
    if (err != KITH_OK)
        return err;
    bool is_good = decode(value, out);
    assert(is_good);
    return KITH_OK;
}

/* The last number that a cursor of this member's feed, or of the log, can have. */
static seq_t
last_of(const struct core *core, struct slice member)
{
    if (member.size == 0)
        return log_last(core->log);
    struct feed_key key = feed_of(member);
    return views_feed_length(core->views, &key);
}

static enum kith_err
check_new(struct call *call, seq_t seq, struct slice member)
{
    struct member known;
    enum kith_err err = member.size > 0 ? query_member(call, KITH_ARG_MEMBER, &known) : KITH_OK;
    if (err != KITH_OK || seq <= last_of(call->core, member))
        return err;
    snprintf(call->out->text, sizeof(call->out->text), "no event has that `seq` yet");
    return refuse_field(call->out, KITH_BAD_ARGUMENT, "seq");
}

static void
store(struct call *call, seq_t seq, struct slice member)
{
    uint8_t value[CURSOR_SEQ_SIZE + KITH_MEMBER_SIZE_MAX];
    put_be64(value, seq);
    memcpy(value + CURSOR_SEQ_SIZE, member.data, member.size);
    state_put(call->core->state, STATE_CURSOR, args_text(call->args, KITH_ARG_CURSOR),
              slice_of(value, CURSOR_SEQ_SIZE + member.size));
}

/* Numbers of two feeds, or of a feed and the log, cannot be compared. A cursor without a member may
 * become one of a member, for it may have been made before cursors knew of members. */
static enum kith_err
check_same(struct call *call, const struct cursor *present, struct slice member)
{
    if (present->member.size == 0 || slice_equal(present->member, member))
        return KITH_OK;
    snprintf(call->out->text, sizeof(call->out->text), "this cursor is of another member's feed");
    return refuse_field(call->out, KITH_BAD_ARGUMENT, "member");
}

/* A cursor only moves forward: a commit that comes late, or a second time, changes nothing. */
enum kith_err
cursor_commit(struct call *call)
{
    struct core *core = call->core;
    struct cursor present = {0};
    seq_t seq = args_uint(call->args, KITH_ARG_SEQ, 0);
    struct slice member = args_has(call->args, KITH_ARG_MEMBER)
                              ? args_text(call->args, KITH_ARG_MEMBER)
                              : slice_of("", 0);
    enum kith_err err = check_new(call, seq, member);
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
    err = is_new ? KITH_OK : check_same(call, &present, member);
    if (err != KITH_OK)
        return err;
    is_new = is_new || present.member.size != member.size;
    if (is_new || seq > present.seq) {
        store(call, seq, member);
        present.seq = seq;
    }
    entries_uint(&call->out->result, "seq", present.seq);
    return KITH_OK;
}

enum kith_err
cursor_delete(struct call *call)
{
    struct cursor cursor = {0};
    enum kith_err err = load(call, &cursor);
    if (err == KITH_NOT_FOUND)
        return err;
    call->leaves_no_trace = true;
    state_del(call->core->state, STATE_CURSOR, args_text(call->args, KITH_ARG_CURSOR));
    entries_uint(&call->out->result, "seq", cursor.seq);
    return KITH_OK;
}

static uint64_t
lag_of(const struct core *core, const struct cursor *cursor)
{
    seq_t last = last_of(core, cursor->member);
    return last > cursor->seq ? last - cursor->seq : 0;
}

static void
put_place(struct entries *out, const struct core *core, const struct cursor *cursor)
{
    if (cursor->member.size > 0)
        entries_str(out, "member", cursor->member);
    entries_uint(out, "seq", cursor->seq);
    entries_uint(out, "lag", lag_of(core, cursor));
}

enum kith_err
query_cursor(struct call *call)
{
    struct cursor cursor = {0};
    enum kith_err err = load(call, &cursor);
    if (err == KITH_OK)
        put_place(&call->out->result, call->core, &cursor);
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
        struct cursor cursor;
        if (decode(row.value, &cursor))
            put_place(result, core, &cursor);
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
    uint64_t lag = 0;
    while (state_next(core->state, STATE_CURSOR, row.name, &row)) {
        struct cursor cursor;
        if (decode(row.value, &cursor) && lag_of(core, &cursor) > lag)
            lag = lag_of(core, &cursor);
    }
    return lag;
}
