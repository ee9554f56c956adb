/* sim/runs.h: one seed after the other, and the totals: what the programs have in common. */
#ifndef KITH_SIM_RUNS_H
#define KITH_SIM_RUNS_H

#include "sim/sim.h"

struct runs {
    const char *program;
    unsigned steps;   /* of a seed, where none are given */
    bool needs_kithd; /* --kithd PATH must be given */
    /* Do all of a seed's steps. @sim is as the seed wants it, but there is no world yet, nor what
     * the time is. */
    void (*run)(struct sim *sim);
};

/* Run what @argv says, and print the totals. Returns the exit code. */
int runs_main(const struct runs *runs, int argc, char **argv);

#endif
