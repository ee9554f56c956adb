/* bench/overlay.c: what the store alone can do.
 *
 * A command here is one log record of 200 bytes and six rows on random keys: four point rows and
 * two list rows, with "get" each read before it is written. Batches of 1000 are made durable with a
 * full sync each, while checkpoints run in the background. Printed beside the rate: what the same
 * disk takes for a bare write and sync, the processor time of the loop's thread, which a busy
 * machine disturbs less, and how long checkpoints took.
 *
 *     bench_overlay DIR put|get [COMMANDS] [KEYS]
 *
 * DIR must not exist; it is left behind. KEYS is how many members the random keys fall on.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/endian.h"
#include "store/store.h"

#define BATCH_COUNT  1000
#define RECORD_SIZE  200
#define VALUE_SIZE   64
#define SYNC_COUNT   200
#define REPORT_COUNT 20

static uint64_t
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Microseconds of processor time that this thread has used. */
static uint64_t
busy_us(void)
{
    struct timespec busy;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &busy);
    return (uint64_t)busy.tv_sec * 1000000 + (uint64_t)busy.tv_nsec / 1000;
}

/* splitmix64: every run does the same work. */
static uint64_t
random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static bool reads_first;

static void
row_change(struct views *views, enum view_table table, const uint8_t *key, size_t key_size,
           size_t value_size)
{
    uint8_t value[VALUE_SIZE] = {0};
    struct slice name = slice_of(key, key_size);
    struct slice old = {0};
    if (reads_first)
        old = views_get(views, table, name);
    if (old.size)
        memcpy(value, old.data, old.size < sizeof(value) ? old.size : sizeof(value));
    value[0]++;
    views_put(views, table, name, slice_of(value, value_size));
}

/* Two members, their pair and the command's id; an adjacency and an expiry. */
static void
command_run(struct store *store, uint64_t *seed, uint64_t key_count)
{
    struct views *views = store_views(store);
    uint8_t body[RECORD_SIZE] = {0}, member[16] = "member--", id[16], pair[8], due[16];
    uint64_t a = random_next(seed) % key_count, b = random_next(seed) % key_count;

    put_be64(member + 8, a);
    row_change(views, VIEW_MEMBER, member, sizeof(member), VALUE_SIZE);
    put_be64(member + 8, b);
    row_change(views, VIEW_MEMBER, member, sizeof(member), VALUE_SIZE);
    put_be32(pair, (uint32_t)a);
    put_be32(pair + 4, (uint32_t)b);
    row_change(views, VIEW_PAIR, pair, sizeof(pair), 40);
    put_be64(id, random_next(seed));
    put_be64(id + 8, random_next(seed));
    row_change(views, VIEW_DEDUPE, id, sizeof(id), 8);
    row_change(views, VIEW_ADJACENT, pair, sizeof(pair), 8);
    put_be64(due, random_next(seed));
    put_be64(due + 8, log_last(store_log(store)));
    row_change(views, VIEW_DUE, due, sizeof(due), 8);

    put_be64(body, a);
    seq_t seq = log_append(store_log(store), 1, slice_of(body, sizeof(body)));
    assert(seq != 0);
}

static void
batch_run(struct store *store, uint64_t *seed, uint64_t key_count)
{
    struct views *views = store_views(store);
    struct fault fault;
    store_begin(store);
    for (int i = 0; i < BATCH_COUNT; i++)
        command_run(store, seed, key_count);
    assert(store_end(store, &fault) == KITH_OK);
    views_tick(views, (msec_t)(now_us() / 1000));
    if (views_full(views))
        views_wait(views);
}

/* The floor: microseconds for a write of 4 KiB and its sync, appended to a file. */
static uint64_t
sync_floor_us(const char *dir)
{
    static const uint8_t block[4096];
    char path[4096];
    snprintf(path, sizeof(path), "%s/floor", dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    assert(fd >= 0);
    uint64_t began_us = now_us();
    for (int i = 0; i < SYNC_COUNT; i++)
        assert(write(fd, block, sizeof(block)) == sizeof(block) && fdatasync(fd) == 0);
    uint64_t took_us = (now_us() - began_us) / SYNC_COUNT;
    close(fd);
    unlink(path);
    return took_us;
}

static int
compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Resident anonymous memory in KiB: the map of LMDB does not count. */
static long
anonymous_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    }
    if (file)
        fclose(file);
    return kib;
}

static void
report(struct store *store, uint64_t command_count, uint64_t took_us)
{
    struct views_stats views;
    views_stats(store_views(store), &views);
    printf("%9" PRIu64 " commands  %8.0f/s  %.2f us busy each  overlay %5" PRIu64
           " MiB  checkpoints %3" PRIu64 "  last %5" PRId64 " ms  anonymous %5ld MiB\n",
           command_count, (double)command_count * 1e6 / (double)took_us,
           (double)busy_us() / (double)command_count, views.overlay_size >> 20, views.checkpoints,
           views.checkpoint_last_ms, anonymous_kib() >> 10);
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s DIR put|get [COMMANDS] [KEYS]\n", argv[0]);
        return 2;
    }
    uint64_t batch_count = (argc > 3 ? strtoull(argv[3], NULL, 10) : 2000000) / BATCH_COUNT;
    uint64_t key_count = argc > 4 ? strtoull(argv[4], NULL, 10) : 1000000;
    reads_first = strcmp(argv[2], "get") == 0;
    uint64_t *batch_us = calloc(batch_count, sizeof(*batch_us));
    struct store_options options = {.dir = argv[1]};
    struct store *store;
    struct fault fault = {0};
    if (!batch_us || batch_count == 0 || store_open(&store, &options, &fault) != KITH_OK) {
        fprintf(stderr, "%s: %s\n", argv[0], fault.text);
        return 1;
    }
    printf("write and sync of 4 KiB: %" PRIu64 " us\n", sync_floor_us(argv[1]));

    uint64_t seed = 1, began_us = now_us(), last_us = began_us;
    for (uint64_t i = 0; i < batch_count; i++) {
        batch_run(store, &seed, key_count);
        uint64_t at_us = now_us();
        batch_us[i] = at_us - last_us;
        last_us = at_us;
        if ((i + 1) % ((batch_count + REPORT_COUNT - 1) / REPORT_COUNT) == 0)
            report(store, (i + 1) * BATCH_COUNT, at_us - began_us);
    }
    qsort(batch_us, batch_count, sizeof(*batch_us), compare);
    printf("a batch of %d: p50 %" PRIu64 " us, p99 %" PRIu64 " us, max %" PRIu64 " us\n",
           BATCH_COUNT, batch_us[batch_count / 2], batch_us[batch_count * 99 / 100],
           batch_us[batch_count - 1]);
    began_us = now_us();
    store_close(store);
    printf("last checkpoint and close: %" PRIu64 " ms\n", (now_us() - began_us) / 1000);
    free(batch_us);
    return 0;
}
