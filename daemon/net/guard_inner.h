/* net/guard_inner.h: what the parts of the guard share; for net/guard*.c only.
 *
 * guard.c       the hooks, and what is gathered
 * guard_half.c  frames of which some has come, and not all
 *
 * Layer: net. Thread: see struct row.
 */
#ifndef KITH_NET_GUARD_INNER_H
#define KITH_NET_GUARD_INNER_H

#include <pthread.h>

#include "net/frames.h"
#include "net/gather.h"
#include "net/guard.h"
#include "net/pace.h"
#include "net/waits.h"

enum row_kind { ROW_LISTENER, ROW_CONNECTION };

/* A descriptor of nanomsg's. `serial` is 0 where the row is empty; it is set last and cleared
 * first, and close() clears it before the kernel can give the descriptor to anyone else. */
struct row {
    atomic_uint_fast64_t serial;
    struct guard *guard;
    struct frames frames;
    struct waits waits;
    struct pace pace;             /* a listener's */
    atomic_int_fast64_t since_ms; /* when what was read last came, at the latest */
    uint64_t half_count;          /* which frame half_since_ms is of */
    atomic_uint_fast64_t half_size;
    atomic_int_fast64_t half_since_ms; /* when the frame began that is not whole; 0: none is */
    uint8_t kind;                      /* enum row_kind */
    uint8_t role;                      /* enum guard_role */
    uint8_t hooks;                     /* GUARD_HOOK_* it went through */
    bool cut;                          /* broke the rules: it has nothing more to say */
    bool accepted;                     /* a listener's: its last call gave a connection */
    atomic_bool busy, greeted;
    /* What was gathered and the kernel has yet to take. nanomsg's threads and the gathering one
     * hold guard_gather_lock to send it, add to it, or let go of it. */
    _Atomic(struct gather *) gather;
};

extern struct row guard_rows[GUARD_FD_MAX];
extern atomic_int guard_fd_last; /* no row beyond was ever used */
extern pthread_mutex_t guard_gather_lock;

/* The row of @fd, or NULL where it is none of ours. */
static inline struct row *
row_of(int fd)
{
    if (fd < 0 || fd >= GUARD_FD_MAX)
        return NULL;
    struct row *row = &guard_rows[fd];
    return atomic_load_explicit(&row->serial, memory_order_acquire) != 0 ? row : NULL;
}

static inline struct row *
connection_of(int fd)
{
    struct row *row = row_of(fd);
    return row && row->kind == ROW_CONNECTION ? row : NULL;
}

/* Behind each read: note since when a frame has been coming, and how large it is; end the eldest
 * such connection where all of them hold too much. */
void guard_half_note(struct row *row, msec_t now_ms);

/* The frame is whole, or will never be. */
void guard_half_forget(struct row *row);

#endif
