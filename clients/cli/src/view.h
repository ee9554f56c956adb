/* view.h: values laid out for people: aligned names and values, tables for lists of maps.
 */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include "base/buf.h"
#include "kith.h"

/* Append @map (borrowed) as lines; nothing for an empty one. Maps within become dotted names, lists
 * of maps and maps of maps become tables. */
void view_put(struct buf *out, const struct kith_value *map, bool colour, msec_t now_ms);

/* Append a list of maps (borrowed) as a table. */
void view_put_rows(struct buf *out, const struct kith_value *rows, bool colour, msec_t now_ms);

/* Append one value on one line. @name tells times and durations by the protocol's own naming. */
void view_put_cell(struct buf *out, const char *name, const struct kith_value *value,
                   msec_t now_ms);

#endif
