#include "bench_load.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "cli.h"

#define WAIT_MS     1                     /* for an answer, while a next one may fall due */
#define NAP_NS      UINT64_C(50000)       /* until the next intended time */
#define DRAIN_NS    UINT64_C(30000000000) /* for the last answers; then they are lost */
#define THREADS_MAX BENCH_CONNECTIONS_MAX

struct lane {
    void *handle;
    uint64_t *started_ns; /* by slot */
    unsigned *free;       /* slots not under way */
    unsigned free_count, window;
    bool ended; /* it has nothing more to send */
};

struct worker {
    const struct bench_load *load;
    const struct bench_target *target;
    struct lane *lanes; /* of this thread */
    unsigned lane_count;
    unsigned number, worker_count;
    uint64_t start_ns, end_ns; /* end: no sending after it */
    uint64_t sent, quota;      /* quota: of the count in all */
    uint64_t last_ns;          /* when the last answer came */
    struct bench_result *result;
    bool failed;
    pthread_t thread;
};

static bool
lane_init(struct lane *lane, const struct bench_target *target, unsigned number, unsigned window)
{
    *lane = (struct lane){.window = window, .free_count = window};
    lane->started_ns = calloc(window, sizeof(*lane->started_ns));
    lane->free = calloc(window, sizeof(*lane->free));
    if (!lane->started_ns || !lane->free)
        return false;
    for (unsigned i = 0; i < window; i++)
        lane->free[i] = window - 1 - i;
    lane->handle = target->open(target->context, number, window);
    return lane->handle != NULL;
}

static void
lane_fini(struct lane *lane, const struct bench_target *target)
{
    if (lane->handle)
        target->close(lane->handle);
    free(lane->started_ns);
    free(lane->free);
}

static bool
is_under_way(const struct worker *worker)
{
    for (unsigned i = 0; i < worker->lane_count; i++)
        if (worker->lanes[i].free_count < worker->lanes[i].window)
            return true;
    return false;
}

/* When the next one of this worker is due; the workers take turns on one schedule. */
static uint64_t
intended_ns(const struct worker *worker)
{
    double place = (double)(worker->sent * worker->worker_count + worker->number);
    return worker->start_ns + (uint64_t)(place * 1e9 / worker->load->rate);
}

static bool
is_over(const struct worker *worker, uint64_t now_ns)
{
    if (worker->failed || (worker->quota > 0 && worker->sent >= worker->quota))
        return true;
    uint64_t due_ns = worker->load->rate > 0 ? intended_ns(worker) : now_ns;
    /* In an open loop what is late is still sent: it was due. */
    if (worker->load->duration_ms > 0 && due_ns >= worker->end_ns)
        return true;
    for (unsigned i = 0; i < worker->lane_count; i++)
        if (!worker->lanes[i].ended)
            return false;
    return true;
}

/* Send on @lane what it has room for and what is due. */
static bool
fill(struct worker *worker, struct lane *lane)
{
    bool any = false;
    while (lane->free_count > 0 && !lane->ended) {
        uint64_t now_ns = cli_now_ns();
        uint64_t due_ns = worker->load->rate > 0 ? intended_ns(worker) : now_ns;
        if (is_over(worker, now_ns) || due_ns > now_ns)
            return any;
        unsigned slot = lane->free[lane->free_count - 1];
        lane->started_ns[slot] = due_ns;
        if (!worker->target->send(lane->handle, slot)) {
            lane->ended = true;
            return any;
        }
        lane->free_count--;
        worker->sent++;
        any = true;
        if (worker->load->rate > 0)
            return any; /* the next one goes to the next lane */
    }
    return any;
}

/* Take the answers that are there. */
static bool
drain(struct worker *worker, struct lane *lane)
{
    bool any = false;
    while (lane->free_count < lane->window) {
        unsigned slot = 0;
        enum bench_take take = worker->target->take(lane->handle, &slot);
        if (take == BENCH_TAKE_NONE)
            return any;
        if (take == BENCH_TAKE_FAILED) {
            worker->failed = true;
            return any;
        }
        assert(slot < lane->window && lane->free_count < lane->window);
        lane->free[lane->free_count++] = slot;
        any = true;
        if (take == BENCH_TAKE_LOST) {
            worker->result->lost++;
            continue;
        }
        worker->last_ns = cli_now_ns();
        struct bench_result *result = worker->result;
        histogram_add(take == BENCH_TAKE_BUSY ? &result->busy : &result->latency,
                      worker->last_ns - lane->started_ns[slot]);
        result->answered++;
    }
    return any;
}

/* Nothing moved: sleep until an answer comes, or the next is due. */
static void
wait_a_little(struct worker *worker, bool over)
{
    if (worker->load->rate > 0 && !over) {
        uint64_t now_ns = cli_now_ns(), due_ns = intended_ns(worker);
        if (due_ns < now_ns + WAIT_MS * UINT64_C(1000000)) {
            uint64_t nap_ns =
                due_ns > now_ns && due_ns - now_ns < NAP_NS ? due_ns - now_ns : NAP_NS;
            nanosleep(&(struct timespec){.tv_nsec = (long)nap_ns}, NULL);
            return;
        }
    }
    struct pollfd fds[BENCH_LANES_PER_THREAD];
    nfds_t count = 0;
    for (unsigned i = 0; i < worker->lane_count; i++)
        if (worker->lanes[i].free_count < worker->lanes[i].window)
            fds[count++] = (struct pollfd){.fd = worker->target->fd(worker->lanes[i].handle),
                                           .events = POLLIN};
    poll(fds, count, WAIT_MS);
}

