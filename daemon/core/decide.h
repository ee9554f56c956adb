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

/* --- two members (decide_pair.c) ------------------------------------------------------------ */

struct pair_facts {
    struct member actor, other;
    struct pair pair;
};

unsigned actor_side(const struct pair_facts *who);
bool can_act(const struct member *member);

/* Who acts must exist and be active; @field is the argument that names him. */
enum kith_err check_actor(const struct member *actor, const char *field, struct decision *out);
/* And so must the other, where something new is to begin: suspended or closed is as good as
 * absent. */
enum kith_err check_both(const struct pair_facts *who, const char *actor, const char *other,
                         struct decision *out);
/* The other need only be known, where something ends. */
enum kith_err check_ending(const struct pair_facts *who, struct decision *out);

/* The request that is pending between the two ends by what @out holds already: add the event that
 * restricts who sent it, if that is due now. */
void judge_sender(const struct pair_facts *who, bool accepted, const struct rules *rules,
                  struct decision *out);

/* Add the event that connects the two, by the request between them if there is one. @asker: the
 * limits of who sent that request, for a refund; NULL: it is not he who was accepted, and neither
 * is he judged by it. */
struct event *connect_pair(const struct pair_facts *who, uint64_t via,
                           const struct quota_facts *asker, const struct rules *rules,
                           struct decision *out);

/* Say in @event, which ends the request of @pair, in which windows of its sender's it no longer
 * counts. */
void refund_request(struct event *event, const struct pair *pair, const struct quota_facts *asker,
                    msec_t now_ms);

/* Add the event that ends the request between the two, with a cooldown until @cooldown_ms. */
struct event *withdraw_request(const struct pair_facts *who, uint64_t cooldown_ms,
                               const struct rules *rules, struct decision *out);

/* Add the event that ends the actor's masked request, if there is one: @type is withdrawn or
 * expired. Returns NULL if there is none. */
struct event *end_masked(const struct pair_facts *who, enum event_type type, msec_t ended_ms,
                         const struct rules *rules, struct decision *out);

/* Add the event that ends a connection. */
struct event *remove_connection(const struct pair_facts *who, const struct rules *rules,
                                struct decision *out);

/* Fill in from, to and request of the request between the two. */
void name_request(struct event *event, const struct pair_facts *who);

/* --- members (decide_member.c) -------------------------------------------------------------- */

struct profile {
    struct slice name, tier; /* absent: not given */
    uint64_t accept;         /* 0: not given */
    uint64_t auto_accept;    /* AUTO_UNSET: not given */
    struct slice interests;  /* absent: not given */
};

struct register_facts {
    struct member member;
    struct profile profile;
};
enum kith_err decide_register(const struct register_facts *facts, const struct rules *rules,
                              struct decision *out);

struct update_facts {
    struct member member;
    struct profile profile;
    bool name_is_same; /* what is kept already reads so */
};
enum kith_err decide_update(const struct update_facts *facts, const struct rules *rules,
                            struct decision *out);

struct contact_facts {
    struct member member;
    struct slice hash;
    bool owned;     /* it is verified for somebody: */
    uint64_t owner; /* his number */
    struct slice owner_id;
};
enum kith_err decide_verify_contact(const struct contact_facts *facts, struct decision *out);
enum kith_err decide_drop_contact(const struct contact_facts *facts, struct decision *out);

enum kith_err decide_suspend(const struct member *member, struct decision *out);
enum kith_err decide_restore(const struct member *member, struct decision *out);
enum kith_err decide_close(const struct member *member, struct decision *out);
enum kith_err decide_erase(const struct member *member, struct decision *out);

/* @level 0: one more than now. @until_ms 0: for as long as the level says. */
enum kith_err decide_restrict(const struct member *member, uint64_t level, uint64_t reason,
                              msec_t until_ms, struct decision *out);
enum kith_err decide_lift(const struct member *member, struct decision *out);

/* --- block and pre-approval (decide_block.c) ------------------------------------------------ */

enum kith_err decide_block(const struct pair_facts *who, const struct rules *rules,
                           struct decision *out);
/* The same where it is known to be possible: as part of a report. */
enum kith_err block_other(const struct pair_facts *who, const struct rules *rules,
                          struct decision *out);
enum kith_err decide_unblock(const struct pair_facts *who, struct decision *out);

