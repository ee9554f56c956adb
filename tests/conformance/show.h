/* show.h: a msgpack value as text, in the notation of the cases. */
#ifndef KITH_CONFORMANCE_SHOW_H
#define KITH_CONFORMANCE_SHOW_H

#include "base/buf.h"

/* What must not count when two answers are compared: where the clock began, and how opaque ids are
 * spelt. A zeroed struct shows all as it is. */
struct show_mask {
    bool on;
    const char *without; /* a key that is left out, or NULL */
    msec_t zero_ms;      /* instants are shown as the distance from here */
    struct buf opaque;   /* ids met so far, each shown by its place: encoded texts */
};

/* Append @encoded, one value or several, to @out. @mask may be NULL. */
void show_value(struct slice encoded, struct show_mask *mask, struct buf *out);

/* Append text that is formatted as by printf. */
void show_text(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
