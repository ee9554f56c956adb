/* Does inviting stay as quick when very many invites are outstanding?
 *
 * usage: bench_invites [--json] [--same-contact] [--inviters N] [--dir DIR] [COUNT...]
 *
 * Fills core and store in this process with COUNT outstanding invites (1000, 10 000, 100 000 and
 * 1 000 000), and at each of these measures creating, peeking, resending, redeeming and revoking
 * SAMPLE_COUNT of them at random, then lets all of the last expire at once. A command's time is
 * that of the processor for it alone; the rate is that of whole batches by the clock, their
 * commits included. --same-contact: all N inviters invite one contact before they go on to the
 * next. With a million it takes some minutes and 3 GB of disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "inproc.h"
#include "tests/map.h"

#define SAMPLE_COUNT     4096
#define LEVEL_COUNT_MAX  8
#define INVITERS_DEFAULT 10000
#define SETTLE_EVERY     32768 /* commands: before the memory for changes is used up */
#define DAY_LENGTH_MS    (24 * 3600 * 1000LL)

struct invite_kept {
    uint32_t inviter;
    char id[17], token[33];
};

struct bench {
    struct inproc inproc;
    bool json, same_contact;
    uint64_t inviter_count;
    uint64_t made, joined; /* invites, and members that redeemed one */
    struct invite_kept *kept;
    uint64_t kept_count;
    uint64_t random;
    uint64_t began_ns;
    uint64_t *samples_ns;
    unsigned sample_count;
};

/* --- messages -------------------------------------------------------------------------------- */

static struct buf *
out_of(struct bench *bench)
{
    return &bench->inproc.messages;
}

static void
write_named(struct bench *bench, const char *key, const char *prefix, uint64_t number)
{
    char name[32];
    snprintf(name, sizeof(name), "%s%llu", prefix, (unsigned long long)number);
    write_cstr(out_of(bench), key);
    write_cstr(out_of(bench), name);
}

static void
write_register(struct bench *bench, uint64_t number)
{
    inproc_head(&bench->inproc, "member.register", 2);
    write_named(bench, "member", "m", number);
    write_cstr(out_of(bench), "tier");
    write_cstr(out_of(bench), "unlimited");
}

static void
write_create(struct bench *bench, struct invite_kept *invite)
{
    uint64_t number = bench->made++;
    invite->inviter = (uint32_t)(number % bench->inviter_count);
    inproc_head(&bench->inproc, "invite.create", 2);
    write_named(bench, "member", "m", invite->inviter);
    write_cstr(out_of(bench), "contact");
    write_map(out_of(bench), 2);
    write_cstr(out_of(bench), "kind");
    write_cstr(out_of(bench), "opaque");
    write_named(bench, "value", "c", bench->same_contact ? number / bench->inviter_count : number);
}

static void
write_peek(struct bench *bench, struct invite_kept *invite)
{
    inproc_head(&bench->inproc, "invite.peek", 1);
    write_cstr(out_of(bench), "token");
    write_cstr(out_of(bench), invite->token);
}

static void
write_own(struct bench *bench, const char *op, const struct invite_kept *invite)
{
    inproc_head(&bench->inproc, op, 2);
    write_named(bench, "member", "m", invite->inviter);
    write_cstr(out_of(bench), "invite");
    write_cstr(out_of(bench), invite->id);
}

static void
write_resend(struct bench *bench, struct invite_kept *invite)
{
    write_own(bench, "invite.resend", invite);
}

static void
write_revoke(struct bench *bench, struct invite_kept *invite)
{
    write_own(bench, "invite.revoke", invite);
}

static void
write_redeem(struct bench *bench, struct invite_kept *invite)
{
    inproc_head(&bench->inproc, "invite.redeem", 2);
    write_cstr(out_of(bench), "token");
    write_cstr(out_of(bench), invite->token);
    write_named(bench, "member", "new", bench->joined++);
}

/* In this order they leave as many behind as there were before. */
enum work { WORK_CREATE, WORK_CREATE_MORE, WORK_PEEK, WORK_RESEND, WORK_REDEEM, WORK_REVOKE };

