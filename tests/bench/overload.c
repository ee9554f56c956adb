/* What kithd does with twice as much as it can do.
 *
 *     bench_overload KITHD [SECONDS [CONNECTIONS [SETTING=VALUE…]]]
 *
 * Starts that kithd in a directory of its own and sends connection.request over raw sockets, in
 * one run:
 *
 *     capacity   as many as go, 2048 under way
 *     before     half of that, on a fixed schedule
 *     onset      twice of that: the first half second, in which it is seen that this is too much
 *     during     and then
 *     after      half again, without a pause
 *
 * Latency counts from the intended time of each message, however late it could be sent. Beside the
 * load one connection asks fifty times a second and is counted alone. At the end the log must hold
 * what was answered ok, and nothing else; every message must have been answered. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/buf.h"
#include "base/endian.h"
#include "bench/daemon.h"
#include "clients/cli/src/histogram.h"
#include "clients/cli/src/pairing.h"
#include "kith.h"

#define LANES_MAX        512
#define MEMBERS          20000
#define BATCH_COUNT      500
#define WINDOW           2048
#define RING_SIZE        (1u << 23) /* messages that may be under way; a power of two */
#define HEAD_SIZE        13         /* ipc's one, the size, the request's number */
#define REQUEST_SIZE_MAX 128
#define READ_SIZE        (256 * 1024)
#define LONE_EVERY_NS    20000000 /* of the connection that is counted alone */
#define ONSET_SECONDS    0.5
#define QUIET_NS         (30 * UINT64_C(1000000000))
#define SLOT_NS          50000000 /* recovery is looked at in such pieces */
#define SLOTS_MAX        4000

enum phase_name { CAPACITY, BEFORE, ONSET, DURING, AFTER, PHASE_COUNT };

struct phase {
    const char *name;
    double rate; /* 0: a closed loop */
    uint64_t start_ns, end_ns;
    uint64_t sent, answered;
    struct histogram ok, busy, lone;
};

struct lane {
    int fd;
    struct buf out;
    size_t written;
    uint8_t *in;
    size_t in_size;
};

struct under_way {
    uint64_t intended_ns;
    uint8_t phase;
    bool lone;
};

static struct bench_daemon here;
static struct phase phases[PHASE_COUNT];
static struct lane lanes[LANES_MAX];
static unsigned lane_count = 32;
static struct under_way ring[RING_SIZE];
static uint32_t sent_count; /* of all phases: also the number of the next request */
static uint64_t answered_count, ok_count, failed_count;
static struct pairing pairing;
static struct {
    uint32_t answered, busy, slow;
} slots[SLOTS_MAX]; /* of the last phase */
static uint64_t slow_ns;

static uint64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- the members --------------------------------------------------------------------------- */

static void
member_name(char *to, uint32_t number)
{
    snprintf(to, 16, "m%" PRIu32, number);
}

static void
register_members(struct kith *kith)
{
    struct kith_batch *batch = kith_batch_create();
    struct kith_args *args = kith_args_create();
    struct kith_reply *replies[BATCH_COUNT];

    for (uint32_t first = 0; first < MEMBERS; first += BATCH_COUNT) {
        kith_batch_clear(batch);
        for (uint32_t i = first; i < first + BATCH_COUNT; i++) {
            char name[16];
            member_name(name, i);
            kith_args_clear(args);
            kith_put_str(args, "member", name);
            kith_put_str(args, "tier", "unlimited");
            if (kith_batch_add(batch, "member.register", args, name) != KITH_STATUS_OK)
                bench_die("no memory");
        }
        if (kith_batch_call(kith, batch, replies) != KITH_STATUS_OK)
            bench_die("the members are not registered");
        for (unsigned i = 0; i < BATCH_COUNT; i++) {
            if (!kith_reply_ok(replies[i]))
                bench_die(kith_reply_code(replies[i]));
            kith_reply_destroy(replies[i]);
        }
    }
    kith_args_destroy(args);
    kith_batch_destroy(batch);
}

static uint64_t
last_seq(struct kith *kith)
{
    struct kith_reply *reply;
    if (kith_call(kith, "server.hello", NULL, NULL, &reply) != KITH_STATUS_OK)
        bench_die("no answer to server.hello");
    uint64_t seq = kith_reply_pos(reply);
    kith_reply_destroy(reply);
    return seq;
}

