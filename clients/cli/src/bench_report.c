#include "bench_report.h"

#include <stdio.h>

#include "json_write.h"
#include "style.h"
#include "text.h"

static const struct {
    const char *name;
    double fraction;
} percentiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1.0}};

void
bench_report_server(struct bench_report *report, const struct kith_value *hello)
{
    const char *version = kith_get_str(hello, "version");
    snprintf(report->server_version, sizeof(report->server_version), "%s", version ? version : "?");
}

/* Operations a second, of which every message carried a batch; what was turned away was not done.
 */
static double
rate_of(const struct bench_report *report)
{
    const struct bench_result *kith = &report->kith;
    return kith->seconds > 0 ? (double)(report->ok + report->refused - report->busy) / kith->seconds
                             : 0;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void
put_latency_json(struct buf *out, const char *name, const struct histogram *latency)
{
    json_key(out, name);
    json_open(out);
    for (size_t i = 0; i < ARRAY_COUNT(percentiles); i++)
        json_member_float(out, percentiles[i].name,
                          (double)histogram_at(latency, percentiles[i].fraction) / 1e6);
    json_member_float(out, "mean", histogram_mean(latency) / 1e6);
    json_close(out);
}

static void
put_kith_json(struct buf *out, const struct bench_report *report)
{
    json_member_int(out, "ok", (int64_t)report->ok);
    json_member_int(out, "refused", (int64_t)report->refused);
    json_member_int(out, "dup", (int64_t)report->dup);
    json_member_int(out, "lost", (int64_t)report->kith.lost);
    json_member_float(out, "elapsed_s", report->kith.seconds);
    json_member_float(out, "rate", rate_of(report));
    put_latency_json(out, "latency_ms", &report->kith.latency);
    json_member_int(out, "busy", (int64_t)report->busy);
    if (report->kith.busy.count > 0)
        put_latency_json(out, "busy_latency_ms", &report->kith.busy);
    json_key(out, "errors");
    tally_put_json(out, report->tally);
}

static void
put_floor_json(struct buf *out, const struct bench_report *report)
{
    double echo = bench_result_rate(&report->echo);
    if (report->echo.answered > 0) {
        json_key(out, "echo");
        json_open(out);
        json_member_float(out, "rate", echo);
        json_member_int(out, "lost", (int64_t)report->echo.lost);
        put_latency_json(out, "latency_ms", &report->echo.latency);
        json_close(out);
    }
    if (report->echo.answered > 0 && report->tally)
        json_member_float(out, "ratio_to_echo", rate_of(report) / echo);
    if (report->disk.count > 0)
        put_latency_json(out, "fdatasync_4k_ms", &report->disk);
}

static void
put_json(struct buf *out, const struct bench_report *report)
{
    const struct bench_options *options = report->options;
    json_open(out);
    json_member_str(out, "op", options->op);
    json_member_str(out, "server", report->server_version);
    json_member_int(out, "connections", (int64_t)options->connections);
    json_member_int(out, "window", (int64_t)options->window);
    json_member_int(out, "batch", (int64_t)options->batch);
    json_member_int(out, "members", (int64_t)options->members);
    json_key(out, "seed");
    text_printf(out, "%llu", (unsigned long long)options->seed);
    if (options->rate > 0)
        json_member_int(out, "intended_rate", (int64_t)options->rate);
    if (report->tally)
        put_kith_json(out, report);
    put_floor_json(out, report);
    json_close(out);
    text_put_own(out, "\n");
}

/* --- people ------------------------------------------------------------------------------------
 */

static void
put_latency(struct buf *out, const struct histogram *latency)
{
    for (size_t i = 0; i < ARRAY_COUNT(percentiles); i++)
        text_printf(out, "%s%s %.3f", i > 0 ? "  " : "", percentiles[i].name,
                    (double)histogram_at(latency, percentiles[i].fraction) / 1e6);
    text_put_own(out, " ms\n");
}

static void
put_kith(struct buf *out, const struct cli *cli, const struct bench_report *report)
{
    const struct bench_options *options = report->options;
    double echo = bench_result_rate(&report->echo);
    text_printf(out, "%skithd %s%s  %s, %llu connections, %llu under way",
                style(cli->colour, STYLE_HEAD), report->server_version,
                style(cli->colour, STYLE_NONE), options->op,
                (unsigned long long)options->connections,
                (unsigned long long)(options->batch > 1 ? options->connections : options->window));
    if (options->batch > 1)
        text_printf(out, " in batches of %llu", (unsigned long long)options->batch);
    if (options->rate > 0)
        text_printf(out, ", %llu a second intended", (unsigned long long)options->rate);
    text_printf(out, ", %.1f s\n  rate       %s%.0f /s%s", report->kith.seconds,
                style(cli->colour, STYLE_GOOD), rate_of(report), style(cli->colour, STYLE_NONE));
    if (echo > 0)
        text_printf(out, "  (%.2f of the echo)", rate_of(report) / echo);
    text_put_own(out, "\n  latency    ");
    put_latency(out, &report->kith.latency);
    text_printf(out, "  answers    %llu ok, %llu refused, %llu done before, %llu lost\n",
                (unsigned long long)report->ok, (unsigned long long)report->refused,
                (unsigned long long)report->dup, (unsigned long long)report->kith.lost);
    if (report->busy > 0)
        text_printf(out, "  busy       %llu of them turned away%s",
                    (unsigned long long)report->busy,
                    report->kith.busy.count > 0 ? ", after " : "\n");
    if (report->kith.busy.count > 0)
        put_latency(out, &report->kith.busy);
    tally_put_people(out, report->tally);
    text_printf(out, "  seed       %llu, %llu members\n", (unsigned long long)options->seed,
                (unsigned long long)options->members);
}

static void
put_floor(struct buf *out, const struct cli *cli, const struct bench_report *report)
{
    if (report->echo.answered == 0 && report->disk.count == 0)
        return;
    text_printf(out, "%sthis machine%s\n", style(cli->colour, STYLE_HEAD),
                style(cli->colour, STYLE_NONE));
    if (report->echo.answered > 0) {
        text_printf(out, "  echo       %.0f /s over nanomsg, ", bench_result_rate(&report->echo));
        put_latency(out, &report->echo.latency);
    }
    if (report->disk.count > 0)
        text_printf(out, "  fdatasync  of 4 kB appended: p50 %.3f ms, mean %.3f ms\n",
                    (double)histogram_at(&report->disk, 0.5) / 1e6,
                    histogram_mean(&report->disk) / 1e6);
}

void
bench_report_print(const struct cli *cli, const struct bench_report *report)
{
    struct buf out = {0};
    if (!cli->people) {
        put_json(&out, report);
    } else {
        if (report->tally)
            put_kith(&out, cli, report);
        put_floor(&out, cli, report);
    }
    cli_print(&out);
}
