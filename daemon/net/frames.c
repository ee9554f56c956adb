#include "net/frames.h"

#include "base/assert.h"
#include "base/endian.h"

#define IPC_TYPE_NORMAL 0x01

static const uint8_t sp_magic[4] = {0x00, 'S', 'P', 0x00};

void
frames_init(struct frames *frames, enum frames_transport transport, uint16_t peer_protocol,
            uint64_t frame_size_max)
{
    assert(peer_protocol == SP_REQ || peer_protocol == SP_SUB);
    assert(frame_size_max > 0);
    *frames = (struct frames){
        .frame_size_max = frame_size_max,
        .peer_protocol = peer_protocol,
        .transport = (uint8_t)transport,
    };
}

static size_t
head_size(const struct frames *frames)
{
    if (!frames->greeted)
        return FRAMES_HANDSHAKE_SIZE;
    return frames->transport == FRAMES_IPC ? 9 : 8;
}

static bool
handshake_done(struct frames *frames)
{
    frames->greeted = true;
    return memcmp(frames->head, sp_magic, sizeof(sp_magic)) == 0 &&
           get_be16(frames->head + 4) == frames->peer_protocol;
}

static bool
header_done(struct frames *frames)
{
    const uint8_t *length = frames->head;

    if (frames->transport == FRAMES_IPC && *length++ != IPC_TYPE_NORMAL)
        return false;
    frames->body_left = frames->body_size = get_be64(length);
    frames->count++;
    return frames->body_left <= frames->frame_size_max;
}

/* Take what there is of a handshake or a header; returns how much that is. */
static size_t
head_collect(struct frames *frames, const uint8_t *data, size_t size)
{
    size_t wanted = head_size(frames) - frames->head_size;
    size_t taken = size < wanted ? size : wanted;

    assert(wanted > 0);
    assert(frames->head_size + taken <= sizeof(frames->head));
    memcpy(frames->head + frames->head_size, data, taken);
    frames->head_size += (uint8_t)taken;
    return taken;
}

bool
frames_check(struct frames *frames, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t taken = 0;

        if (frames->body_left > 0) {
            taken = size < frames->body_left ? size : (size_t)frames->body_left;
            frames->body_left -= taken;
        } else if (frames->greeted && frames->peer_protocol == SP_SUB) {
            return false; /* A subscriber has nothing to say. */
        } else {
            taken = head_collect(frames, data, size);
            if (frames->head_size == head_size(frames)) {
                frames->head_size = 0;
                if (!(frames->greeted ? header_done(frames) : handshake_done(frames)))
                    return false;
            }
        }
        data += taken;
        size -= taken;
    }
    return true;
}

uint64_t
frames_half(const struct frames *frames)
{
    return frames->body_left > 0 ? frames->body_size : frames->head_size;
}

size_t
frames_head(enum frames_transport transport, uint64_t size, uint8_t out[FRAMES_HEADER_SIZE_MAX])
{
    bool typed = transport == FRAMES_IPC;
    out[0] = 1;
    put_be64(out + typed, size);
    return typed + sizeof(size);
}
