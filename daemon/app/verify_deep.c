#include "app/verify_deep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/clock.h"
#include "base/assert.h"
#include "core/core.h"

#define SLICE_COUNT   10000
#define PATH_ROOM     (PATH_MAX + 64) /* a directory and one of the names below */
#define CHECKPOINT_MS 1000            /* how long to wait for a checkpoint before looking again */

/* What is in the directory made for it. The log and its secrets are those of the real one. */
static const char *const shared_names[] = {"log", "secrets"};
static const char *const own_names[] = {"views/data.mdb",     "views/lock.mdb", "views/rollback",
                                        "views/rollback.new", "views",          "LOCK"};

static bool
scratch_make(char *dir, size_t size, const char *data, struct fault *fault)
{
    char real[PATH_MAX], from[PATH_ROOM], to[PATH_ROOM];
    const char *parent = getenv("TMPDIR");
    snprintf(dir, size, "%s/kith-verify-XXXXXX", parent && *parent ? parent : "/tmp");
    bool good = realpath(data, real) && mkdtemp(dir);
    for (size_t i = 0; good && i < ARRAY_COUNT(shared_names); i++) {
        snprintf(from, sizeof(from), "%s/%s", real, shared_names[i]);
        snprintf(to, sizeof(to), "%s/%s", dir, shared_names[i]);
        good = symlink(from, to) == 0;
    }
    if (!good)
        fault_set(fault, "%s: %s", dir, strerror(errno));
    return good;
}

static void
scratch_remove(const char *dir)
{
    char path[PATH_ROOM];
    for (size_t i = 0; i < ARRAY_COUNT(shared_names); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, shared_names[i]);
        unlink(path);
    }
    for (size_t i = 0; i < ARRAY_COUNT(own_names); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, own_names[i]);
        remove(path);
    }
    rmdir(dir);
}

static void
make_room(struct views *views)
{
    views_tick(views, clock_read().mono_ms);
    while (views_full(views)) {
        struct pollfd ended = {.fd = views_fd(views), .events = POLLIN};
        poll(&ended, 1, CHECKPOINT_MS);
        views_tick(views, clock_read().mono_ms);
    }
}

/* Apply the log up to @until and no further. */
static enum kith_err
replay_until(const struct verify *verify, struct store *store, struct core *core, seq_t until,
             struct fault *fault)
{
    struct views *views = store_views(store);
    enum kith_err err = KITH_OK;
    while (err == KITH_OK && views_applied(views) < until) {
        seq_t left = until - views_applied(views);
        bool done;
        err = core_replay(core, left < SLICE_COUNT ? (unsigned)left : SLICE_COUNT, &done, fault);
        make_room(views);
        verify->progress(verify->context);
    }
    if (err == KITH_OK)
        err = views_checkpoint(views);
    if (err != KITH_OK && fault->text[0] == 0)
        fault_set(fault, "%s", views_fault(views)->text);
    return err;
}

static enum kith_err
compare(const struct verify *verify, struct store *store, struct core *core, const char *scratch,
        struct fault *fault)
{
    struct fault why = {""};
    enum kith_err err = replay_until(verify, store, core, verify->state->applied, fault);
    if (err == KITH_OK) {
        err = verify_compare(verify, scratch, &why);
        if (err != KITH_OK)
            fault_set(fault, "views: they are not what the log makes: %s", why.text);
    }
    /* What the next start will apply can be applied. */
    return err == KITH_OK ? replay_until(verify, store, core, verify->state->last_seq, fault) : err;
}

static enum kith_err
compare_with_core(const struct verify *verify, struct store *store, const struct config *config,
                  const char *scratch, struct fault *fault)
{
    static struct stats stats;
    struct core_options options = {.store = store, .settings = &config->settings, .stats = &stats};
    struct core *core = core_create(&options);
    enum kith_err err = KITH_UNAVAILABLE;
    if (core)
        err = compare(verify, store, core, scratch, fault);
    else
        fault_set(fault, "memory is short");
    core_destroy(core);
    return err;
}

enum kith_err
verify_deep(const struct verify *verify, const struct config *config, struct fault *fault)
{
    char dir[PATH_MAX];
    struct store *store;
    if (!scratch_make(dir, sizeof(dir), verify->dir, fault))
        return KITH_UNAVAILABLE;
    const struct store_options options = {
        .dir = dir,
        .map_size = (uint64_t)config->map_size,
        .overlay_size = (uint64_t)config->overlay_size,
        .checkpoint_events = (uint64_t)config->checkpoint_events,
        .checkpoint_memory = (uint64_t)config->checkpoint_memory,
        .checkpoint_ms = config->checkpoint_ms,
        .rows_version = verify->rows_version,
    };
    enum kith_err err = store_open(&store, &options, fault);
    if (err == KITH_OK) {
        err = compare_with_core(verify, store, config, dir, fault);
        store_close(store);
    }
    scratch_remove(dir);
    return err;
}
