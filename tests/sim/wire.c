/* The same work on a real kithd, through a socket: messages many at once, and kills in between.
 *
 * A seed is the same work each time, but how many messages a kill finds done is a matter of luck:
 * what is resent and answered tells.
 */
#include <signal.h>
#include <stdlib.h>

#include "base/assert.h"
#include "sim/runs.h"
#include "sim/world_wire.h"

/* Some instant that a machine's clock has not come to. */
#define BEGIN_MS 4102444800000LL

#define GROUP_MAX   32
#define LIVES_MAX   3 /* in which the messages of one group are sent */
#define REPLIES_MAX (GROUP_MAX * LIVES_MAX)
#define LEAP_MS_MAX (3 * 3600000) /* the first message of a group is still known at the last */
#define WAIT_US_MAX 3000          /* before a kill: longer than most groups take */

/* A reply, to which of the group's messages. */
struct taken {
    unsigned index;
    struct buf message;
    struct reply reply; /* points into it */
};

/* Messages that are sent at once. */
struct group {
    unsigned count, reply_count;
    struct command commands[GROUP_MAX];
    struct buf messages[GROUP_MAX];
    struct taken replies[REPLIES_MAX]; /* of all lives, as they came */
};

static struct group group;

/* --- sending --------------------------------------------------------------------------------- */

static void
add(struct sim *sim, struct command command)
{
    struct buf *message = &group.messages[group.count];
    if (command.id[0] == 0)
        snprintf(command.id, sizeof(command.id), "g%u.%u", sim->step, group.count);
    buf_clear(message);
    command_write(message, &command, false);
    group.commands[group.count++] = command;
}

/* A leap of the time by itself, with all that falls due; or many messages, now and then one twice.
 */
static void
fill(struct sim *sim)
{
    struct command command;
    uint64_t count = 1 + random_below(&sim->random, GROUP_MAX);
    group.count = group.reply_count = 0;
    if (random_chance(&sim->random, 100)) {
        command_init(&command, SIM_ADVANCE);
        command.ms = pick_time(sim) - sim->model.now_ms;
        add(sim, command);
        return;
    }
    while (group.count < count) {
        if (group.count > 0 && random_chance(&sim->random, 50)) {
            add(sim, group.commands[random_below(&sim->random, group.count)]);
            continue;
        }
        pick_command(sim, &command);
        command.ms %= LEAP_MS_MAX;
        add(sim, command);
    }
}

static void
take_reply(struct sim *sim, uint32_t first)
{
    struct taken *taken = &group.replies[group.reply_count++];
    taken->index = wire_receive(&sim->world, &taken->message) - first;
    if (taken->index >= group.count || !reply_read(buf_slice(&taken->message), &taken->reply))
        sim_fail(sim, "a message of a group is answered by no reply");
}

static uint32_t
send_all(struct sim *sim)
{
    uint32_t first = wire_send(&sim->world, buf_slice(&group.messages[0]));
    for (unsigned i = 1; i < group.count; i++)
        wire_send(&sim->world, buf_slice(&group.messages[i]));
    return first;
}

/* One connection keeps the order. */
static void
send_and_wait(struct sim *sim)
{
    uint32_t first = send_all(sim);
    for (unsigned i = 0; i < group.count; i++) {
        take_reply(sim, first);
        const struct taken *taken = &group.replies[group.reply_count - 1];
        if (taken->index != i)
            sim_fail(sim, "%s is answered before %s", group.commands[taken->index].id,
                     group.commands[i].id);
    }
}

/* It dies at some moment, perhaps with some answers out. */
static void
send_and_kill(struct sim *sim)
{
    uint32_t first = send_all(sim);
    unsigned answers = (unsigned)random_below(&sim->random, group.count);
    long wait_us = (long)random_below(&sim->random, WAIT_US_MAX);
    for (; answers > 0 && wire_wait(&sim->world, wait_us); answers--)
        take_reply(sim, first);
    wire_restart(&sim->world, SIGKILL, random_chance(&sim->random, 100));
    sim->crashes++;
}

/* --- judging --------------------------------------------------------------------------------- */

/* In the order in which they were done: what was done has its own place in the log, and what was
 * refused has that of the last one done before. */
static int
by_place(const void *a, const void *b)
{
    const struct taken *left = *(const struct taken *const *)a;
    const struct taken *right = *(const struct taken *const *)b;
    if (left->reply.pos != right->reply.pos)
        return left->reply.pos < right->reply.pos ? -1 : 1;
    if (left->reply.ok != right->reply.ok)
        return left->reply.ok ? -1 : 1;
    return (left > right) - (left < right);
}

