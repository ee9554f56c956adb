/* import_connect.h: the two ways in which an import connects its pairs.
 *
 * In bulk, as connections that came about elsewhere; or one by one, as requests and their
 * acceptance, by the rules for members without limits.
 */
#ifndef CLI_IMPORT_CONNECT_H
#define CLI_IMPORT_CONNECT_H

#include <signal.h>

#include "edges.h"
#include "kith.h"
#include "progress.h"
#include "tally.h"

struct import_connect {
    const struct edges *edges; /* unique */
    const char *via;           /* of connection.import */
    const char *salt;
    uint64_t batch_count; /* pairs of one connection.import */
    unsigned window;      /* commands under way */
    struct progress *progress;
    struct tally *tally;
    const volatile sig_atomic_t *interrupted;
    /* Filled in: */
    uint64_t connected; /* newly */
    uint64_t existing;  /* connected before, or by an earlier run */
    uint64_t skipped;   /* not connected: refused, or passed over by connection.import */
};

/* As flow_run(). */
enum kith_status import_connect_bulk(struct import_connect *connect, struct kith *kith);
enum kith_status import_connect_requests(struct import_connect *connect, struct kith *kith);

#endif
