/* What does one command cost the core, without sockets?
 *
 * usage: bench_work OP [COUNT [MEMBERS [DIR]]]
 *
 * Runs COUNT operations of one kind in this process through core and store, BATCH_COUNT to a batch
 * and each batch committed to DIR (default: the temporary directory), and says how much processor
 * time each took. Members, pairs and ids depend on nothing but these numbers, so that a count of
 * instructions is the same on every run: tests/bench/guard counts those of measured_batch().
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "codec/writer.h"
#include "core/core.h"
#include "proto/limits.h"

#define BATCH_COUNT     256
#define COUNT_DEFAULT   20000
#define MEMBERS_DEFAULT 2000
#define START_MS        1736503200000
#define MAP_SIZE        ((uint64_t)16 * 1024 * 1024 * 1024)
#define NAME_SIZE       24
#define ID_SIZE         40
#define DIR_SIZE        256

struct work {
    char dir[DIR_SIZE], data[DIR_SIZE + 8];
    uint64_t member_count;
    struct settings settings;
    struct stats stats;
    struct store *store;
    struct core *core;
    struct buf messages, replies;
    size_t message_end[BATCH_COUNT];
    unsigned message_count;
    uint64_t id; /* of the last command */
    uint64_t time_us;
};

/* --- messages -------------------------------------------------------------------------------- */

static void
write_member(struct buf *out, const char *key, uint64_t number)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof(name), "m%010llu", (unsigned long long)number);
    write_cstr(out, key);
    write_cstr(out, name);
}

/* Ids as most clients make them: a UUID that grows with time. */
static void
write_head(struct work *work, const char *op, uint32_t arg_count)
{
    char id[ID_SIZE];
    struct buf *out = &work->messages;
    work->id++;
    snprintf(id, sizeof(id), "0194%04x-%04x-7%03x-8000-%012llx",
             (unsigned)(work->id >> 24 & 0xffff), (unsigned)(work->id >> 8 & 0xffff),
             (unsigned)(work->id * 37 & 0xfff),
             (unsigned long long)(work->id * UINT64_C(0x9e3779b97f4a7c15) >> 16));
    write_map(out, 4);
    write_cstr(out, "v");
    write_uint(out, 1);
    write_cstr(out, "op");
    write_cstr(out, op);
    write_cstr(out, "id");
    write_cstr(out, id);
    write_cstr(out, "args");
    write_map(out, arg_count);
}

/* Pair number @index: all differ, and no two are the same the other way round, as long as a member
 * is in few of them. */
static void
pair_of(const struct work *work, uint64_t index, uint64_t *from, uint64_t *to)
{
    uint64_t count = work->member_count, round = index / count;
    assert(1 + round * 31 < count / 2);
    *from = index * 7919 % count;
    *to = (*from + 1 + round * 31) % count;
}

static void
write_register(struct work *work, uint64_t index)
{
    write_head(work, "member.register", 2);
    write_member(&work->messages, "member", index);
    write_cstr(&work->messages, "tier");
    write_cstr(&work->messages, "unlimited");
}

static void
write_two(struct work *work, uint64_t index, const char *op, const char *first, const char *second)
{
    uint64_t from, to;
    pair_of(work, index, &from, &to);
    write_head(work, op, 2);
    write_member(&work->messages, first, from);
    write_member(&work->messages, second, to);
}

static void
write_request(struct work *work, uint64_t index)
{
    write_two(work, index, "connection.request", "from", "to");
}

/* By who was asked. */
static void
write_accept(struct work *work, uint64_t index)
{
    write_two(work, index, "connection.accept", "other", "member");
}

static void
write_status(struct work *work, uint64_t index)
{
    write_two(work, index, "connection.status", "viewer", "other");
}

/* A new member in each, and the requests that an operation needs to have gone before. */
static const struct op {
    const char *name;
    void (*write)(struct work *work, uint64_t index);
    bool registers, needs_requests;
} ops[] = {
    {"register", write_register, true, false},
    {"request", write_request, false, false},
    {"accept", write_accept, false, true},
    {"status", write_status, false, true},
};

/* --- batches --------------------------------------------------------------------------------- */

