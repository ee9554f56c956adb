/* sim/random.h: numbers that look random and come again with the same seed.
 *
 * SplitMix64 (Steele, Lea, Flood 2014): a counter and a mixing function.
 */
#ifndef KITH_SIM_RANDOM_H
#define KITH_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state; /* the seed, to begin with */
};

static inline uint64_t
random_next(struct random *random)
{
    uint64_t value = random->state += 0x9e3779b97f4a7c15;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

/* A number below @count, which is not 0. */
static inline uint64_t
random_below(struct random *random, uint64_t count)
{
    return random_next(random) % count;
}

/* True @permille times in a thousand. */
static inline bool
random_chance(struct random *random, unsigned permille)
{
    return random_below(random, 1000) < permille;
}

#endif
