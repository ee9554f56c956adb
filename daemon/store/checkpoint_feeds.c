/* Writing the feeds of a frozen overlay: what was added to each goes behind its last row. */

#include <errno.h>

#include "base/endian.h"
#include "store/writer.h"

/* The chunk of a feed that grows: its length, then what follows the last whole chunk. */
struct tail {
    uint8_t value[FEED_ITEM_SIZE + FEED_CHUNK_SIZE];
    size_t size;
};

static struct slice
feed_key_slice(const struct feed_entry *entry)
{
    return slice_of(entry->key.bytes, sizeof(entry->key.bytes));
}

static struct slice
chunk_key(const struct feed_entry *entry, uint64_t chunk, uint8_t bytes[FEED_CHUNK_KEY_SIZE])
{
    memcpy(bytes, entry->key.bytes, sizeof(entry->key.bytes));
    put_be32(bytes + sizeof(entry->key.bytes), (uint32_t)chunk);
    return slice_of(bytes, FEED_CHUNK_KEY_SIZE);
}

static void
tail_load(struct writer *writer, const struct feed_entry *entry, struct tail *tail)
{
    struct slice value = writer_get(writer, feed_key_slice(entry));
    *tail = (struct tail){.size = FEED_ITEM_SIZE};
    if (!value.data)
        return;
    if (value.size < FEED_ITEM_SIZE || value.size >= sizeof(tail->value)) {
        writer_fail(writer, MDB_CORRUPTED);
        return;
    }
    memcpy(tail->value, value.data, value.size);
    tail->size = value.size;
}

/* The last item of the feed on disk; 0 if it has none. */
static seq_t
tail_last(struct writer *writer, const struct feed_entry *entry, const struct tail *tail)
{
    uint8_t bytes[FEED_CHUNK_KEY_SIZE];
    uint64_t length = get_be64(tail->value);
    if (length == 0)
        return 0;
    if (tail->size > FEED_ITEM_SIZE)
        return get_be64(tail->value + tail->size - FEED_ITEM_SIZE);
    struct slice chunk = writer_get(writer, chunk_key(entry, length / FEED_CHUNK_COUNT - 1, bytes));
    if (chunk.size != FEED_CHUNK_SIZE) {
        writer_fail(writer, MDB_CORRUPTED);
        return 0;
    }
    return get_be64(chunk.data + FEED_CHUNK_SIZE - FEED_ITEM_SIZE);
}

static void
tail_append(struct writer *writer, const struct feed_entry *entry, struct tail *tail)
{
    uint8_t bytes[FEED_CHUNK_KEY_SIZE];
    uint64_t length = get_be64(tail->value);
    put_be64(tail->value, length + 1);
    put_be64(tail->value + tail->size, entry->seq);
    tail->size += FEED_ITEM_SIZE;
    if (tail->size < sizeof(tail->value))
        return;
    writer_put(writer, chunk_key(entry, length / FEED_CHUNK_COUNT, bytes),
               slice_of(tail->value + FEED_ITEM_SIZE, FEED_CHUNK_SIZE));
    tail->size = FEED_ITEM_SIZE;
}

struct walk {
    struct writer *writer;
    const struct feed_entry *entries; /* of all feeds, as they came */
    const struct sort_entry *order;   /* by feed */
    size_t at, count;
};

/* The next entry of all, or NULL. */
static const struct feed_entry *
peek(const struct walk *walk)
{
    return walk->at < walk->count ? &walk->entries[walk->order[walk->at].place] : NULL;
}

static void
advance(struct walk *walk)
{
    walk->at++;
    writer_count(walk->writer);
    if (walk->at + SORT_AHEAD_COUNT < walk->count)
        __builtin_prefetch(&walk->entries[walk->order[walk->at + SORT_AHEAD_COUNT].place]);
}

/* One feed. Unlike rows, items cannot be written twice: a checkpoint that failed behind a part may
 * have written these. */
static void
feed_write(struct walk *walk)
{
    struct writer *writer = walk->writer;
    const struct feed_entry *first = peek(walk), *entry = first;
    struct tail tail;
    tail_load(writer, first, &tail);
    bool is_there = writer->is_resumed && tail_last(writer, first, &tail) >= first->seq;
    for (; entry && memcmp(&entry->key, &first->key, sizeof(first->key)) == 0; entry = peek(walk)) {
        if (!is_there)
            tail_append(writer, entry, &tail);
        advance(walk);
    }
    if (!is_there)
        writer_put(writer, feed_key_slice(first), slice_of(tail.value, tail.size));
}

void
checkpoint_write_feeds(struct writer *writer, const struct feeds *feeds, struct sort *sort)
{
    if (feeds->count == 0)
        return;
    bool has_memory = sort_feeds(sort, feeds);
    writer_begin(writer, VIEW_FEED);
    for (unsigned group = 0; group < SORT_FEED_GROUPS && has_memory; group++) {
        size_t count;
        has_memory = sort_feeds_of(sort, feeds, group, &count);
        struct walk walk = {writer, feeds->entries, sort->entries, 0, has_memory ? count : 0};
        while (walk.at < walk.count && writer->txn->rc == 0) {
            feed_write(&walk);
            writer_part(writer);
        }
    }
    writer_end(writer);
    if (!has_memory)
        writer_fail(writer, ENOMEM);
}
