/* The limits on what a member sends. */
#include <time.h>

#include "base/assert.h"
#include "sim/model.h"

#define MINUTE_MS 60000LL
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define WEEK_MS   (7 * DAY_MS)

enum kind { HOUR, DAY, WEEK };
static const msec_t lengths_ms[] = {HOUR_MS, DAY_MS, WEEK_MS};

/* --- limits as they are for this member now ------------------------------------------------- */

static bool
is_new(const struct model *model, int member)
{
    return model->now_ms - model->members[member].since_ms < model->settings.account_new;
}

/* Few acceptances halve the limits of day and week, many make them half as large again. */
static int64_t
by_acceptance(const struct model *model, int member, int64_t limit)
{
    int percent = conduct_percent(model, member, 0);
    if (percent >= 60)
        return limit * 3 / 2;
    return percent >= 0 && percent < 20 ? (limit + 1) / 2 : limit;
}

static int64_t
limit_of(const struct model *model, int member, enum kind kind)
{
    const struct model_tier *tier = model_tier_of(model, member);
    bool new = is_new(model, member);
    if (kind == HOUR)
        return tier->hour;
    if (kind == DAY)
        return by_acceptance(model, member, new ? tier->day_new : tier->day);
    return by_acceptance(model, member, new ? tier->week_new : tier->week);
}

/* --- sliding windows ------------------------------------------------------------------------- */

/* What a stamp counts: until a window's length after its instant, when it no longer does. */
static int64_t
cost_in(const struct model *model, const struct model_stamp *stamp, enum kind kind)
{
    if (stamp->at_ms + lengths_ms[kind] <= model->now_ms)
        return 0;
    bool refunded = (kind == DAY && stamp->refunded_day) || (kind == WEEK && stamp->refunded_week);
    return refunded ? 0 : stamp->cost;
}

/* What costs more than the whole limit fits where nothing is used. */
static int64_t
at_most(int64_t cost, const struct model_window *window)
{
    return cost < window->limit ? cost : window->limit;
}

static void
look_sliding(const struct model *model, int member, enum kind kind, int64_t cost,
             struct model_window *window)
{
    const struct model_member *who = &model->members[member];
    for (unsigned i = 0; i < who->stamp_count; i++)
        window->used += cost_in(model, &who->stamps[i], kind);
    cost = at_most(cost, window);
    window->refuses = cost > 0 && window->used + cost > window->limit;
    int64_t used = window->used;
    for (unsigned i = 0; i < who->stamp_count && used + cost > window->limit; i++) {
        int64_t leaves = cost_in(model, &who->stamps[i], kind);
        if (leaves > 0)
            window->next_free_ms = who->stamps[i].at_ms + lengths_ms[kind];
        used -= leaves;
    }
}

/* --- the burst: one theoretical arrival time -------------------------------------------------- */

static msec_t
arrival_after(const struct model *model, int member, int64_t cost)
{
    msec_t burst_ms = model->members[member].burst_ms;
    msec_t from_ms = burst_ms > model->now_ms ? burst_ms : model->now_ms;
    return from_ms + cost * (MINUTE_MS / model_tier_of(model, member)->burst_rate);
}

static void
look_burst(const struct model *model, int member, int64_t cost, struct model_window *window)
{
    msec_t interval_ms = MINUTE_MS / model_tier_of(model, member)->burst_rate;
    msec_t ahead_ms = model->members[member].burst_ms - model->now_ms;
    cost = at_most(cost, window);
    msec_t fits_ms = arrival_after(model, member, cost) - window->limit * interval_ms;
    window->used = ahead_ms > 0 ? (ahead_ms + interval_ms - 1) / interval_ms : 0;
    window->refuses = cost > 0 && fits_ms > model->now_ms;
    window->next_free_ms = window->refuses ? fits_ms : 0;
}

/* --- months ---------------------------------------------------------------------------------- */

static int64_t
month_of(msec_t at_ms)
{
    struct tm tm;
    time_t seconds = at_ms / 1000;
    gmtime_r(&seconds, &tm);
    return tm.tm_year * 12 + tm.tm_mon;
}

