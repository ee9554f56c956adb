#include "app/daemon.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "app/diagnostics.h"
#include "app/notify.h"
#include "app/refresh.h"
#include "app/replay.h"
#include "base/assert.h"
#include "proto/limits.h"

#define FILES_BESIDE_CONNECTIONS 64 /* the data, the loop, nanomsg's own */

/* Requests that came by half: room for 256 of the largest at once, and time for one over the
 * slowest of lines. Nobody who means well needs either. */
#define HALF_SIZE_MAX ((uint64_t)256 * MIB)
#define HALF_MS_MAX   60000

/* Every connection is a file; most systems allow 1024 until asked. */
static void
raise_file_limit(int64_t connections_max)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections_max + FILES_BESIDE_CONNECTIONS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        diag(DIAG_WARNING,
             "net.connections_max is %" PRId64 ", but only %" PRIu64 " files may be open: raise "
             "LimitNOFILE (systemd) or ulimit -n",
             connections_max, (uint64_t)limit.rlim_cur);
}

static enum kith_err
open_store(struct daemon *daemon, struct fault *fault)
{
    const struct config *config = &daemon->config;
    const struct store_options options = {
        .dir = config->data,
        .map_size = (uint64_t)config->map_size,
        .overlay_size = (uint64_t)config->overlay_size,
        .checkpoint_events = (uint64_t)config->checkpoint_events,
        .checkpoint_memory = (uint64_t)config->checkpoint_memory,
        .checkpoint_ms = config->checkpoint_ms,
        .rows_version = CORE_ROWS_VERSION,
    };
    return store_open(&daemon->store, &options, fault);
}

static enum kith_err
open_core(struct daemon *daemon, struct fault *fault)
{
    struct core_options options = {
        .store = daemon->store,
        .settings = &daemon->config.settings,
        .stats = &daemon->stats,
        .refresh = refresh_stats,
        .refresh_context = daemon,
        .clock_manual = daemon->config.clock == CONFIG_CLOCK_MANUAL,
    };
    if (getrandom(options.seed, sizeof(options.seed), 0) != (ssize_t)sizeof(options.seed)) {
        fault_set(fault, "the system has no random bytes");
        return KITH_UNAVAILABLE;
    }
    daemon->core = core_create(&options);
    daemon->parked = parked_create(KITH_PARKED_COUNT_MAX, PARKED_SIZE_MAX);
    if (!daemon->core || !daemon->parked) {
        fault_set(fault, "memory is short");
        return KITH_UNAVAILABLE;
    }
    const struct views *views = store_views(daemon->store);
    const char *why = views_fault(views)->text;
    seq_t last = log_last(store_log(daemon->store));
    if (last > 0 && views_applied(views) == 0)
        diag(DIAG_NOTICE, "%s: %" PRIu64 " events are applied anew",
             *why ? why : "the views are missing or damaged, or of another version", last);
    return replay_run(daemon->store, daemon->core, fault);
}

static enum kith_err
open_net(struct daemon *daemon, struct fault *fault)
{
    const struct config *config = &daemon->config;
    const char *commands[CONFIG_URL_COUNT_MAX], *events[CONFIG_URL_COUNT_MAX];
    for (unsigned i = 0; i < config->command.count; i++)
        commands[i] = config->command.url[i];
    for (unsigned i = 0; i < config->events.count; i++)
        events[i] = config->events.url[i];
    const struct net_options options = {
        .command_urls = commands,
        .command_url_count = config->command.count,
        .event_urls = events,
        .event_url_count = config->events.count,
        .connections_max = (unsigned)config->connections_max,
        .message_size_max = KITH_MESSAGE_SIZE_MAX,
        .kept_size_max = (uint64_t)config->kept_size,
        .kept_ms_max = config->kept_ms,
        .half_size_max = HALF_SIZE_MAX,
        .half_ms_max = HALF_MS_MAX,
    };
    return net_open(&daemon->net, &options, fault);
}

