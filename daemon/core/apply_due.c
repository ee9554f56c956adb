#include "base/assert.h"
#include "base/endian.h"
#include "core/apply.h"
#include "core/rows/lists.h"

/* Key: (instant, seq). Value: the kind, then two numbers or an invite's id. */

static struct list_key
key_of(uint64_t due_ms, seq_t seq)
{
    struct list_key key = {.size = 0};
    list_key_u64(&key, due_ms);
    list_key_u64(&key, seq);
    return key;
}

void
due_put_request(struct views *views, uint64_t due_ms, seq_t seq, uint64_t from, uint64_t to)
{
    struct list_key key = key_of(due_ms, seq);
    uint8_t value[9] = {DUE_REQUEST};
    put_be32(value + 1, (uint32_t)from);
    put_be32(value + 5, (uint32_t)to);
    views_put(views, VIEW_DUE, list_key_slice(&key), slice_of(value, sizeof(value)));
}

void
due_put_invite(struct views *views, uint64_t due_ms, seq_t seq, const struct public_id *id)
{
    struct list_key key = key_of(due_ms, seq);
    uint8_t value[1 + PUBLIC_ID_SIZE] = {DUE_INVITE};
    memcpy(value + 1, id->bytes, sizeof(id->bytes));
    views_put(views, VIEW_DUE, list_key_slice(&key), slice_of(value, sizeof(value)));
}

void
due_put_delivery(struct views *views, uint64_t due_ms, seq_t seq, const struct public_id *id)
{
    struct list_key key = key_of(due_ms, seq);
    uint8_t value[1 + PUBLIC_ID_SIZE] = {DUE_DELIVERY};
    memcpy(value + 1, id->bytes, sizeof(id->bytes));
    views_put(views, VIEW_DUE, list_key_slice(&key), slice_of(value, sizeof(value)));
}

void
due_del(struct views *views, uint64_t due_ms, seq_t seq)
{
    struct list_key key = key_of(due_ms, seq);
    views_del(views, VIEW_DUE, list_key_slice(&key));
}

static void
decode(struct slice value, struct due *out)
{
    *out = (struct due){.kind = (enum due_kind)value.data[0]};
    if (out->kind == DUE_REQUEST) {
        assert(value.size == 9);
        out->from = get_be32(value.data + 1);
        out->to = get_be32(value.data + 5);
    } else {
        assert((out->kind == DUE_INVITE || out->kind == DUE_DELIVERY) &&
               value.size == 1 + PUBLIC_ID_SIZE);
        memcpy(out->invite.bytes, value.data + 1, PUBLIC_ID_SIZE);
    }
}

bool
due_get(struct views *views, uint64_t due_ms, seq_t seq, struct due *out)
{
    struct list_key key = key_of(due_ms, seq);
    struct slice value = views_get(views, VIEW_DUE, list_key_slice(&key));
    if (!value.data)
        return false;
    decode(value, out);
    return true;
}

bool
due_first(struct views *views, msec_t now_ms, struct due *out)
{
    struct slice none = {0}, key, value;
    struct views_scan *scan = views_scan_begin(views, VIEW_DUE, none, none);
    bool due = views_scan_next(scan, &key, &value) && (msec_t)get_be64(key.data) <= now_ms;
    if (due)
        decode(value, out);
    views_scan_end(scan);
    return due;
}
