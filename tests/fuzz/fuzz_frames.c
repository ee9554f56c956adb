/* The framing of a stream, in whatever pieces it comes: cut elsewhere it is judged the same.
 *
 * The first bytes say which transport, which peer and where it is cut. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "net/frames.h"

#define HEAD_SIZE      2
#define FRAME_SIZE_MAX 4096

/* Whether the stream, in pieces of @piece bytes, keeps the rules. */
static bool
keeps(const uint8_t *data, size_t size, uint8_t which, size_t piece)
{
    struct frames frames;
    frames_init(&frames, which & 1 ? FRAMES_TCP : FRAMES_IPC, which & 2 ? SP_SUB : SP_REQ,
                FRAME_SIZE_MAX);
    for (size_t at = 0; at < size; at += piece) {
        size_t left = size - at;
        if (!frames_check(&frames, data + at, left < piece ? left : piece))
            return false;
        assert(frames.body_left <= FRAME_SIZE_MAX);
        assert(frames.head_size <= FRAMES_HEADER_SIZE_MAX);
    }
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= HEAD_SIZE)
        return 0;
    const uint8_t *stream = data + HEAD_SIZE;
    size_t left = size - HEAD_SIZE;
    bool whole = keeps(stream, left, data[0], left);
    bool bytes = keeps(stream, left, data[0], 1);
    bool pieces = keeps(stream, left, data[0], data[1] + (size_t)1);
    assert(whole == bytes && whole == pieces);
    return 0;
}
