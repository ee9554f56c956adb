#include "core/envelope.h"

#include <stdio.h>

#include "codec/check.h"
#include "codec/reader.h"

/* What the keys said, before it is judged. */
struct found {
    bool version_ok, has_op, op_ok, id_ok, auth_ok, min_pos_ok, batch_ok;
    struct slice op;
};

static void
take_version(struct reader *value, struct envelope *out, struct found *found)
{
    (void)out;
    found->version_ok = reader_uint(value) == KITH_PROTOCOL_VERSION;
}

static void
take_op(struct reader *value, struct envelope *out, struct found *found)
{
    (void)out;
    found->has_op = true;
    found->op = reader_str(value);
    found->op_ok = !value->bad;
}

/* Absent if it is none. */
static struct slice
id_of(struct slice text)
{
    bool good = text.size >= 1 && text.size <= KITH_ID_SIZE_MAX;
    return good ? text : slice_of(NULL, 0);
}

static void
take_id(struct reader *value, struct envelope *out, struct found *found)
{
    out->id = id_of(reader_str(value));
    found->id_ok = out->id.data;
}

static void
take_args(struct reader *value, struct envelope *out, struct found *found)
{
    (void)found;
    out->args = slice_of(value->at, (size_t)(value->end - value->at));
}

static void
take_auth(struct reader *value, struct envelope *out, struct found *found)
{
    (void)out;
    reader_str(value);
    found->auth_ok = !value->bad;
}

static void
take_min_pos(struct reader *value, struct envelope *out, struct found *found)
{
    out->has_min_pos = true;
    out->min_pos = reader_uint(value);
    found->min_pos_ok = !value->bad;
}

static void
take_batch(struct reader *value, struct envelope *out, struct found *found)
{
    out->is_batch = true;
    out->batch = slice_of(value->at, (size_t)(value->end - value->at));
    found->batch_ok = reader_peek(value) == READER_ARRAY;
}

static const struct key {
    const char *name;
    size_t size;
    void (*take)(struct reader *value, struct envelope *out, struct found *found);
} keys[] = {
    {"v", 1, take_version},   {"op", 2, take_op},     {"id", 2, take_id},
    {"args", 4, take_args},   {"auth", 4, take_auth}, {"min_pos", 7, take_min_pos},
    {"batch", 5, take_batch},
};

/* NULL for one of a later version. */
static const struct key *
key_of(struct slice name)
{
    for (const struct key *key = keys; key < keys + ARRAY_COUNT(keys); key++)
        if (slice_equal(name, slice_of(key->name, key->size)))
            return key;
    return NULL;
}

static enum kith_err
fail(struct envelope_fault *fault, const char *field, const char *text)
{
    fault->field = field;
    snprintf(fault->text, sizeof(fault->text), "%s", text);
    return KITH_BAD_ARGUMENT;
}

static enum kith_err
judge(const struct found *found, bool in_batch, struct envelope *out, struct envelope_fault *fault)
{
    if (!in_batch && !found->version_ok)
        return KITH_UNSUPPORTED_VERSION;
    if (!found->id_ok)
        return fail(fault, "id", "`id` must be a string of 1 to 64 bytes");
    if (!found->auth_ok)
        return fail(fault, "auth", "`auth` must be a string");
    if (out->is_batch && in_batch)
        return fail(fault, "batch", "a batch cannot hold another one");
    if (out->is_batch && found->has_op)
        return fail(fault, "batch", "send either `op` or `batch`");
    if (!found->min_pos_ok)
        return fail(fault, "min_pos", "`min_pos` must be an integer of 0 or more");
    if (out->has_min_pos && (in_batch || out->is_batch))
        return fail(fault, "min_pos", "`min_pos` does not go with a batch");
    if (out->is_batch)
        return found->batch_ok ? KITH_OK : fail(fault, "batch", "`batch` must be an array");
    if (!found->has_op || !found->op_ok)
        return fail(fault, "op", "`op` must be a string, the operation's name");
    out->op = kith_op_find((const char *)found->op.data, found->op.size);
    return out->op == KITH_OP_COUNT ? KITH_UNKNOWN_OP : KITH_OK;
}

enum kith_err
envelope_decode(struct slice bytes, bool in_batch, struct envelope *out,
                struct envelope_fault *fault)
{
    struct found found = {.id_ok = true, .auth_ok = true, .min_pos_ok = true};
    struct reader reader;

    *out = (struct envelope){.op = KITH_OP_COUNT};
    fault->field = NULL;
    fault->text[0] = '\0';
    reader_init(&reader, bytes);
    if (reader_peek(&reader) != READER_MAP)
        return KITH_MALFORMED;
    uint32_t count = reader_map(&reader);
    for (uint32_t i = 0; i < count; i++) {
        struct slice name = reader_str(&reader);
        struct slice raw = reader_skip(&reader);
        const struct key *key = key_of(name);
        if (key) {
            struct reader value;
            reader_init(&value, raw);
            key->take(&value, out, &found);
        }
    }
    return judge(&found, in_batch, out, fault);
}

enum kith_err
envelope_open(struct slice message, struct envelope *out, struct envelope_fault *fault)
{
    struct check_fault check = {0};
    if (check_message(message, &check))
        return envelope_decode(message, false, out, fault);
    *out = (struct envelope){.op = KITH_OP_COUNT};
    *fault = (struct envelope_fault){0};
    snprintf(fault->text, sizeof(fault->text),
             "the message is not one well-formed msgpack map: %s at byte %zu", check.what,
             check.offset);
    return KITH_MALFORMED;
}

/* The string that an unchecked message has first under this key; absent if none. */
static struct slice
glance(struct slice message, const char *name)
{
    struct reader reader;
    reader_init(&reader, message);
    for (uint32_t left = reader_map(&reader); left > 0 && !reader.bad; left--) {
        if (slice_is(reader_str(&reader), name))
            return reader_str(&reader);
        reader_skip(&reader);
    }
    return (struct slice){0};
}

enum kith_op
envelope_glance(struct slice message)
{
    struct slice op = glance(message, "op");
    return op.data ? kith_op_find((const char *)op.data, op.size) : KITH_OP_COUNT;
}

struct slice
envelope_glance_id(struct slice message)
{
    struct slice id = id_of(glance(message, "id"));
    return check_utf8(id) ? id : slice_of(NULL, 0);
}
