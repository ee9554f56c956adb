/* kith.h: the C client of kithd.
 *
 *     struct kith *kith;
 *     if (kith_open(&kith, NULL) != KITH_STATUS_OK) ...
 *
 *     struct kith_args *args = kith_args_create();
 *     kith_put_str(args, "from", "ada");
 *     kith_put_str(args, "to", "bob");
 *     struct kith_reply *reply;
 *     if (kith_call(kith, "connection.request", args, NULL, &reply) == KITH_STATUS_OK)
 *         puts(kith_get_str(kith_reply_result(reply), "state"));
 *     kith_reply_destroy(reply);
 *     kith_args_destroy(args);
 *     kith_close(kith);
 *
 * Operations, arguments and results are those of the protocol page (proto/README.md).
 *
 * Threads:  a struct kith may be used by any number of threads at once for kith_call() and
 *           kith_batch_call(). kith_send() and kith_next() of one struct kith belong to one thread
 *           at a time. Everything else (args, replies, values, subscriptions) belongs to one
 *           thread at a time.
 * Fork:     do not use a struct kith in a child that has not called exec.
 * Ownership, one word each: borrowed (for the call), borrowed until X, returned (free with Y).
 * Errors:   every function that can fail returns enum kith_status; out-parameters are set to NULL
 *           or left untouched on failure, as said.
 * Units:    times in milliseconds; sizes in bytes.
 */
#ifndef KITH_H
#define KITH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KITH_API __attribute__((visibility("default")))

enum kith_status {
    KITH_STATUS_OK = 0,
    KITH_STATUS_REFUSED,   /* the daemon answered with an error: see kith_reply_error() */
    KITH_STATUS_TIMEOUT,   /* no answer in time; a command may or may not have been done: call again
                              with the same id to find out */
    KITH_STATUS_BAD_URL,   /* neither ipc://PATH (at most 107 bytes) nor tcp://HOST:PORT, where HOST
                              is a name, an IPv4 address or an IPv6 address in brackets; a name
                              means its IPv4 address */
    KITH_STATUS_BAD_REPLY, /* what answers there does not speak kith protocol 1 */
    KITH_STATUS_TOO_LARGE, /* the message would be larger than 1 MiB */
    KITH_STATUS_FULL,      /* kith_send(): the window is full; take replies first */
    KITH_STATUS_NO_MEMORY, /* or no descriptors */
    KITH_STATUS_STOPPED    /* a callback asked to stop, or the handle is being closed */
};

/* A sentence for people: borrowed for ever. */
KITH_API const char *kith_status_text(enum kith_status status);

/* --- connection ---------------------------------------------------------------------------- */

struct kith;

struct kith_options {
    const char *url;        /* NULL: $KITH_URL, else the default socket (kith_default_url) */
    const char *events_url; /* NULL: $KITH_EVENTS_URL, else DIR/events.ipc where url is
                               DIR/command.ipc, else none: kith_subscribe() then asks instead */
    int timeout_ms;         /* for one call, resends included; 0: 5000; -1: for ever */
    int resend_ms;          /* send again, with the same id, after this silence; 0: 1000. Each time
                               without an answer the silence doubles, up to 8 times as long. After a
                               reconnection it is sent again at once */
    unsigned window;        /* how many kith_send() may wait to be taken; 0: 1024; at most 2^20 */
    const char *auth;       /* sent as `auth` with each message; NULL: nothing */
};

/* Where kithd listens if nobody said otherwise: ipc://DIR/command.ipc and ipc://DIR/events.ipc with
 * DIR = $XDG_RUNTIME_DIR/kith, or /run/kith where that is unset or only /run/kith has the socket.
 * Written zero-terminated into @url, cut if need be; 128 bytes are enough. */
KITH_API void kith_default_url(char *url, size_t size);
KITH_API void kith_default_events_url(char *url, size_t size);

/* @options is borrowed and may be NULL, as may any of its fields be 0. Does not wait for the daemon
 * to be there: connecting happens in the background, again and again, with growing pauses. */
KITH_API enum kith_status kith_open(struct kith **kith, const struct kith_options *options);

/* NULL is allowed. No other call may be under way. */
KITH_API void kith_close(struct kith *kith);

/* --- arguments ----------------------------------------------------------------------------- */

struct kith_args; /* the `args` of one command or query; failures of memory are kept inside and
                     show when it is sent */

KITH_API struct kith_args *kith_args_create(void); /* returned; NULL: no memory */
KITH_API void kith_args_destroy(struct kith_args *args);
KITH_API void kith_args_clear(struct kith_args *args);

/* Names and values are borrowed and copied. The same name twice is the daemon's to refuse.
 * A NULL @value of kith_put_str() and kith_put_bytes() puts nothing. */
