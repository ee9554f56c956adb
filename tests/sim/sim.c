#include "sim/sim.h"

#include <stdlib.h>

#include "base/assert.h"
#include "sim/runs.h"

/* Some instant; only differences matter. */
#define BEGIN_MS 1750000000000LL

/* More than enough for whatever is lost on the way. */
#define TURNS_MAX 1000

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
        sim_step(sim);
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
    if (world_last_seq(&sim->world) != sim->last_seq)
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
    sim->model.now_ms = BEGIN_MS;
    sim->world.options = (struct store_options){
        .map_size = UINT64_C(1) << 30,
        .overlay_size = UINT64_C(1) << (18 + random_below(&sim->random, 6)),
        .checkpoint_events = 1 + random_below(&sim->random, 400),
        .checkpoint_ms = 1 + (msec_t)random_below(&sim->random, 50),
        .checkpoint_memory = UINT64_C(1) << (12 + random_below(&sim->random, 10)),
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
run(struct sim *sim)
{
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
}

int
main(int argc, char **argv)
{
    static const struct runs runs = {.program = "sim", .steps = 20000, .run = run};
    return runs_main(&runs, argc, argv);
}
