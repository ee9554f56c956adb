/* Crash consistency: a child works on a real directory and tells what it has acknowledged; it is
 * killed at some moment; and what is found then must hold all of that, whole commands only, in a
 * dense log, under views that are what the log makes of them. Then the next child goes on. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "sim/command.h"
#include "sim/random.h"
#include "sim/reply.h"
#include "sim/world.h"

#define BEGIN_MS      1750000000000LL
#define MEMBER_COUNT  14
#define TURN_MAX      120
#define ACK_OLD_COUNT 2000 /* acknowledgements of earlier rounds that are looked up again */

/* What the child tells through the pipe once a turn is durable; small enough to come whole. */
struct ack {
    seq_t pos;
    msec_t at_ms;
    char id[KITH_ID_SIZE_MAX];
};
_Static_assert(sizeof(struct ack) <= 512, "POSIX writes that much to a pipe in one piece");

struct run {
    uint64_t seed, round;
    struct random random;
    struct world world;
    struct buf message, reply;
    struct ack *acks;
    size_t ack_count, ack_capacity, ack_old;
    seq_t checked_seq; /* the log was read up to here */
    msec_t checked_ms;
    uint64_t replayed;
};

static _Noreturn void
fail(struct run *run, const char *what, const char *which)
{
    fprintf(stderr, "round %" PRIu64 ": %s: %s\nagain: sim_kill --seed %" PRIu64 " --rounds 1\n",
            run->round, what, which, run->seed + run->round);
    fprintf(stderr, "(the moment of the kill is another each time; %s is left as it was found)\n",
            run->world.dir);
    exit(EXIT_FAILURE);
}

/* --- the child ------------------------------------------------------------------------------ */

/* No model is asked: about half of what is picked is refused, which is good enough. */
static void
pick(struct run *run, struct command *command)
{
    static const enum sim_op ops[] = {SIM_REQUEST, SIM_REQUEST,  SIM_REQUEST,  SIM_ACCEPT,
                                      SIM_ACCEPT,  SIM_WITHDRAW, SIM_REMOVE,   SIM_IMPORT,
                                      SIM_UPDATE,  SIM_INVITE,   SIM_REGISTER, SIM_BLOCK,
                                      SIM_UNBLOCK, SIM_DECLINE,  SIM_IGNORE,   SIM_ADVANCE};
    enum sim_op op;
    do
        op = ops[random_below(&run->random, ARRAY_COUNT(ops))];
    while (!sim_op_exists(op));
    command_init(command, op);
    command->a = (int)random_below(&run->random, MEMBER_COUNT);
    command->b = (int)random_below(&run->random, MEMBER_COUNT);
    command->tier = op == SIM_REGISTER || op == SIM_UPDATE ? "unlimited" : NULL;
    command->note = random_chance(&run->random, 300) ? &notes[0] : NULL;
    command->name = random_chance(&run->random, 500) ? "Ann Example" : NULL;
    command->contact = (int)random_below(&run->random, CONTACT_COUNT);
    command->ms = (int64_t)random_below(&run->random, 3 * 3600000);
    command->pair_count = 1 + (unsigned)random_below(&run->random, PAIRS_MAX);
    for (unsigned i = 0; i < command->pair_count; i++) {
        command->pairs[i][0] = (int)random_below(&run->random, MEMBER_COUNT);
        command->pairs[i][1] = (int)random_below(&run->random, MEMBER_COUNT);
    }
}

static msec_t
log_time(const struct run *run)
{
    msec_t last_ms = log_last_at(store_log(run->world.store));
    return last_ms > BEGIN_MS ? last_ms : BEGIN_MS;
}

