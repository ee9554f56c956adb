/* What a daemon says, to the C client: any bytes are a reply that can be asked for anything, or are
 * refused. The first byte says whether one was asked for, or a batch. */
#include <nanomsg/nn.h>

#include "base/assert.h"
#include "clients/c/src/reply.h"
#include "fuzz/fuzz.h"

#define BATCH_COUNT_MAX 8
#define ID              "c1"

/* Ask every value for everything. Returns how many there are. */
static size_t
walk(const struct kith_value *value)
{
    size_t nodes = 1, count = kith_value_count(value);
    (void)kith_value_int(value);
    (void)kith_value_uint(value);
    (void)kith_value_float(value);
    (void)kith_value_bool(value);
    const char *text = kith_value_str(value);
    /* A string ends with a zero, and may have others within. */
    assert(!text || strlen(text) <= kith_value_size(value));
    for (size_t i = 0; i < count; i++) {
        const struct kith_value *entry = kith_value_kind(value) == KITH_KIND_MAP
                                             ? kith_value_entry_at(value, i)
                                             : kith_value_at(value, i);
        nodes += walk(entry);
    }
    return nodes;
}

static struct incoming
incoming_of(const uint8_t *data, size_t size)
{
    struct incoming incoming = {.data = nn_allocmsg(size ? size : 1, 0), .size = size};
    assert(incoming.data);
    if (size)
        memcpy(incoming.data, data, size);
    return incoming;
}

static void
read_one(const uint8_t *data, size_t size)
{
    struct incoming incoming = incoming_of(data, size);
    struct kith_reply *reply = NULL;
    enum kith_status status = reply_from_message(&incoming, slice_str(ID), &reply);
    assert((reply != NULL) == (status == KITH_STATUS_OK || status == KITH_STATUS_REFUSED));
    if (reply)
        walk(kith_reply_result(reply));
    kith_reply_destroy(reply);
}

static void
read_batch(const uint8_t *data, size_t size, size_t count)
{
    struct incoming incoming = incoming_of(data, size);
    struct kith_reply *replies[BATCH_COUNT_MAX] = {NULL};
    enum kith_status status = reply_from_batch(&incoming, count, replies);
    for (size_t i = 0; i < count; i++) {
        assert(status == KITH_STATUS_OK ? replies[i] != NULL : i == 0 || !replies[i]);
        if (replies[i])
            walk(kith_reply_result(replies[i]));
        kith_reply_destroy(replies[i]);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t count = data[0] % (BATCH_COUNT_MAX + 1);
    if (count == 0)
        read_one(data + 1, size - 1);
    else
        read_batch(data + 1, size - 1, count);
    return 0;
}
