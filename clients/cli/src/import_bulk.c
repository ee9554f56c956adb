/* import_bulk.c: pairs by connection.import, up to a thousand a command. */
#include <stdlib.h>

#include "base/assert.h"
#include "codec/writer.h"
#include "flow.h"
#include "import_connect.h"
#include "import_key.h"

struct bulk {
    struct import_connect *connect;
    struct buf pairs; /* of the message being composed */
    uint64_t next;    /* first pair that no command has */
    uint64_t done;    /* pairs answered */
};

static uint64_t
batch_size(const struct bulk *bulk, uint64_t first)
{
    uint64_t left = bulk->connect->edges->count - first;
    return left < bulk->connect->batch_count ? left : bulk->connect->batch_count;
}

/* The tag of a command is the place of its first pair. */
static bool
next(void *context, uint64_t *tag)
{
    struct bulk *bulk = context;
    if (bulk->next == bulk->connect->edges->count)
        return false;
    *tag = bulk->next;
    bulk->next += batch_size(bulk, bulk->next);
    return true;
}

static void
compose(void *context, uint64_t tag, struct flow_message *message)
{
    struct bulk *bulk = context;
    const struct edges *edges = bulk->connect->edges;
    uint64_t count = batch_size(bulk, tag);
    assert(count > 0 && count <= KITH_PAIRS_COUNT_MAX);
    struct import_key key = import_key_begin(bulk->connect->salt, "import");
    key = import_key_add(key, bulk->connect->via);
    buf_clear(&bulk->pairs);
    write_array(&bulk->pairs, (uint32_t)count);
    for (uint64_t i = tag; i < tag + count; i++) {
        const char *from = names_at(edges->names, edge_from(edges->pairs[i]));
        const char *to = names_at(edges->names, edge_to(edges->pairs[i]));
        write_array(&bulk->pairs, 2);
        write_cstr(&bulk->pairs, from);
        write_cstr(&bulk->pairs, to);
        key = import_key_add(import_key_add(key, from), to);
    }
    message->op = "connection.import";
    import_key_put(key, message->id);
    if (!bulk->pairs.failed)
        kith_put_msgpack(message->args, "pairs", bulk->pairs.data, bulk->pairs.size);
    kith_put_str(message->args, "via", bulk->connect->via);
}

static enum flow_verdict
answer(void *context, uint64_t tag, const struct kith_reply *reply, uint64_t *follow)
{
    struct bulk *bulk = context;
    struct import_connect *connect = bulk->connect;
    uint64_t count = batch_size(bulk, tag);
    (void)follow;
    if (!kith_reply_ok(reply)) {
        if (flow_is_passing(reply))
            return FLOW_AGAIN;
        tally_add(connect->tally, reply, "connection.import");
        connect->skipped += count;
    } else if (kith_reply_dup(reply)) {
        connect->existing += count;
    } else {
        const struct kith_value *result = kith_reply_result(reply);
        connect->connected += (uint64_t)kith_get_int(result, "connected");
        connect->skipped += (uint64_t)kith_get_int(result, "skipped");
    }
    bulk->done += count;
    return FLOW_DONE;
}

static void
tick(void *context)
{
    struct bulk *bulk = context;
    progress_tell(bulk->connect->progress, bulk->done);
}

enum kith_status
import_connect_bulk(struct import_connect *connect, struct kith *kith)
{
    assert(connect->batch_count >= 1 && connect->batch_count <= KITH_PAIRS_COUNT_MAX);
    struct bulk bulk = {.connect = connect};
    struct flow_work work = {&bulk, next, compose, answer, tick};
    enum kith_status status = flow_run(kith, &work, connect->window, connect->interrupted);
    buf_fini(&bulk.pairs);
    return status;
}
