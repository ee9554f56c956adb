/* Sequences of operations: the bytes choose operations of the protocol, arguments that are mostly
 * right, ids that came back earlier, and time; the core runs them within one turn.
 *
 * After each: the reply is well-formed and has the message's id, what was refused has left no
 * event, what was done is answered the same once more. At the end all is undone, and everybody's
 * view must be what it was; or, if the first byte says so, it is kept, in a store of its own, and
 * the views must be what the log makes of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/check.h"
#include "core/event.h"
#include "fuzz/choose.h"
#include "fuzz/fuzz.h"
#include "sim/reply.h"
#include "sim/world.h"

#define BEGIN_MS 1750000000000LL
#define STEP_MAX 48 /* of one input */

#define KEEP_EVERY 64 /* one in so many inputs is kept: that is slow */

struct run {
    struct world *world;
    struct choose choose;
    msec_t now_ms;
    struct buf message, reply, again;
};

static enum core_answer
execute(struct run *run, struct buf *reply)
{
    struct core_wait wait;
    msec_t last_ms = log_last_at(store_log(run->world->store));
    if (run->now_ms < last_ms)
        run->now_ms = last_ms;
    struct core_context context = {.now_ms = run->now_ms, .last_try = true};
    seq_t before = log_last(store_log(run->world->store));
    buf_clear(reply);
    enum core_answer answer =
        core_execute(run->world->core, buf_slice(&run->message), &context, reply, &wait);
    assert(!core_is_query(buf_slice(&run->message)) ||
           log_last(store_log(run->world->store)) == before);
    return answer;
}

/* What the daemon keeps no outcome of: sent again, it is done again. */
static bool
is_kept(enum kith_op op)
{
    const char *name = kith_ops[op].name;
    return kith_ops[op].kind == KITH_KIND_COMMAND && strncmp(name, "cursor.", 7) != 0 &&
           strncmp(name, "subscription.", 13) != 0;
}

/* Behind @seq are only events of the daemon itself: what was due is settled before a command. */
static void
check_own(struct log *log, seq_t seq)
{
    while (++seq <= log_last(log)) {
        struct log_record record;
        struct event event;
        enum kith_err err = log_read(log, seq, &record);
        assert(err == KITH_OK);
        bool is_event = event_decode(record.body, &event);
        assert(is_event && event.head_id.size == 0 && event.head_back == 0);
    }
}

/* The same message again has the same outcome, and leaves nothing. */
static void
repeat(struct run *run, const struct reply *first, seq_t last)
{
    struct reply second;
    enum core_answer answer = execute(run, &run->again);
    assert(answer == CORE_REPLIED);
    bool is_reply = reply_read(buf_slice(&run->again), &second);
    assert(is_reply && second.ok && second.dup);
    assert(second.pos == first->pos && second.at_ms == first->at_ms);
    assert(slice_equal(second.body, first->body));
    assert(log_last(store_log(run->world->store)) == last);
}

static void
step(struct run *run)
{
    struct log *log = store_log(run->world->store);
    struct choice choice;
    struct reply reply;
    struct check_fault fault;
    seq_t before = log_last(log);

    run->now_ms += choose_time(&run->choose);
    choose_message(&run->choose, &run->message, &choice);
    enum core_answer answer = execute(run, &run->reply);
    assert(answer == CORE_REPLIED && !run->reply.failed);
    assert(core_error(run->world->core) == KITH_OK);
    assert(run->reply.size > 0 && run->reply.size <= KITH_MESSAGE_SIZE_MAX);
    bool is_sound = check_message(buf_slice(&run->reply), &fault);
    bool is_reply = reply_read(buf_slice(&run->reply), &reply);
    assert(is_sound && is_reply);
    assert(reply.pos <= log_last(log));
    /* Of what is malformed the id cannot be read. */
    assert(slice_is(reply.id, choice.id) || (!reply.ok && !reply.id.data));

    if (kith_ops[choice.op].kind == KITH_KIND_QUERY)
        assert(log_last(log) == before);
    if (!reply.ok)
        check_own(log, before);
    if (reply.ok) {
        choose_learn(&run->choose, reply.body);
        if (is_kept(choice.op))
            repeat(run, &reply, log_last(log));
    }
}

/* What everybody sees, as one number. */
static uint64_t
look(struct run *run)
{
    uint64_t sum = 0;
    for (unsigned i = 0; choose_look(i, &run->message); i++) {
        enum core_answer answer = execute(run, &run->reply);
        struct reply reply;
        bool is_reply = answer == CORE_REPLIED && reply_read(buf_slice(&run->reply), &reply);
        assert(is_reply);
        for (size_t at = 0; at < reply.body.size; at++)
            sum = (sum ^ reply.body.data[at]) * UINT64_C(0x100000001b3);
    }
    return sum;
}

static void
steps(struct run *run, unsigned count)
{
    while (count-- > 0 && choose_more(&run->choose) && !world_is_full(run->world))
        step(run);
}

static void
free_run(struct run *run)
{
    buf_fini(&run->message);
    buf_fini(&run->reply);
    buf_fini(&run->again);
}

/* Members, connections, requests and invites, made of bytes that are always the same. */
static void
world_make(struct world *world)
{
    *world = (struct world){.seed = 7};
    world->options =
        (struct store_options){.map_size = UINT64_C(1) << 30, .overlay_size = UINT64_C(1) << 22};
    settings_init(&world->settings);
    world_create(world, false);
    struct run run = {.world = world, .now_ms = BEGIN_MS};
    world_begin(world, run.now_ms);
    for (unsigned i = 0; choose_begin(i, &run.message); i++) {
        struct reply reply;
        enum core_answer answer = execute(&run, &run.reply);
        bool is_reply = answer == CORE_REPLIED && reply_read(buf_slice(&run.reply), &reply);
        assert(is_reply && reply.ok);
    }
    world_end(world, true);
    free_run(&run);
}

static void
run_kept(const uint8_t *data, size_t size)
{
    static struct world world;
    world_make(&world);
    struct run run = {.world = &world, .now_ms = BEGIN_MS + 1};
    choose_init(&run.choose, data, size);
    world_begin(&world, run.now_ms);
    steps(&run, STEP_MAX);
    world_end(&world, true);
    bool same = world_check_rebuild(&world);
    assert(same);
    world_destroy(&world);
    free_run(&run);
}

static struct world shared;

static void
remove_shared(void)
{
    world_destroy(&shared);
}

static void
run_undone(const uint8_t *data, size_t size)
{
    static uint64_t sight;
    struct run run = {.world = &shared, .now_ms = BEGIN_MS + 1};
    if (!shared.core) {
        world_make(&shared);
        atexit(remove_shared);
        world_begin(&shared, run.now_ms);
        sight = look(&run);
        world_end(&shared, false);
    }
    seq_t last = log_last(store_log(shared.store));
    choose_init(&run.choose, data, size);
    world_begin(&shared, run.now_ms);
    steps(&run, STEP_MAX);
    world_end(&shared, false);
    assert(log_last(store_log(shared.store)) == last);

    run.now_ms = BEGIN_MS + 1;
    world_begin(&shared, run.now_ms);
    uint64_t now = look(&run);
    world_end(&shared, false);
    assert(now == sight);
    free_run(&run);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % KEEP_EVERY == KEEP_EVERY - 1)
        run_kept(data + 1, size - 1);
    else
        run_undone(data + 1, size - 1);
    return 0;
}
