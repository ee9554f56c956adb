/* sim/model.h: the rules of connections, quotas and invites once more, as naively as possible.
 *
 * Arrays and loops over a handful of members, no cleverness and no storage, so that it can be read
 * next to the rules and believed. It is written from the rules, and shares no code with the daemon.
 * Given a command it says what must be answered and which events must appear in whose feed, and
 * changes its own state. A copy of the struct is a snapshot.
 *
 * What is due is gone at its instant. Only the counts still hold it until the daemon's sweep, so
 * the simulation tells the model of everything that the daemon does by itself.
 */
#ifndef KITH_SIM_MODEL_H
#define KITH_SIM_MODEL_H

#include "base/types.h"
#include "sim/command.h"

#define MEMBERS_MAX 32 /* sets of members are 32-bit masks */
#define PAIRS_COUNT (MEMBERS_MAX * (MEMBERS_MAX - 1) / 2)
#define STAMPS_MAX  1024
#define PRINTS_MAX  1024
#define REPORTS_MAX 64
#define INBOUND_MAX 512
#define INVITES_MAX 4096
#define CLAIMS_MAX  1024
#define MAILS_MAX   1024 /* of one contact */
#define SLOTS_MAX   1024

#define FOREVER INT64_MAX

/* --- what is configured ---------------------------------------------------------------------- */

/* clang-format off */
#define MODEL_SETTING_LIST(X) /* field, key, is it a time? */      \
    X(request_ttl,       "request.ttl",               true)        \
    X(cooldown_withdraw, "cooldown.withdraw",         true)        \
    X(cooldown_expire,   "cooldown.expire",           true)        \
    X(cooldown_removed,  "cooldown.removed",          true)        \
    X(cooldown_remover,  "cooldown.remover",          true)        \
    X(decline_first,     "cooldown.decline",          true)        \
    X(decline_second,    "cooldown.decline_again",    true)        \
    X(account_new,       "account.new",               true)        \
    X(invite_ttl,        "invite.ttl",                true)        \
    X(link_ttl,          "link.ttl",                  true)        \
    X(resend_after,      "invite.resend_after",       true)        \
    X(cooldown_invited,  "cooldown.invited",          true)        \
    X(claim_ttl,         "claim.ttl",                 true)        \
    X(resends,           "invite.resend",             false)       \
    X(mails_day,         "contact.mails_day",         false)       \
    X(mails_month,       "contact.mails_month",       false)       \
    X(inbound_max,       "connect.inbound_max",       false)       \
    X(block_max,         "block.max",                 false)       \
    X(cost_plain,        "connect.cost_plain",        false)       \
    X(cost_personal,     "connect.cost_personal",     false)       \
    X(cost_duplicate,    "connect.cost_duplicate",    false)

#define MODEL_LIMIT_LIST(X) /* field, key; 0 is off */             \
    X(burst,           "connect.burst")                            \
    X(burst_rate,      "connect.burst_rate")                       \
    X(hour,            "connect.hour")                             \
    X(day,             "connect.day")                              \
    X(week,            "connect.week")                             \
    X(day_new,         "connect.day_new")                          \
    X(week_new,        "connect.week_new")                         \
    X(pending,         "connect.pending_max")                      \
    X(pending_new,     "connect.pending_max_new")                  \
    X(inbound,         "connect.inbound_day")                      \
    X(note,            "note.month")                               \
    X(pace,            "invite.pace")                              \
    X(connections,     "connections.max")
/* clang-format on */

struct model_tier {
    const char *name;
#define X(field, key) int64_t field;
    MODEL_LIMIT_LIST(X)
#undef X
};

#define TIERS_MAX 4

struct model_settings {
#define X(field, key, is_time) int64_t field;
    MODEL_SETTING_LIST(X)
#undef X
    bool refund;                        /* connect.refund_on_accept */
    bool refund_withdrawn;              /* connect.refund_on_withdraw */
    bool strict;                        /* invite.strict */
    bool explicit_members;              /* invite.explicit */
    struct model_tier tiers[TIERS_MAX]; /* the first is what holds where none is named */
    unsigned tier_count;
};

/* --- what the model knows -------------------------------------------------------------------- */

enum model_state { UNKNOWN, ACTIVE, SUSPENDED, CLOSED };

/* One counted request of a member's. */
struct model_stamp {
    msec_t at_ms;
    int64_t cost;
    bool impersonal, accepted, refunded_day, refunded_week;
    bool ended; /* what became of it is known here */
};

/* One note of his that said something. */
struct model_print {
    msec_t at_ms;
    unsigned print;
    int to;
    bool duplicate;
};

struct model_report {
    msec_t at_ms;
    int reporter;
    const char *kind;
};

enum reason { VELOCITY, REPORTS, LOW_ACCEPTANCE, DUPLICATE, MANUAL, REASON_COUNT };

