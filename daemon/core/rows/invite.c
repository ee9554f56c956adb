#include "core/rows/invite.h"

#include <xxhash.h>

#include "base/assert.h"
#include "core/rows/lists.h"

static const struct field fields[] = {
    [0] = FIELD_ROW(struct invite, seq, UINT, NULL),
    [1] = FIELD_ROW(struct invite, state, UINT, NULL),
    [2] = FIELD_ROW(struct invite, kind, UINT, NULL),
    [3] = FIELD_ROW(struct invite, inviter_number, UINT, NULL),
    [4] = FIELD_ROW(struct invite, contact, BYTES, NULL),
    [5] = FIELD_ROW(struct invite, token, BYTES, NULL),
    [6] = FIELD_ROW(struct invite, token_key, UINT, NULL),
    [7] = FIELD_ROW(struct invite, created_ms, UINT, NULL),
    [8] = FIELD_ROW(struct invite, expires_ms, UINT, NULL),
    [9] = FIELD_ROW(struct invite, redeemed_ms, UINT, NULL),
    [10] = FIELD_ROW(struct invite, redeemer, UINT, NULL),
    [11] = FIELD_ROW(struct invite, delivery, UINT, NULL),
    [12] = FIELD_ROW(struct invite, bounced, BOOL, NULL),
    [13] = FIELD_ROW(struct invite, sent_ms, UINT, NULL),
    [14] = FIELD_ROW(struct invite, resends, UINT, NULL),
    [15] = FIELD_ROW(struct invite, deliver_ms, UINT, NULL),
    [16] = FIELD_ROW(struct invite, due_ms, UINT, NULL),
    [17] = FIELD_ROW(struct invite, due_seq, UINT, NULL),
    [18] = FIELD_ROW(struct invite, converted, UINT, NULL),
    [19] = FIELD_ROW(struct invite, max_uses, UINT, NULL),
    [20] = FIELD_ROW(struct invite, uses, UINT, NULL),
    [21] = FIELD_ROW(struct invite, label, TEXT, NULL),
    [22] = FIELD_ROW(struct invite, asks, BOOL, NULL),
    [23] = FIELD_ROW(struct invite, declined, BOOL, NULL),
};

static const struct field label_fields[] = {
    [0] = FIELD_ROW(struct label, label, TEXT, NULL),
    [1] = FIELD_ROW(struct label, claimed, UINT, NULL),
    [2] = FIELD_ROW(struct label, redeemed, UINT, NULL),
    [3] = FIELD_ROW(struct label, connected, UINT, NULL),
};

static struct slice
id_slice(const struct public_id *id)
{
    return slice_of(id->bytes, sizeof(id->bytes));
}

void
invite_load(struct views *views, const struct public_id *id, struct invite *out)
{
    *out = (struct invite){.id = *id};
    struct slice row = views_get(views, VIEW_INVITE, id_slice(id));
    if (!row.data)
        return;
    out->known = fields_decode(row, fields, ARRAY_COUNT(fields), out);
    assert(out->known); /* its checksum was right: then we wrote it */
    out->inviter = member_id(views, out->inviter_number);
}

/* Follow a row whose value is an invite's id. */
static void
load_through(struct views *views, struct slice id, struct invite *out)
{
    struct public_id key;
    *out = (struct invite){0};
    if (!id.data)
        return;
    assert(id.size == sizeof(key.bytes));
    memcpy(key.bytes, id.data, id.size);
    invite_load(views, &key, out);
}

void
invite_load_token(struct views *views, struct slice hash, struct invite *out)
{
    load_through(views, views_get(views, VIEW_TOKEN, hash), out);
}

static struct list_key
contact_key(struct slice hash)
{
    struct list_key key = {.size = hash.size};
    assert(hash.size == CONTACT_HASH_SIZE);
    memcpy(key.bytes, hash.data, hash.size);
    return key;
}

static struct list_key
open_key(struct slice hash, const struct member *inviter)
{
    struct list_key key = contact_key(hash);
    list_key_u32(&key, inviter->number);
    return key;
}

void
invite_load_contact(struct views *views, struct slice hash, const struct member *inviter,
                    struct invite *out)
{
    struct list_key key = open_key(hash, inviter);
    load_through(views, views_get(views, VIEW_OPEN, list_key_slice(&key)), out);
}

/* The key of an invite among those of its contact. */
static struct list_key
invited_key(struct slice hash, seq_t seq)
{
    struct list_key key = contact_key(hash);
    list_key_u64(&key, seq);
    return key;
}

bool
invite_load_next(struct views *views, struct slice hash, seq_t after, msec_t now_ms,
                 struct invite *out)
{
    struct list_key prefix = contact_key(hash), from = invited_key(hash, after);
    struct slice key, id;
    bool found = false;
    struct views_scan *scan =
        views_scan_begin(views, VIEW_INVITED, list_key_slice(&prefix), list_key_slice(&from));

    for (unsigned i = 0; i < INVITED_SCAN_MAX && !found && views_scan_next(scan, &key, &id); i++) {
        load_through(views, id, out);
        found = out->known && invite_state_at(out, now_ms) == INVITE_ACTIVE;
    }
    views_scan_end(scan);
    if (!found)
        *out = (struct invite){0};
    return found;
}

void
invite_store(struct views *views, struct buf *scratch, const struct invite *invite)
{
    assert(!public_id_is_none(&invite->id));
    buf_clear(scratch);
    fields_encode(scratch, fields, ARRAY_COUNT(fields), invite);
    views_put(views, VIEW_INVITE, id_slice(&invite->id), views_row(views, scratch));
}

