/* socket.h: nanomsg, behind the few verbs that the client needs.
 *
 * A request socket is a raw REQ, so that any number of requests may be under way on one connection:
 * the caller numbers them, and nothing is resent by itself. An event socket is a SUB of everything.
 *
 * Thread:   any; nanomsg has a lock per socket and a worker thread of its own.
 * Blocking: only socket_wait() and socket_close().
 */
#ifndef KITH_CLIENT_SOCKET_H
#define KITH_CLIENT_SOCKET_H

#include "base/types.h"
#include "kith.h"
#include "url.h"

struct socket {
    int handle;
    int receive_fd; /* readable while there may be something to receive; never read it */
    int send_fd;    /* readable while there is room to send; -1 of an event socket */

    int endpoint;          /* nanomsg's name of the connection to url */
    uint64_t broken_count; /* connections that broke so far */
    msec_t renew_ms;       /* no new endpoint before */
    int renew_pause_ms;    /* grows until something is received */
    bool blocked;          /* the last message could not be sent */
    bool sent, heard;      /* something was sent, or received, since the last look */
    /* Since when: there is no connection, nothing could be sent, nothing was heard; 0: not so. */
    msec_t absent_ms, blocked_ms, silent_ms;
    char url[URL_SIZE_MAX + 1];
};

/* What came: nanomsg's memory, which may be written to. Given back with incoming_release(). */
struct incoming {
    uint8_t *data; /* NULL: nothing */
    size_t size;
    uint32_t request; /* its number, of a request socket */
};

/* Connecting happens in the background, again and again, with growing pauses. On failure nothing
 * is open: KITH_STATUS_BAD_URL or KITH_STATUS_NO_MEMORY. */
enum kith_status socket_open_request(struct socket *socket, const char *url);
enum kith_status socket_open_events(struct socket *socket, const char *url);
void socket_close(struct socket *socket);

/* Give @message (borrowed) to the kernel; of a request socket its first four bytes are the number.
 * False if there is no room or no connection now. */
bool socket_send(struct socket *socket, struct slice message);

/* Take what has come, if anything. False does not mean that nothing is left: nanomsg swallows
 * malformed messages one at a time. As long as receive_fd is readable, try again. */
bool socket_receive(struct socket *socket, struct incoming *out);
void incoming_release(struct incoming *incoming);

/* Wait until something can be received, or sent if @to_send, or @wake_fd (-1: none) is readable, or
 * the time is over (below 0: for ever), or a signal came. Returns whether @wake_fd is readable. */
bool socket_wait(const struct socket *socket, bool to_send, int wake_fd, int timeout_ms);

/* Look after the connection: to be called every now and then while somebody waits. Where one broke
 * with half a message read, nanomsg 1.1.5 takes the other half for the start of the next one, and
 * fails for as long as that lasts; so a broken connection gets a new endpoint. */
void socket_tend(struct socket *socket, msec_t now_ms);

/* How many connections were made so far: a change means that what was under way may be lost. */
uint64_t socket_connections(const struct socket *socket);
/* How many there are: with one less, what was sent into it may be lost as well. While an endpoint
 * is renewed there are two, and nanomsg may choose the one that goes. */
uint64_t socket_current(const struct socket *socket);

#endif
