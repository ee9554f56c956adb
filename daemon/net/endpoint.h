/* net/endpoint.h: binding a nanomsg socket to an endpoint, under the guard.
 *
 * Layer:    net.
 * Thread:   loop thread, while no other thread creates files: the umask is changed for a moment.
 * Blocking: no.
 */
#ifndef KITH_NET_ENDPOINT_H
#define KITH_NET_ENDPOINT_H

#include "base/fault.h"
#include "base/types.h"
#include "net/guard.h"

/* Bind @socket to @url. A socket file gets mode 0660, its directory is made with 0750 if only that
 * is missing. Returns the listening descriptor, borrowed until the socket is closed, or -1 with
 * @fault set. */
int endpoint_bind(int socket, const char *url, struct guard *guard, enum guard_role role,
                  struct fault *fault);

/* Remove the socket file of @url, if it has one. Returns false if that was refused: nanomsg would
 * then abort in nn_close(). */
bool endpoint_unlink(const char *url);

#endif
