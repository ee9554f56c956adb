/* core/event.h: what happened, and how it is written down and told.
 *
 * An event is one flat struct; which fields a type carries on the wire is its row in the table. In
 * the log it is a map of numbered fields (fields.h). Whatever configuration decided at the time is
 * a field (an expiry, a cost, the end of a cooldown), so that applying it again needs none.
 *
 * The first event of a command, its head, also carries the command: id, op, a hash of op and
 * arguments, how many events it has, and its result without secrets. The others say how far back
 * their head is. Events of the daemon itself have no head.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_EVENT_H
#define KITH_CORE_EVENT_H

#include "core/fields.h"

/* Numbers are on disk: never reuse one. */
/* clang-format off */
#define EVENT_TYPE_LIST(X) /* number, enum, name, fields on the wire */                            \
    X( 1, MEMBER_REGISTERED,    "member.registered",    F(member) | F(tier))                       \
    X( 2, MEMBER_UPDATED,       "member.updated",       F(member) | F(tier))                       \
    X( 3, CONNECTION_REQUESTED, "connection.requested", F(from) | F(to) | F(request) | F(expires_ms)) \
    X( 4, CONNECTION_ACCEPTED,  "connection.accepted",  F(from) | F(to) | F(request) | F(via) | F(since_ms)) \
    X( 5, CONNECTION_WITHDRAWN, "connection.withdrawn", F(from) | F(to) | F(request))              \
    X( 6, CONNECTION_EXPIRED,   "connection.expired",   F(from) | F(to) | F(request) | F(expired_ms)) \
    X( 7, CONNECTION_REMOVED,   "connection.removed",   F(member) | F(other))                      \
    X( 8, INVITE_CREATED,       "invite.created",       F(invite) | F(member) | F(kind) | F(expires_ms)) \
    X( 9, INVITE_DELIVERY_DUE,  "invite.delivery_due",  F(invite) | F(member))                     \
    X(10, INVITE_REDEEMED,      "invite.redeemed",      F(invite) | F(member) | F(clicked) | F(first_touch) | F(match)) \
    X(11, INVITE_EXPIRED,       "invite.expired",       F(invite) | F(member) | F(expired_ms))     \
    X(12, CLOCK_ADVANCED,       "clock.advanced",       F(ms))                                     \
    X(13, COMMAND_NOTED,        "command.noted",        0)

#define EVENT_FIELD_LIST(X) /* number, field, kind, wire name */                                   \
    X( 0, type,        UINT,  NULL)          /* enum event_type */                                 \
    X( 1, member,      TEXT,  "member")                                                            \
    X( 2, other,       TEXT,  "other")                                                             \
    X( 3, from,        TEXT,  "from")                                                              \
    X( 4, to,          TEXT,  "to")                                                                \
    X( 5, request,     ID,    "request")                                                           \
    X( 6, invite,      ID,    "invite")                                                            \
    X( 7, expires_ms,  UINT,  "expires_at")                                                        \
    X( 8, expired_ms,  UINT,  "expired_at")                                                        \
    X( 9, since_ms,    UINT,  "since")                                                             \
    X(10, via,         UINT,  "via")         /* enum via */                                        \
    X(11, tier,        TEXT,  "tier")                                                              \
    X(12, kind,        UINT,  "kind")        /* enum contact_kind */                               \
    X(13, clicked,     TEXT,  "clicked")     /* whose invite was used */                           \
    X(14, first_touch, TEXT,  "first_touch") /* who invited that contact first */                  \
    X(15, match,       BOOL,  "match")       /* redeemed by whom it was for, as far as known */    \
    X(16, ms,          UINT,  "ms")                                                                \
    X(32, name,        BYTES, NULL)          /* sealed under the member's key */                   \
    X(33, note,        BYTES, NULL)          /* sealed under the key of who wrote it */            \
    X(34, cost,        UINT,  NULL)          /* counted against the sender's windows; 0: not */    \
    X(35, cooldown_ms, UINT,  NULL)          /* until when `from` may not ask again */             \
    X(36, hidden_ms,   UINT,  NULL)          /* until when `other` is not heard, unknowingly */    \
    X(37, shadow,      BOOL,  NULL)          /* the recipient never sees it */                     \
    X(38, contact,     BYTES, NULL)          /* hash of the invited contact */                     \
    X(39, token,       BYTES, NULL)          /* hash of the token */                               \
    X(40, token_key,   UINT,  NULL)          /* number of the key it was made with */              \
    X(41, audience,    UINT,  NULL)          /* AUDIENCE_* */                                      \
    X(42, notify,      BOOL,  NULL)                                                                \
    X(48, head_id,     BYTES, NULL)                                                                \
    X(49, head_op,     TEXT,  NULL)                                                                \
    X(50, head_hash,   BYTES, NULL)          /* XXH3-128 of op and the bytes of args */            \
    X(51, head_result, BYTES, NULL)          /* an encoded map, without secrets */                 \
    X(52, head_count,  UINT,  NULL)          /* events of the command, this one included */        \
    X(53, head_back,   UINT,  NULL)          /* in the others: how many events before this one */
