/* proto/error.h: every error of kith, once.
 *
 * The enum, the wire codes, the classes, the retry advice and the texts all come from the one list
 * below; the protocol page and the clients' constants are checked against it. Names, in order, are
 * stable within protocol version 1: add at the end.
 */
#ifndef KITH_PROTO_ERROR_H
#define KITH_PROTO_ERROR_H

/* What kind of trouble it is: a client's code can branch on these without knowing every code. */
#define KITH_CLASS_LIST(X)                                                             \
    X(INVALID, "invalid")         /* the message is wrong; mend the caller */          \
    X(DENIED, "denied")           /* well-formed, but this actor may not */            \
    X(NOT_FOUND, "not_found")     /* what it names is not there */                     \
    X(CONFLICT, "conflict")       /* the state is another than the command needs */    \
    X(QUOTA, "quota")             /* a limit, a cooldown or a restriction */           \
    X(BUSY, "busy")               /* too much at once; nothing is wrong */             \
    X(UNAVAILABLE, "unavailable") /* cannot now: the disk is full, the daemon stops */ \
    X(INTERNAL, "internal")       /* a defect or damage; the journal has the details */

/* When the same wish may be sent again:
 * never    as it is, it will be refused again;
 * same_id  the very same command with the same id, after a pause;
 * new_id   later, when what the error names has passed: a new command with a new id. */
#define KITH_RETRY_LIST(X) \
    X(NEVER, "never")      \
    X(SAME_ID, "same_id")  \
    X(NEW_ID, "new_id")

