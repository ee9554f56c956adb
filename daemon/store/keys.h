/* store/keys.h: the members' sealing keys, and sealing.
 *
 * Notes and names are sealed under a key of the member who wrote them before they are appended,
 * and stay sealed in the log and the views; destroying the key makes them unreadable everywhere,
 * backups of the log alone included. Keys are state, not events, and live beside the log.
 *
 * Sealing is XChaCha20-Poly1305 (libsodium) with a random nonce, which comes in with the command.
 *
 * Layer: store. Thread: loop thread only. Blocking: a read may wait for the disk.
 */
#ifndef KITH_STORE_KEYS_H
#define KITH_STORE_KEYS_H

#include "base/buf.h"
#include "base/types.h"
#include "proto/error.h"

#define SEAL_KEY_SIZE   32
#define SEAL_NONCE_SIZE 24
#define SEAL_EXTRA_SIZE (SEAL_NONCE_SIZE + 16) /* a sealed text is this much longer */

struct keys; /* part of struct store */

/* The key of @member (its id), pending changes included. KITH_OK, KITH_NOT_FOUND, or
 * KITH_INTERNAL if the row is damaged. */
enum kith_err keys_get(struct keys *keys, struct slice member, uint8_t key[SEAL_KEY_SIZE]);

/* Set or destroy a key; takes effect with store_end(), is undone with the batch. */
void keys_put(struct keys *keys, struct slice member, const uint8_t key[SEAL_KEY_SIZE]);
void keys_del(struct keys *keys, struct slice member);

/* Append nonce and sealed @text to @out. */
void seal(struct buf *out, const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE],
          struct slice text);
/* Append the text to @out; false if the bytes were not sealed under this key. */
bool unseal(struct buf *out, const uint8_t key[SEAL_KEY_SIZE], struct slice sealed);

#endif
