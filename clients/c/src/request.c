#include "request.h"

#include "base/assert.h"
#include "proto/limits.h"

/* What stands before the key, encoded once: {v: 1, id: and {id: of maps with one pair fewer. The
 * count of pairs is the low half of the first byte. */
static const uint8_t message_start[] = {0x84, 0xa1, 'v', KITH_PROTOCOL_VERSION, 0xa2, 'i', 'd'};
static const uint8_t item_start[] = {0x83, 0xa2, 'i', 'd'};
static const uint8_t op_key[] = {0xa2, 'o', 'p'};
static const uint8_t args_key[] = {0xa4, 'a', 'r', 'g', 's'};

static void
write_args(struct buf *out, const struct kith_args *args)
{
    if (!args) {
        write_map(out, 0);
        return;
    }
    /* What is not msgpack cannot be sent; the daemon refuses false where it expects a map. */
    if (args->is_malformed) {
        write_bool(out, false);
        return;
    }
    write_map(out, args->pair_count);
    write_raw(out, buf_slice(&args->pairs));
    out->failed |= args->pairs.failed;
}

size_t
request_encode(struct buf *out, const struct request *request)
{
    assert(request->op && request->id);
    size_t start = out->size;
    struct slice id = slice_str(request->id);

    if (request->is_item)
        buf_append(out, item_start, sizeof(item_start));
    else
        buf_append(out, message_start, sizeof(message_start));
    write_str(out, id);
    size_t key_at = out->size - id.size;

    buf_append(out, op_key, sizeof(op_key));
    write_cstr(out, request->op);
    buf_append(out, args_key, sizeof(args_key));
    write_args(out, request->args);
    if (request->auth) {
        write_cstr(out, "auth");
        write_cstr(out, request->auth);
        if (!out->failed)
            out->data[start]++;
    }
    assert(out->failed || out->size > key_at);
    return key_at;
}

size_t
request_node_count(const struct request *request)
{
    size_t count = 1 + 2 + 2 + 2; /* the map, id, op and args */
    if (!request->is_item)
        count += 2;
    if (request->auth)
        count += 2;
    if (request->args && !request->args->is_malformed)
        count += request->args->node_count;
    return count;
}
