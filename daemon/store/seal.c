#include <sodium.h>

#include "base/assert.h"
#include "store/keys.h"

_Static_assert(SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "libsodium's key");
_Static_assert(SEAL_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "its nonce");
_Static_assert(SEAL_EXTRA_SIZE == SEAL_NONCE_SIZE + crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "what sealing adds");

void
seal(struct buf *out, const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE],
     struct slice text)
{
    uint8_t *to = buf_reserve(out, text.size + SEAL_EXTRA_SIZE);
    if (!to)
        return;
    memcpy(to, nonce, SEAL_NONCE_SIZE);
    unsigned long long size = 0;
    int rc = crypto_aead_xchacha20poly1305_ietf_encrypt(to + SEAL_NONCE_SIZE, &size, text.data,
                                                        text.size, NULL, 0, NULL, nonce, key);
    assert(rc == 0);
    assert(size + SEAL_NONCE_SIZE == text.size + SEAL_EXTRA_SIZE);
    out->size += SEAL_NONCE_SIZE + (size_t)size;
}

bool
unseal(struct buf *out, const uint8_t key[SEAL_KEY_SIZE], struct slice sealed)
{
    if (sealed.size < SEAL_EXTRA_SIZE)
        return false;
    uint8_t *to = buf_reserve(out, sealed.size - SEAL_EXTRA_SIZE);
    if (out->failed)
        return false;
    unsigned long long size = 0;
    int rc = crypto_aead_xchacha20poly1305_ietf_decrypt(
        to, &size, NULL, sealed.data + SEAL_NONCE_SIZE, sealed.size - SEAL_NONCE_SIZE, NULL, 0,
        sealed.data, key);
    if (rc != 0)
        return false;
    assert(size == sealed.size - SEAL_EXTRA_SIZE);
    out->size += (size_t)size;
    return true;
}
