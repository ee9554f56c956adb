#include <stdlib.h>

#include "base/assert.h"
#include "handle.h"
#include "proto/limits.h"
#include "reply.h"

/* What surrounds the items: the map, v, the header of the array. */
#define ENVELOPE_SIZE_MAX  32
#define ENVELOPE_NODES_MAX 8

struct kith_batch {
    struct buf items;
    size_t count, node_count;
};

struct kith_batch *
kith_batch_create(void)
{
    return calloc(1, sizeof(struct kith_batch));
}

void
kith_batch_destroy(struct kith_batch *batch)
{
    if (!batch)
        return;
    buf_fini(&batch->items);
    free(batch);
}

void
kith_batch_clear(struct kith_batch *batch)
{
    buf_clear(&batch->items);
    batch->count = 0;
    batch->node_count = 0;
}

size_t
kith_batch_count(const struct kith_batch *batch)
{
    return batch->count;
}

static enum kith_status
check_room(const struct kith_batch *batch, size_t node_count)
{
    if (batch->items.failed)
        return KITH_STATUS_NO_MEMORY;
    bool fits = batch->items.size + ENVELOPE_SIZE_MAX <= KITH_MESSAGE_SIZE_MAX &&
                batch->node_count + node_count + ENVELOPE_NODES_MAX <= KITH_NODE_COUNT_MAX;
    return fits ? KITH_STATUS_OK : KITH_STATUS_TOO_LARGE;
}

enum kith_status
kith_batch_add(struct kith_batch *batch, const char *op, const struct kith_args *args,
               const char *id)
{
    char made_id[KITH_ID_SIZE];
    assert(batch && op);
    if (batch->count == KITH_BATCH_COUNT_MAX)
        return KITH_STATUS_TOO_LARGE;
    if (!id)
        kith_make_id(made_id);
    const struct request request = {op, args, id ? id : made_id, NULL, true};

    size_t size_before = batch->items.size, node_count = request_node_count(&request);
    request_encode(&batch->items, &request);
    enum kith_status status = check_room(batch, node_count);
    if (status != KITH_STATUS_OK) {
        /* The items before are whole: a buffer that could not grow keeps what it had. */
        batch->items.size = size_before;
        batch->items.failed = false;
        return status;
    }
    batch->count++;
    batch->node_count += node_count;
    return KITH_STATUS_OK;
}

static void
encode(struct buf *out, const struct kith_batch *batch, const char *auth)
{
    write_map(out, auth ? 3 : 2);
    write_cstr(out, "v");
    write_uint(out, KITH_PROTOCOL_VERSION);
    if (auth) {
        write_cstr(out, "auth");
        write_cstr(out, auth);
    }
    write_cstr(out, "batch");
    write_array(out, (uint32_t)batch->count);
    write_raw(out, buf_slice(&batch->items));
}

enum kith_status
kith_batch_call(struct kith *kith, const struct kith_batch *batch, struct kith_reply **replies)
{
    const struct patience patience = {kith->timeout_ms, kith->resend_ms};
    struct incoming answer;
    assert(batch->count <= KITH_BATCH_COUNT_MAX);

    if (batch->count == 0)
        return KITH_STATUS_OK; /* there is nothing to ask */
    for (size_t i = 0; i < batch->count; i++)
        replies[i] = NULL;
    struct pending *pending = handle_create_pending(kith);
    if (!pending)
        return KITH_STATUS_NO_MEMORY;

    encode(&pending->message, batch, kith->auth);
    enum kith_status status = handle_check_pending(pending);
    if (status == KITH_STATUS_OK)
        status = handle_exchange(kith, pending, &patience, &answer);
    handle_destroy_pending(kith, pending);
    if (status == KITH_STATUS_OK)
        status = reply_from_batch(&answer, batch->count, replies);
    return status;
}
