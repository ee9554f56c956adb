/* codec/check.h: is this one well-formed message of ours?
 *
 * A single forward pass over the bytes before anything else looks at them. msgpack-c accepts
 * duplicate and non-string map keys, bad UTF-8 and trailing bytes, and allocates what a header
 * promises before the body came; so nothing hostile may reach it. A node budget for the whole
 * message bounds the work, since nested headers multiply.
 *
 * Layer: codec. Thread: any. Blocking: no. Allocates nothing; uses 9 KiB of stack, and 256 KiB more
 * for a message with a map of more than 32 pairs.
 */
#ifndef KITH_CODEC_CHECK_H
#define KITH_CODEC_CHECK_H

#include "base/types.h"

/* Where and why a message is refused. */
struct check_fault {
    const char *what; /* a constant text: "duplicate key", "truncated", ... */
    size_t offset;    /* of the byte at which it was seen */
};

/* True if @message (borrowed) is exactly one msgpack map with: nothing truncated, nothing behind
 * it, at most KITH_NESTING_MAX containers deep, at most KITH_NODE_COUNT_MAX values, in every map
 * at any depth only distinct str keys, every str valid UTF-8, no ext type and no 0xc1.
 * Else false, with @fault set. */
bool check_message(struct slice message, struct check_fault *fault);

/* True if the bytes are valid UTF-8: no overlong form, no surrogate, nothing above U+10FFFF. */
bool check_utf8(struct slice text);

#endif
