/* bench.c: `kith bench`: load a running kithd, and measure it beside its own machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/nearest.h"
#include "bench_disk.h"
#include "bench_echo.h"
#include "bench_kith.h"
#include "bench_report.h"
#include "enroll.h"
#include "fail.h"
#include "proto/limits.h"
#include "verb.h"

#define CONNECTIONS_DEFAULT 8
#define MEMBERS_DEFAULT     100000
#define MEMBERS_MAX         100000000
#define PREPARE_WINDOW_MAX  256
#define PREPARED_DEFAULT    200000 /* requests sent before accepts, or status, are measured */
#define ENROLL_BATCH        1000
#define ECHO_MS_MAX         3000 /* the echo needs no longer to be known */
#define DISK_COUNT          200
#define RATE_MAX            10000000

static const struct option_row rows[] = {
    {"op", 'o', OPTION_TEXT, offsetof(struct bench_options, op), 0, 0, "OP",
     "request (default), accept, status, mixed, register; echo: the transport alone"},
    {"queries", 'q', OPTION_FLAG, offsetof(struct bench_options, queries), 0, 0, NULL,
     "the same as --op status"},
    {"connections", 'c', OPTION_UINT, offsetof(struct bench_options, connections), 1,
     BENCH_CONNECTIONS_MAX, "N",
     "connections (default 8; with --batch as many as --window holds batches, if more)"},
    {"window", 'w', OPTION_UINT, offsetof(struct bench_options, window), 1, BENCH_WINDOW_MAX, "N",
     "messages under way, over all connections (default 2048)"},
    {"seconds", 's', OPTION_SECONDS, offsetof(struct bench_options, duration_ms), 1, 0, "S",
     "how long (default 10)"},
    {"count", 'n', OPTION_UINT, offsetof(struct bench_options, count), 1, 0, "N",
     "how many, instead of how long"},
    {"batch", 'b', OPTION_UINT, offsetof(struct bench_options, batch), 1, KITH_BATCH_COUNT_MAX, "N",
     "operations in a message; one message a connection is then under way (default 1)"},
    {"rate", 0, OPTION_UINT, offsetof(struct bench_options, rate), 1, RATE_MAX, "R",
     "messages a second on a fixed schedule; latency counts from the scheduled time"},
    {"members", 'm', OPTION_UINT, offsetof(struct bench_options, members), 2, MEMBERS_MAX, "N",
     "members to register before (default 100000)"},
    {"seed", 0, OPTION_UINT, offsetof(struct bench_options, seed), 1, 0, "N",
     "of the pairs and names; by default another each time"},
    {"dir", 'd', OPTION_TEXT, offsetof(struct bench_options, dir), 0, 0, "DIR",
     "where the disk is measured (default .)"},
    {"no-floor", 0, OPTION_FLAG, offsetof(struct bench_options, no_floor), 0, 0, NULL,
     "leave out the machine's own echo and fdatasync"},
};

static const struct option_table options_table = {rows, ARRAY_COUNT(rows)};

static const char *const op_names[] = {
    [BENCH_REQUEST] = "request", [BENCH_ACCEPT] = "accept",     [BENCH_STATUS] = "status",
    [BENCH_MIXED] = "mixed",     [BENCH_REGISTER] = "register", [BENCH_OP_COUNT] = "echo",
};

/* All of one run; large, so on the heap. */
struct bench {
    const struct cli *cli;
    struct bench_options options;
    struct bench_kith kith;
    struct bench_report report;
    char name[BENCH_NAME_SIZE]; /* of the member being registered */
};

/* An interrupt ends a bench as it ends any program: it has nothing to save. */
static const volatile sig_atomic_t never_interrupted;

/* --- before measuring ----------------------------------------------------------------------------
 */

static const char *
member_name(void *context, uint64_t number)
{
    struct bench *bench = context;
    bench_kith_member(&bench->kith, number, bench->name);
    return bench->name;
}

static enum cli_exit
tell_refusals(const struct cli *cli, const struct tally *tally, const char *what)
{
    if (tally->total == 0)
        return CLI_OK;
    fail(cli, tally->rows[0].code, "internal", "%llu %s refused: %s",
         (unsigned long long)tally->total, what, tally->rows[0].example);
    return CLI_REFUSED;
}

