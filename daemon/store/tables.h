/* store/tables.h: the tables of the views, once.
 *
 * POINT rows are only ever looked up by their whole key. LIST rows are looked up as well and are
 * also scanned in key order below a prefix; their keys are big-endian composites, so that byte
 * order is list order ("~seq" is the complement of a sequence: newest first). What the bytes of a
 * value mean is the business of core/rows. FEED rows only grow, see feeds.h.
 *
 * Of the keys of a LIST table so many bytes say whose list it is (0: the table is one list), and no
 * scan asks for less.
 *
 * Numbers: members have a short number (4 bytes, 1 is the first to register) that stands for them
 * in keys.
 *
 * Layer: store.
 */
#ifndef KITH_STORE_TABLES_H
#define KITH_STORE_TABLES_H

#include <stdint.h>

/* clang-format off */
#define VIEW_TABLE_LIST(X) /* enum, name, kind, bytes of the owner, key -> value */ \
    X(GLOBAL,    "global",    POINT, 0) /* name -> counters of the whole */ \
    X(MEMBER,    "member",    POINT, 0) /* member id -> number, profile, counts, quota stamps */ \
    X(NUMBER,    "number",    LIST,  0) /* number -> member id */ \
    X(PAIR,      "pair",      POINT, 0) /* lo number, hi number -> all that stands between the two */ \
    X(DEDUPE,    "dedupe",    POINT, 0) /* command id -> sequence of its first event */ \
    X(INCOMING,  "incoming",  LIST,  4) /* recipient, ~seq of the request -> sender */ \
    X(FILTERED,  "filtered",  LIST,  4) /* the same for requests that were filed there */ \
    X(HIDDEN,    "hidden",    LIST,  4) /* the same for requests that he does not see any more, or never did */ \
    X(OUTGOING,  "outgoing",  LIST,  4) /* sender, ~seq of the request -> recipient */ \
    X(ADJACENT,  "adjacent",  LIST,  4) /* member, other -> (empty): who is connected, by number */ \
    X(CONNECTED, "connected", LIST,  4) /* member, ~seq of the connection -> other: by time */ \
    X(BLOCKS,    "blocks",    LIST,  4) /* member, ~seq of the block -> whom he blocks */ \
    X(APPROVALS, "approvals", LIST,  4) /* member, ~seq of the pre-approval -> of whom */ \
    X(CLOSING,   "closing",   LIST,  0) /* number of a closed member who has rows left */ \
    X(CONTACT,   "contact",   POINT, 0) /* hash of a verified contact -> number of whose it is */ \
    X(DUE,       "due",       LIST,  0) /* instant, seq -> what expires then */ \
    X(INVITE,    "invite",    POINT, 0) /* invite id -> the invite */ \
    X(TOKEN,     "token",     POINT, 0) /* hash of a token -> invite id */ \
    X(INVITES,   "invites",   LIST,  4) /* inviter, ~seq -> invite id */ \
    X(INVITED,   "invited",   LIST, 16) /* hash of a contact, seq -> invite id: who invited it, oldest first */ \
    X(FEED,      "feed",      FEED,  0) /* hash of a member id (, chunk) -> (length,) sequences */ \
    X(OPEN,      "open",      POINT, 0) /* hash of a contact, inviter -> his latest invite of it */ \
    X(PACE,      "pace",      POINT, 0) /* inviter -> the slots of his latest mails */ \
    X(MAILS,     "mails",     POINT, 0) /* hash of a contact -> its mails, past and planned */ \
    X(SUPPRESSED,"suppressed",LIST, 16) /* hash of a contact, inviter or 0 for all -> (one byte) */ \
    X(CONVERTING,"converting",LIST,  0) /* hash of a contact whose invites are converted in slices -> member */ \
    X(MASKED,    "masked",    LIST,  4) /* inviter, ~seq of a masked request -> recipient */ \
    X(CLAIM,     "claim",     POINT, 0) /* hash of a claim -> expiry, invite id */ \
    X(CLAIMS,    "claims",    LIST,  0) /* expiry, seq -> hash of a claim */ \
    X(REDEEMER,  "redeemer",  POINT, 0) /* seq of a link, member -> (one byte) */ \
    X(LABEL,     "label",     LIST,  4) /* inviter, hash of a label -> counts of his links */ \
    X(JOINED,    "joined",    LIST,  4) /* inviter, member -> who joined through him */
/* clang-format on */

enum view_table {
#define X(id, name, kind, owner_size) VIEW_##id,
    VIEW_TABLE_LIST(X)
#undef X
        VIEW_TABLE_COUNT
};

enum view_kind { VIEW_KIND_POINT, VIEW_KIND_LIST, VIEW_KIND_FEED };

struct view_table_row {
    const char *name;
    enum view_kind kind;
    uint8_t owner_size;
};

extern const struct view_table_row view_tables[VIEW_TABLE_COUNT];

/* Keys of POINT tables hold a member id, a command id or a hash; those of LIST tables are
 * composites of numbers and sequences, or a hash and a number. */
#define VIEW_KEY_SIZE_MAX      64
#define VIEW_LIST_KEY_SIZE_MAX 24

/* No row comes near it. */
#define VIEW_VALUE_SIZE_MAX (256 * 1024)

#endif
