/* store/secrets.h: the daemon's own secrets, in a small file apart from the data.
 *
 * DATA/secrets (mode 0600) is made with random content when a data directory is first used. Without
 * it public ids and tokens already given out would change, so that a log without its secrets
 * refuses to start.
 *
 * Layer: store. Thread: any. Blocking: reads or writes one small file, at start only.
 */
#ifndef KITH_STORE_SECRETS_H
#define KITH_STORE_SECRETS_H

#include "base/fault.h"
#include "base/types.h"
#include "proto/error.h"

#define SECRET_SIZE 32

struct secrets {
    uint8_t id_key[SECRET_SIZE];      /* public ids of requests and invites */
    uint8_t contact_key[SECRET_SIZE]; /* hashes of contacts; can never change */
    uint8_t token_key[SECRET_SIZE];   /* invite tokens; number 1 */
};

/* Read @path, or make it if @create. The file is text: one "name = hex" a line, # for comments.
 * KITH_UNAVAILABLE with @fault naming file, line and cure where it is missing, readable by others,
 * or malformed. A new file and its directory are synced before return. */
enum kith_err secrets_open(const char *path, bool create, struct secrets *out, struct fault *fault);

#endif
