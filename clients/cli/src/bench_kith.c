#include "bench_kith.h"

#include <stdlib.h>

#include "base/assert.h"
#include "proto/limits.h"

#define RING_SIZE 1024 /* answered requests that a mixed load has yet to accept; a power of two */

enum item { ITEM_REQUEST, ITEM_ACCEPT, ITEM_STATUS, ITEM_REGISTER };

static const char *const item_ops[] = {
    [ITEM_REQUEST] = "connection.request",
    [ITEM_ACCEPT] = "connection.accept",
    [ITEM_STATUS] = "connection.status",
    [ITEM_REGISTER] = "member.register",
};

/* One thing to do, and with which pair (or member). */
struct todo {
    enum item item;
    uint64_t number;
};

struct kith_lane {
    struct bench_kith *shared;
    struct kith *kith;
    struct kith_args *args;
    unsigned number;
    uint64_t taken;           /* pairs, or members, of this lane's share so far */
    uint64_t turn;            /* of a mixed load */
    struct todo *under_way;   /* by slot; unused in batches */
    uint64_t ring[RING_SIZE]; /* pairs whose request was answered */
    uint64_t ring_in, ring_out;
    uint64_t ok, refused, busy, dup; /* busy: of the refused */
    struct tally tally;

    /* Batches are sent and answered at once. */
    struct kith_batch *batch;
    struct kith_reply **replies;
    unsigned answered_slot;
    bool answered, lost;
};

/* printf would be a tenth of the load. */
static char *
put_number(char *to, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        *to++ = digits[--count];
    *to = 0;
    return to;
}

static void
put_name(char *to, const char *prefix, char kind, uint64_t number)
{
    size_t size = strlen(prefix);
    assert(size < BENCH_PREFIX_SIZE);
    memcpy(to, prefix, size);
    to[size] = kind;
    put_number(to + size + 1, number);
}

void
bench_kith_member(const struct bench_kith *kith, uint64_t number, char name[BENCH_NAME_SIZE])
{
    put_name(name, kith->prefix, '-', number);
}

/* --- what to do ------------------------------------------------------------------------------- */

/* The lanes share the numbers by turns, so that they need not talk. */
static uint64_t
take_number(struct kith_lane *lane)
{
    return lane->number + lane->taken++ * lane->shared->connections;
}

static bool
take_pair(struct kith_lane *lane, uint64_t first, uint64_t end, uint64_t *number)
{
    *number = first + take_number(lane);
    return *number < end;
}

static bool
pick_mixed(struct kith_lane *lane, struct todo *todo)
{
    const struct bench_kith *shared = lane->shared;
    unsigned turn = (unsigned)(lane->turn++ % 10);
    if (turn % 3 == 1) {
        *todo = (struct todo){ITEM_STATUS, lane->turn % shared->pairing.count};
        return true;
    }
    if (turn % 3 == 2 && lane->ring_out < lane->ring_in) {
        *todo = (struct todo){ITEM_ACCEPT, lane->ring[lane->ring_out++ % RING_SIZE]};
        return true;
    }
    todo->item = ITEM_REQUEST;
    return take_pair(lane, shared->pair_first, shared->pair_end, &todo->number);
}

static bool
pick(struct kith_lane *lane, struct todo *todo)
{
    const struct bench_kith *shared = lane->shared;
    switch (shared->op) {
    case BENCH_REQUEST:
        todo->item = ITEM_REQUEST;
        return take_pair(lane, shared->pair_first, shared->pair_end, &todo->number);
    case BENCH_ACCEPT:
        todo->item = ITEM_ACCEPT;
        return take_pair(lane, 0, shared->pair_end, &todo->number);
    case BENCH_STATUS:
        *todo = (struct todo){ITEM_STATUS, take_number(lane) % shared->pair_end};
        return true;
    case BENCH_MIXED:
        return pick_mixed(lane, todo);
    case BENCH_REGISTER:
        *todo = (struct todo){ITEM_REGISTER, shared->pairing.members + take_number(lane)};
        return true;
    case BENCH_OP_COUNT:
        break;
    }
    assert(!"a load without a case");
    return false;
}

