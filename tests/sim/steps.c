/* One message after the other, each compared with what the model says. */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "sim/sim.h"

/* --- failing --------------------------------------------------------------------------------- */

static void
print_shown(FILE *out, const struct shown *shown)
{
    fprintf(out, "%6u at %" PRId64 "  ", shown->step, shown->now_ms);
    reply_print(out, buf_slice(&shown->message));
    fprintf(out, "\n       -> ");
    reply_print(out, buf_slice(&shown->reply));
    fputc('\n', out);
}

static void
print_history(const struct sim *sim)
{
    unsigned first = sim->history_count > HISTORY_MAX ? sim->history_count - HISTORY_MAX : 0;
    fflush(stdout);
    for (unsigned n = first; n < sim->history_count; n++)
        print_shown(stderr, &sim->history[n % HISTORY_MAX]);
    fprintf(stderr, "seed %" PRIu64 ", step %u: ", sim->seed, sim->step);
}

static void
print_again(const struct sim *sim)
{
    fprintf(stderr, "\nagain: %s --seed %" PRIu64 " --steps %u", sim->program, sim->seed,
            sim->step_count);
    fprintf(stderr, "%s%s%s --trace\n", sim->kithd ? " --kithd " : "", sim->kithd ? sim->kithd : "",
            sim->deep ? " --deep" : "");
}

void
sim_fail(struct sim *sim, const char *format, ...)
{
    va_list args;
    print_history(sim);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    print_again(sim);
    world_destroy(&sim->world);
    exit(EXIT_FAILURE);
}

/* A failed assertion says where it stands, but not what led to it. */
static struct sim *running;

static void
on_abort(int number)
{
    (void)number;
    const struct shown *last = &running->history[running->history_count % HISTORY_MAX];
    print_history(running);
    fputs("aborted by ", stderr);
    reply_print(stderr, buf_slice(&last->message));
    print_again(running);
    world_abandon(&running->world);
}

void
sim_watch(struct sim *sim)
{
    running = sim;
    signal(SIGABRT, on_abort);
}

static void
copy_buf(struct buf *to, struct slice from)
{
    buf_clear(to);
    buf_append(to, from.data, from.size);
}

/* The message that is under way, for whoever looks at the history. */
static struct shown *
begin_shown(struct sim *sim, struct slice message)
{
    struct shown *shown = &sim->history[sim->history_count % HISTORY_MAX];
    shown->step = sim->step;
    shown->now_ms = sim->model.now_ms;
    copy_buf(&shown->message, message);
    return shown;
}

static void
end_shown(struct sim *sim, struct shown *shown, struct slice reply)
{
    copy_buf(&shown->reply, reply);
    sim->history_count++;
    if (sim->trace)
        print_shown(stdout, shown);
}

void
sim_show(struct sim *sim, struct slice message, struct slice reply)
{
    end_shown(sim, begin_shown(sim, message), reply);
}

void
sim_send(struct sim *sim, struct slice message, struct buf *reply)
{
    struct shown *shown = begin_shown(sim, message);
    world_execute(&sim->world, message, sim->model.now_ms, reply);
    end_shown(sim, shown, buf_slice(reply));
}

/* --- outcomes -------------------------------------------------------------------------------- */

static void
keep_outcome(struct sim *sim, const struct command *command, const struct reply *reply)
{
    struct outcome *outcome = &sim->kept[sim->kept_count % KEPT_MAX];
    sim->kept_ids[sim->kept_count++ % KEPT_MAX] = XXH3_64bits(command->id, strlen(command->id));
    struct buf body = {0};
    if (sim->kept_count - sim->kept_first > KEPT_MAX)
        sim->kept_first = sim->kept_count - KEPT_MAX;
    command_write_body(&body, command);
    assert(body.size <= sizeof(outcome->body) && reply->body.size <= sizeof(outcome->result));
    outcome->command = *command;
    outcome->pos = reply->pos;
    outcome->at_ms = reply->at_ms;
    outcome->body_size = body.size;
    outcome->result_size = reply->body.size;
    memcpy(outcome->body, body.data, body.size);
    memcpy(outcome->result, reply->body.data, reply->body.size);
    buf_fini(&body);
}