bool
daemon_open(struct daemon *daemon, const struct config *config,
            const struct config_sources *sources)
{
    struct clock_reading reading = clock_read();
    *daemon = (struct daemon){.sources = sources, .opened_ms = reading.mono_ms};
    daemon->config = *config;
    gate_init(&daemon->gate);
    raise_file_limit(config->connections_max);

    struct fault fault = {""};
    enum kith_err err = open_store(daemon, &fault);
    if (err == KITH_OK)
        err = open_core(daemon, &fault);
    daemon->recovery_ms = clock_read().mono_ms - reading.mono_ms;
    if (err == KITH_OK)
        err = open_net(daemon, &fault);
    if (err != KITH_OK) {
        diag(DIAG_ERROR, "kithd does not start: %s",
             fault.text[0] ? fault.text : kith_err_text(err));
        notify_status("did not start: %.200s", fault.text);
        daemon_close(daemon);
        return false;
    }
    clock_init(&daemon->clock, config->clock == CONFIG_CLOCK_MANUAL, clock_read(),
               log_last_at(store_log(daemon->store)));
    daemon_look_at_disk(daemon);
    return true;
}

static bool
any_is_tcp(const struct config_urls *urls)
{
    for (unsigned i = 0; i < urls->count; i++)
        if (strncmp(urls->url[i], "tcp:", 4) == 0)
            return true;
    return false;
}

void
daemon_announce(const struct daemon *daemon)
{
    const struct config *config = &daemon->config;
    const struct log *log = store_log(daemon->store);
    char commands[CONFIG_PATH_SIZE_MAX] = "", events[CONFIG_PATH_SIZE_MAX] = "";
    for (unsigned i = 0; i < config_row_count; i++) {
        if (strcmp(config_rows[i].key, "net.command") == 0)
            config_print_value(&config_rows[i], config, commands, sizeof(commands));
        if (strcmp(config_rows[i].key, "net.events") == 0)
            config_print_value(&config_rows[i], config, events, sizeof(events));
    }
    diag(DIAG_NOTICE,
         "kithd " KITH_VERSION " serves %s: commands on %s, events on %s; last event %" PRIu64
         ", epoch %016" PRIx64 ", recovered in %" PRId64 " ms",
         config->data, commands, events, log_last(log), log_epoch(log), daemon->recovery_ms);
    if (any_is_tcp(&config->command) || any_is_tcp(&config->events))
        diag(DIAG_WARNING, "whoever reaches a tcp endpoint may do everything: there is no "
                           "authentication; let only trusted hosts through");
    else
        diag(DIAG_INFO, "whoever may open the sockets (mode 0660, in their directory) may do "
                        "everything: the directory is the gate");
    if (config->clock == CONFIG_CLOCK_MANUAL)
        diag(DIAG_WARNING, "the clock is manual: time stands still until clock.advance");
    notify_status("serving; last event at start %" PRIu64, log_last(log));
    notify_ready();
}

void
daemon_close(struct daemon *daemon)
{
    net_close(daemon->net);
    parked_destroy(daemon->parked);
    core_destroy(daemon->core);
    store_close(daemon->store);
    daemon->net = NULL;
    daemon->parked = NULL;
    daemon->core = NULL;
    daemon->store = NULL;
}

static void
tell_change(const char *line)
{
    diag(DIAG_NOTICE, "reload: %s", line);
}

void
daemon_reload(struct daemon *daemon)
{
    static struct config next; /* 60 KB: not on the stack */
    struct problems problems;
    notify_reloading();
    problems_init(&problems);
    config_load(&next, daemon->sources, &problems);
    for (const char *text = NULL; (text = problems_next(&problems, text));)
        diag(DIAG_ERROR, "reload: %s", text);
    if (problems.count > 0) {
        diag(DIAG_ERROR, "reload: %u mistakes, so nothing was changed", problems.count);
    } else {
        config_apply(&daemon->config, &next, tell_change);
        diag(DIAG_NOTICE, "reload: done");
    }
    problems_fini(&problems);
    clock_accept(&daemon->clock, clock_read());
    daemon_look_at_disk(daemon);
    notify_ready();
}
