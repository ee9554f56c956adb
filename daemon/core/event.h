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
    X( 7, CONNECTION_REMOVED,   "connection.removed",   F(member) | F(other) | F(removal))                      \
    X( 8, INVITE_CREATED,       "invite.created",       F(invite) | F(member) | F(kind) | F(expires_ms)) \
    X( 9, INVITE_DELIVERY_DUE,  "invite.delivery_due",  F(invite) | F(member))                     \
    X(10, INVITE_REDEEMED,      "invite.redeemed",      F(invite) | F(member) | F(clicked) | F(first_touch) | F(match)) \
    X(11, INVITE_EXPIRED,       "invite.expired",       F(invite) | F(member) | F(expired_ms))     \
    X(12, CLOCK_ADVANCED,       "clock.advanced",       F(ms))                                     \
    X(13, COMMAND_NOTED,        "command.noted",        0)                                         \
    X(14, MEMBER_SUSPENDED,     "member.suspended",     F(member))                                 \
    X(15, MEMBER_RESTORED,      "member.restored",      F(member))                                 \
    X(16, MEMBER_CLOSED,        "member.closed",        F(member))                                 \
    X(17, MEMBER_ERASED,        "member.erased",        F(member))                                 \
    X(18, MEMBER_BLOCKED,       "member.blocked",       F(member) | F(other))                      \
    X(19, MEMBER_UNBLOCKED,     "member.unblocked",     F(member) | F(other))                      \
    X(20, MEMBER_PREAPPROVED,   "member.preapproved",   F(member) | F(other) | F(expires_ms))      \
    X(21, MEMBER_UNPREAPPROVED, "member.unpreapproved", F(member) | F(other))                      \
    X(22, MEMBER_CONTACT_VERIFIED, "member.contact_verified", F(member))                           \
    X(23, MEMBER_CONTACT_DROPPED,  "member.contact_dropped",  F(member))                           \
    X(24, CONNECTION_IGNORED,   "connection.ignored",   F(from) | F(to) | F(request))              \
    X(25, CONNECTION_DECLINED,  "connection.declined",  F(from) | F(to) | F(request))              \
    X(26, CONNECTION_REPORTED,  "connection.reported",  F(from) | F(to) | F(request) | F(report))  \
    X(27, CONNECTION_ACCESS_CHANGED, "connection.access_changed", F(member) | F(other) | F(updates) | F(messages)) \
    X(28, CONNECTION_DISMISSED, "connection.dismissed", F(member) | F(other))                      \
    X(29, QUOTA_RESTRICTED,     "quota.restricted",     F(member) | F(level) | F(reason) | F(until_ms)) \
    X(30, QUOTA_LIFTED,         "quota.lifted",         F(member))                                 \
    X(31, INTERACTION_RECORDED, "interaction.recorded", F(from) | F(to) | F(interaction)) \
    X(32, INVITE_RESENT,        "invite.resent",        F(invite) | F(member) | F(expires_ms))     \
    X(33, INVITE_REVOKED,       "invite.revoked",       F(invite) | F(member))                     \
    X(34, INVITE_DECLINED,      "invite.declined",      F(invite) | F(member) | F(report))         \
    X(35, INVITE_FEEDBACK,      "invite.feedback",      F(invite) | F(member) | F(delivery))       \
    X(36, INVITE_CLAIMED,       "invite.claimed",       F(invite) | F(member))                     \
    X(37, INVITE_CONVERTED,     "invite.converted",     F(invite) | F(member) | F(other) | F(first_touch)) \
    X(38, CONTACT_SUPPRESSED,   "contact.suppressed",   F(member))                                 \
    X(39, CONTACT_UNSUPPRESSED, "contact.unsuppressed", F(member))

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
    X(17, updates,     BOOL,  "updates")                                                           \
    X(18, messages,    BOOL,  "messages")                                                          \
    X(19, level,       UINT,  "level")                                                             \
    X(20, reason,      UINT,  "reason")      /* enum reason */                                     \
    X(21, until_ms,    UINT,  "until")       /* 0: until lifted */                                 \
    X(22, report,      UINT,  "kind")        /* enum report */                                     \
    X(23, interaction, UINT,  "kind")        /* enum interaction */                                \
    X(24, removal,     UINT,  "reason")      /* enum removal */                                    \
    X(32, name,        BYTES, NULL)          /* sealed under the member's key */                   \
    X(33, note,        BYTES, NULL)          /* sealed under the key of who wrote it */            \
    X(34, cost,        UINT,  NULL)          /* counted against the sender's windows; 0: not */    \
    X(35, cooldown_ms, UINT,  NULL)          /* until when `from` may not ask again; of a          \
                                                removal: `member` */                               \
    X(36, hidden_ms,   UINT,  NULL)          /* until when `other` is not heard, unknowingly; of a \
                                                declined: how long after the request's end */      \
    X(37, shadow,      BOOL,  NULL)          /* the recipient never sees it */                     \
    X(38, contact,     BYTES, NULL)          /* hash of the invited contact */                     \
    X(39, token,       BYTES, NULL)          /* hash of the token */                               \
    X(40, token_key,   UINT,  NULL)          /* number of the key it was made with */              \
    X(41, audience,    UINT,  NULL)          /* AUDIENCE_* */                                      \
    X(42, notify,      BOOL,  NULL)                                                                \
    X(43, accept,      UINT,  NULL)          /* enum accept */                                     \
    X(44, auto_accept, UINT,  NULL)          /* AUTO_* */                                          \
    X(45, interests,   BYTES, NULL)          /* an encoded array */                                \
    X(46, print,       UINT,  NULL)          /* of the normalised note */                          \
    X(47, impersonal,  BOOL,  NULL)          /* the note is absent or generic */                   \
    X(55, duplicate,   BOOL,  NULL)          /* and to several others */                           \
    X(56, burst_ms,    UINT,  NULL)          /* the sender's theoretical arrival time (GCRA) */    \
    X(57, counts_note, BOOL,  NULL)          /* the note counts against the month */               \
    X(58, filtered,    BOOL,  NULL)          /* goes to the filtered queue */                      \
    X(59, refund_day,  BOOL,  NULL)          /* the request no longer counts in this window */     \
    X(60, refund_week, BOOL,  NULL)                                                                \
    X(61, evidence_ms, UINT,  NULL)          /* what is not younger is never evidence again */     \
    X(62, delivery,    UINT,  "delivery")    /* enum delivery */                                   \
    X(63, masked,      BOOL,  NULL)          /* a request that its sender does not know of */      \
    X(64, deliver_ms,  UINT,  NULL)          /* the inviter's own slot for this mail */            \
    X(65, due_ms,      UINT,  NULL)          /* when it is to be mailed; 0: not */                 \
    X(66, max_uses,    UINT,  NULL)          /* of a link */                                       \
    X(67, label,       TEXT,  NULL)          /* of a link */                                       \
    X(68, asks,        BOOL,  NULL)          /* a link: the inviter must accept who joins */       \
    X(69, joined,      BOOL,  NULL)          /* the redeemer was no member before */               \
    X(70, reporter,    UINT,  NULL)          /* stands for who is no member and complains; 0: no report */ \
    X(71, more,        BOOL,  NULL)          /* further invites of the contact are converted later */ \
    X(72, unmetered,   BOOL,  NULL)          /* does not count in the recipient's day */           \
    X(73, costless,    BOOL,  NULL)          /* costs nothing, and is remembered all the same */   \
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

