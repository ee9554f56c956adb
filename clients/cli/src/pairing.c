#include "pairing.h"

#include <math.h>

#include "base/assert.h"

#define ROUNDS 4

/* The finisher of splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void
pairing_init(struct pairing *pairing, uint32_t members, uint64_t seed)
{
    assert(members >= 2 && members <= PAIRING_MEMBERS_MAX);
    *pairing = (struct pairing){
        .count = (uint64_t)members * (members - 1) / 2,
        .seed = mix(seed),
        .members = members,
        .half_bits = 1,
    };
    while (UINT64_C(1) << 2 * pairing->half_bits < pairing->count)
        pairing->half_bits++;
}

static uint64_t
permute(const struct pairing *pairing, uint64_t k)
{
    uint64_t mask = (UINT64_C(1) << pairing->half_bits) - 1;
    uint64_t left = k >> pairing->half_bits, right = k & mask;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t next = left ^ (mix(right ^ mix(pairing->seed + round)) & mask);
        left = right;
        right = next;
    }
    return left << pairing->half_bits | right;
}

/* Pair @index in the order (1,0), (2,0), (2,1), (3,0), ...: the row is a triangular root. */
static void
split(uint64_t index, uint32_t *high, uint32_t *low)
{
    uint64_t row = (uint64_t)((1 + sqrt(1 + 8 * (double)index)) / 2);
    while (row * (row - 1) / 2 > index) /* the root is off by a little for large numbers */
        row--;
    while (row * (row + 1) / 2 <= index)
        row++;
    *high = (uint32_t)row;
    *low = (uint32_t)(index - row * (row - 1) / 2);
    assert(*low < *high);
}

void
pairing_get(const struct pairing *pairing, uint64_t k, uint32_t *from, uint32_t *to)
{
    assert(k < pairing->count);
    uint64_t index = k;
    do
        index = permute(pairing, index);
    while (index >= pairing->count);
    uint32_t high, low;
    split(index, &high, &low);
    bool swap = mix(index ^ pairing->seed) & 1;
    *from = swap ? low : high;
    *to = swap ? high : low;
}