KITH_API void kith_put_str(struct kith_args *args, const char *name, const char *value);
/* A string, which may hold zeros, of @size bytes. */
KITH_API void kith_put_bytes(struct kith_args *args, const char *name, const char *value,
                             size_t size);
KITH_API void kith_put_int(struct kith_args *args, const char *name, int64_t value);
KITH_API void kith_put_bool(struct kith_args *args, const char *name, bool value);
KITH_API void kith_put_strs(struct kith_args *args, const char *name, const char *const *values,
                            size_t count);
KITH_API void kith_put_uints(struct kith_args *args, const char *name, const uint64_t *values,
                             size_t count);
/* values[0] with values[1], values[2] with values[3], ... */
KITH_API void kith_put_pairs(struct kith_args *args, const char *name, const char *const *values,
                             size_t pair_count);
/* @kind: "email", "phone" or "opaque". */
KITH_API void kith_put_contact(struct kith_args *args, const char *name, const char *kind,
                               const char *value);
/* Any value that is msgpack already. If it is not exactly one, the daemon refuses the message. */
KITH_API void kith_put_msgpack(struct kith_args *args, const char *name, const void *data,
                               size_t size);

/* --- values: what came back ---------------------------------------------------------------- */

struct kith_value; /* borrowed until its reply or event is destroyed */

enum kith_kind {
    KITH_KIND_ABSENT, /* of a NULL value: so that look-ups can be chained without checks */
    KITH_KIND_NIL,
    KITH_KIND_BOOL,
    KITH_KIND_INT, /* also beyond int64: see kith_value_uint */
    KITH_KIND_FLOAT,
    KITH_KIND_STR,
    KITH_KIND_BIN,
    KITH_KIND_ARRAY,
    KITH_KIND_MAP
};

/* Every function here takes NULL, or a value of another kind, and then answers as for something
 * absent: 0, false, NULL. */
KITH_API enum kith_kind kith_value_kind(const struct kith_value *value);
KITH_API int64_t kith_value_int(const struct kith_value *value);   /* at most INT64_MAX */
KITH_API uint64_t kith_value_uint(const struct kith_value *value); /* 0 of a negative one */
KITH_API double kith_value_float(const struct kith_value *value);  /* of an INT as well */
KITH_API bool kith_value_bool(const struct kith_value *value);
/* Zero-terminated text of a STR or BIN (which may hold zeros: see the size); NULL for others. */
KITH_API const char *kith_value_str(const struct kith_value *value);
KITH_API size_t kith_value_size(const struct kith_value *value);  /* bytes of a STR or BIN */
KITH_API size_t kith_value_count(const struct kith_value *value); /* of an ARRAY or MAP */
KITH_API const struct kith_value *kith_value_at(const struct kith_value *array, size_t index);
KITH_API const char *kith_value_key_at(const struct kith_value *map, size_t index);
KITH_API const struct kith_value *kith_value_entry_at(const struct kith_value *map, size_t index);
KITH_API const struct kith_value *kith_get(const struct kith_value *map, const char *name);
KITH_API const char *kith_get_str(const struct kith_value *map, const char *name);
KITH_API int64_t kith_get_int(const struct kith_value *map, const char *name);
KITH_API bool kith_get_bool(const struct kith_value *map, const char *name);

/* --- calls --------------------------------------------------------------------------------- */

struct kith_reply; /* may outlive its struct kith */

/* Send one operation and wait for its answer.
 *
 * @args   borrowed; NULL: none.
 * @id     the idempotency key, 1 to 64 bytes; NULL: one is made for the call (UUIDv7). Resends
 *         within the call use the same id, so that it is done once. To be safe across your own
 *         crash, make the id first (kith_make_id), keep it, and call again with it.
 * @reply  returned with KITH_STATUS_OK and _REFUSED (free with kith_reply_destroy), else NULL.
 */
KITH_API enum kith_status kith_call(struct kith *kith, const char *op, const struct kith_args *args,
                                    const char *id, struct kith_reply **reply);

/* 36 characters and a zero: a UUID of version 7 (RFC 9562), ordered by time. */
#define KITH_ID_SIZE 37
KITH_API void kith_make_id(char id[KITH_ID_SIZE]);

KITH_API void kith_reply_destroy(struct kith_reply *reply); /* NULL is allowed */
KITH_API bool kith_reply_ok(const struct kith_reply *reply);
/* Decoded on the first look; NULL if refused, or if there is no memory for it. */
KITH_API const struct kith_value *kith_reply_result(const struct kith_reply *reply);
/* The whole `error` map, and its `code`; NULL when ok. */
KITH_API const struct kith_value *kith_reply_error(const struct kith_reply *reply);
KITH_API const char *kith_reply_code(const struct kith_reply *reply);
KITH_API uint64_t kith_reply_pos(const struct kith_reply *reply);
KITH_API int64_t kith_reply_at(const struct kith_reply *reply);
KITH_API bool kith_reply_dup(const struct kith_reply *reply);
KITH_API const char *kith_reply_id(const struct kith_reply *reply); /* NULL if none came */

