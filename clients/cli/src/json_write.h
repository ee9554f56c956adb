/* json_write.h: values as JSON (RFC 8259), exact: integers stay integers, bytes become base64.
 *
 * All functions append to @out, whose failure is sticky.
 */
#ifndef CLI_JSON_WRITE_H
#define CLI_JSON_WRITE_H

#include "base/buf.h"
#include "kith.h"

/* Any value; an absent one is null. */
void json_put_value(struct buf *out, const struct kith_value *value);

/* A string in quotes, escaped; bytes that are not UTF-8 become U+FFFD. */
void json_put_str(struct buf *out, const void *text, size_t size);

void json_put_int(struct buf *out, int64_t value);

/* The shortest decimal that reads back the same; null where JSON has no word for it. */
void json_put_float(struct buf *out, double value);

/* Objects made by hand: json_open(), members, json_close(). A comma comes by itself. */
void json_open(struct buf *out);
void json_close(struct buf *out);
void json_key(struct buf *out, const char *name);
void json_member_str(struct buf *out, const char *name, const char *value); /* NULL: null */
void json_member_int(struct buf *out, const char *name, int64_t value);
void json_member_float(struct buf *out, const char *name, double value);

#endif