/* One turn, and then what it has acknowledged. */
static void
work_turn(struct run *run, unsigned *count, int fd)
{
    struct ack acks[TURN_MAX];
    unsigned ack_count = 0;
    uint64_t commands = 1 + random_below(&run->random, TURN_MAX);

    world_begin(&run->world, log_time(run));
    for (uint64_t i = 0; i < commands; i++) {
        struct command command;
        struct reply reply;
        pick(run, &command);
        snprintf(command.id, sizeof(command.id), "%" PRIu64 ".%u", run->round, ++*count);
        buf_clear(&run->message);
        command_write(&run->message, &command, false);
        world_execute(&run->world, buf_slice(&run->message), log_time(run), &run->reply);
        if (!reply_read(buf_slice(&run->reply), &reply) || !reply.ok)
            continue;
        struct ack *ack = &acks[ack_count++];
        *ack = (struct ack){.pos = reply.pos, .at_ms = reply.at_ms};
        memcpy(ack->id, command.id, sizeof(ack->id));
    }
    world_end(&run->world, true);
    for (unsigned i = 0; i < ack_count; i++)
        if (write(fd, &acks[i], sizeof(acks[i])) != sizeof(acks[i]))
            _exit(EXIT_FAILURE);
}

static _Noreturn void
work(struct run *run, int fd)
{
    unsigned count = 0;
    run->random.state = run->seed + run->round;
    world_open(&run->world);
    for (;;)
        work_turn(run, &count, fd);
}

/* --- the parent: kill ------------------------------------------------------------------------ */

static bool
read_ack(struct run *run, int fd)
{
    struct ack ack;
    if (read(fd, &ack, sizeof(ack)) != sizeof(ack))
        return false;
    if (run->ack_count == run->ack_capacity) {
        run->ack_capacity = run->ack_capacity ? 2 * run->ack_capacity : 4096;
        run->acks = realloc(run->acks, run->ack_capacity * sizeof(*run->acks));
        assert(run->acks);
    }
    run->acks[run->ack_count++] = ack;
    return true;
}

/* Let a child work until it has acknowledged so many commands, or none: while it opens. */
static void
kill_one(struct run *run)
{
    int ends[2], status = 0;
    struct random random = {~(run->seed + run->round)};
    uint64_t wanted = random_chance(&random, 50) ? 0 : 1 + random_below(&random, 3000);

    fflush(stdout);
    if (pipe(ends) != 0)
        fail(run, "pipe", "refused");
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        work(run, ends[1]);
    }
    if (child < 0)
        fail(run, "fork", "refused");
    close(ends[1]);
    run->ack_old = run->ack_count;
    while (wanted > 0 && read_ack(run, ends[0]))
        wanted--;
    kill(child, SIGKILL);
    while (read_ack(run, ends[0])) /* what it still said */
        ;
    close(ends[0]);
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail(run, "the child", "ended by itself");
}

/* --- the parent: look ------------------------------------------------------------------------ */

static struct slice
ask(struct run *run, const char *op, const char *arg, const char *text, seq_t number)
{
    struct reply reply;
    buf_clear(&run->message);
    write_map(&run->message, 3);
    write_cstr(&run->message, "v");
    write_uint(&run->message, KITH_PROTOCOL_VERSION);
    write_cstr(&run->message, "op");
    write_cstr(&run->message, op);
    write_cstr(&run->message, "args");
    write_map(&run->message, 1);
    write_cstr(&run->message, arg);
    if (text)
        write_cstr(&run->message, text);
    else
        write_uint(&run->message, number);
    world_execute(&run->world, buf_slice(&run->message), log_time(run), &run->reply);
    if (!reply_read(buf_slice(&run->reply), &reply) || !reply.ok)
        fail(run, "refused", op);
    return reply.body;
}

static void
look_up(struct run *run, const struct ack *ack)
{
    struct slice kept = ask(run, "command.lookup", "id", ack->id, 0);
    bool forgotten = kept.size == 1; /* nil: 7 days have gone by */
    if (forgotten && ack->at_ms + 7 * 24 * 3600000LL > log_time(run))
        fail(run, "acknowledged, and lost", ack->id);
    if (!forgotten &&
        ((seq_t)reply_num(kept, "pos") != ack->pos || reply_num(kept, "at") != ack->at_ms))
        fail(run, "acknowledged, and found to be another", ack->id);
}

