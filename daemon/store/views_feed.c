#include "base/assert.h"
#include "base/endian.h"
#include "store/views_inner.h"

void
views_feed_append(struct views *views, const struct feed_key *key, seq_t seq)
{
    assert(views->in_unit && seq > 0);
    if (views->err == KITH_OK && !feeds_append(&views->active->feeds, key, seq))
        views->err = KITH_UNAVAILABLE;
}

/* The row of the chunk that grows; absent if the feed is not on disk. */
static struct slice
tail_on_disk(struct views *views, const struct feed_key *key)
{
    struct slice none = {0};
    return views->err == KITH_INTERNAL
               ? none
               : views_disk_search(views, VIEW_FEED, slice_of(key->bytes, sizeof(key->bytes)));
}

static uint64_t
length_on_disk(struct slice tail)
{
    return tail.size >= FEED_ITEM_SIZE ? get_be64(tail.data) : 0;
}

uint64_t
views_feed_length(struct views *views, const struct feed_key *key)
{
    uint64_t length = length_on_disk(tail_on_disk(views, key));
    if (views->frozen)
        length += feeds_count(&views->frozen->feeds, key);
    return length + feeds_count(&views->active->feeds, key);
}

/* One item of those on disk; 0 if the views have failed. */
static seq_t
item_on_disk(struct views *views, const struct feed_key *key, uint64_t index)
{
    struct slice tail = tail_on_disk(views, key);
    uint64_t length = length_on_disk(tail);
    uint64_t chunk = index / FEED_CHUNK_COUNT, place = index % FEED_CHUNK_COUNT;
    if (index >= length)
        return 0;
    if (chunk == length / FEED_CHUNK_COUNT)
        return get_be64(tail.data + FEED_ITEM_SIZE * (1 + place));

    uint8_t name[FEED_CHUNK_KEY_SIZE];
    memcpy(name, key->bytes, sizeof(key->bytes));
    put_be32(name + sizeof(key->bytes), (uint32_t)chunk);
    struct slice row = views_disk_search(views, VIEW_FEED, slice_of(name, sizeof(name)));
    return row.size == FEED_CHUNK_SIZE ? get_be64(row.data + FEED_ITEM_SIZE * place) : 0;
}

unsigned
views_feed_read(struct views *views, const struct feed_key *key, uint64_t skip, seq_t *out,
                unsigned count_max)
{
    uint64_t length = length_on_disk(tail_on_disk(views, key));
    unsigned count = 0;
    while (count < count_max && skip + count < length) {
        out[count] = item_on_disk(views, key, skip + count);
        if (out[count++] == 0)
            return 0;
    }
    struct overlay *const levels[] = {views->frozen, views->active};
    for (unsigned i = 0; i < ARRAY_COUNT(levels); i++) {
        if (!levels[i] || count == count_max)
            continue;
        uint64_t here = skip + count > length ? skip + count - length : 0;
        count += feeds_read(&levels[i]->feeds, key, here, out + count, count_max - count);
        length += feeds_count(&levels[i]->feeds, key);
    }
    return count;
}
