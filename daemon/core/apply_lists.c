#include "base/assert.h"
#include "base/endian.h"
#include "core/apply.h"

static void
note(struct apply *apply, const struct list_change *change)
{
    assert(apply->lists.count < LIST_CHANGES_MAX);
    apply->lists.at[apply->lists.count++] = *change;
    views_expect(apply->views, change->table, list_key_slice(&change->key));
}

void
list_put(struct apply *apply, enum view_table table, struct list_key key, uint64_t other)
{
    note(apply, &(struct list_change){table, true, key, other});
}

void
list_del(struct apply *apply, enum view_table table, struct list_key key)
{
    note(apply, &(struct list_change){table, false, key, 0});
}

void
lists_expect(const struct apply *apply)
{
    for (unsigned i = 0; i < apply->lists.count; i++) {
        const struct list_change *change = &apply->lists.at[i];
        views_expect_row(apply->views, change->table, list_key_slice(&change->key));
    }
}

void
lists_store(struct apply *apply)
{
    for (unsigned i = 0; i < apply->lists.count; i++) {
        const struct list_change *change = &apply->lists.at[i];
        struct slice key = list_key_slice(&change->key);
        uint8_t value[4];
        put_be32(value, (uint32_t)change->other);
        if (change->is_put)
            views_put(apply->views, change->table, key, slice_of(value, sizeof(value)));
        else
            views_del(apply->views, change->table, key);
    }
    apply->lists.count = 0;
}
