#include "core/rows/member.h"

#include "base/assert.h"
#include "base/endian.h"

static const struct field fields[] = {
    [0] = FIELD_ROW(struct member, number, UINT, NULL),
    [1] = FIELD_ROW(struct member, state, UINT, NULL),
    [2] = FIELD_ROW(struct member, since_ms, UINT, NULL),
    [3] = FIELD_ROW(struct member, tier, TEXT, NULL),
    [4] = FIELD_ROW(struct member, name, BYTES, NULL),
    [5] = FIELD_ROW(struct member, connections, UINT, NULL),
    [6] = FIELD_ROW(struct member, outgoing, UINT, NULL),
    [7] = FIELD_ROW(struct member, incoming, UINT, NULL),
    [8] = FIELD_ROW(struct member, invites, UINT, NULL),
    [9] = FIELD_ROW(struct member, stamps, BYTES, NULL),
};

static const struct slice count_key = {(const uint8_t *)"members", 7};

void
member_load(struct views *views, struct slice id, struct member *out)
{
    *out = (struct member){.id = id};
    struct slice row = views_get(views, VIEW_MEMBER, id);
    if (!row.data)
        return;
    out->known = fields_decode(row, fields, ARRAY_COUNT(fields), out);
    assert(out->known); /* its checksum was right: then we wrote it */
    assert(out->number > 0);
}

void
member_store(struct views *views, struct buf *scratch, const struct member *member)
{
    assert(member->number > 0);
    buf_clear(scratch);
    fields_encode(scratch, fields, ARRAY_COUNT(fields), member);
    views_put(views, VIEW_MEMBER, member->id, buf_slice(scratch));
}

struct slice
member_id(struct views *views, uint64_t number)
{
    uint8_t key[4];
    put_be32(key, (uint32_t)number);
    return views_get(views, VIEW_NUMBER, slice_of(key, sizeof(key)));
}

uint64_t
member_count(struct views *views)
{
    struct slice row = views_get(views, VIEW_GLOBAL, count_key);
    return row.size == 8 ? get_be64(row.data) : 0;
}

void
member_count_set(struct views *views, uint64_t count)
{
    uint8_t value[8];
    put_be64(value, count);
    views_put(views, VIEW_GLOBAL, count_key, slice_of(value, sizeof(value)));
}
