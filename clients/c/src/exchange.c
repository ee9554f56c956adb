#include "exchange.h"

#include <limits.h>
#include <unistd.h>

#include "base/assert.h"
#include "clock.h"

/* nanomsg does not say when a connection is made anew; the count of them is looked at this often
 * while somebody waits. */
#define COUNT_INTERVAL_MS 100

/* Each silence is waited for twice as long as the one before, up to 8 times: a daemon that is slow
 * because it has much to do is not given the same work many times over. */
#define RESEND_DOUBLINGS_MAX 3

/* Replies taken in one turn, so that the lock is not held for long. */
#define RECEIVE_COUNT_MAX 256

/* ---- Waiters ---------------------------------------------------------------------------------*/

void
exchange_init_waiter(struct waiter *waiter)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&waiter->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    link_init(&waiter->link);
    waiter->is_done = false;
}

void
exchange_fini_waiter(struct waiter *waiter)
{
    assert(link_is_empty(&waiter->link));
    pthread_cond_destroy(&waiter->wake);
}

static void
sleep_until(struct kith *kith, struct waiter *waiter, msec_t deadline_ms)
{
    if (deadline_ms == CLOCK_NEVER) {
        pthread_cond_wait(&waiter->wake, &kith->lock);
        return;
    }
    struct timespec at = {deadline_ms / 1000, deadline_ms % 1000 * 1000000};
    pthread_cond_timedwait(&waiter->wake, &kith->lock, &at);
}

static void
finish_waiter(struct waiter *waiter)
{
    waiter->is_done = true;
    pthread_cond_signal(&waiter->wake);
}

/* Nobody leads: wake one who can. If it finds that it need not wait, it wakes the next. */
static void
hand_over(struct kith *kith)
{
    assert(!kith->is_led);
    for (struct link *at = kith->waiters.next; at != &kith->waiters; at = at->next) {
        struct waiter *waiter = CONTAINER_OF(at, struct waiter, link);
        if (!waiter->is_done) {
            pthread_cond_signal(&waiter->wake);
            return;
        }
    }
}

/* ---- Sending ---------------------------------------------------------------------------------*/

static void
note_due(struct kith *kith, const struct pending *pending, msec_t due_ms)
{
    if (pending->deadline_ms < due_ms)
        due_ms = pending->deadline_ms;
    if (due_ms < kith->due_ms)
        kith->due_ms = due_ms;
}

static bool
try_send(struct kith *kith, struct pending *pending, msec_t now_ms)
{
    assert(pending->number != 0);
    if (!socket_send(&kith->socket, buf_slice(&pending->message)))
        return false;
    unsigned doublings =
        pending->send_count < RESEND_DOUBLINGS_MAX ? pending->send_count : RESEND_DOUBLINGS_MAX;
    pending->send_count++;
    pending->due_ms = now_ms + ((msec_t)pending->resend_ms << doublings);
    note_due(kith, pending, pending->due_ms);
    link_remove(&pending->link);
    link_append(&kith->sent, &pending->link);
    return true;
}

/* Send, in order, what could not be sent before. */
static void
send_unsent(struct kith *kith, msec_t now_ms)
{
    while (!link_is_empty(&kith->unsent)) {
        struct pending *first = CONTAINER_OF(kith->unsent.next, struct pending, link);
        if (!try_send(kith, first, now_ms))
            return;
    }
}

/* End the leader's wait, which does not yet look for room to send. */
static void
wake_leader(struct kith *kith)
{
    uint64_t one = 1;
    ssize_t written = write(kith->wake_fd, &one, sizeof(one));
    (void)written; /* It fails only where 2^64 - 1 wakes are waiting already. */
}

enum kith_status
exchange_begin(struct kith *kith, struct pending *pending)
{
    msec_t now_ms = clock_now();
    if (!pending_put(&kith->table, pending))
        return KITH_STATUS_NO_MEMORY;
    bool is_first = link_is_empty(&kith->unsent);
    if (is_first && try_send(kith, pending, now_ms))
        return KITH_STATUS_OK;

    link_append(&kith->unsent, &pending->link);
    note_due(kith, pending, CLOCK_NEVER);
    if (is_first && kith->is_led)
        wake_leader(kith);
    return KITH_STATUS_OK;
}

void
exchange_cancel(struct kith *kith, struct pending *pending)
{
    link_remove(&pending->link);
    if (pending->number)
        pending_remove(&kith->table, pending);
}

/* ---- Time ------------------------------------------------------------------------------------*/

/* It has its answer, or will not get one. */
static void
finish(struct kith *kith, struct pending *pending)
{
    exchange_cancel(kith, pending);
    if (pending->waiter) {
        finish_waiter(pending->waiter);
        return;
    }
    link_append(&kith->ready, &pending->link);
    if (kith->next_waiter)
        finish_waiter(kith->next_waiter);
}

/* Give up, or send again, whatever of @list it is time for; note when to look again. */
static void
look_after(struct kith *kith, struct link *list, msec_t now_ms)
{
    struct link *next;
    for (struct link *at = list->next; at != list; at = next) {
        next = at->next;
        struct pending *pending = CONTAINER_OF(at, struct pending, link);
        bool is_sent = list == &kith->sent;
        if (now_ms >= pending->deadline_ms) {
            finish(kith, pending);
        } else if (is_sent && now_ms >= pending->due_ms) {
            link_remove(&pending->link);
            link_append(&kith->unsent, &pending->link);
        } else {
            note_due(kith, pending, is_sent ? pending->due_ms : CLOCK_NEVER);
        }
    }
}

