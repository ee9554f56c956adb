/* codec/reader.h: read the values of a checked msgpack message, in place.
 *
 * A forward cursor with a sticky error: reading past a fault gives zeros, and the caller looks at
 * `bad` once. Strings are slices into the message; nothing is copied or allocated. It must only be
 * given bytes that check_message() passed, or that writer made and a checksum vouches for; it
 * still never reads outside them.
 *
 * Layer: codec. Thread: any. Blocking: no.
 */
#ifndef KITH_CODEC_READER_H
#define KITH_CODEC_READER_H

#include "base/types.h"

enum reader_type {
    READER_NONE, /* nothing is left, or the reader is bad */
    READER_NIL,
    READER_BOOL,
    READER_UINT, /* any integer encoding whose value is not negative */
    READER_INT,  /* a negative integer */
    READER_FLOAT,
    READER_STR,
    READER_BIN,
    READER_ARRAY,
    READER_MAP,
    READER_OTHER /* an ext type or 0xc1 */
};

/* Open, so that it can live on the stack; only reader_* write to it. */
struct reader {
    const uint8_t *at, *end;
    bool bad; /* a value was missing or of another type than asked for */
};

void reader_init(struct reader *reader, struct slice bytes);

/* The type of the next value, which stays unread. */
enum reader_type reader_peek(const struct reader *reader);

/* Read the next value; if it is of another type, set bad and return zero or an absent slice. */
uint64_t reader_uint(struct reader *reader);
int64_t reader_int(struct reader *reader); /* either sign; beyond int64 is bad */
bool reader_bool(struct reader *reader);
double reader_float(struct reader *reader); /* an integer is taken too */
struct slice reader_str(struct reader *reader);
struct slice reader_bin(struct reader *reader); /* a str is taken too */
void reader_nil(struct reader *reader);

/* Read the header only: that many elements, or pairs, follow. */
uint32_t reader_array(struct reader *reader);
uint32_t reader_map(struct reader *reader);

/* Skip one value with all it contains, and return its encoded bytes. */
struct slice reader_skip(struct reader *reader);

#endif
