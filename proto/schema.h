/* proto/schema.h: every operation of protocol version 1 and every argument it takes.
 *
 * The daemon checks messages against this table, `kith` types its words by it and makes its help
 * and completion from it. An argument is one row of the dictionary; an operation names the rows it
 * needs and those it takes. Where two operations mean different things by one name (`after` in a
 * list and in event.read), the dictionary has a row for each, and no operation takes both.
 */
#ifndef KITH_PROTO_SCHEMA_H
#define KITH_PROTO_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

enum kith_arg_type {
    KITH_TYPE_MEMBER,   /* str, 1 to 64 bytes, no control characters */
    KITH_TYPE_STR,      /* str of min to max bytes */
    KITH_TYPE_UINT,     /* integer of min to max */
    KITH_TYPE_BOOL,     /* true or false */
    KITH_TYPE_CHOICE,   /* str, one of the words in `choices`, which are separated by spaces */
    KITH_TYPE_MEMBERS,  /* array of min to max members */
    KITH_TYPE_UINTS,    /* array of min to max integers of 0 to 2^53 - 1 */
    KITH_TYPE_STRS,     /* array of at most max str, each 1 to 64 bytes */
    KITH_TYPE_PAIRS,    /* array of at most max [member, member] */
    KITH_TYPE_CONTACT,  /* map {kind: "email"|"phone"|"opaque", value: str} */
    KITH_TYPE_CONTACTS, /* array of at most max contacts */
    KITH_TYPE_POLICY,   /* map {accept: str?, auto_accept: str or uint?} */
    KITH_TYPE_HINTS,    /* map {viewed_profile: bool?, shared_interests: [str]?,
                           recipient_last_seen: uint?} */
    KITH_TYPE_FORBIDDEN /* never taken: the operation's error says why */
};

#define KITH_INT_MAX 0x1fffffffffffff /* 2^53 - 1: exact in every language */

