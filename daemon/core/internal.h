/* core/internal.h: what the parts of the core share; not for other layers.
 *
 * Layer: core. Thread: loop thread only.
 */
#ifndef KITH_CORE_INTERNAL_H
#define KITH_CORE_INTERNAL_H

#include "core/apply.h"
#include "core/core.h"
#include "core/decide.h"
#include "core/guess.h"
#include "core/reply.h"
#include "core/wake.h"

/* What a batch did, told to the stats when it is committed. */
struct tally {
    uint64_t commands, commands_repeated, queries, events, swept;
};

/* What comes of a batch once it is committed. */
struct output {
    struct tally tally;
    unsigned events;
    struct wake wake;
    struct buf frames;
    size_t frame_end[CORE_FRAMES_MAX];
    uint8_t frame_type[CORE_FRAMES_MAX];
};

struct core {
    struct store *store;
    struct log *log;
    struct views *views;
    struct keys *keys;
    struct state *state;
    struct stats *stats;
    void (*refresh)(void *context, struct stats *stats);
    void *refresh_context;
    bool clock_manual;
    uint8_t seed[CORE_SEED_SIZE];
    uint64_t seed_used; /* how many values were drawn from it */

    struct rules rules;
    struct apply apply;
    struct guess guess;

    struct message items[MESSAGE_GROUP_MAX]; /* of the batch at hand */
    struct message own;                      /* what core_execute() opens itself */

    /* Of the command or query at hand: */
    const struct message *message;
    struct decision decision;
    union {
        struct invite_facts invite; /* events point into these until they are appended */
        struct request_facts request;
        uint8_t contacts[KITH_CONTACTS_COUNT_MAX][CONTACT_HASH_SIZE];
    } facts;
    struct buf sealed;      /* texts of its events, sealed */
    struct buf others;      /* a contact's other mails */
    struct entries secrets; /* told, not kept */
    struct buf result;      /* the result of a command as it is kept */
    struct entries kept;    /* and as it is told again */

    /* Of the batch: */
    enum kith_err err;
    bool was_query; /* what was run last, or was ill-formed */
    struct buf record;
    struct output outputs[2]; /* of the open batch and of the sealed one */
    struct output *output;    /* of the open one */
    struct output *ended;     /* of the one that ended last: what core_frame() tells */
};

/* What one operation runs with. */
struct call {
    struct core *core;
    enum kith_op op;
    const struct args *args;
    msec_t now_ms;
    struct decision *out; /* events (commands only), result, details */
    size_t room;          /* bytes that the result may take; lists end their page early */

    /* Commands only: it changed state beside the log, if anything: no event, and no kept outcome.
     */
    bool leaves_no_trace;

    bool may_wait; /* by core_wait */
    bool waits;    /* park it, as @wait says */
    struct core_wait wait;

    /* Queries only: */
    bool has_scanned; /* core_context.scanned */
    seq_t scanned;
    bool result_nil; /* the result is nil */
};

/* It has looked at all there is, and waits for keys, which the caller appends to the output's
 * wake.wait behind this; then call_wait_end(). */
void call_wait_begin(struct call *call, seq_t scanned);
void call_wait_end(struct call *call);

/* Load what it needs and decide (commands), or find the answer (queries). */
typedef enum kith_err op_fn(struct call *call);

extern op_fn *const command_fns[KITH_OP_COUNT]; /* commands.c */
extern op_fn *const query_fns[KITH_OP_COUNT];   /* queries.c */

/* The texts of one command, sealed: one note and one name. */
#define SEALED_SIZE_MAX (KITH_NOTE_SIZE_MAX + KITH_NAME_SIZE_MAX + 2 * SEAL_EXTRA_SIZE)

/* --- the limit on guessing tokens: execute.c ----------------------------------------------------
 */

/* KITH_QUOTA_EXCEEDED with details if the source that the arguments name was wrong too often. */
enum kith_err guess_check(struct core *core, msec_t now_ms);
/* Count a wrong token against its source. */
void guess_note(struct core *core, enum kith_err err, msec_t now_ms);

/* --- execute.c ----------------------------------------------------------------------------- */

/* What is wrong with the arguments goes into core->decision. */
enum kith_err call_args(struct core *core);

/* What came of a call that ended with @err: where the views or the memory failed meanwhile, that,
 * for what was found may rest on rows that could not be read. */
enum kith_err call_outcome(struct core *core, enum kith_err err);

/* A call that met a damaged record of the log, and has changed nothing, fails by itself: the batch
 * goes on as it was, with @before. To make the views anew would meet the same damage. */
void call_forgive(struct core *core, enum kith_err before);

/* Answer with an error and the details in core->decision, and count it. */
void reply_refuse(struct core *core, const struct reply_head *head, enum kith_err err, size_t room,
                  struct buf *reply);

/* Add a refusal to the stats, by its class. */
void count_refusal(struct stats *stats, enum kith_err err);

/* `wait_ms` does not go with a batch. */
enum kith_err check_wait(struct core *core, bool in_batch);

/* Only subscription.fetch waits. */
enum core_answer execute_command(struct core *core, const struct core_context *context,
                                 struct reply_head *head, size_t room, struct buf *reply,
                                 struct core_wait *wait);

