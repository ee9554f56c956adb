#include <stdlib.h>

#include "app/batch_inner.h"
#include "base/assert.h"

#define CLOCK_LOOK_EVERY 64 /* messages between two looks at the clock */
#define KEPT_TICK_MS     1  /* between two offers of replies that were not taken */
#define LOOK_EVERY_MS    5  /* between two parts of a look for polls of who is gone */

_Static_assert(BATCH_FIRST_COUNT_MAX == CLOCK_LOOK_EVERY - 1, "time is looked at behind the first");

struct batch *
batch_create(struct daemon *daemon)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    batch->daemon = daemon;
    batch->open = &batch->works[0];
    batch->published_seq = log_last(store_log(daemon->store));
    batch->trouble_ms = -BATCH_TROUBLE_EVERY_MS;
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

/* True while the turn takes more. */
static bool
has_room(struct batch *batch)
{
    const struct work *work = batch->open;
    if (batch->taken % CLOCK_LOOK_EVERY == CLOCK_LOOK_EVERY - 1)
        batch->spent_ms = clock_read().mono_ms - batch->reading.mono_ms;
    if (work->size >= BATCH_SIZE_MAX || work->replies.size >= BATCH_REPLY_SIZE_MAX ||
        core_batch_events(batch->daemon->core) >= CORE_BATCH_EVENTS_MAX)
        return false;
    return batch->spent_ms < BATCH_MS_MAX;
}

/* However much comes, some of the time goes into what is taken, though that has waited too. */
static bool
is_late(struct batch *batch, const struct net_request *request)
{
    struct daemon *daemon = batch->daemon;
    if (batch->limit_ms == GATE_NO_LIMIT || batch->spent_ms >= BATCH_LATE_MS_MAX ||
        net_waited(daemon->net, request) < batch->limit_ms)
        return false;
    gate_shed(&daemon->gate, batch->reading.mono_ms);
    return true;
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
    batch->left = true; /* for all that is known */
    batch->taken++;
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

/* Open what was put into the group, but for what is turned away: that costs as little as can be. */
static void
open_group(struct batch *batch)
{
    unsigned count = 0;
    for (unsigned i = 0; i < batch->group_count; i++) {
        batch->opened[i] = NULL;
        if (batch->group[i]->late)
            continue;
        message_open(batch->group[i]->request.body, &batch->messages[count]);
        batch->opened[i] = &batch->messages[count++];
    }
    core_expect(batch->daemon->core, batch->messages, count);
}

typedef bool pick_fn(const struct work *work, const struct entry *entry);

static bool
is_taken(const struct work *work, const struct entry *entry)
{
    (void)work;
    return entry->state == ENTRY_TAKEN;
}

/* Put into the group what @pick says of what is not executed, from the entry at @index on. Returns
 * where to go on. */
static unsigned
pick_group(struct batch *batch, unsigned index, pick_fn *pick)
{
    struct work *work = batch->open;
    batch->group_count = 0;
    for (; index < work->count && batch->group_count < MESSAGE_GROUP_MAX; index++) {
        struct entry *entry = &work->entries[index];
        if (!pick(work, entry))
            continue;
        entry->state = ENTRY_NEXT;
        batch->group[batch->group_count++] = entry;
    }
    return index;
}

/* False if the process must exit. What is left of the group when something was changed waits for
 * its turn. */
static bool
execute_group_early(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    open_group(batch);
    bool goes_on = true;
    for (unsigned i = 0; i < batch->group_count; i++) {
        if (!goes_on || core_batch_events(batch->daemon->core) > 0) {
            batch->group[i]->state = ENTRY_TAKEN;
            continue;
        }
        batch_execute(batch, batch->group[i], batch->opened[i], refuse);
        batch->group[i]->state = ENTRY_EARLY;
        goes_on = batch_land_if_written(batch, refuse, fault);
    }
    return goes_on;
}

/* As long as the batch has changed nothing, all that a query can see is durable, or will be when
 * the flight lands: it need not wait for a commit that is only begun behind it. So of the messages
 * taken so far the queries come first. False if the process must exit. */
static bool
execute_early(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    bool goes_on = true;
    unsigned index = 0;
    while (goes_on && index < batch->open->count && core_batch_events(batch->daemon->core) == 0) {
        index = pick_group(batch, index, may_be_early);
        goes_on = execute_group_early(batch, refuse, fault);
    }
    if (goes_on && !batch->flight)
        batch_answer_early(batch);
    return goes_on;
}

/* Execute the group in its turn. Where the batch has only queries so far, one more is as good as
 * one of the first. False if the process must exit. */
static bool
execute_group(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    bool goes_on = true;
    open_group(batch);
    for (unsigned i = 0; i < batch->group_count && goes_on; i++) {
        struct entry *entry = batch->group[i];
        batch_execute(batch, entry, batch->opened[i], refuse);
        entry->state = batch->open->is_clean ? ENTRY_EARLY : ENTRY_RUN;
        batch->open->early_count += batch->open->is_clean;
        goes_on = batch_land_if_written(batch, refuse, fault);
    }
    return goes_on;
}

/* Changes come in faster than they are written. */
static bool
is_throttled(const struct batch *batch)
{
    return !batch->drain && views_throttled(store_views(batch->daemon->store));
}

/* Take some more messages, as a group. False if none is there, or the turn takes no more. */
static bool
take_group(struct batch *batch)
{
    size_t size = batch->open->size + BATCH_GROUP_SIZE_MAX;
    struct entry *entry;
    batch->group_count = 0;
    if (is_throttled(batch))
        return false;
    while (batch->group_count < MESSAGE_GROUP_MAX && batch->open->count < BATCH_COUNT_MAX &&
           batch->open->size < size && has_room(batch) && (entry = take_message(batch)) != NULL)
        batch->group[batch->group_count++] = entry;
    return batch->group_count > 0;
}

/* False if the process must exit. */
static bool
take_messages(struct batch *batch, enum kith_err refuse, struct fault *fault)
{
    struct work *work = batch->open;
    bool goes_on = batch_land_if_written(batch, refuse, fault);
    while (goes_on && work->count < BATCH_FIRST_COUNT_MAX && work->size < BATCH_FIRST_SIZE_MAX &&
           has_room(batch) && take_message(batch))
        ;
    goes_on = goes_on && execute_early(batch, refuse, fault);
    for (unsigned index = 0; goes_on && index < work->count;) {
        index = pick_group(batch, index, is_taken);
        goes_on = execute_group(batch, refuse, fault);
    }
    while (goes_on && take_group(batch)) {
        goes_on = execute_group(batch, refuse, fault);
        if (goes_on && !batch->flight && batch->open->early_count >= BATCH_EARLY_COUNT_MAX)
            batch_answer_early(batch);
        if (goes_on && batch_flight_is_due(batch) && batch_take_off(batch))
            batch_begin(batch, refuse);
    }
    return goes_on;
}

static bool
is_gone(const struct parked_query *query)
{
    return net_peer_is_gone(query->peer);
}

/* Who has left waits for nothing: his polls would take room, and events meant for somebody. Where
 * connections end all the time, all are looked at before it is begun anew. */
static void
drop_gone(struct batch *batch)
{
    struct parked *parked = batch->daemon->parked;
    uint64_t ended_count = net_ended(batch->daemon->net);
    if (batch->look_place > 0) {
        if (batch->reading.mono_ms - batch->look_ms < LOOK_EVERY_MS)
            return;
    } else if (ended_count != batch->ended_count) {
        batch->look_place = parked_count(parked);
        batch->ended_count = ended_count;
    }
    if (batch->look_place == 0)
        return;
    batch->look_place = parked_drop_gone(parked, batch->look_place, is_gone);
    batch->look_ms = batch->reading.mono_ms;
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
        assert(batch->open->count < BATCH_ENTRY_COUNT_MAX);
        entry->parked = take_one_parked(batch);
        if (!entry->parked)
            return;
        parked_query_route(entry->parked, &entry->request.route);
        entry->late = false;
        entry->state = ENTRY_RUN;
        batch->taken++;
        batch->open->count++;
        batch->open->size += batch_entry_body(entry).size;
        batch_execute(batch, entry, NULL, refuse);
    }
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
    if (batch->look_place > 0 && batch->look_ms + LOOK_EVERY_MS < next.due_ms)
        next.due_ms = batch->look_ms + LOOK_EVERY_MS;
    return next;
}