/* clang-format off */
#define KITH_ARG_LIST(X) /* enum, name, type, min, max, choices, help */                            \
    X(MEMBER,    "member",     MEMBER,  1, KITH_MEMBER_SIZE_MAX, NULL, "the member who acts or is asked about")  \
    X(OTHER,     "other",      MEMBER,  1, KITH_MEMBER_SIZE_MAX, NULL, "the other member")                       \
    X(FROM,      "from",       MEMBER,  1, KITH_MEMBER_SIZE_MAX, NULL, "who asks")                               \
    X(TO,        "to",         MEMBER,  1, KITH_MEMBER_SIZE_MAX, NULL, "who is asked")                           \
    X(VIEWER,    "viewer",     MEMBER,  1, KITH_MEMBER_SIZE_MAX, NULL, "the member who looks")                   \
    X(MEMBERS,   "members",    MEMBERS, 1, KITH_OTHERS_COUNT_MAX, NULL, "several members at once")               \
    X(OTHERS,    "others",     MEMBERS, 1, KITH_OTHERS_COUNT_MAX, NULL, "several other members at once")         \
    X(NAME,      "name",       STR,     1, KITH_NAME_SIZE_MAX, NULL, "display name")                             \
    X(TIER,      "tier",       STR,     1, 64, NULL, "whose limits apply: free, premium, unlimited or your own") \
    X(POLICY,    "policy",     POLICY,  0, 0, NULL, "{accept: everyone|proof|mutual|nobody, auto_accept: none|all|NUMBER}") \
    X(INTERESTS, "interests",  STRS,    0, KITH_INTEREST_COUNT_MAX, NULL, "what the member cares about")           \
    X(CONTACTS,  "contacts",   CONTACTS, 0, KITH_CONTACTS_COUNT_MAX, NULL, "verified contacts of the member")     \
    X(TTL_MS,    "ttl_ms",     UINT,    1, KITH_INT_MAX, NULL, "how long it holds (ms); absent: until taken back") \
    X(NOTE,      "note",       STR,     1, KITH_NOTE_SIZE_MAX, NULL, "a personal word with the request")         \
    X(REQUEST,   "request",    STR,     1, 64, NULL, "the request meant, as returned by connection.request")     \
    X(PROOF,     "proof",      CONTACT, 1, KITH_CONTACT_SIZE_MAX, NULL, "a contact of the recipient, as proof of acquaintance") \
    X(HINTS,     "hints",      HINTS,   0, 0, NULL, "what the product knows: {viewed_profile, shared_interests, recipient_last_seen}") \
    X(REPORT_KIND, "kind",     CHOICE,  0, 0, "unknown spam other", "why the request is reported")               \
    X(BLOCK,     "block",      BOOL,    0, 1, NULL, "block the sender as well")                                  \
    X(QUEUE,     "queue",      CHOICE,  0, 0, "main filtered", "only requests in this queue")                    \
    X(UPDATES,   "updates",    BOOL,    0, 1, NULL, "whether member receives the other's updates")               \
    X(MESSAGES,  "messages",   BOOL,    0, 1, NULL, "whether member receives the other's messages")              \
    X(MAX,       "max",        UINT,    1, 3, NULL, "how many steps at most")                                    \
    X(LEVEL,     "level",      UINT,    1, 5, NULL, "of the restriction")                                        \
    X(REASON,    "reason",     CHOICE,  0, 0, "velocity reports low_acceptance duplicate manual", "told to the restricted member") \
    X(UNTIL,     "until",      UINT,    0, KITH_INT_MAX, NULL, "until when (ms since the epoch)")                \
    X(INTERACTION_KIND, "kind", CHOICE, 0, 0, "view like comment share message", "what from did with to's things") \
    X(VIA,       "via",        CHOICE,  0, 0, "import link invite", "how these connections came about")          \
    X(PAIRS,     "pairs",      PAIRS,   1, KITH_PAIRS_COUNT_MAX, NULL, "pairs to connect: [[a, b], ...]")        \
    X(CONTACT,   "contact",    CONTACT, 1, KITH_CONTACT_SIZE_MAX, NULL, "email:ADDRESS, phone:NUMBER or opaque:VALUE") \
    X(TOKEN,     "token",      STR,     1, KITH_TOKEN_SIZE_MAX, NULL, "the secret of an invite")                 \
    X(INVITE,    "invite",     STR,     1, 64, NULL, "an invite, as returned by invite.create")                  \
    X(SOURCE,    "source",     STR,     1, 64, NULL, "where the asker comes from, for the guess limit")          \
    X(STATE,     "state",      CHOICE,  0, 0, "active redeemed expired revoked exhausted orphaned", "only invites in this state")           \
    X(LIMIT,     "limit",      UINT,    1, KITH_INT_MAX, NULL, "how many at most (clamped to the list's maximum)") \
    X(AFTER,     "after",      STR,     1, KITH_AFTER_SIZE_MAX, NULL, "go on where `next` of the last page says") \
    X(AFTER_SEQ, "after",      UINT,    0, KITH_INT_MAX, NULL, "events after this sequence number")              \
    X(SINCE,     "since",      UINT,    0, KITH_INT_MAX, NULL, "events from this time on (ms since the epoch)")  \
    X(END,       "end",        BOOL,    0, 1, NULL, "start behind the last event")                               \
    X(TYPES,     "types",      STRS,    1, KITH_TYPES_COUNT_MAX, NULL, "only events whose type starts with one of these") \
    X(WAIT_MS,   "wait_ms",    UINT,    0, KITH_WAIT_MS_MAX, NULL, "wait this long for something to say (ms)")   \
    X(ID,        "id",         STR,     1, KITH_ID_SIZE_MAX, NULL, "a command's idempotency key")                \
    X(MS,        "ms",         UINT,    0, KITH_INT_MAX, NULL, "how far to move the clock (ms)")                 \
    X(CLAIM,     "claim",      STR,     1, KITH_TOKEN_SIZE_MAX, NULL, "the secret of a claim, as returned by invite.claim") \
    X(MAX_USES,  "max_uses",   UINT,    1, KITH_LINK_USES_MAX, NULL, "how many may join by the link")            \
    X(LABEL,     "label",      STR,     1, KITH_LABEL_SIZE_MAX, NULL, "the inviter's own word for a link")       \
    X(MODE,      "mode",       CHOICE,  0, 0, "auto request", "whether the link connects at once, or asks the inviter") \
    X(DELIVERY,  "delivery",   CHOICE,  0, 0, "sent bounced complained", "what became of the mail")              \
    X(DEPTH,     "depth",      UINT,    1, KITH_TREE_DEPTH_MAX, NULL, "how many generations")                    \
    X(CURSOR,    "name",       STR,     1, KITH_CURSOR_SIZE_MAX, NULL, "of the cursor or subscription, made by the caller") \
    X(SEQ,       "seq",        UINT,    0, KITH_INT_MAX, NULL, "the last sequence number dealt with")            \
    X(AUDIENCE,  "audience",   MEMBERS, 1, KITH_OTHERS_COUNT_MAX, NULL, "only events in whose audience one of these is") \
    X(WORKER,    "worker",     STR,     1, KITH_CURSOR_SIZE_MAX, NULL, "who fetches; for people")               \
    X(ACK_MS,    "ack_ms",     UINT,    1, KITH_INT_MAX, NULL, "how long until it is handed out again (ms; 30 s)") \
    X(SEQS,      "seqs",       UINTS,   1, KITH_OPEN_COUNT_MAX, NULL, "sequence numbers that were handed out")  \
    X(DELAY_MS,  "delay_ms",   UINT,    0, KITH_INT_MAX, NULL, "not to be handed out again for so long (ms)")   \
    X(INVITE_NOTE,    "note",    FORBIDDEN, 0, 0, NULL, "") \
    X(INVITE_TEXT,    "text",    FORBIDDEN, 0, 0, NULL, "") \
    X(INVITE_MESSAGE, "message", FORBIDDEN, 0, 0, NULL, "")

