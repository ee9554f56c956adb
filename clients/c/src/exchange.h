/* exchange.h: sending, receiving and waiting on a handle.
 *
 * Thread:   all with kith->lock held, but exchange_init_waiter() and exchange_fini_waiter().
 * Blocking: only the waits, which release the lock meanwhile.
 */
#ifndef KITH_CLIENT_EXCHANGE_H
#define KITH_CLIENT_EXCHANGE_H

#include "handle.h"

void exchange_init_waiter(struct waiter *waiter);
void exchange_fini_waiter(struct waiter *waiter);

/* Number an encoded request and send it, now or as soon as there is room. KITH_STATUS_NO_MEMORY:
 * nothing happened. @pending stays the caller's; its lists and its number are the handle's until
 * its waiter is done, it stands in kith->ready, or exchange_cancel(). */
enum kith_status exchange_begin(struct kith *kith, struct pending *pending);

/* Forget a request; no reply will be taken for it. One that never began is let be. */
void exchange_cancel(struct kith *kith, struct pending *pending);

/* Wait until @waiter is done: KITH_STATUS_OK, or _TIMEOUT at @deadline_ms. */
enum kith_status exchange_wait(struct kith *kith, struct waiter *waiter, msec_t deadline_ms);

/* Wait until something is in kith->ready; 0: look only; below 0: for ever. */
void exchange_wait_ready(struct kith *kith, int wait_ms);

#endif