void
invite_invited(struct views *views, const struct invite *invite, bool active)
{
    if (invite_is_link(invite))
        return;
    struct list_key key = invited_key(invite->contact, invite->seq);
    if (active)
        views_put(views, VIEW_INVITED, list_key_slice(&key), id_slice(&invite->id));
    else
        views_del(views, VIEW_INVITED, list_key_slice(&key));
}

void
invite_index(struct views *views, const struct invite *invite, const struct member *inviter)
{
    assert(invite->seq > 0 && inviter->known);
    struct slice id = id_slice(&invite->id);
    struct list_key mine = list_by_time(inviter->number, invite->seq);

    views_put(views, VIEW_TOKEN, invite->token, id);
    views_put(views, VIEW_INVITES, list_key_slice(&mine), id);
    if (invite_is_link(invite))
        return;
    struct list_key open = open_key(invite->contact, inviter);
    views_put(views, VIEW_OPEN, list_key_slice(&open), id);
    invite_invited(views, invite, true);
}

/* --- claims ---------------------------------------------------------------------------------- */

#define CLAIM_ROW_SIZE (8 + PUBLIC_ID_SIZE)

void
invite_load_claim(struct views *views, struct slice hash, msec_t now_ms, struct invite *out)
{
    struct slice row = views_get(views, VIEW_CLAIM, hash);
    *out = (struct invite){0};
    if (row.size == CLAIM_ROW_SIZE && (msec_t)get_be64(row.data) > now_ms)
        load_through(views, slice_of(row.data + 8, PUBLIC_ID_SIZE), out);
}

/* Forget the oldest claim if it is over. */
static void
claim_trim(struct views *views, msec_t now_ms)
{
    struct slice none = {0}, key, hash;
    struct list_key oldest = {.size = 0};
    uint8_t copy[TOKEN_HASH_SIZE];
    struct views_scan *scan = views_scan_begin(views, VIEW_CLAIMS, none, none);
    if (views_scan_next(scan, &key, &hash) && (msec_t)get_be64(key.data) <= now_ms) {
        assert(hash.size == sizeof(copy));
        memcpy(oldest.bytes, key.data, key.size);
        oldest.size = key.size;
        memcpy(copy, hash.data, hash.size);
    }
    views_scan_end(scan);
    if (oldest.size == 0)
        return;
    views_del(views, VIEW_CLAIMS, list_key_slice(&oldest));
    views_del(views, VIEW_CLAIM, slice_of(copy, sizeof(copy)));
}

void
claim_store(struct views *views, struct slice hash, const struct public_id *invite, seq_t seq,
            uint64_t expires_ms, msec_t now_ms)
{
    struct list_key key = {.size = 0};
    uint8_t row[CLAIM_ROW_SIZE];

    claim_trim(views, now_ms);
    claim_trim(views, now_ms);
    put_be64(row, expires_ms);
    memcpy(row + 8, invite->bytes, PUBLIC_ID_SIZE);
    list_key_u64(&key, expires_ms);
    list_key_u64(&key, seq);
    views_put(views, VIEW_CLAIM, hash, slice_of(row, sizeof(row)));
    views_put(views, VIEW_CLAIMS, list_key_slice(&key), hash);
}

/* --- links ----------------------------------------------------------------------------------- */

static struct list_key
redeemer_key(const struct invite *invite, uint64_t member)
{
    struct list_key key = {.size = 0};
    list_key_u64(&key, invite->seq);
    list_key_u32(&key, member);
    return key;
}

bool
redeemer_has(struct views *views, const struct invite *invite, const struct member *member)
{
    struct list_key key = redeemer_key(invite, member->number);
    return views_get(views, VIEW_REDEEMER, list_key_slice(&key)).data != NULL;
}

void
redeemer_put(struct views *views, const struct invite *invite, uint64_t member)
{
    static const uint8_t value[1] = {1};
    struct list_key key = redeemer_key(invite, member);
    views_put(views, VIEW_REDEEMER, list_key_slice(&key), slice_of(value, sizeof(value)));
}

/* Two labels of one inviter that hash alike would count as one: a chance of one in 2^64 a pair. */
static struct list_key
label_key(uint64_t inviter, struct slice label)
{
    struct list_key key = list_of(inviter);
    list_key_u64(&key, XXH3_64bits(label.data, label.size));
    return key;
}

bool
label_decode(struct slice row, struct label *out)
{
    *out = (struct label){.claimed = 0};
    return fields_decode(row, label_fields, ARRAY_COUNT(label_fields), out);
}

void
label_load(struct views *views, uint64_t inviter, struct slice label, struct label *out)
{
    struct list_key key = label_key(inviter, label);
    struct slice row = views_get(views, VIEW_LABEL, list_key_slice(&key));
    *out = (struct label){.label = label};
    if (row.data) {
        bool ours = label_decode(row, out);
        assert(ours); /* its checksum was right: then we wrote it */
    }
}

void
label_store(struct views *views, struct buf *scratch, uint64_t inviter, const struct label *label)
{
    struct list_key key = label_key(inviter, label->label);
    buf_clear(scratch);
    fields_encode(scratch, label_fields, ARRAY_COUNT(label_fields), label);
    views_put(views, VIEW_LABEL, list_key_slice(&key), views_row(views, scratch));
}
