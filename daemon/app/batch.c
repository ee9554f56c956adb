#include "app/batch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "app/diagnostics.h"
#include "app/replay.h"
#include "base/assert.h"

#define ENTRY_COUNT_MAX  (BATCH_COUNT_MAX + BATCH_PARKED_MAX)
#define CLOCK_LOOK_EVERY 64                     /* messages between two looks at the clock */
#define FIRST_COUNT_MAX  (CLOCK_LOOK_EVERY - 1) /* of a turn, whose queries run before the rest */
#define KEPT_TICK_MS     1     /* between two offers of replies that were not taken */
#define TROUBLE_EVERY_MS 10000 /* a full disk would otherwise fill the journal too */

enum entry_state {
    ENTRY_TAKEN, /* not executed yet */
    ENTRY_EARLY, /* executed before its batch changed anything */
    ENTRY_TOLD,  /* and answered before the batch was committed */
    ENTRY_RUN    /* executed behind what came before it, and answered behind the commit */
};

/* One message of the batch, and its answer. It is kept until the commit, to run again if that
 * fails. */
struct entry {
    struct net_request request;
    struct parked_query *parked; /* owned; it waited, and only the route of `request` is there */
    size_t offset, size;         /* the answer, in the replies of its work */
    bool late;                   /* turned away, for it waited too long */
    enum entry_state state;
    bool waits; /* no answer yet */
    struct core_wait wait;
};

/* The messages of a batch, and their answers. */
struct work {
    unsigned count, waiting_count;
    size_t size, waiting_size;
    struct buf replies;
    struct entry entries[ENTRY_COUNT_MAX];
};

struct batch {
    struct daemon *daemon;
    struct clock_reading reading; /* when the turn began */
    msec_t now_ms;                /* the log's time, likewise */
    bool drain;
    bool swept_all;
    bool overrun;         /* more comes than can be done */
    bool left;            /* messages, when no more were taken */
    unsigned eaten;       /* what came as a message and was none, in this turn */
    msec_t spent_ms;      /* of this turn, when the clock was last looked at */
    struct work works[2]; /* they take turns */
    struct work *open;    /* what is executed now */
    struct work *flight;  /* what the thread commits, not answered yet; NULL if nothing is */
    seq_t published_seq;
    uint64_t ended_count; /* connections, when it was last looked for polls of theirs */
    unsigned look_place;  /* of that look; 0: it is over */
    msec_t trouble_ms;
    uint64_t trouble_count;
};

struct batch *
batch_create(struct daemon *daemon)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    batch->daemon = daemon;
    batch->open = &batch->works[0];
    batch->published_seq = log_last(store_log(daemon->store));
    batch->trouble_ms = -TROUBLE_EVERY_MS;
    return batch;
}

void
batch_destroy(struct batch *batch)
{
    if (!batch)
        return;
    assert(!batch->flight && batch->open->count == 0);
    for (unsigned i = 0; i < ARRAY_COUNT(batch->works); i++)
        buf_fini(&batch->works[i].replies);
    free(batch);
}

static struct slice
entry_body(const struct entry *entry)
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

static void
execute(struct batch *batch, struct entry *entry, enum kith_err refuse)
{
    struct daemon *daemon = batch->daemon;
    struct slice body = entry_body(entry);
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
        core_refuse(daemon->core, body, KITH_BUSY, context.now_ms, &work->replies);
        entry->size = work->replies.size - entry->offset;
        return;
    }
    enum core_answer answer =
        core_execute(daemon->core, body, &context, &work->replies, &entry->wait);
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

static void
begin(struct batch *batch, enum kith_err refuse)
{
    struct daemon *daemon = batch->daemon;
    buf_clear(&batch->open->replies);
    batch->open->waiting_count = 0;
    batch->open->waiting_size = 0;
    store_begin(daemon->store);
    core_begin(daemon->core);
    batch->swept_all = true;
    if (refuse != KITH_OK)
        return;
    /* Where time is moved by hand, everything that is due happens before the next message. */
    bool all = daemon->clock.manual;
    do
        batch->swept_all = core_sweep(daemon->core, now_of(batch)) < CORE_SWEEP_MAX;
    while (all && !batch->swept_all && core_batch_events(daemon->core) < CORE_BATCH_EVENTS_MAX);
}

