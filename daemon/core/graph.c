#include "core/graph.h"

#include <stdlib.h>

#include "base/assert.h"
#include "core/rows/lists.h"

/* Look up instead of merging where one list is this many times longer. */
#define LOOKUP_RATIO 16

static struct views_scan *
scan_adjacent(struct core *core, uint64_t member, uint64_t after)
{
    struct list_key prefix = list_of(member), from = list_by_number(member, after);
    return views_scan_begin(core->views, VIEW_ADJACENT, list_key_slice(&prefix),
                            after ? list_key_slice(&from) : (struct slice){0});
}

static uint64_t
scan_number(struct views_scan *scan)
{
    struct slice key, value;
    return views_scan_next(scan, &key, &value) ? get_be32(value.data) : 0;
}

static bool
are_adjacent(struct core *core, uint64_t a, uint64_t b)
{
    struct list_key key = list_by_number(a, b);
    return views_get(core->views, VIEW_ADJACENT, list_key_slice(&key)).data != NULL;
}

bool
graph_visible(struct core *core, const struct member *viewer, uint64_t number)
{
    struct member member;
    struct pair pair;
    assert(number != viewer->number); /* nobody is connected to himself */
    member_load(core->views, member_id(core->views, number), &member);
    if (!can_act(&member))
        return false;
    pair_load(core->views, viewer, &member, &pair);
    return pair.side[0].blocked_seq == 0 && pair.side[1].blocked_seq == 0;
}

/* --- common connections --------------------------------------------------------------------- */

void
common_begin(struct common *common, struct core *core, const struct member *a,
             const struct member *b, uint64_t after)
{
    if (a->connections > b->connections) {
        const struct member *longer = a;
        a = b;
        b = longer;
    }
    *common = (struct common){.core = core, .b_number = b->number};
    common->a = scan_adjacent(core, a->number, after);
    if (b->connections <= LOOKUP_RATIO * a->connections)
        common->b = scan_adjacent(core, b->number, after);
}

static uint64_t
next_by_lookup(struct common *common)
{
    uint64_t number;
    while ((number = scan_number(common->a)) != 0) {
        common->seen++;
        if (are_adjacent(common->core, common->b_number, number))
            break;
    }
    return number;
}

static uint64_t
next_by_merge(struct common *common)
{
    uint64_t a = scan_number(common->a), b = a ? scan_number(common->b) : 0;
    common->seen++;
    while (a != 0 && b != 0 && a != b) {
        common->seen++;
        if (a < b)
            a = scan_number(common->a);
        else
            b = scan_number(common->b);
    }
    return a == b ? a : 0;
}

uint64_t
common_next(struct common *common)
{
    return common->b ? next_by_merge(common) : next_by_lookup(common);
}

void
common_end(struct common *common)
{
    views_scan_end(common->a);
    if (common->b)
        views_scan_end(common->b);
}

static bool
is_active(struct core *core, uint64_t number)
{
    struct member member;
    member_load(core->views, member_id(core->views, number), &member);
    return can_act(&member);
}

uint64_t
graph_mutuals(struct core *core, const struct member *viewer, const struct member *other,
              uint64_t max, uint64_t budget)
{
    struct common common;
    uint64_t count = 0, number;
    if (viewer->connections == 0 || other->connections == 0)
        return 0;
    common_begin(&common, core, viewer, other, 0);
    while (count < max && common.seen < budget && (number = common_next(&common)) != 0)
        count += is_active(core, number);
    common_end(&common);
    return count;
}

/* --- a shortest way ------------------------------------------------------------------------- */

static bool
path_of_two(struct core *core, const struct member *viewer, const struct member *other,
            uint64_t *budget, struct path *out)
{
    struct common common;
    uint64_t number;
    bool found = false;

    common_begin(&common, core, viewer, other, 0);
    while (!found && common.seen < *budget && (number = common_next(&common)) != 0)
        if (graph_visible(core, viewer, number)) {
            *out = (struct path){.degree = 2, .via = {number}, .complete = true};
            found = true;
        }
    *budget = common.seen < *budget ? *budget - common.seen : 0;
    common_end(&common);
    return found;
}

/* Who is connected to @member, sorted by number, as far as the budget goes; NULL if memory is
 * short.
 */
static uint32_t *
neighbours(struct core *core, const struct member *member, uint64_t *budget, size_t *count)
{
    uint32_t *numbers = malloc((member->connections + 1) * sizeof(*numbers));
    struct views_scan *scan = scan_adjacent(core, member->number, 0);
    *count = 0;
    while (numbers && *count<member->connections && * budget> 0) {
        numbers[(*count)++] = (uint32_t)scan_number(scan);
        --*budget;
    }
    views_scan_end(scan);
    return numbers;
}

static bool
holds(const uint32_t *numbers, size_t count, uint64_t number)
{
    /* Written so that the compiler makes it a conditional move: most are not there. */
    const uint32_t *at = numbers;
    assert(count > 0);
    for (size_t left = count; left > 1;) {
        size_t half = left / 2;
        at += at[half - 1] < number ? half : 0;
        left -= half;
    }
    return *at == number;
}

/* One of the connections of @first that is among @far and that the viewer may see; 0: none. */
static uint64_t
meet(struct core *core, const struct member *viewer, uint64_t first, const uint32_t *far,
     size_t far_count, uint64_t *budget)
{
    struct views_scan *scan = scan_adjacent(core, first, 0);
    uint64_t number, met = 0;
    while (met == 0 && *budget > 0 && (number = scan_number(scan)) != 0) {
        --*budget;
        if (holds(far, far_count, number) && graph_visible(core, viewer, number))
            met = number;
    }
    views_scan_end(scan);
    return met;
}

/* From whichever end has fewer connections to try. */
static void
path_of_three(struct core *core, const struct member *viewer, const struct member *other,
              uint64_t *budget, struct path *out)
{
    size_t far_count, near_count;
    bool is_turned = other->connections < viewer->connections;
    uint32_t *far = neighbours(core, is_turned ? viewer : other, budget, &far_count);
    uint32_t *near = neighbours(core, is_turned ? other : viewer, budget, &near_count);

    if (!far || !near)
        core->err = KITH_UNAVAILABLE;
    for (size_t i = 0; far && near && i < near_count && out->degree == 0 && *budget > 0; i++) {
        if (!graph_visible(core, viewer, near[i]))
            continue;
        uint64_t met = meet(core, viewer, near[i], far, far_count, budget);
        if (met != 0)
            *out = (struct path){.degree = 3,
                                 .via = {is_turned ? met : near[i], is_turned ? near[i] : met},
                                 .complete = true};
    }
    free(far);
    free(near);
}

void
graph_path(struct core *core, const struct member *viewer, const struct member *other, unsigned max,
           struct path *out)
{
    uint64_t budget = (uint64_t)core->rules.settings->fof_budget;
    *out = (struct path){.complete = true};
    if (viewer->number == other->number || !can_act(other))
        return;
    if (are_adjacent(core, viewer->number, other->number)) {
        out->degree = 1;
        return;
    }
    if (max < 2 || viewer->connections == 0 || other->connections == 0)
        return;
    if (path_of_two(core, viewer, other, &budget, out) || max < 3)
        return;
    path_of_three(core, viewer, other, &budget, out);
    out->complete = out->degree > 0 || budget > 0;
}
