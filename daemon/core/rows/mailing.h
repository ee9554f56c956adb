/* core/rows/mailing.h: when invites are mailed, and to whom no more.
 *
 * Two limits hold. Each inviter has slots, so many in any 24 hours; the next free one is fixed when
 * an invite is made. Each contact takes so many mails in 24 hours and in 30 days, whoever sends
 * them; a mail is planned for the first moment from the inviter's slot on at which it fits between
 * those that were sent or are planned. Plans that come to nothing are taken back.
 *
 * Layer: core. Thread: loop thread only. Blocking: a look-up may read the disk.
 */
#ifndef KITH_CORE_ROWS_MAILING_H
#define KITH_CORE_ROWS_MAILING_H

#include "base/buf.h"
#include "core/ids.h"
#include "core/settings.h"
#include "store/views.h"

/* --- the inviter's slots ---------------------------------------------------------------------- */

/* More than any tier's limit: older ones decide nothing. */
#define PACE_COUNT_MAX 1000

/* The next free slot from @now_ms on, where @limit fit into 24 hours; 0: no limit. */
msec_t pace_next(struct slice slots, uint64_t limit, msec_t now_ms);
struct slice pace_load(struct views *views, uint64_t inviter);
void pace_add(struct views *views, struct buf *scratch, uint64_t inviter, msec_t slot_ms,
              msec_t now_ms);

/* --- the contact's mails -----------------------------------------------------------------------
 */

/* Thirty days past and as long as an invite lives: with the usual limits two dozen. Beyond this,
 * which takes other limits, the oldest is forgotten. */
#define MAILS_COUNT_MAX 512

struct mail_limits {
    uint64_t day, month; /* 0: off */
};

/* The first moment from @from_ms on at which a mail fits; 0 if it does not before @until_ms. */
msec_t mails_next(struct slice mails, const struct mail_limits *limits, msec_t from_ms,
                  msec_t until_ms);
struct slice mails_load(struct views *views, struct slice contact);

/* A mail at @due_ms, planned or sent by the event @seq for an invite of @inviter. */
struct mail {
    msec_t due_ms;
    seq_t seq;
    uint64_t inviter;
};
void mails_add(struct views *views, struct buf *scratch, struct slice contact,
               const struct mail *mail, msec_t now_ms);
void mails_del(struct views *views, struct buf *scratch, struct slice contact, seq_t seq);

/* All but the one of the event @seq, into @out. */
void mails_except(struct slice mails, seq_t seq, struct buf *out);

/* The first planned one later than @now_ms of @inviter (0: of anybody); false if there is none. */
bool mails_planned(struct slice mails, uint64_t inviter, msec_t now_ms, struct mail *out);

/* --- whom not to mail --------------------------------------------------------------------------
 */

/* @inviter 0: for all. */
bool suppressed_has(struct views *views, struct slice contact, uint64_t inviter);
void suppressed_put(struct views *views, struct slice contact, uint64_t inviter);
bool suppressed_any(struct views *views, struct slice contact);
void suppressed_clear(struct views *views, struct slice contact);

/* --- contacts whose invites are converted in slices ---------------------------------------------
 */

void converting_put(struct views *views, struct slice contact, uint64_t member);
void converting_del(struct views *views, struct slice contact);
/* The first: false if there is none. */
bool converting_first(struct views *views, uint8_t contact[CONTACT_HASH_SIZE], uint64_t *member);

#endif
