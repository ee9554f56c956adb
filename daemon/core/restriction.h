/* core/restriction.h: when somebody who sends too much, too alike or to no welcome is slowed down.
 *
 * A trigger is one step up a ladder of five levels, and only from evidence that is younger than the
 * last step it caused. A level decays without a step; it is worked out when it is read, in whole
 * numbers, and nothing is written for it. The numbers are in conduct.h.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_RESTRICTION_H
#define KITH_CORE_RESTRICTION_H

#include "core/conduct.h"
#include "core/decision.h"
#include "core/rows/member.h"
#include "core/rows/pair.h"
#include "core/rules.h"

/* What a level means, from the moment of the step; 0: until lifted. */
msec_t level_length_ms(uint64_t level);

/* The level that stands at @now_ms, after decay; 0: none. */
uint64_t level_at(const struct member *member, msec_t now_ms);

/* May he not send at @now_ms? */
bool is_restricted(const struct member *member, msec_t now_ms);

/* Refuse, telling level, reason and until when; never because of whom. */
enum kith_err refuse_restricted(const struct member *member, struct decision *out);

/* A request about to be made, as evidence. */
struct evidence {
    bool impersonal, duplicate;
    bool counted; /* else nothing is held against its sender */
};

/* Add the event of a step to @out if the request that @out holds already is one too many. */
void restrict_sender(const struct member *sender, const struct evidence *evidence,
                     struct decision *out);

/* The same at the end of a request of @sender's that @out holds already: accepted, withdrawn or
 * expired, and never what he is not told of. Requests come of age without an event, so that each
 * may be the first to see that too few were accepted. @accepted: the request, where it was
 * accepted; NULL: it ended otherwise. */
void restrict_unwelcome(const struct member *sender, const struct pair *accepted,
                        const struct rules *rules, struct decision *out);

/* The same for a report that @out holds already, by a reporter who counts. */
void restrict_reported(const struct member *sender, uint64_t reporter, uint64_t report,
                       struct decision *out);

/* Add the event that restricts @member to @level for @reason, until @until_ms (0: for as long as
 * the level says), with everything up to @evidence_ms used up. */
void restrict_to(const struct member *member, uint64_t level, uint64_t reason, msec_t until_ms,
                 msec_t evidence_ms, struct decision *out);

/* Take over what the event of a step says. */
void restriction_take(struct member *member, const struct event *event);

/* --- what is remembered in the member's row ------------------------------------------------- */

/* Prints of notes: 20 bytes each, print, milliseconds << 1 | duplicate, recipient's number. */
#define PRINT_SIZE      20
#define PRINT_COUNT_MAX 512

/* How many other recipients than @to got a note with this print within 30 days, counted up to
 * PRINT_EARLIER. */
unsigned prints_earlier(struct slice prints, uint64_t print, uint64_t to, msec_t now_ms);
void prints_add(struct buf *out, struct slice prints, uint64_t print, uint64_t to, bool duplicate,
                msec_t now_ms);

/* Reports of a sender: 13 bytes each, milliseconds, reporter's number, kind. */
#define REPORT_SIZE      13
#define REPORT_COUNT_MAX 64
void reports_add(struct buf *out, struct slice reports, uint64_t reporter, uint64_t report,
                 msec_t now_ms);
bool reports_has(struct slice reports, uint64_t reporter, msec_t now_ms);

#endif
