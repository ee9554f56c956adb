#include "core/rows/pair.h"

#include "base/assert.h"
#include "base/endian.h"

#define PAIR_KEY_SIZE 8

/* lo and hi are the key and not repeated. */
static const struct field fields[] = {
    [0] = FIELD_ROW(struct pair, state, UINT, NULL),
    [1] = FIELD_ROW(struct pair, from_side, UINT, NULL),
    [2] = FIELD_ROW(struct pair, disp, UINT, NULL),
    [3] = FIELD_ROW(struct pair, request, ID, NULL),
    [4] = FIELD_ROW(struct pair, request_seq, UINT, NULL),
    [5] = FIELD_ROW(struct pair, created_ms, UINT, NULL),
    [6] = FIELD_ROW(struct pair, expires_ms, UINT, NULL),
    [7] = FIELD_ROW(struct pair, since_ms, UINT, NULL),
    [8] = FIELD_ROW(struct pair, since_seq, UINT, NULL),
    [9] = FIELD_ROW(struct pair, via, UINT, NULL),
    [10] = FIELD_ROW(struct pair, note, BYTES, NULL),
    [11] = FIELD_ROW(struct pair, note_side, UINT, NULL),
    [12] = FIELD_ROW(struct pair, filtered, BOOL, NULL),
    [13] = FIELD_ROW(struct pair, step_ms, UINT, NULL),
    [14] = FIELD_ROW(struct pair, cost, UINT, NULL),
    [15] = FIELD_ROW(struct pair, link, ID, NULL),
#define SIDE(n, field, kind) FIELD_ROW(struct pair, side[n].field, kind, NULL)
    [16] = SIDE(0, cooldown_ms, UINT),
    [17] = SIDE(1, cooldown_ms, UINT),
    [18] = SIDE(0, hidden_ms, UINT),
    [19] = SIDE(1, hidden_ms, UINT),
    [20] = SIDE(0, declines, UINT),
    [21] = SIDE(1, declines, UINT),
    [22] = SIDE(0, reported_ms, UINT),
    [23] = SIDE(1, reported_ms, UINT),
    [24] = SIDE(0, blocked_seq, UINT),
    [25] = SIDE(1, blocked_seq, UINT),
    [26] = SIDE(0, approved_seq, UINT),
    [27] = SIDE(1, approved_seq, UINT),
    [28] = SIDE(0, approved_ms, UINT),
    [29] = SIDE(1, approved_ms, UINT),
    [30] = SIDE(0, weight, UINT),
    [31] = SIDE(1, weight, UINT),
    [32] = SIDE(0, dismissed, BOOL),
    [33] = SIDE(1, dismissed, BOOL),
    [34] = SIDE(0, no_updates, BOOL),
    [35] = SIDE(1, no_updates, BOOL),
    [36] = SIDE(0, no_messages, BOOL),
    [37] = SIDE(1, no_messages, BOOL),
    [38] = SIDE(0, absorb_ms, UINT),
    [39] = SIDE(1, absorb_ms, UINT),
    [40] = SIDE(0, masked.request, ID),
    [41] = SIDE(1, masked.request, ID),
    [42] = SIDE(0, masked.invite, ID),
    [43] = SIDE(1, masked.invite, ID),
    [44] = SIDE(0, masked.seq, UINT),
    [45] = SIDE(1, masked.seq, UINT),
    [46] = SIDE(0, masked.created_ms, UINT),
    [47] = SIDE(1, masked.created_ms, UINT),
    [48] = SIDE(0, masked.expires_ms, UINT),
    [49] = SIDE(1, masked.expires_ms, UINT),
    [50] = SIDE(0, masked.disp, UINT),
    [51] = SIDE(1, masked.disp, UINT),
    [52] = SIDE(0, masked.filtered, BOOL),
    [53] = SIDE(1, masked.filtered, BOOL),
    [54] = SIDE(0, masked.step_ms, UINT),
    [55] = SIDE(1, masked.step_ms, UINT),
#undef SIDE
    [56] = FIELD_ROW(struct pair, costless, BOOL, NULL),
};

static struct slice
key_of(uint64_t lo, uint64_t hi, uint8_t key[PAIR_KEY_SIZE])
{
    assert(lo > 0 && lo < hi);
    put_be32(key, (uint32_t)lo);
    put_be32(key + 4, (uint32_t)hi);
    return slice_of(key, PAIR_KEY_SIZE);
}

void
pair_load_numbers(struct views *views, uint64_t a, uint64_t b, struct pair *out)
{
    uint8_t key[PAIR_KEY_SIZE];
    *out = (struct pair){.lo = a < b ? a : b, .hi = a < b ? b : a};

    struct slice row = views_get(views, VIEW_PAIR, key_of(out->lo, out->hi, key));
    if (!row.data)
        return;
    bool ours = fields_decode(row, fields, ARRAY_COUNT(fields), out);
    assert(ours); /* its checksum was right: then we wrote it */
}

void
pair_load(struct views *views, const struct member *a, const struct member *b, struct pair *out)
{
    assert(a->known && b->known);
    pair_load_numbers(views, a->number, b->number, out);
}

void
pair_unmask(struct pair *pair, unsigned side)
{
    struct masked *masked = &pair->side[side].masked;
    if (pair->state != PAIR_NONE || masked->seq == 0)
        return;
    pair->masked = true;
    pair->state = PAIR_PENDING;
    pair->from_side = side;
    pair->request = masked->request;
    pair->request_seq = masked->seq;
    pair->created_ms = masked->created_ms;
    pair->expires_ms = masked->expires_ms;
    pair->disp = masked->disp;
    pair->filtered = masked->filtered;
    pair->step_ms = masked->step_ms;
}

/* The request that is pending goes back behind its mask. Its ids and times cannot have changed. */
static struct pair
mask(const struct pair *pair)
{
    struct pair copy = *pair;
    struct masked *masked = &copy.side[pair->from_side].masked;
    assert(pair->state == PAIR_PENDING && masked->seq == pair->request_seq);
    masked->disp = pair->disp;
    masked->step_ms = pair->step_ms;
    copy.state = PAIR_NONE;
    copy.from_side = copy.disp = copy.step_ms = 0;
    copy.request = (struct public_id){{0}};
    copy.request_seq = copy.created_ms = copy.expires_ms = 0;
    copy.filtered = false;
    return copy;
}

void
pair_store(struct views *views, struct buf *scratch, const struct pair *pair)
{
    uint8_t key[PAIR_KEY_SIZE];
    struct pair unmasked;
    if (pair->masked) {
        unmasked = mask(pair);
        pair = &unmasked;
    }
    buf_clear(scratch);
    if (fields_encode(scratch, fields, ARRAY_COUNT(fields), pair) == 0)
        views_del(views, VIEW_PAIR, key_of(pair->lo, pair->hi, key));
    else
        views_put(views, VIEW_PAIR, key_of(pair->lo, pair->hi, key), views_row(views, scratch));
}

void
pair_expire(struct pair *pair, msec_t now_ms, msec_t cooldown_ms)
{
    if (!pair_is_due(pair, now_ms))
        return;
    struct pair_side *side = &pair->side[pair->from_side];
    side->cooldown_ms = pair->expires_ms + (uint64_t)cooldown_ms;
    if (pair->step_ms >= FOREVER_MS)
        side->hidden_ms = FOREVER_MS;
    else if (pair->step_ms > 0 && pair->expires_ms + pair->step_ms > side->hidden_ms)
        side->hidden_ms = pair->expires_ms + pair->step_ms;
    pair->state = PAIR_NONE;
    pair->disp = pair->step_ms = 0;
}
