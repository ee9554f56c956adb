#include "core/quota.h"

#include "base/assert.h"

const char *
window_name(enum window window)
{
#define X(id, name) [WINDOW_##id] = name,
    static const char *const names[WINDOW_COUNT] = {WINDOW_LIST(X)};
#undef X
    return names[window];
}

void
quota_load(const struct rules *rules, const struct member *member, msec_t now_ms,
           struct quota_facts *out)
{
    const struct tier *tier = rules_tier(rules, member);
    bool is_new = rules_is_new(rules, member, now_ms);
    struct rate rate;

    *out = (struct quota_facts){.member = member, .rate = tier->connect_rate};
    out->limit[WINDOW_BURST] = tier->connect_rate ? tier->connect_burst : 0;
    out->limit[WINDOW_HOUR] = tier->connect_hour;
    out->limit[WINDOW_DAY] = is_new ? tier->connect_day_new : tier->connect_day;
    out->limit[WINDOW_WEEK] = is_new ? tier->connect_week_new : tier->connect_week;
    out->limit[WINDOW_PENDING] = is_new ? tier->pending_max_new : tier->pending_max;
    out->limit[WINDOW_NOTE] = tier->note_month;
    out->limit[WINDOW_CONNECTIONS] = tier->connections_max;

    stamps_rate(member->stamps, 0, now_ms, &rate);
    int percent = rate_percent(&rate);
    for (enum window window = WINDOW_DAY; window <= WINDOW_WEEK; window++) {
        uint64_t *limit = &out->limit[window];
        if (percent >= RATE_RAISED)
            *limit = *limit * 3 / 2;
        else if (percent >= 0 && percent < RATE_HALVED)
            *limit = (*limit + 1) / 2; /* 1 stays 1: halving never takes all */
    }
}

/* --- the burst ------------------------------------------------------------------------------ */

static msec_t
burst_interval_ms(const struct quota_facts *facts)
{
    return MINUTE_MS / (msec_t)facts->rate;
}

msec_t
quota_burst_next(const struct quota_facts *facts, uint64_t cost, msec_t now_ms)
{
    msec_t arrival_ms = (msec_t)facts->member->burst_ms;
    if (facts->limit[WINDOW_BURST] == 0)
        return 0;
    if (arrival_ms < now_ms)
        arrival_ms = now_ms;
    return arrival_ms + (msec_t)cost * burst_interval_ms(facts);
}

static void
look_burst(const struct quota_facts *facts, uint64_t cost, msec_t now_ms, struct window_use *out)
{
    msec_t interval_ms = burst_interval_ms(facts);
    msec_t ahead_ms = (msec_t)facts->member->burst_ms - now_ms;
    msec_t fits_ms = quota_burst_next(facts, cost, now_ms) - (msec_t)out->limit * interval_ms;

    out->used = ahead_ms > 0 ? (uint64_t)((ahead_ms + interval_ms - 1) / interval_ms) : 0;
    if (fits_ms > now_ms)
        out->next_free_ms = fits_ms;
}

/* --- sliding windows ------------------------------------------------------------------------ */

static const msec_t lengths_ms[WINDOW_COUNT] = {
    [WINDOW_HOUR] = HOUR_MS, [WINDOW_DAY] = DAY_MS, [WINDOW_WEEK] = 7 * DAY_MS};

static unsigned
refund_flag(enum window window)
{
    return window == WINDOW_DAY    ? STAMP_REFUNDED_DAY
           : window == WINDOW_WEEK ? STAMP_REFUNDED_WEEK
                                   : 0; /* what was sent within the hour was sent */
}

static uint64_t
cost_in(struct slice stamps, size_t index, enum window window)
{
    unsigned flags = stamps_flags(stamps, index);
    return flags & refund_flag(window) ? 0 : stamp_cost(flags);
}

static void
look_sliding(const struct quota_facts *facts, uint64_t cost, msec_t now_ms, struct window_use *out)
{
    struct slice stamps = facts->member->stamps;
    msec_t length_ms = lengths_ms[out->window];
    size_t first = stamps_first_within(stamps, length_ms, now_ms);

    for (size_t i = first; i < stamps_count(stamps); i++)
        out->used += cost_in(stamps, i, out->window);
    uint64_t used = out->used;
    for (size_t i = first; i < stamps_count(stamps) && used + cost > out->limit; i++) {
        uint64_t leaves = cost_in(stamps, i, out->window);
        if (leaves > 0)
            out->next_free_ms = stamps_at(stamps, i) + length_ms;
        used -= leaves;
    }
}

bool
quota_refunds(const struct quota_facts *facts, enum window window, msec_t at_ms, msec_t now_ms)
{
    struct slice stamps = facts->member->stamps;
    uint64_t refunded = 0;
    assert(refund_flag(window) != 0);
    if (at_ms + lengths_ms[window] <= now_ms)
        return false;
    size_t first = stamps_first_within(stamps, lengths_ms[window], now_ms);
    for (size_t i = first; i < stamps_count(stamps); i++)
        refunded += (stamps_flags(stamps, i) & refund_flag(window)) != 0;
    return refunded < facts->limit[window] / 2;
}

/* --- what is received ----------------------------------------------------------------------- */

bool
inbound_counts(const struct rules *rules, const struct member *member)
{
    return rules_tier(rules, member)->inbound_day > 0;
}

bool
inbound_is_full(const struct rules *rules, const struct member *member, uint64_t further,
                msec_t now_ms)
{
    uint64_t limit = rules_tier(rules, member)->inbound_day;
    size_t first = stamps_first_within(member->inbound, INBOUND_MS, now_ms);
    return limit > 0 && stamps_count(member->inbound) - first + further >= limit;
}

