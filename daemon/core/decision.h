/* core/decision.h: what a command does, before it is done.
 *
 * decide() fills one: events in order, the result, and, for a refusal, its details. Sequences and
 * the time are known beforehand, so that ids made of them can be decided too.
 *
 * Layer: core. Pure. Thread: one at a time.
 */
#ifndef KITH_CORE_DECISION_H
#define KITH_CORE_DECISION_H

#include "core/entries.h"
#include "core/event.h"
#include "proto/error.h"

/* An import of KITH_PAIRS_COUNT_MAX pairs is the most that one command does. */
#define DECISION_EVENT_COUNT_MAX 1024

struct decision {
    seq_t first_seq; /* of the first event it will append */
    msec_t now_ms;
    unsigned event_count;
    unsigned applied_count; /* how many the views have seen: a command of several steps */
    struct entries result;
    struct entries detail;               /* of a refusal */
    char text[192];                      /* of a refusal, if the code's own text says too little */
    uint8_t token_hash[TOKEN_HASH_SIZE]; /* bytes of an event's that were made here */
    struct event events[DECISION_EVENT_COUNT_MAX];
};

/* Begin anew; the memory is kept. */
void decision_clear(struct decision *decision, seq_t first_seq, msec_t now_ms);

/* Add an event; seq and at_ms are set, all else is zero. Borrowed until the next clear. */
struct event *decision_event(struct decision *decision, enum event_type type);

/* Refuse with details. */
enum kith_err refuse_until(struct decision *out, enum kith_err err, msec_t until_ms);
enum kith_err refuse_request(struct decision *out, enum kith_err err, const char *name,
                             const struct public_id *request);
enum kith_err refuse_field(struct decision *out, enum kith_err err, const char *field);

#endif
