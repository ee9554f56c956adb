/* How fast events reach those who subscribe.
 *
 *     subscribers KITHD [EVENTS]
 *
 * Starts that kithd in a directory of its own and measures, with the client library:
 *
 *     catch-up    one subscriber reads a log of EVENTS from its start
 *     live        0, 1, 4, 8, 16 and 64 subscribers, while commands append as fast as they go; how
 * fast that is, as a ratio to none; what all of them were told together, and how long after its
 * time (a millisecond is the clock's step) each event came
 *
 * Every event must reach every subscriber once and in order, or it says so and fails. */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/daemon.h"
#include "kith.h"

#define SUBSCRIBERS_MAX 64
#define DELAY_MAX       10000 /* ms; what is later counts as this */
#define BATCH_COUNT     50    /* commands a message: few enough that their events are published */
#define IMPORT_COUNT    1000
#define MEMBER_COUNT    2001
#define LIVE_MS         4000

static struct bench_daemon here;

static struct kith *
open_handle(void)
{
    struct kith *kith;
    struct kith_options options = {
        .url = here.url, .events_url = here.events_url, .timeout_ms = 30000};
    if (kith_open(&kith, &options) != KITH_STATUS_OK)
        bench_die("no handle");
    return kith;
}

/* --- appending ------------------------------------------------------------------------------ */

static void
register_some(struct kith *kith, unsigned from, unsigned count)
{
    struct kith_batch *batch = kith_batch_create();
    struct kith_args *args = kith_args_create();
    struct kith_reply *replies[IMPORT_COUNT];
    char name[32];
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "m%u", from + i);
        kith_args_clear(args);
        kith_put_str(args, "member", name);
        kith_batch_add(batch, "member.register", args, NULL);
    }
    if (kith_batch_call(kith, batch, replies) != KITH_STATUS_OK)
        bench_die("the daemon does not answer");
    for (unsigned i = 0; i < count; i++)
        kith_reply_destroy(replies[i]);
    kith_args_destroy(args);
    kith_batch_destroy(batch);
}

/* Connect member @number to the next 1000, in a ring: so many events of one command. */
static void
import_some(struct kith *kith, unsigned number)
{
    static char names[MEMBER_COUNT][16];
    const char *pairs[2 * IMPORT_COUNT];
    struct kith_args *args = kith_args_create();
    struct kith_reply *reply;
    for (unsigned i = 0; i <= IMPORT_COUNT; i++) {
        unsigned member = (number + i) % MEMBER_COUNT;
        snprintf(names[member], sizeof(names[member]), "m%u", member);
        if (i == 0)
            continue;
        pairs[2 * i - 2] = names[number];
        pairs[2 * i - 1] = names[member];
    }
    kith_put_pairs(args, "pairs", pairs, IMPORT_COUNT);
    if (kith_call(kith, "connection.import", args, NULL, &reply) != KITH_STATUS_OK)
        bench_die("an import was refused");
    kith_reply_destroy(reply);
    kith_args_destroy(args);
}

static uint64_t
last_seq(struct kith *kith)
{
    struct kith_reply *reply;
    if (kith_call(kith, "server.hello", NULL, NULL, &reply) != KITH_STATUS_OK)
        bench_die("the daemon does not answer");
    uint64_t seq = kith_value_uint(kith_get(kith_reply_result(reply), "last_seq"));
    kith_reply_destroy(reply);
    return seq;
}

/* --- subscribing ---------------------------------------------------------------------------- */

struct subscriber {
    pthread_t thread;
    uint64_t after, last, count, behind;
    bool until_caught_up;
    uint32_t delays[DELAY_MAX + 1];
};

static uint64_t stop_at; /* the last event of a run, once it is known; 0 before */
static unsigned ready_count;

static bool
on_news(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct subscriber *subscriber = context;
    if (news == KITH_NEWS_FELL_BEHIND)
        subscriber->behind++;
    if (news == KITH_NEWS_CAUGHT_UP && subscriber->count == 0)
        __atomic_add_fetch(&ready_count, 1, __ATOMIC_SEQ_CST);
    if (news == KITH_NEWS_EVENT) {
        if (seq != subscriber->last + 1)
            bench_die("an event was missed, or came twice");
        subscriber->last = seq;
        subscriber->count++;
        int64_t delay = bench_clock_ms(CLOCK_REALTIME) - kith_get_int(event, "at");
        subscriber->delays[delay < 0 ? 0 : delay > DELAY_MAX ? DELAY_MAX : delay]++;
    }
    uint64_t stop = __atomic_load_n(&stop_at, __ATOMIC_SEQ_CST);
    return stop == 0 || subscriber->last < stop;
}