static const struct op {
    const char *name;
    void (*write)(struct bench *bench, struct invite_kept *invite);
    bool makes, ends, is_told;
} ops[] = {
    [WORK_CREATE] = {"create", write_create, true, false, true},
    [WORK_CREATE_MORE] = {"create", write_create, true, false, false},
    [WORK_PEEK] = {"peek", write_peek, false, false, true},
    [WORK_RESEND] = {"resend", write_resend, false, false, true},
    [WORK_REDEEM] = {"redeem", write_redeem, false, true, true},
    [WORK_REVOKE] = {"revoke", write_revoke, false, true, true},
};

/* --- what they answer ------------------------------------------------------------------------ */

static void
keep_text(struct slice result, const char *name, char *out, size_t size)
{
    struct reader reader;
    reader_init(&reader, map_find(result, name));
    struct slice text = reader_str(&reader);
    if (text.size == 0 || text.size >= size)
        inproc_die("reply", "not what it should be");
    memcpy(out, text.data, text.size);
    out[text.size] = 0;
}

static void
keep_answers(struct bench *bench)
{
    for (unsigned i = 0; i < bench->inproc.message_count; i++) {
        struct invite_kept *invite = &bench->kept[bench->kept_count++];
        struct slice result = map_find(inproc_reply(&bench->inproc, i), "result");
        keep_text(result, "invite", invite->id, sizeof(invite->id));
        keep_text(result, "token", invite->token, sizeof(invite->token));
    }
}

/* --- batches --------------------------------------------------------------------------------- */

static uint64_t
now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
measure(void *context, unsigned index, bool is_over)
{
    struct bench *bench = context;
    uint64_t at_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    (void)index;
    if (!is_over)
        bench->began_ns = at_ns;
    else if (bench->sample_count < SAMPLE_COUNT)
        bench->samples_ns[bench->sample_count++] = at_ns - bench->began_ns;
}

static uint64_t
random_below(struct bench *bench, uint64_t count)
{
    bench->random = bench->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (bench->random >> 33) % count;
}

/* One of those outstanding at random; one that ends is taken out, and stands behind the others. */
static struct invite_kept *
pick(struct bench *bench, bool ends)
{
    uint64_t index = random_below(bench, bench->kept_count);
    if (!ends)
        return &bench->kept[index];
    struct invite_kept picked = bench->kept[index];
    bench->kept[index] = bench->kept[--bench->kept_count];
    bench->kept[bench->kept_count] = picked;
    return &bench->kept[bench->kept_count];
}

/* Returns the time that all of it took by the clock. */
static uint64_t
run(struct bench *bench, const struct op *op, uint64_t count)
{
    uint64_t answered = inproc_answered(&bench->inproc), spent_ns = 0;
    bench->sample_count = 0;
    for (uint64_t done = 0; done < count;) {
        uint64_t left = count - done;
        unsigned batch = left < INPROC_BATCH_MAX ? (unsigned)left : INPROC_BATCH_MAX;
        inproc_clear(&bench->inproc);
        for (unsigned i = 0; i < batch; i++) {
            op->write(bench,
                      op->makes ? &bench->kept[bench->kept_count + i] : pick(bench, op->ends));
            inproc_end(&bench->inproc);
        }
        uint64_t began_ns = now_ns(CLOCK_MONOTONIC);
        inproc_run(&bench->inproc, measure, bench);
        spent_ns += now_ns(CLOCK_MONOTONIC) - began_ns;
        if (op->makes)
            keep_answers(bench);
        done += batch;
        if (done % SETTLE_EVERY == 0)
            inproc_settle(&bench->inproc);
    }
    if (inproc_answered(&bench->inproc) - answered != count)
        inproc_die(op->name, "not every one was answered ok");
    return spent_ns;
}