static enum cli_exit
enroll_members(struct bench *bench)
{
    struct kith *kith;
    enum cli_exit code = cli_open(bench->cli, 0, CLI_IMPATIENT, &kith);
    if (code != CLI_OK)
        return code;
    struct kith_reply *hello;
    enum kith_status status = kith_call(kith, "server.hello", NULL, NULL, &hello);
    if (status == KITH_STATUS_OK) {
        struct enroll enroll = {
            .count = bench->options.members,
            .batch_count_max = ENROLL_BATCH,
            .tier = "unlimited",
            .salt = bench->kith.prefix,
            .name = member_name,
            .context = bench,
        };
        struct progress progress;
        struct tally tally = {0};
        bench_report_server(&bench->report, kith_reply_result(hello));
        kith_reply_destroy(hello);
        progress_begin(&progress, bench->cli, "members", enroll.count);
        status = enroll_run(&enroll, kith, &progress, &tally, &never_interrupted);
        progress_end(&progress);
        code = tell_refusals(bench->cli, &tally, "members");
    } else if (status == KITH_STATUS_REFUSED) {
        code = cli_fail_reply(bench->cli, hello);
        kith_reply_destroy(hello);
    }
    kith_close(kith);
    if (status != KITH_STATUS_OK && status != KITH_STATUS_REFUSED)
        return cli_fail_status(bench->cli, status);
    return code;
}

static struct bench_load
load_for(const struct bench_options *options)
{
    bool batch = options->batch > 1;
    uint64_t messages = (options->count + options->batch - 1) / options->batch;
    unsigned connections = (unsigned)options->connections;
    return (struct bench_load){
        .connections = connections,
        .window = batch ? connections : (unsigned)options->window,
        .lanes_per_thread = batch ? 1 : BENCH_LANES_PER_THREAD,
        .duration_ms = options->count ? 0 : options->duration_ms,
        .count = messages,
        .rate = (double)options->rate,
    };
}

/* Send the requests that are then accepted, or asked about. */
static enum cli_exit
prepare_requests(struct bench *bench, uint64_t count)
{
    struct bench_load load = load_for(&bench->options);
    struct bench_result *result = malloc(sizeof(*result));
    enum bench_op op = bench->kith.op;
    /* Each lane to the end of its share, so that no pair below count is left out. */
    bench->kith.pair_end = count;
    load.count = 0;
    load.rate = 0;
    load.duration_ms = 0;
    bench->kith.op = BENCH_REQUEST;
    bench->kith.batch = 1;
    /* So few that even a slow daemon turns none away. */
    load.window = bench->options.window < PREPARE_WINDOW_MAX ? (unsigned)bench->options.window
                                                             : PREPARE_WINDOW_MAX;
    load.lanes_per_thread = BENCH_LANES_PER_THREAD;
    struct bench_target target = bench_kith_target(&bench->kith);
    if (!bench->cli->json)
        fprintf(stderr, "kith: sending %llu requests first\n", (unsigned long long)count);
    bool good = result && bench_load_run(&load, &target, result);
    free(result);
    enum cli_exit code = tell_refusals(bench->cli, &bench->kith.tally, "requests");
    if (!good)
        return CLI_UNREACHABLE;
    bench->kith.op = op;
    bench->kith.batch = (unsigned)bench->options.batch;
    bench->kith.ok = bench->kith.dup = 0;
    return code;
}

static enum cli_exit
prepare(struct bench *bench)
{
    struct bench_kith *kith = &bench->kith;
    enum cli_exit code = enroll_members(bench);
    if (code != CLI_OK || (kith->op != BENCH_ACCEPT && kith->op != BENCH_STATUS))
        return code;
    uint64_t count =
        kith->op == BENCH_ACCEPT && bench->options.count ? bench->options.count : PREPARED_DEFAULT;
    if (count > kith->pairing.count / 2)
        count = kith->pairing.count / 2;
    code = prepare_requests(bench, count > 0 ? count : 1);
    /* Half of the status queries ask about strangers. */
    kith->pair_end = kith->op == BENCH_ACCEPT ? count : 2 * count;
    return code;
}

/* --- measuring
 * ------------------------------------------------------------------------------------ */

static enum cli_exit
measure_kith(struct bench *bench)
{
    struct bench_load load = load_for(&bench->options);
    struct bench_target target = bench_kith_target(&bench->kith);
    bool good = bench_load_run(&load, &target, &bench->report.kith);
    bench->report.ok = bench->kith.ok;
    bench->report.refused = bench->kith.refused;
    bench->report.busy = bench->kith.busy;
    bench->report.dup = bench->kith.dup;
    bench->report.tally = &bench->kith.tally;
    if (!good && bench->report.kith.answered == 0) {
        fail(bench->cli, "unreachable", "unavailable", "the connections failed");
        return CLI_UNREACHABLE;
    }
    return CLI_OK;
}

