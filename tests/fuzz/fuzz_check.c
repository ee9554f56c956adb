/* check_message() on any bytes; what it passes must keep what it promises.
 *
 * Those promises are tested by other means: the reader walks the message, keys are compared each
 * with each, and msgpack-c takes it too. */
#include <msgpack.h>

#include "base/assert.h"
#include "codec/check.h"
#include "codec/reader.h"
#include "fuzz/fuzz.h"
#include "proto/limits.h"

/* Comparing each with each is slow; larger maps are left to the unit tests. */
#define COMPARED_KEYS_MAX 64

static void
compare_keys(const struct slice *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            assert(!slice_equal(keys[i], keys[j]));
}

/* Returns how many values there are. */
static uint32_t
walk(struct reader *reader, unsigned depth)
{
    struct slice keys[COMPARED_KEYS_MAX];
    uint32_t nodes = 1, count;

    switch (reader_peek(reader)) {
    case READER_STR:
        assert(check_utf8(reader_str(reader)));
        break;
    case READER_ARRAY:
        assert(depth < KITH_NESTING_MAX);
        for (count = reader_array(reader); count > 0; count--)
            nodes += walk(reader, depth + 1);
        break;
    case READER_MAP:
        assert(depth < KITH_NESTING_MAX);
        count = reader_map(reader);
        for (uint32_t i = 0; i < count; i++) {
            struct slice key = reader_str(reader);
            assert(key.data && check_utf8(key));
            keys[i % COMPARED_KEYS_MAX] = key;
            nodes += 1 + walk(reader, depth + 1);
        }
        compare_keys(keys, count < COMPARED_KEYS_MAX ? count : COMPARED_KEYS_MAX);
        break;
    case READER_NIL:
    case READER_BOOL:
    case READER_UINT:
    case READER_INT:
    case READER_FLOAT:
    case READER_BIN:
        reader_skip(reader);
        break;
    case READER_OTHER:
    case READER_NONE:
        assert(!"a message that passed has neither");
    }
    assert(!reader->bad);
    return nodes;
}

static void
unpack(const uint8_t *data, size_t size)
{
    msgpack_unpacked unpacked;
    size_t offset = 0;
    msgpack_unpacked_init(&unpacked);
    int result = msgpack_unpack_next(&unpacked, (const char *)data, size, &offset);
    assert(result == MSGPACK_UNPACK_SUCCESS);
    assert(offset == size);
    assert(unpacked.data.type == MSGPACK_OBJECT_MAP);
    msgpack_unpacked_destroy(&unpacked);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct check_fault fault = {NULL, SIZE_MAX};
    struct slice message = slice_of(data, size);
    if (!check_message(message, &fault)) {
        assert(fault.what && fault.offset <= size);
        return 0;
    }
    assert(!fault.what); /* untouched */

    struct reader reader;
    reader_init(&reader, message);
    assert(reader_peek(&reader) == READER_MAP);
    assert(walk(&reader, 0) <= KITH_NODE_COUNT_MAX);
    assert(reader.at == reader.end);
    unpack(data, size);
    return 0;
}
