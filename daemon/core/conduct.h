/* core/conduct.h: the numbers by which senders are judged, all of them.
 *
 * They are rules of the product and not settings: proto/README.md tells them to whoever writes a
 * client (connection.request, restriction.set), and an event says what followed from them.
 *
 * None was measured. Two have a model, LinkedIn as its members and its help pages describe it: an
 * invitation that five recipients answered with "I don't know this person" or as spam restricted
 * the account (linkedin.pbworks.com/AccountRestriction), and restrictions grow from hours to days
 * to a month (LinkedIn Help, answer a551012). The others are chosen; what
 * for stands beside them.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_CONDUCT_H
#define KITH_CORE_CONDUCT_H

#include "core/settings.h"

/* --- triggers: each is one step up the ladder ------------------------------------------------ */

/* To catch who works off a list: one every four minutes, without a word to any. */
#define VELOCITY_COUNT 15 /* requests whose note is absent or generic */
#define VELOCITY_MS    HOUR_MS

/* To catch a mailing. The first PRINT_EARLIER of a kind are none. */
#define DUPLICATE_COUNT 10
#define DUPLICATE_MS    DAY_MS

/* So many distinct members: neither one nor two can restrict somebody. That they do not know him is
 * the lesser reproach, and takes more of them. */
#define UNKNOWN_COUNT  5
#define SPAM_COUNT     3
#define SPAM_MS        (30 * DAY_MS)
#define REPORT_KEPT_MS (90 * DAY_MS) /* also how long `unknown` counts, and one voice is one */

/* --- the acceptance rate --------------------------------------------------------------------- */

/* It looks at the last RATE_COUNT_MAX requests that are RATE_AGE_MS old, and needs RATE_COUNT_MIN
 * of them: a decline must not show before it could as well be no answer, and one answer must not
 * move it by more than a few in a hundred. */
#define RATE_AGE_MS    (14 * DAY_MS)
#define RATE_COUNT_MAX 50
#define RATE_COUNT_MIN 30

/* In a hundred. Words first, then less room, then a step; and more room where most are glad. */
#define RATE_ADVISED    35 /* below: the reply says that few accept */
#define RATE_HALVED     20 /* below: day and week are halved */
#define RATE_RESTRICTED 10 /* below: a trigger */
#define RATE_RAISED     60 /* from here: day and week are half as large again */

/* --- the ladder ------------------------------------------------------------------------------ */

/* The first step is a pause, the last stays until somebody has looked at it and lifts it. A level
 * without a new step decays by one in LEVEL_DECAY_MS. */
#define LEVEL_MAX 5
#define LEVEL_LENGTH_MS                                                     \
    {                                                                       \
        [1] = DAY_MS, [2] = 3 * DAY_MS, [3] = 7 * DAY_MS, [4] = 30 * DAY_MS \
    }
#define LEVEL_DECAY_MS (30 * DAY_MS)

/* --- notes ----------------------------------------------------------------------------------- */

/* A normalised note below this size has room for a greeting and no more: it is generic. */
#define PERSONAL_SIZE_MIN 20 /* bytes */

/* The same print to so many earlier recipients is a near-duplicate; fewer may happen to anybody. */
#define PRINT_EARLIER 3
#define PRINT_KEPT_MS (30 * DAY_MS)

#endif
