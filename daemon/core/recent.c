#include "core/recent.h"

#include "base/assert.h"

static bool
is_member(const struct recent *recent, unsigned index, struct slice id)
{
    return slice_equal(recent->members[index].id, id);
}

static void
copy(const struct recent *recent, unsigned index, struct slice id, struct member *out)
{
    *out = recent->members[index];
    out->id = id;
}

static void
keep_member(struct recent *recent, unsigned index, const struct member *member)
{
    assert(member->id.size > 0 && member->id.size <= KITH_MEMBER_SIZE_MAX);
    recent->members[index] = *member;
    memcpy(recent->ids[index], member->id.data, member->id.size);
    recent->members[index].id = slice_of(recent->ids[index], member->id.size);
}

static void
load(struct recent *recent, struct views *views, struct member *a, struct member *b,
     struct pair *pair)
{
    member_load(views, a->id, a);
    member_load(views, b->id, b);
    recent->moment = 0;
    *pair = (struct pair){0};
    if (!a->known || !b->known)
        return;
    pair_load(views, a, b, pair);
    if (views_error(views) != KITH_OK)
        return;
    keep_member(recent, 0, a);
    keep_member(recent, 1, b);
    recent->pair = *pair;
    recent->moment = views_moment(views) + 1;
}

void
recent_load(struct recent *recent, struct views *views, struct slice a, struct slice b,
            struct member *out_a, struct member *out_b, struct pair *pair)
{
    bool valid = recent->moment == views_moment(views) + 1 && views_error(views) == KITH_OK;
    unsigned index = valid && is_member(recent, 1, a); /* of @a, if it is one of the two */
    if (!valid || !is_member(recent, index, a) || !is_member(recent, !index, b)) {
        out_a->id = a;
        out_b->id = b;
        load(recent, views, out_a, out_b, pair);
        return;
    }
    copy(recent, index, a, out_a);
    copy(recent, !index, b, out_b);
    *pair = recent->pair;
}