/* --- batches: many operations in one message ----------------------------------------------- */

struct kith_batch;

KITH_API struct kith_batch *kith_batch_create(void); /* returned; NULL: no memory */
KITH_API void kith_batch_destroy(struct kith_batch *batch);
KITH_API void kith_batch_clear(struct kith_batch *batch);
/* As kith_call; everything is copied. KITH_STATUS_TOO_LARGE when the item no longer fits (1 MiB,
 * 4096 items, 65536 values with all names and containers counted): then it is not added. */
KITH_API enum kith_status kith_batch_add(struct kith_batch *batch, const char *op,
                                         const struct kith_args *args, const char *id);
KITH_API size_t kith_batch_count(const struct kith_batch *batch);

/* Send all items as one message; they are done in order, each on its own.
 * KITH_STATUS_OK: replies[i], for i below kith_batch_count, answers item i (each returned, free
 * with kith_reply_destroy). KITH_STATUS_REFUSED: the whole was refused and replies[0] alone says
 * why. Else: replies are NULL. An empty batch is not sent, and is KITH_STATUS_OK. */
KITH_API enum kith_status kith_batch_call(struct kith *kith, const struct kith_batch *batch,
                                          struct kith_reply **replies);

/* --- pipelining: many messages under way --------------------------------------------------- */

/* Send without waiting. @tag comes back with the reply. The message is resent after silence like
 * that of kith_call(). KITH_STATUS_FULL when kith_pending() is options.window. What there is no
 * room for now, or no connection, is kept and sent by the calls that follow; resending and expiry
 * happen in kith_next(), or while another thread waits in a call. */
KITH_API enum kith_status kith_send(struct kith *kith, const char *op, const struct kith_args *args,
                                    const char *id, uint64_t tag);
/* Take the next reply to kith_send(), in whatever order they come.
 *
 * KITH_STATUS_OK, _REFUSED: *reply is returned, *tag is what was sent with it.
 * KITH_STATUS_TIMEOUT: none came within @wait_ms (0: do not wait; -1: for ever), or none is to
 *     come; or one message got no answer within options.timeout_ms: then *expired is true and *tag
 *     is its tag.
 * KITH_STATUS_BAD_REPLY, _NO_MEMORY: the answer to *tag is lost; ask again with the same id. */
KITH_API enum kith_status kith_next(struct kith *kith, int wait_ms, struct kith_reply **reply,
                                    uint64_t *tag, bool *expired);
/* How many were sent and not yet taken. */
KITH_API unsigned kith_pending(const struct kith *kith);
/* For an event loop, or to wait on several handles at once: a descriptor that poll() finds readable
 * (POLLIN) when something has come; then call kith_next() with a @wait_ms of 0 until it says
 * KITH_STATUS_TIMEOUT and *expired is false. Call it every 100 ms as well while kith_pending() is
 * not 0, for that is when silent messages are sent again. Borrowed until kith_close(): only poll
 * it. */
KITH_API int kith_fd(const struct kith *kith);

/* --- subscription -------------------------------------------------------------------------- */

/* Every event once and in order, from any point of history, over restarts of either side: the log
 * is read first, then the event socket, and the log again on any gap (proto/README.md, "Subscribing
 * without loss"). */

enum kith_news {
    KITH_NEWS_EVENT,       /* value is the event map */
    KITH_NEWS_CAUGHT_UP,   /* everything known so far was told; live from here on */
    KITH_NEWS_FELL_BEHIND, /* a gap was seen; the log is being read again */
    KITH_NEWS_EPOCH /* the log is another one than before: it is read from your start, or from
                       its own where it ends before that; all that you know is of the other */
};

/* Return true to go on, false to stop. Taking long is safe: what is missed meanwhile on the event
 * socket is read from the log. The value is borrowed for the call. @seq is that of the event, or of
 * the last one told; @event is NULL but for KITH_NEWS_EVENT. */
typedef bool kith_on_news(void *context, enum kith_news news, uint64_t seq,
                          const struct kith_value *event);

