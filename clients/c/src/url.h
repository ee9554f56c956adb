/* url.h: where the daemon is.
 *
 * Thread: any. Blocking: a look at the file system.
 */
#ifndef KITH_CLIENT_URL_H
#define KITH_CLIENT_URL_H

#include <stdbool.h>

/* An ipc path must fit a socket address of 108 bytes, and nanomsg aborts where one does not. */
#define URL_PATH_SIZE_MAX 107
#define URL_SIZE_MAX      127 /* without its zero; nanomsg takes no more */

/* ipc://PATH or tcp://HOST:PORT, of a length that nanomsg bears. */
bool url_is_valid(const char *url);

/* The event socket beside a command socket: DIR/events.ipc of DIR/command.ipc. False, and @events
 * untouched, where the command url has another form. @events holds URL_SIZE_MAX + 1 bytes. */
bool url_beside(char *events, const char *command);

#endif
