/* What polls that wait cost those who do not.
 *
 *     polls KITHD [COUNT...]
 *
 * Starts that kithd in a directory of its own, parks so many long polls of members whom nothing
 * happens to (0, 1000 and 100000 without a word; at most 1000000), and measures commands of other
 * members meanwhile; each as a ratio to the commands just before. Then it stops
 * the daemon and measures how long the answers to all of them take. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "bench/daemon.h"
#include "kith.h"

#define QUIET_COUNT  100000
#define BUSY_COUNT   2000
#define BATCH_COUNT  1000
#define WINDOW_COUNT 256
#define MEASURE_MS   2000
#define POLLS_MAX    1000000

static struct bench_daemon here;

static struct kith *
open_handle(unsigned window)
{
    struct kith *kith;
    struct kith_options options = {
        .url = here.url, .timeout_ms = 120000, .resend_ms = 110000, .window = window};
    if (kith_open(&kith, &options) != KITH_STATUS_OK)
        bench_die("no handle");
    return kith;
}

static void
register_some(struct kith *kith, const char *kind, unsigned count)
{
    struct kith_batch *batch = kith_batch_create();
    struct kith_args *args = kith_args_create();
    struct kith_reply *replies[BATCH_COUNT];
    char name[32];
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%s%u", kind, i);
        kith_args_clear(args);
        kith_put_str(args, "member", name);
        kith_batch_add(batch, "member.register", args, NULL);
        if (kith_batch_count(batch) < BATCH_COUNT)
            continue;
        if (kith_batch_call(kith, batch, replies) != KITH_STATUS_OK)
            bench_die("the daemon does not answer");
        for (unsigned at = 0; at < BATCH_COUNT; at++)
            kith_reply_destroy(replies[at]);
        kith_batch_clear(batch);
    }
    kith_args_destroy(args);
    kith_batch_destroy(batch);
}

static void
take_reply(struct kith *kith, int wait_ms)
{
    struct kith_reply *reply;
    uint64_t tag;
    bool expired;
    if (kith_next(kith, wait_ms, &reply, &tag, &expired) != KITH_STATUS_OK)
        bench_die("a command was not done");
    kith_reply_destroy(reply);
}

/* Commands a second, WINDOW_COUNT under way. */
static double
measure(struct kith *kith)
{
    static unsigned number;
    struct kith_args *args = kith_args_create();
    int64_t began = bench_clock_ms(CLOCK_MONOTONIC);
    uint64_t count = 0;
    char name[32];
    while (bench_clock_ms(CLOCK_MONOTONIC) - began < MEASURE_MS) {
        kith_args_clear(args);
        snprintf(name, sizeof(name), "busy%u", number % BUSY_COUNT);
        kith_put_str(args, "member", name);
        kith_put_str(args, "tier", number++ / BUSY_COUNT % 2 ? "free" : "premium");
        if (kith_send(kith, "member.update", args, NULL, 0) != KITH_STATUS_OK)
            bench_die("a command was not sent");
        if (kith_pending(kith) < WINDOW_COUNT)
            continue;
        take_reply(kith, -1);
        count++;
    }
    while (kith_pending(kith) > 0) {
        take_reply(kith, -1);
        count++;
    }
    kith_args_destroy(args);
    return (double)count * 1000 / (double)(bench_clock_ms(CLOCK_MONOTONIC) - began);
}

static uint64_t
stat_of(struct kith *kith, const char *name)
{
    struct kith_reply *reply;
    if (kith_call(kith, "server.stats", NULL, NULL, &reply) != KITH_STATUS_OK)
        bench_die("the daemon does not answer");
    uint64_t value = kith_value_uint(kith_get(kith_reply_result(reply), name));
    kith_reply_destroy(reply);
    return value;
}

/* Of the daemon: memory of its own, in kB. */
static unsigned long
memory_kb(void)
{
    char path[64], line[128];
    unsigned long size = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)here.pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "RssAnon: %lu", &size) == 1)
            break;
    if (file)
        fclose(file);
    return size;
}