#define KITH_OP_LIST(X) /* enum, name, kind, required, optional, help */                            \
    X(SERVER_HELLO,        "server.hello",        QUERY,   0, 0, "who the daemon is, what it speaks, its limits") \
    X(SERVER_STATS,        "server.stats",        QUERY,   0, 0, "counters and gauges") \
    X(MEMBER_REGISTER,     "member.register",     COMMAND, A(MEMBER), A(NAME) | A(TIER) | A(POLICY) | A(CONTACTS) | A(INTERESTS), "make a member known") \
    X(MEMBER_UPDATE,       "member.update",       COMMAND, A(MEMBER), A(NAME) | A(TIER) | A(POLICY) | A(INTERESTS), "change what is known of a member") \
    X(MEMBER_VERIFY_CONTACT, "member.verify_contact", COMMAND, A(MEMBER) | A(CONTACT), 0, "a contact is proven to be this member's") \
    X(MEMBER_DROP_CONTACT, "member.drop_contact", COMMAND, A(MEMBER) | A(CONTACT), 0, "a contact is no longer this member's") \
    X(MEMBER_SUSPEND,      "member.suspend",      COMMAND, A(MEMBER), 0, "hide a member and all his connections, for now") \
    X(MEMBER_RESTORE,      "member.restore",      COMMAND, A(MEMBER), 0, "end a suspension") \
    X(MEMBER_CLOSE,        "member.close",        COMMAND, A(MEMBER), 0, "end a membership; connections and requests go, the id stays taken") \
    X(MEMBER_ERASE,        "member.erase",        COMMAND, A(MEMBER), 0, "close, and make all he wrote unreadable for ever") \
    X(MEMBER_BLOCK,        "member.block",        COMMAND, A(MEMBER) | A(OTHER), 0, "never hear of other again; other is not told") \
    X(MEMBER_UNBLOCK,      "member.unblock",      COMMAND, A(MEMBER) | A(OTHER), 0, "take a block back") \
    X(MEMBER_PREAPPROVE,   "member.preapprove",   COMMAND, A(MEMBER) | A(OTHER), A(TTL_MS), "accept other's next request beforehand") \
    X(MEMBER_UNPREAPPROVE, "member.unpreapprove", COMMAND, A(MEMBER) | A(OTHER), 0, "take a pre-approval back") \
    X(MEMBER_GET,          "member.get",          QUERY,   0, A(MEMBER) | A(MEMBERS), "look one member up, or several") \
    X(MEMBER_LIST,         "member.list",         QUERY,   0, A(AFTER) | A(LIMIT), "all members, in the order of their registration") \
    X(MEMBER_BLOCKS,       "member.blocks",       QUERY,   A(MEMBER), A(AFTER) | A(LIMIT), "whom a member blocks, newest first") \
    X(MEMBER_PREAPPROVALS, "member.preapprovals", QUERY,   A(MEMBER), A(AFTER) | A(LIMIT), "whom a member has pre-approved, newest first") \
    X(CONNECTION_REQUEST,  "connection.request",  COMMAND, A(FROM) | A(TO), A(NOTE) | A(PROOF) | A(HINTS), "ask a member to connect") \
    X(CONNECTION_ACCEPT,   "connection.accept",   COMMAND, A(MEMBER) | A(OTHER), A(REQUEST), "accept the request that other sent to member") \
    X(CONNECTION_IGNORE,   "connection.ignore",   COMMAND, A(MEMBER) | A(OTHER), A(REQUEST), "put other's request out of sight") \
    X(CONNECTION_DECLINE,  "connection.decline",  COMMAND, A(MEMBER) | A(OTHER), A(REQUEST), "say no to other's request; other is not told") \
    X(CONNECTION_REPORT,   "connection.report",   COMMAND, A(MEMBER) | A(OTHER) | A(REPORT_KIND), A(BLOCK), "report other's request; other is not told") \
    X(CONNECTION_DECLINE_ALL, "connection.decline_all", COMMAND, A(MEMBER), A(QUEUE), "decline up to 1000 waiting requests") \
    X(CONNECTION_WITHDRAW, "connection.withdraw", COMMAND, A(MEMBER) | A(OTHER), 0, "take back the request that member sent to other") \
    X(CONNECTION_REMOVE,   "connection.remove",   COMMAND, A(MEMBER) | A(OTHER), 0, "end a connection") \
    X(CONNECTION_SET_ACCESS, "connection.set_access", COMMAND, A(MEMBER) | A(OTHER), A(UPDATES) | A(MESSAGES), "choose what member receives from a connection") \
    X(CONNECTION_DISMISS,  "connection.dismiss",  COMMAND, A(MEMBER) | A(OTHER), 0, "never suggest other again") \
    X(CONNECTION_IMPORT,   "connection.import",   COMMAND, A(PAIRS), A(VIA), "connect many pairs that were connected elsewhere") \
    X(CONNECTION_STATUS,   "connection.status",   QUERY,   A(VIEWER), A(OTHER) | A(OTHERS), "what stands between the viewer and another") \
    X(CONNECTION_PREVIEW,  "connection.preview",  QUERY,   A(FROM) | A(TO), A(NOTE) | A(PROOF) | A(HINTS), "what connection.request would answer now") \
    X(CONNECTION_LIST,     "connection.list",     QUERY,   A(MEMBER), A(AFTER) | A(LIMIT), "a member's connections, newest first") \
    X(CONNECTION_INCOMING, "connection.incoming", QUERY,   A(MEMBER), A(QUEUE) | A(AFTER) | A(LIMIT), "requests waiting for a member, newest first") \
    X(CONNECTION_OUTGOING, "connection.outgoing", QUERY,   A(MEMBER), A(AFTER) | A(LIMIT), "requests a member sent, newest first") \
    X(CONNECTION_COUNTS,   "connection.counts",   QUERY,   A(MEMBER), 0, "how many connections and requests a member has") \
    X(CONNECTION_MUTUALS,  "connection.mutuals",  QUERY,   A(VIEWER) | A(OTHER), A(AFTER) | A(LIMIT), "whom both are connected to") \
    X(CONNECTION_PATH,     "connection.path",     QUERY,   A(VIEWER) | A(OTHER), A(MAX), "a shortest way from one to the other, up to 3 steps") \
    X(CONNECTION_SUGGEST,  "connection.suggest",  QUERY,   A(MEMBER), A(LIMIT), "whom a member may know") \
    X(CONNECTION_ACCESS,   "connection.access",   QUERY,   A(VIEWER) | A(OTHER), 0, "what the viewer receives from a connection") \
    X(RESTRICTION_SET,     "restriction.set",     COMMAND, A(MEMBER), A(LEVEL) | A(REASON) | A(UNTIL), "keep a member from sending requests") \
    X(RESTRICTION_LIFT,    "restriction.lift",    COMMAND, A(MEMBER), 0, "let a member send requests again") \
    X(INTERACTION_RECORD,  "interaction.record",  COMMAND, A(FROM) | A(TO) | A(INTERACTION_KIND), 0, "from did something with to's things; for suggestions") \
    X(INVITE_CREATE,       "invite.create",       COMMAND, A(MEMBER) | A(CONTACT), A(INVITE_NOTE) | A(INVITE_TEXT) | A(INVITE_MESSAGE), "invite somebody who is not a member") \
    X(INVITE_LINK,         "invite.link",         COMMAND, A(MEMBER), A(MAX_USES) | A(TTL_MS) | A(LABEL) | A(MODE), "make a link by which others join") \
    X(INVITE_RESEND,       "invite.resend",       COMMAND, A(MEMBER) | A(INVITE), 0, "have an invite mailed once more; its time starts anew") \
    X(INVITE_REVOKE,       "invite.revoke",       COMMAND, A(MEMBER) | A(INVITE), 0, "take an invite back") \
    X(INVITE_CLAIM,        "invite.claim",        COMMAND, A(TOKEN), A(SOURCE), "hold an invite for an hour while somebody signs up") \
    X(INVITE_DECLINE,      "invite.decline",      COMMAND, A(TOKEN), A(REPORT_KIND) | A(SOURCE), "the one invited does not want it; the inviter is not told") \
    X(INVITE_FEEDBACK,     "invite.feedback",     COMMAND, A(INVITE) | A(DELIVERY), 0, "what became of an invite's mail") \
    X(INVITE_PEEK,         "invite.peek",         QUERY,   A(TOKEN), A(SOURCE), "whose invite a token is") \
    X(INVITE_COUNTS,       "invite.counts",       QUERY,   A(MEMBER), A(LABEL) | A(AFTER) | A(LIMIT), "how many came by a member's links, by label") \
    X(INVITE_TREE,         "invite.tree",         QUERY,   A(MEMBER), A(DEPTH), "who joined through whom") \
    X(CONTACT_SUPPRESS,    "contact.suppress",    COMMAND, A(CONTACT), A(MEMBER), "never mail this contact for an invite again, of anybody or of one member") \
    X(CONTACT_UNSUPPRESS,  "contact.unsuppress",  COMMAND, A(CONTACT) | A(MEMBER), 0, "take that back, by the member whose contact it is") \
    X(INVITE_REDEEM,       "invite.redeem",       COMMAND, A(MEMBER), A(TOKEN) | A(CLAIM) | A(CONTACT) | A(NAME) | A(SOURCE), "join by an invite, and be connected") \
    X(INVITE_GET,          "invite.get",          QUERY,   A(MEMBER) | A(INVITE), 0, "one of a member's own invites") \
    X(INVITE_LIST,         "invite.list",         QUERY,   A(MEMBER), A(STATE) | A(AFTER) | A(LIMIT), "a member's own invites, newest first") \
    X(QUOTA_GET,           "quota.get",           QUERY,   A(MEMBER), 0, "what a member may still do, and when more") \
    X(EVENT_READ,          "event.read",          QUERY,   0, A(AFTER_SEQ) | A(SINCE) | A(END) | A(LIMIT) | A(TYPES) | A(AUDIENCE) | A(MEMBER) | A(WAIT_MS), "read the log, or a member's feed") \
    X(CURSOR_COMMIT,       "cursor.commit",       COMMAND, A(CURSOR) | A(SEQ), A(MEMBER), "remember how far a subscriber is") \
    X(CURSOR_DELETE,       "cursor.delete",       COMMAND, A(CURSOR), 0, "forget a subscriber") \
    X(CURSOR_GET,          "cursor.get",          QUERY,   A(CURSOR), 0, "how far a subscriber is") \
    X(SUBSCRIPTION_FETCH,  "subscription.fetch",  COMMAND, A(CURSOR) | A(WORKER), A(LIMIT) | A(ACK_MS) | A(TYPES) | A(AFTER_SEQ) | A(WAIT_MS), "take events that several workers share") \
    X(SUBSCRIPTION_ACK,    "subscription.ack",    COMMAND, A(CURSOR) | A(SEQS), 0, "these are dealt with") \
    X(SUBSCRIPTION_NACK,   "subscription.nack",   COMMAND, A(CURSOR) | A(SEQS), A(DELAY_MS), "these could not be dealt with; hand them out again") \
    X(SUBSCRIPTION_PARKED, "subscription.parked", QUERY,   A(CURSOR), A(AFTER_SEQ) | A(LIMIT), "what was tried too often") \
    X(SUBSCRIPTION_REPLAY, "subscription.replay", COMMAND, A(CURSOR) | A(SEQS), 0, "try these parked ones again") \
    X(SUBSCRIPTION_DELETE, "subscription.delete", COMMAND, A(CURSOR), 0, "forget a shared subscription") \
    X(CURSOR_LIST,         "cursor.list",         QUERY,   0, A(AFTER) | A(LIMIT), "all cursors, by name") \
    X(COMMAND_LOOKUP,      "command.lookup",      QUERY,   A(ID), 0, "what became of a command") \
    X(CLOCK_ADVANCE,       "clock.advance",       COMMAND, A(MS), 0, "move the clock (only with --clock manual)")
