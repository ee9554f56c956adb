#include "core/decide.h"

#include "base/assert.h"
#include "codec/writer.h"
#include "core/restriction.h"

/* --- what the reply says besides the state -------------------------------------------------- */

static enum kith_err
refuse_quota(const struct window_use *use, struct decision *out)
{
    entries_cstr(&out->detail, "window", window_name(use->window));
    entries_uint(&out->detail, "limit", use->limit);
    entries_uint(&out->detail, "used", use->used);
    if (use->next_free_ms)
        entries_time(&out->detail, "next_free_at", use->next_free_ms);
    return KITH_QUOTA_EXCEEDED;
}

static void
tell_quota(const struct request_facts *facts, uint64_t cost, unsigned refunded,
           struct decision *out)
{
    struct window_use use;
    struct entries_inner quota = entries_open(&out->result, "quota");
    if (quota_after(&facts->quota, cost, refunded, out->now_ms, &use)) {
        entries_uint(&out->result, "left", use.left);
        if (use.left == 0)
            entries_time(&out->result, "next_free_at", use.next_free_ms);
    }
    entries_close(&out->result, quota);
}

static bool
is_rarely_accepted(const struct member *sender, msec_t now_ms)
{
    struct rate rate;
    stamps_rate(sender->stamps, 0, now_ms, &rate);
    int percent = rate_percent(&rate);
    return percent >= 0 && percent < RATE_ADVISED;
}

/* How the request could be more welcome: words, and the number of mutual connections. */
static void
tell_advice(const struct request_facts *facts, struct decision *out)
{
    const struct note_facts *note = &facts->note;
    const struct {
        bool given;
        const char *word;
    } rows[] = {
        {note->text.size > 0 && note->generic, "generic"},
        {note->earlier >= PRINT_EARLIER, "duplicate"},
        {note->text.size > 0 && !note->says_name, "no_name"},
        {note->text.size == 0, "no_reason"},
        {facts->hints.profile_not_viewed, "profile_not_viewed"},
        {facts->shares_interests || facts->hints.shares_interests, "shared_interests"},
        {is_rarely_accepted(&facts->who.actor, out->now_ms), "low_acceptance"},
    };
    struct buf *buf = entries_key(&out->result, "advice");
    size_t place = write_open_array(buf);
    uint32_t count = 0;

    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++)
        if (rows[i].given) {
            write_cstr(buf, rows[i].word);
            count++;
        }
    if (facts->mutuals > 0) {
        write_map(buf, 1);
        write_cstr(buf, "mutuals");
        write_uint(buf, facts->mutuals);
        count++;
    }
    write_close_array(buf, place, count);
}

static enum kith_err
tell_connected(const struct request_facts *facts, uint64_t cost, unsigned refunded,
               struct decision *out)
{
    entries_cstr(&out->result, "state", "connected");
    tell_quota(facts, cost, refunded, out);
    tell_advice(facts, out);
    return KITH_OK;
}

/* --- crossing ------------------------------------------------------------------------------- */

static enum kith_err
cross(const struct request_facts *facts, const struct rules *rules, struct decision *out)
{
    if (rules_is_full(rules, &facts->who.actor))
        return KITH_CAP_REACHED;
    if (rules_is_full(rules, &facts->who.other))
        return KITH_PEER_FULL;
    connect_pair(&facts->who, VIA_CROSSING, &facts->asker, rules, out)->note = facts->note.text;
    return tell_connected(facts, 0, 0, out);
}

/* --- asking --------------------------------------------------------------------------------- */

static bool
is_approved(const struct request_facts *facts, msec_t now_ms)
{
    return pair_side_approves(&facts->who.pair.side[!actor_side(&facts->who)], now_ms);
}

/* What the recipient says openly about whose requests he takes. A wrong proof is no refusal: it
 * must not tell whose a contact is. */
static enum kith_err
check_policy(const struct request_facts *facts, msec_t now_ms)
{
    if (is_approved(facts, now_ms))
        return KITH_OK;
    switch (facts->who.other.accept) {
    case ACCEPT_PROOF:
        return facts->proof_given ? KITH_OK : KITH_PROOF_REQUIRED;
    case ACCEPT_MUTUAL:
        return facts->mutuals > 0 ? KITH_OK : KITH_NOT_ACCEPTING;
    case ACCEPT_NOBODY:
        return KITH_NOT_ACCEPTING;
    default: /* everyone, or nothing said */
        return KITH_OK;
    }
}

