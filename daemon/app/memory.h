/* app/memory.h: memory that a burst has left goes back to the system.
 *
 * What clients make the daemon hold (polls that wait, replies that are not read, requests that have
 * come by half) lies in the C library's heap, up to 256 MiB of each. Once it is freed the heap
 * keeps it: by itself it gives back its very end alone, and one small thing that lies there and
 * lives holds all below it. So it is noted how much was held at most since the last time, and where
 * less is by MEMORY_LOOSE_MIN, the heap is swept.
 *
 * A sweep takes 2.5 ms for 10 MB that go, and up to 13 ms where hundreds of thousands of small gaps
 * are left that cannot go: so it comes ten times a second at most, and 100 MB go in ten sweeps.
 *
 * Layer: app. Thread: loop thread only. Blocking: no.
 */
#ifndef KITH_APP_MEMORY_H
#define KITH_APP_MEMORY_H

#include "base/types.h"

/* So much may lie about in the heap: faults for less would cost more than it is worth. */
#define MEMORY_LOOSE_MIN ((size_t)8 << 20)
#define MEMORY_EVERY_MS  100

struct memory {
    size_t held, most; /* bytes: now; at most, since they were last given back */
    msec_t given_ms;   /* when that was */
};

/* How the heap behaves. Call it before there is a second thread. */
void memory_init(void);

/* @held: bytes in the heap for what clients make the daemon hold. */
void memory_note(struct memory *memory, size_t held);

/* Has so much been freed that it should go back? @now_ms: any clock that does not jump. */
bool memory_is_due(const struct memory *memory, msec_t now_ms);

/* Give all free pages of the heap back. */
void memory_give_back(struct memory *memory, msec_t now_ms);

#endif
