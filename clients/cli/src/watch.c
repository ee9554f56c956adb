/* watch.c: `kith watch`: every event, once and in order, as it comes. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "fail.h"
#include "json_write.h"
#include "proto/limits.h"
#include "style.h"
#include "text.h"
#include "verb.h"
#include "view.h"
#include "when.h"

struct watch_options {
    const char *from, *since;
    const char *cursor, *member, *subscription;
    struct option_list types, audience;
    bool until_caught_up;
};

static const struct option_row rows[] = {
    {"from", 'f', OPTION_TEXT, offsetof(struct watch_options, from), 0, 0, "SEQ|start|end",
     "begin with this event; start: the first; end (default): what comes from now on"},
    {"since", 's', OPTION_TEXT, offsetof(struct watch_options, since), 0, 0, "TIME",
     "begin with this time: 2h, 3d, 2024-05-01, 2024-05-01T12:00, or ms"},
    {"type", 0, OPTION_LIST, offsetof(struct watch_options, types), 0, 0, "PREFIX",
     "only types that begin so, such as connection. or invite.redeemed; again for more"},
    {"cursor", 'c', OPTION_TEXT, offsetof(struct watch_options, cursor), 0, 0, "NAME",
     "go on where this cursor is, and move it along; kithd keeps it"},
    {"member", 'm', OPTION_TEXT, offsetof(struct watch_options, member), 0, 0, "MEMBER",
     "only this member's feed: what he may see, by its own numbers"},
    {"audience", 'a', OPTION_LIST, offsetof(struct watch_options, audience), 0, 0, "MEMBER",
     "only events in whose audience this member is; again for more"},
    {"subscription", 0, OPTION_TEXT, offsetof(struct watch_options, subscription), 0, 0, "NAME",
     "be a worker of this shared subscription: what is shown here is dealt with"},
    {"until-caught-up", 0, OPTION_FLAG, offsetof(struct watch_options, until_caught_up), 0, 0, NULL,
     "end when everything known so far was told (begins at the start, if not said otherwise)"},
};

static const struct option_table options_table = {rows, ARRAY_COUNT(rows)};

/* One watch. The mutex is held while a line is written, so that a signal never cuts one. */
struct watch {
    const struct cli *cli;
    const struct kith_work_options *work; /* of a shared subscription; NULL: all events */
    pthread_mutex_t writing;
    struct buf line;
    bool failed; /* stdout takes no more */
};

static const char *
colour_of_type(const char *type)
{
    static const struct {
        const char *prefix;
        enum style style;
    } rows_by_type[] = {
        {"connection.accepted", STYLE_GOOD}, {"connection.requested", STYLE_NOTE},
        {"connection.removed", STYLE_BAD},   {"member.blocked", STYLE_BAD},
        {"quota.restricted", STYLE_BAD},     {"invite.redeemed", STYLE_GOOD},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows_by_type); i++)
        if (strncmp(type, rows_by_type[i].prefix, strlen(rows_by_type[i].prefix)) == 0)
            return style(true, rows_by_type[i].style);
    return style(true, STYLE_KEY);
}

