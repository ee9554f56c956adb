/* core/settings.h: what an operator may set about the domain, once.
 *
 * Two lists: settings of the whole daemon, and limits that each tier has its own of. The structs,
 * the defaults, the bounds, the configuration file's keys and its reference all come from here.
 * A duration is written with a unit (30s, 15m, 24h, 21d); a limit of 0 is off.
 *
 * Layer: core. Read-only while a batch runs; the app layer replaces values on HUP.
 */
#ifndef KITH_CORE_SETTINGS_H
#define KITH_CORE_SETTINGS_H

#include "base/types.h"

#define SECOND_MS 1000LL
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

#define LINK_TTL_MAX (90 * DAY_MS)

#define REQUEST_COST_MAX 10

#define TIER_NAME_SIZE_MAX 64
#define TIER_COUNT_MAX     64 /* looked through in order; an operator has a handful */

/* clang-format off */
#define SETTING_LIST(X) /* field, section.key, unit, default, min, max, help */                     \
    X(request_ttl,       "request.ttl",       DURATION, 180 * DAY_MS, MINUTE_MS, 3650 * DAY_MS, "how long a request waits for an answer")            \
    X(cooldown_withdraw, "cooldown.withdraw", DURATION,  21 * DAY_MS, 0,         3650 * DAY_MS, "before somebody may ask again after withdrawing")   \
    X(cooldown_expire,   "cooldown.expire",   DURATION,   7 * DAY_MS, 0,         3650 * DAY_MS, "before somebody may ask again after an expiry")     \
    X(cooldown_remover,  "cooldown.remover",  DURATION,             0, 0,         3650 * DAY_MS, "before somebody may ask again whom he has removed himself") \
    X(cooldown_removed,  "cooldown.removed",  DURATION,  30 * DAY_MS, 0,         3650 * DAY_MS, "before somebody who was removed is heard again")    \
    X(decline_first,     "cooldown.decline",  DURATION,  30 * DAY_MS, 0,         3650 * DAY_MS, "before somebody who was declined is heard again")   \
    X(decline_second,    "cooldown.decline_again", DURATION, 180 * DAY_MS, 0,    3650 * DAY_MS, "the same after the second time; after the third: never") \
    X(account_new,       "account.new",       DURATION,  30 * DAY_MS, 0,         3650 * DAY_MS, "how long an account counts as new")                 \
    X(note_max,          "note.max",          COUNT,             300, 1,         1000,          "code points of a note")                             \
    X(inbound_max,       "connect.inbound_max",COUNT,           10000, 1,         1000000,       "waiting requests; a further one is not heard")      \
    X(block_max,         "block.max",         COUNT,          100000, 1,         10000000,      "members that one member may block")                 \
    X(refund,            "connect.refund_on_accept",COUNT,               1, 0,         1,             "1: an accepted request no longer counts by day and week") \
    X(refund_withdrawn,  "connect.refund_on_withdraw",COUNT,             0, 0,         1,             "1: neither does one that its sender withdrew himself") \
    X(cost_plain,        "connect.cost_plain",    COUNT,           1, 0, REQUEST_COST_MAX, "what a request counts whose note is absent or short") \
    X(cost_personal,     "connect.cost_personal", COUNT,           1, 0, REQUEST_COST_MAX, "the same of one with a personal note") \
    X(cost_duplicate,    "connect.cost_duplicate",COUNT,           2, 0, REQUEST_COST_MAX, "the same of one whose note several others got") \
    X(fof_budget,        "reads.fof_budget",  COUNT,          200000, 1000,      10000000,      "connections that one path or suggest looks at")     \
    X(invite_ttl,        "invite.ttl",        DURATION,  30 * DAY_MS, MINUTE_MS, 180 * DAY_MS,  "how long an invite can be redeemed") \
    X(invite_strict,     "invite.strict",     COUNT,               0, 0,         1,             "1: an invite is redeemed by the invited contact only") \
    X(invite_explicit,   "invite.explicit",   COUNT,               0, 0,         1,             "1: inviting a member's contact is refused, which tells that he is one") \
    X(invite_resends,    "invite.resend",     COUNT,               2, 0,         100,           "how often an invite may be mailed again")             \
    X(invite_resend_gap, "invite.resend_after",DURATION, 3 * DAY_MS, 0,        180 * DAY_MS,  "before an invite may be mailed again")                \
    X(link_ttl,          "link.ttl",          DURATION,  7 * DAY_MS, MINUTE_MS,  90 * DAY_MS,   "how long a link can be redeemed")                    \
    X(claim_ttl,         "claim.ttl",         DURATION,       HOUR_MS, MINUTE_MS,  30 * DAY_MS,   "how long a claim of an invite holds") \
    X(cooldown_invited,  "cooldown.invited",  DURATION,  30 * DAY_MS, 0,         3650 * DAY_MS, "before another invite may ask the same member again") \
    X(mails_day,         "contact.mails_day", COUNT,               1, 0,         100,           "invites mailed to one contact in 24 hours")           \
    X(mails_month,       "contact.mails_month",COUNT,              3, 0,         1000,          "invites mailed to one contact in 30 days")

#define TIER_LIMIT_LIST(X) /* field, key, default of free, default of premium, max, help */         \
    X(connect_burst,    "connect.burst",        5,     5, 100,     "requests at once")                              \
    X(connect_rate,     "connect.burst_rate",  10,    10, 1000,    "requests a minute once a burst is spent")       \
    X(connect_hour,     "connect.hour",        20,    20, 1000,    "requests in any hour")                          \
    X(connect_day,      "connect.day",         25,    25, 1000,    "requests in any 24 hours")                      \
    X(connect_week,     "connect.week",       100,   100, 1000,    "requests in any 7 days")                        \
    X(connect_day_new,  "connect.day_new",     10,    10, 1000,    "the same for a new account")                    \
    X(connect_week_new, "connect.week_new",    40,    40, 1000,    "the same for a new account")                    \
    X(pending_max,      "connect.pending_max",500,   500, 10000,   "requests waiting for an answer")                \
    X(pending_max_new,  "connect.pending_max_new", 100,  100, 10000,   "the same for a new account")                    \
    X(inbound_day,      "connect.inbound_day", 500,   500, 1000,    "requests received in any 24 hours; further ones are filtered") \
    X(note_month,       "note.month",           5,     0, 1000,    "requests with a note in a calendar month (UTC)") \
    X(invite_pace,      "invite.pace",        100,   100, 1000,    "invites mailed in any 24 hours; further ones later") \
    X(connections_max,  "connections.max",  30000, 30000, 1000000, "connections a member may hold")
/* clang-format on */

struct tier {
    char name[TIER_NAME_SIZE_MAX + 1];
#define X(field, key, free_default, premium_default, max, help) uint64_t field;
    TIER_LIMIT_LIST(X)
#undef X
};

struct settings {
#define X(field, key, unit, value, min, max, help) int64_t field;
    SETTING_LIST(X)
#undef X
    struct tier tiers[TIER_COUNT_MAX]; /* the first three: free, premium, unlimited */
    unsigned tier_count;
};

/* The defaults, with the three built-in tiers. `unlimited` has every limit off. */
void settings_init(struct settings *settings);

/* The tier called @name, or NULL. */
const struct tier *settings_tier(const struct settings *settings, struct slice name);

/* Add a tier that starts with the limits of free; NULL if the name is taken, empty or too long, or
 * there are too many. */
struct tier *settings_add_tier(struct settings *settings, struct slice name);

#endif
