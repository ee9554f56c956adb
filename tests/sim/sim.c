#include "sim/sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <xxhash.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"

/* Some instant; only differences matter. */
#define BEGIN_MS 1750000000000LL

/* More than enough for whatever is lost on the way. */
#define TURNS_MAX 1000

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
    fprintf(stderr, "\nagain: sim --seed %" PRIu64 " --steps %u%s --trace\n", sim->seed,
            sim->step_count, sim->deep ? " --deep" : "");
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

static void
copy_buf(struct buf *to, struct slice from)
{
    buf_clear(to);
    buf_append(to, from.data, from.size);
}

void
sim_send(struct sim *sim, struct slice message, struct buf *reply)
{
    struct shown *shown = &sim->history[sim->history_count % HISTORY_MAX];
    shown->step = sim->step;
    shown->now_ms = sim->model.now_ms;
    copy_buf(&shown->message, message);
    world_execute(&sim->world, message, sim->model.now_ms, reply);
    copy_buf(&shown->reply, buf_slice(reply));
    sim->history_count++;
    if (sim->trace)
        print_shown(stdout, shown);
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

/* One command has been executed, and the new events were read: was it as the model says? */
static void
judge(struct sim *sim, const struct command *command, const struct reply *reply)
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

static struct reply
run_one(struct sim *sim, const struct command *command)
{
    struct reply reply, before;
    bool previewed = preview(sim, command);
    buf_clear(&sim->message);
    command_write(&sim->message, command, false);
    sim_send(sim, buf_slice(&sim->message), &sim->reply);
    read_reply(sim, buf_slice(&sim->reply), &reply);
    events_read(sim);
    judge(sim, command, &reply);
    events_compare_end(sim);
    if (previewed) {
        read_reply(sim, buf_slice(&sim->preview), &before);
        compare_preview(sim, command->id, before.body, &reply);
    }
    if (!reply.ok && reply.pos != sim->last_seq)
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
    run_one(sim, &command);
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
        judge(sim, &commands[i], &reply);
    }
    events_compare_end(sim);
}