struct preapprove_facts {
    struct pair_facts who;
    struct quota_facts asker; /* the other's limits, if he asks already */
    uint64_t ttl_ms;          /* 0: for ever */
};
enum kith_err decide_preapprove(const struct preapprove_facts *facts, const struct rules *rules,
                                struct decision *out);
enum kith_err decide_unpreapprove(const struct pair_facts *who, struct decision *out);

/* --- connection.request (decide_request.c) -------------------------------------------------- */

struct hints {
    bool profile_not_viewed;
    bool shares_interests; /* the product says so */
};

struct note_facts {
    struct slice text; /* absent: none */
    size_t length;     /* code points after NFC */
    bool generic;      /* absent, or too short to be personal */
    uint64_t print;    /* of the normalised text; 0: none */
    unsigned earlier;  /* other recipients of the same print, up to PRINT_EARLIER */
    bool says_name;    /* it has the recipient's name in it, or he has none */
};

struct request_facts {
    struct pair_facts who; /* the actor asks the other */
    struct note_facts note;
    struct hints hints;
    struct quota_facts quota; /* of the actor */
    struct quota_facts asker; /* of the other, if he asks already */
    uint64_t mutuals;         /* whom both are connected to, as the actor may know it */
    bool shares_interests;    /* by what both profiles say */
    bool proof_given, proof_matches;
    bool preview; /* nothing will be made, so no id is told */
};
enum kith_err decide_request(const struct request_facts *facts, const struct rules *rules,
                             struct decision *out);

/* --- answers (decide_answer.c) -------------------------------------------------------------- */

struct answer_facts {
    struct pair_facts who;    /* the actor answers the other's request */
    struct quota_facts asker; /* the other's limits */
    bool names_request;       /* the command says which request it means: */
    struct public_id request;
};
enum kith_err decide_accept(const struct answer_facts *facts, const struct rules *rules,
                            struct decision *out);
enum kith_err decide_ignore(const struct answer_facts *facts, struct decision *out);
enum kith_err decide_decline(const struct answer_facts *facts, const struct rules *rules,
                             struct decision *out);
enum kith_err decide_report(const struct answer_facts *facts, uint64_t report, bool block,
                            const struct rules *rules, struct decision *out);

/* One of many: declines a request that is open. */
void decline_request(const struct pair_facts *who, const struct rules *rules, struct decision *out);

/* --- endings and the rest (decide_ending.c) ------------------------------------------------- */

struct withdraw_facts {
    struct pair_facts who;    /* the actor takes back what he asked */
    struct quota_facts quota; /* of the actor */
};
enum kith_err decide_withdraw(const struct withdraw_facts *facts, const struct rules *rules,
                              struct decision *out);
enum kith_err decide_remove(const struct pair_facts *who, const struct rules *rules,
                            struct decision *out);

/* A request whose time has come. The actor is who asked. */
void decide_expire(const struct pair_facts *who, const struct rules *rules, struct decision *out);

/* The actor's membership was closed: what stood between the two ends. */
void decide_part(const struct pair_facts *who, const struct rules *rules, struct decision *out);

/* One pair of an import: connects, or not. True if it did. */
bool decide_import(const struct pair_facts *who, uint64_t via, const struct rules *rules,
                   struct decision *out);

struct access_facts {
    struct pair_facts who;
    bool sets_updates, updates, sets_messages, messages;
};
enum kith_err decide_access(const struct access_facts *facts, struct decision *out);
enum kith_err decide_dismiss(const struct pair_facts *who, struct decision *out);
enum kith_err decide_interaction(const struct pair_facts *who, uint64_t interaction,
                                 struct decision *out);

/* --- invites (decide_invite.c) -------------------------------------------------------------- */

/* What the sending of mails depends on. */
struct mail_facts {
    struct slice slots; /* of the inviter */
    struct slice mails; /* of the contact */
    bool suppressed;    /* the contact wants none, of him or of anybody */
};

struct token_facts {
    const uint8_t *key; /* the newest */
    uint64_t number;
};

struct invite_facts {
    struct member member;
    uint64_t kind; /* enum contact_kind */
    uint8_t contact[CONTACT_HASH_SIZE];
    struct invite earlier; /* his latest of the same contact */
    struct pair_facts who; /* he, and the member whose contact it is; the other may be unknown */
    uint64_t mutuals;      /* of these two, where the other's policy asks */
    struct mail_facts mail;
    struct token_facts token;
};
enum kith_err decide_invite(const struct invite_facts *facts, const struct rules *rules,
                            struct decision *out);

