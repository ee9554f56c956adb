/* What does one command cost the core, without sockets?
 *
 * usage: bench_work OP [COUNT [MEMBERS [DIR]]]
 *
 * Runs COUNT operations of one kind in this process through core and store, INPROC_BATCH_MAX to a
 * batch and each batch committed to DIR (default: the temporary directory), and says how much
 * processor time each took. Members, pairs and ids depend on nothing but these numbers, so that a
 * count of instructions is the same on every run: tests/bench/guard counts those of
 * measured_batch().
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "codec/writer.h"
#include "inproc.h"
#include "proto/limits.h"

#define COUNT_DEFAULT   20000
#define MEMBERS_DEFAULT 2000
#define NAME_SIZE       24

struct work {
    struct inproc inproc;
    uint64_t member_count;
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
    inproc_head(&work->inproc, "member.register", 2);
    write_member(&work->inproc.messages, "member", index);
    write_cstr(&work->inproc.messages, "tier");
    write_cstr(&work->inproc.messages, "unlimited");
}

static void
write_two(struct work *work, uint64_t index, const char *op, const char *first, const char *second)
{
    uint64_t from, to;
    pair_of(work, index, &from, &to);
    inproc_head(&work->inproc, op, 2);
    write_member(&work->inproc.messages, first, from);
    write_member(&work->inproc.messages, second, to);
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
prepare_batch(struct work *work, const struct op *op, uint64_t index, unsigned count)
{
    inproc_clear(&work->inproc);
    for (unsigned i = 0; i < count; i++) {
        op->write(work, index + i);
        inproc_end(&work->inproc);
    }
}

static void
run_batch(struct work *work)
{
    inproc_run(&work->inproc, NULL, NULL);
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

static void
run(struct work *work, const struct op *op, uint64_t count, void (*batch)(struct work *))
{
    uint64_t before = inproc_answered(&work->inproc);
    for (uint64_t i = 0; i < count; i += INPROC_BATCH_MAX) {
        prepare_batch(work, op, i,
                      count - i < INPROC_BATCH_MAX ? (unsigned)(count - i) : INPROC_BATCH_MAX);
        batch(work);
    }
    if (inproc_answered(&work->inproc) - before != count)
        inproc_die(op->name, "not every one was answered ok");
}

static void
run_all(struct work *work, const struct op *op, uint64_t count)
{
    if (!op->registers)
        run(work, &ops[0], work->member_count, run_batch);
    inproc_settle(&work->inproc);
    if (op->needs_requests)
        run(work, &ops[1], count, run_batch);
    inproc_settle(&work->inproc);
    run(work, op, count, measured_batch);
    printf("%s: %llu us of processor for %llu\n", op->name, (unsigned long long)work->time_us,
           (unsigned long long)count);
}

static const struct op *
find_op(const char *name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(ops); i++)
        if (strcmp(ops[i].name, name) == 0)
            return &ops[i];
    inproc_die(name, "no such operation: register, request, accept or status");
    return NULL;
}

int
main(int argc, char **argv)
{
    static struct work work;
    const char *temporary = getenv("TMPDIR");
    if (argc < 2 || argc > 5)
        inproc_die("usage", "bench_work OP [COUNT [MEMBERS [DIR]]]");
    const struct op *op = find_op(argv[1]);
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : COUNT_DEFAULT;
    work.member_count = argc > 3 ? strtoull(argv[3], NULL, 10) : MEMBERS_DEFAULT;
    inproc_open(&work.inproc, argc > 4 ? argv[4] : temporary ? temporary : "/tmp");
    run_all(&work, op, count);
    inproc_close(&work.inproc);
    return EXIT_SUCCESS;
}
