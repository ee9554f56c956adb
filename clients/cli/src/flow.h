/* flow.h: a long row of commands through one connection, many under way at once.
 *
 * What is not answered, or answered `retry: same_id`, is sent again with its id, for as long as it
 * takes: a restart of the daemon is waited for. One answer may lead to a further command (an accept
 * behind a request), which goes out before new ones.
 *
 * Thread: one. Blocking: flow_run() until all is answered.
 */
#ifndef CLI_FLOW_H
#define CLI_FLOW_H

#include <signal.h>

#include "kith.h"
#include "proto/limits.h"

#define FLOW_WINDOW_MAX 65536

struct flow_message {
    const char *op;         /* constant */
    struct kith_args *args; /* empty; to be filled */
    char id[KITH_ID_SIZE_MAX + 1];
};

enum flow_verdict {
    FLOW_DONE,  /* this one is finished */
    FLOW_AGAIN, /* send the same again, after a pause */
    FLOW_FOLLOW /* finished, and *follow is to be sent now */
};

/* What is sent and what becomes of it. A tag stands for one command: the same tag composes the same
 * message each time. */
struct flow_work {
    void *context;                              /* for the functions */
    bool (*next)(void *context, uint64_t *tag); /* false: there is no further one */
    void (*compose)(void *context, uint64_t tag, struct flow_message *message);
    enum flow_verdict (*answer)(void *context, uint64_t tag, const struct kith_reply *reply,
                                uint64_t *follow);
    void (*tick)(void *context); /* often: for a bar */
};

/* Run @work with at most @window unanswered, which @kith was opened with. Stops early, with
 * KITH_STATUS_STOPPED, when *@interrupted is set. Else KITH_STATUS_OK, or a failure that no
 * repetition mends. */
enum kith_status flow_run(struct kith *kith, const struct flow_work *work, unsigned window,
                          const volatile sig_atomic_t *interrupted);

/* Should the refusal in @reply be met by sending the same again? */
bool flow_is_passing(const struct kith_reply *reply);

#endif
