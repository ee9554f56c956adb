/* store/log.h: the append-only event log. The only thing whose loss is a loss.
 *
 * A record is a time and a body of bytes, which core/ encodes. On disk it carries a checksum:
 * XXH3-64 of the rest, seeded with the previous record's checksum (the first one's with the
 * epoch), so that one hash vouches for the record and for its place in the chain.
 *
 * Appended records wait in memory and are visible to every read here at once; store_end() writes
 * them in one durable transaction, or drops them all.
 *
 * Layer:    store (may include base/; never uv.h, nanomsg, core/).
 * Thread:   loop thread only.
 * Blocking: reads may wait for the disk.
 */
#ifndef KITH_STORE_LOG_H
#define KITH_STORE_LOG_H

#include "base/types.h"
#include "proto/error.h"

struct log; /* part of struct store */

struct log_record {
    seq_t seq;
    msec_t at_ms;      /* never below the previous record's */
    struct slice body; /* borrowed until a batch ends or is settled (store.h) */
};

seq_t log_first(const struct log *log);   /* sequence of the oldest record kept; last + 1 if none */
seq_t log_last(const struct log *log);    /* pending records included; 0 if there is none */
seq_t log_durable(const struct log *log); /* the last one that is on disk for good */
msec_t log_last_at(const struct log *log);
msec_t log_durable_at(const struct log *log);
uint64_t log_epoch(const struct log *log); /* 64 random bits made with the log */

/* Append a record after the last one.
 *
 * @body  borrowed; copied before return. @at_ms is never below the previous record's.
 * Returns its sequence, or 0 if memory is short: then the batch has failed and store_end() will
 * say KITH_UNAVAILABLE. */
seq_t log_append(struct log *log, msec_t at_ms, struct slice body);

/* Read one record and, if it is on disk, check it against the chain.
 *
 * Returns KITH_OK; KITH_NOT_FOUND where there is none with that sequence; KITH_INTERNAL where it
 * is damaged (log_damage() tells the sequence). */
enum kith_err log_read(struct log *log, seq_t seq, struct log_record *out);

/* Read on in order. Open, so that it can live on the stack; end it before the batch ends. */
struct log_scan {
    struct log *log;
    seq_t seq;         /* the last one returned */
    uint64_t checksum; /* its checksum, if it is on disk */
    enum kith_err err; /* KITH_INTERNAL once a damaged record was met */
};

/* Begin behind @after (0: at the first record kept). */
void log_scan_begin(struct log_scan *scan, struct log *log, seq_t after);
/* The next record, or false at the end or at a damaged record: then look at scan->err. */
bool log_scan_next(struct log_scan *scan, struct log_record *out);
void log_scan_end(struct log_scan *scan);

/* The sequence of the first record at or after @at_ms; last + 1 if there is none.
 * O(log n) reads by bisection, since times never decrease. */
enum kith_err log_find_time(struct log *log, msec_t at_ms, seq_t *seq);

/* The sequence of a record found damaged since the start, or 0. */
seq_t log_damage(const struct log *log);

#endif
