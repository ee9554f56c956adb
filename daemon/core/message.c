#include "core/message.h"

#include <xxhash.h>

#include "base/endian.h"

static void
hash_command(struct message *message)
{
    const struct envelope *envelope = &message->envelope;
    const char *op = kith_ops[envelope->op].name;
    XXH128_hash_t value = XXH3_128bits_withSeed(envelope->args.data, envelope->args.size,
                                                XXH3_64bits(op, strlen(op)));
    put_be64(message->hash, value.high64);
    put_be64(message->hash + 8, value.low64);
}

static void
open_args(struct message *message)
{
    const struct envelope *envelope = &message->envelope;
    message->args_err = KITH_OK;
    message->args.given = 0;
    if (message->err != KITH_OK || envelope->is_batch)
        return;
    message->args_err =
        args_decode(envelope->args, envelope->op, &message->args, &message->args_fault);
    if (message->args_err == KITH_OK && kith_ops[envelope->op].kind == KITH_KIND_COMMAND)
        hash_command(message);
}

void
message_open(struct slice bytes, struct message *out)
{
    out->err = envelope_open(bytes, &out->envelope, &out->fault);
    open_args(out);
}

void
message_open_item(struct slice bytes, struct message *out)
{
    out->err = envelope_decode(bytes, true, &out->envelope, &out->fault);
    open_args(out);
}
