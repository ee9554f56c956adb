/* handle.h: the inside of struct kith: one connection, shared by threads.
 *
 * There is no thread of the library's own. Of the threads that wait, one leads: it waits on the
 * socket, takes what comes, and wakes those whose reply it is. When it has its own reply it hands
 * the lead to another. Whoever comes without waiting (kith_send) only sends.
 *
 *     kith_call --> encode --> send --> lead or sleep --> reply
 *     kith_send --> encode --> send       ...  kith_next --> take, lead or sleep --> reply
 *
 * A request is in one of three lists: unsent (no room or no connection, in order), sent (an answer
 * is awaited), ready (answered or given up, for kith_next).
 *
 * Thread: everything in struct kith is under its lock, but what is marked constant.
 */
#ifndef KITH_CLIENT_HANDLE_H
#define KITH_CLIENT_HANDLE_H

#include <pthread.h>

#include "kith.h"
#include "pending.h"
#include "request.h"
#include "socket.h"
#include "url.h"

/* A thread that sleeps until its reply is there, or until it has to lead. */
struct waiter {
    struct link link; /* in kith->waiters */
    pthread_cond_t wake;
    bool is_done;
};

struct kith {
    pthread_mutex_t lock;
    struct socket socket; /* its descriptors are constant */
    int wake_fd;          /* constant; an eventfd that ends the leader's wait for the socket */
    bool is_led;          /* some thread waits on the socket and alone receives */
    uint64_t connections; /* made so far, as last counted */
    uint64_t current;     /* and how many there were */
    msec_t count_ms;      /* when they are counted again */
    msec_t due_ms;        /* no request needs attention before */

    struct pending_table table;
    struct link unsent, sent, ready;
    struct link waiters;
    struct waiter *next_waiter; /* the one in kith_next(), if any */
    unsigned window_used;       /* sent by kith_send() and not yet taken */

    unsigned window; /* constant, as all below */
    int timeout_ms, resend_ms;
    char *auth;                        /* NULL: none */
    char events_url[URL_SIZE_MAX + 1]; /* "": not known */
};

/* How long one call may take. */
struct patience {
    int timeout_ms; /* below 0: for ever */
    int resend_ms;
};

/* kith_call() with other limits than the handle's. */
enum kith_status handle_call(struct kith *kith, const struct request *request,
                             const struct patience *patience, struct kith_reply **reply);

/* Send @pending (borrowed), encoded, and wait. @out is returned with KITH_STATUS_OK. */
enum kith_status handle_exchange(struct kith *kith, struct pending *pending,
                                 const struct patience *patience, struct incoming *out);

/* A request to encode into, with the handle's pool; NULL: no memory. */
struct pending *handle_create_pending(struct kith *kith);
void handle_destroy_pending(struct kith *kith, struct pending *pending);

/* Whether its message can be sent: KITH_STATUS_NO_MEMORY, _TOO_LARGE or _OK. */
enum kith_status handle_check_pending(const struct pending *pending);

/* How often the command connection was made: a change may mean another daemon. */
uint64_t handle_connections(struct kith *kith);

#endif