static void
die(const char *what, const char *why)
{
    fprintf(stderr, "bench_work: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void
prepare_batch(struct work *work, const struct op *op, uint64_t index, unsigned count)
{
    buf_clear(&work->messages);
    buf_clear(&work->replies);
    work->message_count = count;
    for (unsigned i = 0; i < count; i++) {
        op->write(work, index + i);
        work->message_end[i] = work->messages.size;
    }
    assert(!work->messages.failed);
}

static void
run_batch(struct work *work)
{
    struct fault fault = {""};
    struct core_context context = {.now_ms = START_MS + (msec_t)work->id / 100};
    size_t start = 0;

    store_begin(work->store);
    core_begin(work->core);
    for (unsigned i = 0; i < work->message_count; i++) {
        struct core_wait wait;
        struct slice message = slice_of(work->messages.data + start, work->message_end[i] - start);
        core_execute(work->core, message, &context, &work->replies, &wait);
        start = work->message_end[i];
    }
    enum kith_err err = store_end(work->store, &fault);
    core_end(work->core, err == KITH_OK);
    if (err != KITH_OK)
        die("commit", fault.text);
}

static uint64_t
thread_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The guard finds it by its name: it stays a function of its own, and nothing else calls it. */
__attribute__((noinline)) void measured_batch(struct work *work);

void
measured_batch(struct work *work)
{
    uint64_t began_us = thread_us();
    run_batch(work);
    work->time_us += thread_us() - began_us;
}

static uint64_t
answered_ok(const struct work *work)
{
    return work->stats.commands + work->stats.queries;
}

static void
run(struct work *work, const struct op *op, uint64_t count, void (*batch)(struct work *))
{
    uint64_t before = answered_ok(work);
    for (uint64_t i = 0; i < count; i += BATCH_COUNT) {
        prepare_batch(work, op, i, count - i < BATCH_COUNT ? (unsigned)(count - i) : BATCH_COUNT);
        batch(work);
    }
    if (answered_ok(work) - before != count)
        die(op->name, "not every one was answered ok");
}

/* As a daemon that has run for a while: what came before is on disk, not in memory. */
static void
settle(struct work *work)
{
    if (views_checkpoint(store_views(work->store)) != KITH_OK)
        die("checkpoint", views_fault(store_views(work->store))->text);
}

static void
run_all(struct work *work, const struct op *op, uint64_t count)
{
    if (!op->registers)
        run(work, &ops[0], work->member_count, run_batch);
    settle(work);
    if (op->needs_requests)
        run(work, &ops[1], count, run_batch);
    settle(work);
    run(work, op, count, measured_batch);
    printf("%s: %llu us of processor for %llu\n", op->name, (unsigned long long)work->time_us,
           (unsigned long long)count);
}

/* --- opening and closing --------------------------------------------------------------------- */

static int
remove_one(const char *path, const struct stat *stat, int type, struct FTW *place)
{
    (void)stat, (void)type, (void)place;
    return remove(path);
}

static void
work_open(struct work *work, const char *parent)
{
    struct fault fault = {""};
    snprintf(work->dir, sizeof(work->dir), "%.200s/kith-work-XXXXXX", parent);
    if (!mkdtemp(work->dir))
        die(work->dir, "cannot make it");
    snprintf(work->data, sizeof(work->data), "%s/data", work->dir);
    const struct store_options options = {.dir = work->data, .map_size = MAP_SIZE};
    if (store_open(&work->store, &options, &fault) != KITH_OK)
        die(work->data, fault.text);

    settings_init(&work->settings);
    const struct core_options core_options = {
        .store = work->store,
        .settings = &work->settings,
        .stats = &work->stats,
        .seed = "a seed need not be a secret here",
    };
    work->core = core_create(&core_options);
    if (!work->core)
        die("core", "memory is short");
}

static void
work_close(struct work *work)
{
    core_destroy(work->core);
    store_close(work->store);
    buf_fini(&work->messages);
    buf_fini(&work->replies);
    nftw(work->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const struct op *
find_op(const char *name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(ops); i++)
        if (strcmp(ops[i].name, name) == 0)
            return &ops[i];
    die(name, "no such operation: register, request, accept or status");
    return NULL;
}

int
main(int argc, char **argv)
{
    static struct work work;
    const char *temporary = getenv("TMPDIR");
    if (argc < 2 || argc > 5)
        die("usage", "bench_work OP [COUNT [MEMBERS [DIR]]]");
    const struct op *op = find_op(argv[1]);
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : COUNT_DEFAULT;
    work.member_count = argc > 3 ? strtoull(argv[3], NULL, 10) : MEMBERS_DEFAULT;
    work_open(&work, argc > 4 ? argv[4] : temporary ? temporary : "/tmp");
    run_all(&work, op, count);
    work_close(&work);
    return EXIT_SUCCESS;
}
