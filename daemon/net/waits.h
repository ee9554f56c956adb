/* net/waits.h: since when what is read from a connection has been waiting in the kernel.
 *
 * A stream does not say when its bytes came. But what the kernel holds at one moment had come by
 * then: so now and then a mark is made, of how far the stream reached at what time, and whatever is
 * read before its end had been waiting since. This is never too long; too short it is by the time
 * between two marks.
 *
 * Layer: net. Pure. Thread: the one that reads the connection. Blocking: no.
 */
#ifndef KITH_NET_WAITS_H
#define KITH_NET_WAITS_H

#include "base/types.h"

/* Where there is no room for a further mark every second one goes, and they are made half as often:
 * long waits are known more coarsely. */
#define WAITS_MARK_COUNT  16
#define WAITS_INTERVAL_MS 4 /* between two marks, at first */

struct waits_mark {
    uint64_t end; /* in bytes of the stream: what lies before had come */
    msec_t at_ms; /* at this time */
};

struct waits {
    uint64_t read; /* bytes */
    msec_t interval_ms, marked_ms;
    unsigned count;
    struct waits_mark marks[WAITS_MARK_COUNT]; /* rising; all end behind what was read */
};

void waits_init(struct waits *waits);

/* @size bytes were read. Returns since when the last of them has been waiting, @now_ms where
 * nothing is known. @now_ms: any clock that does not jump. */
msec_t waits_read(struct waits *waits, size_t size, msec_t now_ms);

/* Is it time for a mark? Then tell how much the kernel holds. */
bool waits_is_mark_due(const struct waits *waits, msec_t now_ms);
void waits_mark(struct waits *waits, size_t queued, msec_t now_ms);

#endif
