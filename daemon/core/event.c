#include "core/event.h"

#include "base/assert.h"
#include "codec/writer.h"

static const struct field fields[] = {
#define X(number, field, kind, wire) [number] = FIELD_ROW(struct event, field, kind, wire),
    EVENT_FIELD_LIST(X)
#undef X
};

/* Each field's bit is its place in the list, in which order it also goes on the wire. */
enum {
#define X(number, field, kind, wire) PLACE_##field,
    EVENT_FIELD_LIST(X)
#undef X
        PLACE_COUNT
};

/* What says to which command an event belongs comes last, and never goes on the wire. */
_Static_assert(PLACE_head_id <= 64, "sets of fields on the wire are 64-bit masks");

static const uint8_t number_at_place[PLACE_COUNT] = {
#define X(number, field, kind, wire) [PLACE_##field] = number,
    EVENT_FIELD_LIST(X)
#undef X
};

struct type_row {
    const char *name;
    uint64_t wire_fields;
};

#define F(field) (UINT64_C(1) << PLACE_##field)
static const struct type_row types[EVENT_TYPE_COUNT] = {
#define X(number, id, name, fields) [number] = {name, fields},
    EVENT_TYPE_LIST(X)
#undef X
};
#undef F

#define X(id, name) name,
static const char *const via_names[] = {NULL, VIA_LIST(X)};
static const char *const contact_kind_names[] = {NULL, CONTACT_KIND_LIST(X)};
static const char *const reason_names[] = {NULL, REASON_LIST(X)};
static const char *const report_names[] = {NULL, REPORT_LIST(X)};
static const char *const interaction_names[] = {NULL, INTERACTION_LIST(X)};
static const char *const delivery_names[] = {NULL, DELIVERY_LIST(X)};
static const char *const removal_names[] = {NULL, REMOVAL_LIST(X)};
static const char *const accept_names[] = {NULL, ACCEPT_LIST(X)};
#undef X

const struct words via_words = {via_names, ARRAY_COUNT(via_names)};
const struct words contact_kind_words = {contact_kind_names, ARRAY_COUNT(contact_kind_names)};
const struct words reason_words = {reason_names, ARRAY_COUNT(reason_names)};
const struct words report_words = {report_names, ARRAY_COUNT(report_names)};
const struct words interaction_words = {interaction_names, ARRAY_COUNT(interaction_names)};
const struct words removal_words = {removal_names, ARRAY_COUNT(removal_names)};
const struct words delivery_words = {delivery_names, ARRAY_COUNT(delivery_names)};
const struct words accept_words = {accept_names, ARRAY_COUNT(accept_names)};

/* Fields whose number stands for a word. */
static const struct {
    size_t offset;
    const struct words *words;
} worded[] = {
    {offsetof(struct event, via), &via_words},
    {offsetof(struct event, kind), &contact_kind_words},
    {offsetof(struct event, reason), &reason_words},
    {offsetof(struct event, report), &report_words},
    {offsetof(struct event, interaction), &interaction_words},
    {offsetof(struct event, removal), &removal_words},
    {offsetof(struct event, delivery), &delivery_words},
};

const char *
event_type_name(uint64_t type)
{
    assert(type > EVENT_NONE && type < EVENT_TYPE_COUNT);
    return types[type].name;
}

const char *
words_name(const struct words *words, uint64_t value)
{
    assert(value > 0 && value < words->count);
    return words->names[value];
}

uint64_t
words_find(const struct words *words, struct slice name)
{
    for (unsigned i = 1; i < words->count; i++)
        if (slice_is(name, words->names[i]))
            return i;
    return 0;
}

static const struct words *
words_of(const struct field *field)
{
    for (unsigned i = 0; i < ARRAY_COUNT(worded); i++)
        if (worded[i].offset == field->offset)
            return worded[i].words;
    return NULL;
}

void
event_encode(struct buf *out, const struct event *event)
{
    assert(event->type > EVENT_NONE && event->type < EVENT_TYPE_COUNT);
    fields_encode(out, fields, ARRAY_COUNT(fields), event);
}

