/* store/parts.h: the inner faces of log, keys and state, for store.c and views.c only.
 *
 * A batch gathers in memory while it is open. _seal() closes it and begins the next, which sees all
 * that the sealed one did. The sealed batch is written by log_write(), keys_write() and
 * state_write() into one transaction; these read what is sealed and touch nothing else, so that
 * they may run in a thread of their own. Then it is settled: kept, or dropped, and then the open
 * one must have been dropped before it.
 *
 * The state knows one batch only: where it has changes, the batch is sealed and settled at once.
 *
 * Layer: store (internal). Thread: loop thread only but for _write(). Blocking: as env.h.
 */
#ifndef KITH_STORE_PARTS_H
#define KITH_STORE_PARTS_H

#include "store/env.h"
#include "store/keys.h"
#include "store/log.h"
#include "store/state.h"

/* The commits of a new file in which the tables are made, in this order. */
enum { LOG_COMMIT = 1, KEYS_COMMIT = 2 };

/* Open or make the log in @env (borrowed until closed), and check its last record and that none is
 * missing. KITH_INTERNAL if it is damaged, KITH_UNAVAILABLE otherwise, both with @fault. */
enum kith_err log_open(struct log **out, struct env *env, struct fault *fault);
void log_close(struct log *log);

bool log_has_pending(const struct log *log);
bool log_failed(const struct log *log); /* memory ran out within the batch */
void log_seal(struct log *log);
void log_write(struct log *log, struct env_txn *txn); /* the sealed batch */
void log_keep(struct log *log);                       /* the sealed batch */
void log_drop(struct log *log);                       /* the open batch */
void log_drop_sealed(struct log *log);

/* After a failed write: true if a fresh look finds the log as it was before the batch. */
bool log_is_unchanged(struct log *log);

/* The checksum of record @seq, which is durable, unverified; of 0, or of the last one trimmed away,
 * what the chain starts from. */
enum kith_err log_checksum(struct log *log, seq_t seq, uint64_t *out);

/* For who looks at a log from outside. False where @stored is not record @seq of a chain in which
 * @seed is the checksum before it. */
bool log_record_check(struct slice stored, seq_t seq, uint64_t seed, struct log_record *out);

struct log_meta {
    uint64_t epoch, base_checksum;
    seq_t base_seq; /* in front of the first record */
};
/* What the table @meta says. False, with @fault, where it is damaged or of another format. */
bool log_meta_read(MDB_txn *txn, MDB_dbi meta, struct log_meta *out, struct fault *fault);

enum kith_err keys_open(struct keys **out, struct env *env, struct fault *fault);
void keys_close(struct keys *keys);

bool keys_has_pending(const struct keys *keys);
bool keys_failed(const struct keys *keys);
void keys_seal(struct keys *keys);
void keys_write(const struct keys *keys, struct env_txn *txn); /* the sealed batch */
void keys_settle(struct keys *keys);                           /* forget it, kept or dropped */
void keys_drop(struct keys *keys);                             /* the open batch */

enum kith_err state_open(struct state **out, struct env *env, struct fault *fault);
void state_close(struct state *state);

bool state_has_pending(const struct state *state);
bool state_failed(const struct state *state);
void state_write(const struct state *state, struct env_txn *txn);
void state_keep(struct state *state);
void state_drop(struct state *state);

#endif
