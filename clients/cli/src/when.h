/* when.h: times as people write and read them.
 */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include "base/buf.h"

/* "500", "1.5s", "10m", "2h", "3d", "1w": milliseconds; a bare number counts @unit_ms. */
bool when_parse_duration(const char *text, uint64_t unit_ms, uint64_t *ms);

/* An instant: milliseconds since the epoch as a plain number, "now", a date such as 2024-05-01 or
 * 2024-05-01T12:00:03Z (local time where no zone is given), or a time from now: "2h ago", "-2h",
 * "+3d". A bare "2h" is in the past, or in the @future. */
bool when_parse(const char *text, msec_t now_ms, bool future, msec_t *ms);

/* Append "2024-05-01 12:00:03 (3 d ago)", in local time. */
void when_put(struct buf *out, msec_t ms, msec_t now_ms);

/* Append local time of day alone, "12:00:03.123", for lines that come as things happen; with the
 * date where that is not today's. */
void when_put_short(struct buf *out, msec_t ms, msec_t now_ms);

/* Append a length of time: "350 ms", "12 s", "5 min", "3 h", "21 d". */
void when_put_duration(struct buf *out, uint64_t ms);

#endif
