/* request.h: arguments and the messages they go in.
 *
 * Thread: one at a time. Blocking: no.
 */
#ifndef KITH_CLIENT_REQUEST_H
#define KITH_CLIENT_REQUEST_H

#include "codec/writer.h"
#include "kith.h"

struct kith_args {
    struct buf pairs; /* encoded names and values, one after the other */
    uint32_t pair_count;
    size_t node_count; /* values in it, names included */
    bool is_malformed; /* something given as msgpack was not one value */
};

struct request {
    const char *op;               /* borrowed */
    const struct kith_args *args; /* borrowed; NULL: none */
    const char *id;               /* borrowed; the idempotency key */
    const char *auth;             /* borrowed; NULL: none */
    bool is_item;                 /* of a batch: without a version of its own */
};

/* Append the message to @out. Failure is the buffer's. Returns where the key's bytes begin. */
size_t request_encode(struct buf *out, const struct request *request);

/* How many values the message holds; the daemon takes KITH_NODE_COUNT_MAX. */
size_t request_node_count(const struct request *request);

#endif
