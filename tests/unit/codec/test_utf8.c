/* check_utf8() against the table of the Unicode Standard, and against the plain definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/check.h"

/* Padding around the sequence, so that every place within a word of eight bytes is met. */
#define PADDING_MAX 18

static bool
check_padded(const char *sequence, size_t before, size_t after)
{
    size_t size = strlen(sequence);
    uint8_t *text = malloc(before + size + after + 1);
    assert_non_null(text);
    memset(text, 'x', before + size + after);
    memcpy(text + before, sequence, size);
    bool valid = check_utf8(slice_of(text, before + size + after));
    free(text);
    return valid;
}

static void
sequences(void **state)
{
    (void)state;
    static const struct {
        const char *sequence;
        bool valid;
    } rows[] = {
        {"", true},
        {"\x7f", true},
        {"\xc2\x80", true}, /* U+0080, the first of two bytes */
        {"\xdf\xbf", true},
        {"\xe0\xa0\x80", true}, /* U+0800, the first of three */
        {"\xed\x9f\xbf", true}, /* U+D7FF, the last before the surrogates */
        {"\xee\x80\x80", true}, /* U+E000, the first behind them */
        {"\xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80", true}, /* U+10000, the first of four */
        {"\xf4\x8f\xbf\xbf", true}, /* U+10FFFF, the last of all */
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", true},
        {"\x80", false},
        {"\xbf", false},
        {"\xc0\x80", false}, /* overlong */
        {"\xc1\xbf", false},
        {"\xe0\x80\x80", false},
        {"\xe0\x9f\xbf", false},
        {"\xf0\x80\x80\x80", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xed\xa0\x80", false}, /* surrogates */
        {"\xed\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false}, /* too high */
        {"\xf5\x80\x80\x80", false},
        {"\xf8\x88\x80\x80\x80", false},
        {"\xfe", false},
        {"\xff", false},
        {"\xc3", false}, /* cut short, by the end or by another */
        {"\xe2\x82", false},
        {"\xf0\x9f\x98", false},
        {"\xe2\x82\xc3\xa9", false},
        {"\xf0\x9f\x98\xf0\x9f\x98\x80", false},
        {"\xc3\xa9\xa9", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        for (size_t before = 0; before <= PADDING_MAX; before++)
            for (size_t after = 0; after <= PADDING_MAX; after++)
                assert_int_equal(check_padded(rows[i].sequence, before, after), rows[i].valid);
}

/* By the definition: decode, and see that it is a scalar value in its shortest form. */
static bool
is_one_character(const uint8_t *at, size_t size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    static const uint8_t lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    if ((at[0] & ~lead_bits[size] & 0xff) != lead[size])
        return false;
    uint32_t code = at[0] & lead_bits[size];
    for (size_t i = 1; i < size; i++) {
        if (at[i] >> 6 != 2)
            return false;
        code = code << 6 | (at[i] & 0x3f);
    }
    return code >= least[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/* By the definition, for texts of at most four bytes. */
static bool
is_text(const uint8_t *at, size_t size)
{
    if (size == 0)
        return true;
    for (size_t first = 1; first <= size; first++)
        if (is_one_character(at, first) && is_text(at + first, size - first))
            return true;
    return false;
}

static void
all_texts_of_three_bytes(void **state)
{
    (void)state;
    for (uint32_t number = 0; number < 1u << 24; number += number < 0xc00000 ? 251 : 1) {
        const uint8_t text[] = {(uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
        if (check_utf8(slice_of(text, 3)) != is_text(text, 3))
            fail_msg("%06x", number);
    }
}

/* The first two bytes in full; of the last two, what matters. */
static void
texts_of_four_bytes(void **state)
{
    (void)state;
    static const uint8_t ends[] = {0x00, 0x41, 0x7f, 0x80, 0xa0, 0xbf, 0xc0, 0xc2, 0xff};
    for (unsigned head = 0; head < 1u << 16; head++)
        for (size_t i = 0; i < ARRAY_COUNT(ends); i++)
            for (size_t j = 0; j < ARRAY_COUNT(ends); j++) {
                const uint8_t text[] = {(uint8_t)(head >> 8), (uint8_t)head, ends[i], ends[j]};
                if (check_utf8(slice_of(text, 4)) != is_text(text, 4))
                    fail_msg("%04x %02x %02x", head, ends[i], ends[j]);
            }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences),
        cmocka_unit_test(all_texts_of_three_bytes),
        cmocka_unit_test(texts_of_four_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
