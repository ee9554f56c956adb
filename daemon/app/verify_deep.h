/* app/verify_deep.h: the views made anew in a temporary directory, to compare.
 *
 * Layer: app. Thread: the only one. Blocking: replays the whole log.
 */
#ifndef KITH_APP_VERIFY_DEEP_H
#define KITH_APP_VERIFY_DEEP_H

#include "app/config.h"
#include "store/verify.h"

/* Replay the log as far as the views on disk go, and compare; then on to its end. The log must have
 * been found sound. It is opened as a daemon opens it, since nothing is written to it then.
 * KITH_OK, or an error with @fault. */
enum kith_err verify_deep(const struct verify *verify, const struct config *config,
                          struct fault *fault);

#endif
