/* health.c: `kith health`: how a running kithd is, on one screen. */
#include <string.h>

#include "fail.h"
#include "json_write.h"
#include "style.h"
#include "text.h"
#include "verb.h"
#include "when.h"

#define BAR_WIDTH  20
#define LABEL_SIZE 12
#define MIB        (1024.0 * 1024.0)

struct health_options {
    bool metrics;
};

static const struct option_row rows[] = {
    {"metrics", 'm', OPTION_FLAG, offsetof(struct health_options, metrics), 0, 0, NULL,
     "every counter and gauge in the text format of Prometheus"},
};

static const struct option_table options_table = {rows, ARRAY_COUNT(rows)};

/* --- what is wrong --------------------------------------------------------------------------- */

/* What somebody should look at if it is not zero. Counters count from the start of the daemon. */
static const struct alarm {
    const char *name;
    bool is_grave;
    const char *text;
} alarms[] = {
    {"read_only", true, "the disk is full: commands are refused until there is room"},
    {"commit_failures", true, "commits failed: the disk refuses writes; the journal says why"},
    {"refused_internal", true, "damage or a defect was met; the journal names the record"},
    {"checkpoint_failures", false, "checkpoints failed and were tried again; nothing is lost"},
    {"clock_steps", false, "jumps of the system clock were not followed"},
    {"replies_dropped", false, "replies given up: some client does not read"},
    {"connections_refused", false, "peers turned away: too many"},
    {"connections_cut", false, "peers cut off: they speak something else"},
};

static uint64_t
number(const struct kith_value *stats, const char *name)
{
    const struct kith_value *value = kith_get(stats, name);
    return value ? kith_value_uint(value) : 0;
}

static bool
is_well(const struct kith_value *stats)
{
    for (size_t i = 0; i < ARRAY_COUNT(alarms); i++)
        if (alarms[i].is_grave && number(stats, alarms[i].name) > 0)
            return false;
    return true;
}

/* --- for people ------------------------------------------------------------------------------ */

struct picture {
    struct buf *out;
    bool colour;
    const struct kith_value *stats;
};

static void
put_label(const struct picture *picture, const char *label)
{
    text_printf(picture->out, "%s%-*s%s", style(picture->colour, STYLE_KEY), LABEL_SIZE, label,
                style(picture->colour, STYLE_NONE));
}

/* @part of @whole as a bar, in eighths of a column. */
static void
put_bar(const struct picture *picture, double part, double whole, enum style full)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    unsigned filled = whole > 0 ? (unsigned)(part / whole * BAR_WIDTH * 8 + 0.5) : 0;
    if (part > 0 && filled == 0)
        filled = 1;
    unsigned columns = filled / 8 + (filled % 8 > 0);
    text_put_own(picture->out, style(picture->colour, full));
    for (unsigned i = 0; i < filled / 8; i++)
        text_put_own(picture->out, "█");
    text_put_own(picture->out, eighths[filled % 8]);
    text_put_own(picture->out, style(picture->colour, STYLE_NONE));
    text_put_own(picture->out, style(picture->colour, STYLE_FAINT));
    for (unsigned i = columns; i < BAR_WIDTH; i++)
        text_put_own(picture->out, "░");
    text_printf(picture->out, "%s  ", style(picture->colour, STYLE_NONE));
}

static void
put_size(struct buf *out, uint64_t bytes)
{
    double mib = (double)bytes / MIB;
    if (mib >= 1024)
        text_printf(out, "%.1f GiB", mib / 1024);
    else if (mib < 1)
        text_printf(out, "%.0f KiB", mib * 1024);
    else
        text_printf(out, "%.1f MiB", mib);
}

static void
put_head(const struct picture *picture, const struct kith_value *hello)
{
    bool well = is_well(picture->stats);
    const char *version = kith_get_str(hello, "version");
    text_printf(picture->out, "%s%s%s  kithd %s, up ",
                style(picture->colour, well ? STYLE_GOOD : STYLE_BAD), well ? "well" : "not well",
                style(picture->colour, STYLE_NONE), version ? version : "");
    when_put_duration(picture->out, number(picture->stats, "uptime_ms"));
    text_printf(picture->out, ", %llu members, %llu events\n",
                (unsigned long long)number(picture->stats, "members"),
                (unsigned long long)number(picture->stats, "last_seq"));
}

static void
put_refusals(const struct picture *picture)
{
    static const char prefix[] = "refused_";
    const struct kith_value *stats = picture->stats;
    uint64_t refused = 0, first = 1;
    for (size_t i = 0; i < kith_value_count(stats); i++)
        if (strncmp(kith_value_key_at(stats, i), prefix, strlen(prefix)) == 0)
            refused += kith_value_uint(kith_value_entry_at(stats, i));
    uint64_t all = refused + number(stats, "commands") + number(stats, "commands_repeated") +
                   number(stats, "queries");
    put_label(picture, "refused");
    put_bar(picture, (double)refused, (double)all, STYLE_NOTE);
    text_printf(picture->out, "%llu of %llu", (unsigned long long)refused, (unsigned long long)all);
    for (size_t i = 0; i < kith_value_count(stats); i++) {
        const char *name = kith_value_key_at(stats, i);
        uint64_t count = kith_value_uint(kith_value_entry_at(stats, i));
        if (count == 0 || strncmp(name, prefix, strlen(prefix)) != 0)
            continue;
        text_printf(picture->out, "%s%s %llu", first ? ": " : ", ", name + strlen(prefix),
                    (unsigned long long)count);
        first = 0;
    }
    text_put_own(picture->out, "\n");
}

