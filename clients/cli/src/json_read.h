/* json_read.h: JSON text (RFC 8259) into msgpack, for arguments typed by hand.
 */
#ifndef CLI_JSON_READ_H
#define CLI_JSON_READ_H

#include "base/buf.h"

/* Convert all of @text (zero-terminated, borrowed) to one msgpack value appended to @out.
 *
 * Integers that fit 64 bits stay integers. At most KITH_NESTING_MAX containers deep.
 * Returns NULL, or a constant text that says what is wrong, with *@offset where. */
const char *json_read(const char *text, struct buf *out, size_t *offset);

#endif
