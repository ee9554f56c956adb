/* pairing.h: distinct pairs of members in a random order, without remembering any.
 *
 * Pair number k of n members is found by a keyed permutation of all n(n-1)/2 pairs: a Feistel
 * network over the next power of four, walked until it lands inside (Black and Rogaway 2002).
 */
#ifndef CLI_PAIRING_H
#define CLI_PAIRING_H

#include <stdbool.h>
#include <stdint.h>

#define PAIRING_MEMBERS_MAX 0x7fffffff

struct pairing {
    uint64_t count; /* how many pairs there are */
    uint64_t seed;
    uint32_t members;
    unsigned half_bits; /* of each half of the network */
};

/* @members is at least 2. */
void pairing_init(struct pairing *pairing, uint32_t members, uint64_t seed);

/* The members of pair @k (below count): each pair once, in either direction. */
void pairing_get(const struct pairing *pairing, uint64_t k, uint32_t *from, uint32_t *to);

#endif
