/* What people hand back: public ids and tokens as they type them, and the texts that are
 * normalised. The first byte says which. */
#include "base/assert.h"
#include "codec/check.h"
#include "core/ids.h"
#include "core/text.h"
#include "fuzz/fuzz.h"
#include "proto/limits.h"

#define KIND_COUNT 3

/* An id has one spelling. */
static void
parse_id(struct slice text)
{
    struct public_id id;
    char again[PUBLIC_ID_TEXT_SIZE];
    if (!public_id_parse(text, &id))
        return;
    public_id_text(&id, again);
    assert(slice_equal(text, slice_of(again, sizeof(again))));
}

static void
hash_token(struct slice text)
{
    uint8_t first[TOKEN_HASH_SIZE], second[TOKEN_HASH_SIZE];
    token_hash(text, first);
    token_hash(text, second);
    assert(memcmp(first, second, sizeof(first)) == 0);
}

/* Contacts: normalised twice is normalised once, or two spellings would be two contacts. */
static void
normalise_contact(const char *kind, struct slice text)
{
    struct buf first = {0}, second = {0};
    if (text_contact(slice_str(kind), text, &first) == KITH_OK) {
        enum kith_err err = text_contact(slice_str(kind), buf_slice(&first), &second);
        assert(err == KITH_OK);
        assert(slice_equal(buf_slice(&first), buf_slice(&second)));
    }
    buf_fini(&first);
    buf_fini(&second);
}

static size_t
count_points(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += (text.data[i] & 0xc0) != 0x80;
    return count;
}

static void
normalise_note(struct slice text)
{
    struct buf note = {0}, name = {0};
    bool says_name;
    size_t half = text.size / 2;
    while (half > 0 && (text.data[half] & 0xc0) == 0x80)
        half--; /* between two characters */
    assert(text_length(text) <= text.size);
    enum kith_err err = text_note(text, slice_of(text.data, half), &note, &says_name);
    assert(err == KITH_OK && check_utf8(buf_slice(&note)));
    text_name(text, &name);
    assert(check_utf8(buf_slice(&name)) && count_points(buf_slice(&name)) <= TEXT_NAME_LENGTH_MAX);
    buf_fini(&note);
    buf_fini(&name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice text = slice_of(data + 1, size - 1);
    if (text.size > KITH_CONTACT_SIZE_MAX || !check_utf8(text)) {
        parse_id(text);
        return 0;
    }
    switch (data[0] % KIND_COUNT) {
    case 0:
        parse_id(text);
        hash_token(text);
        break;
    case 1:
        normalise_contact("email", text);
        normalise_contact("phone", text);
        normalise_contact("opaque", text);
        break;
    default:
        normalise_note(text);
        break;
    }
    return 0;
}