static enum cli_exit
measure_floor(struct bench *bench)
{
    struct bench_load load = load_for(&bench->options);
    load.window = (unsigned)bench->options.window;
    load.lanes_per_thread = BENCH_LANES_PER_THREAD;
    load.count = 0;
    load.rate = 0;
    load.duration_ms =
        bench->options.duration_ms < ECHO_MS_MAX ? bench->options.duration_ms : ECHO_MS_MAX;
    if (!bench_echo_run(bench->cli, &load, &bench->report.echo))
        return CLI_INTERNAL;
    int error = bench_disk_run(bench->options.dir, DISK_COUNT, &bench->report.disk);
    if (error == 0)
        return CLI_OK;
    return fail_usage(bench->cli, "cannot measure the disk in %s: %s\nname another with --dir",
                      bench->options.dir, strerror(error));
}

static enum cli_exit
run(struct bench *bench)
{
    enum cli_exit code = CLI_OK;
    /* The floor is measured first, on a machine that is still quiet. */
    if (!bench->options.no_floor || bench->kith.op == BENCH_OP_COUNT)
        code = measure_floor(bench);
    if (code == CLI_OK && bench->kith.op != BENCH_OP_COUNT)
        code = prepare(bench);
    if (code == CLI_OK && bench->kith.op != BENCH_OP_COUNT)
        code = measure_kith(bench);
    if (code != CLI_OK)
        return code;
    bench_report_print(bench->cli, &bench->report);
    return bench->report.refused > 0 || bench->report.kith.lost > 0 ? CLI_REFUSED : CLI_OK;
}

static bool
find_op(const struct cli *cli, const char *name, enum bench_op *op)
{
    for (size_t i = 0; i < ARRAY_COUNT(op_names); i++)
        if (strcmp(op_names[i], name) == 0) {
            *op = (enum bench_op)i;
            return true;
        }
    const char *near = nearest_of(name, op_names, ARRAY_COUNT(op_names));
    fail_usage(cli, "--op takes request, accept, status, mixed, register or echo, not '%s'%s%s%s",
               name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return false;
}

static bool
init(struct bench *bench)
{
    struct bench_options *options = &bench->options;
    struct bench_kith *kith = &bench->kith;
    if (options->queries)
        options->op = op_names[BENCH_STATUS];
    if (!find_op(bench->cli, options->op, &kith->op))
        return false;
    if (options->batch > 1 && options->rate > 0) {
        fail_usage(bench->cli,
                   "--batch and --rate do not go together: a batch waits for its answer");
        return false;
    }
    if (options->connections == 0) {
        options->connections = CONNECTIONS_DEFAULT;
        /* A connection has one batch under way. */
        uint64_t batches = options->batch > 1 ? options->window / options->batch : 0;
        if (batches > options->connections)
            options->connections =
                batches < BENCH_CONNECTIONS_MAX ? batches : BENCH_CONNECTIONS_MAX;
    }
    if (options->connections > options->window)
        options->window = options->connections;
    if (options->seed == 0)
        options->seed = (uint64_t)cli_now_ms() * 1000003 ^ (uint64_t)getpid();
    kith->cli = bench->cli;
    kith->connections = (unsigned)options->connections;
    kith->batch = (unsigned)options->batch;
    pthread_mutex_init(&kith->lock, NULL);
    pairing_init(&kith->pairing, (uint32_t)options->members, options->seed);
    kith->pair_end = kith->pairing.count;
    snprintf(kith->prefix, sizeof(kith->prefix), "b%08x",
             (unsigned)(options->seed ^ options->seed >> 32));
    bench->report.options = options;
    return true;
}

static enum cli_exit
bench_run(struct cli *cli, struct option_args *args)
{
    struct bench_options options = {
        .op = "request",
        .window = 2048,
        .duration_ms = 10000,
        .batch = 1,
        .members = MEMBERS_DEFAULT,
        .dir = ".",
    };
    if (!option_parse(cli, args->at[0], &options_table, &options, args))
        return CLI_INVALID;
    if (args->count > 1)
        return fail_usage(cli, "bench takes no words: '%s'\nmeant --op %s?", args->at[1],
                          args->at[1]);
    struct bench *bench = calloc(1, sizeof(*bench));
    if (!bench)
        return cli_fail_status(cli, KITH_STATUS_NO_MEMORY);
    bench->cli = cli;
    bench->options = options;
    enum cli_exit code = init(bench) ? run(bench) : CLI_INVALID;
    free(bench);
    return code;
}

const struct verb verb_bench = {
    .name = "bench",
    .words = "",
    .help = "load a running kithd and measure it beside its machine",
    .more = "  It registers members of tier unlimited in that kithd and sends requests between "
            "them: for\n"
            "  a kithd of its own, not for one in use. The rate is compared with a bare nanomsg "
            "echo at\n"
            "  the same connections and window, and the disk's own fdatasync is told beside it.",
    .options = &options_table,
    .run = bench_run,
};
