/* Notes that are all alike, haste, reports: what slows a sender down. */
#include "base/assert.h"
#include "sim/model.h"

#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)

/* --- notes ----------------------------------------------------------------------------------- */

/* Has the same gone to three earlier recipients within 30 days? */
static bool
is_duplicate(const struct model *model, int from, int to, const struct note *note)
{
    const struct model_member *who = &model->members[from];
    uint32_t recipients = 0;
    for (unsigned i = 0; i < who->print_count; i++)
        if (note && who->prints[i].print == note->print &&
            who->prints[i].at_ms + 30 * DAY_MS > model->now_ms)
            recipients |= only(who->prints[i].to);
    return __builtin_popcount(recipients & ~only(to)) >= 3;
}

int64_t
conduct_cost(const struct model *model, int from, int to, const struct note *note)
{
    if (!quota_is_counted(model, from))
        return 0;
    if (is_duplicate(model, from, to, note))
        return model->settings.cost_duplicate;
    return note && !note->generic ? model->settings.cost_personal : model->settings.cost_plain;
}

/* --- the ladder ------------------------------------------------------------------------------ */

/* It decays by one in 30 days; the last stays until it is lifted. */
static unsigned
level_now(const struct model *model, const struct model_member *who)
{
    int64_t clean = (model->now_ms - who->level_ms) / (30 * DAY_MS);
    if (who->level == 0 || who->level == 5)
        return who->level;
    return who->level > clean ? who->level - (unsigned)clean : 0;
}

static void
set_level(struct model *model, int member, unsigned level, enum reason reason, msec_t until_ms,
          msec_t evidence_ms, struct answer *out)
{
    static const msec_t lengths_ms[] = {0, DAY_MS, 3 * DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 0};
    struct model_member *who = &model->members[member];
    assert(level >= 1 && level <= 5);
    who->level = level;
    who->level_ms = model->now_ms;
    who->reason = reason;
    who->evidence_ms[reason] = evidence_ms;
    who->until_ms = until_ms ? until_ms : level == 5 ? FOREVER : model->now_ms + lengths_ms[level];
    expect_feeds(out, "quota.restricted", only(member));
}

static void
step_up(struct model *model, int member, enum reason reason, msec_t evidence_ms, struct answer *out)
{
    unsigned level = level_now(model, &model->members[member]);
    set_level(model, member, level < 5 ? level + 1 : 5, reason, 0, evidence_ms, out);
}

bool
model_restricted(const struct model *model, int member)
{
    const struct model_member *who = &model->members[member];
    return who->level > 0 && who->until_ms > model->now_ms;
}

void
conduct_refuse(const struct model *model, int member, struct answer *out)
{
    static const char *const words[REASON_COUNT] = {
        [VELOCITY] = "velocity",   [REPORTS] = "reports", [LOW_ACCEPTANCE] = "low_acceptance",
        [DUPLICATE] = "duplicate", [MANUAL] = "manual",
    };
    const struct model_member *who = &model->members[member];
    refuse(out, "restricted");
    expect_num(out, "level", who->level);
    expect_str(out, "reason", words[who->reason]);
    if (who->until_ms != FOREVER)
        expect_num(out, "until", who->until_ms);
}

void
model_restrict(struct model *model, const struct command *command, struct answer *out)
{
    static const struct {
        const char *word;
        enum reason reason;
    } rows[] = {{"velocity", VELOCITY}, {"duplicate", DUPLICATE}, {"manual", MANUAL}};
    enum reason reason = MANUAL;
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++)
        if (command->reason && strcmp(rows[i].word, command->reason) == 0)
            reason = rows[i].reason;
    if (!model_known(model, command->a)) {
        refuse(out, "no_such_member");
    } else if (model->members[command->a].state == CLOSED) {
        refuse(out, "member_closed");
    } else if (command->until_ms != ABSENT && command->until_ms <= model->now_ms) {
        refuse(out, "bad_argument");
    } else {
        unsigned level = level_now(model, &model->members[command->a]);
        level = level < 5 ? level + 1 : 5;
        if (command->level != ABSENT)
            level = (unsigned)command->level;
        set_level(model, command->a, level, reason,
                  command->until_ms == ABSENT ? 0 : command->until_ms, model->now_ms, out);
    }
}

void
model_lift(struct model *model, const struct command *command, struct answer *out)
{
    struct model_member *who = &model->members[command->a == NOBODY ? 0 : command->a];
    if (!model_known(model, command->a)) {
        refuse(out, "no_such_member");
    } else if (who->state == CLOSED) {
        refuse(out, "member_closed");
    } else if (who->level == 0) {
        expect_noted(out);
    } else {
        who->level = 0;
        expect_feeds(out, "quota.lifted", only(command->a));
    }
}

/* --- evidence -------------------------------------------------------------------------------- */

