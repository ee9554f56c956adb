#include "net/pace.h"

#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/assert.h"

/* The function of that name is the guard's, which comes here. */
static bool
poll_set(int poll, int op, int fd, struct epoll_event *event)
{
    return syscall(SYS_epoll_ctl, poll, op, fd, event) == 0;
}

static void
timer_set(int timer, msec_t wait_ms)
{
    const struct itimerspec due = {.it_value = {wait_ms / 1000, wait_ms % 1000 * 1000000}};
    int rc = timerfd_settime(timer, 0, &due, NULL);
    assert(rc == 0);
}

void
pace_open(struct pace *pace)
{
    *pace = (struct pace){
        .began_ms = -PACE_MS,
        .timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
        .poll = -1,
    };
}

void
pace_close(struct pace *pace)
{
    if (pace->timer >= 0)
        syscall(SYS_close, pace->timer);
    pace->timer = pace->poll = -1;
    pace->is_held = false;
}

void
pace_count(struct pace *pace, msec_t now_ms)
{
    assert(now_ms >= pace->began_ms);
    if (now_ms - pace->began_ms >= PACE_MS) {
        pace->began_ms = now_ms;
        pace->count = 0;
    }
    pace->count++;
}

msec_t
pace_wait(const struct pace *pace, msec_t now_ms)
{
    msec_t passed_ms = now_ms - pace->began_ms;
    return pace->count >= PACE_COUNT && passed_ms < PACE_MS ? PACE_MS - passed_ms : 0;
}

void
pace_register(struct pace *pace, int poll, const struct epoll_event *event)
{
    assert(!pace->is_held);
    pace->poll = event ? poll : -1;
    if (event)
        pace->event = *event;
}

void
pace_hold(struct pace *pace, int listener, msec_t now_ms)
{
    struct epoll_event none = {.events = 0, .data = pace->event.data};
    struct epoll_event timer = {.events = EPOLLIN, .data = pace->event.data};
    msec_t wait_ms = pace_wait(pace, now_ms);

    if (wait_ms == 0 || pace->is_held || pace->poll < 0 || pace->timer < 0)
        return;
    timer_set(pace->timer, wait_ms);
    if (!poll_set(pace->poll, EPOLL_CTL_ADD, pace->timer, &timer))
        return; /* Want of memory: then it is not quiet this time. */
    bool silenced = poll_set(pace->poll, EPOLL_CTL_MOD, listener, &none);
    assert(silenced);
    pace->is_held = true;
}

void
pace_release(struct pace *pace, int listener)
{
    if (!pace->is_held)
        return;
    timer_set(pace->timer, 0);
    bool removed = poll_set(pace->poll, EPOLL_CTL_DEL, pace->timer, NULL);
    bool restored = poll_set(pace->poll, EPOLL_CTL_MOD, listener, &pace->event);
    assert(removed && restored);
    pace->is_held = false;
}
