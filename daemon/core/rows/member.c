#include "core/rows/member.h"

#include "base/assert.h"
#include "base/endian.h"
#include "codec/reader.h"

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
    [9] = FIELD_ROW(struct member, blocks, UINT, NULL),
    [10] = FIELD_ROW(struct member, accept, UINT, NULL),
    [11] = FIELD_ROW(struct member, auto_accept, UINT, NULL),
    [12] = FIELD_ROW(struct member, interests, BYTES, NULL),
    [13] = FIELD_ROW(struct member, erased, BOOL, NULL),
    [14] = FIELD_ROW(struct member, received, UINT, NULL),
    [16] = FIELD_ROW(struct member, stamps, BYTES, NULL),
    [17] = FIELD_ROW(struct member, prints, BYTES, NULL),
    [18] = FIELD_ROW(struct member, reports, BYTES, NULL),
    [19] = FIELD_ROW(struct member, burst_ms, UINT, NULL),
    [20] = FIELD_ROW(struct member, note_month, UINT, NULL),
    [21] = FIELD_ROW(struct member, note_count, UINT, NULL),
    [22] = FIELD_ROW(struct member, level, UINT, NULL),
    [23] = FIELD_ROW(struct member, level_ms, UINT, NULL),
    [24] = FIELD_ROW(struct member, until_ms, UINT, NULL),
    [25] = FIELD_ROW(struct member, reason, UINT, NULL),
    [26] = FIELD_ROW(struct member, evidence_ms[REASON_VELOCITY], UINT, NULL),
    [27] = FIELD_ROW(struct member, evidence_ms[REASON_REPORTS], UINT, NULL),
    [28] = FIELD_ROW(struct member, evidence_ms[REASON_LOW_ACCEPTANCE], UINT, NULL),
    [29] = FIELD_ROW(struct member, evidence_ms[REASON_DUPLICATE], UINT, NULL),
    [30] = FIELD_ROW(struct member, inbound, BYTES, NULL),
    [32] = FIELD_ROW(struct member, masked, UINT, NULL),
    [33] = FIELD_ROW(struct member, inviter, UINT, NULL),
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
    views_put(views, VIEW_MEMBER, member->id, views_row(views, scratch));
}

static bool
interests_hold(struct slice interests, struct slice wanted)
{
    struct reader reader;
    reader_init(&reader, interests);
    for (uint32_t left = reader_array(&reader); left > 0; left--)
        if (slice_equal(reader_str(&reader), wanted))
            return true;
    return false;
}

uint64_t
interests_shared(struct slice a, struct slice b)
{
    struct reader reader;
    uint64_t count = 0;
    if (a.size == 0 || b.size == 0)
        return 0;
    reader_init(&reader, a);
    for (uint32_t left = reader_array(&reader); left > 0; left--)
        count += interests_hold(b, reader_str(&reader));
    return count;
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
