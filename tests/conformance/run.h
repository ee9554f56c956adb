/* run.h: one case while it runs. */
#ifndef KITH_CONFORMANCE_RUN_H
#define KITH_CONFORMANCE_RUN_H

#include "backend.h"
#include "codec/reader.h"
#include "scope.h"
#include "script.h"
#include "show.h"
#include "tests/map.h"
#include "verbs.h"

/* What the watched member was answered in the first of two runs, or is in the second. */
struct transcript {
    struct transcript_entry *first, *last;
    struct transcript_entry *at; /* in the second run: what is compared next */
};

enum run_mode {
    RUN_SEND,    /* each request goes out by itself */
    RUN_COLLECT, /* within a batch: requests are gathered */
    RUN_CHECK    /* within a batch: each has its answer now */
};

struct run {
    const struct backend_ops *ops;
    const struct script *script;
    const struct script_case *one;
    const char *dir;
    struct backend *backend; /* NULL until the first message */
    struct backend_settings settings;
    struct scope scope;
    struct pool pool; /* what lives as long as the case */

    unsigned line; /* of the statement that runs */
    unsigned id_count, given_count, secret_count;

    struct buf message;  /* the last one sent */
    struct buf last;     /* the last one of the case's own, for `again` */
    struct buf reply;    /* and its answer */
    struct slice judged; /* what `ok` and its like look at: the reply, or an item of it */
    unsigned asked_line; /* where it was asked for */
    bool unjudged;       /* nothing was said about it yet */

    enum run_mode mode;
    struct buf items; /* of the batch that is gathered */
    unsigned item_count;
    struct reader answers; /* of the batch that is checked */

    struct buf foretold; /* what connection.preview said of it; empty if it was not asked */

    seq_t answered_pos; /* the last event before the next request */
    seq_t event_pos;    /* the last event that was looked at, or is not to be */

    bool with_secrets;
    struct slice watched;
    struct transcript *transcript; /* NULL: no twin */
    bool compares;                 /* the second run of a twin */
    struct show_mask mask;

    bool failed;
    struct buf report; /* why: "path:line: ..." */
};

/* Say what is wrong, once. Returns false. */
bool run_fail(struct run *run, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, followed by the whole of an encoded value. */
bool run_fail_with(struct run *run, unsigned line, struct slice value, const char *text);

/* --- message.c: what is sent --- */

/* Append the request that stands on @line to @out. False if it cannot be written. */
bool message_of_line(struct run *run, const struct line *line, bool is_item, struct buf *out);

/* A request of the runner's own. @object may be NULL; ids of commands begin with @id_prefix. */
void message_of_verb(struct run *run, const char *verb, struct slice actor, const char *object,
                     struct buf *out);

/* What the message says under `id` or `op`, or an absent slice. */
struct slice message_text(struct slice message, const char *name);
bool message_is_command(struct slice message);

/* --- judge.c: what must hold of replies --- */

/* Is @reply an answer to a message with @id, as the protocol has it? What it says of time and
 * position is noted. */
bool judge_form(struct run *run, struct slice reply, bool is_item, struct slice id);

/* Does it say that it succeeded? */
bool judge_is_ok(struct slice reply);

bool judge_ok(struct run *run, const struct line *line);
bool judge_error(struct run *run, const struct line *line);
bool judge_reply(struct run *run, const struct line *line);

/* --- events.c --- */

bool events_expect(struct run *run, const struct line *line);
bool events_expect_none(struct run *run);

/* A command with @id was refused: it has left no event behind. */
bool events_refused(struct run *run, struct slice id);

/* --- twin.c --- */

bool twin_note(struct run *run, struct slice reply);
bool twin_look(struct run *run, const char *object);

/* --- preview.c --- */

/* If what stands in run->message is a request to connect, ask what would be answered to it; and
 * after it was answered, compare: the two say the same. */
void preview_ask(struct run *run);
bool preview_compare(struct run *run, struct slice reply);

/* --- census.c --- */

/* At the end of a case: what members are told they have is as much as their lists hold. */
bool census(struct run *run);

/* --- run.c --- */

/* Send run->message; the answer is in run->reply and has the right form. */
bool run_exchange(struct run *run);

/* Run a case. @with_secrets, @transcript: for a twin. True if it holds. */
bool run_case(struct run *run);

/* Whether all that the case needs is there; if not, *missing is the first that is not. */
bool run_has_needs(const struct script *script, const struct script_case *one,
                   struct slice *missing);

#endif
