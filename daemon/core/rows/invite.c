#include "core/rows/invite.h"

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

void
invite_load_first(struct views *views, struct slice hash, msec_t now_ms, struct invite *out)
{
    struct list_key prefix = contact_key(hash);
    struct slice key, id;
    unsigned seen = 0;
    struct views_scan *scan =
        views_scan_begin(views, VIEW_INVITED, list_key_slice(&prefix), (struct slice){0});

    *out = (struct invite){0};
    while (seen++ < INVITED_SCAN_MAX && views_scan_next(scan, &key, &id)) {
        load_through(views, id, out);
        if (out->known && invite_state_at(out, now_ms) == INVITE_ACTIVE)
            break;
        *out = (struct invite){0};
    }
    views_scan_end(scan);
}

void
invite_store(struct views *views, struct buf *scratch, const struct invite *invite)
{
    assert(!public_id_is_none(&invite->id));
    buf_clear(scratch);
    fields_encode(scratch, fields, ARRAY_COUNT(fields), invite);
    views_put(views, VIEW_INVITE, id_slice(&invite->id), buf_slice(scratch));
}

void
invite_index(struct views *views, const struct invite *invite, const struct member *inviter)
{
    assert(invite->seq > 0 && inviter->known);
    struct slice id = id_slice(&invite->id);
    struct list_key invited = contact_key(invite->contact);
    struct list_key open = open_key(invite->contact, inviter);
    struct list_key mine = list_by_time(inviter->number, invite->seq);

    list_key_u64(&invited, invite->seq);
    views_put(views, VIEW_TOKEN, invite->token, id);
    views_put(views, VIEW_INVITED, list_key_slice(&invited), id);
    views_put(views, VIEW_OPEN, list_key_slice(&open), id);
    views_put(views, VIEW_INVITES, list_key_slice(&mine), id);
}
