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

/* An operator adds one by hand when he fears that the last one is known; he will not do so often.
 */
#define TOKEN_KEY_COUNT_MAX 16

struct secrets {
    uint8_t id_key[SECRET_SIZE];      /* public ids of requests and invites */
    uint8_t contact_key[SECRET_SIZE]; /* hashes of contacts; can never change */
    /* Invite tokens: number 1 comes first. The newest signs; what an older one signed stays valid.
     */
    uint8_t token_key[TOKEN_KEY_COUNT_MAX][SECRET_SIZE];
    unsigned token_key_count;
};

/* Read @path, or make it if @create. The file is text: one "name = hex" a line, # for comments.
 * Token keys are numbered from 1 without a gap: token_key.1, token_key.2 and so on.
 * KITH_UNAVAILABLE with @fault naming file, line and cure where it is missing, readable by others,
 * or malformed. A new file and its directory are synced before return. */
enum kith_err secrets_open(const char *path, bool create, struct secrets *out, struct fault *fault);

#endif
