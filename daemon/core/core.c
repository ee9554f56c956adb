#include "core/core.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "core/internal.h"

struct core *
core_create(const struct core_options *options)
{
    struct core *core = calloc(1, sizeof(*core));
    if (!core)
        return NULL;
    core->store = options->store;
    core->log = store_log(options->store);
    core->views = store_views(options->store);
    core->keys = store_keys(options->store);
    core->state = store_state(options->store);
    core->stats = options->stats;
    core->refresh = options->refresh;
    core->refresh_context = options->refresh_context;
    core->clock_manual = options->clock_manual;
    memcpy(core->seed, options->seed, sizeof(core->seed));
    memcpy(&core->guess.seed, options->seed, sizeof(core->guess.seed));
    for (unsigned i = 0; i < ARRAY_COUNT(core->outputs); i++)
        memcpy(&core->outputs[i].wake.seed, options->seed + sizeof(core->guess.seed),
               sizeof(core->outputs[i].wake.seed));
    core->output = &core->outputs[0];
    core->ended = core->output;
    core->rules.settings = options->settings;
    core->rules.id_key = store_secrets(options->store)->id_key;
    apply_init(&core->apply, core->views, core->log);
    if (!buf_reserve(&core->sealed, SEALED_SIZE_MAX)) {
        core_destroy(core);
        return NULL;
    }
    return core;
}

void
core_destroy(struct core *core)
{
    if (!core)
        return;
    apply_fini(&core->apply);
    entries_fini(&core->decision.result);
    entries_fini(&core->decision.detail);
    entries_fini(&core->secrets);
    entries_fini(&core->kept);
    buf_fini(&core->result);
    buf_fini(&core->sealed);
    buf_fini(&core->others);
    buf_fini(&core->record);
    for (unsigned i = 0; i < ARRAY_COUNT(core->outputs); i++) {
        buf_fini(&core->outputs[i].frames);
        wake_fini(&core->outputs[i].wake);
    }
    sodium_memzero(core->seed, sizeof(core->seed));
    free(core);
}

/* --- replay -------------------------------------------------------------------------------- */

/* So many events are read before the first of them is applied: the rows that they need are on their
 * way from memory meanwhile, as with messages (core_expect()). */
#define REPLAY_GROUP_COUNT 16

static bool
replay_open(const struct log_record *record, struct event *event, struct fault *fault)
{
    if (!event_decode(record->body, event)) {
        fault_set(fault,
                  "event %llu is not one this version knows: was it written by a newer kithd?",
                  (unsigned long long)record->seq);
        return false;
    }
    event->seq = record->seq;
    event->at_ms = record->at_ms;
    return true;
}

static void
expect_event(struct core *core, const struct event *event, expect_fn *expect)
{
    const struct slice members[EXPECT_MEMBERS] = {event->from, event->to, event->member,
                                                  event->other};
    expect_named(core->views, event->head_id, members, expect);
}

/* Apply the next @count_max events at most; return how many. *@good says whether all were known. */
static unsigned
replay_group(struct core *core, struct log_scan *scan, unsigned count_max, bool *good,
             struct fault *fault)
{
    struct event events[REPLAY_GROUP_COUNT];
    struct log_record record;
    unsigned count = 0;
    while (count < count_max && count < REPLAY_GROUP_COUNT && log_scan_next(scan, &record)) {
        *good = replay_open(&record, &events[count], fault);
        if (!*good)
            return count;
        expect_event(core, &events[count++], views_expect);
    }
    for (unsigned i = 0; i < count; i++)
        expect_event(core, &events[i], views_expect_row);
    for (unsigned i = 0; i < count; i++) {
        apply_projection(&core->apply, &events[i]);
        apply_head(&core->apply, &events[i]);
    }
    return count;
}

enum kith_err
core_replay(struct core *core, unsigned count_max, bool *done, struct fault *fault)
{
    struct log_scan scan;
    seq_t applied = views_applied(core->views);
    unsigned count = 0, more;
    bool good = true;

    assert(count_max > 0);
    views_begin(core->views);
    log_scan_begin(&scan, core->log, applied);
    do {
        more = replay_group(core, &scan, count_max - count, &good, fault);
        count += more;
    } while (good && more > 0);
    if (count > 0)
        applied = scan.seq;
    enum kith_err err = scan.err;
    log_scan_end(&scan);
    if (err != KITH_OK)
        fault_set(fault, "event %llu of the log is damaged: restore the log from a backup",
                  (unsigned long long)log_damage(core->log));
    if (err == KITH_OK && !good)
        err = KITH_INTERNAL;
    if (err == KITH_OK && (err = views_error(core->views)) != KITH_OK)
        fault_set(fault, "the views failed while event %llu was applied",
                  (unsigned long long)applied);
    if (err == KITH_OK)
        views_keep(core->views, applied);
    else
        views_undo(core->views);
    *done = err == KITH_OK && applied == log_last(core->log);
    return err;
}

