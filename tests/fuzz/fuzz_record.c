/* A record of the log: bytes that nobody made a checksum for do not pass, and of those that a
 * checksum vouches for, what is read is what would be written again. */
#include "base/assert.h"
#include "base/endian.h"
#include "core/event.h"
#include "fuzz/fuzz.h"
#include "store/parts.h"

#define SEED_SIZE 8 /* of the input: the checksum of the record before */

/* Returns whether the chain takes these bytes as a record; then its body lies within them. */
static bool
is_record(struct slice stored, uint64_t seed)
{
    struct log_record record;
    if (!log_record_check(stored, 1, seed, &record))
        return false;
    assert(record.seq == 1);
    assert(record.body.data >= stored.data &&
           record.body.data + record.body.size == stored.data + stored.size);
    return true;
}

/* A body that can be read gives the same event again once it is written in the shortest form. */
static void
read_again(struct slice body)
{
    struct event event, again;
    struct buf first = {0}, second = {0};
    if (!event_decode(body, &event))
        return;
    event_encode(&first, &event);
    assert(!first.failed && event_decode(buf_slice(&first), &again));
    event_encode(&second, &again);
    assert(slice_equal(buf_slice(&first), buf_slice(&second)));
    assert(again.type == event.type && slice_equal(again.member, event.member) &&
           slice_equal(again.note, event.note) && again.expires_ms == event.expires_ms);
    buf_fini(&first);
    buf_fini(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SEED_SIZE)
        return 0;
    uint64_t seed = get_be64(data);
    struct slice stored = slice_of(data + SEED_SIZE, size - SEED_SIZE);
    if (is_record(stored, seed))
        assert(!is_record(stored, seed + 1)); /* its place in the chain counts too */
    read_again(stored);
    return 0;
}