/* clang-format off */
#define KITH_ERR_LIST(X) /* name, wire code, class, retry, text */                                 \
    X(MALFORMED,            "malformed",            INVALID,     NEVER,   "the message is not one well-formed msgpack map; see proto/README.md, section 2") \
    X(UNSUPPORTED_VERSION,  "unsupported_version",  INVALID,     NEVER,   "this daemon speaks protocol version 1; send v: 1") \
    X(UNKNOWN_OP,           "unknown_op",           INVALID,     NEVER,   "there is no such operation; see proto/README.md, or `kith help`") \
    X(BAD_ARGUMENT,         "bad_argument",         INVALID,     NEVER,   "an argument is missing, unknown or of the wrong kind; `field` names it") \
    X(ID_REQUIRED,          "id_required",          INVALID,     NEVER,   "a command needs `id`, an idempotency key of 1 to 64 bytes made by the caller") \
    X(TOO_LARGE,            "too_large",            INVALID,     NEVER,   "the message or its reply is larger than the limit; send less at once") \
    X(IDEMPOTENCY_MISMATCH, "idempotency_mismatch", CONFLICT,    NEVER,   "this id was used with another operation or other arguments; make a new id") \
    X(NOT_FOUND,            "not_found",            NOT_FOUND,   NEVER,   "there is no such thing") \
    X(UNAUTHORIZED,         "unauthorized",         DENIED,      NEVER,   "the caller is not known here") \
    X(FORBIDDEN,            "forbidden",            DENIED,      NEVER,   "the caller may not do this") \
    X(BUSY,                 "busy",                 BUSY,        SAME_ID, "more work is waiting than the daemon takes on; try again in a moment") \
    X(LAGGING,              "lagging",              BUSY,        SAME_ID, "the position asked for by `min_pos` was not reached in time") \
    X(TRIMMED,              "trimmed",              NOT_FOUND,   NEVER,   "the history before `first_seq` is gone; start from a snapshot, then read from there") \
    X(UNAVAILABLE,          "unavailable",          UNAVAILABLE, SAME_ID, "commands cannot be made durable now (the disk is full, or the daemon is stopping); nothing was changed") \
    X(INTERNAL,             "internal",             INTERNAL,    SAME_ID, "the daemon found damage or a defect; its journal says which; nothing was changed") \
    X(SELF,                 "self",                 INVALID,     NEVER,   "both members are the same one") \
    X(NO_SUCH_MEMBER,       "no_such_member",       NOT_FOUND,   NEVER,   "nobody here has that id") \
    X(MEMBER_CLOSED,        "member_closed",        DENIED,      NEVER,   "this account is closed") \
    X(SUSPENDED,            "suspended",            DENIED,      NEW_ID,  "this account is suspended") \
    X(BLOCKED_BY_YOU,       "blocked_by_you",       CONFLICT,    NEVER,   "you block this member; unblock first") \
    X(COOLDOWN,             "cooldown",             QUOTA,       NEW_ID,  "an earlier request to this member ended too recently; `until` says when it may be repeated") \
    X(PROOF_REQUIRED,       "proof_required",       DENIED,      NEVER,   "this member asks for proof of acquaintance; send `proof`, a contact of theirs you know") \
    X(NOT_ACCEPTING,        "not_accepting",        DENIED,      NEVER,   "this member does not take requests now") \
    X(QUOTA_EXCEEDED,       "quota_exceeded",       QUOTA,       NEW_ID,  "a limit is used up; `window` names it, `next_free_at` says when it frees") \
    X(RESTRICTED,           "restricted",           QUOTA,       NEW_ID,  "sending is restricted for now; `until` says how long") \
    X(CAP_REACHED,          "cap_reached",          QUOTA,       NEW_ID,  "you hold as many as one member may") \
    X(PEER_FULL,            "peer_full",            QUOTA,       NEW_ID,  "the other member holds as many connections as one member may") \
    X(ALREADY_PENDING,      "already_pending",      CONFLICT,    NEVER,   "you asked already; `request` names that request") \
    X(ALREADY_CONNECTED,    "already_connected",    CONFLICT,    NEVER,   "these members are connected") \
    X(NOT_CONNECTED,        "not_connected",        CONFLICT,    NEVER,   "these members are not connected") \
    X(NOT_BLOCKED,          "not_blocked",          CONFLICT,    NEVER,   "you do not block this member") \
    X(NO_REQUEST,           "no_request",           NOT_FOUND,   NEVER,   "there is no such request") \
    X(NOT_RECIPIENT,        "not_recipient",        CONFLICT,    NEVER,   "only the recipient of a request can answer it") \
    X(STALE,                "stale",                CONFLICT,    NEVER,   "that request has been replaced; `current` names the one that stands") \
    X(BAD_CONTACT,          "bad_contact",          INVALID,     NEVER,   "the contact is not a valid address of its kind") \
    X(NOTE_TOO_LONG,        "note_too_long",        INVALID,     NEVER,   "the note has more characters than `limit`") \
    X(NOTE_NOT_ALLOWED,     "note_not_allowed",     INVALID,     NEVER,   "an invite carries no text; send none") \
    X(RESEND_TOO_SOON,      "resend_too_soon",      QUOTA,       NEW_ID,  "this invite was sent too recently; `next` says when it may be sent again") \
    X(RESEND_LIMIT,         "resend_limit",         QUOTA,       NEVER,   "this invite was sent as often as one may be") \
    X(NOT_ACTIVE,           "not_active",           CONFLICT,    NEVER,   "this invite is no longer active") \
    X(TOO_LATE,             "too_late",             CONFLICT,    NEVER,   "this invite was redeemed already") \
    X(INVITE_INVALID,       "invite_invalid",       NOT_FOUND,   NEVER,   "this is not a live invite") \
    X(ALREADY_MEMBER,       "already_member",       CONFLICT,    NEVER,   "this contact belongs to a member")
/* clang-format on */

enum kith_err {
    KITH_OK = 0,
#define X(name, code, class, retry, text) KITH_##name,
    KITH_ERR_LIST(X)
#undef X
        KITH_ERR_COUNT
};

enum kith_class {
#define X(name, text) KITH_CLASS_##name,
    KITH_CLASS_LIST(X)
#undef X
};

enum kith_retry {
#define X(name, text) KITH_RETRY_##name,
    KITH_RETRY_LIST(X)
#undef X
};

/* Each is total over the enum and returns a constant string: borrowed for ever. KITH_OK is "ok". */
const char *kith_err_code(enum kith_err err);
const char *kith_err_text(enum kith_err err);
const char *kith_err_class(enum kith_err err);
const char *kith_err_retry(enum kith_err err);

/* The error with wire code @code (zero-terminated), or KITH_ERR_COUNT where none has it. */
enum kith_err kith_err_find(const char *code);

#endif
