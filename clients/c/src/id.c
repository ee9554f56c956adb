/* Idempotency keys: UUIDs of version 7 (RFC 9562), made without a lock or, mostly, a system call.
 *
 * Layout: 48 bits of milliseconds, the version, 12 bits of the fraction of that millisecond (RFC
 * 9562, 6.2, method 3), the variant, 62 random bits. So ids sort by time, over threads and machines
 * as well as their clocks agree, and within a thread always; the daemon's index of ids grows at
 * its end. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/assert.h"
#include "base/endian.h"
#include "base/types.h"
#include "kith.h"

/* Random bytes are fetched for this many ids at once. getrandom() gives up to 256 bytes whole. */
#define STOCK_COUNT 32

/* How far a thread's ids may run ahead of a clock that was set back, in ticks of 1/4096 ms: a
 * second. Beyond, order gives way to truth. */
#define AHEAD_TICKS_MAX (UINT64_C(1000) << 12)

struct source {
    uint64_t stock[STOCK_COUNT];
    unsigned left;      /* stock[0 .. left) is unused */
    unsigned forks;     /* when it was fetched: a child must not use what its parent has */
    uint64_t last_tick; /* of this thread's last id */
};

static _Thread_local struct source source;

static atomic_uint forks = 1;
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

static void
count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void
watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

static void
fill_stock(void)
{
    pthread_once(&watch_once, watch_forks);
    source.forks = atomic_load_explicit(&forks, memory_order_relaxed);

    /* Only a signal before the kernel's generator is seeded can interrupt so short a request. */
    ssize_t got;
    do
        got = getrandom(source.stock, sizeof(source.stock), 0);
    while (got < 0 && errno == EINTR);
    assert(got == sizeof(source.stock));
    source.left = STOCK_COUNT;
}

static uint64_t
take_random(void)
{
    if (source.left == 0 || source.forks != atomic_load_explicit(&forks, memory_order_relaxed))
        fill_stock();
    return source.stock[--source.left];
}

/* The time in ticks of 1/4096 ms, later than this thread's last. */
static uint64_t
take_tick(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    uint64_t fraction = ((uint64_t)now.tv_nsec % 1000000 << 12) / 1000000;
    uint64_t tick = ms << 12 | fraction;

    if (tick <= source.last_tick && source.last_tick - tick < AHEAD_TICKS_MAX)
        tick = source.last_tick + 1;
    source.last_tick = tick;
    return tick;
}

void
kith_make_id(char id[KITH_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t tick = take_tick();
    uint64_t high = (tick >> 12) << 16 | 0x7000 | (tick & 0xfff);
    uint64_t low = UINT64_C(0x8000000000000000) | take_random() >> 2;

    uint8_t bytes[16];
    put_be64(bytes, high);
    put_be64(bytes + 8, low);
    char *to = id;
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    *to++ = '\0';
    assert(to == id + KITH_ID_SIZE);
}