static void *
run_subscriber(void *context)
{
    struct subscriber *subscriber = context;
    struct kith *kith = open_handle();
    struct kith_subscribe_options options = {.after = subscriber->after,
                                             .until_caught_up = subscriber->until_caught_up};
    subscriber->last = subscriber->after;
    kith_subscribe(kith, &options, on_news, subscriber);
    kith_close(kith);
    return NULL;
}

static unsigned
percentile(const struct subscriber *subscribers, unsigned count, double share)
{
    uint64_t all = 0, sum = 0;
    for (unsigned i = 0; i < count; i++)
        all += subscribers[i].count;
    for (unsigned ms = 0; ms <= DELAY_MAX; ms++) {
        for (unsigned i = 0; i < count; i++)
            sum += subscribers[i].delays[ms];
        if ((double)sum >= share * (double)all)
            return ms;
    }
    return DELAY_MAX;
}

static void
measure_catch_up(struct kith *kith)
{
    static struct subscriber subscriber;
    subscriber = (struct subscriber){.until_caught_up = true};
    uint64_t last = last_seq(kith);
    int64_t began = bench_clock_ms(CLOCK_MONOTONIC);
    run_subscriber(&subscriber);
    int64_t took = bench_clock_ms(CLOCK_MONOTONIC) - began;
    if (subscriber.last != last)
        bench_die("the end of the log was not reached");
    printf("catch-up: %" PRIu64 " events in %" PRId64 " ms: %.0f/s\n", subscriber.count, took,
           (double)subscriber.count * 1000 / (double)(took > 0 ? took : 1));
}

/* Returns how many events were appended a second; @alone: and how many where nobody listened, 0 if
 * that is what is measured. */
static double
measure_live(struct kith *kith, unsigned count, double alone)
{
    static struct subscriber subscribers[SUBSCRIBERS_MAX];
    static unsigned next_member = MEMBER_COUNT;
    uint64_t first = last_seq(kith), behind = 0;
    stop_at = 0;
    ready_count = 0;
    memset(subscribers, 0, sizeof(subscribers));
    for (unsigned i = 0; i < count; i++) {
        subscribers[i].after = first;
        pthread_create(&subscribers[i].thread, NULL, run_subscriber, &subscribers[i]);
    }
    while (__atomic_load_n(&ready_count, __ATOMIC_SEQ_CST) < count)
        sched_yield();
    int64_t began = bench_clock_ms(CLOCK_MONOTONIC);
    while (bench_clock_ms(CLOCK_MONOTONIC) - began < LIVE_MS) {
        register_some(kith, next_member, BATCH_COUNT);
        next_member += BATCH_COUNT;
    }
    int64_t appended = bench_clock_ms(CLOCK_MONOTONIC) - began;
    uint64_t last = last_seq(kith);
    __atomic_store_n(&stop_at, last + 1, __ATOMIC_SEQ_CST);
    register_some(kith, next_member++, 1);
    for (unsigned i = 0; i < count; i++) {
        pthread_join(subscribers[i].thread, NULL);
        behind += subscribers[i].behind;
        if (subscribers[i].count != last + 1 - first)
            bench_die("an event was missed");
    }
    int64_t took = bench_clock_ms(CLOCK_MONOTONIC) - began;
    double events = (double)(last + 1 - first), rate = events * 1000 / (double)appended;
    printf("live, %2u subscribers: %.0f events/s appended, %.2f of those without; %.0f/s delivered "
           "in all, delay p50 %u ms, p99 %u ms; fell behind %" PRIu64 " times\n",
           count, rate, alone > 0 ? rate / alone : 1.0, events * count * 1000 / (double)took,
           percentile(subscribers, count, 0.5), percentile(subscribers, count, 0.99), behind);
    return rate;
}

int
main(int argc, char **argv)
{
    static const unsigned counts[] = {1, 4, 8, 16, 64};
    double alone = 0;
    unsigned long wanted = argc > 2 ? strtoul(argv[2], NULL, 10) : 500000;
    if (argc < 2)
        bench_die("say which kithd: subscribers KITHD [EVENTS]");
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_daemon_start(&here, argv[1], NULL, 0);
    struct kith *kith = open_handle();
    for (unsigned i = 0; i < MEMBER_COUNT; i += IMPORT_COUNT)
        register_some(kith, i, MEMBER_COUNT - i < IMPORT_COUNT ? MEMBER_COUNT - i : IMPORT_COUNT);
    for (unsigned i = 0; i < MEMBER_COUNT && last_seq(kith) < wanted; i++)
        import_some(kith, i);
    for (unsigned i = 0; i < 3; i++)
        measure_catch_up(kith);
    alone = measure_live(kith, 0, 0);
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        measure_live(kith, counts[i], alone);
    kith_close(kith);
    bench_daemon_end(&here);
    return 0;
}