int
conduct_percent(const struct model *model, int member, msec_t after_ms)
{
    const struct model_member *who = &model->members[member];
    int count = 0, accepted = 0;
    for (unsigned i = who->stamp_count; i > 0 && count < 50; i--) {
        const struct model_stamp *stamp = &who->stamps[i - 1];
        if (stamp->at_ms + 14 * DAY_MS > model->now_ms)
            continue;
        if (stamp->at_ms <= after_ms)
            break;
        count++;
        accepted += stamp->accepted;
    }
    return count < 30 ? -1 : accepted * 100 / count;
}

/* When the youngest of the requests that the rate looks at was sent. */
static msec_t
rate_newest(const struct model *model, const struct model_member *who)
{
    for (unsigned i = who->stamp_count; i > 0; i--)
        if (who->stamps[i - 1].at_ms + 14 * DAY_MS <= model->now_ms)
            return who->stamps[i - 1].at_ms;
    return 0;
}

static bool
is_fresh(const struct model *model, msec_t at_ms, msec_t length_ms, msec_t used_ms)
{
    return at_ms + length_ms > model->now_ms && at_ms > used_ms;
}

/* The request at hand is already among the stamps and prints. */
static bool
is_too_fast(const struct model *model, const struct model_member *who)
{
    unsigned count = 0;
    for (unsigned i = 0; i < who->stamp_count; i++)
        count += who->stamps[i].impersonal &&
                 is_fresh(model, who->stamps[i].at_ms, HOUR_MS, who->evidence_ms[VELOCITY]);
    return count >= 15;
}

static bool
is_too_alike(const struct model *model, const struct model_member *who)
{
    unsigned count = 0;
    for (unsigned i = 0; i < who->print_count; i++)
        count += who->prints[i].duplicate &&
                 is_fresh(model, who->prints[i].at_ms, DAY_MS, who->evidence_ms[DUPLICATE]);
    return count >= 10;
}

/* One trigger is one step, in the same command, and from new evidence only. */
void
conduct_request(struct model *model, const struct model_request *request, struct answer *out)
{
    struct model_member *who = &model->members[request->from];
    const struct note *note = request->note;
    bool duplicate = is_duplicate(model, request->from, request->to, note);
    bool impersonal = !note || note->generic;

    if (!request->counted)
        return;
    if (note && who->print_count == PRINTS_MAX)
        memmove(who->prints, who->prints + 1, --who->print_count * sizeof(who->prints[0]));
    if (note)
        who->prints[who->print_count++] = (struct model_print){.at_ms = model->now_ms,
                                                               .print = note->print,
                                                               .to = request->to,
                                                               .duplicate = duplicate};

    int percent = conduct_percent(model, request->from, who->evidence_ms[LOW_ACCEPTANCE]);
    if (impersonal && is_too_fast(model, who))
        step_up(model, request->from, VELOCITY, model->now_ms, out);
    else if (duplicate && is_too_alike(model, who))
        step_up(model, request->from, DUPLICATE, model->now_ms, out);
    else if (percent >= 0 && percent < 10)
        step_up(model, request->from, LOW_ACCEPTANCE, rate_newest(model, who), out);
}

/* His requests come of age while nothing happens, so that this may be the first to see it. */
void
conduct_end(struct model *model, int sender, struct answer *out)
{
    const struct model_member *who = &model->members[sender];
    int percent = conduct_percent(model, sender, who->evidence_ms[LOW_ACCEPTANCE]);
    if (percent >= 0 && percent < 10 && who->state != CLOSED && quota_is_counted(model, sender))
        step_up(model, sender, LOW_ACCEPTANCE, rate_newest(model, who), out);
}

static bool
has_reported(const struct model *model, const struct model_member *who, int reporter)
{
    for (unsigned i = 0; i < who->report_count; i++)
        if (who->reports[i].reporter == reporter &&
            who->reports[i].at_ms + 90 * DAY_MS > model->now_ms)
            return true;
    return false;
}

static unsigned
count_reports(const struct model *model, const struct model_member *who, const char *kind,
              msec_t length_ms)
{
    unsigned count = 0;
    for (unsigned i = 0; i < who->report_count; i++)
        count += strcmp(who->reports[i].kind, kind) == 0 &&
                 is_fresh(model, who->reports[i].at_ms, length_ms, who->evidence_ms[REPORTS]);
    return count;
}

/* One voice counts once in 90 days. */
void
conduct_report(struct model *model, int sender, int reporter, const char *kind, struct answer *out)
{
    struct model_member *who = &model->members[sender];
    if (has_reported(model, who, reporter))
        return;
    if (who->report_count == REPORTS_MAX)
        memmove(who->reports, who->reports + 1, --who->report_count * sizeof(who->reports[0]));
    who->reports[who->report_count++] =
        (struct model_report){.at_ms = model->now_ms, .reporter = reporter, .kind = kind};
    bool unknown =
        strcmp(kind, "unknown") == 0 && count_reports(model, who, kind, 90 * DAY_MS) >= 5;
    bool spam = strcmp(kind, "spam") == 0 && count_reports(model, who, kind, 30 * DAY_MS) >= 3;
    if (unknown || spam)
        step_up(model, sender, REPORTS, model->now_ms, out);
}