/* An invite of the actor's has asked already, without his knowing. */
static const struct masked *
find_masked(const struct request_facts *facts, msec_t now_ms)
{
    const struct masked *masked = &facts->who.pair.side[actor_side(&facts->who)].masked;
    return masked_is_live(masked, now_ms) ? masked : NULL;
}

/* Does the recipient never hear of it, while the sender sees nothing unusual? He keeps the request
 * that an invite of the sender's has made already: it takes no room of its own. */
static bool
is_unheard(const struct request_facts *facts, const struct rules *rules, msec_t now_ms)
{
    const struct pair_facts *who = &facts->who;
    const struct masked *masked = find_masked(facts, now_ms);
    unsigned side = actor_side(who);
    uint64_t others = who->other.incoming - (masked && masked->disp == DISP_OPEN);
    return who->pair.side[!side].blocked_seq > 0 ||
           (msec_t)who->pair.side[side].hidden_ms > now_ms ||
           others >= (uint64_t)rules->settings->inbound_max;
}

/* What an invite of the sender's has made already counted when it came, and stays where it is. */
static bool
is_filtered(const struct request_facts *facts, const struct rules *rules, msec_t now_ms)
{
    const struct member *other = &facts->who.other;
    const struct masked *masked = find_masked(facts, now_ms);
    bool unproven =
        other->accept == ACCEPT_PROOF && !facts->proof_matches && !is_approved(facts, now_ms);
    bool many = masked ? masked->filtered : inbound_is_full(rules, other, 0, now_ms);
    return unproven || many;
}

/* Is it accepted the moment it is made? */
static uint64_t
immediate_via(const struct request_facts *facts, const struct rules *rules, msec_t now_ms)
{
    const struct member *other = &facts->who.other;
    if (rules_is_full(rules, other))
        return VIA_NONE;
    if (is_approved(facts, now_ms))
        return VIA_PREAPPROVAL;
    if (other->accept == ACCEPT_PROOF && !facts->proof_matches)
        return VIA_NONE;
    if (other->auto_accept == AUTO_ALL)
        return VIA_POLICY;
    if (other->auto_accept > AUTO_ALL && facts->mutuals >= other->auto_accept - AUTO_MUTUALS)
        return VIA_POLICY;
    return VIA_NONE;
}

/* Does the recipient hear nothing of it: it is a shadow, or he has put it out of sight before? */
static bool
is_quiet(const struct request_facts *facts, bool shadow, msec_t now_ms)
{
    const struct masked *masked = find_masked(facts, now_ms);
    return shadow || (masked && masked->disp != DISP_OPEN);
}

static struct event *
open_request(const struct request_facts *facts, uint64_t cost, bool shadow,
             const struct rules *rules, struct decision *out)
{
    const struct note_facts *note = &facts->note;
    struct event *event = decision_event(out, EVENT_CONNECTION_REQUESTED);
    event->from = facts->who.actor.id;
    event->to = facts->who.other.id;
    const struct masked *masked = find_masked(facts, out->now_ms);
    bool quiet = is_quiet(facts, shadow, out->now_ms);
    event->request = masked ? masked->request : public_id_make(rules->id_key, event->seq);
    event->expires_ms = (uint64_t)(out->now_ms + rules->settings->request_ttl);
    event->note = note->text;
    event->shadow = shadow;
    event->filtered = is_filtered(facts, rules, out->now_ms);
    event->unmetered = !inbound_counts(rules, &facts->who.other);
    event->cost = cost;
    event->costless = cost == 0 && quota_counts(&facts->quota);
    event->counts_note = note->text.size > 0 && facts->quota.limit[WINDOW_NOTE] > 0;
    if (quota_counts(&facts->quota)) {
        event->impersonal = note->generic;
        event->print = note->print;
        event->duplicate = note->earlier >= PRINT_EARLIER;
        event->burst_ms = (uint64_t)quota_burst_next(&facts->quota, cost, out->now_ms);
    }
    event->audience = quiet ? AUDIENCE_FROM : AUDIENCE_FROM | AUDIENCE_TO;
    event->notify = !quiet;
    return event;
}

/* The acceptance that comes with the request: a refund as for any other. Returns the windows in
 * which the request no longer counts, as a set of bits. */
