/* net/frames.h: the framing of SP streams, checked before nanomsg sees it.
 *
 * A stream is an 8-byte handshake, then frames: over ipc the byte 0x01, over both transports a
 * 64-bit big-endian length, then so many bytes. nanomsg 1.1.5 aborts the process on an ipc type
 * that is not 0x01, on a length it cannot allocate, and on anything that a subscriber says. A peer
 * that does one of these is found out here, byte by byte as it is read, and loses its connection.
 *
 * Layer:    net, but pure: no socket, no nanomsg.
 * Thread:   one at a time for each stream.
 * Blocking: no.
 */
#ifndef KITH_NET_FRAMES_H
#define KITH_NET_FRAMES_H

#include "base/types.h"

#define FRAMES_HANDSHAKE_SIZE  8
#define FRAMES_HEADER_SIZE_MAX 9

/* SP protocol numbers: what the peer says in its handshake. */
#define SP_PUB 0x20
#define SP_SUB 0x21
#define SP_REQ 0x30
#define SP_REP 0x31

enum frames_transport { FRAMES_IPC, FRAMES_TCP };

/* Open, because it lives inside the guard's table. */
struct frames {
    uint64_t frame_size_max; /* longer frames break the rules */
    uint64_t body_left;      /* bytes of the present frame that have yet to come */
    uint64_t body_size;      /* all of them */
    uint64_t count;          /* frames whose header came */
    uint16_t peer_protocol;  /* SP_REQ or SP_SUB: what the peer has to be */
    uint8_t transport;       /* enum frames_transport */
    bool greeted;            /* the handshake is complete */
    uint8_t head_size;       /* bytes in head */
    uint8_t head[FRAMES_HEADER_SIZE_MAX];
};

void frames_init(struct frames *frames, enum frames_transport transport, uint16_t peer_protocol,
                 uint64_t frame_size_max);

/* Follow the next bytes of the stream. @data is borrowed. Returns whether the stream still keeps
 * the rules; after false it is not to be asked again. */
bool frames_check(struct frames *frames, const uint8_t *data, size_t size);

/* Write what a frame of @size bytes begins with; returns how much that is. */
size_t frames_head(enum frames_transport transport, uint64_t size,
                   uint8_t out[FRAMES_HEADER_SIZE_MAX]);

/* The size of a frame of which some has come, and not all; 0 where the next byte begins one. */
uint64_t frames_half(const struct frames *frames);

#endif