/* The same where the contact is the member's own. */
enum kith_err decide_invite_self(const struct member *member, struct decision *out);

struct link_facts {
    struct member member;
    uint64_t max_uses, ttl_ms; /* 0: not said */
    struct slice label;
    bool says_mode, asks;
    struct token_facts token;
};
enum kith_err decide_link(const struct link_facts *facts, const struct rules *rules,
                          struct decision *out);

/* One of a member's own invites. */
struct own_facts {
    struct member member;
    struct invite invite;
    bool replaced;         /* he invited the same contact anew since */
    struct pair_facts who; /* he, and the member whose contact it is; the other may be unknown */
    uint64_t mutuals;
    struct mail_facts mail;
};
enum kith_err decide_resend(const struct own_facts *facts, const struct rules *rules,
                            struct decision *out);
enum kith_err decide_revoke(const struct own_facts *facts, const struct rules *rules,
                            struct decision *out);

/* @who: the inviter, and the member that it was converted for, or nobody. */
void decide_invite_expire(const struct invite *invite, const struct pair_facts *who,
                          const struct rules *rules, struct decision *out);

/* A mail whose moment has come: it is to be sent, or withheld. */
struct delivery_facts {
    struct invite invite;
    struct member inviter;
    struct slice mails; /* of its contact, without this one */
};
void decide_delivery(const struct delivery_facts *facts, const struct rules *rules,
                     struct decision *out);

/* --- conversion (decide_convert.c) ---------------------------------------------------------- */

/* One command or turn converts so many; further ones are filed where they disturb less. */
#define CONVERT_COUNT_MAX 100

struct convert_facts {
    const struct invite *invite; /* active */
    struct pair_facts who;       /* the inviter, and whose contact it is */
    uint64_t mutuals;            /* where the other's policy asks */
    bool late;                   /* beyond the first CONVERT_COUNT_MAX */
    uint64_t asked;              /* so many others ask him by the same command */
    struct slice first_touch;    /* who invited the contact first, if it was verified just now */
};
/* The invite becomes a request that only the other sees, or nothing at all: true if he is asked. */
bool decide_convert(const struct convert_facts *facts, const struct rules *rules,
                    struct decision *out);

/* Does the contact belong to somebody who may be asked? */
bool converts(const struct pair_facts *who);

/* End the masked request that @invite became, if it did and it is still there. @who: the inviter,
 * and the member; he may be unknown. */
void unconvert(const struct invite *invite, const struct pair_facts *who, enum event_type type,
               msec_t ended_ms, const struct rules *rules, struct decision *out);

/* --- what others do with an invite (decide_redeem.c) ----------------------------------------- */

struct redeem_facts {
    struct invite invite;
    bool by_claim;
    bool used;                /* of a link: the actor did before */
    struct pair_facts who;    /* the actor redeems; the other invited him */
    struct pair_facts whose;  /* the inviter, and the member that it was converted for, or nobody */
    struct slice name;        /* absent: none */
    bool contact_given;       /* the redeemer says which contact he has: */
    bool contact_matches;     /* it is the invited one */
    struct slice contact;     /* its hash */
    struct slice owner;       /* whose it was until now; absent: nobody's, or the actor's */
    struct slice first_touch; /* who invited that contact first; may be the inviter */
};
/* *verified is set if the contact is proven to be the actor's. */
enum kith_err decide_redeem(const struct redeem_facts *facts, const struct rules *rules,
                            bool *verified, struct decision *out);

struct holder_facts {
    struct invite invite;
    struct member inviter;
    struct pair_facts who; /* the inviter, and the member that it was converted for, or nobody */
    struct token_facts token;
};
enum kith_err decide_claim(const struct holder_facts *facts, const struct rules *rules,
                           struct decision *out);
enum kith_err decide_decline_invite(const struct holder_facts *facts, uint64_t report,
                                    const struct rules *rules, struct decision *out);
enum kith_err decide_feedback(const struct holder_facts *facts, uint64_t delivery, bool suppressed,
                              struct decision *out);

/* --- the clock (decide_clock.c) ------------------------------------------------------------- */

/* out->now_ms becomes the new time: its event is stamped with it. */
enum kith_err decide_clock(uint64_t ms, struct decision *out);

#endif
