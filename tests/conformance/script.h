/* script.h: a file of cases, read into lines.
 *
 *     case TITLE (row C1)             begins a case; the next one ends it
 *     needs WORD...                   skip it unless there is the operation, the operation's
 *                                     argument (op:argument), or the setting of that name
 *     set KEY=VALUE...                settings, from here on: once it runs, by a restart; the
 *                                     limits of a tier are those of `free`
 *     member NAME... [FIELDS]         register them; m1..m9 are nine
 *
 *     [ACTOR] VERB [OBJECT] [FIELDS]  send it (verbs.h)
 *         ok [only] [FIELDS]          what the result must be
 *         CODE [only] [FIELDS]        or the error
 *         reply [FIELDS]              the message around it
 *     given REQUEST                   it must succeed, and its events are of no interest
 *     again                           the last message that was not given, the id included
 *     raw {FIELDS}  bytes 'HEX'       a message that is none
 *     batch ... end                   the requests between go in one message
 *
 *     event TYPE [only] [FIELDS]      the next event since the request before the last was answered
 *     no event                        there is none left
 *
 *     advance 21d                     move the clock
 *     restart                         end the daemon and start it anew
 *     for NAME FROM..TO ... end       again and again, with $NAME
 *
 *     watch NAME                      run the case twice, the first time without the `secretly` and
 *     secretly LINE                   the second time without the `openly` lines, and compare byte
 *     openly LINE                     for byte whatever NAME is answered
 *     look NAME                       ask what the watched one can ask about NAME
 *
 * A request that nothing is said about must succeed. A comment begins with #.
 */
#ifndef KITH_CONFORMANCE_SCRIPT_H
#define KITH_CONFORMANCE_SCRIPT_H

#include "literal.h"

enum statement {
    STATEMENT_CASE,
    STATEMENT_NEEDS,
    STATEMENT_SET,
    STATEMENT_MEMBER,
    STATEMENT_REQUEST,
    STATEMENT_OK,
    STATEMENT_ERROR, /* an error's code */
    STATEMENT_REPLY,
    STATEMENT_AGAIN,
    STATEMENT_RAW,
    STATEMENT_BYTES,
    STATEMENT_BATCH,
    STATEMENT_EVENT,
    STATEMENT_NO,
    STATEMENT_ADVANCE,
    STATEMENT_RESTART,
    STATEMENT_FOR,
    STATEMENT_END,
    STATEMENT_WATCH,
    STATEMENT_LOOK,
    STATEMENT_COUNT
};

struct line {
    unsigned number; /* in the file */
    enum statement statement;
    bool is_given, is_secret, is_open;
    struct literal *words; /* without the keyword */
    struct literal *fields;
    struct slice keyword; /* ERROR: the code */
    unsigned end;         /* FOR, BATCH: the line of its `end`, as an index */
};

struct script_case {
    const char *title;
    unsigned first, end; /* its lines, without `case` */
    bool is_twin;        /* it has `watch` */
    bool is_odd;         /* it sends what a client library would not */
};

struct script {
    struct pool pool;
    const char *path;
    struct line *lines;
    unsigned line_count;
    struct script_case *cases;
    unsigned case_count;
    char wrong[512]; /* why it could not be read, with its place */
};

/* False with `wrong` set if there is no such file or it is not understood. */
bool script_read(struct script *script, const char *path);
void script_fini(struct script *script);

#endif
