/* Notes, made alike where they say the same. */
#include <stdlib.h>
#include <utf8proc.h>

#include "base/assert.h"
#include "core/text.h"

#define NAME_WORD_SIZE_MIN 2 /* an initial is no name */

/* NFKC, case folded, default-ignorable characters (the zero-width ones) dropped. */
static enum kith_err
fold(struct slice text, struct buf *out)
{
    utf8proc_uint8_t *result = NULL;
    const int options =
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    utf8proc_ssize_t size =
        utf8proc_map(text.data, (utf8proc_ssize_t)text.size, &result, (utf8proc_option_t)options);
    if (size < 0)
        return KITH_UNAVAILABLE; /* it is valid UTF-8: only memory can be short */
    buf_append(out, result, (size_t)size);
    free(result);
    return out->failed ? KITH_UNAVAILABLE : KITH_OK;
}

static bool
is_url(struct slice word)
{
    static const char *const starts[] = {"http://", "https://", "www."};
    for (unsigned i = 0; i < ARRAY_COUNT(starts); i++) {
        size_t size = strlen(starts[i]);
        if (word.size > size && memcmp(word.data, starts[i], size) == 0)
            return true;
    }
    return false;
}

/* Is this code point part of a word? */
static bool
is_word_point(utf8proc_int32_t point)
{
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

/* The next word of @text: its bytes are taken off the front. False at the end. */
static bool
next_word(struct slice *text, struct slice *word)
{
    const uint8_t *start = NULL;
    while (text->size > 0) {
        utf8proc_int32_t point;
        utf8proc_ssize_t size = utf8proc_iterate(text->data, (utf8proc_ssize_t)text->size, &point);
        assert(size > 0); /* it is valid UTF-8, and was cut at blanks only */
        bool inside = is_word_point(point);
        if (start && !inside)
            break;
        if (inside && !start)
            start = text->data;
        *text = slice_of(text->data + size, text->size - (size_t)size);
    }
    if (!start)
        return false;
    *word = slice_of(start, (size_t)(text->data - start));
    return true;
}

static bool
is_of_name(struct slice word, struct slice name)
{
    struct slice part;
    while (next_word(&name, &part))
        if (part.size >= NAME_WORD_SIZE_MIN && slice_equal(part, word))
            return true;
    return false;
}

static void
append_word(struct buf *out, struct slice word)
{
    if (out->size > 0)
        buf_append(out, " ", 1);
    for (size_t i = 0; i < word.size; i++) {
        bool digit = word.data[i] <= '9'; /* what comes before 0 in ASCII is in no word */
        buf_append(out, digit ? (const uint8_t *)"0" : &word.data[i], 1);
    }
}

/* Blank-separated pieces first: a URL has letters, dots and slashes. */
static void
normalise_piece(struct slice piece, struct slice name, struct buf *out, bool *says_name)
{
    struct slice word;
    if (is_url(piece)) {
        append_word(out, slice_str("U"));
        return;
    }
    while (next_word(&piece, &word)) {
        bool named = is_of_name(word, name);
        *says_name = *says_name || named;
        append_word(out, named ? slice_str("N") : word);
    }
}

enum kith_err
text_note(struct slice note, struct slice name, struct buf *out, bool *says_name)
{
    struct buf text = {0}, folded_name = {0};
    enum kith_err err = fold(note, &text);
    if (err == KITH_OK && name.size > 0)
        err = fold(name, &folded_name);

    *says_name = name.size == 0;
    struct slice rest = buf_slice(&text);
    while (err == KITH_OK && rest.size > 0) {
        size_t size = 0;
        while (size < rest.size && rest.data[size] > ' ')
            size++;
        normalise_piece(slice_of(rest.data, size), buf_slice(&folded_name), out, says_name);
        size += size < rest.size;
        rest = slice_of(rest.data + size, rest.size - size);
    }
    buf_fini(&text);
    buf_fini(&folded_name);
    return err == KITH_OK && out->failed ? KITH_UNAVAILABLE : err;
}
