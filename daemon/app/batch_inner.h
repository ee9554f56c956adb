/* app/batch_inner.h: what the parts of a batch share; for app/batch*.c only.
 *
 * batch.c          the turn: what is taken, and when it ends
 * batch_execute.c  messages are executed, and again where a commit failed
 * batch_commit.c   commits, what is done where one fails, and the flight
 * batch_answer.c   what leaves when something is durable
 *
 * Layer: app. Thread: loop thread only.
 */
#ifndef KITH_APP_BATCH_INNER_H
#define KITH_APP_BATCH_INNER_H

#include "app/batch.h"

#define BATCH_ENTRY_COUNT_MAX (BATCH_COUNT_MAX + BATCH_PARKED_MAX)

/* Of a turn, so many messages are taken before the first is executed, and their queries go first:
 * one less than between two looks at the clock. */
#define BATCH_FIRST_COUNT_MAX 63
#define BATCH_FIRST_SIZE_MAX  (256u << 10) /* bytes of them: all are executed, whatever they do */

/* Behind them so many are taken, opened and executed together (core/message.h), and no more once
 * they have so many bytes: a message that is large holds many commands. */
#define BATCH_GROUP_SIZE_MAX (16u << 10)

/* As long as nothing is changed, so many queries are answered together, and not all of a turn:
 * their clients would wait for the turn, and then the loop for them. */
#define BATCH_EARLY_COUNT_MAX 256

#define BATCH_TROUBLE_EVERY_MS 10000 /* a full disk would otherwise fill the journal too */

enum entry_state {
    ENTRY_TAKEN, /* not executed yet */
    ENTRY_NEXT,  /* nor is this one, but it will be before those: it is in the group */
    ENTRY_EARLY, /* executed before its batch changed anything */
    ENTRY_TOLD,  /* and answered before the batch was committed */
    ENTRY_RUN    /* executed behind what came before it, and answered behind the commit */
};

/* One message of the batch, and its answer. It is kept until the commit, to run again if that
 * fails. */
struct entry {
    struct net_request request;
    struct parked_query *parked; /* owned; it waited, and only the route of `request` is there */
    size_t offset, size;         /* the answer, in the replies of its work */
    bool late;                   /* turned away, for it waited too long */
    enum entry_state state;
    bool waits; /* no answer yet */
    struct core_wait wait;
};

/* The messages of a batch, and their answers. */
struct work {
    unsigned count, waiting_count;
    size_t size, waiting_size;
    bool is_clean;        /* no event, and nothing executed but queries: all is as before it */
    unsigned early_count; /* queries since what was answered early */
    unsigned told_end;    /* no entry before it is looked at for that again */
    struct buf replies;
    struct entry entries[BATCH_ENTRY_COUNT_MAX];
};

struct batch {
    struct daemon *daemon;
    struct clock_reading reading; /* when the turn began */
    msec_t now_ms;                /* the log's time, likewise */
    bool drain;
    bool swept_all;
    msec_t limit_ms;      /* what has waited for so long is turned away */
    bool left;            /* messages, when no more were taken */
    unsigned taken;       /* messages, in this turn */
    unsigned eaten;       /* what came as one and was none, likewise */
    msec_t spent_ms;      /* of this turn, when the clock was last looked at */
    struct work works[2]; /* they take turns */
    struct work *open;    /* what is executed now */
    struct work *flight;  /* what the thread commits, not answered yet; NULL if nothing is */
    struct entry *group[MESSAGE_GROUP_MAX];     /* what is executed next, one behind the other */
    struct message messages[MESSAGE_GROUP_MAX]; /* those of them that are opened */
    const struct message *opened[MESSAGE_GROUP_MAX]; /* for each its own, or NULL */
    unsigned group_count;
    seq_t published_seq;
    uint64_t ended_count; /* connections, when it was last looked for polls of theirs */
    unsigned look_place;  /* of that look; 0: it is over */
    msec_t look_ms;       /* when a part of it was done last */
    msec_t trouble_ms;
    uint64_t trouble_count;
};

static inline bool
entry_is_executed(const struct entry *entry)
{
    return entry->state != ENTRY_TAKEN && entry->state != ENTRY_NEXT;
}

/* What an entry asks. */
struct slice batch_entry_body(const struct entry *entry);

/* --- executing ------------------------------------------------------------------------------- */

/* Open the store's batch, and sweep what is due unless commands are refused. */
void batch_begin(struct batch *batch, enum kith_err refuse);

/* Execute one message of the open work. @message: it was opened; or NULL. @refuse: what commands
 * are refused with, or KITH_OK. */
void batch_execute(struct batch *batch, struct entry *entry, const struct message *message,
                   enum kith_err refuse);

/* Execute the messages of the open work once more, from the beginning. */
void batch_execute_again(struct batch *batch, enum kith_err refuse);

/* Nothing can be run: every message of the open work gets the same answer. */
void batch_refuse_all(struct batch *batch, enum kith_err err);

/* --- answering ------------------------------------------------------------------------------- */

/* What this work did is durable: tell it. */
void batch_tell(struct batch *batch, struct work *work);

/* Answer what was run before the open work changed anything, once all below that is durable. Where
 * something failed since, they are run again with the rest. */
void batch_answer_early(struct batch *batch);

/* --- committing ------------------------------------------------------------------------------ */

/* To wait for more messages would make the clients of this batch wait, who are to send them. */
bool batch_flight_is_due(const struct batch *batch);

/* Hand the open work to the thread, and open the other one. False if it has to be committed here,
 * for small batches would wait longer for the thread than for the disk. */
bool batch_take_off(struct batch *batch);

/* The flight, if there is one and it has landed, is told. False if the process must exit. */
bool batch_land_if_written(struct batch *batch, enum kith_err refuse, struct fault *fault);

/* The end of a turn: wait for the flight, then commit or hand over what is open. False if the
 * process must exit. */
bool batch_finish(struct batch *batch, enum kith_err refuse, struct fault *fault);

#endif
