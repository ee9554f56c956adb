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

static utf8proc_int32_t
lower_point(utf8proc_int32_t point, void *data)
{
    (void)data;
    return utf8proc_tolower(point);
}

/* Append what utf8proc made, without the blanks around it. */
static enum kith_err
append_trimmed(utf8proc_uint8_t *result, utf8proc_ssize_t size, struct buf *out)
{
    if (size == UTF8PROC_ERROR_NOMEM)
        return KITH_UNAVAILABLE;
    if (size < 0)
        return KITH_BAD_CONTACT;
    struct slice trimmed = trim(slice_of(result, (size_t)size));
    buf_append(out, trimmed.data, trimmed.size);
    free(result);
    return out->failed ? KITH_UNAVAILABLE : KITH_OK;
}

/* Append NFKC of @text, without the blanks around it. */
static enum kith_err
normalise(struct slice text, struct buf *out)
{
    const int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_REJECTNA;
    utf8proc_uint8_t *result = NULL;
    utf8proc_ssize_t size =
        utf8proc_map(text.data, (utf8proc_ssize_t)text.size, &result, (utf8proc_option_t)options);
    return append_trimmed(result, size, out);
}

/* Append @text in lower case: not case folded, which makes ss of a sharp s, and one domain of
 * two. */
static enum kith_err
lower(struct slice text, struct buf *out)
{
    const int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    utf8proc_uint8_t *result = NULL;
    utf8proc_ssize_t size = utf8proc_map_custom(text.data, (utf8proc_ssize_t)text.size, &result,
                                                (utf8proc_option_t)options, lower_point, NULL);
    return append_trimmed(result, size, out);
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

/* Letters, digits and hyphens in labels (RFC 5321, 4.1.2). */
static bool
domain_is_good(const char *ascii)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
    return ascii[0] && ascii[0] != '.' && !strstr(ascii, "..") && !ascii[strspn(ascii, allowed)];
}

/* Append a domain in its ASCII form: what has other letters becomes A-labels. What a host's name
 * cannot hold is judged here: libidn2's own rule for it (STD3) leaves such characters out, and
 * would make one address of two. */
static enum kith_err
append_domain(struct slice domain, struct buf *out)
{
    char name[KITH_CONTACT_SIZE_MAX + 1], *ascii = NULL;
    if (domain.size < 1 || domain.size >= sizeof(name))
        return KITH_BAD_CONTACT;
    memcpy(name, domain.data, domain.size);
    name[domain.size] = 0;

    int rc = idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
        return rc == IDN2_MALLOC ? KITH_UNAVAILABLE : KITH_BAD_CONTACT;
    bool good = domain_is_good(ascii);
    buf_append(out, ascii, strlen(ascii));
    idn2_free(ascii);
    return good ? KITH_OK : KITH_BAD_CONTACT;
}

/* @text is normal already. */
static enum kith_err
append_email(struct slice text, struct buf *out)
{
    const uint8_t *at = text.size ? memrchr(text.data, '@', text.size) : NULL;
    if (!at)
        return KITH_BAD_CONTACT;
    struct slice local = slice_of(text.data, (size_t)(at - text.data));
    struct slice domain = slice_of(at + 1, text.size - local.size - 1);
    if (!local_part_is_good(local))
        return KITH_BAD_CONTACT;
    buf_append(out, local.data, local.size);
    buf_append(out, "@", 1);
    enum kith_err err = append_domain(domain, out);
    return out->failed ? KITH_UNAVAILABLE : err;
}

static enum kith_err
email(struct slice value, struct buf *out)
{
    struct buf plain = {0}, small = {0};
    enum kith_err err = normalise(value, &plain);
    if (err == KITH_OK)
        err = lower(buf_slice(&plain), &small);
    if (err == KITH_OK)
        err = append_email(buf_slice(&small), out);
    buf_fini(&plain);
    buf_fini(&small);
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
    enum kith_err err = normalise(value, out);
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