/* The same for a query: @head->pos is what it saw. */
enum core_answer execute_query(struct core *core, const struct core_context *context,
                               struct reply_head *head, size_t room, struct buf *reply,
                               struct core_wait *wait);

/* Apply the events of the decision that were not applied yet: between the steps of a command that
 * decides one thing after the other. */
void decision_settle(struct core *core);

/* Append and apply the decision as the daemon's own events, without a command; then clear it. */
void append_own(struct core *core);

/* --- commands.c: contacts --------------------------------------------------------------------- */

/* The hash of a contact, to be kept in the core until the command is appended. */
enum kith_err hash_contact(struct call *call, const struct contact_arg *contact, const char *field,
                           uint8_t hash[CONTACT_HASH_SIZE]);
/* Where it is kept. */
struct slice keep_hash(struct core *core, unsigned index);
/* Fill in whose it is. */
void load_contact(struct core *core, struct slice hash, struct contact_facts *out);

/* --- commands_invite.c, commands_contact.c ------------------------------------------------------
 */

op_fn invite_create, invite_link, invite_resend, invite_revoke, invite_claim, invite_redeem,
    invite_decline, invite_feedback, contact_suppress, contact_unsuppress;

/* Convert the invites of a contact that @member has just verified, the oldest first; the rest are
 * left to the sweep, and the last event that verified it says so. Returns with how many it dealt,
 * at most @count_max; *converted is raised by those that were converted. */
unsigned convert_contact(struct call *call, struct slice hash, const struct member *member,
                         unsigned count_max, unsigned *converted);

/* Let requests that are due between @member and those who invited this contact expire, as
 * load_pair() does. Must come before the command decides anything. */
void settle_invited(struct core *core, struct slice hash, struct slice member, msec_t now_ms);

/* What was left, slice by slice, at most @count_max. Returns how many. */
unsigned sweep_converting(struct core *core, msec_t now_ms, unsigned count_max);

/* The inviter, and the member that the invite was converted for, or nobody. The pair is as it is in
 * the views. */
void load_whose(struct core *core, const struct invite *invite, uint64_t other,
                struct pair_facts *out);

/* The key of a token by its number; NULL if it is not there any more. */
const uint8_t *find_token_key(struct core *core, uint64_t number);

/* --- load_request.c ------------------------------------------------------------------------- */

/* Fill all of @out but who, which is loaded: for connection.request and its preview alike. */
enum kith_err load_request(struct call *call, struct request_facts *out);

/* The limits of a member, with all that quota.get tells of them. */
void load_quota(struct core *core, const struct member *member, msec_t now_ms,
                struct quota_facts *out);

/* --- cursor.c -------------------------------------------------------------------------------- */

op_fn cursor_commit, cursor_delete, query_cursor, query_cursors;

/* How far the last of all subscribers is behind the log's end. */
uint64_t cursor_lag_max(const struct core *core);

/* --- share_ops.c ------------------------------------------------------------------------------ */

op_fn share_fetch, share_ack, share_nack, share_replay, share_delete, query_parked;

/* --- sealing: seal_text.c ------------------------------------------------------------------- */

/* Seal the clear texts of an event under the key of who wrote them. */
void event_seal(struct core *core, struct event *event);
/* Append the clear text; nothing if the key is gone. */
void text_unseal(struct core *core, struct slice member, struct slice sealed, struct buf *out);
/* Fresh bytes, derived from core_options.seed. At most 32. */
void core_random(struct core *core, void *out, size_t size);

/* --- sweep.c ------------------------------------------------------------------------------- */

/* Load a pair for a command; a request between them that is due expires first, as an event of the
 * daemon's own. Must come before the command decides anything. */
void load_pair(struct core *core, msec_t now_ms, struct slice actor, struct slice other,
               struct pair_facts *out);

/* --- what several messages, or events of a replay, will ask for ------------------------------- */

typedef void expect_fn(struct views *views, enum view_table table, struct slice key);

/* Those that are named in one of them; absent where there is none. */
#define EXPECT_MEMBERS 4

/* Fetch what is read first: the command's id, and the members; first views_expect() for all of
 * them, then views_expect_row(). */
static inline void
expect_named(struct views *views, struct slice id, const struct slice members[EXPECT_MEMBERS],
             expect_fn *expect)
{
    if (id.size > 0)
        expect(views, VIEW_DEDUPE, id);
    for (unsigned i = 0; i < EXPECT_MEMBERS; i++)
        if (members[i].size > 0)
            expect(views, VIEW_MEMBER, members[i]);
}

/* --- history.c: events of the log, decoded -------------------------------------------------- */

struct history {
    struct log_scan scan;
    seq_t head_seq;       /* whose id is in head_id */
    struct slice head_id; /* borrowed from the log until the batch ends */
};

void history_begin(struct history *history, struct core *core, seq_t after);
/* The next event and the id of its command (absent: the daemon's own). False at the end, or at a
 * damaged record: then core->err is set. */
bool history_next(struct history *history, struct core *core, struct event *event,
                  struct slice *cause);
void history_end(struct history *history);

/* One event by its sequence. KITH_OK, KITH_NOT_FOUND or KITH_INTERNAL. */
enum kith_err history_read(struct core *core, seq_t seq, struct event *out);

#endif