/* --- the batch ----------------------------------------------------------------------------- */

void
core_begin(struct core *core)
{
    core->err = KITH_OK;
    core->output->events = 0;
    core->output->tally = (struct tally){0};
    buf_clear(&core->output->frames);
    wake_begin(&core->output->wake);
}

void
core_be_quiet(struct core *core)
{
    wake_be_quiet(&core->output->wake);
}

enum kith_err
core_error(const struct core *core)
{
    return core->err != KITH_OK ? core->err : views_error(core->views);
}

unsigned
core_batch_events(const struct core *core)
{
    return core->output->events;
}

static void
end(struct core *core, struct output *output, bool committed)
{
    const struct tally *tally = &output->tally;
    core->ended = output;
    if (!committed) {
        output->events = 0;
        return;
    }
    if (tally->commands + tally->commands_repeated + tally->queries + tally->swept > 0)
        core->stats->batches++;
    core->stats->commands += tally->commands;
    core->stats->commands_repeated += tally->commands_repeated;
    core->stats->queries += tally->queries;
    core->stats->events += tally->events;
    core->stats->swept += tally->swept;
}

void
core_end(struct core *core, bool committed)
{
    end(core, core->output, committed);
}

/* The two outputs take turns. */
static struct output *
other_output(struct core *core)
{
    return &core->outputs[core->output == &core->outputs[0]];
}

void
core_seal(struct core *core)
{
    core->output = other_output(core);
}

void
core_settle(struct core *core, bool committed)
{
    end(core, other_output(core), committed);
}

unsigned
core_frame_count(const struct core *core)
{
    bool all = core->ended->events <= CORE_FRAMES_MAX && !core->ended->frames.failed;
    return all ? core->ended->events : 0;
}

void
core_frame(const struct core *core, unsigned index, const char **topic, struct slice *body)
{
    const struct output *output = core->ended;
    assert(index < core_frame_count(core));
    size_t start = index > 0 ? output->frame_end[index - 1] : 0;
    *topic = event_type_name(output->frame_type[index]);
    *body = slice_of(output->frames.data + start, output->frame_end[index] - start);
}

const uint64_t *
core_wait_keys(const struct core *core, const struct core_wait *wait)
{
    const struct buf *keys = &core->ended->wake.wait;
    assert(wait->key_count == 0 || !keys->failed);
    return wait->key_count > 0 ? (const uint64_t *)(const void *)keys->data + wait->key_first
                               : NULL;
}

bool
core_wait_is_over(const struct core *core, const struct core_wait *wait)
{
    const struct wake *wake = &core->ended->wake;
    return wait->moment != wake->moment || wake->wait.failed;
}

bool
core_woken(struct core *core, const uint64_t **keys, unsigned *count)
{
    return wake_list(&core->ended->wake, keys, count);
}

void
core_beat(struct core *core, msec_t now_ms, struct buf *body)
{
    write_map(body, 3);
    write_cstr(body, "epoch");
    write_uint(body, log_epoch(core->log));
    write_cstr(body, "last_seq");
    write_uint(body, log_durable(core->log));
    write_cstr(body, "at");
    write_int(body, now_ms);
}

/* --- messages ------------------------------------------------------------------------------ */

void
count_refusal(struct stats *stats, enum kith_err err)
{
    const struct {
        const char *class;
        uint64_t *counter;
    } rows[] = {
        {"invalid", &stats->refused_invalid},
        {"denied", &stats->refused_denied},
        {"not_found", &stats->refused_not_found},
        {"conflict", &stats->refused_conflict},
        {"quota", &stats->refused_quota},
        {"busy", &stats->refused_busy},
        {"unavailable", &stats->refused_unavailable},
        {"internal", &stats->refused_internal},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++)
        if (strcmp(kith_err_class(err), rows[i].class) == 0)
            ++*rows[i].counter;
}

static void
refuse_envelope(struct core *core, const struct reply_head *head, enum kith_err err,
                const struct envelope_fault *fault, size_t room, struct buf *reply)
{
    entries_clear(&core->decision.detail);
    if (fault->field)
        entries_cstr(&core->decision.detail, "field", fault->field);
    count_refusal(core->stats, err);
    reply_error(reply, head, err, fault->text, &core->decision.detail, room);
}

static struct reply_head
head_of(struct core *core, const struct envelope *envelope, const struct core_context *context,
        bool in_batch)
{
    return (struct reply_head){
        .in_batch = in_batch,
        .id = envelope->id,
        .pos = log_last(core->log),
        .at_ms = context->now_ms,
    };
}

static enum core_answer
execute_one(struct core *core, const struct message *message, const struct core_context *context,
            bool in_batch, size_t room, struct buf *reply, struct core_wait *wait)
{
    struct reply_head head = head_of(core, &message->envelope, context, in_batch);
    if (message->err != KITH_OK) {
        refuse_envelope(core, &head, message->err, &message->fault, room, reply);
        return CORE_REPLIED;
    }
    bool is_command = kith_ops[message->envelope.op].kind == KITH_KIND_COMMAND;
    core->message = message;
    return (is_command ? execute_command : execute_query)(core, context, &head, room, reply, wait);
}