static bool
is_kept(const struct outcome *outcome, const struct reply *reply)
{
    return outcome->pos == reply->pos && outcome->at_ms == reply->at_ms &&
           slice_equal(slice_of(outcome->result, outcome->result_size), reply->body);
}

/* Done before it was sent again: either that was told, and is now told the same way; or the answer
 * was lost with the daemon, and this is it. */
static void
judge_one(struct sim *sim, const struct taken *taken)
{
    const struct command *command = &group.commands[taken->index];
    const struct outcome *outcome = sim_latest(sim, command->id);
    struct reply reply = taken->reply;
    sim_show(sim, buf_slice(&group.messages[taken->index]), buf_slice(&taken->message));
    if (reply.ok && reply.dup && outcome) {
        if (!is_kept(outcome, &reply))
            sim_fail(sim, "%s: repeated, it is not answered as the first time", command->id);
        sim->dups++;
        return;
    }
    sim->answers_lost += reply.dup;
    reply.dup = false;
    sim_judge(sim, command, &reply);
}

static void
judge_all(struct sim *sim)
{
    const struct taken *order[REPLIES_MAX];
    for (unsigned i = 0; i < group.reply_count; i++)
        order[i] = &group.replies[i];
    qsort(order, group.reply_count, sizeof(order[0]), by_place);
    events_read(sim);
    for (unsigned i = 0; i < group.reply_count; i++)
        judge_one(sim, order[i]);
    events_compare_end(sim);
    if (!model_is_swept(&sim->model))
        sim_fail(sim, "the sweep has left something behind");
}

/* --- work ------------------------------------------------------------------------------------ */

static void
run_group(struct sim *sim)
{
    unsigned lives = 1;
    fill(sim);
    while (lives < LIVES_MAX && random_chance(&sim->random, 50))
        lives++;
    for (unsigned life = 1; life < lives; life++)
        send_and_kill(sim);
    send_and_wait(sim);
    judge_all(sim);
    sim->groups++;
    if (random_chance(&sim->glance, lives > 1 ? 300 : 10))
        compare_everything(sim);
    else
        compare_member(sim, (int)random_below(&sim->glance, sim->model.member_count));
    compare_kept(sim);
}

static void
advance(struct sim *sim, int64_t ms)
{
    struct command command;
    command_init(&command, SIM_ADVANCE);
    command.ms = ms;
    snprintf(command.id, sizeof(command.id), "t%u", sim->step);
    sim_run(sim, &command);
}

static void
run_turn(struct sim *sim)
{
    sim->step++;
    if (random_chance(&sim->random, 500))
        advance(sim, pick_time(sim) - sim->model.now_ms);
    if (random_chance(&sim->random, 300))
        run_group(sim);
    else
        sim_step(sim);
    if (!random_chance(&sim->random, 3))
        return;
    wire_restart(&sim->world, SIGTERM, random_chance(&sim->random, 500));
    sim->restarts++;
    compare_everything(sim);
}

/* --- one seed -------------------------------------------------------------------------------- */

/* A new daemon goes by the machine's clock, which is another each time. */
static void
begin_clock(struct sim *sim)
{
    struct command command;
    struct reply reply;
    command_init(&command, SIM_ADVANCE);
    snprintf(command.id, sizeof(command.id), "now");
    command_write(&sim->message, &command, false);
    sim_send(sim, buf_slice(&sim->message), &sim->reply);
    if (!reply_read(buf_slice(&sim->reply), &reply) || !reply.ok || reply.at_ms >= BEGIN_MS)
        sim_fail(sim, "the clock cannot be set");
    sim->last_seq = reply.pos;
    sim->model.now_ms = reply.at_ms;
    advance(sim, BEGIN_MS - reply.at_ms);
}

static void
run(struct sim *sim)
{
    static const int64_t aside[] = {0, 1, 8, 64};
    wire_use(sim->kithd);
    sim->sweeps = true;
    sim->world.commit_aside = aside[random_below(&sim->random, ARRAY_COUNT(aside))];
    sim->world.options.checkpoint_events = 1 + random_below(&sim->random, 400);
    sim->world.options.checkpoint_ms = 10 + (msec_t)random_below(&sim->random, 50);
    sim->world.options.checkpoint_memory = UINT64_C(1) << (14 + random_below(&sim->random, 8));
    world_create(&sim->world, false);
    begin_clock(sim);
    while (sim->step < sim->step_count)
        run_turn(sim);
    compare_everything(sim);
    events_check_log(sim);
    if (!wire_verify(&sim->world))
        sim_fail(sim, "kithd --verify --deep finds something");
    world_destroy(&sim->world);
}

int
main(int argc, char **argv)
{
    static const struct runs runs = {
        .program = "sim_wire", .steps = 1000, .needs_kithd = true, .run = run};
    return runs_main(&runs, argc, argv);
}
