/* Friends of friends, counted and ranked. */
#include <stdlib.h>

#include "base/assert.h"
#include "core/graph.h"
#include "core/rows/lists.h"

/* Counting: an open hash from number to how many connections lead to him. */
struct slot {
    uint32_t number; /* 0: free */
    uint32_t count;
};

struct tally_map {
    struct slot *slots;
    size_t mask, count;
};

/* The table begins with so many slots, and doubles when half of them are taken. Candidates beyond
 * the most are not counted; it takes 2 MiB then. */
#define SLOT_COUNT_MIN      ((size_t)1024)
#define CANDIDATE_COUNT_MAX ((size_t)131072)

/* Of the candidates, those with the most mutual connections are looked at more closely. What else
 * counts is small beside them, and to look at all could take a tenth of a second. */
#define CONSIDERED_COUNT_MAX 2000

static bool
map_init(struct tally_map *map, size_t slot_count)
{
    assert((slot_count & (slot_count - 1)) == 0);
    map->mask = slot_count - 1;
    map->count = 0;
    map->slots = calloc(slot_count, sizeof(*map->slots));
    return map->slots != NULL;
}

/* The slot of @number, or the free one where it belongs. */
static struct slot *
map_find(const struct tally_map *map, uint64_t number)
{
    size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & map->mask;
    while (map->slots[at].number != 0 && map->slots[at].number != number)
        at = (at + 1) & map->mask;
    return &map->slots[at];
}

/* Make room for one more. False if memory is short: the map stays as it was. */
static bool
map_reserve(struct tally_map *map)
{
    struct tally_map larger;
    if (2 * map->count <= map->mask || map->count >= CANDIDATE_COUNT_MAX)
        return true;
    if (!map_init(&larger, 2 * (map->mask + 1)))
        return false;
    for (size_t i = 0; i <= map->mask; i++)
        if (map->slots[i].number != 0)
            *map_find(&larger, map->slots[i].number) = map->slots[i];
    larger.count = map->count;
    free(map->slots);
    *map = larger;
    return true;
}

/* False if memory is short. */
static bool
map_add(struct tally_map *map, uint64_t number)
{
    if (!map_reserve(map))
        return false;
    struct slot *slot = map_find(map, number);
    if (slot->number == 0 && map->count++ >= CANDIDATE_COUNT_MAX)
        return true;
    slot->number = (uint32_t)number;
    slot->count++;
    return true;
}

/* Connected already: not a candidate. A free slot stays free. */
static void
map_drop(struct tally_map *map, uint64_t number)
{
    map_find(map, number)->count = 0;
}

static void
drop_friends(struct core *core, const struct member *member, struct tally_map *map)
{
    struct list_key mine = list_of(member->number);
    struct slice key, value;
    struct views_scan *friends =
        views_scan_begin(core->views, VIEW_ADJACENT, list_key_slice(&mine), (struct slice){0});
    map_drop(map, member->number);
    while (views_scan_next(friends, &key, &value))
        map_drop(map, get_be32(value.data));
    views_scan_end(friends);
}

