/* core/guess.h: how often one source may be wrong about a token.
 *
 * Ten wrong tokens at once, then one a minute (GCRA, as the burst in quota.h). Kept in memory and
 * lost with the process: a limit on guessing needs no history, and 128 bits need no limit; it keeps
 * the noise down. The table has a fixed size; where it overflows, the source that has been quiet
 * for longest is forgotten.
 *
 * Layer: core. Thread: one at a time. Blocking: no.
 */
#ifndef KITH_CORE_GUESS_H
#define KITH_CORE_GUESS_H

#include "base/types.h"

#define GUESS_BURST       10
#define GUESS_INTERVAL_MS 60000

#define GUESS_SET_COUNT 4096 /* with GUESS_WAY_COUNT places each: 256 KiB */
#define GUESS_WAY_COUNT 4

struct guess {
    uint64_t seed; /* so that nobody can choose sources that collide */
    struct guess_place {
        uint64_t source;   /* hash; 0: free */
        msec_t arrival_ms; /* the theoretical arrival time */
    } places[GUESS_SET_COUNT][GUESS_WAY_COUNT];
};

/* May @source not try at @now_ms? Then *free_ms is when it may. */
bool guess_refuses(const struct guess *guess, struct slice source, msec_t now_ms, msec_t *free_ms);

/* It was wrong once more. */
void guess_count(struct guess *guess, struct slice source, msec_t now_ms);

#endif
