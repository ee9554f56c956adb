/* bench_load.h: drive something over many connections, and measure it honestly.
 *
 * Closed loop: as many under way as the window holds. Open loop: each has its intended time on a
 * fixed schedule, and its latency counts from that time, so that a stall of the other side is seen
 * by all that should have been sent meanwhile (coordinated omission: Tene 2013).
 *
 * Thread: one for eight connections, started and joined within bench_load_run().
 */
#ifndef CLI_BENCH_LOAD_H
#define CLI_BENCH_LOAD_H

#include "base/types.h"
#include "histogram.h"

#define BENCH_CONNECTIONS_MAX  256
#define BENCH_WINDOW_MAX       65536 /* in all */
#define BENCH_LANES_PER_THREAD 8     /* a thread drives so many with ease */

/* What came of one look for an answer. */
enum bench_take {
    BENCH_TAKE_NONE,   /* nothing is there yet */
    BENCH_TAKE_ANSWER, /* *slot was answered */
    BENCH_TAKE_BUSY,   /* *slot was turned away: too much at once */
    BENCH_TAKE_LOST,   /* *slot got no answer in time */
    BENCH_TAKE_FAILED  /* the connection is of no use any more */
};

/* What is driven: a lane is one connection. Slots number what may be under way on it. */
struct bench_target {
    void *context;
    void *(*open)(void *context, unsigned lane, unsigned window); /* NULL: could not, was told */
    void (*close)(void *lane);
    bool (*send)(void *lane, unsigned slot);             /* false: there is nothing more to send */
    enum bench_take (*take)(void *lane, unsigned *slot); /* without waiting */
    int (*fd)(void *lane);                               /* readable when an answer may be there */
};

struct bench_load {
    unsigned connections, window; /* window in all */
    unsigned lanes_per_thread;
    uint64_t duration_ms; /* 0: until count */
    uint64_t count;       /* 0: until duration; both 0: until the target has nothing more */
    double rate;          /* a second, in all; 0: closed loop */
};

struct bench_result {
    struct histogram latency; /* ns; of all that was answered, but not turned away */
    struct histogram busy;    /* of what was turned away */
    uint64_t answered, lost;  /* answered: turned away or not */
    double seconds;           /* from the first sent to the last answered */
};

/* False when a lane or a thread could not be made, or failed: what is known was told. @result is
 * large: not on the stack of a thread. */
bool bench_load_run(const struct bench_load *load, const struct bench_target *target,
                    struct bench_result *result);

/* Units a second. */
double bench_result_rate(const struct bench_result *result);

#endif
