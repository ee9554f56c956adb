/* store/env.h: the one door to LMDB: an environment, its reader, its write transactions.
 *
 * The codes of LMDB and of the system are translated here and never cross this header as anything
 * but an enum kith_err, except that a sticky code lives inside struct env_txn.
 *
 * Layer:    store (internal: the only header besides lmdb.h that its files read it through).
 * Thread:   a write transaction belongs to one thread from begin to commit; the reader to the loop.
 * Blocking: reads may wait for the disk, env_commit() does.
 */
#ifndef KITH_STORE_ENV_H
#define KITH_STORE_ENV_H

#include <lmdb.h>

#include "base/fault.h"
#include "base/types.h"
#include "proto/error.h"

#define ENV_TABLES_MAX 64 /* all of views and meta, with room for those to come */

/* Open for env_reader(), which is on the path of every read. */
struct env {
    MDB_env *mdb;
    char *dir;
    MDB_txn *reader;
    bool reader_live;  /* it sees the last commit */
    uint64_t renewals; /* how often the reader was renewed: cursors must follow */
    uint64_t commits;  /* in the file when it was opened; a new one has none */
    bool truncated;    /* the file was shorter than it says; it has been padded with zeros */
};

/* Open or make the environment in @dir (made 0700 if missing); @flags as for mdb_env_open.
 * KITH_INTERNAL if there is a file and it is not a sound LMDB one; KITH_UNAVAILABLE if the system
 * refuses. Both with @fault, and nothing is left open. */
enum kith_err env_open(struct env *env, const char *dir, uint64_t map_size, unsigned flags,
                       struct fault *fault);
void env_close(struct env *env); /* a zeroed struct is allowed */

/* The read transaction, begun or renewed if need be; NULL if that fails. What was read is borrowed
 * until env_refresh(). */
MDB_txn *env_reader_renew(struct env *env);

static inline MDB_txn *
env_reader(struct env *env)
{
    return env->reader_live ? env->reader : env_reader_renew(env);
}

/* Let the reader see what was committed since. */
void env_refresh(struct env *env);

/* A write transaction with a sticky error: after the first failure every call does nothing. */
struct env_txn {
    struct env *env;
    MDB_txn *txn;
    int rc; /* of LMDB or errno, 0 while all is well */
};

void env_begin(struct env_txn *txn, struct env *env);

/* Does a write transaction that has just begun follow the last commit in the file? LMDB keeps its
 * number in a file of its own, and where that one is older or newer it begins with the wrong head.
 */
bool env_is_level(const struct env_txn *txn);

/* The table, made if missing. Loop thread only: the reader is renewed, so that it knows it. */
MDB_dbi env_table(struct env_txn *txn, const char *name);

/* The table that commit number @commit of the file made. Where that is long past and the table is
 * missing, the file is damaged: to make it anew would hide the loss of all that was in it. */
MDB_dbi env_table_of(struct env_txn *txn, const char *name, uint64_t commit);

/* The stored value, or an absent slice; borrowed until the next change. */
struct slice env_get(struct env_txn *txn, MDB_dbi table, struct slice key);
void env_put(struct env_txn *txn, MDB_dbi table, struct slice key, struct slice value);
/* The same behind all rows that are there, for many in a row: where the last one went is known. The
 * cursor is NULL where the transaction has failed; end it before the commit. */
MDB_cursor *env_append_begin(struct env_txn *txn, MDB_dbi table);
void env_append(struct env_txn *txn, MDB_cursor *cursor, struct slice key, struct slice value);
void env_append_end(MDB_cursor *cursor);                            /* NULL is allowed */
void env_del(struct env_txn *txn, MDB_dbi table, struct slice key); /* missing is no error */

/* Commit, or abort where something has failed.
 *
 * KITH_OK           it is durable.
 * KITH_UNAVAILABLE  nothing of it is, but for its parts: disk or map are full, or memory is short.
 * KITH_INTERNAL     anything else; what is durable is open.
 * Where it is not KITH_OK, @fault says why. */
enum kith_err env_commit(struct env_txn *txn, struct fault *fault);
void env_abort(struct env_txn *txn);

/* Commit what there is so far, to be durable with the next env_commit() and not before, and go on
 * in a new transaction: cursors are gone. A failure sticks, and env_commit() tells of it. */
void env_commit_part(struct env_txn *txn);

/* Make the file as long as its last transaction says. LMDB never writes pages at the end that were
 * taken and let go within one transaction, so that a shorter file would be no proof of damage. */
void env_pad(struct env *env);

/* Give back the slots of readers that have died. Returns how many there were; 0 on failure, which
 * costs no more than a file that grows. */
unsigned env_reap_readers(struct env *env);

uint64_t env_size(const struct env *env); /* bytes of the file on disk */
size_t env_page_size(const struct env *env);

static inline MDB_val
env_val(struct slice slice)
{
    /* LMDB's type has no const; it does not write through what it is given. */
    return (MDB_val){slice.size, (void *)(uintptr_t)slice.data};
}

static inline struct slice
env_slice(MDB_val val)
{
    return (struct slice){val.mv_data, val.mv_size};
}

#endif