/* The same message once more: the same answer, or, after 7 days, a new command. */
static struct reply
repeat(struct sim *sim, const struct outcome *outcome)
{
    struct reply reply;
    struct command command = outcome->command;
    if (outcome->at_ms + KEPT_MS <= sim->model.now_ms)
        return run_one(sim, &command);
    buf_clear(&sim->message);
    command_write(&sim->message, &command, false);
    sim_send(sim, buf_slice(&sim->message), &sim->reply);
    read_reply(sim, buf_slice(&sim->reply), &reply);
    events_read(sim);
    events_compare_end(sim);
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
    struct reply reply = outcome ? repeat(sim, outcome) : run_one(sim, command);
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
    buf_clear(&sim->message);
    command_write(&sim->message, &command, false);
    sim_send(sim, buf_slice(&sim->message), &sim->reply);
    read_reply(sim, buf_slice(&sim->reply), &reply);
    events_read(sim);
    events_compare_end(sim);
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

static void
run_step(struct sim *sim)
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

/* --- turns ----------------------------------------------------------------------------------- */

static void
begin_turn(struct sim *sim)
{
    world_begin(&sim->world, sim->model.now_ms);
    events_read(sim);
    events_take_own(sim, sim->last_seq);
    events_compare_end(sim);
    if (!model_is_swept(&sim->model))
        sim_fail(sim, "the sweep has left something behind");
    if (sim->sockets.used)
        sockets_hint(sim);
}

static void
end_turn(struct sim *sim)
{
    world_end(&sim->world, true);
    if (sim->sockets.used)
        sockets_kept(sim);
}

/* With sockets the daemon goes by a machine's clock that is set forward and back now and then; its
 * own never goes back, and does not follow a leap. */
static msec_t
next_time(struct sim *sim)
{
    enum clock_news news;
    msec_t wanted_ms = pick_time(sim);
    if (!sim->sockets.used)
        return wanted_ms;
    sim->mono_ms += wanted_ms - sim->model.now_ms;
    if (random_chance(&sim->random, 10))
        sim->wrong_ms = (msec_t)random_below(&sim->random, 4 * CLOCK_STEP_MS_MAX) -
                        2 * (msec_t)CLOCK_STEP_MS_MAX;
    struct clock_reading reading = {BEGIN_MS + sim->mono_ms + sim->wrong_ms, sim->mono_ms};
    if (random_chance(&sim->random, 3))
        clock_accept(&sim->clock, reading);
    msec_t now_ms = clock_now(&sim->clock, reading, sim->last_ms, &news);
    if (now_ms < sim->given_ms)
        sim_fail(sim, "the daemon's time goes back");
    return sim->given_ms = now_ms;
}

/* A new process, with what the machine says now. */
static void
begin_clock(struct sim *sim)
{
    struct clock_reading reading = {BEGIN_MS + sim->mono_ms + sim->wrong_ms, sim->mono_ms};
    clock_init(&sim->clock, false, reading, sim->last_ms);
    sim->given_ms = sim->last_ms; /* what was given out and never used may come again */
}

static void
run_turn(struct sim *sim, bool undo)
{
    bool large = !sim->sockets.used && random_chance(&sim->random, 300);
    uint64_t steps = 1 + random_below(&sim->random, large ? 200 : sim->sockets.used ? 30 : 10);

    if (undo) {
        sim->before = sim->model;
        sim->before_seq = sim->last_seq;
        sim->before_ms = sim->last_ms;
        sim->before_kept = sim->kept_count;
    }
    begin_turn(sim);
    for (; steps > 0 && sim->step < sim->step_count && !world_is_full(&sim->world); steps--) {
        sim->step++;
        if (random_chance(&sim->random, 100))
            sim->model.now_ms = next_time(sim);
        run_step(sim);
    }
    if (!undo)
        end_turn(sim);
}

/* A turn that fails at its end must leave nothing behind. */
static void
run_undone_turn(struct sim *sim)
{
    run_turn(sim, true);
    world_end(&sim->world, false);
    sockets_undone(sim);
    sim->undone++;
    sim->model = sim->before;
    sim->last_seq = sim->before_seq;
    sim->last_ms = sim->before_ms;
    sim->kept_count = sim->before_kept;
    if (sim->kept_first > sim->kept_count)
        sim->kept_first = sim->kept_count;
    if (log_last(store_log(sim->world.store)) != sim->last_seq)
        sim_fail(sim, "an undone turn has left events");
    begin_turn(sim);
    compare_everything(sim);
    end_turn(sim);
}

static void
check_whole(struct sim *sim)
{
    begin_turn(sim);
    compare_everything(sim);
    end_turn(sim);
}

static void
between_turns(struct sim *sim)
{
    uint64_t kind = random_below(&sim->random, 1000);
    if (kind < 6) {
        world_restart(&sim->world, false);
        sim->restarts++;
    } else if (kind < 8) {
        world_restart(&sim->world, true);
        sim->rebuilds++;
    } else if (kind < 12) {
        world_crash(&sim->world);
        sim->crashes++;
    } else if (kind < 14) {
        if (!world_check_rebuild(&sim->world))
            sim_fail(sim, "the views are not what the log makes of them");
        sim->rebuilds++;
    } else {
        return;
    }
    if (kind < 12) {
        sockets_cut(sim);
        begin_clock(sim);
        sim->model.now_ms = next_time(sim);
    }
    check_whole(sim);
}

/* --- one seed -------------------------------------------------------------------------------- */

static void
begin_run(struct sim *sim)
{
    static const unsigned counts[] = {4, 8, 10, 12, 20, MEMBERS_MAX};
    sim->random.state = sim->seed;
    sim->glance.state = ~sim->seed;
    if (sim->member_count == 0)
        sim->member_count = counts[random_below(&sim->random, ARRAY_COUNT(counts))];
    pick_settings(sim);
    model_init(&sim->model, sim->member_count, BEGIN_MS);
    sim->world.options = (struct store_options){
        .map_size = UINT64_C(1) << 30,
        .overlay_size = UINT64_C(1) << (18 + random_below(&sim->random, 6)),
        .checkpoint_events = 1 + random_below(&sim->random, 400),
        .checkpoint_ms = 1 + (msec_t)random_below(&sim->random, 50),
    };
    sim->world.seed = sim->seed;
    world_create(&sim->world, false);
    if (sim->seed % 2 == 0)
        sockets_begin(sim);
    begin_clock(sim);
}

/* Every client gets its answer, at last. */
static void
answer_all(struct sim *sim)
{
    sim->sockets.quiet = true;
    for (unsigned turn = 0; sockets_wait(sim); turn++) {
        if (turn == TURNS_MAX)
            sim_fail(sim, "a client is never answered");
        begin_turn(sim);
        for (unsigned i = 0; i < 20; i++)
            sockets_step(sim);
        end_turn(sim);
    }
}

static void
end_run(struct sim *sim)
{
    if (sim->sockets.used)
        answer_all(sim);
    begin_turn(sim);
    compare_everything(sim);
    sockets_check(sim);
    events_check_log(sim);
    end_turn(sim);
    if (!world_check_rebuild(&sim->world))
        sim_fail(sim, "the views are not what the log makes of them");
    world_destroy(&sim->world);
}

static void
free_bufs(struct sim *sim)
{
    buf_fini(&sim->message);
    buf_fini(&sim->reply);
    buf_fini(&sim->query);
    buf_fini(&sim->answer);
    buf_fini(&sim->preview);
    buf_fini(&sim->events);
    for (unsigned i = 0; i < HISTORY_MAX; i++) {
        buf_fini(&sim->history[i].message);
        buf_fini(&sim->history[i].reply);
    }
}

struct options {
    uint64_t seed, rounds, steps, members;
    double minutes;
    bool trace, deep;
};

static void
run_seed(struct sim *sim, const struct options *options, uint64_t seed)
{
    *sim = (struct sim){
        .seed = seed,
        .step_count = (unsigned)options->steps,
        .member_count = (unsigned)options->members,
        .trace = options->trace,
        .deep = options->deep,
    };
    running = sim;
    signal(SIGABRT, on_abort);
    begin_run(sim);
    while (sim->step < sim->step_count) {
        sim->model.now_ms = next_time(sim);
        if (random_chance(&sim->random, 30))
            run_undone_turn(sim);
        else
            run_turn(sim, false);
        between_turns(sim);
    }
    end_run(sim);
    free_bufs(sim);
}

/* --- all of them ----------------------------------------------------------------------------- */

struct totals {
    uint64_t lost, doubled, retried, hints_lost, healed;
    uint64_t runs, executed, refused, events, queries, dups, undone, restarts, rebuilds, crashes;
    uint64_t by_op[SIM_OP_COUNT][2];
};

static void
add_totals(struct totals *totals, const struct sim *sim)
{
    totals->runs++;
    totals->executed += sim->executed;
    totals->refused += sim->refused;
    totals->events += sim->events_total;
    totals->queries += sim->queries;
    totals->dups += sim->dups;
    totals->undone += sim->undone;
    totals->restarts += sim->restarts;
    totals->rebuilds += sim->rebuilds;
    totals->crashes += sim->crashes;
    totals->lost += sim->sockets.lost;
    totals->doubled += sim->sockets.doubled;
    totals->retried += sim->sockets.retried;
    totals->hints_lost += sim->sockets.hints_lost;
    totals->healed += sim->sockets.healed;
    for (enum sim_op op = 0; op < SIM_OP_COUNT; op++) {
        totals->by_op[op][0] += sim->by_op[op][0];
        totals->by_op[op][1] += sim->by_op[op][1];
    }
}

static double
seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
print_totals(const struct totals *totals, double took)
{
    for (enum sim_op op = 0; op < SIM_OP_COUNT; op++)
        if (totals->by_op[op][0] + totals->by_op[op][1] > 0)
            printf("%-24s %9" PRIu64 " done %9" PRIu64 " refused\n", sim_ops[op].name,
                   totals->by_op[op][1], totals->by_op[op][0]);
    printf("%" PRIu64 " runs: %" PRIu64 " commands (%" PRIu64 " refused), %" PRIu64
           " repeated, %" PRIu64 " events, %" PRIu64 " queries\n",
           totals->runs, totals->executed, totals->refused, totals->dups, totals->events,
           totals->queries);
    printf("%" PRIu64 " messages lost, %" PRIu64 " doubled, %" PRIu64 " sent again; %" PRIu64
           " hints lost, %" PRIu64 " times read on from the log\n",
           totals->lost, totals->doubled, totals->retried, totals->hints_lost, totals->healed);
    printf("%" PRIu64 " turns undone, %" PRIu64 " restarts, %" PRIu64 " crashes, %" PRIu64
           " rebuilds; %.1f s, %.0f commands/s\n",
           totals->undone, totals->restarts, totals->crashes, totals->rebuilds, took,
           (double)totals->executed / took);
}

static bool
read_options(struct options *options, int argc, char **argv)
{
    const struct {
        const char *name;
        uint64_t *value;
    } numbers[] = {{"--seed", &options->seed},
                   {"--rounds", &options->rounds},
                   {"--steps", &options->steps},
                   {"--members", &options->members}};
    for (int i = 1; i < argc; i++) {
        bool found = false;
        for (unsigned j = 0; j < ARRAY_COUNT(numbers) && i + 1 < argc && !found; j++)
            if ((found = strcmp(argv[i], numbers[j].name) == 0))
                *numbers[j].value = strtoull(argv[++i], NULL, 10);
        if (!found && strcmp(argv[i], "--minutes") == 0 && i + 1 < argc)
            options->minutes = strtod(argv[++i], NULL);
        else if (!found && strcmp(argv[i], "--trace") == 0)
            options->trace = true;
        else if (!found && strcmp(argv[i], "--deep") == 0)
            options->deep = true;
        else if (!found)
            return false;
    }
    return options->members != 1 && options->members <= MEMBERS_MAX;
}

int
main(int argc, char **argv)
{
    static struct sim sim;
    static struct totals totals;
    struct options options = {.seed = 1, .rounds = 1, .steps = 20000};
    if (!read_options(&options, argc, argv)) {
        fprintf(stderr,
                "sim [--seed N] [--rounds N] [--steps N] [--members 2..%d] [--minutes X] "
                "[--trace] [--deep]\n"
                "Runs seeds N, N+1, … for so many rounds, or for so long.\n",
                MEMBERS_MAX);
        return 2;
    }
    /* Stores are small here, and made anew all the time: zeroing large pages would cost most. */
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    double began = seconds();
    for (uint64_t round = 0;; round++) {
        if (options.minutes > 0 ? seconds() - began >= options.minutes * 60
                                : round >= options.rounds)
            break;
        run_seed(&sim, &options, options.seed + round);
        add_totals(&totals, &sim);
    }
    print_totals(&totals, seconds() - began);
    return 0;
}
