#include "core/share.h"

#include <xxhash.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"

/* An entry as it is kept: seq, pair, tries, due_ms, is_out, worker. */
#define ENTRY_FIELD_COUNT 6

static bool
list_decode(struct reader *reader, struct share_list *list)
{
    uint32_t count = reader_array(reader);
    seq_t before = 0;
    list->count = 0;
    if (reader->bad || count > ARRAY_COUNT(list->at))
        return false;
    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        struct share_entry *entry = &list->at[i];
        if (reader_array(reader) != ENTRY_FIELD_COUNT)
            return false;
        entry->seq = reader_uint(reader);
        entry->pair = reader_uint(reader);
        entry->tries = reader_uint(reader);
        entry->due_ms = reader_int(reader);
        entry->is_out = reader_bool(reader);
        entry->worker = reader_str(reader);
        if (entry->seq <= before)
            return false; /* they are looked for by bisection */
        before = entry->seq;
    }
    list->count = count;
    return !reader->bad;
}

bool
share_decode(struct slice row, struct share *out)
{
    struct reader reader;
    reader_init(&reader, row);
    if (reader_array(&reader) != 3)
        return false;
    out->taken = reader_uint(&reader);
    return list_decode(&reader, &out->open) && list_decode(&reader, &out->parked) &&
           reader.at == reader.end;
}

static void
list_encode(struct buf *out, const struct share_list *list)
{
    write_array(out, list->count);
    for (unsigned i = 0; i < list->count; i++) {
        const struct share_entry *entry = &list->at[i];
        write_array(out, ENTRY_FIELD_COUNT);
        write_uint(out, entry->seq);
        write_uint(out, entry->pair);
        write_uint(out, entry->tries);
        write_int(out, entry->due_ms);
        write_bool(out, entry->is_out);
        write_str(out, entry->worker);
    }
}

void
share_encode(struct buf *out, const struct share *share)
{
    write_array(out, 3);
    write_uint(out, share->taken);
    list_encode(out, &share->open);
    list_encode(out, &share->parked);
}

uint64_t
share_pair(const struct event *event)
{
    const struct slice members[] = {event->from, event->to, event->member, event->other,
                                    event->clicked};
    uint64_t hash = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(members); i++)
        if (members[i].size > 0)
            hash += XXH3_64bits(members[i].data, members[i].size); /* in either order */
    return hash;
}

/* The first place whose sequence is not below @seq. */
static unsigned
place_of(const struct share_list *list, seq_t seq)
{
    unsigned low = 0, high = list->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (list->at[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

unsigned
share_find(const struct share_list *list, seq_t seq)
{
    unsigned place = place_of(list, seq);
    return place < list->count && list->at[place].seq == seq ? place : list->count;
}

bool
share_insert(struct share_list *list, const struct share_entry *entry)
{
    unsigned place = place_of(list, entry->seq);
    assert(place == list->count || list->at[place].seq != entry->seq);
    if (list->count == ARRAY_COUNT(list->at))
        return false;
    memmove(&list->at[place + 1], &list->at[place], (list->count - place) * sizeof(list->at[0]));
    list->at[place] = *entry;
    list->count++;
    return true;
}

void
share_remove(struct share_list *list, unsigned place)
{
    assert(place < list->count);
    list->count--;
    memmove(&list->at[place], &list->at[place + 1], (list->count - place) * sizeof(list->at[0]));
}

bool
share_give_back(struct share *share, unsigned place, msec_t due_ms)
{
    assert(place < share->open.count);
    struct share_entry *entry = &share->open.at[place];
    bool is_parked = entry->tries >= KITH_TRIES_MAX && share->parked.count < SHARE_PARKED_MAX;
    entry->is_out = false;
    entry->due_ms = due_ms;
    if (!is_parked)
        return false;
    share_insert(&share->parked, entry);
    share_remove(&share->open, place);
    return true;
}

void
share_expire(struct share *share, msec_t now_ms)
{
    for (unsigned i = 0; i < share->open.count;) {
        const struct share_entry *entry = &share->open.at[i];
        bool is_gone =
            entry->is_out && entry->due_ms <= now_ms && share_give_back(share, i, now_ms);
        i += !is_gone;
    }
}

bool
share_is_ready(const struct share *share, unsigned place, msec_t now_ms)
{
    const struct share_entry *entry = &share->open.at[place];
    if (entry->is_out || entry->due_ms > now_ms)
        return false;
    for (unsigned i = 0; i < place && entry->pair != 0; i++)
        if (share->open.at[i].pair == entry->pair)
            return false;
    return true;
}
