#include "reply.h"

#include <stdlib.h>

#include "base/assert.h"
#include "codec/check.h"
#include "codec/reader.h"
#include "proto/limits.h"
#include "value.h"

struct kith_reply {
    struct incoming message; /* none of an item of a batch, which is copied into `own` */
    uint8_t *body;           /* the encoded result or error, in the message */
    size_t body_size;
    struct value_tree tree; /* of the body, made when somebody looks */
    const struct kith_value *root;
    bool is_decoded;
    bool is_ok, is_dup;
    bool has_id;
    uint64_t pos;
    int64_t at_ms;
    char id[KITH_ID_SIZE_MAX + 1];
    uint8_t own[];
};

/* ---- The envelope ----------------------------------------------------------------------------*/

struct envelope {
    uint64_t version, pos;
    int64_t at_ms;
    bool has_ok, is_ok, is_dup;
    struct slice id;            /* absent if nil */
    struct slice result, error; /* encoded */
};

static void
read_version(struct reader *reader, struct envelope *out)
{
    out->version = reader_uint(reader);
}

static void
read_id(struct reader *reader, struct envelope *out)
{
    if (reader_peek(reader) == READER_NIL)
        reader_nil(reader);
    else
        out->id = reader_str(reader);
}

static void
read_ok(struct reader *reader, struct envelope *out)
{
    out->has_ok = true;
    out->is_ok = reader_bool(reader);
}

static void
read_pos(struct reader *reader, struct envelope *out)
{
    out->pos = reader_uint(reader);
}

static void
read_at(struct reader *reader, struct envelope *out)
{
    out->at_ms = reader_int(reader);
}

static void
read_dup(struct reader *reader, struct envelope *out)
{
    out->is_dup = reader_bool(reader);
}

static void
read_result(struct reader *reader, struct envelope *out)
{
    out->result = reader_skip(reader);
}

static void
read_error(struct reader *reader, struct envelope *out)
{
    if (reader_peek(reader) != READER_MAP)
        reader->bad = true;
    out->error = reader_skip(reader);
}

static const struct {
    const char *name;
    size_t name_size;
    void (*read)(struct reader *reader, struct envelope *out);
} fields[] = {
    {"v", 1, read_version},     {"id", 2, read_id},       {"ok", 2, read_ok},
    {"pos", 3, read_pos},       {"at", 2, read_at},       {"dup", 3, read_dup},
    {"result", 6, read_result}, {"error", 5, read_error},
};

static void
read_field(struct reader *reader, struct slice name, struct envelope *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++)
        if (slice_equal(name, slice_of(fields[i].name, fields[i].name_size))) {
            fields[i].read(reader, out);
            return;
        }
    reader_skip(reader); /* later versions may say more */
}

/* True if @message is one reply, well-formed through and through. */
static bool
read_envelope(struct slice message, bool is_item, struct envelope *out)
{
    struct check_fault fault;
    if (!check_message(message, &fault))
        return false;
    *out = (struct envelope){0};
    struct reader reader;
    reader_init(&reader, message);
    uint32_t count = reader_map(&reader);
    for (uint32_t i = 0; i < count && !reader.bad; i++)
        read_field(&reader, reader_str(&reader), out);
    if (reader.bad || !out->has_ok || (!is_item && out->version != KITH_PROTOCOL_VERSION))
        return false;
    return (out->is_ok || out->error.data) && out->id.size <= KITH_ID_SIZE_MAX;
}

/* ---- Making a reply --------------------------------------------------------------------------*/

/* @base is what the envelope was read from, writable. */
static void
fill(struct kith_reply *reply, const struct envelope *envelope, uint8_t *base,
     const uint8_t *read_base)
{
    struct slice body = envelope->is_ok ? envelope->result : envelope->error;
    reply->body = body.data ? base + (body.data - read_base) : NULL;
    reply->body_size = body.size;
    reply->tree = (struct value_tree){0};
    reply->root = NULL;
    reply->is_decoded = false;
    reply->is_ok = envelope->is_ok;
    reply->is_dup = envelope->is_dup;
    reply->has_id = envelope->id.data != NULL;
    reply->pos = envelope->pos;
    reply->at_ms = envelope->at_ms;
    assert(envelope->id.size < sizeof(reply->id));
    if (reply->has_id)
        memcpy(reply->id, envelope->id.data, envelope->id.size);
    reply->id[envelope->id.size] = '\0';
}

static enum kith_status
status_of(const struct kith_reply *reply)
{
    return reply->is_ok ? KITH_STATUS_OK : KITH_STATUS_REFUSED;
}