/* What has its own place on the line, or says nothing to people. */
static bool
is_told_elsewhere(const char *name)
{
    static const char *const names[] = {"v", "seq", "at", "type", "audience", "notify", "cause"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void
put_event_people(struct buf *out, uint64_t seq, const struct kith_value *event, bool colour)
{
    const char *type = kith_get_str(event, "type");
    msec_t now_ms = cli_now_ms();
    type = type ? type : "?";
    text_printf(out, "%s#%llu%s ", style(colour, STYLE_FAINT), (unsigned long long)seq,
                style(colour, STYLE_NONE));
    when_put_short(out, kith_get_int(event, "at"), now_ms);
    text_put_own(out, "  ");
    text_put_own(out, colour ? colour_of_type(type) : "");
    text_put(out, type, strlen(type));
    text_put_own(out, style(colour, STYLE_NONE));
    for (size_t i = 0; i < kith_value_count(event); i++) {
        const char *name = kith_value_key_at(event, i);
        if (is_told_elsewhere(name))
            continue;
        text_put_own(out, "  ");
        text_put_own(out, style(colour, STYLE_FAINT));
        text_put(out, name, strlen(name));
        text_put_own(out, "=");
        text_put_own(out, style(colour, STYLE_NONE));
        view_put_cell(out, name, kith_value_entry_at(event, i), now_ms);
    }
    text_put_own(out, "\n");
}

static bool
write_event(struct watch *watch, uint64_t seq, const struct kith_value *event)
{
    pthread_mutex_lock(&watch->writing);
    buf_clear(&watch->line);
    if (watch->cli->people) {
        put_event_people(&watch->line, seq, event, watch->cli->colour);
    } else {
        json_put_value(&watch->line, event);
        text_put_own(&watch->line, "\n");
    }
    watch->failed = !cli_write(&watch->line);
    pthread_mutex_unlock(&watch->writing);
    return !watch->failed;
}

/* News about the stream itself goes to stderr, so that stdout is events only. */
static void
tell_news(const char *text, uint64_t seq)
{
    bool colour = style_wanted(stderr);
    fprintf(stderr, "%s-- %s (#%llu)%s\n", style(colour, STYLE_FAINT), text,
            (unsigned long long)seq, style(colour, STYLE_NONE));
}

static bool
on_news(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct watch *watch = context;
    switch (news) {
    case KITH_NEWS_EVENT:
        return write_event(watch, seq, event);
    case KITH_NEWS_CAUGHT_UP:
        if (watch->cli->people)
            tell_news("caught up", seq);
        return true;
    case KITH_NEWS_FELL_BEHIND:
        if (watch->cli->people)
            tell_news("fell behind, reading the log", seq);
        return true;
    case KITH_NEWS_EPOCH:
        tell_news("the log is another one than before: reading it from your start", seq);
        return true;
    }
    assert(!"news without a case");
    return false;
}

static enum kith_verdict
on_work(void *context, uint64_t seq, unsigned tries, const struct kith_value *event)
{
    (void)tries;
    bool written = !event || write_event(context, seq, event);
    return written ? KITH_VERDICT_DONE : KITH_VERDICT_STOP;
}

/* SIGINT and SIGTERM are blocked everywhere and taken here. Between two lines nothing is
 * half-done, and the subscription has nothing to save: the process may simply end. What a worker
 * had not acknowledged goes out again. */
static void *
end_on_signal(void *context)
{
    struct watch *watch = context;
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigwait(&set, &number);
    pthread_mutex_lock(&watch->writing);
    _exit(CLI_OK);
}

static bool
start_signal_thread(struct watch *watch, pthread_t *thread)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return pthread_create(thread, NULL, end_on_signal, watch) == 0;
}

/* If a signal came first, this ends the process instead of returning. */
static void
stop_signal_thread(pthread_t thread)
{
    pthread_cancel(thread);
    pthread_join(thread, NULL);
}

static bool
parse_from(const char *from, struct kith_subscribe_options *subscribe)
{
    subscribe->from_end = strcmp(from, "end") == 0;
    if (subscribe->from_end || strcmp(from, "start") == 0)
        return true;
    from += *from == '#';
    char *end = NULL;
    errno = 0;
    unsigned long long seq = strtoull(from, &end, 10);
    if (*from < '0' || *from > '9' || *end || errno)
        return false;
    subscribe->after = seq > 0 ? seq - 1 : 0;
    return true;
}

static enum cli_exit
make_options(const struct cli *cli, const struct watch_options *options,
             struct kith_subscribe_options *subscribe)
{
    subscribe->until_caught_up = options->until_caught_up;
    subscribe->types = options->types.count ? options->types.at : NULL;
    subscribe->type_count = options->types.count;
    subscribe->cursor = options->cursor;
    subscribe->member = options->member;
    subscribe->audience = options->audience.count ? options->audience.at : NULL;
    subscribe->audience_count = options->audience.count;
    if (options->member && options->audience.count > 0)
        return fail_usage(cli, "give --member or --audience, not both");
    if (options->from && options->since)
        return fail_usage(cli, "give --from or --since, not both");
    if (options->since) {
        msec_t ms = 0;
        if (!when_parse(options->since, cli_now_ms(), false, &ms) || ms <= 0)
            return fail_usage(cli,
                              "--since takes a time such as 2h, 3d, 2024-05-01 or ms, not '%s'",
                              options->since);
        subscribe->since = ms;
        return CLI_OK;
    }
    bool from_start = options->until_caught_up || options->cursor || options->subscription;
    const char *from = options->from ? options->from : from_start ? "start" : "end";
    if (!parse_from(from, subscribe))
        return fail_usage(cli, "--from takes a sequence number, start or end, not '%s'", from);
    return CLI_OK;
}

static enum cli_exit
make_work(const struct cli *cli, const struct watch_options *options,
          const struct kith_subscribe_options *subscribe, struct kith_work_options *work)
{
    static char worker[32];
    if (options->cursor || options->member || options->audience.count > 0 || options->since ||
        subscribe->from_end)
        return fail_usage(cli, "with --subscription go --from SEQ, --type and --until-caught-up");
    snprintf(worker, sizeof(worker), "kith-watch-%d", (int)getpid());
    *work = (struct kith_work_options){
        .name = options->subscription,
        .worker = worker,
        .after = subscribe->after,
        .types = subscribe->types,
        .type_count = subscribe->type_count,
        .until_idle = options->until_caught_up,
    };
    return CLI_OK;
}

static enum cli_exit
subscribe_with(const struct cli *cli, const struct kith_subscribe_options *subscribe,
               struct watch *watch)
{
    struct kith *kith;
    enum cli_exit code = cli_open(cli, 0, CLI_PATIENT, &kith);
    if (code != CLI_OK)
        return code;
    enum kith_status status = watch->work ? kith_work(kith, watch->work, on_work, watch)
                                          : kith_subscribe(kith, subscribe, on_news, watch);
    if (watch->failed)
        code = CLI_INTERNAL;
    else if (status != KITH_STATUS_OK)
        code = cli_fail_status(cli, status);
    kith_close(kith);
    return code;
}

static enum cli_exit
subscribe_and_print(const struct cli *cli, const struct kith_subscribe_options *subscribe,
                    const struct kith_work_options *work)
{
    struct watch watch = {.cli = cli, .work = work, .writing = PTHREAD_MUTEX_INITIALIZER};
    pthread_t signals;
    if (!start_signal_thread(&watch, &signals))
        return cli_fail_status(cli, KITH_STATUS_NO_MEMORY);
    enum cli_exit code = subscribe_with(cli, subscribe, &watch);
    stop_signal_thread(signals);
    buf_fini(&watch.line);
    return code;
}

static enum cli_exit
watch_run(struct cli *cli, struct option_args *args)
{
    struct watch_options options = {0};
    if (!option_parse(cli, args->at[0], &options_table, &options, args))
        return CLI_INVALID;
    if (args->count > 1)
        return fail_usage(cli, "watch takes no words: '%s'\nmeant --type %s?", args->at[1],
                          args->at[1]);
    struct kith_subscribe_options subscribe = {0};
    struct kith_work_options work;
    enum cli_exit code = make_options(cli, &options, &subscribe);
    if (code == CLI_OK && options.subscription)
        code = make_work(cli, &options, &subscribe, &work);
    if (code != CLI_OK)
        return code;
    return subscribe_and_print(cli, &subscribe, options.subscription ? &work : NULL);
}

const struct verb verb_watch = {
    .name = "watch",
    .words = "",
    .help = "every event, once and in order, as it comes",
    .more =
        "  Events are read from the log where the stream has gaps, over restarts of kithd too.\n"
        "  JSON lines in a pipe, each flushed. An interrupt ends it with code 0.\n"
        "  Workers of one --subscription share its events; subscription.parked shows what was "
        "tried\n"
        "  too often, and subscription.replay tries it again.",
    .options = &options_table,
    .run = watch_run,
};