/* clang-format on */

enum kith_arg {
#define X(id, name, type, min, max, choices, help) KITH_ARG_##id,
    KITH_ARG_LIST(X)
#undef X
        KITH_ARG_COUNT
};

enum kith_op {
#define X(id, name, kind, required, optional, help) KITH_OP_##id,
    KITH_OP_LIST(X)
#undef X
        KITH_OP_COUNT
};

enum kith_op_kind {
    KITH_KIND_COMMAND, /* changes something; needs an id; is durable when answered */
    KITH_KIND_QUERY
};

struct kith_arg_row {
    const char *name;
    size_t name_size;
    enum kith_arg_type type;
    uint64_t min, max;
    const char *choices; /* for CHOICE, else NULL */
    const char *help;
};

struct kith_op_row {
    const char *name;
    size_t name_size;
    enum kith_op_kind kind;
    uint64_t required, optional; /* bit n stands for argument n of the dictionary */
    const char *help;
};

_Static_assert(KITH_ARG_COUNT <= 64, "argument sets are 64-bit masks");

extern const struct kith_arg_row kith_args[KITH_ARG_COUNT];
extern const struct kith_op_row kith_ops[KITH_OP_COUNT];

/* The operation called @name (borrowed, @size bytes, need not end in zero), or KITH_OP_COUNT. */
enum kith_op kith_op_find(const char *name, size_t size);

/* The argument called @name among those @op takes, or KITH_ARG_COUNT. */
enum kith_arg kith_arg_find(enum kith_op op, const char *name, size_t size);

#endif
