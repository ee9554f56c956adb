/* core/core.h: messages in, replies and events out. The whole of kith but sockets and disks.
 *
 * The app layer runs it so, once a turn:
 *
 *     store_begin(store); core_begin(core);
 *     core_sweep(core, now);
 *     for each message: core_execute(core, message, &context, reply, &wait),
 *         or for a few: message_open(), core_expect(), then core_run() each;
 *     if (core_error(core)) store_abort(store), rebuild the views, answer or run it all again
 *     else store_end(store): on failure everything is undone
 *     core_end(core, committed): then send replies, publish core_frame()s
 *
 * or, so that the next batch can begin while this one is written, store_seal() with core_seal(),
 * and later store_settle() with core_settle().
 *
 * Nothing may leave the process before the commit, but the reply to a query that was executed
 * before the batch changed anything, once all that was there then is durable. Time and randomness
 * come in with the context: the same log, messages and context give the same bytes.
 *
 * Layer:    core (may include store/, codec/, base/, proto/; never uv.h, nanomsg, lmdb.h).
 * Thread:   loop thread only.
 * Blocking: reads may wait for the disk.
 */
#ifndef KITH_CORE_CORE_H
#define KITH_CORE_CORE_H

#include "base/buf.h"
#include "base/fault.h"
#include "core/message.h"
#include "core/settings.h"
#include "core/stats.h"
#include "store/store.h"

#define CORE_SEED_SIZE 32

/* Raise it when the meaning of a row changes (core/rows, store/tables.h): views that another
 * version wrote are dropped at the start and made anew from the log. */
#define CORE_ROWS_VERSION 4

/* One sweep does at most this many things, so that no turn is long. */
#define CORE_SWEEP_MAX 1000

/* A batch that has appended this much takes no further message: it bounds one transaction. */
#define CORE_BATCH_EVENTS_MAX 65536

/* In a turn with more events than this only the beat is published, and subscribers page. */
#define CORE_FRAMES_MAX 64

struct core;

struct core_options {
    struct store *store;             /* borrowed until core_destroy */
    const struct settings *settings; /* likewise; may be changed between batches */
    struct stats *stats;             /* likewise */
    void (*refresh)(void *context, struct stats *stats); /* fill in what the core cannot know */
    void *refresh_context;
    bool clock_manual;            /* clock.advance is allowed */
    uint8_t seed[CORE_SEED_SIZE]; /* fresh random bytes: sealing keys and nonces come of it */
};

/* Returns NULL if memory is short. */
struct core *core_create(const struct core_options *options);
void core_destroy(struct core *core);

/* Apply what the views have not seen of the log, at most @count_max events, each checked.
 * *done is set when the end is reached. KITH_INTERNAL with @fault naming the sequence where a
 * record is damaged or does not fit: the daemon must not start. Not within a batch. */
enum kith_err core_replay(struct core *core, unsigned count_max, bool *done, struct fault *fault);

void core_begin(struct core *core);

/* Nobody waits as the batch begins: then it need not be noted what it has for whom, and
 * core_woken() will say so. */
void core_be_quiet(struct core *core);

/* Append the events of what is due at @now_ms, oldest first, and go on with closed memberships and
 * with invites to convert: at most CORE_SWEEP_MAX things, of an event or two each. Returns how
 * many; with CORE_SWEEP_MAX there may be more. */
unsigned core_sweep(struct core *core, msec_t now_ms);

struct core_context {
    msec_t now_ms;        /* never below log_last_at() */
    enum kith_err refuse; /* KITH_OK, or what every command is answered with: _BUSY, _UNAVAILABLE */
    bool last_try;        /* do not wait again: answer with what there is */
    bool has_scanned;     /* of a query that waited: what core_wait said of the last try */
    seq_t scanned;
};

/* A query that waits for nothing but its keys and its time. */
#define CORE_SEQ_NEVER UINT64_MAX

