/* One command, from its arguments to its events: refuse, repeat, or do. */
#include "base/assert.h"
#include "base/endian.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "core/internal.h"

/* --- appending ------------------------------------------------------------------------------ */

static void
render_frame(struct core *core, const struct event *event, struct slice cause)
{
    struct output *output = core->output;
    unsigned index = output->events;
    if (index >= CORE_FRAMES_MAX)
        return;
    event_render(&output->frames, event, cause);
    output->frame_end[index] = output->frames.size;
    output->frame_type[index] = (uint8_t)event->type;
}

static void
append_one(struct core *core, const struct event *event, struct slice cause)
{
    buf_clear(&core->record);
    event_encode(&core->record, event);
    seq_t seq =
        core->record.failed ? 0 : log_append(core->log, event->at_ms, buf_slice(&core->record));
    if (seq == 0) {
        core->err = KITH_UNAVAILABLE;
        return;
    }
    assert(seq == event->seq);
    render_frame(core, event, cause);
    wake_note_event(&core->output->wake, event);
    core->output->events++;
    core->output->tally.events++;
}

static void
seal_new(struct core *core)
{
    struct decision *decision = &core->decision;
    for (unsigned i = decision->applied_count; i < decision->event_count; i++)
        event_seal(core, &decision->events[i]);
}

static void
project_new(struct core *core)
{
    struct decision *decision = &core->decision;
    for (; decision->applied_count < decision->event_count && core_error(core) == KITH_OK;
         decision->applied_count++)
        apply_projection(&core->apply, &decision->events[decision->applied_count]);
}

void
decision_settle(struct core *core)
{
    seal_new(core);
    project_new(core);
}

/* Written down before it is applied: the facts that an event points to are still as they were. */
static void
append_all(struct core *core, struct slice cause)
{
    struct decision *decision = &core->decision;
    assert(decision->first_seq == log_last(core->log) + 1);
    seal_new(core);
    for (unsigned i = 0; i < decision->event_count && core->err == KITH_OK; i++)
        append_one(core, &decision->events[i], cause);
    if (core->err != KITH_OK)
        return;
    project_new(core);
    for (unsigned i = 0; i < decision->event_count; i++)
        apply_head(&core->apply, &decision->events[i]);
    core->err = views_error(core->views);
}

void
append_own(struct core *core)
{
    append_all(core, (struct slice){0});
    decision_clear(&core->decision, log_last(core->log) + 1, core->decision.now_ms);
}

/* --- outcomes that are kept ----------------------------------------------------------------- */

/* The token of an invite, by the key that it was made with. Its public id is what the result begins
 * with, of every command that tells a token. */
static const struct entries *
tell_token(struct core *core, struct slice result)
{
    struct reader reader;
    struct public_id id;
    struct invite invite;
    char token[TOKEN_TEXT_SIZE];
    uint64_t newest = store_secrets(core->store)->token_key_count;
    reader_init(&reader, result);
    reader_map(&reader);
    assert(slice_is(reader_str(&reader), "invite"));
    bool ours = public_id_parse(reader_str(&reader), &id);
    assert(ours); /* its checksum was right: then we wrote it */
    invite_load(core->views, &id, &invite);
    const uint8_t *key = find_token_key(core, invite.known ? invite.token_key : newest);
    if (!key)
        return NULL; /* the operator has taken it away */
    token_make(key, &id, token);
    entries_str(&core->secrets, "token", slice_of(token, sizeof(token)));
    return &core->secrets;
}

static const struct entries *
tell_claim(struct core *core, seq_t seq, uint64_t key_number)
{
    struct public_id id = public_id_make(core->rules.id_key, seq);
    char claim[TOKEN_TEXT_SIZE];
    const uint8_t *key = find_token_key(core, key_number);
    if (!key)
        return NULL;
    token_make(key, &id, claim);
    entries_str(&core->secrets, "claim", slice_of(claim, sizeof(claim)));
    return &core->secrets;
}

/* What is told with a result but never kept: @first is the first event of its command. */
static const struct entries *
find_secrets(struct core *core, enum kith_op op, const struct event *first, struct slice result)
{
    entries_clear(&core->secrets);
    if (op == KITH_OP_INVITE_CREATE || op == KITH_OP_INVITE_LINK || op == KITH_OP_INVITE_RESEND)
        return tell_token(core, result);
    if (op == KITH_OP_INVITE_CLAIM)
        return tell_claim(core, first->seq, first->token_key);
    return NULL;
}

/* Answer a repeated command as it was answered the first time. */
static void
repeat(struct core *core, enum kith_op op, const struct event *first, struct reply_head *head,
       struct buf *reply)
{
    struct reader reader;
    head->pos = first->seq + first->head_count - 1;
    head->at_ms = first->at_ms;
    head->dup = true;

