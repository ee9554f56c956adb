/* sim/command.h: what the simulation asks of the daemon, and the message it is sent as.
 *
 * A command is one flat struct; which of its fields go into the message is a row of the table, so
 * that an operation is added by adding a row. Operations and arguments that this version of the
 * protocol does not have are left out, by looking them up in proto/schema.h.
 */
#ifndef KITH_SIM_COMMAND_H
#define KITH_SIM_COMMAND_H

#include "base/buf.h"
#include "proto/limits.h"
#include "proto/schema.h"

#define NOBODY           (-1) /* a member that nobody ever registers */
#define ABSENT           (-1) /* an optional number that is not given */
#define AUTO_NONE        0    /* policies: auto_accept, or how many mutuals it takes */
#define AUTO_ALL         (-2)
#define PAIRS_MAX        16
#define CONTACT_COUNT    9
#define CONTACT_OPAQUE   (CONTACT_COUNT - 1) /* that one is no address */
#define INVITED_COUNT    7 /* the first so many are invited, the others only verified */
#define TOKEN_SIZE_MAX   40
#define REQUEST_SIZE_MAX 24

/* clang-format off */
#define SIM_OP_LIST(X) /* enum, operation, arguments (? optional), how often */                  \
    X(REGISTER,     "member.register",        "member name? tier? policy? contacts?", 30)         \
    X(UPDATE,       "member.update",          "member name? tier? policy?",  30)                  \
    X(SUSPEND,      "member.suspend",         "member",                       3)                  \
    X(RESTORE,      "member.restore",         "member",                      20)                  \
    X(CLOSE,        "member.close",           "member",                       1)                  \
    X(ERASE,        "member.erase",           "member",                       1)                  \
    X(VERIFY,       "member.verify_contact",  "member contact",              16)                  \
    X(DROP,         "member.drop_contact",    "member contact",              20)                  \
    X(BLOCK,        "member.block",           "member other",                25)                  \
    X(UNBLOCK,      "member.unblock",         "member other",                40)                  \
    X(PREAPPROVE,   "member.preapprove",      "member other ttl_ms?",        30)                  \
    X(UNPREAPPROVE, "member.unpreapprove",    "member other",                15)                  \
    X(REQUEST,      "connection.request",     "from to note? proof?",       300)                  \
    X(ACCEPT,       "connection.accept",      "member other request?",      100)                  \
    X(IGNORE,       "connection.ignore",      "member other request?",       30)                  \
    X(DECLINE,      "connection.decline",     "member other request?",       50)                  \
    X(REPORT,       "connection.report",      "member other kind block?",    25)                  \
    X(WITHDRAW,     "connection.withdraw",    "member other",                60)                  \
    X(REMOVE,       "connection.remove",      "member other",                80)                  \
    X(DISMISS,      "connection.dismiss",     "member other",                10)                  \
    X(DECLINE_ALL,  "connection.decline_all", "member queue?",                8)                  \
    X(SET_ACCESS,   "connection.set_access",  "member other updates? messages?", 20)              \
    X(IMPORT,       "connection.import",      "pairs via?",                  20)                  \
    X(INTERACT,     "interaction.record",     "from to kind",                10)                  \
    X(INVITE,       "invite.create",          "member contact",              50)                  \
    X(LINK,         "invite.link",            "member max_uses? mode? label?", 15)                \
    X(RESEND,       "invite.resend",          "member invite",               30)                  \
    X(REVOKE,       "invite.revoke",          "member invite",               10)                  \
    X(CLAIM,        "invite.claim",           "token",                       15)                  \
    X(REDEEM,       "invite.redeem",          "token? claim? member contact? name?", 40)          \
    X(REFUSE,       "invite.decline",         "token kind?",                  5)                  \
    X(FEEDBACK,     "invite.feedback",        "invite delivery",             10)                  \
    X(SUPPRESS,     "contact.suppress",       "contact member?",              2)                  \
    X(UNSUPPRESS,   "contact.unsuppress",     "contact member",               8)                  \
    X(RESTRICT,     "restriction.set",        "member level? reason? until?", 2)                  \
    X(LIFT,         "restriction.lift",       "member",                      15)                  \
    X(ADVANCE,      "clock.advance",          "ms",                           8)
/* clang-format on */

enum sim_op {
#define X(id, name, args, weight) SIM_##id,
    SIM_OP_LIST(X)
#undef X
        SIM_OP_COUNT
};

struct sim_op_row {
    const char *name, *args;
    unsigned weight;
};

extern const struct sim_op_row sim_ops[SIM_OP_COUNT];

/* Does this version of the protocol have the operation, and does it take the argument? */
bool sim_op_exists(enum sim_op op);
bool sim_op_takes(enum sim_op op, const char *arg);

/* A note, and what the rules make of it: notes that say the same have the same print. */
struct note {
    const char *text;
    int64_t length; /* code points */
    unsigned print;
    bool generic; /* it says too little to be personal */
};

#define NOTE_COUNT 8
#define NOTE_LONG  6 /* just as long as may be; the next one is longer */
extern const struct note notes[NOTE_COUNT];

struct policy {
    const char *accept;  /* NULL: not given */
    int64_t auto_accept; /* ABSENT, AUTO_NONE, AUTO_ALL, or how many mutuals */
};

struct command {
    enum sim_op op;
    char id[KITH_ID_SIZE_MAX + 1];
    int a, b; /* who acts, and on whom; or NOBODY */
    const char *name, *tier, *via, *kind, *queue, *reason, *mode, *label, *delivery;
    const struct note *note;
    char request[REQUEST_SIZE_MAX], invite[REQUEST_SIZE_MAX], token[TOKEN_SIZE_MAX],
        claim[TOKEN_SIZE_MAX];    /* "": not given */
    int contact, proof;           /* ABSENT, or which one, below: */
    int spelling;                 /* 0 or 1: the same contact */
    int block, updates, messages; /* ABSENT, 0 or 1 */
    int64_t level, ttl_ms, until_ms, max_uses, ms;
    struct policy policy;
    int pairs[PAIRS_MAX][2];
    unsigned pair_count;
};

/* A command of @op with everything absent. */
void command_init(struct command *command, enum sim_op op);

/* Do its arguments name two members as actor and other? */
bool command_names_two(const struct command *command);

/* Append the map {op, id, args}, with v unless it is an item of a batch. */
void command_write(struct buf *out, const struct command *command, bool in_batch);

/* The same arguments for the query connection.preview. */
void command_write_preview(struct buf *out, const struct command *command);

/* The encoded op and args alone: two commands with the same are the same. */
void command_write_body(struct buf *out, const struct command *command);

/* "m7", borrowed for ever; of NOBODY "nobody". */
const char *member_name(int member);
/* Which member has this id: NOBODY if none. */
int member_find(struct slice id);

/* A contact in one of its two spellings. */
const char *contact_text(int contact, int spelling);

#endif