/* clang-format on */

enum event_type {
    EVENT_NONE,
#define X(number, id, name, fields) EVENT_##id = number,
    EVENT_TYPE_LIST(X)
#undef X
        EVENT_TYPE_COUNT
};

/* In whose feed an event appears: a set of these. */
enum {
    AUDIENCE_FROM = 1,
    AUDIENCE_TO = 2,
    AUDIENCE_MEMBER = 4,
    AUDIENCE_OTHER = 8,
    AUDIENCE_CLICKED = 16
};

#define VIA_LIST(X)               \
    X(REQUEST, "request")         \
    X(CROSSING, "crossing")       \
    X(POLICY, "policy")           \
    X(PREAPPROVAL, "preapproval") \
    X(INVITE, "invite")           \
    X(LINK, "link")               \
    X(IMPORT, "import")

enum via {
    VIA_NONE,
#define X(id, name) VIA_##id,
    VIA_LIST(X)
#undef X
        VIA_COUNT
};

#define CONTACT_KIND_LIST(X) \
    X(EMAIL, "email")        \
    X(PHONE, "phone")        \
    X(OPAQUE, "opaque")      \
    X(LINK, "link")

enum contact_kind {
    CONTACT_NONE,
#define X(id, name) CONTACT_##id,
    CONTACT_KIND_LIST(X)
#undef X
        CONTACT_KIND_COUNT
};

const char *event_type_name(uint64_t type); /* of a known type */
const char *via_name(uint64_t via);
uint64_t via_find(struct slice name); /* VIA_NONE if there is none */
const char *contact_kind_name(uint64_t kind);
uint64_t contact_kind_find(struct slice name);

#define FIELD_TYPE_UINT  uint64_t
#define FIELD_TYPE_BOOL  bool
#define FIELD_TYPE_TEXT  struct slice
#define FIELD_TYPE_BYTES struct slice
#define FIELD_TYPE_ID    struct public_id

/* Slices are borrowed from the message, the record or the decision it came from. */
struct event {
    seq_t seq;
    msec_t at_ms;
#define X(number, field, kind, wire) FIELD_TYPE_##kind field;
    EVENT_FIELD_LIST(X)
#undef X
};

/* Append the body of its record to @out: all but seq and at_ms, which the log keeps. */
void event_encode(struct buf *out, const struct event *event);

/* Fill all but seq and at_ms; slices point into @body. False if it is not an event of a type and
 * with fields known to this program. */
bool event_decode(struct slice body, struct event *out);

/* Append the event as it goes on the wire: {v, seq, at, type, cause, fields, audience, notify}.
 * @cause: the id of its command; absent: nil, the daemon's own. */
void event_render(struct buf *out, const struct event *event, struct slice cause);

#endif
