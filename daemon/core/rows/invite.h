/* core/rows/invite.h: an invite, in one row, and the tables that lead to it.
 *
 * Layer: core. Thread: loop thread only. Blocking: a load may read the disk.
 */
#ifndef KITH_CORE_ROWS_INVITE_H
#define KITH_CORE_ROWS_INVITE_H

#include "base/buf.h"
#include "core/event.h"
#include "core/rows/member.h"
#include "store/views.h"

/* Of a link: redeemed means exhausted. Orphaned is never stored: it is an invite that is active and
 * whose inviter is closed. */
enum invite_state {
    INVITE_ACTIVE,
    INVITE_REDEEMED,
    INVITE_EXPIRED,
    INVITE_CONVERTED, /* its contact is a member's: to the inviter as good as active */
    INVITE_DECLINED,  /* likewise */
    INVITE_REVOKED,
    INVITE_EXHAUSTED,
    INVITE_ORPHANED
};

struct invite {
    bool known;
    struct public_id id; /* the key */
    uint64_t seq;        /* of the event that made it */
    uint64_t state;      /* enum invite_state */
    uint64_t kind;       /* enum contact_kind */
    uint64_t inviter_number;
    struct slice inviter; /* his id; looked up, not stored */
    struct slice contact; /* hash; absent of a link */
    struct slice token;   /* hash */
    uint64_t token_key;   /* number of the key of its token */
    uint64_t created_ms, expires_ms, redeemed_ms;
    uint64_t redeemer; /* number; of a link the last */

    uint64_t delivery;        /* enum delivery: what the mailer said last */
    bool bounced;             /* it was said once */
    bool declined;            /* also once it has expired since, until it is sent again */
    uint64_t sent_ms;         /* when it was made or sent again, mailed or not */
    uint64_t resends;         /* how often it was sent again */
    uint64_t deliver_ms;      /* the inviter's slot for the last of these */
    uint64_t due_ms, due_seq; /* it waits to be mailed then; 0: it does not */
    uint64_t converted;       /* the number of the member whose contact it is */
    uint64_t max_uses, uses;  /* of a link */
    struct slice label;       /* likewise; may be absent */
    bool asks;                /* likewise: the inviter must accept who comes */
};

/* Slices point into the views: borrowed until the row changes. */
void invite_load(struct views *views, const struct public_id *id, struct invite *out);
void invite_load_token(struct views *views, struct slice token_hash, struct invite *out);

/* The invite behind a claim that holds at @now_ms. */
void invite_load_claim(struct views *views, struct slice claim_hash, msec_t now_ms,
                       struct invite *out);

/* The latest invite that @inviter made for the contact with this hash. */
void invite_load_contact(struct views *views, struct slice contact_hash,
                         const struct member *inviter, struct invite *out);

/* The oldest one of anybody that is active at @now_ms for this contact, looked for among the first
 * INVITED_SCAN_MAX. @after: older ones are passed over. False if there is none. */
#define INVITED_SCAN_MAX 1000
bool invite_load_next(struct views *views, struct slice contact_hash, seq_t after, msec_t now_ms,
                      struct invite *out);

void invite_store(struct views *views, struct buf *scratch, const struct invite *invite);

/* Make a new one findable: by token, by contact, by inviter. */
void invite_index(struct views *views, const struct invite *invite, const struct member *inviter);

/* Put it among those of its contact that are active, or take it out. */
void invite_invited(struct views *views, const struct invite *invite, bool active);

/* A claim, and those at the tail that hold no more: at most two, so that none has to pay for many.
 */
void claim_store(struct views *views, struct slice hash, const struct public_id *invite, seq_t seq,
                 uint64_t expires_ms, msec_t now_ms);

/* Who used a link. */
bool redeemer_has(struct views *views, const struct invite *invite, const struct member *member);
void redeemer_put(struct views *views, const struct invite *invite, uint64_t member);

/* What came of the links with one label. */
struct label {
    struct slice label;
    uint64_t claimed, redeemed, connected;
};
bool label_decode(struct slice row, struct label *out);
void label_load(struct views *views, uint64_t inviter, struct slice label, struct label *out);
void label_store(struct views *views, struct buf *scratch, uint64_t inviter,
                 const struct label *label);

/* One that is due is expired, swept or not. */
static inline uint64_t
invite_state_at(const struct invite *invite, msec_t now_ms)
{
    bool waits = invite->state == INVITE_ACTIVE || invite->state == INVITE_CONVERTED ||
                 invite->state == INVITE_DECLINED;
    return waits && (msec_t)invite->expires_ms <= now_ms ? INVITE_EXPIRED : invite->state;
}

/* The same as its inviter may know it. */
static inline uint64_t
invite_shown_at(const struct invite *invite, msec_t now_ms)
{
    uint64_t state = invite_state_at(invite, now_ms);
    return state == INVITE_CONVERTED || state == INVITE_DECLINED ? INVITE_ACTIVE : state;
}

/* Does its token open anything? */
static inline bool
invite_is_live(const struct invite *invite, msec_t now_ms)
{
    uint64_t state = invite_state_at(invite, now_ms);
    return invite->known && (state == INVITE_ACTIVE || state == INVITE_CONVERTED);
}

static inline bool
invite_is_link(const struct invite *invite)
{
    return invite->kind == CONTACT_LINK;
}

#endif
