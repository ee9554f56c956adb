/* enroll.h: make many members known, in batches.
 *
 * Blocking: until all are registered; a restart of the daemon is waited for.
 */
#ifndef CLI_ENROLL_H
#define CLI_ENROLL_H

#include <signal.h>

#include "import_key.h"
#include "kith.h"
#include "progress.h"
#include "tally.h"

struct enroll {
    uint64_t count; /* members 0 .. count - 1 */
    uint64_t batch_count_max;
    const char *tier; /* NULL: the daemon's default */
    const char *salt; /* into the idempotency keys */
    /* The name of member @number; borrowed until the next call. */
    const char *(*name)(void *context, uint64_t number);
    void *context;
    uint64_t registered, existing; /* filled in; existing also counts those of an earlier run */
};

/* Returns KITH_STATUS_OK when each has got an answer; refusals are in @tally. _STOPPED:
 * interrupted. _REFUSED: a whole batch was, for good; it is in @tally. */
enum kith_status enroll_run(struct enroll *enroll, struct kith *kith, struct progress *progress,
                            struct tally *tally, const volatile sig_atomic_t *interrupted);

#endif
