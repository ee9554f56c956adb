#include "core/guess.h"

#include <xxhash.h>

#include "base/assert.h"

static uint64_t
hash_of(const struct guess *guess, struct slice source)
{
    assert(source.size > 0);
    return XXH3_64bits_withSeed(source.data, source.size, guess->seed) | 1; /* 0 is a free place */
}

bool
guess_refuses(const struct guess *guess, struct slice source, msec_t now_ms, msec_t *free_ms)
{
    uint64_t hash = hash_of(guess, source);
    const struct guess_place *set = guess->places[(hash >> 1) % GUESS_SET_COUNT];
    for (unsigned i = 0; i < GUESS_WAY_COUNT; i++) {
        msec_t from_ms = set[i].arrival_ms - (GUESS_BURST - 1) * GUESS_INTERVAL_MS;
        if (set[i].source != hash || from_ms <= now_ms)
            continue;
        *free_ms = from_ms;
        return true;
    }
    return false;
}

/* The place of @hash, or the one that has been quiet for longest. */
static struct guess_place *
find_place(struct guess_place *set, uint64_t hash)
{
    struct guess_place *oldest = &set[0];
    for (unsigned i = 0; i < GUESS_WAY_COUNT; i++) {
        if (set[i].source == hash)
            return &set[i];
        if (set[i].arrival_ms < oldest->arrival_ms)
            oldest = &set[i];
    }
    *oldest = (struct guess_place){.source = hash};
    return oldest;
}

void
guess_count(struct guess *guess, struct slice source, msec_t now_ms)
{
    uint64_t hash = hash_of(guess, source);
    struct guess_place *place = find_place(guess->places[(hash >> 1) % GUESS_SET_COUNT], hash);
    if (place->arrival_ms < now_ms)
        place->arrival_ms = now_ms;
    place->arrival_ms += GUESS_INTERVAL_MS;
    assert(place->arrival_ms > now_ms);
}