static void
park(struct kith *waiter, unsigned count)
{
    struct kith_args *args = kith_args_create();
    char name[32];
    for (unsigned i = 0; i < count; i++) {
        kith_args_clear(args);
        snprintf(name, sizeof(name), "quiet%u", i % QUIET_COUNT);
        kith_put_str(args, "member", name);
        kith_put_int(args, "after", 1);
        kith_put_int(args, "wait_ms", 30000);
        if (kith_send(waiter, "event.read", args, NULL, i) != KITH_STATUS_OK)
            bench_die("a poll was not sent");
    }
    kith_args_destroy(args);
}

/* What was not taken at once is sent by the calls that follow. */
static void
send_more(struct kith *waiter)
{
    struct kith_reply *reply;
    uint64_t tag;
    bool expired;
    enum kith_status status = kith_next(waiter, 1, &reply, &tag, &expired);
    if (status == KITH_STATUS_REFUSED)
        bench_die(kith_reply_code(reply));
    if (status != KITH_STATUS_TIMEOUT || expired)
        bench_die("a poll's time was over before all were parked");
}

/* An answer to a poll at the daemon's end. nanomsg throws away what it has not read by then, and a
 * client would ask again. */
static bool
take_last(struct kith *waiter)
{
    struct kith_reply *reply;
    uint64_t tag;
    bool expired;
    enum kith_status status = kith_next(waiter, 10, &reply, &tag, &expired);
    kith_reply_destroy(reply);
    return status == KITH_STATUS_OK;
}

static void
run(const char *path, unsigned count)
{
    char wait_max[] = "net.wait_max=10m", *settings[] = {wait_max};
    bench_daemon_start(&here, path, settings, 1);
    struct kith *kith = open_handle(WINDOW_COUNT), *waiter = open_handle(count > 0 ? count : 1);
    register_some(kith, "quiet", QUIET_COUNT);
    register_some(kith, "busy", BUSY_COUNT);
    double alone = measure(kith);
    unsigned long before_kb = memory_kb();
    int64_t began = bench_clock_ms(CLOCK_MONOTONIC);
    park(waiter, count);
    while (stat_of(kith, "parked") < count)
        send_more(waiter);
    int64_t parked_ms = bench_clock_ms(CLOCK_MONOTONIC) - began;
    unsigned long after_kb = memory_kb();
    double rate = measure(kith);
    uint64_t left = stat_of(kith, "parked");
    began = bench_clock_ms(CLOCK_MONOTONIC);
    kill(here.pid, SIGTERM);
    uint64_t answered = 0;
    while (waitpid(here.pid, NULL, WNOHANG) == 0)
        while (take_last(waiter))
            answered++;
    int64_t drained_ms = bench_clock_ms(CLOCK_MONOTONIC) - began;
    printf("%7u polls: parked in %" PRId64 " ms, %.0f bytes each; %.0f commands/s, %.2f of those "
           "without; %" PRIu64 " parked still, %" PRIu64 " answers seen, the end took %" PRId64
           " ms\n",
           count, parked_ms,
           count > 0 ? ((double)after_kb - (double)before_kb) * 1024 / count : 0.0, rate,
           alone > 0 ? rate / alone : 0.0, left, answered, drained_ms);
    kith_close(waiter);
    kith_close(kith);
    bench_daemon_end(&here);
}

int
main(int argc, char **argv)
{
    static const unsigned counts[] = {0, 1000, 100000};
    if (argc < 2)
        bench_die("say which kithd: polls KITHD [COUNT...]");
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 2; i < argc; i++) {
        unsigned long count = strtoul(argv[i], NULL, 10);
        run(argv[1], count < POLLS_MAX ? (unsigned)count : POLLS_MAX);
    }
    for (unsigned i = 0; argc == 2 && i < sizeof(counts) / sizeof(counts[0]); i++)
        run(argv[1], counts[i]);
    return 0;
}