static msec_t
month_begin(int64_t month)
{
    struct tm tm = {.tm_year = (int)(month / 12), .tm_mon = (int)(month % 12), .tm_mday = 1};
    return timegm(&tm) * 1000LL;
}

static void
look_note(const struct model *model, int member, struct model_window *window)
{
    const struct model_member *who = &model->members[member];
    int64_t month = month_of(model->now_ms);
    window->used = who->note_month == month ? who->note_count : 0;
    window->refuses = window->used + 1 > window->limit;
    window->next_free_ms = window->refuses ? month_begin(month + 1) : 0;
}

static void
look_pending(const struct model *model, int member, struct model_window *window)
{
    window->used = model_outgoing(model, member);
    window->refuses = window->used + 1 > window->limit;
    for (unsigned i = 0; i < model_pair_count(model) && window->refuses; i++) {
        const struct model_request *request = &model->pairs[i].request;
        if (request->there && request->from == member &&
            (window->next_free_ms == 0 || request->expires_ms < window->next_free_ms))
            window->next_free_ms = request->expires_ms;
    }
}

/* --- all of them ----------------------------------------------------------------------------- */

unsigned
model_windows(const struct model *model, int member, int64_t cost, bool note,
              struct model_window out[WINDOWS_MAX])
{
    const struct model_tier *tier = model_tier_of(model, member);
    bool new = is_new(model, member);
    struct model_window all[] = {
        {.name = "burst", .limit = tier->burst_rate ? tier->burst : 0, .told = true},
        {.name = "hour", .limit = limit_of(model, member, HOUR), .told = true},
        {.name = "day", .limit = limit_of(model, member, DAY), .told = true},
        {.name = "week", .limit = limit_of(model, member, WEEK), .told = true},
        {.name = "pending", .limit = new ? tier->pending_new : tier->pending},
        {.name = "note", .limit = tier->note},
        {.name = "connections", .limit = tier->connections},
    };
    unsigned count = 0;
    if (all[0].limit)
        look_burst(model, member, cost, &all[0]);
    for (enum kind kind = HOUR; kind <= WEEK; kind++)
        look_sliding(model, member, kind, cost, &all[1 + kind]);
    look_pending(model, member, &all[4]);
    look_note(model, member, &all[5]);
    all[5].refuses &= note;
    all[6].used = model_connections(model, member);
    for (unsigned i = 0; i < ARRAY_COUNT(all); i++)
        if (all[i].limit > 0) {
            all[i].left = all[i].limit > all[i].used ? all[i].limit - all[i].used : 0;
            out[count++] = all[i];
        }
    return count;
}

/* Of several that refuse, the one that frees last is named. */
bool
quota_allows(const struct model *model, int member, int64_t cost, bool note, struct answer *out)
{
    struct model_window windows[WINDOWS_MAX];
    const struct model_window *named = NULL;
    bool tie = false;
    unsigned count = model_windows(model, member, cost, note, windows);

    for (unsigned i = 0; i < count; i++) {
        if (!windows[i].refuses)
            continue;
        tie = named && (windows[i].next_free_ms == named->next_free_ms ||
                        (tie && windows[i].next_free_ms < named->next_free_ms));
        if (!named || windows[i].next_free_ms > named->next_free_ms)
            named = &windows[i];
    }
    if (!named)
        return true;
    refuse(out, "quota_exceeded");
    if (named->next_free_ms)
        expect_num(out, "next_free_at", named->next_free_ms);
    if (!tie) { /* else either may be named */
        expect_str(out, "window", named->name);
        expect_num(out, "limit", named->limit);
        expect_num(out, "used", named->used);
    }
    return false;
}

/* The least that is left, after the command. */
void
quota_tell(const struct model *model, int member, struct answer *out)
{
    struct model_window windows[WINDOWS_MAX];
    unsigned count = model_windows(model, member, 1, false, windows);
    int64_t least = -1;
    for (unsigned i = 0; i < count; i++)
        if (windows[i].told && (least < 0 || windows[i].left < least))
            least = windows[i].left;
    if (least >= 0)
        expect_num(out, "quota.left", least);
}

