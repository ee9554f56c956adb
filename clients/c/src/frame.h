/* frame.h: what comes on the event socket: a topic, a zero byte, a msgpack map.
 *
 * Thread: any. Blocking: no.
 */
#ifndef KITH_CLIENT_FRAME_H
#define KITH_CLIENT_FRAME_H

#include "base/types.h"

/* Once a second the daemon says how far the log is, under this topic. */
#define FRAME_BEAT_TOPIC "~beat"

#define EPOCH_SIZE_MAX 32

/* Which log this is: an integer or a string of the daemon's, compared and never understood. */
struct epoch {
    char text[EPOCH_SIZE_MAX + 1]; /* "": not known */
};

struct frame {
    struct slice topic; /* the event's type */
    uint8_t *body;      /* in the frame */
    size_t body_size;
    bool is_beat;
    uint64_t seq;       /* of an event; of a beat, that of the last event */
    struct epoch epoch; /* of a beat */
};

/* Take a frame of @size bytes apart; false if it is not well-formed. */
bool frame_decode(uint8_t *bytes, size_t size, struct frame *out);

/* The epoch that an integer or a byte string stands for; false if it is too long or empty. */
struct epoch epoch_of_number(uint64_t number);
bool epoch_of_text(struct slice text, struct epoch *out);

bool epoch_equal(const struct epoch *a, const struct epoch *b);

#endif
