#include "core/queries.h"

#include <stdio.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"

op_fn *const query_fns[KITH_OP_COUNT] = {
    [KITH_OP_SERVER_HELLO] = query_hello,
    [KITH_OP_SERVER_STATS] = query_stats,
    [KITH_OP_MEMBER_GET] = query_member_get,
    [KITH_OP_MEMBER_LIST] = query_member_list,
    [KITH_OP_CONNECTION_STATUS] = query_status,
    [KITH_OP_CONNECTION_LIST] = query_connections,
    [KITH_OP_CONNECTION_INCOMING] = query_incoming,
    [KITH_OP_CONNECTION_OUTGOING] = query_outgoing,
    [KITH_OP_CONNECTION_COUNTS] = query_counts,
    [KITH_OP_INVITE_GET] = query_invite,
    [KITH_OP_INVITE_LIST] = query_invites,
    [KITH_OP_INVITE_PEEK] = query_peek,
    [KITH_OP_INVITE_COUNTS] = query_invite_counts,
    [KITH_OP_INVITE_TREE] = query_tree,
    [KITH_OP_QUOTA_GET] = query_quota,
    [KITH_OP_EVENT_READ] = query_events,
    [KITH_OP_COMMAND_LOOKUP] = query_command,
    [KITH_OP_SUBSCRIPTION_PARKED] = query_parked,
    [KITH_OP_CURSOR_GET] = query_cursor,
    [KITH_OP_CURSOR_LIST] = query_cursors,
    [KITH_OP_MEMBER_BLOCKS] = query_blocks,
    [KITH_OP_MEMBER_PREAPPROVALS] = query_preapprovals,
    [KITH_OP_CONNECTION_PREVIEW] = query_preview,
    [KITH_OP_CONNECTION_MUTUALS] = query_mutuals,
    [KITH_OP_CONNECTION_PATH] = query_path,
    [KITH_OP_CONNECTION_SUGGEST] = query_suggest,
    [KITH_OP_CONNECTION_ACCESS] = query_access,
};

enum kith_err
query_member(struct call *call, enum kith_arg arg, struct member *out)
{
    member_load(call->core->views, args_text(call->args, arg), out);
    return out->known ? KITH_OK : refuse_field(call->out, KITH_NO_SUCH_MEMBER, kith_args[arg].name);
}

void
query_each_member(struct call *call, enum kith_arg arg, const struct member *viewer,
                  void tell(struct call *, const struct member *, const struct member *))
{
    struct reader reader;
    struct entries *result = &call->out->result;
    reader_init(&reader, call->args->value[arg].raw);
    uint32_t count = reader_array(&reader);

    write_array(entries_key(result, "items"), count);
    for (uint32_t i = 0; i < count; i++) {
        struct member member;
        member_load(call->core->views, reader_str(&reader), &member);
        struct entries_inner item = entries_open_item(result);
        entries_str(result, "member", member.id);
        tell(call, viewer, &member);
        entries_close(result, item);
    }
}

void
query_sealed(struct call *call, const char *name, struct slice writer, struct slice sealed)
{
    buf_clear(&call->core->sealed);
    text_unseal(call->core, writer, sealed, &call->core->sealed);
    if (call->core->sealed.size > 0)
        entries_str(&call->out->result, name, buf_slice(&call->core->sealed));
}

/* --- pages --------------------------------------------------------------------------------- */

/* Room for one more item of any list, and the end of the page. */
#define PAGE_ITEM_SIZE_MAX (KITH_NOTE_SIZE_MAX + KITH_NAME_SIZE_MAX + 1024)

/* What a page takes besides its items: their key and count. */
#define PAGE_FRAME_SIZE_MAX 64

static int
hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