static void
compose(struct kith_lane *lane, struct todo todo, char id[BENCH_NAME_SIZE])
{
    const struct bench_kith *shared = lane->shared;
    char a[BENCH_NAME_SIZE], b[BENCH_NAME_SIZE];
    uint32_t from = 0, to = 0;
    kith_args_clear(lane->args);
    if (todo.item == ITEM_REGISTER) {
        bench_kith_member(shared, todo.number, a);
        kith_put_str(lane->args, "member", a);
        kith_put_str(lane->args, "tier", "unlimited");
        put_name(id, shared->prefix, 'm', todo.number);
        return;
    }
    pairing_get(&shared->pairing, todo.number, &from, &to);
    bench_kith_member(shared, from, a);
    bench_kith_member(shared, to, b);
    switch (todo.item) {
    case ITEM_REQUEST:
        kith_put_str(lane->args, "from", a);
        kith_put_str(lane->args, "to", b);
        put_name(id, shared->prefix, 'r', todo.number);
        return;
    case ITEM_ACCEPT:
        kith_put_str(lane->args, "member", b);
        kith_put_str(lane->args, "other", a);
        put_name(id, shared->prefix, 'a', todo.number);
        return;
    case ITEM_STATUS:
        kith_put_str(lane->args, "viewer", a);
        kith_put_str(lane->args, "other", b);
        id[0] = 0;
        return;
    case ITEM_REGISTER:
        break;
    }
    assert(!"composed above");
}

/* Of what is not ok: turned away, as opposed to looked at and refused. */
static bool
is_busy(const struct kith_reply *reply)
{
    const char *class = kith_get_str(kith_reply_error(reply), "class");
    return class && strcmp(class, "busy") == 0;
}

/* True if it was turned away. */
static bool
count_reply(struct kith_lane *lane, struct todo todo, const struct kith_reply *reply)
{
    if (!kith_reply_ok(reply)) {
        bool busy = is_busy(reply);
        lane->refused++;
        lane->busy += busy;
        tally_add(&lane->tally, reply, item_ops[todo.item]);
        return busy;
    }
    lane->ok++;
    lane->dup += kith_reply_dup(reply);
    if (todo.item == ITEM_REQUEST && lane->ring_in - lane->ring_out < RING_SIZE)
        lane->ring[lane->ring_in++ % RING_SIZE] = todo.number;
    return false;
}

/* --- one message each --------------------------------------------------------------------------
 */

static bool
single_send(void *context, unsigned slot)
{
    struct kith_lane *lane = context;
    struct todo todo;
    char id[BENCH_NAME_SIZE];
    if (!pick(lane, &todo))
        return false;
    compose(lane, todo, id);
    lane->under_way[slot] = todo;
    return kith_send(lane->kith, item_ops[todo.item], lane->args, *id ? id : NULL, slot) ==
           KITH_STATUS_OK;
}

static enum bench_take
single_take(void *context, unsigned *slot)
{
    struct kith_lane *lane = context;
    struct kith_reply *reply = NULL;
    uint64_t tag = 0;
    bool expired = false;
    enum kith_status status = kith_next(lane->kith, 0, &reply, &tag, &expired);
    *slot = (unsigned)tag;
    if (status == KITH_STATUS_TIMEOUT)
        return expired ? BENCH_TAKE_LOST : BENCH_TAKE_NONE;
    if (status != KITH_STATUS_OK && status != KITH_STATUS_REFUSED)
        return BENCH_TAKE_FAILED;
    bool busy = count_reply(lane, lane->under_way[tag], reply);
    kith_reply_destroy(reply);
    return busy ? BENCH_TAKE_BUSY : BENCH_TAKE_ANSWER;
}

