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

_Static_assert(PLACE_COUNT <= 64, "field sets are 64-bit masks");

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

static const char *const via_names[VIA_COUNT] = {
#define X(id, name) [VIA_##id] = name,
    VIA_LIST(X)
#undef X
};

static const char *const contact_kind_names[CONTACT_KIND_COUNT] = {
#define X(id, name) [CONTACT_##id] = name,
    CONTACT_KIND_LIST(X)
#undef X
};

const char *
event_type_name(uint64_t type)
{
    assert(type > EVENT_NONE && type < EVENT_TYPE_COUNT);
    return types[type].name;
}

static uint64_t
find(const char *const *names, unsigned count, struct slice name)
{
    for (unsigned i = 1; i < count; i++)
        if (slice_is(name, names[i]))
            return i;
    return 0;
}

const char *
via_name(uint64_t via)
{
    assert(via > VIA_NONE && via < VIA_COUNT);
    return via_names[via];
}

uint64_t
via_find(struct slice name)
{
    return find(via_names, VIA_COUNT, name);
}

const char *
contact_kind_name(uint64_t kind)
{
    assert(kind > CONTACT_NONE && kind < CONTACT_KIND_COUNT);
    return contact_kind_names[kind];
}

uint64_t
contact_kind_find(struct slice name)
{
    return find(contact_kind_names, CONTACT_KIND_COUNT, name);
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
    return out->type > EVENT_NONE && out->type < EVENT_TYPE_COUNT && out->via < VIA_COUNT &&
           out->kind < CONTACT_KIND_COUNT;
}

static void
render_value(struct buf *out, const struct field *field, const struct event *event)
{
    const void *value = (const uint8_t *)event + field->offset;
    char text[PUBLIC_ID_TEXT_SIZE];

    if (value == &event->via)
        write_cstr(out, via_name(event->via));
    else if (value == &event->kind)
        write_cstr(out, contact_kind_name(event->kind));
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

static void
render_audience(struct buf *out, const struct event *event)
{
    const struct slice members[] = {event->from, event->to, event->member, event->other,
                                    event->clicked};
    size_t place = write_open_array(out);
    uint32_t count = 0;

    for (unsigned i = 0; i < ARRAY_COUNT(members); i++)
        if (event->audience >> i & 1) {
            assert(members[i].size > 0);
            write_str(out, members[i]);
            count++;
        }
    write_close_array(out, place, count);
}

void
event_render(struct buf *out, const struct event *event, struct slice cause)
{
    assert(event->seq > 0);
    size_t place = write_open_map(out);
    uint32_t count = 7;

    write_cstr(out, "v");
    write_uint(out, 1);
    write_cstr(out, "seq");
    write_uint(out, event->seq);
    write_cstr(out, "at");
    write_int(out, event->at_ms);
    write_cstr(out, "type");
    write_cstr(out, event_type_name(event->type));
    write_cstr(out, "cause");
    if (cause.size > 0)
        write_str(out, cause);
    else
        write_nil(out);
    for (unsigned i = 0; i < PLACE_COUNT; i++) {
        const struct field *field = &fields[number_at_place[i]];
        if (!(types[event->type].wire_fields >> i & 1))
            continue;
        if (field->kind != FIELD_BOOL && field_is_zero(field, event))
            continue;
        write_cstr(out, field->name);
        render_value(out, field, event);
        count++;
    }
    write_cstr(out, "audience");
    render_audience(out, event);
    write_cstr(out, "notify");
    write_bool(out, event->notify);
    write_close_map(out, place, count);
}