/* Where none of these limits is on, nothing is counted, and nothing is held against him. */
bool
quota_is_counted(const struct model *model, int member)
{
    struct model_window windows[WINDOWS_MAX];
    unsigned count = model_windows(model, member, 1, false, windows);
    for (unsigned i = 0; i < count; i++)
        if (windows[i].told)
            return true;
    return false;
}

void
quota_take(struct model *model, struct model_request *request, int64_t cost)
{
    struct model_member *who = &model->members[request->from];
    const struct model_tier *tier = model_tier_of(model, request->from);
    int64_t month = month_of(model->now_ms);

    if (request->note && tier->note > 0) {
        who->note_count = who->note_month == month ? who->note_count + 1 : 1;
        who->note_month = month;
    }
    request->cost = cost;
    request->counted = quota_is_counted(model, request->from);
    if (!request->counted)
        return;
    if (tier->burst_rate && tier->burst)
        who->burst_ms = arrival_after(model, request->from, cost);
    else
        who->burst_ms = 0;
    if (who->stamp_count == STAMPS_MAX)
        memmove(who->stamps, who->stamps + 1, --who->stamp_count * sizeof(who->stamps[0]));
    who->stamps[who->stamp_count++] = (struct model_stamp){
        .at_ms = model->now_ms,
        .cost = cost,
        .impersonal = !request->note || request->note->generic,
    };
}

/* Its own stamp no longer counts, but in a window at most half the limit of stamps is given back.
 */
static bool
may_refund(const struct model *model, int member, enum kind kind, msec_t at_ms)
{
    const struct model_member *who = &model->members[member];
    int64_t refunded = 0;
    if (at_ms + lengths_ms[kind] <= model->now_ms)
        return false;
    for (unsigned i = 0; i < who->stamp_count; i++)
        if (who->stamps[i].at_ms + lengths_ms[kind] > model->now_ms)
            refunded += kind == DAY ? who->stamps[i].refunded_day : who->stamps[i].refunded_week;
    return refunded < limit_of(model, member, kind) / 2;
}

/* Stamps of one instant and one cost are all the same. */
static void
end_stamp(struct model *model, const struct model_request *request, bool accepted, bool refund)
{
    struct model_member *who = &model->members[request->from];
    bool day = false, week = false;
    if (refund && request->cost > 0) {
        day = may_refund(model, request->from, DAY, request->created_ms);
        week = may_refund(model, request->from, WEEK, request->created_ms);
    }
    if (!request->counted || (!accepted && !day && !week))
        return;
    for (unsigned i = 0; i < who->stamp_count; i++) {
        struct model_stamp *stamp = &who->stamps[i];
        if (stamp->at_ms != request->created_ms || stamp->cost != request->cost || stamp->ended)
            continue;
        stamp->ended = true;
        stamp->accepted = accepted;
        stamp->refunded_day = day;
        stamp->refunded_week = week;
        return;
    }
}

void
quota_accepted(struct model *model, const struct model_request *request, bool refund)
{
    end_stamp(model, request, true, refund && model->settings.refund);
}

void
quota_withdrawn(struct model *model, const struct model_request *request)
{
    end_stamp(model, request, false, model->settings.refund_withdrawn);
}

/* --- what is received ------------------------------------------------------------------------ */

bool
quota_is_flooded(const struct model *model, int member)
{
    const struct model_member *who = &model->members[member];
    int64_t limit = model_tier_of(model, member)->inbound, count = 0;
    for (unsigned i = 0; i < who->inbound_count; i++)
        count += who->inbound[i] + DAY_MS > model->now_ms;
    return limit > 0 && count >= limit;
}

void
quota_receive(struct model *model, int member)
{
    struct model_member *who = &model->members[member];
    if (model_tier_of(model, member)->inbound == 0)
        return;
    if (who->inbound_count == INBOUND_MAX)
        memmove(who->inbound, who->inbound + 1, --who->inbound_count * sizeof(who->inbound[0]));
    who->inbound[who->inbound_count++] = model->now_ms;
}