/* --- batches ------------------------------------------------------------------------------------
 */

static bool
batch_send(void *context, unsigned slot)
{
    struct kith_lane *lane = context;
    struct todo *todos = lane->under_way; /* here by place in the batch: one is under way */
    unsigned count = 0;
    kith_batch_clear(lane->batch);
    while (count < lane->shared->batch && pick(lane, &todos[count])) {
        char id[BENCH_NAME_SIZE];
        struct todo todo = todos[count];
        compose(lane, todo, id);
        if (kith_batch_add(lane->batch, item_ops[todo.item], lane->args, *id ? id : NULL) !=
            KITH_STATUS_OK)
            break;
        count++;
    }
    if (count == 0)
        return false;
    enum kith_status status = kith_batch_call(lane->kith, lane->batch, lane->replies);
    lane->answered = status == KITH_STATUS_OK || status == KITH_STATUS_REFUSED;
    lane->lost = !lane->answered;
    lane->answered_slot = slot;
    unsigned replies = status == KITH_STATUS_OK ? count : lane->answered ? 1 : 0;
    for (unsigned i = 0; i < replies; i++) {
        count_reply(lane, todos[i], lane->replies[i]);
        kith_reply_destroy(lane->replies[i]);
    }
    return true;
}

static enum bench_take
batch_take(void *context, unsigned *slot)
{
    struct kith_lane *lane = context;
    *slot = lane->answered_slot;
    if (lane->lost) {
        lane->lost = false;
        return BENCH_TAKE_LOST;
    }
    if (!lane->answered)
        return BENCH_TAKE_NONE;
    lane->answered = false;
    return BENCH_TAKE_ANSWER;
}

/* --- lanes --------------------------------------------------------------------------------------
 */

static int
lane_fd(void *context)
{
    struct kith_lane *lane = context;
    return kith_fd(lane->kith);
}

static void
add_to_shared(const struct kith_lane *lane)
{
    struct bench_kith *shared = lane->shared;
    pthread_mutex_lock(&shared->lock);
    shared->ok += lane->ok;
    shared->refused += lane->refused;
    shared->busy += lane->busy;
    shared->dup += lane->dup;
    tally_merge(&shared->tally, &lane->tally);
    pthread_mutex_unlock(&shared->lock);
}

static void
lane_close(void *context)
{
    struct kith_lane *lane = context;
    add_to_shared(lane);
    kith_close(lane->kith);
    kith_args_destroy(lane->args);
    kith_batch_destroy(lane->batch);
    free(lane->replies);
    free(lane->under_way);
    free(lane);
}

static void *
lane_open(void *context, unsigned number, unsigned window)
{
    struct bench_kith *shared = context;
    struct kith_lane *lane = calloc(1, sizeof(*lane));
    if (!lane)
        return NULL;
    size_t todo_count = window > shared->batch ? window : shared->batch;
    lane->shared = shared;
    lane->number = number;
    lane->args = kith_args_create();
    lane->batch = kith_batch_create();
    lane->replies = calloc(shared->batch, sizeof(struct kith_reply *));
    lane->under_way = calloc(todo_count, sizeof(*lane->under_way));
    bool good = lane->args && lane->batch && lane->replies && lane->under_way;
    if (good && cli_open(shared->cli, window, CLI_IMPATIENT, &lane->kith) == CLI_OK)
        return lane;
    lane_close(lane);
    return NULL;
}

struct bench_target
bench_kith_target(struct bench_kith *kith)
{
    assert(kith->op < BENCH_OP_COUNT);
    assert(kith->batch >= 1 && kith->batch <= KITH_BATCH_COUNT_MAX);
    bool batch = kith->batch > 1;
    return (struct bench_target){
        .context = kith,
        .open = lane_open,
        .close = lane_close,
        .send = batch ? batch_send : single_send,
        .take = batch ? batch_take : single_take,
        .fd = lane_fd,
    };
}