    entries_clear(&core->kept);
    reader_init(&reader, first->head_result);
    core->kept.count = reader_map(&reader);
    buf_append(&core->kept.buf, reader.at, (size_t)(reader.end - reader.at));
    reply_ok(reply, head, &core->kept, find_secrets(core, op, first, first->head_result));
    core->output->tally.commands_repeated++;
}

/* The head of an earlier command with this id, while its outcome is kept. */
static bool
find_earlier(struct core *core, struct slice id, msec_t now_ms, struct event *first)
{
    seq_t seq = dedupe_find(core->views, id);
    if (seq == 0)
        return false;
    if (history_read(core, seq, first) != KITH_OK)
        return false;
    return first->at_ms + DEDUPE_KEPT_MS > now_ms;
}

/* --- guessing ------------------------------------------------------------------------------- */

enum kith_err
guess_check(struct core *core, msec_t now_ms)
{
    struct slice source = args_text(&core->message->args, KITH_ARG_SOURCE);
    struct entries *detail = &core->decision.detail;
    msec_t free_ms;
    if (!source.data || !guess_refuses(&core->guess, source, now_ms, &free_ms))
        return KITH_OK;
    entries_cstr(detail, "window", "guess");
    entries_uint(detail, "limit", GUESS_BURST);
    entries_uint(detail, "used", GUESS_BURST);
    entries_time(detail, "next_free_at", free_ms);
    return KITH_QUOTA_EXCEEDED;
}

void
guess_note(struct core *core, enum kith_err err, msec_t now_ms)
{
    struct slice source = args_text(&core->message->args, KITH_ARG_SOURCE);
    if (source.data && err == KITH_INVITE_INVALID)
        guess_count(&core->guess, source, now_ms);
}

/* --- doing ---------------------------------------------------------------------------------- */

void
reply_refuse(struct core *core, const struct reply_head *head, enum kith_err err, size_t room,
             struct buf *reply)
{
    count_refusal(core->stats, err);
    reply_error(reply, head, err, core->decision.text, &core->decision.detail, room);
}

/* Make the first event the head of the command. */
static void
write_heads(struct core *core, const struct envelope *envelope, struct slice hash,
            struct buf *result)
{
    struct decision *decision = &core->decision;
    struct event *first = &decision->events[0];

    entries_write(result, &decision->result);
    first->head_id = envelope->id;
    first->head_op = slice_str(kith_ops[envelope->op].name);
    first->head_hash = hash;
    first->head_result = buf_slice(result);
    first->head_count = decision->event_count;
    for (unsigned i = 1; i < decision->event_count; i++)
        decision->events[i].head_back = i;
}

static void
keep_and_answer(struct core *core, const struct envelope *envelope, struct slice hash,
                struct reply_head *head, struct buf *reply)
{
    struct decision *decision = &core->decision;
    if (decision->event_count == 0)
        decision_event(decision, EVENT_COMMAND_NOTED);

    buf_clear(&core->result);
    write_heads(core, envelope, hash, &core->result);
    append_all(core, envelope->id);

    head->pos = decision->first_seq + decision->event_count - 1;
    head->at_ms = decision->now_ms;
    reply_ok(reply, head, &decision->result,
             find_secrets(core, envelope->op, &decision->events[0], buf_slice(&core->result)));
    core->output->tally.commands++;
}

static void
answer_untraced(struct core *core, struct reply_head *head, struct buf *reply)
{
    assert(core->decision.event_count == 0);
    reply_ok(reply, head, &core->decision.result, NULL);
    core->output->tally.commands++;
}

/* Nobody connects to himself: for all operations on two members at once. */
static bool
names_one_twice(const struct args *args)
{
    static const enum kith_arg two[][2] = {{KITH_ARG_FROM, KITH_ARG_TO},
                                           {KITH_ARG_MEMBER, KITH_ARG_OTHER}};
    for (unsigned i = 0; i < ARRAY_COUNT(two); i++)
        if (args_has(args, two[i][0]) && args_has(args, two[i][1]) &&
            slice_equal(args->value[two[i][0]].text, args->value[two[i][1]].text))
            return true;
    return false;
}

enum kith_err
call_args(struct core *core)
{
    const struct message *message = core->message;
    if (message->args_err != KITH_OK) {
        const struct args_fault *fault = &message->args_fault;
        entries_str(&core->decision.detail, "field", fault->field);
        memcpy(core->decision.text, fault->text, sizeof(fault->text));
    }
    return message->args_err;
}

