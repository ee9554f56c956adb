#include "sim/runs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/assert.h"

/* --- one seed -------------------------------------------------------------------------------- */

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
    const char *kithd;
    bool trace, deep;
};

/* Who is there and what is configured. */
static void
begin(struct sim *sim)
{
    static const unsigned counts[] = {4, 8, 10, 12, 20, MEMBERS_MAX};
    sim->random.state = sim->seed;
    sim->glance.state = ~sim->seed;
    if (sim->member_count == 0)
        sim->member_count = counts[random_below(&sim->random, ARRAY_COUNT(counts))];
    pick_settings(sim);
    model_init(&sim->model, sim->member_count, 0);
}

static void
run_seed(struct sim *sim, const struct runs *runs, const struct options *options, uint64_t seed)
{
    *sim = (struct sim){
        .program = runs->program,
        .kithd = options->kithd,
        .seed = seed,
        .step_count = (unsigned)options->steps,
        .member_count = (unsigned)options->members,
        .trace = options->trace,
        .deep = options->deep,
    };
    sim_watch(sim);
    begin(sim);
    runs->run(sim);
    free_bufs(sim);
}

/* --- all of them ----------------------------------------------------------------------------- */

struct totals {
    uint64_t lost, doubled, retried, hints_lost, healed;
    uint64_t runs, executed, refused, events, queries, dups, undone, restarts, rebuilds, crashes;
    uint64_t groups, answers_lost;
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
    totals->groups += sim->groups;
    totals->answers_lost += sim->answers_lost;
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
    if (totals->groups > 0)
        printf("%" PRIu64 " groups sent at once; %" PRIu64 " commands done and not answered\n",
               totals->groups, totals->answers_lost);
    else
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
        else if (!found && strcmp(argv[i], "--kithd") == 0 && i + 1 < argc)
            options->kithd = argv[++i];
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
runs_main(const struct runs *runs, int argc, char **argv)
{
    static struct sim sim;
    static struct totals totals;
    struct options options = {.seed = 1, .rounds = 1, .steps = runs->steps};
    if (!read_options(&options, argc, argv) || runs->needs_kithd != (options.kithd != NULL)) {
        fprintf(stderr,
                "%s%s [--seed N] [--rounds N] [--steps N] [--members 2..%d] [--minutes X] "
                "[--trace] [--deep]\n"
                "Runs seeds N, N+1, … for so many rounds, or for so long.\n",
                runs->program, runs->needs_kithd ? " --kithd PATH" : "", MEMBERS_MAX);
        return 2;
    }
    /* Stores are small here, and made anew all the time: zeroing large pages would cost most. */
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    double began = seconds();
    for (uint64_t round = 0;; round++) {
        if (options.minutes > 0 ? seconds() - began >= options.minutes * 60
                                : round >= options.rounds)
            break;
        run_seed(&sim, runs, &options, options.seed + round);
        add_totals(&totals, &sim);
    }
    print_totals(&totals, seconds() - began);
    return 0;
}