/* --- batches ------------------------------------------------------------------------------- */

/* How much room the answers to all items need at least, whatever becomes of them. */
static size_t
batch_reserve(struct slice batch)
{
    struct reader reader;
    size_t size = 0;

    reader_init(&reader, batch);
    uint32_t count = reader_array(&reader);
    for (uint32_t i = 0; i < count; i++)
        size += REPLY_ITEM_SIZE_MAX + envelope_glance_id(reader_skip(&reader)).size;
    return size;
}

/* Open some of the items that are left. Returns how many. */
static unsigned
open_items(struct core *core, struct reader *reader, uint32_t left)
{
    unsigned count = left < MESSAGE_GROUP_MAX ? (unsigned)left : MESSAGE_GROUP_MAX;
    for (unsigned i = 0; i < count; i++)
        message_open_item(reader_skip(reader), &core->items[i]);
    core_expect(core, core->items, count);
    return count;
}

/* Items run in order, each on its own. Every item's least room is kept until it has run. */
static void
execute_batch(struct core *core, const struct envelope *envelope,
              const struct core_context *context, struct buf *reply)
{
    static const size_t frame_size = 32; /* {v, batch: [ */
    struct reader reader;
    struct core_context each = *context;
    struct envelope_fault none = {0};
    struct core_wait wait;
    size_t start = reply->size, reserved = batch_reserve(envelope->batch);

    each.last_try = true; /* nothing in a batch waits */
    reader_init(&reader, envelope->batch);
    uint32_t count = reader_array(&reader);
    if (count > KITH_BATCH_COUNT_MAX || reserved + frame_size > KITH_MESSAGE_SIZE_MAX) {
        struct reply_head head = head_of(core, envelope, context, false);
        refuse_envelope(core, &head, KITH_TOO_LARGE, &none, KITH_MESSAGE_SIZE_MAX, reply);
        return;
    }
    write_map(reply, 2);
    write_cstr(reply, "v");
    write_uint(reply, KITH_PROTOCOL_VERSION);
    write_cstr(reply, "batch");
    write_array(reply, count);
    unsigned opened = 0;
    for (uint32_t i = 0; i < count && core_error(core) == KITH_OK; i++) {
        unsigned place = i % MESSAGE_GROUP_MAX;
        if (place == 0)
            opened = open_items(core, &reader, count - i);
        assert(place < opened);
        const struct message *item = &core->items[place];
        size_t used = reply->size - start;
        size_t spare = KITH_MESSAGE_SIZE_MAX - used - reserved; /* beside what is kept for each */
        size_t own = REPLY_ITEM_SIZE_MAX + item->envelope.id.size;
        if (log_last_at(core->log) > each.now_ms)
            each.now_ms = log_last_at(core->log); /* the item before moved the clock */
        execute_one(core, item, &each, true, spare + own, reply, &wait);
        reserved -= own;
        assert(reply->failed || reply->size - start - used <= spare + own);
    }
}

bool
core_is_query(struct slice message)
{
    enum kith_op op = envelope_glance(message);
    return op != KITH_OP_COUNT && kith_ops[op].kind == KITH_KIND_QUERY;
}

bool
core_was_query(const struct core *core)
{
    return core->was_query;
}

enum core_answer
core_run(struct core *core, const struct message *message, const struct core_context *context,
         struct buf *reply, struct core_wait *wait)
{
    const struct envelope *envelope = &message->envelope;
    bool is_batch = message->err == KITH_OK && envelope->is_batch;

    assert(context->now_ms >= log_last_at(core->log));
    core->was_query =
        message->err != KITH_OK || (!is_batch && kith_ops[envelope->op].kind == KITH_KIND_QUERY);
    if (!is_batch)
        return execute_one(core, message, context, false, KITH_MESSAGE_SIZE_MAX, reply, wait);
    execute_batch(core, envelope, context, reply);
    return CORE_REPLIED;
}

enum core_answer
core_execute(struct core *core, struct slice bytes, const struct core_context *context,
             struct buf *reply, struct core_wait *wait)
{
    message_open(bytes, &core->own);
    core_expect(core, &core->own, 1);
    return core_run(core, &core->own, context, reply, wait);
}

void
core_refuse(struct core *core, struct slice message, enum kith_err err, msec_t now_ms,
            struct buf *reply)
{
    struct envelope envelope = {.id = envelope_glance_id(message)};
    struct envelope_fault none = {0};
    struct core_context context = {.now_ms = now_ms};
    struct reply_head head = head_of(core, &envelope, &context, false);
    refuse_envelope(core, &head, err, &none, KITH_MESSAGE_SIZE_MAX, reply);
}