bool
query_place(struct slice text, size_t size, struct list_key *key)
{
    if (text.size != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text.data[2 * i]), low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        key->bytes[key->size++] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* How much of a table's key follows the prefix of a page. */
static size_t
rest_size(enum view_table table)
{
    return table == VIEW_NUMBER ? 4 : 8;
}

static void
fetch(struct page *page, unsigned which)
{
    struct page_row *row = &page->row[which];
    row->is_there = page->scan[which] && views_scan_next(page->scan[which], &row->key, &row->value);
}

enum kith_err
page_begin_two(struct page *page, struct call *call, enum view_table table, enum view_table second,
               struct list_key prefix)
{
    struct list_key after = prefix;
    struct slice place = args_text(call->args, KITH_ARG_AFTER);
    uint64_t limit = args_uint(call->args, KITH_ARG_LIMIT, KITH_LIST_LIMIT_DEFAULT);

    if (place.data && !query_place(place, rest_size(table), &after)) {
        snprintf(call->out->text, sizeof(call->out->text),
                 "`after` must be the `next` of an earlier page of this list");
        return refuse_field(call->out, KITH_BAD_ARGUMENT, "after");
    }
    if (call->room < PAGE_ITEM_SIZE_MAX + PAGE_FRAME_SIZE_MAX)
        return KITH_TOO_LARGE; /* of a batch that is nearly full: not even one item fits */
    *page = (struct page){
        .call = call,
        .prefix_size = prefix.size,
        .limit = limit < KITH_LIST_LIMIT_MAX ? limit : KITH_LIST_LIMIT_MAX,
        .last = after,
    };
    struct slice from = place.data ? list_key_slice(&after) : (struct slice){0};
    page->scan[0] = views_scan_begin(call->core->views, table, list_key_slice(&prefix), from);
    if (second != table)
        page->scan[1] = views_scan_begin(call->core->views, second, list_key_slice(&prefix), from);
    fetch(page, 0);
    fetch(page, 1);
    page->place = write_open_array(entries_key(&call->out->result, "items"));
    return KITH_OK;
}

enum kith_err
page_begin(struct page *page, struct call *call, enum view_table table, struct list_key prefix)
{
    return page_begin_two(page, call, table, table, prefix);
}

/* Which of the two rows comes first; keys of one kind have one size. */
static unsigned
first_row(const struct page *page)
{
    const struct page_row *a = &page->row[0], *b = &page->row[1];
    if (!a->is_there || !b->is_there)
        return !a->is_there;
    return memcmp(a->key.data, b->key.data, a->key.size) > 0;
}

bool
page_next(struct page *page, struct slice *key, struct slice *value)
{
    size_t used = page->call->out->result.buf.size;
    bool full = page->count == page->limit || page->scanned == PAGE_SCAN_MAX ||
                used + PAGE_ITEM_SIZE_MAX > page->call->room;
    if (page->scanned > 0)
        fetch(page, page->given);
    unsigned which = first_row(page);
    page->more = page->row[which].is_there && full;
    if (!page->row[which].is_there || full)
        return false;

    *key = page->row[which].key;
    *value = page->row[which].value;
    assert(key->size <= sizeof(page->last.bytes));
    memcpy(page->last.bytes, key->data, key->size);
    page->last.size = key->size;
    page->given = which;
    page->scanned++;
    return true;
}

struct entries_inner
page_item(struct page *page)
{
    page->count++;
    return entries_open_item(&page->call->out->result);
}

void
page_item_end(struct page *page, struct entries_inner inner)
{
    entries_close(&page->call->out->result, inner);
}

void
page_end(struct page *page)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * VIEW_LIST_KEY_SIZE_MAX];
    size_t size = 0;

    views_scan_end(page->scan[0]);
    if (page->scan[1])
        views_scan_end(page->scan[1]);
    write_close_array(&page->call->out->result.buf, page->place, page->count);
    if (!page->more)
        return;
    for (size_t i = page->prefix_size; i < page->last.size; i++) {
        text[size++] = digits[page->last.bytes[i] >> 4];
        text[size++] = digits[page->last.bytes[i] & 15];
    }
    entries_str(&page->call->out->result, "next", slice_of(text, size));
}

/* --- waiting -------------------------------------------------------------------------------- */

void
call_wait_begin(struct call *call, seq_t scanned)
{
    const struct wake *wake = &call->core->output->wake;
    call->waits = true;
    call->wait = (struct core_wait){
        .wake_seq = CORE_SEQ_NEVER,
        .wait_ms = (msec_t)args_uint(call->args, KITH_ARG_WAIT_MS, 0),
        .has_scanned = true,
        .scanned = scanned,
        .moment = wake->moment,
        .key_first = (unsigned)(wake->wait.size / sizeof(uint64_t)),
    };
}

void
call_wait_end(struct call *call)
{
    size_t end = call->core->output->wake.wait.size / sizeof(uint64_t);
    call->wait.key_count = (unsigned)end - call->wait.key_first;
}

/* --- running one --------------------------------------------------------------------------- */

static enum core_answer
refuse_query(struct core *core, const struct reply_head *head, enum kith_err err, size_t room,
             struct buf *reply)
{
    reply_refuse(core, head, err, room, reply);
    return CORE_REPLIED;
}

static enum core_answer
answer(struct core *core, const struct call *call, struct reply_head *head, size_t room,
       struct buf *reply)
{
    size_t start = reply->size;
    core->output->tally.queries++;
    if (call->result_nil)
        reply_nil(reply, head);
    else
        reply_ok(reply, head, &core->decision.result, NULL);
    if (reply->size - start <= room)
        return CORE_REPLIED;
    reply->size = start;
    entries_clear(&core->decision.detail);
    return refuse_query(core, head, KITH_TOO_LARGE, room, reply);
}

enum core_answer
execute_query(struct core *core, const struct core_context *context, struct reply_head *head,
              size_t room, struct buf *reply, struct core_wait *wait)
{
    const struct envelope *envelope = &core->message->envelope;
    struct call call = {
        .core = core,
        .op = envelope->op,
        .args = &core->message->args,
        .now_ms = context->now_ms,
        .out = &core->decision,
        .room = room > REPLY_ITEM_SIZE_MAX ? room - REPLY_ITEM_SIZE_MAX : 0,
        .may_wait = !context->last_try,
        .has_scanned = context->has_scanned,
        .scanned = context->scanned,
    };
    decision_clear(&core->decision, 0, context->now_ms);
    enum kith_err before = core->err, err = call_args(core);
    if (err == KITH_OK)
        err = check_wait(core, head->in_batch);
    if (err != KITH_OK)
        return refuse_query(core, head, err, room, reply);

    if (envelope->min_pos > log_last(core->log)) {
        if (context->last_try)
            return refuse_query(core, head, KITH_LAGGING, room, reply);
        *wait = (struct core_wait){.wake_seq = envelope->min_pos,
                                   .wait_ms = KITH_MIN_POS_MS_MAX,
                                   .moment = core->output->wake.moment};
        return CORE_WAITS;
    }
    err = guess_check(core, context->now_ms);
    if (err == KITH_OK) {
        err = query_fns[envelope->op](&call);
        guess_note(core, err, context->now_ms);
    }
    err = call_outcome(core, err);
    call_forgive(core, before);
    if (err != KITH_OK)
        return refuse_query(core, head, err, room, reply);
    if (call.waits) {
        *wait = call.wait;
        return CORE_WAITS;
    }
    return answer(core, &call, head, room, reply);
}