static void
register_all(struct bench *bench)
{
    for (uint64_t number = 0; number < bench->inviter_count;) {
        inproc_clear(&bench->inproc);
        for (unsigned i = 0; i < INPROC_BATCH_MAX && number < bench->inviter_count; i++) {
            write_register(bench, number++);
            inproc_end(&bench->inproc);
        }
        inproc_run(&bench->inproc, NULL, NULL);
        if (number % SETTLE_EVERY == 0)
            inproc_settle(&bench->inproc);
    }
    inproc_settle(&bench->inproc);
}

/* --- figures --------------------------------------------------------------------------------- */

struct figure {
    double rate, p50_us, p99_us;
};

static int
compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static struct figure
figure_of(struct bench *bench, uint64_t count, uint64_t spent_ns)
{
    unsigned samples = bench->sample_count;
    assert(samples > 0);
    qsort(bench->samples_ns, samples, sizeof(*bench->samples_ns), compare);
    return (struct figure){.rate = (double)count * 1e9 / (double)spent_ns,
                           .p50_us = (double)bench->samples_ns[samples / 2] / 1e3,
                           .p99_us = (double)bench->samples_ns[samples * 99 / 100] / 1e3};
}

static void
tell(const struct bench *bench, const char *name, uint64_t count, struct figure figure)
{
    const char *format =
        bench->json ? "{\"op\": \"%s\", \"outstanding\": %llu, \"rate\": %.0f, \"p50_us\": %.1f, "
                      "\"p99_us\": %.1f}\n"
                    : "%-8s %12llu %10.0f %9.1f %9.1f\n";
    printf(format, name, (unsigned long long)count, figure.rate, figure.p50_us, figure.p99_us);
    fflush(stdout);
}

static void
tell_ratio(const struct bench *bench, const char *name, struct figure first, struct figure last)
{
    const char *format = bench->json
                             ? "{\"op\": \"%s\", \"p50_ratio\": %.2f, \"p99_ratio\": %.2f}\n"
                             : "%-8s p50 x %.2f, p99 x %.2f\n";
    printf(format, name, last.p50_us / first.p50_us, last.p99_us / first.p99_us);
}

static uint64_t
size_on_disk(const struct bench *bench, const char *part)
{
    char path[400];
    struct stat stat_of;
    snprintf(path, sizeof(path), "%s/%s/data.mdb", bench->inproc.data, part);
    return stat(path, &stat_of) == 0 ? (uint64_t)stat_of.st_blocks * 512 : 0;
}

static void
tell_sizes(const struct bench *bench, uint64_t count)
{
    uint64_t log = size_on_disk(bench, "log"), views = size_on_disk(bench, "views");
    const char *format =
        bench->json ? "{\"outstanding\": %llu, \"log_bytes_each\": %llu, "
                      "\"views_bytes_each\": %llu}\n"
                    : "%llu outstanding, on disk for each: log %llu bytes, views %llu bytes\n";
    printf(format, (unsigned long long)count, (unsigned long long)(log / count),
           (unsigned long long)(views / count));
}

/* --- the whole ------------------------------------------------------------------------------- */

static void
measure_level(struct bench *bench, uint64_t level, struct figure figures[ARRAY_COUNT(ops)])
{
    while (bench->kept_count < level) {
        uint64_t left = level - bench->kept_count;
        run(bench, &ops[WORK_CREATE], left < SETTLE_EVERY ? left : SETTLE_EVERY);
        inproc_settle(&bench->inproc);
    }
    for (unsigned i = 0; i < ARRAY_COUNT(ops); i++) {
        uint64_t spent_ns = run(bench, &ops[i], SAMPLE_COUNT);
        figures[i] = figure_of(bench, SAMPLE_COUNT, spent_ns);
        if (ops[i].is_told)
            tell(bench, ops[i].name, level, figures[i]);
        inproc_settle(&bench->inproc);
    }
    assert(bench->kept_count == level);
}

