/* import.c: `kith import`: an edge list into members and connections. */
#include <signal.h>
#include <stdio.h>

#include "base/assert.h"
#include "enroll.h"
#include "fail.h"
#include "flow.h"
#include "import_connect.h"
#include "json_write.h"
#include "proto/limits.h"
#include "text.h"
#include "verb.h"

#define BULK_WINDOW_MAX 8 /* commands of a thousand pairs: enough that no batch waits for us */

struct import_options {
    bool as_requests, no_header, dry_run;
    const char *via, *tier, *key;
    uint64_t batch, window;
};

static const struct option_row rows[] = {
    {"as-requests", 0, OPTION_FLAG, offsetof(struct import_options, as_requests), 0, 0, NULL,
     "by a request and its acceptance for each pair; members get tier unlimited"},
    {"via", 0, OPTION_TEXT, offsetof(struct import_options, via), 0, 0, "HOW",
     "how these connections came about: import (default), link or invite"},
    {"tier", 0, OPTION_TEXT, offsetof(struct import_options, tier), 0, 0, "TIER",
     "tier of the members that are new"},
    {"batch", 0, OPTION_UINT, offsetof(struct import_options, batch), 1, KITH_PAIRS_COUNT_MAX, "N",
     "members, and pairs, of one message (default 1000)"},
    {"window", 0, OPTION_UINT, offsetof(struct import_options, window), 1, FLOW_WINDOW_MAX, "N",
     "messages under way at once (default 2048)"},
    {"no-header", 0, OPTION_FLAG, offsetof(struct import_options, no_header), 0, 0, NULL,
     "the first line of CSV is a pair, even if it reads like a header"},
    {"key", 0, OPTION_TEXT, offsetof(struct import_options, key), 0, 0, "WORD",
     "another import of the same file: what an earlier one did is no repetition of it"},
    {"dry-run", 'n', OPTION_FLAG, offsetof(struct import_options, dry_run), 0, 0, NULL,
     "read the file and say what is in it, nothing else"},
};

static const struct option_table options_table = {rows, ARRAY_COUNT(rows)};

struct import {
    const struct cli *cli;
    const struct import_options *options;
    struct edges edges;
    struct enroll enroll;
    struct import_connect connect;
    struct tally tally;
    uint64_t started_ns;
};

/* Set by SIGINT. The one thing a handler can do. */
static volatile sig_atomic_t interrupted;

