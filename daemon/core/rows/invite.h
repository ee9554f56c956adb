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

enum invite_state { INVITE_ACTIVE, INVITE_REDEEMED, INVITE_EXPIRED };

struct invite {
    bool known;
    struct public_id id; /* the key */
    uint64_t seq;        /* of the event that made it */
    uint64_t state;      /* enum invite_state */
    uint64_t kind;       /* enum contact_kind */
    uint64_t inviter_number;
    struct slice inviter; /* his id; looked up, not stored */
    struct slice contact; /* hash */
    struct slice token;   /* hash */
    uint64_t token_key;   /* number of the key of its token */
    uint64_t created_ms, expires_ms, redeemed_ms;
    uint64_t redeemer; /* number */
};

/* Slices point into the views: borrowed until the row changes. */
void invite_load(struct views *views, const struct public_id *id, struct invite *out);
void invite_load_token(struct views *views, struct slice token_hash, struct invite *out);

/* The latest invite that @inviter made for the contact with this hash. */
void invite_load_contact(struct views *views, struct slice contact_hash,
                         const struct member *inviter, struct invite *out);

/* The oldest one of anybody that is active at @now_ms for this contact, looked for among the first
 * INVITED_SCAN_MAX. */
#define INVITED_SCAN_MAX 100
void invite_load_first(struct views *views, struct slice contact_hash, msec_t now_ms,
                       struct invite *out);

void invite_store(struct views *views, struct buf *scratch, const struct invite *invite);

/* Make a new one findable: by token, by contact, by inviter. */
void invite_index(struct views *views, const struct invite *invite, const struct member *inviter);

/* One that is due is expired, swept or not. */
static inline uint64_t
invite_state_at(const struct invite *invite, msec_t now_ms)
{
    if (invite->state == INVITE_ACTIVE && (msec_t)invite->expires_ms <= now_ms)
        return INVITE_EXPIRED;
    return invite->state;
}

#endif