/* All that is outstanding is due at once: how long is a turn? */
static void
measure_expiry(struct bench *bench)
{
    struct inproc *inproc = &bench->inproc;
    struct fault fault = {""};
    uint64_t began_ns = now_ns(CLOCK_MONOTONIC), total = 0;
    msec_t now_ms = INPROC_START_MS + 400 * DAY_LENGTH_MS;
    unsigned count = 1, turns = 0;
    bench->sample_count = 0;
    while (count > 0) {
        store_begin(inproc->store);
        core_begin(inproc->core);
        measure(bench, 0, false);
        count = core_sweep(inproc->core, now_ms);
        measure(bench, 0, true);
        if (core_error(inproc->core) != KITH_OK || store_end(inproc->store, &fault) != KITH_OK)
            inproc_die("sweep", fault.text);
        core_end(inproc->core, true);
        total += count;
        if (++turns % (SETTLE_EVERY / CORE_SWEEP_MAX) == 0)
            inproc_settle(inproc);
    }
    tell(bench, "expire", total, figure_of(bench, total, now_ns(CLOCK_MONOTONIC) - began_ns));
}

static void
measure_all(struct bench *bench, const uint64_t *levels, unsigned count)
{
    struct figure figures[LEVEL_COUNT_MAX][ARRAY_COUNT(ops)];
    if (!bench->json)
        printf("%-8s %12s %10s %9s %9s\n", "op", "outstanding", "a second", "p50 us", "p99 us");
    for (unsigned i = 0; i < count; i++)
        measure_level(bench, levels[i], figures[i]);
    tell_sizes(bench, levels[count - 1]);
    measure_expiry(bench);
    for (unsigned i = 0; i < ARRAY_COUNT(ops); i++)
        if (ops[i].is_told)
            tell_ratio(bench, ops[i].name, figures[0][i], figures[count - 1][i]);
}

static uint64_t
number_of(const char *text)
{
    char *end;
    uint64_t number = text ? strtoull(text, &end, 10) : 0;
    if (number == 0 || *end || number > 100 * 1000 * 1000)
        inproc_die("usage", "bench_invites [--json] [--same-contact] [--inviters N] [--dir DIR] "
                            "[COUNT...], each COUNT above the one before");
    return number;
}

static const char *
read_options(struct bench *bench, char **argv, uint64_t *levels, unsigned *count)
{
    const char *dir = getenv("TMPDIR");
    for (char **at = argv + 1; *at; at++) {
        if (strcmp(*at, "--json") == 0) {
            bench->json = true;
        } else if (strcmp(*at, "--same-contact") == 0) {
            bench->same_contact = true;
        } else if (strcmp(*at, "--inviters") == 0) {
            bench->inviter_count = number_of(*++at);
        } else if (strcmp(*at, "--dir") == 0 && at[1]) {
            dir = *++at;
        } else {
            uint64_t level = number_of(*at);
            if (*count == LEVEL_COUNT_MAX || (*count > 0 && level < levels[*count - 1]))
                number_of(NULL);
            levels[(*count)++] = level;
        }
    }
    return dir ? dir : "/tmp";
}

int
main(int argc, char **argv)
{
    static struct bench bench = {.inviter_count = INVITERS_DEFAULT, .random = 1};
    static const uint64_t usual[] = {1000, 10000, 100000, 1000000};
    uint64_t levels[LEVEL_COUNT_MAX];
    unsigned count = 0;
    (void)argc;
    const char *dir = read_options(&bench, argv, levels, &count);
    if (count == 0) {
        memcpy(levels, usual, sizeof(usual));
        count = ARRAY_COUNT(usual);
    }
    bench.kept = calloc(levels[count - 1] + 3 * SAMPLE_COUNT, sizeof(*bench.kept));
    bench.samples_ns = calloc(SAMPLE_COUNT, sizeof(*bench.samples_ns));
    if (!bench.kept || !bench.samples_ns)
        inproc_die("bench_invites", "memory is short");
    inproc_open(&bench.inproc, dir);
    bench.inproc.settings.invite_resend_gap = 0;
    bench.inproc.settings.invite_resends = 100;
    register_all(&bench);
    measure_all(&bench, levels, count);
    inproc_close(&bench.inproc);
    free(bench.samples_ns);
    free(bench.kept);
    return EXIT_SUCCESS;
}