static void
look_up_all(struct run *run)
{
    for (size_t i = run->ack_old; i < run->ack_count; i++)
        look_up(run, &run->acks[i]);
    for (unsigned i = 0; i < ACK_OLD_COUNT && run->ack_old > 0; i++)
        look_up(run, &run->acks[random_below(&run->random, run->ack_old)]);
}

/* Behind the last event of each command its lookup must say so: nothing of it is missing. */
static void
check_end(struct run *run, const char *id, seq_t seq)
{
    if (!id[0])
        return;
    struct slice kept = ask(run, "command.lookup", "id", id, 0);
    if (kept.size > 1 && (seq_t)reply_num(kept, "pos") != seq)
        fail(run, "only part of it is in the log", id);
}

static void
check_event(struct run *run, struct slice event, char id[KITH_ID_SIZE_MAX + 1])
{
    seq_t seq = (seq_t)reply_num(event, "seq");
    msec_t at_ms = reply_num(event, "at");
    struct slice cause = reply_str(event, "cause");
    if (seq != run->checked_seq + 1)
        fail(run, "the log", "has a gap");
    if (at_ms < run->checked_ms)
        fail(run, "the log", "goes back in time");
    if (!slice_is(cause, id)) {
        check_end(run, id, run->checked_seq);
        memcpy(id, cause.data ? (const char *)cause.data : "", cause.size);
        id[cause.size] = 0;
    }
    run->checked_seq = seq;
    run->checked_ms = at_ms;
}

static void
check_log(struct run *run)
{
    static struct buf page;
    char id[KITH_ID_SIZE_MAX + 1] = "";
    seq_t last = log_last(store_log(run->world.store));
    while (run->checked_seq < last) {
        struct slice body = ask(run, "event.read", "after", NULL, run->checked_seq), events;
        struct reader reader;
        if (!reply_find(body, "events", &events))
            fail(run, "event.read", "has no events");
        buf_clear(&page);
        buf_append(&page, events.data, events.size); /* check_end() asks for something else */
        reader_init(&reader, buf_slice(&page));
        uint32_t count = reader_array(&reader);
        for (uint32_t i = 0; i < count; i++)
            check_event(run, reader_skip(&reader), id);
    }
    check_end(run, id, run->checked_seq);
    buf_fini(&page);
}

static void
check_one(struct run *run)
{
    world_open(&run->world);
    store_begin(run->world.store);
    core_begin(run->world.core);
    look_up_all(run);
    check_log(run);
    store_abort(run->world.store);
    core_end(run->world.core, false);
    if (!world_check_rebuild(&run->world))
        fail(run, "the views", "are not what the log makes of them");
    world_close(&run->world);
}

/* --- all ------------------------------------------------------------------------------------- */

int
main(int argc, char **argv)
{
    static struct run run;
    uint64_t rounds = 20, bad = argc % 2 == 0;
    run.seed = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            run.seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--rounds") == 0)
            rounds = strtoull(argv[i + 1], NULL, 10);
        else
            bad++;
    }
    if (bad) {
        fprintf(stderr, "sim_kill [--seed N] [--rounds N]\n"
                        "Kills a working child so many times, and looks at what is left.\n");
        return 2;
    }
    settings_init(&run.world.settings);
    run.world.options = (struct store_options){
        .map_size = UINT64_C(1) << 32,
        .overlay_size = 1 << 22,
        .checkpoint_events = 50,
        .checkpoint_ms = 3,
        .checkpoint_memory = 1 << 15,
    };
    run.world.seed = run.seed;
    world_create(&run.world, true);
    world_close(&run.world);
    for (; run.round < rounds; run.round++) {
        kill_one(&run);
        check_one(&run);
    }
    printf("%" PRIu64 " kills: %zu commands acknowledged, %" PRIu64 " events, all there\n", rounds,
           run.ack_count, run.checked_seq);
    world_destroy(&run.world);
    free(run.acks);
    buf_fini(&run.message);
    buf_fini(&run.reply);
    return 0;
}
