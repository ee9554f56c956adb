/* core/ids.h: public ids of requests and invites, and invite tokens.
 *
 * A public id is a keyed hash of the sequence that made the thing, so that it tells nobody how many
 * there are. A token is the HMAC of an invite's id under a token key: never stored, the same again
 * on a retry. Both are written in Crockford's base32 without the check symbol, in lower case
 * (https://www.crockford.com/base32.html).
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_IDS_H
#define KITH_CORE_IDS_H

#include "base/types.h"

/* 80 bits: two of 2^30 are alike with a chance of one in two million, and a public id is only ever
 * looked up together with its owner. */
#define PUBLIC_ID_SIZE      10
#define PUBLIC_ID_TEXT_SIZE 16

struct public_id {
    uint8_t bytes[PUBLIC_ID_SIZE]; /* all zero: none */
};

#define TOKEN_SIZE        16 /* 128 bits */
#define TOKEN_TEXT_SIZE   26
#define TOKEN_HASH_SIZE   16
#define CONTACT_HASH_SIZE 16
#define SECRET_KEY_SIZE   32

struct public_id public_id_make(const uint8_t key[SECRET_KEY_SIZE], seq_t seq);
bool public_id_is_none(const struct public_id *id);
bool public_id_equal(const struct public_id *a, const struct public_id *b);
void public_id_text(const struct public_id *id, char text[PUBLIC_ID_TEXT_SIZE]); /* no zero */
bool public_id_parse(struct slice text, struct public_id *out);

/* The token of an invite, as text without a zero, and what is kept of it. */
void token_make(const uint8_t key[SECRET_KEY_SIZE], const struct public_id *invite,
                char text[TOKEN_TEXT_SIZE]);
void token_hash(struct slice text, uint8_t hash[TOKEN_HASH_SIZE]);

/* What is kept of a contact: a keyed hash of its kind and normalised value. */
void contact_hash(const uint8_t key[SECRET_KEY_SIZE], struct slice kind, struct slice value,
                  uint8_t hash[CONTACT_HASH_SIZE]);

#endif
