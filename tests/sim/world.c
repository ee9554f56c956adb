#include "sim/world.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "proto/limits.h"
#include "sim/dir.h"

#define COPY_SIZE (1024 * 1024)

static _Noreturn void __attribute__((format(printf, 1, 2))) die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

/* --- opening and closing --------------------------------------------------------------------- */

static void
copy_file(const char *from, const char *to, const char *name)
{
    static uint8_t bytes[COPY_SIZE];
    char source[512], target[512];
    snprintf(source, sizeof(source), "%s/%s", from, name);
    snprintf(target, sizeof(target), "%s/%s", to, name);
    int in = open(source, O_RDONLY), out = open(target, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ssize_t size = -1;
    while (in >= 0 && out >= 0 && (size = read(in, bytes, sizeof(bytes))) > 0)
        if (write(out, bytes, (size_t)size) != size)
            die("%s: %m", target);
    if (size != 0)
        die("%s: cannot be copied: %m", source);
    close(in);
    close(out);
}

/* A store begins anew where its directory is gone. Here that would look like a log that lost all:
 * tell whose fault it is. */
static void
check_there(const struct world *world)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/log/data.mdb", world->dir);
    if (world->epoch != 0 && access(path, F_OK) != 0)
        die("%s: somebody else removed it; the simulation itself found nothing wrong", path);
}

/* The very log that was closed: no other, and nothing less. */
static void
check_same(struct world *world)
{
    const struct log *log = store_log(world->store);
    if (world->epoch != 0 && (log_epoch(log) != world->epoch || log_last(log) < world->last_seq))
        die("%s: the log ended at %llu when it was closed, and ends at %llu now", world->dir,
            (unsigned long long)world->last_seq, (unsigned long long)log_last(log));
    world->epoch = log_epoch(log);
}

static void
replay(struct world *world)
{
    struct views *views = store_views(world->store);
    struct fault fault = {""};
    bool done = false;
    while (!done) {
        if (core_replay(world->core, 1000, &done, &fault) != KITH_OK)
            die("the log cannot be replayed: %s", fault.text);
        views_tick(views, ++world->tick_ms);
        if (views_full(views))
            views_wait(views);
    }
    assert(views_applied(views) == log_last(store_log(world->store)));
}

void
world_open(struct world *world)
{
    struct fault fault = {""};
    world->options.dir = world->dir;
    check_there(world);
    if (store_open(&world->store, &world->options, &fault) != KITH_OK)
        die("%s: cannot be opened: %s", world->dir, fault.text);
    check_same(world);
    struct core_options options = {
        .store = world->store,
        .settings = &world->settings,
        .stats = &world->stats,
        .clock_manual = true,
    };
    memcpy(options.seed, &world->seed, sizeof(world->seed));
    world->seed++;
    world->core = core_create(&options);
    assert(world->core);
    replay(world);
}

void
world_close(struct world *world)
{
    world->last_seq = log_last(store_log(world->store));
    core_destroy(world->core);
    store_close(world->store);
    world->core = NULL;
    world->store = NULL;
}

void
world_create(struct world *world, bool on_disk)
{
    dir_make(world->dir, sizeof(world->dir), on_disk);
    world_open(world);
}

void
world_destroy(struct world *world)
{
    if (world->in_turn)
        world_end(world, false);
    if (world->store)
        world_close(world);
    dir_remove(world->dir);
}

void
world_abandon(struct world *world)
{
    dir_remove(world->dir);
}

void
world_restart(struct world *world, bool rebuild)
{
    char views[512];
    world_close(world);
    snprintf(views, sizeof(views), "%s/views", world->dir);
    if (rebuild)
        dir_remove(views);
    world_open(world);
}

void
world_crash(struct world *world)
{
    char from[sizeof(world->dir)], part[2][512];
    memcpy(from, world->dir, sizeof(from));
    dir_make(world->dir, sizeof(world->dir), false);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(part[i], sizeof(part[i]), "%s/%s", world->dir, i ? "views" : "log");
        if (mkdir(part[i], 0700) != 0)
            die("%s: %m", part[i]);
    }
    views_wait(store_views(world->store)); /* else the copy would tear what is being written */
    copy_file(from, world->dir, "secrets");
    copy_file(from, world->dir, "log/data.mdb");
    copy_file(from, world->dir, "views/data.mdb");
    world_close(world);
    dir_remove(from);
    world_open(world);
}

seq_t
world_last_seq(struct world *world)
{
    return log_last(store_log(world->store));
}

bool
world_check_rebuild(struct world *world)
{
    struct views *views = store_views(world->store);
    struct views_stats before, after;
    struct fault fault = {""};
    bool same = true;

    if (views_checkpoint(views) != KITH_OK)
        die("no checkpoint: %s", views_fault(views)->text);
    views_stats(views, &before);
    if (store_reset_views(world->store, &fault) != KITH_OK)
        die("the views cannot be reset: %s", fault.text);
    replay(world);
    if (views_checkpoint(views) != KITH_OK)
        die("no checkpoint: %s", views_fault(views)->text);
    views_stats(views, &after);
    for (unsigned i = 0; i < VIEW_TABLE_COUNT; i++) {
        if (before.rows[i] == after.rows[i] && before.sums[i] == after.sums[i])
            continue;
        same = false;
        fprintf(stderr, "view %s: %llu rows, sum %llx; rebuilt: %llu rows, sum %llx\n",
                view_tables[i].name, (unsigned long long)before.rows[i],
                (unsigned long long)before.sums[i], (unsigned long long)after.rows[i],
                (unsigned long long)after.sums[i]);
    }
    return same;
}

/* --- turns ----------------------------------------------------------------------------------- */

void
world_begin(struct world *world, msec_t now_ms)
{
    assert(!world->in_turn);
    world->in_turn = true;
    store_begin(world->store);
    core_begin(world->core);
    while (core_sweep(world->core, now_ms) == CORE_SWEEP_MAX)
        assert(core_error(world->core) == KITH_OK);
}

void
world_execute(struct world *world, struct slice message, msec_t now_ms, struct buf *reply)
{
    /* Where the clock was moved just now, the log is ahead of the caller. */
    msec_t last_ms = log_last_at(store_log(world->store));
    struct core_context context = {.now_ms = now_ms > last_ms ? now_ms : last_ms};
    struct core_wait wait;
    buf_clear(reply);
    enum core_answer answer = core_execute(world->core, message, &context, reply, &wait);
    assert(answer == CORE_REPLIED && !reply->failed);
    assert(reply->size > 0 && reply->size <= KITH_MESSAGE_SIZE_MAX);
    assert(core_error(world->core) == KITH_OK);
}

bool
world_is_full(const struct world *world)
{
    return core_batch_events(world->core) >= CORE_BATCH_EVENTS_MAX;
}

void
world_end(struct world *world, bool keep)
{
    struct views *views = store_views(world->store);
    struct fault fault = {""};
    assert(world->in_turn);
    world->in_turn = false;
    if (keep && store_end(world->store, &fault) != KITH_OK)
        die("the batch cannot be committed: %s", fault.text);
    if (!keep)
        store_abort(world->store);
    core_end(world->core, keep);
    views_tick(views, ++world->tick_ms);
    if (views_full(views))
        views_wait(views);
}