static void
put_lag(const struct picture *picture)
{
    const struct kith_value *stats = picture->stats;
    uint64_t last = number(stats, "last_seq"), lag = number(stats, "cursor_lag_max");
    uint64_t behind = last - number(stats, "checkpoint_seq");
    put_label(picture, "subscribers");
    put_bar(picture, (double)lag, (double)last, STYLE_NOTE);
    text_printf(picture->out, "%llu with a cursor; the last is %llu events behind\n",
                (unsigned long long)number(stats, "cursors"), (unsigned long long)lag);
    put_label(picture, "views");
    put_bar(picture, (double)behind, (double)last, STYLE_NOTE);
    text_printf(picture->out, "%llu events since the last checkpoint, which took %llu ms\n",
                (unsigned long long)behind,
                (unsigned long long)number(stats, "checkpoint_last_ms"));
}

static void
put_disk(const struct picture *picture)
{
    const struct kith_value *stats = picture->stats;
    uint64_t log = number(stats, "log_size"), views = number(stats, "views_size");
    uint64_t left = number(stats, "disk_free");
    bool is_full = number(stats, "read_only") > 0;
    put_label(picture, "disk");
    put_bar(picture, (double)(log + views), (double)(log + views + left),
            is_full ? STYLE_BAD : STYLE_GOOD);
    text_put_own(picture->out, "log ");
    put_size(picture->out, log);
    text_put_own(picture->out, ", views ");
    put_size(picture->out, views);
    text_put_own(picture->out, ", ");
    put_size(picture->out, left);
    text_printf(picture->out, " free; the last commit took %.2f ms\n",
                (double)number(stats, "commit_last_us") / 1000);
}

static void
put_picture(const struct picture *picture, const struct kith_value *hello)
{
    put_head(picture, hello);
    put_refusals(picture);
    put_lag(picture);
    put_disk(picture);
    for (size_t i = 0; i < ARRAY_COUNT(alarms); i++) {
        uint64_t count = number(picture->stats, alarms[i].name);
        if (count > 0)
            text_printf(picture->out, "%s! %s%s (%s %llu)\n",
                        style(picture->colour, alarms[i].is_grave ? STYLE_BAD : STYLE_NOTE),
                        alarms[i].text, style(picture->colour, STYLE_NONE), alarms[i].name,
                        (unsigned long long)count);
    }
}

/* --- for machines ---------------------------------------------------------------------------- */

/* The text format of Prometheus. Which of them only grow, the daemon does not say. */
static void
put_metrics(struct buf *out, const struct kith_value *stats)
{
    for (size_t i = 0; i < kith_value_count(stats); i++) {
        const char *name = kith_value_key_at(stats, i);
        text_printf(out, "# TYPE kith_%s untyped\nkith_%s %llu\n", name, name,
                    (unsigned long long)kith_value_uint(kith_value_entry_at(stats, i)));
    }
}

static void
put_json(struct buf *out, const struct kith_value *stats)
{
    const char *before = "";
    text_printf(out, "{\"well\":%s,\"alarms\":[", is_well(stats) ? "true" : "false");
    for (size_t i = 0; i < ARRAY_COUNT(alarms); i++) {
        if (number(stats, alarms[i].name) == 0)
            continue;
        text_printf(out, "%s\"%s\"", before, alarms[i].name);
        before = ",";
    }
    text_put_own(out, "],\"stats\":");
    json_put_value(out, stats);
    text_put_own(out, "}\n");
}

/* --- the verb -------------------------------------------------------------------------------- */

static enum cli_exit
print(const struct cli *cli, const struct health_options *options, const struct kith_value *hello,
      const struct kith_value *stats)
{
    struct buf out = {0};
    if (options->metrics)
        put_metrics(&out, stats);
    else if (cli->people)
        put_picture(&(struct picture){&out, cli->colour, stats}, hello);
    else
        put_json(&out, stats);
    if (cli_print(&out) != CLI_OK)
        return CLI_INTERNAL;
    return is_well(stats) || options->metrics ? CLI_OK : CLI_REFUSED;
}

static enum cli_exit
ask(const struct cli *cli, struct kith *kith, const char *op, struct kith_reply **reply)
{
    enum kith_status status = kith_call(kith, op, NULL, NULL, reply);
    if (status == KITH_STATUS_OK)
        return CLI_OK;
    return status == KITH_STATUS_REFUSED ? cli_fail_reply(cli, *reply)
                                         : cli_fail_status(cli, status);
}

static enum cli_exit
health_run(struct cli *cli, struct option_args *args)
{
    struct health_options options = {0};
    struct kith *kith;
    struct kith_reply *hello = NULL, *stats = NULL;
    if (!option_parse(cli, args->at[0], &options_table, &options, args))
        return CLI_INVALID;
    if (args->count > 1)
        return fail_usage(cli, "health takes no words: '%s'", args->at[1]);
    enum cli_exit code = cli_open(cli, 0, CLI_IMPATIENT, &kith);
    if (code != CLI_OK)
        return code;
    code = ask(cli, kith, "server.hello", &hello);
    if (code == CLI_OK)
        code = ask(cli, kith, "server.stats", &stats);
    if (code == CLI_OK)
        code = print(cli, &options, kith_reply_result(hello), kith_reply_result(stats));
    kith_reply_destroy(hello);
    kith_reply_destroy(stats);
    kith_close(kith);
    return code;
}

const struct verb verb_health = {
    .name = "health",
    .words = "",
    .help = "how a running kithd is: refusals, lag, disk, and what needs somebody",
    .more = "  Counts are since its start; `kith stats` has all of them.\n"
            "  Exit: 0 well; 1 something needs you; else as always.",
    .options = &options_table,
    .run = health_run,
};
