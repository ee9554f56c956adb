#include "codec/utf8.h"

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

size_t
utf8_scan(struct slice text)
{
    size_t done = 0;
    while (done < text.size) {
        if (text.size - done >= 8 && utf8_is_ascii(text.data + done, 8)) {
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