/* More mutual connections first; of equals, who registered earlier. */
static int
by_count(const void *left, const void *right)
{
    const struct slot *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* Move the candidates to the front, best first; returns how many there are. */
static size_t
map_sort(struct tally_map *map)
{
    size_t count = 0;
    for (size_t i = 0; i <= map->mask; i++)
        if (map->slots[i].count > 0)
            map->slots[count++] = map->slots[i];
    qsort(map->slots, count, sizeof(*map->slots), by_count);
    return count;
}

static void
count_friends(struct core *core, const struct member *member, struct tally_map *map)
{
    uint64_t budget = (uint64_t)core->rules.settings->fof_budget;
    struct list_key mine = list_of(member->number);
    struct slice key, value, none = {0};
    struct views_scan *friends =
        views_scan_begin(core->views, VIEW_ADJACENT, list_key_slice(&mine), none);

    while (budget > 0 && views_scan_next(friends, &key, &value)) {
        uint64_t friend = get_be32(value.data);
        budget--;
        if (!graph_visible(core, member, friend))
            continue;
        struct list_key theirs = list_of(friend);
        struct views_scan *scan =
            views_scan_begin(core->views, VIEW_ADJACENT, list_key_slice(&theirs), none);
        while (budget > 0 && views_scan_next(scan, &key, &value)) {
            budget--;
            if (!map_add(map, get_be32(value.data))) {
                core->err = KITH_UNAVAILABLE;
                budget = 0;
            }
        }
        views_scan_end(scan);
    }
    views_scan_end(friends);
}

/* --- ranking -------------------------------------------------------------------------------- */

/* Better first; of equals, who registered earlier. */
static bool
is_better(const struct suggestion *a, const struct suggestion *b)
{
    if (a->busy != b->busy)
        return b->busy;
    if (a->score != b->score)
        return a->score > b->score;
    return a->number < b->number;
}

/* Put @one into the ranked list of at most @limit. */
static unsigned
rank(struct suggestion *out, unsigned count, unsigned limit, const struct suggestion *one)
{
    unsigned at = count;
    if (count == limit && !is_better(one, &out[count - 1]))
        return count;
    if (count < limit)
        count++;
    else
        at--;
    for (; at > 0 && is_better(one, &out[at - 1]); at--)
        out[at] = out[at - 1];
    out[at] = *one;
    return count;
}

/* Did either decline or remove the other not long ago, as far as the member knows? */
static bool
keeps_apart(const struct pair_side *mine, const struct pair_side *theirs, msec_t now_ms)
{
    return pair_side_is_removed(mine, now_ms) || (msec_t)theirs->hidden_ms > now_ms;
}

/* Did either ask the other, as far as the one on @side knows? */
static bool
knows_of_request(const struct pair *pair, unsigned side, msec_t now_ms)
{
    return pair_is_pending_from(pair, side, now_ms) || pair_is_answerable(pair, now_ms);
}

/* Whom the member will not be shown, and how the rest score. */
static bool
consider(struct core *core, const struct member *member, uint64_t number, uint64_t mutuals,
         struct suggestion *out)
{
    struct member other;
    struct pair pair;
    msec_t now_ms = core->decision.now_ms;

    assert(number != member->number); /* he was dropped with his connections */
    member_load(core->views, member_id(core->views, number), &other);
    if (!can_act(&other))
        return false;
    pair_load(core->views, member, &other, &pair);
    unsigned side = pair_side_of(member, &other);
    pair_show(&pair, side, now_ms);
    uint64_t busy = rules_tier(&core->rules, &other)->inbound_day;
    assert(pair.state != PAIR_CONNECTED);
    if (knows_of_request(&pair, side, now_ms))
        return false;
    if (pair.side[0].blocked_seq || pair.side[1].blocked_seq || pair.side[side].dismissed)
        return false;
    if (keeps_apart(&pair.side[side], &pair.side[!side], now_ms))
        return false;
    *out = (struct suggestion){
        .number = number,
        .mutuals = mutuals,
        .score =
            mutuals + pair.side[side].weight + interests_shared(member->interests, other.interests),
        .busy = busy > 0 && other.incoming >= busy,
    };
    return true;
}

unsigned
graph_suggest(struct core *core, const struct member *member, unsigned limit,
              struct suggestion *out)
{
    struct tally_map map;
    unsigned count = 0;
    assert(limit > 0 && limit <= SUGGESTION_COUNT_MAX);
    if (!map_init(&map, SLOT_COUNT_MIN)) {
        core->err = KITH_UNAVAILABLE;
        return 0;
    }
    count_friends(core, member, &map);
    drop_friends(core, member, &map);
    size_t candidates = map_sort(&map);
    for (size_t i = 0; i < candidates && i < CONSIDERED_COUNT_MAX; i++) {
        struct suggestion one;
        if (consider(core, member, map.slots[i].number, map.slots[i].count, &one))
            count = rank(out, count, limit, &one);
    }
    free(map.slots);
    return count;
}