/* Why a query is not answered yet, and what would change that. */
struct core_wait {
    seq_t wake_seq;   /* run it again when log_last() reaches this; maybe CORE_SEQ_NEVER */
    msec_t wait_ms;   /* or when this much real time has passed since it came: its last try */
    msec_t again_ms;  /* or so long from now, for something becomes due; 0: nothing does */
    bool has_scanned; /* it has looked at all up to here */
    bool is_in_log;   /* what was scanned are numbers of the log, not of a feed */
    bool is_shared;   /* of those with the same first key, it is enough to wake one */
    seq_t scanned;
    uint64_t moment; /* for core_wait_is_over() */
    /* Or when a batch has one of these keys (core_woken): a place in the core's memory. */
    unsigned key_first, key_count;
};

enum core_answer {
    CORE_REPLIED, /* @reply holds the answer */
    CORE_WAITS    /* a query that waits: park it; @wait says until when; @reply is untouched */
};

/* @message is one query, or ill-formed: to execute it changes nothing. False for all else, and
 * where a look at its operation does not tell. */
bool core_is_query(struct slice message);

/* The same of what core_execute() has run last, known for certain; a batch is none. */
bool core_was_query(const struct core *core);

/* Execute one message, be it a command, a query, a batch or rubbish.
 *
 * @message  opened; borrowed. @reply: the answer is appended; never more than
 * KITH_MESSAGE_SIZE_MAX. */
enum core_answer core_run(struct core *core, const struct message *message,
                          const struct core_context *context, struct buf *reply,
                          struct core_wait *wait);

/* These messages, which are opened, will be run soon. Most of what a command waits for is memory,
 * rows of members and ids that nobody has just touched: for all of them first where these are
 * looked up is fetched, and behind that the rows. Changes nothing. */
void core_expect(struct core *core, const struct message *messages, unsigned count);

/* All of it for one message: open, expect, run. */
enum core_answer core_execute(struct core *core, struct slice message,
                              const struct core_context *context, struct buf *reply,
                              struct core_wait *wait);

/* The three that follow tell of the batch that ended or was settled last, as core_frame() does, and
 * what they return is borrowed as long. */

/* The keys of one of its waits. */
const uint64_t *core_wait_keys(const struct core *core, const struct core_wait *wait);

/* The batch has something that the query could not see when it ran: it need not wait for its keys,
 * but is run again. */
bool core_wait_is_over(const struct core *core, const struct core_wait *wait);

/* The keys of all that the batch appended or changed. False: memory was short, or it was quiet, and
 * every query that waits must be run again. */
bool core_woken(struct core *core, const uint64_t **keys, unsigned *count);

/* An answer made without looking at more than the message's id: for what is turned away at the
 * door (KITH_BUSY), or answered after a failed commit (KITH_UNAVAILABLE). A batch gets one answer
 * for the whole. */
void core_refuse(struct core *core, struct slice message, enum kith_err err, msec_t now_ms,
                 struct buf *reply);

/* KITH_OK, or what the store failed with within this batch. */
enum kith_err core_error(const struct core *core);

/* Events appended in this batch so far. */
unsigned core_batch_events(const struct core *core);

/* End the batch; @committed: store_end() succeeded, and counters and frames are kept. */
void core_end(struct core *core, bool committed);

/* The same in two steps, beside store_seal() and store_settle(): the next batch may begin between
 * them. */
void core_seal(struct core *core);
void core_settle(struct core *core, bool committed);

/* The frames to publish for the batch that ended or was settled last: 0 .. core_frame_count() - 1.
 * More events than CORE_FRAMES_MAX give no frame at all. Borrowed until the next call of one of the
 * functions above. */
unsigned core_frame_count(const struct core *core);
void core_frame(const struct core *core, unsigned index, const char **topic, struct slice *body);

/* The body of a `~beat` frame. */
void core_beat(struct core *core, msec_t now_ms, struct buf *body);

#endif