bool
event_decode(struct slice body, struct event *out)
{
    *out = (struct event){0};
    if (!fields_decode(body, fields, ARRAY_COUNT(fields), out))
        return false;
    for (unsigned i = 0; i < ARRAY_COUNT(worded); i++) {
        const void *value = (const uint8_t *)out + worded[i].offset;
        if (*(const uint64_t *)value >= worded[i].words->count)
            return false;
    }
    return out->type > EVENT_NONE && out->type < EVENT_TYPE_COUNT;
}

static void
render_value(struct buf *out, const struct field *field, const struct event *event)
{
    const void *value = (const uint8_t *)event + field->offset;
    char text[PUBLIC_ID_TEXT_SIZE];

    const struct words *words = words_of(field);
    if (words)
        write_cstr(out, words_name(words, *(const uint64_t *)value));
    else if (field->kind == FIELD_UINT)
        write_uint(out, *(const uint64_t *)value);
    else if (field->kind == FIELD_BOOL)
        write_bool(out, *(const bool *)value);
    else if (field->kind == FIELD_TEXT)
        write_str(out, *(const struct slice *)value);
    else {
        assert(field->kind == FIELD_ID); /* what is BYTES never goes on the wire */
        public_id_text(value, text);
        write_str(out, slice_of(text, sizeof(text)));
    }
}

bool
event_has_audience(const struct event *event, struct slice member)
{
    for (unsigned i = 0; i < AUDIENCE_COUNT; i++)
        if (event->audience >> i & 1 && slice_equal(event_audience_member(event, i), member))
            return true;
    return false;
}

static void
render_audience(struct buf *out, const struct event *event)
{
    size_t place = write_open_array(out);
    uint32_t count = 0;

    for (unsigned i = 0; i < AUDIENCE_COUNT; i++)
        if (event->audience >> i & 1) {
            struct slice member = event_audience_member(event, i);
            assert(member.size > 0);
            write_str(out, member);
            count++;
        }
    write_close_array(out, place, count);
}

/* Both begin alike. Returns how many entries it wrote. */
static uint32_t
render_head(struct buf *out, const struct event *event)
{
    assert(event->seq > 0);
    write_cstr(out, "v");
    write_uint(out, 1);
    write_cstr(out, "seq");
    write_uint(out, event->seq);
    write_cstr(out, "at");
    write_int(out, event->at_ms);
    write_cstr(out, "type");
    write_cstr(out, event_type_name(event->type));
    return 4;
}

/* The fields of its type but for those of the set @hidden. */
static uint32_t
render_fields(struct buf *out, const struct event *event, uint64_t hidden)
{
    uint32_t count = 0;
    for (uint64_t left = types[event->type].wire_fields & ~hidden; left; left &= left - 1) {
        const struct field *field = &fields[number_at_place[__builtin_ctzll(left)]];
        if (field->kind != FIELD_BOOL && field_is_zero(field, event))
            continue;
        write_cstr(out, field->name);
        render_value(out, field, event);
        count++;
    }
    return count;
}

void
event_render(struct buf *out, const struct event *event, struct slice cause)
{
    size_t place = write_open_map(out);
    uint32_t count = render_head(out, event);

    write_cstr(out, "cause");
    if (cause.size > 0)
        write_str(out, cause);
    else
        write_nil(out);
    count += render_fields(out, event, 0);
    write_cstr(out, "audience");
    render_audience(out, event);
    write_cstr(out, "notify");
    write_bool(out, event->notify);
    write_close_map(out, place, count + 3);
}

void
event_render_in_feed(struct buf *out, const struct event *event, struct slice cause)
{
    size_t place = write_open_map(out);
    uint32_t count = render_head(out, event);

    if (cause.size > 0) {
        write_cstr(out, "cause");
        write_str(out, cause);
        count++;
    }
    count += render_fields(out, event, UINT64_C(1) << PLACE_removal);
    write_close_map(out, place, count);
}