const struct outcome *
sim_latest(const struct sim *sim, const char *id)
{
    uint64_t hash = XXH3_64bits(id, strlen(id));
    for (unsigned n = sim->kept_count; n > sim->kept_first; n--)
        if (sim->kept_ids[(n - 1) % KEPT_MAX] == hash)
            return &sim->kept[(n - 1) % KEPT_MAX];
    return NULL;
}

static const struct outcome *
pick_outcome(struct sim *sim)
{
    if (sim->kept_first == sim->kept_count)
        return NULL;
    uint64_t n = sim->kept_first + random_below(&sim->random, sim->kept_count - sim->kept_first);
    return sim_latest(sim, sim->kept[n % KEPT_MAX].command.id);
}

/* --- commands -------------------------------------------------------------------------------- */

static void
read_reply(struct sim *sim, struct slice message, struct reply *reply)
{
    if (!reply_read(message, reply))
        sim_fail(sim, "the reply is no reply");
}

void
sim_judge(struct sim *sim, const struct command *command, const struct reply *reply)
{
    static struct answer answer;
    events_take_own(sim, reply->pos);
    model_execute(&sim->model, command, &answer);
    if (reply->ok)
        events_compare(sim, command->id, &answer, reply->pos);
    compare_reply(sim, command, &answer, reply);
    sim->by_op[command->op][reply->ok]++;
    sim->executed++;
    sim->refused += !reply->ok;
    if (reply->ok)
        keep_outcome(sim, command, reply);
}

/* Ask first what would be answered. */
static bool
preview(struct sim *sim, const struct command *command)
{
    if (command->op != SIM_REQUEST || !random_chance(&sim->glance, 200))
        return false;
    buf_clear(&sim->query);
    command_write_preview(&sim->query, command);
    world_execute(&sim->world, buf_slice(&sim->query), sim->model.now_ms, &sim->preview);
    sim->queries++;
    return true;
}

struct reply
sim_run(struct sim *sim, const struct command *command)
{
    struct reply reply, before;
    bool previewed = preview(sim, command);
    buf_clear(&sim->message);
    command_write(&sim->message, command, false);
    sim_send(sim, buf_slice(&sim->message), &sim->reply);
    read_reply(sim, buf_slice(&sim->reply), &reply);
    events_read(sim);
    sim_judge(sim, command, &reply);
    events_compare_end(sim);
    if (previewed) {
        read_reply(sim, buf_slice(&sim->preview), &before);
        compare_preview(sim, command->id, before.body, &reply);
    }
    /* A daemon that sweeps before each question may have gone on since. */
    if (!reply.ok && (sim->sweeps ? reply.pos > sim->last_seq : reply.pos != sim->last_seq))
        sim_fail(sim, "%s: pos is not the end of the log", command->id);
    /* What was refused has changed nothing, and is looked at less often. */
    bool look = sim->deep || random_chance(&sim->glance, reply.ok ? 500 : 50);
    if (look && command->op != SIM_IMPORT)
        compare_pair(sim, command->a, command->b);
    return reply;
}

static void
new_id(struct sim *sim, struct command *command, unsigned item)
{
    snprintf(command->id, sizeof(command->id), "c%u.%u", sim->step, item);
}

static void
run_new(struct sim *sim)
{
    struct command command;
    pick_command(sim, &command);
    new_id(sim, &command, 0);
    sim_run(sim, &command);
}

static void
run_batch(struct sim *sim)
{
    static struct command commands[BATCH_ITEM_MAX];
    unsigned count = 1 + (unsigned)random_below(&sim->random, BATCH_ITEM_MAX);
    struct buf *message = &sim->message;
    struct reader reader;
    struct slice items;

    buf_clear(message);
    write_map(message, 2);
    write_cstr(message, "v");
    write_uint(message, KITH_PROTOCOL_VERSION);
    write_cstr(message, "batch");
    write_array(message, count);
    for (unsigned i = 0; i < count; i++) {
        do
            pick_command(sim, &commands[i]);
        while (commands[i].op == SIM_ADVANCE); /* the model has one time a batch */
        new_id(sim, &commands[i], i);
        command_write(message, &commands[i], true);
    }
    sim_send(sim, buf_slice(message), &sim->reply);
    events_read(sim);
    if (!reply_find(buf_slice(&sim->reply), "batch", &items))
        sim_fail(sim, "a batch is not answered by a batch");
    reader_init(&reader, items);
    if (reader_array(&reader) != count)
        sim_fail(sim, "a batch of %u has another number of answers", count);
    for (unsigned i = 0; i < count; i++) {
        struct reply reply;
        read_reply(sim, reader_skip(&reader), &reply);
        sim_judge(sim, &commands[i], &reply);
    }
    events_compare_end(sim);
}

