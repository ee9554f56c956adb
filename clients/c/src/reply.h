/* reply.h: what came back, checked before anything looks at it.
 *
 * Thread: one at a time. Blocking: no.
 */
#ifndef KITH_CLIENT_REPLY_H
#define KITH_CLIENT_REPLY_H

#include "kith.h"
#include "socket.h"

/* Make a reply of one whole message.
 *
 * @incoming  owned; on failure too. It stays in the reply.
 * @key       borrowed; the id that was asked with: another one's answer is KITH_STATUS_BAD_REPLY.
 * @reply     returned with KITH_STATUS_OK and _REFUSED, else NULL. */
enum kith_status reply_from_message(struct incoming *incoming, struct slice key,
                                    struct kith_reply **reply);

/* Make the replies of a batch of @count items, returned in @replies; with KITH_STATUS_REFUSED
 * replies[0] alone. @incoming is owned. */
enum kith_status reply_from_batch(struct incoming *incoming, size_t count,
                                  struct kith_reply **replies);

/* Decode it now, and not on the first look. False: there is no memory for it, and a look would see
 * nothing where there is something. */
bool reply_decode(const struct kith_reply *reply);

#endif
