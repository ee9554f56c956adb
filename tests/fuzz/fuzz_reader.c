/* The reader on bytes that nobody has checked: the input's first half says which accessors are
 * called, the second is read. It never leaves the bytes, and a fault sticks. */
#include "base/assert.h"
#include "codec/reader.h"
#include "fuzz/fuzz.h"

static bool
is_inside(struct slice slice, struct slice bytes)
{
    return slice.data >= bytes.data && slice.size <= bytes.size &&
           (size_t)(slice.data - bytes.data) <= bytes.size - slice.size;
}

static void
step_slice(struct reader *reader, uint8_t which, struct slice bytes)
{
    struct slice slice = which == 0   ? reader_str(reader)
                         : which == 1 ? reader_bin(reader)
                                      : reader_skip(reader);
    assert(slice.data ? is_inside(slice, bytes) : slice.size == 0);
    assert((slice.data == NULL) == reader->bad);
}

/* What is bad gives zero. */
static void
step(struct reader *reader, uint8_t which, struct slice bytes)
{
    uint64_t number = 0;
    switch (which % 10) {
    case 0:
    case 1:
    case 2:
        step_slice(reader, which % 10, bytes);
        return;
    case 3:
        number = reader_uint(reader);
        break;
    case 4:
        number = reader_int(reader) != 0;
        break;
    case 5:
        number = reader_bool(reader);
        break;
    case 6:
        number = reader_float(reader) != 0;
        break;
    case 7:
        number = reader_array(reader);
        assert(number <= (size_t)(reader->end - reader->at));
        break;
    case 8:
        number = reader_map(reader);
        assert(2 * number <= (size_t)(reader->end - reader->at));
        break;
    default:
        reader_nil(reader);
        break;
    }
    assert(!reader->bad || number == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = size / 2;
    struct slice bytes = slice_of(data + count, size - count);
    struct reader reader;

    reader_init(&reader, bytes);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *before = reader.at;
        bool was_bad = reader.bad;
        enum reader_type type = reader_peek(&reader);
        assert(reader.at == before); /* unread */

        step(&reader, data[i], bytes);
        assert(reader.at >= before && reader.at <= reader.end);
        assert(reader.bad ? reader.at == reader.end : reader.at > before);
        assert(reader.bad || type != READER_NONE);
        assert(reader.bad || !was_bad);
    }
    return 0;
}
