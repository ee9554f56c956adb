/* tests/fault/shim.h: what the test and the preloaded shim share: a page of memory.
 *
 * The test makes a file of this size, names it in $KITH_SHIM, and may read and set the fields while
 * the daemon runs; shim.py knows the same layout. A site is one call that touches disk or socket;
 * they are counted over all threads, in the order in which they come.
 */
#ifndef KITH_TESTS_FAULT_SHIM_H
#define KITH_TESTS_FAULT_SHIM_H

#include <stdint.h>

enum shim_action {
    SHIM_COUNT, /* only count */
    SHIM_KILL,  /* SIGKILL instead of the call */
    SHIM_TORN,  /* write half of it, if it is a write, then SIGKILL */
    SHIM_ERROR, /* fail with `error` */
    SHIM_SHORT  /* write half of it, and say so */
};

/* What a call is; one bit each in `calls`. */
enum shim_call {
    SHIM_WRITE,
    SHIM_SYNC,
    SHIM_OPEN,
    SHIM_NAME, /* mkdir, unlink, rename, truncate */
    SHIM_SEND,
    SHIM_RECEIVE,
    SHIM_ACCEPT,
    SHIM_MAP,   /* mmap of a file */
    SHIM_ALLOC, /* memory; mostly not counted, for there are so many */
    SHIM_CALL_COUNT
};

struct shim {
    uint64_t count;  /* sites passed so far that are in `calls` */
    uint64_t at;     /* the site to act at; 0: none */
    uint32_t action; /* enum shim_action */
    int32_t error;   /* errno */
    uint32_t calls;  /* which are counted */
    uint32_t sticky; /* fail from `at` on, not only there */
    uint64_t hits;   /* how often it acted */
    uint64_t per_call[SHIM_CALL_COUNT];
    int64_t blocks;   /* of memory: taken and not given back */
    char culprit[64]; /* the file whose code was refused memory last */
};

/* With $KITH_SHIM_TRACE the shim also writes down what is done to some files, and what is sent: a
 * head, then `size` bytes. The way back is written, as a whole, where it gets its name or
 * loses it, and synced with the directory. */
enum shim_step { SHIM_STEP_WRITE = 1, SHIM_STEP_SYNC, SHIM_STEP_SIZE, SHIM_STEP_SEND };
enum shim_file { SHIM_FILE_LOG, SHIM_FILE_VIEWS, SHIM_FILE_WAY_BACK };

struct shim_record {
    uint32_t step; /* enum shim_step */
    uint32_t file; /* enum shim_file; of a send, the descriptor */
    uint64_t offset;
    uint32_t size;
    uint32_t durable; /* a write that waits for the disk itself (O_DSYNC) */
};

#endif