/* --- months --------------------------------------------------------------------------------- */

/* Days since the epoch to a civil date and back: H. Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms" (https://howardhinnant.github.io/date_algorithms.html), for dates since 1970. */
uint64_t
month_of(msec_t at_ms)
{
    assert(at_ms >= 0);
    uint64_t days = (uint64_t)(at_ms / DAY_MS) + 719468;
    uint64_t era = days / 146097, day_of_era = days % 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t shifted = (5 * day_of_year + 2) / 153; /* from March */
    uint64_t month = shifted < 10 ? shifted + 2 : shifted - 10;
    uint64_t year = year_of_era + era * 400 + (month < 2);
    return year * 12 + month;
}

msec_t
month_start(uint64_t month)
{
    uint64_t year = month / 12, of_year = month % 12; /* 0 is January */
    uint64_t shifted = of_year < 2 ? of_year + 10 : of_year - 2;
    uint64_t from_march = of_year < 2 ? year - 1 : year;
    uint64_t era = from_march / 400, year_of_era = from_march % 400;
    uint64_t day_of_year = (153 * shifted + 2) / 5;
    uint64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (msec_t)(era * 146097 + day_of_era - 719468) * DAY_MS;
}

/* --- all of them ---------------------------------------------------------------------------- */

static void
look_pending(const struct quota_facts *facts, uint64_t cost, msec_t now_ms, struct window_use *out)
{
    (void)now_ms;
    out->used = facts->member->outgoing;
    if (out->used + cost > out->limit)
        out->next_free_ms = facts->pending_ms;
}

static void
look_note(const struct quota_facts *facts, uint64_t cost, msec_t now_ms, struct window_use *out)
{
    const struct member *member = facts->member;
    out->used = member->note_month == month_of(now_ms) ? member->note_count : 0;
    if (out->used + cost > out->limit)
        out->next_free_ms = month_start(month_of(now_ms) + 1);
}

static void
look_connections(const struct quota_facts *facts, uint64_t cost, msec_t now_ms,
                 struct window_use *out)
{
    (void)cost;
    (void)now_ms;
    out->used = facts->member->connections;
}

typedef void look_fn(const struct quota_facts *facts, uint64_t cost, msec_t now_ms,
                     struct window_use *out);

static look_fn *const looks[WINDOW_COUNT] = {[WINDOW_BURST] = look_burst,
                                             [WINDOW_HOUR] = look_sliding,
                                             [WINDOW_DAY] = look_sliding,
                                             [WINDOW_WEEK] = look_sliding,
                                             [WINDOW_PENDING] = look_pending,
                                             [WINDOW_NOTE] = look_note,
                                             [WINDOW_CONNECTIONS] = look_connections};

void
quota_look(const struct quota_facts *facts, enum window window, uint64_t cost, msec_t now_ms,
           struct window_use *out)
{
    assert(window < WINDOW_COUNT);
    *out = (struct window_use){.window = window, .limit = facts->limit[window]};
    if (out->limit == 0)
        return;
    looks[window](facts, cost, now_ms, out);
    out->left = out->limit > out->used ? out->limit - out->used : 0;
}

/* A cost makes a request dear, never impossible: what costs more than the whole limit fits where
 * nothing is used. */
static bool
refuses(const struct quota_facts *facts, enum window window, uint64_t cost, msec_t now_ms,
        struct window_use *use)
{
    uint64_t limit = facts->limit[window];
    if (cost > limit)
        cost = limit;
    quota_look(facts, window, cost, now_ms, use);
    if (cost == 0) /* nothing is asked, or the limit is off */
        return false;
    if (window == WINDOW_BURST)
        return use->next_free_ms > now_ms;
    return use->used + cost > use->limit;
}

bool
quota_refuses(const struct quota_facts *facts, uint64_t cost, bool note, msec_t now_ms,
              struct window_use *out)
{
    bool refused = false;
    for (enum window window = WINDOW_BURST; window <= WINDOW_NOTE; window++) {
        struct window_use use;
        uint64_t costs = window < WINDOW_PENDING ? cost : 1;
        if (window == WINDOW_NOTE && !note)
            continue;
        if (!refuses(facts, window, costs, now_ms, &use))
            continue;
        if (!refused || use.next_free_ms > out->next_free_ms)
            *out = use;
        refused = true;
    }
    return refused;
}

bool
quota_after(const struct quota_facts *facts, uint64_t cost, unsigned refunded, msec_t now_ms,
            struct window_use *out)
{
    bool any = false;
    for (enum window window = WINDOW_BURST; window <= WINDOW_WEEK; window++) {
        struct window_use use;
        uint64_t counted = refunded >> window & 1 ? 0 : cost;
        quota_look(facts, window, counted + 1, now_ms, &use);
        if (use.limit == 0)
            continue;
        use.left = use.left > counted ? use.left - counted : 0;
        if (use.left > 0)
            use.next_free_ms = 0;
        else if (use.next_free_ms == 0) /* the new request itself is what has to leave */
            use.next_free_ms = now_ms + lengths_ms[window];
        bool tighter = !any || use.left < out->left ||
                       (use.left == out->left && use.next_free_ms > out->next_free_ms);
        if (tighter)
            *out = use;
        any = true;
    }
    return any;
}

bool
quota_counts(const struct quota_facts *facts)
{
    for (enum window window = WINDOW_BURST; window <= WINDOW_WEEK; window++)
        if (facts->limit[window] > 0)
            return true;
    return false;
}
