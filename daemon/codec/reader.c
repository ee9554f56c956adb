#include "codec/reader.h"

#include "base/assert.h"
#include "codec/format.h"

/* A fault moves the reader to its end, where every later read fails by itself: no accessor has to
 * ask for `bad`. */
static void
spoil(struct reader *reader)
{
    reader->bad = true;
    reader->at = reader->end;
}

void
reader_init(struct reader *reader, struct slice bytes)
{
    assert(bytes.data || bytes.size == 0);
    reader->at = bytes.data;
    reader->end = bytes.size > 0 ? bytes.data + bytes.size : bytes.data;
    reader->bad = false;
}

/* The head of the next value, which stays unread; false at the end and where it is cut short. */
static inline bool
peek_head(const struct reader *reader, struct head *head)
{
    return reader->at != reader->end && format_head(reader->at, reader->end, head);
}

static inline size_t
bytes_left(const struct reader *reader, const struct head *head)
{
    return (size_t)(reader->end - head->next);
}

/* The value of a FORMAT_INT head: its number with the sign extended. */
static inline int64_t
signed_number(const struct head *head)
{
    unsigned bits = head->width ? 8u * head->width : 8u;
    return (int64_t)(head->number << (64 - bits)) >> (64 - bits);
}

enum reader_type
reader_peek(const struct reader *reader)
{
    static const enum reader_type types[] = {
        [FORMAT_NIL] = READER_NIL,   [FORMAT_BOOL] = READER_BOOL,    [FORMAT_UINT] = READER_UINT,
        [FORMAT_INT] = READER_INT,   [FORMAT_FLOAT] = READER_FLOAT,  [FORMAT_STR] = READER_STR,
        [FORMAT_BIN] = READER_BIN,   [FORMAT_ARRAY] = READER_ARRAY,  [FORMAT_MAP] = READER_MAP,
        [FORMAT_EXT] = READER_OTHER, [FORMAT_UNUSED] = READER_OTHER,
    };
    struct head head;
    if (!peek_head(reader, &head))
        return READER_NONE;
    if (head.kind == FORMAT_INT && signed_number(&head) >= 0)
        return READER_UINT;
    return types[head.kind];
}

/* Small numbers and short strings, which most values are, have no use for the table. */
#define FIXINT_MAX      0x7f
#define FIXSTR          0xa0
#define FIXSTR_SIZE_MAX 0x1f

uint64_t
reader_uint(struct reader *reader)
{
    if (reader->at != reader->end && *reader->at <= FIXINT_MAX)
        return *reader->at++;
    struct head head;
    bool known = peek_head(reader, &head);
    if (known &&
        (head.kind == FORMAT_UINT || (head.kind == FORMAT_INT && signed_number(&head) >= 0))) {
        reader->at = head.next;
        return head.number;
    }
    spoil(reader);
    return 0;
}

int64_t
reader_int(struct reader *reader)
{
    struct head head;
    bool known = peek_head(reader, &head);
    if (known && head.kind == FORMAT_INT) {
        reader->at = head.next;
        return signed_number(&head);
    }
    if (known && head.kind == FORMAT_UINT && head.number <= INT64_MAX) {
        reader->at = head.next;
        return (int64_t)head.number;
    }
    spoil(reader);
    return 0;
}

bool
reader_bool(struct reader *reader)
{
    struct head head;
    if (peek_head(reader, &head) && head.kind == FORMAT_BOOL) {
        reader->at = head.next;
        return head.number != 0;
    }
    spoil(reader);
    return false;
}

static double
float_number(const struct head *head)
{
    assert(head->width == 4 || head->width == 8);
    double wide;
    float narrow;
    if (head->width == 8) {
        memcpy(&wide, &head->number, sizeof(wide));
        return wide;
    }
    uint32_t bits = (uint32_t)head->number;
    memcpy(&narrow, &bits, sizeof(narrow));
    return narrow;
}

double
reader_float(struct reader *reader)
{
    struct head head;
    if (peek_head(reader, &head)) {
        reader->at = head.next;
        if (head.kind == FORMAT_FLOAT)
            return float_number(&head);
        if (head.kind == FORMAT_UINT)
            return (double)head.number;
        if (head.kind == FORMAT_INT)
            return (double)signed_number(&head);
    }
    spoil(reader);
    return 0;
}

/* Whether a str of at most 31 bytes is next, and whole; then how long it is. */
static inline bool
is_short_str(const struct reader *reader, size_t *size)
{
    if (reader->at == reader->end)
        return false;
    *size = *reader->at ^ FIXSTR;
    return *size <= FIXSTR_SIZE_MAX && *size < (size_t)(reader->end - reader->at);
}

/* The body of a str, or of either kind of byte string. */
static inline struct slice
read_body(struct reader *reader, bool or_bin)
{
    size_t size;
    if (is_short_str(reader, &size)) {
        reader->at += 1 + size;
        return slice_of(reader->at - size, size);
    }
    struct head head;
    bool known = peek_head(reader, &head);
    if (!known || (head.kind != FORMAT_STR && !(or_bin && head.kind == FORMAT_BIN)) ||
        head.number > bytes_left(reader, &head)) {
        spoil(reader);
        return slice_of(NULL, 0);
    }
    reader->at = head.next + head.number;
    return slice_of(head.next, head.number);
}

struct slice
reader_str(struct reader *reader)
{
    return read_body(reader, false);
}

struct slice
reader_bin(struct reader *reader)
{
    return read_body(reader, true);
}

void
reader_nil(struct reader *reader)
{
    struct head head;
    if (peek_head(reader, &head) && head.kind == FORMAT_NIL)
        reader->at = head.next;
    else
        spoil(reader);
}

/* A count that the bytes cannot hold is a fault, so that nobody loops over a hostile promise. */
static inline uint32_t
read_count(struct reader *reader, enum format_kind kind)
{
    struct head head;
    if (!peek_head(reader, &head) || head.kind != kind ||
        head.number << (kind == FORMAT_MAP) > bytes_left(reader, &head)) {
        spoil(reader);
        return 0;
    }
    reader->at = head.next;
    return (uint32_t)head.number;
}

uint32_t
reader_array(struct reader *reader)
{
    return read_count(reader, FORMAT_ARRAY);
}

uint32_t
reader_map(struct reader *reader)
{
    return read_count(reader, FORMAT_MAP);
}

/* Move behind one head and its body; @pending grows by the elements it announces. */
static bool
skip_one(struct reader *reader, size_t *pending)
{
    struct head head;
    if (!peek_head(reader, &head) || head.kind == FORMAT_UNUSED)
        return false;
    reader->at = head.next;

    size_t body = 0;
    if (head.kind == FORMAT_STR || head.kind == FORMAT_BIN || head.kind == FORMAT_EXT)
        body = head.number;
    else if (head.kind == FORMAT_ARRAY || head.kind == FORMAT_MAP)
        *pending += head.number << (head.kind == FORMAT_MAP);

    /* Each value that is still to come takes a byte at least. */
    size_t left = bytes_left(reader, &head);
    if (body > left || *pending > left - body)
        return false;
    reader->at += body;
    return true;
}

struct slice
reader_skip(struct reader *reader)
{
    const uint8_t *start = reader->at;
    size_t pending = 1, size;
    if (is_short_str(reader, &size)) {
        reader->at += 1 + size;
        return slice_of(start, 1 + size);
    }
    while (pending > 0) {
        pending--;
        if (!skip_one(reader, &pending)) {
            spoil(reader);
            return slice_of(NULL, 0);
        }
    }
    return slice_of(start, (size_t)(reader->at - start));
}
