/* net/gather.h: messages for one connection that go to the kernel together.
 *
 * A system call for each reply is what costs most of a short one. A batch answers hundreds of
 * messages at once over a few connections, and tells dozens of events to each subscriber; a stream
 * does not show where its writes began. So what nanomsg sends is gathered and goes out in one
 * piece.
 *
 * Layer:    net, below nanomsg.
 * Thread:   one at a time for each.
 * Blocking: never.
 */
#ifndef KITH_NET_GATHER_H
#define KITH_NET_GATHER_H

#include <sys/socket.h>

#include "base/types.h"

/* The replies of a full window on one connection, or the events of a turn for one subscriber; what
 * is longer than a part of it goes alone. */
#define GATHER_SIZE_MAX    (64 * 1024)
#define GATHER_MESSAGE_MAX (GATHER_SIZE_MAX / 4)

struct gather;

/* Returns NULL if memory is short. */
struct gather *gather_create(void);
void gather_destroy(struct gather *gather); /* NULL is allowed */
void gather_clear(struct gather *gather);   /* as it was created */

/* Add a whole message of @size bytes; false, and nothing changed, if there is no room. */
bool gather_add(struct gather *gather, const struct msghdr *message, size_t size);

/* Give to the kernel what it takes. True if nothing is left, be it that the connection is broken,
 * which whoever reads from it finds out. */
bool gather_send(struct gather *gather, int fd);

#endif
