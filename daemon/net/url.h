/* net/url.h: an endpoint, checked before nanomsg sees it.
 *
 * nanomsg aborts on some paths that are too long, offers transports that a peer can abort it
 * through, and says "Resource temporarily unavailable" where it means a misspelt address. Here
 * every such endpoint is refused with a text that says what to write instead.
 *
 * Layer:    net, but pure: looks at nothing but the text.
 * Thread:   any.
 * Blocking: no.
 */
#ifndef KITH_NET_URL_H
#define KITH_NET_URL_H

#include "base/fault.h"
#include "base/types.h"

/* sockaddr_un has room for 108 bytes with the zero; nanomsg aborts between 108 and 121. */
#define URL_PATH_SIZE_MAX 107
/* nanomsg's NN_SOCKADDR_MAX, of which the last is the zero. */
#define URL_SIZE_MAX 127

/* Whether @text can be bound. If so, @path is where its socket file is to be, borrowed from @text,
 * or NULL for TCP; if not, @fault says what is wrong and how it is to be written. */
bool url_check(const char *text, const char **path, struct fault *fault);

#endif