/* True while the turn takes more. */
static bool
has_room(struct batch *batch)
{
    const struct work *work = batch->open;
    if (work->count % CLOCK_LOOK_EVERY == CLOCK_LOOK_EVERY - 1)
        batch->spent_ms = clock_read().mono_ms - batch->reading.mono_ms;
    if (work->size >= BATCH_SIZE_MAX || work->replies.size >= BATCH_REPLY_SIZE_MAX ||
        core_batch_events(batch->daemon->core) >= CORE_BATCH_EVENTS_MAX)
        return false;
    return batch->spent_ms < BATCH_MS_MAX;
}

/* However much comes, half of the time goes into what is taken, though that has waited too. */
static bool
is_late(const struct batch *batch, const struct net_request *request)
{
    const struct daemon *daemon = batch->daemon;
    return batch->overrun && batch->spent_ms < BATCH_LATE_MS_MAX &&
           net_waited(daemon->net, request) >= daemon->config.wait_max_ms;
}

/* The store failed, as opposed to what was asked of it. */
struct outcome {
    enum kith_err err;
    bool unknown; /* nobody knows what is durable */
};

static struct outcome
commit(struct batch *batch, struct fault *fault)
{
    struct daemon *daemon = batch->daemon;
    struct outcome outcome = {core_error(daemon->core), false};
    if (outcome.err != KITH_OK) {
        fault_set(fault, "%s", kith_err_text(outcome.err));
        store_abort(daemon->store);
    } else {
        outcome.err = store_end(daemon->store, fault);
        outcome.unknown = outcome.err == KITH_INTERNAL;
    }
    core_end(daemon->core, outcome.err == KITH_OK);
    return outcome;
}

/* Execute the messages of the open work once more, from the beginning. */
static void
execute_again(struct batch *batch, enum kith_err refuse)
{
    begin(batch, refuse);
    for (unsigned i = 0; i < batch->open->count; i++) {
        struct entry *entry = &batch->open->entries[i];
        if (entry->state == ENTRY_TAKEN || entry->state == ENTRY_TOLD)
            continue;
        entry->state = ENTRY_RUN;
        execute(batch, entry, refuse);
    }
}

static struct outcome
run_again(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    execute_again(batch, refuse);
    return commit(batch, fault);
}

/* The views do not fit the log, or cannot be read: drop them, and make them anew. */
static enum kith_err
heal(struct batch *batch, struct fault *fault)
{
    struct daemon *daemon = batch->daemon;
    diag(DIAG_ERROR, "the views are damaged: they are made anew from the log");
    enum kith_err err = store_reset_views(daemon->store, fault);
    if (err == KITH_OK)
        err = replay_run(daemon->store, daemon->core, fault);
    if (err == KITH_OK)
        diag(DIAG_NOTICE, "the views are whole again");
    return err;
}

static void
tell_trouble(struct batch *batch, const struct fault *fault)
{
    batch->trouble_count++;
    if (batch->reading.mono_ms - batch->trouble_ms < TROUBLE_EVERY_MS)
        return;
    batch->trouble_ms = batch->reading.mono_ms;
    diag(DIAG_ERROR, "%" PRIu64 " commits failed and were undone; the last one: %s",
         batch->trouble_count, fault->text);
    batch->trouble_count = 0;
}

/* Nothing can be run: every message gets the same answer. */
static void
refuse_all(struct batch *batch, enum kith_err err)
{
    struct work *work = batch->open;
    buf_clear(&work->replies);
    for (unsigned i = 0; i < work->count; i++) {
        struct entry *entry = &work->entries[i];
        if (entry->state == ENTRY_TOLD)
            continue;
        entry->waits = false;
        entry->offset = work->replies.size;
        core_refuse(batch->daemon->core, entry_body(entry), err, batch->now_ms, &work->replies);
        entry->size = work->replies.size - entry->offset;
    }
}

/* After a batch that was not committed: get every message answered all the same. False if the
 * process must exit. */
