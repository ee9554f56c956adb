#include "frame.h"

#include <inttypes.h>
#include <stdio.h>

#include "codec/check.h"
#include "codec/reader.h"
#include "proto/limits.h"

struct epoch
epoch_of_number(uint64_t number)
{
    struct epoch epoch = {""};
    snprintf(epoch.text, sizeof(epoch.text), "%" PRIu64, number);
    return epoch;
}

bool
epoch_of_text(struct slice text, struct epoch *out)
{
    if (text.size == 0 || text.size > EPOCH_SIZE_MAX)
        return false;
    *out = (struct epoch){""};
    memcpy(out->text, text.data, text.size);
    return true;
}

bool
epoch_equal(const struct epoch *a, const struct epoch *b)
{
    return memcmp(a->text, b->text, sizeof(a->text)) == 0;
}

static void
read_epoch(struct reader *reader, struct epoch *out)
{
    if (reader_peek(reader) == READER_UINT)
        *out = epoch_of_number(reader_uint(reader));
    else if (!epoch_of_text(reader_bin(reader), out))
        reader->bad = true;
}

/* The number that tells the frame's place in the log, and of a beat the epoch. */
static bool
read_body(struct frame *frame)
{
    const char *seq_name = frame->is_beat ? "last_seq" : "seq";
    struct reader reader;
    reader_init(&reader, slice_of(frame->body, frame->body_size));
    bool has_seq = false;
    uint32_t count = reader_map(&reader);
    for (uint32_t i = 0; i < count && !reader.bad; i++) {
        struct slice name = reader_str(&reader);
        if (slice_is(name, seq_name)) {
            frame->seq = reader_uint(&reader);
            has_seq = true;
        } else if (frame->is_beat && slice_is(name, "epoch")) {
            read_epoch(&reader, &frame->epoch);
        } else {
            reader_skip(&reader);
        }
    }
    return has_seq && !reader.bad;
}

bool
frame_decode(uint8_t *bytes, size_t size, struct frame *out)
{
    uint8_t *zero = memchr(bytes, 0, size < KITH_TYPE_SIZE_MAX + 1 ? size : KITH_TYPE_SIZE_MAX + 1);
    if (!zero)
        return false;
    *out = (struct frame){
        .topic = slice_of(bytes, (size_t)(zero - bytes)),
        .body = zero + 1,
        .body_size = size - (size_t)(zero + 1 - bytes),
    };
    out->is_beat = slice_is(out->topic, FRAME_BEAT_TOPIC);

    struct check_fault fault;
    return check_message(slice_of(out->body, out->body_size), &fault) && read_body(out);
}
