/* codec/utf8.h: how far a text is valid UTF-8.
 *
 * Layer: codec, private to it. Thread: any. Blocking: no.
 */
#ifndef KITH_CODEC_UTF8_H
#define KITH_CODEC_UTF8_H

#include "base/types.h"

#define UTF8_HIGH_BITS UINT64_C(0x8080808080808080)

/* Words of eight bytes, the last of which may overlap the one before. Most strings of ours are
 * short and plain, so this is inline and those below eight bytes need no loop. */
static inline bool
utf8_is_ascii(const uint8_t *at, size_t size)
{
    uint64_t seen = 0, last = 0;
    if (size >= 8) {
        const uint8_t *end = at + size - 8;
        memcpy(&last, end, 8);
        for (; at < end; at += 8) {
            uint64_t word;
            memcpy(&word, at, 8);
            seen |= word;
        }
    } else if (size >= 4) {
        memcpy(&seen, at, 4);
        memcpy(&last, at + size - 4, 4);
    } else if (size > 0) {
        seen = at[0] | at[size / 2];
        last = at[size - 1];
    }
    return ((seen | last) & UTF8_HIGH_BITS) == 0;
}

/* The same as utf8_valid_size(), for texts that are not all ASCII. */
size_t utf8_scan(struct slice text);

/* How many bytes of @text (borrowed) are whole, valid sequences before the first that is not; all
 * of them if there is none such. */
static inline size_t
utf8_valid_size(struct slice text)
{
    return utf8_is_ascii(text.data, text.size) ? text.size : utf8_scan(text);
}

#endif