static bool
recover(struct batch *batch, struct outcome outcome, enum kith_err refuse, struct fault *fault)
{
    assert(outcome.err != KITH_OK);
    if (outcome.err == KITH_INTERNAL && !outcome.unknown) {
        enum kith_err err = heal(batch, fault);
        if (err == KITH_UNAVAILABLE) { /* The log is sound; the next turn tries again. */
            tell_trouble(batch, fault);
            refuse_all(batch, err);
            return true;
        }
        outcome = err == KITH_OK ? run_again(batch, refuse, fault) : (struct outcome){err, true};
    }
    if (outcome.err == KITH_UNAVAILABLE) {
        tell_trouble(batch, fault);
        daemon_look_at_disk(batch->daemon);
        outcome = run_again(batch, KITH_UNAVAILABLE, fault);
    }
    if (outcome.unknown) {
        diag(DIAG_ERROR, "%s; the daemon stops here, its next start finds out what is durable",
             fault->text);
        return false;
    }
    if (outcome.err != KITH_OK) {
        tell_trouble(batch, fault);
        refuse_all(batch, outcome.err);
    }
    return true;
}

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
        core_refuse(daemon->core, entry_body(entry), KITH_BUSY, batch->now_ms, &busy);
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

/* Answer what was run before the open work changed anything, once all below that is durable. Where
 * something failed since, they are run again with the rest. */
