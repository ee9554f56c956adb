/* net/pace.h: how fast a listener lets connections in.
 *
 * To let one in, hear what it says and end it costs some fifty microseconds here, and more in the
 * kernel. Where that went on without end, syncs took a hundred times as long now and then, those of
 * other processes too. So after PACE_COUNT within PACE_MS, those who are refused among them, a
 * listener is quiet for the rest of that time, and who comes meanwhile waits in its queue.
 *
 * Quiet means that the epoll instance which waits for the listener waits for a timer in its place,
 * as if it were the listener.
 *
 * Layer: net. Thread: whoever holds the lock of nanomsg's socket. Blocking: no.
 */
#ifndef KITH_NET_PACE_H
#define KITH_NET_PACE_H

#include <sys/epoll.h>

#include "base/types.h"

/* 2000 a second: a queue of 1024 (BACKLOG in net.c) is let in within the second that a nanomsg peer
 * waits for the first answer. */
#define PACE_COUNT 20
#define PACE_MS    10

struct pace {
    msec_t began_ms; /* when the first of `count` came */
    unsigned count;
    int timer;                /* -1: there is none, and the listener is never quiet */
    int poll;                 /* the epoll instance that waits for the listener; -1: none does */
    struct epoll_event event; /* what the listener is registered there with */
    bool is_held;             /* the timer stands for the listener there */
};

/* Every pace_open() needs its pace_close(). */
void pace_open(struct pace *pace);
void pace_close(struct pace *pace);

/* A connection was let in, or refused. @now_ms: any clock that does not jump. */
void pace_count(struct pace *pace, msec_t now_ms);

/* For how long the listener has to be quiet, in ms; 0: not at all. */
msec_t pace_wait(const struct pace *pace, msec_t now_ms);

/* @poll waits for the listener with @event (borrowed) from here on; NULL: none does. The timer does
 * not stand for it. */
void pace_register(struct pace *pace, int poll, const struct epoll_event *event);

/* If @listener has to be quiet and is waited for, let the timer stand for it until that is over. */
void pace_hold(struct pace *pace, int listener, msec_t now_ms);

/* Wait for @listener itself again, if the timer stood for it. */
void pace_release(struct pace *pace, int listener);

#endif