enum kith_err
call_outcome(struct core *core, enum kith_err err)
{
    if (core_error(core) == KITH_OK)
        return err;
    entries_clear(&core->decision.detail);
    core->decision.text[0] = 0;
    return core_error(core);
}

void
call_forgive(struct core *core, enum kith_err before)
{
    if (core->err == KITH_INTERNAL && log_damage(core->log) > 0)
        core->err = before; /* what the views failed with stands */
}

enum kith_err
check_wait(struct core *core, bool in_batch)
{
    static const char text[] = "`wait_ms` does not go with a batch";
    if (!in_batch || !args_has(&core->message->args, KITH_ARG_WAIT_MS))
        return KITH_OK;
    memcpy(core->decision.text, text, sizeof(text));
    return refuse_field(&core->decision, KITH_BAD_ARGUMENT, "wait_ms");
}

static enum kith_err
check_shape(struct core *core, bool in_batch)
{
    const struct envelope *envelope = &core->message->envelope;
    if (!envelope->id.data)
        return KITH_ID_REQUIRED;
    if (envelope->has_min_pos)
        return refuse_field(&core->decision, KITH_BAD_ARGUMENT, "min_pos");
    enum kith_err err = call_args(core);
    if (err == KITH_OK)
        err = check_wait(core, in_batch);
    if (err != KITH_OK)
        return err;
    return names_one_twice(&core->message->args) ? KITH_SELF : KITH_OK;
}

static void
expect_message(struct core *core, const struct message *message, expect_fn *expect)
{
    const struct args *args = &message->args;
    if (message->err != KITH_OK || message->args_err != KITH_OK)
        return;
    const struct slice members[EXPECT_MEMBERS] = {
        args_text(args, KITH_ARG_FROM), args_text(args, KITH_ARG_TO),
        args_text(args, KITH_ARG_MEMBER), args_text(args, KITH_ARG_OTHER)};
    expect_named(core->views, message->envelope.id, members, expect);
}

void
core_expect(struct core *core, const struct message *messages, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        expect_message(core, &messages[i], views_expect);
    for (unsigned i = 0; i < count; i++)
        expect_message(core, &messages[i], views_expect_row);
}

enum core_answer
execute_command(struct core *core, const struct core_context *context, struct reply_head *head,
                size_t room, struct buf *reply, struct core_wait *wait)
{
    const struct envelope *envelope = &core->message->envelope;
    struct slice hash = slice_of(core->message->hash, COMMAND_HASH_SIZE);
    struct event first;
    struct decision *decision = &core->decision;
    enum kith_err before = core->err;

    buf_clear(&core->sealed);
    decision_clear(decision, log_last(core->log) + 1, context->now_ms);
    enum kith_err err = check_shape(core, head->in_batch);
    if (err == KITH_OK && context->refuse != KITH_OK)
        err = context->refuse;
    if (err != KITH_OK) {
        reply_refuse(core, head, err, room, reply);
        return CORE_REPLIED;
    }

    if (find_earlier(core, envelope->id, context->now_ms, &first)) {
        if (slice_equal(first.head_hash, hash))
            repeat(core, envelope->op, &first, head, reply);
        else
            reply_refuse(core, head, KITH_IDEMPOTENCY_MISMATCH, room, reply);
        return CORE_REPLIED;
    }
    /* Whether it was done before cannot be told: then it is not done now. */
    err = call_outcome(core, KITH_OK);
    if (err != KITH_OK) {
        call_forgive(core, before);
        reply_refuse(core, head, err, room, reply);
        return CORE_REPLIED;
    }

    struct call call = {.core = core,
                        .op = envelope->op,
                        .args = &core->message->args,
                        .now_ms = context->now_ms,
                        .out = decision,
                        .may_wait = !context->last_try,
                        .room = room > REPLY_ITEM_SIZE_MAX ? room - REPLY_ITEM_SIZE_MAX : 0};
    err = guess_check(core, context->now_ms);
    if (err == KITH_OK) {
        err = command_fns[envelope->op](&call);
        guess_note(core, err, context->now_ms);
    }
    err = call_outcome(core, err);
    if (err == KITH_OK && call.waits) {
        *wait = call.wait;
        return CORE_WAITS;
    }
    if (err == KITH_OK && call.leaves_no_trace) {
        answer_untraced(core, head, reply);
    } else if (err == KITH_OK) {
        keep_and_answer(core, envelope, hash, head, reply);
    } else {
        assert(decision->applied_count == 0 || core_error(core) != KITH_OK);
        if (call.leaves_no_trace)
            call_forgive(core, before);
        head->pos = log_last(core->log);
        reply_refuse(core, head, err, room, reply);
    }
    return CORE_REPLIED;
}
