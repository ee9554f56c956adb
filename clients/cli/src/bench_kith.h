/* bench_kith.h: the messages that `kith bench` sends to kithd, as a target of bench_load.h.
 */
#ifndef CLI_BENCH_KITH_H
#define CLI_BENCH_KITH_H

#include <pthread.h>

#include "bench_load.h"
#include "cli.h"
#include "pairing.h"
#include "tally.h"

enum bench_op {
    BENCH_REQUEST,  /* connection.request between distinct random pairs */
    BENCH_ACCEPT,   /* connection.accept of requests sent before */
    BENCH_STATUS,   /* connection.status, half of them of pairs with a request between */
    BENCH_MIXED,    /* of ten: four requests, three accepts, three status */
    BENCH_REGISTER, /* member.register of new members */
    BENCH_OP_COUNT
};

#define BENCH_PREFIX_SIZE 16
#define BENCH_NAME_SIZE   48

struct bench_kith {
    const struct cli *cli;
    enum bench_op op;
    struct pairing pairing;         /* of the members */
    char prefix[BENCH_PREFIX_SIZE]; /* of members and keys: tells runs apart */
    unsigned connections;
    unsigned batch;      /* operations of one message */
    uint64_t pair_first; /* the first pair that no earlier phase used */
    uint64_t pair_end;   /* how many pairs there are for this phase, from 0 on */

    pthread_mutex_t lock;            /* of what follows: lanes add to it when they close */
    uint64_t ok, refused, busy, dup; /* busy: of the refused */
    struct tally tally;
};

/* A target that sends what @kith says; borrowed until the run is over. */
struct bench_target bench_kith_target(struct bench_kith *kith);

/* The name of member @number, written zero-terminated. */
void bench_kith_member(const struct bench_kith *kith, uint64_t number, char name[BENCH_NAME_SIZE]);

#endif