struct model_member {
    enum model_state state;
    bool erased;
    unsigned number; /* who registered earlier has a lower one */
    unsigned tier;
    msec_t since_ms;
    struct policy policy;

    unsigned level; /* of the restriction, as it was set */
    msec_t level_ms, until_ms;
    enum reason reason;
    msec_t evidence_ms[REASON_COUNT]; /* what is not younger has had its effect */

    msec_t burst_ms; /* the theoretical arrival time */
    int64_t note_month, note_count;
    unsigned stamp_count, print_count, report_count;
    struct model_stamp stamps[STAMPS_MAX];
    struct model_print prints[PRINTS_MAX];
    struct model_report reports[REPORTS_MAX];
    unsigned inbound_count;
    msec_t inbound[INBOUND_MAX]; /* when he received the requests that are counted */

    int brought_by; /* by whose invite he joined, or NOBODY */
    unsigned slot_count;
    msec_t slots[SLOTS_MAX]; /* when invites of his may be mailed */
};

enum disp { OPEN, IGNORED, DECLINED, REPORTED, SHADOW };

struct model_request {
    bool there;
    int from, to;
    enum disp disp;
    bool filtered;
    msec_t created_ms, expires_ms;
    uint64_t order; /* newer is larger */
    bool counted;   /* there is a stamp of it, */
    int64_t cost;   /* and it counts so much against the limits */
    msec_t step_ms; /* the hidden cooldown that begins at its end, once declined */
    char id[REQUEST_SIZE_MAX];
    const struct note *note;
    unsigned invite; /* of a masked one: whose place it takes */
};

/* What concerns one of the two, as he acts on the other. */
struct model_side {
    bool blocks, dismissed;
    uint64_t block_order, approve_order;
    msec_t approves_ms; /* he takes the other's next request until then */
    msec_t cooldown_ms; /* he may not ask before, and knows it */
    msec_t hidden_ms;   /* he is not heard before, and does not know it */
    msec_t absorb_ms;   /* what his invites become asks nothing before */
    unsigned declined;  /* how often the other declined him */
    bool no_updates, no_messages;
};

struct model_pair {
    struct model_request request;
    /* What an invite of the one became, the other being the invited contact. Only the other knows
     * of it, so that it stands beside what the two ask each other themselves. */
    struct model_request masked[2];
    bool connected;
    msec_t since_ms;
    uint64_t order;
    const char *via;
    const struct note *note;
    struct model_side side[2]; /* of the one with the lower index, of the other */
};

enum model_invite_state {
    INVITE_OPEN,
    INVITE_CONVERTED, /* its contact is a member's; to its inviter this and the next are open */
    INVITE_DECLINED,
    INVITE_USED,
    INVITE_OVER,
    INVITE_REVOKED
};

enum model_delivery { DELIVERY_UNKNOWN, DELIVERY_SENT, DELIVERY_BOUNCED, DELIVERY_COMPLAINED };

struct model_invite {
    int inviter, contact; /* of a link: ABSENT */
    bool asks;            /* a link by which one asks, and is not connected at once */
    int64_t max_uses, resends;
    uint32_t redeemers; /* members */
    int redeemer;       /* the last of them */
    enum model_invite_state state;
    bool declined; /* since it was last sent */
    enum model_delivery delivery;
    bool bounced;
    msec_t created_ms, expires_ms, sent_ms, redeemed_ms;
    msec_t deliver_ms; /* the inviter's slot; 0: he has no pace */
    msec_t due_ms;     /* it waits to be mailed then; 0: it does not */
    uint64_t due_order;
    bool aside; /* its inviter is gone: it is not looked at when its contact joins */
    const char *label;
    char id[REQUEST_SIZE_MAX], token[TOKEN_SIZE_MAX];
};

struct model_claim {
    unsigned invite;
    msec_t expires_ms;
    char token[TOKEN_SIZE_MAX];
};

/* One that was sent, or is going to be. */
struct model_mail {
    msec_t at_ms;
    unsigned invite;
};

struct model_contact {
    int owner; /* whose verified contact it is, or NOBODY */
    bool suppressed;
    uint32_t suppressed_of; /* only of these inviters */
    unsigned mail_count;
    struct model_mail mails[MAILS_MAX];
};

struct model {
    msec_t now_ms;
    uint64_t order;
    unsigned member_count; /* who may be registered: indices below this */
    unsigned registered;
    struct model_settings settings;
    struct model_member members[MEMBERS_MAX];
    struct model_pair pairs[PAIRS_COUNT];
    struct model_invite invites[INVITES_MAX];
    unsigned invite_count;
    struct model_claim claims[CLAIMS_MAX]; /* a ring */
    unsigned claim_count;
    struct model_contact contacts[CONTACT_COUNT];
};

/* --- what must be answered ------------------------------------------------------------------- */

