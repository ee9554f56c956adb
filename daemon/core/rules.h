/* core/rules.h: what holds for all commands, and the questions that several of them ask.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_RULES_H
#define KITH_CORE_RULES_H

#include "core/rows/member.h"
#include "core/settings.h"

struct rules {
    const struct settings *settings; /* the operator's */
    const uint8_t *id_key;           /* of public ids */
};

/* The limits that hold for @member: those of his tier, or of free if it is no more. */
const struct tier *rules_tier(const struct rules *rules, const struct member *member);

/* Does he hold as many connections as he may? */
bool rules_is_full(const struct rules *rules, const struct member *member);

/* Is his account new at @now_ms, so that lower limits hold? */
bool rules_is_new(const struct rules *rules, const struct member *member, msec_t now_ms);

#endif
