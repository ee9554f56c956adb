/* app/units.h: numbers with units, as people write them: 15m, 21d, 64MiB, 30000.
 *
 * Layer: app. Pure.
 */
#ifndef KITH_APP_UNITS_H
#define KITH_APP_UNITS_H

#include "base/types.h"

enum unit {
    UNIT_COUNT,    /* plain digits */
    UNIT_DURATION, /* ms s m h d; the value is in milliseconds */
    UNIT_SIZE      /* B KiB MiB GiB TiB, or K M G T for the same; the value is in bytes */
};

#define UNITS_TEXT_SIZE 32 /* every number that units_print writes fits */

/* Read a whole, non-negative number. One space may stand before its unit; 0 needs no unit.
 * False, and *value untouched, if @text is anything else or too large for an int64_t. */
bool units_parse(enum unit unit, const char *text, int64_t *value);

/* Write @value (>= 0) with the largest unit that divides it. Returns @out. */
const char *units_print(enum unit unit, int64_t value, char out[UNITS_TEXT_SIZE]);

/* "a duration such as 30s, 15m, 24h or 21d": what units_parse would have understood. */
const char *units_expected(enum unit unit);

#endif