struct kith_subscribe_options {
    uint64_t after;           /* the last sequence already handled; 0: from the first event */
    bool from_end;            /* instead: only what comes from now on */
    int64_t since;            /* instead, if not 0: from this time (ms since the epoch) */
    const char *const *types; /* only events whose type begins with one of these; NULL: all */
    size_t type_count;
    bool until_caught_up; /* return KITH_STATUS_OK instead of going live */
    /* Remember in the daemon, under this name, how far we are, and begin there; where the daemon
     * does not know it yet, as said above. What the callback returned true for is committed, some
     * of it a moment later: after a crash of yours those events are told again. NULL: do not. */
    const char *cursor;
    /* Only events that belong into the feed of one of these members, as they are in the log and
     * with its numbers; at most 500. NULL: all. Not with `member`. */
    const char *const *audience;
    size_t audience_count;
    /* Only this member's feed, by its own numbering: what he may see, and nothing else. It is read
     * by long polls, not from the event socket. NULL: the whole log. */
    const char *member;
};

/* Blocks, calling @on_news from this thread. Returns KITH_STATUS_STOPPED when the callback said so,
 * or a failure that trying again will not mend; an absent daemon is waited for.
 * KITH_STATUS_REFUSED: the history behind `after` has been trimmed, or `types` are more than the
 * daemon takes.
 * @options is borrowed until it returns, and may be NULL. Other threads may use @kith meanwhile. */
KITH_API enum kith_status kith_subscribe(struct kith *kith,
                                         const struct kith_subscribe_options *options,
                                         kith_on_news *on_news, void *context);

/* --- shared subscriptions: each event to one of several workers ---------------------------- */

/* Workers that name one subscription share its events. An event that its worker does not
 * acknowledge in time goes out again, to whoever asks; after 5 tries it is parked. The events of
 * one pair of members go out one after the other. So an event may come twice, but none is lost: do
 * what you do by its seq, repeatably (proto/README.md, "subscription.fetch"). */
struct kith_work_options {
    const char *name;         /* of the subscription: 1 to 64 bytes */
    const char *worker;       /* who this is, for people: 1 to 64 bytes */
    uint64_t after;           /* where a new one begins; 0: at the first event kept */
    const char *const *types; /* as in kith_subscribe(); the same for all workers */
    size_t type_count;
    unsigned limit;   /* events taken at once; 0: 16 */
    int64_t ack_ms;   /* how long all of these may take; 0: 30000 */
    int64_t retry_ms; /* how long one that was given back rests; 0: not at all */
    int idle_ms;      /* call back, without an event, after so long without one; 0: 10000 */
    bool until_idle;  /* return KITH_STATUS_OK instead, as soon as there is nothing to do */
};

enum kith_verdict {
    KITH_VERDICT_DONE,  /* it was dealt with: acknowledge it */
    KITH_VERDICT_RETRY, /* it could not be: give it back */
    KITH_VERDICT_STOP   /* give it back as well, with those behind it, and return */
};

/* @tries: how often the event was handed out, this time included. @event is borrowed for the call;
 * NULL: there was none for options.idle_ms, and any verdict but KITH_VERDICT_STOP goes on. */
typedef enum kith_verdict kith_on_work(void *context, uint64_t seq, unsigned tries,
                                       const struct kith_value *event);

/* Blocks, calling @on_work from this thread for one event after the other, and acknowledges or
 * gives back as it says. Of what was taken at once, those that three quarters of ack_ms leave no
 * time for are given back. Returns KITH_STATUS_STOPPED when the callback said so, or a failure that
 * trying again will not mend; an absent daemon is waited for. @options is borrowed until it
 * returns. Other threads may use @kith meanwhile, as workers too. */
KITH_API enum kith_status kith_work(struct kith *kith, const struct kith_work_options *options,
                                    kith_on_work *on_work, void *context);

/* The steps of it, for workers of your own. As kith_call(): the reply is returned with
 * KITH_STATUS_OK and _REFUSED. The result of a fetch has `items` ({seq, tries, worker, event}); it
 * is held back for @wait_ms (at most 30000; 0: not) until there is one. */
KITH_API enum kith_status kith_work_fetch(struct kith *kith,
                                          const struct kith_work_options *options, int wait_ms,
                                          struct kith_reply **reply);
KITH_API enum kith_status kith_work_ack(struct kith *kith, const char *name, const uint64_t *seqs,
                                        size_t count, struct kith_reply **reply);
KITH_API enum kith_status kith_work_nack(struct kith *kith, const char *name, const uint64_t *seqs,
                                         size_t count, int64_t delay_ms, struct kith_reply **reply);
/* What was tried too often: `items`, and `next` where there are more, to be given as @after. */
KITH_API enum kith_status kith_work_parked(struct kith *kith, const char *name, uint64_t after,
                                           struct kith_reply **reply);
/* Hand parked ones out again. */
KITH_API enum kith_status kith_work_replay(struct kith *kith, const char *name,
                                           const uint64_t *seqs, size_t count,
                                           struct kith_reply **reply);

#ifdef __cplusplus
}
#endif

#endif
