/* core/decide.h: the rules. Facts, command and time in; events or an error out.
 *
 * Every function here is pure: no clock, randomness, I/O, allocation or global. The same facts give
 * the same bytes. Facts are all that a decision may depend on; whatever configuration decides is
 * written into the event, so that replaying never asks again.
 *
 * A refusal leaves @out without events and may leave details in it.
 *
 * Layer: core. Thread: any.
 */
#ifndef KITH_CORE_DECIDE_H
#define KITH_CORE_DECIDE_H

#include "core/decision.h"
#include "core/quota.h"
#include "core/rows/invite.h"
#include "core/rows/member.h"
#include "core/rows/pair.h"
#include "core/rules.h"
#include "proto/error.h"

/* --- members ------------------------------------------------------------------------------- */

struct register_facts {
    struct member member;
    struct slice name, tier; /* absent: not given */
};
enum kith_err decide_register(const struct register_facts *facts, const struct rules *rules,
                              struct decision *out);

struct update_facts {
    struct member member;
    struct slice name, tier;
    bool name_is_same; /* what is kept already reads so */
};
enum kith_err decide_update(const struct update_facts *facts, const struct rules *rules,
                            struct decision *out);

/* --- connections: two members who both exist, or not --------------------------------------- */

struct pair_facts {
    struct member actor, other;
    struct pair pair;
};

struct request_facts {
    struct pair_facts who; /* the actor asks the other */
    struct slice note;     /* absent: none */
    size_t note_length;    /* code points after NFC */
};
enum kith_err decide_request(const struct request_facts *facts, const struct rules *rules,
                             struct decision *out);

struct accept_facts {
    struct pair_facts who;
    bool names_request; /* the command says which request it means: */
    struct public_id request;
};
enum kith_err decide_accept(const struct accept_facts *facts, const struct rules *rules,
                            struct decision *out);

enum kith_err decide_withdraw(const struct pair_facts *who, const struct rules *rules,
                              struct decision *out);
enum kith_err decide_remove(const struct pair_facts *who, const struct rules *rules,
                            struct decision *out);

/* One pair of an import: connects, or not. True if it did. */
bool decide_import(const struct pair_facts *who, uint64_t via, const struct rules *rules,
                   struct decision *out);

/* A request whose time has come. The actor is who asked. */
void decide_expire(const struct pair_facts *who, const struct rules *rules, struct decision *out);

/* --- invites ------------------------------------------------------------------------------- */

struct invite_facts {
    struct member member;
    uint64_t kind; /* enum contact_kind */
    uint8_t contact[CONTACT_HASH_SIZE];
    struct invite earlier;    /* his latest of the same contact */
    const uint8_t *token_key; /* the newest */
    uint64_t token_key_number;
};
enum kith_err decide_invite(const struct invite_facts *facts, const struct rules *rules,
                            struct decision *out);

struct redeem_facts {
    struct invite invite;
    struct pair_facts who;    /* the actor redeems; the other invited him */
    struct slice name;        /* absent: none */
    bool contact_given;       /* the redeemer says which contact he has: */
    bool contact_matches;     /* it is the invited one */
    struct slice first_touch; /* who invited that contact first; may be the inviter */
};
enum kith_err decide_redeem(const struct redeem_facts *facts, const struct rules *rules,
                            struct decision *out);

void decide_invite_expire(const struct invite *invite, struct decision *out);

/* --- the clock ----------------------------------------------------------------------------- */

/* out->now_ms becomes the new time: its event is stamped with it. */
enum kith_err decide_clock(uint64_t ms, struct decision *out);

#endif