static void
on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void
catch_interrupt(void)
{
    /* Once: a second interrupt ends the process as usual. */
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

/* --- summary -------------------------------------------------------------------------------- */

static double
seconds_since(uint64_t start_ns)
{
    return (double)(cli_now_ns() - start_ns) / 1e9;
}

static void
put_file_json(struct buf *out, const struct edges *edges)
{
    json_key(out, "file");
    json_open(out);
    json_member_int(out, "lines", (int64_t)edges->line_count);
    json_member_int(out, "members", (int64_t)names_count(edges->names));
    json_member_int(out, "pairs", (int64_t)edges->count);
    json_member_int(out, "self", (int64_t)edges->self_count);
    json_member_int(out, "duplicate", (int64_t)edges->duplicate_count);
    json_member_int(out, "bad", (int64_t)edges->bad_count);
    json_key(out, "examples");
    text_put_own(out, "[");
    for (size_t i = 0; i < edges->bad_count && i < EDGES_EXAMPLES_MAX; i++) {
        text_put_own(out, i > 0 ? "," : "");
        json_open(out);
        json_member_int(out, "line", (int64_t)edges->examples[i].line);
        json_member_str(out, "why", edges->examples[i].why);
        json_close(out);
    }
    text_put_own(out, "]");
    json_close(out);
}

static void
put_summary_json(struct buf *out, const struct import *import)
{
    json_open(out);
    put_file_json(out, &import->edges);
    if (!import->options->dry_run) {
        json_key(out, "members");
        json_open(out);
        json_member_int(out, "registered", (int64_t)import->enroll.registered);
        json_member_int(out, "existing", (int64_t)import->enroll.existing);
        json_close(out);
        json_key(out, "connections");
        json_open(out);
        json_member_int(out, "new", (int64_t)import->connect.connected);
        json_member_int(out, "existing", (int64_t)import->connect.existing);
        json_member_int(out, "skipped", (int64_t)import->connect.skipped);
        json_close(out);
        json_key(out, "errors");
        tally_put_json(out, &import->tally);
    }
    json_member_float(out, "seconds", seconds_since(import->started_ns));
    json_close(out);
    text_put_own(out, "\n");
}

static void
put_file_people(struct buf *out, const struct edges *edges)
{
    text_printf(out, "file         %llu lines: %zu members, %zu pairs",
                (unsigned long long)edges->line_count, names_count(edges->names), edges->count);
    text_printf(out, "; skipped %llu to oneself, %llu twice, %llu unreadable\n",
                (unsigned long long)edges->self_count, (unsigned long long)edges->duplicate_count,
                (unsigned long long)edges->bad_count);
    for (size_t i = 0; i < edges->bad_count && i < EDGES_EXAMPLES_MAX; i++)
        text_printf(out, "  line %llu: %s\n", (unsigned long long)edges->examples[i].line,
                    edges->examples[i].why);
}

static void
put_summary_people(struct buf *out, const struct import *import)
{
    put_file_people(out, &import->edges);
    if (import->options->dry_run)
        return;
    text_printf(out, "members      %llu registered, %llu existing\n",
                (unsigned long long)import->enroll.registered,
                (unsigned long long)import->enroll.existing);
    text_printf(out, "connections  %llu new, %llu existing, %llu skipped\n",
                (unsigned long long)import->connect.connected,
                (unsigned long long)import->connect.existing,
                (unsigned long long)import->connect.skipped);
    if (import->tally.total > 0)
        text_printf(out, "refused      %llu:\n", (unsigned long long)import->tally.total);
    tally_put_people(out, &import->tally);
    text_printf(out, "time         %.1f s\n", seconds_since(import->started_ns));
}

static enum cli_exit
summarize(const struct import *import)
{
    struct buf out = {0};
    if (import->cli->people)
        put_summary_people(&out, import);
    else
        put_summary_json(&out, import);
    if (cli_print(&out) != CLI_OK)
        return CLI_INTERNAL;
    return import->tally.total > 0 || import->edges.bad_count > 0 ? CLI_REFUSED : CLI_OK;
}

/* --- the work ------------------------------------------------------------------------------- */

static const char *
name_of(void *context, uint64_t number)
{
    struct import *import = context;
    return names_at(import->edges.names, (uint32_t)number);
}

static enum kith_status
enroll(struct import *import, struct kith *kith, struct progress *progress)
{
    const struct import_options *options = import->options;
    import->enroll = (struct enroll){
        .count = names_count(import->edges.names),
        .batch_count_max = options->batch,
        .tier = options->as_requests && !options->tier ? "unlimited" : options->tier,
        .salt = options->key,
        .name = name_of,
        .context = import,
    };
    progress_begin(progress, import->cli, "members", import->enroll.count);
    enum kith_status status =
        enroll_run(&import->enroll, kith, progress, &import->tally, &interrupted);
    progress_end(progress);
    return status;
}

static enum kith_status
connect(struct import *import, struct kith *kith, struct progress *progress)
{
    const struct import_options *options = import->options;
    bool bulk_window = !options->as_requests && options->window > BULK_WINDOW_MAX;
    import->connect = (struct import_connect){
        .edges = &import->edges,
        .via = options->via,
        .salt = options->key,
        .batch_count = options->batch,
        .window = bulk_window ? BULK_WINDOW_MAX : (unsigned)options->window,
        .progress = progress,
        .tally = &import->tally,
        .interrupted = &interrupted,
    };
    progress_begin(progress, import->cli, "connections", import->edges.count);
    enum kith_status status = options->as_requests ? import_connect_requests(&import->connect, kith)
                                                   : import_connect_bulk(&import->connect, kith);
    progress_end(progress);
    return status;
}

/* Ask once who is there: a wrong address is to be told now, not waited for. */
static enum cli_exit
check_daemon(const struct cli *cli, struct kith *kith)
{
    struct kith_reply *reply;
    enum kith_status status = kith_call(kith, "server.hello", NULL, NULL, &reply);
    if (status == KITH_STATUS_OK || status == KITH_STATUS_REFUSED) {
        enum cli_exit code = status == KITH_STATUS_OK ? CLI_OK : cli_fail_reply(cli, reply);
        kith_reply_destroy(reply);
        return code;
    }
    return cli_fail_status(cli, status);
}

static enum cli_exit
send_all(struct import *import)
{
    struct kith *kith;
    enum cli_exit code =
        cli_open(import->cli, (unsigned)import->options->window, CLI_IMPATIENT, &kith);
    if (code != CLI_OK)
        return code;
    code = check_daemon(import->cli, kith);
    if (code == CLI_OK) {
        struct progress progress;
        enum kith_status status = enroll(import, kith, &progress);
        if (status == KITH_STATUS_OK)
            status = connect(import, kith, &progress);
        /* A whole batch that was refused is in the tally. */
        if (status == KITH_STATUS_STOPPED && interrupted)
            code = CLI_INTERRUPTED;
        else if (status != KITH_STATUS_OK && status != KITH_STATUS_REFUSED)
            code = cli_fail_status(import->cli, status);
    }
    kith_close(kith);
    return code;
}

static enum cli_exit
load(struct import *import, const char *path)
{
    struct fault fault = {0};
    if (!edges_load(&import->edges, path, import->options->no_header, &fault))
        return fail_usage(import->cli, "cannot read %s: %s", path, fault.text);
    if (!edges_unique(&import->edges))
        return cli_fail_status(import->cli, KITH_STATUS_NO_MEMORY);
    return CLI_OK;
}

static enum cli_exit
import_file(struct import *import, const char *path)
{
    enum cli_exit code = load(import, path);
    if (code == CLI_OK && !import->options->dry_run)
        code = send_all(import);
    if (code != CLI_OK && code != CLI_INTERRUPTED)
        return code;
    enum cli_exit result = summarize(import);
    if (code == CLI_INTERRUPTED)
        fprintf(stderr, "kith: interrupted; the same command goes on where it stopped\n");
    return code == CLI_OK ? result : code;
}

static enum cli_exit
check(const struct cli *cli, const struct import_options *options, const struct option_args *args)
{
    if (args->count >= 2 && strncmp(args->at[1], "pairs=", strlen("pairs=")) == 0)
        return fail_usage(cli, "import takes a file; for pairs on the command line:\n"
                               "kith connection.import pairs=a:b,c:d");
    if (args->count != 2)
        return fail_usage(cli, "import takes one file, or - for standard input\nkith import FILE");
    if (strcmp(options->via, "import") != 0 && strcmp(options->via, "link") != 0 &&
        strcmp(options->via, "invite") != 0)
        return fail_usage(cli, "--via takes import, link or invite, not '%s'", options->via);
    if (strlen(options->key) > KITH_ID_SIZE_MAX)
        return fail_usage(cli, "--key takes up to %d bytes", KITH_ID_SIZE_MAX);
    if (options->tier && (!*options->tier || strlen(options->tier) > KITH_MEMBER_SIZE_MAX))
        return fail_usage(cli, "--tier takes 1 to %d bytes", KITH_MEMBER_SIZE_MAX);
    return CLI_OK;
}

static enum cli_exit
import_run(struct cli *cli, struct option_args *args)
{
    struct import_options options = {.via = "import", .key = "", .batch = 1000, .window = 2048};
    if (!option_parse(cli, args->at[0], &options_table, &options, args))
        return CLI_INVALID;
    enum cli_exit code = check(cli, &options, args);
    if (code != CLI_OK)
        return code;
    catch_interrupt();
    struct import import = {.cli = cli, .options = &options, .started_ns = cli_now_ns()};
    code = import_file(&import, args->at[1]);
    edges_fini(&import.edges);
    return code;
}

const struct verb verb_import = {
    .name = "import",
    .words = "FILE|-",
    .help = "members and connections from a list of pairs",
    .more =
        "  A pair a line: `ada bob`, by blanks, a tab or a comma; # begins a comment. CSV may "
        "start\n"
        "  with a header that names from,to or source,target or a,b. gzip is read as it is.\n"
        "  A pair of one member twice, and a pair seen before in either direction, are skipped.\n\n"
        "  Each command's key is made from what it says: after whatever interruption, of kith or "
        "of\n"
        "  kithd, the same import again does what is left and doubles nothing.",
    .options = &options_table,
    .run = import_run,
};