static void
answer_early(struct batch *batch)
{
    struct work *work = batch->open;
    if (core_error(batch->daemon->core) != KITH_OK || work->replies.failed)
        return;
    net_gather_begin(batch->daemon->net);
    for (unsigned i = 0; i < work->count && i < FIRST_COUNT_MAX; i++) {
        struct entry *entry = &work->entries[i];
        if (entry->state != ENTRY_EARLY || entry->waits)
            continue;
        answer(batch, work, entry);
        entry->state = ENTRY_TOLD;
    }
    net_gather_end(batch->daemon->net);
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

/* What the open work did is durable: tell it. */
static void
tell(struct batch *batch, struct work *work)
{
    wake(batch);
    answer_all(batch, work);
    publish(batch);
}

/* ---- The flight: a batch that is committed while the next one is executed ---- */

/* Hand the open work to the thread, and open the other one. False if it has to be committed here,
 * for small batches would wait longer for the thread than for the disk. */
static bool
take_off(struct batch *batch)
{
    struct daemon *daemon = batch->daemon;
    struct fault fault;
    int64_t least = daemon->config.commit_aside;
    assert(!batch->flight);
    if (least == 0 || batch->open->count < least || batch->drain ||
        core_error(daemon->core) != KITH_OK || !store_may_seal(daemon->store) ||
        views_is_due(store_views(daemon->store), batch->reading.mono_ms))
        return false;
    /* With no error in the batch there is none here. */
    enum kith_err err = store_seal(daemon->store, &fault);
    assert(err == KITH_OK);
    core_seal(daemon->core);
    batch->flight = batch->open;
    batch->open = &batch->works[batch->flight == &batch->works[0]];
    return true;
}

/* The flight failed, and took with it what was executed since: run both again. False if the
 * process must exit. */
static bool
fly_again(struct batch *batch, struct work *work, struct outcome outcome, enum kith_err refuse,
          struct fault *fault)
{
    struct work *open = batch->open;
    core_end(batch->daemon->core, false);
    batch->open = work;
    bool goes_on = recover(batch, outcome, refuse, fault);
    batch->open = open;
    if (!goes_on)
        return false;
    tell(batch, work);
    execute_again(batch, gate_refusal(&batch->daemon->gate));
    return true;
}

/* Wait for the flight, and tell what it did. False if the process must exit. */
static bool
land(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    struct work *work = batch->flight;
    struct outcome outcome = {store_settle(batch->daemon->store, fault), false};
    outcome.unknown = outcome.err == KITH_INTERNAL;
    core_settle(batch->daemon->core, outcome.err == KITH_OK);
    batch->flight = NULL;
    if (outcome.err != KITH_OK)
        return fly_again(batch, work, outcome, refuse, fault);
    tell(batch, work);
    answer_early(batch);
    return true;
}

/* Waiting for more messages would only make the batch's clients wait, and they are who sends them.
 */
static bool
is_flight_due(const struct batch *batch)
{
    int64_t full = BATCH_FLIGHT_FULL * batch->daemon->config.commit_aside;
    return !batch->flight && batch->open->count >= full;
}

/* ---- The turn ---- */

/* The flight, if there is one, has landed and is told. False if the process must exit. */
static bool
land_if_written(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    bool landed = batch->flight && store_is_written(batch->daemon->store);
    return !landed || land(batch, refuse, fault);
}

/* Take one more message, to be executed later. NULL if none is there, or too much rubbish. */
static struct entry *
take_message(struct batch *batch)
{
    struct net *net = batch->daemon->net;
    struct work *work = batch->open;
    struct entry *entry = &work->entries[work->count];
    assert(work->count < BATCH_COUNT_MAX);
    while (!net_receive(net, &entry->request)) {
        /* Rubbish must not end the turn: each would have a commit of its own behind it. */
        batch->left = net_is_readable(net);
        if (!batch->left || ++batch->eaten >= BATCH_EATEN_MAX)
            return NULL;
    }
    entry->parked = NULL;
    entry->late = is_late(batch, &entry->request);
    entry->state = ENTRY_TAKEN;
    work->count++;
    work->size += entry->request.body.size;
    return entry;
}

/* May this query be executed before what came ahead of it? Not before what its own connection sent
 * and what is not executed yet. */
static bool
may_be_early(const struct work *work, const struct entry *entry)
{
    if (entry->late || work->replies.size >= BATCH_REPLY_SIZE_MAX ||
        !core_is_query(entry->request.body))
        return false;
    for (const struct entry *other = work->entries; other < entry; other++)
        if (other->state == ENTRY_TAKEN &&
            net_is_same_peer(&other->request.route, &entry->request.route))
            return false;
    return true;
}

/* As long as the batch has changed nothing, all that a query can see is durable, or will be when
 * the flight lands: it need not wait for a commit that is only begun behind it. So of the messages
 * taken so far the queries come first. False if the process must exit. */
static bool
execute_early(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    struct work *work = batch->open;
    for (unsigned i = 0; i < work->count && core_batch_events(batch->daemon->core) == 0; i++) {
        struct entry *entry = &work->entries[i];
        if (!may_be_early(work, entry))
            continue;
        execute(batch, entry, refuse);
        entry->state = ENTRY_EARLY;
        if (!land_if_written(batch, refuse, fault))
            return false;
    }
    if (!batch->flight)
        answer_early(batch);
    return true;
}

/* Execute in its turn what was taken. False if the process must exit. */
static bool
execute_taken(struct batch *batch, struct entry *entry, enum kith_err refuse, struct fault *fault)
{
    execute(batch, entry, refuse);
    entry->state = ENTRY_RUN;
    return land_if_written(batch, refuse, fault);
}

/* False if the process must exit. */
static bool
take_messages(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    struct work *work = batch->open;
    struct entry *entry = NULL;
    bool goes_on = land_if_written(batch, refuse, fault);
    while (goes_on && work->count < FIRST_COUNT_MAX && has_room(batch) && take_message(batch))
        ;
    goes_on = goes_on && execute_early(batch, refuse, fault);
    for (unsigned i = 0; goes_on && i < work->count; i++)
        if (work->entries[i].state == ENTRY_TAKEN)
            goes_on = execute_taken(batch, &work->entries[i], refuse, fault);
    while (goes_on && batch->open->count < BATCH_COUNT_MAX && has_room(batch) &&
           (entry = take_message(batch)) != NULL) {
        goes_on = execute_taken(batch, entry, refuse, fault);
        if (goes_on && is_flight_due(batch) && take_off(batch))
            begin(batch, refuse);
    }
    return goes_on;
}

static bool
is_gone(const struct parked_query *query)
{
    return net_peer_is_gone(query->peer);
}

/* Who has left waits for nothing: his polls would take room, and events meant for somebody. */
static void
drop_gone(struct batch *batch)
{
    struct parked *parked = batch->daemon->parked;
    uint64_t ended_count = net_ended(batch->daemon->net);
    if (ended_count != batch->ended_count)
        batch->look_place = parked_count(parked);
    batch->ended_count = ended_count;
    if (batch->look_place > 0)
        batch->look_place = parked_drop_gone(parked, batch->look_place, is_gone);
}

static struct parked_query *
take_one_parked(struct batch *batch)
{
    struct daemon *daemon = batch->daemon;
    return batch->drain ? parked_take_any(daemon->parked)
                        : parked_take(daemon->parked, log_last(store_log(daemon->store)),
                                      batch->reading.mono_ms);
}

static void
take_parked(struct batch *batch, enum kith_err refuse)
{
    for (unsigned i = 0; i < BATCH_PARKED_MAX && (i == 0 || has_room(batch)); i++) {
        struct entry *entry = &batch->open->entries[batch->open->count];
        assert(batch->open->count < ENTRY_COUNT_MAX);
        entry->parked = take_one_parked(batch);
        if (!entry->parked)
            return;
        parked_query_route(entry->parked, &entry->request.route);
        entry->late = false;
        entry->state = ENTRY_RUN;
        batch->open->count++;
        batch->open->size += entry_body(entry).size;
        execute(batch, entry, refuse);
    }
}

static bool
finish(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    if (batch->flight && !land(batch, refuse, fault))
        return false;
    if (take_off(batch))
        return true;
    struct outcome outcome = commit(batch, fault);
    if (outcome.err != KITH_OK && !recover(batch, outcome, refuse, fault))
        return false;
    tell(batch, batch->open);
    return true;
}

static struct batch_next
look_ahead(struct batch *batch, msec_t hold_ms, unsigned kept)
{
    struct daemon *daemon = batch->daemon;
    const struct log *log = store_log(daemon->store);
    msec_t mono_ms = batch->reading.mono_ms;
    struct batch_next next = {
        .hold = hold_ms > 0, .due_ms = parked_next_ms(daemon->parked), .kept = kept};
    bool advanced = daemon->clock.manual && log_last_at(log) > batch->now_ms;
    next.again = advanced || !batch->swept_all ||
                 parked_is_due(daemon->parked, log_last(log), mono_ms) ||
                 (batch->drain && parked_count(daemon->parked) > 0);
    if (next.hold && mono_ms + hold_ms < next.due_ms)
        next.due_ms = mono_ms + hold_ms;
    if (kept > 0 && mono_ms + KEPT_TICK_MS < next.due_ms)
        next.due_ms = mono_ms + KEPT_TICK_MS;
    return next;
}

struct batch_next
batch_turn(struct batch *batch, bool drain)
{
    struct daemon *daemon = batch->daemon;
    struct views *views = store_views(daemon->store);
    struct fault fault = {""};
    assert(batch->open->count == 0);
    batch->drain = drain;
    batch->reading = clock_read();
    batch->now_ms = daemon_now(daemon, batch->reading);
    views_tick(views, batch->reading.mono_ms);
    msec_t hold_ms = gate_hold(&daemon->gate, views_full(views), batch->reading.mono_ms);
    enum kith_err refuse = gate_refusal(&daemon->gate);
    batch->overrun =
        gate_is_overrun(&daemon->gate, daemon->config.wait_max_ms, batch->reading.mono_ms);
    batch->left = true;
    batch->eaten = 0;
    batch->spent_ms = 0;

    drop_gone(batch);
    begin(batch, refuse);
    bool goes_on = hold_ms > 0 || take_messages(batch, refuse, &fault);
    gate_left(&daemon->gate, batch->left, batch->reading.mono_ms);
    if (goes_on) {
        take_parked(batch, refuse);
        goes_on = finish(batch, refuse, &fault);
    }
    if (!goes_on)
        return (struct batch_next){.failed = true};
    views_tick(views, batch->reading.mono_ms);
    return look_ahead(batch, hold_ms, net_tick(daemon->net, batch->reading.mono_ms));
}
