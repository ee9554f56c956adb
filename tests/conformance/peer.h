/* peer.h: an SP connection over ipc, as a peer without a library would make it.
 *
 * Requests have numbers, 1 for the first, and may be sent before the one before is answered.
 */
#ifndef KITH_CONFORMANCE_PEER_H
#define KITH_CONFORMANCE_PEER_H

#include "base/buf.h"

struct peer {
    int fd;          /* -1: not connected */
    uint32_t number; /* of the last request */
};

/* Connect to an ipc:// url, and greet. False if nobody answers. */
bool peer_connect(struct peer *peer, const char *url);
/* End the connection, if there is one. Numbers go on. */
void peer_close(struct peer *peer);

bool peer_send(struct peer *peer, struct slice message);

/* Is there something to read within so many microseconds? */
bool peer_wait(const struct peer *peer, long wait_us);

/* Append the next reply to @reply; *number is that of its request. False where the connection ends,
 * or what comes is no reply. */
bool peer_receive(struct peer *peer, uint32_t *number, struct buf *reply);

#endif
