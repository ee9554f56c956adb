/* net/guard.h: what stands between nanomsg and the kernel.
 *
 * libnanomsg reaches the kernel through the PLT, so a program that defines accept4(), recvmsg(),
 * sendmsg(), epoll_ctl(), epoll_wait() and close() is called instead of libc. guard.c defines these
 * six. For the connections of a guarded socket they
 *
 *  - check the framing of what arrives (frames.h) and end the connection of a peer that breaks it,
 *    where nanomsg would abort the process;
 *  - discard passed descriptors, of which nanomsg would leak all but one;
 *  - turn errors that nanomsg does not expect, and so aborts on, into those it does;
 *  - refuse connections over a limit, and have the kernel find dead TCP peers;
 *  - accept one connection at a time, and then all others have their turn; and no more of them than
 *    a pace that leaves the machine to others (pace.h);
 *  - end connections whose peer began a frame and does not end it, for nanomsg holds on to the
 *    memory of all of it;
 *  - let the sender of a message see whether nanomsg offered it to the kernel or dropped it;
 *  - gather the replies and events of a turn, to send those for one connection together (gather.h);
 *  - tell how long what is read has been waiting (waits.h).
 *
 * Any other descriptor passes straight through. State is in a fixed table indexed by descriptor;
 * a row belongs to nanomsg's lock of the socket, except for the atomics, which anyone may read.
 *
 * Layer:    net (no nanomsg in here: only the kernel's side of it).
 * Thread:   the hooks any; guard_bind_*, guard_offer_* and guard_take_* keep to their calling
 * thread. Blocking: never.
 */
#ifndef KITH_NET_GUARD_H
#define KITH_NET_GUARD_H

#include <stdatomic.h>

#include "base/types.h"

/* Descriptors beyond are refused when they are accepted. The same as LimitNOFILE of the unit. */
#define GUARD_FD_MAX 65536

/* The limits and counters of one daemon's sockets. Open, because it lives inside struct net, which
 * has to outlive every connection. */
struct guard {
    uint64_t frame_size_max;
    uint64_t half_size_max; /* of all frames together that have not come whole */
    atomic_uint_fast64_t half_size;
    atomic_uint connections_max; /* 0 while shutting down */
    atomic_uint hooks;           /* GUARD_HOOK_* that closed connections went through */
    atomic_uint_fast64_t connections, ended, refused, cut;
};

enum guard_hook {
    GUARD_HOOK_ACCEPT = 1 << 0,
    GUARD_HOOK_RECEIVE = 1 << 1,
    GUARD_HOOK_SEND = 1 << 2,
    GUARD_HOOK_CLOSE = 1 << 3
};

enum guard_role {
    GUARD_COMMAND, /* a REP socket, to which REQ peers talk */
    GUARD_EVENT    /* a PUB socket, whose SUB peers only listen */
};

/* One connection of the process's whole life. A serial is never used again, a descriptor is. */
struct guard_conn {
    int fd;
    uint64_t serial; /* 0: none */
};

enum guard_state {
    GUARD_GONE, /* closed; the descriptor may be another's by now */
    GUARD_BUSY, /* something is left that the kernel did not take */
    GUARD_FREE
};

/* Around each call that takes the lock of nanomsg's socket. nanomsg's own thread takes it for each
 * thing that happens, and for the next before who waits for it is awake: so it lets others in each
 * time it has gone round by all. */
void guard_enter(void);
void guard_leave(void);

void guard_init(struct guard *guard, unsigned connections_max, uint64_t frame_size_max,
                uint64_t half_size_max);

/* End the connections on which a frame began @half_ms_max ago, nothing more has come, and it is
 * not whole. Looks at every descriptor: for now and then. */
void guard_cut_half(struct guard *guard, msec_t half_ms_max);

/* Between these two, a socket on which this thread accepts for the first time becomes a listener
 * of @guard: nn_bind() does that before it returns. guard_bind_end() returns the listener's
 * descriptor, or -1 if nanomsg did not call accept4() here. */
void guard_bind_begin(struct guard *guard, enum guard_role role);
int guard_bind_end(void);

/* Between these two, note to which connection this thread sends first. guard_offer_end() returns
 * false, and leaves @out, if nothing was offered to the kernel. */
void guard_offer_begin(void);
bool guard_offer_end(struct guard_conn *out);

/* Between these two, note from which connection this thread reads first: nanomsg reads on where it
 * hands out a message, unless it had read ahead. guard_take_end() returns false, and leaves @out,
 * if it did not read. */
void guard_take_begin(void);
bool guard_take_end(struct guard_conn *out);

/* Between these two, what this thread sends is gathered, connection by connection, and counts as
 * taken by the kernel. guard_gather_end() sends it, and what was left over before; it may be called
 * alone. Returns how many connections did not take all: call it again. One thread only. */
void guard_gather_begin(void);
unsigned guard_gather_end(void);

/* Between the two: gather a reply to @conn, @head and @body, framed as nanomsg would have framed
 * it. False where it has to go through nanomsg: nothing is gathered now, the connection has ended,
 * is within a frame of nanomsg's or does not take what was gathered, the message is large, memory
 * is short. nanomsg must have sent there before, so that it is known whose connection it is. */
bool guard_gather_reply(struct guard_conn conn, struct slice head, struct slice body);

enum guard_state guard_state_of(struct guard_conn conn);

/* For how long what was last read from @conn had been waiting, up to now. 0 if it is gone. */
msec_t guard_waited(struct guard_conn conn);

/* Whether any command connection of @guard has bytes that the kernel has not taken, or that a
 * TCP peer has not acknowledged. Looks at every descriptor: for shutdown only. */
bool guard_has_unsent(const struct guard *guard);

#endif