static unsigned
accept_at_once(const struct request_facts *facts, const struct event *requested, uint64_t via,
               const struct rules *rules, struct decision *out)
{
    struct event *event = connect_pair(&facts->who, via, NULL, rules, out);
    event->request = requested->request;
    if (!rules->settings->refund || requested->cost == 0)
        return 0;
    event->refund_day = quota_refunds(&facts->quota, WINDOW_DAY, out->now_ms, out->now_ms);
    event->refund_week = quota_refunds(&facts->quota, WINDOW_WEEK, out->now_ms, out->now_ms);
    return (unsigned)event->refund_day << WINDOW_DAY | (unsigned)event->refund_week << WINDOW_WEEK;
}

/* All that is checked before anything secret is looked at, in the order of the rules. */
static enum kith_err
check_limits(const struct request_facts *facts, uint64_t cost, const struct rules *rules,
             struct decision *out)
{
    const struct pair_facts *who = &facts->who;
    const struct pair_side *side = &who->pair.side[actor_side(who)];
    struct window_use use;

    if ((msec_t)side->cooldown_ms > out->now_ms)
        return refuse_until(out, KITH_COOLDOWN, (msec_t)side->cooldown_ms);
    if (is_restricted(&who->actor, out->now_ms))
        return refuse_restricted(&who->actor, out);
    enum kith_err err = check_policy(facts, out->now_ms);
    if (err != KITH_OK)
        return err;
    if (quota_refuses(&facts->quota, cost, facts->note.text.size > 0, out->now_ms, &use))
        return refuse_quota(&use, out);
    return rules_is_full(rules, &who->actor) ? KITH_CAP_REACHED : KITH_OK;
}

static uint64_t
cost_of(const struct request_facts *facts, const struct rules *rules)
{
    const struct settings *settings = rules->settings;
    if (!quota_counts(&facts->quota))
        return 0;
    if (facts->note.earlier >= PRINT_EARLIER)
        return (uint64_t)settings->cost_duplicate;
    return (uint64_t)(facts->note.generic ? settings->cost_plain : settings->cost_personal);
}

static enum kith_err
ask(const struct request_facts *facts, const struct rules *rules, struct decision *out)
{
    uint64_t cost = cost_of(facts, rules);
    struct evidence evidence = {
        .impersonal = facts->note.generic,
        .duplicate = facts->note.earlier >= PRINT_EARLIER,
        .counted = quota_counts(&facts->quota),
    };
    enum kith_err err = check_limits(facts, cost, rules, out);
    if (err != KITH_OK)
        return err;

    bool shadow = is_unheard(facts, rules, out->now_ms);
    bool quiet = is_quiet(facts, shadow, out->now_ms);
    uint64_t via = quiet ? VIA_NONE : immediate_via(facts, rules, out->now_ms);
    const struct event *event = open_request(facts, cost, shadow, rules, out);
    unsigned refunded = via != VIA_NONE ? accept_at_once(facts, event, via, rules, out) : 0;
    restrict_sender(&facts->who.actor, &evidence, out);
    if (via != VIA_NONE)
        return tell_connected(facts, cost, refunded, out);

    entries_cstr(&out->result, "state", "pending");
    if (!facts->preview)
        entries_id(&out->result, "request", &event->request);
    entries_time(&out->result, "expires_at", (msec_t)event->expires_ms);
    tell_quota(facts, cost, 0, out);
    tell_advice(facts, out);
    return KITH_OK;
}

enum kith_err
decide_request(const struct request_facts *facts, const struct rules *rules, struct decision *out)
{
    assert(out->event_count == 0);
    assert(out->now_ms > 0);
    const struct pair_facts *who = &facts->who;

    enum kith_err err = check_both(who, "from", "to", out);
    if (err != KITH_OK)
        return err;
    if (facts->note.length > (size_t)rules->settings->note_max) {
        entries_uint(&out->detail, "limit", (uint64_t)rules->settings->note_max);
        entries_uint(&out->detail, "used", facts->note.length);
        return refuse_field(out, KITH_NOTE_TOO_LONG, "note");
    }
    if (who->pair.state == PAIR_CONNECTED)
        return KITH_ALREADY_CONNECTED;
    if (pair_is_pending_from(&who->pair, actor_side(who), out->now_ms))
        return refuse_request(out, KITH_ALREADY_PENDING, "request", &who->pair.request);
    if (who->pair.side[actor_side(who)].blocked_seq > 0)
        return KITH_BLOCKED_BY_YOU;
    if (pair_is_pending(&who->pair, out->now_ms))
        return cross(facts, rules, out);
    return ask(facts, rules, out);
}