/* Send it as it is, without the model: what it may change is nothing. */
static void
send_alone(struct sim *sim, const struct command *command, struct reply *reply)
{
    buf_clear(&sim->message);
    command_write(&sim->message, command, false);
    sim_send(sim, buf_slice(&sim->message), &sim->reply);
    read_reply(sim, buf_slice(&sim->reply), reply);
    events_read(sim);
    events_compare_end(sim);
}

/* The same message once more: the same answer, or, after 7 days, a new command. */
static struct reply
repeat(struct sim *sim, const struct outcome *outcome)
{
    struct reply reply;
    struct command command = outcome->command;
    if (outcome->at_ms + KEPT_MS <= sim->model.now_ms)
        return sim_run(sim, &command);
    send_alone(sim, &command, &reply);
    if (!reply.ok || !reply.dup || reply.pos != outcome->pos || reply.at_ms != outcome->at_ms ||
        !slice_equal(reply.body, slice_of(outcome->result, outcome->result_size)))
        sim_fail(sim, "%s: repeated, it is not answered as the first time", command.id);
    sim->dups++;
    return reply;
}

static void
run_again(struct sim *sim)
{
    const struct outcome *outcome = pick_outcome(sim);
    if (outcome)
        repeat(sim, outcome);
}

void
sim_receive(struct sim *sim, unsigned client, const struct command *command)
{
    const struct outcome *outcome = sim_latest(sim, command->id);
    struct reply reply = outcome ? repeat(sim, outcome) : sim_run(sim, command);
    sockets_reply(sim, client, command, &reply);
}

/* The id of an earlier command, which is remembered, and another command. */
static void
run_mismatch(struct sim *sim)
{
    const struct outcome *outcome = pick_outcome(sim);
    struct command command;
    struct reply reply;
    pick_command(sim, &command);
    if (!outcome || outcome->at_ms + KEPT_MS <= sim->model.now_ms ||
        (command_names_two(&command) && command.a == command.b))
        return;
    memcpy(command.id, outcome->command.id, sizeof(command.id));
    buf_clear(&sim->query);
    command_write_body(&sim->query, &command);
    bool same = slice_equal(buf_slice(&sim->query), slice_of(outcome->body, outcome->body_size));
    send_alone(sim, &command, &reply);
    if (reply.ok != same ||
        (!same && !slice_is(reply_str(reply.body, "code"), "idempotency_mismatch")))
        sim_fail(sim, "%s: the same id with another command", command.id);
}

static void
run_rubbish(struct sim *sim)
{
    struct reply reply;
    const char *code = pick_rubbish(sim, &sim->message);
    sim_send(sim, buf_slice(&sim->message), &sim->reply);
    read_reply(sim, buf_slice(&sim->reply), &reply);
    if (reply.ok || !slice_is(reply_str(reply.body, "code"), code))
        sim_fail(sim, "rubbish is not refused as %s", code);
    events_read(sim);
    events_compare_end(sim);
}

void
sim_step(struct sim *sim)
{
    uint64_t kind = random_below(&sim->random, 1000);
    if (kind < 30)
        run_again(sim);
    else if (kind < 40)
        run_mismatch(sim);
    else if (kind < 60)
        run_rubbish(sim);
    else if (kind < 90)
        run_batch(sim);
    else if (sim->sockets.used)
        sockets_step(sim);
    else
        run_new(sim);

    if (random_chance(&sim->glance, 20))
        compare_member(sim, (int)random_below(&sim->glance, sim->model.member_count));
    if (random_chance(&sim->glance, 20))
        compare_kept(sim);
    if (sim->deep || random_chance(&sim->glance, 1))
        compare_everything(sim);
}