/* May something that was sent be lost? A new connection knows nothing of what went out on the one
 * before, and what went into one that is gone may not have left. */
static bool
may_be_lost(struct kith *kith)
{
    uint64_t connections = socket_connections(&kith->socket);
    uint64_t current = socket_current(&kith->socket);
    bool is_new = connections != kith->connections && connections > 1;
    bool is_gone = current < kith->current;
    kith->connections = connections;
    kith->current = current;
    return is_new || is_gone;
}

static void
count_connections(struct kith *kith, msec_t now_ms)
{
    socket_tend(&kith->socket, now_ms);
    kith->count_ms = now_ms + COUNT_INTERVAL_MS;
    if (!may_be_lost(kith))
        return;
    for (struct link *at = kith->sent.next; at != &kith->sent; at = at->next) {
        struct pending *pending = CONTAINER_OF(at, struct pending, link);
        pending->due_ms = now_ms;
        pending->send_count = 0; /* It is not the daemon that is slow. */
    }
    kith->due_ms = now_ms;
}

static void
keep_time(struct kith *kith, msec_t now_ms)
{
    if (now_ms >= kith->count_ms)
        count_connections(kith, now_ms);
    if (now_ms < kith->due_ms)
        return;
    kith->due_ms = CLOCK_NEVER;
    look_after(kith, &kith->unsent, now_ms);
    look_after(kith, &kith->sent, now_ms);
}

/* ---- Receiving and leading -------------------------------------------------------------------*/

/* A reply to what nobody waits for any more is a second one, or late: thrown away. */
static void
dispatch(struct kith *kith, struct incoming *incoming)
{
    struct pending *pending = pending_find(&kith->table, incoming->request);
    if (!pending) {
        incoming_release(incoming);
        return;
    }
    assert(!pending->answer.data);
    pending->answer = *incoming;
    finish(kith, pending);
}

/* One turn of the connection, without waiting. Only who leads may receive: another would take the
 * leader's own reply from under its wait. */
static void
turn(struct kith *kith, msec_t now_ms)
{
    struct incoming incoming;
    keep_time(kith, now_ms);
    send_unsent(kith, now_ms);
    for (unsigned i = 0; i < RECEIVE_COUNT_MAX; i++) {
        if (!socket_receive(&kith->socket, &incoming))
            return;
        dispatch(kith, &incoming);
    }
}

static int
pause_ms(const struct kith *kith, msec_t now_ms, msec_t deadline_ms)
{
    msec_t until_ms = kith->count_ms < kith->due_ms ? kith->count_ms : kith->due_ms;
    if (deadline_ms < until_ms)
        until_ms = deadline_ms;
    msec_t pause = until_ms - now_ms;
    if (pause < 1)
        return 1;
    return pause < COUNT_INTERVAL_MS ? (int)pause : COUNT_INTERVAL_MS;
}

static void
wait_for_socket(struct kith *kith, msec_t now_ms, msec_t deadline_ms)
{
    int timeout_ms = pause_ms(kith, now_ms, deadline_ms);
    bool to_send = !link_is_empty(&kith->unsent);

    pthread_mutex_unlock(&kith->lock);
    bool is_woken = socket_wait(&kith->socket, to_send, kith->wake_fd, timeout_ms);
    pthread_mutex_lock(&kith->lock);

    uint64_t wakes;
    ssize_t got = is_woken ? read(kith->wake_fd, &wakes, sizeof(wakes)) : 0;
    (void)got; /* However many they were, one look serves them all. */
}

static void
lead(struct kith *kith, const struct waiter *waiter, msec_t deadline_ms)
{
    assert(!kith->is_led);
    kith->is_led = true;
    for (;;) {
        msec_t now_ms = clock_now();
        turn(kith, now_ms);
        if (waiter->is_done || now_ms >= deadline_ms)
            break;
        wait_for_socket(kith, now_ms, deadline_ms);
    }
    kith->is_led = false;
}

enum kith_status
exchange_wait(struct kith *kith, struct waiter *waiter, msec_t deadline_ms)
{
    link_append(&kith->waiters, &waiter->link);
    while (!waiter->is_done && clock_now() < deadline_ms) {
        if (kith->is_led)
            sleep_until(kith, waiter, deadline_ms);
        else
            lead(kith, waiter, deadline_ms);
    }
    link_remove(&waiter->link);
    if (!kith->is_led)
        hand_over(kith);
    return waiter->is_done ? KITH_STATUS_OK : KITH_STATUS_TIMEOUT;
}

void
exchange_wait_ready(struct kith *kith, int wait_ms)
{
    if (!kith->is_led)
        turn(kith, clock_now());
    if (!link_is_empty(&kith->ready) || wait_ms == 0)
        return;

    struct waiter waiter;
    assert(!kith->next_waiter); /* One thread at a time takes replies. */
    exchange_init_waiter(&waiter);
    kith->next_waiter = &waiter;
    exchange_wait(kith, &waiter, clock_deadline(clock_now(), wait_ms));
    kith->next_waiter = NULL;
    exchange_fini_waiter(&waiter);
}
