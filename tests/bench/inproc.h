/* bench/inproc.h: core and store in this process, without sockets, for programs that measure them.
 *
 * Messages are gathered, then run as one batch and committed to a fresh directory. Nothing but the
 * messages decides what happens. What goes wrong ends the program.
 */
#ifndef KITH_BENCH_INPROC_H
#define KITH_BENCH_INPROC_H

#include "core/core.h"

#define INPROC_BATCH_MAX 256
#define INPROC_START_MS  1736503200000

struct inproc {
    char dir[256], data[264]; /* made by inproc_open */
    struct settings settings; /* the defaults; may be changed between batches */
    struct stats stats;
    struct store *store;
    struct core *core;
    struct buf messages, replies;
    size_t message_end[INPROC_BATCH_MAX], reply_end[INPROC_BATCH_MAX];
    struct message opened[MESSAGE_GROUP_MAX];
    unsigned message_count;
    uint64_t id;   /* of the last command */
    msec_t now_ms; /* 0: a millisecond for each hundred commands */
};

/* Say on standard error what is wrong, and exit with 1. */
void inproc_die(const char *what, const char *why);

/* In a directory of its own within @parent. */
void inproc_open(struct inproc *inproc, const char *parent);
void inproc_close(struct inproc *inproc); /* removes it */

/* Start a batch anew. */
void inproc_clear(struct inproc *inproc);
/* Write the head of a message whose @arg_count arguments the caller writes into ->messages. */
void inproc_head(struct inproc *inproc, const char *op, uint32_t arg_count);
void inproc_end(struct inproc *inproc);

/* Run and commit what was written. @each, if any, is told before and after each message. */
typedef void inproc_fn(void *context, unsigned index, bool is_over);
void inproc_run(struct inproc *inproc, inproc_fn *each, void *context);

/* The answer to message @index of the last batch. */
struct slice inproc_reply(const struct inproc *inproc, unsigned index);

/* As a daemon that has run for a while: what came before is on disk, not in memory. */
void inproc_settle(struct inproc *inproc);

/* How many were answered ok since the start. */
uint64_t inproc_answered(const struct inproc *inproc);

#endif
