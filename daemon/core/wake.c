#include "core/wake.h"

#include <xxhash.h>

#include "base/assert.h"

enum wake_kind { WAKE_ANY, WAKE_TYPE, WAKE_MEMBER, WAKE_MEMBER_TYPE, WAKE_SHARE };

/* A member with more types than this is waited for whatever the type: a key takes memory, and a
 * look in vain little time. */
#define MEMBER_TYPES_MAX 12

static void
put_key(const struct wake *wake, struct buf *out, enum wake_kind kind, struct slice name,
        unsigned type)
{
    uint64_t seed = wake->seed + ((uint64_t)kind << 8 | type);
    uint64_t key = XXH3_64bits_withSeed(name.data, name.size, seed);
    buf_append(out, &key, sizeof(key));
}

void
wake_begin(struct wake *wake)
{
    wake->types = 0;
    wake->moment = 0;
    wake->is_quiet = false;
    buf_clear(&wake->keys);
    buf_clear(&wake->wait);
}

void
wake_be_quiet(struct wake *wake)
{
    assert(wake->moment == 0);
    wake->is_quiet = true;
}

void
wake_fini(struct wake *wake)
{
    buf_fini(&wake->keys);
    buf_fini(&wake->wait);
}

/* --- what happened -------------------------------------------------------------------------- */

void
wake_note_event(struct wake *wake, const struct event *event)
{
    assert(event->type > EVENT_NONE && event->type < EVENT_TYPE_COUNT);
    wake->moment++;
    if (wake->is_quiet)
        return;
    wake->types |= UINT64_C(1) << event->type;
    for (unsigned bit = 0; event->audience >> bit; bit++) {
        struct slice member = event_audience_member(event, bit);
        if (member.size == 0)
            continue;
        put_key(wake, &wake->keys, WAKE_MEMBER, member, 0);
        put_key(wake, &wake->keys, WAKE_MEMBER_TYPE, member, (unsigned)event->type);
    }
}

void
wake_note_share(struct wake *wake, struct slice name)
{
    wake->moment++;
    if (!wake->is_quiet)
        put_key(wake, &wake->keys, WAKE_SHARE, name, 0);
}

bool
wake_list(struct wake *wake, const uint64_t **keys, unsigned *count)
{
    if (wake->is_quiet)
        return false;
    if (wake->types != 0)
        put_key(wake, &wake->keys, WAKE_ANY, slice_of("", 0), 0);
    for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++)
        if (wake->types >> type & 1)
            put_key(wake, &wake->keys, WAKE_TYPE, slice_of("", 0), type);
    wake->types = 0; /* they stand there now */
    *keys = (const uint64_t *)(const void *)wake->keys.data;
    *count = (unsigned)(wake->keys.size / sizeof(uint64_t));
    return !wake->keys.failed;
}

/* --- what is waited for --------------------------------------------------------------------- */

void
wake_wait_types(struct wake *wake, uint64_t types)
{
    if (types == WAKE_TYPES_ALL)
        put_key(wake, &wake->wait, WAKE_ANY, slice_of("", 0), 0);
    for (unsigned type = 0; type < EVENT_TYPE_COUNT && types != WAKE_TYPES_ALL; type++)
        if (types >> type & 1)
            put_key(wake, &wake->wait, WAKE_TYPE, slice_of("", 0), type);
}

void
wake_wait_member(struct wake *wake, struct slice member, uint64_t types)
{
    unsigned count = (unsigned)__builtin_popcountll(types);
    if (count > MEMBER_TYPES_MAX)
        put_key(wake, &wake->wait, WAKE_MEMBER, member, 0);
    for (unsigned type = 0; type < EVENT_TYPE_COUNT && count <= MEMBER_TYPES_MAX; type++)
        if (types >> type & 1)
            put_key(wake, &wake->wait, WAKE_MEMBER_TYPE, member, type);
}

void
wake_wait_share(struct wake *wake, struct slice name)
{
    put_key(wake, &wake->wait, WAKE_SHARE, name, 0);
}