enum kith_status
reply_from_message(struct incoming *incoming, struct slice key, struct kith_reply **out)
{
    struct envelope envelope;
    struct slice message = slice_of(incoming->data, incoming->size);
    *out = NULL;
    assert(incoming->data);

    bool is_whole = read_envelope(message, false, &envelope);
    bool is_ours = is_whole && (!envelope.id.data || slice_equal(envelope.id, key));
    struct kith_reply *reply = is_ours ? malloc(sizeof(*reply)) : NULL;
    if (!reply) {
        incoming_release(incoming);
        return is_ours ? KITH_STATUS_NO_MEMORY : KITH_STATUS_BAD_REPLY;
    }
    fill(reply, &envelope, incoming->data, message.data);
    reply->message = *incoming;
    *incoming = (struct incoming){0};
    /* Why it was refused is always there to be looked at. */
    if (!reply->is_ok && !reply_decode(reply)) {
        kith_reply_destroy(reply);
        return KITH_STATUS_NO_MEMORY;
    }
    *out = reply;
    return status_of(reply);
}

/* An item gets memory of its own, since its reply may outlive the others. */
static enum kith_status
reply_from_item(struct slice item, struct kith_reply **out)
{
    struct envelope envelope;
    if (!item.data || !read_envelope(item, true, &envelope))
        return KITH_STATUS_BAD_REPLY;
    struct kith_reply *reply = malloc(sizeof(*reply) + item.size);
    if (!reply)
        return KITH_STATUS_NO_MEMORY;
    memcpy(reply->own, item.data, item.size);
    fill(reply, &envelope, reply->own, item.data);
    reply->message = (struct incoming){0};
    *out = reply;
    return KITH_STATUS_OK;
}

static enum kith_status
read_items(struct reader *reader, size_t count, struct kith_reply **replies)
{
    enum kith_status status = KITH_STATUS_OK;
    for (size_t i = 0; i < count && status == KITH_STATUS_OK; i++)
        status = reply_from_item(reader_skip(reader), &replies[i]);
    if (status == KITH_STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        kith_reply_destroy(replies[i]);
        replies[i] = NULL;
    }
    return status;
}

/* Find the array `batch` in a reply, whose items are checked one by one: the bound on the values of
 * a message is too low for the replies of a large batch. The reader itself never reads outside. */
static bool
find_items(struct reader *reader, size_t count)
{
    uint32_t pair_count = reader_map(reader);
    for (uint32_t i = 0; i < pair_count && !reader->bad; i++) {
        if (slice_is(reader_str(reader), "batch"))
            return reader_array(reader) == count && !reader->bad;
        reader_skip(reader);
    }
    return false;
}

enum kith_status
reply_from_batch(struct incoming *incoming, size_t count, struct kith_reply **replies)
{
    assert(count > 0);
    for (size_t i = 0; i < count; i++)
        replies[i] = NULL;

    struct reader reader;
    reader_init(&reader, slice_of(incoming->data, incoming->size));
    if (find_items(&reader, count)) {
        enum kith_status status = read_items(&reader, count, replies);
        incoming_release(incoming);
        return status;
    }
    enum kith_status status = reply_from_message(incoming, slice_of(NULL, 0), &replies[0]);
    if (status != KITH_STATUS_OK)
        return status;
    kith_reply_destroy(replies[0]); /* one answer cannot be the outcome of them all */
    replies[0] = NULL;
    return KITH_STATUS_BAD_REPLY;
}

/* ---- Looking ---------------------------------------------------------------------------------*/

void
kith_reply_destroy(struct kith_reply *reply)
{
    if (!reply)
        return;
    incoming_release(&reply->message);
    value_tree_fini(&reply->tree);
    free(reply);
}

/* Decoding on the first look does not change what the reply says, so const is kept to callers. */
static const struct kith_value *
body_of(const struct kith_reply *const_reply)
{
    struct kith_reply *reply = (struct kith_reply *)(uintptr_t)const_reply;
    if (!reply->is_decoded && reply->body)
        reply->root = value_decode(&reply->tree, reply->body, reply->body_size);
    reply->is_decoded = true;
    return reply->root;
}

bool
reply_decode(const struct kith_reply *reply)
{
    return body_of(reply) || !reply->body;
}

bool
kith_reply_ok(const struct kith_reply *reply)
{
    return reply && reply->is_ok;
}

const struct kith_value *
kith_reply_result(const struct kith_reply *reply)
{
    return reply && reply->is_ok ? body_of(reply) : NULL;
}

const struct kith_value *
kith_reply_error(const struct kith_reply *reply)
{
    return reply && !reply->is_ok ? body_of(reply) : NULL;
}

const char *
kith_reply_code(const struct kith_reply *reply)
{
    return kith_get_str(kith_reply_error(reply), "code");
}

uint64_t
kith_reply_pos(const struct kith_reply *reply)
{
    return reply ? reply->pos : 0;
}

int64_t
kith_reply_at(const struct kith_reply *reply)
{
    return reply ? reply->at_ms : 0;
}

bool
kith_reply_dup(const struct kith_reply *reply)
{
    return reply && reply->is_dup;
}

const char *
kith_reply_id(const struct kith_reply *reply)
{
    return reply && reply->has_id ? reply->id : NULL;
}
