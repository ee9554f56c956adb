/* bench_report.h: what a bench found, for people and as JSON.
 */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "bench_load.h"
#include "cli.h"
#include "tally.h"

struct bench_options {
    const char *op, *dir;
    bool queries, no_floor;
    uint64_t connections, window, duration_ms, count, batch, rate, members, seed;
};

struct bench_report {
    const struct bench_options *options;
    char server_version[32];
    struct bench_result kith;        /* of messages, each of options->batch operations */
    uint64_t ok, refused, busy, dup; /* operations; busy: of the refused */
    const struct tally *tally;
    struct bench_result echo; /* answered is 0 where it was not measured */
    struct histogram disk;    /* count is 0 where it was not measured */
};

/* Keep what server.hello says that belongs into a report. */
void bench_report_server(struct bench_report *report, const struct kith_value *hello);

void bench_report_print(const struct cli *cli, const struct bench_report *report);

#endif
