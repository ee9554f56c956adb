/* The facts of a request besides the two members: the note, the limits, who knows whom. */
#include <xxhash.h>

#include "base/assert.h"
#include "base/endian.h"
#include "core/graph.h"
#include "core/restriction.h"
#include "core/rows/lists.h"
#include "core/text.h"

/* Mutual connections are told up to here; nobody needs to know more to write a better note. */
#define MUTUALS_TOLD_MAX 100
#define MUTUALS_BUDGET   4096

static enum kith_err
load_note(struct call *call, const struct pair_facts *who, struct note_facts *out)
{
    struct core *core = call->core;
    struct buf name = {0}, normal = {0};

    *out = (struct note_facts){.text = args_text(call->args, KITH_ARG_NOTE), .generic = true};
    if (out->text.size == 0)
        return KITH_OK;
    out->length = text_length(out->text);
    text_unseal(core, who->other.id, who->other.name, &name);
    enum kith_err err = text_note(out->text, buf_slice(&name), &normal, &out->says_name);
    if (err == KITH_OK) {
        out->generic = normal.size < PERSONAL_SIZE_MIN;
        out->print = XXH3_64bits(normal.data, normal.size) | 1; /* 0 means none */
        out->earlier =
            prints_earlier(who->actor.prints, out->print, who->other.number, call->now_ms);
    }
    buf_fini(&name);
    buf_fini(&normal);
    return err;
}

static void
load_proof(struct call *call, const struct member *other, struct request_facts *out)
{
    const struct contact_arg *proof = &call->args->value[KITH_ARG_PROOF].contact;
    uint8_t hash[CONTACT_HASH_SIZE];
    struct buf normal = {0};

    out->proof_given = args_has(call->args, KITH_ARG_PROOF);
    if (!out->proof_given)
        return;
    /* What is no contact at all is a wrong proof, and looks like any other. */
    if (text_contact(proof->kind, proof->value, &normal) == KITH_OK) {
        contact_hash(store_secrets(call->core->store)->contact_key, proof->kind, buf_slice(&normal),
                     hash);
        struct slice row = views_get(call->core->views, VIEW_CONTACT, slice_of(hash, sizeof(hash)));
        out->proof_matches = row.size == 4 && get_be32(row.data) == other->number;
    }
    buf_fini(&normal);
}

/* When the first of the requests that wait expires. Only looked up where the limit is reached, and
 * then there are no more rows than the limit. */
static msec_t
first_expiry(struct core *core, const struct member *member)
{
    struct list_key prefix = list_of(member->number);
    struct slice key, value;
    msec_t first_ms = 0;
    struct views_scan *scan =
        views_scan_begin(core->views, VIEW_OUTGOING, list_key_slice(&prefix), (struct slice){0});
    while (views_scan_next(scan, &key, &value)) {
        struct pair pair;
        pair_load_numbers(core->views, member->number, get_be32(value.data), &pair);
        if (first_ms == 0 || (msec_t)pair.expires_ms < first_ms)
            first_ms = (msec_t)pair.expires_ms;
    }
    views_scan_end(scan);
    return first_ms;
}

void
load_quota(struct core *core, const struct member *member, msec_t now_ms, struct quota_facts *out)
{
    quota_load(&core->rules, member, now_ms, out);
    uint64_t limit = out->limit[WINDOW_PENDING];
    if (limit > 0 && member->outgoing >= limit)
        out->pending_ms = first_expiry(core, member);
}

/* Mutual connections are advice, and worth a bounded look; where the recipient's policy asks for
 * them, they are counted as far as it asks. */
static uint64_t
count_mutuals(struct core *core, const struct pair_facts *who)
{
    uint64_t wanted = who->other.accept == ACCEPT_MUTUAL;
    if (who->other.auto_accept > AUTO_MUTUALS)
        wanted = who->other.auto_accept - AUTO_MUTUALS;
    uint64_t found =
        graph_mutuals(core, &who->actor, &who->other, MUTUALS_TOLD_MAX, MUTUALS_BUDGET);
    if (found >= wanted)
        return found;
    return graph_mutuals(core, &who->actor, &who->other, wanted, UINT64_MAX);
}

enum kith_err
load_request(struct call *call, struct request_facts *out)
{
    /* All of it but the first and largest. */
    _Static_assert(offsetof(struct request_facts, who) == 0, "what follows is cleared");
    memset((uint8_t *)out + sizeof(out->who), 0, sizeof(*out) - sizeof(out->who));
    const struct pair_facts *who = &out->who;
    if (!who->actor.known || !who->other.known)
        return KITH_OK; /* refused, whatever else */

    if (args_has(call->args, KITH_ARG_HINTS)) {
        const union arg_value *hints = &call->args->value[KITH_ARG_HINTS];
        out->hints.profile_not_viewed = hints->hints.profile_not_viewed;
        out->hints.shares_interests = hints->hints.shares_interests;
    }
    load_proof(call, &who->other, out);
    load_quota(call->core, &who->actor, call->now_ms, &out->quota);
    if (pair_is_pending(&who->pair, call->now_ms))
        quota_load(&call->core->rules, &who->other, call->now_ms, &out->asker);
    out->shares_interests = interests_shared(who->actor.interests, who->other.interests) > 0;
    out->mutuals = count_mutuals(call->core, who);
    return load_note(call, who, &out->note);
}