#define REASON_LIST(X)                  \
    X(VELOCITY, "velocity")             \
    X(REPORTS, "reports")               \
    X(LOW_ACCEPTANCE, "low_acceptance") \
    X(DUPLICATE, "duplicate")           \
    X(MANUAL, "manual")

#define REPORT_LIST(X)    \
    X(UNKNOWN, "unknown") \
    X(SPAM, "spam")       \
    X(OTHER, "other")

#define INTERACTION_LIST(X) \
    X(VIEW, "view")         \
    X(LIKE, "like")         \
    X(COMMENT, "comment")   \
    X(SHARE, "share")       \
    X(MESSAGE, "message")

#define DELIVERY_LIST(X)  \
    X(SENT, "sent")       \
    X(BOUNCED, "bounced") \
    X(COMPLAINED, "complained")

#define REMOVAL_LIST(X) X(CLOSED, "closed")

#define ACCEPT_LIST(X)      \
    X(EVERYONE, "everyone") \
    X(PROOF, "proof")       \
    X(MUTUAL, "mutual")     \
    X(NOBODY, "nobody")

#define X(id, name) REASON_##id,
enum reason { REASON_NONE, REASON_LIST(X) REASON_COUNT };
#undef X
#define X(id, name) REPORT_##id,
enum report { REPORT_NONE, REPORT_LIST(X) REPORT_COUNT };
#undef X
#define X(id, name) INTERACTION_##id,
enum interaction { INTERACTION_NONE, INTERACTION_LIST(X) INTERACTION_COUNT };
#undef X
#define X(id, name) DELIVERY_##id,
enum delivery { DELIVERY_NONE, DELIVERY_LIST(X) DELIVERY_COUNT }; /* a later one is graver */
#undef X
#define X(id, name) REMOVAL_##id,
enum removal { REMOVAL_NONE, REMOVAL_LIST(X) REMOVAL_COUNT };
#undef X
#define X(id, name) ACCEPT_##id,
enum accept { ACCEPT_NONE, ACCEPT_LIST(X) ACCEPT_COUNT }; /* a policy; NONE is everyone */
#undef X

/* auto_accept of a policy: never, always, or with this many mutual connections (plus two). */
enum { AUTO_UNSET, AUTO_NONE, AUTO_ALL, AUTO_MUTUALS };

enum contact_kind {
    CONTACT_NONE,
#define X(id, name) CONTACT_##id,
    CONTACT_KIND_LIST(X)
#undef X
        CONTACT_KIND_COUNT
};

const char *event_type_name(uint64_t type); /* of a known type */

/* The words of an enumeration: names[0] is NULL and stands for none. */
struct words {
    const char *const *names;
    unsigned count;
};
extern const struct words via_words, contact_kind_words, reason_words, report_words,
    interaction_words, removal_words, accept_words, delivery_words;

const char *words_name(const struct words *words, uint64_t value); /* of a known value, not 0 */
uint64_t words_find(const struct words *words, struct slice name); /* 0 if there is none */

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

/* Who is meant by each bit of an audience, in their order. An event names no member twice. */
#define AUDIENCE_COUNT 5
static inline struct slice
event_audience_member(const struct event *event, unsigned bit)
{
    const struct slice members[AUDIENCE_COUNT] = {event->from, event->to, event->member,
                                                  event->other, event->clicked};
    return event->audience >> bit & 1 ? members[bit] : (struct slice){0};
}

/* Does the event belong into the feed of @member? */
bool event_has_audience(const struct event *event, struct slice member);

/* Append the event as it goes on the wire: {v, seq, at, type, cause, fields, audience, notify}.
 * @cause: the id of its command; absent: nil, the daemon's own. */
void event_render(struct buf *out, const struct event *event, struct slice cause);

/* The same as a member may see it in his feed: without audience, notify and what is hidden there;
 * an absent @cause is left out. event->seq is the feed's number. */
void event_render_in_feed(struct buf *out, const struct event *event, struct slice cause);

#endif
