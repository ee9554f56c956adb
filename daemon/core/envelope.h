/* core/envelope.h: what a message asks for, before its arguments are looked at.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_ENVELOPE_H
#define KITH_CORE_ENVELOPE_H

#include "base/types.h"
#include "proto/error.h"
#include "proto/schema.h"

/* All slices are borrowed from the message. */
struct envelope {
    struct slice id;   /* absent: none came, or none that could be read */
    struct slice args; /* the encoded value; absent: none came */
    enum kith_op op;   /* KITH_OP_COUNT in a batch, and when there was an error */
    bool has_min_pos;
    uint64_t min_pos;
    bool is_batch;
    struct slice batch; /* the encoded array */
};

struct envelope_fault {
    const char *field; /* or NULL */
    char text[128];    /* "": the code's own text says it all */
};

/* Read a whole message, or (@in_batch) one item of a batch, which has no version. The message must
 * have passed check_message(). On an error @out->id still holds what could be read of it. */
enum kith_err envelope_decode(struct slice bytes, bool in_batch, struct envelope *out,
                              struct envelope_fault *fault);

/* Check the whole message first: KITH_MALFORMED, saying what is wrong and where. */
enum kith_err envelope_open(struct slice message, struct envelope *out,
                            struct envelope_fault *fault);

/* The operation that an unchecked message names first, KITH_OP_COUNT if none. If it is not the one
 * that envelope_open() finds, that one fails. */
enum kith_op envelope_glance(struct slice message);

/* The id that an unchecked message, or an item of a batch, names first, borrowed from it; absent if
 * it is none that an answer could repeat. Where envelope_decode() finds one, it is the same. */
struct slice envelope_glance_id(struct slice message);

#endif