/* --- messages ------------------------------------------------------------------------------ */

static void
lane_open(struct lane *lane)
{
    static const uint8_t hello[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint8_t theirs[8];
    int size = 4 << 20;

    memcpy(address.sun_path, here.url + 6, sizeof(here.url) - 6);
    lane->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    setsockopt(lane->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (connect(lane->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        send(lane->fd, hello, 8, MSG_NOSIGNAL) != 8 || recv(lane->fd, theirs, 8, MSG_WAITALL) != 8)
        bench_die("a connection fails");
    fcntl(lane->fd, F_SETFL, O_NONBLOCK);
    lane->in = malloc(READ_SIZE);
}

/* A short string: a letter and a number. */
static uint8_t *
pack_name(uint8_t *to, char letter, uint32_t number)
{
    char digits[10];
    unsigned count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    *to++ = (uint8_t)(0xa0 + 1 + count);
    *to++ = (uint8_t)letter;
    while (count > 0)
        *to++ = (uint8_t)digits[--count];
    return to;
}

static uint8_t *
pack_raw(uint8_t *to, const char *bytes, size_t size)
{
    memcpy(to, bytes, size);
    return to + size;
}

/* By hand, for at twice too much every microsecond here is missing there. */
static void
put_request(struct buf *out, uint32_t number)
{
    static const char head[] = "\x84\xa1v\x01\xa2op\xb2"
                               "connection.request\xa2id",
                      args[] = "\xa4"
                               "args\x82\xa4"
                               "from",
                      last[] = "\xa2to";
    uint32_t from, to;
    uint8_t *start = buf_reserve(out, REQUEST_SIZE_MAX);

    if (!start)
        bench_die("no memory");
    pairing_get(&pairing, number, &from, &to);
    uint8_t *at = pack_raw(start + HEAD_SIZE, head, sizeof(head) - 1);
    at = pack_name(at, 'r', number);
    at = pack_raw(at, args, sizeof(args) - 1);
    at = pack_name(at, 'm', from);
    at = pack_raw(at, last, sizeof(last) - 1);
    at = pack_name(at, 'm', to);
    size_t size = (size_t)(at - start);
    start[0] = 1;
    put_be64(start + 1, size - 9);
    put_be32(start + 9, number | 0x80000000u);
    out->size += size;
}

static void
send_one(struct lane *lane, enum phase_name phase, uint64_t intended_ns)
{
    if (sent_count - answered_count == RING_SIZE)
        bench_die("too many are under way");
    ring[sent_count % RING_SIZE] = (struct under_way){intended_ns, (uint8_t)phase, lane == lanes};
    put_request(&lane->out, sent_count++);
    phases[phase].sent++;
}

static void
write_out(struct lane *lane)
{
    while (lane->written < lane->out.size) {
        ssize_t size = send(lane->fd, lane->out.data + lane->written,
                            lane->out.size - lane->written, MSG_NOSIGNAL);
        if (size < 0 && errno == EAGAIN)
            return;
        if (size <= 0)
            bench_die("a connection broke");
        lane->written += (size_t)size;
    }
    buf_clear(&lane->out);
    lane->written = 0;
}

static void
note_slot(const struct under_way *way, uint64_t latency_ns, bool busy)
{
    uint64_t slot = (way->intended_ns - phases[AFTER].start_ns) / SLOT_NS;
    if (slot >= SLOTS_MAX)
        return;
    slots[slot].answered++;
    slots[slot].busy += busy;
    slots[slot].slow += latency_ns > slow_ns;
}

static void
take_reply(const uint8_t *body, size_t size)
{
    uint32_t number = get_be32(body) & 0x7fffffff;
    const struct under_way *way = &ring[number % RING_SIZE];
    struct phase *phase = &phases[way->phase];
    uint64_t latency_ns = now_ns() - way->intended_ns;
    bool ok = memmem(body, size, "\xa2ok\xc3", 4);
    bool busy = !ok && memmem(body, size,
                              "\xa4"
                              "busy",
                              5);

    answered_count++;
    phase->answered++;
    ok_count += ok;
    failed_count += !ok && !busy;
    if (way->lone)
        histogram_add(&phase->lone, latency_ns);
    else
        histogram_add(ok ? &phase->ok : &phase->busy, latency_ns);
    if (way->phase == AFTER)
        note_slot(way, latency_ns, busy);
}

static void
read_in(struct lane *lane)
{
    ssize_t got = recv(lane->fd, lane->in + lane->in_size, READ_SIZE - lane->in_size, 0);
    size_t at = 0;

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        bench_die("a connection broke");
    lane->in_size += (size_t)got;
    while (lane->in_size - at >= HEAD_SIZE) {
        uint64_t size = get_be64(lane->in + at + 1);
        if (size < 4 || size > READ_SIZE - 9)
            bench_die("a reply of a strange size");
        if (lane->in_size - at < 9 + size)
            break;
        take_reply(lane->in + at + 9, size);
        at += 9 + size;
    }
    memmove(lane->in, lane->in + at, lane->in_size - at);
    lane->in_size -= at;
}

/* --- phases -------------------------------------------------------------------------------- */

static void
exchange(int wait_ms)
{
    struct pollfd fds[LANES_MAX];
    for (unsigned i = 0; i < lane_count; i++) {
        write_out(&lanes[i]);
        bool left = lanes[i].out.size > 0;
        fds[i] = (struct pollfd){lanes[i].fd, (short)(POLLIN | (left ? POLLOUT : 0)), 0};
    }
    if (poll(fds, lane_count, wait_ms) < 0)
        bench_die("poll fails");
    for (unsigned i = 0; i < lane_count; i++)
        if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
            read_in(&lanes[i]);
}

/* All that is due by now, in the order of the schedule. */
static void
send_due(enum phase_name name, uint64_t *done, uint64_t *lone_done)
{
    struct phase *phase = &phases[name];
    uint64_t now = now_ns();
    if (now > phase->end_ns)
        now = phase->end_ns;
    for (;; ++*lone_done) {
        uint64_t due = phase->start_ns + *lone_done * LONE_EVERY_NS;
        if (due >= now)
            break;
        send_one(&lanes[0], name, due);
    }
    for (;; ++*done) {
        uint64_t due = phase->start_ns + (uint64_t)((double)*done * 1e9 / phase->rate);
        if (due >= now)
            break;
        send_one(&lanes[1 + *done % (lane_count - 1)], name, due);
    }
}

static void
run_phase(enum phase_name name, uint64_t start_ns, double seconds)
{
    struct phase *phase = &phases[name];
    uint64_t done = 0, lone_done = 0;

    phase->start_ns = start_ns;
    phase->end_ns = start_ns + (uint64_t)(seconds * 1e9);
    while (now_ns() < phase->end_ns) {
        if (phase->rate > 0)
            send_due(name, &done, &lone_done);
        else
            for (; sent_count - answered_count < WINDOW; done++)
                send_one(&lanes[1 + done % (lane_count - 1)], name, now_ns());
        exchange(1);
    }
    if (phase->rate > 0)
        send_due(name, &done, &lone_done);
}

static void
wait_for_all(void)
{
    uint64_t last = answered_count, last_ns = now_ns();
    while (answered_count < sent_count) {
        exchange(100);
        if (answered_count != last) {
            last = answered_count;
            last_ns = now_ns();
        } else if (now_ns() - last_ns > QUIET_NS) {
            return;
        }
    }
}

/* --- what came of it ----------------------------------------------------------------------- */

static double
ms_at(const struct histogram *histogram, double fraction)
{
    return (double)histogram_at(histogram, fraction) / 1e6;
}

static void
print_phase(const struct phase *phase)
{
    double seconds = (double)(phase->end_ns - phase->start_ns) / 1e9;
    printf("%-9s %8.0f %9.0f %9.0f | %8.1f %8.1f %8.1f | %8.1f %8.1f | %8.1f %8.1f\n", phase->name,
           (double)phase->sent / seconds, (double)phase->ok.count / seconds,
           (double)phase->busy.count / seconds, ms_at(&phase->ok, 0.5), ms_at(&phase->ok, 0.99),
           ms_at(&phase->ok, 1), ms_at(&phase->busy, 0.5), ms_at(&phase->busy, 0.99),
           ms_at(&phase->lone, 0.5), ms_at(&phase->lone, 0.99));
}

/* The end of the last slot in which anything was turned away, or more than one in a hundred took
 * three times as long as before; but those apart that come a second and more after a good one. */
static double
recovery_s(void)
{
    unsigned bad_until = 0;
    for (unsigned i = 0; i < SLOTS_MAX && i < bad_until + 1000000000 / SLOT_NS; i++)
        if (slots[i].busy > 0 || slots[i].slow * 100 > slots[i].answered)
            bad_until = i + 1;
    return bad_until * (SLOT_NS / 1e9);
}

static int
report(uint64_t appended)
{
    printf("%-9s %8s %9s %9s | %26s | %17s | %17s\n%-9s %8s %9s %9s | %8s %8s %8s | %8s %8s | %8s "
           "%8s\n",
           "", "sent/s", "ok/s", "busy/s", "ok, ms", "busy, ms", "alone, ms", "", "", "", "", "p50",
           "p99", "max", "p50", "p99", "p50", "p99");
    for (unsigned i = 0; i < PHASE_COUNT; i++)
        print_phase(&phases[i]);
    printf("p99 of what was accepted, during / before: %.1f, / capacity: %.1f; of the one alone, / "
           "before: "
           "%.1f\n",
           ms_at(&phases[DURING].ok, 0.99) / ms_at(&phases[BEFORE].ok, 0.99),
           ms_at(&phases[DURING].ok, 0.99) / ms_at(&phases[CAPACITY].ok, 0.99),
           ms_at(&phases[DURING].lone, 0.99) / ms_at(&phases[BEFORE].lone, 0.99));
    printf("accepted during / capacity: %.2f; recovered after %.2f s\n",
           (double)phases[DURING].ok.count / (double)phases[CAPACITY].ok.count *
               (double)(phases[CAPACITY].end_ns - phases[CAPACITY].start_ns) /
               (double)(phases[DURING].end_ns - phases[DURING].start_ns),
           recovery_s());
    printf("%" PRIu32 " sent, %" PRIu64 " answered: %" PRIu64 " ok, %" PRIu64
           " neither ok nor busy; %" PRIu64 " appended\n",
           sent_count, answered_count, ok_count, failed_count, appended);
    bool good = answered_count == sent_count && failed_count == 0 && appended == ok_count;
    puts(good ? "nothing was lost" : "SOMETHING WAS LOST");
    return good ? 0 : 1;
}

static void
run_phases(double seconds)
{
    static const char *const names[] = {"capacity", "before", "onset", "during", "after"};
    static const double shares[] = {0, 0.5, 2, 2, 0.5};

    for (unsigned i = 0; i < PHASE_COUNT; i++)
        phases[i].name = names[i];
    run_phase(CAPACITY, now_ns(), seconds);
    wait_for_all();
    struct phase *capacity = &phases[CAPACITY];
    double rate = (double)capacity->ok.count / ((double)(now_ns() - capacity->start_ns) / 1e9);
    for (unsigned i = BEFORE; i < PHASE_COUNT; i++)
        phases[i].rate = shares[i] * rate;
    run_phase(BEFORE, now_ns(), seconds);
    wait_for_all();
    slow_ns = 3 * histogram_at(&phases[BEFORE].ok, 0.99);
    run_phase(ONSET, now_ns(), ONSET_SECONDS);
    run_phase(DURING, phases[ONSET].end_ns, seconds);
    run_phase(AFTER, phases[DURING].end_ns, seconds);
    wait_for_all();
}

int
main(int argc, char **argv)
{
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 10;
    struct kith *kith;
    if (argc < 2 || seconds <= 0)
        bench_die("usage: bench_overload KITHD [SECONDS [CONNECTIONS [SETTING=VALUE…]]]");
    if (argc > 3)
        lane_count = (unsigned)strtoul(argv[3], NULL, 10);
    if (lane_count < 2 || lane_count > LANES_MAX)
        bench_die("2 to 512 connections");

    bench_daemon_start(&here, argv[1], argv + 4, argc > 4 ? argc - 4 : 0);
    struct kith_options options = {.url = here.url, .timeout_ms = 60000};
    if (kith_open(&kith, &options) != KITH_STATUS_OK)
        bench_die("no handle");
    register_members(kith);
    pairing_init(&pairing, MEMBERS, 1);
    for (unsigned i = 0; i < lane_count; i++)
        lane_open(&lanes[i]);
    uint64_t before_seq = last_seq(kith);
    run_phases(seconds);
    int status = report(last_seq(kith) - before_seq);
    kith_close(kith);
    bench_daemon_end(&here);
    return status;
}
