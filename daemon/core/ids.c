#include "core/ids.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/endian.h"

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* Most significant bits first; the last digit is padded with zero bits. */
static void
base32_encode(const uint8_t *bytes, size_t size, char *text)
{
    unsigned bits = 0, value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
        bits += 8;
        while (bits >= 5) {
            *text++ = digits[value >> (bits - 5) & 31];
            bits -= 5;
        }
    }
    if (bits > 0)
        *text = digits[value << (5 - bits) & 31];
}

/* @text has as many digits as @size bytes take. */
static bool
base32_decode(struct slice text, uint8_t *bytes, size_t size)
{
    unsigned bits = 0, value = 0;
    size_t done = 0;
    assert(text.size == (size * 8 + 4) / 5);
    for (size_t i = 0; i < text.size; i++) {
        const char *digit = text.data[i] ? strchr(digits, text.data[i]) : NULL;
        if (!digit)
            return false;
        value = value << 5 | (unsigned)(digit - digits);
        bits += 5;
        if (bits >= 8) {
            bytes[done++] = (uint8_t)(value >> (bits - 8));
            bits -= 8;
        }
    }
    assert(done == size);
    return true;
}

struct public_id
public_id_make(const uint8_t key[SECRET_KEY_SIZE], seq_t seq)
{
    assert(seq > 0);
    uint8_t in[8], out[crypto_shorthash_siphashx24_BYTES];
    struct public_id id;

    put_be64(in, seq);
    crypto_shorthash_siphashx24(out, in, sizeof(in), key);
    memcpy(id.bytes, out, sizeof(id.bytes));
    id.bytes[0] |= 1; /* never all zero, which means none */
    return id;
}

bool
public_id_is_none(const struct public_id *id)
{
    static const struct public_id none;
    return public_id_equal(id, &none);
}

bool
public_id_equal(const struct public_id *a, const struct public_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void
public_id_text(const struct public_id *id, char text[PUBLIC_ID_TEXT_SIZE])
{
    base32_encode(id->bytes, sizeof(id->bytes), text);
}

bool
public_id_parse(struct slice text, struct public_id *out)
{
    struct public_id id;
    if (text.size != PUBLIC_ID_TEXT_SIZE || !base32_decode(text, id.bytes, sizeof(id.bytes)))
        return false;
    *out = id;
    return true;
}

void
token_make(const uint8_t key[SECRET_KEY_SIZE], const struct public_id *invite,
           char text[TOKEN_TEXT_SIZE])
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256(mac, invite->bytes, sizeof(invite->bytes), key);
    base32_encode(mac, TOKEN_SIZE, text);
}

void
token_hash(struct slice text, uint8_t hash[TOKEN_HASH_SIZE])
{
    crypto_generichash(hash, TOKEN_HASH_SIZE, text.data, text.size, NULL, 0);
}

void
contact_hash(const uint8_t key[SECRET_KEY_SIZE], struct slice kind, struct slice value,
             uint8_t hash[CONTACT_HASH_SIZE])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, SECRET_KEY_SIZE, CONTACT_HASH_SIZE);
    crypto_generichash_update(&state, kind.data, kind.size);
    crypto_generichash_update(&state, (const uint8_t *)":", 1);
    crypto_generichash_update(&state, value.data, value.size);
    crypto_generichash_final(&state, hash, CONTACT_HASH_SIZE);
}
