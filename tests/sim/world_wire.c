#include "sim/world_wire.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/config.h"
#include "base/assert.h"
#include "codec/writer.h"
#include "conformance/kithd.h"
#include "conformance/peer.h"
#include "proto/limits.h"
#include "proto/schema.h"
#include "sim/dir.h"
#include "sim/reply.h"

struct wire {
    struct kithd kithd;
    struct peer peer;
    struct backend_settings settings;
    char file[512];
    struct buf hello, reply;
};

static const char *kithd_path;

void
wire_use(const char *path)
{
    kithd_path = path;
    backend_use_kithd(path);
}

static _Noreturn void
die(struct wire *wire, const char *what)
{
    struct fault fault;
    kithd_blame(&wire->kithd, what, &fault);
    fprintf(stderr, "%s\n", fault.text);
    abort();
}

/* --- its life ------------------------------------------------------------------------------- */

/* What the simulation has chosen, as an operator would write it down. */
static void
write_settings(const struct world *world, FILE *file)
{
    static const char *const units[] = {[CONFIG_COUNT] = "", [CONFIG_DURATION] = "ms"};
    const struct settings *settings = &world->settings;
    fprintf(file, "storage.reserve = 0\nstorage.map_size = 1GiB\nstorage.overlay_size = 4MiB\n");
    fprintf(file, "storage.checkpoint_events = %" PRIu64 "\n", world->options.checkpoint_events);
    fprintf(file, "storage.checkpoint_every = %" PRId64 "ms\n", world->options.checkpoint_ms);
    fprintf(file, "storage.checkpoint_memory = %" PRIu64 "KiB\n",
            world->options.checkpoint_memory >> 10);
    fprintf(file, "storage.commit_aside = %" PRId64 "\n", world->commit_aside);
#define X(field, key, unit, value, min, max, help) \
    fprintf(file, key " = %" PRId64 "%s\n", settings->field, units[CONFIG_##unit]);
    SETTING_LIST(X)
#undef X
    for (unsigned i = 0; i < settings->tier_count; i++) {
        const struct tier *tier = &settings->tiers[i];
        if (strcmp(tier->name, "unlimited") == 0)
            continue;
#define X(field, key, free_default, premium_default, max, help) \
    fprintf(file, "tier.%s." key " = %" PRIu64 "\n", tier->name, tier->field);
        TIER_LIMIT_LIST(X)
#undef X
    }
}

static void
start(struct wire *wire)
{
    struct fault fault = {""};
    if (!kithd_start(&wire->kithd, &wire->settings, &fault)) {
        fprintf(stderr, "%s\n", fault.text);
        abort();
    }
    if (!peer_connect(&wire->peer, wire->kithd.command_url))
        die(wire, "it does not greet");
}

static void
stop(struct wire *wire, int signal_number)
{
    struct fault fault = {""};
    peer_close(&wire->peer);
    if (kithd_stop(&wire->kithd, signal_number, &fault))
        return;
    fprintf(stderr, "%s\n", fault.text);
    abort();
}

void
world_create(struct world *world, bool on_disk)
{
    struct wire *wire = world->wire = calloc(1, sizeof(*wire));
    assert(wire != NULL);
    dir_make(world->dir, sizeof(world->dir), on_disk);
    snprintf(wire->file, sizeof(wire->file), "%s/kithd.conf", world->dir);
    FILE *file = fopen(wire->file, "we");
    assert(file != NULL);
    write_settings(world, file);
    int rc = fclose(file);
    assert(rc == 0);
    wire->settings.file = wire->file;
    kithd_init(&wire->kithd, world->dir);
    write_map(&wire->hello, 2);
    write_cstr(&wire->hello, "v");
    write_uint(&wire->hello, KITH_PROTOCOL_VERSION);
    write_cstr(&wire->hello, "op");
    write_cstr(&wire->hello, "server.hello");
    start(wire);
}

void
world_destroy(struct world *world)
{
    struct wire *wire = world->wire;
    if (wire->kithd.pid != 0)
        stop(wire, SIGKILL);
    dir_remove(world->dir);
    buf_fini(&wire->hello);
    buf_fini(&wire->reply);
    free(wire);
    world->wire = NULL;
}

void
world_abandon(struct world *world)
{
    dir_remove(world->dir); /* the daemon ends with this process */
}

void
wire_restart(struct world *world, int signal_number, bool rebuild)
{
    char views[512];
    stop(world->wire, signal_number);
    snprintf(views, sizeof(views), "%s/data/views", world->dir);
    if (rebuild)
        dir_remove(views);
    start(world->wire);
}

static bool
verify(const struct wire *wire, const char *data, const char *output)
{
    int status = 0;
    pid_t child = fork();
    assert(child >= 0);
    if (child == 0) {
        int fd = open(output, O_WRONLY);
        dup2(fd, STDOUT_FILENO);
        execl(kithd_path, "kithd", "--config", wire->file, "--data", data, "--verify", "--deep",
              (char *)NULL);
        _exit(127);
    }
    pid_t ended = waitpid(child, &status, 0);
    assert(ended == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What it finds is told, and no more. */
bool
wire_verify(struct world *world)
{
    char data[512];
    stop(world->wire, SIGTERM);
    snprintf(data, sizeof(data), "%s/data", world->dir);
    if (verify(world->wire, data, "/dev/null"))
        return true;
    verify(world->wire, data, "/dev/stderr");
    return false;
}

/* --- messages ------------------------------------------------------------------------------- */

uint32_t
wire_send(struct world *world, struct slice message)
{
    if (!peer_send(&world->wire->peer, message))
        die(world->wire, "it takes nothing");
    return world->wire->peer.number;
}

bool
wire_wait(struct world *world, long wait_us)
{
    return peer_wait(&world->wire->peer, wait_us);
}

uint32_t
wire_receive(struct world *world, struct buf *reply)
{
    uint32_t number;
    buf_clear(reply);
    if (!peer_receive(&world->wire->peer, &number, reply))
        die(world->wire, "no answer");
    assert(!reply->failed && reply->size <= KITH_MESSAGE_SIZE_MAX);
    return number;
}

void
world_execute(struct world *world, struct slice message, msec_t now_ms, struct buf *reply)
{
    (void)now_ms;
    uint32_t number = wire_send(world, message);
    if (wire_receive(world, reply) != number)
        die(world->wire, "the answer to another message");
}

/* The very log that it was: no other, and nothing less. */
seq_t
world_last_seq(struct world *world)
{
    struct wire *wire = world->wire;
    struct reply reply;
    world_execute(world, buf_slice(&wire->hello), 0, &wire->reply);
    if (!reply_read(buf_slice(&wire->reply), &reply) || !reply.ok)
        die(wire, "server.hello is refused");
    uint64_t epoch = (uint64_t)reply_num(reply.body, "epoch");
    seq_t last = (seq_t)reply_num(reply.body, "last_seq");
    if ((world->epoch != 0 && epoch != world->epoch) || last < world->last_seq)
        die(wire, "it has lost events, or its log");
    world->epoch = epoch;
    world->last_seq = last;
    return last;
}
