/* In this process: core and store, a turn for each message, and a clock that starts at one day. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "app/config.h"
#include "backend.h"
#include "base/assert.h"
#include "core/core.h"

#define START_MS     1736503200000 /* 2025-01-10T10:00:00Z: a month goes on for three weeks */
#define MAP_SIZE     (256 * MIB)
#define OVERLAY_SIZE (8 * MIB)
#define REPLAY_SLICE 100 /* small, so that it takes several */
#define PATH_MAX_    256

struct backend {
    char dir[PATH_MAX_];
    struct config config;
    struct stats stats;
    struct store *store;
    struct core *core;
};

/* --- settings ------------------------------------------------------------------------------- */

static const char *
no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static bool
load_settings(struct backend *core, const struct backend_settings *settings, struct fault *fault)
{
    struct config_value values[BACKEND_SETTINGS_MAX];
    struct problems problems;
    for (unsigned i = 0; i < settings->count; i++)
        values[i] = (struct config_value){"set", settings->list[i].key, settings->list[i].text};
    const struct config_sources sources = {
        .values = values, .value_count = settings->count, .lookup = no_environment};
    problems_init(&problems);
    config_load(&core->config, &sources, &problems);
    bool good = problems.count == 0;
    if (!good)
        fault_set(fault, "%s", problems_next(&problems, NULL));
    problems_fini(&problems);
    return good;
}

static bool
ends_with(struct slice text, const char *end)
{
    size_t size = strlen(end);
    return text.size > size && text.data[text.size - size - 1] == '.' &&
           memcmp(text.data + text.size - size, end, size) == 0;
}

const char *
backend_setting_prefix(struct slice key)
{
    for (unsigned i = 0; i < config_row_count; i++)
        if (slice_is(key, config_rows[i].key))
            return "";
    for (unsigned i = 0; i < config_tier_row_count; i++) {
        if (slice_is(key, config_tier_rows[i].key))
            return "tier.free.";
        if (ends_with(key, config_tier_rows[i].key))
            return "";
    }
    return NULL;
}

/* --- opening and closing -------------------------------------------------------------------- */

static enum kith_err
replay(struct backend *core, struct fault *fault)
{
    bool done = false;
    enum kith_err err = KITH_OK;
    while (!done && err == KITH_OK)
        err = core_replay(core->core, REPLAY_SLICE, &done, fault);
    return err;
}

static bool
start(struct backend *core, struct fault *fault)
{
    const struct store_options options = {
        .dir = core->dir, .map_size = MAP_SIZE, .overlay_size = OVERLAY_SIZE};
    enum kith_err err = store_open(&core->store, &options, fault);
    if (err != KITH_OK)
        return false;
    const struct core_options core_options = {
        .store = core->store,
        .settings = &core->config.settings,
        .stats = &core->stats,
        .clock_manual = true,
        .seed = "a seed need not be a secret here",
    };
    core->core = core_create(&core_options);
    assert(core->core != NULL);
    return replay(core, fault) == KITH_OK;
}

static void
stop(struct backend *core)
{
    core_destroy(core->core);
    store_close(core->store);
    core->core = NULL;
    core->store = NULL;
}

static bool
core_close(struct backend *core, struct fault *fault)
{
    (void)fault;
    stop(core);
    free(core);
    return true;
}

static struct backend *
core_open(const char *dir, const struct backend_settings *settings, struct fault *fault)
{
    struct backend *core = calloc(1, sizeof(*core));
    assert(core != NULL);
    snprintf(core->dir, sizeof(core->dir), "%s/data", dir);
    if (load_settings(core, settings, fault) && start(core, fault))
        return core;
    core_close(core, fault);
    return NULL;
}

static bool
core_restart(struct backend *core, const struct backend_settings *settings, struct fault *fault)
{
    char path[PATH_MAX_ + 32];
    stop(core);
    snprintf(path, sizeof(path), "%s/views/data.mdb", core->dir);
    unlink(path);
    return load_settings(core, settings, fault) && start(core, fault);
}

/* --- a turn --------------------------------------------------------------------------------- */

static msec_t
monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msec_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static msec_t
now_ms(const struct backend *core)
{
    msec_t last_at_ms = log_last_at(store_log(core->store));
    return last_at_ms > START_MS ? last_at_ms : START_MS;
}

static bool
core_exchange(struct backend *core, struct slice message, struct buf *reply, struct fault *fault)
{
    struct core_wait wait;
    store_begin(core->store);
    core_begin(core->core);
    while (core_sweep(core->core, now_ms(core)) == CORE_SWEEP_MAX)
        ;
    const struct core_context context = {.now_ms = now_ms(core), .last_try = true};
    enum core_answer answer = core_execute(core->core, message, &context, reply, &wait);
    if (core_error(core->core) != KITH_OK) {
        fault_set(fault, "the core failed: %s", kith_err_code(core_error(core->core)));
        store_abort(core->store);
        core_end(core->core, false);
        return false;
    }
    bool committed = store_end(core->store, fault) == KITH_OK;
    core_end(core->core, committed);
    views_tick(store_views(core->store), monotonic_ms());
    if (answer != CORE_REPLIED)
        fault_set(fault, "no answer, though nothing is to be waited for");
    return committed && answer == CORE_REPLIED;
}

/* --- the views are a fold of the log --------------------------------------------------------- */

static bool
same_rows(const struct views_stats *before, const struct views_stats *after, struct fault *fault)
{
    for (unsigned table = 0; table < VIEW_TABLE_COUNT; table++) {
        if (before->rows[table] == after->rows[table] && before->sums[table] == after->sums[table])
            continue;
        fault_set(fault, "view `%s`: %llu rows, and %llu when made anew from the log%s",
                  view_tables[table].name, (unsigned long long)before->rows[table],
                  (unsigned long long)after->rows[table],
                  before->rows[table] == after->rows[table] ? ", with other values" : "");
        return false;
    }
    return true;
}

static bool
core_audit(struct backend *core, struct fault *fault)
{
    struct views_stats before, after;
    struct views *views = store_views(core->store);
    if (views_checkpoint(views) != KITH_OK)
        return false;
    views_stats(views, &before);
    const struct backend_settings none = {0}; /* what an event does depends on no setting */
    if (!core_restart(core, &none, fault))
        return false;
    views = store_views(core->store);
    if (views_checkpoint(views) != KITH_OK)
        return false;
    views_stats(views, &after);
    return same_rows(&before, &after, fault);
}

const struct backend_ops backend_core = {
    .name = "core",
    .sends_anything = true,
    .open = core_open,
    .exchange = core_exchange,
    .restart = core_restart,
    .audit = core_audit,
    .close = core_close,
};