/* How long to take no messages, since there is no memory for what they would change, or not yet as
 * much as there will be. What is left in the sockets because there is none is not more than can be
 * done; because changes come too fast, it is. */
static msec_t
hold(struct batch *batch)
{
    struct daemon *daemon = batch->daemon;
    bool is_full = views_full(store_views(daemon->store)), is_fast = is_throttled(batch);
    msec_t hold_ms = gate_hold(&daemon->gate, is_full || is_fast, batch->reading.mono_ms);
    if (batch->drain || hold_ms == 0)
        return 0;
    batch->left = !is_full && net_is_readable(daemon->net);
    return !is_full && hold_ms > BATCH_THROTTLE_MS ? BATCH_THROTTLE_MS : hold_ms;
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
    batch->left = true;
    msec_t hold_ms = hold(batch);
    enum kith_err refuse = gate_refusal(&daemon->gate);
    daemon->stats.throttled += hold_ms > 0;
    batch->limit_ms = gate_limit(&daemon->gate, daemon->config.wait_max_ms, batch->reading.mono_ms);
    batch->taken = batch->eaten = 0;
    batch->spent_ms = 0;

    drop_gone(batch);
    batch_begin(batch, refuse);
    bool goes_on = hold_ms > 0 || take_messages(batch, refuse, &fault);
    gate_left(&daemon->gate, batch->left, batch->reading.mono_ms);
    if (goes_on) {
        take_parked(batch, refuse);
        goes_on = batch_finish(batch, refuse, &fault);
    }
    if (!goes_on)
        return (struct batch_next){.failed = true};
    views_tick(views, batch->reading.mono_ms);
    return look_ahead(batch, hold_ms, net_tick(daemon->net, batch->reading.mono_ms));
}
