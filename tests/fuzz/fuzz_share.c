/* A row of state, as subscriptions that workers share are kept: any bytes; what is read is what
 * would be written again. */
#include "base/assert.h"
#include "core/share.h"
#include "fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct share share, again;
    struct buf first = {0}, second = {0};
    if (!share_decode(slice_of(data, size), &share))
        return 0;
    share_encode(&first, &share);
    assert(!first.failed && share_decode(buf_slice(&first), &again));
    share_encode(&second, &again);
    assert(slice_equal(buf_slice(&first), buf_slice(&second)));
    assert(again.taken == share.taken && again.open.count == share.open.count);
    for (unsigned i = 0; i < share.open.count; i++)
        assert(share_find(&share.open, share.open.at[i].seq) < share.open.count);
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