#define FIELDS_MAX 16
#define EVENTS_MAX 128

enum field_type { FIELD_STR, FIELD_NUM, FIELD_TRUTH, FIELD_NONE };

struct model_field {
    const char *path; /* "state", "quota.left": below result or error */
    enum field_type type;
    const char *str;
    int64_t num;
};

#define SAYS_MAX 4

struct model_event {
    const char *type;
    uint32_t must, may; /* whose feeds: sets of members */
    struct model_field says[SAYS_MAX];
    unsigned say_count;
    /* An opaque word that the daemon makes up, for the model to remember, and under which name. */
    char *word;
    const char *word_path;
};

struct answer {
    const char *code; /* NULL: ok */
    struct model_field fields[FIELDS_MAX];
    unsigned field_count;
    struct model_event events[EVENTS_MAX]; /* in no particular order */
    unsigned event_count;
    /* The same of its result, below: request, invite, token, claim. */
    struct model_request *request;
    struct model_invite *invite;
    struct model_claim *claim;
    char kept_id[REQUEST_SIZE_MAX]; /* of a request that another one takes over */
};

#define EVERYBODY UINT32_MAX

static inline uint32_t
only(int member)
{
    return UINT32_C(1) << member;
}

/* Forget all but the settings. */
void model_init(struct model *model, unsigned member_count, msec_t now_ms);

/* Do it, or refuse. */
void model_execute(struct model *model, const struct command *command, struct answer *out);

/* What the daemon says that happened by itself: true if it was to be, with the feeds of *must. What
 * follows from it at once is in the events of @out. */
bool model_expire(struct model *model, int from, int to, uint32_t *must, struct answer *out);
bool model_expire_invite(struct model *model, struct slice id, uint32_t *must);
bool model_deliver(struct model *model, struct slice id);
/* The mail that is due first is withheld, since its inviter is gone or suspended. */
bool model_withhold(struct model *model);
bool model_part(struct model *model, const char *type, int a, int b, uint32_t *must,
                struct answer *out);

/* True if the sweep has left nothing behind. */
bool model_is_swept(const struct model *model);

/* --- questions ------------------------------------------------------------------------------- */

struct model_pair *model_pair(const struct model *model, int a, int b);
/* pairs[] has those of all members there may be, first. */
unsigned model_pair_count(const struct model *model);
struct model_side *model_side(const struct model *model, int actor, int other);
bool model_known(const struct model *model, int member);
bool model_active(const struct model *model, int member);
bool model_connected(const struct model *model, int a, int b);
bool model_pending(const struct model *model, const struct model_pair *pair);
bool model_pending_from(const struct model *model, const struct model_pair *pair, int from);
/* What is pending between the two as far as @actor knows: his own request, the other's, or what an
 * invite of the other's became; NULL if nothing is. */
struct model_request *model_known_to(const struct model *model, int actor, int other);
/* What an invite of @inviter's became for @member: perhaps not there. */
struct model_request *model_masked(const struct model *model, int inviter, int member);
bool model_is_live(const struct model *model, const struct model_request *request);
/* Does the recipient see it among what waits for him? */
bool model_visible(const struct model_request *request);
/* Does either block the other? */
bool model_blocked(const struct model *model, int a, int b);
unsigned model_connections(const struct model *model, int member);
unsigned model_incoming(const struct model *model, int member);
unsigned model_outgoing(const struct model *model, int member);
/* Members connected to both; @viewer NOBODY: whatever anybody blocks. */
uint32_t model_mutuals(const struct model *model, int viewer, int a, int b);
/* Steps from one to the other through what the viewer sees: 1 to 3, or 0. */
unsigned model_degree(const struct model *model, int viewer, int other);
bool model_restricted(const struct model *model, int member);

/* One limit of a member, at one instant. */
struct model_window {
    const char *name;
    int64_t limit, used, left;
    msec_t next_free_ms; /* when what is asked fits; 0: now, or nobody knows */
    bool refuses;
    bool told; /* counts for quota.left of a reply */
};
#define WINDOWS_MAX 8
/* The limits that are on, and whether they stop a request of @cost. */
unsigned model_windows(const struct model *model, int member, int64_t cost, bool note,
                       struct model_window out[WINDOWS_MAX]);

/* --- for the parts of the model -------------------------------------------------------------- */

void refuse(struct answer *out, const char *code);
void expect_str(struct answer *out, const char *path, const char *str);
void expect_num(struct answer *out, const char *path, int64_t num);
void expect_truth(struct answer *out, const char *path, bool truth);
void expect_absent(struct answer *out, const char *path);
struct model_event *expect_event(struct answer *out, const char *type, uint32_t must, uint32_t may);
struct model_event *expect_feeds(struct answer *out, const char *type, uint32_t feeds);
/* The event has this field too. */
void says_str(struct model_event *event, const char *path, const char *str);
void says_truth(struct model_event *event, const char *path, bool truth);
void expect_noted(struct answer *out);

