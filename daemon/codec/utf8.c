#include "codec/utf8.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

static uint64_t
load64(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof(word));
    return word;
}

static uint32_t
load32(const uint8_t *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof(word));
    return word;
}

/* Words of eight bytes, the last of which may overlap the one before; most strings of ours are
 * short, so those below eight bytes get by without a loop as well. */
static bool
is_ascii(const uint8_t *at, size_t size)
{
    if (size >= 8) {
        const uint8_t *last = at + size - 8;
        uint64_t seen = load64(last);
        for (; at < last; at += 8)
            seen |= load64(at);
        return (seen & HIGH_BITS) == 0;
    }
    if (size >= 4)
        return ((load32(at) | load32(at + size - 4)) & (uint32_t)HIGH_BITS) == 0;
    uint8_t seen = 0;
    for (size_t i = 0; i < size; i++)
        seen |= at[i];
    return seen < 0x80;
}

/* The size of the sequence at @at, 0 if it is none: the Unicode Standard, table 3-7. The first
 * byte bounds the second more narrowly where that excludes overlong forms (e0, f0), surrogates
 * (ed) and what lies above U+10FFFF (f4). */
static size_t
sequence_size(const uint8_t *at, size_t left)
{
    uint8_t first = at[0];
    if (first < 0x80)
        return 1;
    size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || left < size)
        return 0;

    uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < least || at[1] > most)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

static size_t
valid_size(struct slice text)
{
    size_t done = 0;
    while (done < text.size) {
        if (text.size - done >= 8 && (load64(text.data + done) & HIGH_BITS) == 0) {
            done += 8;
            continue;
        }
        size_t size = sequence_size(text.data + done, text.size - done);
        if (size == 0)
            break;
        done += size;
    }
    return done;
}

size_t
utf8_valid_size(struct slice text)
{
    return is_ascii(text.data, text.size) ? text.size : valid_size(text);
}