static void
work(struct worker *worker)
{
    uint64_t drain_end_ns = 0;
    for (;;) {
        bool any = false;
        for (unsigned i = 0; i < worker->lane_count; i++) {
            any |= drain(worker, &worker->lanes[i]);
            any |= fill(worker, &worker->lanes[i]);
        }
        uint64_t now_ns = cli_now_ns();
        bool over = is_over(worker, now_ns);
        if (worker->failed || (over && !is_under_way(worker)))
            return;
        if (over && drain_end_ns == 0)
            drain_end_ns = now_ns + DRAIN_NS;
        if (over && now_ns > drain_end_ns)
            break;
        if (!any)
            wait_a_little(worker, over);
    }
    for (unsigned i = 0; i < worker->lane_count; i++)
        worker->result->lost += worker->lanes[i].window - worker->lanes[i].free_count;
}

static void *
work_thread(void *context)
{
    work(context);
    return NULL;
}

/* --- all of it ------------------------------------------------------------------------------- */

struct crew {
    const struct bench_load *load;
    const struct bench_target *target;
    struct lane *lanes;
    unsigned opened;
    struct worker *workers;
    unsigned worker_count;
};

static bool
open_lanes(struct crew *crew)
{
    unsigned window = crew->load->window / crew->load->connections;
    window = window ? window : 1;
    for (unsigned i = 0; i < crew->load->connections; i++) {
        bool good = lane_init(&crew->lanes[i], crew->target, i, window);
        crew->opened++;
        if (!good)
            return false;
    }
    return true;
}

static bool
start_workers(struct crew *crew)
{
    const struct bench_load *load = crew->load;
    uint64_t start_ns = cli_now_ns();
    for (unsigned i = 0; i < crew->worker_count; i++) {
        struct worker *worker = &crew->workers[i];
        unsigned first = i * load->lanes_per_thread;
        unsigned left = load->connections - first;
        *worker = (struct worker){
            .load = load,
            .target = crew->target,
            .lanes = crew->lanes + first,
            .lane_count = left < load->lanes_per_thread ? left : load->lanes_per_thread,
            .number = i,
            .worker_count = crew->worker_count,
            .start_ns = start_ns,
            .end_ns = start_ns + load->duration_ms * 1000000,
            .quota =
                load->count ? (load->count + crew->worker_count - 1 - i) / crew->worker_count : 0,
            .last_ns = start_ns,
            .result = calloc(1, sizeof(struct bench_result)),
        };
        /* A share of nothing is no share: 0 would mean without end. */
        worker->failed = load->count > 0 && worker->quota == 0;
        if (!worker->result || pthread_create(&worker->thread, NULL, work_thread, worker) != 0) {
            free(worker->result);
            crew->worker_count = i;
            return false;
        }
    }
    return true;
}

static bool
join_workers(struct crew *crew, struct bench_result *result)
{
    bool good = true;
    uint64_t last_ns = 0;
    for (unsigned i = 0; i < crew->worker_count; i++) {
        struct worker *worker = &crew->workers[i];
        pthread_join(worker->thread, NULL);
        bool idle = crew->load->count > 0 && worker->quota == 0;
        good &= idle || !worker->failed;
        histogram_merge(&result->latency, &worker->result->latency);
        histogram_merge(&result->busy, &worker->result->busy);
        result->answered += worker->result->answered;
        result->lost += worker->result->lost;
        if (worker->last_ns > last_ns)
            last_ns = worker->last_ns;
        free(worker->result);
    }
    if (crew->worker_count > 0)
        result->seconds = (double)(last_ns - crew->workers[0].start_ns) / 1e9;
    return good;
}

bool
bench_load_run(const struct bench_load *load, const struct bench_target *target,
               struct bench_result *result)
{
    assert(load->connections >= 1 && load->connections <= BENCH_CONNECTIONS_MAX);
    assert(load->lanes_per_thread >= 1 && load->lanes_per_thread <= BENCH_LANES_PER_THREAD);
    *result = (struct bench_result){0};
    struct crew crew = {.load = load, .target = target};
    crew.worker_count = (load->connections + load->lanes_per_thread - 1) / load->lanes_per_thread;
    crew.lanes = calloc(load->connections, sizeof(*crew.lanes));
    crew.workers = calloc(crew.worker_count, sizeof(*crew.workers));
    bool good = crew.lanes && crew.workers && open_lanes(&crew);
    if (good) {
        good = start_workers(&crew);
        good = join_workers(&crew, result) && good;
    }
    for (unsigned i = 0; i < crew.opened; i++)
        lane_fini(&crew.lanes[i], target);
    free(crew.workers);
    free(crew.lanes);
    return good;
}

double
bench_result_rate(const struct bench_result *result)
{
    return result->seconds > 0 ? (double)result->answered / result->seconds : 0;
}
