#include "core/text.h"

#include <idn2.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/assert.h"
#include "proto/limits.h"

#define PHONE_DIGITS_MIN 7 /* the shortest numbers in use; 15 is E.164's limit */
#define PHONE_DIGITS_MAX 15

static bool
is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] >= 0x80)
            return false;
    return true;
}

size_t
text_length(struct slice text)
{
    utf8proc_int32_t points[4 * KITH_NOTE_SIZE_MAX]; /* NFC never takes more than 3 for one */
    const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;

    assert(text.size <= KITH_NOTE_SIZE_MAX);
    if (is_ascii(text))
        return text.size;
    utf8proc_ssize_t count = utf8proc_decompose(text.data, (utf8proc_ssize_t)text.size, points,
                                                (utf8proc_ssize_t)ARRAY_COUNT(points), options);
    assert(count >= 0 && (size_t)count <= ARRAY_COUNT(points));
    return (size_t)utf8proc_normalize_utf32(points, count, options);
}

static bool
is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static struct slice
trim(struct slice text)
{
    while (text.size > 0 && is_blank(text.data[0]))
        text = slice_of(text.data + 1, text.size - 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

/* Append NFKC of @text, in lower case if @fold. */
static enum kith_err
normalise(struct slice text, bool fold, struct buf *out)
{
    utf8proc_uint8_t *result = NULL;
    int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_REJECTNA;
    if (fold)
        options |= UTF8PROC_CASEFOLD;
    utf8proc_ssize_t size =
        utf8proc_map(text.data, (utf8proc_ssize_t)text.size, &result, (utf8proc_option_t)options);
    if (size == UTF8PROC_ERROR_NOMEM)
        return KITH_UNAVAILABLE;
    if (size < 0)
        return KITH_BAD_CONTACT;
    struct slice trimmed = trim(slice_of(result, (size_t)size));
    buf_append(out, trimmed.data, trimmed.size);
    free(result);
    return out->failed ? KITH_UNAVAILABLE : KITH_OK;
}

/* --- e-mail --------------------------------------------------------------------------------- */

static bool
local_part_is_good(struct slice local)
{
    if (local.size < 1 || local.size > 64) /* RFC 5321, 4.5.3.1.1 */
        return false;
    for (size_t i = 0; i < local.size; i++)
        if (local.data[i] <= ' ' || local.data[i] == 0x7f || local.data[i] == '@')
            return false;
    return true;
}

/* Append a domain in its ASCII form: what has other letters becomes A-labels. */
static enum kith_err
append_domain(struct slice domain, struct buf *out)
{
    char name[KITH_CONTACT_SIZE_MAX + 1], *ascii = NULL;
    if (domain.size < 1 || domain.size >= sizeof(name))
        return KITH_BAD_CONTACT;
    memcpy(name, domain.data, domain.size);
    name[domain.size] = 0;

    int rc = idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
    if (rc != IDN2_OK)
        return rc == IDN2_MALLOC ? KITH_UNAVAILABLE : KITH_BAD_CONTACT;
    bool good = ascii[0] && ascii[0] != '.' && !strstr(ascii, "..");
    buf_append(out, ascii, strlen(ascii));
    idn2_free(ascii);
    return good ? KITH_OK : KITH_BAD_CONTACT;
}

static enum kith_err
email(struct slice value, struct buf *out)
{
    struct buf plain = {0};
    enum kith_err err = normalise(value, true, &plain);
    const uint8_t *at = err == KITH_OK && plain.size ? memrchr(plain.data, '@', plain.size) : NULL;

    if (err == KITH_OK && !at)
        err = KITH_BAD_CONTACT;
    if (err == KITH_OK) {
        struct slice local = slice_of(plain.data, (size_t)(at - plain.data));
        struct slice domain = slice_of(at + 1, plain.size - local.size - 1);
        buf_append(out, local.data, local.size);
        buf_append(out, "@", 1);
        err = local_part_is_good(local) ? append_domain(domain, out) : KITH_BAD_CONTACT;
        if (out->failed)
            err = KITH_UNAVAILABLE;
    }
    buf_fini(&plain);
    return err;
}

/* --- phone ---------------------------------------------------------------------------------- */

static enum kith_err
phone(struct slice value, struct buf *out)
{
    struct slice text = trim(value);
    size_t start = out->size;
    if (text.size == 0 || text.data[0] != '+')
        return KITH_BAD_CONTACT; /* without its country a number is not one address */
    buf_append(out, "+", 1);
    for (size_t i = 1; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c >= '0' && c <= '9')
            buf_append(out, &c, 1);
        else if (c == 0 || !strchr(" .-()/", c))
            return KITH_BAD_CONTACT;
    }
    if (out->failed)
        return KITH_UNAVAILABLE;
    size_t digits = out->size - start - 1;
    bool good = digits >= PHONE_DIGITS_MIN && digits <= PHONE_DIGITS_MAX;
    return good && out->data[start + 1] != '0' ? KITH_OK : KITH_BAD_CONTACT;
}

enum kith_err
text_contact(struct slice kind, struct slice value, struct buf *out)
{
    size_t start = out->size;
    if (slice_is(kind, "email"))
        return email(value, out);
    if (slice_is(kind, "phone"))
        return phone(value, out);
    assert(slice_is(kind, "opaque"));
    enum kith_err err = normalise(value, false, out);
    return err == KITH_OK && out->size == start ? KITH_BAD_CONTACT : err;
}

/* --- names -------------------------------------------------------------------------------------
 */

static bool
is_letter(uint8_t byte)
{
    return (byte | 32) >= 'a' && (byte | 32) <= 'z';
}

/* A scheme, an @, or a dot with letters or digits before it and two letters behind: J.R. is a name,
 * spam.example is not. */
static bool
is_address(struct slice word)
{
    for (size_t i = 0; i < word.size; i++) {
        const uint8_t *at = word.data + i;
        size_t left = word.size - i;
        if (*at == '@' || (left >= 3 && memcmp(at, "://", 3) == 0))
            return true;
        if (*at == '.' && i > 0 && at[-1] != '.' && left >= 3 && is_letter(at[1]) &&
            is_letter(at[2]))
            return true;
    }
    return false;
}

/* How much of @text its first @count_max code points take. */
static size_t
prefix_size(struct slice text, size_t count_max)
{
    size_t size = 0;
    for (size_t count = 0; size < text.size; size++)
        if ((text.data[size] & 0xc0) != 0x80 && count++ == count_max)
            break;
    return size;
}

void
text_name(struct slice name, struct buf *out)
{
    size_t start = out->size, at = 0;
    while (at < name.size) {
        size_t end = at;
        while (end < name.size && name.data[end] != ' ')
            end++;
        struct slice word = slice_of(name.data + at, end - at);
        if (word.size > 0 && !is_address(word)) {
            if (out->size > start)
                buf_append(out, " ", 1);
            buf_append(out, word.data, word.size);
        }
        at = end + 1;
    }
    if (!out->failed && out->size > start)
        out->size = start + prefix_size(slice_of(out->data + start, out->size - start),
                                        TEXT_NAME_LENGTH_MAX);
}