/* Is the actor there and active? Is the other active (begin), or at least known (end)? */
bool may_act(const struct model *model, int member, struct answer *out);
bool may_begin(const struct model *model, const struct command *command, struct answer *out);
bool may_end(const struct model *model, const struct command *command, struct answer *out);

const struct model_tier *model_tier_of(const struct model *model, int member);
bool model_full(const struct model *model, int member);
bool both_have_room(const struct model *model, int actor, int other, struct answer *out);

void model_register(struct model *model, int member, const struct command *command,
                    struct answer *out);
struct model_request *model_open(struct model *model, int from, int to, bool shadow,
                                 struct answer *out);
/* @refund: it is an acceptance of the request between them, if there is one. */
void model_connect(struct model *model, int a, int b, const char *via, bool refund,
                   struct answer *out);
/* The same by what one of the two does about the other's request, if there is one. */
void model_join(struct model *model, int a, int b, const char *via, bool refund,
                struct answer *out);
/* End a request that led to nothing; its sender may not ask again before @cooldown_ms. */
void model_end(struct model *model, struct model_pair *pair, msec_t at_ms, msec_t cooldown_ms,
               struct answer *out);
uint32_t model_end_feeds(const struct model_request *request);
void model_remove(struct model *model, int remover, int removed);
bool may_block(const struct model *model, int actor, struct answer *out);
void model_block(struct model *model, int actor, int other, struct answer *out);

/* model_invite.c, model_mail.c, model_convert.c */
bool invite_is_link(const struct model_invite *invite);
/* Is it open to its inviter, who does not know of conversion and decline? */
bool invite_is_active(const struct model *model, const struct model_invite *invite);
/* Does its token open anything? */
bool invite_is_live(const struct model *model, const struct model_invite *invite);
struct model_invite *invite_of_token(struct model *model, const char *token);
/* Plan its mail: now, later, or, @silent, not at all. */
void mail_plan(struct model *model, struct model_invite *invite, bool silent, struct answer *out);
/* It is not mailed after all. */
void mail_drop(struct model *model, struct model_invite *invite);
/* May @member be asked in the place of the inviter's mail? */
bool convert_applies(const struct model *model, int inviter, int member);
void convert(struct model *model, struct model_invite *invite, int member, struct answer *out);
/* All that invited @contact, which is @member's now; returns how many. */
unsigned convert_all(struct model *model, int contact, int member, struct answer *out);
/* What it became ends, as @type says, and asks nothing again for a while. */
void convert_end(struct model *model, const struct model_invite *invite, const char *type,
                 struct answer *out);
void convert_end_request(struct model *model, struct model_request *masked, msec_t at_ms);

/* model_quota.c */
bool quota_allows(const struct model *model, int member, int64_t cost, bool note,
                  struct answer *out);
void quota_tell(const struct model *model, int member, struct answer *out);
bool quota_is_counted(const struct model *model, int member);
void quota_take(struct model *model, struct model_request *request, int64_t cost);
void quota_accepted(struct model *model, const struct model_request *request, bool refund);
void quota_withdrawn(struct model *model, const struct model_request *request);
/* Does @member receive more in a day than he wants to see at once? And he receives one. */
bool quota_is_flooded(const struct model *model, int member);
void quota_receive(struct model *model, int member);

/* model_conduct.c: notes, reports, restrictions */
int64_t conduct_cost(const struct model *model, int from, int to, const struct note *note);
void conduct_request(struct model *model, const struct model_request *request, struct answer *out);
/* A request of @sender's has ended, and he knows it. */
void conduct_end(struct model *model, int sender, struct answer *out);
void conduct_report(struct model *model, int sender, int reporter, const char *kind,
                    struct answer *out);
void conduct_refuse(const struct model *model, int member, struct answer *out);
/* Accepted among the last requests that are old enough, in a hundred; negative: too few. */
int conduct_percent(const struct model *model, int member, msec_t after_ms);

typedef void model_fn(struct model *model, const struct command *command, struct answer *out);

model_fn model_request_connection, model_accept, model_ignore, model_decline, model_report,
    model_decline_all, model_withdraw, model_remove_connection, model_import; /* _connection.c */
model_fn model_do_block, model_unblock, model_preapprove, model_unpreapprove, model_set_access,
    model_dismiss, model_interact;   /* _block.c */
model_fn model_restrict, model_lift; /* _conduct.c */
model_fn model_invite_create, model_invite_link, model_invite_resend, model_invite_revoke;
model_fn model_invite_claim, model_invite_redeem, model_invite_decline,
    model_invite_feedback;                 /* _redeem.c */
model_fn model_suppress, model_unsuppress; /* _mail.c */

#endif
